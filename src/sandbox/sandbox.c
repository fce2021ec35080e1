#include "base/num.h"
#include "sandbox/nursery.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSWD_MAX = 8 << 20, TMP_FULL_BYTES = 64 << 10, PLACES = 3 };

static const struct backend *const backends[SANDBOX_BACKEND_COUNT] = {
    [SANDBOX_BUBBLEWRAP] = &backend_bubblewrap,
    [SANDBOX_NONE] = &backend_none,
};

/* ---- opening ---- */

static bool choose_backend(struct sandbox *s, const char *name, struct err *err)
{
    str names[SANDBOX_BACKEND_COUNT];
    for (size_t i = 0; i < SANDBOX_BACKEND_COUNT; i++) {
        names[i] = str_of(backends[i]->name);
        if (!name || strcmp(name, backends[i]->name) == 0) {
            s->backend = backends[i];
            return true;
        }
    }
    err_set(err, "sandbox_unknown", "there is no sandbox backend '%s'", name);
    long near = str_nearest(str_of(name), names, SANDBOX_BACKEND_COUNT);
    if (near >= 0)
        err_hint(err, "did you mean '%s'?", backends[near]->name);
    else
        err_hint(err, "this program has bubblewrap and none");
    return false;
}

static bool take_waivers(struct sandbox *s, const char *const *waivers, struct err *err)
{
    for (; waivers && *waivers; waivers++) {
        const struct sandbox_promise *p = sandbox_find_promise(str_of(*waivers));
        if (!p) {
            err_set(err, "sandbox_waiver", "there is no promise '%s' to waive", *waivers);
            err_hint(err, "plue doctor lists them");
            return false;
        }
        s->waived |= (uint64_t)1 << (p - sandbox_promises);
    }
    return true;
}

/* /etc/passwd alone: asking the C library would load the host's name services into this process. */
static bool user_exists(uint32_t uid, struct buf *ret_name)
{
    auto_buf table = BUF(PASSWD_MAX);
    int64_t id;
    if (fd_read_file(AT_FDCWD, "/etc/passwd", &table))
        return false;
    str text = buf_str(&table), line, name, password, number;
    while (str_next(&text, '\n', &line))
        if (str_next(&line, ':', &name) && str_next(&line, ':', &password) &&
            str_next(&line, ':', &number) && num_parse_int(number, &id) && id == uid) {
            buf_add_str(ret_name, name);
            return true;
        }
    return false;
}

/* Started by root, steps become a user that nobody is. */
static bool choose_user(struct sandbox *s, struct err *err)
{
    auto_buf name = BUF(PASSWD_MAX);
    s->drop = s->backend->id != SANDBOX_NONE && geteuid() == 0;
    s->uid = s->drop ? SANDBOX_HOST_ID : geteuid();
    s->gid = s->drop ? SANDBOX_HOST_ID : getegid();
    if (!s->drop || !user_exists(s->uid, &name))
        return true;
    err_set(err, "sandbox_unavailable",
            "the host's user id %u, which steps run as, belongs to the user '%s'", s->uid,
            buf_c(&name));
    err_hint(err, "give that user another id, or start Plue as an ordinary user");
    return false;
}

static void note(struct sandbox *s, str text)
{
    vec_push(&s->notices, arena_cstr(&s->arena, text));
}

/* A hard promise that is kept late or not at all here is told, never passed over. */
static void note_soft(struct sandbox *s)
{
    for (size_t i = 0; i < sandbox_promise_count; i++) {
        const struct sandbox_promise *p = &sandbox_promises[i];
        if (p->level[s->backend->id] == SANDBOX_HARD && sandbox_level_here(s, p) == SANDBOX_SOFT)
            note(s, arena_printf(&s->arena, "%s %s: %s",
                                 strcmp(p->name, "cpu") == 0
                                     ? "nothing limits the processors that a step uses"
                                     : "each process for itself keeps the limit of",
                                 strcmp(p->name, "cpu") == 0 ? "here" : p->name,
                                 p->remedy ? p->remedy : "this host offers no better"));
    }
    if (s->backend->id == SANDBOX_NONE)
        note(s, STR("steps run without a sandbox: they can read and change whatever you can"));
}

