#include "base/num.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "vm/builtin_rows_int.h"
#include <math.h>

static bool overflow(struct heap *h)
{
    return heap_raise(h, &exc_OverflowError,
                      "integer overflow: the result does not fit in 64 bits");
}

static bool as_index(struct heap *h, val v, int64_t *ret)
{
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(v));
    *ret = v.i;
    return true;
}

BUILTIN(abs)
{
    val v = args[0];
    if (v.kind == V_FLOAT) {
        *ret = val_float(fabs(v.f));
        return true;
    }
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError, "bad operand type for abs(): '%s'", val_type_name(v));
    if (v.i == INT64_MIN)
        return overflow(h);
    *ret = val_int(v.i < 0 ? -v.i : v.i);
    return true;
}

/* ---- other bases ---- */

static bool in_base(struct heap *h, val v, unsigned bits, char letter, val *ret)
{
    char text[80], *at = text + sizeof text;
    int64_t i = 0;
    if (!as_index(h, v, &i))
        return false;
    uint64_t rest = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    do {
        *--at = "0123456789abcdef"[rest & ((1u << bits) - 1)];
        rest >>= bits;
    } while (rest);
    *--at = letter;
    *--at = '0';
    if (i < 0)
        *--at = '-';
    return text_new(h, str_make(at, (size_t)(text + sizeof text - at)), ret);
}

BUILTIN(bin)
{
    return in_base(h, args[0], 1, 'b', ret);
}

BUILTIN(oct)
{
    return in_base(h, args[0], 3, 'o', ret);
}

BUILTIN(hex)
{
    return in_base(h, args[0], 4, 'x', ret);
}

/* ---- division and powers ---- */

static bool is_number(val v)
{
    return val_is_int(v) || v.kind == V_FLOAT;
}

BUILTIN(divmod)
{
    val both[2];
    if (!is_number(args[0]) || !is_number(args[1]))
        return heap_raise(h, &exc_TypeError,
                          "unsupported operand type(s) for divmod(): '%s' and '%s'",
                          val_type_name(args[0]), val_type_name(args[1]));
    if (val_is_int(args[1]) ? args[1].i == 0 : args[1].f == 0)
        return heap_raise(h, &exc_ZeroDivisionError,
                          args[0].kind == V_FLOAT || args[1].kind == V_FLOAT
                              ? "float divmod()"
                              : "integer division or modulo by zero");
    return op_binary(h, BINARY_FLOORDIV, args[0], args[1], &both[0]) &&
           op_binary(h, BINARY_MOD, args[0], args[1], &both[1]) && tuple_from(h, both, 2, ret);
}

static uint64_t multiply_mod(uint64_t a, uint64_t b, uint64_t mod)
{
    return (uint64_t)((unsigned __int128)a * b % mod);
}

/* x with a * x % mod == 1, or 0 where there is none. */
static uint64_t inverse_mod(uint64_t a, uint64_t mod)
{
    __int128 r0 = mod, r1 = a % mod, t0 = 0, t1 = 1;
    while (r1) {
        __int128 q = r0 / r1, r = r0 - q * r1, t = t0 - q * t1;
        r0 = r1;
        r1 = r;
        t0 = t1;
        t1 = t;
    }
    if (r0 != 1)
        return 0;
    return (uint64_t)(t0 < 0 ? t0 + mod : t0);
}

/* Python's pow(base, exp, mod): the result has the sign of mod. */
static bool pow_mod(struct heap *h, int64_t base, int64_t exp, int64_t mod, val *ret)
{
    if (mod == 0)
        return heap_raise(h, &exc_ValueError, "pow() 3rd argument cannot be 0");
    uint64_t m = mod < 0 ? 0 - (uint64_t)mod : (uint64_t)mod;
    uint64_t b = base < 0 ? (m - (0 - (uint64_t)base) % m) % m : (uint64_t)base % m;
    uint64_t e = exp < 0 ? 0 - (uint64_t)exp : (uint64_t)exp;
    uint64_t result = 1 % m;
    if (exp < 0 && m > 1) {
        b = inverse_mod(b, m);
        if (b == 0)
            return heap_raise(h, &exc_ValueError, "base is not invertible for the given modulus");
    }
    for (; e; e >>= 1) {
        if (e & 1)
            result = multiply_mod(result, b, m);
        b = multiply_mod(b, b, m);
    }
    if (mod < 0 && result)
        *ret = val_int((int64_t)(result - m));
    else
        *ret = val_int((int64_t)result);
    return true;
}

