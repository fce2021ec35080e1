/* Which expressions Jinja2 computes when it compiles a template whose autoescaping is known only
 * when it renders: what is output of them is escaped as the text around the tag says, not as the
 * value does. Filters, tests, calls and names are none of them. */
#include "vm/template_compile_int.h"

/* Whether a constant is true, as far as it is written out. */
static bool is_known_truth(const struct expr *e, bool *ret)
{
    switch (e->kind) {
    case EXPR_NONE:
    case EXPR_FALSE:
        *ret = false;
        return true;
    case EXPR_TRUE:
        *ret = true;
        return true;
    case EXPR_INT:
        *ret = e->i != 0;
        return true;
    case EXPR_FLOAT:
        *ret = e->f != 0;
        return true;
    case EXPR_STR:
        *ret = e->s.n > 0;
        return true;
    case EXPR_TUPLE:
    case EXPR_LIST:
        *ret = e->items.n > 0;
        return true;
    case EXPR_DICT:
        *ret = e->dict.n > 0;
        return true;
    default:
        return false;
    }
}

static bool are_const(struct expr *const *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!template_is_const(at[i]))
            return false;
    return true;
}

static bool is_const_or_absent(const struct expr *e)
{
    return !e || template_is_const(e);
}

/* The side that is taken is what counts, where that is known. */
static bool is_const_choice(const struct expr *e)
{
    bool truth;
    if (e->kind == EXPR_COND) {
        const struct expr *otherwise = e->cond.otherwise;
        if (!template_is_const(e->cond.test))
            return false;
        if (is_known_truth(e->cond.test, &truth))
            return truth ? template_is_const(e->cond.then)
                         : otherwise && template_is_const(otherwise);
        return template_is_const(e->cond.then) && otherwise && template_is_const(otherwise);
    }
    if (!template_is_const(e->bool_op.left))
        return false;
    if (is_known_truth(e->bool_op.left, &truth) && truth == e->bool_op.is_or)
        return true;
    return template_is_const(e->bool_op.right);
}

bool template_is_const(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NONE:
    case EXPR_TRUE:
    case EXPR_FALSE:
    case EXPR_INT:
    case EXPR_FLOAT:
    case EXPR_STR:
        return true;
    case EXPR_TUPLE:
    case EXPR_LIST:
        return are_const(e->items.at, e->items.n);
    case EXPR_DICT:
        return are_const(e->dict.keys, e->dict.n) && are_const(e->dict.values, e->dict.n);
    case EXPR_UNARY:
        return template_is_const(e->unary.operand);
    case EXPR_BINARY:
    case EXPR_CONCAT:
        return template_is_const(e->binary.left) && template_is_const(e->binary.right);
    case EXPR_COMPARE:
        return template_is_const(e->compare.first) && are_const(e->compare.operands, e->compare.n);
    case EXPR_BOOL_OP:
    case EXPR_COND:
        return is_const_choice(e);
    case EXPR_ATTR:
        return template_is_const(e->attr.target);
    case EXPR_INDEX:
        return template_is_const(e->index.target) && template_is_const(e->index.index);
    case EXPR_SLICE:
        return is_const_or_absent(e->slice.low) && is_const_or_absent(e->slice.high) &&
               is_const_or_absent(e->slice.step);
    default:
        return false;
    }
}
