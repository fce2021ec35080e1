/* The new attempt of a rerun: its rows, its events, and the run that goes on. */
#include "engine/receipt_int.h"
#include "engine/rerun.h"
#include "engine/rerun_int.h"
#include "json/json.h"

static void record_kept(struct live_run *r, struct store_batch *b, const struct rerun *x,
                        uint32_t i)
{
    struct store_step row = *rerun_find_recorded(x, r->plan.steps[i].id);
    row.kept_from = row.kept_from ? row.kept_from : row.key.attempt;
    row.key.attempt = r->attempt;
    row.key.try = 1;
    row.position = i;
    store_add_steps(b, &row, 1);
    r->steps[i].has_row = true;
    r->steps[i].recorded = row.status;
    r->steps[i].recorded_try = 1;
}

/* Back from its end to the queue: nothing of the last attempt's end is left in the row. */
static void record_attempt(struct live_run *r, struct store_batch *b, const struct rerun *x)
{
    struct store_run_update u = {
        .run_id = r->id,
        .from = x->v.run.status,
        .to = RUN_QUEUED,
        .fields = STORE_RUN_ATTEMPT | STORE_RUN_CONCLUSION | STORE_RUN_REASON | STORE_RUN_OUTPUTS |
                  STORE_RUN_ERROR | STORE_RUN_STARTED | STORE_RUN_COMPLETED | STORE_RUN_PLAN |
                  STORE_RUN_DEADLINE,
        .values = {.attempt = r->attempt,
                   .reason = record_first_reason(r),
                   .plan = x->v.run.plan,
                   .plan_hash = receipt_of_live(r, NULL)},
    };
    store_update_run(b, &u);
}

/* Steps of an attempt that is given up end with it. */
static void record_given_up(struct store_batch *b, const struct rerun *x)
{
    for (size_t i = 0; i < x->v.step_count; i++) {
        const struct store_step *s = &x->v.steps[i];
        struct store_step_update u = {
            .key = s->key,
            .from = s->status,
            .to = STEP_CANCELLED,
            .fields = STORE_STEP_OUTCOME | STORE_STEP_REASON | STORE_STEP_COMPLETED,
            .values = {.outcome = OUTCOME_CANCELLED,
                       .conclusion = CONCLUSION_CANCELLED,
                       .reason = {REASON_WORKSPACE_LOST,
                                  str_of(reason_sentence(REASON_WORKSPACE_LOST))},
                       .completed_at = clock_wall_ms()},
        };
        if (!step_status_is_final(s->status))
            store_update_step(b, &u);
    }
}

static void record_kept_event(struct live_run *r, struct store_batch *b, const struct store_step *s)
{
    auto_buf data = BUF(4096);
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "success");
    json_put_bool(&w, true);
    json_key_c(&w, "status");
    json_put_c(&w, step_status_name(s->status));
    json_key_c(&w, "outcome");
    json_put_c(&w, outcome_name(s->outcome));
    json_key_c(&w, "kept");
    json_put_bool(&w, true);
    json_end_object(&w);
    record_event(r, b, EVENT_STEP_COMPLETED, s->key.step_id, buf_str(&data));
}

static void begin_attempt(struct live_run *r, void *data)
{
    (void)data;
    if (r->created)
        r->created(r->ctx, r->id, NULL);
    run_try_to_begin(r);
}

void rerun_set_breaks(struct rerun *x, const struct engine_breaks *breaks)
{
    x->request.breaks = *breaks;
}

static struct live_run *revive(struct engine *e, struct rerun *x)
{
    x->request.evaluation = steal(x->evaluation);
    x->request.bundle = steal(x->bundle);
    x->v.run.plan = breaks_keep(&x->v.arena, x->v.run.plan, &x->request.breaks);
    struct live_run *r = live_run_new(e, &x->request);
    r->id = x->v.run.id;
    r->attempt = rerun_attempt(x);
    r->kept = arena_str(&r->arena, x->v.run.plan);
    r->reuses_workspace = x->uses_files && !x->files.snapshot;
    run_take_plan(r);
    run_keep_plan_error(r);
    return r;
}

static void record_all(struct live_run *r, struct store_batch *b, struct rerun *x)
{
    store_take_lease(b, r->id, &r->engine->self, clock_wall_ms());
    record_given_up(b, x);
    record_attempt(r, b, x);
    for (uint32_t i = 0; i < r->plan.step_count; i++)
        if (x->keep.at[i])
            record_kept(r, b, x, i);
    record_new_steps(r, b, 0);
    record_sources(r, b);
    record_run_started(r, b);
    for (uint32_t i = 0; i < r->plan.step_count; i++) {
        const struct store_step *s = rerun_find_recorded(x, r->plan.steps[i].id);
        if (!x->keep.at[i])
            continue;
        record_kept_event(r, b, s);
        struct store_step kept = *s;
        kept.key.try = 1;
        kept.kept_from = s->kept_from ? s->kept_from : s->key.attempt;
        recovery_restore(r, i, &kept);
    }
}

bool engine_rerun(struct engine *e, struct rerun *x, engine_created_fn *created,
                  engine_ended_fn *ended, void *ctx, struct err *err)
{
    struct live_run *r = revive(e, x);
    struct run_options options = hold_options(r, r->plan.timeout_ms);
    struct store_batch *b = store_batch_new(e->options.store);
    run_init(&r->core, &options);
    if (!hidden_load(r, err)) {
        store_batch_free(b);
        rerun_free(x);
        r->complete = true;
        run_forget(r);
        return false;
    }
    record_all(r, b, x);
    rerun_free(x);
    r->ctx = ctx;
    /* Waited for: whether another process was faster is the caller's to know. */
    if (!store_commit(e->options.store, b, NULL, err)) {
        r->complete = true;
        run_forget(r);
        return false;
    }
    r->created = created;
    r->ended = ended;
    begin_attempt(r, NULL);
    return true;
}
