#include "engine/queue.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka.h wants the four above */
#include <cmocka.h>

enum { RUNS_MAX = 8 };

static void assert_answer(const struct queue_run *runs, size_t n, int64_t self,
                          enum queue_verdict verdict, int64_t run_id, size_t place)
{
    struct queue_answer a = queue_decide(runs, n, self);
    assert_int_equal(a.verdict, verdict);
    if (verdict != QUEUE_START)
        assert_int_equal(a.run_id, run_id);
    if (verdict == QUEUE_WAIT)
        assert_int_equal(a.place, place);
}

static void queue__is_in_order_of_priority_and_age(void **state)
{
    const struct queue_run runs[] = {
        {.run_id = 1, .holds = true}, {.run_id = 2}, {.run_id = 3, .priority = 5}, {.run_id = 4}};
    (void)state;
    assert_answer(runs, 4, 1, QUEUE_START, 0, 0);
    assert_answer(runs, 4, 3, QUEUE_WAIT, 1, 1);
    assert_answer(runs, 4, 2, QUEUE_WAIT, 1, 2);
    assert_answer(runs, 4, 4, QUEUE_WAIT, 1, 3);
    assert_answer(runs + 1, 3, 3, QUEUE_START, 0, 0);
    assert_answer(runs + 1, 3, 2, QUEUE_WAIT, 3, 2);
}

static void queue__of_latest_only_the_newest_waits(void **state)
{
    const struct queue_run runs[] = {{.run_id = 1, .policy = QUEUE_LATEST, .holds = true},
                                     {.run_id = 2, .policy = QUEUE_LATEST},
                                     {.run_id = 3, .policy = QUEUE_LATEST}};
    (void)state;
    assert_answer(runs, 3, 2, QUEUE_YIELD, 3, 0);
    assert_answer(runs, 3, 3, QUEUE_WAIT, 1, 2);
    assert_answer(runs, 3, 1, QUEUE_START, 0, 0);
}

static void queue__passes_over_the_dead_that_never_held_it(void **state)
{
    const struct queue_run runs[] = {{.run_id = 1, .orphan = true}, {.run_id = 2}};
    const struct queue_run held[] = {{.run_id = 1, .orphan = true, .holds = true}, {.run_id = 2}};
    (void)state;
    assert_answer(runs, 2, 2, QUEUE_START, 0, 0);
    assert_answer(held, 2, 2, QUEUE_WAIT, 1, 1);
    assert_true(queue_decide(held, 2, 2).orphan);
}

/* Any policies, priorities and deaths: never two at once, and somebody always may go on. */
static void queue__lets_exactly_one_of_the_living_go_on(void **state)
{
    uint64_t x = 1;
    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct queue_run runs[RUNS_MAX];
        size_t n = 0, may = 0, living = 0;
        x = x * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = x >> 8;
        bool held = bits & 1;
        enum queue_policy policy = (enum queue_policy)((bits >> 1) % 3);
        for (; n < 1 + ((bits >> 4) & 7) && n < RUNS_MAX; n++) {
            runs[n] = (struct queue_run){.run_id = (int64_t)n + 1,
                                         .priority = (int64_t)((bits >> (8 + n)) & 1),
                                         .policy = policy,
                                         .holds = held && n == 0,
                                         .orphan = ((bits >> (16 + 2 * n)) & 3) == 0};
            living += !runs[n].orphan;
        }
        for (size_t i = 0; i < n; i++)
            may += (runs[i].holds || !runs[i].orphan) &&
                   queue_decide(runs, n, runs[i].run_id).verdict == QUEUE_START;
        assert_true(may <= 1 || policy != QUEUE_FIFO);
        if (held || (living && policy == QUEUE_FIFO))
            assert_int_equal(may, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue__is_in_order_of_priority_and_age),
        cmocka_unit_test(queue__of_latest_only_the_newest_waits),
        cmocka_unit_test(queue__passes_over_the_dead_that_never_held_it),
        cmocka_unit_test(queue__lets_exactly_one_of_the_living_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
