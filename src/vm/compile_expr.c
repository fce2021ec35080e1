#include "value/list.h"
#include "vm/compile_int.h"
#include "vm/machine_int.h"

/* ---- constants ---- */

static bool constant_tuple(struct fn *f, const struct expr *e, val *ret)
{
    enum { FOLDED_MAX = 64 };
    val items[FOLDED_MAX];
    if (e->items.n > FOLDED_MAX)
        return false;
    for (uint32_t i = 0; i < e->items.n; i++)
        if (!expr_constant(f, e->items.at[i], &items[i]))
            return false;
    return tuple_from(&f->unit->vm->heap, items, e->items.n, ret) ||
           machine_fault_to_error(f->unit);
}

bool expr_constant(struct fn *f, const struct expr *e, val *ret)
{
    switch (e->kind) {
    case EXPR_NONE:
        *ret = VAL_NONE;
        return true;
    case EXPR_TRUE:
        *ret = VAL_TRUE;
        return true;
    case EXPR_FALSE:
        *ret = VAL_FALSE;
        return true;
    case EXPR_ELLIPSIS:
        *ret = VAL_ELLIPSIS;
        return true;
    case EXPR_INT:
        *ret = val_int(e->i);
        return true;
    case EXPR_FLOAT:
        *ret = val_float(e->f);
        return true;
    case EXPR_STR: {
        uint32_t at = fn_const_str(f, e->s);
        if (at >= f->consts.n)
            return false;
        *ret = f->consts.at[at];
        return true;
    }
    case EXPR_UNARY:
        if (e->unary.op != UNARY_NEG || !expr_constant(f, e->unary.operand, ret))
            return false;
        if (ret->kind == V_FLOAT)
            *ret = val_float(-ret->f);
        else if (ret->kind == V_INT && ret->i != INT64_MIN)
            *ret = val_int(-ret->i);
        else
            return false;
        return true;
    case EXPR_TUPLE:
        return constant_tuple(f, e, ret);
    default:
        return false;
    }
}

/* ---- operands ---- */

reg expr_temp(struct fn *f, const struct expr *e)
{
    reg r = fn_temp(f);
    expr_to(f, e, r);
    return r;
}

reg expr_operand(struct fn *f, const struct expr *e)
{
    if (e->kind == EXPR_NAME && !f->scope->frame->has_walrus) {
        reg r = name_register(f, e->s, e->at);
        if (r != NO_REG)
            return r;
    }
    return expr_temp(f, e);
}

/* ---- operators ---- */

static bool small_constant(struct fn *f, const struct expr *e, val *ret)
{
    return (e->kind == EXPR_INT || e->kind == EXPR_FLOAT || e->kind == EXPR_STR ||
            e->kind == EXPR_UNARY) &&
           expr_constant(f, e, ret);
}

static const struct {
    int plain, constant;
} binary_codes[] = {
    [BINARY_ADD] = {OP_ADD, OP_ADD_K},
    [BINARY_SUB] = {OP_SUB, OP_SUB_K},
    [BINARY_MUL] = {OP_MUL, OP_MUL_K},
    [BINARY_DIV] = {OP_DIV, OP_DIV_K},
    [BINARY_FLOORDIV] = {OP_FLOORDIV, OP_FLOORDIV_K},
    [BINARY_MOD] = {OP_MOD, OP_MOD_K},
    [BINARY_MATMUL] = {0, 0},
};

/* dest = left op right; the place has been set. */
static void emit_binary(struct fn *f, enum binary_op op, bool in_place, reg dest, reg left,
                        const struct expr *right, struct span span)
{
    val k;
    if (binary_codes[op].constant && small_constant(f, right, &k)) {
        uint32_t at = fn_const(f, k);
        if (k.kind == V_STR)
            at = fn_const_str(f, right->s);
        if (at <= UINT16_MAX) {
            f->span = span;
            emit(f, (enum op)binary_codes[op].constant, in_place, dest, left, at);
            return;
        }
    }
    reg r = expr_operand(f, right);
    f->span = span;
    if (binary_codes[op].plain) {
        emit(f, (enum op)binary_codes[op].plain, in_place, dest, left, r);
        return;
    }
    emit(f, OP_BINARY, in_place, dest, left, r);
    emit_u(f, OP_WORD, 0, 0, op);
}

static struct span span_of(pos at, pos op)
{
    return (struct span){at.offset, at.length, op.offset, op.length};
}

static void expr_binary(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg left = expr_operand(f, e->binary.left);
    emit_binary(f, e->binary.op, false, dest, left, e->binary.right, span_of(e->at, e->op_at));
    f->top = top;
}

void expr_augmented(struct fn *f, const struct stmt *s, reg dest, reg left)
{
    emit_binary(f, s->augmented.op, true, dest, left, s->augmented.value, span_of(s->at, POS_NONE));
}

static void expr_unary(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg r = expr_operand(f, e->unary.operand);
    fn_at(f, e->at);
    if (e->unary.op == UNARY_NOT)
        emit(f, OP_NOT, 0, dest, r, 0);
    else
        emit(f, OP_UNARY, e->unary.op, dest, r, 0);
    f->top = top;
}

