#include "types/type.h"

const struct type type_of_str = {.kind = TYPE_STR};
const struct type type_of_int = {.kind = TYPE_INT};
const struct type type_of_float = {.kind = TYPE_FLOAT};
const struct type type_of_bool = {.kind = TYPE_BOOL};
const struct type type_of_any = {.kind = TYPE_ANY};
const struct type type_of_secret = {.kind = TYPE_SECRET};

static struct type *new_type(struct arena *a, enum type_kind kind, const struct type *of)
{
    struct type *t = arena_new(a, struct type);
    t->kind = kind;
    t->of = of;
    return t;
}

const struct type *type_new_list(struct arena *a, const struct type *of)
{
    return new_type(a, TYPE_LIST, of);
}

const struct type *type_new_optional(struct arena *a, const struct type *of)
{
    return of->kind == TYPE_OPTIONAL ? of : new_type(a, TYPE_OPTIONAL, of);
}

const struct type *type_new_dict(struct arena *a, const struct type *of)
{
    return new_type(a, TYPE_DICT, of);
}

const struct type *type_new_enum(struct arena *a, const str *words, uint32_t n)
{
    struct type *t = new_type(a, TYPE_ENUM, NULL);
    t->words = words;
    t->n = n;
    return t;
}

const struct type *type_new_object(struct arena *a, const struct type_field *fields, uint32_t n)
{
    struct type *t = new_type(a, TYPE_OBJECT, NULL);
    t->fields = fields;
    t->n = n;
    return t;
}

const struct type *type_field(const struct type *object, str name)
{
    for (uint32_t i = 0; object->kind == TYPE_OBJECT && i < object->n; i++)
        if (str_eq(object->fields[i].name, name))
            return object->fields[i].type;
    return NULL;
}

static const struct {
    const char *text;   /* how a workflow writes it */
    const char *schema; /* its JSON Schema type; NULL: more than a word */
} kinds[] = {
    [TYPE_STR] = {"str", "string"},       [TYPE_INT] = {"int", "integer"},
    [TYPE_FLOAT] = {"float", "number"},   [TYPE_BOOL] = {"bool", "boolean"},
    [TYPE_ANY] = {"any", NULL},           [TYPE_SECRET] = {"secret", "string"},
    [TYPE_ENUM] = {"enum", NULL},         [TYPE_LIST] = {"list", NULL},
    [TYPE_OPTIONAL] = {"optional", NULL}, [TYPE_DICT] = {"dict", NULL},
    [TYPE_OBJECT] = {"schema", NULL},
};

void type_add_text(struct buf *b, const struct type *t)
{
    buf_add_c(b, kinds[t->kind].text);
    if (t->of) {
        buf_add_byte(b, '(');
        type_add_text(b, t->of);
        buf_add_byte(b, ')');
    } else if (t->kind == TYPE_ENUM || t->kind == TYPE_OBJECT) {
        buf_add_byte(b, '(');
        for (uint32_t i = 0; i < t->n; i++) {
            buf_add_c(b, i ? ", " : "");
            if (t->kind == TYPE_ENUM) {
                json_add_quoted(b, t->words[i]);
            } else {
                buf_addf(b, "%.*s=", STR_ARG(t->fields[i].name));
                type_add_text(b, t->fields[i].type);
            }
        }
        buf_add_byte(b, ')');
    }
}

static void write_object_schema(struct json_writer *w, const struct type *t)
{
    json_put_c(w, "object");
    json_key_c(w, "properties");
    json_begin_object(w);
    for (uint32_t i = 0; i < t->n; i++) {
        json_key(w, t->fields[i].name);
        type_write_json_schema(w, t->fields[i].type);
    }
    json_end_object(w);
    json_key_c(w, "required");
    json_begin_array(w);
    for (uint32_t i = 0; i < t->n; i++)
        if (t->fields[i].type->kind != TYPE_OPTIONAL)
            json_put_str(w, t->fields[i].name);
    json_end_array(w);
    json_key_c(w, "additionalProperties");
    json_put_bool(w, false);
}

static void write_optional_schema(struct json_writer *w, const struct type *t)
{
    json_key_c(w, "anyOf");
    json_begin_array(w);
    type_write_json_schema(w, t->of);
    json_begin_object(w);
    json_key_c(w, "type");
    json_put_c(w, "null");
    json_end_object(w);
    json_end_array(w);
}

void type_write_json_schema(struct json_writer *w, const struct type *t)
{
    json_begin_object(w);
    if (t->kind == TYPE_OPTIONAL) {
        write_optional_schema(w, t);
    } else if (t->kind == TYPE_ENUM) {
        json_key_c(w, "enum");
        json_begin_array(w);
        for (uint32_t i = 0; i < t->n; i++)
            json_put_str(w, t->words[i]);
        json_end_array(w);
    } else if (t->kind != TYPE_ANY) {
        json_key_c(w, "type");
        if (t->kind == TYPE_OBJECT) {
            write_object_schema(w, t);
        } else if (t->kind == TYPE_LIST) {
            json_put_c(w, "array");
            json_key_c(w, "items");
            type_write_json_schema(w, t->of);
        } else if (t->kind == TYPE_DICT) {
            json_put_c(w, "object");
            json_key_c(w, "additionalProperties");
            type_write_json_schema(w, t->of);
        } else {
            json_put_c(w, kinds[t->kind].schema);
        }
    }
    json_end_object(w);
}

json_t *type_sample(const struct type *t)
{
    switch (t->kind) {
    case TYPE_STR:
    case TYPE_SECRET:
        return json_string("");
    case TYPE_INT:
        return json_integer(0);
    case TYPE_FLOAT:
        return json_real(0);
    case TYPE_BOOL:
        return json_false();
    case TYPE_ENUM:
        return json_stringn(t->words[0].p, t->words[0].n);
    case TYPE_LIST:
        return json_array();
    case TYPE_ANY:
    case TYPE_OPTIONAL:
        return json_null();
    case TYPE_DICT:
        return json_object();
    case TYPE_OBJECT:
        break;
    }
    json_t *object = json_object();
    for (uint32_t i = 0; i < t->n; i++) {
        str name = t->fields[i].name;
        if (t->fields[i].type->kind != TYPE_OPTIONAL)
            json_object_setn_new_nocheck(object, name.p, name.n, type_sample(t->fields[i].type));
    }
    return object;
}
