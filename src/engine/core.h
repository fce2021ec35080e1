/* core: what happens next in a run, as a pure function of its state and an event. It does no I/O,
 * reads no clock and allocates nothing that outlives the run. The driver performs the actions and
 * reports back; the simulator does the same with made-up schedules.
 *
 *     run_init(&run, options);
 *     run_apply(&run, &(struct run_event){.kind = RUN_EVENT_START}, &actions);
 *     ... perform the actions in their order, report what they lead to as further events.
 *
 * Rules (SPEC 4 and 10): a step is ready when all that it depends on is final. A failure that
 * nobody judges fails the run and skips what comes after it, over any number of steps; a failure
 * whose status the code had read before a step was registered does not stop that step. A step with
 * when="on_failure" or "always" looks at all steps before it. Groups and actions end with their
 * parts. Nothing new starts once a run is cancelled or out of time.
 *
 * A step can be held before its first try, or after one that failed: it takes no slot, no time and
 * no place in its group until it is told to go on.
 *
 * Invariants: a final step never changes again; a step runs at most once at a time, and again only
 * for a retry; every impossible event is refused and changes nothing. */
#ifndef ENGINE_CORE_H
#define ENGINE_CORE_H
#include "base/vec.h"
#include "plan/plan.h"

enum {
    RUN_DEFAULT_TIMEOUT_MS = 60 * 60 * 1000,
    STEP_DEFAULT_TIMEOUT_MS = 30 * 60 * 1000,
    STEP_GRACE_MS = 10 * 1000, /* between TERM and KILL */
    RETRY_FIRST_MS = 1000,     /* doubled with each retry, with jitter */
    RETRY_LONGEST_MS = 60 * 1000,
};

struct step_state {
    enum step_status status;
    enum outcome outcome;
    enum conclusion conclusion;
    enum reason reason;
    uint32_t tries;      /* begun so far; the present one while it runs */
    uint32_t missing;    /* dependencies that are not final */
    bool failed_fast;    /* of a group: a member has failed, no other one starts */
    bool killing;        /* TERM was sent */
    bool killed;         /* KILL was sent */
    enum outcome wanted; /* what a kill makes of it: timed_out or cancelled */
    enum reason why;
    bool let_go; /* held before it began, and told to go on */
    /* How the last try ended, where it is held after it or another one waits. */
    enum outcome held_outcome;
    enum reason held_reason;
    bool held_final;
    /* Unjudged failures among the steps before this one and itself: what skips its dependents. */
    uint32_t *failures;
    uint32_t failure_count;
    uint32_t *dependents;
    uint32_t dependent_count, dependent_cap;
    uint32_t running;       /* of a group: members that run */
    uint32_t waiting_first; /* of a group: first member that waits for its limit, or PLAN_NEVER */
    uint32_t waiting_next;  /* of a member that waits: the next one */
};

struct run_options {
    uint32_t slots;     /* steps side by side; at least 1 */
    uint64_t seed;      /* for jitter */
    int64_t timeout_ms; /* 0: the default */
    /* Ids of steps that are held before their first try; borrowed. */
    const str *break_before;
    size_t break_count;
    bool break_on_failure; /* steps are held after a try that failed */
};

struct run_state {
    struct arena arena;
    struct run_options options;
    const struct plan *plan; /* borrowed from the evaluation; may move between events */
    struct step_state *steps;
    uint32_t n, cap;
    uint32_t final, running;
    uint32_t waiting; /* steps that wait for people; they take no slot */
    uint32_t held;    /* those of them that are held */
    enum run_status status;
    enum reason reason;
    bool started;
    bool ending;            /* cancelled or out of time: nothing new starts */
    bool resuming;          /* the evaluation was asked to go on and has not answered */
    bool evaluated;         /* it has ended */
    enum reason end_reason; /* why it is ending */
    uint32_t linked;        /* steps whose dependencies are linked */
    VEC(uint32_t) ready;    /* a heap of indices */
    VEC(uint32_t) released; /* steps whose last dependency has become final in this turn */
};

/* ---- what happened ---- */

