/* What is wrong with a value, in words: where, what was expected and what was found. */
#include "types/schema_check_int.h"
#include "json/json.h"

enum { SHOWN_MAX = 60, MESSAGE_MAX = 4096 };

static void add_path(struct buf *b, const struct spot *s)
{
    if (!s)
        return;
    add_path(b, s->up);
    if (s->key.p)
        json_pointer_add(b, s->key);
    else
        json_pointer_add_index(b, s->index);
}

bool schema_fail_at(const struct at *a, const struct spot *spot, const char *fmt, ...)
{
    va_list args;
    if (!a->c->errors)
        return false;
    auto_buf path = BUF(MESSAGE_MAX), text = BUF(MESSAGE_MAX);
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    add_path(&path, spot);
    err_set(err_list_add(a->c->errors), "invalid_value", "%.*s%s%s: %s", STR_ARG(a->c->what),
            path.n ? " " : "", buf_c(&path), buf_c(&text));
    return false;
}

static const char *article_of(const json_t *v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return names[json_typeof(v)];
}

/* A scalar as it is, shortened; else its kind. */
void schema_add_shown(struct buf *b, const json_t *v, bool hidden)
{
    if (hidden || json_is_object(v) || json_is_array(v)) {
        buf_add_c(b, article_of(v));
        return;
    }
    auto_buf text = BUF(1 << 24);
    struct json_writer w = JSON_WRITER(&text, false);
    json_put(&w, v);
    size_t end = text.n > SHOWN_MAX ? SHOWN_MAX : text.n;
    while (end < text.n && end && ((unsigned char)text.p[end] & 0xC0) == 0x80)
        end--;
    buf_add_str(b, str_sub(buf_str(&text), 0, end));
    buf_add_c(b, end < text.n ? "...\"" : "");
}

bool schema_fail_found(const struct at *a, str expected)
{
    auto_buf shown = BUF(MESSAGE_MAX);
    if (!a->c->errors)
        return false;
    schema_add_shown(&shown, a->v, a->n->hidden);
    return fail(a, "expected %.*s, found %s", STR_ARG(expected), buf_c(&shown));
}

static void add_types(struct buf *b, unsigned types)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{KIND_STRING, "a string"},    {KIND_NUMBER, "a number"},
                 {KIND_INTEGER, "an integer"}, {KIND_BOOLEAN, "a boolean"},
                 {KIND_ARRAY, "an array"},     {KIND_OBJECT, "an object"},
                 {KIND_NULL, "null"}};
    bool any = false;
    if (types & KIND_NUMBER)
        types &= ~(unsigned)KIND_INTEGER;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(types & names[i].bit))
            continue;
        types &= ~names[i].bit;
        buf_addf(b, "%s%s", !any ? "" : types ? ", " : " or ", names[i].name);
        any = true;
    }
}

bool schema_fail_types(const struct at *a, unsigned types)
{
    auto_buf expected = BUF(MESSAGE_MAX);
    if (!a->c->errors)
        return false;
    add_types(&expected, types);
    return fail(a, "expected %s, found %s", buf_c(&expected), article_of(a->v));
}

bool schema_fail_unknown(const struct at *a, str name)
{
    str names[64];
    size_t count = 0;
    if (!a->c->errors)
        return false;
    for (uint32_t i = 0; i < a->n->property_count && count < 64; i++)
        if (a->n->properties[i].node)
            names[count++] = a->n->properties[i].name;
    long near = str_nearest(name, names, count);
    fail(a, "there is no field '%.*s'", STR_ARG(name));
    struct err *e = &a->c->errors->at[a->c->errors->n - 1];
    e->code = "unknown_field";
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
}

bool schema_fail_missing(const struct at *a, str name)
{
    struct spot below = {a->spot, name, 0};
    return schema_fail_at(a, &below, "expected a value, found nothing");
}
