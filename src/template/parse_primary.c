/* Literals, displays, tuples, subscripts, calls, filters and tests. */
#include "template/parse_int.h"

typedef VEC(struct expr *) expr_vec;

static struct expr *with_items(struct template_parser *p, struct expr *e, expr_vec *items)
{
    if (e) {
        e->items.at = keep_array(p, items);
        e->items.n = (uint32_t)items->n;
        for (size_t i = 0; e && i < items->n; i++)
            e = grow(p, e, items->at[i]) ? e : NULL;
    }
    vec_done(items);
    return e;
}

/* ---- literals ---- */

static struct expr *name_or_constant(struct template_parser *p)
{
    static const struct {
        const char *name;
        enum expr_kind kind;
    } constants[] = {{"true", EXPR_TRUE},   {"True", EXPR_TRUE}, {"false", EXPR_FALSE},
                     {"False", EXPR_FALSE}, {"none", EXPR_NONE}, {"None", EXPR_NONE}};
    struct expr *e = new_expr(p, EXPR_NAME, token_pos(p, &p->now));
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (str_is(p->now.text, constants[i].name))
            e->kind = constants[i].kind;
    if (e->kind == EXPR_NAME)
        e->s = intern(p, p->now.text);
    return next_token(p) ? e : NULL;
}

/* Strings that follow each other are one. */
static struct expr *string(struct template_parser *p)
{
    auto_buf joined = BUF(TEMPLATE_MAX_SOURCE);
    struct expr *e = new_expr(p, EXPR_STR, token_pos(p, &p->now));
    str first = p->now.text;
    if (!next_token(p))
        return NULL;
    e->s = first;
    if (p->now.kind != TOKEN_STRING)
        return e;
    buf_add_str(&joined, first);
    while (p->now.kind == TOKEN_STRING) {
        buf_add_str(&joined, p->now.text);
        if (!next_token(p))
            return NULL;
    }
    e->s = arena_str(p->arena, buf_str(&joined));
    e->at = pos_until(p, e->at);
    return e;
}

static struct expr *number(struct template_parser *p)
{
    struct expr *e = new_expr(p, EXPR_INT, token_pos(p, &p->now));
    if (p->now.kind == TOKEN_FLOAT) {
        e->kind = EXPR_FLOAT;
        e->f = p->now.f;
    } else {
        e->i = p->now.i;
    }
    return next_token(p) ? e : NULL;
}

/* ---- displays ---- */

