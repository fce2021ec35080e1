/* The transcript of an agent: each turn is recorded before its calls begin, and what each of them
 * gave when it has ended, so that a step whose process died goes on from there. */
#include "engine/agent_int.h"
#include "json/json.h"

/* In a turn's usage. */
#define CALLS_BEFORE "calls_before"

static char *masked_json(struct agent *a, json_t *j)
{
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    auto_buf masked = BUF(LLM_ANSWER_MAX);
    agent_mask(a, opt_str(text), &masked);
    return buf_take(&masked, NULL);
}

static void put_turn(struct agent *a, struct store_batch *b, int64_t turn, str answer,
                     json_t *results, str usage)
{
    auto_free char *text = json_dumps(results, JSON_COMPACT);
    struct store_turn row = {.key = record_key(a->sink.run, a->sink.step),
                             .turn = turn,
                             .answer = answer,
                             .results = opt_str(text),
                             .usage = usage,
                             .created_at = clock_wall_ms()};
    store_put_turn(b, &row);
}

void agent_record_turn(struct agent *a, struct store_batch *b)
{
    put_turn(a, b, a->turns, opt_str(a->answer), a->results, opt_str(a->usage));
}

static json_t *usage_json(const struct agent *a, const struct dialog_spent *s)
{
    return json_pack("{s:I, s:i, s:I, s:I, s:I, s:I}", CALLS_BEFORE, (json_int_t)a->calls_before,
                     "calls", s->calls, "input", (json_int_t)s->usage.input, "output",
                     (json_int_t)s->usage.output, "cache_read", (json_int_t)s->usage.cache_read,
                     "cache_write", (json_int_t)s->usage.cache_write);
}

void agent_begin_turn(struct agent *a, json_t *calls, json_t *answer,
                      const struct dialog_spent *spent)
{
    json_t *call, *usage = usage_json(a, spent);
    size_t i;
    a->calls.n = 0;
    a->turns++;
    a->turn = json_deep_copy(calls);
    a->results = json_array();
    json_array_foreach(calls, i, call)
    {
        json_array_append_new(a->results, json_pack("{s:s, s:O?}", "type", "tool_result",
                                                    "tool_use_id", json_object_get(call, "id")));
    }
    free(a->answer);
    free(a->usage);
    a->answer = masked_json(a, answer);
    a->usage = json_dumps(usage, JSON_COMPACT);
    json_decref(usage);
}

