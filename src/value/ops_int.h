/* ops_int: what the files of the operators share. */
#ifndef VALUE_OPS_INT_H
#define VALUE_OPS_INT_H
#include "value/ops.h"

/* ---- numbers: ops_num.c ---- */
bool num_binary_int(struct heap *h, enum binary_op op, int64_t a, int64_t b, val *ret) must_use;
bool num_binary_float(struct heap *h, enum binary_op op, double a, double b, val *ret) must_use;
/* -1, 0, 1, or 2 where one is not a number; exact. */
int num_compare(val a, val b);
static inline bool val_is_num(val v)
{
    return v.kind == V_INT || v.kind == V_FLOAT || v.kind == V_BOOL;
}
static inline double num_double(val v)
{
    return v.kind == V_FLOAT ? v.f : (double)v.i;
}
bool num_overflow(struct heap *h);

/* ---- indices: item.c ---- */
/* v as an int; TypeError: 'str' object cannot be interpreted as an integer. */
bool val_index(struct heap *h, val v, int64_t *ret) must_use;
/* A bound of list.index and the like: clamped, negative from the end. */
bool val_bound(struct heap *h, val v, int64_t n, int64_t *ret) must_use;

/* ---- sequences: ops_seq.c ---- */
bool seq_concat(struct heap *h, val a, val b, val *ret) must_use;
bool seq_repeat(struct heap *h, val v, int64_t n, val *ret) must_use;
bool list_repeat_inplace(struct heap *h, struct list_obj *l, int64_t n) must_use;
/* Replaces [from, to) by n elements, which may be the list's own. */
bool list_splice(struct heap *h, struct list_obj *l, int64_t from, int64_t to, const val *at,
                 uint32_t n) must_use;
bool list_extend(struct heap *h, struct list_obj *l, val iterable) must_use;
/* Calls each(data, element) for every element, until it fails. */
bool val_each(struct heap *h, val iterable, bool (*each)(struct heap *h, void *data, val element),
              void *data) must_use;
bool val_contains(struct heap *h, val container, val v, bool *ret) must_use;
/* The elements of a list or tuple; false (and no elements) for anything else. */
static inline bool seq_elements(val v, const val **ret_at, uint32_t *ret_n)
{
    *ret_at = v.kind == V_LIST ? v.list->at : v.kind == V_TUPLE ? v.tuple->at : NULL;
    *ret_n = v.kind == V_LIST ? v.list->n : v.kind == V_TUPLE ? v.tuple->n : 0;
    return v.kind == V_LIST || v.kind == V_TUPLE;
}

/* ---- sets and dicts: set_ops.c, dict_methods.c ---- */
static inline bool val_is_set(val v)
{
    return v.kind == V_SET || v.kind == V_FROZENSET;
}
/* op is BINARY_OR, AND, SUB or XOR; b is any iterable; the result has a's order first. */
bool set_combine(struct heap *h, enum binary_op op, enum val_kind kind, val a, val b,
                 val *ret) must_use;
bool set_combine_inplace(struct heap *h, enum binary_op op, struct set_obj *s, val b) must_use;
/* Gives `to` the entries of `from`, which gets those of `to`. */
void set_swap(struct set_obj *to, struct set_obj *from);
/* *ret: every element of a, any iterable, is in b, a set or a view that is one. */
bool set_is_subset(struct heap *h, val a, val b, bool *ret) must_use;
/* A set of any iterable's elements; a set itself where it is one. */
bool set_of(struct heap *h, val iterable, val *ret) must_use;
bool dict_copy(struct heap *h, const struct dict_obj *d, val *ret) must_use;
/* dict.update of a dict or an iterable of pairs. */
bool dict_update(struct heap *h, struct dict_obj *d, val from) must_use;
bool dict_equal(struct heap *h, struct dict_obj *a, struct dict_obj *b, bool *ret) must_use;

/* ---- compare ---- */
/* One of EQ to GE; both operands are concrete; *ret is false where == has nothing to compare. */
bool compare_values(struct heap *h, enum compare_op op, val a, val b, bool *ret) must_use;
/* The result of an ordering whose first difference is `order`. */
static inline bool compare_holds(enum compare_op op, int order)
{
    switch (op) {
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NE:
        return order != 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

#endif
