/* Chat completions, as OpenAI, Ollama, vLLM, OpenRouter and others speak them. Thinking is left out
 * of what goes back: the protocol has no place for it. */
#include "llm/llm_int.h"
#include "json/json.h"

static size_t headers(str key, char **ret)
{
    auto_buf b = BUF(1 << 16);
    if (!key.n)
        return 0;
    buf_addf(&b, "authorization: Bearer %.*s", STR_ARG(key));
    ret[0] = buf_take(&b, NULL);
    return 1;
}

/* ---- the request ---- */

static void add_message(json_t *to, const char *role, const struct buf *text, json_t *calls)
{
    json_t *m = json_pack("{s:s}", "role", role);
    json_object_set_new(m, "content",
                        text->n || !calls ? json_stringn(buf_c(text), text->n) : json_null());
    if (calls)
        json_object_set(m, "tool_calls", calls);
    json_array_append_new(to, m);
}

static json_t *call_of(json_t *block)
{
    auto_free char *input = json_dumps(json_object_get(block, "input"), JSON_COMPACT);
    return json_pack("{s:O, s:s, s:{s:O, s:s}}", "id", json_object_get(block, "id"), "type",
                     "function", "function", "name", json_object_get(block, "name"), "arguments",
                     input ? input : "{}");
}

static void add_result(json_t *to, json_t *block)
{
    json_t *content = json_object_get(block, "content");
    auto_free char *dumped = json_is_string(content) ? NULL : json_dumps(content, JSON_ENCODE_ANY);
    str text = dumped ? str_of(dumped) : json_text_of(content);
    bool failed = json_is_true(json_object_get(block, "is_error"));
    auto_buf b = BUF(BUF_TEXT_MAX);
    buf_addf(&b, "%s%.*s", failed ? "ERROR: " : "", STR_ARG(text));
    json_array_append_new(to, json_pack("{s:s, s:O, s:o}", "role", "tool", "tool_call_id",
                                        json_object_get(block, "tool_use_id"), "content",
                                        json_stringn(buf_c(&b), b.n)));
}

static void add_blocks(json_t *to, json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    auto_buf text = BUF(BUF_TEXT_MAX);
    json_t *calls = NULL, *block;
    bool results = false;
    size_t i;
    json_array_foreach(json_object_get(message, "content"), i, block)
    {
        str type = json_get_text(block, "type");
        if (str_is(type, "text"))
            buf_add_str(&text, json_get_text(block, "text"));
        else if (str_is(type, "tool_use"))
            json_array_append_new(calls ? calls : (calls = json_array()), call_of(block));
        else if (str_is(type, "tool_result"))
            results = (add_result(to, block), true);
    }
    if (text.n || calls || !results)
        add_message(to, role ? role : "user", &text, calls);
    json_decref(calls);
}

static json_t *messages_of(const struct llm_request *q)
{
    json_t *all = json_array(), *m;
    size_t i;
    if (q->system.n)
        json_array_append_new(
            all, json_pack("{s:s, s:s%}", "role", "system", "content", q->system.p, q->system.n));
    json_array_foreach(q->messages, i, m) add_blocks(all, m);
    return all;
}

static void put_tools(json_t *b, const struct llm_request *q, bool output)
{
    json_t *tools = json_array(), *t;
    str c = q->tool_choice;
    size_t i;
    json_array_foreach(q->tools, i, t)
        json_array_append_new(tools, json_pack("{s:s, s:{s:O, s:O*, s:O*}}", "type", "function",
                                               "function", "name", json_object_get(t, "name"),
                                               "description", json_object_get(t, "description"),
                                               "parameters", json_object_get(t, "input_schema")));
    if (output)
        json_array_append_new(tools,
                              json_pack("{s:s, s:{s:s, s:s, s:O}}", "type", "function", "function",
                                        "name", LLM_OUTPUT_TOOL, "description",
                                        LLM_OUTPUT_DESCRIPTION, "parameters", q->output_schema));
    if (output && !json_array_size(q->tools))
        c = STR(LLM_OUTPUT_TOOL);
    json_object_set_new(b, "tools", tools);
    if (str_is(c, "any"))
        json_object_set_new(b, "tool_choice", json_string("required"));
    else if (str_is(c, "none"))
        json_object_set_new(b, "tool_choice", json_string("none"));
    else if (c.n && !str_is(c, "auto"))
        json_object_set_new(
            b, "tool_choice",
            json_pack("{s:s, s:{s:s%}}", "type", "function", "function", "name", c.p, c.n));
}

