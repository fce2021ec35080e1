/* format(value, spec), f-strings, and the joining of their parts. */
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/repr_int.h"
#include "value/text_int.h"
#include "value/types.h"

static bool check_text_spec(struct heap *h, const struct format_spec *s)
{
    if (s->type && s->type != 's') {
        bool shown = s->type > 32 && s->type < 128;
        return shown ? heap_raise(h, &exc_ValueError,
                                  "Unknown format code '%c' for object of type 'str'", (int)s->type)
                     : heap_raise(h, &exc_ValueError,
                                  "Unknown format code '\\x%x' for object of type 'str'", s->type);
    }
    if (s->sign)
        return heap_raise(h, &exc_ValueError, "%s not allowed in string format specifier",
                          s->sign == ' ' ? "Space" : "Sign");
    if (s->no_negative_zero)
        return heap_raise(h, &exc_ValueError,
                          "Negative zero coercion (z) not allowed in string format specifier");
    if (s->alternate)
        return heap_raise(h, &exc_ValueError,
                          "Alternate form (#) not allowed in string format specifier");
    if (s->align == '=')
        return heap_raise(h, &exc_ValueError,
                          "'=' alignment not allowed in string format specifier");
    return true;
}

static bool format_text(struct text_builder *b, val v, str spec_text)
{
    struct format_spec spec;
    size_t end = v.s->n, start = b->bytes.n;

    if (!format_spec_parse(b->heap, spec_text, '<', "str", &spec) ||
        !check_text_spec(b->heap, &spec))
        return false;
    if (spec.precision >= 0 && spec.precision < (int64_t)v.s->points &&
        !text_offset(b->heap, v.s, (size_t)spec.precision, &end))
        return false;
    text_builder_add_part(b, v, 0, end);
    return format_pad(b, &spec, start);
}

/* The specifier is not empty. */
static bool format_with_spec(struct text_builder *b, val v, str text)
{
    struct format_spec spec;
    const char *name = val_type_name(v);

    switch ((enum val_kind)v.kind) {
    case V_STR:
        return format_text(b, v, text);
    case V_BOOL:
    case V_INT:
        return format_spec_parse(b->heap, text, '>', name, &spec) &&
               format_add_int(b, v.i, &spec, name);
    case V_FLOAT:
        return format_spec_parse(b->heap, text, '>', name, &spec) &&
               format_add_float(b, v.f, &spec, name);
    default:
        return heap_raise(b->heap, &exc_TypeError,
                          "unsupported format string passed to %s.__format__", name);
    }
}

static bool convert(struct heap *h, val v, char conversion, val *ret)
{
    switch (conversion) {
    case 'r':
        return val_repr(h, v, ret);
    case 'a':
        return val_ascii(h, v, ret);
    case 's':
        return val_str(h, v, ret);
    default:
        *ret = v;
        return true;
    }
}

bool val_format(struct heap *h, val v, char conversion, val spec, val *ret)
{
    bool plain = val_is_unbound(spec) || (spec.kind == V_STR && spec.s->n == 0);

    if (v.kind == V_OBJECT && v.object->class->format)
        return v.object->class->format(h, v, conversion, spec, ret);
    if (spec.kind == V_OBJECT && spec.object->class->format)
        return spec.object->class->format(h, v, conversion, spec, ret);
    if (!plain && spec.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "format() argument 2 must be str, not %s",
                          val_argument_name(spec));
    if (!convert(h, v, conversion, &v))
        return false;
    if (plain)
        return val_str(h, v, ret);
    auto_text_builder b;
    text_builder_init(&b, h);
    if (!format_with_spec(&b, v, text_str(spec))) {
        if (!text_is_trusted(spec))
            text_taint_fault(h);
        return false;
    }
    if (!text_is_trusted(spec))
        text_builder_taint(&b, 0);
    return text_builder_finish(&b, ret);
}

/* ---- joining parts ---- */

static bool concat_plain(struct heap *h, const val *parts, uint32_t count, size_t bytes,
                         size_t points, val *ret)
{
    char *to;
    struct str_obj *s = text_alloc(h, bytes, points, &to);
    if (!s)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to, parts[i].s->p, parts[i].s->n);
        to += parts[i].s->n;
    }
    *ret = val_obj(V_STR, s);
    return true;
}

bool val_concat(struct heap *h, const val *parts, uint32_t n, val *ret)
{
    size_t bytes = 0, points = 0;
    bool tainted = false;

    if (n == 1) {
        *ret = parts[0];
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].kind == V_OBJECT)
            return parts[i].object->class->concat(h, parts, n, ret);
        bytes += parts[i].s->n;
        points += parts[i].s->points;
        tainted |= parts[i].s->taint != NULL;
    }
    if (!tainted && bytes)
        return concat_plain(h, parts, n, bytes, points, ret);
    auto_text_builder b;
    text_builder_init(&b, h);
    for (uint32_t i = 0; i < n; i++)
        text_builder_add_val(&b, parts[i]);
    return text_builder_finish(&b, ret);
}

void format_parts_init(struct format_parts *p, struct heap *h)
{
    text_builder_init(&p->b, h);
    p->list = VAL_UNBOUND;
}

void format_parts_done(struct format_parts *p)
{
    text_builder_done(&p->b);
}

/* Moves the text so far into the list of parts. */
static bool flush(struct format_parts *p)
{
    struct heap *h = p->b.heap;
    val text;

    if (val_is_unbound(p->list) && !list_new(h, 4, &p->list))
        return false;
    if (p->b.bytes.n == 0 && p->b.extent_count == 0 && !p->b.bytes.overflow)
        return true;
    if (!text_builder_finish(&p->b, &text) || !list_push(h, p->list.list, text))
        return false;
    text_builder_done(&p->b);
    text_builder_init(&p->b, h);
    return true;
}

bool format_parts_add(struct format_parts *p, val part)
{
    if (part.kind == V_STR) {
        text_builder_add_val(&p->b, part);
        return text_charge_copy(p->b.heap, part.s->n);
    }
    return flush(p) && list_push(p->b.heap, p->list.list, part);
}

bool format_parts_finish(struct format_parts *p, val *ret)
{
    if (val_is_unbound(p->list))
        return text_builder_finish(&p->b, ret);
    return flush(p) && val_concat(p->b.heap, p->list.list->at, p->list.list->n, ret);
}
