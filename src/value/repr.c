#include "base/num.h"
#include "base/utf8.h"
#include "value/dict.h"
#include "value/ops.h"
#include "value/repr_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"

/* The containers being written, innermost first: one that holds itself is cut short. */
struct repr_open {
    const struct obj *o;
    const struct repr_open *outer;
};
struct repr {
    struct heap *h;
    struct text_builder *b;
    enum repr_style style;
    const struct repr_open *open;
};

static bool repr_val(struct repr *r, val v);

/* ---- strings ---- */

static const char hex_digits[] = "0123456789abcdef";

static void add_hex(struct buf *b, char letter, uint32_t cp, int digits)
{
    char text[10] = {'\\', letter};
    for (int i = 0; i < digits; i++)
        text[2 + i] = hex_digits[cp >> 4 * (digits - 1 - i) & 15];
    buf_add(b, text, (size_t)digits + 2);
}

static void add_escaped(struct buf *b, uint32_t cp)
{
    switch (cp) {
    case '\n':
        buf_add_c(b, "\\n");
        break;
    case '\r':
        buf_add_c(b, "\\r");
        break;
    case '\t':
        buf_add_c(b, "\\t");
        break;
    case '\'':
    case '\\':
        buf_add_byte(b, '\\');
        buf_add_byte(b, (char)cp);
        break;
    default:
        add_hex(b,
                cp < 0x100     ? 'x'
                : cp < 0x10000 ? 'u'
                               : 'U',
                cp,
                cp < 0x100     ? 2
                : cp < 0x10000 ? 4
                               : 8);
    }
}

static void repr_bytes(struct buf *b, str s, size_t from, size_t to, char quote, bool ascii)
{
    size_t done = from;
    for (size_t i = from; i < to;) {
        size_t at = i;
        uint32_t cp = utf8_next(s, &i);
        bool plain = cp == (uint32_t)'\'' ? quote != '\'' : cp != '\\';
        plain = plain && (cp < 0x7F ? cp >= 0x20 : !ascii && unicode_is_printable(cp));
        if (plain)
            continue;
        buf_add(b, s.p + done, at - done);
        add_escaped(b, cp);
        done = i;
    }
    buf_add(b, s.p + done, to - done);
}

void repr_add_text(struct text_builder *b, val v, bool ascii)
{
    str s = text_str(v);
    const struct taint *t = v.s->taint;
    bool single = memchr(s.p, '\'', s.n) != NULL, dual = memchr(s.p, '"', s.n) != NULL;
    char quote = single && !dual ? '"' : '\'';
    size_t at = 0;

    buf_add_byte(&b->bytes, quote);
    for (uint32_t i = 0; t && i < t->n; i++) {
        repr_bytes(&b->bytes, s, at, t->at[i][0], quote, ascii);
        size_t start = b->bytes.n;
        repr_bytes(&b->bytes, s, t->at[i][0], t->at[i][1], quote, ascii);
        text_builder_taint(b, start);
        at = t->at[i][1];
    }
    repr_bytes(&b->bytes, s, at, s.n, quote, ascii);
    buf_add_byte(&b->bytes, quote);
}

/* ---- containers ---- */

static bool repr_items(struct repr *r, const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_add_c(&r->b->bytes, ", ");
        if (!repr_val(r, at[i]))
            return false;
    }
    return true;
}

static bool repr_list(struct repr *r, val v)
{
    /* A hook of an element could change the list: its length is read each time. */
    buf_add_byte(&r->b->bytes, '[');
    for (uint32_t i = 0; i < v.list->n; i++) {
        if (i)
            buf_add_c(&r->b->bytes, ", ");
        if (!repr_val(r, v.list->at[i]))
            return false;
    }
    buf_add_byte(&r->b->bytes, ']');
    return true;
}

static bool repr_tuple(struct repr *r, val v)
{
    buf_add_byte(&r->b->bytes, '(');
    if (!repr_items(r, v.tuple->at, v.tuple->n))
        return false;
    buf_add_c(&r->b->bytes, v.tuple->n == 1 ? ",)" : ")");
    return true;
}

