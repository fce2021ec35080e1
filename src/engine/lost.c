/* A run whose files are gone when it is to be resumed: it runs again from its start, as a further
 * attempt, unless a step that ran must not run twice. */
#include "engine/engine_int.h"
#include "engine/rerun.h"

/* What a rerun kept has run in files that it is given again, unless it went on in what was left. */
static bool has_run_in_files(const struct recovery *v, const struct store_step *s)
{
    bool given = s->kept_from && files_filled(v->kept) == v->run.attempt;
    return step_type_has_files(s->type) && s->started_at && !given;
}

/* A run that has begun had taken the working tree's files, which are others by now. */
static bool had_taken_files(const struct recovery *v)
{
    if (v->run.status == RUN_QUEUED || v->base.n || recovery_text(v, "commit").n ||
        !recovery_text(v, "source").n)
        return false;
    for (size_t i = 0; i < v->step_count; i++)
        if (step_has_files_config(v->steps[i].type, v->steps[i].config) &&
            !step_status_is_final(v->steps[i].status))
            return true;
    return false;
}

bool lost_has_files_lost(struct engine *e, const struct recovery *v)
{
    if (runner_has_files(e->options.runner, v->run.id, files_filled(v->kept)))
        return false;
    if (had_taken_files(v))
        return true;
    for (size_t i = 0; i < v->step_count; i++)
        if (has_run_in_files(v, &v->steps[i]) &&
            (step_status_is_final(v->steps[i].status) ||
             v->steps[i].reason.code == REASON_HELD_AFTER_FAILURE))
            return true;
    return false;
}

bool lost_check(const struct recovery *v, struct err *err)
{
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        json_t *config = json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL);
        bool once = json_is_false(json_object_get(config, "idempotent"));
        json_decref(config);
        if (!once || !has_run_in_files(v, s))
            continue;
        err_set(err, "workspace_lost",
                "the files of run %lld are gone, and step '%.*s' must not run twice",
                (long long)v->run.id, STR_ARG(s->key.step_id));
        err_hint(err, "start a new run, or run all of it again: plue run rerun %lld",
                 (long long)v->run.id);
        return false;
    }
    return true;
}

bool lost_begin_again(struct engine *e, const struct recovery *v, engine_ended_fn *ended, void *ctx,
                      struct err *err)
{
    struct rerun_options options = {.run_id = v->run.id, .scope = RERUN_ALL, .unfinished = true};
    struct rerun *x;
    auto_buf text = BUF(4096);
    if (!rerun_prepare(e->reader, &options, &x, err))
        return false;
    buf_addf(&text, "its files are gone: it runs again from its start, as attempt %lld%s",
             (long long)rerun_attempt(x),
             rerun_lost_source(x) ? ", on the files that the working tree has now: those that it "
                                    "began with are not kept"
                                  : "");
    if (e->options.notice)
        e->options.notice(e->options.data, v->run.id, buf_str(&text));
    return engine_rerun(e, x, NULL, ended, ctx, err);
}
