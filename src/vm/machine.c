#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/arithmetic_int.h"
#include "vm/frame_int.h"
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

op_NOP:
op_WORD:
    NEXT(1);
op_MOVE:
    val_copy(&R_A, &R_B);
    NEXT(1);
op_CONST:
    R_A = K[pc->u];
    NEXT(1);
op_INT:
    R_A = val_int(pc->s);
    NEXT(1);
op_CLEAR:
    for (uint32_t i = 0; i < pc->u; i++)
        R[pc->a + i] = VAL_UNBOUND;
    NEXT(1);

    /* ---- variables ---- */
op_CHECK:
    if (unlikely(R_A.kind == V_UNBOUND)) {
        unwind_unbound(vm, (enum unbound_kind)pc->flag, f->code->names[pc->b]);
        goto fault;
    }
    NEXT(1);
op_DELETE:
    R_A = VAL_UNBOUND;
    NEXT(1);
op_GLOBAL : {
    val v = f->code->file->globals[pc->u];
    if (unlikely(v.kind == V_UNBOUND)) {
        unwind_unbound(vm, UNBOUND_GLOBAL, f->code->file->global_names[pc->u]);
        goto fault;
    }
    R_A = v;
    NEXT(1);
}
op_GLOBAL_OR : {
    val v = f->code->file->globals[pc->u];
    R_A = v.kind == V_UNBOUND ? K[pc[1].u] : v;
    NEXT(2);
}
op_SET_GLOBAL:
    f->code->file->globals[pc->u] = R_A;
    NEXT(1);
op_DEL_GLOBAL : {
    val *v = &f->code->file->globals[pc->u];
    if (v->kind == V_UNBOUND) {
        unwind_unbound(vm, UNBOUND_GLOBAL, f->code->file->global_names[pc->u]);
        goto fault;
    }
    *v = VAL_UNBOUND;
    NEXT(1);
}
op_NO_NAME:
    unwind_unbound(vm, UNBOUND_GLOBAL, f->code->names[pc->u]);
    goto fault;
op_MAKE_CELL : {
    struct cell_obj *cell = heap_new(h, V_CELL, sizeof *cell);
    if (!cell)
        goto fault;
    cell->value = R_A;
    R_A = val_obj(V_CELL, cell);
    NEXT(1);
}
op_CELL : {
    val v = ((struct cell_obj *)R_B.o)->value;
    if (unlikely(v.kind == V_UNBOUND))
        goto unbound_c;
    R_A = v;
    NEXT(1);
}
op_SET_CELL:
    ((struct cell_obj *)R_A.o)->value = R_B;
    NEXT(1);
op_DEL_CELL : {
    struct cell_obj *cell = (struct cell_obj *)R_A.o;
    if (cell->value.kind == V_UNBOUND)
        goto unbound_c;
    cell->value = VAL_UNBOUND;
    NEXT(1);
}
op_FREE : {
    val v = func_cell(f->func, pc->b)->value;
    if (unlikely(v.kind == V_UNBOUND))
        goto unbound_c;
    R_A = v;
    NEXT(1);
}
op_SET_FREE:
    func_cell(f->func, pc->a)->value = R_B;
    NEXT(1);
op_DEL_FREE : {
    struct cell_obj *cell = func_cell(f->func, pc->a);
    if (cell->value.kind == V_UNBOUND)
        goto unbound_c;
    cell->value = VAL_UNBOUND;
    NEXT(1);
}
unbound_c:
    unwind_unbound(vm, (enum unbound_kind)pc->flag, f->code->names[pc->c]);
    goto fault;

    /* ---- attributes and items ---- */
op_ATTR:
    SLOW(place_getattr(vm, R_B, f->code->names[pc->c], &out));
    NEXT(1);
op_SET_ATTR:
    SLOW_VOID(place_setattr(vm, R_A, f->code->names[pc->c], R_B));
    NEXT(1);