/* A value that is made in several steps must not be seen half made: not in a variable. */
static reg hidden_dest(struct fn *f, reg dest)
{
    return fn_is_temp(f, dest) ? dest : fn_temp(f);
}

static void expr_bool_op(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg r = hidden_dest(f, dest);
    expr_to(f, e->bool_op.left, r);
    fn_at(f, e->bool_op.left->at);
    uint32_t jump = emit_jump(f, e->bool_op.is_or ? OP_JUMP_TRUE : OP_JUMP_FALSE, 0, r);
    struct assigned before = f->assigned;
    expr_to(f, e->bool_op.right, r);
    f->assigned = before;
    patch_here(f, jump);
    if (r != dest)
        emit(f, OP_MOVE, 0, dest, r, 0);
    f->top = top;
}

static void expr_compare(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    uint32_t n = e->compare.n;
    struct jumps out = {0};
    reg r = n > 1 ? hidden_dest(f, dest) : dest;
    reg left = expr_operand(f, e->compare.first);
    struct assigned before = f->assigned;
    for (uint32_t i = 0; i < n; i++) {
        reg right = expr_operand(f, e->compare.operands[i]);
        if (i == 0)
            before = f->assigned;
        fn_at(f, e->at);
        emit(f, OP_COMPARE, e->compare.ops[i], r, left, right);
        if (i + 1 < n)
            jumps_add(&out, emit_jump(f, OP_JUMP_FALSE, 0, r));
        left = right;
    }
    f->assigned = before;
    jumps_here(f, &out);
    if (r != dest)
        emit(f, OP_MOVE, 0, dest, r, 0);
    f->top = top;
}

static void expr_cond(struct fn *f, const struct expr *e, reg dest)
{
    struct jumps otherwise = {0};
    expr_jump(f, e->cond.test, false, &otherwise);
    struct assigned before = f->assigned;
    expr_to(f, e->cond.then, dest);
    uint32_t end = emit_jump(f, OP_JUMP, 0, 0);
    f->assigned = before;
    jumps_here(f, &otherwise);
    if (e->cond.otherwise)
        expr_to(f, e->cond.otherwise, dest);
    f->assigned = before;
    patch_here(f, end);
}

/* ---- conditions ---- */

static const int jump_codes[] = {
    [COMPARE_LT] = OP_JUMP_LT, [COMPARE_LE] = OP_JUMP_LE, [COMPARE_GT] = OP_JUMP_GT,
    [COMPARE_GE] = OP_JUMP_GE, [COMPARE_EQ] = OP_JUMP_EQ, [COMPARE_NE] = OP_JUMP_NE,
};

static void jump_compare(struct fn *f, enum compare_op op, reg left, const struct expr *right,
                         reg *ret_right, pos at, bool sense, struct jumps *out)
{
    bool identity = op == COMPARE_IS || op == COMPARE_IS_NOT;
    if (identity && right->kind == EXPR_NONE && !ret_right) {
        fn_at(f, at);
        jumps_add(out, emit_jump(f, OP_JUMP_NONE, sense == (op == COMPARE_IS), left));
        return;
    }
    if (op <= COMPARE_GE && right->kind == EXPR_INT && right->i >= INT16_MIN &&
        right->i <= INT16_MAX && !ret_right) {
        fn_at(f, at);
        emit(f, (enum op)(jump_codes[op] + OP_JUMP_LT_I - OP_JUMP_LT), sense, left,
             (uint16_t)right->i, 0);
    } else {
        reg r = expr_operand(f, right);
        if (ret_right)
            *ret_right = r;
        fn_at(f, at);
        if (op <= COMPARE_GE)
            emit(f, (enum op)jump_codes[op], sense, left, r, 0);
        else
            emit(f, OP_JUMP_CMP, sense, left, r, op);
    }
    jumps_add(out, emit_jump(f, OP_JUMP, 0, 0));
}

static void jump_chain(struct fn *f, const struct expr *e, bool sense, struct jumps *out)
{
    uint32_t top = f->top, n = e->compare.n;
    struct jumps is_false = {0};
    reg left = expr_operand(f, e->compare.first);
    struct assigned before = f->assigned;
    for (uint32_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        struct jumps *to = last || !sense ? out : &is_false;
        jump_compare(f, e->compare.ops[i], left, e->compare.operands[i], last ? NULL : &left, e->at,
                     last ? sense : false, to);
        if (i == 0)
            before = f->assigned;
    }
    f->assigned = before;
    jumps_here(f, &is_false);
    f->top = top;
}

static void jump_bool_op(struct fn *f, const struct expr *e, bool sense, struct jumps *out)
{
    struct jumps skip = {0};
    bool is_or = e->bool_op.is_or;
    expr_jump(f, e->bool_op.left, is_or, is_or == sense ? out : &skip);
    struct assigned before = f->assigned;
    expr_jump(f, e->bool_op.right, sense, out);
    f->assigned = before;
    jumps_here(f, &skip);
}

