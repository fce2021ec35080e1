/* Filters that compare items: sorted, grouped, each once, the smallest and the greatest. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

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

/* ---- sorted ---- */

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

/* ---- the table ---- */

static const char *const sort_names[] = {"reverse", "case_sensitive", "attribute"},
                         *const dictsort_names[] = {"case_sensitive", "by", "reverse"},
                         *const case_names[] = {"case_sensitive", "attribute"},
                         *const groupby_names[] = {"attribute", "default", "case_sensitive"};
const struct native_def filters_order[] = {
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
    {0}};
