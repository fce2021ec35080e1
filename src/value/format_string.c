/* str.format and str.format_map: replacement fields, their names and their nested specifiers.
 * Names with an underscore in attribute position are refused: the way out of the sandbox that
 * "{0.__class__}" is in other Pythons does not exist. Keys in brackets are data. */
#include "base/utf8.h"
#include "value/dict.h"
#include "value/format_int.h"
#include "value/ops.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"

enum { FORMAT_NESTING = 2 };
enum numbering { NUMBERING_UNKNOWN, NUMBERING_AUTO, NUMBERING_MANUAL };

struct formatter {
    struct heap *h;
    val text; /* the whole format string */
    str s;
    const struct tuple_obj *args; /* NULL: format_map */
    val named;
    enum numbering numbering;
    int64_t next;
    text_filter *escape; /* of each field, or NULL */
};
struct field { /* byte offsets in the format string */
    size_t name, name_end;
    uint32_t conversion; /* 0: none */
    size_t spec, spec_end;
    bool nested; /* the specifier has fields itself */
};

static bool bad(const struct formatter *f, const char *message)
{
    return heap_raise(f->h, &exc_ValueError, "%s", message);
}

/* ---- finding fields ---- */

/* Everything behind "!": one character, then the field's end or a colon. True in *ret_done where
 * the field ends here. */
static bool parse_conversion(const struct formatter *f, size_t end, size_t *at, struct field *ret,
                             bool *ret_done)
{
    *ret_done = false;
    if (*at >= end)
        return bad(f, "end of string while looking for conversion specifier");
    ret->conversion = utf8_next(f->s, at);
    if (*at >= end)
        return true;
    char c = f->s.p[(*at)++];
    if (c == '}')
        *ret_done = true;
    else if (c != ':')
        return bad(f, "expected ':' after conversion specifier");
    return true;
}

static bool parse_spec(const struct formatter *f, size_t end, size_t *at, struct field *ret)
{
    int open = 1;
    ret->spec = *at;
    while (*at < end) {
        char c = f->s.p[(*at)++];
        if (c == '{') {
            ret->nested = true;
            open++;
        } else if (c == '}' && --open == 0) {
            ret->spec_end = *at - 1;
            return true;
        }
    }
    return bad(f, "unmatched '{' in format spec");
}

/* *at stands behind the opening brace, and behind the closing one afterwards. */
static bool parse_field(const struct formatter *f, size_t end, size_t *at, struct field *ret)
{
    char c = 0;
    bool done;

    *ret = (struct field){.name = *at};
    while (*at < end) {
        c = f->s.p[(*at)++];
        if (c == '{')
            return bad(f, "unexpected '{' in field name");
        if (c == '[')
            while (*at < end && f->s.p[*at] != ']')
                ++*at;
        if (c == '}' || c == ':' || c == '!')
            break;
    }
    ret->name_end = *at - 1;
    if (c == '!') {
        if (!parse_conversion(f, end, at, ret, &done))
            return false;
        return done || parse_spec(f, end, at, ret);
    }
    if (c == ':')
        return parse_spec(f, end, at, ret);
    return c == '}' || bad(f, "expected '}' before end of string");
}

/* ---- what a field names ---- */

/* -1 in *ret where the text is not a number. */
static bool read_index(const struct formatter *f, size_t from, size_t to, int64_t *ret)
{
    int64_t value = 0;
    size_t at = from;

    *ret = -1;
    if (from == to)
        return true;
    while (at < to) {
        int digit = unicode_decimal(utf8_next(f->s, &at));
        if (digit < 0)
            return true;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return bad(f, "Too many decimal digits in format string");
    }
    *ret = value;
    return true;
}

static bool number_field(struct formatter *f, bool empty, int64_t *index)
{
    if (f->numbering == NUMBERING_UNKNOWN)
        f->numbering = empty ? NUMBERING_AUTO : NUMBERING_MANUAL;
    if (f->numbering == NUMBERING_AUTO && !empty)
        return bad(f, "cannot switch from automatic field numbering to manual field specification");
    if (f->numbering == NUMBERING_MANUAL && empty)
        return bad(f, "cannot switch from manual field specification to automatic field numbering");
    if (empty)
        *index = f->next++;
    return true;
}

