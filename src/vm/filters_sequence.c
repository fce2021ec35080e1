/* Filters of sequences and mappings. */
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

static bool extreme(struct heap *h, val *args, bool greatest, val *ret)
{
    val iterator, item, key, best = VAL_UNBOUND;
    bool with_case, less;
    if (!filter_flag(h, args[1], false, &with_case) || !val_iter(h, args[0], &iterator))
        return false;
    for (;;) {
        if (!heap_charge(h, 1) || !val_next(h, iterator, &item))
            return false;
        if (item.kind == V_UNBOUND)
            break;
        if (!filter_key(h, item, args[2], with_case, &key))
            return false;
        if (best.kind == V_UNBOUND) {
            best = key;
            *ret = item;
            continue;
        }
        if (!(greatest ? val_less(h, best, key, &less) : val_less(h, key, best, &less)))
            return false;
        if (less) {
            best = key;
            *ret = item;
        }
    }
    return best.kind != V_UNBOUND ||
           undefined_hint(h, STR("No aggregated item, sequence was empty."), ret);
}

static bool filter_min(struct heap *h, val *args, val *ret)
{
    return extreme(h, args, false, ret);
}

static bool filter_max(struct heap *h, val *args, val *ret)
{
    return extreme(h, args, true, ret);
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
        if (!heap_charge(h, 1) ||
            !list_from(h, items.list->at + from, (uint32_t)(to - from), &slice))
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

/* ---- order ---- */

static bool first_of_pair(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = args[0].tuple->at[0];
    return true;
}

static const struct native_def key_of_pair = {"key", first_of_pair, 1, 1, 1, 0, 0, NULL, "", ""};

/* Sorts items by keys of the same number, in place. */
static bool sort_by(struct heap *h, struct list_obj *items, const struct list_obj *keys,
                    bool reverse)
{
    val pairs;
    if (!list_new(h, items->n, &pairs))
        return false;
    for (uint32_t i = 0; i < items->n; i++) {
        val pair[2] = {keys->at[i], items->at[i]}, tuple;
        if (!tuple_from(h, pair, 2, &tuple) || !list_push(h, pairs.list, tuple))
            return false;
    }
    if (!list_sort(h, pairs.list, val_native(&key_of_pair), reverse))
        return false;
    for (uint32_t i = 0; i < items->n; i++)
        items->at[i] = pairs.list->at[i].tuple->at[1];
    return true;
}

/* The key of several attributes: "a,b" is a list of both; one alone is a list too. */
static bool multi_key(struct heap *h, val item, val attribute, bool with_case, val *ret)
{
    val key, part;
    if (!list_new(h, 1, ret))
        return false;
    if (attribute.kind != V_STR)
        return filter_key(h, item, attribute, with_case, &key) && list_push(h, ret->list, key);
    str rest = text_str(attribute);
    for (size_t at = 0;;) {
        size_t comma = str_find_byte(rest, ',', at);
        if (!text_new_interned(h, str_sub(rest, at, comma), &part) ||
            !filter_key(h, item, part, with_case, &key) || !list_push(h, ret->list, key))
            return false;
        if (comma == SIZE_MAX)
            return true;
        at = comma + 1;
    }
}

static bool filter_sort(struct heap *h, val *args, val *ret)
{
    bool reverse, with_case;
    val keys, key;
    if (!filter_flag(h, args[1], false, &reverse) || !filter_flag(h, args[2], false, &with_case) ||
        !val_to_list(h, args[0], ret) || !list_new(h, ret->list->n, &keys))
        return false;
    for (uint32_t i = 0; i < ret->list->n; i++)
        if (!heap_charge(h, 2) || !multi_key(h, ret->list->at[i], args[3], with_case, &key) ||
            !list_push(h, keys.list, key))
            return false;
    return sort_by(h, ret->list, keys.list, reverse);
}

static bool filter_dictsort(struct heap *h, val *args, val *ret)
{
    bool with_case, reverse;
    str by = args[2].kind == V_STR ? text_str(args[2]) : STR("key");
    val keys, method, items, key;
    if (!filter_flag(h, args[1], false, &with_case) || !filter_flag(h, args[3], false, &reverse))
        return false;
    bool value = str_eq(by, STR("value"));
    if (!value && !str_eq(by, STR("key")))
        return heap_raise(h, &exc_FilterArgumentError,
                          "You can only sort by either \"key\" or \"value\"");
    if (val_is_undefined(args[0]))
        return undefined_raise(h, args[0]);
    if (!val_getattr(h, args[0], STR("items"), &method) || !val_call(h, method, NULL, 0, &items) ||
        !val_to_list(h, items, ret) || !list_new(h, ret->list->n, &keys))
        return false;
    for (uint32_t i = 0; i < ret->list->n; i++)
        if (!filter_key(h, ret->list->at[i].tuple->at[value], VAL_UNBOUND, with_case, &key) ||
            !list_push(h, keys.list, key) || !heap_charge(h, 1))
            return false;
    return sort_by(h, ret->list, keys.list, reverse);
}

static bool filter_unique(struct heap *h, val *args, val *ret)
{
    val items, out, seen, key;
    bool with_case, known;
    if (!filter_flag(h, args[1], false, &with_case) || !val_to_list(h, args[0], &items) ||
        !list_new(h, 0, &out) || !set_new(h, V_SET, 0, &seen))
        return false;
    for (uint32_t i = 0; i < items.list->n; i++) {
        val item = items.list->at[i];
        if (!heap_charge(h, 1) || !filter_key(h, item, args[2], with_case, &key) ||
            !set_has(h, seen.set, key, &known))
            return false;
        if (!known && (!set_add(h, seen.set, key) || !list_push(h, out.list, item)))
            return false;
    }
    return filter_generator(h, out, ret);
}

/* ---- groups ---- */

static bool add_group(struct heap *h, val out, val items, uint32_t from, uint32_t to, val grouper)
{
    val list, tuple;
    if (!list_from(h, items.list->at + from, to - from, &list))
        return false;
    val pair[2] = {grouper, list};
    if (!tuple_from(h, pair, 2, &tuple))
        return false;
    tuple.o->flags |= OBJ_RECORD; /* .grouper and .list */
    return list_push(h, out.list, tuple);
}

static bool group_key(struct heap *h, val item, const val *args, bool with_case, val *ret)
{
    if (!filter_attribute(h, item, args[1], args[2], ret))
        return false;
    return with_case || ret->kind != V_STR || filter_method(h, *ret, "lower", NULL, 0, ret);
}

static bool filter_groupby(struct heap *h, val *args, val *ret)
{
    val items, keys, key, grouper;
    bool with_case, same;
    if (!filter_flag(h, args[3], false, &with_case) || !val_to_list(h, args[0], &items) ||
        !list_new(h, items.list->n, &keys) || !list_new(h, 0, ret))
        return false;
    uint32_t n = items.list->n;
    for (uint32_t i = 0; i < n; i++)
        if (!heap_charge(h, 1) || !group_key(h, items.list->at[i], args, with_case, &key) ||
            !list_push(h, keys.list, key))
            return false;
    if (!sort_by(h, items.list, keys.list, false))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!group_key(h, items.list->at[i], args, with_case, &keys.list->at[i]))
            return false;
    for (uint32_t from = 0, i = 1; n && i <= n; i++) {
        if (i < n && !val_equal(h, keys.list->at[from], keys.list->at[i], &same))
            return false;
        if (i < n && same)
            continue;
        if (!group_key(h, items.list->at[from], args, true, &grouper) ||
            !add_group(h, *ret, items, from, i, grouper))
            return false;
        from = i;
    }
    return true;
}

