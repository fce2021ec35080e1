/* Anthropic's Messages API, version 2023-06-01. Its blocks are the neutral form already. Structured
 * output is its own (output_config.format) where the client says that the model has it and the
 * schema is one that it takes; else a forced tool. */
#include "llm/llm_int.h"
#include "json/json.h"

static size_t headers(str key, char **ret)
{
    auto_buf b = BUF(1 << 16);
    buf_addf(&b, "x-api-key: %.*s", STR_ARG(key));
    ret[0] = str_dup(STR("anthropic-version: 2023-06-01"));
    ret[1] = buf_take(&b, NULL);
    return 2;
}

static json_t *cache_mark(void)
{
    return json_pack("{s:s}", "type", "ephemeral");
}

/* The tool of an agent's final answer is held to its schema as an answer would be. The answer
 * itself cannot be: what the model says between its calls would have to be JSON as well. */
static void constrain_answer_tool(json_t *tools, const struct llm_client *c, str name)
{
    size_t i;
    json_t *t;
    json_array_foreach(tools, i, t)
    {
        if (name.n && str_eq(json_get_text(t, "name"), name) &&
            c->structured == LLM_STRUCTURED_NATIVE &&
            wire_schema_is_strict(json_object_get(t, "input_schema")))
            json_object_set_new(t, "strict", json_true());
    }
}

static void put_tools(json_t *body, const struct llm_client *c, const struct llm_request *q)
{
    json_t *tools = q->tools ? json_deep_copy(q->tools) : json_array();
    constrain_answer_tool(tools, c, q->answer_tool);
    if (wire_output(c, q) == OUTPUT_TOOL)
        json_array_append_new(tools,
                              json_pack("{s:s, s:s, s:O}", "name", LLM_OUTPUT_TOOL, "description",
                                        LLM_OUTPUT_DESCRIPTION, "input_schema", q->output_schema));
    size_t n = json_array_size(tools);
    if (q->cache && n)
        json_object_set_new(json_array_get(tools, n - 1), "cache_control", cache_mark());
    if (n)
        json_object_set_new(body, "tools", tools);
    else
        json_decref(tools);
}

static void put_choice(json_t *body, const struct llm_request *q, enum output_form output)
{
    str c = q->tool_choice;
    bool forced = output == OUTPUT_TOOL && !json_array_size(q->tools) && !q->thinking_tokens;
    json_t *j = NULL;
    if (forced)
        j = json_pack("{s:s, s:s}", "type", "tool", "name", LLM_OUTPUT_TOOL);
    else if (str_is(c, "any") || str_is(c, "none"))
        j = json_pack("{s:s%}", "type", c.p, c.n);
    else if (c.n && !str_is(c, "auto"))
        j = json_pack("{s:s, s:s%}", "type", "tool", "name", c.p, c.n);
    if (j && json_object_get(body, "tools"))
        json_object_set_new(body, "tool_choice", j);
    else
        json_decref(j);
}

static json_t *body(const struct llm_client *c, const struct llm_request *q)
{
    enum output_form output = wire_output(c, q);
    int64_t max = q->max_tokens ? q->max_tokens : LLM_MAX_TOKENS;
    json_t *b = json_pack("{s:s%, s:I, s:b}", "model", c->model.p, c->model.n, "max_tokens",
                          (json_int_t)(max + q->thinking_tokens), "stream", 1);
    if (q->system.n) {
        json_t *text = json_pack("{s:s, s:s%}", "type", "text", "text", q->system.p, q->system.n);
        if (q->cache)
            json_object_set_new(text, "cache_control", cache_mark());
        json_object_set_new(b, "system", json_pack("[o]", text));
    }
    json_object_set(b, "messages", q->messages);
    put_tools(b, c, q);
    put_choice(b, q, output);
    if (output == OUTPUT_NATIVE)
        json_object_set_new(b, "output_config",
                            json_pack("{s:{s:s, s:O}}", "format", "type", "json_schema", "schema",
                                      q->output_schema));
    if (q->has_temperature && !q->thinking_tokens)
        json_object_set_new(b, "temperature", json_real(q->temperature));
    if (q->thinking_tokens)
        json_object_set_new(b, "thinking",
                            json_pack("{s:s, s:I}", "type", "enabled", "budget_tokens",
                                      (json_int_t)q->thinking_tokens));
    return b;
}

/* ---- the stream ---- */

static void take_usage(struct answer_reader *r, const json_t *u)
{
    r->usage.input = wire_int(u, "input_tokens", r->usage.input);
    r->usage.output = wire_int(u, "output_tokens", r->usage.output);
    r->usage.cache_read = wire_int(u, "cache_read_input_tokens", r->usage.cache_read);
    r->usage.cache_write = wire_int(u, "cache_creation_input_tokens", r->usage.cache_write);
}

