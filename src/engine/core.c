#include "engine/core.h"
#include "engine/transitions.h"
#include <assert.h>

/* One application of an event: the state, where actions go. */
struct turn {
    struct run_state *run;
    const struct plan *plan;
    struct run_actions *actions;
};

static void act(struct turn *t, enum run_action_kind kind, uint32_t step, int64_t delay_ms)
{
    uint32_t try = step == PLAN_NEVER ? 0 : t->run->steps[step].tries;
    vec_push(&t->actions->list, (struct run_action){kind, step, try, delay_ms});
}

/* The one place where a step's status changes. */
static void set_status(struct turn *t, uint32_t step, enum step_status status, enum reason reason)
{
    struct step_state *s = &t->run->steps[step];
    assert(s->status == status || step_may_become(s->status, status));
    s->status = status;
    s->reason = reason;
    act(t, RUN_ACTION_STEP_CHANGED, step, 0);
}

static void set_run_status(struct turn *t, enum run_status status, enum reason reason)
{
    struct run_state *r = t->run;
    assert(r->status == status || run_may_become(r->status, status));
    r->status = status;
    r->reason = reason;
    act(t, RUN_ACTION_RUN_CHANGED, PLAN_NEVER, 0);
}

/* ---- the ready heap: lowest index first ---- */

static void ready_push(struct run_state *r, uint32_t step)
{
    vec_push(&r->ready, step);
    size_t i = r->ready.n - 1;
    while (i > 0 && r->ready.at[(i - 1) / 2] > r->ready.at[i]) {
        uint32_t up = r->ready.at[(i - 1) / 2];
        r->ready.at[(i - 1) / 2] = r->ready.at[i];
        r->ready.at[i] = up;
        i = (i - 1) / 2;
    }
}

static uint32_t ready_pop(struct run_state *r)
{
    uint32_t first = r->ready.at[0];
    uint32_t last = vec_pop(&r->ready);
    size_t i = 0, n = r->ready.n;
    if (n == 0)
        return first;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < n && r->ready.at[child + 1] < r->ready.at[child])
            child++;
        if (child >= n || r->ready.at[child] >= last)
            break;
        r->ready.at[i] = r->ready.at[child];
        i = child;
    }
    r->ready.at[i] = last;
    return first;
}

/* ---- failures before a step ---- */

/* What skips the steps after it: a failure, a cancellation, or a place in a group that failed fast.
 * Groups end with their members, and actions with their steps: those carry the failures, unless the
 * action failed by itself. */
static bool fails_itself(const struct turn *t, uint32_t step)
{
    const struct step_state *s = &t->run->steps[step];
    enum step_type type = t->plan->steps[step].type;
    if (s->conclusion == CONCLUSION_SKIPPED)
        return s->reason == REASON_GROUP_FAILED_FAST;
    if (s->conclusion != CONCLUSION_FAILED && s->conclusion != CONCLUSION_CANCELLED)
        return false;
    return type != STEP_TYPE_PARALLEL &&
           !(type == STEP_TYPE_ACTION &&
             (s->reason == REASON_STEP_FAILED || s->reason == REASON_DEPENDENCY_CANCELLED));
}

static void add_failure(struct run_state *r, struct step_state *s, uint32_t failure)
{
    for (uint32_t i = s->failure_count; i-- > 0;)
        if (s->failures[i] == failure)
            return;
    if ((s->failure_count & (s->failure_count - 1)) == 0) {
        uint32_t *more =
            arena_array(&r->arena, uint32_t, s->failure_count ? s->failure_count * 2 : 1);
        if (s->failure_count)
            memcpy(more, s->failures, s->failure_count * sizeof *more);
        s->failures = more;
    }
    s->failures[s->failure_count++] = failure;
}

