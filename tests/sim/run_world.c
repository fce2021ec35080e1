/* One run of the engine's core: a random plan that grows, finishing orders, crashes, late and
 * repeated messages. What is promised (core.h, SPEC 4 and 10) is checked against a second, slow
 * reading of the rules that shares no code with the core. */
#include "choices.h"
#include "engine/core.h"
#include "worlds.h"

enum { STEPS_MAX = 40, STAGES_MAX = 4, PENDING_MAX = 4096, TURNS_MAX = 20000 };

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
    /* Steps that are to be held, and what became of that. */
    str breaks[2];
    bool let_go[STEPS_MAX], again[STEPS_MAX];
    uint32_t agains[STEPS_MAX];
    /* What will happen: */
    struct run_event pending[PENDING_MAX];
    uint32_t pending_count;
    bool resume_owed, cancelled, run_timer_fired, completed;
    /* Each step ends as it was drawn and nothing is late: the end is the plan's alone. */
    bool calm, is_twin, fails[STEPS_MAX];
};

/* ---- plans ---- */

static void depend(struct world *w, struct plan_step *p, uint32_t i)
{
    uint32_t wanted = i == 0 ? 0 : choose(4);
    p->depends_on = arena_array(&w->arena, uint32_t, 4);
    for (uint32_t k = 0; k < wanted; k++) {
        uint32_t d = chance(2) ? i - 1 : choose(i), at = 0;
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
    g->limit = choose(3);
    g->fail_fast = chance(2) && !w->calm;
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
    uint32_t n = 1 + choose(STEPS_MAX - 6);
    *p = (struct plan){.arena = &w->arena};
    w->calm = chance(3);
    while (p->step_count < n) {
        uint32_t first = p->step_count, members = chance(5) ? 2 + choose(3) : 1;
        for (uint32_t m = 0; m < members; m++) {
            uint32_t i = p->step_count;
            struct plan_step *s = plan_add_step(p);
            s->id = arena_printf(&w->arena, "s%u", i);
            s->type = chance(12)   ? STEP_TYPE_ACTION
                      : chance(15) ? STEP_TYPE_APPROVAL
                                   : STEP_TYPE_SHELL;
            w->fails[i] = chance(3);
            s->when = chance(4) ? (enum step_when)choose(3) : WHEN_ON_SUCCESS;
            s->continue_on_error = chance(6);
            s->retries = chance(4) ? choose(3) : 0;
            /* Members do not depend on each other. */
            depend(w, s, first);
        }
        if (members > 1)
            make_group(w, p, first);
    }
    w->stages = choose(STAGES_MAX);
    for (uint32_t k = 0; k < w->stages; k++)
        w->stage_ends[k] = 1 + choose(p->step_count);
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
        w->await_counts[k] = 1 + choose(2);
        for (uint32_t j = 0; j < w->await_counts[k]; j++)
            w->awaits[k][j] = choose(w->stage_ends[k]);
        /* What the code awaits it has often read the status of. */
        uint32_t read = w->awaits[k][0];
        if (chance(2) && p->steps[read].judged_from == PLAN_NEVER)
            p->steps[read].judged_from = w->stage_ends[k];
    }
    w->stage_ends[w->stages] = p->step_count;
}

