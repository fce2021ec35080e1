/* methods_int: the tables that types.c binds to types; each ends with a row without a name. */
#ifndef VALUE_METHODS_INT_H
#define VALUE_METHODS_INT_H
#include "value/heap.h"

extern const struct native_def int_methods[], float_methods[], list_methods[], tuple_methods[],
    dict_methods[], keys_methods[], set_methods[], frozenset_methods[], range_methods[],
    slice_methods[];

/* What calling a type does: construct.c. */
extern const struct native_def construct_bool, construct_int, construct_float, construct_str,
    construct_tuple, construct_list, construct_dict, construct_set, construct_frozenset,
    construct_range, construct_slice, construct_type, construct_map, construct_filter,
    construct_zip, construct_enumerate, construct_reversed;

/* A row of a method whose arguments cannot be named. */
#define METHOD(method, function, least, most, bits, args, text)                        \
    {                                                                                  \
        .name = (method), .fn = (function), .min = (least), .max = (most),             \
        .positional_only = (most), .flags = (bits), .signature = (args), .doc = (text) \
    }
#define METHODS_END  \
    {                \
        .name = NULL \
    }

static inline bool method_none(val *ret)
{
    *ret = VAL_NONE;
    return true;
}

/* sequence.index(v, start, stop) among the elements of a list or tuple; -1 where it is not. */
bool seq_find(struct heap *h, val sequence, const val *args, int64_t *ret) must_use;
/* sequence.count(v) */
bool seq_count(struct heap *h, val sequence, val v, val *ret) must_use;
/* ValueError: "5 is not in list"; keeps the trust of v's text. */
bool raise_not_in(struct heap *h, val v, const char *what);

#endif
