/* queue: whose turn it is among the open runs of one concurrency group, as a pure function.
 *     fifo    one after the other: higher priority first, then the older
 *     latest  of those that wait only the newest stays; what runs is left alone
 *     cancel  the newest takes over: what waits or runs is cancelled
 * A run whose process has died before it held the group is passed over; one that died while it
 * held it keeps it until somebody resumes or cancels it. */
#ifndef ENGINE_QUEUE_H
#define ENGINE_QUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_policy { QUEUE_FIFO, QUEUE_LATEST, QUEUE_CANCEL };

struct queue_run {
    int64_t run_id, priority;
    enum queue_policy policy;
    bool holds;  /* the group */
    bool orphan; /* no living process drives it */
};

enum queue_verdict { QUEUE_START, QUEUE_WAIT, QUEUE_YIELD };

struct queue_answer {
    enum queue_verdict verdict;
    int64_t run_id; /* WAIT: for this one; YIELD: to this one */
    bool orphan;    /* WAIT: and nobody drives it */
    size_t place;   /* WAIT: from 1 */
};

/* runs: all open ones of the group, self among them. */
struct queue_answer queue_decide(const struct queue_run *runs, size_t n, int64_t self);

#endif
