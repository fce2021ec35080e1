/* A live run: what the core says is recorded, then done, then told. */
#include "engine/engine_int.h"
#include <signal.h>

void run_notice(struct live_run *r, const char *what, const struct err *err)
{
    const struct engine_options *o = &r->engine->options;
    auto_buf text = BUF(RESULT_MAX);
    buf_addf(&text, "%s: %.*s", what, STR_ARG(err->message));
    if (o->notice)
        o->notice(o->data, r->id, buf_str(&text));
}

/* ---- submitting ---- */

struct submission {
    struct live_run *run;
    void (*durable)(struct live_run *r, void *data);
    void *data;
};

static void publish(void *ctx, const struct event *e)
{
    hub_publish(ctx, e);
}

static void on_durable(void *ctx, struct store_batch *b, struct err *err)
{
    struct submission *s = ctx;
    struct live_run *r = s->run;
    struct engine *e = r->engine;

    if (err && !r->complete) {
        engine_halt(e, err);
    } else if (!err) {
        if (e->options.hub)
            store_batch_events(b, publish, e->options.hub);
        s->durable(r, s->data);
    }
    free(s->data);
    free(s);
    r->pending--; /* until here, what was told could not free the run */
    run_forget(r);
}

void run_submit(struct live_run *r, struct store_batch *b,
                void (*durable)(struct live_run *r, void *data), void *data)
{
    struct submission *s = mem_alloc(sizeof *s);
    auto_err err = ERR_INIT;
    *s = (struct submission){r, durable, data};
    r->pending++;
    /* A step that writes faster than the disk waits here; nothing is dropped. */
    if (store_is_full(r->engine->options.store))
        store_flush(r->engine->options.store);
    if (!store_submit(r->engine->options.store, b, on_durable, s, &err)) {
        on_durable(s, b, &err);
        store_batch_free(b);
    }
}

void run_nothing(struct live_run *r, void *data)
{
    (void)r;
    (void)data;
}

/* ---- timers ---- */

static void timer_closed(uv_handle_t *h)
{
    struct live_timer *t = h->data;
    struct live_run *r = t->run;
    free(t);
    r->pending--;
    run_forget(r);
}

static void timer_stop(struct live_timer **t)
{
    if (!*t)
        return;
    uv_close((uv_handle_t *)&(*t)->uv, timer_closed);
    *t = NULL;
}

static void timer_fired(uv_timer_t *uv)
{
    struct live_timer *t = uv->data;
    run_tell(t->run, &t->event);
}

static void arm(struct live_run *r, struct live_timer **slot, enum run_event_kind kind,
                const struct run_action *a)
{
    timer_stop(slot);
    struct live_timer *t = mem_zalloc(sizeof *t);
    t->run = r;
    t->event = (struct run_event){.kind = kind, .step = a->step, .try = a->try};
    uv_timer_init(r->engine->options.loop, &t->uv);
    t->uv.data = t;
    uv_timer_start(&t->uv, timer_fired, (uint64_t)a->delay_ms, 0);
    r->pending++;
    *slot = t;
}

/* Waiting for people does not count to the run's time. True where that goes on again. */
static bool pause_limit(struct live_run *r)
{
    bool waits = r->core.status == RUN_WAITING || (r->core.held && !r->core.ending);
    if (!r->limit || waits == (r->paused_at != 0))
        return false;
    if (waits) {
        r->paused_at = clock_mono_ms();
        r->paused_left = (int64_t)uv_timer_get_due_in(&r->limit->uv);
        uv_timer_stop(&r->limit->uv);
        return false;
    }
    r->waited_ms += clock_mono_ms() - r->paused_at;
    r->paused_at = 0;
    uv_timer_start(&r->limit->uv, timer_fired, (uint64_t)r->paused_left, 0);
    return true;
}

/* ---- plan and evaluation ---- */

void run_take_plan(struct live_run *r)
{
    r->plan = *evaluation_plan(r->evaluation);
    if (r->plan.step_count > r->step_cap) {
        r->step_cap = r->plan.step_count * 2;
        r->steps = mem_realloc_array(r->steps, r->step_cap, sizeof *r->steps);
    }
    for (; r->step_count < r->plan.step_count; r->step_count++) {
        r->steps[r->step_count] = (struct live_step){0};
        str id = arena_str(&r->arena, r->plan.steps[r->step_count].id);
        map_set(&r->index, id, (void *)(uintptr_t)(r->step_count + 1));
    }
}

