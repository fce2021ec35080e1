#include "syntax/scan.h"
#include "base/utf8.h"
#include <stdio.h>

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
        line += s->text.p[i] == '\n' ||
                (s->text.p[i] == '\r' && (i + 1 == s->text.n || s->text.p[i + 1] != '\n'));
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

static void bad_character(struct scan *s)
{
    uint32_t from = s->at;
    size_t end = from;
    uint32_t cp = utf8_next(s->text, &end);
    s->at = (uint32_t)end;
    if (s->bad_line) { /* one such error a line: typographic quotes come in pairs */
        scan_add(s, TOKEN_ERROR, from);
        return;
    }
    s->bad_line = true;
    if (cp < 0x80 && cp > 0x20 && cp != 0x7F)
        scan_fail(s, from, s->at, "invalid syntax: unexpected '%c'", (char)cp);
    else if (cp < 0x80 || (cp >= 0x80 && cp < 0xA1))
        scan_fail(s, from, s->at, "invalid non-printable character U+%04X", cp);
    else
        scan_fail(s, from, s->at, "invalid character '%.*s' (U+%04X)", (int)(s->at - from),
                  s->text.p + from, cp);
    if (cp >= 0x2018 && cp <= 0x201F)
        err_hint(&s->errors->at[s->errors->n - 1], "use plain quotes: ' or \"");
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
    if (s->depth && kind != TOKEN_NAME && scan_break_bracket(s, (enum token_kind)kind, from)) {
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
    uint8_t first = prefix_flags[(unsigned char)scan_peek(s, 0)];
    if (!first) {
        scan_name(s);
        return;
    }
    char c = scan_peek(s, 1);
    if (c == '"' || c == '\'') {
        s->at++;
        scan_string(s, from, first & (uint8_t)~PREFIX_PLAIN);
        return;
    }
    uint8_t second = prefix_flags[(unsigned char)c];
    c = scan_peek(s, 2);
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
    char c = scan_peek(s, 0), next = scan_peek(s, 1);
    const uint8_t *kinds = operators[(unsigned char)c & 127];
    uint32_t kind = kinds[0], length = 1;
    if (next == c && kinds[2]) {
        bool assigns = scan_peek(s, 2) == '=';
        kind = kinds[assigns ? 3 : 2];
        length = assigns ? 3 : 2;
    } else if (next == '=' && kinds[1]) {
        kind = kinds[1];
        length = 2;
    } else if (c == '-' && next == '>') {
        kind = TOKEN_ARROW;
        length = 2;
    } else if (c == '.' && next == '.' && scan_peek(s, 2) == '.') {
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
        scan_open_bracket(s, TOKEN_OPEN_PAREN);
        return true;
    case '[':
        scan_open_bracket(s, TOKEN_OPEN_BRACKET);
        return true;
    case '{':
        scan_open_bracket(s, TOKEN_OPEN_BRACE);
        return true;
    case ')':
        scan_close_bracket(s, TOKEN_CLOSE_PAREN, '(');
        return true;
    case ']':
        scan_close_bracket(s, TOKEN_CLOSE_BRACKET, '[');
        return true;
    case '}':
        scan_close_bracket(s, TOKEN_CLOSE_BRACE, '{');
        return true;
    default:
        return false;
    }
}

static void end_line(struct scan *s)
{
    uint32_t from = s->at;
    s->bad_line = false;
    scan_skip_newline(s);
    if (s->depth || s->inside)
        return;
    scan_add(s, TOKEN_NEWLINE, from);
    scan_begin_line(s);
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
               (c == '.' && scan_chars[(unsigned char)scan_peek(s, 1)] & CHAR_DIGIT)) {
        scan_number(s);
    } else if (c == '"' || c == '\'') {
        scan_string(s, from, 0);
    } else if (c == '\n' || c == '\r') {
        end_line(s);
    } else if (c == '#') {
        scan_skip_comment(s);
    } else if (c == '\\') {
        scan_continue_line(s);
    } else if (!scan_bracket(s, (char)c)) {
        scan_operator(s);
    }
}

/* To the end of the text, or until enough was wrong. */
static void scan_tokens(struct scan *s)
{
    while (!scan_at_end(s) && s->errors->n < SCAN_MAX_ERRORS)
        scan_token(s);
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
    scan_begin_line(s);
    for (;;) {
        scan_tokens(s);
        if (!s->depth || s->errors->n >= SCAN_MAX_ERRORS)
            break;
        scan_recover_bracket(s);
        scan_add(s, TOKEN_NEWLINE, s->at)->flags = TOKEN_DEAD;
        scan_begin_line(s);
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
    scan_tokens(s);
    bool open = s->depth > 0;
    if (open)
        scan_give_up_bracket(s, s->tokens->n);
    scan_add(s, TOKEN_EOF, s->at)->flags = open ? TOKEN_DEAD : 0;
}
