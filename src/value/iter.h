/* iter: iterators over every built-in container, and those that builtins make of others.
 * val_iter and val_next (ops.h) are the way in for everybody; the machine may look inside for its
 * for loops. */
#ifndef VALUE_ITER_H
#define VALUE_ITER_H
#include "value/heap.h"

enum iter_kind {
    ITER_LIST,
    ITER_TUPLE,
    ITER_STR,
    ITER_RANGE,
    ITER_DICT_KEYS,
    ITER_DICT_VALUES,
    ITER_DICT_ITEMS,
    ITER_SET,
    ITER_LIST_REVERSED,
    ITER_REVERSED, /* of tuples and strings */
    ITER_DICT_KEYS_REVERSED,
    ITER_DICT_VALUES_REVERSED,
    ITER_DICT_ITEMS_REVERSED,
    ITER_ENUMERATE,
    ITER_ZIP,
    ITER_ZIP_STRICT,
    ITER_MAP,
    ITER_FILTER,
    ITER_CALL,
    ITER_KIND_COUNT
};

struct iter_obj {
    struct obj h;
    uint32_t which;     /* enum iter_kind */
    uint32_t expect;    /* the version of the dict or set when it began */
    int64_t at;         /* next index, byte, entry or number; range: the next value */
    int64_t step, left; /* range */
    uint32_t start_n;   /* dict, set: how many there were when it began */
    uint32_t held_count;
    val held[]; /* held[0]: what is iterated, V_UNBOUND when exhausted */
};

const struct type_info *iter_type(const struct iter_obj *it);
/* The number of elements that are certainly still to come, for reserving room; 0 if unknown. */
uint32_t iter_hint(val iterator);

/* Iterators whose elements are pairs, which a loop can take without a tuple around them. */
static inline bool iter_gives_pairs(const struct iter_obj *it)
{
    return it->which == ITER_DICT_ITEMS || it->which == ITER_ENUMERATE ||
           (it->which == ITER_ZIP && it->held_count == 2);
}
/* The next pair; at[0] is V_UNBOUND when exhausted. */
bool iter_next_pair(struct heap *h, struct iter_obj *it, val *at) must_use;

/* reversed(v): TypeError: 'set' object is not reversible. */
bool iter_reversed(struct heap *h, val v, val *ret) must_use;
bool iter_enumerate(struct heap *h, val iterable, int64_t start, val *ret) must_use;
bool iter_zip(struct heap *h, const val *iterables, uint32_t n, bool strict, val *ret) must_use;
bool iter_map(struct heap *h, val fn, const val *iterables, uint32_t n, val *ret) must_use;
/* fn may be VAL_NONE. */
bool iter_filter(struct heap *h, val fn, val iterable, val *ret) must_use;
/* iter(callable, sentinel). */
bool iter_call(struct heap *h, val fn, val sentinel, val *ret) must_use;

#endif