op_DEL_ATTR:
    SLOW_VOID(place_delattr(vm, R_A, f->code->names[pc->c]));
    NEXT(1);
op_INDEX : {
    val b = R_B, c = R_C;
    if (c.kind == V_INT) {
        if (b.kind == V_LIST) {
            uint64_t i = (uint64_t)(c.i < 0 ? c.i + b.list->n : c.i);
            if (likely(i < b.list->n)) {
                R_A = b.list->at[i];
                NEXT(1);
            }
        } else if (b.kind == V_TUPLE) {
            uint64_t i = (uint64_t)(c.i < 0 ? c.i + b.tuple->n : c.i);
            if (likely(i < b.tuple->n)) {
                R_A = b.tuple->at[i];
                NEXT(1);
            }
        }
    }
    SLOW(val_getitem(h, b, c, &out));
    NEXT(1);
}
op_SET_INDEX : {
    val a = R_A, b = R_B;
    if (a.kind == V_LIST && b.kind == V_INT && !(a.o->flags & OBJ_FROZEN)) {
        uint64_t i = (uint64_t)(b.i < 0 ? b.i + a.list->n : b.i);
        if (likely(i < a.list->n)) {
            a.list->at[i] = R_C;
            NEXT(1);
        }
    }
    if (a.kind == V_DICT && dict_set_again(a.dict, &R_B, &R_C))
        NEXT(1);
    SLOW_VOID(val_setitem(h, a, b, R_C));
    NEXT(1);
}
op_DEL_INDEX:
    SLOW_VOID(val_delitem(h, R_A, R_B));
    NEXT(1);
op_SLICE:
    SLOW(slice_new(h, R_B, R[pc->b + 1], R[pc->b + 2], &out));
    NEXT(1);

    /* ---- operators ---- */
    ARITHMETIC(ADD, BINARY_ADD, R_C, ADD_INT, FLOAT_RESULT(x + y))
    ARITHMETIC(ADD_K, BINARY_ADD, K[pc->c], ADD_INT, FLOAT_RESULT(x + y))
    ARITHMETIC(SUB, BINARY_SUB, R_C, SUB_INT, FLOAT_RESULT(x - y))
    ARITHMETIC(SUB_K, BINARY_SUB, K[pc->c], SUB_INT, FLOAT_RESULT(x - y))
    ARITHMETIC(MUL, BINARY_MUL, R_C, MUL_INT, FLOAT_RESULT(x * y))
    ARITHMETIC(MUL_K, BINARY_MUL, K[pc->c], MUL_INT, FLOAT_RESULT(x * y))
    ARITHMETIC(DIV, BINARY_DIV, R_C, DIV_INT, DIV_FLOAT)
    ARITHMETIC(DIV_K, BINARY_DIV, K[pc->c], DIV_INT, DIV_FLOAT)
    ARITHMETIC(FLOORDIV, BINARY_FLOORDIV, R_C, FLOORDIV_INT, NO_FAST)
    ARITHMETIC(FLOORDIV_K, BINARY_FLOORDIV, K[pc->c], FLOORDIV_INT, NO_FAST)
    ARITHMETIC(MOD, BINARY_MOD, R_C, MOD_INT, NO_FAST)
    ARITHMETIC(MOD_K, BINARY_MOD, K[pc->c], MOD_INT, NO_FAST)
op_BINARY : {
    val b = R_B, c = R_C;
    if (b.kind == V_INT && c.kind == V_INT) {
        switch (pc[1].u) {
        case BINARY_AND:
            R_A = val_int(b.i & c.i);
            NEXT(2);
        case BINARY_OR:
            R_A = val_int(b.i | c.i);
            NEXT(2);
        case BINARY_XOR:
            R_A = val_int(b.i ^ c.i);
            NEXT(2);
        default:
            break;
        }
    }
    SLOW(binary(h, pc, (enum binary_op)pc[1].u, b, c, &out));
    NEXT(2);
}
op_NOT:
    SAVE();
    if (!val_truth(h, R_B, &truth))
        goto fault;
    RELOAD();
    R_A = val_bool(!truth);
    NEXT(1);
