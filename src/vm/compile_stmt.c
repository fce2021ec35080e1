#include "vm/compile_int.h"
#include "vm/machine_int.h"

/* ---- assignment ---- */

/* The first of the targets' registers, where they are variables that stand side by side. */
static reg neighbours(struct fn *f, const struct expr_list *items)
{
    reg first = NO_REG;
    for (uint32_t i = 0; i < items->n; i++) {
        reg r = items->at[i]->kind == EXPR_NAME ? name_target(f, items->at[i]->s) : NO_REG;
        if (r == NO_REG || (i > 0 && r != first + i))
            return NO_REG;
        if (i == 0)
            first = r;
    }
    return first;
}

static void unpack(struct fn *f, const struct expr *target, reg from)
{
    const struct expr_list *items = &target->items;
    uint32_t star = items->n, top = f->top;
    for (uint32_t i = 0; i < items->n; i++) {
        if (items->at[i]->kind != EXPR_STARRED)
            continue;
        if (star < items->n)
            unit_error(f->unit, "syntax_error", items->at[i]->at,
                       "multiple starred expressions in assignment");
        star = i;
    }
    reg base = star == items->n ? neighbours(f, items) : NO_REG;
    if (base != NO_REG) {
        fn_at(f, target->at);
        emit(f, OP_UNPACK, 0, base, from, items->n);
        for (uint32_t i = 0; i < items->n; i++)
            name_assigned(f, items->at[i]->s);
        return;
    }
    base = fn_temps(f, items->n);
    fn_at(f, target->at);
    if (star == items->n) {
        emit(f, OP_UNPACK, 0, base, from, items->n);
    } else {
        emit(f, OP_UNPACK_REST, 0, base, from, star);
        emit_u(f, OP_WORD, 0, 0, items->n - star - 1);
    }
    for (uint32_t i = 0; i < items->n; i++) {
        const struct expr *e = items->at[i];
        assign_to(f, e->kind == EXPR_STARRED ? e->starred : e, (reg)(base + i));
    }
    f->top = top;
}

void assign_to(struct fn *f, const struct expr *target, reg from)
{
    uint32_t top = f->top;
    reg object, index;
    switch (target->kind) {
    case EXPR_NAME:
        fn_at(f, target->at);
        name_store(f, target->s, from);
        break;
    case EXPR_ATTR:
        object = expr_operand(f, target->attr.target);
        fn_at(f, target->at);
        emit(f, OP_SET_ATTR, 0, object, from, fn_name(f, target->attr.name));
        break;
    case EXPR_INDEX:
        object = expr_operand(f, target->index.target);
        index = expr_operand(f, target->index.index);
        fn_at(f, target->at);
        emit(f, OP_SET_INDEX, 0, object, index, from);
        break;
    case EXPR_TUPLE:
    case EXPR_LIST:
        unpack(f, target, from);
        break;
    case EXPR_STARRED:
        unit_error(f->unit, "syntax_error", target->at,
                   "starred assignment target must be in a list or tuple");
        break;
    default:
        unit_error(f->unit, "syntax_error", target->at, "this cannot be assigned to");
    }
    f->top = top;
}

/* The only target is a local variable: compute the value in its register. */
static bool assign_in_place(struct fn *f, const struct expr *target, const struct expr *value)
{
    if (target->kind != EXPR_NAME)
        return false;
    reg r = name_target(f, target->s);
    if (r == NO_REG)
        return false;
    expr_to(f, value, r);
    name_assigned(f, target->s);
    return true;
}

static bool is_swap(const struct expr *target, const struct expr *value)
{
    if (target->kind != EXPR_TUPLE || value->kind != EXPR_TUPLE ||
        target->items.n != value->items.n || target->items.n > 4)
        return false;
    for (uint32_t i = 0; i < target->items.n; i++)
        if (target->items.at[i]->kind == EXPR_STARRED || value->items.at[i]->kind == EXPR_STARRED)
            return false;
    return true;
}

/* a, b = b, a without the tuple. */
static void assign_swap(struct fn *f, const struct expr *target, const struct expr *value)
{
    uint32_t n = value->items.n, base = f->top;
    for (uint32_t i = 0; i < n; i++)
        expr_temp(f, value->items.at[i]);
    for (uint32_t i = 0; i < n; i++)
        assign_to(f, target->items.at[i], (reg)(base + i));
}

