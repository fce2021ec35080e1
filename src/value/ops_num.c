/* ops_num: arithmetic of int, bool and float. */
#include "value/ops_int.h"
#include "value/text.h"
#include "value/types.h"
#include <errno.h>
#include <math.h>

bool num_overflow(struct heap *h)
{
    return heap_raise(h, &exc_OverflowError,
                      "integer overflow: the result does not fit in 64 bits");
}

static bool divided_by_zero(struct heap *h, const char *message)
{
    return heap_raise(h, &exc_ZeroDivisionError, "%s", message);
}

static bool ret_int(val *ret, int64_t i)
{
    *ret = val_int(i);
    return true;
}

static bool ret_float(val *ret, double d)
{
    *ret = val_float(d);
    return true;
}

/* ---- int ---- */

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
}

/* The double nearest to a / b, where converting the operands first would round twice. */
static double divide_exactly(int64_t a, int64_t b)
{
    uint64_t x = magnitude(a), y = magnitude(b);
    int shift = 55 + __builtin_clzll(x) - __builtin_clzll(y);
    if (shift < 0)
        shift = 0;
    unsigned __int128 wide = (unsigned __int128)x << shift;
    uint64_t quotient = (uint64_t)(wide / y);
    quotient |= wide % y != 0; /* below the bits that rounding looks at */
    double d = ldexp((double)quotient, -shift);
    return (a < 0) != (b < 0) ? -d : d;
}

static bool int_divide(struct heap *h, int64_t a, int64_t b, val *ret)
{
    const uint64_t exact = 1ull << 53;
    if (b == 0)
        return divided_by_zero(h, "division by zero");
    if (magnitude(a) <= exact && magnitude(b) <= exact)
        return ret_float(ret, (double)a / (double)b);
    return ret_float(ret, divide_exactly(a, b));
}

static bool int_floordiv(struct heap *h, int64_t a, int64_t b, val *ret)
{
    if (b == 0)
        return divided_by_zero(h, "integer division or modulo by zero");
    if (b == -1)
        return a == INT64_MIN ? num_overflow(h) : ret_int(ret, -a);
    int64_t q = a / b;
    return ret_int(ret, q - (a % b != 0 && (a < 0) != (b < 0)));
}