/* All that failed before the step, over any number of steps. */
static void gather_failures(struct turn *t, uint32_t step)
{
    struct run_state *r = t->run;
    const struct plan_step *p = &t->plan->steps[step];
    struct step_state *s = &r->steps[step];
    for (uint32_t i = 0; i < p->depends_count; i++) {
        const struct step_state *d = &r->steps[p->depends_on[i]];
        if (s->failure_count == 0 && d->failure_count) {
            /* A copy with its room: a power of two, as add_failure expects. */
            uint32_t room = 1;
            while (room < d->failure_count)
                room *= 2;
            s->failures = arena_array(&r->arena, uint32_t, room);
            memcpy(s->failures, d->failures, d->failure_count * sizeof *d->failures);
            s->failure_count = d->failure_count;
            continue;
        }
        for (uint32_t f = 0; f < d->failure_count; f++)
            add_failure(r, s, d->failures[f]);
    }
}

/* Whether the code had read the failed step's status when this one was registered. */
static bool is_judged_for(const struct turn *t, uint32_t failed, uint32_t step)
{
    uint32_t from = t->plan->steps[failed].judged_from;
    return from != PLAN_NEVER && step >= from;
}

static bool has_unjudged_failure(const struct turn *t, uint32_t step)
{
    const struct step_state *s = &t->run->steps[step];
    for (uint32_t i = 0; i < s->failure_count; i++)
        if (!is_judged_for(t, s->failures[i], step))
            return true;
    return false;
}

/* ---- ends ---- */

static void fail_fast(struct turn *t, uint32_t group, uint32_t failed);

static enum step_status status_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_SUCCESS:
    case OUTCOME_RECORDED:
        return STEP_SUCCESS;
    case OUTCOME_CACHED:
        return STEP_CACHED;
    case OUTCOME_SKIPPED:
        return STEP_SKIPPED;
    case OUTCOME_CANCELLED:
        return STEP_CANCELLED;
    default:
        return STEP_FAILED;
    }
}

static enum conclusion conclusion_of(const struct plan_step *p, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_SUCCESS:
    case OUTCOME_RECORDED:
    case OUTCOME_CACHED:
        return CONCLUSION_SUCCESS;
    case OUTCOME_SKIPPED:
        return CONCLUSION_SKIPPED;
    case OUTCOME_CANCELLED:
        return CONCLUSION_CANCELLED;
    default:
        return p->continue_on_error ? CONCLUSION_SUCCESS : CONCLUSION_FAILED;
    }
}

/* Steps whose last dependency has just become final, to be looked at without recursion. */
static void release_dependents(struct turn *t, uint32_t step)
{
    struct step_state *s = &t->run->steps[step];
    for (uint32_t i = 0; i < s->dependent_count; i++)
        if (--t->run->steps[s->dependents[i]].missing == 0)
            vec_push(&t->run->released, s->dependents[i]);
}

static void end_step(struct turn *t, uint32_t step, enum outcome outcome, enum reason reason)
{
    struct run_state *r = t->run;
    const struct plan_step *p = &t->plan->steps[step];
    struct step_state *s = &r->steps[step];

    s->outcome = outcome;
    s->conclusion = conclusion_of(p, outcome);
    if (s->conclusion == CONCLUSION_SUCCESS && outcome != OUTCOME_SUCCESS &&
        reason != REASON_NONE && p->continue_on_error)
        reason = REASON_CONTINUE_ON_ERROR;
    r->final++;
    set_status(t, step, status_of(outcome), reason);
    if (fails_itself(t, step))
        add_failure(r, s, step);
    if (p->group != PLAN_NEVER && t->plan->steps[p->group].fail_fast &&
        s->conclusion == CONCLUSION_FAILED && !r->steps[p->group].failed_fast)
        fail_fast(t, p->group, step);
    release_dependents(t, step);
}