op_UNARY:
    SLOW(op_unary(h, (enum unary_op)pc->flag, R_B, &out));
    NEXT(1);
op_COMPARE : {
    val b = R_B, c = R_C;
    if (b.kind == V_INT && c.kind == V_INT && pc->flag <= COMPARE_GE) {
        static const uint8_t masks[] = {[COMPARE_LT] = 1, [COMPARE_EQ] = 2, [COMPARE_GT] = 4,
                                        [COMPARE_LE] = 3, [COMPARE_GE] = 6, [COMPARE_NE] = 5};
        int bit = b.i < c.i ? 1 : b.i == c.i ? 2 : 4;
        R_A = val_bool((masks[pc->flag] & bit) != 0);
        NEXT(1);
    }
    SLOW(op_compare(h, (enum compare_op)pc->flag, b, c, &out));
    NEXT(1);
}

    /* ---- jumps ---- */
op_JUMP:
    JUMP_FROM(pc);
op_JUMP_TRUE:
op_JUMP_FALSE : {
    val a = R_A;
    if (likely(a.kind == V_BOOL)) {
        truth = a.b;
    } else {
        SAVE();
        if (!val_truth(h, a, &truth))
            goto fault;
        RELOAD();
    }
    if (truth == (pc->op == OP_JUMP_TRUE))
        JUMP_FROM(pc);
    NEXT(1);
}
op_JUMP_NONE : {
    val a = R_A;
    if (unlikely(val_is_deferred(a))) {
        SAVE();
        if (!val_decide(h, a, &a))
            goto fault;
        RELOAD();
    }
    if ((a.kind == V_NONE) == pc->flag)
        JUMP_FROM(pc);
    NEXT(1);
}
    JUMP_COMPARE(LT, <, COMPARE_LT)
    JUMP_COMPARE(LE, <=, COMPARE_LE)
    JUMP_COMPARE(GT, >, COMPARE_GT)
    JUMP_COMPARE(GE, >=, COMPARE_GE)
    JUMP_COMPARE(EQ, ==, COMPARE_EQ)
    JUMP_COMPARE(NE, !=, COMPARE_NE)
op_JUMP_CMP:
    SAVE();
    if (!compare_truth(h, (enum compare_op)pc->c, R_A, R_B, &truth))
        goto fault;
    RELOAD();
    if (truth == pc->flag)
        JUMP_FROM(pc + 1);
    NEXT(2);

    /* ---- loops ---- */
