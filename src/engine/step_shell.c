/* Shell steps: arguments resolved, command quoted, process started, output captured, result files
 * read. */
#include "engine/engine_int.h"
#include "engine/outputs.h"
#include <signal.h>

enum { ENV_MAX = 4096, ADDITIONS_MAX = 4 << 20 };

/* ---- what earlier steps added ---- */

static void add_env(struct live_run *r, str name, str value)
{
    auto_buf pair = BUF(ADDITIONS_MAX);
    buf_addf(&pair, "%.*s=", STR_ARG(name));
    size_t prefix = pair.n;
    buf_add_str(&pair, value);
    for (size_t i = 0; i < r->env.n; i++) {
        if (strncmp(r->env.at[i], pair.p, prefix) == 0) {
            free(r->env.at[i]);
            r->env.at[i] = buf_take(&pair, NULL);
            return;
        }
    }
    vec_push(&r->env, buf_take(&pair, NULL));
}

static void add_path(struct live_run *r, str folder)
{
    vec_push(&r->path, NULL);
    memmove(r->path.at + 1, r->path.at, (r->path.n - 1) * sizeof *r->path.at);
    r->path.at[0] = str_dup(folder);
}

void shell_take_additions(struct live_run *r, str json)
{
    json_t *j = json.n ? json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL) : NULL;
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach(json_object_get(j, "env"), name, value)
    {
        add_env(r, str_of(name), str_of(json_string_value(value)));
    }
    json_array_foreach(json_object_get(j, "path"), i, value)
    {
        add_path(r, str_of(json_string_value(value)));
    }
    json_decref(j);
}

static bool take_output(void *ctx, str name, str value, struct err *err)
{
    json_t *outputs = ctx;
    auto_buf valid = BUF(ADDITIONS_MAX);
    (void)err;
    capture_add_valid(&valid, value);
    json_object_setn_new_nocheck(outputs, name.p, name.n, json_stringn(buf_c(&valid), valid.n));
    return true;
}

static bool take_env(void *ctx, str name, str value, struct err *err)
{
    if (!outputs_env_is_allowed(name)) {
        err_set(err, "env_refused",
                "$PLUE_ENV may not set %.*s: it would change how later steps' shells run",
                STR_ARG(name));
        err_hint(err, "give it to the step that needs it in env=");
        return false;
    }
    return take_output(ctx, name, value, err);
}

static char *dump_masked(struct live_run *r, json_t *j)
{
    auto_free char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
    auto_buf masked = BUF(ADDITIONS_MAX);
    mask_apply(run_mask(r), str_of(text), &masked);
    return buf_take(&masked, NULL);
}

static void keep_outputs(struct live_step *l, char *outputs, char *output)
{
    free(l->outputs);
    free(l->output);
    l->outputs = outputs;
    l->output = output;
}

static bool wrote_files(const struct runner_exit *x)
{
    return x->output.n || x->env.n || x->path.n || x->summary.n || x->cut;
}

/* outputs, env, path and summary files of the finished try. */
static bool read_files(struct live_run *r, uint32_t step, const struct runner_exit *x,
                       struct err *err)
{
    struct live_step *l = &r->steps[step];
    json_t *outputs = json_object(), *more = json_object(), *env = json_object(),
           *path = json_array();
    str rest = x->path, line;
    bool ok = outputs_parse("$PLUE_OUTPUT", x->output, take_output, outputs, err) &&
              outputs_parse("$PLUE_ENV", x->env, take_env, env, err);

    while (str_next(&rest, '\n', &line))
        if (str_trim(line).n)
            json_array_append_new(path, json_stringn(line.p, line.n));
    json_object_set_new(more, "env", env);
    json_object_set_new(more, "path", path);
    if (x->summary.n) {
        auto_buf valid = BUF(ADDITIONS_MAX);
        capture_add_valid(&valid, x->summary);
        json_object_set_new(more, "summary", json_stringn(buf_c(&valid), valid.n));
    }
    if (ok && x->cut) {
        ok = err_set(err, "output_file_too_large",
                     "a result file ($PLUE_OUTPUT, $PLUE_ENV, ...) is larger than %d KiB",
                     RUNNER_FILE_MAX >> 10);
        err_hint(err, "write large data to a file of the workspace");
    }
    keep_outputs(l, dump_masked(r, outputs), dump_masked(r, more));
    if (ok)
        shell_take_additions(r, str_of(l->output));
    json_decref(outputs);
    json_decref(more);
    return ok;
}

