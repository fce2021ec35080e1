#include "syntax/scan.h"

enum { TAB_WIDTH = 8 };

static uint32_t line_start(const struct scan *s, uint32_t offset)
{
    while (offset && s->text.p[offset - 1] != '\n' && s->text.p[offset - 1] != '\r')
        offset--;
    return offset;
}

/* Whether only white space stands before offset in its line. */
static bool begins_line(const struct scan *s, uint32_t offset)
{
    while (offset && (s->text.p[offset - 1] == ' ' || s->text.p[offset - 1] == '\t'))
        offset--;
    return offset == 0 || s->text.p[offset - 1] == '\n' || s->text.p[offset - 1] == '\r';
}

static uint32_t column_of(const struct scan *s, uint32_t offset)
{
    uint32_t column = 0;
    for (uint32_t from = line_start(s, offset); from < offset; from++)
        column = s->text.p[from] == '\t' ? (column / TAB_WIDTH + 1) * TAB_WIDTH : column + 1;
    return column;
}

/* ---- brackets ---- */

static void report_open(struct scan *s, const struct scan_bracket *b)
{
    struct err *e = scan_report(s, b->offset, b->offset + 1);
    err_at(e, "syntax_error", e->at, "'%c' was never closed", b->open);
}

void scan_give_up_bracket(struct scan *s, size_t next)
{
    struct scan_bracket *b = &s->brackets[s->depth - 1];
    bool explained = false;
    for (size_t i = b->token; i < next; i++) {
        explained |= s->tokens->at[i].kind == TOKEN_ERROR;
        s->tokens->at[i].flags |= TOKEN_DEAD;
    }
    for (size_t i = s->brackets[0].token; i < b->token; i++)
        s->tokens->at[i].flags |= TOKEN_DEAD;
    if (!explained) {
        report_open(s, b);
        if (scan_line_of(s, b->offset) != scan_line_of(s, s->brackets[0].offset))
            report_open(s, &s->brackets[0]);
    }
    s->tokens->n = next;
    s->depth = 0;
}

void scan_recover_bracket(struct scan *s)
{
    size_t next = s->brackets[s->depth - 1].token + 1;
    uint32_t limit = s->indents[s->indent_count - 1].column;
    if (++s->retries > SCAN_MAX_RETRIES)
        next = s->tokens->n;
    for (; next < s->tokens->n; next++) {
        uint32_t offset = s->tokens->at[next].offset;
        if (begins_line(s, offset) && column_of(s, offset) <= limit)
            break;
    }
    if (next < s->tokens->n)
        s->at = line_start(s, s->tokens->at[next].offset);
    scan_give_up_bracket(s, next);
}

/* A word that only begins statements, first in a line inside of a bracket. */
static bool ends_open_bracket(const struct scan *s, uint32_t kind, uint32_t from)
{
    switch (kind) {
    case TOKEN_ASSERT:
    case TOKEN_BREAK:
    case TOKEN_CLASS:
    case TOKEN_CONTINUE:
    case TOKEN_DEF:
    case TOKEN_DEL:
    case TOKEN_EXCEPT:
    case TOKEN_FINALLY:
    case TOKEN_GLOBAL:
    case TOKEN_IMPORT:
    case TOKEN_NONLOCAL:
    case TOKEN_PASS:
    case TOKEN_RAISE:
    case TOKEN_RETURN:
    case TOKEN_TRY:
    case TOKEN_WHILE:
    case TOKEN_WITH:
        return s->depth && !s->inside && begins_line(s, from);
    default:
        return false;
    }
}

void scan_open_bracket(struct scan *s, enum token_kind kind)
{
    uint32_t from = s->at++;
    if (s->depth == SCAN_MAX_BRACKETS) {
        struct err *e = scan_report(s, from, s->at);
        err_at(e, "limit_exceeded", e->at, "too many nested brackets (the limit is %d)",
               SCAN_MAX_BRACKETS);
        err_hint(e, "give parts of the expression names");
        scan_add(s, TOKEN_ERROR, from);
        s->at = (uint32_t)s->text.n; /* what follows could not be told apart */
        s->depth = 0;
        return;
    }
    s->brackets[s->depth++] = (struct scan_bracket){from, (uint32_t)s->tokens->n, s->text.p[from]};
    scan_add(s, kind, from);
}

void scan_close_bracket(struct scan *s, enum token_kind kind, char open)
{
    uint32_t from = s->at++;
    char close = s->text.p[from];
    if (s->depth && s->brackets[s->depth - 1].open == open) {
        s->depth--;
        scan_add(s, kind, from);
        return;
    }
    if (s->depth == 0) {
        scan_fail(s, from, s->at, "unmatched '%c'", close);
        return;
    }
    struct scan_bracket *b = &s->brackets[s->depth - 1];
    uint32_t opened = scan_line_of(s, b->offset);
    if (opened != scan_line_of(s, from))
        scan_fail(s, from, s->at,
                  "closing parenthesis '%c' does not match opening parenthesis '%c' on line %u",
                  close, b->open, opened);
    else
        scan_fail(s, from, s->at,
                  "closing parenthesis '%c' does not match opening parenthesis '%c'", close,
                  b->open);
    uint32_t depth = s->depth;
    while (depth && s->brackets[depth - 1].open != open)
        depth--;
    s->depth = depth ? depth - 1 : s->depth - 1;
}

