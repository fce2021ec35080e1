/* ops_seq: +, *, in and slice assignment of sequences. */
#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

enum { COPY_STEP = 4 /* elements copied for one instruction */ };

/* ---- + ---- */

static bool concat_elements(struct heap *h, val *to, const val *a, uint32_t an, const val *b,
                            uint32_t bn)
{
    if (!heap_charge(h, ((int64_t)an + bn) / COPY_STEP))
        return false;
    if (an)
        memcpy(to, a, an * sizeof *a);
    if (bn)
        memcpy(to + an, b, bn * sizeof *b);
    return true;
}

bool seq_concat(struct heap *h, val a, val b, val *ret)
{
    if (a.kind == V_STR)
        return text_concat(h, a, b, ret);
    if (a.kind == V_LIST) {
        uint32_t n = a.list->n + b.list->n;
        if (!list_new(h, n, ret))
            return false;
        ret->list->n = n;
        return concat_elements(h, ret->list->at, a.list->at, a.list->n, b.list->at, b.list->n);
    }
    if (!a.tuple->n || !b.tuple->n) {
        *ret = a.tuple->n ? a : b;
        return true;
    }
    return tuple_new(h, a.tuple->n + b.tuple->n, ret) &&
           concat_elements(h, ret->tuple->at, a.tuple->at, a.tuple->n, b.tuple->at, b.tuple->n);
}

/* ---- * ---- */

/* Makes the first n elements of a total of n * times. */
static bool repeat_elements(struct heap *h, val *at, uint32_t n, int64_t times)
{
    uint64_t total = (uint64_t)n * (uint64_t)times, have = n;
    if (!heap_charge(h, (int64_t)total / COPY_STEP))
        return false;
    while (have < total) {
        uint64_t more = have < total - have ? have : total - have;
        memcpy(at + have, at, more * sizeof *at);
        have += more;
    }
    return true;
}

/* The length of n elements `times` times; false with a fault where that cannot be. */
static bool repeated_length(struct heap *h, uint32_t n, int64_t times, uint32_t *ret)
{
    int64_t total;
    if (__builtin_mul_overflow((int64_t)n, times, &total) ||
        (uint64_t)total > h->limits.bytes / sizeof(val))
        return heap_out_of_bytes(h);
    *ret = (uint32_t)total;
    return true;
}

bool seq_repeat(struct heap *h, val v, int64_t times, val *ret)
{
    const val *at;
    uint32_t n, total = 0;

    if (v.kind == V_STR)
        return text_repeat(h, v, times, ret);
    if (times < 0)
        times = 0;
    seq_elements(v, &at, &n);
    if (!repeated_length(h, n, times, &total))
        return false;
    if (v.kind == V_LIST) {
        if (!list_new(h, total, ret))
            return false;
        ret->list->n = total;
    } else if (!tuple_new(h, total, ret)) {
        return false;
    }
    if (!total)
        return true;
    val *to = v.kind == V_LIST ? ret->list->at : ret->tuple->at;
    memcpy(to, at, n * sizeof *to);
    return repeat_elements(h, to, n, times);
}

bool list_repeat_inplace(struct heap *h, struct list_obj *l, int64_t times)
{
    uint32_t total = 0;
    if (times <= 0) {
        l->n = 0;
        return true;
    }
    if (!repeated_length(h, l->n, times, &total) || !list_reserve(h, l, total) ||
        !repeat_elements(h, l->at, l->n, times))
        return false;
    l->n = total;
    return true;
}

/* ---- elements of anything ---- */

bool val_each(struct heap *h, val iterable, bool (*each)(struct heap *h, void *data, val element),
              void *data)
{
    val iterator, element;
    if (!val_iter(h, iterable, &iterator))
        return false;
    heap_hold(h, iterator);
    bool ok;
    for (;;) {
        ok = heap_charge(h, 1) && val_next(h, iterator, &element);
        if (!ok || val_is_unbound(element))
            break;
        ok = each(h, data, element);
        if (!ok)
            break;
    }
    heap_release(h, 1);
    return ok;
}

/* ---- changing lists ---- */

