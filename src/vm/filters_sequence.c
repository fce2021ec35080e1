/* Filters of sequences and mappings: what there is, one item of many, lists, joining. */
#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

/* ---- defaults ---- */

static bool filter_default(struct heap *h, val *args, val *ret)
{
    bool boolean, truth = true;
    if (!filter_flag(h, args[2], false, &boolean))
        return false;
    bool missing = val_is_undefined(args[0]);
    if (!missing && boolean && !val_truth(h, args[0], &truth))
        return false;
    *ret = args[0];
    if (!missing && truth)
        return true;
    *ret = args[1];
    return ret->kind != V_UNBOUND || text_new(h, STR(""), ret);
}

static bool filter_attr(struct heap *h, val *args, val *ret)
{
    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "attribute name must be string, not '%s'",
                          val_type_name(args[1]));
    if (!template_find_attr(h, args[0], text_str(args[1]), ret))
        return false;
    return ret->kind != V_UNBOUND || undefined_of(h, args[0], args[1], ret);
}

/* ---- one of many ---- */

static bool filter_length(struct heap *h, val *args, val *ret)
{
    int64_t n;
    if (!val_len(h, args[0], &n))
        return false;
    *ret = val_int(n);
    return true;
}

static bool filter_first(struct heap *h, val *args, val *ret)
{
    val iterator;
    if (!val_iter(h, args[0], &iterator) || !val_next(h, iterator, ret))
        return false;
    return ret->kind != V_UNBOUND ||
           undefined_hint(h, STR("No first item, sequence was empty."), ret);
}

static bool reversed(struct heap *h, val v, val *ret)
{
    int64_t n;
    if (!val_is_undefined(v))
        return iter_reversed(h, v, ret);
    return val_len(h, v, &n) && val_iter(h, v, ret);
}

static bool filter_last(struct heap *h, val *args, val *ret)
{
    val iterator;
    if (!reversed(h, args[0], &iterator) || !val_next(h, iterator, ret))
        return false;
    return ret->kind != V_UNBOUND ||
           undefined_hint(h, STR("No last item, sequence was empty."), ret);
}

static bool filter_random(struct heap *h, val *args, val *ret)
{
    (void)args;
    (void)ret;
    return heap_refuse(h, "not_supported", "choose by a value that is given",
                       "the filter 'random' is not deterministic and is not available");
}

/* ---- lists ---- */

static bool filter_list(struct heap *h, val *args, val *ret)
{
    return val_to_list(h, args[0], ret);
}

static bool filter_reverse(struct heap *h, val *args, val *ret)
{
    val slice;
    if (args[0].kind == V_STR)
        return slice_new(h, VAL_NONE, VAL_NONE, val_int(-1), &slice) &&
               val_getitem(h, args[0], slice, ret) &&
               (!val_is_markup(args[0]) || markup_of(h, *ret, ret));
    if (reversed(h, args[0], ret))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_TypeError)
        return false;
    heap_clear_fault(h);
    if (!val_to_list(h, args[0], ret)) {
        if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_TypeError)
            return false;
        heap_clear_fault(h);
        return heap_raise(h, &exc_FilterArgumentError, "argument must be iterable");
    }
    struct list_obj *l = ret->list;
    for (uint32_t i = 0; i < l->n / 2; i++) {
        val v = l->at[i];
        l->at[i] = l->at[l->n - 1 - i];
        l->at[l->n - 1 - i] = v;
    }
    return true;
}

static bool fill(struct heap *h, struct list_obj *l, int64_t upto, val with)
{
    while (l->n < upto)
        if (!heap_charge(h, 1) || !list_push(h, l, with))
            return false;
    return true;
}

static bool filter_batch(struct heap *h, val *args, val *ret)
{
    val iterator, item, all, batch = VAL_UNBOUND;
    int64_t n;
    bool fills = args[2].kind > V_NONE;
    if (!filter_int(h, args[1], 0, &n) || !val_iter(h, args[0], &iterator) ||
        !list_new(h, 0, &all) || !list_new(h, 0, &batch))
        return false;
    for (;;) {
        if (!heap_charge(h, 1) || !val_next(h, iterator, &item))
            return false;
        if (item.kind == V_UNBOUND)
            break;
        if (batch.list->n == n && (!list_push(h, all.list, batch) || !list_new(h, 0, &batch)))
            return false;
        if (!list_push(h, batch.list, item))
            return false;
    }
    if (batch.list->n &&
        ((fills && !fill(h, batch.list, n, args[2])) || !list_push(h, all.list, batch)))
        return false;
    return filter_generator(h, all, ret);
}