static bool first_value(struct formatter *f, size_t from, size_t to, val *ret)
{
    int64_t index;
    val key;

    if (!read_index(f, from, to, &index))
        return false;
    if (index < 0 && from < to && val_is_unbound(f->named) && !dict_new(f->h, 0, &f->named))
        return false;
    if (index < 0 && from < to)
        return text_slice_bytes(f->h, f->text, from, to, &key) &&
               val_getitem(f->h, f->named, key, ret);
    /* format_map has no positional values, and so no numbering to keep consistent. */
    if (!f->args)
        return bad(f, "Format string contains positional fields");
    if (!number_field(f, from == to, &index))
        return false;
    if (index >= f->args->n)
        return heap_raise(f->h, &exc_IndexError,
                          "Replacement index %lld out of range for positional args tuple",
                          (long long)index);
    val_copy(ret, &f->args->at[index]);
    return true;
}

static bool attribute(struct formatter *f, str name, val v, val *ret)
{
    if (name.n > 1 && name.p[0] == '_')
        return heap_refuse(f->h, "not_supported",
                           "names that begin with an underscore do not exist here",
                           "attribute '%.*s' in a format field is not available: it begins with "
                           "an underscore",
                           STR_ARG(name));
    return val_getattr(f->h, v, name, ret);
}

static bool item(struct formatter *f, size_t from, size_t to, val v, val *ret)
{
    int64_t index;
    val key;

    if (!read_index(f, from, to, &index))
        return false;
    if (index >= 0)
        key = val_int(index);
    else if (!text_slice_bytes(f->h, f->text, from, to, &key))
        return false;
    return val_getitem(f->h, v, key, ret);
}

/* The first name, then .attributes and [keys]. */
static bool field_value(struct formatter *f, const struct field *field, val *ret)
{
    size_t at = field->name, end = field->name_end;
    val v;

    while (at < end && f->s.p[at] != '.' && f->s.p[at] != '[')
        at++;
    if (!first_value(f, field->name, at, &v))
        return false;
    while (at < end) {
        bool ok, bracket = f->s.p[at] == '[';
        size_t from = at + 1, to = from;
        if (!bracket && f->s.p[at] != '.')
            return bad(f, "Only '.' or '[' may follow ']' in format field specifier");
        while (to < end && (bracket ? f->s.p[to] != ']' : f->s.p[to] != '.' && f->s.p[to] != '['))
            to++;
        if (bracket && to == end)
            return bad(f, "Missing ']' in format string");
        if (from == to)
            return bad(f, "Empty attribute in format string");
        ok = bracket ? item(f, from, to, v, &v) : attribute(f, str_sub(f->s, from, to), v, &v);
        if (!ok)
            return false;
        at = bracket ? to + 1 : to;
    }
    val_copy(ret, &v);
    return true;
}

/* ---- putting it together ---- */

static bool expand(struct formatter *f, size_t from, size_t end, int levels, val *ret);

static bool check_conversion(const struct formatter *f, uint32_t c)
{
    if (c == 0 || c == 'r' || c == 's' || c == 'a')
        return true;
    if (c > 32 && c < 127)
        return heap_raise(f->h, &exc_ValueError, "Unknown conversion specifier %c", (int)c);
    return heap_raise(f->h, &exc_ValueError, "Unknown conversion specifier \\x%x", c);
}

static bool format_field(struct formatter *f, const struct field *field, val v, int levels,
                         val *ret)
{
    val spec;

    if (!check_conversion(f, field->conversion))
        return false;
    if (field->nested) {
        if (!expand(f, field->spec, field->spec_end, levels - 1, &spec))
            return false;
    } else if (!text_slice_bytes(f->h, f->text, field->spec, field->spec_end, &spec)) {
        return false;
    }
    return val_format(f->h, v, (char)field->conversion, spec, ret);
}

