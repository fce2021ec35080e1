/* Instructions of the machine's loop: exceptions, finally, imports.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