/* ---- output ---- */

void step_keep_lines(void *ctx, const struct log_line *lines, size_t n)
{
    struct sink *s = ctx;
    struct live_step *l = &s->run->steps[s->step];
    struct store_step_key key = record_key(s->run, s->step);

    if (l->log_full)
        return;
    struct store_batch *b = store_batch_new(s->run->engine->options.store);
    store_append_log(b, &key, lines, n);
    for (size_t i = 0; i < n; i++)
        l->log_bytes += (int64_t)lines[i].text.n + 1;
    l->log_lines += (int64_t)n;
    if (l->log_bytes > run_log_quota(s->run)) {
        auto_buf text = BUF(CAPTURE_LINE_MAX);
        l->log_full = true;
        buf_addf(&text, "the step's log is full (%lld bytes): what follows is not kept",
                 (long long)run_log_quota(s->run));
        struct log_line notice = {
            .time_ms = clock_wall_ms(), .stream = LOG_SYSTEM, .text = buf_str(&text)};
        store_append_log(b, &key, &notice, 1);
    }
    run_submit(s->run, b, run_nothing, NULL);
}

static void step_wrote(void *user, enum runner_stream stream, str bytes)
{
    struct sink *s = user;
    struct live_step *l = &s->run->steps[s->step];
    struct capture *c = stream == RUNNER_STDOUT ? &l->out : &l->err;
    capture_feed(c, bytes, clock_wall_ms(), step_keep_lines, s);
}

static void take_texts(struct live_run *r, struct live_step *l)
{
    auto_buf out = BUF(4 * STORE_STEP_TEXT_MAX), err = BUF(4 * STORE_STEP_TEXT_MAX);
    capture_text(&l->out, &out);
    capture_text(&l->err, &err);
    free(l->stdout_text);
    free(l->stderr_text);
    l->stdout_text = buf_take(&out, NULL);
    l->stderr_text = buf_take(&err, NULL);
    l->stdout_cut = l->out.value_cut;
    l->stderr_cut = l->err.value_cut;
    (void)r;
}

/* ---- the end of a try ---- */

static void describe_exit(struct live_run *r, uint32_t step, const struct runner_exit *x,
                          struct err *err, enum reason *ret)
{
    const struct config *c = run_config(r);
    const struct sandbox_limits limits = SANDBOX_LIMITS_DEFAULT;
    int64_t memory = c->sandbox.memory_bytes ? c->sandbox.memory_bytes : limits.memory_bytes;
    int64_t bytes =
        c->sandbox.workspace_bytes ? c->sandbox.workspace_bytes : RUNNER_WORKSPACE_BYTES;
    if (x->oom) {
        err_set(err, "out_of_memory", "the step used more memory than it may");
        err_hint(err,
                 "the limit of a step is %lld MiB; memory: of sandbox: in " CONFIG_PATH
                 " changes it",
                 (long long)(memory >> 20));
        *ret = REASON_OUT_OF_MEMORY;
    } else if (x->workspace_full) {
        err_set(err, "workspace_full", "the step filled the workspace, which may hold %lld MiB",
                (long long)(bytes >> 20));
        err_hint(err, "remove what later steps do not need");
        *ret = REASON_SIGNALLED;
    } else if (x->signal) {
        err_set(err, "signalled", "the command was ended by signal %d (%s)", x->signal,
                strsignal(x->signal));
        *ret = REASON_SIGNALLED;
    } else {
        err_set(err, "exit_code", "the command ended with exit code %d%s", x->exit_code,
                x->tmp_full    ? ", and /tmp was full"
                : x->disk_full ? ", and the disk was full"
                               : "");
        *ret = REASON_EXIT_CODE;
    }
    const char *hint = step_network_hint(r, step);
    if (hint && !err->hint.n && !x->tmp_full && !x->disk_full)
        err_hint(err, "%s", hint);
}

/* What the step was let reach and did not. */
static void record_unused_hosts(struct live_run *r, uint32_t step, const struct runner_exit *x)
{
    struct store_batch *b = NULL;
    str rest = opt_str(r->steps[step].hosts), host;
    for (size_t i = 0; i < x->host_count && str_next(&rest, '\n', &host); i++) {
        struct store_grant g = {.key = record_key(r, step), .kind = STR("host"), .name = host};
        if (x->host_used[i])
            continue;
        if (!b)
            b = store_batch_new(r->engine->options.store);
        store_add_unused_grant(b, &g);
    }
    if (b)
        run_submit(r, b, run_nothing, NULL);
}