static int64_t int_at(json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

static struct dialog_spent read_usage(struct agent *a, str text)
{
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    a->calls_before = (unsigned)int_at(j, CALLS_BEFORE);
    struct dialog_spent s = {.calls = (int)int_at(j, "calls"),
                             .usage = {.input = int_at(j, "input"),
                                       .output = int_at(j, "output"),
                                       .cache_read = int_at(j, "cache_read"),
                                       .cache_write = int_at(j, "cache_write")}};
    json_decref(j);
    return s;
}

/* What models were asked by the tools of these turns, those that still go on included: it stands
 * where each call of a model is recorded, before the turn can know of it. */
static bool add_others(struct agent *a, struct dialog_cost *to, struct err *err)
{
    auto_arena arena = ARENA_INIT;
    struct live_run *r = a->sink.run;
    struct store_llm_usage *u;
    size_t n;
    unsigned number;
    bool unknown = false;
    if (!store_list_llm_usage(r->engine->reader, r->id, &arena, &u, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (u[i].attempt != r->attempt ||
            !nested_id(u[i].step_id, r->plan.steps[a->sink.step].id, &number) ||
            number <= a->calls_before)
            continue;
        to->tokens += u[i].input_tokens + u[i].output_tokens + u[i].cache_read_tokens +
                      u[i].cache_write_tokens;
        to->usd += (double)u[i].cost_microusd / 1e6;
        unknown |= u[i].cost_microusd < 0;
    }
    if (unknown)
        to->usd = -1;
    return true;
}

/* ---- going on ---- */

/* In the block of a call of a prompt, while it is under way. */
#define CALL_NUMBER "nested"

void agent_number_call(struct agent *a, size_t place, unsigned number)
{
    json_object_set_new(json_array_get(a->results, place), CALL_NUMBER, json_integer(number));
}

unsigned agent_call_number(const struct agent *a, size_t place)
{
    json_t *block = json_array_get(a->results, place);
    json_int_t number = json_integer_value(json_object_get(block, CALL_NUMBER));
    return number > 0 && number < UINT32_MAX ? (unsigned)number : 0;
}

void agent_put_result(json_t *block, str text, bool is_error)
{
    json_object_del(block, CALL_NUMBER);
    json_object_set_new(block, "content", json_stringn(text.p, text.n));
    json_object_set_new(block, "is_error", json_boolean(is_error));
}

void agent_put_interrupted(json_t *block)
{
    agent_put_result(block,
                     STR(AGENT_INTERRUPTED "What it did until then may have taken effect: look "
                                           "before you repeat it."),
                     true);
}

struct taken_up {
    size_t marked; /* as interrupted */
    size_t goes_on;
};

bool agent_has_prompt(const struct agent *a, str name)
{
    for (size_t i = 0; i < a->prompts.n; i++)
        if (str_eq(a->prompts.at[i], name))
            return true;
    return false;
}

static bool is_prompt(const struct agent *a, json_t *answer, json_t *result)
{
    size_t i;
    json_t *block;
    json_array_foreach(answer, i, block)
    {
        if (str_eq(json_get_text(block, "id"), json_get_text(result, "tool_use_id")))
            return agent_has_prompt(a, json_get_text(block, "name"));
    }
    return false;
}

/* What had begun is not repeated silently: the model is told, and decides. Prompts do nothing but
 * ask: what they were told is recorded, and they go on; without a number they have not begun. */
static struct taken_up take_up_calls(const struct agent *a, json_t *answer, json_t *results)
{
    struct taken_up n = {0};
    size_t i;
    json_t *block;
    json_array_foreach(results, i, block)
    {
        if (json_object_get(block, "content"))
            continue;
        if (is_prompt(a, answer, block)) {
            n.goes_on++;
            continue;
        }
        agent_put_interrupted(block);
        n.marked++;
    }
    return n;
}

static void say_taken_up(struct agent *a, struct taken_up n)
{
    auto_buf line = BUF(400);
    buf_addf(&line, "goes on after turn %lld of the try that was interrupted; %zu of its calls %s",
             (long long)a->turns, n.marked,
             n.marked ? "had begun and not ended" : "were under way");
    if (n.goes_on)
        buf_addf(&line, ", %zu of prompts go%s on", n.goes_on, n.goes_on == 1 ? "es" : "");
    record_system_line(a->sink.run, a->sink.step, buf_str(&line));
}

static json_t *calls_of(json_t *answer)
{
    json_t *calls = json_array(), *block;
    size_t i;
    json_array_foreach(answer, i, block)
    {
        if (str_is(json_get_text(block, "type"), "tool_use"))
            json_array_append(calls, block);
    }
    return calls;
}

/* The turn whose calls go on is this try's, as if it had just begun. */
static void keep_open(struct agent *a, const struct store_turn *t, json_t *answer, json_t *results)
{
    a->turn = calls_of(answer);
    a->results = json_incref(results);
    a->answer = str_dup(t->answer);
    a->usage = str_dup(t->usage);
}

static void note_earlier_calls(struct agent *a, json_t *answer)
{
    for (size_t i = 0; i < json_array_size(answer); i++)
        if (str_is(json_get_text(json_array_get(answer, i), "type"), "tool_use"))
            agent_note_call(a, json_get_text(json_array_get(answer, i), "name"));
}

bool agent_take_up(struct agent *a, struct dialog_request *q, struct err *err)
{
    auto_arena arena = ARENA_INIT;
    struct live_run *r = a->sink.run;
    struct store_step_key key = record_key(r, a->sink.step);
    struct store_turn *turns;
    struct taken_up taken = {0};
    size_t n;
    if (!store_load_interrupted_turns(r->engine->reader, &key, &arena, &turns, &n, err))
        return false;
    if (!n)
        return true;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    q->turns = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *answer = json_loadb(turns[i].answer.p, turns[i].answer.n, JSON_ALLOW_NUL, NULL);
        json_t *results = json_loadb(turns[i].results.p, turns[i].results.n, JSON_ALLOW_NUL, NULL);
        taken = take_up_calls(a, answer, results);
        note_earlier_calls(a, answer);
        put_turn(a, b, turns[i].turn, turns[i].answer, results, turns[i].usage);
        if (taken.goes_on)
            keep_open(a, &turns[i], answer, results);
        json_array_append_new(q->turns, json_pack("{s:o, s:o*}", "answer", answer, "results",
                                                  taken.goes_on ? NULL : json_incref(results)));
        json_decref(results);
    }
    run_submit(r, b, run_nothing, NULL);
    a->turns = turns[n - 1].turn;
    a->was_taken_up = true;
    q->spent = read_usage(a, turns[n - 1].usage);
    say_taken_up(a, taken);
    return add_others(a, &q->others, err);
}
