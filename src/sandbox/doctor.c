/* Promises are believed only after a real sandbox failed to break them. */
#include "base/clock.h"
#include "sandbox/sandbox_int.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 4096,
    PROBE_MS = 20 * 1000,
    PROBE_TMP_BYTES = 32 << 20,
    PROBE_ENV_MAX = 16,
    COMMAND_LINE_MAX = 1 << 20,
};

/* Small, so that passing them costs little. promises.c counts on these. */
static const struct sandbox_limits probe_limits = {
    .memory_bytes = 200 << 20, .cpu_millis = 250, .pids = 40};

/* ---- one program, to its end ---- */

struct ran {
    struct buf out; /* both streams */
    struct sandbox_exit exit;
};

/* True while the stream is open. */
static bool drain(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(out, chunk, (size_t)n);
    return n < 0 && errno == EAGAIN;
}

/* on_output, when there is any, is called once, and the tree killed after it. */
static bool run_to_end(struct sandbox *s, const struct sandbox_spec *spec,
                       bool (*on_output)(void *user), void *user, struct ran *ran, struct err *err)
{
    struct sandbox_tree *tree;
    int out, error;
    int64_t deadline = clock_mono_ms() + PROBE_MS;
    if (!sandbox_start(s, spec, &tree, &out, &error, err))
        return false;
    auto_fd out_fd = out;
    auto_fd error_fd = error;
    bool out_open = true, error_open = true, good = true;
    while (!sandbox_advance(tree, &ran->exit)) {
        struct pollfd p[] = {{.fd = sandbox_tree_fd(tree), .events = POLLIN},
                             {.fd = out_open ? out_fd : -1, .events = POLLIN},
                             {.fd = error_open ? error_fd : -1, .events = POLLIN}};
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0 || poll(p, 3, (int)left) == 0)
            sandbox_signal(tree, SIGKILL);
        out_open = out_open && drain(out_fd, &ran->out);
        error_open = error_open && drain(error_fd, &ran->out);
        if (on_output && ran->out.n) {
            good = on_output(user);
            on_output = NULL;
            sandbox_signal(tree, SIGKILL);
        }
    }
    drain(out_fd, &ran->out);
    drain(error_fd, &ran->out);
    sandbox_tree_free(tree);
    return good;
}

/* ---- the folders of a probe ---- */

struct probe_place {
    char dir[PATH_MAX - 32], workspace[PATH_MAX], tmp[PATH_MAX], files[PATH_MAX], secret[PATH_MAX];
    struct sandbox_space *space;
};

static bool place_folder(const char *path, const struct sandbox *s, struct err *err)
{
    if (mkdir(path, 0755) < 0 || chmod(path, 0755) < 0 ||
        (s->drop && chown(path, s->uid, s->gid) < 0))
        return err_errno(err, "sandbox_scratch", errno, "cannot make the folder %s", path);
    return true;
}

static void place_remove(struct probe_place *p)
{
    static const char *const left[] = {"workspace/probe", "workspace/probe-user", "tmp/probe",
                                       "secret"};
    static const char *const folders[] = {"workspace", "tmp/home", "tmp", "files", ""};
    char path[PATH_MAX];
    sandbox_space_close(p->space, false);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, left[i]);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, folders[i]);
        rmdir(path);
    }
}

static bool place_make(struct probe_place *p, const char *scratch, struct sandbox *s,
                       struct err *err)
{
    bool fresh;
    *p = (struct probe_place){0};
    if ((size_t)snprintf(p->dir, sizeof p->dir, "%s/plue-probe-XXXXXX", scratch) >= sizeof p->dir)
        return err_set(err, "sandbox_scratch", "the path of the scratch folder is too long");
    if (!mkdtemp(p->dir))
        return err_errno(err, "sandbox_scratch", errno, "cannot make a folder in %s", scratch);
    snprintf(p->workspace, sizeof p->workspace, "%s/workspace", p->dir);
    snprintf(p->tmp, sizeof p->tmp, "%s/tmp", p->dir);
    snprintf(p->files, sizeof p->files, "%s/files", p->dir);
    snprintf(p->secret, sizeof p->secret, "%s/secret", p->dir);
    struct sandbox_space_spec spec = {
        .workspace = p->workspace, .files = p->files, .tmp = p->tmp, .tmp_bytes = PROBE_TMP_BYTES};
    int e = fd_write_file(AT_FDCWD, p->secret, STR("plue\n"), 0644);
    if (e)
        err_errno(err, "sandbox_scratch", e, "cannot write %s", p->secret);
    if (!e && place_folder(p->workspace, s, err) && place_folder(p->tmp, s, err) &&
        place_folder(p->files, s, err) && sandbox_space_open(s, &spec, &p->space, &fresh, err))
        return true;
    place_remove(p);
    return false;
}

