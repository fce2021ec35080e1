#include "value/list.h"
#include "value/ops_int.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

static const char *const symbols[] = {
    [BINARY_ADD] = "+",       [BINARY_SUB] = "-", [BINARY_MUL] = "*",  [BINARY_DIV] = "/",
    [BINARY_FLOORDIV] = "//", [BINARY_MOD] = "%", [BINARY_POW] = "**", [BINARY_LSHIFT] = "<<",
    [BINARY_RSHIFT] = ">>",   [BINARY_AND] = "&", [BINARY_OR] = "|",   [BINARY_XOR] = "^",
    [BINARY_MATMUL] = "@",
};

static bool unsupported(struct heap *h, enum binary_op op, bool inplace, val a, val b)
{
    const char *more = inplace ? "=" : op == BINARY_POW ? " or pow()" : "";
    return heap_raise(h, &exc_TypeError, "unsupported operand type(s) for %s%s: '%s' and '%s'",
                      symbols[op], more, val_type_name(a), val_type_name(b));
}

/* ---- sequences ---- */

static bool is_sequence(val v)
{
    return v.kind == V_STR || v.kind == V_LIST || v.kind == V_TUPLE;
}

static bool binary_add(struct heap *h, bool inplace, val a, val b, val *ret)
{
    if (a.kind == b.kind && is_sequence(a))
        return seq_concat(h, a, b, ret);
    if (is_sequence(a))
        return heap_raise(h, &exc_TypeError, "can only concatenate %s (not \"%s\") to %s",
                          val_type_name(a), val_type_name(b), val_type_name(a));
    return unsupported(h, BINARY_ADD, inplace, a, b);
}

static bool binary_mul(struct heap *h, bool inplace, val a, val b, val *ret)
{
    bool other_container = a.kind >= V_STR && a.kind <= V_VIEW && a.kind != V_SLICE;
    if (!is_sequence(a) && (!is_sequence(b) || (inplace && other_container)))
        return unsupported(h, BINARY_MUL, inplace, a, b);
    val sequence = is_sequence(a) ? a : b, times = is_sequence(a) ? b : a;
    if (!val_is_int(times))
        return heap_raise(h, &exc_TypeError, "can't multiply sequence by non-int of type '%s'",
                          val_type_name(times));
    return seq_repeat(h, sequence, times.i, ret);
}

/* ---- sets ---- */

static bool is_set_like(val v)
{
    return val_is_set(v) || view_is_set(v);
}

/* Sets combine with sets and with views that are sets; such a view with any iterable. */
static bool binary_set(struct heap *h, enum binary_op op, bool inplace, val a, val b, val *ret)
{
    bool views = view_is_set(a) || view_is_set(b);
    if (!views && !(is_set_like(a) && is_set_like(b)))
        return unsupported(h, op, inplace, a, b);
    enum val_kind kind = !views && a.kind == V_FROZENSET ? V_FROZENSET : V_SET;
    return set_combine(h, op, kind, a, b, ret);
}

static bool binary_or(struct heap *h, bool inplace, val a, val b, val *ret)
{
    if (a.kind != V_DICT || b.kind != V_DICT)
        return binary_set(h, BINARY_OR, inplace, a, b, ret);
    return dict_copy(h, a.dict, ret) && dict_update(h, ret->dict, b);
}

/* ---- dispatch ---- */

static bool binary_bools(enum binary_op op, val a, val b, val *ret)
{
    switch (op) {
    case BINARY_AND:
        *ret = val_bool(a.i & b.i);
        return true;
    case BINARY_OR:
        *ret = val_bool(a.i | b.i);
        return true;
    case BINARY_XOR:
        *ret = val_bool(a.i ^ b.i);
        return true;
    default:
        return false;
    }
}

static bool has_binary(val v)
{
    return v.kind == V_OBJECT && v.object->class->binary;
}

static bool binary(struct heap *h, enum binary_op op, bool inplace, val a, val b, val *ret)
{
    if (val_is_num(a) && val_is_num(b)) {
        bool floats = a.kind == V_FLOAT || b.kind == V_FLOAT;
        if (op == BINARY_MATMUL || (floats && op > BINARY_POW))
            return unsupported(h, op, inplace, a, b);
        if (floats)
            return num_binary_float(h, op, num_double(a), num_double(b), ret);
        if (a.kind == V_BOOL && b.kind == V_BOOL && binary_bools(op, a, b, ret))
            return true;
        return num_binary_int(h, op, a.i, b.i, ret);
    }
    if ((a.kind == V_STR && (a.o->flags & OBJ_MARKUP)) ||
        (b.kind == V_STR && (b.o->flags & OBJ_MARKUP))) {
        bool done = false;
        if (h->markup_binary && (!h->markup_binary(h, op, a, b, &done, ret) || done))
            return done;
    }
    if (has_binary(a))
        return a.object->class->binary(h, op, a, b, ret);
    if (has_binary(b))
        return b.object->class->binary(h, op, a, b, ret);
    switch (op) {
    case BINARY_ADD:
        return binary_add(h, inplace, a, b, ret);
    case BINARY_MUL:
        return binary_mul(h, inplace, a, b, ret);
    case BINARY_MOD:
        return a.kind == V_STR ? text_percent(h, a, b, ret) : unsupported(h, op, inplace, a, b);
    case BINARY_OR:
        return binary_or(h, inplace, a, b, ret);
    case BINARY_SUB:
    case BINARY_AND:
    case BINARY_XOR:
        return binary_set(h, op, inplace, a, b, ret);
    default:
        return unsupported(h, op, inplace, a, b);
    }
}

bool op_binary(struct heap *h, enum binary_op op, val a, val b, val *ret)
{
    return binary(h, op, false, a, b, ret);
}

/* ---- a op= b ---- */

static bool inplace_list(struct heap *h, enum binary_op op, val a, val b, val *ret)
{
    *ret = a;
    if (!table_check_open(h, a.o))
        return false;
    if (op == BINARY_ADD)
        return list_extend(h, a.list, b);
    return list_repeat_inplace(h, a.list, b.i);
}

bool op_inplace(struct heap *h, enum binary_op op, val a, val b, val *ret)
{
    switch (a.kind) {
    case V_LIST:
        if (op == BINARY_ADD || (op == BINARY_MUL && val_is_int(b)))
            return inplace_list(h, op, a, b, ret);
        break;
    case V_DICT:
        if (op == BINARY_OR) {
            *ret = a;
            return table_check_open(h, a.o) && dict_update(h, a.dict, b);
        }
        break;
    case V_SET:
        if (val_is_set(b) &&
            (op == BINARY_OR || op == BINARY_AND || op == BINARY_SUB || op == BINARY_XOR)) {
            *ret = a;
            return table_check_open(h, a.o) && set_combine_inplace(h, op, a.set, b);
        }
        break;
    default:
        break;
    }
    return binary(h, op, true, a, b, ret);
}
