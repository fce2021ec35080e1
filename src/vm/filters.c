#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/builtins_int.h"
#include "vm/filters_int.h"

enum { TABLE_ROWS = 256 };

static const struct native_def *const tables[] = {filters_text,   filters_sequence, filters_order,
                                                  filters_select, filters_numbers,  filters_html,
                                                  filters_schema};

static int find_row(const struct native_def *table, str name)
{
    for (int i = 0; table[i].name; i++)
        if (table[i].name[0] == name.p[0] && str_is(name, table[i].name))
            return i;
    return -1;
}

int template_find_filter(str name)
{
    for (size_t t = 0; name.n && t < sizeof tables / sizeof tables[0]; t++) {
        int i = find_row(tables[t], name);
        if (i >= 0)
            return (int)t * TABLE_ROWS + i;
    }
    return -1;
}

int template_find_test(str name)
{
    return name.n ? find_row(template_tests, name) : -1;
}

const char *template_near_name(bool test, str name)
{
    str names[TABLE_ROWS];
    size_t n = 0;
    for (size_t t = 0; t < (test ? 1 : sizeof tables / sizeof tables[0]); t++)
        for (const struct native_def *d = test ? template_tests : tables[t]; d->name; d++)
            if (n < TABLE_ROWS)
                names[n++] = str_of(d->name);
    long near = str_nearest(name, names, n);
    return near < 0 ? NULL : names[near].p;
}

const struct native_def *template_row(bool test, uint32_t row)
{
    return test ? &template_tests[row] : &tables[row / TABLE_ROWS][row % TABLE_ROWS];
}

/* ---- helpers ---- */

bool filter_method(struct heap *h, val self, const char *name, const val *args, uint32_t n,
                   val *ret)
{
    const struct native_def *def = val_find_method(self, str_of(name));
    struct call_args call = {.at = args, .n = n};
    if (!def)
        return heap_raise(h, &exc_AttributeError, "'%s' object has no attribute '%s'",
                          val_type_name(self), name);
    if (!val_is_markup(self))
        return native_call(h, def, self, &call, ret);
    val method;
    return markup_method(h, self, def, &method) && val_call(h, method, args, n, ret);
}

bool filter_builtin(struct heap *h, const char *name, const val *args, uint32_t n, val *ret)
{
    val fn;
    if (!builtins_find(str_of(name), &fn))
        return heap_raise(h, &exc_RuntimeError, "no builtin %s", name);
    return val_call(h, fn, args, n, ret);
}

bool filter_flag(struct heap *h, val v, bool otherwise, bool *ret)
{
    *ret = otherwise;
    return v.kind == V_UNBOUND || val_truth(h, v, ret);
}

bool filter_int(struct heap *h, val v, int64_t otherwise, int64_t *ret)
{
    *ret = otherwise;
    if (v.kind == V_UNBOUND)
        return true;
    if (val_is_undefined(v))
        return undefined_raise(h, v);
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(v));
    *ret = v.i;
    return true;
}

bool filter_text(struct heap *h, val v, val *ret)
{
    if (val_is_object_of(v, &module_class))
        return markup_of(h, module_body(v), ret);
    return val_str(h, v, ret);
}

bool filter_text_like(struct heap *h, val like, str text, val *ret)
{
    return val_is_markup(like) ? markup_from(h, text, ret) : text_new(h, text, ret);
}

bool filter_generator(struct heap *h, val list, val *ret)
{
    return val_iter(h, list, ret);
}

static bool all_digits(str part)
{
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] < '0' || part.p[i] > '9')
            return false;
    return part.n > 0 && part.n < 18;
}

bool filter_attribute(struct heap *h, val item, val attribute, val default_value, val *ret)
{
    str rest, part;
    *ret = item;
    if (attribute.kind != V_STR) {
        if (attribute.kind == V_UNBOUND || attribute.kind == V_NONE)
            return true;
        if (!template_item(h, item, attribute, ret))
            return false;
        if (default_value.kind > V_NONE && val_is_undefined(*ret))
            *ret = default_value;
        return true;
    }
    rest = text_str(attribute);
    for (size_t at = 0;;) {
        size_t dot = str_find_byte(rest, '.', at);
        part = str_sub(rest, at, dot);
        val key;
        if (all_digits(part)) {
            int64_t i = 0;
            for (size_t k = 0; k < part.n; k++)
                i = i * 10 + (part.p[k] - '0');
            key = val_int(i);
        } else if (!text_new_interned(h, part, &key)) {
            return false;
        }
        if (!template_item(h, *ret, key, ret))
            return false;
        if (default_value.kind > V_NONE && val_is_undefined(*ret))
            *ret = default_value;
        if (dot == SIZE_MAX)
            return heap_charge(h, 4);
        at = dot + 1;
    }
}

bool filter_key(struct heap *h, val item, val attribute, bool with_case, val *ret)
{
    if (!filter_attribute(h, item, attribute, VAL_UNBOUND, ret))
        return false;
    return with_case || ret->kind != V_STR || filter_method(h, *ret, "lower", NULL, 0, ret);
}

bool filter_call(struct heap *h, bool test, val name, val value, const struct call_args *args,
                 val *ret)
{
    if (val_is_undefined(name))
        return undefined_raise(h, name);
    int row = name.kind != V_STR ? -1
              : test             ? template_find_test(text_str(name))
                                 : template_find_filter(text_str(name));
    if (row >= 0)
        return native_call(h, template_row(test, (uint32_t)row), value, args, ret);
    val text;
    if (!val_repr(h, name, &text))
        return false;
    return heap_raise(h, &exc_TemplateRuntimeError, "No %s named %.*s.", test ? "test" : "filter",
                      STR_ARG(text_str(text)));
}
