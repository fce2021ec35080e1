/* The nursery is a copy of the program from before it grew: it makes the supervisors of steps
 * without a sandbox, since a copy of the grown program for each step costs more than the step. Both
 * call the kernel only: locks of other threads are lost in a copy. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/nursery.h"
#include "sandbox/order.h"

enum { SOCKET = 3, ORDER_FDS = 5, REPLY_FDS = 1 };

struct reply {
    pid_t pid;
    int failed; /* an errno */
};

struct supervised {
    char **argv, **env;
    const char *cwd;
    int in, out, err, report;
};

/* ---- the supervisor ---- */

IN_CHILD static int run_step(void *arg)
{
    const struct supervised *v = arg;
    if (setsid() >= 0 && dup2(v->in, 0) >= 0 && dup2(v->out, 1) >= 0 && dup2(v->err, 2) >= 0 &&
        chdir(v->cwd) == 0 && syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        ioctl(0, TIOCSCTTY, 0); /* fails where it is no terminal, which is fine */
        spawn_default_signals();
        execve(v->argv[0], v->argv, v->env);
    }
    int e = errno;
    const char *text = strerrordesc_np(e);
    if (text) {
        ssize_t done = write(v->err, text, strlen(text));
        done = write(v->err, "\n", 1);
        (void)done;
    }
    char mark = NURSERY_NOT_STARTED;
    ssize_t told = write(v->report, &mark, 1);
    _exit(told == 1 ? 127 : 126);
}

/* Children of the children become ours as those die: until there are none. */
static void end_children(void)
{
    char text[4096];
    for (;;) {
        int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        close(fd);
        pid_t pid = 0;
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else {
                if (pid > 1)
                    kill(pid, SIGKILL);
                pid = 0;
            }
        }
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
            return;
    }
}

/* Runs the step to its end, or until the stop signal; its wait status. */
static int wait_for_step(pid_t step)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, NURSERY_STOP);
    while (step > 0) {
        bool stopped = sigwaitinfo(&wanted, NULL) == NURSERY_STOP;
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == step)
                return status;
        if (stopped)
            return SIGKILL;
    }
    return 126 << 8;
}

_Noreturn static void supervise(struct supervised *v, pid_t parent)
{
    signal(SIGCHLD, SIG_DFL);
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, NURSERY_STOP, 0, 0, 0);
    if (getppid() != parent)
        _exit(1);
    pid_t step = spawn_clone(run_step, v, 0, NULL);
    /* The output's end must be the step's, not ours. */
    int report = dup2(v->report, SOCKET);
    for (int i = 0; i < 3; i++)
        dup2(v->in, i);
    syscall(SYS_close_range, SOCKET + 1U, ~0U, 0);
    int status = wait_for_step(step);
    end_children();
    ssize_t told = write(report, &status, sizeof status);
    _exit(told != sizeof status);
}

_Noreturn static void begin_step(const int *fds, pid_t parent)
{
    struct order_texts t;
    if (!order_read(fds[4], &t))
        _exit(1);
    struct supervised v = {t.argv, t.env, t.cwd, fds[0], fds[1], fds[2], fds[3]};
    supervise(&v, parent);
}

/* ---- the nursery ---- */

_Noreturn static void keep_nursery(int socket, pid_t parent)
{
    sigset_t all;
    int fds[ORDER_FDS];
    char byte;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_IGN); /* supervisors are not waited for: they report */
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent || dup2(socket, SOCKET) < 0)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < SOCKET; i++)
        dup2(null, i);
    syscall(SYS_close_range, SOCKET + 1U, ~0U, 0);
    for (pid_t self = getpid(); order_receive(SOCKET, &byte, 1, fds, ORDER_FDS) >= 0;) {
        int pidfd = -1;
        pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0);
        if (pid == 0)
            begin_step(fds, self);
        struct reply reply = {pid, pid < 0 ? errno : 0};
        for (int i = 0; i < ORDER_FDS; i++)
            close(fds[i]);
        if (!order_send(SOCKET, &reply, sizeof reply, &pidfd, pid > 0))
            break;
        close(pidfd);
    }
    _exit(0);
}

bool nursery_open(struct nursery *n, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(err, "sandbox_start", errno, "no socket for the process of the steps");
    auto_fd ours = ends[0];
    auto_fd theirs = ends[1];
    pid_t parent = getpid();
    n->pid = fork();
    if (n->pid == 0)
        keep_nursery(theirs, parent);
    if (n->pid < 0)
        return err_errno(err, "sandbox_start", errno, "no process can be made for the steps");
    n->socket = fd_steal(&ours);
    return true;
}

void nursery_close(struct nursery *n)
{
    if (n->pid <= 0)
        return;
    fd_close(&n->socket);
    spawn_wait(n->pid);
    n->pid = 0;
}

bool nursery_start(struct nursery *n, const struct nursery_step *step, pid_t *ret_pid,
                   int *ret_pidfd, struct err *err)
{
    struct reply reply = {0};
    auto_fd memory = order_write(step->cwd, step->argv, step->env);
    if (memory < 0)
        return err_errno(err, "sandbox_start", errno, "no memory for a step");
    const int fds[ORDER_FDS] = {step->in, step->out, step->err, step->report, memory};
    if (!order_send(n->socket, "s", 1, fds, ORDER_FDS) ||
        order_receive(n->socket, &reply, sizeof reply, ret_pidfd, REPLY_FDS) < 0) {
        err_errno(err, "sandbox_start", errno, "the process that starts steps does not answer");
        return err_hint(err, "it was killed: start plue again; plue run resume goes on"), false;
    }
    if (reply.pid < 0)
        return err_errno(err, "sandbox_start", reply.failed, "no process can be made for a step");
    *ret_pid = reply.pid;
    return *ret_pidfd >= 0 ||
           err_errno(err, "sandbox_start", EMFILE, "no descriptor for a step's process");
}
