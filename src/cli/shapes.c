#include "cli/shapes.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "json/json.h"

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
    json_key_c(w, key);
    if (!ms) {
        json_put_null(w);
        return;
    }
    auto_buf b = BUF(64);
    clock_add_rfc3339(&b, ms);
    json_put_str(w, buf_str(&b));
}

static void put_duration(struct json_writer *w, int64_t from, int64_t to)
{
    json_key_c(w, "duration_ms");
    if (from && to)
        json_put_int(w, to > from ? to - from : 0);
    else
        json_put_null(w);
}

static void put_raw_or_null(struct json_writer *w, const char *key, str json)
{
    json_key_c(w, key);
    if (json.n)
        json_put_raw(w, json);
    else
        json_put_null(w);
}

static void put_object(struct json_writer *w, const char *key, str json)
{
    put_raw_or_null(w, key, json.n ? json : STR("{}"));
}

static void put_text(struct json_writer *w, const char *key, str text)
{
    json_key_c(w, key);
    json_put_str_or_null(w, text);
}

static void put_word(struct json_writer *w, const char *key, const char *word)
{
    json_key_c(w, key);
    json_put_c(w, word);
}

static void put_int(struct json_writer *w, const char *key, int64_t i)
{
    json_key_c(w, key);
    json_put_int(w, i);
}

