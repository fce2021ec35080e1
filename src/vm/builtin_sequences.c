#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "vm/builtin_rows_int.h"

/* ---- walking over an iterable ---- */

/* The iterator is held: elements may be computed by the machine. */
static bool walk_begin(struct heap *h, val iterable, val *ret)
{
    if (!val_iter(h, iterable, ret))
        return false;
    heap_hold(h, *ret);
    return true;
}

static bool walk_end(struct heap *h, bool ok)
{
    heap_release(h, 1);
    return ok;
}

static bool truth_of_elements(struct heap *h, val iterable, bool wanted, val *ret)
{
    val it, v;
    bool truth = !wanted, ok = true;
    if (!walk_begin(h, iterable, &it))
        return false;
    while (truth != wanted && (ok = heap_charge(h, 1) && val_next(h, it, &v)) &&
           v.kind != V_UNBOUND)
        if (!(ok = val_truth(h, v, &truth)))
            break;
    if (ok)
        *ret = val_bool(truth == wanted ? wanted : !wanted);
    return walk_end(h, ok);
}

BUILTIN(all)
{
    return truth_of_elements(h, args[0], false, ret);
}

BUILTIN(any)
{
    return truth_of_elements(h, args[0], true, ret);
}

BUILTIN(iter)
{
    if (args[1].kind == V_UNBOUND)
        return val_iter(h, args[0], ret);
    return iter_call(h, args[0], args[1], ret);
}

BUILTIN(len)
{
    int64_t n;
    if (!val_len(h, args[0], &n))
        return false;
    *ret = val_int(n);
    return true;
}

BUILTIN(next)
{
    if (args[0].kind != V_ITER && args[0].kind != V_GEN)
        return heap_raise(h, &exc_TypeError, "'%s' object is not an iterator",
                          val_type_name(args[0]));
    if (!val_next(h, args[0], ret))
        return false;
    if (ret->kind != V_UNBOUND)
        return true;
    if (args[1].kind == V_UNBOUND)
        return heap_raise_with(h, &exc_StopIteration, NULL, 0);
    *ret = args[1];
    return true;
}

/* args: tuple, key, reverse, dict of other names, which CPython hands to list.sort. */
BUILTIN(sorted)
{
    const struct tuple_obj *given = args[0].tuple;
    uint32_t at = 0;
    const struct dict_entry *other = dict_next(args[3].dict, &at);
    val reverse = args[2].kind == V_UNBOUND ? VAL_FALSE : args[2], list;
    if (given->n != 1)
        return heap_raise(h, &exc_TypeError, "sorted expected 1 argument, got %u", given->n);
    if (!val_to_list(h, given->at[0], &list))
        return false;
    if (other)
        return heap_raise(h, &exc_TypeError, "'%.*s' is an invalid keyword argument for sort()",
                          STR_ARG(text_str(other->key)));
    if (!val_is_int(reverse))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(reverse));
    heap_hold(h, list);
    bool ok = list_sort(h, list.list, args[1], reverse.i != 0);
    heap_release(h, 1);
    if (ok)
        *ret = list;
    return ok;
}

/* ---- min, max ---- */

struct extreme {
    struct heap *heap;
    enum compare_op op; /* a new element that stands in this relation replaces the best */
    val key;
    val best, best_key;
};

static bool key_of(struct extreme *x, val v, val *ret)
{
    if (x->key.kind == V_NONE || x->key.kind == V_UNBOUND) {
        *ret = v;
        return true;
    }
    return val_call(x->heap, x->key, &v, 1, ret);
}

static bool consider(struct extreme *x, val v)
{
    struct heap *h = x->heap;
    val key, result;
    bool better = x->best.kind == V_UNBOUND;
    heap_hold(h, v);
    heap_hold(h, x->best);
    heap_hold(h, x->best_key);
    bool ok = heap_charge(h, 1) && key_of(x, v, &key);
    if (ok && !better)
        ok = op_compare(h, x->op, key, x->best_key, &result) && val_truth(h, result, &better);
    heap_release(h, 3);
    if (ok && better) {
        x->best = v;
        x->best_key = key;
    }
    return ok;
}

