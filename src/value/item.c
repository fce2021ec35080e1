/* item: v[key], v[key] = value, del v[key]. */
#include "base/utf8.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops_int.h"
#include "value/slice_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"

enum { COPY_STEP = 4 /* elements moved for one instruction */ };

static bool bad_index(struct heap *h, val v, val key)
{
    if (v.kind == V_STR)
        return heap_raise(h, &exc_TypeError, "string indices must be integers, not '%s'",
                          val_type_name(key));
    return heap_raise(h, &exc_TypeError, "%s indices must be integers or slices, not %s",
                      val_type_name(v), val_type_name(key));
}

/* An index from either end into n elements. `what` begins the IndexError. */
static bool position(struct heap *h, val v, val key, int64_t n, const char *what, int64_t *ret)
{
    if (!val_is_int(key))
        return bad_index(h, v, key);
    int64_t i = key.i < 0 ? key.i + n : key.i;
    if (i < 0 || i >= n)
        return heap_raise(h, &exc_IndexError, "%s index out of range", what);
    *ret = i;
    return true;
}

/* ---- reading ---- */

/* Every step-th code point: a part of the builder for each. */
static bool text_stride(struct heap *h, val text, const struct slice_bounds *b, val *ret)
{
    auto_text_builder out = {0};
    auto_free uint32_t *starts = NULL;
    str s = text_str(text);

    if (!heap_charge(h, b->n + (text_is_ascii(text.s) ? 0 : text.s->points)))
        return false;
    if (!text_is_ascii(text.s)) {
        starts = mem_realloc_array(NULL, (size_t)text.s->points + 1, sizeof *starts);
        size_t at = 0;
        for (uint32_t i = 0; i < text.s->points; i++) {
            starts[i] = (uint32_t)at;
            utf8_next(s, &at);
        }
        starts[text.s->points] = (uint32_t)s.n;
    }
    text_builder_init(&out, h);
    for (int64_t k = 0, i = b->start; k < b->n; k++, i += b->step)
        text_builder_add_part(&out, text, starts ? starts[i] : (size_t)i,
                              starts ? starts[i + 1] : (size_t)i + 1);
    return text_builder_finish(&out, ret);
}

static bool slice_text(struct heap *h, val text, const struct slice_obj *s, val *ret)
{
    struct slice_bounds b = {0};
    if (!slice_bounds(h, s, text.s->points, &b))
        return false;
    if (b.step == 1 || b.n == 0)
        return text_slice(h, text, (size_t)b.start, (size_t)(b.start + b.n), ret);
    return text_stride(h, text, &b, ret);
}

static bool slice_elements(struct heap *h, val v, const struct slice_obj *s, val *ret)
{
    struct slice_bounds b = {0};
    const val *at;
    val *to;
    uint32_t n;

    seq_elements(v, &at, &n);
    if (!slice_bounds(h, s, n, &b))
        return false;
    if (v.kind == V_TUPLE && b.n == n && b.step == 1) {
        *ret = v;
        return true;
    }
    seq_elements(v, &at, &n); /* deciding a bound may have run the machine */
    if (v.kind == V_TUPLE) {
        if (!tuple_new(h, (uint32_t)b.n, ret))
            return false;
        to = ret->tuple->at;
    } else {
        if (!heap_charge(h, b.n / COPY_STEP) || !list_new(h, (uint32_t)b.n, ret))
            return false;
        ret->list->n = (uint32_t)b.n;
        to = ret->list->at;
    }
    if (b.step == 1 && b.n) {
        memcpy(to, at + b.start, (size_t)b.n * sizeof *to);
        return true;
    }
    for (int64_t k = 0, i = b.start; k < b.n; k++, i += b.step)
        to[k] = at[i];
    return true;
}

static bool dict_item(struct heap *h, struct dict_obj *d, val key, val *ret)
{
    val found;
    if (!dict_get(h, d, key, &found))
        return false;
    if (val_is_unbound(found))
        return heap_raise_with(h, &exc_KeyError, &key, 1);
    *ret = found;
    return true;
}

static bool not_subscriptable(struct heap *h, val v)
{
    if (v.kind == V_TYPE)
        return heap_raise(h, &exc_TypeError, "type '%s' is not subscriptable", v.type->name);
    return heap_raise(h, &exc_TypeError, "'%s' object is not subscriptable", val_type_name(v));
}

static bool range_item(struct heap *h, val v, val key, val *ret)
{
    int64_t i;
    if (key.kind == V_SLICE)
        return range_slice(h, v.range, key.slice, ret);
    if (!position(h, v, key, v.range->n, "range object", &i))
        return false;
    *ret = val_int((int64_t)((uint64_t)v.range->start + (uint64_t)i * (uint64_t)v.range->step));
    return true;
}

