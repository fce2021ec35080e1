/* The tools of a frontmatter: names, references, and MCP servers. */
#include "base/num.h"
#include "prompt/prompt_int.h"
#include "proxy/rule.h"

static const char *const server_keys[] = {"mcp",     "command", "allow", "deny",
                                          "network", "timeout", NULL};

static void put_texts(struct head *h, struct json_writer *w, const struct yaml_node *map,
                      const char *key)
{
    const struct yaml_node *n = yaml_get(map, key);
    json_key_c(w, key);
    if (!n) {
        json_put_null(w);
        return;
    }
    if (n->kind != YAML_LIST)
        err_hint(head_problem(h, n->at, "invalid_value", "%s: expected a list of texts, found %s",
                              key, yaml_describe(n)),
                 "write %s: [TEXT, TEXT]", key);
    json_begin_array(w);
    for (uint32_t i = 0; n->kind == YAML_LIST && i < n->n; i++)
        json_put_str(w, head_text(h, n->items[i], key));
    json_end_array(w);
}

static void put_network(struct head *h, struct json_writer *w, const struct yaml_node *map)
{
    const struct yaml_node *n = yaml_get(map, "network");
    if (n && n->kind == YAML_SCALAR && str_is(n->text, "all")) {
        json_key_c(w, "network");
        json_put_c(w, "all");
        return;
    }
    put_texts(h, w, map, "network");
    for (uint32_t i = 0; n && n->kind == YAML_LIST && i < n->n; i++)
        if (n->items[i]->kind == YAML_SCALAR && !proxy_rule_is_valid(n->items[i]->text))
            err_hint(head_problem(h, n->items[i]->at, "invalid_value",
                                  "network: '%.*s' is not a host and a port",
                                  STR_ARG(n->items[i]->text)),
                     "write network: [\"example.org:443\"], or network: all");
}

static void put_timeout(struct head *h, struct json_writer *w, const struct yaml_node *map)
{
    const struct yaml_node *n = yaml_get(map, "timeout");
    int64_t ms = 0;
    json_key_c(w, "timeout_ms");
    if (n && n->kind == YAML_SCALAR && n->plain && num_parse_int(n->text, &ms) &&
        ms <= INT64_MAX / 1000)
        ms *= 1000;
    else if (n && (n->kind != YAML_SCALAR || !num_parse_duration(n->text, &ms)))
        ms = -1;
    if (n && ms <= 0)
        err_hint(head_problem(h, n->at, "invalid_value",
                              "timeout: expected a number of seconds or a duration"),
                 "write timeout: 90s");
    if (n)
        json_put_int(w, ms);
    else
        json_put_null(w);
}

static bool read_server(struct head *h, struct prompt_tool *ret, const struct yaml_node *n)
{
    const struct yaml_node *name = yaml_get(n, "mcp"), *command = yaml_get(n, "command");
    auto_buf text = BUF(1 << 16);
    struct json_writer w = JSON_WRITER(&text, false);
    if (!yaml_check_keys(n, "a tool", server_keys, h->errors))
        return false;
    if (!name || !command) {
        err_hint(head_problem(h, n->at, "invalid_value",
                              "tools: a mapping is an MCP server, with its name and its command"),
                 "write {mcp: files, command: mcp-server-filesystem /workspace}");
        return false;
    }
    ret->name = head_text(h, name, "mcp");
    if (ret->name.n && !prompt_is_server_name(ret->name))
        err_hint(head_problem(h, name->at, "invalid_value", "mcp: '%.*s' is no name of a server",
                              STR_ARG(ret->name)),
                 "a name has at most %d letters, digits and -", PROMPT_SERVER_NAME_MAX);
    json_begin_object(&w);
    put_texts(h, &w, n, "allow");
    put_texts(h, &w, n, "deny");
    put_timeout(h, &w, n);
    json_key_c(&w, "command");
    json_put_str(&w, head_text(h, command, "command"));
    put_network(h, &w, n);
    json_end_object(&w);
    ret->server = arena_str(h->arena, buf_str(&text));
    return ret->name.n > 0;
}

static void refuse_name(struct head *h, const struct yaml_node *n, str text)
{
    str names[16];
    size_t count = 0;
    while (prompt_builtin_tools[count])
        names[count] = str_of(prompt_builtin_tools[count]), count++;
    long near = str_nearest(text, names, count);
    struct err *e =
        head_problem(h, n->at, "unknown_tool", "there is no tool '%.*s'", STR_ARG(text));
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
    err_hint(e, "a tool of the repository is written \"//tools:NAME\"");
}

static bool read_named(struct head *h, struct prompt *p, struct prompt_tool *ret,
                       const struct yaml_node *n)
{
    str text = head_text(h, n, "tools");
    *ret = (struct prompt_tool){.name = text};
    if (str_is(text, "dynamic")) {
        p->dynamic = true;
        return false;
    }
    if (prompt_tool_reference(text, &ret->name))
        ret->path = text;
    else if (text.n && !prompt_is_builtin_tool(text))
        return refuse_name(h, n, text), false;
    return text.n > 0;
}

static void add_tool(struct head *h, struct prompt *p, struct prompt_tool *tools,
                     const struct yaml_node *n)
{
    struct prompt_tool tool = {0};
    if (!(n->kind == YAML_MAP ? read_server(h, &tool, n) : read_named(h, p, &tool, n)))
        return;
    for (uint32_t i = 0; i < p->tool_count; i++) {
        if (str_eq(tools[i].name, tool.name)) {
            err_hint(head_problem(h, n->at, "duplicate_tool", "there are two tools called '%.*s'",
                                  STR_ARG(tool.name)),
                     "remove one of the two");
            return;
        }
    }
    tools[p->tool_count++] = tool;
}

void head_tools(struct head *h, struct prompt *p, const struct yaml_node *n)
{
    if (n->kind != YAML_LIST || n->n > PROMPT_TOOLS_MAX) {
        err_hint(head_problem(h, n->at, "invalid_value",
                              "tools: expected a list of at most %d tools, found %s",
                              PROMPT_TOOLS_MAX, yaml_describe(n)),
                 "write tools: [read_file, grep]");
        return;
    }
    struct prompt_tool *tools = arena_array(h->arena, struct prompt_tool, n->n);
    p->tools = tools;
    p->tool_count = 0;
    p->dynamic = false;
    for (uint32_t i = 0; i < n->n; i++)
        add_tool(h, p, tools, n->items[i]);
}
