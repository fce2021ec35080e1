#include "syntax/parse_int.h"

/* ---- nodes ---- */

struct expr *parse_new(struct parser *p, enum expr_kind kind, pos at)
{
    struct expr *e = arena_new(p->arena, struct expr);
    e->kind = kind;
    e->at = at;
    return e;
}

struct expr *parse_done(struct parser *p, struct expr *e)
{
    if (e->height <= SYNTAX_MAX_TREE_HEIGHT)
        return e;
    return parse_limit(p, e->at, "the expression has too many levels", SYNTAX_MAX_TREE_HEIGHT,
                       "give parts of it names, or use a loop, sum() or join()");
}

struct expr *parse_items_node(struct parser *p, enum expr_kind kind, size_t mark, uint32_t from)
{
    struct expr *e = parse_new(p, kind, parse_since(p, from));
    e->items = parse_take_list(p, mark);
    for (uint32_t i = 0; i < e->items.n; i++)
        parse_adopt(e, e->items.at[i]);
    return parse_done(p, e);
}

bool parse_enter(struct parser *p)
{
    if (p->depth < SYNTAX_MAX_EXPR_DEPTH) {
        p->depth++;
        return true;
    }
    parse_limit(p, parse_pos(p), "the expression is nested too deeply", SYNTAX_MAX_EXPR_DEPTH,
                "give parts of it names");
    return false;
}

/* ---- operators ---- */

static const struct {
    uint8_t level, op; /* a higher level binds tighter */
} binary_ops[TOKEN_KIND_COUNT] = {
    [TOKEN_PIPE] = {1, BINARY_OR},
    [TOKEN_CARET] = {2, BINARY_XOR},
    [TOKEN_AMPERSAND] = {3, BINARY_AND},
    [TOKEN_LEFT_SHIFT] = {4, BINARY_LSHIFT},
    [TOKEN_RIGHT_SHIFT] = {4, BINARY_RSHIFT},
    [TOKEN_PLUS] = {5, BINARY_ADD},
    [TOKEN_MINUS] = {5, BINARY_SUB},
    [TOKEN_STAR] = {6, BINARY_MUL},
    [TOKEN_SLASH] = {6, BINARY_DIV},
    [TOKEN_DOUBLE_SLASH] = {6, BINARY_FLOORDIV},
    [TOKEN_PERCENT] = {6, BINARY_MOD},
    [TOKEN_AT] = {6, BINARY_MATMUL},
};

static struct expr *make_binary(struct parser *p, enum binary_op op, uint32_t from,
                                struct expr *left, pos op_at, struct expr *right)
{
    if (!right)
        return NULL;
    struct expr *e = parse_new(p, EXPR_BINARY, parse_since(p, from));
    e->op_at = op_at;
    e->binary.op = op;
    e->binary.left = left;
    e->binary.right = right;
    parse_adopt(e, left);
    parse_adopt(e, right);
    return parse_done(p, e);
}

static struct expr *parse_unary(struct parser *p);

static struct expr *parse_power(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *base = parse_primary(p);
    if (!base || parse_kind(p) != TOKEN_DOUBLE_STAR)
        return base;
    pos op_at = parse_pos(p);
    p->at++;
    if (!parse_enter(p))
        return NULL;
    struct expr *exponent = parse_unary(p);
    parse_leave(p);
    return make_binary(p, BINARY_POW, from, base, op_at, exponent);
}

static struct expr *make_unary(struct parser *p, enum unary_op op, uint32_t from, pos op_at,
                               struct expr *operand)
{
    if (!operand)
        return NULL;
    struct expr *e = parse_new(p, EXPR_UNARY, parse_since(p, from));
    e->op_at = op_at;
    e->unary.op = op;
    e->unary.operand = operand;
    parse_adopt(e, operand);
    return parse_done(p, e);
}

static struct expr *parse_unary(struct parser *p)
{
    enum unary_op op;
    switch (parse_kind(p)) {
    case TOKEN_MINUS:
        op = UNARY_NEG;
        break;
    case TOKEN_PLUS:
        op = UNARY_POS;
        break;
    case TOKEN_TILDE:
        op = UNARY_INVERT;
        break;
    default:
        return parse_power(p);
    }
    pos op_at = parse_pos(p);
    p->at++;
    struct expr *smallest = op == UNARY_NEG ? parse_smallest_int(p, op_at) : NULL;
    if (smallest)
        return smallest;
    if (!parse_enter(p))
        return NULL;
    struct expr *operand = parse_unary(p);
    parse_leave(p);
    return make_unary(p, op, op_at.offset, op_at, operand);
}

