/* The engine's core under random plans, finishing orders, crashes, late and repeated messages, from
 * a printed seed. What is promised (core.h, SPEC 4 and 10) is checked against a second, slow
 * reading of the rules that shares no code with the core. simulate [EVENTS [SEED]] */
#include "engine/core.h"
#include <inttypes.h>
#include <stdio.h>

enum { STEPS_MAX = 40, STAGES_MAX = 4, PENDING_MAX = 4096 };

static uint64_t rng_state, seed;
static uint64_t events_done;

static uint64_t next_random(void)
{
    uint64_t x = rng_state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static uint32_t below(uint32_t n)
{
    return (uint32_t)(next_random() % n);
}
static bool chance(uint32_t one_in)
{
    return below(one_in) == 0;
}

/* ---- the world ---- */

struct world {
    struct arena arena;
    struct plan whole, plan; /* all of it; what is visible so far */
    uint32_t stage_ends[STAGES_MAX + 1], stages, stage;
    uint32_t awaits[STAGES_MAX + 1][3], await_counts[STAGES_MAX + 1];
    struct run_state run;
    /* What a store would have: */
    struct step_state recorded[STEPS_MAX];
    bool running[STEPS_MAX];
    uint32_t starts[STEPS_MAX], crashes_while_running[STEPS_MAX];
    /* What will happen: */
    struct run_event pending[PENDING_MAX];
    uint32_t pending_count;
    bool resume_owed, cancelled, run_timer_fired, completed;
    uint32_t crashes;
    struct run_event last;
};

static void fail(const struct world *w, const char *promise, uint32_t step)
{
    fprintf(stderr,
            "simulate: broken promise: %s (step %u, last event %d of step %u, seed %" PRIu64 ")\n",
            promise, step, (int)w->last.kind, w->last.step, seed);
    fprintf(stderr, "repeat with: simulate 1 %" PRIu64 "\n", seed);
    for (uint32_t i = 0; i < w->plan.step_count; i++) {
        const struct plan_step *p = &w->plan.steps[i];
        const struct step_state *s = &w->run.steps[i];
        fprintf(stderr, "  %u %s %s/%s when=%d judged=%u group=%d coe=%d deps:", i,
                step_type_name(p->type), step_status_name(s->status),
                s->reason ? reason_code(s->reason) : "-", p->when, p->judged_from, (int)p->group,
                p->continue_on_error);
        for (uint32_t d = 0; d < p->depends_count; d++)
            fprintf(stderr, " %u", p->depends_on[d]);
        fprintf(stderr, "\n");
    }
    exit(1);
}

static void expect(const struct world *w, bool holds, const char *promise, uint32_t step)
{
    if (!holds)
        fail(w, promise, step);
}

/* ---- plans ---- */

static void depend(struct world *w, struct plan_step *p, uint32_t i)
{
    uint32_t wanted = i == 0 ? 0 : below(4);
    p->depends_on = arena_array(&w->arena, uint32_t, 4);
    for (uint32_t k = 0; k < wanted; k++) {
        uint32_t d = chance(2) ? i - 1 : below(i), at = 0;
        while (at < p->depends_count && p->depends_on[at] < d)
            at++;
        if (at < p->depends_count && p->depends_on[at] == d)
            continue;
        memmove(p->depends_on + at + 1, p->depends_on + at,
                (p->depends_count - at) * sizeof(uint32_t));
        p->depends_on[at] = d;
        p->depends_count++;
    }
}

static void make_group(struct world *w, struct plan *p, uint32_t first)
{
    uint32_t group = p->step_count;
    struct plan_step *g = plan_add_step(p);
    g->type = STEP_TYPE_PARALLEL;
    g->limit = below(3);
    g->fail_fast = chance(2);
    g->depends_on = arena_array(&w->arena, uint32_t, group - first);
    for (uint32_t i = first; i < group; i++) {
        p->steps[i].group = group;
        g->depends_on[g->depends_count++] = i;
    }
    g->id = arena_printf(&w->arena, "s%u", group);
}

static void make_plan(struct world *w)
{
    struct plan *p = &w->whole;
    uint32_t n = 1 + below(STEPS_MAX - 6);
    *p = (struct plan){.arena = &w->arena};
    while (p->step_count < n) {
        uint32_t first = p->step_count, members = chance(5) ? 2 + below(3) : 1;
        for (uint32_t m = 0; m < members; m++) {
            uint32_t i = p->step_count;
            struct plan_step *s = plan_add_step(p);
            s->id = arena_printf(&w->arena, "s%u", i);
            s->type = chance(12) ? STEP_TYPE_ACTION : STEP_TYPE_SHELL;
            s->when = chance(4) ? (enum step_when)below(3) : WHEN_ON_SUCCESS;
            s->continue_on_error = chance(6);
            s->retries = chance(4) ? below(3) : 0;
            /* Members do not depend on each other. */
            depend(w, s, first);
        }
        if (members > 1)
            make_group(w, p, first);
    }
    w->stages = below(STAGES_MAX);
    for (uint32_t k = 0; k < w->stages; k++)
        w->stage_ends[k] = 1 + below(p->step_count);
    for (uint32_t k = 0; k < w->stages; k++)
        for (uint32_t j = k + 1; j < w->stages; j++)
            if (w->stage_ends[j] < w->stage_ends[k]) {
                uint32_t t = w->stage_ends[k];
                w->stage_ends[k] = w->stage_ends[j];
                w->stage_ends[j] = t;
            }
    for (uint32_t k = 0; k < w->stages; k++) {
        /* A group and its members are visible together. */
        while (w->stage_ends[k] < p->step_count &&
               p->steps[w->stage_ends[k] - 1].group != PLAN_NEVER)
            w->stage_ends[k]++;
        w->await_counts[k] = 1 + below(2);
        for (uint32_t j = 0; j < w->await_counts[k]; j++)
            w->awaits[k][j] = below(w->stage_ends[k]);
        /* What the code awaits it has often read the status of. */
        uint32_t read = w->awaits[k][0];
        if (chance(2) && p->steps[read].judged_from == PLAN_NEVER)
            p->steps[read].judged_from = w->stage_ends[k];
    }
    w->stage_ends[w->stages] = p->step_count;
}

static void show_stage(struct world *w)
{
    w->plan = w->whole;
    w->plan.step_count = w->stage_ends[w->stage];
    bool last = w->stage == w->stages;
    w->plan.end = last ? PLAN_SUCCESS : PLAN_OPEN;
    w->plan.await_count = last ? 0 : w->await_counts[w->stage];
    w->plan.await_steps = w->awaits[w->stage];
}

/* ---- the rules, read slowly ---- */

static bool is_structural(enum step_type t)
{
    return t == STEP_TYPE_PARALLEL || t == STEP_TYPE_ACTION;
}

/* A group is as its members are, and carries nothing of its own. */
static bool failed(const struct world *w, uint32_t i)
{
    const struct step_state *s = &w->run.steps[i];
    enum step_type type = w->plan.steps[i].type;
    bool by_its_parts = s->reason == REASON_STEP_FAILED || s->reason == REASON_DEPENDENCY_CANCELLED;
    if (s->status == STEP_SKIPPED)
        return s->reason == REASON_GROUP_FAILED_FAST;
    return (s->conclusion == CONCLUSION_FAILED || s->conclusion == CONCLUSION_CANCELLED) &&
           type != STEP_TYPE_PARALLEL && !(type == STEP_TYPE_ACTION && by_its_parts);
}

/* Whether some step before `of` has failed; unjudged: and `step` may not overlook it. */
static bool failure_before(const struct world *w, uint32_t of, uint32_t step, bool unjudged,
                           bool *seen)
{
    const struct plan_step *p = &w->plan.steps[of];
    for (uint32_t k = 0; k < p->depends_count; k++) {
        uint32_t d = p->depends_on[k];
        if (seen[d])
            continue;
        seen[d] = true;
        bool judged =
            w->plan.steps[d].judged_from != PLAN_NEVER && step >= w->plan.steps[d].judged_from;
        if ((failed(w, d) && !(unjudged && judged)) || failure_before(w, d, step, unjudged, seen))
            return true;
    }
    return false;
}

static bool any_failure_before(const struct world *w, uint32_t step, bool unjudged)
{
    bool seen[STEPS_MAX] = {0};
    return failure_before(w, step, step, unjudged, seen);
}

static bool all_before_are_final(const struct world *w, uint32_t step)
{
    const struct plan_step *p = &w->plan.steps[step];
    for (uint32_t k = 0; k < p->depends_count; k++)
        if (!step_status_is_final(w->run.steps[p->depends_on[k]].status))
            return false;
    return true;
}

static void check_start(struct world *w, uint32_t step)
{
    const struct plan_step *p = &w->plan.steps[step];
    uint32_t running = 0, members = 0;
    expect(w, !w->running[step], "a step runs once at a time", step);
    expect(w, !step_status_is_final(w->recorded[step].status), "a final step does not run again",
           step);
    expect(w, all_before_are_final(w, step), "a step starts after all that it depends on", step);
    expect(w, !w->cancelled && !w->run_timer_fired, "nothing new starts in a cancelled run", step);
    w->running[step] = true;
    for (uint32_t i = 0; i < w->plan.step_count; i++) {
        running += w->running[i];
        members += w->running[i] && w->plan.steps[i].group == p->group;
    }
    expect(w, running <= w->run.options.slots, "no more steps run than there are slots", step);
    if (p->group != PLAN_NEVER && w->plan.steps[p->group].limit)
        expect(w, members <= w->plan.steps[p->group].limit,
               "no more members run than the group's limit", step);
    if (p->when == WHEN_ON_SUCCESS)
        expect(w, !any_failure_before(w, step, true),
               "an unjudged failure skips what comes after it", step);
    if (p->when == WHEN_ON_FAILURE && !is_structural(p->type))
        expect(w, any_failure_before(w, step, false), "on_failure runs only after a failure", step);
    w->starts[step]++;
    expect(w, w->starts[step] <= 1 + p->retries + w->crashes_while_running[step],
           "a step starts again only for a retry or after a crash", step);
}

static void check_change(struct world *w, uint32_t step)
{
    const struct step_state *s = &w->run.steps[step];
    struct step_state *old = &w->recorded[step];
    if (step_status_is_final(old->status))
        expect(w, old->status == s->status && old->outcome == s->outcome,
               "a final step never changes", step);
    if (s->status == STEP_SKIPPED && s->reason == REASON_DEPENDENCY_FAILED)
        expect(w, any_failure_before(w, step, true),
               "a step is skipped for a failure that there is", step);
    if (s->status == STEP_SKIPPED && s->reason == REASON_NOTHING_FAILED)
        expect(w, !any_failure_before(w, step, false),
               "on_failure is skipped only where nothing failed", step);
    if (step_status_is_final(s->status)) {
        expect(w, s->outcome != OUTCOME_NONE && s->conclusion != CONCLUSION_NONE,
               "a final step has an outcome", step);
        w->running[step] = false;
    }
    *old = *s;
}

static void check_end(struct world *w)
{
    enum run_status status = w->run.status;
    bool bad = false;
    for (uint32_t i = 0; i < w->run.n; i++) {
        expect(w, step_status_is_final(w->run.steps[i].status),
               "a run ends when all of its steps have", i);
        bad |= failed(w, i) && w->plan.steps[i].judged_from == PLAN_NEVER &&
               w->run.steps[i].conclusion == CONCLUSION_FAILED;
    }
    if (w->cancelled && w->run.end_reason == REASON_RUN_CANCELLED)
        expect(w, status == RUN_CANCELLED, "a cancelled run ends as cancelled", 0);
    else if (w->run_timer_fired && w->run.ending)
        expect(w, status == RUN_FAILED, "a run that passed its time has failed", 0);
    else if (bad)
        expect(w, status == RUN_FAILED, "an unjudged failure fails the run", 0);
}

/* ---- time ---- */

static void later(struct world *w, struct run_event e)
{
    if (w->pending_count < PENDING_MAX)
        w->pending[w->pending_count++] = e;
}

static void obey(struct world *w, const struct run_action *a)
{
    switch (a->kind) {
    case RUN_ACTION_STEP_CHANGED:
        check_change(w, a->step);
        break;
    case RUN_ACTION_START:
        check_start(w, a->step);
        later(w, (struct run_event){.kind = RUN_EVENT_STEP_DONE,
                                    .step = a->step,
                                    .try = a->try,
                                    .outcome = chance(3) ? OUTCOME_FAILED : OUTCOME_SUCCESS,
                                    .reason = REASON_EXIT_CODE,
                                    .final = chance(20)});
        break;
    case RUN_ACTION_ARM_STEP:
        if (chance(10))
            later(w,
                  (struct run_event){.kind = RUN_EVENT_STEP_TIMER, .step = a->step, .try = a->try});
        break;
    case RUN_ACTION_ARM_GRACE:
        later(w, (struct run_event){.kind = RUN_EVENT_GRACE_TIMER, .step = a->step, .try = a->try});
        break;
    case RUN_ACTION_ARM_RETRY:
        w->running[a->step] = false;
        expect(w, a->delay_ms > 0, "a retry waits", a->step);
        later(w, (struct run_event){.kind = RUN_EVENT_RETRY_TIMER, .step = a->step, .try = a->try});
        break;
    case RUN_ACTION_ARM_RUN:
        if (chance(30))
            later(w, (struct run_event){.kind = RUN_EVENT_RUN_TIMER});
        break;
    case RUN_ACTION_RESUME:
        expect(w, !w->resume_owed, "the evaluation is asked to go on once", 0);
        w->resume_owed = true;
        break;
    case RUN_ACTION_COMPLETE:
        expect(w, !w->completed, "a run completes once", 0);
        w->completed = true;
        break;
    default:
        break;
    }
}

static void tell(struct world *w, struct run_event e)
{
    struct run_actions actions = {0};
    struct err err = ERR_INIT;
    w->last = e;
    events_done++;
    if (e.kind == RUN_EVENT_CANCEL && !w->run.ending)
        w->cancelled = true;
    if (e.kind == RUN_EVENT_RUN_TIMER && !w->run.ending)
        w->run_timer_fired = true;
    if (!run_apply(&w->run, &w->plan, &e, &actions, &err))
        fail(w, err.message.p, e.step);
    /* A retry's end is told by its change alone. */
    for (size_t i = 0; i < actions.list.n; i++)
        obey(w, &actions.list.at[i]);
    vec_done(&actions.list);
    err_done(&err);
}

static void start(struct world *w)
{
    struct run_options options = {.slots = 1 + below(3), .seed = seed};
    run_init(&w->run, &options);
}

/* The process dies: what was recorded is restored, what ran is forgotten. */
static void crash(struct world *w)
{
    struct run_options options = w->run.options;
    run_done(&w->run);
    run_init(&w->run, &options);
    w->crashes++;
    w->pending_count = 0;
    w->resume_owed = false;
    for (uint32_t i = 0; i < w->plan.step_count; i++) {
        const struct step_state *s = &w->recorded[i];
        if (step_status_is_final(s->status)) {
            run_restore(&w->run, &w->plan, i, s->outcome, s->conclusion, s->status, s->reason,
                        s->tries);
            continue;
        }
        if (s->status == STEP_RUNNING)
            w->crashes_while_running[i]++;
        w->running[i] = false;
        run_restore_tries(&w->run, &w->plan, i, s->tries);
        w->recorded[i] = (struct step_state){.tries = s->tries};
    }
    tell(w, (struct run_event){.kind = RUN_EVENT_START});
}

static void grow(struct world *w)
{
    w->resume_owed = false;
    w->stage++;
    show_stage(w);
    tell(w, (struct run_event){.kind = RUN_EVENT_GREW});
}

/* One thing happens: any of those that may, in any order. */
static void happen(struct world *w)
{
    if (!w->cancelled && !w->run_timer_fired && chance(200)) {
        tell(w, (struct run_event){.kind = RUN_EVENT_CANCEL});
    } else if (!w->cancelled && !w->run_timer_fired && chance(80)) {
        crash(w);
    } else if (w->resume_owed && (w->pending_count == 0 || chance(3))) {
        grow(w);
    } else if (w->pending_count) {
        uint32_t at = below(w->pending_count);
        struct run_event e = w->pending[at];
        if (!chance(10)) /* else it comes again, late */
            w->pending[at] = w->pending[--w->pending_count];
        tell(w, e);
    } else {
        fail(w, "every run ends", 0);
    }
}

static void simulate_one(void)
{
    struct world w = {0};
    make_plan(&w);
    show_stage(&w);
    start(&w);
    if (chance(500)) /* in its queue: it never starts */
        tell(&w, (struct run_event){.kind = RUN_EVENT_CANCEL});
    else
        tell(&w, (struct run_event){.kind = RUN_EVENT_START});
    for (uint32_t turns = 0; !w.completed; turns++) {
        expect(&w, turns < 100000, "a run ends in bounded time", 0);
        happen(&w);
    }
    check_end(&w);
    /* What comes after the end changes nothing. */
    for (uint32_t i = 0; i < w.pending_count && i < 5; i++)
        tell(&w, w.pending[i]);
    run_done(&w.run);
    arena_done(&w.arena);
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, runs = 0;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    for (; events_done < wanted; seed++, runs++) {
        rng_state = seed * 0x2545F4914F6CDD1Du;
        simulate_one();
    }
    printf("%" PRIu64 " events in %" PRIu64 " runs, all promises kept\n", events_done, runs);
    return 0;
}
