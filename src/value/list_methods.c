#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/text.h"
#include "value/types.h"

/* ---- of lists and tuples ---- */

bool seq_find(struct heap *h, val sequence, const val *args, int64_t *ret)
{
    const val *at;
    uint32_t n;
    int64_t from = 0, to;
    bool same;

    seq_elements(sequence, &at, &n);
    to = n;
    if (!val_is_unbound(args[1]) && !val_bound(h, args[1], n, &from))
        return false;
    if (!val_is_unbound(args[2]) && !val_bound(h, args[2], n, &to))
        return false;
    for (; from < to; from++) {
        seq_elements(sequence, &at, &n);
        if (from >= n)
            break;
        if (!heap_charge(h, 1) || !val_equal(h, at[from], args[0], &same))
            return false;
        if (same) {
            *ret = from;
            return true;
        }
    }
    *ret = -1;
    return true;
}

bool seq_count(struct heap *h, val sequence, val v, val *ret)
{
    const val *at;
    uint32_t n;
    int64_t count = 0;
    bool same;

    seq_elements(sequence, &at, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (!heap_charge(h, 1) || !val_equal(h, at[i], v, &same))
            return false;
        count += same;
        seq_elements(sequence, &at, &n);
    }
    *ret = val_int(count);
    return true;
}

bool raise_not_in(struct heap *h, val v, const char *what)
{
    auto_text_builder b = {0};
    val text;
    text_builder_init(&b, h);
    if (!val_repr(h, v, &text))
        return false;
    text_builder_add_val(&b, text);
    text_builder_add(&b, STR(" is not in "));
    text_builder_add(&b, str_of(what));
    return text_builder_finish(&b, &text) && heap_raise_with(h, &exc_ValueError, &text, 1);
}

/* ---- of lists ---- */

static bool list_append(struct heap *h, val *args, val *ret)
{
    return list_push(h, args[0].list, args[1]) && method_none(ret);
}

static bool list_clear(struct heap *h, val *args, val *ret)
{
    struct list_obj *l = args[0].list;
    heap_array_free(h, l->at, l->cap * sizeof *l->at);
    l->at = NULL;
    l->n = l->cap = 0;
    return method_none(ret);
}

static bool list_copy(struct heap *h, val *args, val *ret)
{
    return list_from(h, args[0].list->at, args[0].list->n, ret);
}

static bool list_count(struct heap *h, val *args, val *ret)
{
    return seq_count(h, args[0], args[1], ret);
}

static bool list_extend_with(struct heap *h, val *args, val *ret)
{
    return list_extend(h, args[0].list, args[1]) && method_none(ret);
}

static bool list_index(struct heap *h, val *args, val *ret)
{
    int64_t at;
    if (!seq_find(h, args[0], args + 1, &at))
        return false;
    if (at < 0)
        return raise_not_in(h, args[1], "list");
    *ret = val_int(at);
    return true;
}

static bool list_insert(struct heap *h, val *args, val *ret)
{
    struct list_obj *l = args[0].list;
    int64_t at;
    if (!val_index(h, args[1], &at))
        return false;
    if (at < 0)
        at += l->n;
    at = at < 0 ? 0 : at > l->n ? l->n : at;
    return list_splice(h, l, at, at, &args[2], 1) && method_none(ret);
}

static bool list_pop(struct heap *h, val *args, val *ret)
{
    struct list_obj *l = args[0].list;
    int64_t at = -1;

    if (!val_is_unbound(args[1]) && !val_index(h, args[1], &at))
        return false;
    if (l->n == 0)
        return heap_raise(h, &exc_IndexError, "pop from empty list");
    if (at < 0)
        at += l->n;
    if (at < 0 || at >= l->n)
        return heap_raise(h, &exc_IndexError, "pop index out of range");
    *ret = l->at[at];
    if (at == l->n - 1) {
        l->n--;
        return true;
    }
    return list_splice(h, l, at, at + 1, NULL, 0);
}

static bool list_remove(struct heap *h, val *args, val *ret)
{
    const val bounds[3] = {args[1], VAL_UNBOUND, VAL_UNBOUND};
    int64_t at;
    if (!seq_find(h, args[0], bounds, &at))
        return false;
    if (at < 0)
        return heap_raise(h, &exc_ValueError, "list.remove(x): x not in list");
    return list_splice(h, args[0].list, at, at + 1, NULL, 0) && method_none(ret);
}

static bool list_reverse(struct heap *h, val *args, val *ret)
{
    struct list_obj *l = args[0].list;
    for (uint32_t a = 0, b = l->n; a + 1 < b; a++) {
        b--;
        val v = l->at[a];
        l->at[a] = l->at[b];
        l->at[b] = v;
    }
    return heap_charge(h, l->n / 4) && method_none(ret);
}

static bool list_sort_by(struct heap *h, val *args, val *ret)
{
    int64_t reverse = 0;
    if (!val_is_unbound(args[2]) && !val_index(h, args[2], &reverse))
        return false;
    return list_sort(h, args[0].list, args[1], reverse != 0) && method_none(ret);
}

static const char *const sort_names[] = {"key", "reverse"};

const struct native_def list_methods[] = {
    METHOD("append", list_append, 1, 1, NATIVE_MUTATES, "(object, /)", "Add to the end."),
    METHOD("clear", list_clear, 0, 0, NATIVE_MUTATES, "()", "Remove all elements."),
    METHOD("copy", list_copy, 0, 0, 0, "()", "A new list of the same elements."),
    METHOD("count", list_count, 1, 1, 0, "(value, /)", "How many elements equal value."),
    METHOD("extend", list_extend_with, 1, 1, NATIVE_MUTATES | NATIVE_CALLS, "(iterable, /)",
           "Add all elements of iterable to the end."),
    METHOD("index", list_index, 1, 3, 0, "(value, start=0, stop=9223372036854775807, /)",
           "Index of the first element that equals value; ValueError where there is none."),
    METHOD("insert", list_insert, 2, 2, NATIVE_MUTATES, "(index, object, /)",
           "Put object before index."),
    METHOD("pop", list_pop, 0, 1, NATIVE_MUTATES, "(index=-1, /)",
           "Remove and return the element at index."),
    METHOD("remove", list_remove, 1, 1, NATIVE_MUTATES, "(value, /)",
           "Remove the first element that equals value."),
    METHOD("reverse", list_reverse, 0, 0, NATIVE_MUTATES, "()", "Turn the list round."),
    {.name = "sort",
     .fn = list_sort_by,
     .keyword_only = 2,
     .names = sort_names,
     .flags = NATIVE_MUTATES | NATIVE_CALLS,
     .signature = "(*, key=None, reverse=False)",
     .doc = "Sort in place; equal elements keep their order."},
    METHODS_END,
};
