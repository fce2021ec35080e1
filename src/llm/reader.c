/* Answers out of their pieces. */
#include "base/clock.h"
#include "llm/llm_int.h"

void reader_done(struct answer_reader *r)
{
    vec_each (b, &r->blocks) {
        free(b->id);
        free(b->name);
        buf_done(&b->text);
        buf_done(&b->signature);
    }
    vec_done(&r->blocks);
    free(r->model);
    free(r->id);
    *r = (struct answer_reader){0};
}

struct answer_block *reader_find(struct answer_reader *r, int64_t index)
{
    vec_each (b, &r->blocks)
        if (b->index == index)
            return b;
    return NULL;
}

struct answer_block *reader_block(struct answer_reader *r, int64_t index, enum block_kind kind,
                                  struct err *err)
{
    struct answer_block *b = reader_find(r, index);
    if (b)
        return b;
    if (r->blocks.n >= LLM_BLOCKS_MAX) {
        err_set(err, "llm_answer_too_large", "the answer has more than %d parts", LLM_BLOCKS_MAX);
        return NULL;
    }
    vec_push(&r->blocks, (struct answer_block){.kind = kind,
                                               .index = index,
                                               .text = BUF(LLM_ANSWER_MAX),
                                               .signature = BUF(LLM_ANSWER_MAX)});
    return &vec_last(&r->blocks);
}

static void tell(struct answer_reader *r, enum llm_event_kind kind, str text)
{
    if (!r->first_at)
        r->first_at = clock_mono_ms();
    if (r->listener->event)
        r->listener->event(r->listener->data, &(struct llm_event){kind, text});
}

void reader_name_tool(struct answer_reader *r, struct answer_block *b, str id, str name)
{
    free(b->id);
    free(b->name);
    b->id = str_dup(id);
    b->name = str_dup(name);
    b->is_output = r->wants_output && str_is(name, LLM_OUTPUT_TOOL);
    if (!b->is_output)
        tell(r, LLM_TOOL_CALL, name);
}

bool reader_add(struct answer_reader *r, struct answer_block *b, str text, struct err *err)
{
    r->bytes += text.n;
    buf_add_str(&b->text, text);
    if (r->bytes > LLM_ANSWER_MAX)
        return err_set(err, "llm_answer_too_large", "the answer takes more than %d MiB",
                       LLM_ANSWER_MAX >> 20);
    if (text.n && (b->kind == BLOCK_TEXT || b->is_output))
        tell(r, LLM_TEXT, text);
    else if (text.n && b->kind == BLOCK_THINKING)
        tell(r, LLM_THINKING, text);
    return true;
}

static json_t *text_of(const struct buf *b)
{
    return json_stringn(buf_c(b), b->n);
}

static json_t *tool_of(const struct answer_block *b, struct err *err)
{
    json_t *input =
        b->text.n ? json_loadb(b->text.p, b->text.n, JSON_ALLOW_NUL, NULL) : json_object();
    if (json_is_object(input) && b->id && *b->id && b->name && *b->name)
        return json_pack("{s:s, s:s, s:s, s:o}", "type", "tool_use", "id", b->id, "name", b->name,
                         "input", input);
    json_decref(input);
    err_set(
        err, "llm_bad_answer",
        "the model's call of tool '%s' has no id, no name, or arguments that are no JSON object",
        b->name ? b->name : "");
    return NULL;
}

static json_t *block_of(const struct answer_block *b, struct err *err)
{
    switch (b->kind) {
    case BLOCK_THINKING:
        return json_pack("{s:s, s:o, s:o}", "type", "thinking", "thinking", text_of(&b->text),
                         "signature", text_of(&b->signature));
    case BLOCK_REDACTED:
        return json_pack("{s:s, s:o}", "type", "redacted_thinking", "data", text_of(&b->text));
    case BLOCK_TOOL:
        if (!b->is_output)
            return tool_of(b, err);
        break;
    case BLOCK_TEXT:
        break;
    }
    return json_pack("{s:s, s:o}", "type", "text", "text", text_of(&b->text));
}

static bool ids_differ(struct answer_reader *r, struct err *err)
{
    vec_each (a, &r->blocks)
        vec_each (b, &r->blocks)
            if (a < b && a->id && b->id && strcmp(a->id, b->id) == 0)
                return err_set(err, "llm_bad_answer",
                               "the model made two tool calls with the id '%s'", a->id);
    return true;
}

json_t *reader_content(struct answer_reader *r, struct err *err)
{
    json_t *content = json_array();
    bool ok = ids_differ(r, err), output = false;
    for (size_t i = 0; ok && i < r->blocks.n; i++) {
        const struct answer_block *b = &r->blocks.at[i];
        bool cut = b->kind == BLOCK_TOOL && !b->is_output &&
                   (r->stop == LLM_STOP_MAX_TOKENS || r->stop == LLM_STOP_CONTEXT);
        if (cut || (b->kind == BLOCK_TEXT && !b->text.n))
            continue; /* providers refuse empty texts when they come back */
        ok = json_array_append_new(content, block_of(b, err)) == 0;
        output |= b->is_output;
    }
    if (ok) {
        if (output && r->stop == LLM_STOP_TOOL_USE)
            r->stop = LLM_STOP_END;
        return content;
    }
    json_decref(content);
    if (!err_is_set(err))
        err_set(err, "llm_bad_answer", "the model's answer is no valid UTF-8");
    return NULL;
}