bool sandbox_open(const struct sandbox_options *options, struct sandbox **ret_sandbox,
                  struct err *err)
{
    struct sandbox *s = mem_zalloc(sizeof *s);
    s->seccomp = s->room = -1;
    s->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (options->images_dir)
        s->images_dir = mem_dup(options->images_dir, strlen(options->images_dir));
    if (options->bwrap)
        s->program = mem_dup(options->bwrap, strlen(options->bwrap));
    if (s->null < 0)
        err_errno(err, "sandbox_start", errno, "cannot open /dev/null");
    else if (choose_backend(s, options->backend, err) && take_waivers(s, options->waivers, err) &&
             choose_user(s, err) && s->backend->open(s, err)) {
        note_soft(s);
        *ret_sandbox = s;
        return true;
    }
    sandbox_close(s);
    return false;
}

void sandbox_close(struct sandbox *s)
{
    if (!s)
        return;
    if (s->backend)
        s->backend->close(s);
    fd_close(&s->null);
    free(s->program);
    free(s->images_dir);
    vec_done(&s->notices);
    arena_done(&s->arena);
    free(s);
}

const char *sandbox_name(const struct sandbox *s)
{
    return s->backend->name;
}

bool sandbox_maps_paths(const struct sandbox *s)
{
    return s->backend->maps_paths;
}

bool sandbox_has_networks(const struct sandbox *s)
{
    return s->backend->id != SANDBOX_NONE;
}

bool sandbox_changes_user(const struct sandbox *s)
{
    return s->drop;
}

uint32_t sandbox_host_uid(const struct sandbox *s)
{
    return s->uid;
}

uint32_t sandbox_host_gid(const struct sandbox *s)
{
    return s->gid;
}

size_t sandbox_notices(const struct sandbox *s, const char *const **ret_notices)
{
    *ret_notices = s->notices.at;
    return s->notices.n;
}

/* A link in an image points into the image: that it is there is all that can be said. */
static bool program_exists(const char *root, const char *path)
{
    struct stat st;
    auto_buf full = BUF(PATH_MAX);
    buf_addf(&full, "%s%s", root, path);
    return !full.overflow && lstat(buf_c(&full), &st) == 0 &&
           (S_ISLNK(st.st_mode) || (S_ISREG(st.st_mode) && (st.st_mode & S_IXOTH)));
}

static const char *find_program(const struct sandbox *s, const char *image,
                                const char *const places[PLACES])
{
    auto_buf root = BUF(PATH_MAX);
    if (!s->backend->find_root(s, image, &root))
        return NULL;
    for (size_t i = 0; i < PLACES; i++)
        if (places[i] && program_exists(buf_c(&root), places[i]))
            return places[i];
    return NULL;
}

/* The host's are looked for once: one that goes away meanwhile fails the step by its name. */
const char *sandbox_find_program(struct sandbox *s, const char *image, const char *program)
{
    static const struct {
        const char *name, *places[PLACES];
    } known[SANDBOX_PROGRAMS] = {
        {"bash", {"/usr/bin/bash", "/bin/bash", "/usr/local/bin/bash"}},
        {"sh", {"/bin/sh", "/usr/bin/sh"}},
        {"python3", {"/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"}},
    };
    size_t i = 0;
    while (i < SANDBOX_PROGRAMS && strcmp(program, known[i].name) != 0)
        i++;
    if (i == SANDBOX_PROGRAMS)
        return NULL;
    if (image)
        return find_program(s, image, known[i].places);
    if (!s->programs[i])
        s->programs[i] = find_program(s, NULL, known[i].places);
    return s->programs[i];
}

bool sandbox_waived(const struct sandbox *s, const char *promise)
{
    const struct sandbox_promise *p = sandbox_find_promise(str_of(promise));
    return p && (s->waived >> (p - sandbox_promises) & 1);
}

/* ---- what backends share ---- */

