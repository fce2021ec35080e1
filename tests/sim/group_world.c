/* Runs of one concurrency group and the processes that drive them: they come, wait, run, die, are
 * resumed and cancelled, and look at the queue at moments of their own; between a look and what
 * follows of it anything may happen. Who holds the group is taken as the store does it, in one
 * transaction. */
#include "choices.h"
#include "engine/core.h"
#include "engine/queue.h"
#include "worlds.h"
#include <string.h>

enum { RUNS_MAX = 7, TURNS_MAX = 5000 };

struct group_run {
    int64_t priority;
    enum queue_policy policy;
    struct run_state core;
    bool open, holds, alive, queued; /* queued: it waits for its turn */
    bool step_runs, asked_others;
    bool asked_to_end; /* by a newer run, or by a person */
    bool by_person;
    /* Of its last look, which it has not followed yet: */
    bool has_answer;
    struct queue_answer answer;
    enum reason end_reason;
};

struct group_world {
    struct plan plan;
    struct arena arena;
    struct group_run runs[RUNS_MAX];
    size_t n, wanted;
    bool one_policy;
    unsigned idle; /* turns in which no run heard of anything */
};

static const char *const policies[] = {"fifo", "latest", "cancel"};

/* ---- the rules, read slowly ---- */

static bool is_better(const struct group_run *a, size_t ia, const struct group_run *b, size_t ib)
{
    return a->priority > b->priority || (a->priority == b->priority && ia < ib);
}

/* What the run may be told, of the runs as they stand. */
static void check_answer(const struct group_world *w, size_t self, const struct queue_answer *q)
{
    const struct group_run *s = &w->runs[self];
    size_t better = 0, holders = 0, newer = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct group_run *o = &w->runs[i];
        if (i == self || !o->open)
            continue;
        holders += o->holds;
        if (o->holds || !o->alive)
            continue;
        better += is_better(o, i, s, self);
        newer += i > self;
    }
    bool must_yield = newer && s->policy != QUEUE_FIFO && !s->holds;
    switch (q->verdict) {
    case QUEUE_YIELD:
        promise(must_yield, "only a newer waiting run takes one's place, and not with fifo");
        promise(q->run_id > (int64_t)self + 1, "the run that takes one's place is newer");
        break;
    case QUEUE_START:
        promise(s->holds || !holders, "a run starts when nobody holds the group");
        promise(s->holds || !better, "a run starts when nobody is before it");
        promise(!must_yield, "of those that wait only the newest stays");
        break;
    case QUEUE_WAIT:
        promise(!s->holds && (holders || better), "a run waits for somebody");
        promise(q->place == 1 + better, "the place is that of the queue");
        promise(!holders || w->runs[q->run_id - 1].holds, "who holds the group is waited for");
        promise(!must_yield, "of those that wait only the newest stays");
    }
}

static void check_holders(const struct group_world *w)
{
    size_t holders = 0, running = 0;
    for (size_t i = 0; i < w->n; i++) {
        holders += w->runs[i].open && w->runs[i].holds;
        running += w->runs[i].step_runs;
        promise(!w->runs[i].step_runs || w->runs[i].holds, "only who holds the group runs");
    }
    promise(holders <= 1, "one run holds the group");
    promise(running <= 1, "one run of a group runs");
}

static void check_end(const struct group_world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct group_run *r = &w->runs[i];
        promise(!r->open, "every run ends");
        if (r->core.status != RUN_CANCELLED)
            continue;
        promise(r->end_reason == REASON_SUPERSEDED || r->end_reason == REASON_RUN_CANCELLED,
                "no run disappears without a reason");
        promise(r->end_reason != REASON_SUPERSEDED || (r->policy != QUEUE_FIFO && i + 1 < w->n),
                "the newest is never superseded, and nobody is with fifo");
        if (r->end_reason == REASON_RUN_CANCELLED && w->one_policy && !r->by_person)
            promise(r->policy == QUEUE_CANCEL && i + 1 < w->n,
                    "only with cancel a newer run ends what runs");
    }
}

/* ---- what happens ---- */

static void tell(struct group_world *w, size_t i, struct run_event e)
{
    struct group_run *r = &w->runs[i];
    struct run_actions actions = {0};
    struct err err = ERR_INIT;
    count_event();
    w->idle = 0;
    if (!run_apply(&r->core, &w->plan, &e, &actions, &err))
        broken(err.message.p);
    vec_each (a, &actions.list) {
        if (a->kind == RUN_ACTION_START)
            r->step_runs = true;
        if (a->kind == RUN_ACTION_STEP_CHANGED && r->core.steps[0].status != STEP_RUNNING)
            r->step_runs = false;
        if (a->kind == RUN_ACTION_COMPLETE) {
            r->open = r->holds = r->step_runs = r->queued = false;
            r->end_reason = r->core.reason;
            tell_line("run %zu: %s %s\n", i + 1, run_status_name(r->core.status),
                      r->end_reason ? reason_code(r->end_reason) : "");
        }
    }
    vec_done(&actions.list);
}

static void open_run(struct group_world *w)
{
    struct group_run *r = &w->runs[w->n++];
    r->priority = chance(3) ? choose(3) : 0;
    r->policy = w->one_policy ? w->runs[0].policy : (enum queue_policy)choose(3);
    r->open = r->alive = r->queued = true;
    run_init(&r->core, &(struct run_options){.slots = 1, .seed = 1});
    tell_line("run %zu comes: %s, priority %d\n", w->n, policies[r->policy], (int)r->priority);
}

