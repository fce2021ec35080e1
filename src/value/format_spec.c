/* The format specifier, and the padding and grouping that it asks for. */
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"

/* ---- parsing ---- */

/* The specifier as code points, one ahead. */
struct spec_reader {
    struct heap *h;
    str text;
    size_t at;
};

static uint32_t peek(const struct spec_reader *r)
{
    size_t at = r->at;
    return at < r->text.n ? utf8_next(r->text, &at) : 0;
}

static bool at_end(const struct spec_reader *r)
{
    return r->at >= r->text.n;
}

static bool take(struct spec_reader *r, uint32_t cp)
{
    if (at_end(r) || peek(r) != cp)
        return false;
    utf8_next(r->text, &r->at);
    return true;
}

static bool is_alignment(uint32_t cp)
{
    return cp == '<' || cp == '>' || cp == '=' || cp == '^';
}

/* *ret stays as it is where there is no digit. */
static bool take_integer(struct spec_reader *r, int64_t *ret)
{
    int64_t value = 0;
    bool any = false;

    for (int digit; !at_end(r) && (digit = unicode_decimal(peek(r))) >= 0; any = true) {
        utf8_next(r->text, &r->at);
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return heap_raise(r->h, &exc_ValueError, "Too many decimal digits in format string");
    }
    if (any)
        *ret = value;
    return true;
}

static void parse_alignment(struct spec_reader *r, struct format_spec *s, uint32_t default_align)
{
    bool aligned = false, filled = false;
    size_t second = r->at;
    uint32_t first = at_end(r) ? 0 : utf8_next(r->text, &second);

    s->align = default_align;
    s->fill = ' ';
    if (second < r->text.n) {
        size_t behind = second;
        uint32_t cp = utf8_next(r->text, &behind);
        if (is_alignment(cp)) {
            s->fill = first;
            s->align = cp;
            aligned = filled = true;
            r->at = behind;
        }
    }
    if (!aligned && is_alignment(first)) {
        s->align = first;
        aligned = true;
        r->at = second;
    }
    static const uint32_t signs[] = {' ', '+', '-'};
    for (int i = 0; i < 3 && !s->sign; i++)
        if (take(r, signs[i]))
            s->sign = signs[i];
    s->no_negative_zero = take(r, 'z');
    s->alternate = take(r, '#');
    if (!filled && take(r, '0')) {
        s->fill = '0';
        if (!aligned && default_align == '>')
            s->align = '=';
    }
}

static bool check_separator(struct heap *h, const struct format_spec *s, uint32_t default_type)
{
    uint32_t type = s->type ? s->type : default_type;
    if (!s->separator || type == 0 || (type < 0x80 && strchr("defgEG%F", (int)type)))
        return true;
    if (s->separator == '_' && type < 0x80 && strchr("boxX", (int)type))
        return true;
    if (type > 32 && type < 128)
        return heap_raise(h, &exc_ValueError, "Cannot specify '%c' with '%c'.", s->separator,
                          (int)type);
    return heap_raise(h, &exc_ValueError, "Cannot specify '%c' with '\\x%x'.", s->separator, type);
}

static bool parse_separator(struct spec_reader *r, struct format_spec *s)
{
    if (take(r, ','))
        s->separator = ',';
    bool underscore = take(r, '_');
    if (underscore && s->separator)
        return heap_raise(r->h, &exc_ValueError, "Cannot specify both ',' and '_'.");
    if (underscore) {
        s->separator = '_';
        if (take(r, ','))
            return heap_raise(r->h, &exc_ValueError, "Cannot specify both ',' and '_'.");
    }
    return true;
}

/* Not by a format string, which would end at the first NUL of the text. */
static bool invalid_spec(struct heap *h, str text, const char *type_name)
{
    auto_text_builder b;
    val message;

    text_builder_init(&b, h);
    buf_add_c(&b.bytes, "Invalid format specifier '");
    text_builder_add(&b, text);
    buf_addf(&b.bytes, "' for object of type '%s'", type_name);
    return text_builder_finish(&b, &message) && heap_raise_with(h, &exc_ValueError, &message, 1);
}

bool format_spec_parse(struct heap *h, str text, uint32_t default_align, const char *type_name,
                       struct format_spec *ret)
{
    struct spec_reader r = {h, text, 0};
    struct format_spec s = {.width = -1, .precision = -1};

    parse_alignment(&r, &s, default_align);
    if (!take_integer(&r, &s.width) || !parse_separator(&r, &s))
        return false;
    if (take(&r, '.')) {
        if (!take_integer(&r, &s.precision))
            return false;
        if (s.precision < 0)
            return heap_raise(h, &exc_ValueError, "Format specifier missing precision");
    }
    if (!at_end(&r)) {
        s.type = utf8_next(r.text, &r.at);
        if (!at_end(&r))
            return invalid_spec(h, text, type_name);
        /* CPython takes a NUL for no type at all, but only of a float. */
        if (s.type == 0 && strcmp(type_name, "float") != 0)
            return heap_raise(h, &exc_ValueError,
                              "Unknown format code '\\x0' for object of type '%s'", type_name);
    }
    /* Text has the type s where none is given. */
    if (!check_separator(h, &s, default_align == '<' ? 's' : 0))
        return false;
    *ret = s;
    return true;
}

