#include "syntax/parse_int.h"

/* ---- arguments ---- */

static bool is_constant(enum token_kind kind)
{
    return kind == TOKEN_TRUE || kind == TOKEN_FALSE || kind == TOKEN_NONE;
}

/* name=value; the name is the next token. */
static bool parse_keyword(struct parser *p, struct argument *ret_argument)
{
    const struct token *t = parse_token(p);
    pos at = parse_pos_of(p, t);
    str name = parse_name_of(p, t);
    p->at += 2;
    enum token_kind next = parse_kind(p);
    if (next == TOKEN_COMMA || next == TOKEN_CLOSE_PAREN)
        return parse_fail(p, parse_since(p, at.offset), "expected argument value expression");
    struct expr *value = parse_expr(p);
    if (!value)
        return false;
    if (parse_at_comprehension(p))
        return parse_fail(p, parse_span(at, parse_pos_of(p, &p->tokens.at[p->at - 1])),
                          "invalid syntax. Maybe you meant '==' or ':=' instead of '='?");
    *ret_argument =
        (struct argument){.kind = ARGUMENT_KEYWORD, .name = name, .at = at, .value = value};
    return true;
}

static bool parse_starred_argument(struct parser *p, struct argument *ret_argument)
{
    bool twice = parse_kind(p) == TOKEN_DOUBLE_STAR;
    pos at = parse_pos(p);
    p->at++;
    struct expr *value = parse_expr(p);
    if (!value)
        return false;
    if (parse_kind(p) == TOKEN_ASSIGN)
        return parse_fail(p, parse_since(p, at.offset), "cannot assign to %s argument unpacking",
                          twice ? "keyword" : "iterable");
    *ret_argument = (struct argument){
        .kind = twice ? ARGUMENT_STAR_STAR : ARGUMENT_STAR, .at = at, .value = value};
    return true;
}

static bool parse_argument(struct parser *p, struct argument *ret_argument)
{
    enum token_kind kind = parse_kind(p);
    bool assigns = parse_kind_ahead(p, 1) == TOKEN_ASSIGN;
    if (kind == TOKEN_NAME && assigns)
        return parse_keyword(p, ret_argument);
    if (kind == TOKEN_STAR || kind == TOKEN_DOUBLE_STAR)
        return parse_starred_argument(p, ret_argument);
    if (is_constant(kind) && assigns)
        return parse_fail(p, parse_pos(p), "cannot assign to %s", parse_kind_name(kind));
    struct expr *value = parse_named_expr(p);
    if (!value)
        return false;
    if (parse_kind(p) == TOKEN_ASSIGN)
        return parse_fail(p, value->at,
                          "expression cannot contain assignment, perhaps you meant \"==\"?");
    *ret_argument = (struct argument){.kind = ARGUMENT_POSITIONAL, .at = value->at, .value = value};
    return true;
}

struct argument_order { /* what stood before */
    bool keyword, star_star;
};

static bool check_order(struct parser *p, struct argument_order *order, const struct argument *a)
{
    pos at = parse_span(a->at, a->value->at);
    switch (a->kind) {
    case ARGUMENT_POSITIONAL:
        if (order->keyword || order->star_star)
            return parse_fail(p, at, "positional argument follows keyword argument%s",
                              order->star_star ? " unpacking" : "");
        break;
    case ARGUMENT_STAR:
        if (order->star_star)
            return parse_fail(p, at,
                              "iterable argument unpacking follows keyword argument unpacking");
        break;
    case ARGUMENT_KEYWORD:
        order->keyword = true;
        break;
    case ARGUMENT_STAR_STAR:
        order->star_star = true;
        break;
    }
    return true;
}

static bool check_repeats(struct parser *p, const struct argument *args, uint32_t n)
{
    parse_forget_names(p);
    for (uint32_t i = 0; i < n; i++)
        if (args[i].kind == ARGUMENT_KEYWORD && parse_remember_name(p, args[i].name))
            return parse_fail(p, args[i].at, "keyword argument repeated: %.*s",
                              STR_ARG(args[i].name));
    return true;
}

