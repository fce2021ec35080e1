/* Methods of str that change case. They taint the whole of an untrusted string. */
#include "base/utf8.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/unicode.h"

enum { CAPITAL_SIGMA = 0x3A3, SMALL_SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2 };

/* A capital sigma ends a word where a cased letter stands before it and none behind, those that
 * case ignores left aside. */
static bool is_final_sigma(str s, size_t from, size_t behind, size_t *ret_looked)
{
    uint32_t cp = 0;
    size_t at = from;
    bool found = false;

    while (at > 0 && !found)
        found = !unicode_is_case_ignorable(cp = utf8_prev(s, &at));
    *ret_looked = from - at;
    if (!found || !unicode_is_cased(cp))
        return false;
    at = behind;
    for (found = false; at < s.n && !found;)
        found = !unicode_is_case_ignorable(cp = utf8_next(s, &at));
    *ret_looked += at - behind;
    return !found || !unicode_is_cased(cp);
}

struct casing {
    struct text_builder b;
    str s;
    size_t from, at; /* the present character stands between them */
    uint32_t cp;
};

static bool next(struct casing *c)
{
    if (c->at >= c->s.n || c->b.bytes.overflow)
        return false;
    c->from = c->at;
    c->cp = utf8_next(c->s, &c->at);
    return true;
}

static void add(struct casing *c, uint32_t cp)
{
    char bytes[4];
    buf_add(&c->b.bytes, bytes, utf8_put(cp, bytes));
}

static bool add_as(struct casing *c, enum unicode_case to)
{
    uint32_t mapped[UNICODE_CASE_MAX];
    size_t looked;

    if (to == UNICODE_LOWER && c->cp == CAPITAL_SIGMA) {
        add(c, is_final_sigma(c->s, c->from, c->at, &looked) ? FINAL_SIGMA : SMALL_SIGMA);
        return text_charge_scan(c->b.heap, looked);
    }
    size_t n = unicode_map(to, c->cp, mapped);
    for (size_t i = 0; i < n; i++)
        add(c, mapped[i]);
    return true;
}

static bool map_all(struct casing *c, enum unicode_case to)
{
    while (next(c))
        if (!add_as(c, to))
            return false;
    return true;
}

static bool map_lower(struct casing *c)
{
    return map_all(c, UNICODE_LOWER);
}

static bool map_upper(struct casing *c)
{
    return map_all(c, UNICODE_UPPER);
}

static bool map_fold(struct casing *c)
{
    return map_all(c, UNICODE_FOLD);
}

static bool map_capitalize(struct casing *c)
{
    return (!next(c) || add_as(c, UNICODE_TITLE)) && map_all(c, UNICODE_LOWER);
}

static bool map_swap(struct casing *c)
{
    while (next(c)) {
        if (unicode_is_upper(c->cp) || unicode_is_lower(c->cp)) {
            if (!add_as(c, unicode_is_upper(c->cp) ? UNICODE_LOWER : UNICODE_UPPER))
                return false;
        } else {
            add(c, c->cp);
        }
    }
    return true;
}

static bool map_title(struct casing *c)
{
    for (bool in_word = false; next(c); in_word = unicode_is_cased(c->cp))
        if (!add_as(c, in_word ? UNICODE_LOWER : UNICODE_TITLE))
            return false;
    return true;
}

static bool change_case(struct heap *h, val v, bool (*map)(struct casing *), val *ret)
{
    struct casing c = {.s = text_str(v)};
    text_builder_init(&c.b, h);
    /* Each character is looked up in the tables of Unicode. */
    bool ok = heap_charge(h, (int64_t)(c.s.n / 2)) && map(&c) &&
              str_finish(&c.b, !text_is_trusted(v), ret);
    text_builder_done(&c.b);
    return ok;
}

/* ASCII needs no tables. */
static bool change_ascii(struct heap *h, val v, bool upper, val *ret)
{
    char *to;
    struct str_obj *s = text_alloc(h, v.s->n, v.s->n, &to);
    char first = upper ? 'a' : 'A';

    if (!s)
        return false;
    for (uint32_t i = 0; i < v.s->n; i++) {
        char c = v.s->p[i];
        to[i] = (char)(c ^ ((unsigned char)(c - first) < 26 ? 0x20 : 0));
    }
    if (!text_is_trusted(v) && !text_taint_whole(h, s))
        return false;
    *ret = val_obj(V_STR, s);
    return true;
}

bool str_method_lower(struct heap *h, val *args, val *ret)
{
    if (text_is_ascii(args[0].s))
        return change_ascii(h, args[0], false, ret);
    return change_case(h, args[0], map_lower, ret);
}

bool str_method_upper(struct heap *h, val *args, val *ret)
{
    if (text_is_ascii(args[0].s))
        return change_ascii(h, args[0], true, ret);
    return change_case(h, args[0], map_upper, ret);
}

bool str_method_casefold(struct heap *h, val *args, val *ret)
{
    if (text_is_ascii(args[0].s))
        return change_ascii(h, args[0], false, ret);
    return change_case(h, args[0], map_fold, ret);
}

bool str_method_capitalize(struct heap *h, val *args, val *ret)
{
    return change_case(h, args[0], map_capitalize, ret);
}

bool str_method_swapcase(struct heap *h, val *args, val *ret)
{
    return change_case(h, args[0], map_swap, ret);
}

bool str_method_title(struct heap *h, val *args, val *ret)
{
    return change_case(h, args[0], map_title, ret);
}