/* Takes no slot and no place in its group: people may take days. */
static void wait_for_person(struct turn *t, uint32_t step)
{
    int64_t timeout_ms = t->plan->steps[step].timeout_ms;
    t->run->steps[step].tries++;
    t->run->waiting++;
    set_status(t, step, STEP_WAITING, REASON_WAITING_FOR_APPROVAL);
    act(t, RUN_ACTION_START, step, 0);
    if (timeout_ms)
        act(t, RUN_ACTION_ARM_STEP, step, timeout_ms);
}

static void leave_waiting(struct turn *t, uint32_t step)
{
    t->run->waiting--;
    t->run->held -= step_is_held(&t->run->steps[step]);
}

/* Of a held step whose try has failed, that is what happened. */
static void end_waiting(struct turn *t, uint32_t step, enum outcome outcome, enum reason reason)
{
    const struct step_state *s = &t->run->steps[step];
    bool failed = step_is_held(s) && s->reason == REASON_HELD_AFTER_FAILURE;
    leave_waiting(t, step);
    end_step(t, step, failed ? s->held_outcome : outcome, failed ? s->held_reason : reason);
}

static bool has_break_before(const struct turn *t, uint32_t step)
{
    const struct run_options *o = &t->run->options;
    const struct step_state *s = &t->run->steps[step];
    if (s->tries || s->let_go || step_type_is_structural(t->plan->steps[step].type))
        return false;
    for (size_t i = 0; i < o->break_count; i++)
        if (str_eq(o->break_before[i], t->plan->steps[step].id))
            return true;
    return false;
}

static void hold(struct turn *t, uint32_t step, enum reason reason)
{
    t->run->waiting++;
    t->run->held++;
    set_status(t, step, STEP_WAITING, reason);
}

static void queue_step(struct turn *t, uint32_t step)
{
    set_status(t, step, STEP_READY, REASON_WAITING_FOR_SLOT);
    if (has_break_before(t, step))
        hold(t, step, REASON_HELD_BEFORE);
    else if (t->plan->steps[step].type == STEP_TYPE_APPROVAL)
        wait_for_person(t, step);
    else
        ready_push(t->run, step);
}

/* ---- groups ---- */

static void end_structural(struct turn *t, uint32_t step)
{
    const struct plan_step *p = &t->plan->steps[step];
    bool any_failed = false, any_cancelled = false, any_ran = p->depends_count == 0;
    for (uint32_t i = 0; i < p->depends_count; i++) {
        uint32_t d = p->depends_on[i];
        bool member = t->plan->steps[d].group == step || t->plan->steps[d].parent == step;
        enum conclusion c = t->run->steps[d].conclusion;
        any_failed |= member && c == CONCLUSION_FAILED && !is_judged_for(t, d, step);
        any_cancelled |= member && c == CONCLUSION_CANCELLED;
        any_ran |= c != CONCLUSION_SKIPPED;
    }
    if (any_failed)
        end_step(t, step, OUTCOME_FAILED, REASON_STEP_FAILED);
    else if (any_cancelled)
        end_step(t, step, OUTCOME_CANCELLED, REASON_DEPENDENCY_CANCELLED);
    else if (has_unjudged_failure(t, step) || !any_ran)
        end_step(t, step, OUTCOME_SKIPPED, REASON_DEPENDENCY_SKIPPED);
    else if (p->type == STEP_TYPE_ACTION)
        queue_step(t, step); /* its outputs are computed when it starts */
    else
        end_step(t, step, OUTCOME_SUCCESS, REASON_NONE);
}

static void kill_step(struct turn *t, uint32_t step, enum outcome wanted, enum reason why)
{
    struct step_state *s = &t->run->steps[step];
    if (s->killing)
        return;
    s->killing = true;
    s->wanted = wanted;
    s->why = why;
    act(t, RUN_ACTION_TERM, step, 0);
    act(t, RUN_ACTION_ARM_GRACE, step, STEP_GRACE_MS);
}

/* Members that wait for other steps end when those have: only then is it known what failed before
 * them. */
