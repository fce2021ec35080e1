/* Bytes are where to cut, then what a client sends. The lines are the same wherever it is cut, and
 * each is a message or refused with a reason. */
#include "mcp/message.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct mcp_lines *l, struct buf *lines)
{
    for (;;) {
        auto_buf line = BUF(MCP_MESSAGE_MAX);
        if (mcp_lines_next(l, &line) == MCP_LINE_NONE)
            return;
        assert(!memchr(line.p, '\n', line.n));
        buf_add_str(lines, buf_str(&line));
        buf_add_byte(lines, '\n');
    }
}

static void parse(str line)
{
    auto_message m = {0};
    auto_err e = ERR_INIT;
    auto_buf answer = BUF(BUF_TEXT_MAX);
    enum rpc_code code = RPC_INTERNAL;
    if (mcp_message_parse(line, &m, &code, &e)) {
        assert(!err_is_set(&e) && (m.kind == MCP_RESPONSE || m.method.p));
        return;
    }
    assert(err_is_set(&e) && (code == RPC_PARSE_ERROR || code == RPC_INVALID_REQUEST));
    mcp_put_error(&answer, m.id, code, &e);
    assert(memchr(answer.p, '\n', answer.n) == answer.p + answer.n - 1);
    json_t *tree = json_loadb(answer.p, answer.n, JSON_ALLOW_NUL, NULL);
    assert(tree);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    str stream = {(const char *)data + 1, size - 1}, line;
    size_t step = 1 + data[0] % 16;
    auto_buf whole = BUF(BUF_TEXT_MAX), pieces = BUF(BUF_TEXT_MAX);
    struct mcp_lines a = MCP_LINES, b = MCP_LINES;
    mcp_lines_add(&a, stream);
    take(&a, &whole);
    for (size_t at = 0; at < stream.n; at += step) {
        mcp_lines_add(&b, str_sub(stream, at, at + step));
        take(&b, &pieces);
    }
    assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    str rest = buf_str(&whole);
    while (str_next(&rest, '\n', &line))
        parse(line);
    mcp_lines_done(&a);
    mcp_lines_done(&b);
    return 0;
}
