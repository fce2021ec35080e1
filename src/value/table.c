#include "base/map.h"
#include "value/ops.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"

bool table_check_open(struct heap *h, const struct obj *o)
{
    if (!(o->flags & OBJ_FROZEN))
        return true;
    return heap_raise(h, &exc_TypeError,
                      "'%s' object is frozen: values of modules cannot be changed",
                      val_type_name(val_obj(o->kind, (void *)o)));
}

bool table_hash_key(struct heap *h, val *key, uint64_t *ret_hash)
{
    switch (key->kind) {
    case V_STR:
        *ret_hash = text_hash(key->s);
        return true;
    case V_INT:
        *ret_hash = hash_int((uint64_t)key->i);
        return true;
    case V_OBJECT:
        return val_decide(h, *key, key) && val_hash(h, *key, ret_hash);
    default:
        return val_hash(h, *key, ret_hash);
    }
}

/* ---- the index ---- */

static uint32_t index_size(uint32_t cap)
{
    return cap > TABLE_FIRST_CAP ? cap * 2 : 0;
}

/* A slot holds entry + 1 in the bits of the mask, and above them bits of the hash, so that most
 * strangers are passed by without a look at their entries. */
static inline uint32_t slot_value(const struct table *t, uint32_t entry, uint64_t hash)
{
    return ((uint32_t)(hash >> 32) & ~t->mask) | (entry + 1);
}

static inline uint32_t slot_entry(const struct table *t, uint32_t slot)
{
    return (t->index[slot] & t->mask) - 1;
}

static inline void index_place(struct table *t, uint32_t entry, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & t->mask;
    while (t->index[i])
        i = (i + 1) & t->mask;
    t->index[i] = slot_value(t, entry, hash);
}

static void index_fill(struct table *t)
{
    memset(t->index, 0, ((size_t)t->mask + 1) * sizeof *t->index);
    for (uint32_t i = 0; i < t->used; i++)
        index_place(t, i, *table_hash(t, i));
}

static void index_remove(struct table *t, uint32_t entry)
{
    uint32_t hole = (uint32_t)*table_hash(t, entry) & t->mask;
    while (slot_entry(t, hole) != entry)
        hole = (hole + 1) & t->mask;
    for (uint32_t i = (hole + 1) & t->mask; t->index[i]; i = (i + 1) & t->mask) {
        uint32_t home = (uint32_t)*table_hash(t, slot_entry(t, i)) & t->mask;
        if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
            t->index[hole] = t->index[i];
            hole = i;
        }
    }
    t->index[hole] = 0;
}

/* ---- size ---- */

static void table_compact(struct table *t)
{
    size_t stride = table_stride(t);
    uint32_t live = 0;
    for (uint32_t i = t->first; i < t->used; i++)
        if (table_key(t, i)->kind != V_UNBOUND) {
            if (i != live)
                memcpy(t->entries + live * stride, t->entries + i * stride, stride);
            live++;
        }
    t->used = live;
    t->first = 0;
}

static bool table_resize(struct heap *h, struct table *t, uint32_t cap)
{
    size_t stride = table_stride(t);
    uint32_t slots = index_size(cap), old_slots = t->index ? t->mask + 1 : 0;

    if (!heap_charge(h, t->used / 8))
        return false;
    if (slots != old_slots) {
        uint32_t *index = heap_array(h, NULL, 0, slots * sizeof *index);
        if (!index)
            return false;
        if (t->index)
            heap_array_free(h, t->index, old_slots * sizeof *index);
        t->index = index;
        t->mask = slots - 1;
        /* Right even if the entries cannot grow below. */
        table_compact(t);
        index_fill(t);
    } else {
        table_compact(t);
        if (t->index)
            index_fill(t);
    }
    if (cap == t->cap)
        return true;
    char *entries = heap_array(h, t->entries, t->cap * stride, cap * stride);
    if (!entries)
        return false;
    t->entries = entries;
    t->cap = cap;
    return true;
}

bool table_reserve(struct heap *h, struct table *t, uint32_t n)
{
    uint32_t cap = TABLE_FIRST_CAP;
    if (n <= t->cap)
        return true;
    while (cap < n && cap < TABLE_MAX_CAP)
        cap *= 2;
    return table_resize(h, t, cap);
}

/* Room for one more: without the removed entries, and larger where more than 3/4 are live. */
static bool table_make_room(struct heap *h, struct table *t)
{
    uint32_t cap = t->cap ? t->cap : TABLE_FIRST_CAP;
    if (t->cap && t->n > t->cap / 4 * 3)
        cap *= 2;
    return table_resize(h, t, cap);
}

/* ---- finding ---- */