int sandbox_memory_file(const char *name, str contents)
{
    auto_fd fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    int e = fd_write_all(fd, contents.p, contents.n);
    if (e || lseek(fd, 0, SEEK_SET) < 0) {
        errno = e ? e : errno;
        return -1;
    }
    return fd_steal(&fd);
}

int sandbox_reopen(int fd)
{
    auto_buf path = BUF(64);
    buf_addf(&path, "/proc/self/fd/%d", fd);
    return open(buf_c(&path), O_RDONLY | O_CLOEXEC);
}

bool tree_watch(struct sandbox_tree *t, int fd, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(t->poll, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, "sandbox_start", errno, "a sandbox cannot be watched");
    return true;
}

bool tree_process_ended(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

void tree_signal_process(int pidfd, int signal)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

bool tree_advance_reported(struct sandbox_tree *t, struct sandbox_exit *exit)
{
    char report[1 + sizeof(int)];
    if (!tree_process_ended(t->leader_fd))
        return false;
    ssize_t n = read(t->status, report, sizeof report);
    exit->not_started = n > 0 && report[0] == NURSERY_NOT_STARTED && n != sizeof(int);
    t->wait_status = SIGKILL; /* nothing is said where somebody killed the supervisor */
    if (n >= (ssize_t)sizeof(int))
        memcpy(&t->wait_status, report + exit->not_started, sizeof(int));
    exit->exit_code =
        WIFSIGNALED(t->wait_status) ? 128 + WTERMSIG(t->wait_status) : WEXITSTATUS(t->wait_status);
    return true;
}

/* ---- the folders of a run ---- */

static char *dup_path(const char *path)
{
    return path ? mem_dup(path, strlen(path)) : NULL;
}

bool sandbox_space_open(struct sandbox *s, const struct sandbox_space_spec *spec,
                        struct sandbox_space **ret_space, bool *ret_fresh, struct err *err)
{
    struct sandbox_space *p = mem_zalloc(sizeof *p);
    bool fresh = true;
    *p = (struct sandbox_space){.sandbox = s,
                                .workspace = dup_path(spec->workspace),
                                .tmp = dup_path(spec->tmp),
                                .files = dup_path(spec->files),
                                .keeper = dup_path(spec->keeper),
                                .user = -1,
                                .mount = -1,
                                .files_fd = -1,
                                .tmp_fd = -1,
                                .room_fd = -1,
                                .room_users = -1};
    if (!s->backend->space_open(p, spec->tmp_bytes, &fresh, err)) {
        sandbox_space_close(p, false);
        return false;
    }
    *ret_space = p;
    *ret_fresh = fresh;
    return true;
}

int sandbox_space_files(const struct sandbox_space *p)
{
    return p->files_fd;
}

bool sandbox_space_tmp_is_full(const struct sandbox_space *p)
{
    struct statvfs fs;
    return p->tmp_fd >= 0 && fstatvfs(p->tmp_fd, &fs) == 0 &&
           (fs.f_bfree * fs.f_frsize < TMP_FULL_BYTES || fs.f_ffree == 0);
}

const char *sandbox_space_notice(const struct sandbox_space *p)
{
    return p->notice;
}

void sandbox_space_close(struct sandbox_space *p, bool keep)
{
    if (!p)
        return;
    p->sandbox->backend->space_close(p, keep);
    vec_each (network, &p->networks)
        fd_close(network);
    vec_done(&p->networks);
    fd_close(&p->files_fd);
    fd_close(&p->tmp_fd);
    free(p->workspace);
    free(p->tmp);
    free(p->files);
    free(p->keeper);
    free(p->notice);
    free(p);
}

/* ---- one tree ---- */

static bool check_spec(const struct sandbox_spec *spec, struct err *err)
{
    if (!spec->argv || !spec->argv[0] || spec->argv[0][0] != '/')
        return err_set(err, "sandbox_start", "a sandboxed program needs an absolute path");
    if (spec->files && strchr(spec->files, '/'))
        return err_set(err, "sandbox_start", "'%s' cannot name a step's folder", spec->files);
    return true;
}

static bool start(struct sandbox_tree *t, const struct sandbox_spec *spec, int *ret_stdout,
                  int *ret_stderr, struct err *err)
{
    if (spec->stdio) {
        *ret_stdout = *ret_stderr = -1;
        return t->sandbox->backend->start(t, spec, spec->stdio[1], spec->stdio[2], err);
    }
    int out[2], error[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_errno(err, "sandbox_start", errno, "no pipe for a step's output");
    auto_fd out_read = out[0];
    auto_fd out_write = out[1];
    if (pipe2(error, O_CLOEXEC) < 0)
        return err_errno(err, "sandbox_start", errno, "no pipe for a step's output");
    auto_fd err_read = error[0];
    auto_fd err_write = error[1];
    if (fcntl(out_read, F_SETFL, O_NONBLOCK) < 0 || fcntl(err_read, F_SETFL, O_NONBLOCK) < 0)
        return err_errno(err, "sandbox_start", errno, "no descriptor for a sandbox");
    if (!t->sandbox->backend->start(t, spec, out_write, err_write, err))
        return false;
    *ret_stdout = fd_steal(&out_read);
    *ret_stderr = fd_steal(&err_read);
    t->held[0] = fd_steal(&out_write);
    t->held[1] = fd_steal(&err_write);
    return true;
}

static void let_go(struct sandbox_tree *t)
{
    fd_close(&t->held[0]);
    fd_close(&t->held[1]);
}

bool sandbox_start(struct sandbox *s, const struct sandbox_spec *spec,
                   struct sandbox_tree **ret_tree, int *ret_stdout, int *ret_stderr,
                   struct err *err)
{
    if (!check_spec(spec, err))
        return false;
    struct sandbox_tree *t = mem_zalloc(sizeof *t);
    *t = (struct sandbox_tree){.sandbox = s,
                               .poll = -1,
                               .leader_fd = -1,
                               .init_fd = -1,
                               .status = -1,
                               .network = -1,
                               .listener = -1,
                               .held = {-1, -1},
                               .cgroup = CGROUP_INIT};
    if (!start(t, spec, ret_stdout, ret_stderr, err)) {
        sandbox_tree_free(t);
        return false;
    }
    *ret_tree = t;
    return true;
}

int sandbox_take_listener(struct sandbox_tree *t)
{
    return fd_steal(&t->listener);
}

int sandbox_tree_fd(const struct sandbox_tree *t)
{
    return t->poll >= 0 ? t->poll : t->leader_fd;
}

bool sandbox_advance(struct sandbox_tree *t, struct sandbox_exit *ret_exit)
{
    if (t->state != TREE_OVER) {
        if (!t->sandbox->backend->advance(t, &t->exit))
            return false;
        t->state = TREE_OVER;
        let_go(t);
        cgroup_end(&t->sandbox->cgroups, &t->cgroup, &t->exit);
        if (t->network >= 0 && t->network_again)
            vec_push(&t->space->networks, fd_steal(&t->network));
        t->exit.killed = t->killed;
        if (t->exit.exit_code > 128 && t->exit.exit_code < 128 + NSIG)
            t->exit.signal = t->exit.exit_code - 128;
    }
    *ret_exit = t->exit;
    return true;
}

void sandbox_signal(struct sandbox_tree *t, int signal)
{
    if (t->state == TREE_RUNNING)
        t->sandbox->backend->signal(t, signal);
}

void sandbox_tree_free(struct sandbox_tree *t)
{
    struct sandbox_exit exit;
    if (!t)
        return;
    if (t->leader) {
        sandbox_signal(t, SIGKILL);
        while (!sandbox_advance(t, &exit)) {
            struct pollfd p = {.fd = sandbox_tree_fd(t), .events = POLLIN};
            poll(&p, 1, -1);
        }
    }
    let_go(t);
    cgroup_end(&t->sandbox->cgroups, &t->cgroup, &t->exit);
    fd_close(&t->poll);
    fd_close(&t->leader_fd);
    fd_close(&t->init_fd);
    fd_close(&t->status);
    fd_close(&t->listener);
    fd_close(&t->network);
    free(t);
}
