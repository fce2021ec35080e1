/* held: the step of a run that a person named, and which is held. */
#ifndef CLI_HELD_H
#define CLI_HELD_H
#include "cli/data.h"

/* Without a name: the only one. Fails where the run has ended or nobody drives it, where there is
 * no such step, or it is not held; each with the way on. In a. */
bool held_find(const struct data *d, int64_t run_id, const char *step, struct arena *a,
               struct store_step *ret, struct err *err) must_use;

#endif
