/* Instructions of the machine's loop: operators and jumps.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
