/* No wall. The nursery's supervisors see to it that a step's end, cancel and the death of the
 * program reach the whole tree. */
#include "base/num.h"
#include "sandbox/nursery.h"
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
};

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
    const struct nursery_step step = {.argv = spec->argv,
                                      .env = spec->env,
                                      .cwd = spec->cwd ? spec->cwd : spec->space->workspace,
                                      .in = spec->stdio ? spec->stdio[0] : t->sandbox->null,
                                      .out = out,
                                      .err = err_fd,
                                      .report = report};
    return nursery_start(t->sandbox->nursery, &step, &t->leader, &t->leader_fd, err);
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
        tree_signal_process(t->leader_fd, NURSERY_STOP);
}

static bool none_open(struct sandbox *s, struct err *err)
{
    s->nursery = mem_zalloc(sizeof *s->nursery);
    return nursery_open(s->nursery, err);
}

static void none_close(struct sandbox *s)
{
    if (s->nursery)
        nursery_close(s->nursery);
    free(s->nursery);
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
    .advance = tree_advance_reported,
    .signal = none_signal,
    .find_root = none_find_root,
};
