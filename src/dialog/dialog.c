#include "base/vec.h"
#include "dialog/dialog_int.h"

struct turn_answer {
    char asked[LLM_REQUEST_HASH];
    json_t *answer;
};

struct dialog {
    struct llm *llm;
    struct dialog_request q; /* its inputs and budget have ended */
    struct dialog_listener listener;
    struct budget budget;
    struct dialog_spent spent;
    struct others others;
    struct arena arena; /* name, model and key */
    json_t *messages, *schema;
    json_t *tools; /* of an agent, the final one with them; else NULL */
    int64_t turns;
    char *last_calls;
    int repeats;
    size_t bytes; /* of all messages */
    int64_t repairs_left;
    struct llm_call *call;
    char asked[LLM_REQUEST_HASH];         /* the hash of the request that is kept; empty: none is */
    VEC(struct turn_answer) turn_answers; /* of an agent, kept once its final answer fits */
};

static void dialog_free(struct dialog *d)
{
    json_decref(d->messages);
    json_decref(d->schema);
    json_decref(d->tools);
    vec_each (t, &d->turn_answers)
        json_decref(t->answer);
    vec_done(&d->turn_answers);
    free(d->last_calls);
    arena_done(&d->arena);
    free(d);
}

void dialog_cancel(struct dialog *d)
{
    if (d->call)
        llm_cancel(d->call);
    dialog_free(d);
}

static void end(struct dialog *d, json_t *value, struct err *err)
{
    d->spent.usd = llm_cost(&d->q.client, &d->spent.usage);
    d->listener.done(d->listener.data, value, &d->spent, err);
    dialog_free(d);
}

static void add_message(struct dialog *d, const char *role, json_t *content)
{
    auto_free char *text = json_dumps(content, JSON_COMPACT);
    d->bytes += text ? strlen(text) : 0;
    json_array_append_new(d->messages, json_pack("{s:s, s:o}", "role", role, "content", content));
}

static void add_text(struct dialog *d, str text)
{
    add_message(d, "user", json_pack("[{s:s, s:s%}]", "type", "text", "text", text.p, text.n));
}

void dialog_charge(struct dialog *d, const struct dialog_cost *cost)
{
    d->others.spent.tokens += cost->tokens;
    d->others.spent.usd += cost->usd < 0 ? 0 : cost->usd;
    d->others.unknown |= cost->usd < 0;
}

bool dialog_reserve(struct dialog *d, const struct dialog_cost *worst, struct err *err)
{
    if (!budget_reserve(&d->budget, &d->spent, &d->others, &d->q.client, worst, err))
        return false;
    d->others.held.tokens += worst->tokens;
    d->others.held.usd += worst->usd < 0 ? 0 : worst->usd;
    return true;
}

void dialog_release(struct dialog *d, const struct dialog_cost *worst)
{
    d->others.held.tokens -= worst->tokens;
    d->others.held.usd -= worst->usd < 0 ? 0 : worst->usd;
}

/* ---- answers ---- */

/* What the answer is worth: a value, or why not; the violations are for the model. */
static json_t *judge(struct dialog *d, str text, struct buf *violations, struct err *err)
{
    struct err_list errors = {.max = DIALOG_VIOLATIONS_MAX};
    const struct type *output = d->q.prompt->output;
    if (!output)
        return json_stringn(text.p, text.n);
    json_t *j = dialog_read_json(text, err), *value = NULL;
    if (!j) {
        buf_addf(violations, "- %.*s\n", STR_ARG(err->message));
        return NULL;
    }
    if (type_check(output, j, STR("the answer"), &errors))
        value = type_complete(output, j);
    for (size_t i = 0; i < errors.n; i++)
        buf_addf(violations, "- %.*s\n", STR_ARG(errors.at[i].message));
    if (!value)
        err_set(err, "llm_bad_output", "the answer breaks its schema: %.*s%s",
                STR_ARG(errors.at[0].message), errors.n > 1 ? ", and more" : "");
    json_decref(j);
    err_list_done(&errors);
    return value;
}

