#include "value/dict.h"
#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

/* ---- whole dicts ---- */

bool dict_copy(struct heap *h, const struct dict_obj *d, val *ret)
{
    val copy;
    if (!dict_new(h, 0, &copy) || !table_copy(h, (const struct table *)d, (struct table *)copy.o))
        return false;
    *ret = copy;
    return true;
}

bool dict_equal(struct heap *h, struct dict_obj *a, struct dict_obj *b, bool *ret)
{
    uint32_t at = 0;
    *ret = a->n == b->n;
    for (const struct dict_entry *e; *ret && (e = dict_next(a, &at));) {
        uint32_t other;
        if (!heap_charge(h, 1) || !table_find(h, (const struct table *)b, e->key, e->hash, &other))
            return false;
        if (other == TABLE_NONE)
            *ret = false;
        else if (!val_equal(h, e->value, b->entries[other].value, ret))
            return false;
    }
    return true;
}

static bool update_from_dict(struct heap *h, struct dict_obj *d, const struct dict_obj *from)
{
    if (d == from)
        return true;
    if (d->n == 0 && d->cap == 0)
        return table_check_open(h, &d->h) &&
               table_copy(h, (const struct table *)from, (struct table *)d);
    uint32_t at = 0;
    for (const struct dict_entry *e; (e = dict_next(from, &at));)
        if (!heap_charge(h, 1) || !dict_set(h, d, e->key, e->value))
            return false;
    return true;
}

struct pairs {
    struct dict_obj *to;
    uint32_t count;
};

static bool add_pair(struct heap *h, void *data, val element)
{
    struct pairs *p = data;
    const val *at;
    uint32_t n;
    val list, iterator;

    if (!seq_elements(element, &at, &n)) {
        if (!val_iter(h, element, &iterator)) {
            if (h->fault.kind != FAULT_EXCEPTION)
                return false;
            heap_clear_fault(h);
            return heap_raise(h, &exc_TypeError,
                              "cannot convert dictionary update sequence element #%u to a sequence",
                              p->count);
        }
        if (!val_to_list(h, iterator, &list))
            return false;
        seq_elements(list, &at, &n);
    }
    if (n != 2)
        return heap_raise(h, &exc_ValueError,
                          "dictionary update sequence element #%u has length %u; 2 is required",
                          p->count, n);
    p->count++;
    return dict_set(h, p->to, at[0], at[1]);
}

bool dict_update(struct heap *h, struct dict_obj *d, val from)
{
    struct pairs p = {.to = d};
    if (!val_decide(h, from, &from))
        return false;
    if (from.kind == V_DICT)
        return update_from_dict(h, d, from.dict);
    heap_hold(h, val_obj(V_DICT, d));
    bool ok = val_each(h, from, add_pair, &p);
    heap_release(h, 1);
    return ok;
}

/* ---- methods ---- */

static bool dict_clear_all(struct heap *h, val *args, val *ret)
{
    dict_clear(h, args[0].dict);
    return method_none(ret);
}

static bool dict_copied(struct heap *h, val *args, val *ret)
{
    return dict_copy(h, args[0].dict, ret);
}

struct fill {
    struct dict_obj *to;
    val value;
};

static bool add_key(struct heap *h, void *data, val element)
{
    const struct fill *f = data;
    return dict_set(h, f->to, element, f->value);
}

static bool dict_fromkeys(struct heap *h, val *args, val *ret)
{
    val d;
    if (!dict_new(h, 0, &d))
        return false;
    struct fill f = {d.dict, val_is_unbound(args[2]) ? VAL_NONE : args[2]};
    heap_hold(h, d);
    bool ok = val_each(h, args[1], add_key, &f);
    heap_release(h, 1);
    *ret = d;
    return ok;
}

static bool dict_get_or(struct heap *h, val *args, val *ret)
{
    if (!dict_get(h, args[0].dict, args[1], ret))
        return false;
    if (val_is_unbound(*ret))
        *ret = val_is_unbound(args[2]) ? VAL_NONE : args[2];
    return true;
}

