/* ops: what Python's operators and protocols do to values. Each returns false with a fault in the
 * heap. Deferred operands (val_is_deferred) give deferred results, or are decided where the
 * language has to know: truth, is, in, iteration, hashing, len. */
#ifndef VALUE_OPS_H
#define VALUE_OPS_H
#include "value/heap.h"
#include "value/operators.h"

/* op is an enum binary_op, unary_op or compare_op of value/operators.h. */
bool op_binary(struct heap *h, enum binary_op op, val a, val b, val *ret) must_use;
/* a op= b: lists, dicts and sets change in place where CPython's do. */
bool op_inplace(struct heap *h, enum binary_op op, val a, val b, val *ret) must_use;
bool op_unary(struct heap *h, enum unary_op op, val a, val *ret) must_use;
/* Result is a bool, or a deferred value. IS, IN and their negations are decided, never deferred. */
bool op_compare(struct heap *h, enum compare_op op, val a, val b, val *ret) must_use;

/* ---- protocols ---- */
bool val_truth(struct heap *h, val v, bool *ret) must_use;
/* == as dict keys and `in` use it; the operands are concrete. */
bool val_equal(struct heap *h, val a, val b, bool *ret) must_use;
bool val_identical(val a, val b);
/* <0, 0, >0 for sorting: `a < b` by Python's rules; TypeError where there is no order. */
bool val_less(struct heap *h, val a, val b, bool *ret) must_use;
bool val_hash(struct heap *h, val v,
              uint64_t *ret) must_use; /* TypeError: unhashable type: 'list' */
bool val_len(struct heap *h, val v, int64_t *ret) must_use;
/* Follows decide until the value is concrete. */
bool val_decide(struct heap *h, val v, val *ret) must_use;

bool val_getitem(struct heap *h, val v, val key, val *ret) must_use;
bool val_setitem(struct heap *h, val v, val key, val value) must_use;
bool val_delitem(struct heap *h, val v, val key) must_use;
/* Fields of records and objects, methods of built-in types (as a V_METHOD); AttributeError. */
bool val_getattr(struct heap *h, val v, str name, val *ret) must_use;
/* The method's row without binding it, for calls; NULL where there is none (then try getattr). */
const struct native_def *val_find_method(val v, str name);
bool dict_has_method(str name);

/* An iterator (V_ITER, V_GEN); TypeError: 'int' object is not iterable. */
bool val_iter(struct heap *h, val v, val *ret) must_use;
/* The next value; V_UNBOUND when exhausted. */
bool val_next(struct heap *h, val iterator, val *ret) must_use;
/* All elements into a new list. */
bool val_to_list(struct heap *h, val iterable, val *ret) must_use;
bool val_call(struct heap *h, val fn, const val *args, uint32_t n, val *ret) must_use;

/* repr(), str(), ascii(), format(v, spec): results are strs (or deferred). A deferred value inside
 * of a container is decided. */
bool val_repr(struct heap *h, val v, val *ret) must_use;
bool val_str(struct heap *h, val v, val *ret) must_use;
bool val_ascii(struct heap *h, val v, val *ret) must_use;
bool val_format(struct heap *h, val v, char conversion, val spec, val *ret) must_use;
/* str() for print and messages: deferred values are shown as <deferred EXPR> wherever they stand.
 */
bool val_show(struct heap *h, val v, val *ret) must_use;
/* An f-string's parts, strs or deferred, to one string; keeps the extents of untrusted text. */
bool val_concat(struct heap *h, const val *parts, uint32_t n, val *ret) must_use;

/* Makes v and all that it reaches immutable. */
bool val_freeze(struct heap *h, val v) must_use;

/* Binds a call's arguments to a native's row (defaults left V_UNBOUND) and calls it: CPython's
 * TypeErrors for wrong ones. self may be V_UNBOUND. Decides or defers as the row's flags say. */
bool native_call(struct heap *h, const struct native_def *def, val self,
                 const struct call_args *args, val *ret) must_use;

#endif
