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
/* *ret is the removed value, or V_UNBOUND. */
bool dict_remove(struct heap *h, struct dict_obj *d, val key, val *ret) must_use;
/* For text keys, without making a string object. */
val dict_get_str(const struct dict_obj *d, str key);
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
