/* Methods of str that take text apart and put it together. Parts keep their extents. */
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"
#include "value/unicode.h"
#include <limits.h>

static bool push_part(struct heap *h, val list, val s, size_t from, size_t to)
{
    val part;
    return heap_charge(h, 1) && text_slice_bytes(h, s, from, to, &part) &&
           list_push(h, list.list, part);
}

/* ---- split by white space ---- */

/* Offset behind the run of white space (or of other characters) at `at`. */
static size_t skip(str s, size_t at, bool space)
{
    while (at < s.n) {
        size_t next = at;
        if (unicode_is_space(utf8_next(s, &next)) != space)
            break;
        at = next;
    }
    return at;
}

static size_t skip_back(str s, size_t at, bool space)
{
    while (at > 0) {
        size_t before = at;
        if (unicode_is_space(utf8_prev(s, &before)) != space)
            break;
        at = before;
    }
    return at;
}

static bool split_space(struct heap *h, val v, int64_t most, val list)
{
    str s = text_str(v);
    size_t at = skip(s, 0, true);

    for (; most > 0 && at < s.n; most--) {
        size_t end = skip(s, at, false);
        if (!push_part(h, list, v, at, end))
            return false;
        at = skip(s, end, true);
    }
    return at == s.n || push_part(h, list, v, at, s.n);
}

static bool rsplit_space(struct heap *h, val v, int64_t most, val list)
{
    str s = text_str(v);
    size_t end = skip_back(s, s.n, true);

    for (; most > 0 && end > 0; most--) {
        size_t at = skip_back(s, end, false);
        if (!push_part(h, list, v, at, end))
            return false;
        end = skip_back(s, at, true);
    }
    return end == 0 || push_part(h, list, v, 0, end);
}

/* ---- split by a separator ---- */

static bool split_by(struct heap *h, val v, str sep, int64_t most, val list)
{
    str s = text_str(v);
    size_t at = 0;

    for (; most > 0; most--) {
        size_t hit = str_find(s, sep, at);
        if (hit == SIZE_MAX)
            break;
        if (!push_part(h, list, v, at, hit))
            return false;
        at = hit + sep.n;
    }
    return push_part(h, list, v, at, s.n);
}

static size_t find_back(str s, str sep)
{
    for (size_t end = s.n >= sep.n ? s.n - sep.n + 1 : 0; end > 0;) {
        const char *hit = memrchr(s.p, sep.p[0], end);
        if (!hit)
            break;
        if (memcmp(hit, sep.p, sep.n) == 0)
            return (size_t)(hit - s.p);
        end = (size_t)(hit - s.p);
    }
    return SIZE_MAX;
}

static bool rsplit_by(struct heap *h, val v, str sep, int64_t most, val list)
{
    str s = text_str(v);

    for (; most > 0; most--) {
        size_t hit = find_back(s, sep);
        if (hit == SIZE_MAX)
            break;
        if (!push_part(h, list, v, hit + sep.n, s.n))
            return false;
        s.n = hit;
    }
    return push_part(h, list, v, 0, s.n);
}

/* Searching backwards may compare the whole separator at each place. */
static bool charge_back(struct heap *h, str s, str sep)
{
    size_t work = sep.n > TEXT_COPY_STEP ? sep.n / TEXT_COPY_STEP : 1;
    return heap_charge(h, (int64_t)(s.n / TEXT_SCAN_STEP * work));
}

static void reverse(struct list_obj *l)
{
    for (uint32_t i = 0; i < l->n / 2; i++) {
        val v = l->at[i];
        l->at[i] = l->at[l->n - 1 - i];
        l->at[l->n - 1 - i] = v;
    }
}

static bool split(struct heap *h, val *args, bool from_end, val *ret)
{
    bool by_space = args[1].kind == V_NONE || args[1].kind == V_UNBOUND, ok;
    int64_t most;

    if (!str_arg_int(h, args[2], -1, &most))
        return false;
    if (most < 0)
        most = INT64_MAX;
    if (!by_space && args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "must be str or None, not %s", val_type_name(args[1]));
    if (!by_space && args[1].s->n == 0)
        return heap_raise(h, &exc_ValueError, "empty separator");
    if (!text_charge_scan(h, args[0].s->n) || !list_new(h, 0, ret))
        return false;
    if (by_space) {
        ok = from_end ? rsplit_space(h, args[0], most, *ret) : split_space(h, args[0], most, *ret);
    } else {
        str sep = text_str(args[1]);
        ok = from_end
                 ? charge_back(h, text_str(args[0]), sep) && rsplit_by(h, args[0], sep, most, *ret)
                 : split_by(h, args[0], sep, most, *ret);
    }
    if (ok && from_end)
        reverse(ret->list);
    return ok;
}

bool str_method_split(struct heap *h, val *args, val *ret)
{
    return split(h, args, false, ret);
}

bool str_method_rsplit(struct heap *h, val *args, val *ret)
{
    return split(h, args, true, ret);
}

/* Neither a break nor the first byte of one: most bytes. */
static inline bool is_inside_line(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x20 && c != 0xC2 && c != 0xE2;
}

