/* pattern: ECMAScript's regular expressions in unicode mode, matched by PCRE2.
 * What PCRE2 reads otherwise is rewritten (\s, \u0041, \p{Letter}, $, .) and what ECMAScript has
 * not is refused (\Z, possessive quantifiers, (?i), (*verbs)). A search has a bound. */
#ifndef TYPES_PATTERN_H
#define TYPES_PATTERN_H
#include "diag/err.h"

enum {
    PATTERN_TEXT_MAX = 64 << 10,     /* bytes of a pattern */
    PATTERN_MATCH_MAX = 1000 * 1000, /* steps back of one search, as PCRE2 counts them */
};

struct pattern;
/* NULL with err (invalid_pattern). */
struct pattern *pattern_new(str text, struct err *err) must_use;
void pattern_free(struct pattern *p);
enum pattern_found { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };
/* Anywhere in valid UTF-8. Threads may share a pattern. */
enum pattern_found pattern_search(const struct pattern *p, str text);

#endif
