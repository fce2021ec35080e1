/* test_check: a test played, and what it expects held against the plan that came of it. */
#ifndef CLI_TEST_CHECK_H
#define CLI_TEST_CHECK_H
#include "cli/findings.h"
#include "cli/test_case.h"
#include "engine/rehearse.h"
#include "registry/registry.h"

struct test_played {
    struct registry_found found;
    struct rehearsal *rehearsal; /* NULL where the test did not come so far */
    const struct plan *plan;
    enum rehearsal_end end;
    str event;                             /* JSON; in the arena */
    str resolved_outputs, resolved_reason; /* JSON; empty where there is none */
    struct arena arena;
    struct findings failures; /* none: the test has passed */
};

/* Plans the case's workflow and adds to `failures` whatever keeps it from being planned. */
void test_play(struct test_played *p, const struct registry *r, struct test_file *t,
               const struct test_case *c);
/* Adds to `failures` every expectation that does not hold. */
void test_check(struct test_played *p, struct test_file *t, const struct test_case *c);
void test_played_done(struct test_played *p);

/* The text of test.yaml with what was planned written to `steps`, `awaits`, `result`, `error` and
 * `run` of each case's expect; a case without expect gets one. played[i] is of t->cases.at[i]. The
 * other keys, comments and layout stay. False: nothing to change. */
bool test_update(struct test_file *t, const struct test_played *played, struct buf *ret);

#endif