static bool escaped_field(struct formatter *f, const struct field *field, val v, int levels,
                          struct format_parts *parts)
{
    bool markup = !field->conversion && v.kind == V_STR && (v.o->flags & OBJ_MARKUP);
    if (markup && field->spec < field->spec_end)
        return heap_raise(f->h, &exc_ValueError, "Unsupported format specification for Markup.");
    return (markup || format_field(f, field, v, levels, &v)) && f->escape(f->h, v, &v) &&
           format_parts_add(parts, v);
}

static bool add_field(struct formatter *f, const struct field *field, int levels,
                      struct format_parts *parts)
{
    val v;
    if (!heap_charge(f->h, 1) || !field_value(f, field, &v))
        return false;
    /* Numbers and text without specifier go in as they are, at val_format's price. */
    bool plain = !field->conversion && field->spec == field->spec_end;
    if (f->escape)
        return escaped_field(f, field, v, levels, parts);
    if (plain && v.kind == V_INT) {
        buf_add_int(&parts->b.bytes, v.i);
        return heap_charge(f->h, 1);
    }
    if (plain && v.kind == V_STR)
        return format_parts_add(parts, v);
    return format_field(f, field, v, levels, &v) && format_parts_add(parts, v);
}

/* Literal text up to the next field or doubled brace; false in *ret_field at a doubled brace or
 * the end. */
static bool literal(struct formatter *f, size_t end, size_t *at, size_t *ret_end, bool *ret_field)
{
    size_t i = *at;
    while (i < end && f->s.p[i] != '{' && f->s.p[i] != '}')
        i++;
    *ret_end = i;
    *ret_field = false;
    *at = i;
    if (i == end)
        return true;
    char c = f->s.p[i];
    if (i + 1 < end && f->s.p[i + 1] == c) {
        *ret_end = i + 1;
        *at = i + 2;
        return true;
    }
    if (c == '}')
        return bad(f, "Single '}' encountered in format string");
    if (i + 1 == end)
        return bad(f, "Single '{' encountered in format string");
    *ret_field = true;
    *at = i + 1;
    return true;
}

static bool expand(struct formatter *f, size_t from, size_t end, int levels, val *ret)
{
    auto_format_parts parts;
    size_t at = from;

    format_parts_init(&parts, f->h);
    if (levels <= 0)
        return bad(f, "Max string recursion exceeded");
    while (at < end) {
        struct field field;
        size_t start = at, stop;
        bool has_field;
        if (!literal(f, end, &at, &stop, &has_field))
            return false;
        text_builder_add_part(&parts.b, f->text, start, stop);
        if (has_field &&
            (!parse_field(f, end, &at, &field) || !add_field(f, &field, levels, &parts)))
            return false;
    }
    return text_charge_scan(f->h, end - from) && format_parts_finish(&parts, ret);
}

static bool run(struct formatter *f, val *ret)
{
    if (expand(f, 0, f->s.n, FORMAT_NESTING, ret))
        return true;
    if (!text_is_trusted(f->text))
        text_taint_fault(f->h);
    return false;
}

bool str_method_format(struct heap *h, val *args, val *ret)
{
    struct formatter f = {
        .h = h, .text = args[0], .s = text_str(args[0]), .args = args[1].tuple, .named = args[2]};
    return run(&f, ret);
}

bool text_format_filtered(struct heap *h, val format, const struct tuple_obj *args, val named,
                          text_filter *escape, val *ret)
{
    struct formatter f = {.h = h,
                          .text = format,
                          .s = text_str(format),
                          .args = args,
                          .named = named,
                          .escape = escape};
    return run(&f, ret);
}

bool str_method_format_map(struct heap *h, val *args, val *ret)
{
    struct formatter f = {.h = h, .text = args[0], .s = text_str(args[0]), .named = args[1]};
    return run(&f, ret);
}
