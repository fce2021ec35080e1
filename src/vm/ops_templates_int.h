/* Instructions of the machine's loop: what templates alone have.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
    if (R_A.kind == V_STR && !pc->flag) {
        SAVE();
        if (!template_emit_text(vm, text_str(R_A)))
            goto fault;
        NEXT(1);
    }
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
