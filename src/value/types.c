#include "value/types.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/methods_int.h"
#include "value/text.h"
#include "value/view.h"

/* ---- built-in types ---- */

#define TYPE(var, python_name, instances, ...) \
    const struct type_info var = {.name = python_name, .kind = instances, __VA_ARGS__}

TYPE(type_object, "object", -1);
TYPE(type_none, "NoneType", V_NONE);
TYPE(type_ellipsis, "ellipsis", V_ELLIPSIS);
TYPE(type_int, "int", V_INT, .construct = &construct_int, .methods = int_methods);
TYPE(type_bool, "bool", V_BOOL, .base = &type_int, .construct = &construct_bool,
     .methods = int_methods);
TYPE(type_float, "float", V_FLOAT, .construct = &construct_float, .methods = float_methods);
TYPE(type_str, "str", V_STR, .construct = &construct_str, .methods = str_methods);
TYPE(type_tuple, "tuple", V_TUPLE, .construct = &construct_tuple, .methods = tuple_methods);
TYPE(type_list, "list", V_LIST, .construct = &construct_list, .methods = list_methods);
TYPE(type_dict, "dict", V_DICT, .construct = &construct_dict, .methods = dict_methods);
TYPE(type_set, "set", V_SET, .construct = &construct_set, .methods = set_methods);
TYPE(type_frozenset, "frozenset", V_FROZENSET, .construct = &construct_frozenset,
     .methods = frozenset_methods);
TYPE(type_range, "range", V_RANGE, .construct = &construct_range, .methods = range_methods);
TYPE(type_slice, "slice", V_SLICE, .construct = &construct_slice, .methods = slice_methods);
TYPE(type_function, "function", V_FUNC);
TYPE(type_native, "builtin_function_or_method", V_NATIVE);
TYPE(type_method, "method_descriptor", V_METHOD);
TYPE(type_generator, "generator", V_GEN);
TYPE(type_iterator, "iterator", V_ITER);
TYPE(type_type, "type", V_TYPE, .construct = &construct_type);
TYPE(type_dict_keys, "dict_keys", V_VIEW, .methods = keys_methods);
TYPE(type_dict_values, "dict_values", V_VIEW);
TYPE(type_dict_items, "dict_items", V_VIEW, .methods = keys_methods);
TYPE(type_map, "map", V_ITER, .construct = &construct_map);
TYPE(type_filter, "filter", V_ITER, .construct = &construct_filter);
TYPE(type_zip, "zip", V_ITER, .construct = &construct_zip);
TYPE(type_enumerate, "enumerate", V_ITER, .construct = &construct_enumerate);
TYPE(type_reversed, "reversed", V_ITER, .construct = &construct_reversed);
/* Without a name that programs could say. */
static TYPE(type_cell, "cell", V_CELL);
static TYPE(type_back, "memory", V_BACK);

/* ---- exceptions ---- */

static bool exception_construct(struct heap *h, const struct type_info *type, val *args, val *ret)
{
    return heap_exception(h, type, args[0].tuple->at, args[0].tuple->n, ret);
}

#define EXCEPTION(class, parent)                                          \
    static bool construct_##class(struct heap * h, val * args, val * ret) \
    {                                                                     \
        return exception_construct(h, &exc_##class, args, ret);           \
    }                                                                     \
    static const struct native_def native_##class = {                     \
        .name = #class,                                                   \
        .fn = construct_##class,                                          \
        .flags = NATIVE_VARARGS | NATIVE_TYPE,                            \
        .signature = "(*args)",                                           \
        .doc = "An exception of this class.",                             \
    };                                                                    \
    const struct type_info exc_##class = {                                \
        .name = #class, .base = parent, .kind = V_EXC, .construct = &native_##class}
#define X(name, base) EXCEPTION(name, &exc_##base);
EXCEPTION(BaseException, NULL);
VALUE_EXCEPTIONS(X)
#undef X

const struct type_info *const value_exceptions[] = {
    &exc_BaseException,
#define X(name, base) &exc_##name,
    VALUE_EXCEPTIONS(X)
#undef X
        NULL,
};

/* ---- types of values ---- */

static const struct type_info *const kind_types[V_KIND_COUNT] = {
    [V_UNBOUND] = &type_none,  [V_NONE] = &type_none,           [V_BOOL] = &type_bool,
    [V_INT] = &type_int,       [V_FLOAT] = &type_float,         [V_ELLIPSIS] = &type_ellipsis,
    [V_TYPE] = &type_type,     [V_NATIVE] = &type_native,       [V_STR] = &type_str,
    [V_TUPLE] = &type_tuple,   [V_LIST] = &type_list,           [V_DICT] = &type_dict,
    [V_SET] = &type_set,       [V_FROZENSET] = &type_frozenset, [V_RANGE] = &type_range,
    [V_SLICE] = &type_slice,   [V_ITER] = &type_iterator,       [V_FUNC] = &type_function,
    [V_GEN] = &type_generator, [V_CELL] = &type_cell,           [V_BACK] = &type_back,
};

const struct type_info *val_type_of(val v)
{
    static const struct type_info *const views[] = {
        [VIEW_KEYS] = &type_dict_keys,
        [VIEW_VALUES] = &type_dict_values,
        [VIEW_ITEMS] = &type_dict_items,
    };
    switch ((enum val_kind)v.kind) {
    case V_VIEW:
        return views[view_of(v)->which];
    case V_ITER:
        return iter_type(v.iter);
    case V_EXC:
        return v.exc->type;
    case V_METHOD:
        return v.method->self.kind == V_TYPE && !(v.method->def->flags & NATIVE_CLASS)
                   ? &type_method
                   : &type_native;
    case V_OBJECT:
        return &v.object->class->type;
    default:
        return kind_types[v.kind];
    }
}

const char *val_type_name(val v)
{
    return val_type_of(v)->name;
}

const char *val_argument_name(val v)
{
    return v.kind == V_NONE ? "None" : val_type_name(v);
}

bool type_is_subclass(const struct type_info *t, const struct type_info *of)
{
    if (of == &type_object)
        return true;
    for (; t; t = t->base)
        if (t == of)
            return true;
    return false;
}
