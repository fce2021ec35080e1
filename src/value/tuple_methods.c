/* tuple_methods: the methods of tuple, range and slice. */
#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/slice_int.h"
#include "value/types.h"

static bool tuple_count(struct heap *h, val *args, val *ret)
{
    return seq_count(h, args[0], args[1], ret);
}

static bool tuple_index(struct heap *h, val *args, val *ret)
{
    int64_t at;
    if (!seq_find(h, args[0], args + 1, &at))
        return false;
    if (at < 0)
        return heap_raise(h, &exc_ValueError, "tuple.index(x): x not in tuple");
    *ret = val_int(at);
    return true;
}

const struct native_def tuple_methods[] = {
    METHOD("count", tuple_count, 1, 1, 0, "(value, /)", "How many elements equal value."),
    METHOD("index", tuple_index, 1, 3, 0, "(value, start=0, stop=9223372036854775807, /)",
           "Index of the first element that equals value; ValueError where there is none."),
    METHODS_END,
};

/* ---- range ---- */

static bool range_count(struct heap *h, val *args, val *ret)
{
    bool has;
    if (!val_contains(h, args[0], args[1], &has))
        return false;
    *ret = val_int(has);
    return true;
}

static bool range_index(struct heap *h, val *args, val *ret)
{
    const struct range_obj *r = args[0].range;
    val v;
    bool has;

    if (!val_decide(h, args[1], &v) || !val_contains(h, args[0], v, &has))
        return false;
    if (!has)
        return val_is_int(v)
                   ? raise_not_in(h, v, "range")
                   : heap_raise(h, &exc_ValueError, "sequence.index(x): x not in sequence");
    uint64_t i = v.kind == V_FLOAT ? (uint64_t)(int64_t)v.f : (uint64_t)v.i;
    *ret = val_int(r->step > 0 ? (int64_t)((i - (uint64_t)r->start) / (uint64_t)r->step)
                               : (int64_t)(((uint64_t)r->start - i) / (0 - (uint64_t)r->step)));
    return true;
}

const struct native_def range_methods[] = {
    METHOD("count", range_count, 1, 1, 0, "(value, /)", "1 where value is in the range, else 0."),
    METHOD("index", range_index, 1, 1, 0, "(value, /)",
           "Index of value; ValueError where it is not in the range."),
    METHODS_END,
};

/* ---- slice ---- */

static bool slice_indices_of(struct heap *h, val *args, val *ret)
{
    struct slice_bounds b = {0};
    int64_t n;
    if (!val_index(h, args[1], &n))
        return false;
    if (n < 0)
        return heap_raise(h, &exc_ValueError, "length should not be negative");
    if (!slice_bounds(h, args[0].slice, n, &b))
        return false;
    const val parts[] = {val_int(b.start), val_int(b.stop), val_int(b.step)};
    return tuple_from(h, parts, 3, ret);
}

const struct native_def slice_methods[] = {
    METHOD("indices", slice_indices_of, 1, 1, 0, "(length, /)",
           "(start, stop, step) for a sequence of this length."),
    METHODS_END,
};
