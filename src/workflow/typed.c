/* Types as values of the language: str, int, schema(...), enum(...), list(T), optional(T), dict(T).
 */
#include "workflow/workflow_int.h"
#include <stdio.h>

enum { FIELDS_MAX = 1000 };

bool type_value_new(struct heap *h, const struct type *t, val *ret)
{
    struct type_value *v = heap_new(h, V_OBJECT, sizeof *v);
    if (!v)
        return false;
    v->o.class = &class_type;
    v->type = t;
    *ret = val_obj(V_OBJECT, v);
    return true;
}

static bool type_repr(struct heap *h, struct object *o, val *ret)
{
    auto_buf b = BUF(64 << 10);
    type_add_text(&b, ((struct type_value *)o)->type);
    return text_new(h, buf_str(&b), ret);
}

const struct obj_class class_type = {
    .type = {.name = "schema", .kind = V_OBJECT},
    .repr = type_repr,
};

bool type_of_value(struct heap *h, val v, const char *what, const struct type **ret)
{
    static const struct {
        const struct type_info *info;
        const struct type *type;
    } simple[] = {
        {&type_str, &type_of_str},
        {&type_int, &type_of_int},
        {&type_float, &type_of_float},
        {&type_bool, &type_of_bool},
    };
    for (size_t i = 0; v.kind == V_TYPE && i < sizeof simple / sizeof *simple; i++) {
        if (v.type == simple[i].info) {
            *ret = simple[i].type;
            return true;
        }
    }
    if (val_is_object_of(v, &class_type)) {
        *ret = ((struct type_value *)v.object)->type;
        return true;
    }
    if (v.kind == V_TYPE && (v.type == &type_list || v.type == &type_dict))
        return heap_raise(h, &exc_TypeError, "%s: say what is in it: %s(str)", what, v.type->name);
    return heap_raise(
        h, &exc_TypeError,
        "%s must be a type (str, int, float, bool, schema(...), enum(...), list(T), optional(T), "
        "dict(T) or any), not %s",
        what, val_type_name(v));
}

bool plue_list_type(void *data, struct vm *vm, val of, val *ret)
{
    struct heap *h = vm_heap(vm);
    struct evaluation *e = data;
    const struct type *t = NULL;
    return type_of_value(h, of, "list()", &t) &&
           type_value_new(h, type_new_list(&e->arena, t), ret);
}

static bool native_optional(struct heap *h, val *args, val *ret)
{
    const struct type *t = NULL;
    return type_of_value(h, args[0], "optional()", &t) &&
           type_value_new(h, type_new_optional(&evaluation_of(h)->arena, t), ret);
}

static bool native_dict_type(struct heap *h, val *args, val *ret)
{
    const struct type *t = NULL;
    return type_of_value(h, args[0], "dict()", &t) &&
           type_value_new(h, type_new_dict(&evaluation_of(h)->arena, t), ret);
}

static bool native_enum(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *words = args[0].tuple;
    struct arena *a = &evaluation_of(h)->arena;
    if (words->n == 0 || words->n > FIELDS_MAX)
        return heap_raise(h, &exc_TypeError, "enum() takes from 1 to %d words", FIELDS_MAX);
    str *copy = arena_array(a, str, words->n);
    for (uint32_t i = 0; i < words->n; i++) {
        if (words->at[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "enum() takes texts, not %s",
                              val_type_name(words->at[i]));
        copy[i] = arena_str(a, text_str(words->at[i]));
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(copy[k], copy[i]))
                return heap_raise(h, &exc_ValueError, "enum() has '%.*s' twice", STR_ARG(copy[i]));
    }
    return type_value_new(h, type_new_enum(a, copy, words->n), ret);
}

bool typed_object(struct heap *h, val dict, const char *of, val *ret)
{
    struct dict_obj *fields = dict.dict;
    struct arena *a = &evaluation_of(h)->arena;
    uint32_t at = 0, n = 0;
    if (fields->n > FIELDS_MAX)
        return heap_raise(h, &exc_TypeError, "%s takes at most %d fields", of, FIELDS_MAX);
    struct type_field *copy = arena_array(a, struct type_field, fields->n);
    for (struct dict_entry *e; (e = dict_next(fields, &at)); n++) {
        char what[128];
        if (e->key.kind != V_STR)
            return heap_raise(h, &exc_TypeError, "%s: names must be texts, not %s", of,
                              val_type_name(e->key));
        copy[n].name = arena_str(a, text_str(e->key));
        snprintf(what, sizeof what, "%s: '%.*s'", of, STR_ARG(str_sub(copy[n].name, 0, 60)));
        if (!type_of_value(h, e->value, what, &copy[n].type))
            return false;
    }
    return type_value_new(h, type_new_object(a, copy, n), ret);
}

static bool native_schema(struct heap *h, val *args, val *ret)
{
    return typed_object(h, args[0], "schema()", ret);
}

const struct native_def typed_natives[] = {
    {.name = "optional",
     .fn = native_optional,
     .min = 1,
     .max = 1,
     .positional_only = 1,
     .signature = "(type)",
     .doc = "A type whose value may be absent or null."},
    {.name = "enum",
     .fn = native_enum,
     .flags = NATIVE_VARARGS,
     .signature = "(*words)",
     .doc = "One of some words."},
    {.name = "schema",
     .fn = native_schema,
     .flags = NATIVE_KWARGS,
     .signature = "(**fields)",
     .doc = "An object with these fields and no others."},
    {.name = "dict",
     .fn = native_dict_type,
     .min = 1,
     .max = 1,
     .positional_only = 1,
     .signature = "(type)",
     .doc = "An object with any keys and values of one type."},
    {0},
};
