#include "cli/drive.h"
#include "base/clock.h"
#include "engine/rerun.h"
#include "runner/local.h"
#include "json/json.h"
#include <limits.h>
#include <signal.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 1000, WAIVERS_MAX = 64 };

/* ---- the run's end ---- */

static void end(struct drive *d)
{
    d->ended = true;
    uv_stop(&d->loop);
}

static void on_created(void *ctx, int64_t run_id, const struct err *err)
{
    struct drive *d = ctx;
    if (err) {
        err_set(&d->error, err->code, "%.*s", STR_ARG(err->message));
        if (err->hint.n)
            err_hint(&d->error, "%.*s", STR_ARG(err->hint));
        end(d);
        return;
    }
    d->run_id = run_id;
    if (d->interrupts)
        engine_cancel(d->engine, run_id);
    progress_begin(d->progress, d->data.reader, run_id);
}

static void on_ended(void *ctx, int64_t run_id, enum run_status status, const struct err *err)
{
    struct drive *d = ctx;
    (void)status;
    if (err && !err_is_set(&d->error)) {
        err_set(&d->error, err->code, "run %lld stops here: %.*s", (long long)run_id,
                STR_ARG(err->message));
        err_hint(&d->error,
                 "what had finished is kept: once it is mended, plue run resume %lld%s%.*s",
                 (long long)run_id, err->hint.n ? "; " : "", STR_ARG(err->hint));
    }
    end(d);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *s, int number)
{
    struct drive *d = s->data;
    (void)number;
    if (!d->ours) { /* a watcher may go; the run does not care */
        end(d);
        return;
    }
    d->interrupts++;
    progress_say(d->progress, d->interrupts == 1
                                  ? "cancelling: steps get 10 s to end; again to kill them at once"
                                  : "killing what still runs");
    if (d->run_id)
        engine_cancel(d->engine, d->run_id);
}

/* ---- the clock ---- */

/* The lease goes with the run's end, which what is shown may be older than. */
static bool has_ended(const struct drive *d)
{
    auto_arena a = ARENA_INIT;
    auto_err ignored = ERR_INIT;
    struct store_run run;
    return store_load_run(d->data.reader, d->run_id, &a, &run, &ignored) &&
           run_status_is_final(run.status);
}

/* A watched run whose owner has died is taken over. */
static void look_at_owner(struct drive *d)
{
    struct store_owner self;
    struct store_lease lease;
    bool has = false;
    auto_err e = ERR_INIT;
    int64_t now = clock_wall_ms();
    if (now - d->looked_at < LOOK_EVERY_MS || run_status_is_final(progress_status(d->progress)))
        return;
    d->looked_at = now;
    if (!store_owner_self(&self, &e) ||
        !store_load_lease(d->data.reader, d->run_id, &lease, &has, &e))
        return;
    if ((has && !store_lease_is_free(&lease, &self, now)) || has_ended(d))
        return;
    progress_say(d->progress, "nothing drives this run any more: going on with it here");
    if (!drive_resume(d, d->run_id, &d->error))
        end(d);
}

static void on_tick(uv_timer_t *t)
{
    struct drive *d = t->data;
    progress_update(d->progress);
    if (d->ours)
        return;
    if (d->run_id && run_status_is_final(progress_status(d->progress)))
        end(d);
    else
        look_at_owner(d);
}

static void on_copy(void *data, int64_t run_id, size_t files, size_t total)
{
    struct drive *d = data;
    (void)run_id;
    progress_copying(d->progress, files, total);
}

static void on_notice(void *data, int64_t run_id, str text)
{
    struct drive *d = data;
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    buf_addf(&b, "run %lld: %.*s", (long long)run_id, STR_ARG(text));
    progress_say(d->progress, buf_c(&b));
}

static bool find_secret(void *data, str name, str *ret_value)
{
    struct drive *d = data;
    return secrets_find(&d->secrets, name, ret_value);
}

/* ---- life ---- */