static struct expr *list(struct template_parser *p)
{
    expr_vec items = {0};
    struct expr *e = new_expr(p, EXPR_LIST, token_pos(p, &p->now));
    bool ok = next_token(p);
    while (ok && p->now.kind != TOKEN_RBRACKET) {
        if (items.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        if (p->now.kind == TOKEN_RBRACKET)
            break;
        struct expr *item = template_parse_expression(p);
        ok = item != NULL;
        vec_push(&items, item);
    }
    ok = ok && expect(p, TOKEN_RBRACKET);
    e->at = pos_until(p, e->at);
    return with_items(p, ok ? e : NULL, &items);
}

static struct expr *dict(struct template_parser *p)
{
    expr_vec keys = {0}, values = {0};
    struct expr *e = new_expr(p, EXPR_DICT, token_pos(p, &p->now));
    bool ok = next_token(p);
    while (ok && p->now.kind != TOKEN_RBRACE) {
        if (keys.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        if (p->now.kind == TOKEN_RBRACE)
            break;
        struct expr *key = template_parse_expression(p);
        struct expr *value = key && expect(p, TOKEN_COLON) ? template_parse_expression(p) : NULL;
        ok = value && grow(p, e, key) && grow(p, e, value);
        vec_push(&keys, key);
        vec_push(&values, value);
    }
    ok = ok && expect(p, TOKEN_RBRACE);
    e->dict.keys = keep_array(p, &keys);
    e->dict.values = keep_array(p, &values);
    e->dict.n = (uint32_t)keys.n;
    e->at = pos_until(p, e->at);
    vec_done(&keys);
    vec_done(&values);
    return ok ? e : NULL;
}

static struct expr *parentheses(struct template_parser *p)
{
    if (!enter_expr(p) || !next_token(p))
        return NULL;
    struct expr *e = template_parse_tuple(p, TUPLE_PARENTHESES, NULL);
    p->depth--;
    if (!e || !expect(p, TOKEN_RPAREN))
        return NULL;
    e->parenthesized = true;
    return e;
}

struct expr *template_parse_primary(struct template_parser *p)
{
    switch (p->now.kind) {
    case TOKEN_NAME:
        return name_or_constant(p);
    case TOKEN_STRING:
        return string(p);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
        return number(p);
    case TOKEN_LPAREN:
        return parentheses(p);
    case TOKEN_LBRACKET:
        return list(p);
    case TOKEN_LBRACE:
        return dict(p);
    default:
        template_parse_fail(p, token_pos(p, &p->now), "unexpected '%.*s'",
                            STR_ARG(describe(&p->now)));
        return NULL;
    }
}

/* ---- tuples and targets ---- */

static struct expr *tuple_item(struct template_parser *p, enum tuple_mode mode)
{
    if (mode == TUPLE_TARGET)
        return template_parse_primary(p);
    return mode == TUPLE_NO_COND ? template_parse_or(p) : template_parse_expression(p);
}

static bool is_tuple_end(const struct template_parser *p, const char *end_name)
{
    return p->now.kind == TOKEN_VARIABLE_END || p->now.kind == TOKEN_BLOCK_END ||
           p->now.kind == TOKEN_RPAREN || (end_name && at_name(p, end_name));
}

struct expr *template_parse_tuple(struct template_parser *p, enum tuple_mode mode,
                                  const char *end_name)
{
    expr_vec items = {0};
    pos at = token_pos(p, &p->now);
    bool ok = true;
    while (ok) {
        if ((items.n && !(ok = expect(p, TOKEN_COMMA))) || is_tuple_end(p, end_name))
            break;
        struct expr *item = tuple_item(p, mode);
        bool comma = p->now.kind == TOKEN_COMMA;
        if (!items.n && !comma) /* mostly it is no tuple */
            return item;
        ok = item != NULL;
        vec_push(&items, item);
        if (!comma)
            break;
    }
    if (ok && !items.n && mode != TUPLE_PARENTHESES)
        ok = template_parse_fail(p, token_pos(p, &p->now), "Expected an expression, got '%.*s'",
                                 STR_ARG(describe(&p->now)));
    if (!ok) {
        vec_done(&items);
        return NULL;
    }
    struct expr *e = new_expr(p, EXPR_TUPLE, pos_until(p, at));
    return with_items(p, e, &items);
}

/* ---- subscripts ---- */

static struct expr *slice_part(struct template_parser *p, bool *ok)
{
    if (p->now.kind == TOKEN_RBRACKET || p->now.kind == TOKEN_COMMA || p->now.kind == TOKEN_COLON)
        return NULL;
    struct expr *e = template_parse_expression(p);
    *ok = e != NULL;
    return e;
}

static struct expr *subscribed(struct template_parser *p)
{
    struct expr *low = NULL, *high, *step = NULL;
    pos at = token_pos(p, &p->now);
    bool more, ok = true;
    if (p->now.kind != TOKEN_COLON) {
        low = template_parse_expression(p);
        if (!low || p->now.kind != TOKEN_COLON)
            return low;
    }
    if (!next_token(p))
        return NULL;
    high = slice_part(p, &ok);
    if (!ok || !skip_if(p, TOKEN_COLON, &more))
        return NULL;
    if (more && p->now.kind != TOKEN_RBRACKET && p->now.kind != TOKEN_COMMA) {
        step = template_parse_expression(p);
        ok = step != NULL;
    }
    if (!ok)
        return NULL;
    struct expr *e = new_expr(p, EXPR_SLICE, pos_until(p, at));
    e->slice.low = low;
    e->slice.high = high;
    e->slice.step = step;
    return grow(p, e, low) && grow(p, e, high) && grow(p, e, step) ? e : NULL;
}

static struct expr *index_of(struct template_parser *p, struct expr *target, struct expr *index)
{
    struct expr *e = new_expr(p, EXPR_INDEX, pos_until(p, target->at));
    e->index.target = target;
    e->index.index = index;
    return index && grow(p, e, target) && grow(p, e, index) ? e : NULL;
}

static struct expr *brackets(struct template_parser *p, struct expr *target)
{
    expr_vec items = {0};
    pos at = token_pos(p, &p->now);
    bool ok = next_token(p);
    while (ok && p->now.kind != TOKEN_RBRACKET) {
        if (items.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        struct expr *item = subscribed(p);
        ok = item != NULL;
        vec_push(&items, item);
    }
    ok = ok && expect(p, TOKEN_RBRACKET);
    struct expr *index = ok && items.n == 1 ? items.at[0] : NULL;
    if (ok && items.n != 1)
        index = with_items(p, new_expr(p, EXPR_TUPLE, pos_until(p, at)), &items);
    vec_done(&items);
    return index ? index_of(p, target, index) : NULL;
}

static struct expr *dotted(struct template_parser *p, struct expr *target)
{
    if (!next_token(p))
        return NULL;
    pos at = token_pos(p, &p->now);
    if (p->now.kind == TOKEN_INTEGER) {
        struct expr *index = number(p);
        return index ? index_of(p, target, index) : NULL;
    }
    if (p->now.kind != TOKEN_NAME) {
        template_parse_fail(p, at, "expected name or number");
        return NULL;
    }
    str name = intern(p, p->now.text);
    if (!next_token(p))
        return NULL;
    struct expr *e = new_expr(p, EXPR_ATTR, pos_until(p, target->at));
    e->op_at = at;
    e->attr.target = target;
    e->attr.name = name;
    return grow(p, e, target) ? e : NULL;
}

struct expr *template_parse_postfix(struct template_parser *p, struct expr *e)
{
    while (e) {
        if (p->now.kind == TOKEN_DOT)
            e = dotted(p, e);
        else if (p->now.kind == TOKEN_LBRACKET)
            e = brackets(p, e);
        else if (p->now.kind == TOKEN_LPAREN)
            e = template_parse_call(p, e);
        else
            break;
    }
    return e;
}

/* ---- calls ---- */

struct arguments {
    VEC(struct argument) at;
    bool keywords, star, star_star;
};

static bool one_argument(struct template_parser *p, struct arguments *a, pos open)
{
    struct argument arg = {.at = token_pos(p, &p->now)};
    bool fine;
    if (p->now.kind == TOKEN_MUL || p->now.kind == TOKEN_POW) {
        bool twice = p->now.kind == TOKEN_POW;
        arg.kind = twice ? ARGUMENT_STAR_STAR : ARGUMENT_STAR;
        fine = !a->star_star && (twice || !a->star);
        a->star = a->star || !twice;
        a->star_star = a->star_star || twice;
        if (fine && !next_token(p))
            return false;
    } else {
        const struct template_token *next = p->now.kind == TOKEN_NAME ? look_token(p) : NULL;
        if (p->now.kind == TOKEN_NAME && !next)
            return false;
        if (next && next->kind == TOKEN_ASSIGN) {
            arg.kind = ARGUMENT_KEYWORD;
            arg.name = intern(p, p->now.text);
            fine = !a->star_star;
            a->keywords = true;
            if (!next_token(p) || !next_token(p))
                return false;
        } else {
            fine = !a->star && !a->star_star && !a->keywords;
        }
    }
    if (!fine)
        return template_parse_fail(p, open, "invalid syntax for function call expression");
    arg.value = template_parse_expression(p);
    vec_push(&a->at, arg);
    return arg.value != NULL;
}

static bool parse_arguments(struct template_parser *p, struct expr *e, struct argument **ret,
                            uint32_t *ret_n)
{
    struct arguments a = {0};
    pos open = token_pos(p, &p->now);
    bool ok = expect(p, TOKEN_LPAREN);
    while (ok && p->now.kind != TOKEN_RPAREN) {
        if (a.at.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        if (a.at.n && p->now.kind == TOKEN_RPAREN)
            break;
        ok = one_argument(p, &a, open) && grow(p, e, vec_last(&a.at).value);
    }
    ok = ok && expect(p, TOKEN_RPAREN);
    *ret = keep_array(p, &a.at);
    *ret_n = (uint32_t)a.at.n;
    vec_done(&a.at);
    return ok;
}

struct expr *template_parse_call(struct template_parser *p, struct expr *target)
{
    struct expr *e = new_expr(p, EXPR_CALL, target->at);
    e->op_at = token_pos(p, &p->now);
    e->call.target = target;
    if (!grow(p, e, target) || !parse_arguments(p, e, &e->call.args, &e->call.n))
        return NULL;
    e->at = pos_until(p, target->at);
    return e;
}

/* ---- filters and tests ---- */

static bool dotted_name(struct template_parser *p, str *ret, pos *ret_at)
{
    str part;
    pos at;
    bool more;
    if (!expect_any_name(p, ret, ret_at))
        return false;
    for (;;) {
        if (!skip_if(p, TOKEN_DOT, &more))
            return false;
        if (!more)
            return true;
        if (!expect_any_name(p, &part, &at))
            return false;
        *ret = intern(p, arena_printf(p->arena, "%.*s.%.*s", STR_ARG(*ret), STR_ARG(part)));
        *ret_at = pos_until(p, *ret_at);
    }
}

bool template_parse_filters(struct template_parser *p, struct expr *target, bool start_inline,
                            struct expr **ret)
{
    *ret = target;
    while (p->now.kind == TOKEN_PIPE || start_inline) {
        if (!start_inline && !next_token(p))
            return false;
        start_inline = false;
        pos at = *ret ? (*ret)->at : token_pos(p, &p->now);
        struct expr *e = new_expr(p, EXPR_FILTER, at);
        e->filter.target = *ret;
        if (!grow(p, e, *ret) || !dotted_name(p, &e->filter.name, &e->op_at))
            return false;
        if (p->now.kind == TOKEN_LPAREN && !parse_arguments(p, e, &e->filter.args, &e->filter.n))
            return false;
        e->at = pos_until(p, at);
        *ret = e;
    }
    return true;
}

/* The one argument of `is name argument`, which stands without parentheses. */
static bool bare_argument(struct template_parser *p, struct expr *e)
{
    enum token_kind k = p->now.kind;
    bool starts = k == TOKEN_NAME || k == TOKEN_STRING || k == TOKEN_INTEGER || k == TOKEN_FLOAT ||
                  k == TOKEN_LBRACKET || k == TOKEN_LBRACE;
    if (!starts || at_name(p, "else") || at_name(p, "or") || at_name(p, "and"))
        return true;
    if (at_name(p, "is"))
        return template_parse_fail(p, token_pos(p, &p->now),
                                   "You cannot chain multiple tests with is");
    struct expr *value = template_parse_primary(p);
    value = value ? template_parse_postfix(p, value) : NULL;
    if (!value)
        return false;
    e->filter.args = arena_new(p->arena, struct argument);
    *e->filter.args = (struct argument){.at = value->at, .value = value};
    e->filter.n = 1;
    return grow(p, e, value);
}

static struct expr *parse_test(struct template_parser *p, struct expr *target)
{
    bool negated;
    if (!next_token(p) || !skip_name(p, "not", &negated))
        return NULL;
    struct expr *e = new_expr(p, EXPR_TEST, target->at);
    e->filter.target = target;
    e->filter.negated = negated;
    if (!grow(p, e, target) || !dotted_name(p, &e->filter.name, &e->op_at))
        return NULL;
    bool ok = p->now.kind == TOKEN_LPAREN ? parse_arguments(p, e, &e->filter.args, &e->filter.n)
                                          : bare_argument(p, e);
    e->at = pos_until(p, target->at);
    return ok ? e : NULL;
}

struct expr *template_parse_filter_expr(struct template_parser *p, struct expr *e)
{
    while (e) {
        if (p->now.kind == TOKEN_PIPE)
            e = template_parse_filters(p, e, false, &e) ? e : NULL;
        else if (at_name(p, "is"))
            e = parse_test(p, e);
        else if (p->now.kind == TOKEN_LPAREN)
            e = template_parse_call(p, e);
        else
            break;
    }
    return e;
}