static struct expr *parse_binary(struct parser *p, int lowest)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *left = parse_unary(p);
    while (left) {
        enum token_kind kind = parse_kind(p);
        int level = binary_ops[kind].level;
        if (!level || level < lowest)
            return left;
        pos op_at = parse_pos(p);
        p->at++;
        left = make_binary(p, (enum binary_op)binary_ops[kind].op, from, left, op_at,
                           parse_binary(p, level + 1));
    }
    return NULL;
}

struct expr *parse_bit_or(struct parser *p)
{
    return parse_binary(p, 1);
}

/* Takes a comparison operator, which may be two words. */
static bool accept_compare(struct parser *p, enum compare_op *ret_op)
{
    static const uint8_t plain[TOKEN_KIND_COUNT] = {
        [TOKEN_EQ] = COMPARE_EQ + 1, [TOKEN_NE] = COMPARE_NE + 1, [TOKEN_LT] = COMPARE_LT + 1,
        [TOKEN_LE] = COMPARE_LE + 1, [TOKEN_GT] = COMPARE_GT + 1, [TOKEN_GE] = COMPARE_GE + 1,
        [TOKEN_IS] = COMPARE_IS + 1, [TOKEN_IN] = COMPARE_IN + 1};
    enum token_kind kind = parse_kind(p);
    if (kind == TOKEN_NOT && parse_kind_ahead(p, 1) == TOKEN_IN) {
        p->at += 2;
        *ret_op = COMPARE_NOT_IN;
        return true;
    }
    if (!plain[kind])
        return false;
    p->at++;
    *ret_op = (enum compare_op)(plain[kind] - 1);
    if (kind == TOKEN_IS && parse_accept(p, TOKEN_NOT))
        *ret_op = COMPARE_IS_NOT;
    return true;
}

struct compare_link {
    struct expr *operand;
    enum compare_op op;
};

static struct expr *parse_comparison(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *first = parse_bit_or(p);
    struct compare_link link;
    if (!first)
        return NULL;
    pos op_at = parse_pos(p);
    if (!accept_compare(p, &link.op))
        return first;
    op_at = parse_since(p, op_at.offset);
    size_t mark = parse_mark(p);
    do {
        link.operand = parse_bit_or(p);
        if (!link.operand)
            return NULL;
        parse_push(p, &link, sizeof link);
    } while (accept_compare(p, &link.op));

    struct expr *e = parse_new(p, EXPR_COMPARE, parse_since(p, from));
    uint32_t n;
    struct compare_link *links = parse_take(p, mark, sizeof *links, &n);
    e->op_at = op_at;
    e->compare.first = first;
    e->compare.ops = arena_array(p->arena, enum compare_op, n);
    e->compare.operands = arena_array(p->arena, struct expr *, n);
    e->compare.n = n;
    parse_adopt(e, first);
    for (uint32_t i = 0; i < n; i++) {
        e->compare.ops[i] = links[i].op;
        e->compare.operands[i] = links[i].operand;
        parse_adopt(e, links[i].operand);
    }
    return parse_done(p, e);
}

static struct expr *parse_not(struct parser *p)
{
    if (parse_kind(p) != TOKEN_NOT)
        return parse_comparison(p);
    pos op_at = parse_pos(p);
    p->at++;
    if (!parse_enter(p))
        return NULL;
    struct expr *operand = parse_not(p);
    parse_leave(p);
    return make_unary(p, UNARY_NOT, op_at.offset, op_at, operand);
}

static struct expr *make_bool_op(struct parser *p, bool is_or, uint32_t from, struct expr *left,
                                 pos op_at, struct expr *right)
{
    if (!right)
        return NULL;
    struct expr *e = parse_new(p, EXPR_BOOL_OP, parse_since(p, from));
    e->op_at = op_at;
    e->bool_op.is_or = is_or;
    e->bool_op.left = left;
    e->bool_op.right = right;
    parse_adopt(e, left);
    parse_adopt(e, right);
    return parse_done(p, e);
}

static struct expr *parse_and(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *left = parse_not(p);
    while (left && parse_kind(p) == TOKEN_AND) {
        pos op_at = parse_pos(p);
        p->at++;
        left = make_bool_op(p, false, from, left, op_at, parse_not(p));
    }
    return left;
}

struct expr *parse_or(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *left = parse_and(p);
    while (left && parse_kind(p) == TOKEN_OR) {
        pos op_at = parse_pos(p);
        p->at++;
        left = make_bool_op(p, true, from, left, op_at, parse_and(p));
    }
    return left;
}