static void fail_fast(struct turn *t, uint32_t group, uint32_t failed)
{
    const struct plan_step *g = &t->plan->steps[group];
    t->run->steps[group].failed_fast = true;
    for (uint32_t i = 0; i < g->depends_count; i++) {
        uint32_t m = g->depends_on[i];
        struct step_state *s = &t->run->steps[m];
        if (m == failed || t->plan->steps[m].group != group)
            continue;
        if (s->status == STEP_READY ||
            (s->status == STEP_PENDING && s->reason == REASON_WAITING_FOR_RETRY))
            end_step(t, m, OUTCOME_SKIPPED, REASON_GROUP_FAILED_FAST);
        else if (s->status == STEP_WAITING)
            end_waiting(t, m, OUTCOME_CANCELLED, REASON_GROUP_FAILED_FAST);
        else if (s->status == STEP_RUNNING)
            kill_step(t, m, OUTCOME_CANCELLED, REASON_GROUP_FAILED_FAST);
    }
}

/* ---- from pending to ready ---- */

static void step_ready(struct turn *t, uint32_t step)
{
    struct run_state *r = t->run;
    const struct plan_step *p = &t->plan->steps[step];
    struct step_state *s = &r->steps[step];

    if (s->status != STEP_PENDING)
        return;
    gather_failures(t, step);
    if (r->ending) {
        end_step(t, step, OUTCOME_CANCELLED, r->reason);
        return;
    }
    if (p->group != PLAN_NEVER && r->steps[p->group].failed_fast) {
        end_step(t, step, OUTCOME_SKIPPED, REASON_GROUP_FAILED_FAST);
        return;
    }
    if (step_type_is_structural(p->type)) {
        end_structural(t, step);
        return;
    }
    if (p->when == WHEN_ON_FAILURE && s->failure_count == 0) {
        end_step(t, step, OUTCOME_SKIPPED, REASON_NOTHING_FAILED);
        return;
    }
    if (p->when == WHEN_ON_SUCCESS && has_unjudged_failure(t, step)) {
        end_step(t, step, OUTCOME_SKIPPED, REASON_DEPENDENCY_FAILED);
        return;
    }
    queue_step(t, step);
}

/* ---- from ready to running ---- */

static void start_step(struct turn *t, uint32_t step)
{
    struct run_state *r = t->run;
    const struct plan_step *p = &t->plan->steps[step];
    struct step_state *s = &r->steps[step];

    s->tries++;
    s->killing = s->killed = false;
    r->running++;
    if (p->group != PLAN_NEVER)
        r->steps[p->group].running++;
    set_status(t, step, STEP_RUNNING, REASON_NONE);
    act(t, RUN_ACTION_START, step, 0);
    act(t, RUN_ACTION_ARM_STEP, step, p->timeout_ms ? p->timeout_ms : STEP_DEFAULT_TIMEOUT_MS);
}

/* A member whose group is full waits in the group's own list, so that it does not hold up others.
 */
static bool group_is_full(struct turn *t, uint32_t step)
{
    struct run_state *r = t->run;
    uint32_t group = t->plan->steps[step].group;
    if (group == PLAN_NEVER || !t->plan->steps[group].limit ||
        r->steps[group].running < t->plan->steps[group].limit)
        return false;
    uint32_t *link = &r->steps[group].waiting_first;
    while (*link != PLAN_NEVER && *link < step)
        link = &r->steps[*link].waiting_next;
    r->steps[step].waiting_next = *link;
    *link = step;
    if (r->steps[step].reason != REASON_WAITING_FOR_GROUP)
        set_status(t, step, STEP_READY, REASON_WAITING_FOR_GROUP);
    return true;
}

static void start_ready(struct turn *t)
{
    struct run_state *r = t->run;
    while (!r->ending && r->ready.n && r->running < r->options.slots) {
        uint32_t step = ready_pop(r);
        if (r->steps[step].status == STEP_READY && !group_is_full(t, step))
            start_step(t, step);
    }
}