op_ITER : {
    val b = R_B, callee = pc->c == NO_REG ? VAL_UNBOUND : R_C;
    if (likely(b.kind == V_RANGE || b.kind == V_LIST || b.kind == V_TUPLE)) {
        R_A = b;
        R[pc->a + 1] = val_int(0);
        NEXT(1);
    }
    val state[2];
    SAVE();
    if (!loop_start(vm, (enum iter_use)pc->flag, b, callee, state))
        goto fault;
    RELOAD();
    R_A = state[0];
    R[pc->a + 1] = state[1];
    NEXT(1);
}
op_FOR : {
    val *it = &R_A;
    switch (it->kind) {
    case V_RANGE: {
        const struct range_obj *r = it->range;
        if (it[1].i >= r->n)
            NEXT(2);
        R_B = val_int(r->start + it[1].i++ * r->step);
        JUMP_FROM(pc + 1);
    }
    case V_LIST:
        if (it[1].i >= it->list->n) {
            it[1].i = INT64_MAX; /* stays exhausted when the list grows */
            NEXT(2);
        }
        R_B = it->list->at[it[1].i++];
        JUMP_FROM(pc + 1);
    case V_TUPLE:
        if (it[1].i >= it->tuple->n)
            NEXT(2);
        R_B = it->tuple->at[it[1].i++];
        JUMP_FROM(pc + 1);
    case V_GEN: {
        struct gen_obj *gen = (struct gen_obj *)it->o;
        if (gen->state == GEN_DONE)
            NEXT(2);
        SAVE();
        if (gen->state == GEN_RUNNING) {
            heap_raise(h, &exc_ValueError, "generator already executing");
            goto fault;
        }
        if (!push_frame(vm, gen->code, gen->func, gen, FRAME_FOR))
            goto fault;
        gen->state = GEN_RUNNING;
        PAY(1);
        vm_top_frame(vm)->pc = gen->pc;
        goto entered;
    }
    case V_ITER: {
        /* for k, v in d.items(): without the tuple. */
        const struct instr *body = pc + 2 + pc[1].s;
        if (body->op == OP_UNPACK && body->b == pc->b && body->c == 2 &&
            iter_gives_pairs(it->iter)) {
            val pair[2];
            SAVE();
            if (!iter_next_pair(h, it->iter, pair))
                goto fault;
            RELOAD();
            if (pair[0].kind == V_UNBOUND)
                NEXT(2);
            R[body->a] = pair[0];
            R[body->a + 1] = pair[1];
            PAY(3);
            mark = pc = body + 1;
            if (unlikely(h->fuel < 0))
                goto out_of_fuel;
            DISPATCH();
        }
    }
        __attribute__((fallthrough));
    default:
        SAVE();
        if (!val_next(h, *it, &result))
            goto fault;
        RELOAD();
        if (result.kind == V_UNBOUND)
            NEXT(2);
        R_B = result;
        SAFEPOINT();
        JUMP_FROM(pc + 1);
    }
}
op_UNPACK : {
    val b = R_B;
    if (likely(b.kind == V_TUPLE && b.tuple->n == pc->c)) {
        for (uint32_t i = 0; i < pc->c; i++)
            R[pc->a + i] = b.tuple->at[i];
        NEXT(1);
    }
    SLOW_VOID(loop_unpack(vm, pc->a, b, pc->c));
    NEXT(1);
}
op_UNPACK_REST:
    SLOW_VOID(loop_unpack_rest(vm, pc->a, R_B, pc->c, pc[1].u));
    NEXT(2);

    /* ---- displays ---- */
op_LIST:
    SLOW(list_from(h, &R_B, pc->c, &out));
    NEXT(1);
op_TUPLE:
    SLOW(tuple_from(h, &R_B, pc->c, &out));
    NEXT(1);
op_SET : {
    val set;
    SAVE();
    if (!set_new(h, V_SET, pc->c, &set))
        goto fault;
    for (uint32_t i = 0; i < pc->c; i++)
        if (!set_add(h, set.set, R[pc->b + i]))
            goto fault;
    R_A = set;
    SAFEPOINT();
    NEXT(1);
}
op_DICT : {
    val dict;
    SAVE();
    if (!dict_new(h, pc->c, &dict))
        goto fault;
    for (uint32_t i = 0; i < pc->c; i++)
        if (!dict_set(h, dict.dict, R[pc->b + 2 * i], R[pc->b + 2 * i + 1]))
            goto fault;
    R_A = dict;
    SAFEPOINT();
    NEXT(1);
}
op_LIST_ADD:
    SAVE();
    for (uint32_t i = 0; i < pc->c; i++)
        if (!list_push(h, R_A.list, R[pc->b + i]))
            goto fault;
    SAFEPOINT();
    NEXT(1);
op_LIST_TUPLE:
    SLOW(tuple_from(h, R_B.list->at, R_B.list->n, &out));
    NEXT(1);
op_SET_ADD:
    SAVE();
    for (uint32_t i = 0; i < pc->c; i++)
        if (!set_add(h, R_A.set, R[pc->b + i]))
            goto fault;
    SAFEPOINT();
    NEXT(1);
