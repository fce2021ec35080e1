/* Rows and events of a live run: what the store and every watcher learn of it. */
#include "engine/receipt_int.h"

enum { EVENT_DATA_MAX = 16 << 20 };

struct store_step_key record_key(struct live_run *r, uint32_t step)
{
    return (struct store_step_key){
        .run_id = r->id,
        .attempt = r->attempt,
        .step_id = r->plan.steps[step].id,
        .try = r->steps[step].recorded_try ? r->steps[step].recorded_try : 1,
    };
}

void record_event(struct live_run *r, struct store_batch *b, enum event_type type, str step_id,
                  str data)
{
    struct event e = {.run_id = r->id,
                      .time_ms = clock_wall_ms(),
                      .type = type,
                      .step_id = step_id,
                      .data = data};
    store_append_event(b, &e);
}

static void add_depends(struct buf *b, const struct plan *p, const struct plan_step *s)
{
    struct json_writer w = JSON_WRITER(b, false);
    json_begin_array(&w);
    for (uint32_t i = 0; i < s->depends_count; i++)
        json_put_str(&w, p->steps[s->depends_on[i]].id);
    json_end_array(&w);
}

/* Steps of a tool stand where the agent does. */
static int64_t position_of(const struct live_run *r, uint32_t step)
{
    for (; r->parent; r = r->parent)
        step = r->parent_step;
    return step;
}

static str parent_of(const struct live_run *r, const struct plan_step *p)
{
    if (p->parent != PLAN_NEVER)
        return r->plan.steps[p->parent].id;
    return r->parent ? r->parent->plan.steps[r->parent_step].id : STR("");
}

void record_new_steps(struct live_run *r, struct store_batch *b, uint32_t from)
{
    for (uint32_t i = from; i < r->plan.step_count; i++) {
        const struct plan_step *p = &r->plan.steps[i];
        if (r->steps[i].has_row)
            continue;
        auto_buf depends = BUF(EVENT_DATA_MAX);
        enum reason waits = p->depends_count || r->core.started ? REASON_WAITING_FOR_STEPS
                                                                : REASON_WAITING_FOR_START;
        add_depends(&depends, &r->plan, p);
        struct store_step row = {
            .key = {.run_id = r->id, .attempt = r->attempt, .step_id = p->id, .try = 1},
            .position = position_of(r, i),
            .name = p->name,
            .type = p->type,
            .depends_on = buf_str(&depends),
            .config = p->config,
            .parent = parent_of(r, p),
            .status = STEP_PENDING,
            .reason = {waits, str_of(reason_sentence(waits))},
            .created_at = clock_wall_ms(),
        };
        store_add_steps(b, &row, 1);
        r->steps[i].has_row = true;
        r->steps[i].recorded = STEP_PENDING;
        r->steps[i].recorded_try = 1;
    }
}

void record_plan_extended(struct live_run *r, struct store_batch *b, uint32_t from)
{
    auto_buf data = BUF(EVENT_DATA_MAX);
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "steps");
    json_begin_array(&w);
    for (uint32_t i = from; i < r->plan.step_count; i++) {
        auto_buf step = BUF(EVENT_DATA_MAX);
        plan_add_step_json(&step, &r->plan, &r->plan.steps[i]);
        json_put_raw(&w, buf_str(&step));
    }
    json_end_array(&w);
    json_key_c(&w, "awaits");
    json_begin_array(&w);
    for (uint32_t i = 0; r->plan.end == PLAN_OPEN && i < r->plan.await_count; i++)
        json_put_str(&w, r->plan.steps[r->plan.await_steps[i]].id);
    json_end_array(&w);
    json_end_object(&w);
    record_event(r, b, EVENT_PLAN_EXTENDED, STR(""), buf_str(&data));
}

