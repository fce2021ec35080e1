#include "syntax/scan.h"
#include "base/utf8.h"
#include <stdio.h>

enum { TAB_WIDTH = 8 };

#define D (CHAR_CONTINUE | CHAR_DIGIT | CHAR_HEX)
#define H (CHAR_START | CHAR_CONTINUE | CHAR_HEX)
#define L (CHAR_START | CHAR_CONTINUE)
const uint8_t scan_chars[256] = {
    ['0' ... '9'] = D, ['A' ... 'F'] = H, ['G' ... 'Z'] = L,
    ['a' ... 'f'] = H, ['g' ... 'z'] = L, ['_'] = L,
};
#undef D
#undef H
#undef L

void scan_add_keywords(struct symbols *t)
{
#define X(name, text) symbols_intern(t, STR(text));
    SYNTAX_KEYWORDS(X)
#undef X
}

struct token *scan_add(struct scan *s, enum token_kind kind, uint32_t from)
{
    struct token_list *list = s->tokens;
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 256;
        list->at = mem_realloc_array(list->at, list->cap, sizeof *list->at);
    }
    struct token *t = &list->at[list->n++];
    *t = (struct token){.offset = from, .length = s->at - from, .kind = (uint8_t)kind};
    return t;
}

uint32_t scan_line_of(const struct scan *s, uint32_t offset)
{
    uint32_t line = 1;
    for (uint32_t i = 0; i < offset; i++)
        line += s->text.p[i] == '\n';
    return line;
}

struct err *scan_report(struct scan *s, uint32_t from, uint32_t to)
{
    struct err *e = err_list_add(s->errors);
    e->at = (pos){s->source, from, to - from};
    return e;
}

bool scan_fail(struct scan *s, uint32_t from, uint32_t to, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct err *e = err_list_add(s->errors);
    str message = arena_vprintf(&e->arena, fmt, args);
    va_end(args);
    err_at(e, "syntax_error", (pos){s->source, from, to - from}, "%.*s", STR_ARG(message));
    scan_add(s, TOKEN_ERROR, from);
    return false;
}

static char peek(const struct scan *s, uint32_t ahead)
{
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}

static bool at_end(const struct scan *s)
{
    return s->at >= s->text.n;
}

static bool begins_line(const struct scan *s, uint32_t offset)
{
    while (offset && (s->text.p[offset - 1] == ' ' || s->text.p[offset - 1] == '\t'))
        offset--;
    return offset == 0 || s->text.p[offset - 1] == '\n' || s->text.p[offset - 1] == '\r';
}

static uint32_t column_of(const struct scan *s, uint32_t offset)
{
    uint32_t from = offset, column = 0;
    while (from && s->text.p[from - 1] != '\n' && s->text.p[from - 1] != '\r')
        from--;
    for (; from < offset; from++)
        column = s->text.p[from] == '\t' ? (column / TAB_WIDTH + 1) * TAB_WIDTH : column + 1;
    return column;
}

/* ---- brackets ---- */

/* The innermost bracket is not closed before token `next`: what stands in it is dead, and a
 * logical line ends there. */
static void give_up_bracket(struct scan *s, size_t next)
{
    struct scan_bracket *b = &s->brackets[s->depth - 1];
    bool explained = false;
    for (size_t i = b->token; i < next; i++) {
        explained |= s->tokens->at[i].kind == TOKEN_ERROR;
        s->tokens->at[i].flags |= TOKEN_DEAD;
    }
    for (size_t i = s->brackets[0].token; i < b->token; i++)
        s->tokens->at[i].flags |= TOKEN_DEAD;
    if (!explained)
        err_at(scan_report(s, b->offset, b->offset + 1), "syntax_error",
               (pos){s->source, b->offset, 1}, "'%c' was never closed", b->open);
    s->tokens->n = next;
    s->depth = 0;
}

/* At the end of the text with an open bracket: goes back to the first line behind it that is not
 * indented deeper than its statement, so that the rest of the file is still looked at. */
static void recover_bracket(struct scan *s)
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
        s->at = s->tokens->at[next].offset - column_of(s, s->tokens->at[next].offset);
    give_up_bracket(s, next);
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