/* ---- padding ---- */

bool format_fill(struct text_builder *b, uint32_t fill, int64_t n)
{
    char bytes[4];
    size_t size = utf8_put(fill, bytes);

    if (n <= 0)
        return true;
    if ((uint64_t)n > (b->bytes.max - b->bytes.n) / size)
        return heap_out_of_bytes(b->heap);
    if (!text_charge_copy(b->heap, (size_t)n * size))
        return false;
    if (size == 1) {
        buf_add_repeat(&b->bytes, bytes[0], (size_t)n);
    } else {
        for (int64_t i = 0; i < n; i++)
            buf_add(&b->bytes, bytes, size);
    }
    return true;
}

bool format_pad(struct text_builder *b, const struct format_spec *spec, size_t start)
{
    str all = buf_str(&b->bytes);
    int64_t missing = spec->width - (int64_t)utf8_length(str_sub(all, start, all.n));

    if (missing <= 0)
        return true;
    int64_t left = spec->align == '>' ? missing : spec->align == '^' ? missing / 2 : 0;
    size_t text_end = b->bytes.n;
    if (!format_fill(b, spec->fill, missing))
        return false;
    if (b->bytes.overflow || !left)
        return true;
    /* Turn: the text moves behind the padding's left part; its extents move along. */
    size_t left_bytes = (b->bytes.n - text_end) / (size_t)missing * (size_t)left;
    char unit[4];
    size_t size = utf8_put(spec->fill, unit);
    memmove(b->bytes.p + start + left_bytes, b->bytes.p + start, text_end - start);
    for (size_t i = 0; i < left_bytes; i += size)
        memcpy(b->bytes.p + start + i, unit, size);
    for (uint32_t i = 0; i < b->extent_count; i++) {
        if (b->extents[i][0] >= start) {
            b->extents[i][0] += (uint32_t)left_bytes;
            b->extents[i][1] += (uint32_t)left_bytes;
        }
    }
    return true;
}

/* ---- grouped digits ---- */

/* How many bytes digits take with separators every `group`, filled with zeros to min_width. */
static int64_t grouped_length(int64_t digits, int64_t group, int64_t min_width)
{
    int64_t plain = digits > 1 ? digits : 1;
    if (!group)
        return plain > min_width ? plain : min_width;
    int64_t length = plain + (plain - 1) / group;
    if (length >= min_width)
        return length;
    /* A separator never stands first: one zero more is written instead. */
    return min_width % (group + 1) ? min_width : min_width + 1;
}

static bool add_grouped(struct text_builder *b, str digits, char separator, int64_t group,
                        int64_t min_width)
{
    if (!separator)
        group = 0;
    int64_t length = grouped_length((int64_t)digits.n, group, min_width);
    if (!format_fill(b, '0', length) || b->bytes.overflow)
        return false;
    char *at = b->bytes.p + b->bytes.n;
    size_t left = digits.n;
    for (int64_t place = 0, written = 0; written < length; written++) {
        at--;
        if (group && place == group) {
            *at = separator;
            place = 0;
            continue;
        }
        *at = left ? digits.p[--left] : '0';
        place++;
    }
    return true;
}

bool format_add_number(struct text_builder *b, const struct format_spec *spec,
                       const struct format_number *n)
{
    int64_t around = (n->sign != 0) + (int64_t)strlen(n->prefix) + (int64_t)utf8_length(n->rest);
    bool fills_digits = spec->fill == '0' && spec->align == '=';
    int64_t group = spec->type < 0x80 && spec->type && strchr("boxX", (int)spec->type) ? 4 : 3;
    int64_t min_width = fills_digits ? spec->width - around : 0;
    int64_t digits =
        n->digits.n ? grouped_length((int64_t)n->digits.n, spec->separator ? group : 0, min_width)
                    : 0;
    int64_t padding = spec->width - around - digits;
    if (padding < 0)
        padding = 0;
    int64_t left = spec->align == '>' ? padding : spec->align == '^' ? padding / 2 : 0;
    int64_t inner = spec->align == '=' ? padding : 0;

    if (!format_fill(b, spec->fill, left))
        return false;
    if (n->sign)
        buf_add_byte(&b->bytes, n->sign);
    buf_add_c(&b->bytes, n->prefix);
    if (!format_fill(b, spec->fill, inner))
        return false;
    if (n->digits.n && !add_grouped(b, n->digits, spec->separator, group, min_width))
        return b->bytes.overflow ? heap_out_of_bytes(b->heap) : false;
    buf_add_str(&b->bytes, n->rest);
    return format_fill(b, spec->fill, padding - left - inner);
}
