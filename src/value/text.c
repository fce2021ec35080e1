#include "base/map.h"
#include "base/utf8.h"
#include "value/text_int.h"
#include <stdio.h>

enum {
    INTERN_MAX_BYTES = 24,
    POOL_FIRST_SIZE = 128,
    BACK_MIN_BYTES = 64, /* shorter sums are not worth shared bytes */
    TEXT_MAX_BYTES = INT32_MAX,
};

/* Strings of at most INTERN_MAX_BYTES ASCII bytes, by hash with linear probing. Weak: what nothing
 * else reaches is forgotten at the next collection. */
struct text_pool {
    struct str_obj *empty;
    struct str_obj *single[128];
    struct str_obj **at;
    uint32_t n, size; /* size is a power of two, or 0 */
};

/* ---- interned strings ---- */

static struct text_pool *text_pool_get(struct heap *h)
{
    if (!h->texts) {
        h->texts = heap_array(h, NULL, 0, sizeof *h->texts);
        if (h->texts)
            memset(h->texts, 0, sizeof *h->texts);
    }
    return h->texts;
}

static void text_pool_place(struct text_pool *pool, struct str_obj *s)
{
    uint32_t i = (uint32_t)s->hash & (pool->size - 1);
    while (pool->at[i])
        i = (i + 1) & (pool->size - 1);
    pool->at[i] = s;
}

static bool text_pool_grow(struct heap *h, struct text_pool *pool)
{
    uint32_t old_size = pool->size;
    struct str_obj **old = pool->at;
    uint32_t size = old_size ? old_size * 2 : POOL_FIRST_SIZE;
    struct str_obj **at = heap_array(h, NULL, 0, size * sizeof *at);

    if (!at)
        return false;
    memset(at, 0, size * sizeof *at);
    pool->at = at;
    pool->size = size;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i])
            text_pool_place(pool, old[i]);
    if (old)
        heap_array_free(h, old, old_size * sizeof *old);
    return true;
}

void text_pool_sweep(struct heap *h, uint8_t live)
{
    struct text_pool *pool = h->texts;
    if (!pool)
        return;
    if (pool->empty && pool->empty->h.mark != live)
        pool->empty = NULL;
    for (int i = 0; i < 128; i++)
        if (pool->single[i] && pool->single[i]->h.mark != live)
            pool->single[i] = NULL;
    /* Holes would end the probes of the others: place the living anew, around the table once from
     * behind a free slot, which never moves one past an unvisited slot. */
    uint32_t mask = pool->size - 1, start = 0;
    if (!pool->n)
        return;
    while (pool->at[start])
        start++;
    for (uint32_t k = 1; k <= pool->size; k++) {
        uint32_t i = (start + k) & mask;
        struct str_obj *s = pool->at[i];
        if (!s)
            continue;
        pool->at[i] = NULL;
        if (s->h.mark == live)
            text_pool_place(pool, s);
        else
            pool->n--;
    }
}

void text_pool_done(struct heap *h)
{
    struct text_pool *pool = h->texts;
    if (!pool)
        return;
    if (pool->at)
        heap_array_free(h, pool->at, pool->size * sizeof *pool->at);
    heap_array_free(h, pool, sizeof *pool);
    h->texts = NULL;
}

/* ---- creation ---- */

struct str_obj *text_alloc(struct heap *h, size_t n, size_t points, char **ret_bytes)
{
    if (n > TEXT_MAX_BYTES) {
        heap_out_of_bytes(h);
        return NULL;
    }
    if (!text_charge_copy(h, n))
        return NULL;
    struct str_obj *s = heap_new(h, V_STR, sizeof *s + n);
    if (!s)
        return NULL;
    s->n = (uint32_t)n;
    s->points = (uint32_t)points;
    s->p = s->inline_data;
    *ret_bytes = s->inline_data;
    return s;
}

static struct str_obj *text_plain(struct heap *h, str s, size_t points)
{
    char *bytes;
    struct str_obj *o = text_alloc(h, s.n, points, &bytes);
    if (o && s.n)
        memcpy(bytes, s.p, s.n);
    return o;
}

/* Empty and one-character strings need no hash to be found. */
static struct str_obj *text_shortest(struct heap *h, struct text_pool *pool, str s)
{
    struct str_obj **slot = s.n ? &pool->single[(unsigned char)s.p[0]] : &pool->empty;
    if (!*slot)
        *slot = text_plain(h, s, s.n);
    return *slot;
}

