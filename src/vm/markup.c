/* Markup: text that is not escaped again. A str with a flag; what Jinja2's Markup does with other
 * text happens here: what is joined to it is escaped first. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

bool markup_from(struct heap *h, str text, val *ret)
{
    struct str_obj *s = heap_new(h, V_STR, sizeof *s + text.n);
    val copy;
    if (!s || !text_new(h, text, &copy))
        return false;
    s->n = copy.s->n;
    s->points = copy.s->points;
    memcpy(s->inline_data, text.p, text.n);
    s->p = s->inline_data;
    s->h.flags |= OBJ_MARKUP;
    *ret = val_obj(V_STR, s);
    return true;
}

bool markup_of(struct heap *h, val text, val *ret)
{
    *ret = text;
    return val_is_markup(text) || markup_from(h, text_str(text), ret);
}

void markup_add_escaped(struct buf *b, str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *with;
        switch (text.p[i]) {
        case '&':
            with = "&amp;";
            break;
        case '<':
            with = "&lt;";
            break;
        case '>':
            with = "&gt;";
            break;
        case '\'':
            with = "&#39;";
            break;
        case '"':
            with = "&#34;";
            break;
        default:
            continue;
        }
        buf_add_str(b, str_sub(text, from, i));
        buf_add_c(b, with);
        from = i + 1;
    }
    buf_add_str(b, str_sub(text, from, text.n));
}

bool markup_escape(struct heap *h, val v, val *ret)
{
    if (val_is_markup(v)) {
        *ret = v;
        return true;
    }
    if (val_is_object_of(v, &module_class))
        return markup_of(h, module_body(v), ret);
    if (!val_str(h, v, &v))
        return false;
    auto_buf b = BUF(BUF_TEXT_MAX);
    markup_add_escaped(&b, text_str(v));
    if (b.overflow)
        return heap_out_of_bytes(h);
    return heap_charge(h, (int64_t)(b.n / 64)) && markup_from(h, buf_str(&b), ret);
}

bool markup_soft(struct heap *h, val v, val *ret)
{
    return val_str(h, v, ret);
}

/* ---- operators ---- */

static bool is_text(val v)
{
    return v.kind == V_STR || val_is_object_of(v, &module_class);
}

static bool plain(struct heap *h, val v, val *ret)
{
    *ret = v;
    return !val_is_markup(v) || text_new(h, text_str(v), ret);
}

static bool escape_argument(struct heap *h, val v, val *ret)
{
    *ret = v;
    return (v.kind != V_STR && !val_is_object_of(v, &module_class)) ||
           (markup_escape(h, v, ret) && plain(h, *ret, ret));
}

bool markup_binary(struct heap *h, int op, val a, val b, bool *ret_done, val *ret)
{
    val left, right, out;
    *ret_done = false;
    if (op == BINARY_ADD && is_text(a) && is_text(b)) {
        if (!markup_escape(h, a, &left) || !markup_escape(h, b, &right) ||
            !text_concat(h, left, right, &out))
            return false;
    } else if (op == BINARY_MOD && val_is_markup(a)) {
        if (!plain(h, a, &left) || !text_percent_filtered(h, left, b, markup_escape, &out))
            return false;
    } else if (op == BINARY_MUL && val_is_markup(a) && val_is_int(b)) {
        if (!plain(h, a, &left) || !text_repeat(h, left, b.i, &out))
            return false;
    } else {
        return true;
    }
    *ret_done = true;
    return markup_of(h, out, ret);
}

/* ---- methods ---- */

static bool markup_unescape(struct heap *h, val *args, val *ret)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    html_unescape(text_str(args[0]), &text);
    return heap_charge(h, (int64_t)(text.n / 16)) && text_new(h, buf_str(&text), ret);
}

struct markup_method {
    struct object o;
    const struct native_def *def;
    val self;
};

