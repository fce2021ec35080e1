/* rerun: a further attempt of a run that has ended. What is kept of the attempt before is decided,
 * and can be shown, before anything is recorded.
 *
 *     rerun_prepare(reader, options, &rerun, err)
 *     rerun_plan, rerun_keeps, ...            what would happen
 *     engine_rerun(engine, rerun, ...)        it happens
 *
 * A step is kept where it counts as a success, is planned as it was, and all that it depends on is
 * kept. Steps behind a decision on a step that runs again are planned when the run gets there. */
#ifndef ENGINE_RERUN_H
#define ENGINE_RERUN_H
#include "engine/engine.h"

enum rerun_scope {
    RERUN_ALL,
    RERUN_FAILED, /* what did not succeed, and what comes after it */
    RERUN_FROM,   /* one step, and what comes after it */
};

struct rerun_options {
    int64_t run_id;
    enum rerun_scope scope;
    const char *from;      /* RERUN_FROM: id of the step */
    bool unfinished;       /* of a run that has not ended: its attempt is given up */
    struct runner *runner; /* who knows what was left; NULL: nothing was */
    bool other_files;      /* fresh files are those of `commit`; else what the run began with */
    str commit;            /* borrowed; empty: the working tree's */
    /* Other sources (taken, also on failure): loaded, not started. NULL: the recorded ones. */
    struct evaluation *evaluation;
    const struct definition *definition;
    struct bundle *bundle;
};

struct rerun;
/* Fails where the run has not ended (run_not_final), has no such step (step_unknown), its plan
 * cannot be made again, what it began with is not kept (source_gone), or no files are that a
 * finished step has worked in which must not run twice (workspace_lost). */
bool rerun_prepare(struct store_reader *reader, const struct rerun_options *options,
                   struct rerun **ret, struct err *err) must_use;
void rerun_free(struct rerun *x);

/* Borrowed. */
const struct plan *rerun_plan(const struct rerun *x);
bool rerun_keeps(const struct rerun *x, uint32_t step);
size_t rerun_kept_count(const struct rerun *x);
int64_t rerun_attempt(const struct rerun *x);
/* What the attempt before had of a step: "changed", "new" or NULL where it is as it was. */
const char *rerun_difference(const struct rerun *x, uint32_t step);
/* The backend that the run began with; NULL: the default. */
const char *rerun_backend(const struct rerun *x);
/* The step had ended well and would be kept, were there files from after it. */
bool rerun_runs_for_files(const struct rerun *x, uint32_t step);
/* Which files the attempt begins in, in words; nothing where none of its steps has any. */
void rerun_add_files(const struct rerun *x, struct buf *b);
/* What an unfinished run began with is not kept: it takes what the working tree has now. */
bool rerun_lost_source(const struct rerun *x);

/* Steps that are held in this attempt; borrowed until it has started. */
void rerun_set_breaks(struct rerun *x, const struct engine_breaks *breaks);

/* Records the attempt and starts it. Takes x in any case. created may be NULL. */
bool engine_rerun(struct engine *e, struct rerun *x, engine_created_fn *created,
                  engine_ended_fn *ended, void *ctx, struct err *err) must_use;

#endif
