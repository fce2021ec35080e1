#include "engine/rehearse.h"
#include "engine/core.h"
#include "workflow/resolve.h"
#include "json/writer.h"
#include <jansson.h>

enum { REHEARSED_RESULT_MAX = 8 << 20 };

struct rehearsed_step {
    json_t *body; /* what it ends with, since it was started; owned */
    str result;   /* JSON, once it is final */
    bool unknown; /* it has ended, and nobody knows with what */
};

struct rehearsal {
    struct evaluation *evaluation;
    const json_t *given;
    struct run_state core;
    struct arena arena;
    VEC(struct rehearsed_step) steps;
    VEC(struct run_event) queue; /* what happens next */
    size_t next;
    str unknown;
    bool stopped;
};

struct rehearsal *rehearsal_new(struct evaluation *e, const json_t *results)
{
    struct rehearsal *r = mem_zalloc(sizeof *r);
    struct run_options options = {.slots = UINT32_MAX};
    r->evaluation = e;
    r->given = results;
    r->unknown = STR("");
    run_init(&r->core, &options);
    return r;
}

void rehearsal_free(struct rehearsal *r)
{
    if (!r)
        return;
    run_done(&r->core);
    arena_done(&r->arena);
    vec_each (s, &r->steps)
        json_decref(s->body);
    vec_done(&r->steps);
    vec_done(&r->queue);
    free(r);
}

static struct rehearsed_step *step_at(struct rehearsal *r, uint32_t step)
{
    while (r->steps.n <= step)
        vec_push(&r->steps, (struct rehearsed_step){.result = STR("")});
    return &r->steps.at[step];
}

static const json_t *given_of(const struct rehearsal *r, uint32_t step)
{
    str id = evaluation_plan(r->evaluation)->steps[step].id;
    return json_object_getn(r->given, id.p, id.n);
}

static bool find_result(void *data, str step_id, str *ret_json)
{
    struct rehearsal *r = data;
    uint32_t step = plan_find(evaluation_plan(r->evaluation), step_id);
    if (step == PLAN_NEVER || step_at(r, step)->unknown || !step_at(r, step)->result.n)
        return false;
    *ret_json = step_at(r, step)->result;
    return true;
}

bool rehearsal_resolve(struct rehearsal *r, str json, struct buf *ret, struct err *err)
{
    struct resolve_scope scope = {.data = r, .result = find_result};
    return resolve_json(&scope, json, ret, err);
}

/* ---- how a step ends ---- */

static enum outcome outcome_of(const json_t *given)
{
    enum outcome outcome;
    str word = str_of(json_string_value(json_object_get(given, "outcome")));
    if (outcome_parse(word, &outcome))
        return outcome;
    return json_integer_value(json_object_get(given, "exit_code")) ? OUTCOME_FAILED
                                                                   : OUTCOME_SUCCESS;
}

/* An action's outputs, or its ctx.fail, from the results of its steps. */
static bool end_action(struct rehearsal *r, uint32_t step, json_t *result, enum outcome *ret)
{
    str config = evaluation_plan(r->evaluation)->steps[step].config;
    auto_buf resolved = BUF(REHEARSED_RESULT_MAX);
    auto_err ignored = ERR_INIT;
    json_t *raw = json_loadb(config.p, config.n, JSON_ALLOW_NUL, NULL);
    json_object_del(raw, "inputs");
    auto_free char *text = json_dumps(raw, JSON_COMPACT);
    json_decref(raw);
    if (!rehearsal_resolve(r, str_of(text), &resolved, &ignored))
        return false;
    json_t *done = json_loadb(buf_c(&resolved), resolved.n, JSON_ALLOW_NUL, NULL);
    const json_t *fail = json_object_get(done, "fail");
    json_t *outputs = json_object_get(done, "outputs");
    if (fail && !json_is_null(fail))
        *ret = OUTCOME_FAILED;
    if (json_is_object(outputs))
        json_object_set(result, "outputs", outputs);
    json_decref(done);
    return true;
}

