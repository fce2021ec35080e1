/* states: the words for what runs and steps are in, come to and count as; one vocabulary for the
 * database, the journal, SSE, the CLI and the engine. Spelled as in the tables of states.c. */
#ifndef EVENT_STATES_H
#define EVENT_STATES_H
#include "base/str.h"

enum run_status {
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_WAITING,
    RUN_SUCCESS,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_STATUS_COUNT
};

enum step_status {
    STEP_PENDING,
    STEP_READY,
    STEP_RUNNING,
    STEP_WAITING,
    STEP_SUCCESS,
    STEP_FAILED,
    STEP_CACHED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_STATUS_COUNT
};

/* What happened. */
enum outcome {
    OUTCOME_NONE,
    OUTCOME_SUCCESS,
    OUTCOME_FAILED,
    OUTCOME_TIMED_OUT,
    OUTCOME_CANCELLED,
    OUTCOME_CACHED,
    OUTCOME_RECORDED,
    OUTCOME_SKIPPED,
    OUTCOME_COUNT
};

/* What it counts as. */
enum conclusion {
    CONCLUSION_NONE,
    CONCLUSION_SUCCESS,
    CONCLUSION_FAILED,
    CONCLUSION_CANCELLED,
    CONCLUSION_SKIPPED,
    CONCLUSION_COUNT
};

enum step_type {
    STEP_TYPE_SHELL,
    STEP_TYPE_LLM,
    STEP_TYPE_AGENT,
    STEP_TYPE_PARALLEL,
    STEP_TYPE_FILE,
    STEP_TYPE_GIT,
    STEP_TYPE_ARTIFACT,
    STEP_TYPE_APPROVAL,
    STEP_TYPE_LOG,
    STEP_TYPE_COMMENT,
    STEP_TYPE_ACTION,
    STEP_TYPE_COUNT
};

/* Why a run or step is where it is: a code for programs; the sentence is made with it. */
#define EVENT_REASONS(X)                                                                          \
    X(NONE, NULL, "")                                                                             \
    X(WAITING_FOR_STEPS, "waiting_for_steps", "waits for steps that it depends on")               \
    X(WAITING_FOR_START, "waiting_for_start", "waits until its run begins")                       \
    X(WAITING_FOR_SLOT, "waiting_for_slot", "waits for a free slot of the runner")                \
    X(WAITING_FOR_GROUP, "waiting_for_group", "waits for a free place in its parallel group")     \
    X(WAITING_FOR_RETRY, "waiting_for_retry", "waits before its next try")                        \
    X(WAITING_FOR_RUN, "waiting_for_run", "waits for another run of its concurrency group")       \
    X(COPYING_FILES, "copying_files", "its files are being copied")                               \
    X(SUPERSEDED, "superseded", "a newer run of its concurrency group took its place")            \
    X(WAITING_FOR_APPROVAL, "waiting_for_approval", "waits for a person to approve")              \
    X(HELD_BEFORE, "held_before", "is held before it runs")                                       \
    X(HELD_AFTER_FAILURE, "held_after_failure", "is held after a try that failed")                \
    X(STEP_HELD, "step_held", "a step is held until somebody lets it go on")                      \
    X(APPROVAL_REJECTED, "approval_rejected", "a person rejected it")                             \
    X(DEPENDENCY_FAILED, "dependency_failed", "a step that it depends on failed")                 \
    X(DEPENDENCY_SKIPPED, "dependency_skipped", "a step that it depends on was skipped")          \
    X(DEPENDENCY_CANCELLED, "dependency_cancelled", "a step that it depends on was cancelled")    \
    X(NOTHING_FAILED, "nothing_failed", "runs only on failure, and nothing before it failed")     \
    X(GROUP_FAILED_FAST, "group_failed_fast", "another member of its fail_fast group failed")     \
    X(RUN_CANCELLED, "run_cancelled", "the run was cancelled")                                    \
    X(RUN_TIMED_OUT, "run_timed_out", "the run passed its time limit")                            \
    X(STEP_TIMED_OUT, "step_timed_out", "the step passed its time limit")                         \
    X(EXIT_CODE, "exit_code", "the command ended with a failure status")                          \
    X(SIGNALLED, "signalled", "the command was ended by a signal")                                \
    X(OUT_OF_MEMORY, "out_of_memory", "the step passed its memory limit")                         \
    X(VALUE_ERROR, "value_error", "a deferred value of its arguments could not be computed")      \
    X(UNSAFE_COMMAND, "unsafe_command", "an untrusted value stands where no quoting is safe")     \
    X(START_FAILED, "start_failed", "the step could not be started")                              \
    X(INTERRUPTED, "interrupted", "the engine ended while the step ran")                          \
    X(NOT_IDEMPOTENT, "not_idempotent", "was interrupted and must not run twice")                 \
    X(MODEL_FAILED, "model_failed", "the model gave no answer that the step can use")             \
    X(NO_EXECUTOR, "no_executor", "this version has no executor for the step's type")             \
    X(STEP_FAILED, "step_failed", "a step failed")                                                \
    X(CTX_FAIL, "ctx_fail", "the workflow called ctx.fail")                                       \
    X(EVALUATION_FAILED, "evaluation_failed", "the workflow's code failed")                       \
    X(WORKSPACE_LOST, "workspace_lost", "its files are gone")                                     \
    X(FILES_NOT_COPIED, "files_not_copied", "its files could not be copied")                      \
    X(PLAN_CHANGED, "plan_changed", "the rebuilt plan differs from the recorded one")             \
    X(CONTINUE_ON_ERROR, "continue_on_error", "failed, and continue_on_error lets the run go on") \
    X(JUDGED_BY_CODE, "judged_by_code", "failed, and the workflow's code judged it")

enum reason {
#define X(name, code, sentence) REASON_##name,
    EVENT_REASONS(X)
#undef X
        REASON_COUNT
};

const char *run_status_name(enum run_status s);
const char *step_status_name(enum step_status s);
const char *outcome_name(enum outcome o);       /* NULL for OUTCOME_NONE */
const char *conclusion_name(enum conclusion c); /* NULL for CONCLUSION_NONE */
const char *step_type_name(enum step_type t);
const char *reason_code(enum reason r); /* lower_snake_case; NULL for REASON_NONE */
const char *reason_sentence(enum reason r);

/* Back from text; false where the word is unknown. */
bool run_status_parse(str s, enum run_status *ret) must_use;
bool step_status_parse(str s, enum step_status *ret) must_use;
bool outcome_parse(str s, enum outcome *ret) must_use;
bool conclusion_parse(str s, enum conclusion *ret) must_use;
bool step_type_parse(str s, enum step_type *ret) must_use;
bool reason_parse(str s, enum reason *ret) must_use;

static inline bool run_status_is_final(enum run_status s)
{
    return s == RUN_SUCCESS || s == RUN_FAILED || s == RUN_CANCELLED;
}
static inline bool step_status_is_final(enum step_status s)
{
    return s >= STEP_SUCCESS;
}

#endif
