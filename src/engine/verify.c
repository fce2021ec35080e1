#include "engine/verify.h"
#include "engine/engine_int.h"
#include "engine/receipt.h"
#include "plan/diff.h"

enum { VALUE_SHOWN_MAX = 200 };

struct verifying {
    struct recovery v;
    struct verification *ret;
    const json_t *receipt; /* of the kept plan; borrowed */
    struct bundle *bundle;
    struct evaluation *evaluation;
    const struct definition *definition;
    struct plan plan; /* evaluated again */
};

static void verifying_done(struct verifying *k)
{
    evaluation_free(k->evaluation);
    if (k->bundle)
        bundle_done(k->bundle);
    free(k->bundle);
    recovery_done(&k->v);
}

static struct err *problem(struct verifying *k, const char *fmt, ...) printf_like(2, 3);
static struct err *problem(struct verifying *k, const char *fmt, ...)
{
    struct err *e = err_list_add(&k->ret->problems);
    auto_buf text = BUF(1 << 20);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    err_set(e, "receipt_mismatch", "%s", buf_c(&text));
    return e;
}

static bool same_digest(struct verifying *k, const char *key, str text)
{
    str kept = opt_str(json_string_value(json_object_get(k->receipt, key)));
    return str_eq(kept, receipt_digest(&k->ret->arena, text));
}

/* ---- rows ---- */

static void check_sources(struct verifying *k)
{
    for (size_t i = 0; i < k->v.source_count; i++) {
        const struct store_source *s = &k->v.sources[i];
        if (!str_eq(plan_sha256(&k->ret->arena, s->text), s->sha256))
            err_in_file(problem(k, "%.*s: its kept text is not the one that was evaluated",
                                STR_ARG(s->path)),
                        s->path, 0, 0);
    }
    if (!same_digest(k, "event", k->v.run.trigger_payload))
        problem(k, "the event is not the one that the run was given");
    if (!same_digest(k, "outputs", k->v.run.outputs))
        problem(k, "the outputs of the run are not those that it ended with");
}

static str digest_row(struct verifying *k, const struct store_step *s)
{
    int64_t took = s->started_at ? s->completed_at - s->started_at : 0;
    struct receipt_step step = {
        .type = s->type,
        .outcome = s->outcome,
        .has_exit_code = s->has_exit_code,
        .exit_code = s->exit_code,
        .duration_ms = took > 0 ? took : 0,
        .stdout_text = s->stdout_text,
        .stderr_text = s->stderr_text,
        .outputs = s->outputs,
        .output = s->output,
    };
    return receipt_of_step(&k->ret->arena, &step);
}

static const struct store_step *find_row(const struct verifying *k, str id)
{
    for (size_t i = 0; i < k->v.step_count; i++)
        if (str_eq(k->v.steps[i].key.step_id, id))
            return &k->v.steps[i];
    return NULL;
}

static void check_results(struct verifying *k)
{
    json_t *steps = json_object_get(k->receipt, "steps");
    const char *id;
    json_t *digest;
    for (size_t i = 0; i < k->v.step_count; i++) {
        const struct store_step *s = &k->v.steps[i];
        str name = s->key.step_id;
        str kept = opt_str(json_string_value(json_object_getn(steps, name.p, name.n)));
        if (!kept.n)
            problem(k, "step '%.*s' is recorded, and the receipt has no such step", STR_ARG(name));
        else if (!str_eq(kept, digest_row(k, s)))
            problem(k,
                    "step '%.*s': its result (outcome, exit code, stdout, stderr, outputs or "
                    "duration) is not the one that it ended with",
                    STR_ARG(name));
    }
    json_object_foreach(steps, id, digest)
    {
        if (!find_row(k, str_of(id)))
            problem(k, "step '%s' of the receipt is not recorded any more", id);
    }
}

/* ---- the evaluation ---- */

/* The plan was still open when the run ended (it was cancelled, say): it had these steps, and
 * waited. */
static bool is_at_recorded_end(const struct verifying *k, const struct plan *p)
{
    const json_t *ids = json_object_get(k->receipt, "awaits");
    bool same = json_array_size(ids) == p->await_count;
    for (uint32_t i = 0; same && i < p->await_count; i++)
        same = str_is(p->steps[p->await_steps[i]].id, json_string_value(json_array_get(ids, i)));
    return same && p->step_count >= k->v.step_count &&
           json_integer_value(json_object_get(k->receipt, "end")) == PLAN_OPEN;
}

static bool give_results(struct verifying *k, const struct plan *p, bool *ret_all, struct err *err)
{
    *ret_all = true;
    for (uint32_t i = 0; *ret_all && i < p->await_count; i++) {
        const struct store_step *s = find_row(k, p->steps[p->await_steps[i]].id);
        *ret_all = s && step_status_is_final(s->status);
        if (*ret_all && !recovery_give_result(k->evaluation, s, err))
            return false;
    }
    return true;
}

