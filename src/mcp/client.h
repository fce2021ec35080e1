/* client: one conversation with an MCP server: the handshake, the list of its tools, calls of them.
 * Knows nothing of processes, time or loops: bytes go in, lines come out, and the owner says when a
 * call took too long or the server is gone. Offers a server nothing (no roots, sampling,
 * elicitation); tools that a server adds later are not seen.
 * Protocol: modelcontextprotocol.io, 2025-06-18; servers that answer with 2025-03-26 or 2024-11-05,
 * whose tools are the same, are understood. */
#ifndef MCP_CLIENT_H
#define MCP_CLIENT_H
#include "mcp/message.h"

enum {
    MCP_SERVER_TOOLS_MAX = 200, /* of one server */
    MCP_PAGES_MAX = 50,         /* of the list of tools */
};

struct mcp_client_owner { /* copied; data is the owner's */
    /* One line with its newline; borrowed. */
    void (*send)(void *data, str line);
    /* Once: the tools are listed, or with err there is no conversation. */
    void (*ready)(void *data, const struct err *err);
    /* A line of the server's log. */
    void (*logged)(void *data, str text);
    void *data;
};

struct mcp_client;
/* Sends the first message. */
struct mcp_client *mcp_client_new(str version, const struct mcp_client_owner *owner);
void mcp_client_free(struct mcp_client *c);
/* What the server has written; callbacks come from within. */
void mcp_client_add(struct mcp_client *c, str bytes);
/* No more comes from the server: what waits is told why. */
void mcp_client_end(struct mcp_client *c, const struct err *err);

/* The tools as the server listed them: [{"name", "description", "inputSchema", ...}]; borrowed. */
json_t *mcp_client_tools(const struct mcp_client *c);

/* result: of tools/call, borrowed; NULL with err. */
typedef void mcp_result_fn(void *data, json_t *result, const struct err *err);
/* False once the server is gone, or has broken the protocol. */
bool mcp_client_is_open(const struct mcp_client *c);
/* Sends, where it is open; `done` comes once, later, unless the call is cancelled. The call's
 * number. */
int64_t mcp_client_call(struct mcp_client *c, const char *tool, json_t *arguments,
                        mcp_result_fn *done, void *data);
/* Tells the server; done does not come. */
void mcp_client_cancel(struct mcp_client *c, int64_t call, const char *reason);

#endif
