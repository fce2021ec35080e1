/* num_methods: the methods of int, bool and float. */
#include "base/num.h"
#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops_int.h"
#include "value/text.h"
#include "value/types.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>

/* ---- int ---- */

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

static bool int_bit_length(struct heap *h, val *args, val *ret)
{
    (void)h;
    uint64_t n = magnitude(args[0].i);
    *ret = val_int(n ? 64 - __builtin_clzll(n) : 0);
    return true;
}

static bool int_bit_count(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = val_int(__builtin_popcountll(magnitude(args[0].i)));
    return true;
}

static bool int_conjugate(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = val_int(args[0].i);
    return true;
}

static bool int_as_integer_ratio(struct heap *h, val *args, val *ret)
{
    const val pair[] = {val_int(args[0].i), val_int(1)};
    return tuple_from(h, pair, 2, ret);
}

const struct native_def int_methods[] = {
    METHOD("as_integer_ratio", int_as_integer_ratio, 0, 0, 0, "()", "(self, 1)"),
    METHOD("bit_count", int_bit_count, 0, 0, 0, "()", "How many bits of the magnitude are set."),
    METHOD("bit_length", int_bit_length, 0, 0, 0, "()", "Bits needed for the magnitude."),
    METHOD("conjugate", int_conjugate, 0, 0, 0, "()", "The number itself."),
    METHODS_END,
};

/* ---- float ---- */

static bool float_as_integer_ratio(struct heap *h, val *args, val *ret)
{
    double d = args[0].f;
    int exponent;

    if (isinf(d))
        return heap_raise(h, &exc_OverflowError, "cannot convert Infinity to integer ratio");
    if (isnan(d))
        return heap_raise(h, &exc_ValueError, "cannot convert NaN to integer ratio");
    /* 53 bits of fraction as a whole number, and what is even in it moved to the other side. */
    int64_t n = (int64_t)ldexp(frexp(d, &exponent), 53);
    exponent -= 53;
    while (n && n % 2 == 0 && exponent < 0) {
        n /= 2;
        exponent++;
    }
    if (n == 0)
        exponent = 0;
    if (exponent < -62 || (exponent > 0 && (exponent > 62 || magnitude(n) >> (63 - exponent))))
        return num_overflow(h);
    const val pair[] = {val_int(exponent > 0 ? n * (1ll << exponent) : n),
                        val_int(exponent < 0 ? 1ll << -exponent : 1)};
    return tuple_from(h, pair, 2, ret);
}

static bool float_conjugate(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = args[0];
    return true;
}

static bool float_is_integer(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = val_bool(isfinite(args[0].f) && floor(args[0].f) == args[0].f);
    return true;
}

static bool float_hex(struct heap *h, val *args, val *ret)
{
    double d = args[0].f;
    const char *sign = signbit(d) ? "-" : "";
    uint64_t bits;

    if (isnan(d))
        return text_new(h, STR("nan"), ret);
    if (isinf(d))
        return text_printf(h, ret, "%sinf", sign);
    if (d == 0)
        return text_printf(h, ret, "%s0x0.0p+0", sign);
    memcpy(&bits, &d, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    unsigned long long fraction = bits & 0xfffffffffffffull;
    return text_printf(h, ret, "%s0x%d.%013llxp%+d", sign, exponent != 0, fraction,
                       exponent ? exponent - 1023 : -1022);
}

static bool bad_hex(struct heap *h)
{
    return heap_raise(h, &exc_ValueError, "invalid hexadecimal floating-point string");
}

enum { HEX_MAX = 1200 }; /* characters that a number can need, zeros included */

/* "0x1.8p3" with or without prefix and exponent, inf and nan; correctly rounded by strtod, which
 * reads the same form once the prefix is there. */
static bool float_fromhex(struct heap *h, val *args, val *ret)
{
    char text[HEX_MAX + 8];
    double d;

    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "bad argument type for built-in operation");
    str s = str_trim(text_str(args[1]));
    const char *sign = str_starts(s, STR("-")) ? "-" : "";
    if (*sign || str_starts(s, STR("+")))
        s = str_sub(s, 1, s.n);
    if (num_parse_double(s, &d) && !isfinite(d)) {
        *ret = val_float(*sign ? -d : d);
        return true;
    }
    if (s.n >= 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X'))
        s = str_sub(s, 2, s.n);
    if (s.n == 0 || s.n > HEX_MAX || !strchr("0123456789abcdefABCDEF.", s.p[0]))
        return bad_hex(h);
    snprintf(text, sizeof text, "%s0x%.*s", sign, STR_ARG(s));
    char *end;
    errno = 0;
    d = strtod(text, &end);
    if (end != text + strlen(text) || strlen(text) != s.n + 2 + strlen(sign))
        return bad_hex(h);
    if (isinf(d))
        return heap_raise(h, &exc_OverflowError,
                          "hexadecimal value too large to represent as a float");
    *ret = val_float(d);
    return true;
}

const struct native_def float_methods[] = {
    METHOD("as_integer_ratio", float_as_integer_ratio, 0, 0, 0, "()",
           "Two ints whose quotient is the number."),
    METHOD("conjugate", float_conjugate, 0, 0, 0, "()", "The number itself."),
    METHOD("fromhex", float_fromhex, 1, 1, NATIVE_CLASS, "(string, /)",
           "The number of a hexadecimal text."),
    METHOD("hex", float_hex, 0, 0, 0, "()", "The number as hexadecimal text."),
    METHOD("is_integer", float_is_integer, 0, 0, 0, "()", "Whether the number is whole."),
    METHODS_END,
};
