/* One step: its result files, its shell, its process tree on the loop. */
#include "base/clock.h"
#include "proxy/proxy.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STEP_ID_MAX = 200,
    CHUNK = 64 << 10,
    CHUNKS_PER_TURN = 16, /* then the loop's other work has its turn */
    TAIL_MAX = 400,       /* of stderr, for the message when a sandbox cannot be built */
    ENV_TEXT_MAX = 8 << 20,
    ENV_COUNT_MAX = 1900,
    NOTICE_MAX = 2048,
};

static const char *const file_variables[STEP_FILE_COUNT] = {
    [STEP_FILE_OUTPUT] = "PLUE_OUTPUT=",
    [STEP_FILE_ENV] = "PLUE_ENV=",
    [STEP_FILE_PATH] = "PLUE_PATH=",
    [STEP_FILE_SUMMARY] = "PLUE_SUMMARY=",
};

struct local_step {
    struct runner_step step; /* first */
    struct local_step *next;
    struct sandbox_tree *tree;
    struct step_folder folder;
    struct watch watch_tree, watch_stream[2];
    uv_timer_t later;
    struct proxy *proxy; /* or NULL */
    bool *host_used;     /* once the proxy has ended; owned */
    size_t host_count;
    struct step_input *input; /* or NULL */
    int stream[2];
    runner_output_fn *output;
    runner_exit_fn *exit;
    void *user;
    char tail[TAIL_MAX];
    size_t tail_n;
    bool workspace_full, line_open; /* stderr stands within a line */
    struct err err;
    int open_handles;
};

/* ---- preparing ---- */

static bool id_is_safe(const char *id)
{
    size_t n = strlen(id);
    if (!n || n > STEP_ID_MAX || id[0] == '.')
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

/* What argv means to a shell. */
static void quote_argv(struct buf *script, const char *const *argv)
{
    buf_add_c(script, "exec");
    for (; *argv; argv++) {
        buf_add_c(script, " '");
        for (const char *p = *argv; *p; p++)
            if (*p == '\'')
                buf_add_c(script, "'\\''");
            else
                buf_add_byte(script, *p);
        buf_add_byte(script, '\'');
    }
    buf_add_byte(script, '\n');
}

enum { COMMAND_MAX = 8 };

static bool choose_shell(const struct local *l, const struct runner_exec *x, const char *script,
                         const char *command[COMMAND_MAX], struct err *err)
{
    static const struct {
        const char *program, *flags[4];
    } shells[] = {
        [RUNNER_SHELL_BASH] = {"bash", {"--noprofile", "--norc", "-eo", "pipefail"}},
        [RUNNER_SHELL_SH] = {"sh", {"-e"}},
        [RUNNER_SHELL_PYTHON] = {"python3", {NULL}},
    };
    enum runner_shell shell = x->argv ? RUNNER_SHELL_SH : x->shell;
    bool any = shell == RUNNER_SHELL_DEFAULT;
    if (any)
        shell = RUNNER_SHELL_BASH;
    const char *program = sandbox_find_program(l->sandbox, x->image, shells[shell].program);
    if (!program && any) {
        shell = RUNNER_SHELL_SH;
        program = sandbox_find_program(l->sandbox, x->image, shells[shell].program);
    }
    if (!program && !x->image) { /* an absent image has its own message */
        err_set(err, "shell_missing", "there is no %s for the step to run in",
                shells[shell].program);
        err_hint(err, "install it, or choose another shell=");
        return false;
    }
    size_t n = 0;
    command[n++] = program ? program : "/bin/sh";
    for (size_t i = 0; i < 4 && shells[shell].flags[i]; i++)
        command[n++] = shells[shell].flags[i];
    command[n++] = script;
    command[n] = NULL;
    return true;
}

/* For a person, or for commands that are piped into it. */
static bool choose_interactive(const struct local *l, const struct runner_exec *x,
                               const char *command[COMMAND_MAX], struct err *err)
{
    bool terminal = isatty(x->stdio[0]);
    const char *bash = sandbox_find_program(l->sandbox, x->image, "bash");
    const char *program = bash ? bash : sandbox_find_program(l->sandbox, x->image, "sh");
    size_t n = 0;
    if (!program && !x->image)
        return err_set(err, "shell_missing", "there is no shell to attach");
    command[n++] = program ? program : "/bin/sh";
    if (bash) {
        command[n++] = "--noprofile";
        command[n++] = "--norc";
    }
    if (terminal)
        command[n++] = "-i";
    command[n] = NULL;
    return true;
}

struct environment {
    struct arena arena;     /* what is made for it */
    VEC(const char *) list; /* NULL-terminated once it is built */
    size_t bytes;
    bool overflow;
};

static void env_done(struct environment *e)
{
    arena_done(&e->arena);
    vec_done(&e->list);
}

/* A later entry of the same name wins. The entry is borrowed. */
static void env_set(struct environment *e, const char *entry)
{
    size_t name = strcspn(entry, "=") + 1, i = 0;
    while (i < e->list.n && strncmp(e->list.at[i], entry, name) != 0)
        i++;
    if (i < e->list.n)
        e->list.at[i] = entry;
    else if (i < ENV_COUNT_MAX)
        vec_push(&e->list, entry);
    e->bytes += strlen(entry);
    e->overflow = e->overflow || i == ENV_COUNT_MAX || e->bytes > ENV_TEXT_MAX;
}

static const char *joined(struct arena *a, const char *first, const char *second, const char *third)
{
    size_t n = strlen(first) + strlen(second) + strlen(third) + 1;
    char *text = arena_take(a, n);
    stpcpy(stpcpy(stpcpy(text, first), second), third);
    return text;
}

static void env_join(struct environment *e, const char *name, const char *value, const char *more)
{
    env_set(e, joined(&e->arena, name, value, more));
}

static const char *env_get(const struct environment *e, const char *name)
{
    for (size_t i = 0; i < e->list.n; i++)
        if (strncmp(e->list.at[i], name, strlen(name)) == 0 && e->list.at[i][strlen(name)] == '=')
            return e->list.at[i] + strlen(name) + 1;
    return "";
}

struct places { /* as the step sees them */
    const char *workspace, *tmp, *files;
};

/* What programs of most kinds read; they look names up nowhere else, since there is no DNS. */
static void set_proxy_env(struct environment *e, const struct proxy_rules *rules)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"};
    char port[16];
    snprintf(port, sizeof port, "%d", SANDBOX_PROXY_PORT);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        env_join(e, names[i], "=http://127.0.0.1:", port);
    env_set(e, "NODE_USE_ENV_PROXY=1");
    /* The step's own loopback, but where the host's was asked for. */
    if (proxy_rules_name_loopback(rules))
        return;
    env_set(e, "no_proxy=localhost,127.0.0.1,::1");
    env_set(e, "NO_PROXY=localhost,127.0.0.1,::1");
}

