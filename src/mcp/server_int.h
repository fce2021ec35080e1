/* server_int: what the files of the server share. */
#ifndef MCP_SERVER_INT_H
#define MCP_SERVER_INT_H
#include "base/vec.h"
#include "mcp/server.h"
#include <sys/types.h>

struct mcp_call {
    json_t *id; /* owns; NULL once it is cancelled: no answer is due */
    const struct mcp_tool *tool;
    pid_t pid; /* leads a process group of its own */
    int out, errors;
    struct buf text, notes; /* of stdout and stderr */
    size_t left_out;        /* bytes of a text's beginning */
    int64_t deadline_ms;
    bool late, too_long;
};

/* ---- arguments.c ---- */

void mcp_put_tools(struct json_writer *w, const struct mcp_tool *tools);
/* The command line of a call, NULL at its end; the words' text is in a. */
bool mcp_words(const struct mcp_server_config *config, const struct mcp_tool *tool,
               const json_t *arguments, struct arena *a, char *ret_words[MCP_WORDS_MAX],
               struct err *err) must_use;

/* ---- call.c ---- */

bool mcp_call_start(struct mcp_call *ret, char **words, struct err *err) must_use;
/* Reads what there is of one descriptor; closes it at its end. */
void mcp_call_read(struct mcp_call *call, int *fd);
static inline bool mcp_call_has_ended(const struct mcp_call *call)
{
    return call->out < 0 && call->errors < 0;
}
void mcp_call_kill(struct mcp_call *call);
/* Waits for the process and writes the answer, none where the call was cancelled. */
void mcp_call_finish(struct mcp_call *call, struct buf *answer);
/* Kills and waits where that was not done. */
void mcp_call_done(struct mcp_call *call);

#endif
