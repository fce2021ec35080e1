/* Going on with a run whose process has died: its evaluation is made anew from the recorded files,
 * event and results; finished steps stay finished, interrupted ones run again. */
#include "engine/engine_int.h"

void recovery_done(struct recovery *v)
{
    json_decref(v->kept);
    arena_done(&v->arena);
}

/* The ids of a plan have no dot. */
static void split_steps(struct recovery *v)
{
    size_t all = v->step_count;
    struct store_step *steps = v->steps;
    v->steps = arena_array(&v->arena, struct store_step, all);
    v->nested = arena_array(&v->arena, struct store_step, all);
    v->step_count = v->nested_count = 0;
    for (size_t i = 0; i < all; i++)
        if (str_find_byte(steps[i].key.step_id, '.', 0) == SIZE_MAX)
            v->steps[v->step_count++] = steps[i];
        else
            v->nested[v->nested_count++] = steps[i];
}

bool recovery_load(struct store_reader *reader, int64_t run_id, struct recovery *v, struct err *err)
{
    struct store_lease lease;
    bool has;
    if (!store_load_run(reader, run_id, &v->arena, &v->run, err) ||
        !store_load_steps(reader, run_id, STORE_LAST, STORE_STEPS_RESULTS, &v->arena, &v->steps,
                          &v->step_count, err) ||
        !store_load_sources(reader, run_id, STORE_LAST, &v->arena, &v->sources, &v->source_count,
                            err) ||
        !store_load_lease(reader, run_id, &lease, &has, err))
        return false;
    split_steps(v);
    v->last_seen = has ? lease.expires_at - STORE_LEASE_MS : 0;
    v->kept = json_loadb(v->run.plan.p, v->run.plan.n, 0, NULL);
    return files_base(reader, run_id, v->kept, &v->arena, &v->base, err);
}

static bool load(struct engine *e, int64_t run_id, struct recovery *v, struct err *err)
{
    if (!recovery_load(e->reader, run_id, v, err))
        return false;
    if (run_status_is_final(v->run.status)) {
        err_set(err, "run_final", "run %lld has ended: %s", (long long)run_id,
                run_status_name(v->run.status));
        err_hint(err, "start a new one with plue workflow run %.*s", STR_ARG(v->run.workflow));
        return false;
    }
    return true;
}

str recovery_text(const struct recovery *v, const char *key)
{
    return opt_str(json_string_value(json_object_get(v->kept, key)));
}

static bool take_lease(struct engine *e, int64_t run_id, struct err *err)
{
    struct store_batch *b = store_batch_new(e->options.store);
    store_take_lease(b, run_id, &e->self, clock_wall_ms());
    return store_commit(e->options.store, b, NULL, err);
}

bool recovery_give_result(struct evaluation *e, const struct store_step *s, struct err *err)
{
    auto_buf b = BUF(RESULT_MAX);
    record_add_result(&b, s);
    return evaluation_set_result(e, s->key.step_id, buf_str(&b), err);
}

static bool set_recorded_results(struct live_run *r, struct recovery *v, struct err *err)
{
    for (size_t i = 0; i < v->step_count; i++)
        if (step_status_is_final(v->steps[i].status) &&
            !recovery_give_result(r->evaluation, &v->steps[i], err))
            return false;
    return true;
}

bool recovery_load_evaluation(const struct recovery *v, struct bundle **ret_bundle,
                              struct evaluation **ret, const struct definition **ret_definition,
                              struct err *err)
{
    struct err_list errors = {.max = 1};
    str path = recovery_text(v, "path");

    *ret_bundle = mem_zalloc(sizeof **ret_bundle);
    for (size_t i = 0; i < v->source_count; i++)
        bundle_add(*ret_bundle, v->sources[i].path, v->sources[i].text);
    *ret = evaluation_new(*ret_bundle, NULL);
    bool ok = evaluation_load(*ret, path, &errors);
    if (!ok)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    if (!ok)
        return false;
    *ret_definition = evaluation_find(*ret, DEFINITION_WORKFLOW, v->run.workflow);
    if (!*ret_definition)
        *ret_definition = evaluation_find(*ret, DEFINITION_TOOL, v->run.workflow);
    return *ret_definition ||
           err_set(err, "plan_changed", "the recorded file %.*s has no workflow '%.*s'",
                   STR_ARG(path), STR_ARG(v->run.workflow));
}