static const char *const true_argv[] = {"/bin/sh", "-c", "true", NULL};
static const char *const no_env[] = {NULL};

bool sandbox_check(const struct sandbox_options *options, struct err *err)
{
    struct sandbox *s;
    struct probe_place place;
    if (!sandbox_open(options, &s, err))
        return false;
    bool good = place_make(&place, "/tmp", s, err);
    if (good) {
        struct ran ran = {.out = BUF(OUTPUT_MAX)};
        struct sandbox_spec spec = {.space = place.space,
                                    .argv = true_argv,
                                    .env = no_env,
                                    .limits = SANDBOX_LIMITS_DEFAULT};
        good = run_to_end(s, &spec, NULL, NULL, &ran, err);
        if (good && ran.exit.exit_code != 0) {
            good = err_set(err, "sandbox_unavailable",
                           "a %s sandbox cannot be built on this host: "
                           "%.*s",
                           s->backend->name, STR_ARG(str_trim(buf_str(&ran.out))));
            err_hint(err, "plue doctor shows what holds here; bubblewrap 0.8 or later is needed");
        }
        buf_done(&ran.out);
        place_remove(&place);
    }
    sandbox_close(s);
    return good;
}

/* ---- the host's side of a probe ---- */

static int listen_on_loopback(unsigned *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret_port = 0;
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        return -1;
    *ret_port = ntohs(at.sin_port);
    return fd_steal(&fd);
}

/* Whether no process of the host shows the word on its command line. */
static bool absent_from_command_lines(void *word)
{
    DIR *d = opendir("/proc");
    bool absent = d != NULL;
    for (struct dirent *e; absent && (e = readdir(d));) {
        auto_buf text = BUF(COMMAND_LINE_MAX);
        char path[64];
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/cmdline", e->d_name);
        auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && !fd_read_all(fd, &text))
            absent = !str_has(buf_str(&text), str_of(word));
    }
    if (d)
        closedir(d);
    return absent;
}

struct probing {
    struct sandbox *s;
    const struct probe_place *place;
    unsigned port;
    struct sandbox_report *report;
};

static str keep(struct probing *p, const char *text)
{
    return arena_str(&p->report->arena, str_trim(str_of(text)));
}