static bool ask(struct dialog *d, struct err *err);

/* ---- turns ---- */

static int64_t max_turns(const struct dialog *d)
{
    return d->q.max_turns ? d->q.max_turns : DIALOG_TURNS;
}

static bool begin_turn(struct dialog *d, struct err *err)
{
    if (!ask(d, err))
        return false;
    if (d->tools && d->listener.turn)
        d->listener.turn(d->listener.data, d->turns + 1, max_turns(d));
    return true;
}

static void go_on(struct dialog *d)
{
    auto_err err = ERR_INIT;
    if (!begin_turn(d, &err))
        end(d, NULL, &err);
}

void dialog_give(struct dialog *d, json_t *results)
{
    add_message(d, "user", results);
    go_on(d);
}

/* The calls of an answer go to the owner; false with err where there may be none. */
static bool take_turn(struct dialog *d, const struct llm_answer *a, json_t *calls, struct err *err)
{
    int64_t max = max_turns(d);
    if (++d->turns >= max) {
        err_set(err, "max_turns", "the agent has used its %lld turns without a final answer",
                (long long)max);
        err_hint(err, "raise max_turns, or ask for less; its log has what it did");
        return false;
    }
    d->repeats = turns_repeats(calls, &d->last_calls, d->repeats);
    if (d->repeats >= DIALOG_REPEATS_MAX) {
        err_set(err, "agent_loop", "the agent made the same calls in %d turns one after the other",
                d->repeats);
        err_hint(err, "its log has the calls; a clearer prompt or a better tool may help");
        return false;
    }
    add_message(d, "assistant", json_deep_copy(a->content));
    d->listener.calls(d->listener.data, calls, a->content, &d->spent);
    return true;
}

/* What the final answer says: the arguments of its tool, which are told now, or the text. */
static void final_text(struct dialog *d, const struct llm_answer *a, json_t *calls, struct buf *ret)
{
    json_t *call = turns_final(calls);
    auto_free char *input = call ? json_dumps(json_object_get(call, "input"), JSON_COMPACT) : NULL;
    if (!input) {
        llm_answer_text(a, ret);
        return;
    }
    buf_add_c(ret, input);
    if (d->listener.event)
        d->listener.event(d->listener.data, &(struct llm_event){LLM_TEXT, buf_str(ret)});
}

static bool check_stop(const struct llm_answer *a, bool agent, struct err *err)
{
    switch (a->stop) {
    case LLM_STOP_REFUSAL:
        return err_set(err, "llm_refused", "the model refused to answer");
    case LLM_STOP_MAX_TOKENS:
        err_set(err, "llm_max_tokens", "the answer was cut at %lld tokens",
                (long long)a->usage.output);
        err_hint(err, "raise max_tokens: of the prompt");
        return false;
    case LLM_STOP_CONTEXT:
        err_set(err, "llm_context", "the model's context was full after %lld tokens of its answer",
                (long long)a->usage.output);
        err_hint(err, LLM_CONTEXT_HINT);
        return false;
    case LLM_STOP_TOOL_USE:
        if (agent)
            return true;
        return err_set(err, "llm_bad_answer", "the model called a tool that it was not given");
    default:
        return true;
    }
}

static bool repair(struct dialog *d, const struct llm_answer *a, const struct buf *violations,
                   struct err *err)
{
    auto_buf text = BUF(1 << 20);
    auto_err again = ERR_INIT;
    if (d->repairs_left-- <= 0)
        return false;
    buf_addf(
        &text,
        "The answer does not fit:\n%s\nAnswer again, with the whole corrected JSON and nothing else.",
        buf_c(violations));
    json_t *calls = turns_calls(a->content);
    if (json_array_size(a->content))
        add_message(d, "assistant", json_deep_copy(a->content));
    if (json_array_size(calls))
        add_message(d, "user", turns_refuse(calls, buf_str(&text)));
    else
        add_text(d, buf_str(&text));
    json_decref(calls);
    if (d->listener.event)
        d->listener.event(d->listener.data, &(struct llm_event){LLM_AGAIN, err->message});
    if (ask(d, &again))
        return true;
    err_reset(err);
    err_move(err, &again);
    return false;
}

