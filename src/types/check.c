#include "base/num.h"
#include "types/type_int.h"
#include <math.h>
#include <stdio.h>

enum { SHOWN_VALUE_MAX = 60, PATH_MAX_BYTES = 4096 };

struct check {
    str what; /* "input", "output of step 'x'" */
    struct buf path;
    struct err_list *errors;
    int depth;
    bool planned; /* deferred values may stand in it */
    bool ok;
};

static const char *json_kind(json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static void violation(struct check *c, const struct type *t, json_t *found)
{
    auto_buf wanted = BUF(4096);
    struct err *e = err_list_add(c->errors);
    type_add_text(&wanted, t);
    c->ok = false;
    const char *path = c->path.n ? buf_c(&c->path) : "";
    if (found && json_is_string(found) && t->kind == TYPE_ENUM) {
        str s = str_sub(str_make(json_string_value(found), json_string_length(found)), 0,
                        SHOWN_VALUE_MAX);
        auto_buf shown = BUF(4096);
        json_add_quoted(&shown, s);
        err_set(e, "invalid_value", "%.*s%s%s: expected %s, found %s", STR_ARG(c->what),
                *path ? " " : "", path, buf_c(&wanted), buf_c(&shown));
        return;
    }
    err_set(e, "invalid_value", "%.*s%s%s: expected %s, found %s", STR_ARG(c->what),
            *path ? " " : "", path, buf_c(&wanted), found ? json_kind(found) : "nothing");
}

static void add_pointer(struct buf *b, str token)
{
    buf_add_byte(b, '/');
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] == '~')
            buf_add_c(b, "~0");
        else if (token.p[i] == '/')
            buf_add_c(b, "~1");
        else
            buf_add_byte(b, token.p[i]);
    }
}

static void check_value(struct check *c, const struct type *t, json_t *v);

static void check_below(struct check *c, const struct type *t, json_t *v, str token)
{
    size_t length = c->path.n;
    add_pointer(&c->path, token);
    check_value(c, t, v);
    buf_cut(&c->path, length, SIZE_MAX);
}

static void check_list(struct check *c, const struct type *t, json_t *v)
{
    char index[24];
    for (size_t i = 0; i < json_array_size(v); i++) {
        snprintf(index, sizeof index, "%zu", i);
        check_below(c, t->of, json_array_get(v, i), str_of(index));
    }
}

static void unknown_field(struct check *c, const struct type *t, str name)
{
    str names[64];
    uint32_t n = t->n < 64 ? t->n : 64;
    for (uint32_t i = 0; i < n; i++)
        names[i] = t->fields[i].name;
    long near = str_nearest(name, names, n);
    struct err *e = err_list_add(c->errors);
    c->ok = false;
    err_set(e, "unknown_field", "%.*s%s%s: there is no field '%.*s'", STR_ARG(c->what),
            c->path.n ? " " : "", buf_c(&c->path), STR_ARG(name));
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
}

static void check_object(struct check *c, const struct type *t, json_t *v)
{
    const char *key;
    json_t *item;

    for (uint32_t i = 0; i < t->n; i++) {
        str name = t->fields[i].name;
        json_t *field = json_object_getn(v, name.p, name.n);
        if (field || t->fields[i].type->kind != TYPE_OPTIONAL)
            check_below(c, t->fields[i].type, field, name);
    }
    json_object_foreach(v, key, item)
    {
        (void)item;
        if (!type_field(t, str_of(key)))
            unknown_field(c, t, str_of(key));
    }
}

static void check_value(struct check *c, const struct type *t, json_t *v)
{
    if (c->planned && json_object_size(v) == 1) {
        json_t *literal = json_object_get(v, "$literal");
        if (json_object_get(v, "$expr"))
            return;
        v = literal ? literal : v;
    }
    if (t->kind == TYPE_OPTIONAL) {
        if (v && !json_is_null(v))
            check_value(c, t->of, v);
        return;
    }
    if (!v || !type_kind_fits(t, v) || c->depth >= TYPE_CHECK_DEPTH_MAX) {
        violation(c, t, v);
        return;
    }
    c->depth++;
    if (t->kind == TYPE_LIST) {
        check_list(c, t, v);
    } else if (t->kind == TYPE_OBJECT) {
        check_object(c, t, v);
    } else if (t->kind == TYPE_DICT) {
        const char *key;
        json_t *item;
        json_object_foreach(v, key, item)
        {
            check_below(c, t->of, item, str_of(key));
        }
    }
    c->depth--;
}

static bool check_whole(const struct type *t, json_t *value, str what, bool planned,
                        struct err_list *errors)
{
    struct check c = {.what = what,
                      .path = BUF(PATH_MAX_BYTES),
                      .errors = errors,
                      .planned = planned,
                      .ok = true};
    check_value(&c, t, value);
    buf_done(&c.path);
    return c.ok;
}

bool type_check(const struct type *t, json_t *value, str what, struct err_list *errors)
{
    return type_fits(t, value) || check_whole(t, value, what, false, errors);
}

bool type_check_planned(const struct type *t, json_t *value, str what, struct err_list *errors)
{
    return check_whole(t, value, what, true, errors);
}

static json_t *misfit(const struct type *t, str text, struct err *err)
{
    auto_buf wanted = BUF(4096);
    type_add_text(&wanted, t);
    err_set(err, "invalid_value", "expected %s, found '%.*s'", buf_c(&wanted),
            STR_ARG(str_sub(text, 0, SHOWN_VALUE_MAX)));
    return NULL;
}

static json_t *parse_bool(const struct type *t, str text, struct err *err)
{
    static const char *const yes[] = {"true", "yes", "1", "on"}, *const no[] = {"false", "no", "0",
                                                                                "off"};
    for (size_t i = 0; i < 4; i++) {
        if (str_is(text, yes[i]))
            return json_true();
        if (str_is(text, no[i]))
            return json_false();
    }
    misfit(t, text, err);
    err_hint(err, "write true or false");
    return NULL;
}

static json_t *parse_json_text(const struct type *t, str text, struct err *err)
{
    json_error_t e;
    json_t *v = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    if (!v) {
        misfit(t, text, err);
        err_hint(err, "write it as JSON: %s (column %d)", e.text, e.column);
        return NULL;
    }
    return v;
}

json_t *type_parse_text(const struct type *t, str text, struct err *err)
{
    int64_t i;
    double d;

    switch (t->kind) {
    case TYPE_STR:
    case TYPE_SECRET:
    case TYPE_ANY:
        return json_stringn(text.p, text.n);
    case TYPE_OPTIONAL:
        return type_parse_text(t->of, text, err);
    case TYPE_INT:
        return num_parse_int(text, &i) ? json_integer(i) : misfit(t, text, err);
    case TYPE_FLOAT:
        return num_parse_double(text, &d) && isfinite(d) ? json_real(d) : misfit(t, text, err);
    case TYPE_BOOL:
        return parse_bool(t, text, err);
    case TYPE_ENUM:
        for (uint32_t w = 0; w < t->n; w++)
            if (str_eq(t->words[w], text))
                return json_stringn(text.p, text.n);
        return misfit(t, text, err);
    default:
        return parse_json_text(t, text, err);
    }
}
