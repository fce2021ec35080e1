/* tools: what an agent may do to the files of its run: read_file, write_file, edit_file, shell,
 * glob and grep, carried out by the runner in the run's sandbox; with ref= the reading ones read a
 * commit of the repository instead. MCP servers run in the sandbox too, as long as the tools do.
 *
 * Refuses, for the model to read: arguments that break a tool's schema, paths that leave the
 * workspace, commands that its lists do not grant. Refuses, for the user: tools that are not built.
 * Knows nothing of models, prompts, steps or logs. Everything happens on one libuv loop. */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H
#include "runner/runner.h"
#include <jansson.h>
#include <uv.h>

/* Between an MCP server's name and its tool's. */
#define TOOLS_SERVER_SEPARATOR "__"

enum {
    TOOLS_TEXT_MAX = 32 << 10,     /* bytes of one text that a model is given; of more, its ends */
    TOOLS_FILE_MAX = 8 << 20,      /* bytes of a file that is read, written or edited */
    TOOLS_LINES_MAX = 2000,        /* of one read_file */
    TOOLS_PATHS_MAX = 1000,        /* that glob gives, and lines that grep gives */
    TOOLS_TIMEOUT_MS = 120 * 1000, /* of one command, where nothing says otherwise */
    TOOLS_TIMEOUT_MAX = 1800,      /* seconds that a model may ask for */
    TOOLS_SERVER_START_MS = 60 * 1000, /* until an MCP server has listed its tools */
    TOOLS_SERVER_END_MS = 2000,        /* from the end of its input until it is killed */
    TOOLS_NAME_MAX = 64,               /* bytes of a tool's name, a server's included */
};

struct tools_options { /* copied, but for workspace and loop */
    struct runner_workspace *workspace;
    uv_loop_t *loop;
    const char *repository; /* its folder, for ref= */
    str repository_name;    /* "NAME" or "OWNER/NAME": what repo= may say; may be empty */
    const char *step;       /* id of this try, for the runner; up to 150 bytes */
    const char *image;      /* of the run; may be NULL */
    /* What earlier steps added to the environment (NAME=value) and before PATH; NULL-terminated or
     * NULL. A shell with a list of allowed commands has no such PATH: whoever may write into one of
     * its folders could give an allowed name another program. */
    const char *const *env, *const *path;
    str search_url, search_key_name, search_key; /* of websearch; without a name none is needed */
    bool search_off; /* nothing is searched, and the model gets a recorded result */
    json_t *tools;   /* as a plan's step has them; those of the repository do not count; borrowed */
    /* A line of an MCP server's log or stderr; may be NULL. */
    void (*noted)(void *user, str server, str line);
    /* An MCP server has ended, and has not asked for this host of its network; may be NULL. */
    void (*host_unused)(void *user, str server, str host);
    void *user;
};

struct tools;
/* Whether this version can carry out a tool of a plan's step; false with err (no_executor). */
bool tools_check(json_t *tool, struct err *err) must_use;
/* NULL with err for tools that cannot work here: another repository, an unknown ref. */
struct tools *tools_new(const struct tools_options *options, struct err *err) must_use;
/* Starts the MCP servers; ready comes once, later, from the loop: with err (borrowed) where one
 * cannot be used. False where there are none. */
typedef void tools_ready_fn(void *user, const struct err *err);
bool tools_open(struct tools *t, tools_ready_fn *ready, void *user) must_use;
/* Ends the servers; closed comes once they are gone. False where none runs. After tools_stop they
 * are killed. */
bool tools_close(struct tools *t, void (*closed)(void *user), void *user) must_use;
/* No call may be under way, and no server run. */
void tools_free(struct tools *t);
/* [{"name", "description", "input_schema"}], servers' tools once they are ready; a new reference.
 */
json_t *tools_describe(const struct tools *t);

/* Appends text as a model is given it: valid UTF-8, of a long one the two ends. */
void tools_clip(str text, struct buf *ret);

/* result: borrowed valid UTF-8 for the model, at most a few TOOLS_TEXT_MAX. */
typedef void tools_done_fn(void *user, str result, bool is_error);
/* done comes once, later, from the loop. False with err, for the model, where nothing began. */
bool tools_call(struct tools *t, str name, json_t *input, tools_done_fn *done, void *user,
                struct err *err) must_use;
/* Kills what runs; each call under way still says that it is done. */
void tools_stop(struct tools *t);

#endif
