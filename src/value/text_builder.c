/* Extents of untrusted text, and the builder that carries them along. */
#include "base/utf8.h"
#include "value/text_int.h"

struct taint *text_taint_new(struct heap *h, size_t extents)
{
    if (!text_charge_copy(h, extents * 8))
        return NULL;
    struct taint *t = heap_new(h, V_BACK, sizeof *t + extents * sizeof t->at[0]);
    if (t)
        t->n = (uint32_t)extents;
    return t;
}

bool text_taint_whole(struct heap *h, struct str_obj *s)
{
    struct taint *t = text_taint_new(h, 1);
    if (!t)
        return false;
    t->at[0][0] = 0;
    t->at[0][1] = s->n;
    s->taint = t;
    return true;
}

/* The part of [from, to) that lies in [start, end), moved by -start. An extent that only touches
 * the part counts where it is empty itself, or where the part is. */
static bool clip(const uint32_t extent[2], size_t start, size_t end, uint32_t ret[2])
{
    size_t from = extent[0] < start ? start : extent[0];
    size_t to = extent[1] > end ? end : extent[1];
    if (from > to || (from == to && extent[0] != extent[1] && start != end))
        return false;
    ret[0] = (uint32_t)(from - start);
    ret[1] = (uint32_t)(to - start);
    return true;
}

/* First extent that ends at or after `at`. */
static uint32_t first_extent(const struct taint *t, size_t at)
{
    uint32_t low = 0, high = t->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->at[mid][1] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool text_copy_taint(struct heap *h, const struct str_obj *from, size_t start, struct str_obj *s)
{
    const struct taint *old = from->taint;
    uint32_t part[2];
    size_t end = start + s->n, n = 0;

    if (!old)
        return true;
    uint32_t first = first_extent(old, start);
    for (uint32_t i = first; i < old->n && old->at[i][0] <= end; i++)
        n += clip(old->at[i], start, end, part);
    if (!n)
        return true;
    struct taint *t = text_taint_new(h, n);
    if (!t)
        return false;
    n = 0;
    for (uint32_t i = first; i < old->n && old->at[i][0] <= end; i++)
        if (clip(old->at[i], start, end, part))
            memcpy(t->at[n++], part, sizeof part);
    s->taint = t;
    return true;
}

bool text_set_trust(struct heap *h, val v, bool trusted, val *ret)
{
    const struct taint *t = v.s->taint;
    char *bytes;

    if (trusted ? !t : t && t->n == 1 && t->at[0][0] == 0 && t->at[0][1] == v.s->n) {
        *ret = v;
        return true;
    }
    if (trusted)
        return text_new_points(h, text_str(v), v.s->points, ret);
    struct str_obj *s = text_alloc(h, v.s->n, v.s->points, &bytes);
    if (!s)
        return false;
    memcpy(bytes, v.s->p, v.s->n);
    if (!text_taint_whole(h, s))
        return false;
    *ret = val_obj(V_STR, s);
    return true;
}

void text_taint_fault(struct heap *h)
{
    if (h->fault.kind != FAULT_EXCEPTION)
        return;
    struct tuple_obj *args = h->fault.value.exc->args.tuple;
    for (uint32_t i = 0; i < args->n; i++)
        if (args->at[i].kind == V_STR && !text_set_trust(h, args->at[i], false, &args->at[i]))
            args->at[i] = VAL_NONE;
}

bool text_any_untrusted(const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (at[i].kind == V_STR && at[i].s->taint)
            return true;
    return false;
}

/* ---- the builder ---- */

void text_builder_init(struct text_builder *b, struct heap *h)
{
    size_t left = h->limits.bytes > h->bytes ? h->limits.bytes - h->bytes : 0;
    *b = (struct text_builder){.heap = h, .bytes = BUF(left < INT32_MAX ? left : INT32_MAX)};
}

void text_builder_done(struct text_builder *b)
{
    buf_done(&b->bytes);
    free(b->extents);
    b->extents = NULL;
    b->extent_count = b->extent_cap = 0;
}

static void add_extent(struct text_builder *b, size_t from, size_t to)
{
    if (b->bytes.overflow)
        return;
    if (b->extent_count && b->extents[b->extent_count - 1][1] >= from) {
        if (b->extents[b->extent_count - 1][1] < to)
            b->extents[b->extent_count - 1][1] = (uint32_t)to;
        return;
    }
    if (b->extent_count == b->extent_cap) {
        b->extent_cap = b->extent_cap ? b->extent_cap * 2 : 8;
        b->extents = mem_realloc_array(b->extents, b->extent_cap, sizeof b->extents[0]);
    }
    b->extents[b->extent_count][0] = (uint32_t)from;
    b->extents[b->extent_count++][1] = (uint32_t)to;
}

void text_builder_add(struct text_builder *b, str trusted)
{
    buf_add_str(&b->bytes, trusted);
}

void text_builder_add_part(struct text_builder *b, val s, size_t from, size_t to)
{
    const struct taint *t = s.s->taint;
    size_t start = b->bytes.n;
    uint32_t part[2];

    buf_add(&b->bytes, s.s->p + from, to - from);
    if (!t)
        return;
    for (uint32_t i = first_extent(t, from); i < t->n && t->at[i][0] <= to; i++)
        if (clip(t->at[i], from, to, part))
            add_extent(b, start + part[0], start + part[1]);
}

void text_builder_add_val(struct text_builder *b, val s)
{
    text_builder_add_part(b, s, 0, s.s->n);
}

void text_builder_taint(struct text_builder *b, size_t from)
{
    while (b->extent_count && b->extents[b->extent_count - 1][0] >= from)
        b->extent_count--;
    add_extent(b, from, b->bytes.n);
}

bool text_builder_finish(struct text_builder *b, val *ret)
{
    str bytes = buf_str(&b->bytes);
    char *to;

    if (b->bytes.overflow)
        return heap_out_of_bytes(b->heap);
    if (!b->extent_count)
        return text_new(b->heap, bytes, ret);
    struct str_obj *s = text_alloc(b->heap, bytes.n, utf8_length(bytes), &to);
    if (!s)
        return false;
    memcpy(to, bytes.p, bytes.n);
    s->taint = text_taint_new(b->heap, b->extent_count);
    if (!s->taint)
        return false;
    memcpy(s->taint->at, b->extents, b->extent_count * sizeof b->extents[0]);
    *ret = val_obj(V_STR, s);
    return true;
}
