#include "syntax/parse_int.h"

/* f-strings as CPython 3.11 reads them: the literal's text is cut at braces first, and each
 * expression is then scanned and parsed as if it stood in parentheses. So an expression holds no
 * backslash, no comment and none of the quotes around it. */

enum { MAX_SPEC_LEVELS = 2, MAX_PARENTHESES = 200 };

struct cutter {
    struct parser *p;
    const char *text; /* of the source */
    uint32_t at, to;
    bool raw;
    uint8_t flags; /* of the token */
};

static void *fail_here(struct cutter *c, const char *message)
{
    uint32_t at = c->at < c->to ? c->at : c->to;
    return parse_fail(c->p, (pos){c->p->source, at, 1}, "f-string: %s", message);
}

static char peek(const struct cutter *c, uint32_t ahead)
{
    return c->at + ahead < c->to ? c->text[c->at + ahead] : '\0';
}

/* ---- literal parts ---- */

/* A backslash and what belongs to it. A brace behind it is a brace like others, but \N{...} is an
 * escape. */
static void skip_escape(struct cutter *c)
{
    c->at++;
    if (peek(c, 0) == 'N' && peek(c, 1) == '{') {
        while (c->at < c->to && peek(c, 0) != '}')
            c->at++;
        c->at += c->at < c->to;
    } else if (c->at < c->to && peek(c, 0) != '{' && peek(c, 0) != '}') {
        c->at++;
    }
}

static bool push_literal(struct cutter *c, uint32_t from, uint32_t to)
{
    struct fstring_part part = {.at = {c->p->source, from, to - from}};
    if (from == to)
        return true;
    if (!parse_decode(c->p, from, to, c->raw, &part.text))
        return false;
    if (part.text.n)
        parse_push(c->p, &part, sizeof part);
    return true;
}

/* Up to a field, or to the brace that ends a format spec. Doubled braces count at the top only. */
static bool cut_literal(struct cutter *c, int level)
{
    uint32_t from = c->at;
    while (c->at < c->to) {
        char ch = peek(c, 0);
        if (ch == '\\' && !c->raw) {
            skip_escape(c);
            continue;
        }
        if (ch != '{' && ch != '}') {
            c->at++;
            continue;
        }
        if (level == 0 && peek(c, 1) == ch) {
            if (!push_literal(c, from, c->at + 1))
                return false;
            c->at += 2;
            from = c->at;
            continue;
        }
        if (level == 0 && ch == '}')
            return fail_here(c, "single '}' is not allowed");
        break;
    }
    return push_literal(c, from, c->at);
}

/* ---- where an expression ends ---- */

struct nesting {
    char open[MAX_PARENTHESES];
    uint32_t n;
};

static bool close_parenthesis(struct cutter *c, struct nesting *nesting, char close)
{
    char want = close == ')' ? '(' : close == ']' ? '[' : '{';
    if (nesting->n && nesting->open[nesting->n - 1] == want) {
        nesting->n--;
        c->at++;
        return true;
    }
    pos at = {c->p->source, c->at, 1};
    if (!nesting->n)
        return parse_fail(c->p, at, "f-string: unmatched '%c'", close);
    return parse_fail(c->p, at,
                      "f-string: closing parenthesis '%c' does not match opening parenthesis '%c'",
                      close, nesting->open[nesting->n - 1]);
}

static bool skip_string(struct cutter *c)
{
    char quote = peek(c, 0);
    uint32_t from = c->at, width = peek(c, 1) == quote && peek(c, 2) == quote ? 3 : 1;
    for (c->at += width; c->at < c->to; c->at++) {
        if (peek(c, 0) == '\\')
            return fail_here(c, "expression part cannot include a backslash");
        if (peek(c, 0) == quote && (width == 1 || (peek(c, 1) == quote && peek(c, 2) == quote))) {
            c->at += width;
            return true;
        }
    }
    c->at = from;
    return fail_here(c, "unterminated string");
}

/* What ends an expression outside of its brackets; comparison operators do not. */
static bool at_end_mark(struct cutter *c)
{
    char ch = peek(c, 0), next = peek(c, 1);
    if ((ch == '!' || ch == '=' || ch == '<' || ch == '>') && next == '=') {
        c->at += 2;
        return false;
    }
    if (ch == '<' || ch == '>') {
        c->at++;
        return false;
    }
    return true;
}

/* Moves to the mark behind the expression: ! : = or the closing brace. */
static bool find_expr_end(struct cutter *c)
{
    struct nesting nesting;
    nesting.n = 0;
    while (c->at < c->to) {
        char ch = peek(c, 0);
        switch (ch) {
        case '\\':
            return fail_here(c, "expression part cannot include a backslash");
        case '#':
            return fail_here(c, "expression part cannot include '#'");
        case '\'':
        case '"':
            if (!skip_string(c))
                return false;
            continue;
        case '(':
        case '[':
        case '{':
            if (nesting.n == MAX_PARENTHESES)
                return fail_here(c, "too many nested parenthesis");
            nesting.open[nesting.n++] = ch;
            break;
        case '!':
        case ':':
        case '=':
        case '<':
        case '>':
            if (nesting.n)
                break;
            if (at_end_mark(c))
                return true;
            continue;
        case ')':
        case ']':
        case '}':
            if (ch == '}' && !nesting.n)
                return true;
            if (!close_parenthesis(c, &nesting, ch))
                return false;
            continue;
        default:
            break;
        }
        c->at++;
    }
    if (nesting.n)
        return parse_fail(c->p, (pos){c->p->source, c->to, 1}, "f-string: unmatched '%c'",
                          nesting.open[nesting.n - 1]);
    return fail_here(c, "expecting '}'");
}

