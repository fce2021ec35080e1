/* dict: insertion-ordered map from val to val, living in one heap.
 * Refuses unhashable keys and change while frozen. Knows nothing of Python syntax, Jinja2 or JSON.
 */
#ifndef VALUE_DICT_H
#define VALUE_DICT_H
#include "value/heap.h"

bool dict_new(struct heap *h, uint32_t room, val *ret) must_use;
/* *ret is V_UNBOUND where the key is missing. False: unhashable, or a fault in ==. */
bool dict_get(struct heap *h, struct dict_obj *d, val key, val *ret) must_use;
bool dict_set(struct heap *h, struct dict_obj *d, val key, val value) must_use;
/* The quick halves of the two for what loops do most; false: ask the whole one. */
bool dict_get_int(struct dict_obj *d, int64_t key, val *ret);
/* d[k] = d.get(k, 0) + 1: the entry that the last lookup found. Texts that are one object are
 * equal. */
static inline bool dict_found_again(const struct dict_obj *d, const val *key)
{
    return d->found < d->used && d->entries[d->found].key.kind == key->kind &&
           d->entries[d->found].key.i == key->i && (key->kind == V_INT || key->kind == V_STR);
}
static inline bool dict_set_again(struct dict_obj *d, const val *key, const val *value)
{
    if (!dict_found_again(d, key) || (d->h.flags & OBJ_FROZEN))
        return false;
    val_copy(&d->entries[d->found].value, value);
    return true;
}
/* What `get` of a dict is. */
extern const struct native_def *const dict_get_method;
/* *ret is the removed value, or V_UNBOUND. */
bool dict_remove(struct heap *h, struct dict_obj *d, val key, val *ret) must_use;
/* For text keys, without making a string object. */
val dict_get_str(const struct dict_obj *d, str key);
/* The same, beginning where the one who asks found it last: *hint is an entry, of any dict.
 */
enum { DICT_HINTED = 250 };
val dict_get_hinted(const struct dict_obj *d, str key, uint8_t *hint);
bool dict_set_str(struct heap *h, struct dict_obj *d, str key, val value) must_use;
void dict_clear(struct heap *h, struct dict_obj *d);
/* The live entry at or after *at, which moves behind it; NULL at the end. */
struct dict_entry *dict_next(const struct dict_obj *d, uint32_t *at);

bool set_new(struct heap *h, enum val_kind kind, uint32_t room, val *ret) must_use;
bool set_add(struct heap *h, struct set_obj *s, val key) must_use;
bool set_has(struct heap *h, struct set_obj *s, val key, bool *ret) must_use;
bool set_remove(struct heap *h, struct set_obj *s, val key, bool *ret_was) must_use;
struct set_entry *set_next(const struct set_obj *s, uint32_t *at);

#endif
