/* slice_int: what indexing and the methods of slice and range share. */
#ifndef VALUE_SLICE_INT_H
#define VALUE_SLICE_INT_H
#include "value/heap.h"

struct slice_bounds {
    int64_t start, stop, step, n; /* n: how many elements */
};
/* CPython's slice.indices, and how many there are. */
bool slice_bounds(struct heap *h, const struct slice_obj *s, int64_t n,
                  struct slice_bounds *ret) must_use;
/* range[slice] is a range. */
bool range_slice(struct heap *h, const struct range_obj *r, const struct slice_obj *s,
                 val *ret) must_use;

#endif