static void probe_command_line(struct probing *p, struct sandbox_row *row)
{
    auto_buf word = BUF(128), entry = BUF(256);
    buf_addf(&word, "plue-secret-%llx", (unsigned long long)clock_mono_ns());
    buf_addf(&entry, "TOKEN=%s", buf_c(&word));
    const char *const argv[] = {"/bin/sh", "-c", "echo up; exec sleep 30", NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", buf_c(&entry), NULL};
    struct ran ran = {.out = BUF(OUTPUT_MAX)};
    auto_err err = ERR_INIT;
    struct sandbox_spec spec = {
        .space = p->place->space, .argv = argv, .env = env, .limits = SANDBOX_LIMITS_DEFAULT};
    row->tested = true;
    row->held = run_to_end(p->s, &spec, absent_from_command_lines, word.p, &ran, &err) &&
                str_starts(buf_str(&ran.out), STR("up"));
    row->detail = row->held ? STR("") : keep(p, "a value of the environment was on one");
    buf_done(&ran.out);
}

/* Who owns on the host what a step made: never root, never another user. */
static void check_owner(struct probing *p, struct sandbox_row *row)
{
    struct stat st;
    auto_buf path = BUF(PATH_MAX + 32);
    buf_addf(&path, "%s/probe-user", p->place->workspace);
    if (row->held && (stat(buf_c(&path), &st) < 0 || st.st_uid != p->s->uid || st.st_uid == 0)) {
        row->held = false;
        row->detail = keep(p, "its files belong to another user on the host");
    }
}

static void probe_inside(struct probing *p, struct sandbox_row *row)
{
    static const char *const namespaces[] = {"pid", "mnt", "ipc", "uts", "user", "net"};
    const char *argv[] = {"/bin/sh", "-c", row->promise->probe, NULL};
    enum sandbox_network network = strcmp(row->promise->name, "metadata") == 0 ? SANDBOX_NETWORK_ALL
                                   : strcmp(row->promise->name, "egress") == 0
                                       ? SANDBOX_NETWORK_PROXY
                                       : SANDBOX_NETWORK_NONE;
    const char *env[PROBE_ENV_MAX];
    struct arena a = ARENA_INIT;
    size_t n = 0;
    env[n++] = "PATH=/usr/bin:/bin:/usr/sbin:/sbin";
    env[n++] = arena_printf(&a, "PROBE_PORT=%u", p->port).p;
    env[n++] = arena_printf(&a, "PROBE_SECRET=%s", p->place->secret).p;
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        char path[64], target[128];
        snprintf(path, sizeof path, "/proc/self/ns/%s", namespaces[i]);
        ssize_t got = readlink(path, target, sizeof target - 1);
        target[got < 0 ? 0 : got] = '\0';
        env[n++] = arena_printf(&a, "PROBE_NS_%s=%s", namespaces[i], target).p;
    }
    env[n] = NULL;
    struct ran ran = {.out = BUF(OUTPUT_MAX)};
    auto_err err = ERR_INIT;
    struct sandbox_spec spec = {.space = p->place->space,
                                .argv = argv,
                                .env = env,
                                .network = network,
                                .limits = probe_limits};
    row->tested = true;
    if (!run_to_end(p->s, &spec, NULL, NULL, &ran, &err))
        row->detail = arena_str(&p->report->arena, err.message);
    else
        row->detail = keep(p, buf_c(&ran.out));
    row->held = str_is(row->detail, "held");
    if (row->held)
        row->detail = STR("");
    buf_done(&ran.out);
    arena_done(&a);
}

/* ---- the report ---- */

static void add_row(struct probing *p, const char *backend, const struct sandbox_promise *promise)
{
    struct sandbox_report *r = p->report;
    r->rows = mem_realloc_array(r->rows, r->n + 1, sizeof *r->rows);
    struct sandbox_row *row = &r->rows[r->n++];
    *row = (struct sandbox_row){.backend = backend, .promise = promise};
    if (!p->s) {
        row->level = SANDBOX_ABSENT;
        return;
    }
    row->level = sandbox_level_here(p->s, promise);
    if (strcmp(promise->name, "command_line") == 0)
        probe_command_line(p, row);
    else if (row->level == SANDBOX_ABSENT)
        row->detail = STR("not promised by this backend");
    else if (promise->probe)
        probe_inside(p, row);
    else
        row->detail = STR("not tested: it is kept outside of the sandbox");
    if (strcmp(promise->name, "user") == 0 && row->tested)
        check_owner(p, row);
}

static bool probe_backend(const char *backend, const char *scratch, struct sandbox_report *report,
                          struct err *err)
{
    struct sandbox_options options = {.backend = backend};
    struct probing p = {.report = report};
    struct probe_place place;
    auto_err why = ERR_INIT;
    bool opened = sandbox_open(&options, &p.s, &why), good = true;
    auto_fd port = -1;
    if (opened) {
        good = place_make(&place, scratch, p.s, err);
        p.place = &place;
        if (good && place.space->notice)
            report->notice = arena_str(&report->arena, str_of(place.space->notice));
        port = listen_on_loopback(&p.port);
        cgroups_guard_network(&p.s->cgroups);
    } else {
        p.s = NULL;
    }
    str absent = opened ? STR("") : arena_str(&report->arena, why.message);
    for (size_t i = 0; good && i < sandbox_promise_count; i++) {
        add_row(&p, backend, &sandbox_promises[i]);
        if (!opened)
            report->rows[report->n - 1].detail = absent;
    }
    if (opened && good)
        place_remove(&place);
    sandbox_close(p.s);
    return good;
}

bool sandbox_doctor(const char *scratch, struct sandbox_report *ret_report, struct err *err)
{
    static const char *const names[] = {"bubblewrap", "none"};
    struct sandbox_report report = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!probe_backend(names[i], scratch, &report, err)) {
            sandbox_report_done(&report);
            return false;
        }
    *ret_report = report;
    return true;
}

void sandbox_report_done(struct sandbox_report *r)
{
    free(r->rows);
    arena_done(&r->arena);
    *r = (struct sandbox_report){0};
}