static void keep_error(struct live_run *r, struct sources *s, struct err *err)
{
    if (r->error_json)
        return;
    auto_buf b = BUF(RESULT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_put_error(&w, s, err);
    r->error_json = buf_take(&b, NULL);
    err_move(&r->error, err);
}

void run_keep_plan_error(struct live_run *r)
{
    if (r->plan.end == PLAN_ERROR)
        keep_error(r, evaluation_sources(r->evaluation), evaluation_error(r->evaluation));
}

void run_fail(struct live_run *r, enum reason reason, const struct err *err)
{
    auto_err copy = ERR_INIT;
    err_set(&copy, err->code, "%.*s", STR_ARG(err->message));
    if (err->hint.n)
        err_hint(&copy, "%.*s", STR_ARG(err->hint));
    if (!r->complete)
        keep_error(r, NULL, &copy);
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_CANCEL, .reason = reason});
}

static bool give_results(struct live_run *r, struct err *err)
{
    for (uint32_t i = 0; i < r->plan.await_count; i++) {
        uint32_t step = r->plan.await_steps[i];
        if (!evaluation_set_result(r->evaluation, r->plan.steps[step].id,
                                   str_make(r->steps[step].result, r->steps[step].result_n), err))
            return false;
    }
    return true;
}

static void grown_durable(struct live_run *r, void *data)
{
    (void)data;
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_GREW});
}

/* The awaited steps are final: the evaluation goes on, and the plan grows. */
static void resume_evaluation(struct live_run *r)
{
    uint32_t before = r->plan.step_count;
    auto_err err = ERR_INIT;
    bool ok = give_results(r, &err);
    enum evaluation_state state = ok ? evaluation_resume(r->evaluation) : EVALUATION_FAILED;

    if (!ok)
        keep_error(r, NULL, &err);
    else if (state == EVALUATION_FAILED)
        keep_error(r, evaluation_sources(r->evaluation), evaluation_error(r->evaluation));
    run_take_plan(r);
    if (!ok)
        r->plan.end = PLAN_ERROR;
    if (state != EVALUATION_FAILED && !engine_check_plan(&r->plan, &err)) {
        keep_error(r, NULL, &err);
        r->plan.step_count = r->step_count = before;
        r->plan.end = PLAN_ERROR;
    }
    struct store_batch *b = store_batch_new(r->engine->options.store);
    record_new_steps(r, b, before);
    record_sources(r, b);
    record_plan_extended(r, b, before);
    run_submit(r, b, grown_durable, NULL);
}

/* ---- ends ---- */

static void resolve_result(struct live_run *r)
{
    struct resolve_scope scope = run_scope(r);
    auto_err err = ERR_INIT;
    auto_buf b = BUF(CONFIG_RESOLVED_MAX);
    bool success = r->core.status == RUN_SUCCESS;

    if (success && r->plan.outputs.n) {
        if (resolve_json(&scope, r->plan.outputs, &b, &err)) {
            auto_buf masked = BUF(CONFIG_RESOLVED_MAX);
            mask_apply(run_mask(r), buf_str(&b), &masked);
            r->outputs = buf_take(&masked, NULL);
            return;
        }
        /* An exception after a result fails the run. */
        r->core.status = RUN_FAILED;
        r->core.reason = REASON_VALUE_ERROR;
        keep_error(r, NULL, &err);
        return;
    }
    if (success) {
        r->outputs = str_dup(STR("{}"));
        return;
    }
    if (r->core.reason == REASON_CTX_FAIL) {
        str reason = r->plan.reason;
        bool ok = !reason.n || resolve_json(&scope, reason, &b, &err);
        auto_err failed = ERR_INIT;
        json_t *j = ok ? json_loadb(b.p, b.n, JSON_DECODE_ANY, NULL) : NULL;
        if (!ok)
            err_move(&failed, &err);
        else if (json_is_string(j))
            err_set(&failed, "workflow_failed", "%s", json_string_value(j));
        else
            err_set(&failed, "workflow_failed", "%s",
                    b.n ? buf_c(&b) : "the workflow called ctx.fail");
        json_decref(j);
        keep_error(r, NULL, &failed);
    }
}