/* ---- lines ---- */

void scan_skip_newline(struct scan *s)
{
    if (scan_peek(s, 0) == '\r' && scan_peek(s, 1) == '\n')
        s->at++;
    s->at++;
}

bool scan_continue_line(struct scan *s)
{
    uint32_t from = s->at++;
    char c = scan_peek(s, 0);
    if (c != '\n' && c != '\r') {
        if (scan_at_end(s))
            return scan_fail(s, from, s->at, "unexpected EOF while parsing");
        scan_fail(s, from, s->at, "unexpected character after line continuation character");
        while (!scan_at_end(s) && scan_peek(s, 0) != '\n' && scan_peek(s, 0) != '\r')
            s->at++;
        return false;
    }
    scan_skip_newline(s);
    if (scan_at_end(s))
        return scan_fail(s, from, from + 1, "unexpected EOF while parsing");
    return true;
}

void scan_skip_comment(struct scan *s)
{
    const char *end = memchr(s->text.p + s->at, '\n', s->text.n - s->at);
    uint32_t to = end ? (uint32_t)(end - s->text.p) : (uint32_t)s->text.n;
    const char *cr = memchr(s->text.p + s->at, '\r', to - s->at);
    s->at = cr ? (uint32_t)(cr - s->text.p) : to;
}

static void dedent(struct scan *s, uint32_t from, uint32_t column, uint32_t alternative)
{
    const char *message = NULL;
    while (s->indent_count > 1 && column < s->indents[s->indent_count - 1].column) {
        if (column > s->indents[s->indent_count - 2].column) {
            /* Taken as the same block, so that the lines below are not reported too. */
            message = "unindent does not match any outer indentation level";
            s->indents[s->indent_count - 1].column = column;
            s->indents[s->indent_count - 1].alternative = alternative;
            break;
        }
        s->indent_count--;
        scan_add(s, TOKEN_DEDENT, s->at);
    }
    if (alternative != s->indents[s->indent_count - 1].alternative)
        message = "inconsistent use of tabs and spaces in indentation";
    if (!message)
        return;
    struct err *e = scan_report(s, from, s->at);
    err_at(e, "syntax_error", e->at, "%s", message);
    if (alternative != s->indents[s->indent_count - 1].alternative) {
        err_hint(e, "indent with spaces only");
        scan_add(s, TOKEN_ERROR, s->at);
    }
}

static void indent(struct scan *s, uint32_t from, uint32_t column, uint32_t alternative)
{
    if (s->indent_count == SCAN_MAX_INDENTS)
        return; /* the parser has refused the block around already */
    if (alternative <= s->indents[s->indent_count - 1].alternative) {
        struct err *e = scan_report(s, from, s->at);
        err_at(e, "syntax_error", e->at, "inconsistent use of tabs and spaces in indentation");
        err_hint(e, "indent with spaces only");
    }
    s->indents[s->indent_count].column = column;
    s->indents[s->indent_count++].alternative = alternative;
    scan_add(s, TOKEN_INDENT, from);
}

/* White space at the start of a line; false where the line is blank or holds a comment only. */
static bool measure_indent(struct scan *s, uint32_t *ret_column, uint32_t *ret_alternative)
{
    uint32_t column = 0, alternative = 0, continued = 0;
    for (;; s->at++) {
        char c = scan_peek(s, 0);
        if (c == ' ') {
            column++;
            alternative++;
        } else if (c == '\t') {
            column = (column / TAB_WIDTH + 1) * TAB_WIDTH;
            alternative++;
        } else if (c == '\f') {
            column = alternative = 0;
        } else if (c == '\\') {
            /* Only the white space before the first backslash counts. */
            continued = continued ? continued : column;
            if (!scan_continue_line(s))
                break;
            s->at--;
        } else {
            break;
        }
    }
    *ret_column = continued ? continued : column;
    *ret_alternative = continued ? continued : alternative;
    char c = scan_peek(s, 0);
    return !scan_at_end(s) && c != '#' && c != '\n' && c != '\r';
}

void scan_begin_line(struct scan *s)
{
    for (;;) {
        uint32_t from = s->at, column, alternative;
        bool blank = !measure_indent(s, &column, &alternative);
        if (!blank) {
            uint32_t now = s->indents[s->indent_count - 1].column;
            if (column > now)
                indent(s, from, column, alternative);
            else if (column < now || alternative != s->indents[s->indent_count - 1].alternative)
                dedent(s, from, column, alternative);
            return;
        }
        if (scan_peek(s, 0) == '#')
            scan_skip_comment(s);
        if (scan_at_end(s))
            return;
        scan_skip_newline(s);
    }
}

bool scan_break_bracket(struct scan *s, enum token_kind kind, uint32_t from)
{
    if (!ends_open_bracket(s, kind, from))
        return false;
    scan_give_up_bracket(s, s->tokens->n);
    s->at = from;
    scan_add(s, TOKEN_NEWLINE, from)->flags = TOKEN_DEAD;
    s->at = line_start(s, from);
    scan_begin_line(s);
    return true;
}