static bool repr_dict(struct repr *r, val v)
{
    uint32_t at = 0;
    bool first = true;

    buf_add_byte(&r->b->bytes, '{');
    for (struct dict_entry *e; (e = dict_next(v.dict, &at)); first = false) {
        val value = e->value;
        if (!first)
            buf_add_c(&r->b->bytes, ", ");
        if (!repr_val(r, e->key))
            return false;
        buf_add_c(&r->b->bytes, ": ");
        if (!repr_val(r, value))
            return false;
    }
    buf_add_byte(&r->b->bytes, '}');
    return true;
}

static bool repr_set(struct repr *r, val v)
{
    uint32_t at = 0;
    bool first = true, frozen = v.kind == V_FROZENSET;

    if (v.set->n == 0) {
        buf_add_c(&r->b->bytes, frozen ? "frozenset()" : "set()");
        return true;
    }
    buf_add_c(&r->b->bytes, frozen ? "frozenset({" : "{");
    for (struct set_entry *e; (e = set_next(v.set, &at)); first = false) {
        if (!first)
            buf_add_c(&r->b->bytes, ", ");
        if (!repr_val(r, e->key))
            return false;
    }
    buf_add_c(&r->b->bytes, frozen ? "})" : "}");
    return true;
}

static bool repr_view(struct repr *r, val v)
{
    val iterator, item;
    bool first = true;

    if (!val_iter(r->h, v, &iterator))
        return false;
    buf_addf(&r->b->bytes, "%s([", val_type_name(v));
    for (;; first = false) {
        if (!val_next(r->h, iterator, &item))
            return false;
        if (val_is_unbound(item))
            break;
        if (!first)
            buf_add_c(&r->b->bytes, ", ");
        if (!repr_val(r, item))
            return false;
    }
    buf_add_c(&r->b->bytes, "])");
    return true;
}

static bool repr_slice(struct repr *r, val v)
{
    const val parts[] = {v.slice->low, v.slice->high, v.slice->step};
    buf_add_c(&r->b->bytes, "slice(");
    if (!repr_items(r, parts, 3))
        return false;
    buf_add_byte(&r->b->bytes, ')');
    return true;
}

static bool repr_exception(struct repr *r, val v)
{
    const struct tuple_obj *args = v.exc->args.tuple;
    buf_addf(&r->b->bytes, "%s(", v.exc->type->name);
    if (!repr_items(r, args->at, args->n))
        return false;
    buf_add_byte(&r->b->bytes, ')');
    return true;
}

/* What CPython writes for a container inside of itself. */
static const char *cut_short(val v)
{
    switch ((enum val_kind)v.kind) {
    case V_LIST:
        return "[...]";
    case V_TUPLE:
        return "(...)";
    case V_DICT:
        return "{...}";
    case V_SET:
        return "set(...)";
    case V_FROZENSET:
        return "frozenset(...)";
    default:
        return "...";
    }
}

static bool repr_container(struct repr *r, val v)
{
    static bool (*const writers[V_KIND_COUNT])(struct repr *, val) = {
        [V_LIST] = repr_list,     [V_TUPLE] = repr_tuple,   [V_DICT] = repr_dict,
        [V_SET] = repr_set,       [V_VIEW] = repr_view,     [V_SLICE] = repr_slice,
        [V_EXC] = repr_exception, [V_FROZENSET] = repr_set,
    };
    for (const struct repr_open *open = r->open; open; open = open->outer) {
        if (open->o == v.o) {
            buf_add_c(&r->b->bytes, cut_short(v));
            return true;
        }
    }
    if (!heap_enter(r->h))
        return false;
    const struct repr_open *outer = r->open;
    r->open = &(struct repr_open){v.o, outer};
    bool ok = writers[v.kind](r, v);
    r->open = outer;
    heap_leave(r->h);
    return ok;
}

