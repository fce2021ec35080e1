#include "syntax/parse_int.h"

/* ---- blocks ---- */

/* Behind the header's colon: an indented block, or simple statements in the same line. */
static bool parse_block(struct parser *p, const char *what, pos header, struct block *ret_block)
{
    size_t mark = parse_mark(p);
    if (!parse_accept(p, TOKEN_NEWLINE)) {
        if (!parse_simple_line(p))
            return false;
        ret_block->at = parse_take(p, mark, sizeof(struct stmt *), &ret_block->n);
        return true;
    }
    if (!parse_accept(p, TOKEN_INDENT))
        return parse_fail(p, parse_pos(p), "expected an indented block after %s on line %u", what,
                          scan_line_of(&p->scan, header.offset));
    if (p->block_depth == SYNTAX_MAX_BLOCK_DEPTH) {
        p->at--;
        return parse_limit(p, parse_pos(p), "too many nested blocks", SYNTAX_MAX_BLOCK_DEPTH,
                           "move inner blocks into functions");
    }
    p->block_depth++;
    *ret_block = parse_statements(p, TOKEN_DEDENT);
    p->block_depth--;
    parse_accept(p, TOKEN_DEDENT);
    return true;
}

static bool parse_colon_block(struct parser *p, const char *what, pos header, struct block *ret)
{
    return parse_expect(p, TOKEN_COLON) && parse_block(p, what, header, ret);
}

/* A clause of one word: else, finally. */
static bool parse_clause_block(struct parser *p, const char *what, struct block *ret)
{
    pos at = parse_pos(p);
    p->at++;
    return parse_colon_block(p, what, at, ret);
}

/* ---- if, while, for ---- */

/* elif nests in `otherwise`, yet is read in a loop: a chain may be of any length. */
static struct stmt *parse_if(struct parser *p)
{
    struct stmt *first = NULL;
    struct block *link = NULL;
    for (;;) {
        pos at = parse_pos(p);
        const char *what = first ? "'elif' statement" : "'if' statement";
        struct stmt *s = parse_new_stmt(p, STMT_IF, at.offset);
        p->at++;
        s->if_.test = parse_named_expr(p);
        if (!s->if_.test)
            return NULL;
        s->at = parse_since(p, at.offset);
        if (!parse_colon_block(p, what, at, &s->if_.then))
            return NULL;
        if (link) {
            link->at = arena_new(p->arena, struct stmt *);
            link->at[0] = s;
            link->n = 1;
        }
        first = first ? first : s;
        link = &s->if_.otherwise;
        if (parse_kind(p) != TOKEN_ELIF)
            break;
    }
    if (parse_kind(p) == TOKEN_ELSE && !parse_clause_block(p, "'else' statement", link))
        return NULL;
    return first;
}

static bool parse_loop_body(struct parser *p, const char *what, pos at, struct block *ret_body,
                            struct block *ret_otherwise)
{
    bool in_loop = p->in_loop;
    p->in_loop = true;
    bool done = parse_colon_block(p, what, at, ret_body);
    p->in_loop = in_loop;
    if (!done)
        return false;
    return parse_kind(p) != TOKEN_ELSE || parse_clause_block(p, "'else' statement", ret_otherwise);
}

static struct stmt *parse_while(struct parser *p)
{
    pos at = parse_pos(p);
    struct stmt *s = parse_new_stmt(p, STMT_WHILE, at.offset);
    p->at++;
    s->while_.test = parse_named_expr(p);
    if (!s->while_.test)
        return NULL;
    s->at = parse_since(p, at.offset);
    return parse_loop_body(p, "'while' statement", at, &s->while_.body, &s->while_.otherwise)
               ? s
               : NULL;
}

static struct stmt *parse_for(struct parser *p)
{
    pos at = parse_pos(p);
    struct stmt *s = parse_new_stmt(p, STMT_FOR, at.offset);
    p->at++;
    s->for_.target = parse_for_target(p);
    if (!s->for_.target || !parse_expect(p, TOKEN_IN))
        return NULL;
    s->for_.iterable = parse_star_exprs(p);
    if (!s->for_.iterable)
        return NULL;
    if (s->for_.iterable->kind == EXPR_STARRED)
        return parse_fail(p, s->for_.iterable->at, "can't use starred expression here");
    s->at = parse_since(p, at.offset);
    return parse_loop_body(p, "'for' statement", at, &s->for_.body, &s->for_.otherwise) ? s : NULL;
}

