/* Instructions of the machine's loop: functions: making, calling, returning.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
