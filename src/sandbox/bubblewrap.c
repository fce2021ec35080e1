/* Steps through bwrap(1). All of its options go through a memory file (--args), so that no value of
 * the environment stands on a command line. bwrap resolves the path of what it binds, by descriptor
 * or not, as the user that it runs as: that is why a run's folders are shown to it in a mount
 * namespace (space.c). bwrap's reports (--json-status-fd) tell the first process
 * of the pid namespace, whose death is the death of the whole tree, and whether the program was
 * executed at all. */
#include "base/num.h"
#include "sandbox/args.h"
#include "sandbox/room.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ARGS_MAX = 8 << 20,
    ENV_MAX = 2000, /* bwrap takes at most 9000 arguments */
    PATH_TEXT_MAX = 4096,
};

/* ---- one start ---- */

static bool check_env(const char *const *env, struct err *err)
{
    for (size_t i = 0; env && env[i]; i++) {
        if (!strchr(env[i], '=') || env[i][0] == '=')
            return err_set(err, "sandbox_env", "environment entry %zu is not NAME=value", i + 1);
        if (i == ENV_MAX)
            return err_set(err, "sandbox_env", "more than %d environment variables", ENV_MAX);
    }
    return true;
}

static void add_env(struct args *a, const char *const *env)
{
    for (size_t i = 0; env && env[i]; i++) {
        size_t name = strcspn(env[i], "=");
        args_add(a, "--setenv");
        buf_add(&a->text, env[i], name);
        buf_add_byte(&a->text, '\0');
        args_add(a, env[i] + name + 1);
    }
}

static bool build_args(const struct sandbox *s, const struct sandbox_spec *spec, int status,
                       struct args *a, struct err *err)
{
    static const char *const wall[] = {
        "--unshare-user",
        "--unshare-all",
        "--disable-userns",
        "--die-with-parent",
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--cap-drop",
        "ALL",
        "--hostname",
        "plue",
        "--clearenv",
    };
    bool network = spec->network == SANDBOX_NETWORK_ALL;
    for (size_t i = 0; i < sizeof wall / sizeof *wall; i++)
        args_add(a, wall[i]);
    /* A session of its own it has by its start; a second one would have no terminal. */
    if (!spec->stdio)
        args_add(a, "--new-session");
    args_add(a, "--share-net"); /* the host's, or that which spawn enters */
    add_env(a, spec->env);
    if (!spec->image && network)
        args_host_root(a);
    else if (!spec->image)
        args_add3(a, "--ro-bind", SPACE_HOST, "/");
    else if (!args_image_root(s, a, spec->image, err))
        return false;
    args_add2(a, "--proc", "/proc");
    args_add2(a, "--dev", "/dev");
    args_add2(a, "--perms", "1777");
    args_add2(a, "--size", ROOM_SHM_BYTES);
    args_add2(a, "--tmpfs", "/dev/shm");
    args_add2(a, "--remount-ro", "/dev");
    args_add3(a, "--bind", SPACE_WORKSPACE, "/workspace");
    args_add3(a, "--bind", SPACE_TMP, "/tmp");
    if (spec->files) {
        args_add(a, "--bind");
        buf_addf(&a->text, "%s/%s", SPACE_FILES, spec->files);
        buf_add_byte(&a->text, '\0');
        args_add(a, "/plue");
    }
    if (spec->image || network)
        args_add2(a, "--remount-ro", "/");
    args_fd(a, "--seccomp", sandbox_reopen(s->seccomp), NULL);
    args_fd(a, "--json-status-fd", fcntl(status, F_DUPFD_CLOEXEC, 3), NULL);
    args_add2(a, "--chdir", spec->cwd ? spec->cwd : "/workspace");
    if (a->failed)
        return err_errno(err, "sandbox_start", a->failed, "a file of the sandbox cannot be opened");
    if (a->text.overflow)
        return err_set(err, "sandbox_env", "environment of more than %d MiB", ARGS_MAX >> 20);
    return true;
}

/* Where no control group keeps them, limits are each process's own: set inside, after bwrap. */
static void soft_limits(const struct sandbox *s, const struct sandbox_spec *spec,
                        struct buf *script)
{
    if (!(s->cgroups.controllers & CGROUP_PIDS))
        buf_addf(script, "ulimit -u %u 2>/dev/null || ulimit -p %u; ", spec->limits.pids,
                 spec->limits.pids);
    if (!(s->cgroups.controllers & CGROUP_MEMORY))
        buf_addf(script, "ulimit -d %lld; ", (long long)(spec->limits.memory_bytes >> 10));
    if (script->n)
        buf_add_c(script, "exec \"$@\"");
}

