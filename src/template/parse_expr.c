/* Operators, in Jinja2's order of precedence. */
#include "template/parse_int.h"

/* ---- the tree ---- */

struct expr *new_expr(struct template_parser *p, enum expr_kind kind, pos at)
{
    struct expr *e = arena_new(p->arena, struct expr);
    e->kind = kind;
    e->at = e->op_at = at;
    return e;
}

bool grow(struct template_parser *p, struct expr *e, const struct expr *child)
{
    if (!child || child->height + 1 <= e->height)
        return true;
    if (child->height + 1 > TEMPLATE_MAX_HEIGHT)
        return template_parse_fail(p, child->at,
                                   "this expression has more than %d operators in a chain",
                                   TEMPLATE_MAX_HEIGHT);
    e->height = (uint16_t)(child->height + 1);
    return true;
}

bool enter_expr(struct template_parser *p)
{
    if (p->depth < TEMPLATE_MAX_EXPR_DEPTH) {
        p->depth++;
        return true;
    }
    return template_parse_fail(p, token_pos(p, &p->now),
                               "expressions are nested deeper than %d levels",
                               TEMPLATE_MAX_EXPR_DEPTH);
}

static struct expr *binary(struct template_parser *p, enum expr_kind kind, int op,
                           struct expr *left, struct expr *right, pos op_at)
{
    struct expr *e = new_expr(p, kind, pos_until(p, left->at));
    e->op_at = op_at;
    if (kind == EXPR_BOOL_OP) {
        e->bool_op.is_or = op;
        e->bool_op.left = left;
        e->bool_op.right = right;
    } else {
        e->binary.op = (enum binary_op)op;
        e->binary.left = left;
        e->binary.right = right;
    }
    return grow(p, e, left) && grow(p, e, right) ? e : NULL;
}

/* ---- arithmetic ---- */

struct level {
    enum token_kind token;
    enum expr_kind kind;
    int op;
};

static const struct level power[] = {{TOKEN_POW, EXPR_BINARY, BINARY_POW}, {0}};
static const struct level products[] = {{TOKEN_MUL, EXPR_BINARY, BINARY_MUL},
                                        {TOKEN_DIV, EXPR_BINARY, BINARY_DIV},
                                        {TOKEN_FLOORDIV, EXPR_BINARY, BINARY_FLOORDIV},
                                        {TOKEN_MOD, EXPR_BINARY, BINARY_MOD},
                                        {0}};
static const struct level concat[] = {{TOKEN_TILDE, EXPR_CONCAT, 0}, {0}};
static const struct level sums[] = {
    {TOKEN_ADD, EXPR_BINARY, BINARY_ADD}, {TOKEN_SUB, EXPR_BINARY, BINARY_SUB}, {0}};
/* Binding ever looser; unlike Python's, ** goes from left to right. */
static const struct level *const levels[] = {power, products, concat, sums};

static const struct level *find_level(const struct level *l, enum token_kind token)
{
    for (; l->token; l++)
        if (l->token == token)
            return l;
    return NULL;
}

static struct expr *parse_level(struct template_parser *p, int i)
{
    const struct level *l;
    struct expr *left = i > 0 ? parse_level(p, i - 1) : template_parse_unary(p, true);
    while (left && (l = find_level(levels[i], p->now.kind))) {
        pos op_at = token_pos(p, &p->now);
        if (!next_token(p))
            return NULL;
        struct expr *right = i > 0 ? parse_level(p, i - 1) : template_parse_unary(p, true);
        left = right ? binary(p, l->kind, l->op, left, right, op_at) : NULL;
    }
    return left;
}

static struct expr *parse_sum(struct template_parser *p)
{
    return parse_level(p, sizeof levels / sizeof levels[0] - 1);
}

/* ---- comparisons ---- */

/* The operator at the present token, gone past; *ret_is false: there is none. */
static bool comparison(struct template_parser *p, enum compare_op *ret_op, bool *ret_is)
{
    static const struct {
        enum token_kind token;
        enum compare_op op;
    } rows[] = {{TOKEN_EQ, COMPARE_EQ}, {TOKEN_NE, COMPARE_NE}, {TOKEN_LT, COMPARE_LT},
                {TOKEN_LE, COMPARE_LE}, {TOKEN_GT, COMPARE_GT}, {TOKEN_GE, COMPARE_GE}};
    *ret_is = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        *ret_op = rows[i].op;
        if (p->now.kind == rows[i].token)
            return next_token(p);
    }
    *ret_op = COMPARE_IN;
    if (at_name(p, "in"))
        return next_token(p);
    *ret_is = false;
    if (!at_name(p, "not"))
        return true;
    const struct template_token *next = look_token(p);
    if (!next)
        return false;
    *ret_is = next->kind == TOKEN_NAME && str_is(next->text, "in");
    *ret_op = COMPARE_NOT_IN;
    return !*ret_is || (next_token(p) && next_token(p));
}