enum run_event_kind {
    RUN_EVENT_START,       /* the plan's first part is there */
    RUN_EVENT_GREW,        /* answer to RESUME: the plan has grown, or ended */
    RUN_EVENT_STEP_DONE,   /* a try has ended: step, outcome, (reason) */
    RUN_EVENT_RETRY_TIMER, /* armed by ARM_RETRY */
    RUN_EVENT_STEP_TIMER,  /* the step's time is up */
    RUN_EVENT_GRACE_TIMER, /* TERM did not help */
    RUN_EVENT_RUN_TIMER,   /* the run's time is up */
    RUN_EVENT_CANCEL,      /* a person asked, or (reason) a newer run, or it has no files; also
                            * before the start */
    RUN_EVENT_CONTINUE,    /* a held step goes on; ignored where it is not held */
};

struct run_event {
    enum run_event_kind kind;
    uint32_t step, try;   /* of the STEP_, RETRY_ and GRACE_ ones; a late try is ignored */
    enum outcome outcome; /* STEP_DONE: success, failed, cached or recorded */
    enum reason reason;
    bool final; /* STEP_DONE: failed for good, retries would not help (it never started) */
    bool again; /* CONTINUE after a failed try: with another one, at once */
};

/* ---- what to do ---- */

enum run_action_kind {
    RUN_ACTION_STEP_CHANGED, /* record and tell the step's new state */
    RUN_ACTION_RUN_CHANGED,  /* the same of the run */
    RUN_ACTION_START,        /* start this try, once its state is durable */
    RUN_ACTION_TERM,
    RUN_ACTION_KILL,
    RUN_ACTION_ARM_STEP, /* delay_ms; the step's time limit */
    RUN_ACTION_ARM_GRACE,
    RUN_ACTION_ARM_RETRY,
    RUN_ACTION_ARM_RUN,
    RUN_ACTION_RESUME,   /* all that the evaluation awaits is final: give it the results */
    RUN_ACTION_COMPLETE, /* the run is over */
};

struct run_action {
    enum run_action_kind kind;
    uint32_t step, try;
    int64_t delay_ms;
};
struct run_actions {
    VEC(struct run_action) list;
};

void run_init(struct run_state *r, const struct run_options *options);
void run_done(struct run_state *r);

/* False with err where the event is impossible in this state (the state is unchanged). `plan` is
 * the plan as it is now. Actions are appended. */
bool run_apply(struct run_state *r, const struct plan *plan, const struct run_event *e,
               struct run_actions *actions, struct err *err) must_use;

/* Recovery: gives a step of a rebuilt plan its recorded final state. Before RUN_EVENT_START. An
 * interrupted step is not restored: it starts again, its tries go on counting from `tries`. */
void run_restore(struct run_state *r, const struct plan *plan, uint32_t step, enum outcome outcome,
                 enum conclusion conclusion, enum step_status status, enum reason reason,
                 uint32_t tries);
void run_restore_tries(struct run_state *r, const struct plan *plan, uint32_t step, uint32_t tries);
/* Of a step that is held after a failed try: how that had ended. */
void run_restore_held(struct run_state *r, const struct plan *plan, uint32_t step,
                      enum outcome outcome, enum reason reason, uint32_t tries);

static inline bool step_is_held(const struct step_state *s)
{
    return s->status == STEP_WAITING &&
           (s->reason == REASON_HELD_BEFORE || s->reason == REASON_HELD_AFTER_FAILURE);
}

/* Whether steps of this type run in the workspace, and change it. */
static inline bool step_type_has_files(enum step_type t)
{
    return t == STEP_TYPE_SHELL || t == STEP_TYPE_FILE || t == STEP_TYPE_ARTIFACT ||
           t == STEP_TYPE_AGENT;
}

/* The same of a step as it is planned: ctx.git.checkout does, other steps of its type do not. */
static inline bool step_has_files_config(enum step_type t, str config)
{
    return step_type_has_files(t) ||
           (t == STEP_TYPE_GIT && str_has(config, STR("\"op\": \"git-checkout\"")));
}
static inline bool step_has_files(const struct plan_step *s)
{
    return step_has_files_config(s->type, s->config);
}

/* Whether steps of this type end by themselves, without an executor: groups and actions. */
static inline bool step_type_is_structural(enum step_type t)
{
    return t == STEP_TYPE_PARALLEL || t == STEP_TYPE_ACTION;
}

#endif
