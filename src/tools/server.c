/* An MCP server as a source of tools: a process in the run's sandbox that lives as long as the
 * agent's tools, asked over its standard input and output. */
#include "base/glob.h"
#include "mcp/client.h"
#include "tools/tools_int.h"
#include "types/schema.h"
#include <signal.h>

enum { LAST_WORDS_MAX = 400 /* bytes of stderr in the message of a server that ended */ };

struct server_tool {
    const char *name;      /* the server's own */
    str full;              /* SERVER__NAME, for models */
    struct schema *schema; /* NULL: not checked here */
};

struct server {
    struct tools *tools;
    str name, command;
    const str *allow, *deny;
    size_t allow_count, deny_count;
    int64_t timeout_ms;
    enum sandbox_network network;
    const char **hosts; /* NULL-terminated */
    struct runner_step *process;
    struct mcp_client *client;
    uv_timer_t *timer; /* of its start, then of its end */
    struct buf errors; /* the last of stderr */
    struct buf line;   /* of stderr, not ended yet */
    VEC(struct server_tool) all;
    json_t *described;
    struct err err; /* why it cannot be used */
    bool ready, running, ending;
};

/* ---- what it is ---- */

static void read_texts(struct arena *a, json_t *list, const str **ret, size_t *ret_n)
{
    size_t i;
    json_t *text;
    str *texts = arena_alloc(a, (json_array_size(list) + 1) * sizeof *texts);
    json_array_foreach(list, i, text)
    {
        texts[i] = arena_str(a, json_text_of(text));
    }
    *ret = texts;
    *ret_n = json_array_size(list);
}

static void read_network(struct server *s, json_t *network)
{
    struct arena *a = &s->tools->arena;
    const str *hosts;
    size_t n;
    read_texts(a, network, &hosts, &n);
    s->hosts = arena_alloc(a, (n + 1) * sizeof *s->hosts);
    for (size_t i = 0; i < n; i++)
        s->hosts[i] = arena_cstr(a, hosts[i]);
    s->hosts[n] = NULL;
    s->network = str_is(json_text_of(network), "all") ? SANDBOX_NETWORK_ALL
                 : n                                  ? SANDBOX_NETWORK_PROXY
                                                      : SANDBOX_NETWORK_NONE;
}

struct server *server_new(struct tools *t, json_t *tool)
{
    json_t *config = json_object_get(tool, "config");
    struct server *s = mem_zalloc(sizeof *s);
    *s = (struct server){.tools = t,
                         .name = arena_str(&t->arena, json_get_text(tool, "name")),
                         .command = arena_str(&t->arena, json_get_text(config, "command")),
                         .timeout_ms = json_integer_value(json_object_get(config, "timeout_ms")),
                         .errors = BUF(2 * LAST_WORDS_MAX),
                         .line = BUF(TOOLS_TEXT_MAX),
                         .described = json_array()};
    if (!s->timeout_ms)
        s->timeout_ms = TOOLS_TIMEOUT_MS;
    read_texts(&t->arena, json_object_get(config, "allow"), &s->allow, &s->allow_count);
    read_texts(&t->arena, json_object_get(config, "deny"), &s->deny, &s->deny_count);
    if (!json_is_array(json_object_get(config, "allow")))
        s->allow = NULL;
    read_network(s, json_object_get(config, "network"));
    return s;
}

static void timer_closed(uv_handle_t *h)
{
    free(h);
}

void server_free(struct server *s)
{
    if (s->timer)
        uv_close((uv_handle_t *)s->timer, timer_closed);
    vec_each (t, &s->all)
        schema_free(t->schema);
    vec_done(&s->all);
    mcp_client_free(s->client);
    json_decref(s->described);
    buf_done(&s->errors);
    buf_done(&s->line);
    err_done(&s->err);
    free(s);
}

bool server_is_ready(const struct server *s, const struct err **ret_err)
{
    *ret_err = err_is_set(&s->err) ? &s->err : NULL;
    return s->ready;
}

bool server_is_running(const struct server *s)
{
    return s->running;
}

json_t *server_tools(const struct server *s)
{
    return s->described;
}

static void fail(struct server *s, const struct err *err)
{
    if (err_is_set(&s->err))
        return;
    err_set(&s->err, "mcp_server", "the MCP server %.*s cannot be used: %.*s", STR_ARG(s->name),
            STR_ARG(err->message));
    if (err->hint.n)
        err_hint(&s->err, "%.*s", STR_ARG(err->hint));
}

