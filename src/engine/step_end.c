/* How a shell step ends: its artifacts, then its cache, then its state. */
#include "engine/engine_int.h"

struct ending {
    enum outcome outcome;
    enum reason reason;
    struct err err;
};

static bool is_ending(const struct live_run *r, uint32_t step)
{
    return r->core.steps[step].killing || r->engine->halted;
}

static void conclude(struct live_run *r, uint32_t step, struct ending *e)
{
    if (err_is_set(&e->err))
        run_step_failed(r, step, e->reason, &e->err, false);
    else
        run_step_done(r, step, e->outcome, REASON_NONE, false);
    err_done(&e->err);
    free(e);
    r->pending--;
    run_forget(r);
}

static void cache_is_saved(struct live_run *r, uint32_t step, void *user, const struct err *err)
{
    (void)err;
    conclude(r, step, user);
}

static void after_artifacts(struct live_run *r, uint32_t step, void *user, const struct err *err)
{
    struct ending *e = user;
    if (err && !err_is_set(&e->err)) {
        err_set(&e->err, err->code, "%.*s", STR_ARG(err->message));
        if (err->hint.n)
            err_hint(&e->err, "%.*s", STR_ARG(err->hint));
        e->reason = REASON_VALUE_ERROR;
    }
    if (err_is_set(&e->err) || is_ending(r, step) || !cache_save(r, step, cache_is_saved, e))
        conclude(r, step, e);
}

void shell_finish(struct live_run *r, uint32_t step, enum outcome outcome, enum reason reason,
                  struct err *err)
{
    struct live_step *l = &r->steps[step];
    struct ending *e = mem_zalloc(sizeof *e);
    e->outcome = outcome;
    e->reason = reason;
    if (err_is_set(err))
        err_move(&e->err, err);
    r->pending++;
    json_t *paths = l->artifacts ? json_loads(l->artifacts, JSON_DECODE_ANY, NULL) : NULL;
    if (json_array_size(paths) && r->workspace && !is_ending(r, step))
        collect_artifact(r, step, r->plan.steps[step].id, paths, after_artifacts, e);
    else
        after_artifacts(r, step, e, NULL);
    json_decref(paths);
}
