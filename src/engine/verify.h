/* verify: a recorded run evaluated again from what the database has of it, and held against its
 * receipt. Writes nothing, runs nothing. */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H
#include "store/tables.h"

struct verification {
    struct arena arena;
    struct store_run run;
    str computed; /* receipt made anew; the recorded one is run.plan_hash */
    size_t files, steps;
    struct err_list problems; /* where they differ; none: the run is verified */
};
/* False with err where nothing can be said: run_unknown, run_not_final, receipt_missing. */
bool engine_verify(struct store_reader *reader, int64_t run_id, struct verification *ret,
                   struct err *err) must_use;
void verification_done(struct verification *v);
#define auto_verification cleanup(verification_done) struct verification

#endif
