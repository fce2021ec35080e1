/* ops: what the instructions of the machine's loop are written in: registers, going on, the ways
 * out. The loop's variables (vm, h, f, R, K, pc, mark) are machine_run's.
 * Registers may move in every call that may run the machine: SLOW and RELOAD fetch them anew. */
#ifndef VM_OPS_INT_H
#define VM_OPS_INT_H
#include "vm/machine_int.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define R_A R[pc->a]
#define R_B R[pc->b]
#define R_C R[pc->c]
#define DISPATCH() goto *labels[pc->op]
#define NEXT(n)     \
    do {            \
        pc += (n);  \
        DISPATCH(); \
    } while (0)
#define SAVE() (f->pc = pc, vm->entered = false, vm->fuel_before = h->fuel)
/* Registers may have moved. */
#define RELOAD() (f = vm_top_frame(vm), R = frame_regs(vm, f))
#define SAFEPOINT()                             \
    do {                                        \
        if (unlikely(heap_wants_collection(h))) \
            heap_collect(h);                    \
    } while (0)
/* Words executed since `mark` are paid when control goes elsewhere. */
#define PAY(words) (h->fuel -= pc - mark + (words))
#define JUMP_FROM(word)                     \
    do {                                    \
        const struct instr *jump_ = (word); \
        h->fuel -= jump_ - mark + 1;        \
        mark = pc = jump_ + 1 + jump_->s;   \
        if (unlikely(h->fuel < 0))          \
            goto out_of_fuel;               \
        DISPATCH();                         \
    } while (0)
/* An operation that may allocate, raise or run the machine; result in `out`. */
#define SLOW(call)             \
    do {                       \
        val out;               \
        SAVE();                \
        if (unlikely(!(call))) \
            goto fault;        \
        RELOAD();              \
        val_copy(&R_A, &out);  \
        SAFEPOINT();           \
    } while (0)
#define SLOW_VOID(call)        \
    do {                       \
        SAVE();                \
        if (unlikely(!(call))) \
            goto fault;        \
        RELOAD();              \
        SAFEPOINT();           \
    } while (0)

#endif
