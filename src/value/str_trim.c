/* Methods of str that cut and fill the ends. */
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"
#include <limits.h>

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

/* ---- strip ---- */

static bool in_set(str set, uint32_t cp)
{
    if (cp < 0x80)
        return memchr(set.p, (int)cp, set.n) != NULL;
    for (size_t at = 0; at < set.n;)
        if (utf8_next(set, &at) == cp)
            return true;
    return false;
}

static bool strip(struct heap *h, val *args, int sides, const char *name, val *ret)
{
    bool space = args[1].kind == V_NONE || args[1].kind == V_UNBOUND;
    str s = text_str(args[0]);
    size_t from = 0, to = s.n;

    if (!space && args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%s arg must be None or str", name);
    str set = space ? STR("") : text_str(args[1]);
    while (sides & TRIM_LEFT && from < to) {
        size_t next = from;
        uint32_t cp = utf8_next(s, &next);
        if (!(space ? unicode_is_space(cp) : in_set(set, cp)))
            break;
        from = next;
    }
    while (sides & TRIM_RIGHT && to > from) {
        size_t before = to;
        uint32_t cp = utf8_prev(s, &before);
        if (!(space ? unicode_is_space(cp) : in_set(set, cp)))
            break;
        to = before;
    }
    size_t cut = s.n - (to - from);
    return heap_charge(h, (int64_t)(cut / TEXT_SCAN_STEP * (1 + set.n / TEXT_SCAN_STEP))) &&
           text_slice_bytes(h, args[0], from, to, ret);
}

bool str_method_strip(struct heap *h, val *args, val *ret)
{
    return strip(h, args, TRIM_LEFT | TRIM_RIGHT, "strip", ret);
}

bool str_method_lstrip(struct heap *h, val *args, val *ret)
{
    return strip(h, args, TRIM_LEFT, "lstrip", ret);
}

bool str_method_rstrip(struct heap *h, val *args, val *ret)
{
    return strip(h, args, TRIM_RIGHT, "rstrip", ret);
}

static bool check_affix(struct heap *h, val v, const char *name)
{
    return v.kind == V_STR || heap_raise(h, &exc_TypeError, "%s() argument must be str, not %s",
                                         name, val_argument_name(v));
}

bool str_method_removeprefix(struct heap *h, val *args, val *ret)
{
    if (!check_affix(h, args[1], "removeprefix"))
        return false;
    bool has = str_starts(text_str(args[0]), text_str(args[1]));
    return text_slice_bytes(h, args[0], has ? args[1].s->n : 0, args[0].s->n, ret);
}

bool str_method_removesuffix(struct heap *h, val *args, val *ret)
{
    if (!check_affix(h, args[1], "removesuffix"))
        return false;
    bool has = str_ends(text_str(args[0]), text_str(args[1]));
    return text_slice_bytes(h, args[0], 0, args[0].s->n - (has ? args[1].s->n : 0), ret);
}

/* ---- fill ---- */

static bool fill_char(struct heap *h, val v, uint32_t *ret)
{
    size_t at = 0;

    *ret = ' ';
    if (val_is_unbound(v))
        return true;
    if (v.kind != V_STR)
        return heap_raise(h, &exc_TypeError,
                          "The fill character must be a unicode character, not %s",
                          val_type_name(v));
    if (v.s->points != 1)
        return heap_raise(h, &exc_TypeError,
                          "The fill character must be exactly one character long");
    *ret = utf8_next(text_str(v), &at);
    return true;
}

static bool add_fill(struct text_builder *b, uint32_t fill, int64_t n, val fill_text)
{
    size_t start = b->bytes.n;
    if (!format_fill(b, fill, n))
        return false;
    if (n > 0 && fill_text.kind == V_STR && !text_is_trusted(fill_text))
        text_builder_taint(b, start);
    return true;
}

static bool pad(struct heap *h, val *args, int sides, val *ret)
{
    auto_text_builder b;
    uint32_t fill;
    int64_t width, left;

    text_builder_init(&b, h);
    if (!str_arg_int(h, args[1], 0, &width) || !fill_char(h, args[2], &fill))
        return false;
    int64_t missing = width > args[0].s->points ? width - args[0].s->points : 0;
    if (!missing) {
        *ret = args[0];
        return true;
    }
    if (sides == (TRIM_LEFT | TRIM_RIGHT))
        left = missing / 2 + (missing & width & 1);
    else
        left = sides == TRIM_LEFT ? missing : 0;
    if (!add_fill(&b, fill, left, args[2]))
        return false;
    text_builder_add_val(&b, args[0]);
    return add_fill(&b, fill, missing - left, args[2]) && text_builder_finish(&b, ret);
}

bool str_method_center(struct heap *h, val *args, val *ret)
{
    return pad(h, args, TRIM_LEFT | TRIM_RIGHT, ret);
}

bool str_method_ljust(struct heap *h, val *args, val *ret)
{
    return pad(h, args, TRIM_RIGHT, ret);
}

bool str_method_rjust(struct heap *h, val *args, val *ret)
{
    return pad(h, args, TRIM_LEFT, ret);
}

bool str_method_zfill(struct heap *h, val *args, val *ret)
{
    auto_text_builder b;
    const struct str_obj *s = args[0].s;
    int64_t width;

    text_builder_init(&b, h);
    if (!str_arg_int(h, args[1], 0, &width))
        return false;
    if (width <= s->points) {
        *ret = args[0];
        return true;
    }
    size_t sign = s->n && (s->p[0] == '-' || s->p[0] == '+');
    text_builder_add_part(&b, args[0], 0, sign);
    if (!format_fill(&b, '0', width - s->points))
        return false;
    text_builder_add_part(&b, args[0], sign, s->n);
    return text_builder_finish(&b, ret);
}

bool str_method_expandtabs(struct heap *h, val *args, val *ret)
{
    auto_text_builder b;
    str s = text_str(args[0]);
    int64_t size, column = 0;
    size_t done = 0;

    text_builder_init(&b, h);
    if (!str_arg_int(h, args[1], 8, &size))
        return false;
    if (size > INT_MAX || size < INT_MIN)
        return heap_raise(h, &exc_OverflowError, "Python int too large to convert to C int");
    if (!text_charge_scan(h, s.n))
        return false;
    for (size_t i = 0; i < s.n;) {
        size_t at = i;
        uint32_t cp = utf8_next(s, &i);
        column = cp == '\n' || cp == '\r' ? 0 : cp == '\t' ? column : column + 1;
        if (cp != '\t')
            continue;
        int64_t blanks = size > 0 ? size - column % size : 0;
        text_builder_add_part(&b, args[0], done, at);
        if (!format_fill(&b, ' ', blanks))
            return false;
        column += blanks;
        done = i;
    }
    text_builder_add_part(&b, args[0], done, s.n);
    return text_builder_finish(&b, ret);
}