static struct llm_request request_of(const struct dialog *d)
{
    return (struct llm_request){.system = d->q.prompt->system,
                                .messages = d->messages,
                                .tools = d->tools,
                                .answer_tool = d->tools ? STR(DIALOG_FINAL_TOOL) : STR(""),
                                .output_schema = d->tools ? NULL : d->schema,
                                .max_tokens = d->q.max_tokens,
                                .has_temperature = d->q.has_temperature,
                                .temperature = d->q.temperature,
                                .cache = d->tools || d->q.prompt->system.n > 0};
}

static void add_usage(struct llm_usage *to, const struct llm_usage *u)
{
    to->input += u->input;
    to->output += u->output;
    to->cache_read += u->cache_read;
    to->cache_write += u->cache_write;
}

/* An answer is kept once the final one fits: that of an agent's turn waits for it. */
static void hold_answer(struct dialog *d, const struct llm_answer *a)
{
    struct turn_answer t = {.answer = NULL};
    if (!d->tools || !*d->asked || a->was_kept)
        return;
    memcpy(t.asked, d->asked, sizeof t.asked);
    t.answer = llm_answer_json(a);
    vec_push(&d->turn_answers, t);
}

static void keep(struct dialog *d, const struct llm_answer *a)
{
    vec_each (t, &d->turn_answers)
        d->listener.keep(d->listener.data, t->asked, t->answer);
    if (d->tools || !*d->asked || a->was_kept)
        return;
    json_t *answer = llm_answer_json(a);
    d->listener.keep(d->listener.data, d->asked, answer);
    json_decref(answer);
}

static void answered(void *user, const struct llm_answer *a, struct err *failed)
{
    struct dialog *d = user;
    auto_err err = ERR_INIT;
    auto_buf text = BUF(LLM_ANSWER_MAX), violations = BUF(1 << 20);
    json_t *value = NULL, *calls = NULL;
    d->call = NULL;
    struct llm_request q = request_of(d);
    if (!a) {
        if (d->listener.failed)
            d->listener.failed(d->listener.data, &d->q.client, &q, failed);
        end(d, NULL, failed);
        return;
    }
    add_usage(&d->spent.usage, &a->usage);
    d->spent.calls += !a->was_kept;
    if (d->listener.called)
        d->listener.called(d->listener.data, &d->q.client, &q, a);
    hold_answer(d, a);
    calls = turns_calls(a->content);
    final_text(d, a, calls, &text);
    bool goes_on = false;
    if (a->stop == LLM_STOP_PAUSE) { /* it goes on where it is given its own words */
        add_message(d, "assistant", json_deep_copy(a->content));
        goes_on = ask(d, &err);
    } else if (!check_stop(a, d->tools != NULL, &err)) {
        value = NULL;
    } else if (d->tools && json_array_size(calls) && !turns_final(calls)) {
        goes_on = take_turn(d, a, calls, &err);
    } else {
        value = judge(d, buf_str(&text), &violations, &err);
        if (value)
            keep(d, a);
        goes_on = !value && repair(d, a, &violations, &err);
    }
    json_decref(calls);
    if (goes_on)
        return;
    end(d, value, value ? NULL : &err);
    json_decref(value);
}

static void streamed(void *user, const struct llm_event *e)
{
    struct dialog *d = user;
    if (d->listener.event)
        d->listener.event(d->listener.data, e);
}

/* The answer that was kept for this request: of an agent for each, else for the first alone. */
static json_t *find_kept(struct dialog *d, const struct llm_request *q)
{
    if (!d->listener.find || (!d->tools && *d->asked))
        return NULL;
    llm_request_hash(&d->q.client, q, d->asked);
    return d->listener.find(d->listener.data, d->asked);
}

