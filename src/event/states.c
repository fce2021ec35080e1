#include "event/states.h"

static const char *const run_status_names[] = {"queued",  "running", "waiting",
                                               "success", "failed",  "cancelled"};
static const char *const step_status_names[] = {"pending", "ready",   "running",
                                                "waiting", "success", "failed",
                                                "cached",  "skipped", "cancelled"};
static const char *const outcome_names[] = {NULL,        "success", "failed",   "timed_out",
                                            "cancelled", "cached",  "recorded", "skipped"};
static const char *const conclusion_names[] = {NULL, "success", "failed", "cancelled", "skipped"};
static const char *const step_type_names[] = {"shell", "llm",     "agent",    "parallel",
                                              "file",  "git",     "artifact", "approval",
                                              "log",   "comment", "action"};

static const struct {
    const char *code, *sentence;
} reasons[] = {
#define X(name, code, sentence) {code, sentence},
    EVENT_REASONS(X)
#undef X
};

_Static_assert(sizeof run_status_names / sizeof *run_status_names == RUN_STATUS_COUNT,
               "a word each");
_Static_assert(sizeof step_status_names / sizeof *step_status_names == STEP_STATUS_COUNT,
               "a word each");
_Static_assert(sizeof outcome_names / sizeof *outcome_names == OUTCOME_COUNT, "a word each");
_Static_assert(sizeof conclusion_names / sizeof *conclusion_names == CONCLUSION_COUNT,
               "a word each");
_Static_assert(sizeof step_type_names / sizeof *step_type_names == STEP_TYPE_COUNT, "a word each");

const char *run_status_name(enum run_status s)
{
    return run_status_names[s];
}
const char *step_status_name(enum step_status s)
{
    return step_status_names[s];
}
const char *outcome_name(enum outcome o)
{
    return outcome_names[o];
}
const char *conclusion_name(enum conclusion c)
{
    return conclusion_names[c];
}
const char *step_type_name(enum step_type t)
{
    return step_type_names[t];
}
const char *reason_sentence(enum reason r)
{
    return reasons[r].sentence;
}
const char *reason_code(enum reason r)
{
    return reasons[r].code;
}

/* Index of the word, or -1. */
static int find_word(const char *const *names, int n, str word)
{
    for (int i = 0; i < n; i++)
        if (names[i] && str_is(word, names[i]))
            return i;
    return -1;
}

#define PARSE(type, prefix, names, count)   \
    bool prefix##_parse(str s, type *ret)   \
    {                                       \
        int i = find_word(names, count, s); \
        if (i >= 0)                         \
            *ret = (type)i;                 \
        return i >= 0;                      \
    }
PARSE(enum run_status, run_status, run_status_names, RUN_STATUS_COUNT)
PARSE(enum step_status, step_status, step_status_names, STEP_STATUS_COUNT)
PARSE(enum outcome, outcome, outcome_names, OUTCOME_COUNT)
PARSE(enum conclusion, conclusion, conclusion_names, CONCLUSION_COUNT)
PARSE(enum step_type, step_type, step_type_names, STEP_TYPE_COUNT)

bool reason_parse(str s, enum reason *ret)
{
    for (int i = 1; i < REASON_COUNT; i++) {
        if (str_is(s, reasons[i].code)) {
            *ret = (enum reason)i;
            return true;
        }
    }
    return false;
}