static void leave_group(struct turn *t, uint32_t step)
{
    struct run_state *r = t->run;
    uint32_t group = t->plan->steps[step].group;
    if (group == PLAN_NEVER)
        return;
    r->steps[group].running--;
    /* One place is free; members that ended while they waited do not take it. */
    uint32_t next = r->steps[group].waiting_first;
    while (next != PLAN_NEVER && r->steps[next].status != STEP_READY)
        next = r->steps[next].waiting_next;
    if (next == PLAN_NEVER)
        return;
    r->steps[group].waiting_first = r->steps[next].waiting_next;
    ready_push(r, next);
}

/* ---- the plan grows ---- */

static void add_dependent(struct run_state *r, uint32_t of, uint32_t step)
{
    struct step_state *s = &r->steps[of];
    if (s->dependent_count == s->dependent_cap) {
        uint32_t cap = s->dependent_cap ? s->dependent_cap * 2 : 2;
        uint32_t *more = arena_array(&r->arena, uint32_t, cap);
        if (s->dependent_count)
            memcpy(more, s->dependents, s->dependent_count * sizeof *more);
        s->dependents = more;
        s->dependent_cap = cap;
    }
    s->dependents[s->dependent_count++] = step;
}

static void grow(struct run_state *r, const struct plan *plan)
{
    if (plan->step_count > r->cap) {
        r->cap = plan->step_count * 2;
        r->steps = mem_realloc_array(r->steps, r->cap, sizeof *r->steps);
    }
    for (; r->n < plan->step_count; r->n++)
        r->steps[r->n] = (struct step_state){.waiting_first = PLAN_NEVER,
                                             .waiting_next = PLAN_NEVER,
                                             .reason = REASON_WAITING_FOR_STEPS};
}

/* Links the steps [from, n): those without missing dependencies are released. */
static void link_steps(struct turn *t, uint32_t from)
{
    struct run_state *r = t->run;
    for (uint32_t i = from; i < r->n; i++) {
        const struct plan_step *p = &t->plan->steps[i];
        if (step_status_is_final(r->steps[i].status))
            continue;
        for (uint32_t d = 0; d < p->depends_count; d++) {
            if (step_status_is_final(r->steps[p->depends_on[d]].status))
                continue;
            add_dependent(r, p->depends_on[d], i);
            r->steps[i].missing++;
        }
        if (r->steps[i].missing == 0)
            vec_push(&r->released, i);
    }
    r->linked = r->n;
}

/* ---- the run ---- */

static bool awaits_are_final(const struct turn *t)
{
    for (uint32_t i = 0; i < t->plan->await_count; i++)
        if (!step_status_is_final(t->run->steps[t->plan->await_steps[i]].status))
            return false;
    return true;
}

static bool fails_the_run(enum reason end_reason)
{
    return end_reason == REASON_RUN_TIMED_OUT || end_reason == REASON_FILES_NOT_COPIED;
}

static void conclude(struct turn *t)
{
    struct run_state *r = t->run;
    enum run_status status = RUN_SUCCESS;
    enum reason reason = REASON_NONE;

    if (r->ending) {
        status = fails_the_run(r->end_reason) ? RUN_FAILED : RUN_CANCELLED;
        reason = r->end_reason;
    } else if (t->plan->end == PLAN_ERROR) {
        status = RUN_FAILED;
        reason = REASON_EVALUATION_FAILED;
    } else if (t->plan->end == PLAN_FAIL) {
        status = RUN_FAILED;
        reason = REASON_CTX_FAIL;
    } else {
        for (uint32_t i = 0; i < r->n && status == RUN_SUCCESS; i++) {
            if (fails_itself(t, i) && r->steps[i].conclusion == CONCLUSION_FAILED &&
                t->plan->steps[i].judged_from == PLAN_NEVER) {
                status = RUN_FAILED;
                reason = REASON_STEP_FAILED;
            }
        }
    }
    set_run_status(t, status, reason);
    act(t, RUN_ACTION_COMPLETE, PLAN_NEVER, 0);
}

