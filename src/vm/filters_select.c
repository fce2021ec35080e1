/* map, select and their kin: a filter, a test or an attribute of each item. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

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

#define ANY (NATIVE_VARARGS | NATIVE_KWARGS)
const struct native_def filters_select[] = {
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