static void name_failed_step(struct live_run *r)
{
    auto_err err = ERR_INIT;
    if (r->error_json || r->core.status == RUN_SUCCESS)
        return;
    if (r->core.reason == REASON_STEP_FAILED) {
        for (uint32_t i = 0; i < r->core.n; i++) {
            const struct plan_step *p = &r->plan.steps[i];
            if (r->core.steps[i].conclusion != CONCLUSION_FAILED ||
                step_type_is_structural(p->type) || p->judged_from != PLAN_NEVER)
                continue;
            const char *more = r->steps[i].error_message;
            err_set(&err, "step_failed", "step '%.*s' failed%s%s", STR_ARG(p->id), more ? ": " : "",
                    more ? more : "");
            err_hint(&err, "its log: plue run view %lld --log --step %.*s", (long long)r->id,
                     STR_ARG(p->id));
            break;
        }
    }
    if (!err_is_set(&err))
        err_set(&err, reason_code(r->core.reason) ? reason_code(r->core.reason) : "run_failed",
                "%.*s", STR_ARG(run_reason_text(r)));
    keep_error(r, NULL, &err);
}

static void workspace_closed(void *user, const struct err *err)
{
    struct live_run *r = user;
    if (err)
        run_notice(r, "its workspace was not removed", err);
    r->workspace = NULL;
    r->pending--;
    run_forget(r);
}

void run_stop_timers(struct live_run *r)
{
    timer_stop(&r->limit);
    for (uint32_t i = 0; i < r->step_count; i++) {
        timer_stop(&r->steps[i].limit);
        timer_stop(&r->steps[i].grace);
        timer_stop(&r->steps[i].retry);
    }
}

static void close_workspace(struct live_run *r, enum runner_keep keep)
{
    r->pending++;
    runner_close(r->workspace, keep, workspace_closed, r);
}

static void close_at_end(struct live_run *r)
{
    close_workspace(r, r->core.status == RUN_SUCCESS ? RUNNER_REMOVE : RUNNER_KEEP_FILES);
}

void run_close_files(struct live_run *r)
{
    snapshot_take(r, close_at_end);
}

static void complete(struct live_run *r)
{
    r->complete = true;
    run_stop_timers(r);
    hold_note_missed(r);
    attach_close(r);
    /* What failed may be run again from where it stands. */
    if (r->workspace && !r->parent)
        run_close_files(r);
    else
        workspace_end(r);
    run_forget(r);
}

/* Until here nobody else may touch the run's files. */
static void give_back(struct live_run *r)
{
    struct store_batch *b = store_batch_new(r->engine->options.store);
    r->keeps_lease = false;
    store_drop_lease(b, r->id, &r->engine->self);
    run_submit(r, b, run_nothing, NULL);
}

/* When nothing names the run any more: its end is told, and it is gone. */
void run_forget(struct live_run *r)
{
    struct engine *e = r->engine;
    if (!r->complete || r->pending)
        return;
    if (r->halted && r->workspace && !r->parent) { /* now that nothing uses it: for a resume */
        close_workspace(r, RUNNER_KEEP);
        return;
    }
    if (r->keeps_lease && !e->halted) {
        give_back(r);
        return;
    }
    for (struct live_run **at = &e->runs; *at; at = &(*at)->next) {
        if (*at == r) {
            *at = r->next;
            break;
        }
    }
    if (--e->active == 0)
        uv_unref((uv_handle_t *)&e->wake);
    if (r->ended)
        r->ended(r->ctx, r->id, r->core.status, r->halted ? &e->failure : NULL);
    struct live_run *parent = r->parent;
    live_run_free(r);
    if (!parent)
        return;
    parent->pending--;
    run_forget(parent);
}

/* ---- actions ---- */

static void start_step(struct live_run *r, uint32_t step)
{
    switch (r->plan.steps[step].type) {
    case STEP_TYPE_SHELL:
    case STEP_TYPE_FILE:
    case STEP_TYPE_ARTIFACT:
    case STEP_TYPE_AGENT:
        workspace_start(r, step);
        break;
    case STEP_TYPE_APPROVAL:
        approval_start(r, step);
        break;
    case STEP_TYPE_GIT:
        if (step_has_files(&r->plan.steps[step]))
            workspace_start(r, step);
        else
            git_start(r, step);
        break;
    case STEP_TYPE_LLM:
        llm_step_start(r, step);
        break;
    case STEP_TYPE_COMMENT:
        comment_start(r, step);
        break;
    default:
        simple_start(r, step);
    }
}