/* ---- try ---- */

static bool parse_except(struct parser *p, struct except_clause *ret_clause)
{
    struct except_clause c = {.at = parse_pos(p)};
    pos at = c.at;
    p->at++;
    if (parse_kind(p) == TOKEN_STAR) {
        parse_refuse(p, REFUSED_EXCEPT_STAR, parse_span(at, parse_pos(p)));
        p->at++;
    }
    if (parse_kind(p) != TOKEN_COLON) {
        c.type = parse_expr(p);
        if (!c.type)
            return false;
        if (parse_kind(p) == TOKEN_COMMA)
            return parse_fail(p, c.type->at, "multiple exception types must be parenthesized");
        if (parse_accept(p, TOKEN_AS)) {
            if (parse_kind(p) != TOKEN_NAME)
                return parse_unexpected(p, "a name");
            c.name = parse_name_of(p, parse_token(p));
            c.name_at = parse_pos(p);
            p->at++;
        }
    }
    c.at = parse_since(p, at.offset);
    if (!parse_colon_block(p, "'except' statement", at, &c.body))
        return false;
    *ret_clause = c;
    return true;
}

static bool parse_handlers(struct parser *p, struct stmt *s)
{
    size_t mark = parse_mark(p);
    pos bare = POS_NONE;
    while (parse_kind(p) == TOKEN_EXCEPT) {
        struct except_clause c;
        if (bare.source)
            return parse_fail(p, bare, "default 'except:' must be last");
        if (!parse_except(p, &c))
            return false;
        if (!c.type)
            bare = c.at;
        parse_push(p, &c, sizeof c);
    }
    s->try_.handlers = parse_take(p, mark, sizeof(struct except_clause), &s->try_.n);
    return true;
}

static struct stmt *parse_try(struct parser *p)
{
    pos at = parse_pos(p);
    struct stmt *s = parse_new_stmt(p, STMT_TRY, at.offset);
    s->at = at;
    if (!parse_clause_block(p, "'try' statement", &s->try_.body) || !parse_handlers(p, s))
        return NULL;
    if (s->try_.n && parse_kind(p) == TOKEN_ELSE &&
        !parse_clause_block(p, "'else' statement", &s->try_.otherwise))
        return NULL;
    if (parse_kind(p) == TOKEN_FINALLY) {
        s->try_.has_finally = true;
        return parse_clause_block(p, "'finally' statement", &s->try_.finally) ? s : NULL;
    }
    if (!s->try_.n)
        return parse_fail(p, parse_pos(p), "expected 'except' or 'finally' block");
    return s;
}

/* ---- def ---- */

static struct stmt *parse_def(struct parser *p, uint32_t from, struct expr_list decorators)
{
    struct stmt *s = parse_new_stmt(p, STMT_DEF, from);
    pos at = parse_pos(p);
    p->at++;
    const struct token *name = parse_token(p);
    if (name->kind != TOKEN_NAME)
        return parse_unexpected(p, "the name of the function");
    s->def.name = parse_name_of(p, name);
    s->def.name_at = parse_pos_of(p, name);
    s->def.decorators = decorators;
    p->at++;
    if (!parse_expect(p, TOKEN_OPEN_PAREN) ||
        !parse_parameters(p, TOKEN_CLOSE_PAREN, &s->def.parameters) ||
        !parse_expect_close(p, TOKEN_CLOSE_PAREN))
        return NULL;
    if (parse_accept(p, TOKEN_ARROW)) {
        s->def.returns = parse_expr(p);
        if (!s->def.returns)
            return NULL;
    }
    s->at = parse_since(p, at.offset);
    bool in_function = p->in_function, in_loop = p->in_loop;
    p->in_function = true;
    p->in_loop = false;
    bool done = parse_colon_block(p, "function definition", at, &s->def.body);
    p->in_function = in_function;
    p->in_loop = in_loop;
    return done ? s : NULL;
}

/* ---- what is refused: read whole, so that what follows is understood ---- */

