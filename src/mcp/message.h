/* message: JSON-RPC 2.0 as MCP frames it over stdio: one message a line, UTF-8, no newline within.
 * Refuses batches, which protocol 2025-06-18 has no longer, and lines past MCP_MESSAGE_MAX, which
 * are skipped to their end without being kept. Knows no method. */
#ifndef MCP_MESSAGE_H
#define MCP_MESSAGE_H
#include "diag/err.h"
#include "json/json.h"

enum { MCP_MESSAGE_MAX = 4 << 20 };

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_UNKNOWN_METHOD = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL = -32603,
};

/* ---- lines ---- */

struct mcp_lines {
    struct buf held; /* what has come and was not taken */
    size_t scanned;  /* bytes of it that hold no newline */
    bool skipping;   /* the rest of a line that was too long */
};
#define MCP_LINES ((struct mcp_lines){.held = BUF(2 * MCP_MESSAGE_MAX)})
void mcp_lines_done(struct mcp_lines *l);

enum mcp_line { MCP_LINE_NONE, MCP_LINE_WHOLE, MCP_LINE_TOO_LONG };
/* At most MCP_MESSAGE_MAX bytes, after every line that was there has been taken. */
void mcp_lines_add(struct mcp_lines *l, str bytes);
/* The next line without its end, the caller's to init as a buf; blank ones are passed over.
 * TOO_LONG is told once for each such line. */
enum mcp_line mcp_lines_next(struct mcp_lines *l, struct buf *ret_line);

/* ---- messages ---- */

enum mcp_kind { MCP_REQUEST, MCP_NOTIFICATION, MCP_RESPONSE };
struct mcp_message {
    json_t *tree; /* owns; the others are borrowed from it */
    enum mcp_kind kind;
    json_t *id;     /* of requests and responses: a string or an integer */
    str method;     /* of requests and notifications */
    json_t *params; /* an object, or NULL */
};
/* False with err: ret's id, where there is a usable one, and the code that the answer has. */
bool mcp_message_parse(str line, struct mcp_message *ret, enum rpc_code *ret_code,
                       struct err *err) must_use;
void mcp_message_done(struct mcp_message *m);
#define auto_message cleanup(mcp_message_done) struct mcp_message

/* Begins {"jsonrpc", "id", "result":, for the caller to put the result; end adds the brace and the
 * newline. id NULL: null. */
void mcp_begin_result(struct json_writer *w, const json_t *id);
void mcp_end_message(struct json_writer *w);
/* A whole response. The error's own code and hint stand in its data. */
void mcp_put_error(struct buf *b, const json_t *id, enum rpc_code code, const struct err *e);

#endif
