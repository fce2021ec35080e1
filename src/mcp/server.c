#include "base/arena.h"
#include "base/clock.h"
#include "base/fd.h"
#include "mcp/server_int.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PROTOCOL "2025-06-18"

enum { INPUT_BYTES = 64 << 10, OUTPUT_MAX = 64 << 20 };

struct server {
    const struct mcp_server_config *config;
    struct mcp_lines lines;
    VEC(struct mcp_call *) calls;
    struct buf out; /* what is written at the end of each round */
    bool initialized, ended;
};

static void server_done(struct server *s)
{
    vec_each (c, &s->calls) {
        mcp_call_done(*c);
        free(*c);
    }
    vec_done(&s->calls);
    mcp_lines_done(&s->lines);
    buf_done(&s->out);
}

/* ---- methods ---- */

static void answer_initialize(struct server *s, const struct mcp_message *m)
{
    struct json_writer w = JSON_WRITER(&s->out, false);
    s->initialized = true;
    mcp_begin_result(&w, m->id);
    json_begin_object(&w);
    json_key_c(&w, "protocolVersion");
    json_put_c(&w, PROTOCOL);
    json_key_c(&w, "capabilities");
    json_begin_object(&w);
    json_key_c(&w, "tools");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    json_key_c(&w, "serverInfo");
    json_begin_object(&w);
    json_key_c(&w, "name");
    json_put_c(&w, s->config->name);
    json_key_c(&w, "version");
    json_put_c(&w, s->config->version);
    json_end_object(&w);
    json_key_c(&w, "instructions");
    json_put_c(&w, s->config->instructions);
    json_end_object(&w);
    mcp_end_message(&w);
}

static void answer_ping(struct server *s, const struct mcp_message *m)
{
    struct json_writer w = JSON_WRITER(&s->out, false);
    mcp_begin_result(&w, m->id);
    json_begin_object(&w);
    json_end_object(&w);
    mcp_end_message(&w);
}

static void answer_tools_list(struct server *s, const struct mcp_message *m)
{
    struct json_writer w = JSON_WRITER(&s->out, false);
    mcp_begin_result(&w, m->id);
    json_begin_object(&w);
    json_key_c(&w, "tools");
    mcp_put_tools(&w, s->config->tools);
    json_end_object(&w);
    mcp_end_message(&w);
}

static const struct mcp_tool *find_tool(struct server *s, str name, struct err *err)
{
    str names[MCP_WORDS_MAX];
    size_t n = 0;
    for (const struct mcp_tool *t = s->config->tools; t->name; t++) {
        if (str_is(name, t->name))
            return t;
        names[n++] = str_of(t->name);
    }
    long near = str_nearest(name, names, n);
    err_set(err, "mcp_arguments", "there is no tool '%.*s'", STR_ARG(name));
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(names[near]));
    else
        err_hint(err, "tools/list names all tools");
    return NULL;
}

static bool start_call(struct server *s, const struct mcp_message *m, struct err *err)
{
    auto_arena a = {0};
    char *words[MCP_WORDS_MAX];
    json_t *arguments = json_object_get(m->params, "arguments");
    const struct mcp_tool *tool = find_tool(s, json_get_text(m->params, "name"), err);
    if (!tool)
        return false;
    if (arguments && !json_is_object(arguments))
        return err_set(err, "mcp_arguments", "a call's arguments must be an object");
    if (s->calls.n == MCP_CALLS_MAX) {
        err_set(err, "mcp_busy", "%d calls run already", MCP_CALLS_MAX);
        err_hint(err, "wait for one of them, or cancel it");
        return false;
    }
    vec_each (c, &s->calls)
        if ((*c)->id && json_equal((*c)->id, m->id))
            return err_set(err, "mcp_message", "a call with this id runs already");
    if (!mcp_words(s->config, tool, arguments, &a, words, err))
        return false;
    struct mcp_call *call = mem_zalloc(sizeof *call);
    *call = (struct mcp_call){.tool = tool, .out = -1, .errors = -1};
    if (!mcp_call_start(call, words, err)) {
        free(call);
        return false;
    }
    call->id = json_incref(m->id);
    vec_push(&s->calls, call);
    return true;
}

static void answer_call(struct server *s, const struct mcp_message *m)
{
    auto_err e = ERR_INIT;
    if (start_call(s, m, &e))
        return;
    bool theirs = strncmp(e.code, "mcp_", 4) == 0;
    mcp_put_error(&s->out, m->id, theirs ? RPC_INVALID_PARAMS : RPC_INTERNAL, &e);
}

/* One that has ended meanwhile is no error: the notice and the answer may have crossed. */
static void cancel_call(struct server *s, const struct mcp_message *m)
{
    json_t *id = json_object_get(m->params, "requestId");
    vec_each (c, &s->calls)
        if (id && (*c)->id && json_equal((*c)->id, id)) {
            json_decref((*c)->id);
            (*c)->id = NULL;
            mcp_call_kill(*c);
        }
}

static const struct method {
    const char *name;
    enum mcp_kind kind;
    bool early; /* also before initialize */
    void (*act)(struct server *s, const struct mcp_message *m);
} methods[] = {
    {"initialize", MCP_REQUEST, true, answer_initialize},
    {"ping", MCP_REQUEST, true, answer_ping},
    {"tools/list", MCP_REQUEST, false, answer_tools_list},
    {"tools/call", MCP_REQUEST, false, answer_call},
    {"notifications/cancelled", MCP_NOTIFICATION, false, cancel_call},
};

