/* One step. Its first process (pid 1) makes the last of the room the step's own, starts it, says
 * how it ended, and ends; the kernel then ends whatever the step left behind. The step's own
 * process is in a user namespace below the one that owns the room: whatever it did, it has no say
 * there. */
#include "sandbox/room_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_STACK = 64 << 10 };

struct step {
    const struct room *room;
    const struct room_step *told;
    const int *fds;
    struct order_texts texts;
    const char *failed; /* written by the step's process before it executes anything */
    int failed_errno;
};

/* ---- what is the step's alone, by its first process ---- */

static bool live_no_longer_than_the_room(struct step *s)
{
    struct pollfd room = {.fd = s->room->self, .events = POLLIN};
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (poll(&room, 1, 0) == 1)
        _exit(1);
    return true;
}

static bool enter_its_groups(struct step *s)
{
    const int *doors = s->fds + ROOM_FIXED_FDS + s->told->network;
    for (uint32_t i = 0; i < s->told->cgroups; i++)
        if (write(doors[i], "0", 1) != 1)
            return false;
    return unshare(CLONE_NEWCGROUP) == 0 || errno == EINVAL; /* a kernel without them */
}

static bool enter_its_network(struct step *s)
{
    return !s->told->network || setns(s->fds[ROOM_FIXED_FDS], CLONE_NEWNET) == 0;
}

/* The folder that holds all steps' is taken away, not only covered. */
static bool show_its_files(struct step *s)
{
    char path[ROOM_NAME_BYTES + 8];
    int own = -1;
    snprintf(path, sizeof path, "/plue/%s", s->told->files);
    if (s->told->files[0] &&
        (own = (int)syscall(SYS_open_tree, AT_FDCWD, path,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW)) < 0)
        return false;
    if (umount2("/plue", MNT_DETACH) < 0)
        return false;
    return own < 0 ||
           (syscall(SYS_move_mount, own, "", AT_FDCWD, "/plue", MOVE_MOUNT_F_EMPTY_PATH) == 0 &&
            close(own) == 0);
}

static bool mount_its_proc(struct step *s)
{
    (void)s;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

static bool mount_its_terminals(struct step *s)
{
    (void)s;
    return mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                 "newinstance,ptmxmode=0666,mode=620") == 0;
}

static bool mount_its_shm(struct step *s)
{
    (void)s;
    return mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV,
                 "mode=1777,size=" ROOM_SHM_BYTES) == 0;
}

/* ---- what it may do, by its own process ---- */

static bool become_a_session(struct step *s)
{
    (void)s;
    return setsid() >= 0;
}

/* No limit of namespaces below it can be raised without a capability, and it has none. */
static bool make_its_users(struct step *s)
{
    (void)s;
    if (unshare(CLONE_NEWUSER) < 0)
        return false;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    bool good = room_map_self("/proc/self/uid_map", ROOM_SEEN_ID, ROOM_SEEN_ID) &&
                room_map_self("/proc/self/gid_map", ROOM_SEEN_ID, ROOM_SEEN_ID);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return good && room_write("/proc/sys/user/max_user_namespaces", "0");
}

static bool place_its_streams(struct step *s)
{
    return dup2(s->fds[ROOM_IN], 0) >= 0 && dup2(s->fds[ROOM_OUT], 1) >= 0 &&
           dup2(s->fds[ROOM_ERR], 2) >= 0 &&
           syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool limit_each_process(struct step *s)
{
    struct rlimit processes = {s->told->processes, s->told->processes};
    struct rlimit data = {s->told->data, s->told->data};
    return (!s->told->processes || setrlimit(RLIMIT_NPROC, &processes) == 0) &&
           (!s->told->data || setrlimit(RLIMIT_DATA, &data) == 0);
}

bool room_drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return false;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &head, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool give_up_capabilities(struct step *s)
{
    (void)s;
    return room_drop_capabilities();
}

static bool enter_its_folder(struct step *s)
{
    return chdir(s->texts.cwd) == 0;
}

static bool refuse_calls(struct step *s)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &s->room->filter) == 0;
}