static void tell_plan(const struct world *w)
{
    for (uint32_t i = 0; i < w->whole.step_count; i++) {
        const struct plan_step *p = &w->whole.steps[i];
        tell_line("step %u: %s, when %d%s%s", i, step_type_name(p->type), (int)p->when,
                  p->continue_on_error ? ", continue_on_error" : "",
                  p->fail_fast ? ", fail_fast" : "");
        if (p->limit)
            tell_line(", limit %u", p->limit);
        if (p->retries)
            tell_line(", %u retries", p->retries);
        if (p->group != PLAN_NEVER)
            tell_line(", in group %u", p->group);
        if (p->judged_from != PLAN_NEVER)
            tell_line(", judged from %u on", p->judged_from);
        for (uint32_t d = 0; d < p->depends_count; d++)
            tell_line("%s %u", d ? "," : ", after", p->depends_on[d]);
        tell_line("\n");
    }
    for (uint32_t k = 0; k < w->stages; k++)
        tell_line("part %u of the plan: up to step %u, awaits %u\n", k, w->stage_ends[k] - 1,
                  w->awaits[k][0]);
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

static bool has_break(const struct world *w, uint32_t step)
{
    const struct run_options *o = &w->run.options;
    for (size_t i = 0; i < o->break_count; i++)
        if (str_eq(o->break_before[i], w->plan.steps[step].id))
            return !is_structural(w->plan.steps[step].type);
    return false;
}

/* A person takes no slot and no place. */
static bool takes_slot(const struct world *w, uint32_t step)
{
    return w->running[step] && w->plan.steps[step].type != STEP_TYPE_APPROVAL;
}

static void check_start(struct world *w, uint32_t step)
{
    const struct plan_step *p = &w->plan.steps[step];
    uint32_t running = 0, members = 0;
    promise(!w->running[step], "a step runs once at a time");
    promise(!step_status_is_final(w->recorded[step].status), "a final step does not run again");
    promise(all_before_are_final(w, step), "a step starts after all that it depends on");
    promise(!w->cancelled && !w->run_timer_fired, "nothing new starts in a cancelled run");
    promise(!has_break(w, step) || w->let_go[step], "a held step begins when it is told to");
    w->running[step] = true;
    for (uint32_t i = 0; i < w->plan.step_count; i++) {
        running += takes_slot(w, i);
        members += takes_slot(w, i) && w->plan.steps[i].group == p->group;
    }
    promise(running <= w->run.options.slots, "no more steps run than there are slots");
    if (p->group != PLAN_NEVER && w->plan.steps[p->group].limit)
        promise(members <= w->plan.steps[p->group].limit,
                "no more members run than the group's limit");
    if (p->when == WHEN_ON_SUCCESS)
        promise(!any_failure_before(w, step, true),
                "an unjudged failure skips what comes after it");
    if (p->when == WHEN_ON_FAILURE && !is_structural(p->type))
        promise(any_failure_before(w, step, false), "on_failure runs only after a failure");
    w->starts[step]++;
    promise(w->starts[step] <= 1 + p->retries + w->crashes_while_running[step] + w->agains[step],
            "a step starts again only for a retry or after a crash");
}

static void later(struct world *w, struct run_event e)
{
    if (w->pending_count < PENDING_MAX)
        w->pending[w->pending_count++] = e;
}

/* Somebody looks, and lets it go on. */
static void hold_for_a_while(struct world *w, uint32_t step)
{
    bool again = chance(4);
    later(w, (struct run_event){.kind = RUN_EVENT_CONTINUE,
                                .step = step,
                                .try = w->run.steps[step].tries,
                                .again = again});
}

static void check_change(struct world *w, uint32_t step)
{
    const struct step_state *s = &w->run.steps[step];
    struct step_state *old = &w->recorded[step];
    if (step_status_is_final(old->status))
        promise(old->status == s->status && old->outcome == s->outcome,
                "a final step never changes");
    if (s->status == STEP_SKIPPED && s->reason == REASON_DEPENDENCY_FAILED)
        promise(any_failure_before(w, step, true), "a step is skipped for a failure that there is");
    if (s->status == STEP_SKIPPED && s->reason == REASON_NOTHING_FAILED)
        promise(!any_failure_before(w, step, false),
                "on_failure is skipped only where nothing failed");
    if (w->run.options.break_on_failure && s->status == STEP_FAILED && !w->run.ending &&
        !is_structural(w->plan.steps[step].type) && w->plan.steps[step].type != STEP_TYPE_APPROVAL)
        promise(step_is_held(old), "a failed try is held before it counts");
    if (step_is_held(s)) {
        w->running[step] = false;
        if (!step_is_held(old))
            hold_for_a_while(w, step);
    }
    if (step_status_is_final(s->status)) {
        promise(s->outcome != OUTCOME_NONE && s->conclusion != CONCLUSION_NONE,
                "a final step has an outcome");
        w->running[step] = false;
    }
    *old = *s;
}

static void check_end(struct world *w)
{
    enum run_status status = w->run.status;
    bool bad = false;
    for (uint32_t i = 0; i < w->run.n; i++) {
        promise(step_status_is_final(w->run.steps[i].status),
                "a run ends when all of its steps have");
        bad |= failed(w, i) && w->plan.steps[i].judged_from == PLAN_NEVER &&
               w->run.steps[i].conclusion == CONCLUSION_FAILED;
    }
    if (w->cancelled && w->run.end_reason == REASON_RUN_CANCELLED)
        promise(status == RUN_CANCELLED, "a cancelled run ends as cancelled");
    else if (w->run_timer_fired && w->run.ending)
        promise(status == RUN_FAILED, "a run that passed its time has failed");
    else if (bad)
        promise(status == RUN_FAILED, "an unjudged failure fails the run");
}

/* ---- time ---- */

static void step_event_later(struct world *w, enum run_event_kind kind, const struct run_action *a)
{
    later(w, (struct run_event){.kind = kind, .step = a->step, .try = a->try});
}

/* The try runs; how it will end is decided now. */
static void begin(struct world *w, const struct run_action *a)
{
    bool fails = w->calm ? w->fails[a->step] : chance(3);
    check_start(w, a->step);
    later(w, (struct run_event){.kind = RUN_EVENT_STEP_DONE,
                                .step = a->step,
                                .try = a->try,
                                .outcome = fails ? OUTCOME_FAILED : OUTCOME_SUCCESS,
                                .reason = fails ? REASON_EXIT_CODE : REASON_NONE,
                                .final = !w->calm && chance(20)});
}

/* Doubled with each try, with half of it more or less. */
static void check_delay(struct world *w, const struct run_action *a)
{
    bool again = w->again[a->step];
    w->again[a->step] = false;
    if (again && a->delay_ms == 0)
        return;
    int64_t delay = RETRY_FIRST_MS;
    for (uint32_t i = 1; i < a->try && delay < RETRY_LONGEST_MS; i++)
        delay *= 2;
    delay = delay < RETRY_LONGEST_MS ? delay : RETRY_LONGEST_MS;
    promise(a->delay_ms >= delay / 2 && a->delay_ms <= delay * 3 / 2,
            "a retry waits, longer each time, within bounds");
}

static void obey(struct world *w, const struct run_action *a)
{
    switch (a->kind) {
    case RUN_ACTION_STEP_CHANGED:
        check_change(w, a->step);
        break;
    case RUN_ACTION_START:
        begin(w, a);
        break;
    case RUN_ACTION_ARM_STEP:
        if (!w->calm && chance(10))
            step_event_later(w, RUN_EVENT_STEP_TIMER, a);
        break;
    case RUN_ACTION_ARM_GRACE:
        step_event_later(w, RUN_EVENT_GRACE_TIMER, a);
        break;
    case RUN_ACTION_ARM_RETRY:
        w->running[a->step] = false;
        check_delay(w, a);
        step_event_later(w, RUN_EVENT_RETRY_TIMER, a);
        break;
    case RUN_ACTION_ARM_RUN:
        if (!w->calm && chance(30))
            later(w, (struct run_event){.kind = RUN_EVENT_RUN_TIMER});
        break;
    case RUN_ACTION_RESUME:
        promise(!w->resume_owed, "the evaluation is asked to go on once");
        w->resume_owed = true;
        break;
    case RUN_ACTION_COMPLETE:
        promise(!w->completed, "a run completes once");
        w->completed = true;
        break;
    default:
        break;
    }
}

static void tell_event(const struct world *w, const struct run_event *e, const char *more)
{
    static const char *const words[] = {
        [RUN_EVENT_START] = "starts",         [RUN_EVENT_GREW] = "the plan has grown",
        [RUN_EVENT_STEP_DONE] = "done",       [RUN_EVENT_RETRY_TIMER] = "time for the next try",
        [RUN_EVENT_STEP_TIMER] = "time's up", [RUN_EVENT_GRACE_TIMER] = "grace is over",
        [RUN_EVENT_RUN_TIMER] = "time's up",  [RUN_EVENT_CANCEL] = "cancelled",
        [RUN_EVENT_CONTINUE] = "goes on"};
    if (e->kind == RUN_EVENT_START)
        tell_line("the run starts, %u slots%s\n", w->run.options.slots, more);
    else if (!e->try && e->kind != RUN_EVENT_CONTINUE)
        tell_line("the run: %s%s\n", words[e->kind], more);
    else
        tell_line("step %u, try %u: %s%s%s%s\n", e->step, e->try, words[e->kind],
                  e->outcome == OUTCOME_FAILED ? ", failed" : "", e->again ? ", again" : "", more);
}

static void crash(struct world *w);

/* The process dies before what the core decided is recorded: it never was. */
static bool is_lost(struct world *w, const struct run_event *e)
{
    bool may = e->kind == RUN_EVENT_STEP_DONE || e->kind == RUN_EVENT_RETRY_TIMER ||
               e->kind == RUN_EVENT_GREW || e->kind == RUN_EVENT_CONTINUE;
    return may && !w->is_twin && !w->cancelled && !w->run_timer_fired && !w->completed &&
           chance(60);
}

/* Of an earlier try, or of what has ended: it must change nothing. */
static bool is_late(const struct world *w, const struct run_event *e)
{
    return e->try && (e->try < w->run.steps[e->step].tries || w->completed ||
                      step_status_is_final(w->run.steps[e->step].status));
}

static void note_continue(struct world *w, const struct run_event *e)
{
    const struct step_state *s = &w->run.steps[e->step];
    if (!step_is_held(s))
        return;
    w->let_go[e->step] = true;
    w->again[e->step] = e->again && s->reason == REASON_HELD_AFTER_FAILURE;
    w->agains[e->step] += w->again[e->step];
}

static void tell(struct world *w, struct run_event e)
{
    struct run_actions actions = {0};
    struct err err = ERR_INIT;
    bool lost = is_lost(w, &e), late = is_late(w, &e);
    count_event();
    tell_event(w, &e, lost ? ", and the process dies before it is recorded" : "");
    if (e.kind == RUN_EVENT_CANCEL && !w->run.ending)
        w->cancelled = true;
    if (e.kind == RUN_EVENT_RUN_TIMER && !w->run.ending)
        w->run_timer_fired = true;
    if (e.kind == RUN_EVENT_CONTINUE && !late)
        note_continue(w, &e);
    if (!run_apply(&w->run, &w->plan, &e, &actions, &err))
        broken(err.message.p);
    promise(!late || !actions.list.n, "a late message changes nothing");
    for (size_t i = 0; i < actions.list.n && !lost; i++)
        obey(w, &actions.list.at[i]);
    vec_done(&actions.list);
    if (lost)
        crash(w);
}

static void start(struct world *w, uint32_t slots)
{
    struct run_options options = {.slots = slots, .seed = 1};
    if (!w->is_twin && chance(3)) { /* the twin shows that holding decides nothing */
        options.break_before = w->breaks;
        options.break_count = choose(3);
        options.break_on_failure = chance(2);
        for (size_t i = 0; i < options.break_count; i++)
            w->breaks[i] = w->whole.steps[choose(w->whole.step_count)].id;
    }
    run_init(&w->run, &options);
}

/* The process dies: what was recorded is restored, what ran is forgotten. */
static void crash(struct world *w)
{
    struct run_options options = w->run.options;
    run_done(&w->run);
    run_init(&w->run, &options);
    w->pending_count = 0;
    w->resume_owed = false;
    for (uint32_t i = 0; i < w->plan.step_count; i++) {
        const struct step_state *s = &w->recorded[i];
        if (step_status_is_final(s->status)) {
            run_restore(&w->run, &w->plan, i, s->outcome, s->conclusion, s->status, s->reason,
                        s->tries);
            continue;
        }
        w->running[i] = false;
        w->let_go[i] = w->let_go[i] && s->tries; /* else it is held again */
        if (step_is_held(s) && s->reason == REASON_HELD_AFTER_FAILURE) {
            run_restore_held(&w->run, &w->plan, i, s->held_outcome, s->held_reason, s->tries);
            hold_for_a_while(w, i);
            continue;
        }
        /* Who waits for a person asks again, in the same try. */
        uint32_t tries = s->tries - (s->status == STEP_WAITING && !step_is_held(s));
        if (s->status == STEP_RUNNING || s->status == STEP_WAITING)
            w->crashes_while_running[i]++;
        run_restore_tries(&w->run, &w->plan, i, tries);
        w->recorded[i] = (struct step_state){.tries = tries};
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
    bool quiet = !w->cancelled && !w->run_timer_fired;
    if (quiet && !w->calm && chance(200)) {
        tell(w, (struct run_event){.kind = RUN_EVENT_CANCEL});
    } else if (quiet && chance(80)) {
        tell_line("the process dies\n");
        crash(w);
    } else if (w->resume_owed && (w->pending_count == 0 || chance(3))) {
        grow(w);
    } else {
        promise(w->pending_count, "every run ends");
        uint32_t at = choose(w->pending_count);
        struct run_event e = w->pending[at];
        if (!chance(10)) /* else it comes again, late */
            w->pending[at] = w->pending[--w->pending_count];
        tell(w, e);
    }
}

/* The same plan without crashes, one step after the other: rebuilding equals continuing, and the
 * order in which steps finish decides nothing. */
static void check_twin(const struct world *w)
{
    struct world *t = mem_zalloc(sizeof *t);
    *t = *w;
    memset(t->recorded, 0, sizeof t->recorded);
    memset(t->running, 0, sizeof t->running);
    memset(t->starts, 0, sizeof t->starts);
    t->pending_count = t->stage = 0;
    t->completed = t->resume_owed = false;
    t->is_twin = true;
    show_stage(t);
    start(t, 1);
    tell(t, (struct run_event){.kind = RUN_EVENT_START});
    while (!t->completed) {
        struct run_event e = t->pending[0];
        if (t->pending_count == 0) {
            promise(t->resume_owed, "every run ends");
            grow(t);
            continue;
        }
        memmove(t->pending, t->pending + 1, --t->pending_count * sizeof *t->pending);
        tell(t, e);
    }
    for (uint32_t i = 0; i < w->run.n; i++)
        promise(w->run.steps[i].status == t->run.steps[i].status &&
                    w->run.steps[i].outcome == t->run.steps[i].outcome &&
                    w->run.steps[i].conclusion == t->run.steps[i].conclusion,
                "neither crashes nor the order of ends change what a step ends as");
    promise(w->run.status == t->run.status, "nor what the run ends as");
    run_done(&t->run);
    free(t);
}

void simulate_run(void)
{
    struct world *w = mem_zalloc(sizeof *w);
    make_plan(w);
    tell_plan(w);
    show_stage(w);
    start(w, 1 + choose(3));
    bool never = !w->calm && chance(500); /* cancelled in its queue */
    tell(w, (struct run_event){.kind = never ? RUN_EVENT_CANCEL : RUN_EVENT_START});
    for (uint32_t turns = 0; !w->completed; turns++) {
        promise(turns < TURNS_MAX, "a run ends in bounded time");
        happen(w);
    }
    check_end(w);
    /* What comes after the end changes nothing. */
    for (uint32_t i = 0; i < w->pending_count && i < 5; i++)
        tell(w, w->pending[i]);
    if (w->calm)
        check_twin(w);
    run_done(&w->run);
    arena_done(&w->arena);
    free(w);
}
