/* rehearse: a run played through without executing anything. The engine's own core decides what
 * starts, is skipped and fails, and when the evaluation goes on; steps end with results that are
 * given beforehand. No I/O, no clock: tests of workflows and comparisons of plans use it.
 *
 * A shell step without a given result ends with success, "" and 0. Any other step ends with success
 * too, but what it would give is unknown: where the evaluation decides on it, the rehearsal stops.
 * Groups and actions end with their parts. Retries are not played: a given failure is final. */
#ifndef ENGINE_REHEARSE_H
#define ENGINE_REHEARSE_H
#include "plan/plan.h"
#include "workflow/evaluation.h"

enum rehearsal_end {
    REHEARSAL_ENDED,   /* all steps are final and the run has its status */
    REHEARSAL_STOPPED, /* the plan is open: a result is awaited that nobody knows */
    REHEARSAL_FAILED,  /* the evaluation failed: evaluation_error */
};

struct rehearsal;
/* Of an evaluation that was started (in whatever state it is). results: object of step ids and
 * results as evaluation_set_result takes them; may be NULL. Both are kept. */
struct rehearsal *rehearsal_new(struct evaluation *e, const json_t *results);
void rehearsal_free(struct rehearsal *r);
static inline void rehearsal_freep(struct rehearsal **r)
{
    rehearsal_free(*r);
}
#define auto_rehearsal cleanup(rehearsal_freep) struct rehearsal

/* Plays to the end; once. False with err: a given result cannot be used. */
bool rehearsal_play(struct rehearsal *r, enum rehearsal_end *ret, struct err *err) must_use;

enum run_status rehearsal_run_status(const struct rehearsal *r);
/* Of a step of the plan; OUTCOME_NONE where it never ended. */
enum outcome rehearsal_outcome(const struct rehearsal *r, uint32_t step);
/* The id of the first awaited step whose result is unknown, after REHEARSAL_STOPPED. */
str rehearsal_unknown(const struct rehearsal *r);
/* The plan's outputs or reason with their deferred values in place, as JSON. False with err where
 * one of them needs what is not known. */
bool rehearsal_resolve(struct rehearsal *r, str json, struct buf *ret, struct err *err) must_use;

#endif