/* Its first process and the room wait for theirs with these blocked. */
static bool take_signals(struct step *s)
{
    sigset_t none;
    (void)s;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool execute(struct step *s)
{
    execve(s->texts.argv[0], s->texts.argv, s->texts.env);
    return false;
}

/* ---- the order ---- */

struct layer {
    const char *what; /* "cannot WHAT" */
    bool (*lay)(struct step *s);
};

static const struct layer around[] = {
    {"live with its room", live_no_longer_than_the_room},
    {"enter its control group", enter_its_groups},
    {"enter its network", enter_its_network},
    {"show its own files at /plue", show_its_files},
    {"mount /proc", mount_its_proc},
    {"mount /dev/pts", mount_its_terminals},
    {"mount /dev/shm", mount_its_shm},
};

static const struct layer within[] = {
    {"become a session", become_a_session},
    {"make its user namespace", make_its_users},
    {"place stdin, stdout and stderr", place_its_streams},
    {"limit its processes", limit_each_process},
    {"give up capabilities", give_up_capabilities},
    {"enter its folder", enter_its_folder},
    {"refuse system calls", refuse_calls},
    {"take signals", take_signals},
    {"execute", execute},
};

static bool lay(struct step *s, const struct layer *layers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!layers[i].lay(s)) {
            s->failed_errno = errno;
            s->failed = layers[i].what;
            return false;
        }
    return true;
}

static int step_main(void *arg)
{
    lay(arg, within, sizeof within / sizeof *within);
    _exit(127);
}

/* ---- its first process ---- */

static void say(struct step *s, const char *subject)
{
    char line[512];
    const char *why = strerrordesc_np(s->failed_errno);
    int n = snprintf(line, sizeof line, "plue: cannot %s%s%s: %s\n", s->failed, *subject ? " " : "",
                     subject, why ? why : "unknown error");
    ssize_t done = write(s->fds[ROOM_ERR], line, (size_t)(n < (int)sizeof line ? n : 0));
    (void)done;
}

static const char *subject_of(const struct step *s)
{
    if (strcmp(s->failed, "execute") == 0)
        return s->texts.argv[0];
    return strcmp(s->failed, "enter its folder") == 0 ? s->texts.cwd : "";
}

_Noreturn static void report(int fd, bool started, int status)
{
    char bytes[1 + sizeof status] = {ROOM_NOT_STARTED};
    memcpy(bytes + 1, &status, sizeof status);
    ssize_t done = started ? write(fd, bytes + 1, sizeof status) : write(fd, bytes, sizeof bytes);
    _exit(done < 0);
}

/* Only the report stays open: the output's end is the step's, and so are its descriptors. */
static int keep_report(const struct step *s)
{
    int fd = fcntl(s->fds[ROOM_REPORT], F_DUPFD_CLOEXEC, 3);
    if (fd < 0 || dup2(fd, 0) < 0)
        _exit(1);
    syscall(SYS_close_range, 1U, ~0U, 0);
    return 0;
}

/* TERM from outside of the namespace, whose processes are all 0 here, is for every process of the
 * step: the kernel's "all but me" misses none. One of the step's own is nothing to us. */
static void wait_for(pid_t step, int *ret_status)
{
    sigset_t wanted;
    room_signals(&wanted);
    for (;;) {
        siginfo_t from;
        int got = sigwaitinfo(&wanted, &from);
        if (got == SIGTERM && from.si_code == SI_USER && from.si_pid == 0)
            kill(-1, SIGTERM);
        for (pid_t ended; (ended = waitpid(-1, ret_status, WNOHANG)) > 0;)
            if (ended == step)
                return;
    }
}

void room_live(const struct room *r, const struct room_step *told, const int *fds)
{
    static char stack[STEP_STACK] __attribute__((aligned(16)));
    struct step s = {.room = r, .told = told, .fds = fds};
    int status = 127 << 8;
    signal(SIGCHLD, SIG_DFL);
    close(r->socket);
    if (!order_read(fds[ROOM_ORDER], &s.texts))
        _exit(1);
    bool good = lay(&s, around, sizeof around / sizeof *around);
    pid_t pid =
        good ? clone(step_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &s) : -1;
    if (good && pid < 0) {
        s.failed_errno = errno;
        s.failed = "make its process";
    }
    if (s.failed)
        say(&s, subject_of(&s));
    int to = keep_report(&s);
    if (s.failed || !room_drop_capabilities())
        report(to, false, status);
    wait_for(pid, &status);
    report(to, true, status);
}