static void step_exited(void *user, const struct runner_exit *x)
{
    struct sink *s = user;
    struct live_run *r = s->run;
    uint32_t step = s->step;
    struct live_step *l = &r->steps[step];
    auto_err err = ERR_INIT;
    enum reason reason = REASON_NONE;

    capture_finish(&l->out, clock_wall_ms(), step_keep_lines, s);
    capture_finish(&l->err, clock_wall_ms(), step_keep_lines, s);
    take_texts(r, l);
    free(s);
    l->process = NULL;
    r->pending--;
    if (x->err) {
        err_set(&err, x->err->code, "%.*s", STR_ARG(x->err->message));
        if (x->err->hint.n)
            err_hint(&err, "%.*s", STR_ARG(x->err->hint));
        bool lost = strcmp(x->err->code, "workspace_lost") == 0;
        run_step_failed(r, step, lost ? REASON_WORKSPACE_LOST : REASON_START_FAILED, &err, lost);
        return;
    }
    l->has_exit_code = true;
    l->exit_code = x->exit_code;
    record_unused_hosts(r, step, x);
    if (!wrote_files(x))
        keep_outputs(l, str_dup(STR("{}")), str_dup(STR("{\"env\":{},\"path\":[]}")));
    else if (!read_files(r, step, x, &err))
        reason = REASON_VALUE_ERROR;
    if (r->core.steps[step].killing) { /* the core knows why, and that it has ended by it */
        err_reset(&err);
        reason = REASON_NONE;
    } else if (reason == REASON_NONE && (x->exit_code || x->signal)) {
        describe_exit(r, step, x, &err, &reason);
    }
    shell_finish(r, step, OUTCOME_SUCCESS, reason, &err);
}

/* ---- the start ---- */

struct launch {
    VEC(char *) env;         /* owned, NULL-terminated */
    VEC(const char *) path;  /* borrowed, NULL-terminated */
    VEC(const char *) hosts; /* of the network, borrowed from it, NULL-terminated */
    struct buf script;
    json_t *config; /* resolved, without cmd */
    json_t *network;
};

static void launch_done(struct launch *l)
{
    for (size_t i = 0; i < l->env.n; i++)
        free(l->env.at[i]);
    vec_done(&l->env);
    vec_done(&l->path);
    vec_done(&l->hosts);
    buf_done(&l->script);
    json_decref(l->config);
    json_decref(l->network);
}

static void push_env(struct launch *l, const char *name, str value)
{
    auto_buf pair = BUF(ADDITIONS_MAX);
    buf_add_c(&pair, name);
    buf_add_byte(&pair, '=');
    buf_add_str(&pair, value);
    vec_push(&l->env, buf_take(&pair, NULL));
}

static void own_env(struct live_run *r, uint32_t step, struct launch *l)
{
    auto_buf id = BUF(32);
    buf_add_int(&id, r->id);
    push_env(l, "CI", STR("true"));
    push_env(l, "PLUE_RUN_ID", buf_str(&id));
    push_env(l, "PLUE_WORKFLOW", run_top(r)->plan.workflow);
    push_env(l, "PLUE_STEP_ID", r->plan.steps[step].id);
    if (r->request.ref.n)
        push_env(l, "PLUE_REF", r->request.ref);
    if (r->request.sha.n)
        push_env(l, "PLUE_SHA", r->request.sha);
}

/* What a start needs of the step's configuration; NULL where that is damaged. */
static json_t *load_config(str config)
{
    static const char *const names[] = {"cmd",     "shell", "env",       "cwd", "image",
                                        "network", "cache", "artifacts", NULL};
    auto_buf needed = BUF(CONFIG_RESOLVED_MAX);
    return json_pick(config, names, &needed) ? json_loadb(needed.p, needed.n, JSON_ALLOW_NUL, NULL)
                                             : NULL;
}

