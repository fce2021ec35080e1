/* list: lists and tuples. */
#ifndef VALUE_LIST_H
#define VALUE_LIST_H
#include "value/heap.h"

bool list_new(struct heap *h, uint32_t room, val *ret) must_use;
bool list_from(struct heap *h, const val *at, uint32_t n, val *ret) must_use;
/* False: FAULT_LIMIT. The list is not frozen. */
bool list_push(struct heap *h, struct list_obj *l, val v) must_use;
bool tuple_from(struct heap *h, const val *at, uint32_t n, val *ret) must_use;
/* n VAL_NONE to fill at once. */
bool tuple_new(struct heap *h, uint32_t n, val *ret) must_use;
/* Room for cap elements in all. */
bool list_reserve(struct heap *h, struct list_obj *l, uint32_t cap) must_use;
/* Stable; key may be V_NONE or V_UNBOUND. Calls the machine for key functions. */
bool list_sort(struct heap *h, struct list_obj *l, val key, bool reverse) must_use;

bool range_new(struct heap *h, int64_t start, int64_t stop, int64_t step, val *ret) must_use;
bool slice_new(struct heap *h, val low, val high, val step, val *ret) must_use;
/* CPython's slice.indices for a sequence of n; *ret_n: how many elements. */
bool slice_indices(struct heap *h, const struct slice_obj *s, int64_t n, int64_t *ret_start,
                   int64_t *ret_step, int64_t *ret_n) must_use;

#endif
