#include "value/dict.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

/* ---- change ---- */

static bool set_add_one(struct heap *h, val *args, val *ret)
{
    return set_add(h, args[0].set, args[1]) && method_none(ret);
}

static bool set_clear(struct heap *h, val *args, val *ret)
{
    table_clear(h, (struct table *)args[0].o);
    return method_none(ret);
}

static bool set_discard(struct heap *h, val *args, val *ret)
{
    bool was;
    return set_remove(h, args[0].set, args[1], &was) && method_none(ret);
}

static bool set_pop(struct heap *h, val *args, val *ret)
{
    struct table *t = (struct table *)args[0].o;
    uint32_t oldest = table_next(t, 0);
    if (oldest == TABLE_NONE) {
        val text;
        return text_new(h, STR("pop from an empty set"), &text) &&
               heap_raise_with(h, &exc_KeyError, &text, 1);
    }
    *ret = *table_key(t, oldest);
    table_remove_at(t, oldest);
    return true;
}

static bool set_remove_one(struct heap *h, val *args, val *ret)
{
    bool was;
    if (!val_decide(h, args[1], &args[1]) || !set_remove(h, args[0].set, args[1], &was))
        return false;
    return was ? method_none(ret) : heap_raise_with(h, &exc_KeyError, &args[1], 1);
}

/* args: self, tuple of iterables */
static bool update_with(struct heap *h, enum binary_op op, val *args, val *ret)
{
    const struct tuple_obj *others = args[1].tuple;
    for (uint32_t i = 0; i < others->n; i++)
        if (!set_combine_inplace(h, op, args[0].set, others->at[i]))
            return false;
    return method_none(ret);
}

static bool set_update(struct heap *h, val *args, val *ret)
{
    return update_with(h, BINARY_OR, args, ret);
}

/* All or nothing: the set changes when every other has been read. */
static bool set_intersection_update(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *others = args[1].tuple;
    val result = args[0];
    for (uint32_t i = 0; i < others->n; i++)
        if (!set_combine(h, BINARY_AND, V_SET, result, others->at[i], &result))
            return false;
    if (result.set->n != args[0].set->n)
        set_swap(args[0].set, result.set);
    return method_none(ret);
}

static bool set_difference_update(struct heap *h, val *args, val *ret)
{
    return update_with(h, BINARY_SUB, args, ret);
}

static bool set_symmetric_difference_update(struct heap *h, val *args, val *ret)
{
    return set_combine_inplace(h, BINARY_XOR, args[0].set, args[1]) && method_none(ret);
}

/* ---- new sets ---- */

static bool set_copy(struct heap *h, val *args, val *ret)
{
    val copy;
    if (args[0].kind == V_FROZENSET) {
        *ret = args[0];
        return true;
    }
    if (!set_new(h, V_SET, 0, &copy) ||
        !table_copy(h, (const struct table *)args[0].o, (struct table *)copy.o))
        return false;
    *ret = copy;
    return true;
}

/* self op first op second ...; a set of self's kind. */
static bool combine_with(struct heap *h, enum binary_op op, val *args, val *ret)
{
    const struct tuple_obj *others = args[1].tuple;
    val result = args[0];

    if (others->n == 0)
        return set_copy(h, args, ret);
    for (uint32_t i = 0; i < others->n; i++)
        if (!set_combine(h, op, args[0].kind, result, others->at[i], &result))
            return false;
    *ret = result;
    return true;
}

static bool set_union(struct heap *h, val *args, val *ret)
{
    return combine_with(h, BINARY_OR, args, ret);
}

static bool set_intersection(struct heap *h, val *args, val *ret)
{
    return combine_with(h, BINARY_AND, args, ret);
}

static bool set_difference(struct heap *h, val *args, val *ret)
{
    return combine_with(h, BINARY_SUB, args, ret);
}

