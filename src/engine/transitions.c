#include "engine/transitions.h"

#define TO(s) (1u << (s))

static const unsigned step_transitions[STEP_STATUS_COUNT] = {
    [STEP_PENDING] =
        TO(STEP_READY) | TO(STEP_SKIPPED) | TO(STEP_CANCELLED) | TO(STEP_SUCCESS) | TO(STEP_FAILED),
    [STEP_READY] = TO(STEP_RUNNING) | TO(STEP_WAITING) | TO(STEP_SKIPPED) | TO(STEP_CANCELLED),
    /* back to pending: a retry waits */
    [STEP_RUNNING] = TO(STEP_SUCCESS) | TO(STEP_FAILED) | TO(STEP_CACHED) | TO(STEP_CANCELLED) |
                     TO(STEP_WAITING) | TO(STEP_PENDING),
    /* to ready and pending: a step that was held goes on, or is tried again */
    [STEP_WAITING] = TO(STEP_RUNNING) | TO(STEP_READY) | TO(STEP_PENDING) | TO(STEP_SUCCESS) |
                     TO(STEP_FAILED) | TO(STEP_CANCELLED),
};

static const unsigned run_transitions[RUN_STATUS_COUNT] = {
    [RUN_QUEUED] = TO(RUN_RUNNING) | TO(RUN_CANCELLED) | TO(RUN_FAILED),
    [RUN_RUNNING] = TO(RUN_WAITING) | TO(RUN_SUCCESS) | TO(RUN_FAILED) | TO(RUN_CANCELLED),
    [RUN_WAITING] = TO(RUN_RUNNING) | TO(RUN_SUCCESS) | TO(RUN_FAILED) | TO(RUN_CANCELLED),
};

bool step_may_become(enum step_status from, enum step_status to)
{
    return step_transitions[from] & TO(to);
}

bool run_may_become(enum run_status from, enum run_status to)
{
    return run_transitions[from] & TO(to);
}
