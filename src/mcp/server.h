/* server: an MCP server over two descriptors, whose tools are commands of a program.
 * A call is a process of its own, so that it can be cancelled, bounded and outlived: what the
 * command prints is the answer. Refuses tools that need a conversation (sampling, elicitation), and
 * offers no resources, prompts or logging. Protocol: modelcontextprotocol.io, 2025-06-18. */
#ifndef MCP_SERVER_H
#define MCP_SERVER_H
#include "mcp/message.h"

enum {
    MCP_CALLS_MAX = 8, /* side by side */
    MCP_CALL_MS = 60 * 1000,
    MCP_ANSWER_MAX = 2 << 20, /* bytes of JSON that a call may answer with */
    MCP_TEXT_MAX = 128 << 10, /* bytes of text that are kept of one, the last ones */
    MCP_WORDS_MAX = 64,       /* words of a command line */
};

enum mcp_type { MCP_TEXT, MCP_NUMBER, MCP_FLAG, MCP_INPUTS /* an object: NAME=VALUE each */ };

struct mcp_argument { /* of a tool; a list ends with a row without a name */
    const char *name;
    enum mcp_type type;
    const char *option; /* "--step"; NULL: stands alone, in the order of the table */
    bool required;
    const char *doc;
};

struct mcp_tool {
    const char *name, *title, *doc;
    const char *words[5]; /* the command, up to a NULL */
    bool text;            /* prints text, not one JSON object */
    const struct mcp_argument *arguments;
};

struct mcp_server_config { /* all of it is borrowed */
    const char *name, *version, *instructions;
    const char *program;          /* its path */
    const struct mcp_tool *tools; /* ends with a row without a name */
    int in, out;
};

/* Serves until the input ends and what runs has been answered. False: the output or the machine
 * failed. */
bool mcp_serve(const struct mcp_server_config *config, struct err *err) must_use;

#endif