static struct str_obj *text_intern(struct heap *h, str s)
{
    struct text_pool *pool = text_pool_get(h);
    if (!pool)
        return NULL;
    if (s.n <= 1)
        return text_shortest(h, pool, s);
    if (pool->n >= pool->size / 2 && !text_pool_grow(h, pool))
        return NULL;
    uint64_t hash = hash_bytes(s.p, s.n);
    if (!hash)
        hash = 1;
    for (uint32_t i = (uint32_t)hash & (pool->size - 1); pool->at[i];
         i = (i + 1) & (pool->size - 1)) {
        struct str_obj *o = pool->at[i];
        if (o->hash == hash && o->n == s.n && memcmp(o->p, s.p, s.n) == 0)
            return o;
    }
    struct str_obj *o = text_plain(h, s, s.n);
    if (!o)
        return NULL;
    o->hash = hash;
    text_pool_place(pool, o);
    pool->n++;
    return o;
}

bool text_new_points(struct heap *h, str s, size_t points, val *ret)
{
    bool interned = s.n == points && s.n <= 1;
    struct str_obj *o = interned ? text_intern(h, s) : text_plain(h, s, points);
    if (!o)
        return false;
    *ret = val_obj(V_STR, o);
    return true;
}

bool text_new(struct heap *h, str s, val *ret)
{
    return text_new_points(h, s, utf8_length(s), ret);
}

bool text_new_interned(struct heap *h, str s, val *ret)
{
    if (s.n > INTERN_MAX_BYTES || !utf8_is_ascii(s))
        return text_new(h, s, ret);
    struct str_obj *o = text_intern(h, s);
    if (!o)
        return false;
    *ret = val_obj(V_STR, o);
    return true;
}

bool text_new_untrusted(struct heap *h, str s, val *ret)
{
    struct str_obj *o = text_plain(h, s, utf8_length(s));
    if (!o || !text_taint_whole(h, o))
        return false;
    *ret = val_obj(V_STR, o);
    return true;
}

bool text_printf(struct heap *h, val *ret, const char *fmt, ...)
{
    auto_buf b = BUF(h->limits.bytes);
    va_list args;

    va_start(args, fmt);
    buf_addv(&b, fmt, args);
    va_end(args);
    return b.overflow ? heap_out_of_bytes(h) : text_new(h, buf_str(&b), ret);
}

uint64_t text_hash(struct str_obj *s)
{
    if (!s->hash) {
        uint64_t hash = hash_bytes(s->p, s->n);
        s->hash = hash ? hash : 1;
    }
    return s->hash;
}

/* ---- a + b ---- */

/* A string over the first bytes of `back`, from `p` on. */
static struct str_obj *text_over(struct heap *h, struct str_back *back, const char *p, size_t n,
                                 size_t points)
{
    struct str_obj *s = heap_new(h, V_STR, sizeof *s);
    if (!s)
        return NULL;
    s->n = (uint32_t)n;
    s->points = (uint32_t)points;
    s->back = back;
    s->p = p;
    return s;
}

static struct str_obj *text_append(struct heap *h, struct str_obj *a, const struct str_obj *b)
{
    struct str_back *back = a->back;
    size_t n = (size_t)a->n + b->n, points = (size_t)a->points + b->points;

    if (back && a->p + a->n == back->data + back->used && back->cap - back->used >= b->n) {
        if (!text_charge_copy(h, b->n))
            return NULL;
        struct str_obj *s = text_over(h, back, a->p, n, points);
        if (s) {
            memcpy(back->data + back->used, b->p, b->n);
            back->used += b->n;
        }
        return s;
    }
    char *bytes;
    if (n < BACK_MIN_BYTES || n > TEXT_MAX_BYTES) {
        struct str_obj *s = text_alloc(h, n, points, &bytes);
        if (s) {
            memcpy(bytes, a->p, a->n);
            memcpy(bytes + a->n, b->p, b->n);
        }
        return s;
    }
    /* Room to grow: as much again for what was appended to before, else a quarter, and never so
     * much that the room alone would pass the limit. */
    size_t spare = back ? n : n / 4;
    size_t left = h->limits.bytes > h->bytes ? h->limits.bytes - h->bytes : 0;
    if (n + spare > left / 2 || n + spare > TEXT_MAX_BYTES)
        spare = 0;
    if (!text_charge_copy(h, n))
        return NULL;
    back = heap_new(h, V_BACK, sizeof *back + n + spare);
    if (!back)
        return NULL;
    back->cap = (uint32_t)(n + spare);
    back->used = (uint32_t)n;
    memcpy(back->data, a->p, a->n);
    memcpy(back->data + a->n, b->p, b->n);
    return text_over(h, back, back->data, n, points);
}

