/* What is assigned to. */
#include "template/parse_int.h"

static const char *operator_name(enum binary_op op)
{
    static const char *const names[] = {
        [BINARY_ADD] = "add", [BINARY_SUB] = "sub",           [BINARY_MUL] = "mul",
        [BINARY_DIV] = "div", [BINARY_FLOORDIV] = "floordiv", [BINARY_MOD] = "mod",
        [BINARY_POW] = "pow",
    };
    return names[op];
}

/* What Jinja2 calls an expression's node. */
static const char *node_name(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_LIST:
        return "list";
    case EXPR_DICT:
        return "dict";
    case EXPR_TUPLE:
        return "tuple";
    case EXPR_ATTR:
        return "getattr";
    case EXPR_INDEX:
        return "getitem";
    case EXPR_CALL:
        return "call";
    case EXPR_FILTER:
        return "filter";
    case EXPR_TEST:
        return e->filter.negated ? "not" : "test";
    case EXPR_CONCAT:
        return "concat";
    case EXPR_COMPARE:
        return "compare";
    case EXPR_COND:
        return "condexpr";
    case EXPR_BOOL_OP:
        return e->bool_op.is_or ? "or" : "and";
    case EXPR_UNARY:
        return e->unary.op == UNARY_NOT ? "not" : e->unary.op == UNARY_NEG ? "neg" : "pos";
    case EXPR_BINARY:
        return operator_name(e->binary.op);
    default:
        return "const";
    }
}

static bool check_target(struct template_parser *p, const struct expr *e)
{
    if (e->kind == EXPR_NAME)
        return true;
    bool ok = e->kind == EXPR_TUPLE;
    for (uint32_t i = 0; ok && i < e->items.n; i++)
        ok = e->items.at[i]->kind == EXPR_NAME ||
             (e->items.at[i]->kind == EXPR_TUPLE && check_target(p, e->items.at[i]));
    if (ok || err_is_set(p->scan.err))
        return ok;
    return template_parse_fail(p, e->at, "can't assign to '%s'", node_name(e));
}

struct expr *template_parse_target(struct template_parser *p, bool space, const char *end_name)
{
    const struct template_token *next = space ? look_token(p) : NULL;
    if (space && !next)
        return NULL;
    if (next && next->kind == TOKEN_DOT) {
        str name, attr;
        pos at, attr_at;
        if (!expect_any_name(p, &name, &at) || !next_token(p) ||
            !expect_any_name(p, &attr, &attr_at))
            return NULL;
        struct expr *target = new_expr(p, EXPR_NAME, at);
        target->s = name;
        struct expr *e = new_expr(p, EXPR_ATTR, pos_until(p, at));
        e->op_at = attr_at;
        e->attr.target = target;
        e->attr.name = attr;
        return e;
    }
    struct expr *e = template_parse_tuple(p, TUPLE_TARGET, end_name);
    return e && check_target(p, e) ? e : NULL;
}