static bool evaluate(struct verifying *k, struct err *err)
{
    auto_free char *facts = NULL;
    struct engine_request request = recovery_request(&k->v, &facts);
    struct evaluation_request q = {.event = k->v.run.trigger_payload,
                                   .repository = request.repository_facts};
    enum evaluation_state state = evaluation_start(k->evaluation, k->definition, &q);
    const struct plan *p = evaluation_plan(k->evaluation);
    bool all = true;
    while (state == EVALUATION_AWAIT && all && !is_at_recorded_end(k, p)) {
        if (!give_results(k, p, &all, err))
            return false;
        if (all)
            state = evaluation_resume(k->evaluation);
    }
    k->plan = *p;
    /* What this version of the engine cannot execute ends a plan before its growth. */
    if (json_integer_value(json_object_get(k->receipt, "end")) == PLAN_ERROR &&
        p->step_count > k->v.step_count) {
        k->plan.step_count = (uint32_t)k->v.step_count;
        k->plan.end = PLAN_ERROR;
    }
    return true;
}

static str shown(str json)
{
    return str_sub(json.n ? json : STR("nothing"), 0, VALUE_SHOWN_MAX);
}

static void tell_change(struct verifying *k, const struct plan_change *c)
{
    switch (c->kind) {
    case PLAN_CHANGE_STEP_ADDED:
        problem(k, "step '%.*s' is planned by the kept files, and is not recorded",
                STR_ARG(c->step));
        break;
    case PLAN_CHANGE_STEP_REMOVED:
        problem(k, "step '%.*s' is recorded, and the kept files do not plan it", STR_ARG(c->step));
        break;
    case PLAN_CHANGE_STEP:
    case PLAN_CHANGE_EDGE_ADDED:
    case PLAN_CHANGE_EDGE_REMOVED:
        problem(k, "step '%.*s': %.*s: recorded is %.*s, planned is %.*s", STR_ARG(c->step),
                STR_ARG(c->field), STR_ARG(shown(c->was)), STR_ARG(shown(c->is)));
        break;
    default: /* grants follow from steps; the plan's own fields have no rows */
        break;
    }
}

static void check_plan(struct verifying *k)
{
    struct plan recorded = {.arena = &k->ret->arena};
    auto_plan_diff diff = {0};
    size_t before = k->ret->problems.n;
    recovery_add_steps(&k->v, &recorded);
    plan_diff_make(&diff, &recorded, &k->plan);
    vec_each (c, &diff.changes)
        tell_change(k, c);
    for (uint32_t i = 0; k->ret->problems.n == before && i < recorded.step_count; i++)
        if (!str_eq(recorded.steps[i].id, k->plan.steps[i].id)) {
            problem(k, "step '%.*s' is recorded in another place than it is planned",
                    STR_ARG(recorded.steps[i].id));
            break;
        }
}

static void check_receipt(struct verifying *k)
{
    auto_free str *results = mem_zalloc((k->plan.step_count + 1) * sizeof *results);
    auto_free char *facts = NULL;
    struct engine_request request = recovery_request(&k->v, &facts);
    for (uint32_t i = 0; i < k->plan.step_count; i++) {
        const struct store_step *s = find_row(k, k->plan.steps[i].id);
        results[i] = s ? digest_row(k, s) : STR("");
    }
    struct receipt receipt = {
        .evaluator = k->v.run.evaluator,
        .event = k->v.run.trigger_payload,
        .repository = request.repository_facts,
        .commit = request.commit,
        .plan = &k->plan,
        .results = results,
        .outputs = k->v.run.outputs,
    };
    k->ret->computed = receipt_of_run(&k->ret->arena, &receipt);
    if (str_eq(k->ret->computed, k->v.run.plan_hash) || k->ret->problems.n)
        return;
    struct err *e = problem(k, "the receipt is not that of the recorded run, and every step is "
                               "as it was planned and ended");
    if (!str_is(k->v.run.evaluator, PLUE_VERSION))
        err_hint(e, "version %.*s made it, and this is %s", STR_ARG(k->v.run.evaluator),
                 PLUE_VERSION);
    else
        err_hint(e, "the receipt itself, or what the run knows of its repository, was changed");
}

static bool check_verifiable(const struct verifying *k, struct err *err)
{
    long long id = (long long)k->v.run.id;
    if (!run_status_is_final(k->v.run.status)) {
        err_set(err, "run_not_final", "run %lld has not ended: it is %s", id,
                run_status_name(k->v.run.status));
        err_hint(err, "a run gets its receipt when it ends: plue run watch %lld", id);
        return false;
    }
    if (!k->receipt) {
        err_set(err, "receipt_missing", "run %lld has no receipt", id);
        err_hint(err, "it ended in a version that wrote none, or before it was recorded whole");
        return false;
    }
    return true;
}

bool engine_verify(struct store_reader *reader, int64_t run_id, struct verification *ret,
                   struct err *err)
{
    cleanup(verifying_done) struct verifying k = {.ret = ret};
    auto_err why = ERR_INIT;
    if (!recovery_load(reader, run_id, &k.v, err) ||
        !store_load_run(reader, run_id, &ret->arena, &ret->run, err))
        return false;
    k.receipt = json_object_get(k.v.kept, "receipt");
    if (!check_verifiable(&k, err))
        return false;
    ret->files = k.v.source_count;
    ret->steps = k.v.step_count;
    ret->computed = STR("");
    check_sources(&k);
    check_results(&k);
    if (recovery_load_evaluation(&k.v, &k.bundle, &k.evaluation, &k.definition, &why) &&
        evaluate(&k, &why)) {
        check_plan(&k);
        check_receipt(&k);
    } else {
        problem(&k, "the kept files cannot be evaluated any more: %.*s", STR_ARG(why.message));
    }
    return true;
}

void verification_done(struct verification *v)
{
    err_list_done(&v->problems);
    arena_done(&v->arena);
}