/* ---- its tools ---- */

static bool is_granted(const struct server *s, str tool)
{
    bool allowed = !s->allow;
    for (size_t i = 0; i < s->allow_count; i++)
        allowed = allowed || glob_match(s->allow[i], tool);
    for (size_t i = 0; i < s->deny_count; i++)
        allowed = allowed && !glob_match(s->deny[i], tool);
    return allowed;
}

static bool is_plain_name(str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return name.n > 0 && name.n <= TOOLS_NAME_MAX;
}

static void note(struct server *s, str line)
{
    auto_buf valid = BUF(4 * TOOLS_TEXT_MAX);
    add_valid(&valid, line);
    if (s->tools->options.noted && line.n)
        s->tools->options.noted(s->tools->options.user, s->name, buf_str(&valid));
}

static const struct server_tool *find_tool(const struct server *s, str full)
{
    for (size_t i = 0; i < s->all.n; i++)
        if (str_eq(s->all.at[i].full, full))
            return &s->all.at[i];
    return NULL;
}

/* Servers say draft-07 for what means the same in 2020-12. NULL where it does not: then the server
 * alone checks arguments. */
static struct schema *compile(struct server *s, str tool, json_t *schema)
{
    struct err_list errors = {0};
    auto_buf line = BUF(8192);
    json_t *plain = json_copy(schema);
    json_object_del(plain, "$schema");
    struct schema *compiled = schema_compile(plain, NULL, &errors);
    if (!compiled) {
        buf_addf(&line, "arguments of '%.*s' are not checked here: %.*s", STR_ARG(tool),
                 STR_ARG(errors.at[0].message));
        note(s, buf_str(&line));
    }
    json_decref(plain);
    err_list_done(&errors);
    return compiled;
}

static void add_tool(struct server *s, json_t *listed)
{
    struct arena *a = &s->tools->arena;
    auto_buf line = BUF(8192);
    str own = json_get_text(listed, "name");
    json_t *schema = json_object_get(listed, "inputSchema");
    str full =
        arena_printf(a, "%.*s" TOOLS_SERVER_SEPARATOR "%.*s", STR_ARG(s->name), STR_ARG(own));
    if (!is_granted(s, own))
        return;
    struct server_tool tool = {arena_cstr(a, own), full, NULL};
    if (!is_plain_name(full))
        buf_addf(&line,
                 "the tool '%.*s' is left out: models take names of at most %d letters, "
                 "digits, _ and -, %.*s__ included",
                 STR_ARG(str_sub(own, 0, 200)), TOOLS_NAME_MAX, STR_ARG(s->name));
    else if (find_tool(s, full))
        buf_addf(&line, "the tool '%.*s' is listed twice: the first one counts", STR_ARG(own));
    else if (!json_is_object(schema))
        buf_addf(&line, "the tool '%.*s' is left out: its inputSchema is no object", STR_ARG(own));
    if (line.n) {
        note(s, buf_str(&line));
        return;
    }
    tool.schema = compile(s, own, schema);
    vec_push(&s->all, tool);
    str description = json_get_text(listed, "description");
    json_array_append_new(s->described,
                          json_pack("{s:s%, s:s%, s:O}", "name", full.p, full.n, "description",
                                    description.p, description.n, "input_schema", schema));
}

/* A grant that means nothing is a mistake, not a server without tools. */
static bool check_grants(struct server *s, json_t *listed, struct err *err)
{
    json_t *tool;
    size_t n;
    auto_buf names = BUF(1 << 16);
    json_array_foreach(listed, n, tool)
    {
        str name = json_get_text(tool, "name");
        buf_addf(&names, "%s%.*s", n ? ", " : "", STR_ARG(str_sub(name, 0, 200)));
    }
    for (size_t i = 0; i < s->allow_count; i++) {
        bool any = false;
        json_array_foreach(listed, n, tool)
        {
            any = any || glob_match(s->allow[i], json_get_text(tool, "name"));
        }
        if (any)
            continue;
        err_set(err, "mcp_server", "allow= names '%.*s', and it has no such tool",
                STR_ARG(s->allow[i]));
        err_hint(err, "it has: %s", buf_c(&names));
        return false;
    }
    return true;
}

/* ---- the conversation ---- */