op_DICT_ADD:
    SAVE();
    for (uint32_t i = 0; i < pc->c; i++)
        if (!dict_set(h, R_A.dict, R[pc->b + 2 * i], R[pc->b + 2 * i + 1]))
            goto fault;
    SAFEPOINT();
    NEXT(1);
op_DICT_UPDATE:
    SLOW_VOID(loop_dict_update(h, R_A, R_B));
    NEXT(1);
op_DICT_MERGE:
    SLOW_VOID(call_merge_names(h, R_A, R_B, R_C));
    NEXT(1);
op_FORMAT:
    SLOW(val_format(h, R_B, (char)pc->flag, pc->c == NO_REG ? VAL_UNBOUND : R_C, &out));
    NEXT(1);
op_STRING:
    SLOW(val_concat(h, &R_B, pc->c, &out));
    NEXT(1);

    /* ---- functions ---- */
op_FUNCTION:
    SLOW(function_make(vm, f->code->children[pc[1].u], &R_B, pc->c, &out));
    NEXT(2);
op_GENERATOR:
    SLOW(generator_make(vm, f->code->children[pc[1].u], &R_B, &out));
    NEXT(2);
op_CALL : {
    val fn = R_B;
    if (fn.kind == V_FUNC) {
        struct func_obj *func = (struct func_obj *)fn.o;
        struct code *code = func->code;
        if (likely(code->simple && pc->c == code->positional)) {
            SAVE();
            if (unlikely(!push_frame(vm, code, func, NULL, FRAME_CALL)))
                goto fault;
            PAY(1);
            f = vm_top_frame(vm);
            const val *from = frame_regs(vm, f - 1) + pc->b + 1;
            R = vm->stack + f->base;
            uint32_t n = code->positional;
            for (uint32_t i = 0; i < n; i++)
                val_copy(&R[i], &from[i]);
            for (uint32_t i = n; i < code->locals; i++)
                R[i] = VAL_UNBOUND;
            K = code->consts;
            mark = pc = code->ops;
            if (unlikely(h->fuel < 0))
                goto out_of_fuel;
            DISPATCH();
        }
    } else if (vm->host.awaits) {
        goto slow_call;
    } else if (fn.kind == V_NATIVE) {
        SLOW(call_native(vm, fn.native, NULL, &R_B + 1, pc->c, &out));
        NEXT(1);
    } else if (fn.kind == V_TYPE && fn.type->construct && fn.type != &type_list &&
               fn.type != &type_dict) {
        SLOW(call_native(vm, fn.type->construct, NULL, &R_B + 1, pc->c, &out));
        NEXT(1);
    }
slow_call:
    args = (struct call_args){.at = &R_B + 1, .n = pc->c};
    goto call;
}
op_CALL_NAMED : {
    const struct tuple_obj *names = K[pc[1].u].tuple;
    uint32_t n = pc->c - names->n;
    args = (struct call_args){&R_B + 1, n, names->at, &R_B + 1 + n, names->n};
    goto call;
}
op_METHOD : {
    val b = R_B;
    if (likely(b.kind == pc->flag && b.kind != V_UNBOUND &&
               !(b.kind == V_DICT && (b.o->flags & OBJ_RECORD)))) {
        const struct native_def *def;
        memcpy(&def, pc + 1, sizeof def);
        val_copy(&R[pc->a + 1], &R_B);
        R_A = val_native(def);
        NEXT(2);
    }
    val found[2];
    SAVE();
    /* The cache is the one part of code that changes. */
    if (!place_method(vm, f->code->ops + (pc - f->code->ops), b, f->code->names[pc->c], found))
        goto fault;
    RELOAD();
    R_A = found[0];
    R[pc->a + 1] = found[1];
    SAFEPOINT();
    NEXT(2);
}
op_CALL_METHOD : {
    const val *self = &R_B + 1;
    uint32_t n = pc->c;
    args = (struct call_args){.at = self + 1, .n = n};
    if (pc[1].u) {
        const struct tuple_obj *names = K[pc[1].u - 1].tuple;
        args = (struct call_args){self + 1, n - names->n, names->at, self + 1 + n - names->n,
                                  names->n};
    }
    if (self->kind == V_UNBOUND)
        goto call;
    if (R_B.native == dict_get_method && self[1].kind == V_INT && n - 1 < 2 && !pc[1].u &&
        dict_get_int(self->dict, self[1].i, &result)) {
        if (result.kind == V_UNBOUND)
            result = n == 2 ? self[2] : VAL_NONE;
        val_copy(&R_A, &result);
        NEXT(2);
    }
    if (unlikely(vm->host.awaits) && n == 1 && self[1].kind == V_GEN && self->kind == V_STR &&
        strcmp(R_B.native->name, "join") == 0) {
        args = (struct call_args){.at = self, .n = 2};
        SAVE();
        if (!walk_push(vm, "join_", &args))
            goto fault;
        PAY(1);
        goto entered;
    }
    if (pc[1].u)
        SLOW(native_call(h, R_B.native, *self, &args, &out));
    else
        SLOW(call_native(vm, R_B.native, self, self + 1, n, &out));
    NEXT(2);
}
op_CALL_STAR : {
    val *b = &R_B;
    args = (struct call_args){.at = b[1].list->at, .n = b[1].list->n};
    if (pc->flag) {
        SAVE();
        if (!call_spread_names(h, b[2], b + 3))
            goto fault;
        args.names = b[3].list->at;
        args.named = b[4].list->at;
        args.named_count = b[3].list->n;
    }
}
call:
    /* R_B is called with args; the result goes to R_A. */
    SAVE();
    if (R_B.kind == V_FUNC) {
        if (!call_push(vm, (struct func_obj *)R_B.o, &args, FRAME_CALL))
            goto fault;
        PAY(1);
        goto entered;
    }
    if (unlikely(vm->host.awaits)) {
        const char *name = walk_wanted(vm, R_B, &args);
        if (name) {
            if (!walk_push(vm, name, &args))
                goto fault;
            PAY(1);
            goto entered;
        }
    }
    if (!call_other(vm, R_B, &args, &result))
        goto fault;
    RELOAD();
    R_A = result;
    SAFEPOINT();
    NEXT(pc->op == OP_CALL || pc->op == OP_CALL_STAR ? 1 : 2);
