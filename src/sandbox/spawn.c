/* The child of a large program shares its memory until exec (as vfork does), so that nothing is
 * copied. It may therefore call the kernel only: no allocation, no errno-setting wrapper that takes
 * a lock, and no setuid of the C library, which would signal the threads of the parent. */
#include "sandbox/sandbox_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_STACK = 64 << 10,
    LISTEN_BACKLOG = 128,
    CHILD_FILES = 65536, /* soft limit of open files that a step starts with */
};

IN_CHILD static int child_fail(struct spawn *s, const char *what)
{
    s->failed = what;
    s->failed_errno = errno;
    _exit(127);
}

/* Ignored signals survive exec, a program's handlers do not. */
IN_CHILD void spawn_default_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    for (int n = 1; n < NSIG; n++)
        if (n != SIGKILL && n != SIGSTOP)
            sigaction(n, &sa, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

IN_CHILD static void child_write(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t done = write(fd, text, n);
        (void)done; /* a preference, not a promise */
        close(fd);
    }
}

IN_CHILD static void child_limits(struct spawn *s)
{
    /* No core file; and 1, not 0, for a core_pattern that is a program of the host. */
    struct rlimit files, core = {1, 1};
    if (setrlimit(RLIMIT_CORE, &core) < 0)
        child_fail(s, "limiting core files");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < CHILD_FILES ? files.rlim_max : CHILD_FILES;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* When the machine runs out of memory, a step goes before the program that keeps the runs. */
    child_write("/proc/self/oom_score_adj", "500", 3);
    umask(022);
}

IN_CHILD static void child_descriptors(struct spawn *s)
{
    if (dup2(s->in, 0) < 0 || dup2(s->out, 1) < 0 || dup2(s->err, 2) < 0)
        child_fail(s, "placing stdin, stdout and stderr");
    ioctl(0, TIOCSCTTY, 0); /* fails where it is no terminal, which is fine */
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        child_fail(s, "closing descriptors (close_range needs Linux 5.11)");
    for (size_t i = 0; i < s->keep_count; i++)
        if (fcntl(s->keep[i], F_SETFD, 0) < 0)
            child_fail(s, "keeping a descriptor");
}

IN_CHILD static int child_main(void *arg)
{
    struct spawn *s = arg;
    if (setsid() < 0)
        child_fail(s, "setsid");
    for (size_t i = 0; i < s->cgroup_count; i++)
        if (s->cgroup_procs[i] >= 0 && write(s->cgroup_procs[i], "0", 1) != 1)
            child_fail(s, "entering the control group");
    child_limits(s);
    if ((s->join_user >= 0 && setns(s->join_user, CLONE_NEWUSER) < 0) ||
        (s->join_mount >= 0 && setns(s->join_mount, CLONE_NEWNS) < 0))
        child_fail(s, "entering the run's folders");
    if (s->join_network >= 0 && setns(s->join_network, CLONE_NEWNET) < 0)
        child_fail(s, "entering the step's network");
    child_descriptors(s);
    if (s->drop) {
        if (syscall(SYS_setgroups, 0, NULL) < 0)
            child_fail(s, "giving up groups");
        if (syscall(SYS_setresgid, s->gid, s->gid, s->gid) < 0)
            child_fail(s, "changing the group id");
        if (syscall(SYS_setresuid, s->uid, s->uid, s->uid) < 0)
            child_fail(s, "changing the user id");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        child_fail(s, "no_new_privs");
    if (s->cwd && chdir(s->cwd) < 0)
        child_fail(s, "entering its folder");
    spawn_default_signals();
    execve(s->program, s->argv, s->env);
    return child_fail(s, "executing it");
}

/* All signals are blocked meanwhile, since a handler of the parent must not run in the child. A
 * change of user in the child makes the shared memory undumpable for the parent too: that is put
 * back. */
pid_t spawn_clone(int (*main)(void *), void *arg, int flags, int *ret_pidfd)
{
    sigset_t all, before;
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return -1;
    int dumpable = prctl(PR_GET_DUMPABLE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid =
        clone(main, stack + CHILD_STACK, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, arg, ret_pidfd);
    int saved = errno;
    if (dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, CHILD_STACK);
    errno = saved;
    return pid;
}

int spawn_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

bool spawn_run(struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
    auto_fd pidfd = -1;
    s->failed = NULL;
    pid_t pid = spawn_clone(child_main, s, CLONE_PIDFD, &pidfd);
    if (pid < 0)
        return err_errno(err, "sandbox_start", errno, "no process can be made for %s", s->program);
    if (s->failed) {
        spawn_wait(pid);
        return err_errno(err, "sandbox_start", s->failed_errno, "cannot start %s: %s", s->program,
                         s->failed);
    }
    *ret_pid = pid;
    *ret_pidfd = fd_steal(&pidfd);
    return true;
}

struct try_namespaces {
    bool drop;
    uint32_t uid, gid;
};

IN_CHILD static int try_main(void *arg)
{
    const struct try_namespaces *t = arg;
    if (t->drop && (syscall(SYS_setgroups, 0, NULL) < 0 ||
                    syscall(SYS_setresgid, t->gid, t->gid, t->gid) < 0 ||
                    syscall(SYS_setresuid, t->uid, t->uid, t->uid) < 0))
        _exit(errno);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                CLONE_NEWNET) < 0)
        _exit(errno);
    _exit(0);
}