static void stmt_assign(struct fn *f, const struct stmt *s)
{
    const struct expr_list *targets = &s->assign.targets;
    if (targets->n == 1) {
        if (assign_in_place(f, targets->at[0], s->assign.value))
            return;
        if (is_swap(targets->at[0], s->assign.value)) {
            assign_swap(f, targets->at[0], s->assign.value);
            return;
        }
    }
    reg from = expr_operand(f, s->assign.value);
    for (uint32_t i = 0; i < targets->n; i++)
        assign_to(f, targets->at[i], from);
}

static void augment_name(struct fn *f, const struct stmt *s)
{
    const struct expr *target = s->augmented.target;
    reg r = name_register(f, target->s, target->at);
    if (r != NO_REG && !f->scope->frame->has_walrus) {
        expr_augmented(f, s, r, r);
        name_assigned(f, target->s);
        return;
    }
    reg left = fn_temp(f);
    name_load(f, target->s, target->at, left);
    expr_augmented(f, s, left, left);
    name_store(f, target->s, left);
}

static void stmt_augmented(struct fn *f, const struct stmt *s)
{
    const struct expr *target = s->augmented.target;
    reg object, index, value;
    switch (target->kind) {
    case EXPR_NAME:
        augment_name(f, s);
        break;
    case EXPR_ATTR:
        object = expr_operand(f, target->attr.target);
        value = fn_temp(f);
        fn_at(f, target->at);
        emit(f, OP_ATTR, 0, value, object, fn_name(f, target->attr.name));
        expr_augmented(f, s, value, value);
        fn_at(f, target->at);
        emit(f, OP_SET_ATTR, 0, object, value, fn_name(f, target->attr.name));
        break;
    case EXPR_INDEX:
        object = expr_operand(f, target->index.target);
        index = expr_operand(f, target->index.index);
        value = fn_temp(f);
        fn_at(f, target->at);
        emit(f, OP_INDEX, 0, value, object, index);
        expr_augmented(f, s, value, value);
        fn_at(f, target->at);
        emit(f, OP_SET_INDEX, 0, object, index, value);
        break;
    default:
        unit_error(f->unit, "syntax_error", target->at,
                   "this is an illegal expression for augmented assignment");
    }
}

static void stmt_annotated(struct fn *f, const struct stmt *s)
{
    if (!s->annotated.value)
        return;
    if (!assign_in_place(f, s->annotated.target, s->annotated.value))
        assign_to(f, s->annotated.target, expr_operand(f, s->annotated.value));
}

static void delete_target(struct fn *f, const struct expr *e)
{
    uint32_t top = f->top;
    reg object, index;
    switch (e->kind) {
    case EXPR_NAME:
        name_delete(f, e->s, e->at);
        break;
    case EXPR_ATTR:
        object = expr_operand(f, e->attr.target);
        fn_at(f, e->at);
        emit(f, OP_DEL_ATTR, 0, object, 0, fn_name(f, e->attr.name));
        break;
    case EXPR_INDEX:
        object = expr_operand(f, e->index.target);
        index = expr_operand(f, e->index.index);
        fn_at(f, e->at);
        emit(f, OP_DEL_INDEX, 0, object, index, 0);
        break;
    case EXPR_TUPLE:
    case EXPR_LIST:
        for (uint32_t i = 0; i < e->items.n; i++)
            delete_target(f, e->items.at[i]);
        break;
    default:
        unit_error(f->unit, "syntax_error", e->at, "this cannot be deleted");
    }
    f->top = top;
}

/* ---- control flow ---- */

void stmt_exit(struct fn *f, enum exit_kind kind, reg value)
{
    for (struct flow_block *b = f->blocks; b; b = b->outer) {
        switch (b->kind) {
        case BLOCK_LOOP:
            if (kind == EXIT_RETURN)
                break;
            jumps_add(kind == EXIT_BREAK ? b->breaks : b->continues, emit_jump(f, OP_JUMP, 0, 0));
            return;
        case BLOCK_HANDLER:
            emit(f, OP_HANDLING, 0, b->handling, 0, 0);
            if (b->name.n)
                name_unbind(f, b->name);
            break;
        case BLOCK_FINALLY:
            emit(f, OP_HANDLING, 0, b->handling, 0, 0);
            break;
        case BLOCK_TRY_FINALLY:
            if (kind == EXIT_RETURN)
                emit(f, OP_MOVE, 0, b->cont + 1u, value, 0);
            emit_u(f, OP_INT, 0, b->cont, CONT_FIRST_EXIT + kind);
            jumps_add(b->entries, emit_jump(f, OP_JUMP, 0, 0));
            b->exits[kind] = true;
            return;
        }
    }
    emit(f, OP_RETURN, 0, value, 0, 0);
}