/* ---- map, select and their kin ---- */

static bool spread_names(struct heap *h, val names, val *at, struct call_args *args)
{
    if (!call_spread_names(h, names, at))
        return false;
    args->names = at[0].list->at;
    args->named = at[1].list->at;
    args->named_count = at[0].list->n;
    return true;
}

static bool map_attribute(struct heap *h, val value, val names, val *ret)
{
    val attribute = dict_get_str(names.dict, STR("attribute"));
    val otherwise = dict_get_str(names.dict, STR("default"));
    struct dict_entry *e;
    uint32_t at = 0;
    while ((e = dict_next(names.dict, &at))) {
        str name = text_str(e->key);
        if (!str_eq(name, STR("attribute")) && !str_eq(name, STR("default")))
            return heap_raise(h, &exc_FilterArgumentError, "Unexpected keyword argument '%.*s'",
                              STR_ARG(name));
    }
    val items;
    if (!val_to_list(h, value, &items))
        return false;
    for (uint32_t i = 0; i < items.list->n; i++)
        if (!filter_attribute(h, items.list->at[i], attribute, otherwise, &items.list->at[i]))
            return false;
    return filter_generator(h, items, ret);
}

static bool nothing(struct heap *h, val *ret)
{
    val empty;
    return list_new(h, 0, &empty) && filter_generator(h, empty, ret);
}

static bool filter_map(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *given = args[1].tuple;
    val items, at[2];
    bool truth;
    if (!val_truth(h, args[0], &truth))
        return false;
    if (!truth)
        return nothing(h, ret);
    if (!given->n && dict_get_str(args[2].dict, STR("attribute")).kind != V_UNBOUND)
        return map_attribute(h, args[0], args[2], ret);
    if (!given->n)
        return heap_raise(h, &exc_FilterArgumentError, "map requires a filter argument");
    struct call_args call = {.at = given->at + 1, .n = given->n - 1};
    if (!spread_names(h, args[2], at, &call) || !val_to_list(h, args[0], &items))
        return false;
    for (uint32_t i = 0; i < items.list->n; i++)
        if (!heap_charge(h, 2) ||
            !filter_call(h, false, given->at[0], items.list->at[i], &call, &items.list->at[i]))
            return false;
    return filter_generator(h, items, ret);
}