static void open_bracket(struct scan *s, enum token_kind kind)
{
    uint32_t from = s->at++;
    if (s->depth == SCAN_MAX_BRACKETS) {
        err_at(scan_report(s, from, s->at), "limit_exceeded", (pos){s->source, from, 1},
               "too many nested brackets (the limit is %d)", SCAN_MAX_BRACKETS);
        err_hint(&s->errors->at[s->errors->n - 1], "give parts of the expression names");
        scan_add(s, TOKEN_ERROR, from);
        s->at = (uint32_t)s->text.n; /* what follows could not be told apart */
        s->depth = 0;
        return;
    }
    s->brackets[s->depth++] = (struct scan_bracket){from, (uint32_t)s->tokens->n, s->text.p[from]};
    scan_add(s, kind, from);
}

static void close_bracket(struct scan *s, enum token_kind kind, char open)
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

static void skip_newline(struct scan *s)
{
    if (peek(s, 0) == '\r' && peek(s, 1) == '\n')
        s->at++;
    s->at++;
}

/* Behind a backslash: the line must end here. */
static bool continue_line(struct scan *s)
{
    uint32_t from = s->at++;
    char c = peek(s, 0);
    if (c != '\n' && c != '\r') {
        if (at_end(s))
            return scan_fail(s, from, s->at, "unexpected EOF while parsing");
        scan_fail(s, from, s->at, "unexpected character after line continuation character");
        while (!at_end(s) && peek(s, 0) != '\n' && peek(s, 0) != '\r')
            s->at++;
        return false;
    }
    skip_newline(s);
    if (at_end(s))
        return scan_fail(s, from, from + 1, "unexpected EOF while parsing");
    return true;
}

static void skip_comment(struct scan *s)
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
    if (alternative != column)
        err_hint(e, "indent with spaces only");
}

static void indent(struct scan *s, uint32_t from, uint32_t column, uint32_t alternative)
{
    if (s->indent_count == SCAN_MAX_INDENTS) {
        err_at(scan_report(s, from, s->at), "limit_exceeded", (pos){s->source, from, s->at - from},
               "too many levels of indentation (the limit is %d)", SCAN_MAX_INDENTS - 2);
        err_hint(&s->errors->at[s->errors->n - 1], "move inner blocks into functions");
        scan_add(s, TOKEN_ERROR, s->at);
        s->at = (uint32_t)s->text.n;
        return;
    }
    if (alternative <= s->indents[s->indent_count - 1].alternative) {
        err_at(scan_report(s, from, s->at), "syntax_error", (pos){s->source, from, s->at - from},
               "inconsistent use of tabs and spaces in indentation");
        err_hint(&s->errors->at[s->errors->n - 1], "indent with spaces only");
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
        char c = peek(s, 0);
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
            if (!continue_line(s))
                break;
            s->at--;
        } else {
            break;
        }
    }
    *ret_column = continued ? continued : column;
    *ret_alternative = continued ? continued : alternative;
    char c = peek(s, 0);
    return !at_end(s) && c != '#' && c != '\n' && c != '\r';
}

static void begin_line(struct scan *s)
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
        if (peek(s, 0) == '#')
            skip_comment(s);
        if (at_end(s))
            return;
        skip_newline(s);
    }
}

/* ---- everything else ---- */

static void bad_character(struct scan *s)
{
    uint32_t from = s->at;
    size_t end = from;
    uint32_t cp = utf8_next(s->text, &end);
    s->at = (uint32_t)end;
    if (cp < 0x80 && cp > 0x20 && cp != 0x7F)
        scan_fail(s, from, s->at, "invalid syntax");
    else if (cp < 0x80 || (cp >= 0x80 && cp < 0xA1))
        scan_fail(s, from, s->at, "invalid non-printable character U+%04X", cp);
    else
        scan_fail(s, from, s->at, "invalid character '%.*s' (U+%04X)", (int)(s->at - from),
                  s->text.p + from, cp);
}