static void stmt_return(struct fn *f, const struct stmt *s)
{
    reg r;
    if (s->expr) {
        r = expr_operand(f, s->expr);
    } else {
        r = fn_temp(f);
        fn_at(f, s->at);
        fn_load_const(f, r, VAL_NONE);
    }
    fn_at(f, s->at);
    stmt_exit(f, EXIT_RETURN, r);
    assigned_all(f);
}

/* A chain of elif may be longer than the C stack is deep: it is a loop. */
static void stmt_if(struct fn *f, const struct stmt *s)
{
    struct jumps ends = {0};
    struct assigned after;
    memset(&after, 0xff, sizeof after);
    for (;; s = s->if_.otherwise.at[0]) {
        uint32_t top = f->top;
        struct jumps otherwise = {0};
        const struct block *rest = &s->if_.otherwise;
        fn_at(f, s->at);
        expr_jump(f, s->if_.test, false, &otherwise);
        struct assigned before = f->assigned;
        f->top = top;
        stmt_block(f, &s->if_.then);
        assigned_meet(&after, &f->assigned);
        f->assigned = before;
        if (rest->n)
            jumps_add(&ends, emit_jump(f, OP_JUMP, 0, 0));
        jumps_here(f, &otherwise);
        if (rest->n == 1 && rest->at[0]->kind == STMT_IF)
            continue;
        stmt_block(f, rest);
        assigned_meet(&f->assigned, &after);
        jumps_here(f, &ends);
        return;
    }
}

static void loop_body(struct fn *f, const struct block *body, struct jumps *breaks,
                      struct jumps *continues)
{
    struct flow_block block = {
        .kind = BLOCK_LOOP, .outer = f->blocks, .breaks = breaks, .continues = continues};
    f->blocks = &block;
    stmt_block(f, body);
    f->blocks = block.outer;
}

/* Worth testing twice: before the loop and at its end. */
static bool is_short(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NONE:
    case EXPR_TRUE:
    case EXPR_FALSE:
    case EXPR_INT:
    case EXPR_STR:
    case EXPR_NAME:
        return true;
    case EXPR_ATTR:
        return is_short(e->attr.target);
    case EXPR_UNARY:
        return is_short(e->unary.operand);
    case EXPR_BINARY:
        return is_short(e->binary.left) && is_short(e->binary.right);
    case EXPR_BOOL_OP:
        return is_short(e->bool_op.left) && is_short(e->bool_op.right);
    case EXPR_COMPARE:
        return e->compare.n == 1 && is_short(e->compare.first) && is_short(e->compare.operands[0]);
    default:
        return false;
    }
}

static void stmt_while(struct fn *f, const struct stmt *s)
{
    struct jumps ends = {0}, breaks = {0}, continues = {0}, again = {0};
    uint32_t start = fn_here(f);
    expr_jump(f, s->while_.test, false, &ends);
    struct assigned before = f->assigned;
    uint32_t body = fn_here(f);
    loop_body(f, &s->while_.body, &breaks, &continues);
    fn_at(f, s->while_.test->at);
    if (is_short(s->while_.test)) {
        jumps_here(f, &continues);
        expr_jump(f, s->while_.test, true, &again);
        jumps_to(f, &again, body);
    } else {
        jumps_to(f, &continues, start);
        emit_jump_to(f, OP_JUMP, 0, 0, start);
    }
    f->assigned = before;
    jumps_here(f, &ends);
    stmt_block(f, &s->while_.otherwise);
    f->assigned = before;
    jumps_here(f, &breaks);
}

static void stmt_for(struct fn *f, const struct stmt *s)
{
    struct jumps breaks = {0}, continues = {0};
    struct loop l;
    reg at = fn_temps(f, 2);
    loop_begin(f, s->for_.iterable, at);
    struct assigned before = f->assigned;
    loop_enter(f, &l, at, s->for_.target, s->for_.iterable);
    loop_body(f, &s->for_.body, &breaks, &continues);
    jumps_here(f, &continues);
    loop_next(f, &l);
    f->assigned = before;
    stmt_block(f, &s->for_.otherwise);
    f->assigned = before;
    jumps_here(f, &breaks);
}

/* ---- the rest ---- */