/* What the step will end with, when it is started. */
static void start(struct rehearsal *r, const struct run_action *a)
{
    enum step_type type = evaluation_plan(r->evaluation)->steps[a->step].type;
    const json_t *given = given_of(r, a->step);
    struct rehearsed_step *s = step_at(r, a->step);
    enum outcome outcome = outcome_of(given);
    s->body = given ? json_deep_copy(given) : json_object();
    if (!given && type == STEP_TYPE_ACTION)
        s->unknown = !end_action(r, a->step, s->body, &outcome);
    else
        s->unknown = !given && type != STEP_TYPE_SHELL;
    if (!given && type == STEP_TYPE_COMMENT)
        outcome = OUTCOME_RECORDED;
    vec_push(&r->queue, (struct run_event){.kind = RUN_EVENT_STEP_DONE,
                                           .step = a->step,
                                           .try = a->try,
                                           .outcome = outcome,
                                           .reason = REASON_EXIT_CODE,
                                           .final = true});
}

/* The result that later steps and the evaluation read; made when the step is final. */
static void keep_result(struct rehearsal *r, uint32_t step)
{
    const struct step_state *state = &r->core.steps[step];
    struct rehearsed_step *s = step_at(r, step);
    bool ran = state->outcome != OUTCOME_SKIPPED && state->outcome != OUTCOME_CANCELLED;
    json_t *result = ran && s->body ? json_incref(s->body) : json_object();
    json_object_set_new(result, "outcome", json_string(outcome_name(state->outcome)));
    json_object_set_new(result, "conclusion", json_string(conclusion_name(state->conclusion)));
    auto_free char *text = json_dumps(result, JSON_COMPACT);
    json_decref(result);
    s->result = arena_str(&r->arena, str_of(text));
    s->unknown &= ran;
}

/* ---- the evaluation goes on ---- */

static bool know_all_awaited(struct rehearsal *r)
{
    const struct plan *p = evaluation_plan(r->evaluation);
    for (uint32_t i = 0; i < p->await_count; i++) {
        if (!step_at(r, p->await_steps[i])->unknown)
            continue;
        r->unknown = p->steps[p->await_steps[i]].id;
        return false;
    }
    return true;
}

static bool resume(struct rehearsal *r, struct err *err)
{
    const struct plan *p = evaluation_plan(r->evaluation);
    if (!know_all_awaited(r)) {
        r->stopped = true;
        return true;
    }
    for (uint32_t i = 0; i < p->await_count; i++) {
        uint32_t step = p->await_steps[i];
        if (!evaluation_set_result(r->evaluation, p->steps[step].id, step_at(r, step)->result, err))
            return false;
    }
    evaluation_resume(r->evaluation);
    vec_push(&r->queue, (struct run_event){.kind = RUN_EVENT_GREW});
    return true;
}

static bool perform(struct rehearsal *r, const struct run_action *a, struct err *err)
{
    switch (a->kind) {
    case RUN_ACTION_START:
        start(r, a);
        return true;
    case RUN_ACTION_STEP_CHANGED:
        if (step_status_is_final(r->core.steps[a->step].status) && !step_at(r, a->step)->result.n)
            keep_result(r, a->step);
        return true;
    case RUN_ACTION_RESUME:
        return resume(r, err);
    default:
        return true; /* there is no time, and nothing to kill */
    }
}

static bool tell(struct rehearsal *r, const struct run_event *event, struct err *err)
{
    struct run_actions actions = {0};
    bool ok = run_apply(&r->core, evaluation_plan(r->evaluation), event, &actions, err);
    for (size_t i = 0; ok && i < actions.list.n; i++)
        ok = perform(r, &actions.list.at[i], err);
    vec_done(&actions.list);
    return ok;
}

bool rehearsal_play(struct rehearsal *r, enum rehearsal_end *ret, struct err *err)
{
    vec_push(&r->queue, (struct run_event){.kind = RUN_EVENT_START});
    while (r->next < r->queue.n) {
        struct run_event event = r->queue.at[r->next++];
        if (!tell(r, &event, err))
            return false;
    }
    *ret = evaluation_plan(r->evaluation)->end == PLAN_ERROR ? REHEARSAL_FAILED
           : r->stopped                                      ? REHEARSAL_STOPPED
                                                             : REHEARSAL_ENDED;
    return true;
}

enum run_status rehearsal_run_status(const struct rehearsal *r)
{
    return r->core.status;
}

enum outcome rehearsal_outcome(const struct rehearsal *r, uint32_t step)
{
    return step < r->core.n ? r->core.steps[step].outcome : OUTCOME_NONE;
}

str rehearsal_unknown(const struct rehearsal *r)
{
    return r->unknown;
}
