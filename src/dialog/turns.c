/* What an agent's turns need: tools named, calls found, repeats counted, old results trimmed. */
#include "dialog/dialog_int.h"

json_t *turns_tools(json_t *tools, json_t *schema)
{
    json_t *all = json_copy(tools);
    if (schema)
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:O}", "name", DIALOG_FINAL_TOOL, "description",
                           "Gives the final answer and ends the work. Call it once, alone.",
                           "input_schema", schema));
    return all;
}

static const char *text_at(json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

json_t *turns_calls(json_t *content)
{
    json_t *calls = json_array(), *block;
    size_t i;
    json_array_foreach(content, i, block)
    {
        if (strcmp(text_at(block, "type"), "tool_use") == 0)
            json_array_append(calls, block);
    }
    return calls;
}

json_t *turns_final(json_t *calls)
{
    json_t *call;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        if (strcmp(text_at(call, "name"), DIALOG_FINAL_TOOL) == 0)
            return call;
    }
    return NULL;
}

json_t *turns_refuse(json_t *calls, str why)
{
    json_t *results = json_array(), *call;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        bool final = call == turns_final(calls);
        str text = final ? why : STR("not carried out: the final answer is given alone");
        json_array_append_new(results, json_pack("{s:s, s:s, s:s%, s:b}", "type", "tool_result",
                                                 "tool_use_id", text_at(call, "id"), "content",
                                                 text.p, text.n, "is_error", 1));
    }
    return results;
}

int turns_repeats(json_t *calls, char **last, int before)
{
    json_t *same = json_array(), *call;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        json_array_append_new(
            same, json_pack("[s, O?]", text_at(call, "name"), json_object_get(call, "input")));
    }
    char *now = json_dumps(same, JSON_COMPACT | JSON_SORT_KEYS);
    bool equal = *last && now && strcmp(*last, now) == 0;
    json_decref(same);
    free(*last);
    *last = now;
    return equal ? before + 1 : 1;
}

static size_t empty_results(json_t *content)
{
    size_t i, saved = 0;
    json_t *block;
    json_array_foreach(content, i, block)
    {
        json_t *text = json_object_get(block, "content");
        size_t n = json_string_length(text);
        auto_buf note = BUF(100);
        if (strcmp(text_at(block, "type"), "tool_result") != 0 || n < 200)
            continue;
        buf_addf(&note, "[trimmed: %zu bytes; call the tool again if they are needed]", n);
        json_object_set_new(block, "content", json_string(buf_c(&note)));
        saved += n - note.n;
    }
    return saved;
}

size_t turns_trim(json_t *messages, size_t bytes, size_t max)
{
    size_t n = json_array_size(messages), kept = 2 * DIALOG_TURNS_KEPT;
    for (size_t i = 0; i + kept < n && bytes > max; i++) {
        size_t saved = empty_results(json_object_get(json_array_get(messages, i), "content"));
        bytes -= saved < bytes ? saved : bytes;
    }
    return bytes;
}
