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

/* Takes at most n elements into the registers from a on. */
static bool unpack_some(struct vm *vm, uint32_t a, val iterator, uint32_t n, uint32_t *ret_n)
{
    struct heap *h = &vm->heap;
    val v;
    heap_hold(h, iterator);
    for (*ret_n = 0; *ret_n < n; ++*ret_n) {
        if (!val_next(h, iterator, &v)) {
            heap_release(h, 1);
            return false;
        }
        if (v.kind == V_UNBOUND)
            break;
        vm_regs(vm)[a + *ret_n] = v;
    }
    heap_release(h, 1);
    return heap_charge(h, *ret_n);
}

bool loop_unpack(struct vm *vm, uint32_t a, val from, uint32_t n)
{
    struct heap *h = &vm->heap;
    val iterator, more;
    uint32_t got;
    if (!unpack_iterator(vm, from, &iterator) || !unpack_some(vm, a, iterator, n, &got))
        return false;
    if (got < n)
        return heap_raise(h, &exc_ValueError, "not enough values to unpack (expected %u, got %u)",
                          n, got);
    heap_hold(h, iterator);
    bool ok = val_next(h, iterator, &more);
    heap_release(h, 1);
    if (ok && more.kind != V_UNBOUND)
        return heap_raise(h, &exc_ValueError, "too many values to unpack (expected %u)", n);
    return ok;
}

bool loop_unpack_rest(struct vm *vm, uint32_t a, val from, uint32_t before, uint32_t after)
{
    struct heap *h = &vm->heap;
    val iterator, list, rest;
    uint32_t got;
    if (!unpack_iterator(vm, from, &iterator) || !unpack_some(vm, a, iterator, before, &got))
        return false;
    if (got < before)
        return heap_raise(h, &exc_ValueError,
                          "not enough values to unpack (expected at least %u, got %u)",
                          before + after, got);
    heap_hold(h, iterator);
    bool ok = val_to_list(h, iterator, &list);
    heap_release(h, 1);
    if (!ok)
        return false;
    if (list.list->n < after)
        return heap_raise(h, &exc_ValueError,
                          "not enough values to unpack (expected at least %u, got %u)",
                          before + after, before + list.list->n);
    uint32_t kept = list.list->n - after;
    if (!list_from(h, list.list->at, kept, &rest))
        return false;
    val *regs = vm_regs(vm) + a + before;
    *regs++ = rest;
    for (uint32_t i = 0; i < after; i++)
        regs[i] = list.list->at[kept + i];
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