/* The call's worst fits into every budget that it counts to. */
static bool reserve(struct dialog *d, const struct llm_request *q, struct err *err)
{
    struct dialog_cost worst = budget_worst(&d->q.client, d->bytes + q->system.n,
                                            q->max_tokens ? q->max_tokens : LLM_MAX_TOKENS);
    return budget_reserve(&d->budget, &d->spent, &d->others, &d->q.client, &worst, err) &&
           (!d->listener.reserve || d->listener.reserve(d->listener.data, &worst, err));
}

static bool ask(struct dialog *d, struct err *err)
{
    if (d->spent.calls - d->turns >= DIALOG_CALLS_MAX)
        return err_set(err, "llm_bad_answer", "the model has not come to an end in %d calls",
                       DIALOG_CALLS_MAX);
    d->bytes = turns_trim(d->messages, d->bytes, DIALOG_CONTEXT_MAX);
    struct llm_listener l = {streamed, answered, d};
    struct llm_request q = request_of(d);
    /* What was stopped by its budget when it was recorded is stopped again. */
    if (d->listener.recorded && !reserve(d, &q, err))
        return false;
    q.kept = d->listener.recorded ? d->listener.recorded(d->listener.data, &d->q.client, &q, err)
                                  : find_kept(d, &q);
    if (err_is_set(err))
        return false;
    if (q.kept || d->listener.recorded || reserve(d, &q, err))
        d->call = llm_start(d->llm, &d->q.client, d->q.key, &q, d->q.limits, &l, err);
    json_decref(q.kept);
    return d->call != NULL;
}

/* ---- the start ---- */

static bool check_inputs(const struct dialog_request *q, struct err *err)
{
    struct err_list errors = {0};
    bool ok = type_check(q->prompt->inputs, q->inputs, STR("input"), &errors);
    if (!ok)
        err_set(err, "invalid_value", "%.*s: %.*s", STR_ARG(q->prompt->name),
                STR_ARG(errors.at[0].message));
    err_list_done(&errors);
    return ok;
}

static json_t *schema_of(const struct type *output)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    if (!output)
        return NULL;
    type_write_json_schema(&w, output);
    return json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
}

/* False where the last turn's calls are still under way. */
static bool take_up(struct dialog *d, const struct dialog_request *q)
{
    json_t *turn, *results = NULL;
    size_t i;
    d->spent = q->spent;
    dialog_charge(d, &q->others);
    d->turns = (int64_t)json_array_size(q->turns);
    json_array_foreach(q->turns, i, turn)
    {
        json_t *answer = json_object_get(turn, "answer"), *calls = turns_calls(answer);
        d->repeats = turns_repeats(calls, &d->last_calls, d->repeats);
        json_decref(calls);
        add_message(d, "assistant", json_incref(answer));
        results = json_object_get(turn, "results");
        if (results)
            add_message(d, "user", json_deep_copy(results));
    }
    return !d->turns || results;
}

struct dialog *dialog_start(struct llm *llm, const struct dialog_request *q,
                            const struct dialog_listener *l, struct err *err)
{
    auto_buf text = BUF(DIALOG_INPUTS_MAX);
    struct budget budget;
    if (!budget_read(q->budget, &budget, err) || !check_inputs(q, err) ||
        !dialog_render(q, &text, err))
        return NULL;
    struct dialog *d = mem_zalloc(sizeof *d);
    *d = (struct dialog){.llm = llm,
                         .q = *q,
                         .listener = *l,
                         .budget = budget,
                         .messages = json_array(),
                         .schema = schema_of(q->prompt->output),
                         .repairs_left = q->repairs};
    str *texts[] = {&d->q.client.name, &d->q.client.model, &d->q.client.base_url,
                    &d->q.client.key_name, &d->q.key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_str(&d->arena, *texts[i]);
    if (q->tools)
        d->tools = turns_tools(q->tools, d->schema);
    add_text(d, buf_str(&text));
    if (!take_up(d, q) || begin_turn(d, err))
        return d;
    dialog_free(d);
    return NULL;
}
