#include "value/dict.h"
#include "value/table_int.h"

static inline struct table *table_of(const struct set_obj *s)
{
    return (struct table *)s;
}

bool set_new(struct heap *h, enum val_kind kind, uint32_t room, val *ret)
{
    struct set_obj *s = heap_new(h, kind, sizeof *s);
    if (!s || (room && !table_reserve(h, table_of(s), room)))
        return false;
    *ret = val_obj(kind, s);
    return true;
}

bool set_add(struct heap *h, struct set_obj *s, val key)
{
    uint64_t hash;
    uint32_t at;
    if ((s->h.flags & OBJ_FROZEN) && !table_check_open(h, &s->h))
        return false;
    if (!table_hash_key(h, &key, &hash) || !table_find(h, table_of(s), key, hash, &at))
        return false;
    return at != TABLE_NONE || table_append(h, table_of(s), key, hash, &at);
}

/* As in CPython, a set may stand for the frozenset of the same elements in a lookup. */
static bool set_find(struct heap *h, const struct set_obj *s, val key, uint32_t *ret)
{
    uint64_t hash;
    if (key.kind == V_SET) {
        key.kind = V_FROZENSET;
        if (!table_hash_key(h, &key, &hash))
            return false;
        key.kind = V_SET;
    } else if (!table_hash_key(h, &key, &hash)) {
        return false;
    }
    return table_find(h, table_of(s), key, hash, ret);
}

bool set_has(struct heap *h, struct set_obj *s, val key, bool *ret)
{
    uint32_t at;
    if (!set_find(h, s, key, &at))
        return false;
    *ret = at != TABLE_NONE;
    return true;
}

bool set_remove(struct heap *h, struct set_obj *s, val key, bool *ret_was)
{
    uint32_t at;
    if (!table_check_open(h, &s->h) || !set_find(h, s, key, &at))
        return false;
    *ret_was = at != TABLE_NONE;
    if (*ret_was)
        table_remove_at(table_of(s), at);
    return true;
}

struct set_entry *set_next(const struct set_obj *s, uint32_t *at)
{
    uint32_t i = table_next(table_of(s), *at);
    if (i == TABLE_NONE)
        return NULL;
    *at = i + 1;
    return &s->entries[i];
}