/* As a function without parameters that calls what the class is made from. */
static struct stmt *parse_class(struct parser *p, uint32_t from, struct expr_list decorators)
{
    pos at = parse_pos(p);
    size_t mark = parse_mark(p);
    struct stmt *s = parse_new_stmt(p, STMT_DEF, from);
    p->at++;
    if (parse_kind(p) != TOKEN_NAME)
        return parse_unexpected(p, "the name of the class");
    parse_refuse(p, REFUSED_CLASS, at);
    s->def.name = parse_name_of(p, parse_token(p));
    s->def.name_at = parse_pos(p);
    struct expr *name = parse_atom(p);
    for (uint32_t i = 0; i < decorators.n; i++)
        parse_push_expr(p, decorators.at[i]);
    if (parse_kind(p) == TOKEN_OPEN_PAREN) {
        struct expr *bases = parse_call(p, name, at.offset);
        if (!bases)
            return NULL;
        for (uint32_t i = 0; i < bases->call.n; i++)
            parse_push_expr(p, bases->call.args[i].value);
    }
    s->def.decorators = parse_take_list(p, mark);
    s->at = parse_since(p, at.offset);
    bool in_function = p->in_function, in_loop = p->in_loop;
    p->in_function = p->in_loop = false;
    bool done = parse_colon_block(p, "class definition", at, &s->def.body);
    p->in_function = in_function;
    p->in_loop = in_loop;
    return done ? s : NULL;
}

/* Pushes a binding for each item. */
static bool parse_with_items(struct parser *p, enum token_kind end)
{
    do {
        if (parse_kind(p) == end)
            break;
        struct expr *value = parse_expr(p);
        struct expr_list targets = {0};
        if (!value)
            return false;
        if (parse_accept(p, TOKEN_AS)) {
            struct expr *target =
                parse_kind(p) == TOKEN_STAR ? parse_star_named_expr(p) : parse_bit_or(p);
            if (!target || !parse_check_target(p, target, TARGET_ASSIGN))
                return false;
            size_t mark = parse_mark(p);
            parse_push_expr(p, target);
            targets = parse_take_list(p, mark);
        }
        parse_push_stmt(p, parse_stand_in_binding(p, value->at, &targets, value));
    } while (parse_accept(p, TOKEN_COMMA));
    return true;
}

/* Whether the parentheses hold items with `as`, and not one expression. */
static bool has_parenthesized_items(const struct parser *p)
{
    int depth = 0;
    for (uint32_t i = p->at; p->tokens.at[i].kind != TOKEN_NEWLINE; i++) {
        enum token_kind kind = (enum token_kind)p->tokens.at[i].kind;
        depth += kind >= TOKEN_OPEN_PAREN && kind <= TOKEN_OPEN_BRACE;
        depth -= kind >= TOKEN_CLOSE_PAREN && kind <= TOKEN_CLOSE_BRACE;
        if (kind == TOKEN_EOF || depth <= 0)
            return false;
        if (kind == TOKEN_AS && depth == 1)
            return true;
    }
    return false;
}

static struct block take_block(struct parser *p, size_t mark)
{
    struct block b;
    b.at = parse_take(p, mark, sizeof(struct stmt *), &b.n);
    return b;
}

static struct stmt *parse_with(struct parser *p, enum refused what, pos at)
{
    struct block body;
    size_t mark = parse_mark(p);
    parse_refuse(p, what, at);
    p->at++;
    bool parentheses = has_parenthesized_items(p) && parse_accept(p, TOKEN_OPEN_PAREN);
    if (!parse_with_items(p, parentheses ? TOKEN_CLOSE_PAREN : TOKEN_COLON) ||
        (parentheses && !parse_expect_close(p, TOKEN_CLOSE_PAREN)) ||
        !parse_colon_block(p, "'with' statement", at, &body))
        return NULL;
    parse_push_stmt(p, parse_stand_in(p, at.offset, body));
    return parse_stand_in(p, at.offset, take_block(p, mark));
}

static struct stmt *parse_async(struct parser *p, uint32_t from, struct expr_list decorators)
{
    pos at = parse_span(parse_pos(p), parse_pos_of(p, &p->tokens.at[p->at + 1]));
    p->at++;
    switch (parse_kind(p)) {
    case TOKEN_DEF:
        parse_refuse(p, REFUSED_ASYNC_DEF, at);
        return parse_def(p, from, decorators);
    case TOKEN_FOR:
        parse_refuse(p, REFUSED_ASYNC_FOR, at);
        return parse_for(p);
    case TOKEN_WITH:
        return parse_with(p, REFUSED_ASYNC_WITH, at);
    default:
        return parse_unexpected(p, "'def', 'for' or 'with'");
    }
}