/* f(x for x in y): the call's parentheses are the generator's too. */
static bool parse_generator_argument(struct parser *p, struct argument *a, bool first,
                                     uint32_t open)
{
    if (!first || a->kind != ARGUMENT_POSITIONAL)
        return parse_fail(p, a->value->at, "Generator expression must be parenthesized");
    a->value =
        parse_comprehension(p, COMPREHENSION_GENERATOR, a->value, NULL, open, TOKEN_CLOSE_PAREN);
    if (!a->value)
        return false;
    a->at = a->value->at;
    return true;
}

/* Behind the opening parenthesis, to the closing one; pushes the arguments. */
static bool parse_arguments(struct parser *p, uint32_t open)
{
    struct argument_order order = {0};
    bool first = true;
    for (; parse_kind(p) != TOKEN_CLOSE_PAREN; first = false) {
        struct argument a = {0};
        if (!parse_argument(p, &a) || !check_order(p, &order, &a))
            return false;
        bool generator = parse_at_comprehension(p);
        if (generator && !parse_generator_argument(p, &a, first, open))
            return false;
        parse_push(p, &a, sizeof a);
        if (generator)
            return true;
        if (!parse_accept(p, TOKEN_COMMA))
            break;
    }
    return parse_expect_close(p, TOKEN_CLOSE_PAREN);
}

struct expr *parse_call(struct parser *p, struct expr *target, uint32_t from)
{
    size_t mark = parse_mark(p);
    uint32_t open = parse_token(p)->offset;
    p->at++;
    if (!parse_arguments(p, open))
        return NULL;
    struct expr *e = parse_new(p, EXPR_CALL, parse_since(p, from));
    e->op_at = parse_since(p, open);
    e->call.target = target;
    e->call.args = parse_take(p, mark, sizeof(struct argument), &e->call.n);
    parse_adopt(e, target);
    for (uint32_t i = 0; i < e->call.n; i++)
        parse_adopt(e, e->call.args[i].value);
    if (e->call.n > 1 && !check_repeats(p, e->call.args, e->call.n))
        return NULL;
    return parse_done(p, e);
}

/* ---- parameters ---- */

struct parameter_order { /* what stood before */
    bool slash, star, bare_star, star_star, has_default;
    enum token_kind end;
};

static bool parse_parameter_name(struct parser *p, const struct parameter_order *o,
                                 struct parameter *q)
{
    const struct token *t = parse_token(p);
    if (t->kind != TOKEN_NAME) {
        if (t->kind == TOKEN_OPEN_PAREN)
            return parse_fail(p, parse_pos(p), "%s cannot be parenthesized",
                              o->end == TOKEN_COLON ? "Lambda expression parameters"
                                                    : "Function parameters");
        return parse_unexpected(p, "the name of a parameter");
    }
    q->name = parse_name_of(p, t);
    q->at = parse_pos_of(p, t);
    p->at++;
    if (o->end == TOKEN_COLON || !parse_accept(p, TOKEN_COLON))
        return true;
    bool star = q->kind == PARAMETER_VAR_ARGS && parse_kind(p) == TOKEN_STAR;
    q->annotation = star ? parse_star_named_expr(p) : parse_expr(p);
    return q->annotation != NULL;
}

static bool parse_default(struct parser *p, struct parameter_order *o, struct parameter *q)
{
    bool variadic = q->kind == PARAMETER_VAR_ARGS || q->kind == PARAMETER_VAR_KEYWORDS;
    if (!parse_accept(p, TOKEN_ASSIGN)) {
        if (o->has_default && q->kind == PARAMETER_NORMAL)
            return parse_fail(p, q->at, "non-default argument follows default argument");
        return true;
    }
    if (variadic)
        return parse_fail(p, parse_pos_of(p, &p->tokens.at[p->at - 1]),
                          "var-%s argument cannot have default value",
                          q->kind == PARAMETER_VAR_ARGS ? "positional" : "keyword");
    enum token_kind next = parse_kind(p);
    if (next == TOKEN_COMMA || next == o->end)
        return parse_fail(p, parse_pos_of(p, &p->tokens.at[p->at - 1]),
                          "expected default value expression");
    q->default_value = parse_expr(p);
    o->has_default |= q->kind == PARAMETER_NORMAL;
    return q->default_value != NULL;
}