void record_run_started(struct live_run *r, struct store_batch *b)
{
    auto_buf data = BUF(EVENT_DATA_MAX);
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

void record_sources(struct live_run *r, struct store_batch *b)
{
    const struct plan *p = &r->plan;
    for (; r->files_recorded < p->file_count; r->files_recorded++) {
        const struct plan_file *f = &p->files[r->files_recorded];
        struct store_source source = {f->path, f->sha256, bundle_find(r->bundle, f->path)->text};
        store_add_sources(b, r->id, r->attempt, &source, 1);
    }
}

/* ---- steps ---- */

static void step_event(struct live_run *r, struct store_batch *b, uint32_t step)
{
    const struct step_state *s = &r->core.steps[step];
    const struct live_step *l = &r->steps[step];
    const struct plan_step *p = &r->plan.steps[step];
    auto_buf data = BUF(EVENT_DATA_MAX);
    struct json_writer w = JSON_WRITER(&data, false);

    json_begin_object(&w);
    if (s->status == STEP_RUNNING) {
        json_key_c(&w, "name");
        json_put_str(&w, p->name);
        json_key_c(&w, "step_type");
        json_put_c(&w, step_type_name(p->type));
        json_key_c(&w, "attempt");
        json_put_int(&w, s->tries);
    } else {
        json_key_c(&w, "success");
        json_put_bool(&w, s->conclusion == CONCLUSION_SUCCESS);
        json_key_c(&w, "status");
        json_put_c(&w, step_status_name(s->status));
        json_key_c(&w, "outcome");
        json_put_c(&w, outcome_name(s->outcome));
        if (s->reason != REASON_NONE) {
            json_key_c(&w, "reason");
            json_put_c(&w, reason_code(s->reason));
        }
        if (l->has_exit_code) {
            json_key_c(&w, "exit_code");
            json_put_int(&w, l->exit_code);
        }
        if (l->error) {
            json_key_c(&w, "error");
            json_put_raw(&w, str_of(l->error));
        }
    }
    json_end_object(&w);
    enum event_type type = s->status == STEP_RUNNING   ? EVENT_STEP_STARTED
                           : s->status == STEP_SKIPPED ? EVENT_STEP_SKIPPED
                                                       : EVENT_STEP_COMPLETED;
    record_event(r, b, type, p->id, buf_str(&data));
}

static struct store_reason reason_of(const struct step_state *s, const struct live_step *l)
{
    return (struct store_reason){s->reason, l->reason_text ? str_of(l->reason_text)
                                                           : str_of(reason_sentence(s->reason))};
}

/* The time that it is, by a clock that cannot be set meanwhile: durations are right and nothing
 * ends before it began. mono 0: it began in another process. */
static int64_t time_since(int64_t started_at, int64_t started_mono)
{
    int64_t now = clock_wall_ms();
    if (started_mono)
        return started_at + (clock_mono_ms() - started_mono);
    return now > started_at ? now : started_at;
}

static void fill_values(struct live_run *r, uint32_t step, struct store_step_update *u)
{
    const struct step_state *s = &r->core.steps[step];
    struct live_step *l = &r->steps[step];

    u->values.reason = reason_of(s, l);
    u->fields |= STORE_STEP_REASON;
    bool held = step_is_held(s), tried = held && s->reason == REASON_HELD_AFTER_FAILURE;
    if (u->to == STEP_RUNNING || (u->to == STEP_WAITING && !held)) {
        l->started_at = clock_wall_ms();
        l->started_mono = clock_mono_ms();
        u->values.started_at = l->started_at;
        u->fields |= STORE_STEP_STARTED;
        return;
    }
    if (!step_status_is_final(u->to) && !tried)
        return;
    /* What somebody has looked at since then is no time of the step's. */
    l->completed_at = l->held_at ? l->held_at : time_since(l->started_at, l->started_mono);
    l->held_at = tried ? l->completed_at : 0;
    u->fields |= STORE_STEP_OUTCOME | STORE_STEP_COMPLETED | STORE_STEP_ERROR | STORE_STEP_RESULT |
                 STORE_STEP_LOG | STORE_STEP_USAGE;
    u->values.turns_used = l->spent.turns;
    u->values.tokens_in = l->spent.tokens_in;
    u->values.tokens_out = l->spent.tokens_out;
    u->values.cost_micro_usd = l->spent.micro_usd;
    u->values.outcome = tried ? s->held_outcome : s->outcome;
    u->values.conclusion = s->conclusion;
    u->values.completed_at = l->completed_at;
    u->values.error = opt_str(l->error);
    u->values.error_message = opt_str(l->error_message);
    u->values.has_exit_code = l->has_exit_code;
    u->values.exit_code = l->exit_code;
    u->values.outputs = opt_str(l->outputs);
    u->values.output = opt_str(l->output);
    u->values.stdout_text = opt_str(l->stdout_text);
    u->values.stderr_text = opt_str(l->stderr_text);
    u->values.stdout_cut = l->stdout_cut;
    u->values.stderr_cut = l->stderr_cut;
    u->values.log_lines = l->log_lines;
    u->values.log_bytes = l->log_bytes;
}

/* A try that failed and is followed by another: its row ends, and the next one's begins. */
static void record_retry(struct live_run *r, struct store_batch *b, uint32_t step)
{
    struct live_step *l = &r->steps[step];
    struct step_state *s = &r->core.steps[step];
    struct step_state kept = *s;
    char *waits = steal(l->reason_text);
    struct store_step_update u = {
        .key = record_key(r, step), .from = l->recorded, .to = STEP_FAILED};

    s->outcome = s->held_outcome;
    s->conclusion = CONCLUSION_FAILED;
    s->status = STEP_FAILED;
    s->reason = s->held_reason;
    fill_values(r, step, &u);
    store_update_step(b, &u);
    step_event(r, b, step);
    *s = kept;
    l->reason_text = waits;
    l->recorded_try = s->tries + 1;
    struct store_step_update next = {.key = record_key(r, step),
                                     .from = STEP_READY, /* as a new try's row begins */
                                     .to = STEP_PENDING,
                                     .fields = STORE_STEP_REASON,
                                     .values.reason = reason_of(s, l)};
    store_add_try(b, &next.key, clock_wall_ms());
    store_update_step(b, &next);
    l->recorded = STEP_PENDING;
}

void record_step(struct live_run *r, struct store_batch *b, uint32_t step)
{
    struct live_step *l = &r->steps[step];
    const struct step_state *s = &r->core.steps[step];

    step_describe(r, step);
    if (s->status == STEP_PENDING && s->reason == REASON_WAITING_FOR_RETRY &&
        (l->recorded == STEP_RUNNING || l->recorded == STEP_WAITING)) {
        record_retry(r, b, step);
        return;
    }
    struct store_step_update u = {.key = record_key(r, step), .from = l->recorded, .to = s->status};
    if (s->status == STEP_PENDING && l->recorded == STEP_READY)
        u.to = STEP_READY; /* a new try's row begins as ready */
    fill_values(r, step, &u);
    store_update_step(b, &u);
    bool told = s->status == STEP_RUNNING || step_status_is_final(s->status);
    if (told && l->recorded != s->status)
        step_event(r, b, step);
    if (step_is_held(s))
        hold_record_event(r, b, step);
    l->recorded = u.to;
    if (step_status_is_final(s->status))
        record_result(r, step);
}

void record_add_result(struct buf *b, const struct store_step *s)
{
    struct json_writer w = JSON_WRITER(b, false);
    json_begin_object(&w);
    json_key_c(&w, "outcome");
    json_put_c(&w, outcome_name(s->outcome));
    json_key_c(&w, "conclusion");
    json_put_c(&w, conclusion_name(s->conclusion));
    if (s->has_exit_code) {
        json_key_c(&w, "exit_code");
        json_put_int(&w, s->exit_code);
    }
    if (s->outcome != OUTCOME_SKIPPED) {
        json_key_c(&w, "stdout");
        json_put_str(&w, s->stdout_text);
        json_key_c(&w, "stderr");
        json_put_str(&w, s->stderr_text);
        json_key_c(&w, "outputs");
        json_put_raw(&w, s->outputs.n ? s->outputs : STR("{}"));
    }
    if (s->type != STEP_TYPE_SHELL && s->output.n) {
        json_key_c(&w, "output");
        json_put_raw(&w, s->output);
    }
    bool ran = s->started_at && s->completed_at > s->started_at;
    json_key_c(&w, "duration_ms");
    json_put_int(&w, ran ? s->completed_at - s->started_at : 0);
    json_end_object(&w);
}

void record_result(struct live_run *r, uint32_t step)
{
    struct live_step *l = &r->steps[step];
    const struct step_state *s = &r->core.steps[step];
    auto_buf b = BUF(RESULT_MAX);
    struct store_step row = {.type = r->plan.steps[step].type,
                             .outcome = s->outcome,
                             .conclusion = s->conclusion,
                             .has_exit_code = l->has_exit_code,
                             .exit_code = l->exit_code,
                             .stdout_text = opt_str(l->stdout_text),
                             .stderr_text = opt_str(l->stderr_text),
                             .outputs = opt_str(l->outputs),
                             .output = opt_str(l->output),
                             .started_at = l->started_at,
                             .completed_at = l->completed_at};
    record_add_result(&b, &row);
    free(l->result);
    l->result = buf_take(&b, &l->result_n);
}

/* ---- the run ---- */

str run_reason_text(const struct live_run *r)
{
    bool more = run_status_is_final(r->core.status) && r->end_text.n;
    return more ? r->end_text : str_of(reason_sentence(r->core.reason));
}

struct store_reason record_first_reason(const struct live_run *r)
{
    enum reason code = workspace_is_to_be_filled(r) ? REASON_COPYING_FILES : REASON_NONE;
    return (struct store_reason){code, str_of(reason_sentence(code))};
}

static void run_event_data(struct live_run *r, struct buf *b)
{
    struct json_writer w = JSON_WRITER(b, false);
    json_begin_object(&w);
    if (run_status_is_final(r->core.status)) {
        json_key_c(&w, "success");
        json_put_bool(&w, r->core.status == RUN_SUCCESS);
        json_key_c(&w, "status");
        json_put_c(&w, run_status_name(r->core.status));
        json_key_c(&w, "outputs");
        json_put_raw(&w, r->outputs ? str_of(r->outputs) : STR("{}"));
        json_key_c(&w, "error");
        json_put_raw(&w, r->error_json ? str_of(r->error_json) : STR("null"));
    } else {
        json_key_c(&w, "status");
        json_put_c(&w, run_status_name(r->core.status));
    }
    json_end_object(&w);
}

static enum conclusion conclusion_of_run(enum run_status s)
{
    return s == RUN_SUCCESS     ? CONCLUSION_SUCCESS
           : s == RUN_CANCELLED ? CONCLUSION_CANCELLED
                                : CONCLUSION_FAILED;
}

void record_run(struct live_run *r, struct store_batch *b)
{
    bool final = run_status_is_final(r->core.status);
    struct store_run_update u = {.run_id = r->id, .from = r->recorded, .to = r->core.status};
    int64_t now = clock_wall_ms();

    if (r->parent) {
        r->recorded = r->core.status;
        return;
    }
    u.fields = STORE_RUN_REASON;
    u.values.reason = (struct store_reason){r->core.reason, run_reason_text(r)};
    bool starts = r->recorded == RUN_QUEUED && !r->core.ending; /* else it ends in its queue */
    if (starts && !r->started_at) {
        r->started_at = now;
        r->started_mono = clock_mono_ms();
        u.fields |= STORE_RUN_STARTED | STORE_RUN_DEADLINE;
        u.values.started_at = now;
        u.values.deadline_at =
            now + (r->plan.timeout_ms ? r->plan.timeout_ms : RUN_DEFAULT_TIMEOUT_MS);
    }
    if (r->recorded == RUN_WAITING && r->limit) {
        u.fields |= STORE_RUN_DEADLINE | STORE_RUN_WAITED;
        u.values.deadline_at = now + r->paused_left;
        u.values.waited_ms = r->waited_ms;
    }
    if (final) {
        u.fields |=
            STORE_RUN_COMPLETED | STORE_RUN_CONCLUSION | STORE_RUN_OUTPUTS | STORE_RUN_ERROR;
        u.values.completed_at = time_since(r->started_at, r->started_mono);
        u.values.conclusion = conclusion_of_run(r->core.status);
        u.values.outputs = opt_str(r->outputs);
        u.values.error = opt_str(r->error_json);
        u.values.error_message = r->error.message;
        receipt_record(r, &u);
    }
    store_update_run(b, &u);
    r->recorded = r->core.status;
    auto_buf data = BUF(EVENT_DATA_MAX);
    run_event_data(r, &data);
    if (final)
        record_event(r, b, EVENT_RUN_COMPLETED, STR(""), buf_str(&data));
    else
        record_event(r, b, EVENT_RUN_STATUS_CHANGED, STR(""), buf_str(&data));
    r->keeps_lease = final && (r->workspace || r->opening || r->giving_back || r->given_back);
    if (final && !r->keeps_lease)
        store_drop_lease(b, r->id, &r->engine->self);
}

void record_time_left(struct live_run *r, struct store_batch *b)
{
    struct store_run_update u = {.run_id = r->id,
                                 .from = r->recorded,
                                 .to = r->recorded,
                                 .fields = STORE_RUN_DEADLINE | STORE_RUN_WAITED,
                                 .values.deadline_at = clock_wall_ms() + r->paused_left,
                                 .values.waited_ms = r->waited_ms};
    if (!r->parent)
        store_update_run(b, &u);
}

void record_system_line(struct live_run *r, uint32_t step, str text)
{
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_step_key key = record_key(r, step);
    struct log_line line = {.time_ms = clock_wall_ms(), .stream = LOG_SYSTEM, .text = text};
    store_append_log(b, &key, &line, 1);
    r->steps[step].log_lines++;
    r->steps[step].log_bytes += (int64_t)text.n;
    run_submit(r, b, run_nothing, NULL);
}