static void start_loop(struct drive *d)
{
    uv_loop_init(&d->loop);
    uv_timer_init(&d->loop, &d->tick);
    uv_signal_init(&d->loop, &d->on_int);
    uv_signal_init(&d->loop, &d->on_term);
    d->tick.data = d->on_int.data = d->on_term.data = d;
    int every = progress_interval_ms(d->progress);
    uv_timer_start(&d->tick, on_tick, 0, (uint64_t)every);
    uv_signal_start(&d->on_int, on_signal, SIGINT);
    uv_signal_start(&d->on_term, on_signal, SIGTERM);
    uv_unref((uv_handle_t *)&d->on_int);
    uv_unref((uv_handle_t *)&d->on_term);
    d->looping = true;
}

bool drive_open(struct cli *c, enum data_purpose purpose, struct drive *ret, struct err *err)
{
    *ret = (struct drive){.cli = c};
    if (!data_open(c, purpose, &ret->data, err))
        return false;
    ret->progress = progress_new(c, progress_mode_of(c));
    start_loop(ret);
    return true;
}

bool drive_open_scratch(struct cli *c, const char *folder, struct drive *ret, struct err *err)
{
    *ret = (struct drive){.cli = c, .scratch = true};
    if (!data_open_in(folder, DATA_MAKE, &ret->data, err))
        return false;
    ret->progress = progress_new(c, PROGRESS_SPEECH);
    start_loop(ret);
    return true;
}

void drive_done(struct drive *d)
{
    if (d->looping) { /* first: the engine waits until the loop is empty */
        uv_close((uv_handle_t *)&d->tick, NULL);
        uv_close((uv_handle_t *)&d->on_int, NULL);
        uv_close((uv_handle_t *)&d->on_term, NULL);
    }
    engine_free(d->engine);
    runner_free(d->runner);
    if (d->looping) {
        uv_run(&d->loop, UV_RUN_DEFAULT);
        uv_loop_close(&d->loop);
    }
    sandbox_close(d->sandbox);
    progress_free(d->progress);
    data_done(&d->data);
    secrets_done(&d->secrets);
    config_done(&d->config);
    err_done(&d->error);
}

static bool check_waivers(const char *const *waived, struct err *err)
{
    str names[WAIVERS_MAX];
    for (size_t i = 0; i < sandbox_promise_count && i < WAIVERS_MAX; i++)
        names[i] = str_of(sandbox_promises[i].name);
    for (; waived && *waived; waived++) {
        if (sandbox_find_promise(str_of(*waived)))
            continue;
        long near = str_nearest(str_of(*waived), names, sandbox_promise_count);
        err_set(err, "invalid_config", CONFIG_PATH ": there is no promise '%s' to waive%s%.*s%s",
                *waived, near < 0 ? "" : " (did you mean '",
                STR_ARG(near < 0 ? STR("") : names[near]), near < 0 ? "" : "'?)");
        return err_hint(err, "plue doctor lists them"), false;
    }
    return true;
}

static bool open_sandbox(struct drive *d, const char *backend, struct err *err)
{
    const char *bwrap = getenv("PLUE_BWRAP");
    const char *const *waived = (const char *const *)d->config.sandbox.waived;
    auto_buf images = BUF(PATH_MAX);
    buf_addf(&images, "%s/images", d->data.folder);
    struct sandbox_options options = {.backend = backend,
                                      .waivers = waived,
                                      .images_dir = buf_c(&images),
                                      .bwrap = bwrap && *bwrap ? bwrap : NULL};
    if (!check_waivers(waived, err) || !sandbox_open(&options, &d->sandbox, err))
        return false;
    for (; waived && *waived; waived++)
        cli_warn(d->cli, CONFIG_PATH " waives the sandbox's promise '%s'", *waived);
    if (strcmp(sandbox_name(d->sandbox), "none") == 0)
        cli_warn(d->cli, "steps run without a sandbox: they can read and change whatever you can");
    return true;
}

bool drive_start_engine(struct drive *d, const char *backend, const char *root, struct err *err)
{
    struct engine_options options = {
        .loop = &d->loop,
        .store = d->data.store,
        .data_dir = d->data.folder,
        .secret = find_secret,
        .progress = on_copy,
        .notice = on_notice,
        .data = d,
    };
    int64_t slots = 0;
    if (d->engine)
        return true;
    if (!cli_number(d->cli, "slots", 0, &slots, err) || !config_read(root, &d->config, err))
        return false;
    if (!slots)
        slots = d->config.slots;
    options.slots = slots > UINT16_MAX ? UINT16_MAX : (uint32_t)slots;
    if (!secrets_open(d->cli, cli_value(d->cli, "secret-file"), &d->secrets, err) ||
        !secrets_add_provided(d->cli, &d->secrets, d->scratch ? NULL : &d->data, &d->config, err) ||
        !open_sandbox(d, backend, err) ||
        !runner_local_new(&d->loop, d->data.folder, d->sandbox, &d->runner, err))
        return false;
    runner_local_configure(d->runner, &d->config);
    options.config = &d->config;
    options.runner = d->runner;
    options.secret_names = d->secrets.names.at;
    options.secret_count = d->secrets.names.n;
    if (!engine_new(&options, &d->engine, err))
        return false;
    engine_clean(d->engine);
    return true;
}

