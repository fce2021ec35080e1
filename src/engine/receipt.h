/* receipt: what a run came from and came to, in one hash: the evaluator's version, every evaluated
 * file, the event, the plan, and each step's result. Made when a run is created (without results)
 * and again when it has ended; `plue verify` makes it anew from the recorded rows.
 * Logs and times of day are not in it; how long a step took is, since a workflow can read that. */
#ifndef ENGINE_RECEIPT_H
#define ENGINE_RECEIPT_H
#include "plan/plan.h"

struct receipt_step {
    enum step_type type;
    enum outcome outcome;
    bool has_exit_code;
    int64_t exit_code, duration_ms;
    str stdout_text, stderr_text, outputs;
    str output; /* left out for shell steps: what they add for later ones is no result */
};
struct receipt {
    str evaluator, event, repository; /* texts as the run was given them */
    str commit;                       /* whose files it had; empty: the working tree's */
    const struct plan *plan;
    const str *results; /* digest of each step, or NULL before the end */
    str outputs;        /* of the run, as recorded */
};

/* 32 hexadecimal digits, in arena a. */
str receipt_digest(struct arena *a, str text);
str receipt_of_step(struct arena *a, const struct receipt_step *s);
/* SHA-256 in hexadecimal, in arena a. */
str receipt_of_run(struct arena *a, const struct receipt *r);

#endif