static bool int_mod(struct heap *h, int64_t a, int64_t b, val *ret)
{
    if (b == 0)
        return divided_by_zero(h, "integer modulo by zero");
    if (b == -1)
        return ret_int(ret, 0);
    int64_t r = a % b;
    return ret_int(ret, r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

static bool int_pow(struct heap *h, int64_t a, int64_t b, val *ret)
{
    int64_t result = 1;
    if (b < 0)
        return num_binary_float(h, BINARY_POW, (double)a, (double)b, ret);
    if (a == 0 || a == 1 || a == -1)
        return ret_int(ret, b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a);
    for (;;) {
        if ((b & 1) && __builtin_mul_overflow(result, a, &result))
            return num_overflow(h);
        b >>= 1;
        if (!b)
            return ret_int(ret, result);
        if (__builtin_mul_overflow(a, a, &a))
            return num_overflow(h);
    }
}

static bool int_shift(struct heap *h, enum binary_op op, int64_t a, int64_t b, val *ret)
{
    if (b < 0)
        return heap_raise(h, &exc_ValueError, "negative shift count");
    if (op == BINARY_RSHIFT)
        return ret_int(ret, a >> (b > 63 ? 63 : b));
    if (a == 0)
        return ret_int(ret, 0);
    if (b > 63 || (int64_t)((uint64_t)a << b) >> b != a)
        return num_overflow(h);
    return ret_int(ret, (int64_t)((uint64_t)a << b));
}

bool num_binary_int(struct heap *h, enum binary_op op, int64_t a, int64_t b, val *ret)
{
    int64_t r;
    switch (op) {
    case BINARY_ADD:
        return __builtin_add_overflow(a, b, &r) ? num_overflow(h) : ret_int(ret, r);
    case BINARY_SUB:
        return __builtin_sub_overflow(a, b, &r) ? num_overflow(h) : ret_int(ret, r);
    case BINARY_MUL:
        return __builtin_mul_overflow(a, b, &r) ? num_overflow(h) : ret_int(ret, r);
    case BINARY_DIV:
        return int_divide(h, a, b, ret);
    case BINARY_FLOORDIV:
        return int_floordiv(h, a, b, ret);
    case BINARY_MOD:
        return int_mod(h, a, b, ret);
    case BINARY_POW:
        return int_pow(h, a, b, ret);
    case BINARY_LSHIFT:
    case BINARY_RSHIFT:
        return int_shift(h, op, a, b, ret);
    case BINARY_AND:
        return ret_int(ret, a & b);
    case BINARY_OR:
        return ret_int(ret, a | b);
    case BINARY_XOR:
        return ret_int(ret, a ^ b);
    default:
        return false; /* the caller knows that ints have no @ */
    }
}

/* ---- float ---- */

/* CPython's float_divmod: the remainder has the sign of b, the quotient is a whole number. */
static void float_divmod(double a, double b, double *ret_quotient, double *ret_rest)
{
    double rest = fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0) {
        if ((b < 0) != (rest < 0)) {
            rest += b;
            quotient -= 1.0;
        }
    } else {
        rest = copysign(0.0, b);
    }
    if (quotient != 0) {
        double whole = floor(quotient);
        if (quotient - whole > 0.5)
            whole += 1.0;
        quotient = whole;
    } else {
        quotient = copysign(0.0, a / b);
    }
    *ret_quotient = quotient;
    *ret_rest = rest;
}

static bool float_pow(struct heap *h, double a, double b, val *ret)
{
    if (a == 0 && b < 0 && isfinite(b))
        return divided_by_zero(h, "0.0 cannot be raised to a negative power");
    if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
        return heap_raise(h, &exc_ValueError,
                          "negative number cannot be raised to a fractional power");
    double d = pow(a, b);
    if (isinf(d) && isfinite(a) && isfinite(b)) {
        val args[2] = {val_int(ERANGE)};
        /* CPython's text of ERANGE, whatever the locale. */
        return text_new(h, STR("Numerical result out of range"), &args[1]) &&
               heap_raise_with(h, &exc_OverflowError, args, 2);
    }
    return ret_float(ret, d);
}

bool num_binary_float(struct heap *h, enum binary_op op, double a, double b, val *ret)
{
    double quotient, rest;
    switch (op) {
    case BINARY_ADD:
        return ret_float(ret, a + b);
    case BINARY_SUB:
        return ret_float(ret, a - b);
    case BINARY_MUL:
        return ret_float(ret, a * b);
    case BINARY_DIV:
        return b == 0 ? divided_by_zero(h, "float division by zero") : ret_float(ret, a / b);
    case BINARY_FLOORDIV:
        if (b == 0)
            return divided_by_zero(h, "float floor division by zero");
        float_divmod(a, b, &quotient, &rest);
        return ret_float(ret, quotient);
    case BINARY_MOD:
        if (b == 0)
            return divided_by_zero(h, "float modulo");
        float_divmod(a, b, &quotient, &rest);
        return ret_float(ret, rest);
    case BINARY_POW:
        return float_pow(h, a, b, ret);
    default:
        return false; /* the caller knows that floats have no bits */
    }
}

/* ---- order ---- */

static int compare_int_float(int64_t i, double d)
{
    if (isnan(d))
        return 2;
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    /* d is within the range of 64 bits: compare whole parts, then what is behind the point. */
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

int num_compare(val a, val b)
{
    if (a.kind == V_FLOAT && b.kind == V_FLOAT)
        return isnan(a.f) || isnan(b.f) ? 2 : a.f < b.f ? -1 : a.f > b.f;
    if (a.kind == V_FLOAT) {
        int order = compare_int_float(b.i, a.f);
        return order == 2 ? 2 : -order;
    }
    if (b.kind == V_FLOAT)
        return compare_int_float(a.i, b.f);
    return a.i < b.i ? -1 : a.i > b.i;
}
