#include "vm/compile_int.h"

static void add_handler(struct fn *f, uint32_t from, uint32_t to, reg r)
{
    if (from < to)
        vec_push(&f->handlers, (struct handler){from, to, fn_here(f), r, f->handling});
}

/* One except clause; the exception is in `caught`. Jumps to the end go to `ends`. */
static void except_clause(struct fn *f, const struct except_clause *c, reg caught,
                          struct jumps *ends)
{
    uint32_t top = f->top, next = 0;
    reg outer = f->handling;
    fn_at(f, c->at);
    if (c->type) {
        reg type = expr_operand(f, c->type);
        fn_at(f, c->type->at);
        emit(f, OP_MATCH, 0, caught, type, 0);
        next = emit_jump(f, OP_JUMP, 0, 0);
    }
    if (c->name.n)
        name_store(f, c->name, caught);
    struct flow_block block = {
        .kind = BLOCK_HANDLER, .outer = f->blocks, .name = c->name, .handling = outer};
    f->blocks = &block;
    f->handling = caught;
    uint32_t from = fn_here(f);
    stmt_block(f, &c->body);
    uint32_t to = fn_here(f);
    f->blocks = block.outer;
    f->handling = outer;
    emit(f, OP_HANDLING, 0, outer, 0, 0);
    if (c->name.n)
        name_unbind(f, c->name);
    jumps_add(ends, emit_jump(f, OP_JUMP, 0, 0));
    if (c->name.n) {
        reg thrown = fn_temp(f);
        add_handler(f, from, to, thrown);
        name_unbind(f, c->name);
        emit(f, OP_RETHROW, 0, thrown, 0, 0);
    }
    if (c->type)
        patch_here(f, next);
    f->top = top;
}

static void try_except(struct fn *f, const struct stmt *s)
{
    struct jumps ends = {0};
    struct assigned before = f->assigned;
    uint32_t top = f->top, from = fn_here(f);
    stmt_block(f, &s->try_.body);
    if (s->try_.n == 0)
        return;
    uint32_t to = fn_here(f);
    stmt_block(f, &s->try_.otherwise);
    jumps_add(&ends, emit_jump(f, OP_JUMP, 0, 0));
    struct assigned after = f->assigned;

    reg caught = fn_temp(f);
    add_handler(f, from, to, caught);
    fn_at(f, s->try_.handlers[0].at);
    emit(f, OP_HANDLING, 0, caught, 0, 0);
    for (uint32_t i = 0; i < s->try_.n; i++) {
        const struct except_clause *c = &s->try_.handlers[i];
        if (!c->type && i + 1 < s->try_.n)
            unit_error(f->unit, "syntax_error", c->at, "default 'except:' must be last");
        f->assigned = before;
        except_clause(f, c, caught, &ends);
        assigned_meet(&after, &f->assigned);
    }
    emit(f, OP_RETHROW, 0, caught, 0, 0);
    jumps_here(f, &ends);
    f->assigned = after;
    f->top = top;
}

/* The finally block stands once. It is entered with a continuation in `cont`: what happens after
 * it. cont + 1 holds an exception or a value to return, cont + 2 what is being handled. */
static void try_finally(struct fn *f, const struct stmt *s)
{
    struct jumps entries = {0};
    struct assigned before = f->assigned;
    reg cont = fn_temps(f, 3), outer = f->handling;
    uint32_t from = fn_here(f);
    struct flow_block block = {.kind = BLOCK_TRY_FINALLY,
                               .outer = f->blocks,
                               .handling = outer,
                               .cont = cont,
                               .entries = &entries};
    f->blocks = &block;
    try_except(f, s);
    uint32_t to = fn_here(f);
    struct assigned after = f->assigned;
    emit_u(f, OP_INT, 0, cont, CONT_NEXT);
    jumps_here(f, &entries);
    emit(f, OP_HANDLED, 0, cont + 2u, 0, 0);
    uint32_t enter = emit_jump(f, OP_JUMP, 0, 0);

    add_handler(f, from, to, (reg)(cont + 1));
    emit_u(f, OP_INT, 0, cont, CONT_THROWN);
    emit(f, OP_MOVE, 0, cont + 2u, cont + 1u, 0);
    emit(f, OP_HANDLING, 0, cont + 2u, 0, 0);

    patch_here(f, enter);
    block.kind = BLOCK_FINALLY;
    f->handling = (reg)(cont + 2);
    f->assigned = before;
    stmt_block(f, &s->try_.finally);
    f->handling = outer;
    f->blocks = block.outer;
    fn_at(f, s->at);
    emit(f, OP_END_FINALLY, 0, cont, 0, 0);
    assigned_join(&f->assigned, &after);
    after = f->assigned;
    for (int kind = EXIT_RETURN; kind <= EXIT_CONTINUE; kind++) {
        if (!block.exits[kind])
            continue;
        emit(f, OP_JUMP_CONT, 0, cont, 0, (unsigned)(CONT_FIRST_EXIT + kind));
        uint32_t take = emit_jump(f, OP_JUMP, 0, 0);
        stmt_exit(f, (enum exit_kind)kind, (reg)(cont + 1));
        patch_here(f, take);
    }
    f->assigned = after;
}

void stmt_try(struct fn *f, const struct stmt *s)
{
    if (s->try_.has_finally)
        try_finally(f, s);
    else
        try_except(f, s);
}
