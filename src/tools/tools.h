/* tools: what an agent may do to the files of its run: read_file, write_file, edit_file, shell,
 * glob and grep, carried out by the runner in the run's sandbox; with ref= the reading ones read a
 * commit of the repository instead.
 *
 * Refuses, for the model to read: arguments that break a tool's schema, paths that leave the
 * workspace, commands that its lists do not grant. Refuses, for the user: tools that are not built.
 * Knows nothing of models, prompts, steps or logs. Everything happens on one libuv loop. */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H
#include "runner/runner.h"
#include <jansson.h>
#include <uv.h>

enum {
    TOOLS_TEXT_MAX = 32 << 10,     /* bytes of one text that a model is given; of more, its ends */
    TOOLS_FILE_MAX = 8 << 20,      /* bytes of a file that is read, written or edited */
    TOOLS_LINES_MAX = 2000,        /* of one read_file */
    TOOLS_PATHS_MAX = 1000,        /* that glob gives, and lines that grep gives */
    TOOLS_TIMEOUT_MS = 120 * 1000, /* of one command, where nothing says otherwise */
    TOOLS_TIMEOUT_MAX = 1800,      /* seconds that a model may ask for */
};

struct tools_options { /* copied, but for workspace and loop */
    struct runner_workspace *workspace;
    uv_loop_t *loop;
    const char *repository; /* its folder, for ref= */
    str repository_name;    /* "NAME" or "OWNER/NAME": what repo= may say; may be empty */
    const char *step;       /* id of this try, for the runner; up to 150 bytes */
    const char *image;      /* of the run; may be NULL */
    json_t *tools;          /* as a plan's step has them; the built-in ones count; borrowed */
};

struct tools;
/* Whether this version can carry out a tool of a plan's step; false with err (no_executor). */
bool tools_check(json_t *tool, struct err *err) must_use;
/* NULL with err for tools that cannot work here: another repository, an unknown ref. */
struct tools *tools_new(const struct tools_options *options, struct err *err) must_use;
/* No call may be under way. */
void tools_free(struct tools *t);
/* [{"name", "description", "input_schema"}]; a new reference. */
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
