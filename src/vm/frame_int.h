/* frame: pushing a frame, inline, for the machine's loop. */
#ifndef VM_FRAME_INT_H
#define VM_FRAME_INT_H
#include "vm/machine_int.h"

/* Room for one more frame that needs `need` registers in all; false: a limit. */
bool frame_room(struct vm *vm, uint32_t need) must_use;

static inline bool push_frame(struct vm *vm, struct code *code, struct func_obj *fn,
                              struct gen_obj *gen, enum frame_kind kind)
{
    struct heap *h = &vm->heap;
    uint32_t base = 0;
    if (vm->frame_count) {
        struct frame *caller = vm_top_frame(vm);
        base = caller->base + (caller->gen ? 0 : caller->code->regs);
    }
    uint32_t need = base + (gen ? 0 : code->regs);
    if (__builtin_expect(h->depth >= h->limits.depth || vm->frame_count == vm->frame_cap ||
                             need > vm->stack_cap,
                         0) &&
        !frame_room(vm, need))
        return false;
    h->depth++;
    struct frame *f = &vm->frames[vm->frame_count++];
    f->code = code;
    f->func = fn;
    f->gen = gen;
    f->base = base;
    f->kind = kind;
    f->handled = vm->handled;
    f->pc = code->ops;
    if (need > vm->stack_high)
        vm->stack_high = need;
    return true;
}

#endif