static bool consider_all(struct extreme *x, val iterable)
{
    struct heap *h = x->heap;
    val it, v;
    bool ok;
    if (!walk_begin(h, iterable, &it))
        return false;
    do {
        /* The best so far is kept while the iterator runs. */
        heap_hold(h, x->best);
        heap_hold(h, x->best_key);
        ok = val_next(h, it, &v);
        heap_release(h, 2);
    } while (ok && v.kind != V_UNBOUND && (ok = consider(x, v)));
    return walk_end(h, ok);
}

/* args: tuple, key, default */
static bool extreme(struct heap *h, const char *name, enum compare_op op, val *args, val *ret)
{
    const struct tuple_obj *given = args[0].tuple;
    struct extreme x = {h, op, args[1], VAL_UNBOUND, VAL_UNBOUND};
    bool ok = true;
    if (given->n > 1 && args[2].kind != V_UNBOUND)
        return heap_raise(h, &exc_TypeError,
                          "Cannot specify a default for %s() with multiple positional arguments",
                          name);
    heap_hold(h, args[0]);
    if (given->n == 1)
        ok = consider_all(&x, given->at[0]);
    else
        for (uint32_t i = 0; i < given->n && ok; i++)
            ok = consider(&x, given->at[i]);
    heap_release(h, 1);
    if (!ok)
        return false;
    *ret = x.best.kind == V_UNBOUND ? args[2] : x.best;
    if (ret->kind == V_UNBOUND)
        return heap_raise(h, &exc_ValueError, "%s() arg is an empty sequence", name);
    return true;
}

BUILTIN(max)
{
    return extreme(h, "max", COMPARE_GT, args, ret);
}

BUILTIN(min)
{
    return extreme(h, "min", COMPARE_LT, args, ret);
}

/* ---- sum ---- */

static bool sum_walk(struct heap *h, val it, val *total)
{
    val v;
    for (;;) {
        heap_hold(h, *total);
        bool ok = heap_charge(h, 1) && val_next(h, it, &v);
        heap_release(h, 1);
        if (!ok)
            return false;
        if (v.kind == V_UNBOUND)
            return true;
        int64_t sum;
        if (total->kind == V_INT && v.kind == V_INT &&
            !__builtin_add_overflow(total->i, v.i, &sum)) {
            total->i = sum;
            continue;
        }
        if (!op_binary(h, BINARY_ADD, *total, v, total))
            return false;
    }
}

/* Lists of ints and floats without an iterator; how many elements it took. */
static uint32_t sum_numbers(const struct list_obj *l, val *total)
{
    uint32_t i = 0;
    for (; i < l->n; i++) {
        val v = l->at[i];
        int64_t sum;
        if (total->kind == V_INT && v.kind == V_INT && !__builtin_add_overflow(total->i, v.i, &sum))
            total->i = sum;
        else if (total->kind == V_FLOAT && v.kind == V_FLOAT)
            total->f += v.f;
        else
            break;
    }
    return i;
}

/* Something that is not iterable is judged first. */
static bool sum_of_strings(struct heap *h, val iterable)
{
    val it;
    if (!val_iter(h, iterable, &it))
        return false;
    return heap_raise(h, &exc_TypeError, "sum() can't sum strings [use ''.join(seq) instead]");
}

BUILTIN(sum)
{
    val total = args[1].kind == V_UNBOUND ? val_int(0) : args[1], it;
    if (total.kind == V_STR)
        return sum_of_strings(h, args[0]);
    if (args[0].kind == V_LIST) {
        const struct list_obj *l = args[0].list;
        uint32_t i = sum_numbers(l, &total);
        if (!heap_charge(h, i))
            return false;
        for (; i < l->n; i++)
            if (!heap_charge(h, 1) || !op_binary(h, BINARY_ADD, total, l->at[i], &total))
                return false;
        *ret = total;
        return true;
    }
    if (!walk_begin(h, args[0], &it))
        return false;
    bool ok = sum_walk(h, it, &total);
    if (ok)
        *ret = total;
    return walk_end(h, ok);
}
