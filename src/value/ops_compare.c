#include "value/ops_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

static const char *const symbols[] = {
    [COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_LT] = "<",
    [COMPARE_LE] = "<=", [COMPARE_GT] = ">",  [COMPARE_GE] = ">=",
};

bool val_identical(val a, val b)
{
    if (a.kind != b.kind)
        return false;
    switch ((enum val_kind)a.kind) {
    case V_UNBOUND:
    case V_NONE:
    case V_ELLIPSIS:
        return true;
    case V_METHOD:
        return a.o == b.o || (a.method->def == b.method->def && a.method->self.kind == V_TYPE &&
                              val_identical(a.method->self, b.method->self));
    default:
        return a.i == b.i; /* pointers too */
    }
}

/* ---- containers ---- */

static bool elements_compare(struct heap *h, enum compare_op op, val a, val b, bool *ret)
{
    const val *x, *y;
    uint32_t xn, yn;
    bool equal;

    seq_elements(a, &x, &xn);
    seq_elements(b, &y, &yn);
    if (xn != yn && (op == COMPARE_EQ || op == COMPARE_NE)) {
        *ret = op == COMPARE_NE;
        return true;
    }
    for (uint32_t i = 0; i < xn && i < yn; i++) {
        if (!heap_charge(h, 1) || !val_equal(h, x[i], y[i], &equal))
            return false;
        if (!equal) {
            if (op == COMPARE_EQ || op == COMPARE_NE) {
                *ret = op == COMPARE_NE;
                return true;
            }
            val p, q;
            return val_decide(h, x[i], &p) && val_decide(h, y[i], &q) &&
                   compare_values(h, op, p, q, ret);
        }
        /* Deciding may have run the machine, and a list may have changed. */
        seq_elements(a, &x, &xn);
        seq_elements(b, &y, &yn);
    }
    *ret = compare_holds(op, xn < yn ? -1 : xn > yn);
    return true;
}

static int64_t set_size(val v)
{
    return v.kind == V_VIEW ? view_of(v)->dict->n : v.set->n;
}

static bool sets_compare(struct heap *h, enum compare_op op, val a, val b, bool *ret)
{
    int64_t an = set_size(a), bn = set_size(b);
    if (op == COMPARE_GT || op == COMPARE_GE) {
        val swap = a;
        int64_t n = an;
        a = b, b = swap, an = bn, bn = n;
        op = op == COMPARE_GT ? COMPARE_LT : COMPARE_LE;
    }
    bool fits = op == COMPARE_LT ? an < bn : op == COMPARE_LE ? an <= bn : an == bn;
    if (fits && !set_is_subset(h, a, b, &fits))
        return false;
    *ret = op == COMPARE_NE ? !fits : fits;
    return true;
}

static bool slices_compare(struct heap *h, enum compare_op op, const struct slice_obj *a,
                           const struct slice_obj *b, bool *ret)
{
    const val x[] = {a->low, a->high, a->step}, y[] = {b->low, b->high, b->step};
    for (int i = 0; i < 3; i++) {
        bool equal;
        if (!val_equal(h, x[i], y[i], &equal))
            return false;
        if (!equal && (op == COMPARE_EQ || op == COMPARE_NE)) {
            *ret = op == COMPARE_NE;
            return true;
        }
        if (!equal)
            return compare_values(h, op, x[i], y[i], ret);
    }
    *ret = compare_holds(op, 0);
    return true;
}

static bool ranges_equal(const struct range_obj *a, const struct range_obj *b)
{
    return a->n == b->n && (a->n == 0 || a->start == b->start) && (a->n <= 1 || a->step == b->step);
}

static bool is_set_like(val v)
{
    return val_is_set(v) || view_is_set(v);
}

/* ---- values ---- */

