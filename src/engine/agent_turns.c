/* The transcript of an agent: each turn is recorded before its calls begin, and what each of them
 * gave when it has ended, so that a step whose process died goes on from there. */
#include "engine/agent_int.h"
#include "json/json.h"

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

static json_t *usage_json(const struct dialog_spent *s)
{
    return json_pack("{s:i, s:I, s:I, s:I, s:I}", "calls", s->calls, "input",
                     (json_int_t)s->usage.input, "output", (json_int_t)s->usage.output,
                     "cache_read", (json_int_t)s->usage.cache_read, "cache_write",
                     (json_int_t)s->usage.cache_write);
}

void agent_begin_turn(struct agent *a, json_t *calls, json_t *answer,
                      const struct dialog_spent *spent)
{
    json_t *call, *usage = usage_json(spent);
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

static struct dialog_spent read_usage(str text)
{
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    struct dialog_spent s = {.calls = (int)int_at(j, "calls"),
                             .usage = {.input = int_at(j, "input"),
                                       .output = int_at(j, "output"),
                                       .cache_read = int_at(j, "cache_read"),
                                       .cache_write = int_at(j, "cache_write")}};
    json_decref(j);
    return s;
}

/* What had begun is not repeated silently: the model is told, and decides. */
static size_t mark_interrupted(json_t *results)
{
    size_t i, marked = 0;
    json_t *block;
    json_array_foreach(results, i, block)
    {
        if (json_object_get(block, "content"))
            continue;
        json_object_set_new(block, "content",
                            json_string(AGENT_INTERRUPTED
                                        "What it did until then may have taken effect: look before "
                                        "you repeat it."));
        json_object_set_new(block, "is_error", json_true());
        marked++;
    }
    return marked;
}

static void note_earlier_calls(struct agent *a, json_t *answer)
{
    for (size_t i = 0; i < json_array_size(answer); i++)
        if (str_is(json_get_text(json_array_get(answer, i), "type"), "tool_use"))
            agent_note_call(a, json_get_text(json_array_get(answer, i), "name"));
}

bool agent_take_up(struct agent *a, json_t **ret_turns, struct dialog_spent *ret_spent,
                   struct err *err)
{
    auto_arena arena = ARENA_INIT;
    auto_buf line = BUF(200);
    struct live_run *r = a->sink.run;
    struct store_step_key key = record_key(r, a->sink.step);
    struct store_turn *turns;
    size_t n, marked = 0;
    if (!store_load_interrupted_turns(r->engine->reader, &key, &arena, &turns, &n, err))
        return false;
    if (!n)
        return true;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    *ret_turns = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *answer = json_loadb(turns[i].answer.p, turns[i].answer.n, JSON_ALLOW_NUL, NULL);
        json_t *results = json_loadb(turns[i].results.p, turns[i].results.n, JSON_ALLOW_NUL, NULL);
        marked = mark_interrupted(results);
        note_earlier_calls(a, answer);
        put_turn(a, b, turns[i].turn, turns[i].answer, results, turns[i].usage);
        json_array_append_new(*ret_turns,
                              json_pack("{s:o, s:o}", "answer", answer, "results", results));
    }
    run_submit(r, b, run_nothing, NULL);
    a->turns = turns[n - 1].turn;
    *ret_spent = read_usage(turns[n - 1].usage);
    buf_addf(&line, "goes on after turn %lld of the try that was interrupted; %zu of its calls %s",
             (long long)a->turns, marked, marked ? "had begun and not ended" : "were under way");
    record_system_line(r, a->sink.step, buf_str(&line));
    return true;
}
