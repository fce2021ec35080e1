#include "engine/queue.h"

static bool is_before(const struct queue_run *a, const struct queue_run *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->run_id < b->run_id;
}

static const struct queue_run *find(const struct queue_run *runs, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (runs[i].run_id == id)
            return &runs[i];
    return NULL;
}

struct queue_answer queue_decide(const struct queue_run *runs, size_t n, int64_t self_id)
{
    const struct queue_run *self = find(runs, n, self_id);
    struct queue_answer answer = {.verdict = QUEUE_START, .place = 1};
    if (!self || self->holds)
        return answer;
    for (size_t i = 0; i < n; i++) {
        const struct queue_run *o = &runs[i];
        if (o == self || (o->orphan && !o->holds))
            continue;
        if (!o->holds && o->run_id > self_id && self->policy != QUEUE_FIFO)
            return (struct queue_answer){.verdict = QUEUE_YIELD, .run_id = o->run_id};
        bool ahead = o->holds || is_before(o, self);
        if (!ahead)
            continue;
        /* Those that hold it are waited for first. */
        if (answer.verdict != QUEUE_WAIT || o->holds) {
            answer.run_id = o->run_id;
            answer.orphan = o->orphan;
        }
        answer.verdict = QUEUE_WAIT;
        answer.place += !o->holds;
    }
    return answer;
}
