/* A tool of the repository that an agent calls: its steps run as steps of the agent's run, with ids
 * that begin with the agent's, in the same workspace. They are driven as a run of their own is; its
 * end is what the model is given. */
#include "engine/engine_int.h"
#include "tools/tools.h"
#include "json/json.h"

struct nested_call {
    struct live_run *run;
    nested_done_fn *done;
    void *user;
    bool is_prompt;
    const struct type *output; /* of the run's evaluation; NULL: none */
};

/* ---- what a tool is ---- */

static bool load(struct evaluation *e, str name, struct tool_facts *ret, struct err *err)
{
    struct err_list errors = {0};
    bool ok = evaluation_load_tool(e, name, ret, &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    return ok;
}

static json_t *schema_of(const struct type *inputs)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    if (!inputs)
        return json_pack("{s:s, s:{}, s:b}", "type", "object", "properties", "additionalProperties",
                         0);
    type_write_json_schema(&w, inputs);
    return json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
}

json_t *nested_describe(struct live_run *r, str name, bool *ret_is_prompt, struct err *err)
{
    struct evaluation *e = evaluation_new(r->bundle, NULL);
    struct tool_facts facts;
    json_t *j = NULL;
    if (load(e, name, &facts, err)) {
        *ret_is_prompt = facts.prompt != NULL;
        j = json_pack("{s:s%, s:s%, s:o}", "name", name.p, name.n, "description",
                      facts.description.p ? facts.description.p : "", facts.description.n,
                      "input_schema", schema_of(facts.inputs));
    }
    evaluation_free(e);
    return j;
}

/* ---- ids ---- */

bool nested_id(str id, str of, unsigned *ret_number)
{
    str rest = str_sub(id, of.n, id.n);
    size_t end = str_find_byte(rest, '.', 1);
    unsigned number = 0, unit = 1;
    if (!str_starts(id, of) || !str_starts(rest, STR(".")) || end == SIZE_MAX)
        return false;
    for (; end > 1 && rest.p[end - 1] >= '0' && rest.p[end - 1] <= '9'; end--, unit *= 10)
        number += unit * (unsigned)(rest.p[end - 1] - '0');
    *ret_number = number;
    return true;
}

static unsigned depth_of(const struct live_run *r)
{
    unsigned depth = 0;
    for (; r->parent; r = r->parent)
        depth++;
    return depth;
}

/* ---- the end ---- */

static bool check_type(const struct type *t, json_t *j, const char *what, struct buf *text)
{
    struct err_list errors = {.max = 20};
    bool ok = type_check(t, j, str_of(what), &errors);
    for (size_t i = 0; i < errors.n; i++)
        buf_addf(text, "%s%.*s", i ? "; " : "", STR_ARG(errors.at[i].message));
    err_list_done(&errors);
    return ok;
}

static bool check_output(const struct nested_call *c, str json, struct buf *text)
{
    json_t *j = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool ok = c->is_prompt || !c->output || check_type(c->output, j, "the tool's result", text);
    json_decref(j);
    if (ok)
        tools_clip(json, text);
    return ok;
}

/* What was the matter, with what the failed step has printed. */
static void explain(struct live_run *r, struct buf *text)
{
    buf_addf(text, "the tool failed: %.*s", STR_ARG(r->error.message));
    for (uint32_t i = 0; i < r->core.n; i++) {
        const struct live_step *l = &r->steps[i];
        str out = opt_str(l->stderr_text);
        if (r->core.steps[i].conclusion != CONCLUSION_FAILED || !l->has_exit_code)
            continue;
        if (!out.n)
            out = opt_str(l->stdout_text);
        buf_add_c(text, out.n ? "\n" : "");
        tools_clip(out, text);
        return;
    }
}

static void ended(void *ctx, int64_t run_id, enum run_status status, const struct err *err)
{
    struct nested_call *c = ctx;
    struct live_run *r = c->run;
    auto_buf text = BUF(1 << 20), masked = BUF(4 << 20);
    bool ok = !err && status == RUN_SUCCESS;
    (void)run_id;
    if (err || status == RUN_CANCELLED)
        buf_add_c(&text, "the tool was cancelled");
    else if (ok)
        ok = check_output(c, opt_str(c->is_prompt ? r->steps[0].output : r->outputs), &text);
    else
        explain(r, &text);
    mask_apply(run_mask(r), buf_str(&text), &masked);
    c->done(c->user, buf_str(&masked), !ok);
    free(c);
}

/* ---- the start ---- */

static bool check_input(const struct tool_facts *facts, str name, json_t *input, struct err *err)
{
    auto_buf text = BUF(1 << 16);
    if (!facts->inputs && json_object_size(input) == 0)
        return true;
    if (!facts->inputs)
        return err_set(err, "tool_arguments", "%.*s takes no arguments", STR_ARG(name));
    return check_type(facts->inputs, input, "argument", &text) ||
           err_set(err, "tool_arguments", "%.*s: %s", STR_ARG(name), buf_c(&text));
}

unsigned nested_next(const struct live_run *r, uint32_t step)
{
    return r->steps[step].nested_calls + 1;
}

