/* Iteration and unpacking beyond what the instructions do themselves. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "vm/machine_int.h"

/* CPython words "not iterable" by the place of the star. */
static bool not_iterable(struct vm *vm, enum iter_use use, val from, val callee)
{
    struct heap *h = &vm->heap;
    auto_buf name = BUF(BUF_TEXT_MAX);
    heap_clear_fault(h);
    if (use == ITER_STAR_ITEMS)
        return heap_raise(h, &exc_TypeError, "Value after * must be an iterable, not %s",
                          val_type_name(from));
    call_describe(&name, callee);
    return heap_raise(h, &exc_TypeError, "%s argument after * must be an iterable, not %s",
                      buf_c(&name), val_type_name(from));
}

bool loop_start(struct vm *vm, enum iter_use use, val from, val callee, val *at)
{
    struct heap *h = &vm->heap;
    at[0] = from;
    at[1] = val_int(0);
    if (from.kind == V_GEN || val_iter(h, from, &at[0]))
        return true;
    if (use != ITER_LOOP && h->fault.kind == FAULT_EXCEPTION &&
        h->fault.value.exc->type == &exc_TypeError)
        return not_iterable(vm, use, from, callee);
    return false;
}

/* ---- unpacking ---- */

static bool unpack_iterator(struct vm *vm, val from, val *ret)
{
    struct heap *h = &vm->heap;
    if (val_iter(h, from, ret))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_TypeError)
        return false;
    heap_clear_fault(h);
    return heap_raise(h, &exc_TypeError, "cannot unpack non-iterable %s object",
                      val_type_name(from));
}

/* Takes at most n elements into a new list: variables change only when all are there. */
static bool unpack_some(struct vm *vm, val iterator, uint32_t n, val *ret)
{
    struct heap *h = &vm->heap;
    val list, v;
    bool ok = true;
    if (!list_new(h, n, &list))
        return false;
    heap_hold(h, iterator);
    heap_hold(h, list);
    for (uint32_t i = 0; i < n && ok; i++) {
        ok = heap_charge(h, 1) && val_next(h, iterator, &v);
        if (!ok || v.kind == V_UNBOUND)
            break;
        ok = list_push(h, list.list, v);
    }
    heap_release(h, 2);
    *ret = list;
    return ok;
}

bool loop_unpack(struct vm *vm, uint32_t a, val from, uint32_t n)
{
    struct heap *h = &vm->heap;
    val iterator, list;
    if (!unpack_iterator(vm, from, &iterator) || !unpack_some(vm, iterator, n + 1, &list))
        return false;
    if (list.list->n < n)
        return heap_raise(h, &exc_ValueError, "not enough values to unpack (expected %u, got %u)",
                          n, list.list->n);
    if (list.list->n > n)
        return heap_raise(h, &exc_ValueError, "too many values to unpack (expected %u)", n);
    for (uint32_t i = 0; i < n; i++)
        vm_regs(vm)[a + i] = list.list->at[i];
    return true;
}

static bool too_few(struct heap *h, uint32_t want, uint32_t got)
{
    return heap_raise(h, &exc_ValueError,
                      "not enough values to unpack (expected at least %u, got %u)", want, got);
}

bool loop_unpack_rest(struct vm *vm, uint32_t a, val from, uint32_t before, uint32_t after)
{
    struct heap *h = &vm->heap;
    val iterator, first, list, rest;
    if (!unpack_iterator(vm, from, &iterator) || !unpack_some(vm, iterator, before, &first))
        return false;
    if (first.list->n < before)
        return too_few(h, before + after, first.list->n);
    heap_hold(h, iterator);
    heap_hold(h, first);
    bool ok = val_to_list(h, iterator, &list);
    heap_release(h, 2);
    if (!ok)
        return false;
    if (list.list->n < after)
        return too_few(h, before + after, before + list.list->n);
    uint32_t kept = list.list->n - after;
    if (!list_from(h, list.list->at, kept, &rest))
        return false;
    val *regs = vm_regs(vm) + a;
    for (uint32_t i = 0; i < before; i++)
        regs[i] = first.list->at[i];
    regs[before] = rest;
    for (uint32_t i = 0; i < after; i++)
        regs[before + 1 + i] = list.list->at[kept + i];
    return true;
}

bool loop_dict_update(struct heap *h, val into, val from)
{
    struct dict_entry *e;
    uint32_t at = 0;
    if (val_is_deferred(from) && !val_decide(h, from, &from))
        return false;
    if (from.kind != V_DICT)
        return heap_raise(h, &exc_TypeError, "'%s' object is not a mapping", val_type_name(from));
    while ((e = dict_next(from.dict, &at)))
        if (!dict_set(h, into.dict, e->key, e->value))
            return false;
    return heap_charge(h, at);
}
