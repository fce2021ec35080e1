#include "syntax/parse_int.h"

struct stmt *parse_new_stmt(struct parser *p, enum stmt_kind kind, uint32_t from)
{
    struct stmt *s = arena_new(p->arena, struct stmt);
    s->kind = kind;
    s->at = (pos){p->source, from, 0};
    return s;
}

/* ---- expressions and assignments ---- */

static const uint8_t augmented_ops[TOKEN_KIND_COUNT] = {
    [TOKEN_PLUS_ASSIGN] = BINARY_ADD + 1,
    [TOKEN_MINUS_ASSIGN] = BINARY_SUB + 1,
    [TOKEN_STAR_ASSIGN] = BINARY_MUL + 1,
    [TOKEN_SLASH_ASSIGN] = BINARY_DIV + 1,
    [TOKEN_DOUBLE_SLASH_ASSIGN] = BINARY_FLOORDIV + 1,
    [TOKEN_PERCENT_ASSIGN] = BINARY_MOD + 1,
    [TOKEN_DOUBLE_STAR_ASSIGN] = BINARY_POW + 1,
    [TOKEN_LEFT_SHIFT_ASSIGN] = BINARY_LSHIFT + 1,
    [TOKEN_RIGHT_SHIFT_ASSIGN] = BINARY_RSHIFT + 1,
    [TOKEN_AMPERSAND_ASSIGN] = BINARY_AND + 1,
    [TOKEN_PIPE_ASSIGN] = BINARY_OR + 1,
    [TOKEN_CARET_ASSIGN] = BINARY_XOR + 1,
    [TOKEN_AT_ASSIGN] = BINARY_MATMUL + 1,
};

static bool has_starred(struct parser *p, const struct expr *e)
{
    if (e->kind != EXPR_STARRED)
        return false;
    parse_fail(p, e->at, "can't use starred expression here");
    return true;
}

static struct stmt *parse_assignment(struct parser *p, struct expr *e, uint32_t from)
{
    size_t mark = parse_mark(p);
    enum target_use use = TARGET_ASSIGN_FIRST;
    while (parse_accept(p, TOKEN_ASSIGN)) {
        bool chain = parse_kind_ahead(p, 1) == TOKEN_ASSIGN;
        if (!parse_check_target(p, e, chain ? TARGET_ASSIGN : use))
            return NULL;
        use = TARGET_ASSIGN;
        parse_push_expr(p, e);
        e = parse_value(p);
        if (!e)
            return NULL;
    }
    if (has_starred(p, e))
        return NULL;
    struct stmt *s = parse_new_stmt(p, STMT_ASSIGN, from);
    s->assign.targets = parse_take_list(p, mark);
    s->assign.value = e;
    return s;
}

static struct stmt *parse_augmented(struct parser *p, struct expr *target, uint32_t from)
{
    struct stmt *s = parse_new_stmt(p, STMT_AUGMENTED, from);
    if (!parse_check_augmented(p, target))
        return NULL;
    s->augmented.op = (enum binary_op)(augmented_ops[parse_kind(p)] - 1);
    s->augmented.op_at = parse_pos(p);
    p->at++;
    s->augmented.target = target;
    s->augmented.value = parse_value(p);
    if (!s->augmented.value || has_starred(p, s->augmented.value))
        return NULL;
    return s;
}

static struct stmt *parse_annotated(struct parser *p, struct expr *target, uint32_t from)
{
    struct stmt *s = parse_new_stmt(p, STMT_ANNOTATED, from);
    if (!parse_check_annotated(p, target))
        return NULL;
    p->at++;
    s->annotated.target = target;
    s->annotated.annotation = parse_expr(p);
    if (!s->annotated.annotation)
        return NULL;
    if (parse_accept(p, TOKEN_ASSIGN)) {
        s->annotated.value = parse_value(p);
        if (!s->annotated.value || has_starred(p, s->annotated.value))
            return NULL;
    }
    return s;
}

static struct stmt *parse_expr_stmt(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *e = parse_value(p);
    if (!e)
        return NULL;
    enum token_kind kind = parse_kind(p);
    if (kind == TOKEN_ASSIGN)
        return parse_assignment(p, e, from);
    if (augmented_ops[kind])
        return parse_augmented(p, e, from);
    if (kind == TOKEN_COLON)
        return parse_annotated(p, e, from);
    if (has_starred(p, e))
        return NULL;
    struct stmt *s = parse_new_stmt(p, STMT_EXPR, from);
    s->expr = e;
    return s;
}

/* ---- statements that begin with a word ---- */

static bool ends_simple(const struct parser *p)
{
    enum token_kind kind = parse_kind(p);
    return kind == TOKEN_NEWLINE || kind == TOKEN_SEMICOLON || kind == TOKEN_EOF;
}