/* Extents of a, then those of b moved behind it. */
static bool text_join_taint(struct heap *h, const struct str_obj *a, const struct str_obj *b,
                            struct str_obj *s)
{
    size_t an = a->taint ? a->taint->n : 0, bn = b->taint ? b->taint->n : 0;
    struct taint *t = text_taint_new(h, an + bn);
    if (!t)
        return false;
    if (an)
        memcpy(t->at, a->taint->at, an * sizeof t->at[0]);
    for (size_t i = 0; i < bn; i++) {
        uint32_t from = b->taint->at[i][0] + a->n, to = b->taint->at[i][1] + a->n;
        if (an && t->at[an - 1][1] == from) {
            t->at[an - 1][1] = to;
            continue;
        }
        t->at[an][0] = from;
        t->at[an++][1] = to;
    }
    t->n = (uint32_t)an;
    s->taint = t;
    return true;
}

bool text_concat(struct heap *h, val a, val b, val *ret)
{
    if (b.s->n == 0 && !b.s->taint) {
        *ret = a;
        return true;
    }
    if (a.s->n == 0 && !a.s->taint) {
        *ret = b;
        return true;
    }
    bool tainted = a.s->taint || b.s->taint;
    char small[INTERN_MAX_BYTES];
    size_t n = (size_t)a.s->n + b.s->n;
    if (!tainted && n <= sizeof small) {
        memcpy(small, a.s->p, a.s->n);
        memcpy(small + a.s->n, b.s->p, b.s->n);
        return text_new_points(h, (str){small, n}, (size_t)a.s->points + b.s->points, ret);
    }
    struct str_obj *s = text_append(h, a.s, b.s);
    if (!s || (tainted && !text_join_taint(h, a.s, b.s, s)))
        return false;
    *ret = val_obj(V_STR, s);
    return true;
}

/* ---- parts ---- */

bool text_offset(struct heap *h, const struct str_obj *s, size_t index, size_t *ret)
{
    if (text_is_ascii(s) || index >= s->points) {
        *ret = index < s->points ? index : s->n;
        return true;
    }
    size_t at;
    if (index <= s->points / 2) {
        at = utf8_offset((str){s->p, s->n}, index);
    } else {
        at = s->n;
        for (size_t back = s->points - index; back; back--)
            do
                at--;
            while (((unsigned char)s->p[at] & 0xC0) == 0x80);
    }
    *ret = at;
    return text_charge_scan(h, at <= s->n / 2 ? at : s->n - at);
}

bool text_slice_bytes(struct heap *h, val s, size_t from, size_t to, val *ret)
{
    if (from == 0 && to == s.s->n && !(s.o->flags & OBJ_MARKUP)) { /* parts of markup are plain */
        *ret = s;
        return true;
    }
    str part = {s.s->p + from, to - from};
    size_t points = text_is_ascii(s.s) ? part.n : utf8_length(part);
    if (!s.s->taint)
        return text_new_points(h, part, points, ret);
    struct str_obj *o = text_plain(h, part, points);
    if (!o || !text_copy_taint(h, s.s, from, o))
        return false;
    *ret = val_obj(V_STR, o);
    return true;
}

bool text_slice(struct heap *h, val s, size_t from, size_t to, val *ret)
{
    size_t at, end;
    if (to < from)
        to = from;
    if (!text_offset(h, s.s, from, &at) || !text_offset(h, s.s, to, &end))
        return false;
    return text_slice_bytes(h, s, at, end, ret);
}

bool text_at(struct heap *h, val s, size_t index, val *ret)
{
    if (text_is_ascii(s.s) && !s.s->taint && h->texts) {
        struct str_obj *single = h->texts->single[(unsigned char)s.s->p[index]];
        if (single) {
            *ret = val_obj(V_STR, single);
            return true;
        }
    }
    return text_slice(h, s, index, index + 1, ret);
}
