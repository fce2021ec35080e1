#include "value/list.h"
#include "value/types.h"

enum {
    LIST_FIRST_CAP = 4,
    LIST_MAX = 1 << 30,
    LIST_COPY_STEP = 4 /* elements for an instruction */
};

/* Few values were often written just now. */
static inline void copy_values(val *to, const val *from, uint32_t n)
{
    enum { FEW = 8 };
    if (n > FEW) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        val_copy(&to[i], &from[i]);
}

bool list_reserve(struct heap *h, struct list_obj *l, uint32_t cap)
{
    if (cap <= l->cap)
        return true;
    if (cap > LIST_MAX)
        return heap_out_of_bytes(h);
    val *at = heap_array(h, l->at, l->cap * sizeof *at, cap * sizeof *at);
    if (!at)
        return false;
    l->at = at;
    l->cap = cap;
    return true;
}

bool list_new(struct heap *h, uint32_t room, val *ret)
{
    struct list_obj *l = heap_new(h, V_LIST, sizeof *l);
    if (!l || !list_reserve(h, l, room))
        return false;
    *ret = val_obj(V_LIST, l);
    return true;
}

bool list_push(struct heap *h, struct list_obj *l, val v)
{
    if (l->n == l->cap &&
        !list_reserve(h, l, l->cap < LIST_FIRST_CAP ? LIST_FIRST_CAP : l->cap + l->cap / 2))
        return false;
    l->at[l->n++] = v;
    return true;
}

bool list_from(struct heap *h, const val *at, uint32_t n, val *ret)
{
    val list;
    if (!heap_charge(h, n / LIST_COPY_STEP) || !list_new(h, n, &list))
        return false;
    copy_values(list.list->at, at, n);
    list.list->n = n;
    *ret = list; /* at may lie in ret */
    return true;
}

static struct tuple_obj *tuple_alloc(struct heap *h, uint32_t n)
{
    if (n > LIST_MAX) {
        heap_out_of_bytes(h);
        return NULL;
    }
    if (!heap_charge(h, n / LIST_COPY_STEP))
        return NULL;
    struct tuple_obj *t = heap_new(h, V_TUPLE, sizeof *t + n * sizeof t->at[0]);
    if (t)
        t->n = n;
    return t;
}

bool tuple_from(struct heap *h, const val *at, uint32_t n, val *ret)
{
    struct tuple_obj *t = tuple_alloc(h, n);
    if (!t)
        return false;
    copy_values(t->at, at, n);
    *ret = val_obj(V_TUPLE, t);
    return true;
}

bool tuple_new(struct heap *h, uint32_t n, val *ret)
{
    struct tuple_obj *t = tuple_alloc(h, n);
    if (!t)
        return false;
    for (uint32_t i = 0; i < n; i++)
        t->at[i] = VAL_NONE;
    *ret = val_obj(V_TUPLE, t);
    return true;
}
