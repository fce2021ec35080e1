#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/arithmetic_int.h"
#include "vm/frame_int.h"
#include "vm/ops_int.h"
#include "vm/template_int.h"

/* ---- natives ---- */

/* args[-1] is self, where the row wants one. */
static inline bool call_native(struct vm *vm, const struct native_def *def, const val *self,
                               const val *args, uint32_t n, val *ret)
{
    enum { FAST_ARGS = 6, UNUSUAL = NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_CLASS };
    val room[FAST_ARGS + 1];
    uint32_t at = 0;
    if ((def->flags & UNUSUAL) || def->keyword_only || n < def->min || n > def->max ||
        def->max > FAST_ARGS)
        goto slow;
    if (self) {
        if ((def->flags & NATIVE_MUTATES) && (self->o->flags & OBJ_FROZEN))
            goto slow;
        val_copy(&room[at++], self);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].kind == V_OBJECT && (def->flags & (NATIVE_DECIDES | NATIVE_DEFERS)))
            goto slow;
        val_copy(&room[at++], &args[i]);
    }
    for (uint32_t i = n; i < def->max; i++)
        room[at++] = VAL_UNBOUND;
    return def->fn(&vm->heap, room, ret);
slow:;
    struct call_args call = {.at = args, .n = n};
    return native_call(&vm->heap, def, self ? *self : VAL_UNBOUND, &call, ret);
}

/* ---- the loop ---- */

static bool binary(struct heap *h, const struct instr *pc, enum binary_op op, val b, val c,
                   val *ret)
{
    return pc->flag ? op_inplace(h, op, b, c, ret) : op_binary(h, op, b, c, ret);
}

static bool compare_truth(struct heap *h, enum compare_op op, val a, val b, bool *ret)
{
    val result;
    if (!op_compare(h, op, a, b, &result))
        return false;
    if (likely(result.kind == V_BOOL)) {
        *ret = result.b;
        return true;
    }
    return val_truth(h, result, ret);
}

bool machine_run(struct vm *vm, uint32_t floor, val *ret)
{
    static const void *const labels[] = {
#define X(name) &&op_##name,
        VM_OPS(X)
#undef X
    };
    struct heap *h = &vm->heap;
    struct frame *f = vm_top_frame(vm);
    val *R = frame_regs(vm, f);
    const val *K = f->code->consts;
    const struct instr *pc = f->pc, *mark = pc;
    struct call_args args;
    val result;
    bool truth;

    DISPATCH();

/* One place for each instruction; where its bodies stand does not matter. */
#include "vm/ops_calls_int.h"
#include "vm/ops_exceptions_int.h"
#include "vm/ops_loops_int.h"
#include "vm/ops_operators_int.h"
#include "vm/ops_templates_int.h"
#include "vm/ops_variables_int.h"

out_of_fuel:
    heap_out_of_fuel(h);
fault:
    f = vm_top_frame(vm);
    f->pc = pc;
    if (h->fault.kind == FAULT_AWAIT && !vm->entered)
        h->fuel = vm->fuel_before;
    PAY(0);
    if (!machine_unwind(vm, floor))
        return false;
    RELOAD();
    K = f->code->consts;
    mark = pc = f->pc;
    DISPATCH();
}
