/* int and float by a format specifier. */
#include "base/num.h"
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>

enum { SMALL_PRECISION = 64 };

static bool unknown_type(struct heap *h, uint32_t type, const char *type_name)
{
    if (type > 32 && type < 128)
        return heap_raise(h, &exc_ValueError, "Unknown format code '%c' for object of type '%s'",
                          (int)type, type_name);
    return heap_raise(h, &exc_ValueError, "Unknown format code '\\x%x' for object of type '%s'",
                      type, type_name);
}

static char sign_of(bool negative, const struct format_spec *spec)
{
    if (negative)
        return '-';
    return spec->sign == '+' || spec->sign == ' ' ? (char)spec->sign : 0;
}

/* ---- int ---- */

str format_int_digits(char room[66], int64_t i, int base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char *at = room + 66;

    do
        *--at = digits[u % (unsigned)base];
    while (u /= (unsigned)base);
    return (str){at, (size_t)(room + 66 - at)};
}

static bool add_character(struct text_builder *b, int64_t i, const struct format_spec *spec)
{
    char bytes[4];
    if (spec->sign)
        return heap_raise(b->heap, &exc_ValueError,
                          "Sign not allowed with integer format specifier 'c'");
    if (spec->alternate)
        return heap_raise(b->heap, &exc_ValueError,
                          "Alternate form (#) not allowed with integer format specifier 'c'");
    if (i < 0 || i > 0x10FFFF)
        return heap_raise(b->heap, &exc_OverflowError, "%%c arg not in range(0x110000)");
    if (i >= 0xD800 && i <= 0xDFFF)
        return heap_refuse(b->heap, "not_supported", "a string holds whole characters only",
                           "the surrogate 0x%x is not a character", (unsigned)i);
    struct format_number n = {.prefix = "", .rest = {bytes, utf8_put((uint32_t)i, bytes)}};
    return format_add_number(b, spec, &n);
}

bool format_add_int(struct text_builder *b, int64_t i, const struct format_spec *spec,
                    const char *type_name)
{
    static const struct {
        char type, base;
        bool upper;
        const char *prefix;
    } types[] = {
        {'d', 10, false, ""},  {'n', 10, false, ""},   {'b', 2, false, "0b"},
        {'o', 8, false, "0o"}, {'x', 16, false, "0x"}, {'X', 16, true, "0X"},
    };
    uint32_t type = spec->type ? spec->type : 'd';
    char room[66];

    if (type < 0x80 && strchr("eEfFgG%", (int)type))
        return format_add_float(b, (double)i, spec, type_name);
    if (type >= 0x80 || !strchr("dnboxXc", (int)type))
        return unknown_type(b->heap, type, type_name);
    if (spec->precision >= 0)
        return heap_raise(b->heap, &exc_ValueError,
                          "Precision not allowed in integer format specifier");
    if (spec->no_negative_zero)
        return heap_raise(b->heap, &exc_ValueError,
                          "Negative zero coercion (z) not allowed in integer format specifier");
    if (type == 'c')
        return add_character(b, i, spec);
    size_t row = 0;
    while ((uint32_t)types[row].type != type)
        row++;
    struct format_number n = {
        .sign = sign_of(i < 0, spec),
        .prefix = spec->alternate ? types[row].prefix : "",
        .digits = format_int_digits(room, i, types[row].base, types[row].upper),
    };
    return format_add_number(b, spec, &n);
}

/* ---- float ---- */

/* g where printf's is no help: with dot_zero it goes over to exponents one digit earlier, so that
 * there is always room for ".0"; and glibc's %#g drops zeros when rounding adds a digit. */
static void add_general(struct buf *out, double d, int precision, bool alternate, bool dot_zero)
{
    char small[SMALL_PRECISION + 16];
    auto_buf large = BUF((size_t)precision + 16);
    const char *text = small;

    if (precision < 1)
        precision = 1;
    if (precision > SMALL_PRECISION) {
        buf_addf(&large, "%.*e", precision - 1, d);
        text = buf_c(&large);
    } else {
        snprintf(small, sizeof small, "%.*e", precision - 1, d);
    }
    const char *e = strchr(text, 'e');
    int exponent = e ? atoi(e + 1) : 0;
    if (exponent >= -4 && exponent < precision - dot_zero) {
        size_t start = out->n;
        if (alternate)
            buf_addf(out, "%#.*f", precision - 1 - exponent, d);
        else
            buf_addf(out, "%.*g", precision, d);
        if (dot_zero && !out->overflow && !memchr(out->p + start, '.', out->n - start))
            buf_add_c(out, ".0");
        return;
    }
    size_t mantissa = e ? (size_t)(e - text) : strlen(text);
    if (!alternate && memchr(text, '.', mantissa)) {
        while (text[mantissa - 1] == '0')
            mantissa--;
        if (text[mantissa - 1] == '.')
            mantissa--;
    }
    buf_add(out, text, mantissa);
    if (alternate && !memchr(text, '.', mantissa))
        buf_add_byte(out, '.');
    buf_add_c(out, e ? e : "");
}