int spawn_try_namespaces(bool drop, uint32_t uid, uint32_t gid)
{
    struct try_namespaces t = {drop, uid, gid};
    pid_t pid = spawn_clone(try_main, &t, 0, NULL);
    if (pid < 0)
        return errno;
    int status = spawn_wait(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

struct make_network {
    int join_user, namespace, listener;
    uint16_t port;
    const char *failed;
    int failed_errno;
};

IN_CHILD static void network_fail(struct make_network *n, const char *what)
{
    n->failed = what;
    n->failed_errno = errno;
    _exit(127);
}

/* Shares the parent's table of descriptors: what it opens is the parent's. */
IN_CHILD static int network_main(void *arg)
{
    struct make_network *n = arg;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(n->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    if (n->join_user >= 0 && setns(n->join_user, CLONE_NEWUSER) < 0)
        network_fail(n, "entering the run's users");
    if (unshare(CLONE_NEWNET) < 0)
        network_fail(n, "making a network namespace");
    n->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->listener < 0 || ioctl(n->listener, SIOCSIFFLAGS, &lo) < 0)
        network_fail(n, "starting its loopback");
    if (!n->port) {
        close(n->listener);
        n->listener = -1;
        /* Its next step finds the ports as free as its first did. */
        child_write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0", 1);
    } else if (setsockopt(n->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
               bind(n->listener, (struct sockaddr *)&at, sizeof at) < 0 ||
               listen(n->listener, LISTEN_BACKLOG) < 0)
        network_fail(n, "listening in it");
    n->namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (n->namespace < 0)
        network_fail(n, "opening it");
    _exit(0);
}

bool spawn_make_network(int join_user, uint16_t port, int *ret_namespace, int *ret_listener,
                        struct err *err)
{
    struct make_network n = {.join_user = join_user, .namespace = -1, .listener = -1, .port = port};
    pid_t pid = spawn_clone(network_main, &n, CLONE_FILES, NULL);
    int e = errno;
    if (pid > 0)
        spawn_wait(pid);
    if (pid > 0 && !n.failed && n.namespace >= 0) {
        *ret_namespace = n.namespace;
        *ret_listener = n.listener;
        return true;
    }
    fd_close(&n.namespace);
    fd_close(&n.listener);
    return err_errno(err, "sandbox_start", pid > 0 ? n.failed_errno : e,
                     "a step's network cannot be made: %s",
                     pid > 0 && n.failed ? n.failed : "no process can be made");
}

struct signal_namespace {
    int pidfd, signal, result;
    bool join_user;
    char *stack_end;
};

/* In the namespace: the kernel signals all but the caller and the first process at once, so that
 * no fork can slip through. */
IN_CHILD static int signal_inner(void *arg)
{
    struct signal_namespace *n = arg;
    n->result = kill(-1, n->signal) < 0 ? errno : 0;
    _exit(0);
}

IN_CHILD static int signal_main(void *arg)
{
    struct signal_namespace *n = arg;
    if (setns(n->pidfd, CLONE_NEWPID | (n->join_user ? CLONE_NEWUSER : 0)) < 0) {
        n->result = errno;
        _exit(0);
    }
    /* Only children are in the namespace that was joined. */
    int pid = clone(signal_inner, n->stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, n);
    if (pid < 0)
        n->result = errno;
    else
        waitpid(pid, NULL, 0);
    _exit(0);
}

int spawn_signal_namespace(int pidfd, bool join_user, int signal)
{
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    struct signal_namespace n = {
        .pidfd = pidfd, .signal = signal, .join_user = join_user, .stack_end = stack + CHILD_STACK};
    pid_t pid = spawn_clone(signal_main, &n, 0, NULL);
    int e = errno;
    if (pid > 0)
        spawn_wait(pid);
    munmap(stack, CHILD_STACK);
    return pid < 0 ? e : n.result;
}