static bool set_symmetric_difference(struct heap *h, val *args, val *ret)
{
    return set_combine(h, BINARY_XOR, args[0].kind, args[0], args[1], ret);
}

/* ---- questions: self may be a view that is a set ---- */

static bool set_isdisjoint(struct heap *h, val *args, val *ret)
{
    val common;
    if (!set_combine(h, BINARY_AND, V_SET, args[0], args[1], &common))
        return false;
    *ret = val_bool(common.set->n == 0);
    return true;
}

static bool set_issubset(struct heap *h, val *args, val *ret)
{
    val other;
    bool is;
    if (!set_of(h, args[1], &other) || !set_is_subset(h, args[0], other, &is))
        return false;
    *ret = val_bool(is);
    return true;
}

static bool set_issuperset(struct heap *h, val *args, val *ret)
{
    bool is;
    if (!set_is_subset(h, args[1], args[0], &is))
        return false;
    *ret = val_bool(is);
    return true;
}

#define MANY (NATIVE_VARARGS | NATIVE_CALLS)
#define SET_READING                                                                                \
    METHOD("copy", set_copy, 0, 0, 0, "()", "A set of the same elements."),                        \
        METHOD("difference", set_difference, 0, 0, MANY, "(*others)",                              \
               "The elements that are in none of the others."),                                    \
        METHOD("intersection", set_intersection, 0, 0, MANY, "(*others)",                          \
               "The elements that are in all of the others."),                                     \
        METHOD("isdisjoint", set_isdisjoint, 1, 1, NATIVE_CALLS, "(other, /)",                     \
               "Whether no element is in other."),                                                 \
        METHOD("issubset", set_issubset, 1, 1, NATIVE_CALLS, "(other, /)",                         \
               "Whether every element is in other."),                                              \
        METHOD("issuperset", set_issuperset, 1, 1, NATIVE_CALLS, "(other, /)",                     \
               "Whether every element of other is in this set."),                                  \
        METHOD("symmetric_difference", set_symmetric_difference, 1, 1, NATIVE_CALLS, "(other, /)", \
               "The elements that are in one of the two."),                                        \
        METHOD("union", set_union, 0, 0, MANY, "(*others)", "The elements of all.")

const struct native_def set_methods[] = {
    METHOD("add", set_add_one, 1, 1, NATIVE_MUTATES, "(object, /)", "Add an element."),
    METHOD("clear", set_clear, 0, 0, NATIVE_MUTATES, "()", "Remove all elements."),
    METHOD("discard", set_discard, 1, 1, NATIVE_MUTATES, "(object, /)",
           "Remove an element, where it is there."),
    METHOD("pop", set_pop, 0, 0, NATIVE_MUTATES, "()", "Remove and return the oldest element."),
    METHOD("remove", set_remove_one, 1, 1, NATIVE_MUTATES, "(object, /)",
           "Remove an element; KeyError where it is missing."),
    METHOD("update", set_update, 0, 0, MANY | NATIVE_MUTATES, "(*others)",
           "Add all elements of the others."),
    METHOD("intersection_update", set_intersection_update, 0, 0, MANY | NATIVE_MUTATES, "(*others)",
           "Keep the elements that are in all of the others."),
    METHOD("difference_update", set_difference_update, 0, 0, MANY | NATIVE_MUTATES, "(*others)",
           "Remove the elements that are in one of the others."),
    METHOD("symmetric_difference_update", set_symmetric_difference_update, 1, 1,
           NATIVE_CALLS | NATIVE_MUTATES, "(other, /)", "Keep the elements that are in one only."),
    SET_READING,
    METHODS_END,
};

const struct native_def frozenset_methods[] = {SET_READING, METHODS_END};

/* Of dict.keys() and dict.items(). */
const struct native_def keys_methods[] = {
    METHOD("isdisjoint", set_isdisjoint, 1, 1, NATIVE_CALLS, "(other, /)",
           "Whether no element is in other."),
    METHODS_END,
};