/* A run in which nothing goes on but people's thinking waits. */
static void show_waiting(struct turn *t)
{
    struct run_state *r = t->run;
    bool waits = r->waiting && !r->running && !r->ready.n && !r->resuming && !r->ending;
    if (waits && r->status == RUN_RUNNING)
        set_run_status(t, RUN_WAITING, r->held ? REASON_STEP_HELD : REASON_WAITING_FOR_APPROVAL);
    else if (!waits && r->status == RUN_WAITING)
        set_run_status(t, RUN_RUNNING, REASON_NONE);
}

/* After every event: release, start, resume, conclude, as far as it goes. */
static void settle(struct turn *t)
{
    struct run_state *r = t->run;
    for (size_t i = 0; i < r->released.n; i++)
        step_ready(t, r->released.at[i]);
    r->released.n = 0;
    start_ready(t);
    if (run_status_is_final(r->status))
        return;
    bool open = t->plan->end == PLAN_OPEN;
    if (open && !r->ending && !r->resuming && awaits_are_final(t)) {
        r->resuming = true;
        act(t, RUN_ACTION_RESUME, PLAN_NEVER, 0);
    }
    if (r->final == r->n && r->running == 0 && !r->resuming && (!open || r->ending))
        conclude(t);
    else
        show_waiting(t);
}

/* Nothing new starts; what runs is ended. */
static void end_run(struct turn *t, enum reason reason)
{
    struct run_state *r = t->run;
    r->ending = true;
    r->end_reason = reason;
    r->reason = reason;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->steps[i].status == STEP_WAITING)
            end_waiting(t, i, OUTCOME_CANCELLED, reason);
        else if (r->steps[i].status == STEP_RUNNING)
            kill_step(t, i, OUTCOME_CANCELLED, reason);
        else if (!step_status_is_final(r->steps[i].status))
            end_step(t, i, OUTCOME_CANCELLED, reason);
    }
}

/* ---- events ---- */

