/* Instructions of the machine's loop: loops, and the displays that make containers.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