/* The evaluation from the recorded files, with the recorded results. */
static bool rebuild_evaluation(struct live_run *r, struct recovery *v, struct err *err)
{
    const struct definition *d;
    if (!recovery_load_evaluation(v, &r->bundle, &r->evaluation, &d, err) ||
        !set_recorded_results(r, v, err))
        return false;
    struct evaluation_request q = {.event = v->run.trigger_payload,
                                   .repository = r->request.repository_facts};
    evaluation_start(r->evaluation, d, &q);
    return true;
}

void recovery_add_steps(const struct recovery *v, struct plan *p)
{
    for (size_t i = 0; i < v->step_count; i++) {
        struct plan_step *s = plan_add_step(p);
        s->id = v->steps[i].key.step_id;
        s->name = v->steps[i].name;
        s->type = v->steps[i].type;
        s->config = v->steps[i].config;
        json_t *ids = json_loadb(v->steps[i].depends_on.p, v->steps[i].depends_on.n, 0, NULL);
        s->depends_on = arena_array(p->arena, uint32_t, json_array_size(ids));
        for (size_t k = 0; k < json_array_size(ids); k++) {
            uint32_t at = plan_find(p, str_of(json_string_value(json_array_get(ids, k))));
            if (at != PLAN_NEVER)
                s->depends_on[s->depends_count++] = at;
        }
        json_decref(ids);
    }
}

static bool check_same(struct live_run *r, struct recovery *v, struct err *err)
{
    struct plan recorded = {.arena = &v->arena};
    recovery_add_steps(v, &recorded);
    return plan_same_start(&recorded, &r->plan, err);
}

/* ---- states ---- */

void recovery_restore(struct live_run *r, uint32_t i, const struct store_step *s)
{
    struct live_step *l = &r->steps[i];
    run_restore(&r->core, &r->plan, i, s->outcome, s->conclusion, s->status, s->reason.code,
                (uint32_t)s->key.try);
    l->has_exit_code = s->has_exit_code;
    l->exit_code = (int)s->exit_code;
    l->stdout_text = str_dup(s->stdout_text);
    l->stderr_text = str_dup(s->stderr_text);
    l->outputs = s->outputs.n ? str_dup(s->outputs) : NULL;
    l->output = s->output.n ? str_dup(s->output) : NULL;
    l->error_message = s->error_message.n ? str_dup(s->error_message) : NULL;
    l->kept_from = s->kept_from;
    l->started_at = s->started_at;
    l->completed_at = s->completed_at;
    if (s->type == STEP_TYPE_SHELL && s->conclusion == CONCLUSION_SUCCESS)
        shell_take_additions(r, s->output);
    record_result(r, i);
}

static void record_interrupted(struct store_batch *b, const struct store_step_key *key,
                               enum step_status from, enum reason reason)
{
    struct store_step_update u = {
        .key = *key,
        .from = from,
        .to = STEP_FAILED,
        .fields = STORE_STEP_OUTCOME | STORE_STEP_REASON | STORE_STEP_COMPLETED,
        .values = {.outcome = OUTCOME_FAILED,
                   .conclusion = CONCLUSION_FAILED,
                   .reason = {reason, str_of(reason_sentence(reason))},
                   .completed_at = clock_wall_ms()},
    };
    store_update_step(b, &u);
}

static void add_next_try(struct live_run *r, struct store_batch *b, uint32_t i,
                         const struct store_step *s)
{
    struct live_step *l = &r->steps[i];
    l->recorded_try = (uint32_t)s->key.try + 1;
    struct store_step_key next = record_key(r, i);
    store_add_try(b, &next, clock_wall_ms());
    l->recorded = STEP_READY;
    run_restore_tries(&r->core, &r->plan, i, (uint32_t)s->key.try);
}

/* A try that ran when the process died: its row ends as interrupted; another try follows, unless
 * the step must not run twice. */
static void restore_interrupted(struct live_run *r, struct store_batch *b, uint32_t i,
                                const struct store_step *s)
{
    struct live_step *l = &r->steps[i];
    bool again = r->plan.steps[i].idempotent;
    enum reason reason = again ? REASON_INTERRUPTED : REASON_NOT_IDEMPOTENT;
    struct store_step_key key = record_key(r, i);
    record_interrupted(b, &key, s->status, reason);
    if (!again) {
        run_restore(&r->core, &r->plan, i, OUTCOME_FAILED, CONCLUSION_FAILED, STEP_FAILED, reason,
                    (uint32_t)s->key.try);
        l->recorded = STEP_FAILED;
        l->error_message = str_dup(str_of(reason_sentence(reason)));
        record_result(r, i);
        return;
    }
    add_next_try(r, b, i, s);
}