static bool run(struct sandbox_tree *t, const struct sandbox_spec *spec, struct args *a, int out,
                int err_fd, struct err *err)
{
    const struct sandbox *s = t->sandbox;
    enum { ARGV_MAX = 64 };
    char number[16], *argv[ARGV_MAX + 12], *env[] = {NULL};
    size_t n = 0;
    auto_buf script = BUF(PATH_TEXT_MAX);
    auto_fd list = sandbox_memory_file("plue-args", buf_str(&a->text));
    if (list < 0)
        return err_errno(err, "sandbox_start", errno, "no descriptor for a sandbox");
    snprintf(number, sizeof number, "%d", list);
    argv[n++] = (char *)"bwrap";
    argv[n++] = (char *)"--args";
    argv[n++] = number;
    argv[n++] = (char *)"--";
    soft_limits(s, spec, &script);
    if (script.n) {
        argv[n++] = (char *)"/bin/sh";
        argv[n++] = (char *)"-c";
        argv[n++] = script.p;
        argv[n++] = (char *)"sh";
    }
    for (size_t i = 0; spec->argv[i]; i++) {
        if (i == ARGV_MAX)
            return err_set(err, "sandbox_start", "more than %d arguments", ARGV_MAX);
        argv[n++] = (char *)spec->argv[i];
    }
    argv[n] = NULL;
    struct spawn sp = {.program = s->program,
                       .argv = argv,
                       .env = env,
                       .cwd = "/",
                       .in = spec->stdio ? spec->stdio[0] : s->null,
                       .out = out,
                       .err = err_fd,
                       .drop = s->drop,
                       .uid = s->uid,
                       .gid = s->gid,
                       .cgroup_count = s->cgroups.n,
                       .join_user = spec->space->user,
                       .join_mount = spec->space->mount,
                       .join_network = t->network};
    memcpy(sp.keep, a->fds, a->fd_count * sizeof *a->fds);
    sp.keep_count = a->fd_count;
    sp.keep[sp.keep_count++] = list;
    memcpy(sp.cgroup_procs, t->cgroup.procs, sizeof sp.cgroup_procs);
    return spawn_run(&sp, &t->leader, &t->leader_fd, err);
}

/* With the host's network comes the host's way to the cloud's metadata service. */
static bool check_network(struct sandbox *s, const struct sandbox_spec *spec, struct err *err)
{
    if (spec->network != SANDBOX_NETWORK_ALL || cgroups_guard_network(&s->cgroups) ||
        sandbox_waived(s, "metadata") || !egress_host_is_cloud())
        return true;
    err_set(err, "sandbox_promise",
            "network=\"all\" would let the step reach this cloud's metadata service: the promise "
            "'metadata' cannot be kept here");
    err_hint(err, "start Plue as root where control groups version 2 are mounted, or waive "
                  "'metadata' in the configuration");
    return false;
}

/* Making a network namespace and ending it is a sixth of a short step's time: those that had no way
 * out serve the run's steps one after the other. Nothing of a step is left in one: its processes
 * are dead, and none had a right to change it. */
static bool take_network(struct sandbox_tree *t, const struct sandbox_spec *spec, struct err *err)
{
    struct sandbox_space *p = t->space = spec->space;
    bool proxied = spec->network == SANDBOX_NETWORK_PROXY;
    t->network_again = !proxied;
    if (spec->network == SANDBOX_NETWORK_ALL)
        return true;
    if (!proxied && p->networks.n) {
        t->network = vec_pop(&p->networks);
        return true;
    }
    return spawn_make_network(p->room ? p->room_users : p->user, proxied ? SANDBOX_PROXY_PORT : 0,
                              &t->network, &t->listener, err);
}

static bool own_start(struct sandbox_tree *t, const struct sandbox_spec *spec, int out, int err_fd,
                      int status, struct err *err)
{
    cleanup(args_done) struct args a = {.text = BUF(ARGS_MAX)};
    t->poll = epoll_create1(EPOLL_CLOEXEC);
    if (t->poll < 0)
        return err_errno(err, "sandbox_start", errno, "no descriptor for a sandbox");
    return build_args(t->sandbox, spec, status, &a, err) && run(t, spec, &a, out, err_fd, err) &&
           tree_watch(t, t->leader_fd, err);
}