/* ---- the rest ---- */

static void repr_range(struct buf *b, val v)
{
    const struct range_obj *range = v.range;
    buf_addf(b, "range(%lld, %lld", (long long)range->start, (long long)range->stop);
    if (range->step != 1)
        buf_addf(b, ", %lld", (long long)range->step);
    buf_add_byte(b, ')');
}

static void repr_type(struct buf *b, const struct type_info *type)
{
    const char *module = type == &exc_JSONDecodeError ? "json.decoder." : "";
    buf_addf(b, "<class '%s%s'>", module, type->name);
}

/* len is a built-in function, str.upper the method of a type. */
static void repr_native(struct buf *b, const struct native_def *def)
{
    static const struct type_info *const types[] = {
        &type_str, &type_list,  &type_dict,      &type_tuple, &type_set,
        &type_int, &type_float, &type_frozenset, &type_range, &type_slice,
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (const struct native_def *row = types[i]->methods; row && row->name; row++) {
            if (row == def) {
                buf_addf(b, "<method '%s' of '%s' objects>", def->name, types[i]->name);
                return;
            }
        }
    }
    buf_addf(b, "<built-in function %s>", def->name);
}

static void repr_code(struct repr *r, val v)
{
    str name = r->h->name ? r->h->name(r->h, v) : STR("");
    text_builder_add(r->b, v.kind == V_GEN ? STR("<generator object ") : STR("<function "));
    text_builder_add(r->b, name);
    buf_add_byte(&r->b->bytes, '>');
}

static bool repr_object(struct repr *r, val v)
{
    const struct obj_class *class = v.object->class;
    val text;

    if (class->decide && r->style != REPR_SHOW)
        return val_decide(r->h, v, &text) && repr_val(r, text);
    if (!class->repr) {
        buf_addf(&r->b->bytes, "<%s object>", class->type.name);
        return true;
    }
    if (!class->repr(r->h, v.object, &text))
        return false;
    text_builder_add_val(r->b, text);
    return true;
}

/* Values that hold no others. */
static bool repr_scalar(struct repr *r, val v)
{
    struct buf *b = &r->b->bytes;
    switch ((enum val_kind)v.kind) {
    case V_NONE:
        buf_add_c(b, "None");
        break;
    case V_BOOL:
        buf_add_c(b, v.b ? "True" : "False");
        break;
    case V_INT:
        buf_add_int(b, v.i);
        break;
    case V_FLOAT:
        num_add_double(b, v.f);
        break;
    case V_ELLIPSIS:
        buf_add_c(b, "Ellipsis");
        break;
    case V_TYPE:
        repr_type(b, v.type);
        break;
    case V_NATIVE:
        repr_native(b, v.native);
        break;
    case V_STR:
        buf_add_c(b, v.o->flags & OBJ_MARKUP ? "Markup(" : "");
        repr_add_text(r->b, v, r->style == REPR_ASCII);
        buf_add_c(b, v.o->flags & OBJ_MARKUP ? ")" : "");
        return text_charge_scan(r->h, v.s->n);
    case V_RANGE:
        repr_range(b, v);
        break;
    case V_METHOD:
        if (v.method->self.kind == V_TYPE && !(v.method->def->flags & NATIVE_CLASS)) {
            buf_addf(b, "<method '%s' of '%s' objects>", v.method->def->name,
                     v.method->self.type->name);
            break;
        }
        buf_addf(b, "<built-in method %s of %s object>", v.method->def->name,
                 val_type_name(v.method->self));
        break;
    case V_FUNC:
    case V_GEN:
        repr_code(r, v);
        break;
    case V_OBJECT:
        return repr_object(r, v);
    default:
        buf_addf(b, "<%s object>", val_type_name(v));
    }
    return true;
}