void expr_jump(struct fn *f, const struct expr *e, bool sense, struct jumps *out)
{
    uint32_t top = f->top;
    switch (e->kind) {
    case EXPR_UNARY:
        if (e->unary.op == UNARY_NOT) {
            expr_jump(f, e->unary.operand, !sense, out);
            return;
        }
        break;
    case EXPR_BOOL_OP:
        jump_bool_op(f, e, sense, out);
        return;
    case EXPR_COMPARE:
        jump_chain(f, e, sense, out);
        return;
    case EXPR_TRUE:
    case EXPR_FALSE:
        if ((e->kind == EXPR_TRUE) == sense)
            jumps_add(out, emit_jump(f, OP_JUMP, 0, 0));
        return;
    default:
        break;
    }
    reg r = expr_operand(f, e);
    fn_at(f, e->at);
    jumps_add(out, emit_jump(f, sense ? OP_JUMP_TRUE : OP_JUMP_FALSE, 0, r));
    f->top = top;
}

/* ---- places ---- */

static void expr_attr(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg target = expr_operand(f, e->attr.target);
    fn_at(f, e->at);
    emit(f, OP_ATTR, 0, dest, target, fn_name(f, e->attr.name));
    f->top = top;
}

static void expr_slice(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    const struct expr *parts[3] = {e->slice.low, e->slice.high, e->slice.step};
    reg r = fn_temps(f, 3);
    for (int i = 0; i < 3; i++) {
        if (parts[i])
            expr_to(f, parts[i], (reg)(r + i));
        else
            fn_load_const(f, (reg)(r + i), VAL_NONE);
    }
    fn_at(f, e->at);
    emit(f, OP_SLICE, 0, dest, r, 0);
    f->top = top;
}

static void expr_index(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg target = expr_operand(f, e->index.target);
    reg index = expr_operand(f, e->index.index);
    pos at = e->index.target->at;
    uint32_t end = at.offset + at.length; /* the brackets are marked */
    fn_at_op(f, e->at, (pos){at.source, end, e->at.offset + e->at.length - end});
    emit(f, OP_INDEX, 0, dest, target, index);
    f->top = top;
}

static void expr_name(struct fn *f, const struct expr *e, reg dest)
{
    reg r = name_register(f, e->s, e->at);
    if (r == NO_REG)
        name_load(f, e->s, e->at, dest);
    else if (r != dest)
        emit(f, OP_MOVE, 0, dest, r, 0);
}

static void expr_walrus(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top;
    reg r = hidden_dest(f, dest);
    expr_to(f, e->walrus.value, r);
    fn_at(f, e->at);
    name_store(f, e->walrus.name->s, r);
    if (r != dest)
        emit(f, OP_MOVE, 0, dest, r, 0);
    f->top = top;
}

void expr_to(struct fn *f, const struct expr *e, reg dest)
{
    val k;
    if (f->template && template_expr(f, e, dest))
        return;
    switch (e->kind) {
    case EXPR_FSTRING:
        expr_fstring(f, e, dest);
        return;
    case EXPR_NAME:
        expr_name(f, e, dest);
        return;
    case EXPR_ATTR:
        expr_attr(f, e, dest);
        return;
    case EXPR_INDEX:
        expr_index(f, e, dest);
        return;
    case EXPR_SLICE:
        expr_slice(f, e, dest);
        return;
    case EXPR_CALL:
        expr_call(f, e, dest);
        return;
    case EXPR_UNARY:
        if (e->unary.op == UNARY_NEG && expr_constant(f, e, &k))
            break;
        expr_unary(f, e, dest);
        return;
    case EXPR_BINARY:
        expr_binary(f, e, dest);
        return;
    case EXPR_BOOL_OP:
        expr_bool_op(f, e, dest);
        return;
    case EXPR_COMPARE:
        expr_compare(f, e, dest);
        return;
    case EXPR_COND:
        expr_cond(f, e, dest);
        return;
    case EXPR_LAMBDA:
        compile_lambda(f, e, dest);
        return;
    case EXPR_TUPLE:
        if (e->items.n && expr_constant(f, e, &k))
            break;
        expr_display(f, e, dest);
        return;
    case EXPR_LIST:
    case EXPR_SET:
    case EXPR_DICT:
        expr_display(f, e, dest);
        return;
    case EXPR_COMPREHENSION:
        expr_comprehension(f, e, dest);
        return;
    case EXPR_WALRUS:
        expr_walrus(f, e, dest);
        return;
    case EXPR_STR:
        fn_at(f, e->at);
        emit_u(f, OP_CONST, 0, dest, fn_const_str(f, e->s));
        return;
    default:
        if (!expr_constant(f, e, &k)) {
            unit_error(f->unit, "syntax_error", e->at, "this expression has no meaning here");
            return;
        }
    }
    if (expr_constant(f, e, &k)) {
        fn_at(f, e->at);
        fn_load_const(f, dest, k);
    }
}
