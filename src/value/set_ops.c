/* set_ops: union, intersection, difference and symmetric difference of sets, views and any
 * iterables; and which set contains which. */
#include "value/dict.h"
#include "value/iter.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/types.h"
#include "value/view.h"

/* ---- elements of anything ---- */

static bool add_element(struct heap *h, void *set, val element)
{
    return set_add(h, set, element);
}

/* Adds all elements of any iterable. */
static bool add_all(struct heap *h, struct set_obj *s, val iterable)
{
    if (val_is_set(iterable) && iterable.set->n == 0)
        return true;
    if (val_is_set(iterable) && s->n == 0 && s->cap == 0)
        return table_copy(h, (struct table *)iterable.set, (struct table *)s);
    heap_hold(h, val_obj(s->h.kind, s));
    bool ok = val_each(h, iterable, add_element, s);
    heap_release(h, 1);
    return ok;
}

bool set_of(struct heap *h, val iterable, val *ret)
{
    if (val_is_set(iterable)) {
        *ret = iterable;
        return true;
    }
    val s;
    if (!set_new(h, V_SET, 0, &s) || !add_all(h, s.set, iterable))
        return false;
    *ret = s;
    return true;
}

/* Only `in`, remove and discard take a set for the frozenset that it equals. */
static bool check_no_set(struct heap *h, val element)
{
    uint64_t hash;
    return element.kind != V_SET || val_hash(h, element, &hash);
}

/* Whether a set or a view that is one has the element. */
static bool has_element(struct heap *h, val container, val element, bool *ret)
{
    if (!check_no_set(h, element))
        return false;
    return container.kind == V_VIEW ? view_contains(h, container, element, ret)
                                    : set_has(h, container.set, element, ret);
}

/* ---- combining ---- */

struct filter {
    struct set_obj *to;
    val other; /* a set or view */
    bool keep; /* what is in other, or what is not */
};

static bool add_filtered(struct heap *h, void *data, val element)
{
    const struct filter *f = data;
    bool has;
    if (!has_element(h, f->other, element, &has))
        return false;
    return has != f->keep || set_add(h, f->to, element);
}

/* Adds those of `from` to `to` that are in `other`, or are not. */
static bool add_where(struct heap *h, struct set_obj *to, val from, val other, bool keep)
{
    struct filter f = {to, other, keep};
    return val_each(h, from, add_filtered, &f);
}

static bool combine_into(struct heap *h, enum binary_op op, struct set_obj *to, val a, val b)
{
    switch (op) {
    case BINARY_OR:
        return add_all(h, to, a) && add_all(h, to, b);
    case BINARY_AND: /* a view looks up what the other has */
        return view_is_set(a) && b.kind != V_SET ? add_where(h, to, b, a, true)
                                                 : add_where(h, to, a, b, true);
    case BINARY_SUB:
        return add_where(h, to, a, b, false);
    default:
        return add_where(h, to, a, b, false) && add_where(h, to, b, a, false);
    }
}

/* Whether b, which is no set, is read into one first: all of it must be hashable then, as in
 * CPython. The keys of a dict are already. */
static bool must_be_set(enum binary_op op, val a, val b)
{
    if (op == BINARY_OR || (op == BINARY_AND && view_is_set(a)))
        return false;
    return b.kind != V_VIEW || view_of(b)->which != VIEW_KEYS;
}

bool set_combine(struct heap *h, enum binary_op op, enum val_kind kind, val a, val b, val *ret)
{
    val to;
    if (!set_new(h, kind, 0, &to))
        return false;
    heap_hold(h, to);
    heap_hold(h, a);
    heap_hold(h, b);
    uint32_t held = 3;
    bool ok = true;
    /* An iterable that is no set is read once, into one; views too, where CPython does. */
    if (!val_is_set(a) && (op == BINARY_XOR || op == BINARY_SUB)) {
        ok = set_of(h, a, &a);
        heap_hold(h, a);
        held++;
    }
    if (ok && !val_is_set(b) && must_be_set(op, a, b)) {
        ok = set_of(h, b, &b);
        heap_hold(h, b);
        held++;
    }
    ok = ok && combine_into(h, op, to.set, a, b);
    heap_release(h, held);
    *ret = to;
    return ok;
}

static bool drop_element(struct heap *h, void *set, val element)
{
    bool was;
    return check_no_set(h, element) && set_remove(h, set, element, &was);
}

static bool flip_element(struct heap *h, void *set, val element)
{
    bool was;
    return set_remove(h, set, element, &was) && (was || set_add(h, set, element));
}

void set_swap(struct set_obj *to, struct set_obj *from)
{
    struct set_obj old = *to;
    *to = *from;
    to->h = old.h;
    to->version = old.version + 1;
    from->n = old.n;
    from->used = old.used;
    from->cap = old.cap;
    from->mask = old.mask;
    from->first = old.first;
    from->entries = old.entries;
    from->index = old.index;
}

bool set_combine_inplace(struct heap *h, enum binary_op op, struct set_obj *s, val b)
{
    val self = val_obj(V_SET, s), result, other = b;
    bool ok;

    if (op == BINARY_OR)
        return add_all(h, s, b);
    if (op == BINARY_AND) {
        if (!set_combine(h, BINARY_AND, V_SET, self, b, &result))
            return false;
        if (result.set->n != s->n)
            set_swap(s, result.set);
        return true;
    }
    /* What is taken away while it is walked must not be the set itself. */
    if (b.kind == V_SET && b.set == s) {
        table_clear(h, (struct table *)s);
        return true;
    }
    heap_hold(h, self);
    if (op == BINARY_XOR && !val_is_set(b) && !view_is_set(b) && !set_of(h, b, &other)) {
        heap_release(h, 1);
        return false;
    }
    ok = val_each(h, other, op == BINARY_SUB ? drop_element : flip_element, s);
    heap_release(h, 1);
    return ok;
}

/* ---- containment ---- */

/* Ends the walk, without a fault, at the first element that is missing. */
static bool check_element(struct heap *h, void *data, val element)
{
    struct filter *f = data;
    return has_element(h, f->other, element, &f->keep) && f->keep;
}

bool set_is_subset(struct heap *h, val a, val b, bool *ret)
{
    struct filter f = {.other = b, .keep = true};
    if (!val_each(h, a, check_element, &f) && h->fault.kind != FAULT_NONE)
        return false;
    *ret = f.keep;
    return true;
}

/* ---- views ---- */

bool view_new(struct heap *h, enum view_kind which, struct dict_obj *d, val *ret)
{
    struct view_obj *view = heap_new(h, V_VIEW, sizeof *view);
    if (!view)
        return false;
    view->which = which;
    view->dict = d;
    *ret = val_obj(V_VIEW, view);
    return true;
}

bool view_contains(struct heap *h, val view, val v, bool *ret)
{
    struct dict_obj *d = view_of(view)->dict;
    val found;

    *ret = false;
    switch (view_of(view)->which) {
    case VIEW_KEYS:
        if (!dict_get(h, d, v, &found))
            return false;
        *ret = !val_is_unbound(found);
        return true;
    case VIEW_ITEMS:
        if (v.kind != V_TUPLE || v.tuple->n != 2)
            return true;
        if (!dict_get(h, d, v.tuple->at[0], &found))
            return false;
        return val_is_unbound(found) || val_equal(h, found, v.tuple->at[1], ret);
    default:
        break;
    }
    uint32_t at = 0;
    for (const struct dict_entry *e; !*ret && (e = dict_next(d, &at));)
        if (!heap_charge(h, 1) || !val_equal(h, e->value, v, ret))
            return false;
    return true;
}
