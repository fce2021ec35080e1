/* rerun_int: what rerun.c, rerun_begin.c and rerun_files.c share. */
#ifndef ENGINE_RERUN_INT_H
#define ENGINE_RERUN_INT_H
#include "engine/engine_int.h"
#include "engine/rerun.h"

/* A state of the workspace, and the steps that had ended well in it. */
struct rerun_files {
    const struct store_snapshot *snapshot; /* in the recovery's arena; NULL: the folder as left */
    struct map steps;                      /* id -> attempt that ran it */
};
struct rerun_files_asked {
    struct recovery *recovery;
    bool left;   /* the folder is there, and may be used */
    bool before; /* only what was there before the steps that run again */
    str commit;  /* whose files snapshots without a base must be of */
};

struct rerun {
    struct recovery v;
    struct rerun_options options;
    struct evaluation *evaluation;
    struct bundle *bundle;
    char *facts;
    struct engine_request request;
    struct map recorded; /* step id -> struct store_step */
    VEC(bool) keep;      /* by index of the plan, as far as it is decided */
    struct map wanted;   /* those that worked in files and would be kept, were there such files */
    struct rerun_files files;
    bool has_files;   /* files were found */
    bool any_files;   /* they are not looked at yet: any would do */
    bool uses_files;  /* a step is kept that worked in them */
    bool lost_source; /* what it began with is not kept */
};

/* NULL: the run has not recorded such a step. */
const struct store_step *rerun_find_recorded(const struct rerun *x, str id);

/* An artifact is a copy: keeping it asks nothing of the workspace. */
static inline bool rerun_works_in_files(enum step_type t, str config)
{
    return t != STEP_TYPE_ARTIFACT && step_has_files_config(t, config);
}

/* The newest state in which steps of `wanted` (id -> struct store_step) have ended well, and, with
 * `before`, no others. */
bool rerun_find_files(struct store_reader *reader, const struct rerun_files_asked *q,
                      struct map *wanted, struct rerun_files *ret, bool *ret_found,
                      struct err *err) must_use;
/* The step has ended well in it, by the attempt that the row tells of. */
bool rerun_files_have(const struct rerun_files *f, const struct store_step *s);
void rerun_files_done(struct rerun_files *f);

#endif
