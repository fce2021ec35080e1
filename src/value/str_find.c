/* Methods of str that look for text in text. */
#include "base/utf8.h"
#include "value/ops.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"

/* The last needle that lies in s; the work is charged as it comes, since it can be the product of
 * both lengths. */
static bool find_last(struct heap *h, str s, str needle, size_t *ret)
{
    *ret = SIZE_MAX;
    if (needle.n > s.n)
        return true;
    if (needle.n == 0) {
        *ret = s.n;
        return true;
    }
    for (size_t end = s.n - needle.n + 1; end > 0;) {
        const char *hit = memrchr(s.p, needle.p[0], end);
        if (!text_charge_copy(h, hit ? (size_t)(s.p + end - hit) + needle.n : end))
            return false;
        if (!hit)
            return true;
        if (memcmp(hit, needle.p, needle.n) == 0) {
            *ret = (size_t)(hit - s.p);
            return true;
        }
        end = (size_t)(hit - s.p);
    }
    return true;
}

static bool find_first(struct heap *h, str s, str needle, size_t *ret)
{
    *ret = needle.n > s.n ? SIZE_MAX : str_find(s, needle, 0);
    return text_charge_copy(h, *ret == SIZE_MAX ? s.n : *ret + needle.n);
}

/* Code point index of the hit, or -1. */
static bool find(struct heap *h, val *args, bool last, int64_t *ret)
{
    size_t from = 0, to = 0, at = 0;
    bool in = false;

    if (!str_arg_range(h, args[0].s, args[2], args[3], &from, &to, &in))
        return false;
    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "must be str, not %s", val_type_name(args[1]));
    *ret = -1;
    if (!in)
        return true;
    str s = str_sub(text_str(args[0]), from, to);
    bool ok =
        last ? find_last(h, s, text_str(args[1]), &at) : find_first(h, s, text_str(args[1]), &at);
    if (!ok)
        return false;
    if (at == SIZE_MAX)
        return true;
    at += from;
    if (text_is_ascii(args[0].s)) {
        *ret = (int64_t)at;
        return true;
    }
    *ret = (int64_t)utf8_length(str_sub(text_str(args[0]), 0, at));
    return text_charge_scan(h, at);
}

static bool find_index(struct heap *h, val *args, bool last, val *ret)
{
    int64_t at = -1;
    if (!find(h, args, last, &at))
        return false;
    *ret = val_int(at);
    return true;
}

bool str_method_find(struct heap *h, val *args, val *ret)
{
    return find_index(h, args, false, ret);
}

bool str_method_rfind(struct heap *h, val *args, val *ret)
{
    return find_index(h, args, true, ret);
}

static bool must_find(struct heap *h, val *args, bool last, val *ret)
{
    int64_t at = -1;
    if (!find(h, args, last, &at))
        return false;
    if (at < 0)
        return heap_raise(h, &exc_ValueError, "substring not found");
    *ret = val_int(at);
    return true;
}

bool str_method_index(struct heap *h, val *args, val *ret)
{
    return must_find(h, args, false, ret);
}

bool str_method_rindex(struct heap *h, val *args, val *ret)
{
    return must_find(h, args, true, ret);
}

bool text_has(struct heap *h, val s, val needle, bool *ret)
{
    size_t at = SIZE_MAX;
    if (!find_first(h, text_str(s), text_str(needle), &at))
        return false;
    *ret = at != SIZE_MAX;
    return true;
}

/* How often needle, which is not empty, stands in s; at most `most` times. */
static int64_t count_in(str s, str needle, int64_t most)
{
    int64_t count = 0;
    for (size_t at = 0; count < most && s.n - at >= needle.n; count++) {
        at = str_find(s, needle, at);
        if (at == SIZE_MAX)
            break;
        at += needle.n;
    }
    return count;
}

bool str_method_count(struct heap *h, val *args, val *ret)
{
    size_t from = 0, to = 0;
    bool in = false;

    if (!str_arg_range(h, args[0].s, args[2], args[3], &from, &to, &in))
        return false;
    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "must be str, not %s", val_type_name(args[1]));
    str s = str_sub(text_str(args[0]), from, to), needle = text_str(args[1]);
    int64_t count = 0;
    if (in)
        count = needle.n ? count_in(s, needle, INT64_MAX) : (int64_t)utf8_length(s) + 1;
    *ret = val_int(count);
    return text_charge_scan(h, s.n);
}

