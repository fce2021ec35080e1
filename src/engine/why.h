/* why: says in sentences why a run or a step is where it is, from what is recorded alone: the same
 * for the command line, the API and the page. Guesses nothing: what is not recorded is not said. */
#ifndef ENGINE_WHY_H
#define ENGINE_WHY_H
#include "base/vec.h"
#include "store/tables.h"

enum { WHY_SENTENCES_MAX = 200 };

struct why {
    struct arena arena;
    VEC(str) sentences;
};
void why_done(struct why *w);
#define auto_why cleanup(why_done) struct why

/* step_id empty: of the run. err run_unknown, step_unknown. */
bool why_explain(struct store_reader *r, int64_t run_id, str step_id, struct why *ret,
                 struct err *err) must_use;

#endif
