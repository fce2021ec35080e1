#include "value/ops_int.h"
#include "value/types.h"
#include "value/view.h"

/* ---- deciding ---- */

bool val_decide(struct heap *h, val v, val *ret)
{
    while (val_is_deferred(v))
        if (!v.object->class->decide(h, v.object, &v))
            return false;
    *ret = v;
    return true;
}

/* ---- truth and length ---- */

static int64_t length_of(val v)
{
    switch ((enum val_kind)v.kind) {
    case V_STR:
        return v.s->points;
    case V_TUPLE:
        return v.tuple->n;
    case V_LIST:
        return v.list->n;
    case V_DICT:
        return v.dict->n;
    case V_SET:
    case V_FROZENSET:
        return v.set->n;
    case V_RANGE:
        return v.range->n;
    case V_VIEW:
        return view_of(v)->dict->n;
    default:
        return -1;
    }
}

bool val_truth(struct heap *h, val v, bool *ret)
{
    switch ((enum val_kind)v.kind) {
    case V_UNBOUND:
    case V_NONE:
        *ret = false;
        return true;
    case V_BOOL:
    case V_INT:
        *ret = v.i != 0;
        return true;
    case V_FLOAT:
        *ret = v.f != 0;
        return true;
    case V_OBJECT:
        if (v.object->class->decide)
            return val_decide(h, v, &v) && val_truth(h, v, ret);
        if (v.object->class->truth)
            return v.object->class->truth(h, v.object, ret);
        *ret = true;
        return true;
    default:
        *ret = length_of(v) != 0;
        return true;
    }
}

bool val_len(struct heap *h, val v, int64_t *ret)
{
    if (!val_decide(h, v, &v))
        return false;
    if (v.kind == V_OBJECT && v.object->class->len)
        return v.object->class->len(h, v.object, ret);
    int64_t n = length_of(v);
    if (n < 0)
        return heap_raise(h, &exc_TypeError, "object of type '%s' has no len()", val_type_name(v));
    *ret = n;
    return true;
}

/* ---- operators ---- */

static bool unary_not(struct heap *h, val a, val *ret)
{
    bool truth;
    if (!val_truth(h, a, &truth))
        return false;
    *ret = val_bool(!truth);
    return true;
}

bool op_unary(struct heap *h, enum unary_op op, val a, val *ret)
{
    static const char symbols[] = {[UNARY_NEG] = '-', [UNARY_POS] = '+', [UNARY_INVERT] = '~'};

    if (op == UNARY_NOT)
        return unary_not(h, a, ret);
    if (a.kind == V_OBJECT && a.object->class->unary)
        return a.object->class->unary(h, op, a, ret);
    if (val_is_int(a)) {
        if (op == UNARY_NEG && a.i == INT64_MIN)
            return num_overflow(h);
        *ret = val_int(op == UNARY_NEG ? -a.i : op == UNARY_POS ? a.i : ~a.i);
        return true;
    }
    if (a.kind == V_FLOAT && op != UNARY_INVERT) {
        *ret = val_float(op == UNARY_NEG ? -a.f : a.f);
        return true;
    }
    return heap_raise(h, &exc_TypeError, "bad operand type for unary %c: '%s'", symbols[op],
                      val_type_name(a));
}
