#include "syntax/parse_int.h"

bool parse_starts_expr(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_NAME:
    case TOKEN_NUMBER:
    case TOKEN_STRING:
    case TOKEN_NONE:
    case TOKEN_TRUE:
    case TOKEN_FALSE:
    case TOKEN_ELLIPSIS:
    case TOKEN_OPEN_PAREN:
    case TOKEN_OPEN_BRACKET:
    case TOKEN_OPEN_BRACE:
    case TOKEN_PLUS:
    case TOKEN_MINUS:
    case TOKEN_TILDE:
    case TOKEN_NOT:
    case TOKEN_LAMBDA:
    case TOKEN_AWAIT:
        return true;
    default:
        return false;
    }
}

/* ---- parentheses ---- */

/* The items behind the first comma of a tuple. */
static struct expr *parse_tuple(struct parser *p, struct expr *first, uint32_t from)
{
    size_t mark = parse_mark(p);
    parse_push_expr(p, first);
    while (parse_accept(p, TOKEN_COMMA) && parse_kind(p) != TOKEN_CLOSE_PAREN) {
        struct expr *item = parse_star_named_expr(p);
        if (!item)
            return NULL;
        parse_push_expr(p, item);
    }
    if (!parse_expect_close(p, TOKEN_CLOSE_PAREN))
        return NULL;
    return parse_items_node(p, EXPR_TUPLE, mark, from);
}

static struct expr *parse_parentheses(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *e;
    p->at++;
    if (parse_accept(p, TOKEN_CLOSE_PAREN)) {
        e = parse_new(p, EXPR_TUPLE, parse_since(p, from));
    } else if (parse_kind(p) == TOKEN_YIELD) {
        e = parse_yield(p);
        if (!e || !parse_expect_close(p, TOKEN_CLOSE_PAREN))
            return NULL;
    } else {
        e = parse_star_named_expr(p);
        if (!e)
            return NULL;
        if (parse_kind(p) == TOKEN_COMMA)
            e = parse_tuple(p, e, from);
        else if (parse_at_comprehension(p))
            e = parse_comprehension(p, COMPREHENSION_GENERATOR, e, NULL, from, TOKEN_CLOSE_PAREN);
        else if (!parse_expect_close(p, TOKEN_CLOSE_PAREN))
            return NULL;
        else if (e->kind == EXPR_STARRED)
            return parse_fail(p, e->at, "cannot use starred expression here");
    }
    if (e)
        e->parenthesized = true;
    return e;
}

/* ---- atoms ---- */

static struct expr *parse_constant(struct parser *p, enum expr_kind kind)
{
    struct expr *e = parse_new(p, kind, parse_pos(p));
    p->at++;
    return e;
}

struct expr *parse_atom(struct parser *p)
{
    const struct token *t = parse_token(p);
    struct expr *e;
    switch ((enum token_kind)t->kind) {
    case TOKEN_NAME:
        e = parse_new(p, EXPR_NAME, parse_pos_of(p, t));
        e->s = parse_name_of(p, t);
        p->at++;
        return e;
    case TOKEN_NUMBER:
        return parse_number(p);
    case TOKEN_STRING:
        return parse_strings(p);
    case TOKEN_NONE:
        return parse_constant(p, EXPR_NONE);
    case TOKEN_TRUE:
        return parse_constant(p, EXPR_TRUE);
    case TOKEN_FALSE:
        return parse_constant(p, EXPR_FALSE);
    case TOKEN_ELLIPSIS:
        return parse_constant(p, EXPR_ELLIPSIS);
    case TOKEN_OPEN_PAREN:
        return parse_parentheses(p);
    case TOKEN_OPEN_BRACKET:
        return parse_list_display(p);
    case TOKEN_OPEN_BRACE:
        return parse_brace_display(p);
    default:
        return parse_unexpected(p, "an expression");
    }
}

/* ---- what follows an atom ---- */

static struct expr *parse_attribute(struct parser *p, struct expr *target, uint32_t from)
{
    p->at++;
    const struct token *t = parse_token(p);
    if (t->kind != TOKEN_NAME)
        return parse_unexpected(p, "the name of an attribute");
    p->at++;
    struct expr *e = parse_new(p, EXPR_ATTR, parse_since(p, from));
    e->op_at = parse_pos_of(p, t);
    e->attr.target = target;
    e->attr.name = parse_name_of(p, t);
    parse_adopt(e, target);
    return parse_done(p, e);
}

/* One bound of a slice, absent before ':', ',' and ']'. */
static bool parse_bound(struct parser *p, struct expr **ret_bound)
{
    enum token_kind kind = parse_kind(p);
    *ret_bound = NULL;
    if (kind == TOKEN_COLON || kind == TOKEN_COMMA || kind == TOKEN_CLOSE_BRACKET)
        return true;
    *ret_bound = parse_expr(p);
    return *ret_bound != NULL;
}

static struct expr *parse_slice(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *low = NULL, *high = NULL, *step = NULL;
    if (parse_kind(p) == TOKEN_STAR)
        return parse_star_named_expr(p);
    if (parse_kind(p) != TOKEN_COLON) {
        low = parse_named_expr(p);
        if (!low || parse_kind(p) != TOKEN_COLON)
            return low;
        if (low->kind == EXPR_WALRUS && !low->parenthesized)
            return parse_unexpected(p, "']'");
    }
    p->at++;
    if (!parse_bound(p, &high) || (parse_accept(p, TOKEN_COLON) && !parse_bound(p, &step)))
        return NULL;
    struct expr *e = parse_new(p, EXPR_SLICE, parse_since(p, from));
    e->slice.low = low;
    e->slice.high = high;
    e->slice.step = step;
    parse_adopt(e, low);
    parse_adopt(e, high);
    parse_adopt(e, step);
    return parse_done(p, e);
}

/* One slice or expression, or a tuple of them. */
static struct expr *parse_slices(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *e = parse_slice(p);
    if (!e || (parse_kind(p) != TOKEN_COMMA && e->kind != EXPR_STARRED))
        return e;
    size_t mark = parse_mark(p);
    parse_push_expr(p, e);
    while (parse_accept(p, TOKEN_COMMA) && parse_kind(p) != TOKEN_CLOSE_BRACKET) {
        e = parse_slice(p);
        if (!e)
            return NULL;
        parse_push_expr(p, e);
    }
    return parse_items_node(p, EXPR_TUPLE, mark, from);
}

static struct expr *parse_index(struct parser *p, struct expr *target, uint32_t from)
{
    pos open = parse_pos(p);
    p->at++;
    struct expr *index = parse_slices(p);
    if (!index || !parse_expect_close(p, TOKEN_CLOSE_BRACKET))
        return NULL;
    struct expr *e = parse_new(p, EXPR_INDEX, parse_since(p, from));
    e->op_at = parse_since(p, open.offset);
    e->index.target = target;
    e->index.index = index;
    parse_adopt(e, target);
    parse_adopt(e, index);
    return parse_done(p, e);
}

struct expr *parse_primary(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    if (parse_kind(p) == TOKEN_AWAIT) {
        parse_refuse(p, REFUSED_AWAIT, parse_pos(p));
        p->at++;
    }
    struct expr *e = parse_atom(p);
    while (e) {
        switch (parse_kind(p)) {
        case TOKEN_DOT:
            e = parse_attribute(p, e, from);
            break;
        case TOKEN_OPEN_PAREN:
            e = parse_call(p, e, from);
            break;
        case TOKEN_OPEN_BRACKET:
            e = parse_index(p, e, from);
            break;
        default:
            return e;
        }
    }
    return NULL;
}