BUILTIN(pow)
{
    if (args[2].kind == V_UNBOUND || args[2].kind == V_NONE)
        return op_binary(h, BINARY_POW, args[0], args[1], ret);
    if (val_is_int(args[0]) && val_is_int(args[1]) && val_is_int(args[2]))
        return pow_mod(h, args[0].i, args[1].i, args[2].i, ret);
    if (args[0].kind == V_FLOAT || args[1].kind == V_FLOAT || args[2].kind == V_FLOAT)
        return heap_raise(h, &exc_TypeError,
                          "pow() 3rd argument not allowed unless all arguments are integers");
    return heap_raise(h, &exc_TypeError,
                      "unsupported operand type(s) for ** or pow(): '%s', '%s', '%s'",
                      val_type_name(args[0]), val_type_name(args[1]), val_type_name(args[2]));
}

/* ---- round ---- */

enum { DIGITS_MAX = 323, INT_DIGITS = 19 };

static bool round_float(struct heap *h, double d, val digits, val *ret)
{
    int64_t n = 0;
    if (digits.kind == V_UNBOUND || digits.kind == V_NONE) {
        double r = nearbyint(d);
        if (isnan(d))
            return heap_raise(h, &exc_ValueError, "cannot convert float NaN to integer");
        if (isinf(d))
            return heap_raise(h, &exc_OverflowError, "cannot convert float infinity to integer");
        if (r >= 0x1p63 || r < -0x1p63)
            return overflow(h);
        *ret = val_int((int64_t)r);
        return true;
    }
    if (!as_index(h, digits, &n))
        return false;
    if (!isfinite(d) || n > DIGITS_MAX) {
        *ret = val_float(d);
        return true;
    }
    if (n < -308) {
        *ret = val_float(copysign(0.0, d));
        return true;
    }
    auto_buf text = BUF(1024);
    double r;
    if (n >= 0) {
        num_add_double_format(&text, d, (int)n, 'f');
    } else {
        /* The digits before the point, correctly rounded by as many significant ones. */
        double magnitude = fabs(d), unit = pow(10, (double)-n);
        double scaled = magnitude / unit, whole = nearbyint(scaled);
        if (fabs(scaled - floor(scaled) - 0.5) < 1e-9 && fmod(magnitude, unit) * 2 != unit)
            whole = fmod(magnitude, unit) * 2 > unit ? ceil(scaled) : floor(scaled);
        *ret = val_float(copysign(whole * unit, d));
        return true;
    }
    if (!num_parse_double(buf_str(&text), &r))
        r = d;
    if (isinf(r))
        return heap_raise(h, &exc_OverflowError, "rounded value too large to represent");
    *ret = val_float(r);
    return true;
}

/* Halves go to the even neighbour. */
static bool round_int(struct heap *h, int64_t i, int64_t digits, val *ret)
{
    __int128 unit = 1;
    if (digits >= 0) {
        *ret = val_int(i);
        return true;
    }
    if (digits < -INT_DIGITS) {
        *ret = val_int(0);
        return true;
    }
    for (int64_t n = digits; n < 0; n++)
        unit *= 10;
    __int128 v = i, rest = v % unit;
    if (rest < 0)
        rest += unit;
    v -= rest;
    if (rest * 2 > unit || (rest * 2 == unit && v / unit % 2 != 0))
        v += unit;
    if (v > INT64_MAX || v < INT64_MIN)
        return overflow(h);
    *ret = val_int((int64_t)v);
    return true;
}

BUILTIN(round)
{
    int64_t digits = 0;
    if (args[0].kind == V_FLOAT)
        return round_float(h, args[0].f, args[1], ret);
    if (!val_is_int(args[0]))
        return heap_raise(h, &exc_TypeError, "type %s doesn't define __round__ method",
                          val_type_name(args[0]));
    if (args[1].kind != V_UNBOUND && args[1].kind != V_NONE && !as_index(h, args[1], &digits))
        return false;
    return round_int(h, args[0].i, digits, ret);
}
