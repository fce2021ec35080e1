/* schema_check_int: what the parts of the thorough check share: where in the value it is, what it
 * has seen, and how violations are said. Nothing here decides what fits but the checks of values
 * that hold no others (schema_scalar.c). */
#ifndef TYPES_SCHEMA_CHECK_INT_H
#define TYPES_SCHEMA_CHECK_INT_H
#include "types/schema_rule_int.h"

enum { SEEN_WORDS = 4 };

/* The resources that evaluation came through, for $dynamicRef. */
struct scope {
    const struct resource *resource;
    const struct scope *outer;
};

/* Where in the value a check is. */
struct spot {
    const struct spot *up;
    str key; /* p NULL: an item */
    size_t index;
};

/* Which members or items of one value some subschema has looked at. */
struct seen {
    uint64_t *bits, inside[SEEN_WORDS];
    size_t n;
};

struct check {
    const struct schema *schema;
    str what;
    struct err_list *errors; /* NULL: only the answer counts */
    int64_t work;
    int depth;
    const char *stopped; /* why the check was given up */
};

/* What every function about one value is given. */
struct at {
    struct check *c;
    const struct node *n;
    json_t *v;
    const struct spot *spot;
    const struct scope *scope;
    struct seen *seen; /* NULL: nobody asks */
};

static inline bool stop(struct check *c, const char *why)
{
    c->stopped = c->stopped ? c->stopped : why;
    return false;
}

/* ---- seen ---- */

static inline void seen_init(struct seen *s, const json_t *v)
{
    s->n = json_is_object(v) ? json_object_size(v) : json_array_size(v);
    memset(s->inside, 0, sizeof s->inside);
    s->bits = s->n <= 64 * SEEN_WORDS ? s->inside : mem_zalloc((s->n + 63) / 64 * 8);
}

static inline void seen_done(struct seen *s)
{
    if (s->bits != s->inside)
        free(s->bits);
}

static inline void seen_add(struct seen *s, size_t i)
{
    if (s)
        s->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline bool seen_has(const struct seen *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static inline void seen_merge(struct seen *to, const struct seen *from)
{
    for (size_t i = 0; i < (to->n + 63) / 64; i++)
        to->bits[i] |= from->bits[i];
}

/* ---- schema_violation.c: all of them false; they say nothing where only the answer counts ---- */
bool schema_fail_at(const struct at *a, const struct spot *spot, const char *fmt, ...)
    printf_like(3, 4);
#define fail(a, ...) schema_fail_at(a, (a)->spot, __VA_ARGS__)
/* "expected WHAT, found" and the value. */
bool schema_fail_found(const struct at *a, str expected);
bool schema_fail_types(const struct at *a, unsigned types);
bool schema_fail_missing(const struct at *a, str name);
bool schema_fail_unknown(const struct at *a, str name);
/* A scalar as it is, shortened; else its kind. */
void schema_add_shown(struct buf *b, const json_t *v, bool hidden);

/* ---- schema_scalar.c: values that hold no others ---- */
/* Bits of enum json_kind. */
unsigned schema_kinds_of(const json_t *v);
bool schema_check_enum(const struct at *a);
bool schema_check_constant(const struct at *a);
bool schema_check_number(const struct at *a);
bool schema_check_string(const struct at *a);
/* Of characters, items or members. */
bool schema_check_count(const struct at *a, size_t count, int64_t min, int64_t max,
                        const char *unit);
/* Also stops the check, where the search passes its bound. */
bool schema_matches(struct check *c, const struct pattern *p, str text);

#endif