static bool repr_val(struct repr *r, val v)
{
    if (!heap_charge(r->h, 1))
        return false;
    if (r->b->bytes.overflow)
        return heap_out_of_bytes(r->h);
    switch ((enum val_kind)v.kind) {
    case V_LIST:
    case V_TUPLE:
    case V_DICT:
    case V_SET:
    case V_FROZENSET:
    case V_VIEW:
    case V_SLICE:
    case V_EXC:
        return repr_container(r, v);
    default:
        return repr_scalar(r, v);
    }
}

bool repr_add(struct text_builder *b, val v, enum repr_style style)
{
    struct repr r = {b->heap, b, style, NULL};
    return repr_val(&r, v);
}

/* ---- str() ---- */

/* An exception's text: nothing, its argument, or all of them. */
static bool str_exception(struct text_builder *b, val v, enum repr_style style)
{
    const struct tuple_obj *args = v.exc->args.tuple;
    bool ok;

    if (args->n == 0)
        return true;
    if (!heap_enter(b->heap))
        return false;
    if (args->n == 1) {
        ok = type_is_subclass(v.exc->type, &exc_KeyError) ? repr_add(b, args->at[0], style)
                                                          : str_add(b, args->at[0], style);
    } else if (args->n == 2 && type_is_subclass(v.exc->type, &exc_OSError)) {
        buf_add_c(&b->bytes, "[Errno ");
        ok = str_add(b, args->at[0], style);
        buf_add_c(&b->bytes, "] ");
        ok = ok && str_add(b, args->at[1], style);
    } else {
        ok = repr_add(b, v.exc->args, style);
    }
    heap_leave(b->heap);
    return ok;
}

bool str_add(struct text_builder *b, val v, enum repr_style style)
{
    if (v.kind == V_STR) {
        text_builder_add_val(b, v);
        return text_charge_copy(b->heap, v.s->n);
    }
    if (v.kind == V_EXC)
        return str_exception(b, v, style);
    if (v.kind == V_OBJECT && v.object->class->str) {
        val text;
        if (!v.object->class->str(b->heap, v.object, &text))
            return false;
        text_builder_add_val(b, text);
        return true;
    }
    return repr_add(b, v, style == REPR_ASCII ? REPR_PLAIN : style);
}

static bool deferred_text(struct heap *h, val v, char conversion, val *ret)
{
    val empty;
    return text_new(h, STR(""), &empty) && v.object->class->format(h, v, conversion, empty, ret);
}

static bool to_text(struct heap *h, val v, enum repr_style style, val *ret)
{
    auto_text_builder b;
    text_builder_init(&b, h);
    return repr_add(&b, v, style) && text_builder_finish(&b, ret);
}

bool val_repr(struct heap *h, val v, val *ret)
{
    if (val_is_deferred(v) && v.object->class->format)
        return deferred_text(h, v, 'r', ret);
    return to_text(h, v, REPR_PLAIN, ret);
}

bool val_ascii(struct heap *h, val v, val *ret)
{
    if (val_is_deferred(v) && v.object->class->format)
        return deferred_text(h, v, 'a', ret);
    return to_text(h, v, REPR_ASCII, ret);
}

/* Without a builder: numbers are put into text more often than anything else. */
static bool int_text(struct heap *h, int64_t i, val *ret)
{
    char room[NUM_INT_ROOM];
    str text = num_int_text(room, i);
    return heap_charge(h, 1) && text_new_points(h, text, text.n, ret);
}

bool val_str(struct heap *h, val v, val *ret)
{
    if (v.kind == V_STR) {
        *ret = v;
        return true;
    }
    if (v.kind == V_INT)
        return int_text(h, v.i, ret);
    if (val_is_deferred(v) && v.object->class->format)
        return deferred_text(h, v, 's', ret);
    auto_text_builder b;
    text_builder_init(&b, h);
    return str_add(&b, v, REPR_PLAIN) && text_builder_finish(&b, ret);
}

bool val_show(struct heap *h, val v, val *ret)
{
    auto_text_builder b;
    text_builder_init(&b, h);
    return str_add(&b, v, REPR_SHOW) && text_builder_finish(&b, ret);
}