static struct expr *parse_compare(struct template_parser *p)
{
    VEC(enum compare_op) ops = {0};
    VEC(struct expr *) operands = {0};
    struct expr *first = parse_sum(p), *e = NULL;
    bool ok = first != NULL;
    while (ok) {
        enum compare_op op;
        bool is;
        ok = comparison(p, &op, &is);
        if (!ok || !is)
            break;
        struct expr *operand = parse_sum(p);
        ok = operand != NULL;
        vec_push(&ops, op);
        vec_push(&operands, operand);
    }
    if (ok && ops.n) {
        e = new_expr(p, EXPR_COMPARE, pos_until(p, first->at));
        e->compare.first = first;
        e->compare.ops = keep_array(p, &ops);
        e->compare.operands = keep_array(p, &operands);
        e->compare.n = (uint32_t)ops.n;
        ok = grow(p, e, first);
        for (size_t i = 0; ok && i < operands.n; i++)
            ok = grow(p, e, operands.at[i]);
    }
    vec_done(&ops);
    vec_done(&operands);
    return ok ? e ? e : first : NULL;
}

/* ---- not, and, or, if ---- */

static struct expr *parse_not(struct template_parser *p)
{
    if (!at_name(p, "not"))
        return parse_compare(p);
    pos at = token_pos(p, &p->now);
    if (!enter_expr(p) || !next_token(p))
        return NULL;
    struct expr *operand = parse_not(p);
    p->depth--;
    if (!operand)
        return NULL;
    struct expr *e = new_expr(p, EXPR_UNARY, pos_until(p, at));
    e->unary.op = UNARY_NOT;
    e->unary.operand = operand;
    return grow(p, e, operand) ? e : NULL;
}

static struct expr *parse_and(struct template_parser *p)
{
    struct expr *left = parse_not(p);
    while (left && at_name(p, "and")) {
        pos op_at = token_pos(p, &p->now);
        struct expr *right = next_token(p) ? parse_not(p) : NULL;
        left = right ? binary(p, EXPR_BOOL_OP, false, left, right, op_at) : NULL;
    }
    return left;
}

struct expr *template_parse_or(struct template_parser *p)
{
    struct expr *left = parse_and(p);
    while (left && at_name(p, "or")) {
        pos op_at = token_pos(p, &p->now);
        struct expr *right = next_token(p) ? parse_and(p) : NULL;
        left = right ? binary(p, EXPR_BOOL_OP, true, left, right, op_at) : NULL;
    }
    return left;
}

static struct expr *condition(struct template_parser *p, struct expr *then)
{
    bool has_else;
    pos op_at = token_pos(p, &p->now);
    if (!next_token(p))
        return NULL;
    struct expr *test = template_parse_or(p), *otherwise = NULL;
    if (!test || !skip_name(p, "else", &has_else))
        return NULL;
    if (has_else && !(otherwise = template_parse_expression(p)))
        return NULL;
    struct expr *e = new_expr(p, EXPR_COND, pos_until(p, then->at));
    e->op_at = op_at;
    e->cond.test = test;
    e->cond.then = then;
    e->cond.otherwise = otherwise;
    return grow(p, e, test) && grow(p, e, then) && grow(p, e, otherwise) ? e : NULL;
}

struct expr *template_parse_expression(struct template_parser *p)
{
    if (!enter_expr(p))
        return NULL;
    struct expr *e = template_parse_or(p);
    while (e && at_name(p, "if"))
        e = condition(p, e);
    p->depth--;
    return e;
}

/* ---- signs ---- */

struct expr *template_parse_unary(struct template_parser *p, bool with_filter)
{
    enum token_kind kind = p->now.kind;
    struct expr *e;
    if (kind == TOKEN_SUB || kind == TOKEN_ADD) {
        pos at = token_pos(p, &p->now);
        if (!enter_expr(p) || !next_token(p))
            return NULL;
        struct expr *operand = template_parse_unary(p, false);
        p->depth--;
        if (!operand)
            return NULL;
        e = new_expr(p, EXPR_UNARY, pos_until(p, at));
        e->unary.op = kind == TOKEN_SUB ? UNARY_NEG : UNARY_POS;
        e->unary.operand = operand;
        if (!grow(p, e, operand))
            return NULL;
    } else {
        e = template_parse_primary(p);
    }
    e = e ? template_parse_postfix(p, e) : NULL;
    return e && with_filter ? template_parse_filter_expr(p, e) : e;
}