/* A splitmix64 of seed, step and try: the same schedule for the same run. */
static uint64_t jitter(const struct run_state *r, uint32_t step, uint32_t try)
{
    uint64_t x = r->options.seed + 0x9e3779b97f4a7c15u * (((uint64_t)step << 20) + try + 1);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int64_t retry_delay(const struct run_state *r, uint32_t step, uint32_t try)
{
    int64_t delay = RETRY_FIRST_MS;
    for (uint32_t i = 1; i < try && delay < RETRY_LONGEST_MS; i++)
        delay *= 2;
    if (delay > RETRY_LONGEST_MS)
        delay = RETRY_LONGEST_MS;
    return delay / 2 + (int64_t)(jitter(r, step, try) % (uint64_t)delay);
}

/* The step ends so, or its next try waits. */
static void end_try(struct turn *t, uint32_t step, enum outcome outcome, enum reason reason,
                    bool final)
{
    struct run_state *r = t->run;
    struct step_state *s = &r->steps[step];
    bool retry = (outcome == OUTCOME_FAILED || outcome == OUTCOME_TIMED_OUT) && !final &&
                 !r->ending && s->tries <= t->plan->steps[step].retries;
    if (!retry) {
        end_step(t, step, outcome, reason);
        return;
    }
    s->killing = s->killed = false;
    s->held_outcome = outcome;
    s->held_reason = reason;
    set_status(t, step, STEP_PENDING, REASON_WAITING_FOR_RETRY);
    act(t, RUN_ACTION_ARM_RETRY, step, retry_delay(r, step, s->tries));
}

/* A held step goes on as if it had never been held, or (again) is tried once more at once. */
static void go_on(struct turn *t, const struct run_event *e)
{
    struct step_state *s = &t->run->steps[e->step];
    bool began = s->reason == REASON_HELD_AFTER_FAILURE;
    leave_waiting(t, e->step);
    s->let_go = true;
    if (!began) {
        queue_step(t, e->step);
    } else if (e->again) {
        set_status(t, e->step, STEP_PENDING, REASON_WAITING_FOR_RETRY);
        act(t, RUN_ACTION_ARM_RETRY, e->step, 0);
    } else {
        end_try(t, e->step, s->held_outcome, s->held_reason, s->held_final);
    }
}

static void step_done(struct turn *t, const struct run_event *e)
{
    struct run_state *r = t->run;
    struct step_state *s = &r->steps[e->step];
    enum outcome outcome = s->killing ? s->wanted : e->outcome;
    enum reason reason = s->killing ? s->why : e->reason;

    if (s->status == STEP_WAITING) {
        end_waiting(t, e->step, outcome, reason);
        return;
    }
    r->running--;
    leave_group(t, e->step);
    bool failed = outcome == OUTCOME_FAILED || outcome == OUTCOME_TIMED_OUT;
    if (!failed || !r->options.break_on_failure || r->ending) {
        end_try(t, e->step, outcome, reason, e->final);
        return;
    }
    s->killing = s->killed = false;
    s->held_outcome = outcome;
    s->held_reason = reason;
    s->held_final = e->final;
    hold(t, e->step, REASON_HELD_AFTER_FAILURE);
}

static bool impossible(struct err *err, const char *what)
{
    return err_set(err, "impossible_event", "the engine was told something impossible: %s", what);
}

static bool is_step_event(enum run_event_kind k)
{
    return k == RUN_EVENT_STEP_DONE || k == RUN_EVENT_RETRY_TIMER || k == RUN_EVENT_STEP_TIMER ||
           k == RUN_EVENT_GRACE_TIMER || k == RUN_EVENT_CONTINUE;
}

/* Timers and messages of an earlier try, or of a step that has ended meanwhile, mean nothing. */
static bool is_late(const struct run_state *r, const struct run_event *e)
{
    const struct step_state *s = &r->steps[e->step];
    if (e->try < s->tries || run_status_is_final(r->status))
        return true;
    if (step_is_held(s) || e->kind == RUN_EVENT_CONTINUE)
        return !step_is_held(s) || e->kind != RUN_EVENT_CONTINUE;
    if (e->kind == RUN_EVENT_RETRY_TIMER)
        return s->status != STEP_PENDING || s->reason != REASON_WAITING_FOR_RETRY;
    return s->status != STEP_RUNNING && s->status != STEP_WAITING;
}

static bool apply_step_event(struct turn *t, const struct run_event *e, struct err *err)
{
    struct run_state *r = t->run;
    if (e->step >= r->n)
        return impossible(err, "an event of a step that is not in the plan");
    struct step_state *s = &r->steps[e->step];
    if (e->try > s->tries)
        return impossible(err, "an event of a try that has not begun");
    if (is_late(r, e))
        return true;
    switch (e->kind) {
    case RUN_EVENT_STEP_DONE:
        step_done(t, e);
        break;
    case RUN_EVENT_RETRY_TIMER:
        queue_step(t, e->step);
        break;
    case RUN_EVENT_CONTINUE:
        go_on(t, e);
        break;
    case RUN_EVENT_STEP_TIMER:
        if (s->status == STEP_WAITING)
            end_waiting(t, e->step, OUTCOME_TIMED_OUT, REASON_STEP_TIMED_OUT);
        else
            kill_step(t, e->step, OUTCOME_TIMED_OUT, REASON_STEP_TIMED_OUT);
        break;
    default:
        if (s->killing && !s->killed) {
            s->killed = true;
            act(t, RUN_ACTION_KILL, e->step, 0);
        }
    }
    return true;
}

static bool apply_run_event(struct turn *t, const struct run_event *e, struct err *err)
{
    struct run_state *r = t->run;
    switch (e->kind) {
    case RUN_EVENT_START:
        if (r->started)
            return impossible(err, "a second start");
        r->started = true;
        set_run_status(t, RUN_RUNNING, REASON_NONE);
        act(t, RUN_ACTION_ARM_RUN, PLAN_NEVER,
            r->options.timeout_ms ? r->options.timeout_ms : RUN_DEFAULT_TIMEOUT_MS);
        link_steps(t, 0);
        return true;
    case RUN_EVENT_GREW:
        if (!r->resuming)
            return impossible(err, "an evaluation that nobody had asked to go on");
        r->resuming = false;
        link_steps(t, r->linked);
        return true;
    case RUN_EVENT_RUN_TIMER:
    case RUN_EVENT_CANCEL:
        if (!run_status_is_final(r->status) && !r->ending)
            end_run(t, e->kind == RUN_EVENT_RUN_TIMER ? REASON_RUN_TIMED_OUT
                       : e->reason == REASON_NONE     ? REASON_RUN_CANCELLED
                                                      : e->reason);
        return true;
    default:
        return impossible(err, "an unknown event");
    }
}

bool run_apply(struct run_state *r, const struct plan *plan, const struct run_event *e,
               struct run_actions *actions, struct err *err)
{
    struct turn t = {r, plan, actions};
    grow(r, plan);
    if (!r->started && e->kind != RUN_EVENT_START && e->kind != RUN_EVENT_CANCEL)
        return impossible(err, "an event before the start");
    if (e->kind == RUN_EVENT_CANCEL)
        r->started = true; /* a run that is cancelled in its queue never starts */
    if (!(is_step_event(e->kind) ? apply_step_event(&t, e, err) : apply_run_event(&t, e, err)))
        return false;
    settle(&t);
    return true;
}

/* ---- life and recovery ---- */

void run_init(struct run_state *r, const struct run_options *options)
{
    *r = (struct run_state){.options = *options, .status = RUN_QUEUED};
    if (r->options.slots == 0)
        r->options.slots = 1;
}

void run_done(struct run_state *r)
{
    arena_done(&r->arena);
    vec_done(&r->ready);
    vec_done(&r->released);
    free(r->steps);
    *r = (struct run_state){0};
}

void run_restore(struct run_state *r, const struct plan *plan, uint32_t step, enum outcome outcome,
                 enum conclusion conclusion, enum step_status status, enum reason reason,
                 uint32_t tries)
{
    struct run_actions none = {0};
    struct turn t = {r, plan, &none};
    grow(r, plan);
    struct step_state *s = &r->steps[step];
    gather_failures(&t, step);
    s->status = status;
    s->outcome = outcome;
    s->conclusion = conclusion;
    s->reason = reason;
    s->tries = tries;
    r->final++;
    if (fails_itself(&t, step))
        add_failure(r, s, step);
    uint32_t group = plan->steps[step].group;
    if (group != PLAN_NEVER && plan->steps[group].fail_fast && conclusion == CONCLUSION_FAILED)
        r->steps[group].failed_fast = true;
}

void run_restore_tries(struct run_state *r, const struct plan *plan, uint32_t step, uint32_t tries)
{
    grow(r, plan);
    r->steps[step].tries = tries;
}

void run_restore_held(struct run_state *r, const struct plan *plan, uint32_t step,
                      enum outcome outcome, enum reason reason, uint32_t tries)
{
    struct run_actions none = {0};
    struct turn t = {r, plan, &none};
    grow(r, plan);
    struct step_state *s = &r->steps[step];
    gather_failures(&t, step);
    s->status = STEP_WAITING;
    s->reason = REASON_HELD_AFTER_FAILURE;
    s->held_outcome = outcome;
    s->held_reason = reason;
    s->tries = tries;
    r->waiting++;
    r->held++;
}
