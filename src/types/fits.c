#include "types/type_int.h"
#include "json/peek.h"
#include <math.h>

static bool enum_has(const struct type *t, const json_t *v)
{
    for (uint32_t i = 0; json_is_string(v) && i < t->n; i++)
        if (str_eq(t->words[i], str_make(json_string_value(v), json_string_length(v))))
            return true;
    return false;
}

bool type_kind_fits(const struct type *t, const json_t *v)
{
    switch (t->kind) {
    case TYPE_STR:
    case TYPE_SECRET:
        return json_is_string(v);
    case TYPE_INT:
        return json_is_integer(v) || (json_is_real(v) && fabs(json_real_value(v)) < 9e15 &&
                                      json_real_value(v) == trunc(json_real_value(v)));
    case TYPE_FLOAT:
        return json_is_number(v);
    case TYPE_BOOL:
        return json_is_boolean(v);
    case TYPE_ENUM:
        return enum_has(t, v);
    case TYPE_LIST:
        return json_is_array(v);
    case TYPE_DICT:
    case TYPE_OBJECT:
        return json_is_object(v);
    default:
        return true;
    }
}

/* ---- the quick answer: one pass over the members, in the order of the fields if it can be ---- */

static bool fits(const struct type *t, const json_t *v, int depth);

static const struct type_field *field_of(const struct type *t, const struct peek_member *m)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (peek_same(t->fields[i].name, m->name, m->length))
            return &t->fields[i];
    return NULL;
}

static bool members_fit(const struct type *t, const json_t *v, int depth)
{
    const struct type_field *next = t->fields, *end = next + t->n;
    uint32_t given = 0, needed = 0;

    peek_each(m, v)
    {
        const struct type_field *f =
            next < end && peek_same(next->name, m->name, m->length) ? next : field_of(t, m);
        if (!f || !fits(f->type, m->value, depth))
            return false;
        next = f + 1;
        given += f->type->kind != TYPE_OPTIONAL;
    }
    for (uint32_t i = 0; i < t->n; i++)
        needed += t->fields[i].type->kind != TYPE_OPTIONAL;
    return given == needed;
}

static bool fits(const struct type *t, const json_t *v, int depth)
{
    size_t n;

    for (; t->kind == TYPE_OPTIONAL; t = t->of)
        if (json_is_null(v))
            return true;
    if (!type_kind_fits(t, v) || depth >= TYPE_CHECK_DEPTH_MAX)
        return false;
    if (t->kind == TYPE_OBJECT)
        return members_fit(t, v, depth + 1);
    if (t->kind == TYPE_LIST) {
        json_t *const *items = peek_items(v, &n);
        for (size_t i = 0; i < n; i++)
            if (!fits(t->of, items[i], depth + 1))
                return false;
    } else if (t->kind == TYPE_DICT) {
        peek_each(m, v) if (!fits(t->of, m->value, depth + 1)) return false;
    }
    return true;
}

bool type_fits(const struct type *t, const json_t *v)
{
    return v && json_can_peek() && fits(t, v, 0);
}