static void add_repr(struct buf *out, double d, bool alternate, bool dot_zero)
{
    size_t start = out->n;
    num_add_double(out, d);
    char *e = memchr(out->p + start, 'e', out->n - start);
    if (!e && !dot_zero && str_ends(buf_str(out), STR(".0")))
        buf_cut(out, out->n - (alternate ? 1 : 2), alternate ? 1 : 2);
    if (e && alternate && !memchr(out->p + start, '.', out->n - start)) {
        char tail[8];
        size_t n = (size_t)(out->p + out->n - e);
        memcpy(tail, e, n);
        buf_cut(out, out->n - n, n);
        buf_add_byte(out, '.');
        buf_add(out, tail, n);
    }
}

bool format_double(struct text_builder *b, double d, char type, int64_t precision, bool alternate,
                   bool dot_zero)
{
    struct buf *out = &b->bytes;
    d = fabs(d);
    if (isnan(d) || isinf(d)) {
        buf_add_c(out, isnan(d) ? "nan" : "inf");
        return true;
    }
    if (precision > INT_MAX)
        return heap_raise(b->heap, &exc_ValueError, "precision too big");
    if ((uint64_t)(precision < 0 ? 0 : precision) > out->max - out->n)
        return heap_out_of_bytes(b->heap);
    if (!text_charge_scan(b->heap, (size_t)(precision < 0 ? 0 : precision)))
        return false;
    switch (type) {
    case 'e':
        buf_addf(out, alternate ? "%#.*e" : "%.*e", (int)precision, d);
        break;
    case 'f':
        buf_addf(out, alternate ? "%#.*f" : "%.*f", (int)precision, d);
        break;
    case 'g':
        if (dot_zero || alternate)
            add_general(out, d, (int)precision, alternate, dot_zero);
        else
            buf_addf(out, "%.*g", (int)precision, d);
        break;
    default:
        add_repr(out, d, alternate, dot_zero);
    }
    return out->overflow ? heap_out_of_bytes(b->heap) : true;
}

static bool is_zero_text(str s)
{
    for (size_t i = 0; i < s.n && s.p[i] != 'e'; i++)
        if (s.p[i] >= '1' && s.p[i] <= '9')
            return false;
    return true;
}

static void to_upper(struct buf *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->p[i] >= 'a' && b->p[i] <= 'z')
            b->p[i] = (char)(b->p[i] - 'a' + 'A');
}

bool format_add_float(struct text_builder *b, double d, const struct format_spec *spec,
                      const char *type_name)
{
    uint32_t type = spec->type;
    int64_t precision = spec->precision;
    bool plain = type == 0, percent = type == '%';
    bool upper = type == 'E' || type == 'F' || type == 'G';

    if (type >= 0x80 || (type && !strchr("eEfFgGn%", (int)type)))
        return unknown_type(b->heap, type, type_name);
    if (precision < 0 && !plain)
        precision = 6;
    if (percent)
        d *= 100;
    char c = plain                                   ? (precision < 0 ? 'r' : 'g')
             : percent || type == 'f' || type == 'F' ? 'f'
             : type == 'e' || type == 'E'            ? 'e'
                                                     : 'g';
    auto_text_builder text;
    text_builder_init(&text, b->heap);
    if (!format_double(&text, d, c, precision, spec->alternate, plain))
        return false;
    if (percent)
        buf_add_byte(&text.bytes, '%');
    if (upper)
        to_upper(&text.bytes);
    str all = buf_str(&text.bytes);
    bool negative = signbit(d) && !isnan(d);
    if (spec->no_negative_zero && isfinite(d) && is_zero_text(all))
        negative = false;
    size_t digits = 0;
    while (digits < all.n && all.p[digits] >= '0' && all.p[digits] <= '9')
        digits++;
    struct format_number n = {
        .sign = sign_of(negative, spec),
        .prefix = "",
        .digits = {all.p, digits},
        .rest = {all.p + digits, all.n - digits},
    };
    return format_add_number(b, spec, &n);
}
