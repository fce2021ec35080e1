#include "engine/replay.h"
#include "engine/engine_int.h"

static bool check(const struct recovery *v, struct store_reader *reader, struct err *err)
{
    int64_t calls = 0;
    if (!run_status_is_final(v->run.status)) {
        err_set(err, "run_not_final", "run %lld has not ended: it is %s", (long long)v->run.id,
                run_status_name(v->run.status));
        err_hint(err, "plue run watch %lld waits for it", (long long)v->run.id);
        return false;
    }
    if (!store_count_llm_calls(reader, v->run.id, &calls, err))
        return false;
    if (calls)
        return true;
    err_set(err, "no_record", "run %lld has no record of a model's answers", (long long)v->run.id);
    err_hint(err, "no model has answered in it; plue run rerun %lld runs it again",
             (long long)v->run.id);
    return false;
}

bool engine_replay(struct engine *e, int64_t run_id, const char *backend,
                   engine_created_fn *created, engine_ended_fn *ended, void *ctx, struct err *err)
{
    cleanup(recovery_done) struct recovery v = {0};
    const struct definition *d;
    struct bundle *bundle = NULL;
    struct evaluation *evaluation = NULL;
    auto_free char *facts = NULL;
    if (!recovery_load(e->reader, run_id, &v, err) || !check(&v, e->reader, err))
        return false;
    if (!recovery_load_evaluation(&v, &bundle, &evaluation, &d, err)) {
        evaluation_free(evaluation);
        bundle_done(bundle);
        free(bundle);
        return false;
    }
    struct engine_request q = recovery_request(&v, &facts);
    struct evaluation_request asked = {.event = v.run.trigger_payload,
                                       .repository = q.repository_facts};
    evaluation_start(evaluation, d, &asked);
    q.evaluation = evaluation;
    q.bundle = bundle;
    q.group = q.policy = STR(""); /* it takes nobody's place */
    q.sandbox_backend = backend;
    q.replay_of = run_id;
    return engine_start(e, &q, created, ended, ctx, err);
}