void recovery_count_calls(struct live_run *r, const struct store_step *nested, size_t n)
{
    unsigned number;
    for (size_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < r->plan.step_count; i++)
            if (nested_id(nested[k].key.step_id, r->plan.steps[i].id, &number) &&
                number > r->steps[i].nested_calls)
                r->steps[i].nested_calls = number;
}

/* What a tool was doing ends there. Of a prompt it goes on, as another try; of others the agent is
 * told, and may call it again. */
static void end_nested(struct live_run *r, const struct recovery *v, struct store_batch *b)
{
    recovery_count_calls(r, v->nested, v->nested_count);
    for (size_t n = 0; n < v->nested_count; n++)
        if (!step_status_is_final(v->nested[n].status))
            record_interrupted(b, &v->nested[n].key, v->nested[n].status, REASON_INTERRUPTED);
}

void recovery_restore_nested(struct live_run *r, struct store_batch *b, uint32_t i,
                             const struct store_step *s)
{
    struct live_step *l = &r->steps[i];
    l->has_row = true;
    l->recorded = s->status;
    l->recorded_try = (uint32_t)s->key.try;
    if (s->reason.code != REASON_INTERRUPTED) {
        recovery_restore(r, i, s);
        return;
    }
    add_next_try(r, b, i, s);
}

static void restore_steps(struct live_run *r, struct recovery *v, struct store_batch *b)
{
    for (uint32_t i = 0; i < v->step_count && i < r->plan.step_count; i++) {
        const struct store_step *s = &v->steps[i];
        struct live_step *l = &r->steps[i];
        l->has_row = true;
        l->recorded = s->status;
        l->recorded_try = (uint32_t)s->key.try;
        if (step_status_is_final(s->status))
            recovery_restore(r, i, s);
        else if (s->status == STEP_WAITING && (s->reason.code == REASON_HELD_BEFORE ||
                                               s->reason.code == REASON_HELD_AFTER_FAILURE))
            hold_restore(r, i, s);
        else if (s->status == STEP_WAITING) /* it asks again, and finds what was decided */
            run_restore_tries(&r->core, &r->plan, i, (uint32_t)s->key.try - 1);
        else if (s->status == STEP_RUNNING)
            restore_interrupted(r, b, i, s);
        else if (s->key.try > 1)
            run_restore_tries(&r->core, &r->plan, i, (uint32_t)s->key.try - 1);
    }
}

static void restored(struct live_run *r, void *data)
{
    (void)data;
    run_try_to_begin(r);
}

/* What was left of the run's time when its process died: nobody's time counts after that. */
static int64_t time_left(const struct live_run *r, const struct recovery *v)
{
    int64_t whole = r->plan.timeout_ms ? r->plan.timeout_ms : RUN_DEFAULT_TIMEOUT_MS;
    int64_t left = v->run.deadline_at - (v->last_seen ? v->last_seen : clock_wall_ms());
    bool waited = v->run.status == RUN_WAITING;
    for (size_t i = 0; i < v->step_count; i++)
        waited |= v->steps[i].status == STEP_WAITING && v->steps[i].reason.code != REASON_NONE &&
                  v->steps[i].reason.code != REASON_WAITING_FOR_APPROVAL;
    if (!v->run.deadline_at || left > whole || waited)
        return whole;
    return left < 1 ? 1 : left;
}

static void record_deadline(struct live_run *r, const struct recovery *v, struct store_batch *b,
                            int64_t left)
{
    struct store_run_update u = {.run_id = r->id,
                                 .from = v->run.status,
                                 .to = v->run.status,
                                 .fields = STORE_RUN_DEADLINE,
                                 .values.deadline_at = clock_wall_ms() + left};
    if (v->run.status != RUN_QUEUED)
        store_update_run(b, &u);
}

static void begin_again(struct live_run *r, struct recovery *v)
{
    int64_t left = time_left(r, v);
    struct run_options options = hold_options(r, left);
    run_init(&r->core, &options);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    record_deadline(r, v, b, left);
    restore_steps(r, v, b);
    end_nested(r, v, b);
    record_new_steps(r, b, (uint32_t)v->step_count);
    if (r->plan.step_count > v->step_count)
        record_plan_extended(r, b, (uint32_t)v->step_count);
    run_keep_plan_error(r);
    record_event(r, b, EVENT_RUN_STATUS_CHANGED, STR(""),
                 STR("{\"status\": \"running\", \"resumed\": true}"));
    run_submit(r, b, restored, NULL);
}

