#include "prompt/prompt.h"

const char *const prompt_builtin_tools[] = {"read_file", "write_file", "edit_file", "shell",
                                            "glob",      "grep",       "websearch", NULL};

bool prompt_is_builtin_tool(str name)
{
    for (const char *const *t = prompt_builtin_tools; *t; t++)
        if (str_is(name, *t))
            return true;
    return false;
}

static bool is_letter_or_digit(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
}

bool prompt_tool_reference(str text, str *ret_name)
{
    str name = str_sub(text, 8, text.n);
    if (!str_starts(text, STR("//tools:")) || !name.n)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_letter_or_digit(name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
            return false;
    *ret_name = name;
    return true;
}

bool prompt_is_server_name(str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_letter_or_digit(name.p[i]) && name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= PROMPT_SERVER_NAME_MAX;
}

static void put_count(struct json_writer *w, const char *key, int64_t n)
{
    json_key_c(w, key);
    if (n)
        json_put_int(w, n);
    else
        json_put_null(w);
}

static void put_raw(struct json_writer *w, const char *key, str json)
{
    json_key_c(w, key);
    if (json.n)
        json_put_raw(w, json);
    else
        json_put_null(w);
}

static void put_text(struct json_writer *w, const char *key, str text)
{
    json_key_c(w, key);
    json_put_str_or_null(w, text);
}

static void put_tool(struct json_writer *w, const struct prompt_tool *t)
{
    if (!t->server.n) {
        json_put_str(w, t->path.n ? t->path : t->name);
        return;
    }
    json_begin_object(w);
    put_text(w, "mcp", t->name);
    put_raw(w, "config", t->server);
    json_end_object(w);
}

static void put_tools(struct json_writer *w, const struct prompt *p)
{
    json_key_c(w, "tools");
    json_begin_array(w);
    for (uint32_t i = 0; i < p->tool_count; i++)
        put_tool(w, &p->tools[i]);
    if (p->dynamic)
        json_put_c(w, "dynamic");
    json_end_array(w);
}

void prompt_write_json(struct json_writer *w, const struct prompt *p)
{
    json_begin_object(w);
    put_text(w, "name", p->name);
    put_text(w, "path", p->path);
    put_text(w, "description", p->description);
    put_text(w, "type", p->agent ? STR("agent") : STR("llm"));
    put_text(w, "client", p->client);
    json_key_c(w, "inputs");
    type_write_json_schema(w, p->inputs);
    json_key_c(w, "output");
    if (p->output)
        type_write_json_schema(w, p->output);
    else
        json_put_null(w);
    put_tools(w, p);
    put_count(w, "max_turns", p->max_turns);
    json_key_c(w, "temperature");
    if (p->has_temperature)
        json_put_double(w, p->temperature);
    else
        json_put_null(w);
    put_count(w, "max_tokens", p->max_tokens);
    json_key_c(w, "repairs");
    json_put_int(w, p->repairs);
    put_text(w, "system", p->system);
    put_raw(w, "budget", p->budget);
    put_raw(w, "cache", p->cache);
    put_text(w, "extends", p->extends);
    if (p->sha256.n)
        put_text(w, "sha256", p->sha256);
    json_end_object(w);
}
