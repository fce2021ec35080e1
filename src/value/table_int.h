/* table_int: the hash table under dict and set: compact entries in order of insertion, found
 * through an index with linear probing. Removal moves the index's later slots up, so that only
 * live entries have slots and no run of insertions and removals can fill it.
 * A dict's and a set's fields stand in the same places; their entries differ in size. */
#ifndef VALUE_TABLE_INT_H
#define VALUE_TABLE_INT_H
#include "value/heap.h"

struct table {
    struct obj h;
    uint32_t n, used, cap, mask, version, first, found;
    char *entries;
    uint32_t *index;
};
_Static_assert(sizeof(struct table) == sizeof(struct dict_obj), "a dict is a table");
_Static_assert(sizeof(struct table) == sizeof(struct set_obj), "a set is a table");
_Static_assert(offsetof(struct table, entries) == offsetof(struct dict_obj, entries), "");
_Static_assert(offsetof(struct table, index) == offsetof(struct set_obj, index), "");
_Static_assert(offsetof(struct dict_entry, key) == 0 && offsetof(struct set_entry, key) == 0, "");

enum {
    TABLE_FIRST_CAP = 8, /* up to here entries are searched without an index */
    TABLE_MAX_CAP = 1 << 30,
    TABLE_NONE = UINT32_MAX,
};

static inline bool table_is_dict(const struct table *t)
{
    return t->h.kind == V_DICT;
}
static inline size_t table_stride(const struct table *t)
{
    return table_is_dict(t) ? sizeof(struct dict_entry) : sizeof(struct set_entry);
}
static inline val *table_key(const struct table *t, uint32_t i)
{
    return (val *)(t->entries + i * table_stride(t));
}
static inline uint64_t *table_hash(const struct table *t, uint32_t i)
{
    size_t offset =
        table_is_dict(t) ? offsetof(struct dict_entry, hash) : offsetof(struct set_entry, hash);
    return (uint64_t *)(t->entries + i * table_stride(t) + offset);
}

/* Hashes a key for a lookup; a deferred one is decided first, in place. */
bool table_hash_key(struct heap *h, val *key, uint64_t *ret_hash) must_use;
/* *ret: the key's entry, or TABLE_NONE. */
bool table_find(struct heap *h, const struct table *t, val key, uint64_t hash,
                uint32_t *ret) must_use;
/* In a table with an index, for int keys, the commonest by far beside text. TABLE_NONE where it is
 * not there for certain; false: a key of another type has the same hash. */
static inline bool table_find_int(const struct table *t, size_t stride, int64_t i, uint64_t hash,
                                  uint32_t *ret)
{
    const uint32_t *index = t->index;
    uint32_t mask = t->mask, slot = (uint32_t)hash & mask;
    uint32_t tag = (uint32_t)(hash >> 32) & ~mask;
    for (;; slot = (slot + 1) & mask) {
        uint32_t have = index[slot];
        if (!have) {
            *ret = TABLE_NONE;
            return true;
        }
        if ((have & ~mask) != tag)
            continue;
        uint32_t entry = (have & mask) - 1;
        const val *key = (const val *)(t->entries + entry * stride);
        if (key->kind != V_INT)
            return false;
        if (key->i == i) {
            *ret = entry;
            return true;
        }
    }
}
/* The entry of a text key, or TABLE_NONE. */
uint32_t table_find_str(const struct table *t, str key);
/* Adds an entry for a key that is not there; the entry's value is the caller's to fill. */
bool table_append(struct heap *h, struct table *t, val key, uint64_t hash, uint32_t *ret) must_use;
void table_remove_at(struct table *t, uint32_t entry);
/* Room for n entries in all. */
bool table_reserve(struct heap *h, struct table *t, uint32_t n) must_use;
void table_clear(struct heap *h, struct table *t);
/* Fills the empty table `to`, of the same kind, with the entries of `from`. */
bool table_copy(struct heap *h, const struct table *from, struct table *to) must_use;
/* The first live entry at or after at, or TABLE_NONE. */
static inline uint32_t table_next(const struct table *t, uint32_t at)
{
    if (at < t->first)
        at = t->first;
    for (; at < t->used; at++)
        if (table_key(t, at)->kind != V_UNBOUND)
            return at;
    return TABLE_NONE;
}
/* The last live entry before `end`, or TABLE_NONE. */
static inline uint32_t table_prev(const struct table *t, uint32_t end)
{
    if (end > t->used)
        end = t->used;
    while (end-- > t->first)
        if (table_key(t, end)->kind != V_UNBOUND)
            return end;
    return TABLE_NONE;
}
/* False with CPython's TypeError where the container is frozen. */
bool table_check_open(struct heap *h, const struct obj *o);

#endif