static void stmt_assert(struct fn *f, const struct stmt *s)
{
    struct jumps fine = {0};
    expr_jump(f, s->assertion.test, true, &fine);
    struct assigned before = f->assigned;
    reg message = 0;
    if (s->assertion.message)
        message = expr_operand(f, s->assertion.message);
    fn_at(f, s->assertion.test->at);
    emit(f, OP_FAIL, s->assertion.message != NULL, message, 0, 0);
    f->assigned = before;
    jumps_here(f, &fine);
}

static void stmt_raise(struct fn *f, const struct stmt *s)
{
    if (s->raise.exception) {
        reg r = expr_operand(f, s->raise.exception), cause = 0;
        if (s->raise.cause)
            cause = expr_operand(f, s->raise.cause);
        fn_at(f, s->at);
        emit(f, OP_RAISE, s->raise.cause != NULL, r, cause, 0);
    } else {
        fn_at(f, s->at);
        emit(f, OP_RAISE_AGAIN, 0, 0, 0, 0);
    }
    assigned_all(f);
}

static void emit_import(struct fn *f, str module, pos at, reg dest)
{
    fn_at(f, at);
    emit_u(f, OP_IMPORT, 0, dest, fn_const_str(f, module));
}

static void stmt_import(struct fn *f, const struct stmt *s)
{
    reg module = fn_temp(f), value = fn_temp(f);
    if (s->kind == STMT_IMPORT_FROM)
        emit_import(f, s->import.module, s->import.module_at, module);
    for (uint32_t i = 0; i < s->import.n; i++) {
        const struct import_name *n = &s->import.names[i];
        str as = n->as.n ? n->as : n->name;
        if (s->kind == STMT_IMPORT_FROM) {
            fn_at(f, n->at);
            emit(f, OP_IMPORT_FROM, 0, value, module, fn_name(f, n->name));
        } else {
            emit_import(f, n->name, n->at, value);
            as = n->as.n ? n->as : str_sub(as, 0, str_find_byte(as, '.', 0));
        }
        name_store(f, as, value);
    }
}

static bool is_constant(const struct expr *e)
{
    return e->kind <= EXPR_STR;
}

static void stmt_def(struct fn *f, const struct stmt *s)
{
    const struct expr_list *decorators = &s->def.decorators;
    reg base = fn_temp(f);
    for (uint32_t i = 0; i < decorators->n; i++) {
        expr_to(f, decorators->at[i], (reg)(base + i));
        fn_temp(f);
    }
    compile_function(f, s, (reg)(base + decorators->n));
    for (uint32_t i = decorators->n; i-- > 0;) {
        fn_at(f, decorators->at[i]->at);
        emit(f, OP_CALL, 0, base + i, base + i, 1);
    }
    fn_at(f, s->def.name_at);
    name_store(f, s->def.name, base);
}

static void statement(struct fn *f, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_EXPR:
        if (!is_constant(s->expr))
            expr_temp(f, s->expr);
        return;
    case STMT_ASSIGN:
        stmt_assign(f, s);
        return;
    case STMT_AUGMENTED:
        stmt_augmented(f, s);
        return;
    case STMT_ANNOTATED:
        stmt_annotated(f, s);
        return;
    case STMT_RETURN:
        stmt_return(f, s);
        return;
    case STMT_DELETE:
        for (uint32_t i = 0; i < s->targets.n; i++)
            delete_target(f, s->targets.at[i]);
        return;
    case STMT_ASSERT:
        stmt_assert(f, s);
        return;
    case STMT_RAISE:
        stmt_raise(f, s);
        return;
    case STMT_BREAK:
    case STMT_CONTINUE:
        fn_at(f, s->at);
        if (f->blocks)
            stmt_exit(f, s->kind == STMT_BREAK ? EXIT_BREAK : EXIT_CONTINUE, 0);
        assigned_all(f);
        return;
    case STMT_IMPORT:
    case STMT_IMPORT_FROM:
        stmt_import(f, s);
        return;
    case STMT_IF:
        stmt_if(f, s);
        return;
    case STMT_WHILE:
        stmt_while(f, s);
        return;
    case STMT_FOR:
        stmt_for(f, s);
        return;
    case STMT_TRY:
        stmt_try(f, s);
        return;
    case STMT_DEF:
        stmt_def(f, s);
        return;
    case STMT_PASS:
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
        return;
    }
}

void stmt_block(struct fn *f, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t top = f->top;
        fn_at(f, b->at[i]->at);
        statement(f, b->at[i]);
        f->top = top;
    }
}
