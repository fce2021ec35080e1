/* view: what dict.keys(), .values() and .items() give: windows on a dict that stays alive. */
#ifndef VALUE_VIEW_H
#define VALUE_VIEW_H
#include "value/heap.h"

enum view_kind { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS };

struct view_obj {
    struct obj h; /* V_VIEW */
    uint32_t which;
    uint32_t pad;
    struct dict_obj *dict;
};

bool view_new(struct heap *h, enum view_kind which, struct dict_obj *d, val *ret) must_use;
static inline struct view_obj *view_of(val v)
{
    return (struct view_obj *)v.o;
}
/* keys() and items() are sets in every operator. */
static inline bool view_is_set(val v)
{
    return v.kind == V_VIEW && view_of(v)->which != VIEW_VALUES;
}
bool view_contains(struct heap *h, val view, val v, bool *ret) must_use;

#endif
