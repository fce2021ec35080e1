#include "syntax/parse_int.h"
#include <stdio.h>

static const char *const kind_names[TOKEN_KIND_COUNT] = {
#define X(name, text) [TOKEN_##name] = text,
    SYNTAX_KEYWORDS(X) SYNTAX_OPERATORS(X)
#undef X
        [TOKEN_NAME] = "a name",
    [TOKEN_NUMBER] = "a number",
    [TOKEN_STRING] = "a string",
    [TOKEN_NEWLINE] = "the end of the line",
    [TOKEN_INDENT] = "an indented block",
    [TOKEN_DEDENT] = "the end of the block",
    [TOKEN_EOF] = "the end of the file",
    [TOKEN_ERROR] = "an error",
};

const char *parse_kind_name(enum token_kind kind)
{
    return kind_names[kind];
}

enum token_kind parse_kind_ahead(const struct parser *p, uint32_t ahead)
{
    size_t at = p->at + ahead;
    return at < p->tokens.n ? (enum token_kind)p->tokens.at[at].kind : TOKEN_EOF;
}

void *parse_fail(struct parser *p, pos at, const char *fmt, ...)
{
    const struct token *t = parse_token(p);
    p->silent = t->flags & TOKEN_DEAD || t->kind == TOKEN_ERROR;
    if (p->silent)
        return NULL;
    va_list args;
    va_start(args, fmt);
    struct err *e = err_list_add(&p->errors);
    str message = arena_vprintf(&e->arena, fmt, args);
    va_end(args);
    err_at(e, "syntax_error", at, "%.*s", STR_ARG(message));
    return NULL;
}

void parse_hint(struct parser *p, const char *fmt, ...)
{
    if (p->silent || !p->errors.n)
        return;
    va_list args;
    struct err *e = &p->errors.at[p->errors.n - 1];
    va_start(args, fmt);
    str hint = arena_vprintf(&e->arena, fmt, args);
    va_end(args);
    err_hint(e, "%.*s", STR_ARG(hint));
}

void *parse_limit(struct parser *p, pos at, const char *what, int limit, const char *hint)
{
    p->silent = false;
    struct err *e = err_list_add(&p->errors);
    err_at(e, "limit_exceeded", at, "%s (the limit is %d)", what, limit);
    err_hint(e, "%s", hint);
    return NULL;
}

static bool is_operand(enum token_kind kind)
{
    return kind == TOKEN_NAME || kind == TOKEN_NUMBER || kind == TOKEN_STRING;
}

static bool ends_expr(enum token_kind kind)
{
    return is_operand(kind) || kind <= TOKEN_TRUE ||
           (kind >= TOKEN_CLOSE_PAREN && kind <= TOKEN_CLOSE_BRACE);
}

/* print "x" and exec "x" of Python 2. */
static bool report_legacy(struct parser *p)
{
    if (p->at == 0 || !is_operand(parse_kind(p)))
        return false;
    const struct token *last = &p->tokens.at[p->at - 1];
    if (last->kind != TOKEN_NAME)
        return false;
    str name = parse_name_of(p, last);
    if (!str_is(name, "print") && !str_is(name, "exec"))
        return false;
    parse_fail(p, parse_span(parse_pos_of(p, last), parse_pos(p)),
               "Missing parentheses in call to '%.*s'. Did you mean %.*s(...)?", STR_ARG(name),
               STR_ARG(name));
    return true;
}

void *parse_unexpected(struct parser *p, const char *wanted)
{
    const struct token *t = parse_token(p);
    enum token_kind kind = (enum token_kind)t->kind;
    const char *prefix = p->fstring_depth ? "f-string: " : "";
    if (report_legacy(p))
        return NULL;
    if (kind == TOKEN_ASSIGN && p->at && ends_expr((enum token_kind)t[-1].kind))
        return parse_fail(p, parse_pos(p),
                          "%sinvalid syntax. Maybe you meant '==' or ':=' instead of '='?", prefix);
    if (kind == TOKEN_INDENT)
        return parse_fail(p, parse_pos(p), "unexpected indent");
    bool quoted = kind <= TOKEN_NAME || kind >= TOKEN_OPEN_PAREN;
    str found = kind == TOKEN_NAME ? parse_name_of(p, t) : str_of(kind_names[kind]);
    if (kind == TOKEN_EOF && p->scan.inside)
        found = STR("the end of the expression");
    parse_fail(p, parse_pos(p), "%sinvalid syntax: expected %s, found %s%.*s%s", prefix, wanted,
               quoted ? "'" : "", STR_ARG(found), quoted ? "'" : "");
    if (kind == TOKEN_WALRUS)
        parse_hint(p, "put parentheses around the assignment expression");
    return NULL;
}

bool parse_expect(struct parser *p, enum token_kind kind)
{
    if (parse_accept(p, kind))
        return true;
    if (parse_kind(p) == TOKEN_ASSIGN)
        return parse_unexpected(p, kind_names[kind]);
    return parse_fail(p, parse_pos(p), "%sexpected '%s'", p->fstring_depth ? "f-string: " : "",
                      kind_names[kind]);
}

bool parse_expect_close(struct parser *p, enum token_kind kind)
{
    enum token_kind found = parse_kind(p);
    if (parse_accept(p, kind))
        return true;
    const struct token *last = &p->tokens.at[p->at - 1];
    if (is_operand(found) && ends_expr((enum token_kind)last->kind))
        return parse_fail(p, parse_span(parse_pos_of(p, last), parse_pos(p)),
                          "invalid syntax. Perhaps you forgot a comma?");
    char wanted[16];
    snprintf(wanted, sizeof wanted, "'%s'", kind_names[kind]);
    return parse_unexpected(p, wanted);
}