static void look(struct group_world *w, size_t self)
{
    struct queue_run rows[RUNS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->runs[i].open)
            rows[n++] = (struct queue_run){.run_id = (int64_t)i + 1,
                                           .priority = w->runs[i].priority,
                                           .policy = w->runs[i].policy,
                                           .holds = w->runs[i].holds,
                                           .orphan = !w->runs[i].alive};
    struct group_run *r = &w->runs[self];
    r->answer = queue_decide(rows, n, (int64_t)self + 1);
    r->has_answer = true;
    count_event();
    check_answer(w, self, &r->answer);
}

/* With cancel what runs is asked to end, once. */
static void ask_others(struct group_world *w, size_t self)
{
    struct group_run *r = &w->runs[self];
    if (r->policy != QUEUE_CANCEL || r->asked_others)
        return;
    r->asked_others = true;
    for (size_t i = 0; i < self; i++)
        if (w->runs[i].open && w->runs[i].holds && w->runs[i].alive)
            w->runs[i].asked_to_end = true;
}

static bool take_group(struct group_world *w, size_t self)
{
    for (size_t i = 0; i < w->n; i++)
        if (i != self && w->runs[i].open && w->runs[i].holds)
            return false;
    w->runs[self].holds = true;
    return true;
}

static void follow(struct group_world *w, size_t self)
{
    static const char *const words[] = {"starts", "waits", "yields"};
    struct group_run *r = &w->runs[self];
    r->has_answer = false;
    tell_line("run %zu %s\n", self + 1, words[r->answer.verdict]);
    ask_others(w, self);
    if (r->answer.verdict == QUEUE_YIELD) {
        r->queued = false;
        tell(w, self, (struct run_event){.kind = RUN_EVENT_CANCEL, .reason = REASON_SUPERSEDED});
    } else if (r->answer.verdict == QUEUE_START && take_group(w, self)) {
        r->queued = false;
        tell(w, self, (struct run_event){.kind = RUN_EVENT_START});
    }
}

static void die(struct group_world *w, size_t i)
{
    struct group_run *r = &w->runs[i];
    tell_line("the process of run %zu dies\n", i + 1);
    run_done(&r->core);
    run_init(&r->core, &(struct run_options){.slots = 1, .seed = 1});
    r->alive = r->queued = r->step_runs = r->has_answer = r->asked_others = false;
}

static void resume(struct group_world *w, size_t i)
{
    tell_line("run %zu is resumed\n", i + 1);
    w->runs[i].alive = w->runs[i].queued = true;
}

static void cancel(struct group_world *w, size_t i)
{
    struct group_run *r = &w->runs[i];
    tell_line("run %zu is asked to end\n", i + 1);
    r->asked_to_end = r->has_answer = false;
    r->queued = false;
    tell(w, i, (struct run_event){.kind = RUN_EVENT_CANCEL});
    if (r->step_runs) /* its step obeys */
        tell(w, i,
             (struct run_event){.kind = RUN_EVENT_STEP_DONE, .try = 1, .outcome = OUTCOME_FAILED});
}

static void end_step(struct group_world *w, size_t i)
{
    tell_line("the step of run %zu ends\n", i + 1);
    tell(w, i,
         (struct run_event){.kind = RUN_EVENT_STEP_DONE, .try = 1, .outcome = OUTCOME_SUCCESS});
}

static void happen_to(struct group_world *w, size_t i)
{
    struct group_run *r = &w->runs[i];
    w->idle++;
    if (!r->open)
        return;
    if (!r->alive) {
        if (chance(3) || w->idle > RUNS_MAX * 20)
            resume(w, i);
        return;
    }
    if (chance(25)) {
        die(w, i);
    } else if (r->asked_to_end || chance(30)) {
        r->by_person |= !r->asked_to_end;
        cancel(w, i);
    } else if (r->has_answer) {
        follow(w, i);
    } else if (r->queued) {
        look(w, i);
    } else if (r->step_runs) {
        end_step(w, i);
    }
}

static bool any_open(const struct group_world *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->runs[i].open)
            return true;
    return false;
}

void simulate_group(void)
{
    struct group_world *w = mem_zalloc(sizeof *w);
    w->plan.arena = &w->arena;
    plan_add_step(&w->plan)->id = STR("step");
    w->plan.steps[0].type = STEP_TYPE_SHELL;
    w->plan.end = PLAN_SUCCESS;
    w->wanted = 1 + choose(RUNS_MAX - 1);
    w->one_policy = !chance(4);
    w->runs[0].policy = (enum queue_policy)choose(3);
    open_run(w);
    for (unsigned turns = 0; w->n < w->wanted || any_open(w); turns++) {
        promise(turns < TURNS_MAX, "somebody always gets the group");
        if (w->n < w->wanted && chance(5))
            open_run(w);
        else
            happen_to(w, (turns + choose((uint32_t)w->n)) % w->n);
        check_holders(w);
    }
    check_end(w);
    for (size_t i = 0; i < w->n; i++)
        run_done(&w->runs[i].core);
    arena_done(&w->arena);
    free(w);
}
