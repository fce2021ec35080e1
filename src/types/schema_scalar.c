#include "base/utf8.h"
#include "types/schema_check_int.h"
#include "json/json.h"

enum { MESSAGE_MAX = 4096 };

unsigned schema_kinds_of(const json_t *v)
{
    static const unsigned char kinds[] = {
        [JSON_OBJECT] = KIND_OBJECT, [JSON_ARRAY] = KIND_ARRAY,
        [JSON_STRING] = KIND_STRING, [JSON_INTEGER] = KIND_INTEGER | KIND_NUMBER,
        [JSON_REAL] = KIND_NUMBER,   [JSON_TRUE] = KIND_BOOLEAN,
        [JSON_FALSE] = KIND_BOOLEAN, [JSON_NULL] = KIND_NULL,
    };
    unsigned bits = kinds[json_typeof(v)];
    if (bits == KIND_NUMBER && __builtin_trunc(json_real_value(v)) == json_real_value(v))
        bits |= KIND_INTEGER;
    return bits;
}

bool schema_check_enum(const struct at *a)
{
    json_t *words = a->n->enumeration;
    a->c->work += (int64_t)json_array_size(words);
    for (size_t i = 0; i < json_array_size(words); i++)
        if (schema_equal(json_array_get(words, i), a->v))
            return true;
    if (!a->c->errors)
        return false;
    auto_buf expected = BUF(MESSAGE_MAX);
    size_t n = json_array_size(words);
    for (size_t i = 0; i < n; i++) {
        buf_add_c(&expected, !i ? "" : i + 1 < n ? ", " : " or ");
        schema_add_shown(&expected, json_array_get(words, i), false);
    }
    return schema_fail_found(a, n ? buf_str(&expected) : STR("nothing, since enum is empty"));
}

bool schema_check_constant(const struct at *a)
{
    if (schema_equal(a->n->constant, a->v))
        return true;
    auto_buf expected = BUF(MESSAGE_MAX);
    if (a->c->errors)
        schema_add_shown(&expected, a->n->constant, false);
    return schema_fail_found(a, buf_str(&expected));
}

static bool check_bound(const struct at *a, const struct number *bound, int wrong, int also_wrong,
                        const char *words)
{
    if (!bound->given)
        return true;
    int order = schema_compare(a->v, bound);
    if (order != wrong && order != also_wrong)
        return true;
    auto_buf expected = BUF(200);
    buf_add_c(&expected, words);
    if (bound->whole)
        buf_add_int(&expected, bound->i);
    else
        buf_addf(&expected, "%.17g", bound->d);
    return schema_fail_found(a, buf_str(&expected));
}

bool schema_check_number(const struct at *a)
{
    const struct node *n = a->n;
    bool ok = check_bound(a, &n->minimum, -1, -1, "at least ");
    ok &= check_bound(a, &n->maximum, 1, 1, "at most ");
    ok &= check_bound(a, &n->above, -1, 0, "more than ");
    ok &= check_bound(a, &n->below, 1, 0, "less than ");
    if (n->multiple_of.given && !schema_is_multiple(a->v, &n->multiple_of)) {
        auto_buf expected = BUF(200);
        buf_addf(&expected, "a multiple of %.17g", n->multiple_of.d);
        ok = schema_fail_found(a, buf_str(&expected));
    }
    return ok;
}

bool schema_check_count(const struct at *a, size_t count, int64_t min, int64_t max,
                        const char *unit)
{
    bool few = (int64_t)count < min;
    int64_t bound = few ? min : max;
    if (!few && (int64_t)count <= max)
        return true;
    return fail(a, "expected %s %lld %s%s, found %zu", few ? "at least" : "at most",
                (long long)bound, unit, bound == 1 ? "" : "s", count);
}

bool schema_matches(struct check *c, const struct pattern *p, str text)
{
    c->work += 1 + (int64_t)(text.n / 64);
    enum pattern_found found = pattern_search(p, text);
    if (found == PATTERN_LIMIT)
        return stop(c, "a pattern takes too long");
    return found == PATTERN_YES;
}

bool schema_check_string(const struct at *a)
{
    const struct node *n = a->n;
    str s = json_text_of(a->v);
    bool ok = true;
    /* A character has at most four bytes: most lengths need no counting. */
    if ((int64_t)s.n > n->max_length || (int64_t)(s.n / 4) < n->min_length)
        ok = schema_check_count(a, utf8_length(s), n->min_length, n->max_length, "character");
    if (n->pattern && !schema_matches(a->c, n->pattern, s) && !a->c->stopped) {
        auto_buf expected = BUF(MESSAGE_MAX);
        str text = json_text_of(json_object_get(n->json, "pattern"));
        buf_addf(&expected, "text that matches /%.*s/", STR_ARG(text));
        ok = schema_fail_found(a, buf_str(&expected));
    }
    if (n->check_format && !n->check_format(s)) {
        auto_buf expected = BUF(MESSAGE_MAX);
        buf_addf(&expected, "text in the format '%.*s'", STR_ARG(n->format));
        ok = schema_fail_found(a, buf_str(&expected));
    }
    return ok;
}
