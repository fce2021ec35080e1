#include "engine/rerun.h"
#include "engine/rerun_int.h"
#include "json/json.h"

enum { DEPENDS_MAX = 1 << 20 };

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
    map_done(&x->wanted);
    rerun_files_done(&x->files);
    vec_done(&x->keep);
    free(x->facts);
    recovery_done(&x->v);
    free(x);
}

/* ---- what is kept ---- */

const struct store_step *rerun_find_recorded(const struct rerun *x, str id)
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
    const struct store_step *old = rerun_find_recorded(x, s->id);
    if (x->options.scope == RERUN_ALL || !old || old->conclusion != CONCLUSION_SUCCESS ||
        !is_as_recorded(p, s, old))
        return false;
    if (x->options.scope == RERUN_FROM && str_is(s->id, x->options.from))
        return false;
    if (rerun_works_in_files(s->type, s->config) && !x->any_files &&
        !(x->has_files && rerun_files_have(&x->files, old)))
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
        if (!keep || !rerun_works_in_files(p->steps[i].type, p->steps[i].config))
            continue;
        x->uses_files = true;
        if (x->any_files) {
            struct store_step *old = map_get(&x->recorded, p->steps[i].id);
            map_set(&x->wanted, old->key.step_id, old);
        }
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
        else if (!recovery_give_result(x->evaluation, rerun_find_recorded(x, p->steps[step].id),
                                       err))
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

static bool check_failed(const struct rerun *x, struct err *err)
{
    if (x->options.scope != RERUN_FAILED || x->options.other_files ||
        x->v.run.status != RUN_SUCCESS)
        return true;
    for (size_t i = 0; i < x->v.step_count; i++)
        if (x->v.steps[i].outcome != OUTCOME_SKIPPED &&
            x->v.steps[i].conclusion != CONCLUSION_SUCCESS)
            return true;
    err_set(err, "rerun_nothing", "nothing of run %lld failed: there is nothing to run again",
            (long long)x->v.run.id);
    err_hint(err, "plue run rerun %lld runs all of it, --from STEP a part", (long long)x->v.run.id);
    return false;
}

