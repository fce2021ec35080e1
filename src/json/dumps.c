/* json.dumps, and the writing of values as documents. */
#include "base/num.h"
#include "base/utf8.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "json/module_int.h"
#include "json/value.h"
#include <math.h>

enum { DUMP_BYTES_PER_STEP = 8 };

/* Containers being written, innermost first. */
struct dump_open {
    const void *what;
    const struct dump_open *outer;
};
struct dumper {
    struct heap *h;
    struct text_builder b;
    bool skip_keys, ascii, allow_nan, sort_keys, indents;
    bool tainted;
    str item_separator, key_separator;
    val indent;   /* the text of one level, where `indents` */
    val fallback; /* default=, or V_UNBOUND */
    val deferred; /* the first deferred value met: the whole becomes one */
    uint32_t level;
    const struct dump_open *open;
};

static bool dump(struct dumper *d, val v);

/* ---- text ---- */

static void add_escape(struct buf *out, uint32_t cp)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *found = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;

    if (found) {
        buf_add_byte(out, '\\');
        buf_add_byte(out, to[found - from]);
    } else if (cp >= 0x10000) {
        buf_addf(out, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
                 0xDC00 + ((cp - 0x10000) & 0x3FF));
    } else {
        buf_addf(out, "\\u%04x", cp);
    }
}

static bool dump_text(struct dumper *d, str s)
{
    struct buf *out = &d->b.bytes;
    size_t done = 0;

    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        uint32_t cp = utf8_next(s, &i);
        bool plain = cp >= 0x20 && cp != '"' && cp != '\\' && (cp < 0x7F || !d->ascii);
        if (plain)
            continue;
        buf_add_str(out, str_sub(s, done, from));
        add_escape(out, cp);
        done = i;
    }
    buf_add_str(out, str_sub(s, done, s.n));
    buf_add_byte(out, '"');
    return heap_charge(d->h, (int64_t)(s.n / DUMP_BYTES_PER_STEP));
}