/* '/' makes the parameters since mark positional-only. */
static bool parse_slash(struct parser *p, struct parameter_order *o, size_t mark)
{
    const char *wrong = o->slash               ? "/ may appear only once"
                        : o->star              ? "/ must be ahead of *"
                        : p->scratch_n == mark ? "at least one argument must precede /"
                                               : NULL;
    if (wrong)
        return parse_fail(p, parse_pos(p), "%s", wrong);
    p->at++;
    o->slash = true;
    for (size_t at = mark; at < p->scratch_n; at += sizeof(struct parameter)) {
        enum parameter_kind kind = PARAMETER_POSITIONAL_ONLY;
        memcpy(p->scratch + at + offsetof(struct parameter, kind), &kind, sizeof kind);
    }
    return true;
}

static bool parse_star_kind(struct parser *p, struct parameter_order *o, struct parameter *q,
                            bool *ret_bare)
{
    *ret_bare = false;
    if (o->star)
        return parse_fail(p, parse_pos(p), "* argument may appear only once");
    o->star = true;
    p->at++;
    enum token_kind next = parse_kind(p);
    if (next == o->end || (next == TOKEN_COMMA && (parse_kind_ahead(p, 1) == o->end ||
                                                   parse_kind_ahead(p, 1) == TOKEN_DOUBLE_STAR)))
        return parse_fail(p, parse_pos_of(p, &p->tokens.at[p->at - 1]),
                          "named arguments must follow bare *");
    *ret_bare = next == TOKEN_COMMA;
    q->kind = PARAMETER_VAR_ARGS;
    return true;
}

/* One parameter, '/' or a bare '*'. */
static bool parse_parameter(struct parser *p, struct parameter_order *o, size_t mark)
{
    struct parameter q = {.kind = o->star ? PARAMETER_KEYWORD_ONLY : PARAMETER_NORMAL};
    enum token_kind kind = parse_kind(p);
    if (o->star_star)
        return parse_fail(p, parse_pos(p), "arguments cannot follow var-keyword argument");
    if (kind == TOKEN_SLASH)
        return parse_slash(p, o, mark);
    if (kind == TOKEN_STAR) {
        bool bare;
        if (!parse_star_kind(p, o, &q, &bare))
            return false;
        if (bare)
            return true;
    } else if (kind == TOKEN_DOUBLE_STAR) {
        p->at++;
        q.kind = PARAMETER_VAR_KEYWORDS;
        o->star_star = true;
    }
    if (!parse_parameter_name(p, o, &q) || !parse_default(p, o, &q))
        return false;
    parse_push(p, &q, sizeof q);
    return true;
}

bool parse_parameters(struct parser *p, enum token_kind end, struct parameters *ret)
{
    struct parameter_order order = {.end = end};
    size_t mark = parse_mark(p);
    while (parse_kind(p) != end) {
        if (!parse_parameter(p, &order, mark))
            return false;
        if (!parse_accept(p, TOKEN_COMMA))
            break;
    }
    ret->at = parse_take(p, mark, sizeof(struct parameter), &ret->n);
    parse_forget_names(p);
    for (uint32_t i = 0; i < ret->n; i++)
        if (parse_remember_name(p, ret->at[i].name))
            return parse_fail(p, ret->at[i].at, "duplicate argument '%.*s' in function definition",
                              STR_ARG(ret->at[i].name));
    return true;
}

struct expr *parse_lambda(struct parser *p)
{
    pos at = parse_pos(p);
    struct parameters parameters;
    p->at++;
    if (!parse_parameters(p, TOKEN_COLON, &parameters) || !parse_expect(p, TOKEN_COLON))
        return NULL;
    /* A scope of its own: what := binds in the body concerns no comprehension around. */
    uint32_t iterables = p->iterables;
    size_t walruses = p->walruses.n;
    p->iterables = 0;
    struct expr *body = parse_expr(p);
    p->iterables = iterables;
    p->walruses.n = walruses;
    if (!body)
        return NULL;
    struct expr *e = parse_new(p, EXPR_LAMBDA, parse_since(p, at.offset));
    e->op_at = at;
    e->lambda.parameters = parameters;
    e->lambda.body = body;
    parse_adopt(e, body);
    for (uint32_t i = 0; i < parameters.n; i++)
        parse_adopt(e, parameters.at[i].default_value);
    return parse_done(p, e);
}
