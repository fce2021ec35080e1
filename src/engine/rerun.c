#include "engine/rerun.h"
#include "engine/receipt_int.h"

enum { DEPENDS_MAX = 1 << 20 };

struct rerun {
    struct recovery v;
    struct rerun_options options;
    struct evaluation *evaluation;
    struct bundle *bundle;
    char *facts;
    struct engine_request request;
    struct map recorded; /* step id -> struct store_step */
    VEC(bool) keep;      /* by index of the plan, as far as it is decided */
    bool lost_files, uses_files;
};

void rerun_free(struct rerun *x)
{
    if (!x)
        return;
    evaluation_free(x->evaluation);
    if (x->bundle) {
        bundle_done(x->bundle);
        free(x->bundle);
    }
    map_done(&x->recorded);
    vec_done(&x->keep);
    free(x->facts);
    recovery_done(&x->v);
    free(x);
}

/* ---- what is kept ---- */

static const struct store_step *find_recorded(const struct rerun *x, str id)
{
    return map_get(&x->recorded, id);
}

static bool is_as_recorded(const struct plan *p, const struct plan_step *s,
                           const struct store_step *old)
{
    auto_buf ids = BUF(DEPENDS_MAX);
    struct json_writer w = JSON_WRITER(&ids, false);
    json_begin_array(&w);
    for (uint32_t i = 0; i < s->depends_count; i++)
        json_put_str(&w, p->steps[s->depends_on[i]].id);
    json_end_array(&w);
    return s->type == old->type && str_eq(s->config, old->config) &&
           str_eq(buf_str(&ids), old->depends_on);
}

static bool may_keep(const struct rerun *x, const struct plan *p, uint32_t step)
{
    const struct plan_step *s = &p->steps[step];
    const struct store_step *old = find_recorded(x, s->id);
    if (x->options.scope == RERUN_ALL || !old || old->conclusion != CONCLUSION_SUCCESS ||
        !is_as_recorded(p, s, old))
        return false;
    if (x->options.scope == RERUN_FROM && str_is(s->id, x->options.from))
        return false;
    if (s->type != STEP_TYPE_ARTIFACT && step_has_files(s) && !x->options.has_files)
        return false;
    for (uint32_t i = 0; i < s->depends_count; i++)
        if (!x->keep.at[s->depends_on[i]])
            return false;
    return true;
}

static void decide(struct rerun *x)
{
    const struct plan *p = evaluation_plan(x->evaluation);
    for (uint32_t i = (uint32_t)x->keep.n; i < p->step_count; i++) {
        bool keep = may_keep(x, p, i);
        vec_push(&x->keep, keep);
        x->uses_files |=
            keep && p->steps[i].type != STEP_TYPE_ARTIFACT && step_has_files(&p->steps[i]);
    }
}

static bool give_kept_awaits(struct rerun *x, bool *ret_all, struct err *err)
{
    const struct plan *p = evaluation_plan(x->evaluation);
    *ret_all = p->await_count > 0;
    for (uint32_t i = 0; i < p->await_count; i++) {
        uint32_t step = p->await_steps[i];
        if (!x->keep.at[step])
            *ret_all = false;
        else if (!recovery_give_result(x->evaluation, find_recorded(x, p->steps[step].id), err))
            return false;
    }
    return true;
}

/* As far as the plan can be known: to the first decision on a step that runs again. */
static bool plan_again(struct rerun *x, const struct definition *d, struct err *err)
{
    struct evaluation_request q = {.event = x->v.run.trigger_payload,
                                   .repository = x->request.repository_facts};
    enum evaluation_state state = evaluation_start(x->evaluation, d, &q);
    for (;;) {
        bool all = false;
        decide(x);
        if (state != EVALUATION_AWAIT)
            return true;
        if (!give_kept_awaits(x, &all, err))
            return false;
        if (!all)
            return true;
        state = evaluation_resume(x->evaluation);
    }
}

/* ---- preparing ---- */

static bool check_ended(const struct rerun *x, struct err *err)
{
    if (x->options.unfinished || run_status_is_final(x->v.run.status))
        return true;
    err_set(err, "run_not_final", "run %lld has not ended: it is %s", (long long)x->v.run.id,
            run_status_name(x->v.run.status));
    err_hint(err, "plue run resume %lld goes on with it, plue run cancel %lld ends it",
             (long long)x->v.run.id, (long long)x->v.run.id);
    return false;
}

static bool check_from(const struct rerun *x, struct err *err)
{
    const char *from = x->options.from;
    if (x->options.scope != RERUN_FROM || find_recorded(x, str_of(from)))
        return true;
    VEC(str) ids = {0};
    for (size_t i = 0; i < x->v.step_count; i++)
        vec_push(&ids, x->v.steps[i].key.step_id);
    long near = ids.n ? str_nearest(str_of(from), ids.at, ids.n) : -1;
    err_set(err, "step_unknown", "run %lld has no step '%s'", (long long)x->v.run.id, from);
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
    vec_done(&ids);
    return false;
}