/* Are two keys of one hash the same? */
static inline bool key_equal(struct heap *h, val a, val b, bool *ret)
{
    if (a.kind == V_STR && b.kind == V_STR) {
        *ret = text_equal(a.s, b.s);
        return true;
    }
    if (a.kind == V_INT && b.kind == V_INT) {
        *ret = a.i == b.i;
        return true;
    }
    return val_equal(h, a, b, ret);
}

static bool table_scan(struct heap *h, const struct table *t, val key, uint64_t hash, uint32_t *ret)
{
    for (uint32_t i = t->first; i < t->used; i++) {
        bool same;
        if (*table_hash(t, i) != hash || table_key(t, i)->kind == V_UNBOUND)
            continue;
        if (!key_equal(h, *table_key(t, i), key, &same))
            return false;
        if (same) {
            *ret = i;
            return true;
        }
    }
    *ret = TABLE_NONE;
    return true;
}

bool table_find(struct heap *h, const struct table *t, val key, uint64_t hash, uint32_t *ret)
{
    if (!t->index)
        return table_scan(h, t, key, hash, ret);
    if (key.kind == V_INT &&
        (table_is_dict(t) ? table_find_int(t, sizeof(struct dict_entry), key.i, hash, ret)
                          : table_find_int(t, sizeof(struct set_entry), key.i, hash, ret)))
        return true;
    uint32_t tag = slot_value(t, 0, hash) & ~t->mask;
    for (uint32_t slot = (uint32_t)hash & t->mask;; slot = (slot + 1) & t->mask) {
        bool same;
        if (!t->index[slot]) {
            *ret = TABLE_NONE;
            return true;
        }
        if ((t->index[slot] & ~t->mask) != tag)
            continue;
        uint32_t entry = slot_entry(t, slot);
        if (*table_hash(t, entry) != hash)
            continue;
        if (!key_equal(h, *table_key(t, entry), key, &same))
            return false;
        if (same) {
            *ret = entry;
            return true;
        }
    }
}

static bool key_is_str(const struct table *t, uint32_t i, str key, uint64_t hash)
{
    const val *have = table_key(t, i);
    return *table_hash(t, i) == hash && have->kind == V_STR && str_eq(text_str(*have), key);
}

uint32_t table_find_str(const struct table *t, str key)
{
    uint64_t hash = hash_bytes(key.p, key.n);
    if (!hash)
        hash = 1; /* as text_hash has it */
    if (!t->index) {
        for (uint32_t i = t->first; i < t->used; i++)
            if (key_is_str(t, i, key, hash))
                return i;
        return TABLE_NONE;
    }
    for (uint32_t slot = (uint32_t)hash & t->mask; t->index[slot]; slot = (slot + 1) & t->mask)
        if (key_is_str(t, slot_entry(t, slot), key, hash))
            return slot_entry(t, slot);
    return TABLE_NONE;
}

/* ---- change ---- */

bool table_append(struct heap *h, struct table *t, val key, uint64_t hash, uint32_t *ret)
{
    if (t->used == t->cap && !table_make_room(h, t))
        return false;
    uint32_t i = t->used++;
    *table_key(t, i) = key;
    *table_hash(t, i) = hash;
    if (t->index)
        index_place(t, i, hash);
    t->n++;
    t->version++;
    *ret = i;
    return true;
}

void table_remove_at(struct table *t, uint32_t entry)
{
    if (t->index)
        index_remove(t, entry);
    *table_key(t, entry) = VAL_UNBOUND;
    if (table_is_dict(t))
        table_key(t, entry)[1] = VAL_UNBOUND;
    t->n--;
    t->version++;
    while (t->used > t->first && table_key(t, t->used - 1)->kind == V_UNBOUND)
        t->used--;
    while (t->first < t->used && table_key(t, t->first)->kind == V_UNBOUND)
        t->first++;
    if (t->n == 0)
        t->used = t->first = 0;
}

void table_clear(struct heap *h, struct table *t)
{
    heap_array_free(h, t->entries, t->cap * table_stride(t));
    if (t->index)
        heap_array_free(h, t->index, ((size_t)t->mask + 1) * sizeof *t->index);
    t->entries = NULL;
    t->index = NULL;
    t->n = t->used = t->cap = t->mask = t->first = 0;
    t->version++;
}

bool table_copy(struct heap *h, const struct table *from, struct table *to)
{
    if (!heap_charge(h, from->n / 4) || !table_reserve(h, to, from->n))
        return false;
    size_t stride = table_stride(from);
    for (uint32_t i = table_next(from, 0); i != TABLE_NONE; i = table_next(from, i + 1))
        memcpy(to->entries + to->used++ * stride, from->entries + i * stride, stride);
    to->n = to->used;
    to->version++;
    if (to->index)
        index_fill(to);
    return true;
}