static bool bubblewrap_start(struct sandbox_tree *t, const struct sandbox_spec *spec, int out,
                             int err_fd, struct err *err)
{
    int pipe_fds[2];
    t->warm = warm_can(spec->space, spec);
    if (!check_env(spec->env, err) || !check_network(t->sandbox, spec, err))
        return false;
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, "sandbox_start", errno, "no pipe for a sandbox");
    t->status = pipe_fds[0];
    auto_fd status = pipe_fds[1];
    if (t->sandbox->cgroups.n &&
        !cgroup_make(&t->sandbox->cgroups, &spec->limits, spec->network == SANDBOX_NETWORK_ALL,
                     &t->cgroup, err))
        return false;
    return take_network(t, spec, err) && (t->warm ? warm_start(t, spec, out, err_fd, status, err)
                                                  : own_start(t, spec, out, err_fd, status, err));
}

/* ---- its life ---- */

/* Whether the process of a pidfd is the first of a namespace below ours; a pid alone could have
 * been given to another process meanwhile. */
static bool is_namespace_init(int pidfd)
{
    auto_buf path = BUF(64), info = BUF(PATH_TEXT_MAX);
    buf_addf(&path, "/proc/self/fdinfo/%d", pidfd);
    auto_fd fd = open(buf_c(&path), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_all(fd, &info))
        return false;
    str text = buf_str(&info), line;
    while (str_next(&text, '\n', &line))
        if (str_starts(line, STR("NSpid:")))
            return str_ends(line, STR("\t1"));
    return false;
}

static bool report_number(const struct sandbox_tree *t, const char *key, int64_t *ret_n)
{
    str text = {t->report, t->report_n};
    size_t at = str_find(text, str_of(key), 0), end;
    if (at == (size_t)-1)
        return false;
    at += strlen(key);
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == ':' || text.p[at] == '"'))
        at++;
    for (end = at; end < text.n && text.p[end] >= '0' && text.p[end] <= '9';)
        end++;
    /* A number is whole only when something follows it. */
    return end < text.n && num_parse_int(str_sub(text, at, end), ret_n);
}

static void read_reports(struct sandbox_tree *t)
{
    while (t->status >= 0) {
        char rest[256];
        size_t room = sizeof t->report - t->report_n;
        ssize_t n =
            read(t->status, room ? t->report + t->report_n : rest, room ? room : sizeof rest);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            fd_close(&t->status);
        else if (room)
            t->report_n += (size_t)n;
    }
    int64_t n;
    if (t->init_fd < 0 && t->state == TREE_RUNNING && report_number(t, "\"child-pid\"", &n)) {
        auto_err ignored = ERR_INIT;
        auto_fd fd = (int)syscall(SYS_pidfd_open, (pid_t)n, 0);
        if (fd >= 0 && is_namespace_init(fd) && tree_watch(t, fd, &ignored))
            t->init_fd = fd_steal(&fd);
    }
    if (report_number(t, "\"exit-code\"", &n)) {
        t->reported_exit = true;
        t->report_code = (int)n;
    }
}

static void bubblewrap_signal(struct sandbox_tree *t, int signal)
{
    t->killed = t->killed || signal == SIGKILL;
    if (t->warm) { /* its leader, the first process, hands TERM on */
        tree_signal_process(t->leader_fd, signal);
        return;
    }
    read_reports(t);
    /* Where there is nobody else yet, nothing of the step runs: the wall is still being built. */
    if (signal == SIGKILL || t->init_fd < 0 ||
        spawn_signal_namespace(t->init_fd, !t->sandbox->drop, signal) == ESRCH) {
        tree_signal_process(t->init_fd, SIGKILL);
        tree_signal_process(t->leader_fd, SIGKILL);
    }
}

