/* str: a borrowed run of bytes; pointer and length, never an owner, no terminator promised.
 * Text is UTF-8 unless a function says otherwise. */
#ifndef BASE_STR_H
#define BASE_STR_H
#include "base/mem.h"
#include <stdbool.h>
#include <string.h>

typedef struct str {
    const char *p;
    size_t n;
} str;

/* A str of a string literal, usable in static initialisers. */
#define STR(lit) ((str){"" lit, sizeof(lit) - 1})
#define STR_INIT(lit)           \
    {                           \
        "" lit, sizeof(lit) - 1 \
    }
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline str str_of(const char *c)
{
    return (str){c, c ? strlen(c) : 0};
}
static inline str str_make(const char *p, size_t n)
{
    return (str){p, n};
}
static inline bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(str a, const char *c)
{
    return str_eq(a, str_of(c));
}
static inline bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}
static inline bool str_ends(str s, str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}
/* Bytes [from, to), both clamped to the length. */
static inline str str_sub(str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (str){s.p + from, to - from};
}

/* Order of bytes, which for UTF-8 is the order of code points: <0, 0, >0. */
int str_cmp(str a, str b);
/* Offset of the first needle at or after from; SIZE_MAX when there is none. An empty needle is
 * found at from. */
size_t str_find(str s, str needle, size_t from);
size_t str_find_byte(str s, char c, size_t from);
size_t str_rfind_byte(str s, char c);
static inline bool str_has(str s, str needle)
{
    return str_find(s, needle, 0) != (size_t)-1;
}
/* Without leading and trailing ASCII white space. */
str str_trim(str s);
/* Cuts the part before the first `sep` off *rest; false when *rest was empty at the call. */
bool str_next(str *rest, char sep, str *ret_part);
/* NUL-terminated copy, the caller's to free. */
char *str_dup(str s);
/* Edit distance (insert, delete, replace, swap of neighbours), at most `limit + 1`. */
size_t str_distance(str a, str b, size_t limit);
/* Index of the candidate nearest to `wanted` and near enough for a "did you mean", or -1. */
long str_nearest(str wanted, const str *candidates, size_t n);

#endif
