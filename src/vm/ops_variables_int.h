/* Instructions of the machine's loop: variables, attributes, items.
 * A piece of machine_run's body, and of nothing else: labels without a function, which clang-format
 * takes for something else. */
/* clang-format off */
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
