/* rerun_int: what rerun.c and rerun_files.c share. */
#ifndef ENGINE_RERUN_INT_H
#define ENGINE_RERUN_INT_H
#include "engine/engine_int.h"

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