static bool filter_slice(struct heap *h, val *args, val *ret)
{
    val all, items, slice;
    int64_t slices, offset = 0;
    if (!filter_int(h, args[1], 0, &slices) || !val_to_list(h, args[0], &items) ||
        !list_new(h, 0, &all))
        return false;
    if (slices == 0)
        return heap_raise(h, &exc_ZeroDivisionError, "integer division or modulo by zero");
    int64_t n = items.list->n, each = slices > 0 ? n / slices : 0;
    int64_t extra = slices > 0 ? n % slices : 0;
    for (int64_t i = 0; i < slices; i++) {
        int64_t from = offset + i * each;
        offset += i < extra;
        int64_t to = offset + (i + 1) * each;
        const val *first = to > from ? items.list->at + from : NULL;
        if (!heap_charge(h, 1) || !list_from(h, first, (uint32_t)(to - from), &slice))
            return false;
        if (args[2].kind > V_NONE && i >= extra && !list_push(h, slice.list, args[2]))
            return false;
        if (!list_push(h, all.list, slice))
            return false;
    }
    return filter_generator(h, all, ret);
}

static bool filter_items(struct heap *h, val *args, val *ret)
{
    val items;
    struct dict_entry *e;
    uint32_t at = 0;
    if (!list_new(h, 0, &items))
        return false;
    if (val_is_undefined(args[0]))
        return filter_generator(h, items, ret);
    if (args[0].kind != V_DICT)
        return heap_raise(h, &exc_TypeError, "Can only get item pairs from a mapping.");
    while ((e = dict_next(args[0].dict, &at))) {
        val pair[2] = {e->key, e->value}, tuple;
        if (!heap_charge(h, 1) || !tuple_from(h, pair, 2, &tuple) ||
            !list_push(h, items.list, tuple))
            return false;
    }
    return filter_generator(h, items, ret);
}

static bool filter_join(struct heap *h, val *args, val *ret)
{
    val items, separator = args[1];
    bool escapes = context_escapes(vm_of(h)), any = false;
    if (separator.kind == V_UNBOUND && !text_new(h, STR(""), &separator))
        return false;
    if (!val_to_list(h, args[0], &items))
        return false;
    val *at = items.list->at;
    uint32_t n = items.list->n;
    for (uint32_t i = 0; i < n; i++) {
        if (!filter_attribute(h, at[i], args[2], VAL_UNBOUND, &at[i]) || !heap_charge(h, 1))
            return false;
        any = any || val_is_markup(at[i]) || val_is_object_of(at[i], &module_class);
    }
    bool markup = escapes && (any || val_is_markup(separator));
    if (!(markup ? markup_escape(h, separator, &separator) : filter_text(h, separator, &separator)))
        return false;
    auto_text_builder b;
    text_builder_init(&b, h);
    for (uint32_t i = 0; i < n; i++) {
        val text;
        if (!(markup ? markup_escape(h, at[i], &text) : filter_text(h, at[i], &text)) ||
            !heap_charge(h, text.s->n / 64))
            return false;
        if (i)
            text_builder_add_val(&b, separator);
        text_builder_add_val(&b, text);
    }
    return text_builder_finish(&b, ret) && (!markup || markup_of(h, *ret, ret));
}

/* ---- the table ---- */

static const char
    *const default_names[] = {"default_value", "boolean"},
           *const attr_names[] = {"name"}, *const batch_names[] = {"linecount", "fill_with"},
           *const slice_names[] = {"slices", "fill_with"}, *const join_names[] = {"d", "attribute"};
const struct native_def filters_sequence[] = {
    {"default", filter_default, 0, 2, 0, 0, 0, default_names, "(default_value='', boolean=False)",
     "The value, or another where it is undefined (or false, with boolean)."},
    {"d", filter_default, 0, 2, 0, 0, 0, default_names, "(default_value='', boolean=False)",
     "The same as default."},
    {"attr", filter_attr, 1, 1, 0, 0, 0, attr_names, "(name)", "An attribute, never an item."},
    {"batch", filter_batch, 1, 2, 0, 0, 0, batch_names, "(linecount, fill_with=None)",
     "Lists of linecount items each."},
    {"slice", filter_slice, 1, 2, 0, 0, 0, slice_names, "(slices, fill_with=None)",
     "That many lists of about the same length."},
    {"length", filter_length, 0, 0, 0, 0, 0, NULL, "()", "How many items there are."},
    {"count", filter_length, 0, 0, 0, 0, 0, NULL, "()", "The same as length."},
    {"first", filter_first, 0, 0, 0, 0, 0, NULL, "()", "The first item."},
    {"last", filter_last, 0, 0, 0, 0, 0, NULL, "()", "The last item."},
    {"random", filter_random, 0, 0, 0, 0, 0, NULL, "()", "Refused: not deterministic."},
    {"list", filter_list, 0, 0, 0, 0, 0, NULL, "()", "All items as a list."},
    {"reverse", filter_reverse, 0, 0, 0, 0, 0, NULL, "()", "From the last to the first."},
    {"items", filter_items, 0, 0, 0, 0, 0, NULL, "()", "Pairs of a mapping; none of undefined."},
    {"join", filter_join, 0, 2, 0, 0, 0, join_names, "(d='', attribute=None)",
     "The items as one text, with d between them."},
    {0}};