/* ---- startswith, endswith ---- */

static bool ends_match(str s, val affix, bool at_end)
{
    return at_end ? str_ends(s, text_str(affix)) : str_starts(s, text_str(affix));
}

static bool match_affix(struct heap *h, val *args, bool at_end, val *ret)
{
    const char *name = at_end ? "endswith" : "startswith";
    size_t from = 0, to = 0;
    bool in, match = false;

    if (!str_arg_range(h, args[0].s, args[2], args[3], &from, &to, &in))
        return false;
    str s = str_sub(text_str(args[0]), from, to);
    if (args[1].kind == V_STR) {
        match = in && ends_match(s, args[1], at_end);
    } else if (args[1].kind == V_TUPLE) {
        const struct tuple_obj *t = args[1].tuple;
        for (uint32_t i = 0; i < t->n && !match; i++) {
            val affix;
            if (!heap_charge(h, 1) || !val_decide(h, t->at[i], &affix))
                return false;
            if (affix.kind != V_STR)
                return heap_raise(h, &exc_TypeError, "tuple for %s must only contain str, not %s",
                                  name, val_type_name(affix));
            match = in && ends_match(s, affix, at_end);
        }
    } else {
        return heap_raise(h, &exc_TypeError, "%s first arg must be str or a tuple of str, not %s",
                          name, val_type_name(args[1]));
    }
    *ret = val_bool(match);
    return true;
}

bool str_method_startswith(struct heap *h, val *args, val *ret)
{
    return match_affix(h, args, false, ret);
}

bool str_method_endswith(struct heap *h, val *args, val *ret)
{
    return match_affix(h, args, true, ret);
}

/* ---- replace ---- */

/* An empty needle stands before every character and at the end. */
static bool replace_empty(struct text_builder *b, str s, str with, int64_t times)
{
    size_t at = 0;
    for (int64_t i = 0; i < times; i++) {
        size_t from = at;
        text_builder_add(b, with);
        if (at == s.n)
            break;
        utf8_next(s, &at);
        text_builder_add(b, str_sub(s, from, at));
        if (!heap_charge(b->heap, 1) || b->bytes.overflow)
            return false;
    }
    text_builder_add(b, str_sub(s, at, s.n));
    return true;
}

static bool replace_all(struct heap *h, str s, str needle, str with, int64_t times, bool tainted,
                        val *ret)
{
    auto_text_builder b;
    size_t at = 0;

    text_builder_init(&b, h);
    if (needle.n == 0) {
        if (!replace_empty(&b, s, with, times) && !b.bytes.overflow)
            return false;
        return str_finish(&b, tainted, ret);
    }
    for (int64_t i = 0; i < times && !b.bytes.overflow; i++) {
        size_t hit = str_find(s, needle, at);
        if (hit == SIZE_MAX)
            break;
        text_builder_add(&b, str_sub(s, at, hit));
        text_builder_add(&b, with);
        at = hit + needle.n;
    }
    text_builder_add(&b, str_sub(s, at, s.n));
    return str_finish(&b, tainted, ret);
}

bool str_method_replace(struct heap *h, val *args, val *ret)
{
    bool tainted = text_any_untrusted(args, 3);
    int64_t times;

    for (int i = 1; i <= 2; i++)
        if (args[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "replace() argument %d must be str, not %s", i,
                              val_argument_name(args[i]));
    if (!str_arg_int(h, args[3], -1, &times))
        return false;
    if (times < 0)
        times = INT64_MAX;
    str s = text_str(args[0]), needle = text_str(args[1]);
    if (!text_charge_scan(h, s.n))
        return false;
    if (!tainted && (times == 0 || !str_has(s, needle))) {
        *ret = args[0];
        return true;
    }
    return replace_all(h, s, needle, text_str(args[2]), times, tainted, ret);
}