/* A run that cannot go on ends as failed, with the difference as its error. */
static void fail_run(struct live_run *r, struct recovery *v, struct err *err)
{
    auto_buf json = BUF(RESULT_MAX);
    struct json_writer w = JSON_WRITER(&json, false);
    auto_err ignored = ERR_INIT;
    enum reason reason =
        strcmp(err->code, "workspace_lost") == 0 ? REASON_WORKSPACE_LOST : REASON_PLAN_CHANGED;
    json_put_error(&w, r->evaluation ? evaluation_sources(r->evaluation) : NULL, err);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_run_update u = {
        .run_id = r->id,
        .from = v->run.status,
        .to = RUN_FAILED,
        .fields = STORE_RUN_REASON | STORE_RUN_ERROR | STORE_RUN_COMPLETED | STORE_RUN_CONCLUSION,
        .values = {.reason = {reason, str_of(reason_sentence(reason))},
                   .conclusion = CONCLUSION_FAILED,
                   .error = buf_str(&json),
                   .error_message = err->message,
                   .completed_at = clock_wall_ms()},
    };
    store_update_run(b, &u);
    record_event(r, b, EVENT_RUN_COMPLETED, STR(""),
                 STR("{\"success\": false, \"status\": \"failed\"}"));
    store_drop_lease(b, r->id, &r->engine->self);
    /* The caller reports err; a store that cannot record it either changes nothing about it. */
    if (!store_commit(r->engine->options.store, b, NULL, &ignored))
        err_reset(&ignored);
}

struct engine_request recovery_request(struct recovery *v, char **ret_facts)
{
    *ret_facts = json_dumps(json_object_get(v->kept, "repository"), JSON_COMPACT);
    auto_free char *fork = json_dumps(json_object_get(v->kept, "fork"), JSON_COMPACT);
    return (struct engine_request){
        .repository = v->run.repository,
        .source = recovery_text(v, "source"),
        .commit = recovery_text(v, "commit"),
        .event = v->run.trigger_payload,
        .repository_facts = opt_str(*ret_facts),
        .trigger_type = v->run.trigger_type,
        .ref = v->run.ref,
        .sha = v->run.sha,
        .branch = v->run.branch,
        .actor = v->run.actor,
        .inputs = v->run.inputs,
        .group = v->run.group,
        .policy = v->run.policy,
        .priority = v->run.priority,
        .replay_of = json_integer_value(json_object_get(v->kept, "replay_of")),
        .replay_file = recovery_text(v, "replay_file"),
        .fork = fork ? arena_str(&v->arena, str_of(fork)) : STR(""),
        .base = v->base,
        .changes = recovery_text(v, "changes"),
        .filled = files_filled(v->kept),
    };
}

bool engine_resume(struct engine *e, int64_t run_id, engine_ended_fn *ended, void *ctx,
                   struct err *err)
{
    cleanup(recovery_done) struct recovery v = {0};
    if (!load(e, run_id, &v, err))
        return false;
    bool lost = lost_has_files_lost(e, &v);
    auto_err once = ERR_INIT;
    if (lost && lost_check(&v, &once))
        return lost_begin_again(e, &v, ended, ctx, err);
    if (!take_lease(e, run_id, err))
        return false;
    auto_free char *facts = NULL;
    struct engine_request q = recovery_request(&v, &facts);
    q.breaks = breaks_of(&v.arena, v.kept);
    struct live_run *r = live_run_new(e, &q);
    r->id = run_id;
    r->kept = arena_str(&r->arena, v.run.plan);
    r->ctx = ctx;
    r->attempt = v.run.attempt;
    r->reuses_workspace = true;
    r->recorded = v.run.status;
    r->started_at = v.run.started_at;
    if (!hidden_load(r, err)) {
        r->complete = true;
        run_forget(r);
        return false;
    }
    if (lost)
        err_move(err, &once);
    bool ok = !lost && rebuild_evaluation(r, &v, err);
    if (ok)
        run_take_plan(r);
    ok = ok && engine_check_plan(&r->plan, err) && check_same(r, &v, err);
    if (!ok) {
        fail_run(r, &v, err);
        r->complete = true;
        run_forget(r);
        return false;
    }
    r->files_recorded = r->plan.file_count;
    r->ended = ended;
    /* What the core calls queued is running in the store already. */
    begin_again(r, &v);
    return true;
}
