#include "engine/receipt.h"

enum { RECEIPT_BYTES_MAX = 1 << 30, DIGEST_DIGITS = 32 };

/* Lengths stand before the texts, so that no two runs have the same bytes. */
static void put(struct buf *b, const char *name, str text)
{
    buf_addf(b, "%s %zu:", name, text.n);
    buf_add_str(b, text);
    buf_add_byte(b, '\n');
}

str receipt_digest(struct arena *a, str text)
{
    return str_sub(plan_sha256(a, text), 0, DIGEST_DIGITS);
}

str receipt_of_step(struct arena *a, const struct receipt_step *s)
{
    auto_buf b = BUF(RECEIPT_BYTES_MAX);
    const char *outcome = outcome_name(s->outcome);
    put(&b, "outcome", str_of(outcome ? outcome : ""));
    if (s->has_exit_code)
        buf_addf(&b, "exit_code %lld\n", (long long)s->exit_code);
    put(&b, "stdout", s->stdout_text);
    put(&b, "stderr", s->stderr_text);
    put(&b, "outputs", str_eq(s->outputs, STR("{}")) ? STR("") : s->outputs);
    if (s->type != STEP_TYPE_SHELL)
        put(&b, "output", s->output);
    buf_addf(&b, "duration_ms %lld\n", (long long)s->duration_ms);
    return receipt_digest(a, buf_str(&b));
}

static void put_plan(struct buf *b, const struct plan *p)
{
    auto_buf step = BUF(RECEIPT_BYTES_MAX);
    put(b, "workflow", p->workflow);
    for (uint32_t i = 0; i < p->file_count; i++) {
        put(b, "file", p->files[i].path);
        put(b, "sha256", p->files[i].sha256);
    }
    put(b, "image", p->image);
    put(b, "dockerfile", p->dockerfile);
    put(b, "env", p->env);
    put(b, "network", p->network);
    buf_addf(b, "timeout_ms %lld\n", (long long)p->timeout_ms);
    for (uint32_t i = 0; i < p->step_count; i++) {
        buf_reset(&step);
        plan_add_step_json(&step, p, &p->steps[i]);
        put(b, "step", buf_str(&step));
    }
    buf_addf(b, "end %d\n", (int)p->end);
    for (uint32_t i = 0; p->end == PLAN_OPEN && i < p->await_count; i++)
        put(b, "awaits", p->steps[p->await_steps[i]].id);
    put(b, "outputs", p->outputs);
    put(b, "reason", p->reason);
}

str receipt_of_run(struct arena *a, const struct receipt *r)
{
    auto_buf b = BUF(RECEIPT_BYTES_MAX);
    buf_add_c(&b, "plue receipt 1\n");
    put(&b, "evaluator", r->evaluator);
    put(&b, "event", r->event);
    put(&b, "repository", r->repository);
    if (r->commit.n)
        put(&b, "commit", r->commit);
    put_plan(&b, r->plan);
    for (uint32_t i = 0; r->results && i < r->plan->step_count; i++)
        put(&b, "result", r->results[i]);
    if (r->results)
        put(&b, "run outputs", r->outputs);
    return plan_sha256(a, buf_str(&b));
}