static bool build_env(struct environment *e, const struct runner_exec *x, const struct places *at,
                      const struct proxy_rules *rules, struct err *err)
{
    env_set(e, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    env_join(e, "HOME=", at->tmp, "/home");
    env_set(e, "USER=plue");
    env_set(e, "LOGNAME=plue");
    env_set(e, "SHELL=/bin/sh");
    env_set(e, "LANG=C.UTF-8");
    env_set(e, "CI=true");
    if (rules)
        set_proxy_env(e, rules);
    for (size_t i = 0; x->env && x->env[i]; i++)
        env_set(e, x->env[i]);
    if (x->path && x->path[0]) {
        auto_buf path = BUF(ENV_TEXT_MAX);
        for (size_t i = 0; x->path[i]; i++)
            buf_addf(&path, "%s:", x->path[i]);
        env_join(e, "PATH=", buf_c(&path), env_get(e, "PATH"));
    }
    env_join(e, "PLUE_WORKSPACE=", at->workspace, "");
    const char *folder = joined(&e->arena, at->files, "/", "");
    for (size_t i = 0; i < STEP_FILE_COUNT; i++)
        env_join(e, file_variables[i], folder, step_file_name((enum step_file)i));
    vec_push(&e->list, NULL);
    if (!e->overflow)
        return true;
    err_set(err, "step_env", "the step's environment has more than %d variables or %d MiB",
            ENV_COUNT_MAX, ENV_TEXT_MAX >> 20);
    err_hint(err, "pass large values in a file");
    return false;
}

/* As configured, else the default; what a step asks for itself comes first. */
static struct sandbox_limits with_defaults(const struct local *local, struct sandbox_limits l)
{
    const struct config *c = local->config;
    struct sandbox_limits d = SANDBOX_LIMITS_DEFAULT;
    if (c->sandbox.memory_bytes)
        d.memory_bytes = c->sandbox.memory_bytes;
    if (c->sandbox.cpu_millis)
        d.cpu_millis = (uint32_t)c->sandbox.cpu_millis;
    if (c->sandbox.processes)
        d.pids = (uint32_t)c->sandbox.processes;
    return (struct sandbox_limits){
        .memory_bytes = l.memory_bytes ? l.memory_bytes : d.memory_bytes,
        .cpu_millis = l.cpu_millis ? l.cpu_millis : d.cpu_millis,
        .pids = l.pids ? l.pids : d.pids,
    };
}

static bool check_egress(const struct local *local, const struct runner_exec *x, struct err *err)
{
    bool all = x->network == SANDBOX_NETWORK_ALL;
    return x->network == SANDBOX_NETWORK_NONE ||
           config_allows_network(local->config, all ? NULL : x->hosts, err);
}

static bool set_places(struct places *at, const struct local_workspace *w,
                       const struct local_step *s, struct arena *a, struct err *err)
{
    if (sandbox_maps_paths(w->local->sandbox)) {
        *at = (struct places){"/workspace", "/tmp", "/plue"};
        return true;
    }
    if (strlen(w->dir) + sizeof "/workspace" > PATH_MAX ||
        strlen(w->dir) + sizeof "/files/" + strlen(s->folder.name) > PATH_MAX)
        return err_set(err, "step_files", "the data directory's path is too long");
    at->workspace = joined(a, w->dir, "/workspace", "");
    at->tmp = joined(a, w->dir, "/tmp", "");
    at->files = joined(a, w->dir, "/files/", s->folder.name);
    return true;
}

/* ---- its way out ---- */

static void say(struct local_step *s, const char *sentence)
{
    auto_buf text = BUF(NOTICE_MAX);
    buf_addf(&text, "%splue: %s\n", s->line_open ? "\n" : "", sentence);
    s->line_open = false;
    if (s->output)
        s->output(s->user, RUNNER_STDERR, buf_str(&text));
}

static void on_refused(void *user, str sentence)
{
    auto_buf text = BUF(NOTICE_MAX);
    buf_add_str(&text, sentence);
    say(user, buf_c(&text));
}

/* The proxy answers in the step's namespace from here on; clients that came before wait. */
static bool start_proxy(struct local_step *s, struct local_workspace *w, struct proxy_rules *rules,
                        struct err *err)
{
    struct proxy_options options = {.loop = w->local->loop,
                                    .listener = sandbox_take_listener(s->tree),
                                    .rules = *rules,
                                    .notice = on_refused,
                                    .user = s};
    *rules = (struct proxy_rules){0};
    if (!proxy_new(&options, &s->proxy, err))
        return false;
    s->open_handles++;
    return true;
}

static void release(void *step);

static void input_closed(void *step)
{
    struct local_step *s = step;
    s->input = NULL;
    release(s);
}

static bool open_input(struct local_step *s, struct local_workspace *w, struct err *err)
{
    s->input = step_input_open(w, s->folder.name, input_closed, s, err);
    s->open_handles += s->input != NULL;
    return s->input != NULL;
}

/* A folder that somebody has removed is open all the same, and has no name any more. */
static bool workspace_is_there(const struct local_workspace *w, struct err *err)
{
    struct stat st;
    if (fstat(w->root, &st) == 0 && st.st_nlink > 0)
        return true;
    err_set(err, "workspace_lost",
            "the files of the run are gone: %s/workspace was removed while it ran", w->dir);
    err_hint(err, "leave the data directory alone while runs go on; plue run rerun runs all again");
    return false;
}

static bool start(struct local_step *s, struct local_workspace *w, const struct runner_exec *x,
                  struct err *err)
{
    const char *command[COMMAND_MAX];
    struct places at = {0};
    cleanup(env_done) struct environment env = {.arena = ARENA_INIT};
    auto_buf script = BUF(RUNNER_SCRIPT_MAX);
    cleanup(proxy_rules_done) struct proxy_rules rules = {0};
    bool proxied = x->network == SANDBOX_NETWORK_PROXY && sandbox_has_networks(w->local->sandbox);
    if (!workspace_is_there(w, err) || (proxied && !proxy_rules_parse(x->hosts, &rules, err)))
        return false;
    if (!id_is_safe(x->step))
        return err_set(err, "step_files", "'%s' cannot name a step", x->step);
    s->folder = step_files_choose(w);
    if (!set_places(&at, w, s, &env.arena, err))
        return false;
    if (x->input)
        step_input_script(str_of(at.files), &script);
    if (x->argv)
        quote_argv(&script, x->argv);
    else
        buf_add_str(&script, x->script);
    if (script.overflow) {
        err_set(err, "script_too_large", "the step's script is longer than %d MiB",
                RUNNER_SCRIPT_MAX >> 20);
        err_hint(err, "put it into a file of the repository and call that");
        return false;
    }
    if (!build_env(&env, x, &at, proxied ? &rules : NULL, err) ||
        !step_files_make(w, &s->folder, buf_str(&script), err) ||
        (x->input && !open_input(s, w, err)))
        return false;
    const char *path = joined(&env.arena, at.files, "/script", "");
    const char *cwd = !x->cwd            ? at.workspace
                      : x->cwd[0] == '/' ? x->cwd
                                         : joined(&env.arena, at.workspace, "/", x->cwd);
    struct sandbox_spec spec = {.space = w->space,
                                .image = x->image,
                                .files = s->folder.name,
                                .cwd = cwd,
                                .argv = command,
                                .env = env.list.at,
                                .network = x->network,
                                .limits = with_defaults(w->local, x->limits),
                                .stdio = x->stdio};
    return check_egress(w->local, x, err) &&
           (x->stdio ? choose_interactive(w->local, x, command, err)
                     : choose_shell(w->local, x, path, command, err)) &&
           sandbox_start(w->local->sandbox, &spec, &s->tree, &s->stream[0], &s->stream[1], err) &&
           (!proxied || start_proxy(s, w, &rules, err));
}

/* ---- ending ---- */

static void release(void *step)
{
    struct local_step *s = step;
    if (--s->open_handles)
        return;
    struct local_workspace *w = (struct local_workspace *)s->step.workspace;
    for (struct local_step **at = &w->steps; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    sandbox_tree_free(s->tree);
    fd_close(&s->stream[0]);
    fd_close(&s->stream[1]);
    step_folder_close(&s->folder);
    err_done(&s->err);
    free(s->host_used);
    free(s);
    local_release(w);
}

static void step_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void end_proxy(struct local_step *s)
{
    if (!s->proxy)
        return;
    const struct proxy_rules *rules = proxy_rules_of(s->proxy);
    s->host_count = rules->rules.n;
    s->host_used = mem_zalloc(s->host_count + 1);
    for (size_t i = 0; i < s->host_count; i++)
        s->host_used[i] = rules->rules.at[i].used;
    proxy_close(s->proxy, release);
    s->proxy = NULL;
}

static void close_handles(struct local_step *s)
{
    watch_end(&s->watch_tree);
    for (size_t i = 0; i < 2; i++)
        watch_end(&s->watch_stream[i]);
    if (!uv_is_closing((uv_handle_t *)&s->later))
        uv_close((uv_handle_t *)&s->later, step_closed);
    if (s->input)
        step_input_drop(s->input);
    end_proxy(s);
}

/* Programs say "no space left" of a path; here is whose limit that was. */
static void say_what_is_full(struct local_step *s, struct runner_exit *e)
{
    struct local_workspace *w = (struct local_workspace *)s->step.workspace;
    if (e->exit_code == 0 || e->workspace_full)
        return;
    e->tmp_full = sandbox_space_tmp_is_full(w->space);
    e->disk_full = quota_disk_is_full(w);
    if (e->tmp_full)
        say(s, "/tmp is full: it has a fixed size, for all steps of a run together");
    if (e->disk_full)
        say(s, "the disk that holds the workspace is full");
}

static void report_exit(struct local_step *s, const struct sandbox_exit *x)
{
    struct runner_exit e = {.exit_code = x->exit_code,
                            .signal = x->signal,
                            .oom = x->oom,
                            .workspace_full = s->workspace_full,
                            .host_used = s->host_used,
                            .host_count = s->host_count};
    say_what_is_full(s, &e);
    struct buf texts[STEP_FILE_COUNT];
    step_files_take((struct local_workspace *)s->step.workspace, &s->folder, texts, &e.cut);
    e.output = buf_str(&texts[STEP_FILE_OUTPUT]);
    e.env = buf_str(&texts[STEP_FILE_ENV]);
    e.path = buf_str(&texts[STEP_FILE_PATH]);
    e.summary = buf_str(&texts[STEP_FILE_SUMMARY]);
    if (x->not_started) {
        err_set(&s->err, "sandbox_start", "the step's sandbox could not be built: %.*s",
                STR_ARG(str_trim(str_make(s->tail, s->tail_n))));
        err_hint(&s->err, "check the step's cwd and shell; plue doctor tests the sandbox itself");
        e.err = &s->err;
    }
    s->exit(s->user, &e);
    for (size_t i = 0; i < STEP_FILE_COUNT; i++)
        buf_done(&texts[i]);
}

static void keep_tail(struct local_step *s, str bytes)
{
    if (bytes.n > TAIL_MAX)
        bytes = str_sub(bytes, bytes.n - TAIL_MAX, bytes.n);
    size_t keep = s->tail_n + bytes.n > TAIL_MAX ? TAIL_MAX - bytes.n : s->tail_n;
    memmove(s->tail, s->tail + s->tail_n - keep, keep);
    memcpy(s->tail + keep, bytes.p, bytes.n);
    s->tail_n = keep + bytes.n;
}

/* Up to `chunks` reads; true where nothing more is there. */
static bool pump(struct local_step *s, enum runner_stream stream, size_t chunks)
{
    char chunk[CHUNK];
    while (chunks--) {
        ssize_t n = read(s->stream[stream], chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        str bytes = {chunk, (size_t)n};
        if (stream == RUNNER_STDERR) {
            keep_tail(s, bytes);
            s->line_open = bytes.p[bytes.n - 1] != '\n';
        }
        if (s->output)
            s->output(s->user, stream, bytes);
    }
    return false;
}

static void on_stream(void *user, struct watch *w)
{
    struct local_step *s = user;
    enum runner_stream stream =
        w == &s->watch_stream[RUNNER_STDERR] ? RUNNER_STDERR : RUNNER_STDOUT;
    if (!pump(s, stream, CHUNKS_PER_TURN))
        watch_again(w);
}

static void on_tree(void *user, struct watch *w)
{
    struct local_step *s = user;
    struct sandbox_exit x;
    (void)w;
    if (!sandbox_advance(s->tree, &x))
        return;
    end_proxy(s);
    /* Whoever could write is dead: what is in the pipes is all there will be. */
    for (size_t i = 0; i < 2; i++)
        if (s->stream[i] >= 0)
            (void)pump(s, (enum runner_stream)i, SIZE_MAX);
    report_exit(s, &x);
    close_handles(s);
}

static void on_failed_start(uv_timer_t *timer)
{
    struct local_step *s = timer->data;
    struct runner_exit e = {.err = &s->err};
    s->exit(s->user, &e);
    close_handles(s);
}

/* ---- the calls ---- */

static bool watch_all(struct local_step *s, struct watches *all)
{
    for (size_t i = 0; i < 2; i++) /* or it was given descriptors of its own */
        if (s->stream[i] >= 0 &&
            !watch_begin_stream(all, &s->watch_stream[i], s->stream[i], on_stream, s, &s->err))
            return false;
    return watch_begin(all, &s->watch_tree, sandbox_tree_fd(s->tree), on_tree, s, &s->err);
}

struct runner_step *local_exec(struct runner_workspace *workspace, const struct runner_exec *exec)
{
    struct local_workspace *w = (struct local_workspace *)workspace;
    struct local_step *s = mem_zalloc(sizeof *s);
    *s = (struct local_step){.step.workspace = workspace,
                             .folder = STEP_FOLDER_NONE,
                             .stream = {-1, -1},
                             .output = exec->output,
                             .exit = exec->exit,
                             .user = exec->user,
                             .next = w->steps,
                             .open_handles = 1};
    w->steps = s;
    w->busy++;
    s->later.data = s;
    uv_timer_init(w->local->loop, &s->later);
    if (start(s, w, exec, &s->err) && watch_all(s, &w->watches))
        return &s->step;
    for (size_t i = 0; i < 2; i++)
        watch_end(&s->watch_stream[i]);
    uv_timer_start(&s->later, on_failed_start, 0, 0);
    return NULL;
}

void local_kill(struct runner_step *step, int signal)
{
    struct local_step *s = (struct local_step *)step;
    if (s->tree)
        sandbox_signal(s->tree, signal);
}

bool local_send(struct runner_step *step, str bytes)
{
    struct local_step *s = (struct local_step *)step;
    return s->input && step_input_send(s->input, bytes);
}

void local_end_input(struct runner_step *step)
{
    struct local_step *s = (struct local_step *)step;
    if (s->input)
        step_input_end(s->input);
}

void local_kill_all(struct local_workspace *w)
{
    for (struct local_step *s = w->steps; s; s = s->next)
        local_kill(&s->step, SIGKILL);
}

void local_workspace_full(struct local_workspace *w)
{
    auto_buf text = BUF(NOTICE_MAX);
    if (w->quota.too_deep)
        buf_add_c(&text,
                  "the workspace nests folders too deeply to be measured: the step was ended");
    else
        buf_addf(&text, "the workspace holds more than %lld MiB: the step was ended",
                 (long long)(w->quota.limit >> 20));
    for (struct local_step *s = w->steps; s; s = s->next) {
        if (!s->tree || s->workspace_full || uv_is_closing((uv_handle_t *)&s->later))
            continue;
        s->workspace_full = true;
        say(s, buf_c(&text));
        local_kill(&s->step, SIGKILL);
    }
}
