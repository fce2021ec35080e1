/* Stop and look: which steps are held, what is said of it, and how they go on. */
#include "engine/engine_int.h"
#include "json/json.h"

/* ---- what was asked for ---- */

static bool fail_unknown(const struct plan *p, str id, struct err *err)
{
    VEC(str) ids = {0};
    for (uint32_t i = 0; i < p->step_count; i++)
        if (!step_type_is_structural(p->steps[i].type))
            vec_push(&ids, p->steps[i].id);
    long near = ids.n ? str_nearest(id, ids.at, ids.n) : -1;
    err_set(err, "step_unknown", "--break-before: '%.*s' has no step '%.*s'", STR_ARG(p->workflow),
            STR_ARG(id));
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
    else
        err_hint(err, "plue workflow plan %.*s lists its steps", STR_ARG(p->workflow));
    vec_done(&ids);
    return false;
}

bool engine_check_breaks(const struct plan *p, const struct engine_breaks *b, struct err *err)
{
    for (size_t i = 0; i < b->before_count; i++) {
        str id = b->before[i];
        uint32_t at = plan_find(p, id);
        if (at != PLAN_NEVER && step_type_is_structural(p->steps[at].type)) {
            err_set(err, "step_unknown",
                    "--break-before: '%.*s' is a group of steps, which runs "
                    "nothing itself",
                    STR_ARG(id));
            err_hint(err, "name one of its steps");
            return false;
        }
        if (at == PLAN_NEVER && p->end != PLAN_OPEN)
            return fail_unknown(p, id, err);
    }
    return true;
}

str breaks_keep(struct arena *a, str kept, const struct engine_breaks *b)
{
    json_t *j = json_loadb(kept.p, kept.n, 0, NULL), *ids = json_array();
    for (size_t i = 0; i < b->before_count; i++)
        json_array_append_new(ids, json_stringn(b->before[i].p, b->before[i].n));
    json_object_del(j, "break_before");
    json_object_del(j, "break_on_failure");
    if (b->before_count)
        json_object_set(j, "break_before", ids);
    if (b->on_failure)
        json_object_set_new(j, "break_on_failure", json_true());
    json_decref(ids);
    auto_free char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(j);
    return text ? arena_str(a, str_of(text)) : kept;
}

struct engine_breaks breaks_of(struct arena *a, const json_t *kept)
{
    json_t *ids = json_object_get(kept, "break_before"), *id;
    size_t i, n = json_array_size(ids);
    str *list = arena_array(a, str, n ? n : 1);
    json_array_foreach(ids, i, id)
    {
        list[i] = arena_str(a, str_of(json_string_value(id)));
    }
    return (struct engine_breaks){list, n, json_is_true(json_object_get(kept, "break_on_failure"))};
}

struct run_options hold_options(const struct live_run *r, int64_t timeout_ms)
{
    const struct engine_breaks *b = &r->request.breaks;
    return (struct run_options){.slots = r->engine->options.slots,
                                .seed = (uint64_t)r->id,
                                .timeout_ms = timeout_ms,
                                .break_before = b->before,
                                .break_count = b->before_count,
                                .break_on_failure = b->on_failure};
}

/* ---- what is said ---- */

void hold_describe(const struct live_run *r, uint32_t step, struct buf *b)
{
    const struct step_state *s = &r->core.steps[step];
    const struct live_step *l = &r->steps[step];
    str id = r->plan.steps[step].id;
    buf_add_c(b, reason_sentence(s->reason));
    if (s->reason == REASON_HELD_AFTER_FAILURE && l->error_message)
        buf_addf(b, " (%s)", l->error_message);
    buf_addf(b, ": plue run attach %lld %.*s, then plue run continue %lld %.*s", (long long)r->id,
             STR_ARG(id), (long long)r->id, STR_ARG(id));
}

void hold_record_event(struct live_run *r, struct store_batch *b, uint32_t step)
{
    const struct live_step *l = &r->steps[step];
    auto_buf data = BUF(RESULT_MAX);
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "reason");
    json_put_c(&w, reason_code(r->core.steps[step].reason));
    json_key_c(&w, "text");
    json_put_c(&w, l->reason_text);
    if (l->has_exit_code && r->core.steps[step].reason == REASON_HELD_AFTER_FAILURE) {
        json_key_c(&w, "exit_code");
        json_put_int(&w, l->exit_code);
    }
    json_end_object(&w);
    record_event(r, b, EVENT_STEP_HELD, r->plan.steps[step].id, buf_str(&data));
}

void hold_note_missed(struct live_run *r)
{
    const struct engine_breaks *b = &r->request.breaks;
    for (size_t i = 0; i < b->before_count; i++) {
        auto_err err = ERR_INIT;
        if (map_has(&r->index, b->before[i]))
            continue;
        err_set(&err, "step_unknown", "the plan never had a step '%.*s'", STR_ARG(b->before[i]));
        run_notice(r, "--break-before held nothing", &err);
    }
}

/* ---- going on ---- */

void hold_continue(struct live_run *r, str data)
{
    json_t *j = json_loadb(data.p, data.n, 0, NULL);
    uintptr_t at = (uintptr_t)map_get(&r->index, json_get_text(j, "step"));
    if (at && step_is_held(&r->core.steps[at - 1])) {
        struct run_event e = {.kind = RUN_EVENT_CONTINUE,
                              .step = (uint32_t)at - 1,
                              .try = r->core.steps[at - 1].tries,
                              .again = json_is_true(json_object_get(j, "again"))};
        run_tell(r, &e);
    }
    json_decref(j);
}

/* ---- after a crash ---- */

static enum reason reason_of(const struct store_step *s)
{
    json_t *error = json_loadb(s->error.p, s->error.n, JSON_ALLOW_NUL, NULL);
    enum reason reason;
    if (!reason_parse(json_get_text(error, "code"), &reason))
        reason = s->has_exit_code ? REASON_EXIT_CODE : REASON_START_FAILED;
    json_decref(error);
    return s->outcome == OUTCOME_TIMED_OUT ? REASON_STEP_TIMED_OUT : reason;
}

void hold_restore(struct live_run *r, uint32_t i, const struct store_step *s)
{
    struct live_step *l = &r->steps[i];
    if (s->reason.code != REASON_HELD_AFTER_FAILURE)
        return; /* it has not begun, and is held again when its time comes */
    run_restore_held(&r->core, &r->plan, i, s->outcome, reason_of(s), (uint32_t)s->key.try);
    l->has_exit_code = s->has_exit_code;
    l->exit_code = (int)s->exit_code;
    l->stdout_text = str_dup(s->stdout_text);
    l->stderr_text = str_dup(s->stderr_text);
    l->stdout_cut = s->stdout_cut;
    l->stderr_cut = s->stderr_cut;
    l->outputs = s->outputs.n ? str_dup(s->outputs) : NULL;
    l->output = s->output.n ? str_dup(s->output) : NULL;
    l->error = s->error.n ? str_dup(s->error) : NULL;
    l->error_message = s->error_message.n ? str_dup(s->error_message) : NULL;
    l->started_at = s->started_at;
    l->held_at = s->completed_at;
    l->spent.turns = s->turns_used;
    l->spent.tokens_in = s->tokens_in;
    l->spent.tokens_out = s->tokens_out;
    l->spent.micro_usd = s->cost_micro_usd;
    l->log_lines = s->log_lines;
    l->log_bytes = s->log_bytes;
    attach_step_changed(r, i);
}
