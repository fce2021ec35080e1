/* The engine's side of warm starts. plue-room is executed from memory: it is a part of this program
 * with no file of its own, and must not find one of somebody else's. */
#include "sandbox/nursery.h"
#include "sandbox/order.h"
#include "sandbox/room.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

enum { NOTICE_MAX = 512 };

_Static_assert((int)ROOM_SEEN_ID == (int)SANDBOX_UID && (int)ROOM_SEEN_ID == (int)SANDBOX_GID &&
                   (int)ROOM_NOT_STARTED == (int)NURSERY_NOT_STARTED,
               "room.h says what sandbox.h and nursery.h say");

extern const char room_program[], room_program_end[]; /* made by scripts/embed-program */

int warm_program(void)
{
    auto_fd fd = memfd_create("plue-room", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("plue-room", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || fd_write_all(fd, room_program, (size_t)(room_program_end - room_program)) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -1;
    return fd_steal(&fd);
}

/* ---- the room ---- */

static bool start_program(struct sandbox_space *p, int socket, struct err *err)
{
    char program[32], number[16], *argv[] = {(char *)"plue-room", number, NULL}, *env[] = {NULL};
    int pidfd, null = p->sandbox->null;
    snprintf(program, sizeof program, "/proc/self/fd/%d", p->sandbox->room);
    snprintf(number, sizeof number, "%d", socket);
    struct spawn sp = {.program = program,
                       .argv = argv,
                       .env = env,
                       .cwd = "/",
                       .in = null,
                       .out = null,
                       .err = null,
                       .keep = {socket},
                       .keep_count = 1,
                       .join_user = -1,
                       .join_mount = -1,
                       .join_network = -1};
    if (!spawn_run(&sp, &p->room, &pidfd, err))
        return false;
    close(pidfd);
    return true;
}

static bool answered(struct sandbox_space *p, const char *task, struct room_reply *reply,
                     int *ret_fd, struct err *err)
{
    if (order_receive(p->room_fd, reply, sizeof *reply, ret_fd, 1) < 0) {
        err_errno(err, "sandbox_start", errno, "the process that starts steps does not answer");
        return err_hint(err, "it was killed: start plue again; plue run resume goes on"), false;
    }
    if (reply->failed)
        return err_errno(err, "sandbox_start", reply->failed, "%s%s", task, reply->what);
    return *ret_fd >= 0 || err_errno(err, "sandbox_start", EMFILE, "no descriptor for a sandbox");
}

static bool open_room(struct sandbox_space *p, struct err *err)
{
    const struct sandbox *s = p->sandbox;
    int ends[2];
    struct room_reply reply;
    struct room_begin begin = {.uid = s->uid,
                               .gid = s->gid,
                               .drop = s->drop,
                               .root = SPACE_HOST,
                               .workspace = SPACE_WORKSPACE,
                               .tmp = SPACE_TMP,
                               .files = SPACE_FILES};
    if (s->room < 0)
        return err_errno(err, "sandbox_start", EPERM, "executing a program from memory");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(err, "sandbox_start", errno, "no socket");
    p->room_fd = ends[0];
    auto_fd theirs = ends[1];
    const int fds[ROOM_BEGIN_FDS] = {p->mount, s->seccomp, p->user};
    if (!start_program(p, theirs, err))
        return false;
    fd_close(&theirs);
    if (!order_send(p->room_fd, &begin, sizeof begin, fds,
                    s->drop ? ROOM_BEGIN_USER : ROOM_BEGIN_FDS))
        return err_errno(err, "sandbox_start", errno,
                         "no message to the process that starts steps");
    return answered(p, "", &reply, &p->room_users, err);
}

void warm_open(struct sandbox_space *p)
{
    auto_err err = ERR_INIT;
    auto_buf text = BUF(NOTICE_MAX);
    if (p->sandbox->warm && !open_room(p, &err)) {
        buf_addf(&text,
                 "each step's sandbox is built anew, since none can be kept ready here: %.*s",
                 STR_ARG(err.message));
        p->notice = buf_take(&text, NULL);
        warm_close(p);
    }
}

/* Killed, since its socket may live on in a copy of this program that somebody forked. */
void warm_close(struct sandbox_space *p)
{
    fd_close(&p->room_fd);
    fd_close(&p->room_users);
    if (p->room) {
        kill(p->room, SIGKILL);
        spawn_wait(p->room);
    }
    p->room = 0;
}

/* ---- a step ---- */

bool warm_can(const struct sandbox_space *p, const struct sandbox_spec *spec)
{
    /* A terminal is the session's own, which bwrap's child makes; nobody waits for its start. */
    return p->room && !spec->image && !spec->stdio && spec->network != SANDBOX_NETWORK_ALL;
}

static bool fill(struct sandbox_tree *t, const struct sandbox_spec *spec, struct room_step *step,
                 struct err *err)
{
    const struct sandbox *s = t->sandbox;
    if (spec->files && strlen(spec->files) >= sizeof step->files)
        return err_set(err, "sandbox_start", "the name of a step's folder is too long");
    if (spec->files)
        strcpy(step->files, spec->files);
    if (!(s->cgroups.controllers & CGROUP_PIDS))
        step->processes = spec->limits.pids;
    if (!(s->cgroups.controllers & CGROUP_MEMORY))
        step->data = (uint64_t)spec->limits.memory_bytes;
    step->network = t->network >= 0;
    return true;
}

bool warm_start(struct sandbox_tree *t, const struct sandbox_spec *spec, int out, int err_fd,
                int report, struct err *err)
{
    static const char *const no_env[] = {NULL};
    struct room_step step = {0};
    struct room_reply reply;
    int fds[ORDER_DESCRIPTORS];
    size_t n = ROOM_FIXED_FDS;
    if (!fill(t, spec, &step, err))
        return false;
    auto_fd order = order_write(spec->cwd ? spec->cwd : "/workspace", spec->argv,
                                spec->env ? spec->env : no_env);
    if (order < 0)
        return err_errno(err, "sandbox_start", errno, "no descriptor for a sandbox");
    fds[ROOM_IN] = t->sandbox->null, fds[ROOM_OUT] = out, fds[ROOM_ERR] = err_fd;
    fds[ROOM_REPORT] = report, fds[ROOM_ORDER] = order;
    if (step.network)
        fds[n++] = t->network;
    for (size_t i = 0; i < t->sandbox->cgroups.n; i++)
        if (t->cgroup.procs[i] >= 0) {
            fds[n++] = t->cgroup.procs[i];
            step.cgroups++;
        }
    if (!order_send(t->space->room_fd, &step, sizeof step, fds, n)) {
        err_errno(err, "sandbox_start", errno, "the process that starts steps is not there");
        return err_hint(err, "it was killed: start plue again; plue run resume goes on"), false;
    }
    if (!answered(t->space, "a step cannot be started: ", &reply, &t->leader_fd, err))
        return false;
    t->leader = reply.pid;
    return true;
}