/* Everything but cmd, which is quoted by itself. */
static bool resolve_config(struct live_run *r, uint32_t step, struct launch *l, struct err *err)
{
    struct resolve_scope scope = run_scope(r);
    json_t *raw = load_config(r->plan.steps[step].config);
    const char *shell = json_string_value(json_object_get(raw, "shell"));
    enum shell_dialect dialect = !shell                          ? SHELL_BASH
                                 : strcmp(shell, "python3") == 0 ? SHELL_PYTHON3
                                 : strcmp(shell, "sh") == 0      ? SHELL_SH
                                                                 : SHELL_BASH;
    if (!resolve_command(&scope, raw, dialect, &l->script, err)) {
        json_decref(raw);
        return false;
    }
    json_object_del(raw, "cmd");
    if (!resolve_tree(&scope, raw, CONFIG_RESOLVED_MAX, &l->config, err))
        return false;
    if (memchr(l->script.p ? l->script.p : "", '\0', l->script.n))
        return err_set(err, "nul_in_command", "cmd holds a NUL byte, which no shell can read");
    return true;
}

static bool config_env(struct live_run *r, struct launch *l, struct err *err)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < r->env.n; i++)
        vec_push(&l->env, str_dup(str_of(r->env.at[i])));
    json_object_foreach(json_object_get(l->config, "env"), name, value)
    {
        auto_free char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        str s = text ? str_of(text) : str_make(json_string_value(value), json_string_length(value));
        if (memchr(s.p, '\0', s.n))
            return err_set(err, "nul_in_env", "env: the value of %s holds a NUL byte", name);
        push_env(l, name, s);
    }
    if (l->env.n > ENV_MAX)
        return err_set(err, "env_too_large", "a step may have at most %d environment variables",
                       ENV_MAX);
    vec_push(&l->env, NULL);
    for (size_t i = 0; i < r->path.n; i++)
        vec_push(&l->path, r->path.at[i]);
    vec_push(&l->path, NULL);
    return true;
}

static enum runner_shell shell_of(json_t *config)
{
    const char *s = json_string_value(json_object_get(config, "shell"));
    return !s                          ? RUNNER_SHELL_DEFAULT
           : strcmp(s, "bash") == 0    ? RUNNER_SHELL_BASH
           : strcmp(s, "python3") == 0 ? RUNNER_SHELL_PYTHON
                                       : RUNNER_SHELL_SH;
}

/* The step's own network=, or else the run's. A list's texts go to l->hosts. */
static enum sandbox_network network_of(struct live_run *r, struct launch *l)
{
    json_t *own = json_object_get(l->config, "network");
    l->network = own && !json_is_null(own)
                     ? json_incref(own)
                     : json_loadb(r->plan.network.p, r->plan.network.n, JSON_DECODE_ANY, NULL);
    if (json_is_string(l->network))
        return strcmp(json_string_value(l->network), "all") == 0 ? SANDBOX_NETWORK_ALL
                                                                 : SANDBOX_NETWORK_NONE;
    for (size_t i = 0; i < json_array_size(l->network); i++)
        vec_push(&l->hosts, json_string_value(json_array_get(l->network, i)));
    if (!l->hosts.n)
        return SANDBOX_NETWORK_NONE;
    vec_push(&l->hosts, NULL);
    return SANDBOX_NETWORK_PROXY;
}

void step_reset_try(struct live_run *r, uint32_t step)
{
    struct live_step *l = &r->steps[step];
    if (l->capturing) {
        capture_done(&l->out);
        capture_done(&l->err);
    }
    l->commands = (struct log_commands){0};
    capture_init(&l->out, LOG_STDOUT, run_mask(r), &l->commands);
    capture_init(&l->err, LOG_STDERR, run_mask(r), &l->commands);
    l->out.hides = l->err.hides = hidden_keep;
    l->out.hides_ctx = l->err.hides_ctx = r;
    l->capturing = true;
    l->has_exit_code = false;
    l->log_lines = l->log_bytes = 0;
    l->log_full = false;
    memset(&l->spent, 0, sizeof l->spent);
    free(l->error);
    free(l->error_message);
    l->error = l->error_message = NULL;
}

static void keep_hosts(struct live_step *to, const struct launch *l)
{
    auto_buf lines = BUF(BUF_TEXT_MAX);
    for (size_t i = 0; i < l->hosts.n && l->hosts.at[i]; i++)
        buf_addf(&lines, "%s\n", l->hosts.at[i]);
    free(to->hosts);
    to->hosts = buf_take(&lines, NULL);
}

