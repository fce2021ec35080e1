/* Steps that wait for a person. What was asked and decided stands in the database: any process may
 * decide, and a run that was resumed finds it there. */
#include "engine/engine_int.h"
#include "json/json.h"

static bool load_one(struct live_run *r, uint32_t step, struct arena *a, struct store_approval *ret,
                     bool *ret_found, struct err *err)
{
    struct store_approval *list;
    size_t n;
    *ret_found = false;
    if (!store_list_approvals(r->engine->reader, r->id, r->attempt, a, &list, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i].step_id, r->plan.steps[step].id)) {
            *ret = list[i];
            *ret_found = true;
        }
    }
    return true;
}

static void add_decision(const struct store_approval *a, struct buf *b)
{
    struct json_writer w = JSON_WRITER(b, false);
    json_begin_object(&w);
    json_key_c(&w, "decision");
    json_put_str(&w, a->decision);
    json_key_c(&w, "actor");
    json_put_str(&w, a->actor);
    json_key_c(&w, "comment");
    json_put_str_or_null(&w, a->comment);
    json_end_object(&w);
}

static void finish(struct live_run *r, uint32_t step, const struct store_approval *a)
{
    auto_buf data = BUF(RESULT_MAX);
    auto_err err = ERR_INIT;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    add_decision(a, &data);
    record_event(r, b, EVENT_APPROVAL_DECIDED, a->step_id, buf_str(&data));
    run_submit(r, b, run_nothing, NULL);
    free(r->steps[step].output);
    r->steps[step].output = str_dup(buf_str(&data));
    if (str_is(a->decision, "approved")) {
        run_step_done(r, step, OUTCOME_SUCCESS, REASON_NONE, true);
        return;
    }
    err_set(&err, "approval_rejected", "%.*s rejected it%s%.*s", STR_ARG(a->actor),
            a->comment.n ? ": " : "", STR_ARG(a->comment));
    run_step_failed(r, step, REASON_APPROVAL_REJECTED, &err, true);
}

static void ask(struct live_run *r, uint32_t step, json_t *config)
{
    auto_buf data = BUF(RESULT_MAX);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    const char *name = json_string_value(json_object_get(config, "name"));
    auto_free char *list = json_dumps(json_object_get(config, "reviewers"), JSON_ENCODE_ANY);
    struct store_approval row = {.run_id = r->id,
                                 .attempt = r->attempt,
                                 .step_id = r->plan.steps[step].id,
                                 .name = opt_str(name),
                                 .reviewers = list ? str_of(list) : STR("null"),
                                 .requested_at = clock_wall_ms()};
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "name");
    json_put_str(&w, row.name);
    json_key_c(&w, "reviewers");
    json_put_raw(&w, row.reviewers);
    json_end_object(&w);
    store_request_approval(b, &row);
    record_event(r, b, EVENT_APPROVAL_REQUESTED, row.step_id, buf_str(&data));
    run_submit(r, b, run_nothing, NULL);
    auto_buf line = BUF(4096);
    buf_addf(&line, "waits for an approval: plue run approve %lld %.*s [--reject]",
             (long long)r->id, STR_ARG(row.step_id));
    record_system_line(r, step, buf_str(&line));
}

/* Its time goes on where a run was resumed. */
static void set_limit(struct live_run *r, uint32_t step, int64_t requested_at)
{
    struct live_timer *t = r->steps[step].limit;
    int64_t left = requested_at + r->plan.steps[step].timeout_ms - clock_wall_ms();
    if (t)
        uv_timer_start(&t->uv, t->uv.timer_cb, left > 0 ? (uint64_t)left : 0, 0);
}

void approval_start(struct live_run *r, uint32_t step)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct store_approval found;
    bool has_found;
    json_t *config = small_step_config(r, step, &err);
    if (!config || !load_one(r, step, &a, &found, &has_found, &err))
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
    else if (!has_found)
        ask(r, step, config);
    else if (found.decided_at)
        finish(r, step, &found);
    else
        set_limit(r, step, found.requested_at);
    json_decref(config);
}

void approvals_look(struct live_run *r)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct store_approval *list;
    size_t n;
    if (r->complete || !r->core.waiting ||
        !store_list_approvals(r->engine->reader, r->id, r->attempt, &a, &list, &n, &err))
        return;
    for (size_t i = 0; i < n; i++) {
        uintptr_t at = (uintptr_t)map_get(&r->index, list[i].step_id);
        if (at && list[i].decided_at && r->core.steps[at - 1].status == STEP_WAITING)
            finish(r, (uint32_t)at - 1, &list[i]);
    }
}
