#include "mcp/client.h"
#include "base/vec.h"

static const char *const versions[] = {"2025-06-18", "2025-03-26", "2024-11-05"};

enum { FOUND_MAX = 200 /* bytes of a server's text in a message */ };

struct waiting {
    int64_t id;
    mcp_result_fn *done;
    void *data;
};

struct mcp_client {
    struct mcp_client_owner owner;
    struct mcp_lines lines;
    int64_t last_id;
    VEC(struct waiting) waiting;
    json_t *tools;
    unsigned pages;
    bool ready, ended;
};

/* ---- what is sent ---- */

static void send_json(struct mcp_client *c, json_t *message)
{
    auto_free char *text = json_dumps(message, JSON_COMPACT);
    auto_buf line = BUF(2 * MCP_MESSAGE_MAX);
    json_decref(message);
    buf_addf(&line, "%s\n", text);
    c->owner.send(c->owner.data, buf_str(&line));
}

/* Takes params. */
static int64_t ask(struct mcp_client *c, const char *method, json_t *params, mcp_result_fn *done,
                   void *data)
{
    int64_t id = ++c->last_id;
    vec_push(&c->waiting, (struct waiting){id, done, data});
    send_json(c, json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)id, "method",
                           method, "params", params));
    return id;
}

static void notify(struct mcp_client *c, const char *method, json_t *params)
{
    json_t *message = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", method);
    if (params)
        json_object_set_new(message, "params", params);
    send_json(c, message);
}

static void get_ready(struct mcp_client *c, const struct err *err)
{
    if (c->ready || c->ended)
        return;
    c->ready = !err;
    c->ended = err != NULL;
    c->owner.ready(c->owner.data, err);
}

/* ---- the handshake ---- */

static void list_tools(struct mcp_client *c, json_t *cursor);

static void listed(void *data, json_t *result, const struct err *err)
{
    struct mcp_client *c = data;
    auto_err wrong = ERR_INIT;
    json_t *page = json_object_get(result, "tools"), *next = json_object_get(result, "nextCursor");
    if (err) {
        get_ready(c, err);
        return;
    }
    json_array_extend(c->tools, page);
    if (!json_is_array(page))
        err_set(&wrong, "mcp_server", "tools/list was answered without a list of tools");
    else if (json_array_size(c->tools) > MCP_SERVER_TOOLS_MAX ||
             (json_is_string(next) && ++c->pages == MCP_PAGES_MAX))
        err_set(&wrong, "mcp_server", "the server has more than %d tools", MCP_SERVER_TOOLS_MAX);
    else if (json_is_string(next)) {
        list_tools(c, next);
        return;
    }
    get_ready(c, err_is_set(&wrong) ? &wrong : NULL);
}

static void list_tools(struct mcp_client *c, json_t *cursor)
{
    json_t *params = json_object();
    if (cursor)
        json_object_set(params, "cursor", cursor);
    ask(c, "tools/list", params, listed, c);
}

static bool is_known_version(str version)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (str_is(version, versions[i]))
            return true;
    return false;
}

static void greeted(void *data, json_t *result, const struct err *err)
{
    struct mcp_client *c = data;
    auto_err wrong = ERR_INIT;
    str version = json_get_text(result, "protocolVersion");
    if (!err && !is_known_version(version)) {
        err_set(&wrong, "mcp_server",
                "the server speaks version '%.*s' of the protocol, which is not known here",
                STR_ARG(str_sub(version, 0, version.n < 40 ? version.n : 40)));
        err_hint(&wrong, "known are %s, %s and %s", versions[0], versions[1], versions[2]);
    } else if (!err && !json_object_get(json_object_get(result, "capabilities"), "tools")) {
        err_set(&wrong, "mcp_server", "the server offers no tools");
    }
    if (err || err_is_set(&wrong)) {
        get_ready(c, err ? err : &wrong);
        return;
    }
    notify(c, "notifications/initialized", NULL);
    list_tools(c, NULL);
}

struct mcp_client *mcp_client_new(str version, const struct mcp_client_owner *owner)
{
    struct mcp_client *c = mem_zalloc(sizeof *c);
    *c = (struct mcp_client){.owner = *owner, .lines = MCP_LINES, .tools = json_array()};
    ask(c, "initialize",
        json_pack("{s:s, s:{}, s:{s:s, s:s%}}", "protocolVersion", versions[0], "capabilities",
                  "clientInfo", "name", "plue", "version", version.p, version.n),
        greeted, c);
    return c;
}

void mcp_client_free(struct mcp_client *c)
{
    if (!c)
        return;
    mcp_lines_done(&c->lines);
    vec_done(&c->waiting);
    json_decref(c->tools);
    free(c);
}

/* ---- what has come ---- */

static bool take_waiting(struct mcp_client *c, int64_t id, struct waiting *ret)
{
    for (size_t i = 0; i < c->waiting.n; i++)
        if (c->waiting.at[i].id == id) {
            *ret = c->waiting.at[i];
            c->waiting.at[i] = vec_pop(&c->waiting);
            return true;
        }
    return false;
}

