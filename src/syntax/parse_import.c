#include "syntax/parse_int.h"

/* a.b.c, joined and interned. */
static bool parse_dotted(struct parser *p, str *ret_name, pos *ret_at)
{
    uint32_t first = p->at;
    size_t length = 0;
    do {
        const struct token *t = parse_token(p);
        if (t->kind != TOKEN_NAME)
            return parse_unexpected(p, "the name of a module");
        length += parse_name_of(p, t).n + 1;
        p->at++;
    } while (parse_accept(p, TOKEN_DOT));
    *ret_at = parse_since(p, p->tokens.at[first].offset);
    if (p->at == first + 1) {
        *ret_name = parse_name_of(p, &p->tokens.at[first]);
        return true;
    }
    char *joined = arena_alloc(p->arena, length), *to = joined;
    for (uint32_t i = first; i < p->at; i += 2) {
        str part = parse_name_of(p, &p->tokens.at[i]);
        memcpy(to, part.p, part.n);
        to += part.n;
        *to++ = '.';
    }
    uint32_t symbol = symbols_intern(&p->symbols, str_make(joined, length - 1));
    *ret_name = p->symbols.at[symbol];
    return true;
}

static bool parse_as(struct parser *p, struct import_name *n)
{
    if (!parse_accept(p, TOKEN_AS))
        return true;
    const struct token *t = parse_token(p);
    if (t->kind != TOKEN_NAME)
        return parse_unexpected(p, "a name");
    n->as = parse_name_of(p, t);
    n->as_at = parse_pos_of(p, t);
    p->at++;
    return true;
}

static struct stmt *parse_plain_import(struct parser *p, struct stmt *s)
{
    size_t mark = parse_mark(p);
    do {
        struct import_name n = {0};
        if (!parse_dotted(p, &n.name, &n.at) || !parse_as(p, &n))
            return NULL;
        parse_push(p, &n, sizeof n);
    } while (parse_accept(p, TOKEN_COMMA));
    s->import.names = parse_take(p, mark, sizeof(struct import_name), &s->import.n);
    return s;
}

/* Leading dots; refused, yet read as a whole. */
static bool skip_dots(struct parser *p)
{
    pos at = parse_pos(p);
    bool found = false;
    while (parse_accept(p, TOKEN_DOT) || parse_accept(p, TOKEN_ELLIPSIS))
        found = true;
    if (found)
        parse_refuse(p, REFUSED_RELATIVE_IMPORT, parse_since(p, at.offset));
    return found;
}

static bool parse_imported_names(struct parser *p)
{
    bool parentheses = parse_accept(p, TOKEN_OPEN_PAREN);
    do {
        struct import_name n = {0};
        const struct token *t = parse_token(p);
        if (parentheses && t->kind == TOKEN_CLOSE_PAREN &&
            p->tokens.at[p->at - 1].kind == TOKEN_COMMA)
            break;
        if (t->kind == TOKEN_NEWLINE && p->tokens.at[p->at - 1].kind == TOKEN_COMMA)
            return parse_fail(p, parse_pos_of(p, t),
                              "trailing comma not allowed without surrounding parentheses");
        if (t->kind != TOKEN_NAME)
            return parse_unexpected(p, "a name to import");
        n.name = parse_name_of(p, t);
        n.at = parse_pos_of(p, t);
        p->at++;
        if (!parse_as(p, &n))
            return false;
        parse_push(p, &n, sizeof n);
    } while (parse_accept(p, TOKEN_COMMA));
    return !parentheses || parse_expect_close(p, TOKEN_CLOSE_PAREN);
}

/* What a refused import would bind. */
static struct stmt *bind_imported(struct parser *p, const struct stmt *s)
{
    size_t mark = parse_mark(p);
    for (uint32_t i = 0; i < s->import.n; i++) {
        const struct import_name *n = &s->import.names[i];
        struct expr *name = parse_new(p, EXPR_NAME, n->as.n ? n->as_at : n->at);
        name->s = n->as.n ? n->as : n->name;
        parse_push_expr(p, name);
    }
    struct expr_list targets = parse_take_list(p, mark);
    return parse_stand_in_binding(p, s->at, &targets, parse_new(p, EXPR_NONE, s->at));
}

static struct stmt *parse_from_import(struct parser *p, struct stmt *s)
{
    bool dots = skip_dots(p);
    if ((!dots || parse_kind(p) != TOKEN_IMPORT) &&
        !parse_dotted(p, &s->import.module, &s->import.module_at))
        return NULL;
    if (!parse_expect(p, TOKEN_IMPORT))
        return NULL;
    if (parse_kind(p) == TOKEN_STAR) {
        parse_refuse(p, REFUSED_STAR_IMPORT, parse_pos(p));
        p->at++;
        return bind_imported(p, s);
    }
    size_t mark = parse_mark(p);
    if (!parse_imported_names(p))
        return NULL;
    s->import.names = parse_take(p, mark, sizeof(struct import_name), &s->import.n);
    return dots ? bind_imported(p, s) : s;
}

struct stmt *parse_import(struct parser *p)
{
    bool from = parse_kind(p) == TOKEN_FROM;
    struct stmt *s =
        parse_new_stmt(p, from ? STMT_IMPORT_FROM : STMT_IMPORT, parse_token(p)->offset);
    p->at++;
    return from ? parse_from_import(p, s) : parse_plain_import(p, s);
}