entered:
    RELOAD();
    K = f->code->consts;
    mark = pc = f->pc;
    if (unlikely(h->fuel < 0))
        goto out_of_fuel;
    DISPATCH();

op_RETURN:
    val_copy(&result, &R_A);
    PAY(1);
    if (f->gen)
        f->gen->state = GEN_DONE;
    truth = f->gen != NULL;
    goto leave;
op_YIELD:
    result = R_A;
    PAY(1);
    f->gen->pc = pc + 1;
    f->gen->state = GEN_READY;
    truth = false;
leave : {
    /* truth: a generator has ended. */
    enum frame_kind kind = f->kind;
    vm->handled = f->handled;
    h->depth--;
    vm->frame_count--;
    if (kind == FRAME_ENTRY) {
        *ret = truth ? VAL_UNBOUND : result;
        return true;
    }
    f--;
    R = frame_regs(vm, f);
    K = f->code->consts;
    mark = pc = f->pc;
    if (kind == FRAME_FOR) {
        mark = pc + 1;
        if (truth)
            NEXT(2);
        R_B = result;
        JUMP_FROM(pc + 1);
    }
    val_copy(&R_A, &result);
    pc += pc->op == OP_CALL || pc->op == OP_CALL_STAR ? 1 : 2;
    mark = pc;
    DISPATCH();
}

    /* ---- exceptions ---- */
op_RAISE:
    SAVE();
    unwind_raise(vm, R_A, pc->flag ? &R_B : NULL);
    goto fault;
