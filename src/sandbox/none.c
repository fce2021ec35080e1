/* No wall. A supervisor, copied from the program, adopts whatever the step leaves behind (it is the
 * subreaper), so that cancel and the step's end reach the whole tree, and so does the death of the
 * program itself. */
#include "base/num.h"
#include "sandbox/sandbox_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILDREN_TEXT_MAX = 1 << 20,
    TREE_DEPTH_MAX = 200,
    STOP_SIGNAL = SIGHUP, /* to the supervisor: end everything now; also when the program died */
};

/* ---- in the copy: the kernel's calls only, other threads' locks are lost ---- */

struct supervised {
    const struct sandbox_spec *spec;
    const char *cwd;
    int in, out, err, report;
};

IN_CHILD static int run_step(void *arg)
{
    const struct supervised *v = arg;
    sigset_t none;
    sigemptyset(&none);
    if (setsid() >= 0 && dup2(v->in, 0) >= 0 && dup2(v->out, 1) >= 0 && dup2(v->err, 2) >= 0 &&
        chdir(v->cwd) == 0 && syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        for (int n = 1; n < NSIG; n++)
            if (n != SIGKILL && n != SIGSTOP)
                signal(n, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(v->spec->argv[0], (char *const *)v->spec->argv, (char *const *)v->spec->env);
    }
    int e = errno;
    const char *text = strerrordesc_np(e);
    if (text) {
        ssize_t done = write(v->err, text, strlen(text));
        done = write(v->err, "\n", 1);
        (void)done;
    }
    ssize_t told = write(v->report, "!", 1);
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

static void supervise(struct supervised *v, pid_t parent)
{
    sigset_t all, wanted;
    int status = 0;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, STOP_SIGNAL);
    signal(SIGCHLD, SIG_DFL);
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, STOP_SIGNAL, 0, 0, 0);
    if (getppid() != parent)
        _exit(128 + SIGKILL);
    pid_t step = spawn_clone(run_step, v, 0, NULL);
    /* The output's end must be the step's, not ours. */
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    syscall(SYS_close_range, 3U, ~0U, 0);
    for (bool ended = step < 0, stopped = false; !ended && !stopped;) {
        stopped = sigwaitinfo(&wanted, NULL) == STOP_SIGNAL;
        int one;
        for (pid_t pid; !ended && (pid = waitpid(-1, &one, WNOHANG)) > 0;)
            if (pid == step) {
                ended = true;
                status = one;
            }
        if (stopped && !ended)
            status = SIGKILL;
    }
    end_children();
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- in the program ---- */

static bool none_start(struct sandbox_tree *t, const struct sandbox_spec *spec, int out, int err_fd,
                       struct err *err)
{
    int pipe_fds[2];
    if (spec->image) {
        err_set(err, "image_missing", "image '%s' needs a sandbox, and there is none", spec->image);
        err_hint(err, "leave --sandbox none out, or image= out of the workflow");
        return false;
    }
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, "sandbox_start", errno, "no pipe for a step");
    t->status = pipe_fds[0];
    auto_fd report = pipe_fds[1];
    auto_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct supervised v = {spec,  spec->cwd ? spec->cwd : spec->space->workspace, null, out, err_fd,
                           report};
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        supervise(&v, parent);
    if (pid < 0)
        return err_errno(err, "sandbox_start", errno, "no process can be made for a step");
    t->leader = pid;
    t->leader_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return true;
}

static bool signal_below(pid_t pid, int signal, int depth);

/* A thread's children are listed with the thread. */
static bool signal_children(const char *path, int signal, int depth)
{
    auto_buf text = BUF(CHILDREN_TEXT_MAX);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    bool any = false;
    if (fd < 0 || fd_read_all(fd, &text))
        return false;
    str list = buf_str(&text), word;
    int64_t child;
    while (str_next(&list, ' ', &word))
        if (num_parse_int(word, &child) && child > 1) {
            signal_below((pid_t)child, signal, depth + 1);
            any = kill((pid_t)child, signal) == 0 || any;
        }
    return any;
}

/* False where the process has no children. */
static bool signal_below(pid_t pid, int signal, int depth)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = depth < TREE_DEPTH_MAX ? opendir(path) : NULL;
    bool any = false;
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, e->d_name);
            any = signal_children(path, signal, depth) || any;
        }
    if (d)
        closedir(d);
    return any;
}

static void none_signal(struct sandbox_tree *t, int signal)
{
    t->killed = t->killed || signal == SIGKILL;
    /* Where there is nobody yet, the step was only about to start. */
    if (signal == SIGKILL || !signal_below(t->leader, signal, 0))
        tree_signal_process(t->leader_fd, STOP_SIGNAL);
}

static bool none_advance(struct sandbox_tree *t, struct sandbox_exit *exit)
{
    char mark;
    if (!tree_process_ended(t->leader_fd))
        return false;
    waitpid(t->leader, &t->wait_status, 0);
    exit->exit_code =
        WIFSIGNALED(t->wait_status) ? 128 + WTERMSIG(t->wait_status) : WEXITSTATUS(t->wait_status);
    exit->not_started = read(t->status, &mark, 1) == 1;
    return true;
}

static bool none_open(struct sandbox *s, struct err *err)
{
    (void)s, (void)err;
    return true;
}

static void none_close(struct sandbox *s)
{
    (void)s;
}

/* The host's folders as they are; /tmp outlives a crash by being one. */
static bool none_space_open(struct sandbox_space *p, int64_t tmp_bytes, bool *ret_fresh,
                            struct err *err)
{
    auto_buf home = BUF(PATH_MAX);
    (void)tmp_bytes;
    buf_addf(&home, "%s/home", p->tmp);
    p->files_fd = p->files ? open(p->files, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (p->files && p->files_fd < 0)
        return err_errno(err, "sandbox_space", errno, "cannot open %s", p->files);
    *ret_fresh = mkdir(buf_c(&home), 0755) == 0;
    return *ret_fresh || errno == EEXIST ||
           err_errno(err, "sandbox_space", errno, "cannot make %s", buf_c(&home));
}

static void none_space_close(struct sandbox_space *p, bool keep)
{
    (void)p, (void)keep;
}

static bool none_find_root(const struct sandbox *s, const char *image, struct buf *root)
{
    (void)s, (void)root;
    return !image;
}

const struct backend backend_none = {
    .name = "none",
    .id = SANDBOX_NONE,
    .open = none_open,
    .close = none_close,
    .space_open = none_space_open,
    .space_close = none_space_close,
    .start = none_start,
    .advance = none_advance,
    .signal = none_signal,
    .find_root = none_find_root,
};
