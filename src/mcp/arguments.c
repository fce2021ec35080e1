/* A tool's table as JSON Schema, and a call's arguments as words of a command line. */
#include "base/arena.h"
#include "mcp/server_int.h"

static const char *const type_names[] = {"string", "integer", "boolean", "object"};

static void put_argument(struct json_writer *w, const struct mcp_argument *a)
{
    json_key_c(w, a->name);
    json_begin_object(w);
    json_key_c(w, "type");
    json_put_c(w, type_names[a->type]);
    if (a->type == MCP_NUMBER) {
        json_key_c(w, "minimum");
        json_put_int(w, 1);
    }
    json_key_c(w, "description");
    json_put_c(w, a->doc);
    json_end_object(w);
}

static void put_schema(struct json_writer *w, const struct mcp_tool *tool)
{
    json_begin_object(w);
    json_key_c(w, "type");
    json_put_c(w, "object");
    json_key_c(w, "properties");
    json_begin_object(w);
    for (const struct mcp_argument *a = tool->arguments; a->name; a++)
        put_argument(w, a);
    json_end_object(w);
    json_key_c(w, "required");
    json_begin_array(w);
    for (const struct mcp_argument *a = tool->arguments; a->name; a++)
        if (a->required)
            json_put_c(w, a->name);
    json_end_array(w);
    json_key_c(w, "additionalProperties");
    json_put_bool(w, false);
    json_end_object(w);
}

void mcp_put_tools(struct json_writer *w, const struct mcp_tool *tools)
{
    json_begin_array(w);
    for (const struct mcp_tool *t = tools; t->name; t++) {
        json_begin_object(w);
        json_key_c(w, "name");
        json_put_c(w, t->name);
        json_key_c(w, "title");
        json_put_c(w, t->title);
        json_key_c(w, "description");
        json_put_c(w, t->doc);
        json_key_c(w, "inputSchema");
        put_schema(w, t);
        json_key_c(w, "annotations");
        json_begin_object(w);
        json_key_c(w, "readOnlyHint");
        json_put_bool(w, true);
        json_key_c(w, "openWorldHint");
        json_put_bool(w, false);
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

/* ---- a call's words ---- */

struct words {
    struct arena *a;
    char **at;
    size_t n;
};

static void push_word(struct words *w, str word)
{
    char *copy = arena_alloc(w->a, word.n + 1);
    memcpy(copy, word.p, word.n);
    copy[word.n] = '\0';
    w->at[w->n++] = copy;
}

static bool add_word(struct words *w, const struct buf *word, const char *argument, struct err *err)
{
    if (w->n == MCP_WORDS_MAX - 1) {
        err_set(err, "mcp_arguments", "'%s' has too many values for one call", argument);
        err_hint(err, "a call takes at most %d words", MCP_WORDS_MAX);
        return false;
    }
    if (strlen(buf_c(word)) != word->n)
        return err_set(err, "mcp_arguments", "'%s' holds a NUL character", argument);
    push_word(w, buf_str(word));
    return true;
}

static bool add_inputs(struct words *w, const struct mcp_argument *a, json_t *value,
                       struct err *err)
{
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        auto_buf word = BUF(MCP_MESSAGE_MAX);
        buf_addf(&word, "%s=%s=", a->option, key);
        if (json_is_string(member)) {
            buf_add_str(&word, json_text_of(member));
        } else {
            struct json_writer j = JSON_WRITER(&word, false);
            json_put(&j, member);
        }
        if (!add_word(w, &word, a->name, err))
            return false;
    }
    return true;
}

static bool add_value(struct words *w, const struct mcp_argument *a, json_t *value, struct err *err)
{
    auto_buf word = BUF(MCP_MESSAGE_MAX);
    const bool fits[] = {json_is_string(value),
                         json_is_integer(value) && json_integer_value(value) > 0,
                         json_is_boolean(value), json_is_object(value)};
    if (!fits[a->type]) {
        err_set(err, "mcp_arguments", "'%s' must be %s", a->name,
                a->type == MCP_NUMBER ? "a positive integer"
                : a->type == MCP_TEXT ? "a string"
                : a->type == MCP_FLAG ? "true or false"
                                      : "an object");
        return false;
    }
    if (a->type == MCP_INPUTS)
        return add_inputs(w, a, value, err);
    if (a->type == MCP_FLAG && !json_is_true(value))
        return true;
    if (a->option)
        buf_addf(&word, "%s%s", a->option, a->type == MCP_FLAG ? "" : "=");
    if (a->type == MCP_TEXT)
        buf_add_str(&word, json_text_of(value));
    if (a->type == MCP_NUMBER)
        buf_add_int(&word, json_integer_value(value));
    return add_word(w, &word, a->name, err);
}

static bool check_names(const struct mcp_tool *tool, const json_t *arguments, struct err *err)
{
    str names[MCP_WORDS_MAX];
    size_t n = 0;
    const char *key;
    json_t *member, *object = (json_t *)(uintptr_t)arguments;
    for (const struct mcp_argument *a = tool->arguments; a->name; a++) {
        names[n++] = str_of(a->name);
        if (a->required && !json_object_get(arguments, a->name)) {
            err_set(err, "mcp_arguments", "'%s' needs '%s': %s", tool->name, a->name, a->doc);
            return false;
        }
    }
    json_object_foreach(object, key, member)
    {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known |= str_is(names[i], key);
        if (known)
            continue;
        long near = n ? str_nearest(str_of(key), names, n) : -1;
        err_set(err, "mcp_arguments", "'%s' has no argument '%s'", tool->name, key);
        if (near >= 0)
            err_hint(err, "did you mean '%.*s'?", STR_ARG(names[near]));
        return false;
    }
    return true;
}

static bool add_arguments(struct words *w, const struct mcp_tool *tool, const json_t *arguments,
                          bool options, struct err *err)
{
    for (const struct mcp_argument *a = tool->arguments; a->name; a++) {
        json_t *value = json_object_get(arguments, a->name);
        if (value && !json_is_null(value) && options == (a->option != NULL) &&
            !add_value(w, a, value, err))
            return false;
    }
    return true;
}

bool mcp_words(const struct mcp_server_config *config, const struct mcp_tool *tool,
               const json_t *arguments, struct arena *a, char *ret_words[MCP_WORDS_MAX],
               struct err *err)
{
    struct words w = {.a = a, .at = ret_words};
    const char *const *lists[] = {(const char *[]){config->program, NULL}, tool->words,
                                  (const char *[]){tool->text ? NULL : "--json", NULL}};
    auto_buf rest = BUF(8);
    if (!check_names(tool, arguments, err))
        return false;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const char *const *word = lists[l]; word && *word; word++)
            push_word(&w, str_of(*word));
    if (!add_arguments(&w, tool, arguments, true, err))
        return false;
    buf_add_c(&rest, "--");
    if (!add_word(&w, &rest, tool->name, err) || !add_arguments(&w, tool, arguments, false, err))
        return false;
    w.at[w.n] = NULL;
    return true;
}
