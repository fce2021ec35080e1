#include "value/dict.h"
#include "base/map.h"
#include "value/table_int.h"
#include "value/text.h"

static inline struct table *table_of(const struct dict_obj *d)
{
    return (struct table *)d;
}

bool dict_new(struct heap *h, uint32_t room, val *ret)
{
    struct dict_obj *d = heap_new(h, V_DICT, sizeof *d);
    if (!d || (room && !table_reserve(h, table_of(d), room)))
        return false;
    *ret = val_obj(V_DICT, d);
    return true;
}

static inline bool find(struct heap *h, struct dict_obj *d, val *key, uint64_t *ret_hash,
                        uint32_t *ret)
{
    bool is_int = key->kind == V_INT;
    if (dict_found_again(d, key)) {
        *ret_hash = d->entries[d->found].hash;
        *ret = d->found;
        return true;
    }
    if (is_int) {
        *ret_hash = hash_int((uint64_t)key->i);
        if (d->index && table_find_int(table_of(d), sizeof *d->entries, key->i, *ret_hash, ret)) {
            d->found = *ret;
            return true;
        }
    } else if (key->kind == V_STR && key->s->hash) {
        *ret_hash = key->s->hash;
    } else if (!table_hash_key(h, key, ret_hash)) {
        return false;
    }
    if (!table_find(h, table_of(d), *key, *ret_hash, ret))
        return false;
    d->found = *ret;
    return true;
}

bool dict_get_int(struct dict_obj *d, int64_t key, val *ret)
{
    uint32_t at;
    if (!d->index ||
        !table_find_int(table_of(d), sizeof *d->entries, key, hash_int((uint64_t)key), &at))
        return false;
    d->found = at;
    if (at == TABLE_NONE)
        *ret = VAL_UNBOUND;
    else
        val_copy(ret, &d->entries[at].value);
    return true;
}

bool dict_get(struct heap *h, struct dict_obj *d, val key, val *ret)
{
    uint64_t hash;
    uint32_t at;
    if (!find(h, d, &key, &hash, &at))
        return false;
    *ret = at == TABLE_NONE ? VAL_UNBOUND : d->entries[at].value;
    return true;
}

bool dict_set(struct heap *h, struct dict_obj *d, val key, val value)
{
    uint64_t hash;
    uint32_t at;
    if ((d->h.flags & OBJ_FROZEN) && !table_check_open(h, &d->h))
        return false;
    if (!find(h, d, &key, &hash, &at))
        return false;
    if (at == TABLE_NONE && !table_append(h, table_of(d), key, hash, &at))
        return false;
    d->entries[at].value = value;
    return true;
}

bool dict_remove(struct heap *h, struct dict_obj *d, val key, val *ret)
{
    uint64_t hash;
    uint32_t at;
    if (!table_check_open(h, &d->h) || !table_hash_key(h, &key, &hash) ||
        !table_find(h, table_of(d), key, hash, &at))
        return false;
    if (at == TABLE_NONE) {
        *ret = VAL_UNBOUND;
        return true;
    }
    *ret = d->entries[at].value;
    table_remove_at(table_of(d), at);
    return true;
}

val dict_get_str(const struct dict_obj *d, str key)
{
    uint32_t at = table_find_str(table_of(d), key);
    return at == TABLE_NONE ? VAL_UNBOUND : d->entries[at].value;
}

val dict_get_hinted(const struct dict_obj *d, str key, uint8_t *hint)
{
    if (*hint < d->used) {
        const struct dict_entry *e = &d->entries[*hint];
        if (e->key.kind == V_STR && e->key.s->n == key.n && memcmp(e->key.s->p, key.p, key.n) == 0)
            return e->value;
    }
    uint32_t at = table_find_str(table_of(d), key);
    if (at == TABLE_NONE)
        return VAL_UNBOUND;
    if (at <= DICT_HINTED)
        *hint = (uint8_t)at;
    return d->entries[at].value;
}

bool dict_set_str(struct heap *h, struct dict_obj *d, str key, val value)
{
    uint32_t at = table_find_str(table_of(d), key);
    val text;
    if (at == TABLE_NONE)
        return text_new_interned(h, key, &text) && dict_set(h, d, text, value);
    if (!table_check_open(h, &d->h))
        return false;
    d->entries[at].value = value;
    return true;
}

void dict_clear(struct heap *h, struct dict_obj *d)
{
    table_clear(h, table_of(d));
}

struct dict_entry *dict_next(const struct dict_obj *d, uint32_t *at)
{
    uint32_t i = table_next(table_of(d), *at);
    if (i == TABLE_NONE)
        return NULL;
    *at = i + 1;
    return &d->entries[i];
}
