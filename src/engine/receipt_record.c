/* The receipt of a live run, kept with its row. */
#include "engine/receipt_int.h"

static struct receipt_step step_of(const struct live_run *r, uint32_t i)
{
    const struct live_step *l = &r->steps[i];
    int64_t took = l->started_at ? l->completed_at - l->started_at : 0;
    return (struct receipt_step){
        .type = r->plan.steps[i].type,
        .outcome = r->core.steps[i].outcome,
        .has_exit_code = l->has_exit_code,
        .exit_code = l->exit_code,
        .duration_ms = took > 0 ? took : 0,
        .stdout_text = opt_str(l->stdout_text),
        .stderr_text = opt_str(l->stderr_text),
        .outputs = opt_str(l->outputs),
        .output = opt_str(l->output),
    };
}

/* As a reader of the row will write them. */
static char *kept_repository(const struct live_run *r)
{
    json_t *kept = r->kept.n ? json_loadb(r->kept.p, r->kept.n, 0, NULL) : NULL;
    char *facts = json_dumps(json_object_get(kept, "repository"), JSON_COMPACT);
    json_decref(kept);
    return facts;
}

str receipt_of_live(struct live_run *r, const str *results)
{
    auto_free char *repository = kept_repository(r);
    struct receipt receipt = {
        .evaluator = STR(PLUE_VERSION),
        .event = r->request.event,
        .repository = opt_str(repository),
        .commit = r->request.commit,
        .plan = &r->plan,
        .results = results,
        .outputs = opt_str(r->outputs),
    };
    return receipt_of_run(&r->arena, &receipt);
}

static json_t *text(str s)
{
    return json_stringn(s.p, s.n);
}

/* What an open plan waited for when its run ended. */
static json_t *awaited(const struct live_run *r)
{
    json_t *ids = json_array();
    for (uint32_t i = 0; r->plan.end == PLAN_OPEN && i < r->plan.await_count; i++)
        json_array_append_new(ids, text(r->plan.steps[r->plan.await_steps[i]].id));
    return ids;
}

void receipt_record(struct live_run *r, struct store_run_update *u)
{
    json_t *kept = r->kept.n ? json_loadb(r->kept.p, r->kept.n, 0, NULL) : NULL;
    json_t *receipt = json_object(), *steps = json_object();
    auto_free str *results = mem_zalloc((r->plan.step_count + 1) * sizeof *results);
    for (uint32_t i = 0; kept && i < r->plan.step_count; i++) {
        struct receipt_step s = step_of(r, i);
        results[i] = receipt_of_step(&r->arena, &s);
        str id = r->plan.steps[i].id;
        json_object_setn_new(steps, id.p, id.n, text(results[i]));
    }
    json_object_set_new(receipt, "event", text(receipt_digest(&r->arena, r->request.event)));
    json_object_set_new(receipt, "outputs", text(receipt_digest(&r->arena, opt_str(r->outputs))));
    json_object_set_new(receipt, "end", json_integer(r->plan.end));
    json_object_set_new(receipt, "awaits", awaited(r));
    json_object_set_new(receipt, "steps", steps);
    json_object_set_new(kept, "receipt", receipt);
    auto_free char *dumped = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
    if (dumped) {
        u->fields |= STORE_RUN_PLAN;
        u->values.plan = arena_str(&r->arena, str_of(dumped));
        u->values.plan_hash = receipt_of_live(r, results);
    }
    json_decref(kept);
}