static struct stmt *parse_return(struct parser *p)
{
    pos at = parse_pos(p);
    struct stmt *s = parse_new_stmt(p, STMT_RETURN, at.offset);
    p->at++;
    if (!p->in_function && !p->lenient)
        return parse_fail(p, at, "'return' outside function");
    if (ends_simple(p))
        return s;
    s->expr = parse_star_exprs(p);
    return s->expr && !has_starred(p, s->expr) ? s : NULL;
}

static struct stmt *parse_delete(struct parser *p)
{
    struct stmt *s = parse_new_stmt(p, STMT_DELETE, parse_token(p)->offset);
    size_t mark = parse_mark(p);
    p->at++;
    do {
        struct expr *e = parse_kind(p) == TOKEN_STAR ? parse_star_named_expr(p) : parse_expr(p);
        if (!e || !parse_check_target(p, e, TARGET_DELETE))
            return NULL;
        parse_push_expr(p, e);
    } while (parse_accept(p, TOKEN_COMMA) && !ends_simple(p));
    s->targets = parse_take_list(p, mark);
    return s;
}

static struct stmt *parse_assert(struct parser *p)
{
    struct stmt *s = parse_new_stmt(p, STMT_ASSERT, parse_token(p)->offset);
    p->at++;
    s->assertion.test = parse_expr(p);
    if (!s->assertion.test)
        return NULL;
    if (parse_accept(p, TOKEN_COMMA)) {
        s->assertion.message = parse_expr(p);
        if (!s->assertion.message)
            return NULL;
    }
    return s;
}

static struct stmt *parse_raise(struct parser *p)
{
    struct stmt *s = parse_new_stmt(p, STMT_RAISE, parse_token(p)->offset);
    p->at++;
    if (ends_simple(p))
        return s;
    s->raise.exception = parse_expr(p);
    if (!s->raise.exception)
        return NULL;
    if (parse_accept(p, TOKEN_FROM)) {
        s->raise.cause = parse_expr(p);
        if (!s->raise.cause)
            return NULL;
    }
    return s;
}

static struct stmt *parse_loop_jump(struct parser *p, enum stmt_kind kind)
{
    struct stmt *s = parse_new_stmt(p, kind, parse_token(p)->offset);
    if (!p->in_loop && !p->lenient)
        parse_fail(p, parse_pos(p), "%s",
                   kind == STMT_BREAK ? "'break' outside loop" : "'continue' not properly in loop");
    p->at++;
    return s;
}

static struct stmt *parse_scope(struct parser *p, enum stmt_kind kind)
{
    struct stmt *s = parse_new_stmt(p, kind, parse_token(p)->offset);
    uint32_t first = p->at + 1, n = 0;
    do {
        p->at++;
        if (parse_kind(p) != TOKEN_NAME)
            return parse_unexpected(p, "a name");
        p->at++;
        n++;
    } while (parse_kind(p) == TOKEN_COMMA);
    s->names.names = arena_array(p->arena, str, n);
    s->names.at = arena_array(p->arena, pos, n);
    s->names.n = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct token *t = &p->tokens.at[first + 2 * i];
        s->names.names[i] = parse_name_of(p, t);
        s->names.at[i] = parse_pos_of(p, t);
    }
    return s;
}

static struct stmt *parse_pass(struct parser *p)
{
    struct stmt *s = parse_new_stmt(p, STMT_PASS, parse_token(p)->offset);
    p->at++;
    return s;
}

static struct stmt *parse_simple(struct parser *p)
{
    switch (parse_kind(p)) {
    case TOKEN_RETURN:
        return parse_return(p);
    case TOKEN_IMPORT:
    case TOKEN_FROM:
        return parse_import(p);
    case TOKEN_DEL:
        return parse_delete(p);
    case TOKEN_ASSERT:
        return parse_assert(p);
    case TOKEN_RAISE:
        return parse_raise(p);
    case TOKEN_PASS:
        return parse_pass(p);
    case TOKEN_BREAK:
        return parse_loop_jump(p, STMT_BREAK);
    case TOKEN_CONTINUE:
        return parse_loop_jump(p, STMT_CONTINUE);
    case TOKEN_GLOBAL:
        return parse_scope(p, STMT_GLOBAL);
    case TOKEN_NONLOCAL:
        return parse_scope(p, STMT_NONLOCAL);
    default:
        return parse_expr_stmt(p);
    }
}

bool parse_simple_line(struct parser *p)
{
    do {
        if (parse_kind(p) == TOKEN_NEWLINE)
            break;
        p->walruses.n = 0;
        struct stmt *s = parse_simple(p);
        if (!s)
            return false;
        s->at = parse_since(p, s->at.offset);
        parse_push_stmt(p, s);
    } while (parse_accept(p, TOKEN_SEMICOLON));
    if (parse_accept(p, TOKEN_NEWLINE) || parse_kind(p) == TOKEN_EOF)
        return true;
    return parse_unexpected(p, "a new line");
}