static bool dict_view(struct heap *h, enum view_kind which, val self, val *ret)
{
    return view_new(h, which, self.dict, ret);
}

static bool dict_items(struct heap *h, val *args, val *ret)
{
    return dict_view(h, VIEW_ITEMS, args[0], ret);
}

static bool dict_keys(struct heap *h, val *args, val *ret)
{
    return dict_view(h, VIEW_KEYS, args[0], ret);
}

static bool dict_values(struct heap *h, val *args, val *ret)
{
    return dict_view(h, VIEW_VALUES, args[0], ret);
}

static bool dict_pop(struct heap *h, val *args, val *ret)
{
    *ret = VAL_UNBOUND;
    if (!val_decide(h, args[1], &args[1]))
        return false;
    /* Nothing is in an empty dict, so that CPython does not even hash the key. */
    if (args[0].dict->n && !dict_remove(h, args[0].dict, args[1], ret))
        return false;
    if (!val_is_unbound(*ret))
        return true;
    if (val_is_unbound(args[2]))
        return heap_raise_with(h, &exc_KeyError, &args[1], 1);
    *ret = args[2];
    return true;
}

static bool dict_popitem(struct heap *h, val *args, val *ret)
{
    struct table *t = (struct table *)args[0].o;
    uint32_t last = table_prev(t, t->used);
    if (last == TABLE_NONE) {
        val text;
        return text_new(h, STR("popitem(): dictionary is empty"), &text) &&
               heap_raise_with(h, &exc_KeyError, &text, 1);
    }
    if (!tuple_from(h, table_key(t, last), 2, ret))
        return false;
    table_remove_at(t, last);
    return true;
}

static bool dict_setdefault(struct heap *h, val *args, val *ret)
{
    val value = val_is_unbound(args[2]) ? VAL_NONE : args[2];
    if (!dict_get(h, args[0].dict, args[1], ret))
        return false;
    if (!val_is_unbound(*ret))
        return true;
    *ret = value;
    return dict_set(h, args[0].dict, args[1], value);
}

/* args: self, iterable, dict of keywords */
static bool dict_update_with(struct heap *h, val *args, val *ret)
{
    struct dict_obj *d = args[0].dict;
    if (!val_is_unbound(args[1]) && !dict_update(h, d, args[1]))
        return false;
    return dict_update(h, d, args[2]) && method_none(ret);
}

const struct native_def dict_methods[] = {
    METHOD("get", dict_get_or, 1, 2, 0, "(key, default=None, /)",
           "The key's value, or default where it is missing."),
    METHOD("items", dict_items, 0, 0, 0, "()", "A view of the (key, value) pairs."),
    METHOD("keys", dict_keys, 0, 0, 0, "()", "A view of the keys, which is a set."),
    METHOD("values", dict_values, 0, 0, 0, "()", "A view of the values."),
    METHOD("pop", dict_pop, 1, 2, NATIVE_MUTATES, "(key, default, /)",
           "Remove the key and return its value; KeyError where it is missing without default."),
    METHOD("setdefault", dict_setdefault, 1, 2, NATIVE_MUTATES, "(key, default=None, /)",
           "The key's value; default is set first where it is missing."),
    METHOD("update", dict_update_with, 0, 1, NATIVE_MUTATES | NATIVE_CALLS | NATIVE_KWARGS,
           "(iterable=(), /, **keywords)", "Set keys from a dict or pairs, and from keywords."),
    METHOD("clear", dict_clear_all, 0, 0, NATIVE_MUTATES, "()", "Remove all keys."),
    METHOD("copy", dict_copied, 0, 0, 0, "()", "A new dict of the same keys and values."),
    METHOD("fromkeys", dict_fromkeys, 1, 2, NATIVE_CLASS | NATIVE_CALLS,
           "(iterable, value=None, /)", "A new dict with these keys and one value for all."),
    METHOD("popitem", dict_popitem, 0, 0, NATIVE_MUTATES, "()",
           "Remove and return the newest (key, value) pair."),
    METHODS_END,
};
const struct native_def *const dict_get_method = &dict_methods[0];
