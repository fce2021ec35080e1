#include "base/map.h"
#include "value/dict.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

static uint64_t join(uint64_t hash, uint64_t more)
{
    return hash_int(hash * 31 + more);
}

/* Whole floats hash as the ints that they equal. */
static uint64_t hash_float(double d)
{
    uint64_t bits;
    if (d >= -0x1p63 && d < 0x1p63 && d == (double)(int64_t)d)
        return hash_int((uint64_t)(int64_t)d);
    memcpy(&bits, &d, sizeof bits);
    return hash_int(bits);
}

static bool hash_tuple(struct heap *h, const struct tuple_obj *t, uint64_t *ret)
{
    uint64_t hash = t->n, element;
    if (!heap_enter(h))
        return false;
    bool ok = heap_charge(h, t->n);
    for (uint32_t i = 0; ok && i < t->n; i++) {
        ok = val_hash(h, t->at[i], &element);
        hash = join(hash, element);
    }
    heap_leave(h);
    *ret = hash;
    return ok;
}

/* The order of the elements does not count. */
static bool hash_set(struct heap *h, const struct set_obj *s, uint64_t *ret)
{
    uint64_t hash = s->n;
    uint32_t at = 0;
    for (const struct set_entry *e; (e = set_next(s, &at));)
        hash += hash_int(e->hash);
    *ret = hash;
    return heap_charge(h, s->n);
}

static uint64_t hash_range(const struct range_obj *r)
{
    uint64_t hash = hash_int((uint64_t)r->n);
    if (r->n >= 1)
        hash = join(hash, (uint64_t)r->start);
    if (r->n > 1)
        hash = join(hash, (uint64_t)r->step);
    return hash;
}

static bool unhashable(struct heap *h, val v)
{
    return heap_raise(h, &exc_TypeError, "unhashable type: '%s'", val_type_name(v));
}

bool val_hash(struct heap *h, val v, uint64_t *ret)
{
    switch ((enum val_kind)v.kind) {
    case V_BOOL:
    case V_INT:
        *ret = hash_int((uint64_t)v.i);
        return true;
    case V_FLOAT:
        *ret = hash_float(v.f);
        return true;
    case V_STR:
        *ret = text_hash(v.s);
        return true;
    case V_TUPLE:
        return hash_tuple(h, v.tuple, ret);
    case V_FROZENSET:
        return hash_set(h, v.set, ret);
    case V_RANGE:
        *ret = hash_range(v.range);
        return true;
    case V_LIST:
    case V_DICT:
    case V_SET:
    case V_SLICE:
        return unhashable(h, v);
    case V_VIEW:
        if (view_is_set(v))
            return unhashable(h, v);
        break;
    case V_METHOD:
        *ret = join((uint64_t)(uintptr_t)v.method->def, (uint64_t)v.method->self.i);
        return true;
    case V_OBJECT:
        if (v.object->class->decide)
            return val_decide(h, v, &v) && val_hash(h, v, ret);
        if (v.object->class->hash)
            return v.object->class->hash(h, v.object, ret);
        if (v.object->class->hashes_by_class) {
            *ret = hash_int((uint64_t)(uintptr_t)v.object->class);
            return true;
        }
        if (v.object->class->compare)
            return unhashable(h, v);
        break;
    default:
        break;
    }
    *ret = hash_int((uint64_t)v.i + v.kind); /* what is equal only to itself */
    return true;
}
