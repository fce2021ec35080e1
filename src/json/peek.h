/* peek: what stands in jansson's values, read in place of being asked for call by call: one who
 * looks at every member of a document spends most of the time in these calls. The layouts are those
 * of jansson 2.14, which is linked statically. json_can_peek() holds them against the answers of
 * jansson's own functions; where it says no, these functions must not be used. Refuses to write:
 * values are made and changed by jansson alone. */
#ifndef JSON_PEEK_H
#define JSON_PEEK_H
#include "base/str.h"
#include <jansson.h>
#include <stdint.h>

/* Tried once in a process; threads may ask. */
bool json_can_peek(void);

struct peek_string {
    json_t head;
    const char *p;
    size_t n;
};
struct peek_integer {
    json_t head;
    json_int_t i;
};
struct peek_array {
    json_t head;
    size_t room, n;
    json_t *const *items;
};
struct peek_member {
    const struct peek_member *before, *after; /* in the order of the document */
    size_t hash;
    json_t *value;
    size_t length;
    char name[];
};
struct peek_object {
    json_t head;
    size_t n;
    const void *buckets;
    size_t order;
    const void *list[2];
    const struct peek_member *last, *first; /* stands in the ring as a member does */
};

/* Of a string. */
static inline str peek_text(const json_t *v)
{
    const struct peek_string *s = (const struct peek_string *)v;
    return str_make(s->p, s->n);
}

/* Of an integer. */
static inline int64_t peek_int(const json_t *v)
{
    return ((const struct peek_integer *)v)->i;
}

/* Of an array. */
static inline json_t *const *peek_items(const json_t *v, size_t *ret_n)
{
    const struct peek_array *a = (const struct peek_array *)v;
    *ret_n = a->n;
    return a->items;
}

/* Each member of an object. */
#define peek_each(m, object)                                                           \
    for (const struct peek_member *m = ((const struct peek_object *)(object))->first,  \
                                  *end_ = (const struct peek_member *)(const void *)&( \
                                              (const struct peek_object *)(object))    \
                                              ->last;                                  \
         m != end_; m = m->after)

/* ---- short texts, compared without a call ---- */

static inline bool peek_same(str a, const char *p, size_t n)
{
    uint64_t x, y;
    uint32_t s, t;
    if (a.n != n)
        return false;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8) {
            memcpy(&x, a.p + i, 8);
            memcpy(&y, p + i, 8);
            if (x != y)
                return false;
        }
        memcpy(&x, a.p + n - 8, 8);
        memcpy(&y, p + n - 8, 8);
        return x == y;
    }
    if (n >= 4) {
        memcpy(&s, a.p, 4);
        memcpy(&t, p, 4);
        if (s != t)
            return false;
        memcpy(&s, a.p + n - 4, 4);
        memcpy(&t, p + n - 4, 4);
        return s == t;
    }
    return n == 0 || (a.p[0] == p[0] && a.p[n / 2] == p[n / 2] && a.p[n - 1] == p[n - 1]);
}

#endif
