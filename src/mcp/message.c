#include "mcp/message.h"
#include "json/error.h"

void mcp_lines_done(struct mcp_lines *l)
{
    buf_done(&l->held);
}

void mcp_lines_add(struct mcp_lines *l, str bytes)
{
    buf_add_str(&l->held, bytes);
}

/* Forgets the first n bytes. */
static void drop(struct mcp_lines *l, size_t n)
{
    buf_cut(&l->held, 0, n);
    l->scanned = 0;
}

static bool is_blank(str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
            return false;
    return true;
}

enum mcp_line mcp_lines_next(struct mcp_lines *l, struct buf *ret_line)
{
    for (;;) {
        size_t end = str_find_byte(buf_str(&l->held), '\n', l->scanned);
        bool whole = end != SIZE_MAX, was_skipping = l->skipping;
        if (!whole && !l->skipping && l->held.n <= MCP_MESSAGE_MAX) {
            l->scanned = l->held.n;
            return MCP_LINE_NONE;
        }
        size_t n = whole ? end : l->held.n;
        bool usable = !was_skipping && n <= MCP_MESSAGE_MAX && !is_blank(str_make(l->held.p, n));
        if (usable)
            buf_add(ret_line, l->held.p, n);
        l->skipping = !whole;
        drop(l, whole ? n + 1 : n);
        if (usable)
            return MCP_LINE_WHOLE;
        if (!was_skipping && n > MCP_MESSAGE_MAX)
            return MCP_LINE_TOO_LONG;
        if (!whole)
            return MCP_LINE_NONE;
    }
}

/* ---- messages ---- */

static bool refuse(enum rpc_code *ret_code, enum rpc_code code)
{
    *ret_code = code;
    return false;
}

static bool check_shape(struct mcp_message *m, struct err *err)
{
    json_t *id = json_object_get(m->tree, "id"), *method = json_object_get(m->tree, "method");
    if (id && !json_is_string(id) && !json_is_integer(id))
        return err_set(err, "mcp_message", "a request's id must be a string or an integer");
    m->id = id;
    if (!str_is(json_get_text(m->tree, "jsonrpc"), "2.0"))
        return err_set(err, "mcp_message", "a message needs \"jsonrpc\": \"2.0\"");
    if (!method) {
        bool answers = json_object_get(m->tree, "result") || json_object_get(m->tree, "error");
        m->kind = MCP_RESPONSE;
        return (id && answers) ||
               err_set(err, "mcp_message", "a message needs a method, or an id and a result");
    }
    if (!json_is_string(method))
        return err_set(err, "mcp_message", "a message's method must be a string");
    m->method = json_text_of(method);
    m->params = json_object_get(m->tree, "params");
    m->kind = id ? MCP_REQUEST : MCP_NOTIFICATION;
    return !m->params || json_is_object(m->params) ||
           err_set(err, "mcp_message", "a message's params must be an object");
}

bool mcp_message_parse(str line, struct mcp_message *ret, enum rpc_code *ret_code, struct err *err)
{
    *ret = (struct mcp_message){.tree = json_parse(line, STR("message"), 0, err)};
    if (!ret->tree)
        return refuse(ret_code, RPC_PARSE_ERROR);
    if (!json_is_object(ret->tree)) {
        err_set(err, "mcp_message", "a message must be a JSON object");
        err_hint(err, "send one message a line; batches are not part of protocol 2025-06-18");
        return refuse(ret_code, RPC_INVALID_REQUEST);
    }
    return check_shape(ret, err) || refuse(ret_code, RPC_INVALID_REQUEST);
}

void mcp_message_done(struct mcp_message *m)
{
    json_decref(m->tree);
    *m = (struct mcp_message){0};
}

static void begin(struct json_writer *w, const json_t *id)
{
    json_begin_object(w);
    json_key_c(w, "jsonrpc");
    json_put_c(w, "2.0");
    json_key_c(w, "id");
    if (id)
        json_put(w, id);
    else
        json_put_null(w);
}

void mcp_begin_result(struct json_writer *w, const json_t *id)
{
    begin(w, id);
    json_key_c(w, "result");
}

void mcp_end_message(struct json_writer *w)
{
    json_end_object(w);
    buf_add_byte(w->out, '\n');
}

void mcp_put_error(struct buf *b, const json_t *id, enum rpc_code code, const struct err *e)
{
    struct json_writer w = JSON_WRITER(b, false);
    begin(&w, id);
    json_key_c(&w, "error");
    json_begin_object(&w);
    json_key_c(&w, "code");
    json_put_int(&w, code);
    json_key_c(&w, "message");
    json_put_str(&w, e->message);
    json_key_c(&w, "data");
    json_put_error(&w, NULL, e);
    json_end_object(&w);
    mcp_end_message(&w);
}