static void add_prefix(struct live_run *r, uint32_t step, const struct nested_request *q,
                       struct buf *ret)
{
    buf_addf(ret, "%.*s.", STR_ARG(r->plan.steps[step].id));
    plan_add_slug(ret, arena_str(&r->arena, q->name));
    buf_addf(ret, "-%u.", q->number ? q->number : nested_next(r, step));
}

static struct evaluation *evaluate(struct live_run *r, str prefix, const struct nested_request *q,
                                   struct tool_facts *facts, struct err *err)
{
    struct evaluation_options options = {.id_prefix = prefix};
    struct evaluation *e = evaluation_new(r->bundle, &options);
    if (load(e, q->name, facts, err) && check_input(facts, q->name, q->input, err)) {
        json_t *event = json_pack("{s:s, s:O}", "type", "manual", "inputs", q->input);
        auto_free char *text = json_dumps(event, JSON_COMPACT);
        struct evaluation_request asked = {str_of(text), r->request.repository_facts};
        json_decref(event);
        if (evaluation_start_tool(e, &asked) != EVALUATION_FAILED &&
            engine_check_plan(evaluation_plan(e), err))
            return e;
        if (!err_is_set(err))
            err_move(err, evaluation_error(e));
    }
    evaluation_free(e);
    return NULL;
}

static void begin(struct live_run *r, void *data)
{
    (void)data;
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_START});
    if (r->parent->core.steps[r->parent_step].killing)
        nested_stop(r);
}

/* ---- what is recorded of a call that goes on ---- */

/* Its steps, and those of the calls below it; none where it had not begun. */
static bool load_recorded(struct live_run *parent, str prefix, struct recovery *v, struct err *err)
{
    struct store_step *all;
    size_t n;
    if (!store_load_steps(parent->engine->reader, parent->id, parent->attempt, STORE_STEPS_RESULTS,
                          &v->arena, &all, &n, err))
        return false;
    v->steps = arena_array(&v->arena, struct store_step, n);
    v->nested = arena_array(&v->arena, struct store_step, n);
    for (size_t i = 0; i < n; i++) {
        str id = all[i].key.step_id;
        if (!str_starts(id, prefix))
            continue;
        if (str_find_byte(id, '.', prefix.n) == SIZE_MAX)
            v->steps[v->step_count++] = all[i];
        else
            v->nested[v->nested_count++] = all[i];
    }
    return true;
}

static bool check_recorded(struct recovery *v, struct evaluation *e, struct err *err)
{
    struct plan recorded = {.arena = &v->arena};
    recovery_add_steps(v, &recorded);
    return plan_same_start(&recorded, evaluation_plan(e), err);
}

static void begin_steps(struct live_run *r, const struct recovery *v, struct store_batch *b)
{
    if (v->step_count)
        r->files_recorded = r->plan.file_count;
    for (uint32_t i = 0; i < v->step_count && i < r->plan.step_count; i++)
        recovery_restore_nested(r, b, i, &v->steps[i]);
    recovery_count_calls(r, v->nested, v->nested_count);
    record_new_steps(r, b, (uint32_t)v->step_count);
    record_sources(r, b);
    if (r->plan.step_count > v->step_count)
        record_plan_extended(r, b, (uint32_t)v->step_count);
}

struct live_run *nested_start(struct live_run *parent, uint32_t step,
                              const struct nested_request *call, nested_done_fn *done, void *user,
                              struct err *err)
{
    cleanup(recovery_done) struct recovery v = {0};
    auto_buf prefix = BUF(4096);
    struct tool_facts facts;
    struct run_options options = {.slots = parent->engine->options.slots,
                                  .seed = (uint64_t)parent->id};
    if (depth_of(parent) >= ENGINE_TOOLS_DEPTH_MAX) {
        err_set(err, "tool_depth", "tools of agents may call each other %d deep",
                ENGINE_TOOLS_DEPTH_MAX);
        return NULL;
    }
    struct engine_request q = parent->request;
    add_prefix(parent, step, call, &prefix);
    q.evaluation = evaluate(parent, buf_str(&prefix), call, &facts, err);
    q.group = q.policy = STR("");
    q.breaks = (struct engine_breaks){0};
    if (!q.evaluation)
        return NULL;
    if (call->number && (!load_recorded(parent, buf_str(&prefix), &v, err) ||
                         !check_recorded(&v, q.evaluation, err))) {
        evaluation_free(q.evaluation);
        return NULL;
    }
    struct live_run *r = live_run_nested(parent, step, &q);
    struct nested_call *c = mem_alloc(sizeof *c);
    *c = (struct nested_call){r, done, user, facts.prompt != NULL, facts.output};
    r->ended = ended;
    r->ctx = c;
    unsigned number = call->number ? call->number : nested_next(parent, step);
    if (number > parent->steps[step].nested_calls)
        parent->steps[step].nested_calls = number;
    run_take_plan(r);
    run_init(&r->core, &options);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    begin_steps(r, &v, b);
    run_submit(r, b, begin, NULL);
    return r;
}

void nested_stop(struct live_run *r)
{
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_CANCEL});
}
