/* slice: slice objects, ranges, and the arithmetic of both. */
#include "value/list.h"
#include "value/ops_int.h"
#include "value/slice_int.h"
#include "value/types.h"

/* ---- indices ---- */

bool val_index(struct heap *h, val v, int64_t *ret)
{
    if (!val_decide(h, v, &v))
        return false;
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(v));
    *ret = v.i;
    return true;
}

bool val_bound(struct heap *h, val v, int64_t n, int64_t *ret)
{
    if (!val_decide(h, v, &v))
        return false;
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError,
                          "slice indices must be integers or have an __index__ method");
    int64_t i = v.i < 0 ? v.i + n : v.i;
    *ret = i < 0 ? 0 : i > n ? n : i;
    return true;
}

/* ---- slices ---- */

bool slice_new(struct heap *h, val low, val high, val step, val *ret)
{
    struct slice_obj *s = heap_new(h, V_SLICE, sizeof *s);
    if (!s)
        return false;
    s->low = low;
    s->high = high;
    s->step = step;
    *ret = val_obj(V_SLICE, s);
    return true;
}

/* A part of a slice as an int; `missing` where it is None. */
static bool slice_part(struct heap *h, val v, int64_t missing, int64_t *ret)
{
    if (!val_decide(h, v, &v))
        return false;
    if (v.kind == V_NONE || val_is_int(v)) {
        *ret = v.kind == V_NONE ? missing : v.i;
        return true;
    }
    return heap_raise(h, &exc_TypeError,
                      "slice indices must be integers or None or have an __index__ method");
}

static int64_t clamp_bound(int64_t i, int64_t n, bool backwards)
{
    if (i < 0)
        i += n;
    if (i < 0)
        return backwards ? -1 : 0;
    if (i >= n)
        return backwards ? n - 1 : n;
    return i;
}

bool slice_bounds(struct heap *h, const struct slice_obj *s, int64_t n, struct slice_bounds *ret)
{
    int64_t start = 0, stop = 0, step = 1;

    if (!slice_part(h, s->step, 1, &step))
        return false;
    if (step == 0)
        return heap_raise(h, &exc_ValueError, "slice step cannot be zero");
    if (step < -INT64_MAX)
        step = -INT64_MAX;
    bool backwards = step < 0;
    /* Bounds that are missing lie beyond the end they stand for. */
    if (!slice_part(h, s->low, backwards ? INT64_MAX : 0, &start) ||
        !slice_part(h, s->high, backwards ? INT64_MIN : INT64_MAX, &stop))
        return false;
    start = clamp_bound(start, n, backwards);
    stop = stop == INT64_MIN ? -1 : clamp_bound(stop, n, backwards);
    if (stop < 0 && !backwards)
        stop = 0;
    ret->start = start;
    ret->stop = stop;
    ret->step = step;
    ret->n = backwards ? (stop < start ? (start - stop - 1) / -step + 1 : 0)
                       : (start < stop ? (stop - start - 1) / step + 1 : 0);
    return true;
}

bool slice_indices(struct heap *h, const struct slice_obj *s, int64_t n, int64_t *ret_start,
                   int64_t *ret_step, int64_t *ret_n)
{
    struct slice_bounds b = {0};
    if (!slice_bounds(h, s, n, &b))
        return false;
    *ret_start = b.start;
    *ret_step = b.step;
    *ret_n = b.n;
    return true;
}

/* ---- ranges ---- */

bool range_new(struct heap *h, int64_t start, int64_t stop, int64_t step, val *ret)
{
    uint64_t n = 0;
    if (step > 0 && start < stop)
        n = ((uint64_t)stop - (uint64_t)start - 1) / (uint64_t)step + 1;
    else if (step < 0 && start > stop)
        n = ((uint64_t)start - (uint64_t)stop - 1) / (0 - (uint64_t)step) + 1;
    if (n > INT64_MAX)
        return num_overflow(h);
    struct range_obj *r = heap_new(h, V_RANGE, sizeof *r);
    if (!r)
        return false;
    r->start = start;
    r->stop = stop;
    r->step = step;
    r->n = (int64_t)n;
    *ret = val_obj(V_RANGE, r);
    return true;
}

/* start + i * step, or OverflowError. */
static bool range_point(struct heap *h, const struct range_obj *r, int64_t i, int64_t *ret)
{
    int64_t way;
    if (__builtin_mul_overflow(i, r->step, &way) || __builtin_add_overflow(r->start, way, ret))
        return num_overflow(h);
    return true;
}

bool range_slice(struct heap *h, const struct range_obj *r, const struct slice_obj *s, val *ret)
{
    struct slice_bounds b = {0};
    int64_t start = 0, stop = 0, step = 1;
    if (!slice_bounds(h, s, r->n, &b) || !range_point(h, r, b.start, &start) ||
        !range_point(h, r, b.stop, &stop))
        return false;
    if (__builtin_mul_overflow(b.step, r->step, &step))
        return num_overflow(h);
    return range_new(h, start, stop, step, ret);
}
