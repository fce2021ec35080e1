/* A JSON Schema in few words: {issues: {line?: integer, kind: "bug" | "style"}[], summary: string}.
 */
#include "value/dict.h"
#include "value/text.h"
#include "vm/filters_int.h"
#include "json/value.h"

enum { SCHEMA_DEPTH_MAX = 64 };

struct short_form {
    struct heap *heap;
    struct buf *out;
    int depth;
};

static bool add_schema(struct short_form *s, val schema);

static val member(val schema, const char *name)
{
    return schema.kind == V_DICT ? dict_get_str(schema.dict, str_of(name)) : VAL_UNBOUND;
}

static bool is_type(val schema, const char *name)
{
    val type = member(schema, "type");
    return type.kind == V_STR && str_is(text_str(type), name);
}

static bool add_value(struct short_form *s, val value)
{
    struct json_writer w = JSON_WRITER(s->out, false);
    return json_write_val(s->heap, &w, value);
}

/* "a" | "b"; each entry by `add`. */
static bool add_alternatives(struct short_form *s, val list,
                             bool (*add)(struct short_form *s, val v))
{
    for (uint32_t i = 0; i < list.list->n; i++) {
        buf_add_c(s->out, i ? " | " : "");
        if (!add(s, list.list->at[i]))
            return false;
    }
    return true;
}

static bool is_required(val schema, val name)
{
    val required = member(schema, "required");
    for (uint32_t i = 0; required.kind == V_LIST && i < required.list->n; i++) {
        val r = required.list->at[i];
        if (r.kind == V_STR && name.kind == V_STR && str_eq(text_str(r), text_str(name)))
            return true;
    }
    return false;
}

/* Of anyOf [X, null]: X, where the field may be left out and its ? says so. */
static val without_null(val schema)
{
    val any = member(schema, "anyOf");
    bool plain = any.kind == V_LIST && any.list->n == 2 && is_type(any.list->at[1], "null");
    return plain ? any.list->at[0] : schema;
}

static bool add_object(struct short_form *s, val schema)
{
    val properties = member(schema, "properties"), more = member(schema, "additionalProperties");
    uint32_t at = 0, n = 0;
    buf_add_byte(s->out, '{');
    if (properties.kind == V_DICT)
        for (struct dict_entry *e; (e = dict_next(properties.dict, &at)); n++) {
            bool required = is_required(schema, e->key);
            buf_addf(s->out, "%s%.*s%s: ", n ? ", " : "",
                     STR_ARG(e->key.kind == V_STR ? text_str(e->key) : STR("")),
                     required ? "" : "?");
            if (!add_schema(s, required ? e->value : without_null(e->value)))
                return false;
        }
    if (more.kind == V_DICT) {
        buf_addf(s->out, "%s[key: string]: ", n ? ", " : "");
        if (!add_schema(s, more))
            return false;
    }
    buf_add_byte(s->out, '}');
    return true;
}

/* An item with bars needs parentheses before []. */
static bool add_array(struct short_form *s, val schema)
{
    val items = member(schema, "items"), words = member(items, "enum");
    bool group =
        member(items, "anyOf").kind == V_LIST || (words.kind == V_LIST && words.list->n > 1);
    buf_add_c(s->out, group ? "(" : "");
    if (!add_schema(s, items))
        return false;
    buf_add_c(s->out, group ? ")[]" : "[]");
    return true;
}

static bool add_schema(struct short_form *s, val schema)
{
    val words = member(schema, "enum"), any = member(schema, "anyOf"),
        type = member(schema, "type");
    if (s->depth == SCHEMA_DEPTH_MAX)
        return heap_raise(s->heap, &exc_ValueError, "typescript: the schema is nested too deep");
    if (!heap_charge(s->heap, 1))
        return false;
    s->depth++;
    bool ok = true;
    if (words.kind == V_LIST)
        ok = add_alternatives(s, words, add_value);
    else if (any.kind == V_LIST)
        ok = add_alternatives(s, any, add_schema);
    else if (is_type(schema, "object"))
        ok = add_object(s, schema);
    else if (is_type(schema, "array"))
        ok = add_array(s, schema);
    else
        buf_add_str(s->out, type.kind == V_STR ? text_str(type) : STR("any"));
    s->depth--;
    return ok;
}

static bool filter_typescript(struct heap *h, val *args, val *ret)
{
    auto_buf out = BUF(BUF_TEXT_MAX);
    struct short_form s = {h, &out, 0};
    val schema = args[0];
    if (schema.kind == V_STR && !text_str(schema).n) { /* output_schema where none is declared */
        *ret = schema;
        return true;
    }
    if (schema.kind == V_STR && !json_read_val(h, text_str(schema), 0, &schema))
        return false;
    if (schema.kind != V_DICT)
        return heap_raise(h, &exc_TypeError,
                          "typescript: expected a JSON Schema, as output_schema "
                          "is one, not %s",
                          val_type_name(schema));
    heap_hold(h, schema);
    bool ok = add_schema(&s, schema) && text_new(h, buf_str(&out), ret);
    heap_release(h, 1);
    return ok;
}

const struct native_def filters_schema[] = {
    {"typescript", filter_typescript, 0, 0, 0, 0, 0, NULL, "()",
     "A JSON Schema in TypeScript's short form: of `output_schema`."},
    {0}};