/* ---- whole expressions ---- */

static struct expr *parse_condition(struct parser *p, struct expr *then, uint32_t from)
{
    pos op_at = parse_pos(p);
    p->at++;
    struct expr *test = parse_or(p);
    if (!test)
        return NULL;
    if (!parse_accept(p, TOKEN_ELSE)) {
        if (parse_kind(p) == TOKEN_ASSIGN)
            return parse_unexpected(p, "'else'");
        return parse_fail(p, parse_since(p, from), "expected 'else' after 'if' expression");
    }
    struct expr *otherwise = parse_expr(p);
    if (!otherwise)
        return NULL;
    struct expr *e = parse_new(p, EXPR_COND, parse_since(p, from));
    e->op_at = op_at;
    e->cond.test = test;
    e->cond.then = then;
    e->cond.otherwise = otherwise;
    parse_adopt(e, test);
    parse_adopt(e, then);
    parse_adopt(e, otherwise);
    return parse_done(p, e);
}

struct expr *parse_expr(struct parser *p)
{
    if (!parse_enter(p))
        return NULL;
    uint32_t from = parse_token(p)->offset;
    struct expr *e;
    if (parse_kind(p) == TOKEN_LAMBDA) {
        e = parse_lambda(p);
    } else {
        e = parse_or(p);
        if (e && parse_kind(p) == TOKEN_IF)
            e = parse_condition(p, e, from);
    }
    parse_leave(p);
    return e;
}

static struct expr *parse_walrus(struct parser *p)
{
    pos at = parse_pos(p), op_at;
    struct expr *name = parse_atom(p);
    op_at = parse_pos(p);
    p->at++;
    struct expr *value = parse_expr(p);
    if (!value || !parse_note_walrus(p, name->s, at))
        return NULL;
    struct expr *e = parse_new(p, EXPR_WALRUS, parse_since(p, at.offset));
    e->op_at = op_at;
    e->walrus.name = name;
    e->walrus.value = value;
    parse_adopt(e, value);
    return parse_done(p, e);
}

struct expr *parse_named_expr(struct parser *p)
{
    if (parse_kind(p) == TOKEN_NAME && parse_kind_ahead(p, 1) == TOKEN_WALRUS)
        return parse_walrus(p);
    struct expr *e = parse_expr(p);
    if (e && parse_kind(p) == TOKEN_WALRUS)
        return parse_fail(p, e->at, "cannot use assignment expressions with %s",
                          parse_expr_name(e));
    return e;
}

/* *value; the operand of a star binds as | does. */
static struct expr *parse_starred(struct parser *p)
{
    pos at = parse_pos(p);
    p->at++;
    struct expr *value = parse_bit_or(p);
    if (!value)
        return NULL;
    struct expr *e = parse_new(p, EXPR_STARRED, parse_since(p, at.offset));
    e->op_at = at;
    e->starred = value;
    parse_adopt(e, value);
    return parse_done(p, e);
}

struct expr *parse_star_named_expr(struct parser *p)
{
    return parse_kind(p) == TOKEN_STAR ? parse_starred(p) : parse_named_expr(p);
}

struct expr *parse_star_exprs(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *e = parse_kind(p) == TOKEN_STAR ? parse_starred(p) : parse_expr(p);
    if (!e || parse_kind(p) != TOKEN_COMMA)
        return e;
    size_t mark = parse_mark(p);
    parse_push_expr(p, e);
    while (parse_accept(p, TOKEN_COMMA)) {
        bool star = parse_kind(p) == TOKEN_STAR;
        if (!star && !parse_starts_expr(parse_kind(p)))
            break;
        e = star ? parse_starred(p) : parse_expr(p);
        if (!e)
            return NULL;
        parse_push_expr(p, e);
    }
    return parse_items_node(p, EXPR_TUPLE, mark, from);
}

struct expr *parse_yield(struct parser *p)
{
    pos at = parse_pos(p);
    p->at++;
    bool from = parse_accept(p, TOKEN_FROM);
    parse_refuse(p, from ? REFUSED_YIELD_FROM : REFUSED_YIELD, at);
    if (from)
        return parse_expr(p);
    if (parse_kind(p) != TOKEN_STAR && !parse_starts_expr(parse_kind(p)))
        return parse_new(p, EXPR_NONE, at);
    return parse_star_exprs(p);
}

struct expr *parse_value(struct parser *p)
{
    return parse_kind(p) == TOKEN_YIELD ? parse_yield(p) : parse_star_exprs(p);
}