/* CPython's quick encoder names no value, the one that indents does. */
static bool dump_float(struct dumper *d, double x)
{
    struct buf *out = &d->b.bytes;
    if (isfinite(x)) {
        num_add_double(out, x);
        return true;
    }
    if (!d->allow_nan) {
        auto_buf shown = BUF(64);
        num_add_double(&shown, x);
        return heap_raise(d->h, &exc_ValueError, "%s%s",
                          d->indents ? "Out of range float values are not JSON compliant: "
                                     : "Out of range float values are not JSON compliant",
                          d->indents ? buf_c(&shown) : "");
    }
    buf_add_c(out, isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
    return true;
}

/* ---- containers ---- */

static bool break_line(struct dumper *d)
{
    buf_add_byte(&d->b.bytes, '\n');
    for (uint32_t i = 0; i < d->level && !d->b.bytes.overflow; i++)
        text_builder_add(&d->b, text_str(d->indent));
    return heap_charge(d->h, 1 + (int64_t)d->level * d->indent.s->n / DUMP_BYTES_PER_STEP);
}

static bool separate(struct dumper *d, bool first)
{
    if (!first)
        text_builder_add(&d->b, d->item_separator);
    /* The line is broken once before the first member, which a skipped one does not undo. */
    return !d->indents || first || break_line(d);
}

static bool begin(struct dumper *d, char c)
{
    buf_add_byte(&d->b.bytes, c);
    d->level++;
    return !d->indents || break_line(d);
}

static bool end(struct dumper *d, char c)
{
    d->level--;
    if (d->indents && !break_line(d))
        return false;
    buf_add_byte(&d->b.bytes, c);
    return true;
}

static bool dump_sequence(struct dumper *d, val v)
{
    bool is_list = v.kind == V_LIST;

    if ((is_list ? v.list->n : v.tuple->n) == 0) {
        buf_add_c(&d->b.bytes, "[]");
        return true;
    }
    if (!begin(d, '['))
        return false;
    /* default= may change the list. */
    for (uint32_t i = 0; i < (is_list ? v.list->n : v.tuple->n); i++)
        if (!separate(d, i == 0) || !dump(d, is_list ? v.list->at[i] : v.tuple->at[i]))
            return false;
    return end(d, ']');
}

/* *ret_skip: the key is left out, as skipkeys= wants it. */
static bool check_key(struct dumper *d, val key, bool *ret_skip)
{
    bool known = key.kind == V_STR || key.kind == V_INT || key.kind == V_BOOL ||
                 key.kind == V_NONE || key.kind == V_FLOAT;
    *ret_skip = !known && d->skip_keys;
    if (known || d->skip_keys)
        return true;
    return heap_raise(d->h, &exc_TypeError, "keys must be str, int, float, bool or None, not %s",
                      val_type_name(key));
}

static bool add_key(struct dumper *d, val key)
{
    if (key.kind == V_STR) {
        d->tainted = d->tainted || !text_is_trusted(key);
        return dump_text(d, text_str(key));
    }
    buf_add_byte(&d->b.bytes, '"');
    if (!dump(d, key))
        return false;
    buf_add_byte(&d->b.bytes, '"');
    return true;
}

static bool dump_member(struct dumper *d, val key, val value, bool *first)
{
    bool skip;
    if (!check_key(d, key, &skip))
        return false;
    if (skip)
        return true;
    if (!separate(d, *first) || !add_key(d, key))
        return false;
    *first = false;
    text_builder_add(&d->b, d->key_separator);
    return dump(d, value);
}

static bool dump_sorted(struct dumper *d, struct dict_obj *dict, bool *first)
{
    uint32_t at = 0;
    val keys, value;

    if (!list_new(d->h, dict->n, &keys))
        return false;
    heap_hold(d->h, keys);
    bool ok = true;
    for (struct dict_entry *e; ok && (e = dict_next(dict, &at));)
        ok = list_push(d->h, keys.list, e->key);
    ok = ok && list_sort(d->h, keys.list, VAL_UNBOUND, false);
    for (uint32_t i = 0; ok && i < keys.list->n; i++) {
        ok = dict_get(d->h, dict, keys.list->at[i], &value);
        if (ok && !val_is_unbound(value))
            ok = dump_member(d, keys.list->at[i], value, first);
    }
    heap_release(d->h, 1);
    return ok;
}

static bool dump_dict(struct dumper *d, val v)
{
    uint32_t at = 0;
    bool first = true;

    if (v.dict->n == 0) {
        buf_add_c(&d->b.bytes, "{}");
        return true;
    }
    if (!begin(d, '{'))
        return false;
    if (d->sort_keys) {
        if (!dump_sorted(d, v.dict, &first))
            return false;
    } else {
        for (struct dict_entry *e; (e = dict_next(v.dict, &at));)
            if (!dump_member(d, e->key, e->value, &first))
                return false;
    }
    return end(d, '}');
}

/* What default= gives instead of a value that JSON does not know. */
static bool dump_fallback(struct dumper *d, val v)
{
    val other;
    if (val_is_unbound(d->fallback))
        return heap_raise(d->h, &exc_TypeError, "Object of type %s is not JSON serializable",
                          val_type_name(v));
    if (!val_call(d->h, d->fallback, &v, 1, &other))
        return false;
    heap_hold(d->h, other);
    bool ok = dump(d, other);
    heap_release(d->h, 1);
    return ok;
}

/* Values that hold others, or stand for others. */
static bool dump_nested(struct dumper *d, val v, bool (*how)(struct dumper *, val))
{
    const struct dump_open *outer = d->open;

    for (const struct dump_open *open = outer; open; open = open->outer)
        if (open->what == v.any)
            return heap_raise(d->h, &exc_ValueError, "Circular reference detected");
    if (!heap_enter(d->h))
        return false;
    d->open = &(struct dump_open){v.any, outer};
    heap_hold(d->h, v);
    bool ok = how(d, v);
    heap_release(d->h, 1);
    d->open = outer;
    heap_leave(d->h);
    return ok;
}

static bool dump_deferred(struct dumper *d, val v)
{
    val concrete;
    if (v.object->class->defer_call && val_is_unbound(d->deferred)) {
        d->deferred = v;
        return false;
    }
    return val_decide(d->h, v, &concrete) && dump(d, concrete);
}

static bool dump(struct dumper *d, val v)
{
    if (!heap_charge(d->h, 1))
        return false;
    switch ((enum val_kind)v.kind) {
    case V_NONE:
        buf_add_c(&d->b.bytes, "null");
        return true;
    case V_BOOL:
        buf_add_c(&d->b.bytes, v.b ? "true" : "false");
        return true;
    case V_INT:
        buf_add_int(&d->b.bytes, v.i);
        return true;
    case V_FLOAT:
        return dump_float(d, v.f);
    case V_STR:
        d->tainted = d->tainted || !text_is_trusted(v);
        return dump_text(d, text_str(v));
    case V_LIST:
    case V_TUPLE:
        return dump_nested(d, v, dump_sequence);
    case V_DICT:
        return dump_nested(d, v, dump_dict);
    default:
        if (val_is_deferred(v))
            return dump_deferred(d, v);
        return dump_nested(d, v, dump_fallback);
    }
}

/* ---- arguments ---- */

enum dumps_arg {
    DUMPS_OBJ,
    DUMPS_SKIPKEYS,
    DUMPS_ENSURE_ASCII,
    DUMPS_ALLOW_NAN,
    DUMPS_INDENT,
    DUMPS_SEPARATORS,
    DUMPS_DEFAULT,
    DUMPS_SORT_KEYS,
    DUMPS_ARG_COUNT
};
static const char *const dumps_names[] = {"obj",    "skipkeys",   "ensure_ascii", "allow_nan",
                                          "indent", "separators", "default",      "sort_keys"};

static bool read_flag(struct heap *h, val v, bool missing, bool *ret)
{
    *ret = missing;
    return val_is_unbound(v) || val_truth(h, v, ret);
}

/* A number of blanks, or the text itself. */
static bool read_indent(struct dumper *d, val v)
{
    val blank;

    d->indents = !val_is_unbound(v) && v.kind != V_NONE;
    if (!d->indents)
        return true;
    if (v.kind == V_STR) {
        d->indent = v;
        d->tainted = !text_is_trusted(v);
        return true;
    }
    if (!val_is_int(v))
        return heap_raise(d->h, &exc_TypeError, "can't multiply sequence by non-int of type '%s'",
                          val_type_name(v));
    return text_new(d->h, STR(" "), &blank) && text_repeat(d->h, blank, v.i, &d->indent);
}

static bool read_separators(struct dumper *d, val v, val *ret_kept)
{
    d->item_separator = d->indents ? STR(",") : STR(", ");
    d->key_separator = STR(": ");
    *ret_kept = VAL_NONE;
    if (val_is_unbound(v) || v.kind == V_NONE)
        return true;
    if (v.kind != V_STR && v.kind != V_TUPLE && v.kind != V_LIST)
        return heap_raise(d->h, &exc_TypeError, "cannot unpack non-iterable %s object",
                          val_type_name(v));
    if (!val_to_list(d->h, v, ret_kept))
        return false;
    const struct list_obj *l = ret_kept->list;
    if (l->n < 2)
        return heap_raise(d->h, &exc_ValueError, "not enough values to unpack (expected 2, got %u)",
                          l->n);
    if (l->n > 2)
        return heap_raise(d->h, &exc_ValueError, "too many values to unpack (expected 2)");
    for (int i = 1; i >= 0; i--)
        if (l->at[i].kind != V_STR)
            return heap_raise(d->h, &exc_TypeError,
                              "make_encoder() argument %d must be str, not %s", 5 + (i == 0),
                              val_type_name(l->at[i]));
    d->item_separator = text_str(l->at[0]);
    d->key_separator = text_str(l->at[1]);
    d->tainted = d->tainted || text_any_untrusted(l->at, 2);
    return true;
}

/* The whole call becomes deferred, with the arguments it was given. */
static bool defer_dumps(struct heap *h, const val *args, val deferred, val *ret)
{
    val names[DUMPS_ARG_COUNT], named[DUMPS_ARG_COUNT];
    struct call_args call = {.at = args, .n = 1, .names = names, .named = named};

    for (int i = DUMPS_OBJ + 1; i < DUMPS_ARG_COUNT; i++) {
        if (val_is_unbound(args[i]))
            continue;
        if (!text_new(h, str_of(dumps_names[i]), &names[call.named_count]))
            return false;
        named[call.named_count++] = args[i];
    }
    return deferred.object->class->defer_call(h, &json_module[0], &call, ret);
}

static bool run_dumps(struct dumper *d, val *args, val *ret)
{
    val kept;
    if (!read_flag(d->h, args[DUMPS_SKIPKEYS], false, &d->skip_keys) ||
        !read_flag(d->h, args[DUMPS_ENSURE_ASCII], true, &d->ascii) ||
        !read_flag(d->h, args[DUMPS_ALLOW_NAN], true, &d->allow_nan) ||
        !read_flag(d->h, args[DUMPS_SORT_KEYS], false, &d->sort_keys) ||
        !read_indent(d, args[DUMPS_INDENT]) || !read_separators(d, args[DUMPS_SEPARATORS], &kept))
        return false;
    if (args[DUMPS_DEFAULT].kind != V_NONE)
        d->fallback = args[DUMPS_DEFAULT];
    /* default= runs the machine, which may collect. */
    heap_hold(d->h, d->fallback);
    heap_hold(d->h, d->indent);
    heap_hold(d->h, kept);
    bool ok = dump(d, args[DUMPS_OBJ]);
    heap_release(d->h, 3);
    if (!ok)
        return false;
    if (d->tainted)
        text_builder_taint(&d->b, 0);
    return text_builder_finish(&d->b, ret);
}

bool json_dumps_native(struct heap *h, val *args, val *ret)
{
    static const struct json_params params = {
        "dumps", "JSONEncoder", dumps_names, DUMPS_ARG_COUNT, {"check_circular", "cls"}};
    val slots[DUMPS_ARG_COUNT];
    struct dumper d = {.h = h};

    if (!json_bind(h, &params, args, slots))
        return false;
    text_builder_init(&d.b, h);
    bool ok = run_dumps(&d, slots, ret);
    text_builder_done(&d.b);
    if (!ok && !val_is_unbound(d.deferred) && h->fault.kind == FAULT_NONE)
        return defer_dumps(h, slots, d.deferred, ret);
    return ok;
}
