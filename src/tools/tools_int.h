/* tools_int: what the files of the tools share. */
#ifndef TOOLS_TOOLS_INT_H
#define TOOLS_TOOLS_INT_H
#include "base/vec.h"
#include "git/git.h"
#include "shell/grant.h"
#include "tools/tools.h"

struct tool;
struct tool_call {
    struct tools *tools;
    const struct tool *tool;
    json_t *input; /* owned, fits the kind's fields */
    tools_done_fn *done;
    void *user;
    struct tool_call *next;
    /* Of commands: */
    struct runner_step *process;
    uv_timer_t *timer;
    struct clip *out, *err;
    bool timed_out;
    int64_t timeout_ms;
    struct search *search; /* of websearch */
    /* Of an MCP server's: */
    struct server *server;
    int64_t number;
};

struct tool_field {
    const char *name, *type, *description;
    bool required;
};
struct tool_kind {
    const char *name, *description;
    const struct tool_field *fields; /* ends with a nameless one */
    /* Begins; false with err where it cannot, and then the call is the caller's again. */
    bool (*begin)(struct tool_call *c, struct err *err);
    bool reads_refs; /* takes repo= and ref= */
};

struct tool {
    const struct tool_kind *kind;
    const char *sha; /* the commit that is read; NULL: the workspace */
    struct shell_grant grant;
    int64_t timeout_ms;
};

struct tools {
    struct tools_options options;
    struct arena arena;
    VEC(struct tool) all;
    VEC(struct server *) servers; /* owned */
    tools_ready_fn *ready;
    void (*closed)(void *user);
    void *user;        /* of these */
    uv_timer_t *later; /* tells them from the loop */
    struct http *http; /* of websearch; NULL until it is called */
    struct tool_call *live;
    unsigned commands; /* begun so far: their names are unique in the run */
};

/* The call ends: tells, and frees it. */
void tool_done(struct tool_call *c, str result, bool is_error);
void tool_failed(struct tool_call *c, const struct err *err);
/* A text argument; empty where it is not given. */
str tool_text(const struct tool_call *c, const char *name);
int64_t tool_int(const struct tool_call *c, const char *name, int64_t fallback);
/* A path argument relative to the workspace; false with err where it leaves it by its words. */
bool tool_path(const struct tool_call *c, const char *name, const char **ret, struct err *err);

/* The name that the runner has for the next process. */
void tool_process_name(struct tools *t, struct buf *ret);

/* ---- server.c: MCP servers ---- */
/* From a plan's tool, whose config has a command. */
struct server *server_new(struct tools *t, json_t *tool);
void server_free(struct server *s);
void server_start(struct server *s);
/* Whether it has listed its tools, or failed: then *ret_err is why. */
bool server_is_ready(const struct server *s, const struct err **ret_err);
bool server_is_running(const struct server *s);
void server_end(struct server *s);
void server_kill(struct server *s);
/* [{"name", "description", "input_schema"}]; borrowed. */
json_t *server_tools(const struct server *s);
/* False with err, for the model. */
bool server_call(struct server *s, struct tool_call *c, str name, struct err *err) must_use;
/* Told by a server: it became ready, failed, or is gone. */
void tools_server_changed(struct tools *t);

/* ---- text.c: what a model is given ---- */
struct clip { /* the two ends of a text */
    struct buf head, tail;
    size_t left_out;
};
void clip_init(struct clip *c);
void clip_done(struct clip *c);
void clip_add(struct clip *c, str bytes);
/* Valid UTF-8, with a notice where something was left out. */
void clip_text(const struct clip *c, struct buf *ret);
/* Appends text with what is no UTF-8, and NUL, as U+FFFD. */
void add_valid(struct buf *b, str text);
/* Lines from `offset`, counted from 1, with a notice of what is not shown. */
void add_lines(struct buf *b, str text, int64_t offset, int64_t limit);

/* ---- the tools ---- */
bool read_file_begin(struct tool_call *c, struct err *err);
bool write_file_begin(struct tool_call *c, struct err *err);
bool edit_file_begin(struct tool_call *c, struct err *err);
bool glob_begin(struct tool_call *c, struct err *err);
bool shell_begin(struct tool_call *c, struct err *err);
bool grep_begin(struct tool_call *c, struct err *err);
bool websearch_begin(struct tool_call *c, struct err *err);
/* Drops the request; the call still ends, later. */
void websearch_stop(struct tool_call *c);
/* The same of a commit: reads on a thread of the pool. */
bool ref_begin(struct tool_call *c, struct err *err);

#endif
