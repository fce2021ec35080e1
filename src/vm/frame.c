#include "vm/frame_int.h"

static bool grow_stack(struct vm *vm, uint32_t need)
{
    uint32_t cap = vm->stack_cap ? vm->stack_cap : 512;
    while (cap < need)
        cap *= 2;
    val *stack =
        heap_array(&vm->heap, vm->stack, vm->stack_cap * sizeof *stack, cap * sizeof *stack);
    if (!stack)
        return false;
    memset(stack + vm->stack_cap, 0, (cap - vm->stack_cap) * sizeof *stack);
    vm->stack = stack;
    vm->stack_cap = cap;
    return true;
}

bool frame_room(struct vm *vm, uint32_t need)
{
    struct heap *h = &vm->heap;
    if (h->depth >= h->limits.depth && !heap_enter(h))
        return false;
    if (vm->frame_count == vm->frame_cap) {
        vm->frame_cap = vm->frame_cap ? vm->frame_cap * 2 : 32;
        vm->frames = mem_realloc_array(vm->frames, vm->frame_cap, sizeof *vm->frames);
    }
    return need <= vm->stack_cap || grow_stack(vm, need);
}

bool machine_push(struct vm *vm, struct code *code, struct func_obj *fn, struct gen_obj *gen,
                  enum frame_kind kind)
{
    if (!push_frame(vm, code, fn, gen, kind))
        return false;
    if (!gen)
        memset(vm->stack + vm_top_frame(vm)->base, 0, code->locals * sizeof(val));
    return true;
}

void machine_pop(struct vm *vm)
{
    struct frame *f = vm_top_frame(vm);
    vm->handled = f->handled;
    vm->heap.depth--;
    vm->frame_count--;
}