static void set_remote_error(json_t *error, struct err *err)
{
    str message = json_get_text(error, "message");
    if (message.n > 4 * FOUND_MAX)
        message.n = 4 * FOUND_MAX;
    err_set(err, "mcp_server", "the server answered with error %lld: %.*s",
            (long long)json_integer_value(json_object_get(error, "code")), STR_ARG(message));
}

static void take_answer(struct mcp_client *c, const struct mcp_message *m)
{
    auto_err err = ERR_INIT;
    struct waiting w;
    json_t *result = json_object_get(m->tree, "result");
    /* Of a call that was cancelled, or never made. */
    if (!json_is_integer(m->id) || !take_waiting(c, json_integer_value(m->id), &w))
        return;
    if (!json_is_object(result))
        set_remote_error(json_object_get(m->tree, "error"), &err);
    w.done(w.data, err_is_set(&err) ? NULL : result, err_is_set(&err) ? &err : NULL);
}

static void answer_request(struct mcp_client *c, const struct mcp_message *m)
{
    auto_buf line = BUF(8192);
    auto_err err = ERR_INIT;
    if (str_is(m->method, "ping")) {
        struct json_writer w = JSON_WRITER(&line, false);
        mcp_begin_result(&w, m->id);
        json_begin_object(&w);
        json_end_object(&w);
        mcp_end_message(&w);
    } else {
        err_set(&err, "mcp_method", "this client has no method '%.*s'",
                STR_ARG(str_sub(m->method, 0, m->method.n < 100 ? m->method.n : 100)));
        mcp_put_error(&line, m->id, RPC_UNKNOWN_METHOD, &err);
    }
    c->owner.send(c->owner.data, buf_str(&line));
}

static void take_notification(struct mcp_client *c, const struct mcp_message *m)
{
    json_t *data = json_object_get(m->params, "data");
    if (!str_is(m->method, "notifications/message") || !data)
        return;
    auto_free char *text = json_is_string(data) ? NULL : json_dumps(data, JSON_ENCODE_ANY);
    c->owner.logged(c->owner.data, text ? str_of(text) : json_text_of(data));
}

static void take_line(struct mcp_client *c, str line)
{
    auto_message m = {0};
    auto_err err = ERR_INIT, wrong = ERR_INIT;
    enum rpc_code code;
    if (!mcp_message_parse(line, &m, &code, &err)) {
        size_t n = line.n < FOUND_MAX ? line.n : FOUND_MAX;
        err_set(&wrong, "mcp_server", "the server wrote what is no message: %.*s",
                STR_ARG(str_make(line.p, n)));
        err_hint(&wrong, "its standard output is for messages alone; the rest goes to stderr");
        mcp_client_end(c, &wrong);
    } else if (m.kind == MCP_RESPONSE) {
        take_answer(c, &m);
    } else if (m.kind == MCP_REQUEST) {
        answer_request(c, &m);
    } else {
        take_notification(c, &m);
    }
}

void mcp_client_add(struct mcp_client *c, str bytes)
{
    auto_err err = ERR_INIT;
    for (size_t at = 0; at < bytes.n && !c->ended;) {
        str piece = str_sub(bytes, at, at + MCP_MESSAGE_MAX);
        at += piece.n;
        mcp_lines_add(&c->lines, piece);
        for (bool more = true; more && !c->ended;) {
            auto_buf line = BUF(MCP_MESSAGE_MAX);
            enum mcp_line kind = mcp_lines_next(&c->lines, &line);
            more = kind != MCP_LINE_NONE;
            if (kind == MCP_LINE_WHOLE)
                take_line(c, buf_str(&line));
            if (kind != MCP_LINE_TOO_LONG)
                continue;
            err_set(&err, "mcp_server", "the server wrote a message of more than %d MiB",
                    MCP_MESSAGE_MAX >> 20);
            mcp_client_end(c, &err);
        }
    }
}

void mcp_client_end(struct mcp_client *c, const struct err *err)
{
    bool was_ready = c->ready;
    if (c->ended)
        return;
    c->ended = was_ready;
    while (c->waiting.n) {
        struct waiting w = vec_pop(&c->waiting);
        w.done(w.data, NULL, err);
    }
    c->ended = true;
}

json_t *mcp_client_tools(const struct mcp_client *c)
{
    return c->tools;
}

bool mcp_client_is_open(const struct mcp_client *c)
{
    return c->ready && !c->ended;
}

int64_t mcp_client_call(struct mcp_client *c, const char *tool, json_t *arguments,
                        mcp_result_fn *done, void *data)
{
    return ask(c, "tools/call", json_pack("{s:s, s:O}", "name", tool, "arguments", arguments), done,
               data);
}

void mcp_client_cancel(struct mcp_client *c, int64_t call, const char *reason)
{
    struct waiting w;
    if (!take_waiting(c, call, &w) || c->ended)
        return;
    notify(c, "notifications/cancelled",
           json_pack("{s:I, s:s}", "requestId", (json_int_t)call, "reason", reason));
}