static void refuse(struct server *s, const struct mcp_message *m, enum rpc_code code, struct err *e)
{
    mcp_put_error(&s->out, m->id, code, e);
}

/* Responses answer nothing that was asked, and unknown notifications are to be ignored. */
static void take_message(struct server *s, str line)
{
    auto_err e = ERR_INIT;
    auto_message m = {0};
    enum rpc_code code = RPC_INVALID_REQUEST;
    if (!mcp_message_parse(line, &m, &code, &e)) {
        refuse(s, &m, code, &e);
        return;
    }
    if (m.kind == MCP_RESPONSE)
        return;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct method *method = &methods[i];
        if (method->kind != m.kind || !str_is(m.method, method->name))
            continue;
        if (method->early || s->initialized || m.kind == MCP_NOTIFICATION) {
            method->act(s, &m);
            return;
        }
        err_set(&e, "mcp_message", "%s came before initialize", method->name);
        refuse(s, &m, RPC_INVALID_REQUEST, &e);
        return;
    }
    if (m.kind == MCP_NOTIFICATION)
        return;
    err_set(&e, "mcp_method", "there is no method '%.*s'", STR_ARG(m.method));
    err_hint(&e, "this server has initialize, ping, tools/list and tools/call");
    refuse(s, &m, RPC_UNKNOWN_METHOD, &e);
}

/* ---- the loop ---- */

static bool write_out(struct server *s, struct err *err)
{
    if (s->out.overflow)
        return err_set(err, "mcp_output", "the answers of one round are too large");
    int error = s->out.n ? fd_write_all(s->config->out, s->out.p, s->out.n) : 0;
    buf_reset(&s->out);
    return !error || err_errno(err, "mcp_output", error, "cannot write an answer");
}

static bool read_input(struct server *s, struct err *err)
{
    char bytes[INPUT_BYTES];
    ssize_t n = read(s->config->in, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || err_errno(err, "system_failed", errno, "cannot read the input");
    s->ended = n == 0;
    mcp_lines_add(&s->lines, n ? str_make(bytes, (size_t)n) : STR("\n"));
    for (;;) {
        auto_buf line = BUF(MCP_MESSAGE_MAX);
        enum mcp_line found = mcp_lines_next(&s->lines, &line);
        if (found == MCP_LINE_NONE)
            return true;
        if (found == MCP_LINE_WHOLE) {
            take_message(s, buf_str(&line));
        } else {
            auto_err e = ERR_INIT;
            err_set(&e, "mcp_message", "a message has more than %d bytes", MCP_MESSAGE_MAX);
            mcp_put_error(&s->out, NULL, RPC_INVALID_REQUEST, &e);
        }
        if (!write_out(s, err))
            return false;
    }
}

static int next_deadline_ms(struct server *s)
{
    int64_t now = clock_mono_ms(), left = MCP_CALL_MS;
    if (!s->calls.n)
        return -1;
    vec_each (c, &s->calls)
        if (!(*c)->late && (*c)->deadline_ms - now < left)
            left = (*c)->deadline_ms - now;
    return left > 0 ? (int)left : 0;
}

static void end_late_calls(struct server *s)
{
    int64_t now = clock_mono_ms();
    vec_each (c, &s->calls)
        if (!(*c)->late && (*c)->deadline_ms <= now) {
            (*c)->late = true;
            mcp_call_kill(*c);
        }
}

static bool answer_ended(struct server *s, struct err *err)
{
    for (size_t i = 0; i < s->calls.n;) {
        struct mcp_call *call = s->calls.at[i];
        if (!mcp_call_has_ended(call)) {
            i++;
            continue;
        }
        mcp_call_finish(call, &s->out);
        mcp_call_done(call);
        free(call);
        s->calls.at[i] = vec_pop(&s->calls);
        if (!write_out(s, err))
            return false;
    }
    return true;
}

/* Phases: wait, calls, input, deadlines, answers. */
static bool turn(struct server *s, struct err *err)
{
    struct pollfd fds[1 + 2 * MCP_CALLS_MAX];
    nfds_t n = 0;
    fds[n++] = (struct pollfd){.fd = s->ended ? -1 : s->config->in, .events = POLLIN};
    vec_each (c, &s->calls) {
        fds[n++] = (struct pollfd){.fd = (*c)->out, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = (*c)->errors, .events = POLLIN};
    }
    if (poll(fds, n, next_deadline_ms(s)) < 0)
        return errno == EINTR || err_errno(err, "system_failed", errno, "cannot wait");
    for (nfds_t i = 1; i < n; i++) {
        struct mcp_call *call = s->calls.at[(i - 1) / 2];
        if (fds[i].revents)
            mcp_call_read(call, i % 2 ? &call->out : &call->errors);
    }
    if (fds[0].revents && !read_input(s, err))
        return false;
    end_late_calls(s);
    return answer_ended(s, err);
}

bool mcp_serve(const struct mcp_server_config *config, struct err *err)
{
    cleanup(server_done) struct server s = {
        .config = config, .lines = MCP_LINES, .out = BUF(OUTPUT_MAX)};
    while (!s.ended || s.calls.n)
        if (!turn(&s, err))
            return false;
    return true;
}