/* How the result of a method of str becomes one of Markup. */
static bool gives_markup(const char *name)
{
    static const char *const names[] = {
        "capitalize", "title",     "lower",      "upper",  "replace",   "ljust",
        "rjust",      "lstrip",    "rstrip",     "center", "strip",     "translate",
        "expandtabs", "swapcase",  "zfill",      "join",   "split",     "rsplit",
        "splitlines", "partition", "rpartition", "format", "format_map"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Markup looks for the separators of split as they are. */
static bool escapes_arguments(const char *name)
{
    return gives_markup(name) && strcmp(name, "split") != 0 && strcmp(name, "rsplit") != 0;
}

static bool as_markup(struct heap *h, val v, val *ret)
{
    *ret = v;
    if (v.kind == V_STR)
        return markup_of(h, v, ret);
    val *at = v.kind == V_LIST ? v.list->at : v.kind == V_TUPLE ? v.tuple->at : NULL;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.kind == V_TUPLE ? v.tuple->n : 0;
    for (uint32_t i = 0; i < n; i++)
        if (at[i].kind == V_STR && !markup_of(h, at[i], &at[i]))
            return false;
    return true;
}

/* join's items are escaped one by one. */
static bool escape_items(struct heap *h, val v, val *ret)
{
    if (!val_to_list(h, v, ret))
        return false;
    for (uint32_t i = 0; i < ret->list->n; i++)
        if (!escape_argument(h, ret->list->at[i], &ret->list->at[i]))
            return false;
    return true;
}

/* The fields are escaped once they are formatted. */
static bool call_format(struct heap *h, val self, const struct call_args *args, val *ret)
{
    val rest, named = VAL_UNBOUND;
    if (!tuple_from(h, args->at, args->n, &rest))
        return false;
    if (args->named_count && !dict_new(h, args->named_count, &named))
        return false;
    for (uint32_t i = 0; i < args->named_count; i++)
        if (!dict_set(h, named.dict, args->names[i], args->named[i]))
            return false;
    heap_hold(h, rest);
    heap_hold(h, named);
    bool ok = text_format_filtered(h, self, rest.tuple, named, markup_escape, ret);
    heap_release(h, 2);
    return ok && markup_of(h, *ret, ret);
}

static bool method_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    const struct markup_method *m = (const struct markup_method *)o;
    if (strcmp(m->def->name, "format") == 0)
        return call_format(h, m->self, args, ret);
    auto_free val *copy = mem_alloc((args->n + args->named_count + 1) * sizeof *copy);
    struct call_args given = {copy, args->n, args->names, copy + args->n, args->named_count};
    bool join = strcmp(m->def->name, "join") == 0, markup = gives_markup(m->def->name),
         escapes = escapes_arguments(m->def->name);
    val self, out;
    for (uint32_t i = 0; i < args->n + args->named_count; i++) {
        val v = i < args->n ? args->at[i] : args->named[i - args->n];
        copy[i] = v;
        bool ok = !escapes || (join && v.kind != V_STR ? escape_items(h, v, &copy[i])
                                                       : escape_argument(h, v, &copy[i]));
        if (!ok)
            return false;
    }
    if (!plain(h, m->self, &self) || !native_call(h, m->def, self, &given, &out))
        return false;
    *ret = out;
    return !markup || as_markup(h, out, ret);
}

static void method_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct markup_method *)o)->self);
}

static const struct obj_class markup_method_class = {
    .type = {.name = "method", .kind = V_OBJECT},
    .call = method_call,
    .trace = method_trace,
};

const struct native_def *markup_own_method(str name)
{
    static const struct native_def rows[] = {
        {"striptags", filter_striptags, 0, 0, 0, 0, 0, NULL, "()", ""},
        {"unescape", markup_unescape, 0, 0, 0, 0, 0, NULL, "()", ""},
        {0}};
    for (const struct native_def *d = rows; d->name; d++)
        if (str_is(name, d->name))
            return d;
    return NULL;
}

bool markup_method(struct heap *h, val self, const struct native_def *def, val *ret)
{
    struct markup_method *m = heap_new(h, V_OBJECT, sizeof *m);
    if (!m)
        return false;
    m->o.class = &markup_method_class;
    m->def = def;
    m->self = self;
    *ret = val_obj(V_OBJECT, m);
    return true;
}