/* Without its files a run begins anew; what must not run twice forbids that. */
static bool check_files(struct rerun *x, struct err *err)
{
    if (x->options.scope == RERUN_ALL || x->options.has_files)
        return true;
    for (size_t i = 0; i < x->v.step_count; i++) {
        const struct store_step *s = &x->v.steps[i];
        if (!step_has_files_config(s->type, s->config) || s->conclusion != CONCLUSION_SUCCESS)
            continue;
        x->lost_files = true;
        json_t *config = json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL);
        bool once = json_is_false(json_object_get(config, "idempotent"));
        json_decref(config);
        if (!once)
            continue;
        err_set(err, "workspace_lost",
                "the files that run %lld left cannot be used, and step '%.*s' must not run twice",
                (long long)x->v.run.id, STR_ARG(s->key.step_id));
        err_hint(err, "start a new run, or rerun all of it without --failed or --from");
        return false;
    }
    return true;
}

static void index_recorded(struct rerun *x)
{
    for (size_t i = 0; i < x->v.step_count; i++)
        map_set(&x->recorded, x->v.steps[i].key.step_id, &x->v.steps[i]);
}

static void take_commit(struct rerun *x, str commit)
{
    x->request.commit = arena_str(&x->v.arena, commit);
    json_object_set_new(x->v.kept, "commit",
                        commit.n ? json_stringn(commit.p, commit.n) : json_null());
    auto_free char *kept = x->v.kept ? json_dumps(x->v.kept, JSON_COMPACT) : NULL;
    if (kept)
        x->v.run.plan = arena_str(&x->v.arena, str_of(kept));
}

bool rerun_prepare(struct store_reader *reader, const struct rerun_options *options,
                   struct rerun **ret, struct err *err)
{
    struct rerun *x = mem_zalloc(sizeof *x);
    const struct definition *d = options->definition;
    x->options = *options;
    x->evaluation = options->evaluation;
    x->bundle = options->bundle;
    bool ok = recovery_load(reader, options->run_id, &x->v, err) && check_ended(x, err);
    if (ok) {
        index_recorded(x);
        x->request = recovery_request(&x->v, &x->facts);
        if (options->other_files)
            take_commit(x, options->commit);
    }
    ok = ok && check_from(x, err) && check_files(x, err) &&
         (x->evaluation || recovery_load_evaluation(&x->v, &x->bundle, &x->evaluation, &d, err)) &&
         plan_again(x, d, err) && engine_check_plan(evaluation_plan(x->evaluation), err);
    if (ok)
        *ret = x;
    else
        rerun_free(x);
    return ok;
}

const struct plan *rerun_plan(const struct rerun *x)
{
    return evaluation_plan(x->evaluation);
}

bool rerun_keeps(const struct rerun *x, uint32_t step)
{
    return step < x->keep.n && x->keep.at[step];
}

size_t rerun_kept_count(const struct rerun *x)
{
    size_t n = 0;
    for (size_t i = 0; i < x->keep.n; i++)
        n += x->keep.at[i];
    return n;
}

int64_t rerun_attempt(const struct rerun *x)
{
    return x->v.run.attempt + 1;
}

const char *rerun_difference(const struct rerun *x, uint32_t step)
{
    const struct plan *p = rerun_plan(x);
    const struct store_step *old = find_recorded(x, p->steps[step].id);
    return !old ? "new" : is_as_recorded(p, &p->steps[step], old) ? NULL : "changed";
}

const char *rerun_backend(const struct rerun *x)
{
    return json_string_value(json_object_get(x->v.kept, "sandbox"));
}

bool rerun_lost_files(const struct rerun *x)
{
    return x->lost_files;
}

/* ---- the attempt ---- */

static void record_kept(struct live_run *r, struct store_batch *b, const struct rerun *x,
                        uint32_t i)
{
    struct store_step row = *find_recorded(x, r->plan.steps[i].id);
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

static void record_start(struct live_run *r, struct store_batch *b)
{
    auto_buf data = BUF(4096);
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "workflow");
    json_put_str(&w, r->plan.workflow);
    json_key_c(&w, "attempt");
    json_put_int(&w, r->attempt);
    json_end_object(&w);
    record_event(r, b, EVENT_RUN_STARTED, STR(""), buf_str(&data));
    record_plan_extended(r, b, 0);
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
    r->reuses_workspace = x->uses_files;
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
    record_start(r, b);
    for (uint32_t i = 0; i < r->plan.step_count; i++) {
        const struct store_step *s = find_recorded(x, r->plan.steps[i].id);
        if (!x->keep.at[i])
            continue;
        record_kept_event(r, b, s);
        struct store_step kept = *s;
        kept.key.try = 1;
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