static void start_process(struct live_run *r, uint32_t step, struct launch *l)
{
    struct sink *sink = mem_alloc(sizeof *sink);
    const char *cwd = json_string_value(json_object_get(l->config, "cwd"));
    const char *image = json_string_value(json_object_get(l->config, "image"));
    auto_buf id = BUF(4096);

    step_runner_id(r, step, &id);
    *sink = (struct sink){r, step};
    struct runner_exec exec = {
        .step = buf_c(&id),
        .shell = shell_of(l->config),
        .script = buf_str(&l->script),
        .env = (const char *const *)l->env.at,
        .path = l->path.at,
        .cwd = cwd,
        .image = image ? image : run_image(r),
        .network = network_of(r, l),
        .output = step_wrote,
        .exit = step_exited,
        .user = sink,
    };
    exec.hosts = l->hosts.at;
    keep_hosts(&r->steps[step], l);
    r->steps[step].no_network = exec.network == SANDBOX_NETWORK_NONE;
    r->pending++;
    r->steps[step].process = runner_exec(r->workspace, &exec);
    /* A cancel that came while the start was being recorded. */
    if (r->steps[step].process && r->core.steps[step].killing)
        runner_kill(r->steps[step].process, r->core.steps[step].killed ? SIGKILL : SIGTERM);
}

/* What is usual in a shell for people; what the step sets counts more. */
static void attach_env(struct live_run *r, uint32_t step, struct launch *l, const char *term)
{
    auto_buf prompt = BUF(8192);
    if (!term)
        return;
    buf_addf(&prompt, "[%lld %.*s] $ ", (long long)r->id, STR_ARG(r->plan.steps[step].id));
    push_env(l, "TERM", *term ? str_of(term) : STR("dumb"));
    push_env(l, "PS1", buf_str(&prompt));
    push_env(l, "HISTFILE", STR(""));
}

enum shell_attached shell_attach(struct live_run *r, uint32_t step, const struct shell_attach *x,
                                 struct runner_step **ret_process, struct err *err)
{
    cleanup(launch_done) struct launch l = {.script = BUF(RUNNER_SCRIPT_MAX)};
    bool is_shell = r->plan.steps[step].type == STEP_TYPE_SHELL;
    auto_buf id = BUF(4096);

    r->resolving = step;
    r->wanted = STR("");
    own_env(r, step, &l);
    attach_env(r, step, &l, x->term);
    if ((is_shell && !resolve_config(r, step, &l, err)) || !config_env(r, &l, err))
        return workspace_fetches_hash(r, step) ? SHELL_ATTACH_LATER : SHELL_ATTACH_FAILED;
    step_runner_id(r, step, &id);
    buf_addf(&id, "-attach-%u", x->number);
    const char *image = json_string_value(json_object_get(l.config, "image"));
    struct runner_exec exec = {
        .step = buf_c(&id),
        .script = buf_str(&l.script),
        .env = (const char *const *)l.env.at,
        .path = l.path.at,
        .cwd = json_string_value(json_object_get(l.config, "cwd")),
        .image = image ? image : run_image(r),
        .network = network_of(r, &l),
        .exit = x->exit,
        .user = x->user,
        .stdio = x->stdio,
    };
    exec.hosts = l.hosts.at;
    *ret_process = runner_exec(r->workspace, &exec);
    return SHELL_ATTACH_STARTED;
}

void shell_launch(struct live_run *r, uint32_t step)
{
    cleanup(launch_done) struct launch l = {.script = BUF(RUNNER_SCRIPT_MAX)};
    auto_err err = ERR_INIT;

    step_reset_try(r, step);
    own_env(r, step, &l);
    if (!resolve_config(r, step, &l, &err) || !config_env(r, &l, &err)) {
        if (workspace_fetches_hash(r, step))
            return;
        bool unsafe = err.code && strcmp(err.code, "unsafe_command") == 0;
        run_step_failed(r, step, unsafe ? REASON_UNSAFE_COMMAND : REASON_VALUE_ERROR, &err, true);
        return;
    }
    free(r->steps[step].artifacts);
    const json_t *artifacts = json_object_get(l.config, "artifacts");
    r->steps[step].artifacts =
        artifacts ? json_dumps(artifacts, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (!cache_begin(r, step, l.config))
        start_process(r, step, &l);
}