/* *ret_known: whether these kinds have == (and an order) beyond identity. */
static bool compare_containers(struct heap *h, enum compare_op op, val a, val b, bool *ret,
                               bool *ret_known)
{
    bool ordering = op != COMPARE_EQ && op != COMPARE_NE;
    *ret_known = true;
    if (is_set_like(a) && is_set_like(b))
        return sets_compare(h, op, a, b, ret);
    if (a.kind == b.kind && (a.kind == V_LIST || a.kind == V_TUPLE))
        return elements_compare(h, op, a, b, ret);
    if (a.kind == b.kind && a.kind == V_SLICE)
        return slices_compare(h, op, a.slice, b.slice, ret);
    if (a.kind == b.kind && a.kind == V_DICT && !ordering) {
        if (!dict_equal(h, a.dict, b.dict, ret))
            return false;
        *ret = *ret == (op == COMPARE_EQ);
        return true;
    }
    *ret_known = false;
    return true;
}

static bool has_compare(val v)
{
    return v.kind == V_OBJECT && v.object->class->compare;
}

static bool object_compare(struct heap *h, enum compare_op op, val a, val b, bool *ret)
{
    const struct object *o = has_compare(a) ? a.object : b.object;
    val result;
    return o->class->compare(h, op, a, b, &result) && val_truth(h, result, ret);
}

bool compare_values(struct heap *h, enum compare_op op, val a, val b, bool *ret)
{
    bool known;

    if (val_is_num(a) && val_is_num(b)) {
        int order = num_compare(a, b);
        *ret = order == 2 ? op == COMPARE_NE : compare_holds(op, order);
        return true;
    }
    if (a.kind == V_STR && b.kind == V_STR) {
        if (op == COMPARE_EQ || op == COMPARE_NE) {
            *ret = text_equal(a.s, b.s) == (op == COMPARE_EQ);
            return heap_charge(h, a.s->n / 64);
        }
        *ret = compare_holds(op, str_cmp(text_str(a), text_str(b)));
        return heap_charge(h, a.s->n / 64);
    }
    if (has_compare(a) || has_compare(b))
        return object_compare(h, op, a, b, ret);
    if (!heap_enter(h))
        return false;
    bool ok = compare_containers(h, op, a, b, ret, &known);
    heap_leave(h);
    if (!ok || known)
        return ok;
    if (op == COMPARE_EQ || op == COMPARE_NE) {
        bool equal =
            a.kind == V_RANGE && b.kind == V_RANGE ? ranges_equal(a.range, b.range)
            : a.kind == V_METHOD && b.kind == V_METHOD
                ? a.method->def == b.method->def && val_identical(a.method->self, b.method->self)
                : val_identical(a, b);
        *ret = equal == (op == COMPARE_EQ);
        return true;
    }
    return heap_raise(h, &exc_TypeError, "'%s' not supported between instances of '%s' and '%s'",
                      symbols[op], val_type_name(a), val_type_name(b));
}

bool val_equal(struct heap *h, val a, val b, bool *ret)
{
    if (val_identical(a, b)) {
        *ret = true;
        return true;
    }
    return val_decide(h, a, &a) && val_decide(h, b, &b) && compare_values(h, COMPARE_EQ, a, b, ret);
}

bool val_less(struct heap *h, val a, val b, bool *ret)
{
    return val_decide(h, a, &a) && val_decide(h, b, &b) && compare_values(h, COMPARE_LT, a, b, ret);
}

bool op_compare(struct heap *h, enum compare_op op, val a, val b, val *ret)
{
    bool result = false;

    if (op == COMPARE_IN || op == COMPARE_NOT_IN) {
        if (!val_contains(h, b, a, &result))
            return false;
        *ret = val_bool(result == (op == COMPARE_IN));
        return true;
    }
    if (op == COMPARE_IS || op == COMPARE_IS_NOT) {
        if (!val_decide(h, a, &a) || !val_decide(h, b, &b))
            return false;
        *ret = val_bool(val_identical(a, b) == (op == COMPARE_IS));
        return true;
    }
    if (has_compare(a))
        return a.object->class->compare(h, op, a, b, ret);
    if (has_compare(b))
        return b.object->class->compare(h, op, a, b, ret);
    if (!compare_values(h, op, a, b, &result))
        return false;
    *ret = val_bool(result);
    return true;
}
