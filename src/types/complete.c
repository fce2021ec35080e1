/* Values as their types want them, and types as people read them. */
#include "types/type.h"

static json_t *complete_object(const struct type *t, json_t *value)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < t->n; i++) {
        str name = t->fields[i].name;
        json_t *field = json_object_getn(value, name.p, name.n);
        json_object_setn_new_nocheck(object, name.p, name.n,
                                     field ? type_complete(t->fields[i].type, field) : json_null());
    }
    return object;
}

json_t *type_complete(const struct type *t, json_t *value)
{
    json_t *whole;
    const char *key;
    json_t *item;
    size_t i;

    if (t->kind == TYPE_OPTIONAL)
        return json_is_null(value) ? json_null() : type_complete(t->of, value);
    if (t->kind == TYPE_INT && json_is_real(value))
        return json_integer((json_int_t)json_real_value(value));
    if (t->kind == TYPE_OBJECT && json_is_object(value))
        return complete_object(t, value);
    if (t->kind == TYPE_LIST && json_is_array(value)) {
        whole = json_array();
        json_array_foreach(value, i, item) json_array_append_new(whole, type_complete(t->of, item));
        return whole;
    }
    if (t->kind == TYPE_DICT && json_is_object(value)) {
        whole = json_object();
        json_object_foreach(value, key, item)
            json_object_set_new_nocheck(whole, key, type_complete(t->of, item));
        return whole;
    }
    return json_incref(value);
}

/* Enums and optionals need parentheses before []. */
static void add_grouped(struct buf *b, const struct type *t)
{
    bool group = t->kind == TYPE_OPTIONAL || (t->kind == TYPE_ENUM && t->n > 1);
    buf_add_c(b, group ? "(" : "");
    type_add_typescript(b, t);
    buf_add_c(b, group ? ")" : "");
}

static void add_fields(struct buf *b, const struct type *t)
{
    buf_add_byte(b, '{');
    for (uint32_t i = 0; i < t->n; i++) {
        const struct type_field *f = &t->fields[i];
        bool optional = f->type->kind == TYPE_OPTIONAL;
        buf_addf(b, "%s%.*s%s: ", i ? ", " : "", STR_ARG(f->name), optional ? "?" : "");
        type_add_typescript(b, optional ? f->type->of : f->type);
    }
    buf_add_byte(b, '}');
}

void type_add_typescript(struct buf *b, const struct type *t)
{
    static const char *const names[] = {
        [TYPE_STR] = "string",   [TYPE_INT] = "integer", [TYPE_FLOAT] = "number",
        [TYPE_BOOL] = "boolean", [TYPE_ANY] = "any",     [TYPE_SECRET] = "string",
    };
    switch (t->kind) {
    case TYPE_ENUM:
        for (uint32_t i = 0; i < t->n; i++) {
            buf_add_c(b, i ? " | " : "");
            json_add_quoted(b, t->words[i]);
        }
        break;
    case TYPE_LIST:
        add_grouped(b, t->of);
        buf_add_c(b, "[]");
        break;
    case TYPE_OPTIONAL:
        type_add_typescript(b, t->of);
        buf_add_c(b, " | null");
        break;
    case TYPE_DICT:
        buf_add_c(b, "{[key: string]: ");
        type_add_typescript(b, t->of);
        buf_add_byte(b, '}');
        break;
    case TYPE_OBJECT:
        add_fields(b, t);
        break;
    default:
        buf_add_c(b, names[t->kind]);
    }
}