op_RAISE_AGAIN:
    unwind_raise_again(vm);
    goto fault;
op_FAIL:
    if (pc->flag)
        heap_raise_with(h, &exc_AssertionError, &R_A, 1);
    else
        heap_raise_with(h, &exc_AssertionError, NULL, 0);
    goto fault;
op_HANDLING:
    vm->handled = pc->a == NO_REG ? f->handled : R_A;
    NEXT(1);
op_HANDLED:
    R_A = vm->handled;
    NEXT(1);
op_MATCH:
    SAVE();
    if (!unwind_match(vm, R_A, R_B, &truth))
        goto fault;
    if (!truth)
        JUMP_FROM(pc + 1);
    NEXT(2);
op_RETHROW:
    vm->going_on = true;
    heap_raise_val(h, R_A);
    goto fault;
op_END_FINALLY:
    if (R_A.i == CONT_THROWN) {
        vm->going_on = true;
        heap_raise_val(h, R[pc->a + 1]);
        goto fault;
    }
    NEXT(1);
op_JUMP_CONT:
    if (R_A.i != pc->c)
        JUMP_FROM(pc + 1);
    NEXT(2);

    /* ---- modules ---- */
op_IMPORT:
    SLOW(import_module(vm, text_str(K[pc->u]), frame_pos(f), &out));
    NEXT(1);
op_IMPORT_FROM:
    SLOW(import_name(vm, R_B, f->code->names[pc->c], &out));
    NEXT(1);

    /* ---- templates ---- */
op_LOAD_NAME:
    result = R_B;
    truth = true;
    goto load_name;
op_LOAD_CELL:
    result = ((struct cell_obj *)R_B.o)->value;
    truth = pc->flag;
    goto load_name;
op_LOAD_FREE:
    result = func_cell(f->func, pc->b)->value;
    truth = pc->flag;
load_name:
    if (unlikely(result.kind == V_UNBOUND && truth))
        SLOW(undefined_name(h, f->code->names[pc->c], &out));
    else
        R_A = result;
    NEXT(1);
op_LOOKUP:
    if (R_B.kind == V_DICT && pc->flag != LOOKUP_ASKS) {
        result =
            dict_get_hinted(R_B.dict, f->code->names[pc->c], &f->code->ops[pc - f->code->ops].flag);
        if (likely(result.kind != V_UNBOUND)) {
            R_A = result;
            NEXT(1);
        }
    }
    SLOW(template_attr(h, R_B, f->code->names[pc->c], &out));
    NEXT(1);
op_LOOKUP_ITEM:
    SLOW(template_item(h, R_B, R_C, &out));
    NEXT(1);
op_LOOKUP_METHOD : {
    val found[2];
    SAVE();
    if (!template_method(vm, f->code->ops + (pc - f->code->ops), R_B, f->code->names[pc->c], found))
        goto fault;
    RELOAD();
    R_A = found[0];
    R[pc->a + 1] = found[1];
    SAFEPOINT();
    NEXT(2);
}
op_CALL_FILTER:
    SLOW(template_filter(vm, pc, R, &out));
    NEXT(2);
op_EMIT:
    SLOW_VOID(template_emit(vm, R_A, pc->flag));
    NEXT(1);
op_EMIT_TEXT:
    SAVE();
    if (!template_emit_text(vm, text_str(K[pc->u])))
        goto fault;
    NEXT(1);
op_LOOP_NEXT:
    SAVE();
    if (!template_loop_next(vm, R_A, &result))
        goto fault;
    RELOAD();
    if (result.kind == V_UNBOUND)
        NEXT(2);
    R_B = result;
    SAFEPOINT();
    JUMP_FROM(pc + 1);
op_JUMP_BOUND:
    if (R_A.kind != V_UNBOUND)
        JUMP_FROM(pc);
    NEXT(1);
op_TEMPLATE:
    SLOW_VOID(template_step(vm, pc));
    NEXT(1);

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
