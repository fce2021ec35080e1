/* filter: the patterns of branches=, tags= and paths= in triggers, with GitHub's rules:
 *   *      any characters but "/"; behind two of them and a "/": any folders, or none
 *   **     any characters
 *   ?      the character before it, or nothing
 *   +      the character before it, once or more often
 *   [a-z]  one of these letters and digits
 *   !      at the start of a pattern: takes away what earlier ones matched
 *   \      the next character stands for itself
 * Matching takes time in proportion to the text, whatever the pattern. Knows nothing of events. */
#ifndef WORKFLOW_FILTER_H
#define WORKFLOW_FILTER_H
#include "diag/err.h"

enum {
    FILTER_PATTERN_MAX = 500,   /* bytes of a pattern */
    FILTER_PATTERNS_MAX = 1000, /* of one filter: whoever reads them refuses more */
};

/* Whether the pattern can be used: no open bracket, nothing to repeat, not empty, not too long. */
bool filter_check(str pattern, struct err *err) must_use;
/* One pattern without its "!". False where it is not valid, too. */
bool filter_matches(str pattern, str text);
/* The patterns in order: the last that matches decides, one with "!" against it. */
bool filter_accepts(const str *patterns, size_t n, str text);

#endif