bool val_getitem(struct heap *h, val v, val key, val *ret)
{
    int64_t i;

    if (v.kind == V_OBJECT && v.object->class->getitem)
        return v.object->class->getitem(h, v.object, key, ret);
    if (!val_decide(h, key, &key))
        return false;
    switch ((enum val_kind)v.kind) {
    case V_LIST:
        if (key.kind == V_SLICE)
            return slice_elements(h, v, key.slice, ret);
        if (!position(h, v, key, v.list->n, "list", &i))
            return false;
        *ret = v.list->at[i];
        return true;
    case V_TUPLE:
        if (key.kind == V_SLICE)
            return slice_elements(h, v, key.slice, ret);
        if (!position(h, v, key, v.tuple->n, "tuple", &i))
            return false;
        *ret = v.tuple->at[i];
        return true;
    case V_STR:
        if (key.kind == V_SLICE)
            return slice_text(h, v, key.slice, ret);
        return position(h, v, key, v.s->points, "string", &i) && text_at(h, v, (size_t)i, ret);
    case V_DICT:
        return dict_item(h, v.dict, key, ret);
    case V_RANGE:
        return range_item(h, v, key, ret);
    default:
        return not_subscriptable(h, v);
    }
}

/* ---- writing ---- */

/* The elements to assign, in a list of their own unless they are a list or tuple already. */
static bool elements_to_assign(struct heap *h, val value, const char *message, val *ret)
{
    if (value.kind == V_LIST || value.kind == V_TUPLE) {
        *ret = value;
        return true;
    }
    val iterator;
    if (!val_iter(h, value, &iterator)) {
        if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_TypeError)
            return false;
        heap_clear_fault(h);
        return heap_raise(h, &exc_TypeError, "%s", message);
    }
    return val_to_list(h, iterator, ret);
}

static bool assign_slice(struct heap *h, struct list_obj *l, const struct slice_obj *s, val value)
{
    struct slice_bounds b = {0};
    const val *at;
    val elements;
    uint32_t n;

    if (!slice_bounds(h, s, l->n, &b))
        return false;
    if (!elements_to_assign(h, value,
                            b.step == 1 ? "can only assign an iterable"
                                        : "must assign iterable to extended slice",
                            &elements) ||
        !slice_bounds(h, s, l->n, &b)) /* the iterator may have changed the list */
        return false;
    seq_elements(elements, &at, &n);
    if (b.step == 1)
        return list_splice(h, l, b.start, b.start + b.n, at, n);
    if (n != b.n)
        return heap_raise(h, &exc_ValueError,
                          "attempt to assign sequence of size %u to extended slice of size %lld", n,
                          (long long)b.n);
    auto_free val *own = NULL;
    if (at == l->at) {
        own = mem_realloc_array(NULL, n, sizeof *own);
        memcpy(own, at, n * sizeof *own);
        at = own;
    }
    for (int64_t k = 0, i = b.start; k < b.n; k++, i += b.step)
        l->at[i] = at[k];
    return heap_charge(h, b.n / COPY_STEP);
}

bool val_setitem(struct heap *h, val v, val key, val value)
{
    int64_t i;

    if (v.kind == V_DICT)
        return dict_set(h, v.dict, key, value);
    if (v.kind != V_LIST)
        return heap_raise(h, &exc_TypeError, "'%s' object does not support item assignment",
                          val_type_name(v));
    if (!val_decide(h, key, &key) || !table_check_open(h, v.o))
        return false;
    if (key.kind == V_SLICE)
        return assign_slice(h, v.list, key.slice, value);
    if (!position(h, v, key, v.list->n, "list assignment", &i))
        return false;
    v.list->at[i] = value;
    return true;
}

/* ---- deleting ---- */

static bool delete_slice(struct heap *h, struct list_obj *l, const struct slice_obj *s)
{
    struct slice_bounds b = {0};
    if (!slice_bounds(h, s, l->n, &b) || !heap_charge(h, l->n / COPY_STEP))
        return false;
    if (b.n == 0)
        return true;
    if (b.step == 1)
        return list_splice(h, l, b.start, b.start + b.n, NULL, 0);
    int64_t first = b.step > 0 ? b.start : b.start + (b.n - 1) * b.step;
    int64_t step = b.step > 0 ? b.step : -b.step, to = first;
    for (int64_t i = first, next = first, left = b.n; i < l->n; i++) {
        if (i == next && left) {
            left--;
            next = left ? next + step : next;
        } else {
            l->at[to++] = l->at[i];
        }
    }
    l->n = (uint32_t)to;
    return true;
}

bool val_delitem(struct heap *h, val v, val key)
{
    int64_t i;
    val removed;

    if (!val_decide(h, key, &key))
        return false;
    if (v.kind == V_DICT) {
        if (!dict_remove(h, v.dict, key, &removed))
            return false;
        return !val_is_unbound(removed) || heap_raise_with(h, &exc_KeyError, &key, 1);
    }
    if (v.kind != V_LIST) /* CPython words it in two ways, of which one is for containers */
        return heap_raise(
            h, &exc_TypeError, "'%s' object %s support item deletion", val_type_name(v),
            v.kind >= V_STR && v.kind <= V_VIEW && v.kind != V_SLICE && val_is_int(key)
                ? "doesn't"
                : "does not");
    if (!table_check_open(h, v.o))
        return false;
    if (key.kind == V_SLICE)
        return delete_slice(h, v.list, key.slice);
    return position(h, v, key, v.list->n, "list assignment", &i) &&
           list_splice(h, v.list, i, i + 1, NULL, 0);
}
