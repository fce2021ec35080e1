/* What a step's row says beside its state and reason: what exactly it waits for, and that its time
 * was up, however it ended then. */
#include "engine/engine_int.h"
#include "json/json.h"

enum { TEXT_MAX = 64 << 10 };

static void add_retry(const struct live_step *l, struct buf *b)
{
    buf_addf(b, "%s, at ", reason_sentence(REASON_WAITING_FOR_RETRY));
    clock_add_rfc3339(b, l->retry_at);
}

static void add_approval(const struct live_run *r, uint32_t step, struct buf *b)
{
    buf_addf(b, "%s: plue run approve %lld %.*s", reason_sentence(REASON_WAITING_FOR_APPROVAL),
             (long long)r->id, STR_ARG(r->plan.steps[step].id));
}

static enum outcome outcome_of(const struct step_state *s)
{
    bool held = step_is_held(s) && s->reason == REASON_HELD_AFTER_FAILURE;
    bool tried = held || s->reason == REASON_WAITING_FOR_RETRY;
    return tried ? s->held_outcome : s->outcome;
}

/* Without a sandbox steps have the host's network, whatever they ask for. */
static bool is_sandboxed(struct live_run *r)
{
    str text = run_top(r)->kept;
    json_t *kept = json_loadb(text.p, text.n, 0, NULL);
    bool sandboxed = !str_is(json_get_text(kept, "sandbox"), "none");
    json_decref(kept);
    return sandboxed;
}

const char *step_network_hint(struct live_run *r, uint32_t step)
{
    bool had_none = r->plan.steps[step].type == STEP_TYPE_SHELL && r->steps[step].no_network;
    return had_none && is_sandboxed(r)
               ? "it had no network; network= of the step or of the workflow allows it"
               : NULL;
}

static void add_timeout(struct live_run *r, uint32_t step)
{
    const struct plan_step *p = &r->plan.steps[step];
    auto_err err = ERR_INIT;
    auto_buf limit = BUF(64);
    clock_add_duration(&limit, p->timeout_ms ? p->timeout_ms : STEP_DEFAULT_TIMEOUT_MS);
    err_set(&err, "step_timed_out", "the step passed its time limit of %s", buf_c(&limit));
    const char *hint = step_network_hint(r, step);
    err_hint(&err, "timeout= of the step changes it%s%s", hint ? "; " : "", hint ? hint : "");
    run_keep_step_error(r, step, &err);
}

void step_describe(struct live_run *r, uint32_t step)
{
    const struct step_state *s = &r->core.steps[step];
    struct live_step *l = &r->steps[step];
    auto_buf text = BUF(TEXT_MAX);
    if (outcome_of(s) == OUTCOME_TIMED_OUT)
        add_timeout(r, step);
    if (step_is_held(s))
        hold_describe(r, step, &text);
    else if (s->reason == REASON_WAITING_FOR_RETRY)
        add_retry(l, &text);
    else if (s->reason == REASON_WAITING_FOR_APPROVAL)
        add_approval(r, step, &text);
    free(l->reason_text);
    l->reason_text = text.n ? buf_take(&text, NULL) : NULL;
}