bool str_method_splitlines(struct heap *h, val *args, val *ret)
{
    str s = text_str(args[0]);
    int64_t keep;

    if (!str_arg_int(h, args[1], 0, &keep))
        return false;
    if (keep > INT_MAX || keep < INT_MIN)
        return heap_raise(h, &exc_OverflowError, "Python int too large to convert to C int");
    if (!text_charge_scan(h, s.n) || !list_new(h, 0, ret))
        return false;
    for (size_t at = 0; at < s.n;) {
        size_t end = at, next = at;
        while (next < s.n) {
            if (is_inside_line(s.p[next])) {
                end = ++next;
                continue;
            }
            uint32_t cp = utf8_next(s, &next);
            if (unicode_is_line_break(cp)) {
                if (cp == '\r' && next < s.n && s.p[next] == '\n')
                    next++;
                break;
            }
            end = next;
        }
        if (!push_part(h, *ret, args[0], at, keep ? next : end))
            return false;
        at = next;
    }
    return true;
}

/* ---- partition ---- */

static bool partition(struct heap *h, val *args, bool from_end, val *ret)
{
    val empty, parts[3];

    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "must be str, not %s", val_type_name(args[1]));
    str s = text_str(args[0]), sep = text_str(args[1]);
    if (sep.n == 0)
        return heap_raise(h, &exc_ValueError, "empty separator");
    if (!(from_end ? charge_back(h, s, sep) : text_charge_copy(h, s.n)))
        return false;
    size_t hit = from_end ? find_back(s, sep) : str_find(s, sep, 0);
    if (hit == SIZE_MAX) {
        if (!text_new(h, STR(""), &empty))
            return false;
        parts[0] = from_end ? empty : args[0];
        parts[1] = empty;
        parts[2] = from_end ? args[0] : empty;
    } else {
        parts[1] = args[1];
        if (!text_slice_bytes(h, args[0], 0, hit, &parts[0]) ||
            !text_slice_bytes(h, args[0], hit, hit + sep.n, &parts[1]) ||
            !text_slice_bytes(h, args[0], hit + sep.n, s.n, &parts[2]))
            return false;
    }
    return tuple_from(h, parts, 3, ret);
}

bool str_method_partition(struct heap *h, val *args, val *ret)
{
    return partition(h, args, false, ret);
}

bool str_method_rpartition(struct heap *h, val *args, val *ret)
{
    return partition(h, args, true, ret);
}

/* ---- join ---- */

static bool is_iterable(val v)
{
    switch ((enum val_kind)v.kind) {
    case V_STR:
    case V_TUPLE:
    case V_LIST:
    case V_DICT:
    case V_SET:
    case V_FROZENSET:
    case V_RANGE:
    case V_VIEW:
    case V_ITER:
    case V_GEN:
        return true;
    case V_OBJECT:
        return v.object->class->iter || v.object->class->decide;
    default:
        return false;
    }
}

static bool join_parts(struct heap *h, val sep, const val *at, uint32_t n, val *ret)
{
    auto_format_parts parts;
    format_parts_init(&parts, h);
    for (uint32_t i = 0; i < n; i++)
        if ((i && !format_parts_add(&parts, sep)) || !format_parts_add(&parts, at[i]))
            return false;
    return format_parts_finish(&parts, ret);
}

static bool join_plain(struct heap *h, val sep, const val *at, uint32_t n, size_t bytes,
                       size_t points, val *ret)
{
    char *to;
    struct str_obj *s = text_alloc(h, bytes, points, &to);
    if (!s)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (i && sep.s->n) {
            memcpy(to, sep.s->p, sep.s->n);
            to += sep.s->n;
        }
        memcpy(to, at[i].s->p, at[i].s->n);
        to += at[i].s->n;
    }
    *ret = val_obj(V_STR, s);
    return true;
}

static bool join(struct heap *h, val sep, const val *at, uint32_t n, val *ret)
{
    bool plain = !sep.s->taint;
    size_t gaps = n ? n - 1 : 0;
    size_t bytes = sep.s->n * gaps, points = sep.s->points * gaps;

    if (!heap_charge(h, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (val_is_deferred(at[i])) {
            plain = false;
        } else if (at[i].kind != V_STR) {
            return heap_raise(h, &exc_TypeError,
                              "sequence item %u: expected str instance, %s found", i,
                              val_type_name(at[i]));
        } else {
            bytes += at[i].s->n;
            points += at[i].s->points;
            plain = plain && !at[i].s->taint;
        }
    }
    if (n == 1) {
        *ret = at[0];
        return true;
    }
    if (n == 0)
        return text_new(h, STR(""), ret);
    return plain ? join_plain(h, sep, at, n, bytes, points, ret) : join_parts(h, sep, at, n, ret);
}

bool str_method_join(struct heap *h, val *args, val *ret)
{
    val list = args[1];

    if (!is_iterable(list))
        return heap_raise(h, &exc_TypeError, "can only join an iterable");
    if (list.kind == V_TUPLE)
        return join(h, args[0], list.tuple->at, list.tuple->n, ret);
    if (list.kind != V_LIST) {
        /* A generator runs the machine, which may collect. */
        heap_hold(h, args[0]);
        bool ok = val_to_list(h, list, &list);
        heap_release(h, 1);
        if (!ok)
            return false;
    }
    return join(h, args[0], list.list->at, list.list->n, ret);
}
