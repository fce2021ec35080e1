/* plue-room: makes the root that steps stand in, and starts them. */
#include "sandbox/room_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEP_FDS = ORDER_DESCRIPTORS };

/* The step's own: pid, mounts, ipc, host name. Its network is entered, its users and control groups
 * are made when it is in its group. */
#define STEP_NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)

static bool read_filter(struct room *r, int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    void *at = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED)
        return false;
    r->filter = (struct sock_fprog){
        .len = (unsigned short)((size_t)size / sizeof *r->filter.filter), .filter = at};
    return true;
}

static bool reply(const struct room *r, const struct room_reply *reply, int fd)
{
    return order_send(r->socket, reply, sizeof *reply, &fd, fd >= 0);
}

static bool begin(struct room *r)
{
    struct room_begin b;
    int fds[ROOM_BEGIN_FDS], users = -1;
    struct room_reply answer = {0};
    if (order_receive(r->socket, &b, sizeof b, fds, ROOM_BEGIN_FDS) < 0)
        return false;
    const char *failed = read_filter(r, fds[ROOM_BEGIN_SECCOMP]) ? NULL : "reading the filter";
    if (!failed)
        failed = room_enter(&b, fds, &users);
    r->self = failed ? -1 : (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (!failed && r->self < 0)
        failed = "looking at itself";
    if (failed)
        answer.failed = errno ? errno : EPERM;
    snprintf(answer.what, sizeof answer.what, "%s", failed ? failed : "");
    for (int i = 0; i < ROOM_BEGIN_FDS; i++)
        close(fds[i]);
    bool told = reply(r, &answer, failed ? -1 : users);
    close(users);
    return told && !failed;
}

static bool start_step(const struct room *r)
{
    struct room_step s;
    int fds[STEP_FDS], pidfd = -1;
    int came = order_receive(r->socket, &s, sizeof s, fds, STEP_FDS);
    if (came < 0)
        return false;
    struct room_reply answer = {.failed = EPROTO};
    if (came == ROOM_FIXED_FDS + s.network + (int)s.cgroups) {
        answer.pid = (pid_t)syscall(SYS_clone, STEP_NAMESPACES | CLONE_PIDFD | SIGCHLD, NULL,
                                    &pidfd, NULL, 0);
        answer.failed = answer.pid < 0 ? errno : 0;
    }
    if (answer.pid == 0 && !answer.failed)
        room_live(r, &s, fds);
    if (answer.failed)
        strcpy(answer.what, "making its namespaces");
    for (int i = 0; i < STEP_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    bool told = reply(r, &answer, pidfd);
    close(pidfd);
    return told;
}

void room_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGCHLD);
}

/* Nobody waits for a step's first process: it reports, and the kernel forgets it. When the engine
 * dies, the socket ends, and with us every step. */
int main(int argc, char **argv)
{
    struct room r = {.socket = argc == 2 ? atoi(argv[1]) : -1, .self = -1};
    prctl(PR_SET_NAME, "plue-room");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (fcntl(r.socket, F_SETFD, FD_CLOEXEC) < 0)
        return 2;
    sigset_t blocked;
    room_signals(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGCHLD, SIG_IGN);
    if (begin(&r))
        while (start_step(&r))
            continue;
    return 0;
}