void scan_name(struct scan *s)
{
    uint32_t from = s->at;
    const char *p = s->text.p, *end = p + s->text.n, *at = p + from;
    while (at < end && scan_chars[(unsigned char)*at] & CHAR_CONTINUE)
        at++;
    s->at = (uint32_t)(at - p);
    bool ascii = at == end || (unsigned char)*at < 0x80;
    while (!ascii && s->at < s->text.n) {
        size_t n = s->at == from ? symbol_start_length(s->text, s->at)
                                 : symbol_continue_length(s->text, s->at);
        if (!n)
            break;
        s->at += (uint32_t)n;
    }
    if (s->at == from) {
        bad_character(s);
        return;
    }
    str name = {p + from, s->at - from};
    if (!ascii)
        name = symbol_normalise(s->arena, name);
    uint32_t symbol = symbols_intern(s->symbols, name);
    uint32_t kind = symbol < TOKEN_NAME ? symbol : TOKEN_NAME;
    if (kind != TOKEN_NAME && ends_open_bracket(s, kind, from)) {
        give_up_bracket(s, s->tokens->n);
        s->at = from;
        scan_add(s, TOKEN_NEWLINE, from)->flags = TOKEN_DEAD;
        s->at = from - column_of(s, from);
        begin_line(s);
        scan_name(s);
        return;
    }
    scan_add(s, (enum token_kind)kind, from)->value = symbol;
}

enum { PREFIX_PLAIN = 128 }; /* u: changes nothing */
static const uint8_t prefix_flags[256] = {
    ['r'] = TOKEN_RAW,   ['R'] = TOKEN_RAW,   ['f'] = TOKEN_FORMAT, ['F'] = TOKEN_FORMAT,
    ['b'] = TOKEN_BYTES, ['B'] = TOKEN_BYTES, ['u'] = PREFIX_PLAIN, ['U'] = PREFIX_PLAIN,
};

/* A string with a prefix, or else a name. u stands alone; r goes with f or b. */
static void scan_word(struct scan *s)
{
    uint32_t from = s->at;
    uint8_t first = prefix_flags[(unsigned char)peek(s, 0)];
    if (!first) {
        scan_name(s);
        return;
    }
    char c = peek(s, 1);
    if (c == '"' || c == '\'') {
        s->at++;
        scan_string(s, from, first & (uint8_t)~PREFIX_PLAIN);
        return;
    }
    uint8_t second = prefix_flags[(unsigned char)c];
    c = peek(s, 2);
    if (second && (c == '"' || c == '\'') && first != second && ((first | second) & TOKEN_RAW) &&
        !((first | second) & PREFIX_PLAIN)) {
        s->at += 2;
        scan_string(s, from, first | second);
        return;
    }
    scan_name(s);
}

/* By first byte: the operator alone, with '=', doubled, doubled with '='. */
static const uint8_t operators[128][4] = {
    ['+'] = {TOKEN_PLUS, TOKEN_PLUS_ASSIGN},
    ['-'] = {TOKEN_MINUS, TOKEN_MINUS_ASSIGN},
    ['*'] = {TOKEN_STAR, TOKEN_STAR_ASSIGN, TOKEN_DOUBLE_STAR, TOKEN_DOUBLE_STAR_ASSIGN},
    ['/'] = {TOKEN_SLASH, TOKEN_SLASH_ASSIGN, TOKEN_DOUBLE_SLASH, TOKEN_DOUBLE_SLASH_ASSIGN},
    ['%'] = {TOKEN_PERCENT, TOKEN_PERCENT_ASSIGN},
    ['@'] = {TOKEN_AT, TOKEN_AT_ASSIGN},
    ['&'] = {TOKEN_AMPERSAND, TOKEN_AMPERSAND_ASSIGN},
    ['|'] = {TOKEN_PIPE, TOKEN_PIPE_ASSIGN},
    ['^'] = {TOKEN_CARET, TOKEN_CARET_ASSIGN},
    ['<'] = {TOKEN_LT, TOKEN_LE, TOKEN_LEFT_SHIFT, TOKEN_LEFT_SHIFT_ASSIGN},
    ['>'] = {TOKEN_GT, TOKEN_GE, TOKEN_RIGHT_SHIFT, TOKEN_RIGHT_SHIFT_ASSIGN},
    ['='] = {TOKEN_ASSIGN, TOKEN_EQ},
    ['!'] = {0, TOKEN_NE},
    [':'] = {TOKEN_COLON, TOKEN_WALRUS},
    ['.'] = {TOKEN_DOT},
    [','] = {TOKEN_COMMA},
    [';'] = {TOKEN_SEMICOLON},
    ['~'] = {TOKEN_TILDE},
};

