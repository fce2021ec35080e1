/* How long the core waits: limits of time, the grace between TERM and KILL, and retries. */
#include "engine/core.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the two above before it */
#include <cmocka.h>

enum { RETRIES = 12 };

struct world {
    struct plan plan;
    struct plan_step step;
    struct run_state run;
    struct run_actions actions; /* of the last event */
};

static void apply(struct world *w, struct run_event event)
{
    auto_err err = ERR_INIT;
    w->actions.list.n = 0;
    if (!run_apply(&w->run, &w->plan, &event, &w->actions, &err))
        fail_msg("%.*s", STR_ARG(err.message));
}

/* The only delay of this kind that the last event has asked for; -1: none. */
static int64_t delay_of(const struct world *w, enum run_action_kind kind)
{
    int64_t delay = -1;
    for (size_t i = 0; i < w->actions.list.n; i++)
        if (w->actions.list.at[i].kind == kind) {
            assert_int_equal(delay, -1);
            delay = w->actions.list.at[i].delay_ms;
        }
    return delay;
}

static bool asked_for(const struct world *w, enum run_action_kind kind)
{
    for (size_t i = 0; i < w->actions.list.n; i++)
        if (w->actions.list.at[i].kind == kind)
            return true;
    return false;
}

/* A run of one step that has begun. */
static void begin(struct world *w, struct run_options options, int64_t step_timeout_ms)
{
    *w = (struct world){.plan = {.step_count = 1, .end = PLAN_SUCCESS},
                        .step = {.id = STR("a"),
                                 .type = STEP_TYPE_SHELL,
                                 .config = STR("{}"),
                                 .retries = RETRIES,
                                 .timeout_ms = step_timeout_ms,
                                 .group = PLAN_NEVER,
                                 .parent = PLAN_NEVER,
                                 .judged_from = PLAN_NEVER}};
    w->plan.steps = &w->step;
    options.slots = 1;
    run_init(&w->run, &options);
    apply(w, (struct run_event){.kind = RUN_EVENT_START});
}

static void end(struct world *w)
{
    vec_done(&w->actions.list);
    run_done(&w->run);
}

static void limits__are_half_an_hour_for_a_step_and_an_hour_for_a_run(void **state)
{
    struct world w;
    (void)state;
    begin(&w, (struct run_options){0}, 0);
    assert_int_equal(delay_of(&w, RUN_ACTION_ARM_STEP), 1800000);
    assert_int_equal(delay_of(&w, RUN_ACTION_ARM_RUN), 3600000);
    end(&w);
    begin(&w, (struct run_options){.timeout_ms = 7000}, 5000);
    assert_int_equal(delay_of(&w, RUN_ACTION_ARM_STEP), 5000);
    assert_int_equal(delay_of(&w, RUN_ACTION_ARM_RUN), 7000);
    end(&w);
}

static void grace__is_ten_seconds_between_term_and_kill(void **state)
{
    static const struct run_event reasons[] = {{.kind = RUN_EVENT_STEP_TIMER, .try = 1},
                                               {.kind = RUN_EVENT_RUN_TIMER},
                                               {.kind = RUN_EVENT_CANCEL}};
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct world w;
        begin(&w, (struct run_options){0}, 0);
        apply(&w, reasons[i]);
        assert_true(asked_for(&w, RUN_ACTION_TERM));
        assert_false(asked_for(&w, RUN_ACTION_KILL));
        assert_int_equal(delay_of(&w, RUN_ACTION_ARM_GRACE), 10000);
        apply(&w, (struct run_event){.kind = RUN_EVENT_GRACE_TIMER, .try = 1});
        assert_true(asked_for(&w, RUN_ACTION_KILL));
        end(&w);
    }
}

static void read_delays(uint64_t seed, int64_t ret[RETRIES])
{
    struct world w;
    begin(&w, (struct run_options){.seed = seed}, 0);
    for (uint32_t try = 1; try <= RETRIES; try++) {
        apply(&w, (struct run_event){.kind = RUN_EVENT_STEP_DONE,
                                     .try = try,
                                     .outcome = OUTCOME_FAILED,
                                     .reason = REASON_EXIT_CODE});
        ret[try - 1] = delay_of(&w, RUN_ACTION_ARM_RETRY);
        apply(&w, (struct run_event){.kind = RUN_EVENT_RETRY_TIMER, .try = try});
    }
    end(&w);
}

static void retries__of_one_seed_wait_alike_and_of_another_not(void **state)
{
    int64_t one[RETRIES], again[RETRIES], other[RETRIES];
    size_t same = 0;
    (void)state;
    read_delays(1, one);
    read_delays(1, again);
    read_delays(2, other);
    for (size_t i = 0; i < RETRIES; i++) {
        int64_t whole = i < 6 ? 1000 << i : 60000; /* doubled, up to a minute */
        assert_int_equal(one[i], again[i]);
        assert_in_range(one[i], whole / 2, whole / 2 + whole);
        assert_in_range(other[i], whole / 2, whole / 2 + whole);
        same += one[i] == other[i];
    }
    assert_true(same < 3);
    /* Nor does each try of one step wait the same part of its time. */
    assert_int_not_equal(one[8] * 1000 / 60000, one[9] * 1000 / 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits__are_half_an_hour_for_a_step_and_an_hour_for_a_run),
        cmocka_unit_test(grace__is_ten_seconds_between_term_and_kill),
        cmocka_unit_test(retries__of_one_seed_wait_alike_and_of_another_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