bool list_splice(struct heap *h, struct list_obj *l, int64_t from, int64_t to, const val *at,
                 uint32_t n)
{
    auto_free val *own = NULL;
    uint64_t tail = l->n - (uint64_t)to, total = (uint64_t)from + n + tail;

    if (!heap_charge(h, (int64_t)(n + tail) / COPY_STEP))
        return false;
    if (total > h->limits.bytes / sizeof(val))
        return heap_out_of_bytes(h);
    if (n && l->n && at >= l->at && at < l->at + l->n) {
        own = mem_realloc_array(NULL, n, sizeof *own);
        memcpy(own, at, n * sizeof *own);
        at = own;
    }
    if (total > l->cap) {
        uint64_t cap = total + total / 4;
        if (!list_reserve(h, l, (uint32_t)cap))
            return false;
    }
    if (tail)
        memmove(l->at + from + n, l->at + to, tail * sizeof *l->at);
    if (n)
        memcpy(l->at + from, at, n * sizeof *l->at);
    l->n = (uint32_t)total;
    return true;
}

bool list_extend(struct heap *h, struct list_obj *l, val iterable)
{
    const val *at;
    uint32_t n;
    val iterator, v;

    if (seq_elements(iterable, &at, &n))
        return list_splice(h, l, l->n, l->n, at, n);
    if (!val_iter(h, iterable, &iterator))
        return false;
    heap_hold(h, val_obj(V_LIST, l));
    heap_hold(h, iterator);
    bool ok = list_reserve(h, l, l->n + iter_hint(iterator));
    for (;;) {
        ok = ok && heap_charge(h, 1) && val_next(h, iterator, &v);
        if (!ok || val_is_unbound(v))
            break;
        ok = list_push(h, l, v);
    }
    heap_release(h, 2);
    return ok;
}

bool val_to_list(struct heap *h, val iterable, val *ret)
{
    val list;
    if (!val_decide(h, iterable, &iterable) || !list_new(h, 0, &list) ||
        !list_extend(h, list.list, iterable))
        return false;
    *ret = list;
    return true;
}

/* ---- in ---- */

static bool elements_contain(struct heap *h, val container, val v, bool *ret)
{
    *ret = false;
    for (uint32_t i = 0; !*ret; i++) {
        const val *at;
        uint32_t n;
        seq_elements(container, &at, &n);
        if (i >= n)
            return true;
        if (!heap_charge(h, 1) || !val_equal(h, at[i], v, ret))
            return false;
    }
    return true;
}

static bool iterable_contains(struct heap *h, val container, val v, bool *ret)
{
    val iterator, element;

    if (!val_iter(h, container, &iterator)) {
        if (h->fault.kind != FAULT_EXCEPTION)
            return false;
        heap_clear_fault(h);
        return heap_raise(h, &exc_TypeError, "argument of type '%s' is not iterable",
                          val_type_name(container));
    }
    *ret = false;
    heap_hold(h, iterator);
    heap_hold(h, v);
    bool ok = true;
    while (!*ret) {
        ok = heap_charge(h, 1) && val_next(h, iterator, &element);
        if (!ok || val_is_unbound(element))
            break;
        ok = val_equal(h, element, v, ret);
        if (!ok)
            break;
    }
    heap_release(h, 2);
    return ok;
}

static bool range_contains(const struct range_obj *r, val v)
{
    int64_t i;
    if (val_is_int(v))
        i = v.i;
    else if (v.kind == V_FLOAT && v.f >= -0x1p63 && v.f < 0x1p63 && v.f == (double)(int64_t)v.f)
        i = (int64_t)v.f;
    else
        return false;
    if (r->step > 0 ? i < r->start || i >= r->stop : i > r->start || i <= r->stop)
        return false;
    uint64_t way =
        r->step > 0 ? (uint64_t)i - (uint64_t)r->start : (uint64_t)r->start - (uint64_t)i;
    uint64_t step = r->step > 0 ? (uint64_t)r->step : 0 - (uint64_t)r->step;
    return way % step == 0;
}

bool val_contains(struct heap *h, val container, val v, bool *ret)
{
    if (!val_decide(h, container, &container) || !val_decide(h, v, &v))
        return false;
    switch ((enum val_kind)container.kind) {
    case V_LIST:
    case V_TUPLE:
        return elements_contain(h, container, v, ret);
    case V_STR:
        if (v.kind != V_STR)
            return heap_raise(h, &exc_TypeError,
                              "'in <string>' requires string as left operand, not %s",
                              val_type_name(v));
        return text_has(h, container, v, ret);
    case V_DICT: {
        val found;
        if (!dict_get(h, container.dict, v, &found))
            return false;
        *ret = !val_is_unbound(found);
        return true;
    }
    case V_SET:
    case V_FROZENSET:
        return set_has(h, container.set, v, ret);
    case V_RANGE:
        *ret = range_contains(container.range, v);
        return true;
    case V_VIEW:
        return view_contains(h, container, v, ret);
    default:
        return iterable_contains(h, container, v, ret);
    }
}