static void scan_operator(struct scan *s)
{
    uint32_t from = s->at;
    char c = peek(s, 0), next = peek(s, 1);
    const uint8_t *kinds = operators[(unsigned char)c & 127];
    uint32_t kind = kinds[0], length = 1;
    if (next == c && kinds[2]) {
        bool assigns = peek(s, 2) == '=';
        kind = kinds[assigns ? 3 : 2];
        length = assigns ? 3 : 2;
    } else if (next == '=' && kinds[1]) {
        kind = kinds[1];
        length = 2;
    } else if (c == '-' && next == '>') {
        kind = TOKEN_ARROW;
        length = 2;
    } else if (c == '.' && next == '.' && peek(s, 2) == '.') {
        kind = TOKEN_ELLIPSIS;
        length = 3;
    }
    if (!kind) {
        bad_character(s);
        return;
    }
    s->at += length;
    scan_add(s, (enum token_kind)kind, from);
}

static bool scan_bracket(struct scan *s, char c)
{
    switch (c) {
    case '(':
        open_bracket(s, TOKEN_OPEN_PAREN);
        return true;
    case '[':
        open_bracket(s, TOKEN_OPEN_BRACKET);
        return true;
    case '{':
        open_bracket(s, TOKEN_OPEN_BRACE);
        return true;
    case ')':
        close_bracket(s, TOKEN_CLOSE_PAREN, '(');
        return true;
    case ']':
        close_bracket(s, TOKEN_CLOSE_BRACKET, '[');
        return true;
    case '}':
        close_bracket(s, TOKEN_CLOSE_BRACE, '{');
        return true;
    default:
        return false;
    }
}

static void end_line(struct scan *s)
{
    uint32_t from = s->at;
    skip_newline(s);
    if (s->depth || s->inside)
        return;
    scan_add(s, TOKEN_NEWLINE, from);
    begin_line(s);
}

static void scan_token(struct scan *s)
{
    unsigned char c = (unsigned char)s->text.p[s->at];
    uint32_t from = s->at;
    if (scan_chars[c] & CHAR_START || c >= 0x80) {
        scan_word(s);
    } else if (c == ' ' || c == '\t' || c == '\f') {
        s->at++;
    } else if (scan_chars[c] & CHAR_DIGIT ||
               (c == '.' && scan_chars[(unsigned char)peek(s, 1)] & CHAR_DIGIT)) {
        scan_number(s);
    } else if (c == '"' || c == '\'') {
        scan_string(s, from, 0);
    } else if (c == '\n' || c == '\r') {
        end_line(s);
    } else if (c == '#') {
        skip_comment(s);
    } else if (c == '\\') {
        continue_line(s);
    } else if (!scan_bracket(s, (char)c)) {
        scan_operator(s);
    }
}

static bool last_is_newline(const struct scan *s)
{
    return s->tokens->n == 0 || s->tokens->at[s->tokens->n - 1].kind == TOKEN_NEWLINE ||
           s->tokens->at[s->tokens->n - 1].kind == TOKEN_DEDENT;
}

void scan_file(struct scan *s)
{
    s->indent_count = 1;
    s->indents[0].column = s->indents[0].alternative = 0;
    if (str_starts(s->text, STR("\xEF\xBB\xBF")))
        s->at = 3;
    begin_line(s);
    for (;;) {
        while (!at_end(s))
            scan_token(s);
        if (!s->depth)
            break;
        recover_bracket(s);
        scan_add(s, TOKEN_NEWLINE, s->at)->flags = TOKEN_DEAD;
        begin_line(s);
    }
    if (!last_is_newline(s))
        scan_add(s, TOKEN_NEWLINE, s->at);
    for (; s->indent_count > 1; s->indent_count--)
        scan_add(s, TOKEN_DEDENT, s->at);
    scan_add(s, TOKEN_EOF, s->at);
}

void scan_inside(struct scan *s, uint32_t from, uint32_t to)
{
    s->inside = true;
    s->indent_count = 1;
    s->at = from;
    s->text.n = to;
    while (!at_end(s))
        scan_token(s);
    scan_add(s, TOKEN_EOF, s->at);
}