static struct stmt *parse_decorated(struct parser *p)
{
    size_t mark = parse_mark(p);
    uint32_t from = parse_token(p)->offset;
    while (parse_accept(p, TOKEN_AT)) {
        struct expr *e = parse_named_expr(p);
        if (!e)
            return NULL;
        if (!parse_accept(p, TOKEN_NEWLINE))
            return parse_unexpected(p, "a new line");
        parse_push_expr(p, e);
    }
    struct expr_list decorators = parse_take_list(p, mark);
    switch (parse_kind(p)) {
    case TOKEN_DEF:
        return parse_def(p, from, decorators);
    case TOKEN_CLASS:
        return parse_class(p, from, decorators);
    case TOKEN_ASYNC:
        return parse_async(p, from, decorators);
    default:
        return parse_unexpected(p, "'def'");
    }
}

/* match is a name, unless its line ends in a colon and a block of cases follows. */
static bool at_match(const struct parser *p)
{
    uint32_t i = p->at;
    if (parse_kind(p) != TOKEN_NAME || !str_is(parse_name_of(p, parse_token(p)), "match"))
        return false;
    while (p->tokens.at[i].kind != TOKEN_NEWLINE && p->tokens.at[i].kind != TOKEN_EOF)
        i++;
    const struct token *t = &p->tokens.at[i];
    return t->kind == TOKEN_NEWLINE && t[-1].kind == TOKEN_COLON && t[1].kind == TOKEN_INDENT &&
           t[2].kind == TOKEN_NAME && str_is(parse_name_of(p, &t[2]), "case");
}

/* Patterns have a grammar of their own, which is not read; the statements below are. */
static struct stmt *parse_match(struct parser *p)
{
    pos at = parse_pos(p);
    size_t mark = parse_mark(p);
    parse_refuse(p, REFUSED_MATCH, at);
    p->at++;
    struct expr *subject = parse_star_exprs(p);
    if (subject)
        parse_push_stmt(p, parse_stand_in_binding(p, subject->at, &(struct expr_list){0}, subject));
    parse_skip_line(p);
    parse_accept(p, TOKEN_INDENT);
    while (parse_kind(p) != TOKEN_DEDENT && parse_kind(p) != TOKEN_EOF) {
        struct block body;
        while (parse_kind(p) != TOKEN_NEWLINE && parse_kind(p) != TOKEN_EOF)
            p->at++;
        if (parse_kind_ahead(p, 1) != TOKEN_INDENT)
            parse_accept(p, TOKEN_NEWLINE);
        else if (parse_block(p, "'case' statement", at, &body))
            parse_push_stmt(p, parse_stand_in(p, at.offset, body));
    }
    parse_accept(p, TOKEN_DEDENT);
    return parse_stand_in(p, at.offset, take_block(p, mark));
}

static struct stmt *parse_compound(struct parser *p, bool *ret_is_compound)
{
    *ret_is_compound = true;
    switch (parse_kind(p)) {
    case TOKEN_IF:
        return parse_if(p);
    case TOKEN_WHILE:
        return parse_while(p);
    case TOKEN_FOR:
        return parse_for(p);
    case TOKEN_TRY:
        return parse_try(p);
    case TOKEN_DEF:
        return parse_def(p, parse_token(p)->offset, (struct expr_list){0});
    case TOKEN_AT:
        return parse_decorated(p);
    case TOKEN_CLASS:
        return parse_class(p, parse_token(p)->offset, (struct expr_list){0});
    case TOKEN_WITH:
        return parse_with(p, REFUSED_WITH, parse_pos(p));
    case TOKEN_ASYNC:
        return parse_async(p, parse_token(p)->offset, (struct expr_list){0});
    default:
        if (at_match(p))
            return parse_match(p);
        *ret_is_compound = false;
        return NULL;
    }
}

bool parse_statement(struct parser *p)
{
    bool is_compound;
    p->walruses.n = 0;
    struct stmt *s = parse_compound(p, &is_compound);
    if (!is_compound)
        return parse_simple_line(p);
    if (s)
        parse_push_stmt(p, s);
    return s != NULL;
}