/* step empty: those of all steps. */
static void put_artifacts(struct json_writer *w, const struct shape_kept *k, str step)
{
    json_key_c(w, "artifacts");
    json_begin_array(w);
    for (size_t i = 0; k && i < k->artifact_count; i++) {
        const struct store_artifact *a = &k->artifacts[i];
        if (step.n && !str_eq(a->step_id, step))
            continue;
        json_begin_object(w);
        put_text(w, "name", a->name);
        put_text(w, "step", a->step_id);
        put_int(w, "files", a->files);
        put_int(w, "bytes", a->bytes);
        put_text(w, "sha256", a->sha256);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_approvals(struct json_writer *w, const struct shape_kept *k)
{
    json_key_c(w, "approvals");
    json_begin_array(w);
    for (size_t i = 0; k && i < k->approval_count; i++) {
        const struct store_approval *a = &k->approvals[i];
        json_begin_object(w);
        put_text(w, "step", a->step_id);
        put_text(w, "name", a->name);
        put_raw_or_null(w, "reviewers", a->reviewers);
        put_time(w, "requested_at", a->requested_at);
        put_time(w, "decided_at", a->decided_at);
        put_text(w, "decision", a->decision);
        put_text(w, "actor", a->actor);
        put_text(w, "comment", a->comment);
        json_end_object(w);
    }
    json_end_array(w);
}

bool shape_load_place(struct store_reader *r, const struct store_run *run, struct shape_kept *ret,
                      struct err *err)
{
    ret->queue_position = 0;
    return run->status != RUN_QUEUED || engine_queue_place(r, run->id, &ret->queue_position, err);
}

bool shape_load_kept(struct store_reader *r, const struct store_run *run, struct arena *a,
                     struct shape_kept *ret, struct err *err)
{
    return shape_load_place(r, run, ret, err) &&
           store_list_artifacts(r, run->id, a, &ret->artifacts, &ret->artifact_count, err) &&
           store_list_approvals(r, run->id, run->attempt, a, &ret->approvals, &ret->approval_count,
                                err);
}

static void put_reason(struct json_writer *w, const struct store_reason *r)
{
    json_key_c(w, "reason");
    if (r->code == REASON_NONE) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    put_word(w, "code", reason_code(r->code));
    json_key_c(w, "text");
    json_put_str(w, r->text.n ? r->text : str_of(reason_sentence(r->code)));
    json_end_object(w);
}

static void put_usage(struct json_writer *w, int64_t in, int64_t out, int64_t cost_micro_usd)
{
    json_key_c(w, "usage");
    json_begin_object(w);
    put_int(w, "input_tokens", in);
    put_int(w, "output_tokens", out);
    json_key_c(w, "cost_usd");
    json_put_double(w, (double)cost_micro_usd / 1e6);
    json_end_object(w);
}

void shape_put_workflow(struct json_writer *w, const struct definition *d, str content_hash)
{
    json_begin_object(w);
    put_text(w, "name", d->name);
    put_text(w, "path", d->path);
    put_raw_or_null(w, "triggers", d->triggers.n ? d->triggers : STR("[]"));
    put_text(w, "image", d->image);
    put_text(w, "dockerfile", d->dockerfile);
    json_key_c(w, "inputs");
    if (d->inputs)
        type_write_json_schema(w, d->inputs);
    else
        json_put_null(w);
    put_text(w, "content_hash", content_hash);
    json_end_object(w);
}

/* What the engine keeps beside the outputs of a shell step; NULL where it is another. */
static json_t *kept_of_shell(const struct store_step *s)
{
    return s->type == STEP_TYPE_SHELL && s->output.n
               ? json_loadb(s->output.p, s->output.n, JSON_ALLOW_NUL, NULL)
               : NULL;
}

bool shape_read_summary(const struct store_step *s, struct arena *a, str *ret)
{
    json_t *kept = kept_of_shell(s);
    *ret = arena_str(a, json_get_text(kept, "summary"));
    json_decref(kept);
    return ret->n > 0;
}

static void put_cache(struct json_writer *w, const struct store_step *s)
{
    json_t *kept = kept_of_shell(s), *cache = json_object_get(kept, "cache");
    auto_free char *text = cache ? json_dumps(cache, JSON_PRESERVE_ORDER) : NULL;
    put_raw_or_null(w, "cache", text ? str_of(text) : STR(""));
    json_decref(kept);
}

void shape_put_step(struct json_writer *w, const struct store_step *s,
                    const struct shape_kept *kept)
{
    bool model = s->type == STEP_TYPE_LLM || s->type == STEP_TYPE_AGENT;
    auto_arena a = ARENA_INIT;
    str summary = STR("");
    (void)shape_read_summary(s, &a, &summary);
    json_begin_object(w);
    put_text(w, "id", s->key.step_id);
    put_text(w, "name", s->name);
    put_word(w, "type", step_type_name(s->type));
    put_word(w, "status", step_status_name(s->status));
    put_word(w, "outcome", outcome_name(s->outcome));
    put_word(w, "conclusion", conclusion_name(s->conclusion));
    put_reason(w, &s->reason);
    json_key_c(w, "exit_code");
    if (s->has_exit_code)
        json_put_int(w, s->exit_code);
    else
        json_put_null(w);
    put_raw_or_null(w, "depends_on", s->depends_on.n ? s->depends_on : STR("[]"));
    put_int(w, "attempts", s->key.try);
    put_time(w, "started_at", s->started_at);
    put_time(w, "completed_at", s->completed_at);
    put_duration(w, s->started_at, s->completed_at);
    put_object(w, "outputs", s->outputs);
    /* A shell step's output is what the engine keeps for later steps: no value of the step's. */
    put_raw_or_null(w, "output", s->type == STEP_TYPE_SHELL ? STR("") : s->output);
    put_raw_or_null(w, "error", s->error);
    json_key_c(w, "turns");
    if (model)
        json_put_int(w, s->turns_used);
    else
        json_put_null(w);
    if (model)
        put_usage(w, s->tokens_in, s->tokens_out, s->cost_micro_usd);
    else
        put_raw_or_null(w, "usage", STR(""));
    put_text(w, "parent", s->parent);
    put_object(w, "config", s->config);
    put_text(w, "summary", summary);
    put_artifacts(w, kept, s->key.step_id);
    put_cache(w, s);
    put_int(w, "log_bytes", s->log_bytes);
    json_end_object(w);
}

void shape_put_run(struct json_writer *w, const struct store_run *run,
                   const struct store_step *steps, size_t n, const struct shape_kept *kept)
{
    int64_t in = 0, out = 0, cost = 0;
    json_begin_object(w);
    put_int(w, "id", run->id);
    put_text(w, "workflow", run->workflow);
    put_word(w, "status", run_status_name(run->status));
    put_word(w, "conclusion", conclusion_name(run->conclusion));
    put_reason(w, &run->reason);
    put_text(w, "trigger", run->trigger_type);
    put_raw_or_null(w, "event", run->trigger_payload);
    put_text(w, "ref", run->ref);
    put_text(w, "sha", run->sha);
    put_object(w, "inputs", run->inputs);
    put_raw_or_null(w, "outputs", run->outputs);
    put_raw_or_null(w, "error", run->error);
    put_time(w, "created_at", run->created_at);
    put_time(w, "started_at", run->started_at);
    put_time(w, "completed_at", run->completed_at);
    put_duration(w, run->started_at, run->completed_at);
    put_int(w, "attempt", run->attempt);
    put_text(w, "plan_hash", run->plan_hash);
    if (steps) {
        json_key_c(w, "steps");
        json_begin_array(w);
        for (size_t i = 0; i < n; i++) {
            shape_put_step(w, &steps[i], kept);
            in += steps[i].tokens_in;
            out += steps[i].tokens_out;
            cost += steps[i].cost_micro_usd;
        }
        json_end_array(w);
        put_usage(w, in, out, cost);
    }
    put_artifacts(w, kept, STR(""));
    put_approvals(w, kept);
    json_key_c(w, "queue_position");
    if (kept && kept->queue_position)
        json_put_int(w, kept->queue_position);
    else
        json_put_null(w);
    put_text(w, "repository", run->repository);
    if (run->origin.n)
        put_raw_or_null(w, "origin", run->origin);
    json_end_object(w);
}

void shape_put_line(struct json_writer *w, const struct log_line *line, str step_id)
{
    json_begin_object(w);
    put_int(w, "seq", line->seq);
    put_time(w, "time", line->time_ms);
    put_word(w, "stream", log_stream_name(line->stream));
    json_key_c(w, "line");
    json_put_str(w, line->text);
    put_text(w, "step", step_id);
    json_end_object(w);
}
