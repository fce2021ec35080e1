/* int("...") and float("...") as CPython reads them: white space around, digits of every script,
 * single underscores between digits. */
#include "base/num.h"
#include "base/utf8.h"
#include "value/repr_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"
#include <stdio.h>

enum { SHOWN_POINTS = 200 };

/* Digits and blanks of other scripts as ASCII; what is neither becomes '?'. ASCII text stays as it
 * is, so that its blanks are C's alone. */
static void to_ascii(str s, struct buf *out)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t cp = utf8_next(s, &at);
        int digit = unicode_decimal(cp);
        if (unicode_is_space(cp))
            buf_add_byte(out, ' ');
        else if (digit >= 0)
            buf_add_byte(out, (char)('0' + digit));
        else
            buf_add_byte(out, cp < 0x80 ? (char)cp : '?');
    }
}

/* ValueError: WHAT'text'; what is untrusted in the text stays so in the message. */
static bool raise_about(struct heap *h, const char *what, val text, size_t points)
{
    auto_text_builder b;
    val message;

    text_builder_init(&b, h);
    text_builder_add(&b, str_of(what));
    repr_add_text(&b, text, false);
    if (!text_builder_finish(&b, &message))
        return false;
    if (message.s->points > points && !text_slice(h, message, 0, points, &message))
        return false;
    return heap_raise_with(h, &exc_ValueError, &message, 1);
}

/* ---- int ---- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* The base that "0x", "0o" and "0b" stand for; 0 for no prefix. */
static int prefix_base(str s)
{
    if (s.n < 2 || s.p[0] != '0')
        return 0;
    switch (s.p[1] | 0x20) {
    case 'x':
        return 16;
    case 'o':
        return 8;
    case 'b':
        return 2;
    default:
        return 0;
    }
}

enum digits_result { DIGITS_OK, DIGITS_BAD, DIGITS_TOO_BIG };

static enum digits_result read_digits(str s, int base, bool negative, int64_t *ret)
{
    bool fits = true, digit_before = false;
    int64_t value = 0;

    for (size_t i = 0; i < s.n; i++) {
        int digit = digit_value(s.p[i]);
        if (s.p[i] == '_') {
            if (!digit_before)
                return DIGITS_BAD;
            digit_before = false;
            continue;
        }
        if (digit >= base)
            return DIGITS_BAD;
        digit_before = true;
        fits = fits && !__builtin_mul_overflow(value, base, &value) &&
               !(negative ? __builtin_sub_overflow(value, digit, &value)
                          : __builtin_add_overflow(value, digit, &value));
    }
    if (!digit_before)
        return DIGITS_BAD;
    *ret = value;
    return fits ? DIGITS_OK : DIGITS_TOO_BIG;
}

static enum digits_result read_int(str s, int base, int64_t *ret)
{
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_sub(s, 1, s.n);
    int prefix = prefix_base(s);
    bool guess = base == 0;
    if (guess)
        base = prefix ? prefix : 10;
    if (prefix && prefix == base) {
        s = str_sub(s, 2, s.n);
        if (s.n && s.p[0] == '_') /* one underscore may stand behind the prefix */
            s = str_sub(s, 1, s.n);
    }
    enum digits_result result = read_digits(s, base, negative, ret);
    /* "010" would be octal in C: only zeros may begin with a zero. */
    if (guess && !prefix && result == DIGITS_OK && *ret != 0 && s.p[0] == '0')
        return DIGITS_BAD;
    return result;
}

bool number_parse_int(struct heap *h, val text, int64_t base, val *ret)
{
    auto_buf ascii = BUF(h->limits.bytes);
    str s = text_str(text);
    char what[64];
    int64_t value;

    if (base != 0 && (base < 2 || base > 36))
        return heap_raise(h, &exc_ValueError, "int() base must be >= 2 and <= 36, or 0");
    if (!text_charge_scan(h, s.n))
        return false;
    if (!text_is_ascii(text.s)) {
        to_ascii(s, &ascii);
        s = buf_str(&ascii);
    }
    switch (read_int(str_trim(s), (int)base, &value)) {
    case DIGITS_OK:
        *ret = val_int(value);
        return true;
    case DIGITS_TOO_BIG:
        return heap_raise(h, &exc_OverflowError,
                          "integer overflow: the number does not fit in 64 bits");
    default:
        snprintf(what, sizeof what, "invalid literal for int() with base %d: ", (int)base);
        return raise_about(h, what, text, strlen(what) + SHOWN_POINTS);
    }
}

/* ---- float ---- */

/* Without its underscores; false where one does not stand between digits. */
static bool drop_underscores(str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_') {
            buf_add_byte(out, s.p[i]);
            continue;
        }
        if (i == 0 || i + 1 == s.n || digit_value(s.p[i - 1]) > 9 || digit_value(s.p[i + 1]) > 9)
            return false;
    }
    return true;
}

bool number_parse_float(struct heap *h, val text, val *ret)
{
    auto_buf ascii = BUF(h->limits.bytes), plain = BUF(h->limits.bytes);
    str s = text_str(text);
    double d;

    if (!text_charge_scan(h, s.n))
        return false;
    if (!text_is_ascii(text.s)) {
        to_ascii(s, &ascii);
        s = buf_str(&ascii);
    }
    s = str_trim(s);
    bool ok = drop_underscores(s, &plain);
    if (!ok || !num_parse_double(buf_str(&plain), &d))
        return raise_about(h, "could not convert string to float: ", text, SIZE_MAX);
    *ret = val_float(d);
    return true;
}
