/* Framing: lines in pieces, too long, blank; which messages are which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/message.h"

/* Takes all lines that are there, as "line|line|", "!" for one that was too long. */
static void take(struct mcp_lines *l, struct buf *b)
{
    for (;;) {
        auto_buf line = BUF(MCP_MESSAGE_MAX);
        enum mcp_line found = mcp_lines_next(l, &line);
        if (found == MCP_LINE_NONE)
            return;
        if (found == MCP_LINE_TOO_LONG)
            buf_add_byte(b, '!');
        else
            buf_add_str(b, buf_str(&line));
        buf_add_byte(b, '|');
    }
}

static void mcp__lines_come_whole_however_they_are_split(void **state)
{
    (void)state;
    str text = STR("{\"a\":1}\n\n  \r\n{}\r\nlast\n");
    for (size_t piece = 1; piece <= text.n; piece++) {
        struct mcp_lines l = MCP_LINES;
        auto_buf b = BUF(1000);
        for (size_t at = 0; at < text.n; at += piece) {
            mcp_lines_add(&l, str_sub(text, at, at + piece < text.n ? at + piece : text.n));
            take(&l, &b);
        }
        assert_string_equal(buf_c(&b), "{\"a\":1}|{}\r|last|");
        mcp_lines_done(&l);
    }
}

static void mcp__a_line_too_long_is_told_once_and_not_kept(void **state)
{
    (void)state;
    enum { PIECE = 1 << 16 };
    struct mcp_lines l = MCP_LINES;
    auto_buf b = BUF(1000), piece = BUF(PIECE);
    buf_add_repeat(&piece, 'x', PIECE);
    for (size_t n = 0; n < 3 * (size_t)MCP_MESSAGE_MAX; n += PIECE) {
        mcp_lines_add(&l, buf_str(&piece));
        take(&l, &b);
        assert_true(l.held.n <= MCP_MESSAGE_MAX);
    }
    mcp_lines_add(&l, STR("\n{}\n"));
    take(&l, &b);
    assert_string_equal(buf_c(&b), "!|{}|");
    mcp_lines_done(&l);
}

static void mcp__messages_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
        enum mcp_kind kind;
        enum rpc_code code;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", NULL, MCP_REQUEST, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\",\"params\":{}}", NULL, MCP_REQUEST,
         0},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"n\"}", NULL, MCP_NOTIFICATION, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", NULL, MCP_RESPONSE, 0},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
         "a request's id must be a string or an integer", 0, RPC_INVALID_REQUEST},
        {"{\"id\":1,\"method\":\"ping\"}", "a message needs \"jsonrpc\": \"2.0\"", 0,
         RPC_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", "a message needs a method, or an id and a result", 0,
         RPC_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", "a message's method must be a string", 0,
         RPC_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[]}",
         "a message's params must be an object", 0, RPC_INVALID_REQUEST},
        {"[]", "a message must be a JSON object", 0, RPC_INVALID_REQUEST},
        {"{", NULL, 0, RPC_PARSE_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_message m = {0};
        auto_err e = ERR_INIT;
        enum rpc_code code = 0;
        bool ok = mcp_message_parse(str_of(rows[i].line), &m, &code, &e);
        assert_int_equal(ok, rows[i].code == 0);
        assert_int_equal(code, rows[i].code);
        if (ok)
            assert_int_equal(m.kind, rows[i].kind);
        if (rows[i].error)
            assert_true(str_is(e.message, rows[i].error));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mcp__lines_come_whole_however_they_are_split),
        cmocka_unit_test(mcp__a_line_too_long_is_told_once_and_not_kept),
        cmocka_unit_test(mcp__messages_are_told_apart),
    };
    return cmocka_run_group_tests_name("mcp", tests, NULL, NULL);
}
