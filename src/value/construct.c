/* construct: what calling a built-in type does: int("5"), list(x), zip(a, b). */
#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include <math.h>

#define TYPE_ROW(type, function, least, most, bits, args, text) \
    const struct native_def construct_##type =                  \
        METHOD(#type, function, least, most, (bits) | NATIVE_TYPE, args, text)

/* ---- numbers ---- */

static bool make_bool(struct heap *h, val *args, val *ret)
{
    bool truth;
    if (!val_truth(h, args[0], &truth))
        return false;
    *ret = val_bool(truth);
    return true;
}
TYPE_ROW(bool, make_bool, 0, 1, NATIVE_DECIDES, "(x=False, /)", "The truth of x.");

static bool int_of_float(struct heap *h, double d, val *ret)
{
    if (isnan(d))
        return heap_raise(h, &exc_ValueError, "cannot convert float NaN to integer");
    if (isinf(d))
        return heap_raise(h, &exc_OverflowError, "cannot convert float infinity to integer");
    if (d >= 0x1p63 || d < -0x1p63)
        return num_overflow(h);
    *ret = val_int((int64_t)d);
    return true;
}

static bool int_with_base(struct heap *h, val text, val base, val *ret)
{
    int64_t b;
    if (val_is_unbound(text))
        return heap_raise(h, &exc_TypeError, "int() missing string argument");
    if (!val_index(h, base, &b))
        return false;
    if (b != 0 && (b < 2 || b > 36))
        return heap_raise(h, &exc_ValueError, "int() base must be >= 2 and <= 36, or 0");
    if (text.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "int() can't convert non-string with explicit base");
    return number_parse_int(h, text, b, ret);
}

static bool make_int(struct heap *h, val *args, val *ret)
{
    if (!val_is_unbound(args[1]))
        return int_with_base(h, args[0], args[1], ret);
    switch (args[0].kind) {
    case V_UNBOUND:
    case V_BOOL:
    case V_INT:
        *ret = val_int(args[0].kind == V_UNBOUND ? 0 : args[0].i);
        return true;
    case V_FLOAT:
        return int_of_float(h, args[0].f, ret);
    case V_STR:
        return number_parse_int(h, args[0], 10, ret);
    default:
        return heap_raise(h, &exc_TypeError,
                          "int() argument must be a string, a bytes-like object or a real number, "
                          "not '%s'",
                          val_type_name(args[0]));
    }
}

static const char *const int_names[] = {"x", "base"};
const struct native_def construct_int = {
    .name = "int",
    .fn = make_int,
    .max = 2,
    .positional_only = 1,
    .flags = NATIVE_DEFERS | NATIVE_TYPE,
    .names = int_names,
    .signature = "(x=0, /, base=10)",
    .doc = "A whole number from a number or a text.",
};

static bool make_float(struct heap *h, val *args, val *ret)
{
    switch (args[0].kind) {
    case V_UNBOUND:
        *ret = val_float(0);
        return true;
    case V_BOOL:
    case V_INT:
    case V_FLOAT:
        *ret = val_float(num_double(args[0]));
        return true;
    case V_STR:
        return number_parse_float(h, args[0], ret);
    default:
        return heap_raise(h, &exc_TypeError,
                          "float() argument must be a string or a real number, not '%s'",
                          val_type_name(args[0]));
    }
}
TYPE_ROW(float, make_float, 0, 1, NATIVE_DEFERS, "(x=0.0, /)",
         "A floating-point number from a number or a text.");

/* ---- text ---- */

static const char *const str_names[] = {"object", "encoding", "errors"};

static bool make_str(struct heap *h, val *args, val *ret)
{
    for (int i = 1; i < 3; i++)
        if (!val_is_unbound(args[i]) && args[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "str() argument '%s' must be str, not %s",
                              str_names[i], val_argument_name(args[i]));
    if (val_is_unbound(args[0]))
        return text_new(h, STR(""), ret);
    if (val_is_unbound(args[1]) && val_is_unbound(args[2]))
        return val_str(h, args[0], ret);
    if (args[0].kind == V_STR)
        return heap_raise(h, &exc_TypeError, "decoding str is not supported");
    return heap_raise(h, &exc_TypeError, "decoding to str: need a bytes-like object, %s found",
                      val_type_name(args[0]));
}

const struct native_def construct_str = {
    .name = "str",
    .fn = make_str,
    .max = 3,
    .flags = NATIVE_DEFERS | NATIVE_TYPE,
    .names = str_names,
    .signature = "(object='')",
    .doc = "The object as text.",
};

/* ---- containers ---- */

static bool make_list(struct heap *h, val *args, val *ret)
{
    return val_is_unbound(args[0]) ? list_new(h, 0, ret) : val_to_list(h, args[0], ret);
}
TYPE_ROW(list, make_list, 0, 1, NATIVE_DECIDES | NATIVE_CALLS, "(iterable=(), /)",
         "A new list of the elements.");

static bool make_tuple(struct heap *h, val *args, val *ret)
{
    val list;
    if (val_is_unbound(args[0]))
        return tuple_new(h, 0, ret);
    if (args[0].kind == V_TUPLE) {
        *ret = args[0];
        return true;
    }
    if (args[0].kind == V_LIST)
        return tuple_from(h, args[0].list->at, args[0].list->n, ret);
    return val_to_list(h, args[0], &list) && tuple_from(h, list.list->at, list.list->n, ret);
}
TYPE_ROW(tuple, make_tuple, 0, 1, NATIVE_DECIDES | NATIVE_CALLS, "(iterable=(), /)",
         "A tuple of the elements.");

static bool make_dict(struct heap *h, val *args, val *ret)
{
    val d;
    if (!dict_new(h, 0, &d))
        return false;
    if (!val_is_unbound(args[0]) && !dict_update(h, d.dict, args[0]))
        return false;
    if (!dict_update(h, d.dict, args[1]))
        return false;
    *ret = d;
    return true;
}
TYPE_ROW(dict, make_dict, 0, 1, NATIVE_DECIDES | NATIVE_CALLS | NATIVE_KWARGS,
         "(iterable=(), /, **keywords)", "A new dict from a dict or pairs, and from keywords.");

static bool make_set_of(struct heap *h, enum val_kind kind, val iterable, val *ret)
{
    val empty;
    if (val_is_unbound(iterable))
        return set_new(h, kind, 0, ret);
    return set_new(h, kind, 0, &empty) && set_combine(h, BINARY_OR, kind, empty, iterable, ret);
}

static bool make_set(struct heap *h, val *args, val *ret)
{
    return make_set_of(h, V_SET, args[0], ret);
}
TYPE_ROW(set, make_set, 0, 1, NATIVE_DECIDES | NATIVE_CALLS, "(iterable=(), /)",
         "A new set of the elements, in their order.");

static bool make_frozenset(struct heap *h, val *args, val *ret)
{
    if (args[0].kind == V_FROZENSET) {
        *ret = args[0];
        return true;
    }
    return make_set_of(h, V_FROZENSET, args[0], ret);
}
TYPE_ROW(frozenset, make_frozenset, 0, 1, NATIVE_DECIDES | NATIVE_CALLS, "(iterable=(), /)",
         "An immutable set of the elements.");

/* ---- range and slice ---- */

static bool make_range(struct heap *h, val *args, val *ret)
{
    int64_t at[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++)
        if (!val_is_unbound(args[i]) && !val_index(h, args[i], &at[i]))
            return false;
    if (val_is_unbound(args[1]))
        return range_new(h, 0, at[0], 1, ret);
    if (at[2] == 0)
        return heap_raise(h, &exc_ValueError, "range() arg 3 must not be zero");
    return range_new(h, at[0], at[1], at[2], ret);
}
TYPE_ROW(range, make_range, 1, 3, NATIVE_DECIDES, "(start, stop, step=1, /)",
         "The numbers from start (or 0) to before stop.");

static bool make_slice(struct heap *h, val *args, val *ret)
{
    if (val_is_unbound(args[1]))
        return slice_new(h, VAL_NONE, args[0], VAL_NONE, ret);
    return slice_new(h, args[0], args[1], val_is_unbound(args[2]) ? VAL_NONE : args[2], ret);
}
TYPE_ROW(slice, make_slice, 1, 3, 0, "(start, stop, step=None, /)",
         "What stands in the brackets of x[start:stop:step].");

/* ---- type ---- */

/* args: tuple, dict of keywords */
static bool make_type(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *given = args[0].tuple;
    if (given->n == 3)
        return heap_refuse(h, "not_supported", "use a dict or a function",
                           "type() with three arguments makes a class, and there are no classes");
    if (given->n != 1 || args[1].dict->n)
        return heap_raise(h, &exc_TypeError, "type() takes 1 or 3 arguments");
    *ret = val_type(val_type_of(given->at[0]));
    return true;
}
TYPE_ROW(type, make_type, 0, 0, NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_DECIDES, "(object, /)",
         "The type of object.");

/* ---- iterators ---- */

/* args: tuple of function and iterables */
static bool make_map(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *given = args[0].tuple;
    if (given->n < 2)
        return heap_raise(h, &exc_TypeError, "map() must have at least two arguments.");
    return iter_map(h, given->at[0], given->at + 1, given->n - 1, ret);
}
TYPE_ROW(map, make_map, 0, 0, NATIVE_VARARGS | NATIVE_CALLS, "(function, /, *iterables)",
         "The results of function for the elements, one from each iterable.");

static bool make_filter(struct heap *h, val *args, val *ret)
{
    return iter_filter(h, args[0], args[1], ret);
}
TYPE_ROW(filter, make_filter, 2, 2, NATIVE_CALLS, "(function, iterable, /)",
         "The elements for which function is true; with None, the true ones.");

/* args: tuple of iterables, strict */
static bool make_zip(struct heap *h, val *args, val *ret)
{
    bool strict = false;
    if (!val_is_unbound(args[1]) && !val_truth(h, args[1], &strict))
        return false;
    return iter_zip(h, args[0].tuple->at, args[0].tuple->n, strict, ret);
}

static const char *const zip_names[] = {"strict"};
const struct native_def construct_zip = {
    .name = "zip",
    .fn = make_zip,
    .keyword_only = 1,
    .flags = NATIVE_VARARGS | NATIVE_DECIDES | NATIVE_CALLS | NATIVE_TYPE,
    .names = zip_names,
    .signature = "(*iterables, strict=False)",
    .doc = "Tuples of one element from each iterable.",
};

static bool make_enumerate(struct heap *h, val *args, val *ret)
{
    int64_t start = 0;
    if (!val_is_unbound(args[1]) && !val_index(h, args[1], &start))
        return false;
    return iter_enumerate(h, args[0], start, ret);
}

static const char *const enumerate_names[] = {"iterable", "start"};
const struct native_def construct_enumerate = {
    .name = "enumerate",
    .fn = make_enumerate,
    .min = 1,
    .max = 2,
    .flags = NATIVE_DECIDES | NATIVE_CALLS | NATIVE_TYPE,
    .names = enumerate_names,
    .signature = "(iterable, start=0)",
    .doc = "Pairs of a number and an element.",
};

static bool make_reversed(struct heap *h, val *args, val *ret)
{
    return iter_reversed(h, args[0], ret);
}
TYPE_ROW(reversed, make_reversed, 1, 1, NATIVE_DECIDES, "(sequence, /)",
         "The elements from the last to the first.");