/* ---- the expression itself ---- */

static struct expr *parse_inner(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct expr *e = parse_value(p);
    if (!e)
        return NULL;
    if (parse_at_comprehension(p))
        return parse_comprehension(p, COMPREHENSION_GENERATOR, e, NULL, from, TOKEN_EOF);
    if (parse_kind(p) != TOKEN_EOF)
        return parse_unexpected(p, "'}'");
    if (e->kind == EXPR_STARRED)
        return parse_fail(p, e->at, "f-string: cannot use starred expression here");
    return e;
}

/* Scans and parses bytes [from, to): the tokens stand behind all others for that time. */
static struct expr *parse_between(struct cutter *c, uint32_t from, uint32_t to)
{
    struct parser *p = c->p;
    uint32_t blank = from;
    while (blank < to &&
           (c->text[blank] == ' ' || (c->text[blank] >= '\t' && c->text[blank] <= '\r')))
        blank++;
    if (blank == to) {
        c->at = from;
        return fail_here(c, "empty expression not allowed");
    }
    uint32_t at = p->at;
    size_t first = p->tokens.n, text_n = p->scan.text.n;
    bool inside = p->scan.inside;
    p->scan.depth = 0;
    scan_inside(&p->scan, from, to);
    p->scan.text.n = text_n;
    for (size_t i = first; c->flags & TOKEN_DEAD && i < p->tokens.n; i++)
        p->tokens.at[i].flags |= TOKEN_DEAD;
    p->at = (uint32_t)first;
    struct expr *e = parse_inner(p);
    p->scan.inside = inside;
    p->tokens.n = first;
    p->at = at;
    return e;
}

/* ---- fields ---- */

static bool cut_parts(struct cutter *c, int level);

/* "= " behind the expression: its text, white space included, is part of the string. */
static bool cut_self_documentation(struct cutter *c, uint32_t from, struct fstring_part *part)
{
    c->at++;
    while (c->at < c->to && (peek(c, 0) == ' ' || (peek(c, 0) >= '\t' && peek(c, 0) <= '\r')))
        c->at++;
    return parse_decode(c->p, from, c->at, true, &part->source);
}

static bool cut_conversion(struct cutter *c, struct fstring_part *part)
{
    c->at++;
    part->conversion = peek(c, 0);
    if (c->at >= c->to)
        return fail_here(c, "expecting '}'");
    if (part->conversion != 's' && part->conversion != 'r' && part->conversion != 'a')
        return fail_here(c, "invalid conversion character: expected 's', 'r', or 'a'");
    c->at++;
    return true;
}

static bool cut_spec(struct cutter *c, int level, struct fstring_part *part)
{
    size_t mark = parse_mark(c->p);
    c->at++;
    if (!cut_parts(c, level + 1))
        return false;
    part->has_spec = true;
    part->spec = parse_take(c->p, mark, sizeof(struct fstring_part), &part->spec_count);
    return true;
}

/* A replacement field; its brace stands at c->at. */
static bool cut_field(struct cutter *c, int level)
{
    struct fstring_part part = {.at = {c->p->source, c->at, 0}};
    if (level >= MAX_SPEC_LEVELS)
        return fail_here(c, "expressions nested too deeply");
    uint32_t from = ++c->at;
    if (!find_expr_end(c))
        return false;
    part.value = parse_between(c, from, c->at);
    if (!part.value)
        return false;
    if (peek(c, 0) == '=' && !cut_self_documentation(c, from, &part))
        return false;
    if (peek(c, 0) == '!' && !cut_conversion(c, &part))
        return false;
    if (peek(c, 0) == ':' && !cut_spec(c, level, &part))
        return false;
    if (peek(c, 0) != '}')
        return fail_here(c, "expecting '}'");
    c->at++;
    if (part.source.n && !part.conversion && !part.has_spec)
        part.conversion = 'r';
    part.at.length = c->at - part.at.offset;
    parse_push(c->p, &part, sizeof part);
    return true;
}

static bool cut_parts(struct cutter *c, int level)
{
    for (;;) {
        if (!cut_literal(c, level))
            return false;
        if (c->at >= c->to || peek(c, 0) == '}')
            return true;
        if (!cut_field(c, level))
            return false;
    }
}

bool parse_fstring(struct parser *p, struct token t)
{
    uint32_t quotes = t.flags & TOKEN_TRIPLE ? 3 : 1;
    struct cutter c = {
        .p = p,
        .text = p->scan.text.p,
        .at = t.offset + t.value,
        .to = t.offset + t.length - quotes,
        .raw = t.flags & TOKEN_RAW,
        .flags = t.flags,
    };
    uint32_t depth = p->fstring_depth++;
    bool done = cut_parts(&c, 0);
    p->fstring_depth = depth;
    return done;
}