static bool select_items(struct heap *h, val *args, bool want, bool by_attribute, val *ret)
{
    const struct tuple_obj *given = args[1].tuple;
    val items, out, at[2], v, passes;
    bool truth;
    if (!val_truth(h, args[0], &truth))
        return false;
    if (!truth)
        return nothing(h, ret);
    if (by_attribute && !given->n)
        return heap_raise(h, &exc_FilterArgumentError, "Missing parameter for attribute name");
    uint32_t test = by_attribute;
    struct call_args call = {0};
    if (given->n > test)
        call = (struct call_args){.at = given->at + test + 1, .n = given->n - test - 1};
    if (!spread_names(h, args[2], at, &call) || !val_to_list(h, args[0], &items) ||
        !list_new(h, 0, &out))
        return false;
    for (uint32_t i = 0; i < items.list->n; i++) {
        v = items.list->at[i];
        if (!heap_charge(h, 2) ||
            (by_attribute && !filter_attribute(h, v, given->at[0], VAL_UNBOUND, &v)))
            return false;
        passes = v;
        if (given->n > test && !filter_call(h, true, given->at[test], v, &call, &passes))
            return false;
        if (!val_truth(h, passes, &truth) ||
            (truth == want && !list_push(h, out.list, items.list->at[i])))
            return false;
    }
    return filter_generator(h, out, ret);
}

static bool filter_select(struct heap *h, val *args, val *ret)
{
    return select_items(h, args, true, false, ret);
}

static bool filter_reject(struct heap *h, val *args, val *ret)
{
    return select_items(h, args, false, false, ret);
}

static bool filter_selectattr(struct heap *h, val *args, val *ret)
{
    return select_items(h, args, true, true, ret);
}

static bool filter_rejectattr(struct heap *h, val *args, val *ret)
{
    return select_items(h, args, false, true, ret);
}

/* ---- the table ---- */

static const char
    *const default_names[] = {"default_value", "boolean"},
           *const attr_names[] = {"name"}, *const batch_names[] = {"linecount", "fill_with"},
           *const slice_names[] = {"slices", "fill_with"}, *const join_names[] = {"d", "attribute"},
           *const sort_names[] = {"reverse", "case_sensitive", "attribute"},
           *const dictsort_names[] = {"case_sensitive", "by", "reverse"},
           *const case_names[] = {"case_sensitive", "attribute"},
           *const groupby_names[] = {"attribute", "default", "case_sensitive"};
#define ANY (NATIVE_VARARGS | NATIVE_KWARGS)
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
    {"sort", filter_sort, 0, 3, 0, 0, 0, sort_names,
     "(reverse=False, case_sensitive=False, attribute=None)",
     "Sorted; attribute may name several with commas."},
    {"dictsort", filter_dictsort, 0, 3, 0, 0, 0, dictsort_names,
     "(case_sensitive=False, by='key', reverse=False)", "Sorted pairs of a mapping."},
    {"unique", filter_unique, 0, 2, 0, 0, 0, case_names, "(case_sensitive=False, attribute=None)",
     "Each item once."},
    {"min", filter_min, 0, 2, 0, 0, 0, case_names, "(case_sensitive=False, attribute=None)",
     "The smallest item."},
    {"max", filter_max, 0, 2, 0, 0, 0, case_names, "(case_sensitive=False, attribute=None)",
     "The greatest item."},
    {"groupby", filter_groupby, 1, 3, 0, 0, 0, groupby_names,
     "(attribute, default=None, case_sensitive=False)",
     "Pairs (grouper, list) of items with the same attribute, sorted."},
    {"map", filter_map, 0, 0, 0, 0, ANY, NULL, "(filter, *args) or (attribute=, default=)",
     "A filter or an attribute of each item."},
    {"select", filter_select, 0, 0, 0, 0, ANY, NULL, "(test=None, *args)",
     "The items that pass a test, or are true."},
    {"reject", filter_reject, 0, 0, 0, 0, ANY, NULL, "(test=None, *args)",
     "The items that do not."},
    {"selectattr", filter_selectattr, 0, 0, 0, 0, ANY, NULL, "(attribute, test=None, *args)",
     "The items whose attribute passes a test, or is true."},
    {"rejectattr", filter_rejectattr, 0, 0, 0, 0, ANY, NULL, "(attribute, test=None, *args)",
     "The items whose attribute does not."},
    {0}};