bool drive_read_breaks(struct cli *c, const struct plan *p, struct arena *a,
                       struct engine_breaks *ret, struct err *err)
{
    str *ids = arena_array(a, str, c->given.n + 1);
    struct engine_breaks b = {.before = ids, .on_failure = cli_has(c, "break-on-failure")};
    for (size_t i = 0; i < c->given.n; i++)
        if (strcmp(c->given.at[i].option->name, "break-before") == 0)
            ids[b.before_count++] = str_of(c->given.at[i].value);
    if (!engine_check_breaks(p, &b, err))
        return false;
    for (size_t i = 0; i < b.before_count; i++)
        if (plan_find(p, ids[i]) == PLAN_NEVER)
            cli_note("the plan has no step '%.*s' yet: it is held if it comes", STR_ARG(ids[i]));
    *ret = b;
    return true;
}

bool drive_run(struct drive *d, const struct engine_request *q, struct err *err)
{
    d->ours = true;
    return engine_start(d->engine, q, on_created, on_ended, d, err);
}

/* An engine with the sandbox that the run was started with, which is kept beside its plan. */
static bool start_engine_of(struct drive *d, int64_t run_id, char **ret_backend, struct err *err)
{
    auto_arena a = ARENA_INIT;
    struct store_run run;
    if (!store_load_run(d->data.reader, run_id, &a, &run, err))
        return false;
    json_t *kept = json_loadb(run.plan.p, run.plan.n, 0, NULL);
    str name = json_get_text(kept, "sandbox");
    *ret_backend = name.n ? str_dup(name) : NULL;
    json_decref(kept);
    return drive_start_engine(d, *ret_backend, arena_cstr(&a, run.repository), err);
}

bool drive_resume(struct drive *d, int64_t run_id, struct err *err)
{
    auto_free char *backend = NULL;
    if (!start_engine_of(d, run_id, &backend, err))
        return false;
    d->run_id = run_id;
    progress_begin(d->progress, d->data.reader, run_id);
    d->ours = engine_resume(d->engine, run_id, on_ended, d, err);
    return d->ours;
}

bool drive_rerun(struct drive *d, int64_t run_id, struct rerun *x, struct err *err)
{
    int64_t before = 0;
    if (!store_last_seq(d->data.reader, run_id, &before, err)) {
        rerun_free(x);
        return false;
    }
    progress_skip(d->progress, before);
    d->run_id = run_id;
    d->ours = engine_rerun(d->engine, x, NULL, on_ended, d, err);
    if (d->ours)
        progress_begin(d->progress, d->data.reader, run_id);
    return d->ours;
}

bool drive_replay(struct drive *d, int64_t run_id, const struct replay_fork *fork, struct err *err)
{
    auto_free char *backend = NULL;
    d->ours = start_engine_of(d, run_id, &backend, err) &&
              engine_replay(d->engine, run_id, fork, backend, on_created, on_ended, d, err);
    return d->ours;
}

void drive_watch(struct drive *d, int64_t run_id)
{
    d->run_id = run_id;
    progress_begin(d->progress, d->data.reader, run_id);
}

int drive_loop(struct drive *d)
{
    while (!d->ended)
        uv_run(&d->loop, UV_RUN_DEFAULT);
    d->ended = false;
    if (err_is_set(&d->error))
        return cli_fail(d->cli, NULL, &d->error);
    bool left = !d->ours && !run_status_is_final(progress_status(d->progress));
    int status = left ? CLI_CANCELLED : progress_end(d->progress);
    if (left)
        cli_note("run %lld goes on; `plue run watch %lld` watches it again", (long long)d->run_id,
                 (long long)d->run_id);
    return status;
}