void run_perform(struct live_run *r, const struct run_action *a)
{
    struct live_step *l = a->step == PLAN_NEVER ? NULL : &r->steps[a->step];
    switch (a->kind) {
    case RUN_ACTION_START:
        start_step(r, a->step);
        break;
    case RUN_ACTION_TERM:
    case RUN_ACTION_KILL:
        if (l->process)
            runner_kill(l->process, a->kind == RUN_ACTION_TERM ? SIGTERM : SIGKILL);
        if (l->llm)
            llm_step_stop(r, a->step);
        break;
    case RUN_ACTION_ARM_STEP:
        arm(r, &l->limit, RUN_EVENT_STEP_TIMER, a);
        break;
    case RUN_ACTION_ARM_GRACE:
        arm(r, &l->grace, RUN_EVENT_GRACE_TIMER, a);
        break;
    case RUN_ACTION_ARM_RETRY:
        arm(r, &l->retry, RUN_EVENT_RETRY_TIMER, a);
        break;
    case RUN_ACTION_ARM_RUN:
        arm(r, &r->limit, RUN_EVENT_RUN_TIMER, a);
        (void)pause_limit(r);
        break;
    case RUN_ACTION_RESUME:
        resume_evaluation(r);
        break;
    case RUN_ACTION_COMPLETE:
        complete(r);
        break;
    case RUN_ACTION_STEP_CHANGED:
        attach_step_changed(r, a->step);
        break;
    case RUN_ACTION_RUN_CHANGED:
        snapshot_wait(r);
        break;
    }
}

/* Acts on the outside wait until what led to them is durable; timers and signals do not. */
static bool waits_for_record(enum run_action_kind k)
{
    return k == RUN_ACTION_START || k == RUN_ACTION_RESUME || k == RUN_ACTION_COMPLETE;
}

struct later {
    size_t n;
    struct run_action actions[];
};

static void do_later(struct live_run *r, void *data)
{
    struct later *l = data;
    for (size_t i = 0; i < l->n && !r->halted; i++)
        run_perform(r, &l->actions[i]);
}

static void stop_step_timers(struct live_run *r, uint32_t step)
{
    timer_stop(&r->steps[step].limit);
    timer_stop(&r->steps[step].grace);
}

/* Rows and events of the turn, in the order of the core's actions; each row once. */
static void record_turn(struct live_run *r, struct store_batch *b,
                        const struct run_actions *actions)
{
    bool goes_on = pause_limit(r), same = r->recorded == r->core.status;
    for (size_t i = 0; i < actions->list.n; i++)
        if (actions->list.at[i].kind == RUN_ACTION_ARM_RETRY)
            r->steps[actions->list.at[i].step].retry_at =
                clock_wall_ms() + actions->list.at[i].delay_ms;
    for (size_t i = 0; i < actions->list.n; i++) {
        const struct run_action *a = &actions->list.at[i];
        /* A run without steps starts and ends in one turn: its last state is recorded, once. */
        if (a->kind == RUN_ACTION_RUN_CHANGED && r->recorded != r->core.status) {
            if (run_status_is_final(r->core.status)) {
                resolve_result(r);
                name_failed_step(r);
            }
            record_run(r, b);
        }
        if (a->kind != RUN_ACTION_STEP_CHANGED || r->steps[a->step].dirty)
            continue;
        r->steps[a->step].dirty = true;
        if (r->core.steps[a->step].status != STEP_RUNNING)
            stop_step_timers(r, a->step);
        record_step(r, b, a->step);
    }
    if (goes_on && same)
        record_time_left(r, b);
    for (size_t i = 0; i < actions->list.n; i++)
        if (actions->list.at[i].kind == RUN_ACTION_STEP_CHANGED)
            r->steps[actions->list.at[i].step].dirty = false;
}

void run_tell(struct live_run *r, const struct run_event *event)
{
    auto_err err = ERR_INIT;
    struct run_actions actions = {0};

    if (r->complete || r->engine->halted)
        return;
    if (!run_apply(&r->core, &r->plan, event, &actions, &err)) {
        run_notice(r, "the engine refused an event", &err);
        return;
    }
    if (actions.list.n == 0)
        return;
    struct later *later = mem_alloc(sizeof *later + actions.list.n * sizeof *later->actions);
    later->n = 0;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    record_turn(r, b, &actions);
    r->pending++; /* performing may end the run */
    for (size_t i = 0; i < actions.list.n; i++) {
        if (waits_for_record(actions.list.at[i].kind))
            later->actions[later->n++] = actions.list.at[i];
        else
            run_perform(r, &actions.list.at[i]);
    }
    vec_done(&actions.list);
    run_submit(r, b, do_later, later);
    r->pending--;
    run_forget(r);
}

void run_step_done(struct live_run *r, uint32_t step, enum outcome outcome, enum reason reason,
                   bool final)
{
    run_tell(r, &(struct run_event){
                    .kind = RUN_EVENT_STEP_DONE,
                    .step = step,
                    .try = r->core.steps[step].tries,
                    .outcome = outcome,
                    .reason = reason,
                    .final = final,
                });
}

