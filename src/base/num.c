#include "base/num.h"
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

str num_int_text(char room[NUM_INT_ROOM], int64_t i)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *end = room + NUM_INT_ROOM, *at = end;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    for (; u >= 100; u /= 100)
        at = memcpy(at - 2, pairs + u % 100 * 2, 2);
    if (u >= 10)
        at = memcpy(at - 2, pairs + u * 2, 2);
    else
        *--at = (char)('0' + u);
    if (i < 0)
        *--at = '-';
    return (str){at, (size_t)(end - at)};
}

bool num_parse_int(str s, int64_t *ret_i)
{
    bool negative = s.n && s.p[0] == '-';
    size_t i = negative || (s.n && s.p[0] == '+') ? 1 : 0;
    int64_t value = 0;

    if (i == s.n)
        return false;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.p[i] - '0', &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *ret_i = negative ? value : -value;
    return true;
}

bool num_parse_double(str s, double *ret_d)
{
    char small[64];
    auto_free char *large = NULL;
    char *text = small;
    char *end;

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == 'x' || s.p[i] == 'X' || s.p[i] == '\0' || s.p[i] == '(' ||
            isspace((unsigned char)s.p[i]))
            return false;
    if (s.n == 0)
        return false;
    if (s.n >= sizeof small)
        text = large = str_dup(s);
    else {
        memcpy(small, s.p, s.n);
        small[s.n] = '\0';
    }
    double d = strtod(text, &end);
    if (*end)
        return false;
    *ret_d = d;
    return true;
}

static void add_exponent(struct buf *b, int exponent)
{
    buf_addf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* digits: n significant decimal digits, the point stands behind the first, times 10^exponent.
 * Python writes exponents outside of [-4, 16) in scientific notation. */
static void add_digits(struct buf *b, const char *digits, int n, int exponent)
{
    if (exponent < -4 || exponent >= 16) {
        buf_add_byte(b, digits[0]);
        if (n > 1) {
            buf_add_byte(b, '.');
            buf_add(b, digits + 1, (size_t)n - 1);
        }
        add_exponent(b, exponent);
    } else if (exponent < 0) {
        buf_add_c(b, "0.");
        buf_add_repeat(b, '0', (size_t)(-exponent - 1));
        buf_add(b, digits, (size_t)n);
    } else if (n <= exponent + 1) {
        buf_add(b, digits, (size_t)n);
        buf_add_repeat(b, '0', (size_t)(exponent + 1 - n));
        buf_add_c(b, ".0");
    } else {
        buf_add(b, digits, (size_t)exponent + 1);
        buf_add_byte(b, '.');
        buf_add(b, digits + exponent + 1, (size_t)(n - exponent - 1));
    }
}

/* The next decimal of as many digits, away from zero, where that reads back as d. Below a power of
 * two the doubles lie closer, so that there the nearest decimal may miss d and this one not. */
static bool round_up(char *text, size_t size, double d)
{
    char up[40];
    snprintf(up, sizeof up, "%s", text);
    char *e = strchr(up, 'e'), *digit = e - 1;
    while (digit > up && (*digit == '9' || *digit == '.'))
        digit--;
    if (*digit < '0' || *digit > '8')
        return false;
    ++*digit;
    for (digit++; digit < e; digit++)
        if (*digit == '9')
            *digit = '0';
    if (strtod(up, NULL) != d)
        return false;
    snprintf(text, size, "%s", up);
    return true;
}

/* The fewest digits, as "d.ddde+dd", that read back as d. */
static void shortest(char *text, size_t size, double d)
{
    int exponent;
    bool lopsided = fabs(frexp(d, &exponent)) == 0.5;
    /* 15 digits always survive the way to a normal double and back, 17 always tell doubles apart.
     */
    for (int precision = fabs(d) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        snprintf(text, size, "%.*e", precision - 1, d);
        if (precision == 17 || strtod(text, NULL) == d || (lopsided && round_up(text, size, d)))
            break;
    }
}

void num_add_double(struct buf *b, double d)
{
    char text[40];

    if (isnan(d) || isinf(d)) {
        buf_add_c(b, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
        return;
    }
    shortest(text, sizeof text, d);
    const char *p = text;
    if (*p == '-')
        buf_add_byte(b, *p++);
    char digits[20];
    int n = 0;
    for (; *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    add_digits(b, digits, n, atoi(p + 1));
}

void num_add_double_format(struct buf *b, double d, int precision, char type)
{
    if (type == 'e')
        buf_addf(b, "%.*e", precision, d);
    else if (type == 'f')
        buf_addf(b, "%.*f", precision, d);
    else
        buf_addf(b, "%.*g", precision, d);
}

bool num_parse_duration(str s, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    int64_t total = 0;
    size_t i = 0;

    while (i < s.n) {
        int64_t value = 0;
        size_t from = i;
        for (; i < s.n && isdigit((unsigned char)s.p[i]); i++)
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, s.p[i] - '0', &value))
                return false;
        size_t u = 0;
        while (i < s.n && u < 4 && units[u].unit != s.p[i])
            u++;
        if (i == from || i == s.n || u == 4 || __builtin_mul_overflow(value, units[u].ms, &value) ||
            __builtin_add_overflow(total, value, &total))
            return false;
        i++;
    }
    *ret_ms = total;
    return s.n > 0;
}
