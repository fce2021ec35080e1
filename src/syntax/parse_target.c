#include "syntax/parse_int.h"

static const char *const expr_names[] = {
    [EXPR_NONE] = "None",
    [EXPR_TRUE] = "True",
    [EXPR_FALSE] = "False",
    [EXPR_ELLIPSIS] = "ellipsis",
    [EXPR_INT] = "literal",
    [EXPR_FLOAT] = "literal",
    [EXPR_STR] = "literal",
    [EXPR_FSTRING] = "f-string expression",
    [EXPR_NAME] = "name",
    [EXPR_ATTR] = "attribute",
    [EXPR_INDEX] = "subscript",
    [EXPR_SLICE] = "slice",
    [EXPR_CALL] = "function call",
    [EXPR_UNARY] = "expression",
    [EXPR_BINARY] = "expression",
    [EXPR_BOOL_OP] = "expression",
    [EXPR_COMPARE] = "comparison",
    [EXPR_COND] = "conditional expression",
    [EXPR_LAMBDA] = "lambda",
    [EXPR_TUPLE] = "tuple",
    [EXPR_LIST] = "list",
    [EXPR_SET] = "set display",
    [EXPR_DICT] = "dict literal",
    [EXPR_STARRED] = "starred",
    [EXPR_WALRUS] = "named expression",
    [EXPR_FILTER] = "filter",
    [EXPR_TEST] = "test",
    [EXPR_CONCAT] = "expression",
};

const char *parse_expr_name(const struct expr *e)
{
    static const char *const comprehensions[] = {
        [COMPREHENSION_LIST] = "list comprehension",
        [COMPREHENSION_SET] = "set comprehension",
        [COMPREHENSION_DICT] = "dict comprehension",
        [COMPREHENSION_GENERATOR] = "generator expression",
    };
    return e->kind == EXPR_COMPREHENSION ? comprehensions[e->comprehension.kind]
                                         : expr_names[e->kind];
}

/* What is assigned alone: a name, an attribute, an item. */
static bool is_single(const struct expr *e)
{
    return e->kind == EXPR_NAME || e->kind == EXPR_ATTR || e->kind == EXPR_INDEX;
}

/* f() = 1 looks like a comparison; what binds weaker than | does not, nor does a constant. */
static bool looks_compared(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NONE:
    case EXPR_TRUE:
    case EXPR_FALSE:
        return false;
    case EXPR_COMPREHENSION:
        return e->comprehension.kind != COMPREHENSION_GENERATOR;
    case EXPR_BOOL_OP:
    case EXPR_COMPARE:
    case EXPR_COND:
    case EXPR_LAMBDA:
        return e->parenthesized;
    case EXPR_UNARY:
        return e->parenthesized || e->unary.op != UNARY_NOT;
    default:
        return true;
    }
}

static bool fail_target(struct parser *p, const struct expr *e, enum target_use use)
{
    bool maybe = use == TARGET_ASSIGN_FIRST && looks_compared(e);
    return parse_fail(p, e->at, "cannot %s %s%s", use == TARGET_DELETE ? "delete" : "assign to",
                      parse_expr_name(e),
                      maybe ? " here. Maybe you meant '==' instead of '='?" : "");
}

static bool check_items(struct parser *p, const struct expr *e, enum target_use use)
{
    uint32_t stars = 0;
    use = use == TARGET_ASSIGN_FIRST ? TARGET_ASSIGN : use;
    for (uint32_t i = 0; i < e->items.n; i++) {
        const struct expr *item = e->items.at[i];
        if (item->kind == EXPR_STARRED && use != TARGET_DELETE) {
            if (stars++)
                return parse_fail(p, item->at, "multiple starred expressions in assignment");
            item = item->starred;
        }
        if (!parse_check_target(p, item, use))
            return false;
    }
    return true;
}

bool parse_check_target(struct parser *p, const struct expr *e, enum target_use use)
{
    if (is_single(e))
        return true;
    if (e->kind == EXPR_TUPLE || e->kind == EXPR_LIST)
        return check_items(p, e, use);
    if (e->kind != EXPR_STARRED || use == TARGET_DELETE)
        return fail_target(p, e, use);
    if (!parse_check_target(p, e->starred, TARGET_ASSIGN))
        return false;
    return parse_fail(p, e->at, "starred assignment target must be in a list or tuple");
}

static struct expr *parse_for_item(struct parser *p)
{
    return parse_kind(p) == TOKEN_STAR ? parse_star_named_expr(p) : parse_bit_or(p);
}

struct expr *parse_for_target(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    size_t mark = parse_mark(p);
    struct expr *e = parse_for_item(p);
    if (e && parse_kind(p) == TOKEN_COMMA) {
        parse_push_expr(p, e);
        while (parse_accept(p, TOKEN_COMMA) && parse_kind(p) != TOKEN_IN) {
            e = parse_for_item(p);
            if (!e)
                return NULL;
            parse_push_expr(p, e);
        }
        e = parse_items_node(p, EXPR_TUPLE, mark, from);
    }
    return e && parse_check_target(p, e, TARGET_ASSIGN) ? e : NULL;
}

bool parse_check_augmented(struct parser *p, const struct expr *e)
{
    if (is_single(e))
        return true;
    return parse_fail(p, e->at, "'%s' is an illegal expression for augmented assignment",
                      parse_expr_name(e));
}

bool parse_check_annotated(struct parser *p, const struct expr *e)
{
    if (is_single(e))
        return true;
    if (e->kind == EXPR_TUPLE || e->kind == EXPR_LIST)
        return parse_fail(p, e->at, "only single target (not %s) can be annotated",
                          parse_expr_name(e));
    return parse_fail(p, e->at, "illegal target for annotation");
}