void run_keep_step_error(struct live_run *r, uint32_t step, struct err *err)
{
    struct live_step *l = &r->steps[step];
    auto_buf json = BUF(RESULT_MAX), masked = BUF(RESULT_MAX);
    struct json_writer w = JSON_WRITER(&json, false);

    json_put_error(&w, NULL, err);
    mask_apply(run_mask(r), buf_str(&json), &masked);
    free(l->error);
    free(l->error_message);
    l->error = buf_take(&masked, NULL);
    auto_buf message = BUF(RESULT_MAX);
    mask_apply(run_mask(r), err->message, &message);
    l->error_message = buf_take(&message, NULL);
}

void run_step_failed(struct live_run *r, uint32_t step, enum reason reason, struct err *err,
                     bool final)
{
    run_keep_step_error(r, step, err);
    run_step_done(r, step, OUTCOME_FAILED, reason, final);
}

/* ---- life ---- */

static struct live_run *new_run(struct engine *e, const struct engine_request *q)
{
    struct live_run *r = mem_zalloc(sizeof *r);
    struct arena *a = &r->arena;
    r->engine = e;
    r->request = *q;
    r->evaluation = q->evaluation;
    r->bundle = q->bundle;
    str *texts[] = {&r->request.repository,
                    &r->request.source,
                    &r->request.commit,
                    &r->request.event,
                    &r->request.repository_facts,
                    &r->request.trigger_type,
                    &r->request.ref,
                    &r->request.sha,
                    &r->request.branch,
                    &r->request.actor,
                    &r->request.inputs,
                    &r->request.group,
                    &r->request.policy,
                    &r->request.replay_file,
                    &r->request.fork,
                    &r->request.base,
                    &r->request.changes};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_str(a, *texts[i]);
    str *before = arena_array(a, str, q->breaks.before_count + 1);
    for (size_t i = 0; i < q->breaks.before_count; i++)
        before[i] = arena_str(a, q->breaks.before[i]);
    r->request.breaks.before = before;
    r->recorded = RUN_QUEUED;
    r->attempt = 1;
    if (!r->request.filled)
        r->request.filled = 1;
    r->next = e->runs;
    e->runs = r;
    if (e->active++ == 0)
        uv_ref((uv_handle_t *)&e->wake); /* the loop lives as long as a run does */
    return r;
}

struct live_run *live_run_new(struct engine *e, const struct engine_request *q)
{
    struct live_run *r = new_run(e, q);
    run_mask_known_secrets(r);
    return r;
}

struct live_run *live_run_nested(struct live_run *parent, uint32_t step,
                                 const struct engine_request *q)
{
    struct live_run *r = new_run(parent->engine, q);
    r->id = parent->id;
    r->attempt = parent->attempt;
    r->parent = parent;
    r->parent_step = step;
    r->bundle = parent->bundle;
    r->workspace = parent->workspace;
    r->request.replay_of = parent->request.replay_of;
    for (size_t i = 0; i < parent->env.n; i++)
        vec_push(&r->env, str_dup(str_of(parent->env.at[i])));
    for (size_t i = 0; i < parent->path.n; i++)
        vec_push(&r->path, str_dup(str_of(parent->path.at[i])));
    parent->pending++;
    return r;
}

static void free_step(struct live_step *l)
{
    if (l->capturing) {
        capture_done(&l->out);
        capture_done(&l->err);
    }
    free(l->hosts);
    free(l->reason_text);
    free(l->error);
    free(l->error_message);
    free(l->outputs);
    free(l->output);
    free(l->stdout_text);
    free(l->stderr_text);
    free(l->result);
    free(l->artifacts);
    cache_use_free(l->cache_use);
}

void live_run_free(struct live_run *r)
{
    for (uint32_t i = 0; i < r->step_count; i++)
        free_step(&r->steps[i]);
    free(r->steps);
    for (size_t i = 0; i < r->env.n; i++)
        free(r->env.at[i]);
    for (size_t i = 0; i < r->path.n; i++)
        free(r->path.at[i]);
    vec_done(&r->env);
    vec_done(&r->path);
    vec_done(&r->waiting);
    snapshots_free(r);
    map_done(&r->index);
    map_done(&r->masked);
    mask_done(&r->mask);
    run_done(&r->core);
    err_done(&r->error);
    free(r->error_json);
    free(r->outputs);
    evaluation_free(r->evaluation);
    if (r->bundle && !r->parent) {
        bundle_done(r->bundle);
        free(r->bundle);
    }
    arena_done(&r->arena);
    free(r);
}