static void changed(struct server *s)
{
    s->ready = true;
    tools_server_changed(s->tools);
}

static void on_ready(void *data, const struct err *err)
{
    struct server *s = data;
    auto_err wrong = ERR_INIT;
    json_t *tool, *listed = mcp_client_tools(s->client);
    size_t i;
    uv_timer_stop(s->timer);
    if (err || !check_grants(s, listed, &wrong)) {
        fail(s, err ? err : &wrong);
    } else {
        json_array_foreach(listed, i, tool)
        {
            add_tool(s, tool);
        }
    }
    changed(s);
}

static void send_line(void *data, str line)
{
    struct server *s = data;
    /* A server that reads nothing ends by its timeouts. */
    if (s->process)
        (void)!runner_send(s->process, line);
}

static void logged(void *data, str text)
{
    note(data, text);
}

/* ---- its process ---- */

static void keep_errors(struct server *s, str bytes)
{
    buf_add_str(&s->errors,
                str_sub(bytes, bytes.n > LAST_WORDS_MAX ? bytes.n - LAST_WORDS_MAX : 0, bytes.n));
    if (s->errors.n > LAST_WORDS_MAX)
        buf_cut(&s->errors, 0, s->errors.n - LAST_WORDS_MAX);
    while (bytes.n) {
        size_t end = str_find_byte(bytes, '\n', 0);
        str part = str_sub(bytes, 0, end);
        buf_add_str(&s->line, part);
        if (end == SIZE_MAX && !s->line.overflow)
            return;
        note(s, buf_str(&s->line));
        buf_done(&s->line);
        s->line = BUF(TOOLS_TEXT_MAX);
        bytes = end == SIZE_MAX ? STR("") : str_sub(bytes, end + 1, bytes.n);
    }
}

static void wrote(void *user, enum runner_stream stream, str bytes)
{
    struct server *s = user;
    if (stream == RUNNER_STDERR)
        keep_errors(s, bytes);
    else if (!s->ending)
        mcp_client_add(s->client, bytes);
}

static void tell_unused_hosts(struct server *s, const struct runner_exit *x)
{
    const struct tools_options *o = &s->tools->options;
    for (size_t i = 0; o->host_unused && i < x->host_count && s->hosts[i]; i++)
        if (!x->host_used[i])
            o->host_unused(o->user, s->name, str_of(s->hosts[i]));
}

static void exited(void *user, const struct runner_exit *x)
{
    struct server *s = user;
    auto_err err = ERR_INIT;
    str words = str_trim(buf_str(&s->errors));
    s->process = NULL;
    uv_timer_stop(s->timer);
    if (s->line.n)
        note(s, buf_str(&s->line));
    if (x->err)
        err_set(&err, "mcp_server", "%.*s", STR_ARG(x->err->message));
    else
        tell_unused_hosts(s, x);
    if (!x->err)
        err_set(&err, "mcp_server", "it ended with exit code %d%s%.*s", x->exit_code,
                words.n ? ": " : "", STR_ARG(words));
    if (x->exit_code == 127)
        err_hint(&err, "steps see the host's /usr, or image=, and the workspace: install the "
                       "server there");
    mcp_client_end(s->client, &err);
    s->running = false;
    tools_server_changed(s->tools);
}

static void too_late(uv_timer_t *timer)
{
    struct server *s = timer->data;
    auto_err err = ERR_INIT;
    if (s->process)
        runner_kill(s->process, SIGKILL);
    if (s->ending)
        return;
    err_set(&err, "mcp_server", "it has not listed its tools within %d seconds",
            TOOLS_SERVER_START_MS / 1000);
    mcp_client_end(s->client, &err);
}

void server_start(struct server *s)
{
    struct tools *t = s->tools;
    auto_buf id = BUF(300);
    const struct mcp_client_owner owner = {send_line, on_ready, logged, s};
    tool_process_name(t, &id);
    s->timer = mem_zalloc(sizeof *s->timer);
    uv_timer_init(t->options.loop, s->timer);
    s->timer->data = s;
    uv_timer_start(s->timer, too_late, TOOLS_SERVER_START_MS, 0);
    s->running = true;
    struct runner_exec exec = {.step = buf_c(&id),
                               .script = s->command,
                               .env = t->options.env,
                               .path = t->options.path,
                               .image = t->options.image,
                               .network = s->network,
                               .hosts = s->hosts,
                               .input = true,
                               .output = wrote,
                               .exit = exited,
                               .user = s};
    s->process = runner_exec(t->options.workspace, &exec);
    s->client = mcp_client_new(STR(PLUE_VERSION), &owner);
}