static json_t *body(const struct llm_client *c, const struct llm_request *q)
{
    int64_t max = q->max_tokens ? q->max_tokens : LLM_MAX_TOKENS;
    json_t *b = json_pack("{s:s%, s:b, s:{s:b}, s:o}", "model", c->model.p, c->model.n, "stream", 1,
                          "stream_options", "include_usage", 1, "messages", messages_of(q));
    json_object_set_new(b, "max_completion_tokens", json_integer(max));
    enum output_form output = wire_output(c, q);
    if (json_array_size(q->tools) || output == OUTPUT_TOOL)
        put_tools(b, q, output == OUTPUT_TOOL);
    if (output == OUTPUT_NATIVE)
        json_object_set_new(b, "response_format",
                            json_pack("{s:s, s:{s:s, s:O}}", "type", "json_schema", "json_schema",
                                      "name", "answer", "schema", q->output_schema));
    if (q->has_temperature)
        json_object_set_new(b, "temperature", json_real(q->temperature));
    return b;
}

/* ---- the stream ---- */

enum { TEXT_AT = 0, THINKING_AT = 1, TOOLS_AT = 2 }; /* where blocks stand in the reader */

static void take_usage(struct answer_reader *r, const json_t *u)
{
    int64_t cached = wire_int(json_object_get(u, "prompt_tokens_details"), "cached_tokens", 0);
    int64_t all = wire_int(u, "prompt_tokens", 0);
    r->usage = (struct llm_usage){.input = all > cached ? all - cached : 0,
                                  .output = wire_int(u, "completion_tokens", 0),
                                  .cache_read = cached};
}

static bool add_text(struct answer_reader *r, int64_t index, enum block_kind kind, str text,
                     struct err *err)
{
    if (!text.n)
        return true;
    struct answer_block *b = reader_block(r, index, kind, err);
    return b && reader_add(r, b, text, err);
}

static bool add_calls(struct answer_reader *r, json_t *calls, struct err *err)
{
    json_t *call;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        json_t *f = json_object_get(call, "function");
        int64_t index = TOOLS_AT + wire_int(call, "index", (int64_t)i);
        struct answer_block *b = reader_block(r, index, BLOCK_TOOL, err);
        if (!b)
            return false;
        if (!b->name && json_get_text(f, "name").n)
            reader_name_tool(r, b, json_get_text(call, "id"), json_get_text(f, "name"));
        if (!reader_add(r, b, json_get_text(f, "arguments"), err))
            return false;
    }
    return true;
}

static bool take_finish(struct answer_reader *r, str reason)
{
    static const struct {
        const char *reason;
        enum llm_stop stop;
    } stops[] = {{"length", LLM_STOP_MAX_TOKENS},
                 {"tool_calls", LLM_STOP_TOOL_USE},
                 {"function_call", LLM_STOP_TOOL_USE},
                 {"content_filter", LLM_STOP_REFUSAL}};
    if (!reason.n)
        return true;
    if (r->stop != LLM_STOP_REFUSAL)
        r->stop = LLM_STOP_END;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (str_is(reason, stops[i].reason))
            r->stop = stops[i].stop;
    /* Some servers say "stop" after tool calls. */
    if (r->stop == LLM_STOP_END)
        vec_each (b, &r->blocks)
            if (b->kind == BLOCK_TOOL)
                r->stop = LLM_STOP_TOOL_USE;
    return r->stopped = r->ended = true;
}

static bool take_choice(struct answer_reader *r, json_t *choice, struct err *err)
{
    json_t *d = json_object_get(choice, "delta");
    str thinking = json_get_text(d, "reasoning_content"), refusal = json_get_text(d, "refusal");
    if (!thinking.n)
        thinking = json_get_text(d, "reasoning");
    if (refusal.n)
        r->stop = LLM_STOP_REFUSAL;
    return add_text(r, THINKING_AT, BLOCK_THINKING, thinking, err) &&
           add_text(r, TEXT_AT, BLOCK_TEXT, refusal, err) &&
           add_text(r, TEXT_AT, BLOCK_TEXT, json_get_text(d, "content"), err) &&
           add_calls(r, json_object_get(d, "tool_calls"), err) &&
           take_finish(r, json_get_text(choice, "finish_reason"));
}

static bool read_event(struct answer_reader *r, str type, str data, struct err *err)
{
    (void)type;
    if (str_is(str_trim(data), "[DONE]"))
        return true;
    json_t *j = wire_parse(data, err);
    if (!j)
        return false;
    bool ok = true;
    if (json_object_get(j, "error") && !json_is_null(json_object_get(j, "error"))) {
        wire_set_error(j, err);
        ok = false;
    }
    if (!r->id) {
        r->id = str_dup(json_get_text(j, "id"));
        r->model = str_dup(json_get_text(j, "model"));
    }
    if (json_is_object(json_object_get(j, "usage")))
        take_usage(r, json_object_get(j, "usage"));
    if (ok && json_array_size(json_object_get(j, "choices")))
        ok = take_choice(r, json_array_get(json_object_get(j, "choices"), 0), err);
    json_decref(j);
    return ok;
}

const struct llm_wire llm_openai = {"openai", "/chat/completions", NULL, body, headers, read_event};