static bool bubblewrap_advance(struct sandbox_tree *t, struct sandbox_exit *exit)
{
    if (t->warm)
        return tree_advance_reported(t, exit);
    read_reports(t);
    if (t->state == TREE_RUNNING && tree_process_ended(t->leader_fd)) {
        waitpid(t->leader, &t->wait_status, 0);
        read_reports(t);
        t->state = TREE_LEADER_DEAD;
        /* bwrap's death kills the namespace by itself; this is for the moment before it said so. */
        tree_signal_process(t->init_fd, SIGKILL);
        fd_close(&t->leader_fd);
    }
    if (t->state == TREE_RUNNING || (t->init_fd >= 0 && !tree_process_ended(t->init_fd)))
        return false;
    if (t->reported_exit) {
        exit->exit_code = t->report_code;
    } else if (WIFSIGNALED(t->wait_status) || t->killed) {
        exit->exit_code = 128 + (t->killed ? SIGKILL : WTERMSIG(t->wait_status));
    } else {
        exit->exit_code = WEXITSTATUS(t->wait_status);
        exit->not_started = true;
    }
    return true;
}

/* ---- opening ---- */

static bool find_program(struct sandbox *s, struct err *err)
{
    /* Not from PATH: started by root, a folder of the caller's choice would be executed. */
    static const char *const places[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};
    for (size_t i = 0; i < sizeof places / sizeof *places && !s->program; i++)
        if (access(places[i], X_OK) == 0)
            s->program = mem_dup(places[i], strlen(places[i]));
    if (s->program && access(s->program, X_OK) == 0)
        return true;
    err_set(err, "sandbox_unavailable",
            "the bubblewrap sandbox cannot start: %s is not there, so none of its promises holds",
            s->program ? s->program : "/usr/bin/bwrap");
    err_hint(err, "install it (apt install bubblewrap), or choose --sandbox none, which protects "
                  "nothing");
    return false;
}

static int64_t sysctl(const char *path)
{
    auto_buf b = BUF(64);
    int64_t n;
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_all(fd, &b) || !num_parse_int(str_trim(buf_str(&b)), &n))
        return -1;
    return n;
}

static bool check_namespaces(const struct sandbox *s, struct err *err)
{
    const char *remedy = NULL;
    int e = spawn_try_namespaces(s->drop, s->uid, s->gid);
    if (sysctl("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        remedy = "sysctl -w kernel.unprivileged_userns_clone=1";
    else if (sysctl("/proc/sys/user/max_user_namespaces") == 0)
        remedy = "sysctl -w user.max_user_namespaces=10000";
    else if (e && sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        remedy = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile "
                 "for bwrap";
    if (!e)
        return true;
    err_errno(err, "sandbox_unavailable", e,
              "the bubblewrap sandbox cannot keep its promise 'namespaces': this host does not let "
              "an ordinary user make namespaces");
    err_hint(err, "allow them (%s), or choose --sandbox none, which protects nothing",
             remedy ? remedy : "in a container: run it with user namespaces permitted");
    return false;
}

static bool bubblewrap_open(struct sandbox *s, struct err *err)
{
    s->warm = !s->program; /* one of the caller's choice starts each step */
    if (!find_program(s, err) || !check_namespaces(s, err) || !seccomp_program(&s->seccomp, err))
        return false;
    if (s->warm)
        s->room = warm_program();
    cgroups_open(&s->cgroups);
    return true;
}

static void bubblewrap_close(struct sandbox *s)
{
    fd_close(&s->seccomp);
    fd_close(&s->room);
    cgroups_close(&s->cgroups);
}

static bool bubblewrap_space_open(struct sandbox_space *p, int64_t tmp_bytes, bool *ret_fresh,
                                  struct err *err)
{
    if (!space_open(p, tmp_bytes, ret_fresh, err))
        return false;
    warm_open(p);
    return true;
}

static void bubblewrap_space_close(struct sandbox_space *p, bool keep)
{
    warm_close(p);
    space_close(p, keep);
}

static bool bubblewrap_find_root(const struct sandbox *s, const char *image, struct buf *root)
{
    if (image && !args_image_is_name(image))
        return false;
    if (image)
        args_image_path(s->images_dir, image, root);
    return true;
}

const struct backend backend_bubblewrap = {
    .name = "bubblewrap",
    .id = SANDBOX_BUBBLEWRAP,
    .maps_paths = true,
    .open = bubblewrap_open,
    .close = bubblewrap_close,
    .space_open = bubblewrap_space_open,
    .space_close = bubblewrap_space_close,
    .start = bubblewrap_start,
    .advance = bubblewrap_advance,
    .signal = bubblewrap_signal,
    .find_root = bubblewrap_find_root,
};