void server_end(struct server *s)
{
    if (!s->running || s->ending)
        return;
    s->ending = true;
    if (s->process)
        runner_end_input(s->process);
    uv_timer_start(s->timer, too_late, TOOLS_SERVER_END_MS, 0);
}

void server_kill(struct server *s)
{
    s->ending = s->running;
    if (s->process)
        runner_kill(s->process, SIGKILL);
}

/* ---- calls ---- */

static void add_block(json_t *block, struct buf *text)
{
    str type = json_get_text(block, "type");
    json_t *resource = json_object_get(block, "resource");
    if (text->n)
        buf_add_byte(text, '\n');
    if (str_is(type, "text"))
        buf_add_str(text, json_get_text(block, "text"));
    else if (str_is(type, "resource") && json_is_string(json_object_get(resource, "text")))
        buf_add_str(text, json_get_text(resource, "text"));
    else if (str_is(type, "resource_link"))
        buf_addf(text, "[resource %.*s]", STR_ARG(json_get_text(block, "uri")));
    else
        buf_addf(text, "[%.*s of type %.*s, %zu bytes of base64, is not shown]",
                 STR_ARG(type.n ? type : STR("content")), STR_ARG(json_get_text(block, "mimeType")),
                 json_get_text(block, "data").n);
}

static void drop_timer(struct tool_call *c)
{
    uv_close((uv_handle_t *)c->timer, timer_closed);
    c->timer = NULL;
}

static void answered(void *data, json_t *result, const struct err *err)
{
    struct tool_call *c = data;
    auto_buf text = BUF(2 * MCP_MESSAGE_MAX), clipped = BUF(8 * TOOLS_TEXT_MAX);
    json_t *block, *structured = json_object_get(result, "structuredContent");
    size_t i;
    json_array_foreach(json_object_get(result, "content"), i, block)
    {
        add_block(block, &text);
    }
    if (!text.n && structured) {
        auto_free char *json = json_dumps(structured, JSON_COMPACT | JSON_PRESERVE_ORDER);
        buf_add_c(&text, json);
    }
    if (err)
        buf_addf(&text, "%.*s: %.*s", STR_ARG(c->server->name), STR_ARG(err->message));
    tools_clip(buf_str(&text), &clipped);
    drop_timer(c);
    tool_done(c, buf_str(&clipped), err || json_is_true(json_object_get(result, "isError")));
}

static void too_long(uv_timer_t *timer)
{
    struct tool_call *c = timer->data;
    auto_err err = ERR_INIT;
    mcp_client_cancel(c->server->client, c->number, "it took too long");
    err_set(&err, "mcp_server", "no answer within %lld s: the call was cancelled",
            (long long)(c->timeout_ms / 1000));
    answered(c, NULL, &err);
}

static bool check_input(const struct server_tool *t, json_t *input, struct err *err)
{
    struct err_list errors = {.max = 20};
    auto_buf text = BUF(1 << 16);
    bool ok = !t->schema || schema_check(t->schema, input, STR("argument"), &errors);
    for (size_t i = 0; i < errors.n; i++)
        buf_addf(&text, "%s%.*s", i ? "; " : "", STR_ARG(errors.at[i].message));
    err_list_done(&errors);
    return ok || err_set(err, "tool_arguments", "%.*s: %s", STR_ARG(t->full), buf_c(&text));
}

bool server_call(struct server *s, struct tool_call *c, str name, struct err *err)
{
    const struct server_tool *t = find_tool(s, name);
    if (!check_input(t, c->input, err))
        return false;
    if (!s->process || !mcp_client_is_open(s->client))
        return err_set(err, "mcp_server", "the MCP server %.*s has ended: its tools are gone",
                       STR_ARG(s->name));
    c->server = s;
    c->timeout_ms = s->timeout_ms;
    c->timer = mem_zalloc(sizeof *c->timer);
    uv_timer_init(s->tools->options.loop, c->timer);
    c->timer->data = c;
    uv_timer_start(c->timer, too_long, (uint64_t)c->timeout_ms, 0);
    c->number = mcp_client_call(s->client, t->name, c->input, answered, c);
    return true;
}
