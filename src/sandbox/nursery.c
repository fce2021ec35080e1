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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/nursery.h"

enum { SOCKET = 3, ORDER_FDS = 5, REPLY_FDS = 1 };

/* Behind it the texts, each ended by NUL: the folder, the arguments, the environment. */
struct order {
    uint32_t argc, envc;
};
struct reply {
    pid_t pid;
    int failed; /* an errno */
};

struct supervised {
    char **argv, **env;
    const char *cwd;
    int in, out, err, report;
};

/* ---- messages with descriptors ---- */

static bool send_fds(int socket, const void *data, size_t size, const int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ORDER_FDS)] = {0};
    struct iovec part = {(void *)data, size};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (n) {
        m.msg_control = room;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
    }
    ssize_t done;
    do
        done = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done == (ssize_t)size;
}

/* fds that did not come are -1. False at the end, too. */
static bool receive_fds(int socket, void *data, size_t size, int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ORDER_FDS)];
    struct iovec part = {data, size};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t done;
    do
        done = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (done < 0 && errno == EINTR);
    memset(fds, -1, sizeof(int) * n);
    struct cmsghdr *c = done > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len <= CMSG_LEN(sizeof(int) * n))
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    return done == (ssize_t)size;
}

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

/* The order's texts as execve wants them; NULL where there is no memory. */
static char **read_texts(int memory, struct order *order, char **ret_texts)
{
    off_t size = lseek(memory, 0, SEEK_END);
    char *at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (at == MAP_FAILED)
        return NULL;
    memcpy(order, at, sizeof *order);
    size_t n = (size_t)order->argc + order->envc + 2;
    char **list =
        mmap(NULL, n * sizeof *list, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (list == MAP_FAILED)
        return NULL;
    *ret_texts = at + sizeof *order;
    char *text = *ret_texts + strlen(*ret_texts) + 1;
    for (size_t i = 0; i < n; i++) {
        if (i == order->argc || i == n - 1)
            continue; /* the NULL behind a list */
        list[i] = text;
        text += strlen(text) + 1;
    }
    return list;
}

_Noreturn static void begin_step(const int *fds, pid_t parent)
{
    struct order order;
    char *cwd;
    char **list = read_texts(fds[4], &order, &cwd);
    if (!list)
        _exit(1);
    struct supervised v = {list, list + order.argc + 1, cwd, fds[0], fds[1], fds[2], fds[3]};
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
    for (pid_t self = getpid(); receive_fds(SOCKET, &byte, 1, fds, ORDER_FDS);) {
        int pidfd = -1;
        pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0);
        if (pid == 0)
            begin_step(fds, self);
        struct reply reply = {pid, pid < 0 ? errno : 0};
        for (int i = 0; i < ORDER_FDS; i++)
            close(fds[i]);
        send_fds(SOCKET, &reply, sizeof reply, &pidfd, pid > 0);
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

static int write_order(const struct nursery_step *step)
{
    struct order order = {0};
    auto_buf text = BUF(SIZE_MAX / 2);
    while (step->argv[order.argc])
        order.argc++;
    while (step->env[order.envc])
        order.envc++;
    buf_add(&text, (const char *)&order, sizeof order);
    buf_add(&text, step->cwd, strlen(step->cwd) + 1);
    for (uint32_t i = 0; i < order.argc; i++)
        buf_add(&text, step->argv[i], strlen(step->argv[i]) + 1);
    for (uint32_t i = 0; i < order.envc; i++)
        buf_add(&text, step->env[i], strlen(step->env[i]) + 1);
    return sandbox_memory_file("step", buf_str(&text));
}

bool nursery_start(struct nursery *n, const struct nursery_step *step, pid_t *ret_pid,
                   int *ret_pidfd, struct err *err)
{
    struct reply reply = {0};
    auto_fd memory = write_order(step);
    if (memory < 0)
        return err_errno(err, "sandbox_start", errno, "no memory for a step");
    const int fds[ORDER_FDS] = {step->in, step->out, step->err, step->report, memory};
    if (!send_fds(n->socket, "s", 1, fds, ORDER_FDS) ||
        !receive_fds(n->socket, &reply, sizeof reply, ret_pidfd, REPLY_FDS)) {
        err_errno(err, "sandbox_start", errno, "the process that starts steps does not answer");
        return err_hint(err, "it was killed: start plue again; plue run resume goes on"), false;
    }
    if (reply.pid < 0)
        return err_errno(err, "sandbox_start", reply.failed, "no process can be made for a step");
    *ret_pid = reply.pid;
    return *ret_pidfd >= 0 ||
           err_errno(err, "sandbox_start", EMFILE, "no descriptor for a step's process");
}
