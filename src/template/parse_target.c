/* What is assigned to. */
#include "template/parse_int.h"

static bool check_target(struct template_parser *p, const struct expr *e)
{
    static const char *const kinds[] = {
        [EXPR_NONE] = "const", [EXPR_TRUE] = "const",  [EXPR_FALSE] = "const",
        [EXPR_INT] = "const",  [EXPR_FLOAT] = "const", [EXPR_STR] = "const",
        [EXPR_LIST] = "list",  [EXPR_DICT] = "dict",   [EXPR_TUPLE] = "tuple"};
    if (e->kind == EXPR_NAME)
        return true;
    bool ok = e->kind == EXPR_TUPLE;
    for (uint32_t i = 0; ok && i < e->items.n; i++)
        ok = e->items.at[i]->kind == EXPR_NAME ||
             (e->items.at[i]->kind == EXPR_TUPLE && check_target(p, e->items.at[i]));
    if (ok || err_is_set(p->scan.err))
        return ok;
    return template_parse_fail(p, e->at, "can't assign to '%s'", kinds[e->kind]);
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
