#include "base/num.h"
#include "types/schema_int.h"
#include <math.h>

struct number schema_number(const json_t *j)
{
    struct number n = {.given = true, .whole = json_is_integer(j)};
    n.i = n.whole ? json_integer_value(j) : 0;
    n.d = n.whole ? (double)n.i : json_real_value(j);
    return n;
}

/* A long double holds both every int64 and every double. */
static long double exactly(const struct number *n)
{
    return n->whole ? (long double)n->i : (long double)n->d;
}

int schema_compare(const json_t *a, const struct number *b)
{
    struct number n = schema_number(a);
    long double x = exactly(&n), y = exactly(b);
    return x < y ? -1 : x > y;
}

/* ---- multiples, of the decimal numbers as they were written ---- */

struct decimal {
    uint64_t digits;
    int exponent;
};

static struct decimal decimal_of(const struct number *n)
{
    struct decimal d = {0, 0};
    auto_buf text = BUF(64);
    bool behind_point = false;
    if (n->whole) {
        d.digits = n->i < 0 ? 0 - (uint64_t)n->i : (uint64_t)n->i;
        return d;
    }
    num_add_double(&text, fabs(n->d));
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == 'e') {
            d.exponent += atoi(text.p + i + 1);
            break;
        }
        if (c == '.') {
            behind_point = true;
        } else {
            d.digits = d.digits * 10 + (uint64_t)(c - '0');
            d.exponent -= behind_point;
        }
        if (d.digits > UINT64_MAX / 20) /* more are zeros: a double has 17 that count */
            d.digits /= 10, d.exponent++;
    }
    while (d.digits && d.digits % 10 == 0)
        d.digits /= 10, d.exponent++;
    return d;
}

bool schema_is_multiple(const json_t *a, const struct number *b)
{
    struct number n = schema_number(a);
    if (n.whole && b->whole)
        return b->i == -1 || n.i % b->i == 0;
    struct decimal x = decimal_of(&n), m = decimal_of(b);
    if (!x.digits)
        return true;
    int shift = x.exponent - m.exponent;
    unsigned __int128 divisor = m.digits, rest = x.digits;
    for (; shift < 0; shift++) {
        divisor *= 10;
        if (divisor > x.digits)
            return false;
    }
    for (rest %= divisor; shift > 0 && rest; shift--)
        rest = rest * 10 % divisor;
    return rest == 0;
}

/* ---- equality ---- */

static bool equal_objects(const json_t *a, const json_t *b)
{
    if (json_object_size(a) != json_object_size(b))
        return false;
    for (void *it = json_object_iter((json_t *)a); it;
         it = json_object_iter_next((json_t *)a, it)) {
        json_t *other = json_object_getn(b, json_object_iter_key(it), json_object_iter_key_len(it));
        if (!other || !schema_equal(json_object_iter_value(it), other))
            return false;
    }
    return true;
}

bool schema_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        struct number n = schema_number(b);
        return schema_compare(a, &n) == 0;
    }
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    case JSON_ARRAY:
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!schema_equal(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    case JSON_OBJECT:
        return equal_objects(a, b);
    default:
        return true;
    }
}

static uint64_t hash_number(const json_t *j)
{
    double d = json_number_value(j);
    if (d == 0)
        d = 0; /* -0.0 is 0 */
    return hash_bytes(&d, sizeof d);
}

uint64_t schema_hash(const json_t *j)
{
    uint64_t hash = (uint64_t)json_typeof(j) + 1;

    switch (json_typeof(j)) {
    case JSON_INTEGER:
    case JSON_REAL:
        return hash_number(j);
    case JSON_STRING:
        return hash_bytes(json_string_value(j), json_string_length(j));
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(j); i++)
            hash = hash_int(hash * 31 + schema_hash(json_array_get(j, i)));
        return hash;
    case JSON_OBJECT:
        for (void *it = json_object_iter((json_t *)j); it;
             it = json_object_iter_next((json_t *)j, it)) {
            uint64_t key = hash_bytes(json_object_iter_key(it), json_object_iter_key_len(it));
            hash += hash_int(key ^ (schema_hash(json_object_iter_value(it)) * 31));
        }
        return hash;
    default:
        return hash_int(hash);
    }
}

/* ---- pairs ---- */

struct hashed {
    uint64_t hash;
    size_t index; /* of the item + 1; 0: free */
};

bool schema_equal_pair(const json_t *array, size_t *ret_first, size_t *ret_second)
{
    size_t n = json_array_size(array), mask = 1;
    while (mask < n * 2)
        mask *= 2;
    auto_free struct hashed *table = mem_zalloc(mask * sizeof *table);
    mask--;
    for (size_t j = 0; j < n; j++) {
        json_t *item = json_array_get(array, j);
        uint64_t hash = schema_hash(item);
        size_t k = hash & mask;
        for (; table[k].index; k = (k + 1) & mask) {
            size_t i = table[k].index - 1;
            if (table[k].hash == hash && schema_equal(json_array_get(array, i), item)) {
                *ret_first = i;
                *ret_second = j;
                return true;
            }
        }
        table[k] = (struct hashed){hash, j + 1};
    }
    return false;
}