static bool message_start(struct answer_reader *r, json_t *j, struct err *err)
{
    json_t *m = json_object_get(j, "message");
    (void)err;
    free(r->model);
    free(r->id);
    r->model = str_dup(json_get_text(m, "model"));
    r->id = str_dup(json_get_text(m, "id"));
    take_usage(r, json_object_get(m, "usage"));
    return true;
}

static bool block_start(struct answer_reader *r, json_t *j, struct err *err)
{
    static const struct {
        const char *type, *text;
        enum block_kind kind;
    } kinds[] = {{"text", "text", BLOCK_TEXT},
                 {"thinking", "thinking", BLOCK_THINKING},
                 {"redacted_thinking", "data", BLOCK_REDACTED},
                 {"tool_use", NULL, BLOCK_TOOL}};
    json_t *content = json_object_get(j, "content_block");
    str type = json_get_text(content, "type");
    int64_t index = wire_int(j, "index", -1);
    if (index < 0 || reader_find(r, index))
        return err_set(err, "llm_bad_answer", "a part of the answer has no place of its own");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!str_is(type, kinds[i].type))
            continue;
        struct answer_block *b = reader_block(r, index, kinds[i].kind, err);
        if (!b)
            return false;
        if (b->kind == BLOCK_TOOL)
            reader_name_tool(r, b, json_get_text(content, "id"), json_get_text(content, "name"));
        return !kinds[i].text || reader_add(r, b, json_get_text(content, kinds[i].text), err);
    }
    return true; /* parts that this version does not know are left out */
}

static bool block_delta(struct answer_reader *r, json_t *j, struct err *err)
{
    static const struct {
        const char *type, *key;
    } deltas[] = {{"text_delta", "text"},
                  {"input_json_delta", "partial_json"},
                  {"thinking_delta", "thinking"}};
    json_t *delta = json_object_get(j, "delta");
    str type = json_get_text(delta, "type");
    struct answer_block *b = reader_find(r, wire_int(j, "index", -1));
    if (!b)
        return true;
    if (str_is(type, "signature_delta"))
        buf_add_str(&b->signature, json_get_text(delta, "signature"));
    for (size_t i = 0; i < sizeof deltas / sizeof *deltas; i++)
        if (str_is(type, deltas[i].type))
            return reader_add(r, b, json_get_text(delta, deltas[i].key), err);
    return true;
}

static bool message_delta(struct answer_reader *r, json_t *j, struct err *err)
{
    static const struct {
        const char *reason;
        enum llm_stop stop;
    } stops[] = {{"end_turn", LLM_STOP_END},
                 {"stop_sequence", LLM_STOP_END},
                 {"tool_use", LLM_STOP_TOOL_USE},
                 {"max_tokens", LLM_STOP_MAX_TOKENS},
                 {"refusal", LLM_STOP_REFUSAL},
                 {"pause_turn", LLM_STOP_PAUSE},
                 {"model_context_window_exceeded", LLM_STOP_CONTEXT}};
    str reason = json_get_text(json_object_get(j, "delta"), "stop_reason");
    take_usage(r, json_object_get(j, "usage"));
    if (!reason.n)
        return true;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (str_is(reason, stops[i].reason)) {
            r->stop = stops[i].stop;
            return r->stopped = true;
        }
    return err_set(err, "llm_bad_answer", "the model stopped for an unknown reason: '%.*s'",
                   STR_ARG(reason));
}

static bool message_stop(struct answer_reader *r, json_t *j, struct err *err)
{
    (void)j;
    (void)err;
    return r->ended = true;
}

static bool stream_error(struct answer_reader *r, json_t *j, struct err *err)
{
    (void)r;
    wire_set_error(j, err);
    return false;
}

static bool read_event(struct answer_reader *r, str type, str data, struct err *err)
{
    static const struct {
        const char *type;
        bool (*fn)(struct answer_reader *r, json_t *j, struct err *err);
    } events[] = {{"message_start", message_start},     {"content_block_start", block_start},
                  {"content_block_delta", block_delta}, {"message_delta", message_delta},
                  {"message_stop", message_stop},       {"error", stream_error}};
    json_t *j = wire_parse(data, err);
    if (!j)
        return false;
    str own = json_get_text(j, "type");
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof events / sizeof *events; i++)
        if (str_is(own.n ? own : type, events[i].type))
            ok = events[i].fn(r, j, err);
    json_decref(j);
    return ok;
}

const struct llm_wire llm_anthropic = {"anthropic", "/v1/messages", wire_schema_is_strict,
                                       body,        headers,        read_event};