static bool check_from(const struct rerun *x, struct err *err)
{
    const char *from = x->options.from;
    if (x->options.scope != RERUN_FROM || rerun_find_recorded(x, str_of(from)))
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

/* What must not run twice forbids that it is kept no more. */
static bool check_once(struct rerun *x, struct err *err)
{
    const struct plan *p = evaluation_plan(x->evaluation);
    map_each(e, &x->wanted)
    {
        const struct store_step *s = e->value;
        uint32_t at = plan_find(p, e->key);
        if (at != PLAN_NEVER && rerun_keeps(x, at))
            continue;
        json_t *config = json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL);
        bool once = json_is_false(json_object_get(config, "idempotent"));
        json_decref(config);
        if (!once)
            continue;
        err_set(err, "workspace_lost",
                "no files are kept from after step '%.*s' of run %lld and before what is to run, "
                "and it must not run twice",
                STR_ARG(e->key), (long long)x->v.run.id);
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

static bool evaluate(struct rerun *x, const struct definition *d, struct err *err)
{
    x->keep.n = 0;
    x->uses_files = false;
    return plan_again(x, d, err) && engine_check_plan(evaluation_plan(x->evaluation), err);
}

/* What was planned counted on results that are not kept after all. */
static bool start_over(struct rerun *x, const struct definition **d, struct err *err)
{
    enum definition_kind kind = (*d)->kind;
    struct err_list errors = {.max = 1};
    str path = arena_str(&x->v.arena, (*d)->path), name = arena_str(&x->v.arena, (*d)->name);
    evaluation_free(x->evaluation);
    x->evaluation = evaluation_new(x->bundle, NULL);
    bool ok = evaluation_load(x->evaluation, path, &errors);
    if (!ok)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    *d = ok ? evaluation_find(x->evaluation, kind, name) : NULL;
    return *d || (ok && err_set(err, "plan_changed", "%.*s has no workflow '%.*s' any more",
                                STR_ARG(path), STR_ARG(name)));
}

static bool files_may_stay(const struct rerun *x)
{
    return !x->options.other_files || str_eq(recovery_text(&x->v, "commit"), x->options.commit);
}

static bool find_files(struct rerun *x, struct store_reader *reader, struct err *err)
{
    struct runner *runner = x->options.runner;
    struct rerun_files_asked q = {
        .recovery = &x->v,
        .left = runner && runner_has_files(runner, x->v.run.id, files_filled(x->v.kept)),
        .before = x->options.scope == RERUN_FROM,
        .commit = x->request.commit};
    return !x->wanted.used || !files_may_stay(x) ||
           rerun_find_files(reader, &q, &x->wanted, &x->files, &x->has_files, err);
}

/* What is kept, and in which files that can be: first as if there were any. */
static bool decide_all(struct rerun *x, struct store_reader *reader, const struct definition *d,
                       struct err *err)
{
    bool all = true;
    x->any_files = true;
    if (!evaluate(x, d, err) || !find_files(x, reader, err))
        return false;
    x->any_files = false;
    map_each(e, &x->wanted) all = all && x->has_files && rerun_files_have(&x->files, e->value);
    return (all || (start_over(x, &d, err) && evaluate(x, d, err))) && check_once(x, err);
}

/* ---- which files ---- */

/* A run has its files before it begins. */
static bool used_files(const struct rerun *x)
{
    for (size_t i = 0; x->v.run.started_at && i < x->v.step_count; i++)
        if (step_has_files_config(x->v.steps[i].type, x->v.steps[i].config))
            return true;
    return false;
}

static bool begin_afresh(struct rerun *x, struct err *err)
{
    struct engine_request *q = &x->request;
    q->filled = rerun_attempt(x);
    q->changes = STR("");
    if (x->options.other_files || q->commit.n)
        q->base = STR("");
    x->lost_source = !x->options.other_files && !q->commit.n && !q->base.n && used_files(x);
    if (!x->lost_source || x->options.unfinished)
        return true;
    err_set(err, "source_gone", "the files that run %lld began with are not kept (any more)",
            (long long)x->v.run.id);
    err_hint(err, "--working-tree takes those that are there now, --ref REF a commit's");
    return false;
}

static bool choose_files(struct rerun *x, struct err *err)
{
    struct engine_request *q = &x->request;
    if (!x->uses_files)
        return begin_afresh(x, err);
    const struct store_snapshot *s = x->files.snapshot;
    if (!s)
        return true;
    q->filled = rerun_attempt(x);
    q->base = s->base_sha256;
    q->changes = s->sha256;
    return true;
}

static void put_text(json_t *kept, const char *key, str text)
{
    if (text.n)
        json_object_set_new(kept, key, json_stringn(text.p, text.n));
    else
        json_object_del(kept, key);
}

static void keep_choice(struct rerun *x)
{
    const struct engine_request *q = &x->request;
    json_t *kept = x->v.kept;
    json_object_set_new(kept, "commit",
                        q->commit.n ? json_stringn(q->commit.p, q->commit.n) : json_null());
    put_text(kept, "base", q->base);
    put_text(kept, "changes", q->changes);
    json_object_set_new(kept, "filled", json_integer(q->filled));
    auto_free char *text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
    if (text)
        x->v.run.plan = arena_str(&x->v.arena, str_of(text));
}

/* ---- the whole ---- */

static bool load(struct rerun *x, struct store_reader *reader, struct err *err)
{
    if (!recovery_load(reader, x->options.run_id, &x->v, err) || !check_ended(x, err))
        return false;
    index_recorded(x);
    x->request = recovery_request(&x->v, &x->facts);
    /* What is kept is written anew, and these stand in it. */
    x->request.commit = arena_str(&x->v.arena, x->request.commit);
    x->request.changes = arena_str(&x->v.arena, x->request.changes);
    if (x->options.other_files)
        x->request.commit = arena_str(&x->v.arena, x->options.commit);
    return true;
}

bool rerun_prepare(struct store_reader *reader, const struct rerun_options *options,
                   struct rerun **ret, struct err *err)
{
    struct rerun *x = mem_zalloc(sizeof *x);
    const struct definition *d = options->definition;
    x->options = *options;
    x->evaluation = options->evaluation;
    x->bundle = options->bundle;
    bool ok =
        load(x, reader, err) && check_failed(x, err) && check_from(x, err) &&
        (x->evaluation || recovery_load_evaluation(&x->v, &x->bundle, &x->evaluation, &d, err)) &&
        decide_all(x, reader, d, err) && choose_files(x, err);
    if (ok) {
        keep_choice(x);
        *ret = x;
    } else {
        rerun_free(x);
    }
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
    const struct store_step *old = rerun_find_recorded(x, p->steps[step].id);
    return !old ? "new" : is_as_recorded(p, &p->steps[step], old) ? NULL : "changed";
}

const char *rerun_backend(const struct rerun *x)
{
    return json_string_value(json_object_get(x->v.kept, "sandbox"));
}

bool rerun_runs_for_files(const struct rerun *x, uint32_t step)
{
    return map_has(&x->wanted, rerun_plan(x)->steps[step].id) && !rerun_keeps(x, step);
}

bool rerun_lost_source(const struct rerun *x)
{
    return x->lost_source;
}

static bool plan_has_files(const struct rerun *x)
{
    const struct plan *p = rerun_plan(x);
    for (uint32_t i = 0; i < p->step_count; i++)
        if (step_has_files(&p->steps[i]) && !rerun_keeps(x, i))
            return true;
    return false;
}

static void add_state(const struct rerun *x, struct buf *b)
{
    const struct store_snapshot *s = x->files.snapshot;
    const char *then = s && str_is(s->kind, run_status_name(RUN_WAITING)) ? "waited" : "ended";
    size_t n = 0;
    if (!s) {
        buf_addf(b, "as attempt %lld left them", (long long)x->v.run.attempt);
        return;
    }
    buf_addf(b, "as they were when attempt %lld %s, after ", (long long)s->attempt, then);
    map_each(e, &x->files.steps) buf_addf(b, "%s%.*s", n++ ? ", " : "", STR_ARG(e->key));
}

void rerun_add_files(const struct rerun *x, struct buf *b)
{
    const struct engine_request *q = &x->request;
    if (!plan_has_files(x))
        return;
    if (x->uses_files)
        add_state(x, b);
    else if (q->commit.n)
        buf_addf(b, "those of the commit %.*s", STR_ARG(q->commit));
    else if (q->base.n)
        buf_add_c(b, "those that the run began with");
    else
        buf_add_c(b, "those of the working tree, as they are now");
}
