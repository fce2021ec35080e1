#include "base/utf8.h"
#include "template/scan_int.h"
#include <utf8proc.h>

static const str block_begin = STR_INIT("{%"), variable_begin = STR_INIT("{{"),
                 comment_begin = STR_INIT("{#");

/* ---- characters ---- */

bool template_scan_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 9 && cp <= 13) || (cp >= 0x1c && cp <= 0x20);
    return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* What a byte below 0x80 may be. */
enum {
    BYTE_SPACE = 1,
    BYTE_DIGIT = 2,
    BYTE_WORD = 4,
    BYTE_END = 8 /* may begin the end of a tag */
};
static const uint8_t bytes[256] = {
    [9 ... 13] = BYTE_SPACE,   [0x1c ... 0x20] = BYTE_SPACE,
    ['a' ... 'z'] = BYTE_WORD, ['A' ... 'Z'] = BYTE_WORD,
    ['_'] = BYTE_WORD,         ['0' ... '9'] = BYTE_WORD | BYTE_DIGIT,
    ['-'] = BYTE_END,          ['+'] = BYTE_END,
    ['%'] = BYTE_END,          ['}'] = BYTE_END,
};

static unsigned kind_of(str text, size_t at)
{
    return at < text.n ? bytes[(unsigned char)text.p[at]] : 0;
}

static size_t skip_spaces(str text, size_t at)
{
    for (;;) {
        while (kind_of(text, at) & BYTE_SPACE)
            at++;
        size_t next = at;
        if (at >= text.n || !(text.p[at] & 0x80) || !template_scan_is_space(utf8_next(text, &next)))
            return at;
        at = next;
    }
}

/* Mostly there is one, or none. */
static inline size_t skip_space(str text, size_t at)
{
    at += at < text.n && text.p[at] == ' ';
    bool done = at < text.n && text.p[at] > ' ' && text.p[at] < 0x7f;
    return done ? at : skip_spaces(text, at);
}

static size_t trim_space(str text, size_t from, size_t to)
{
    while (to > from) {
        size_t before = to;
        if (!template_scan_is_space(utf8_prev(text, &before)))
            break;
        to = before;
    }
    return to;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_ascii_word(int c)
{
    return bytes[(unsigned char)c] & BYTE_WORD;
}

enum { WORD_NO, WORD_START, WORD_PART, WORD_ODD /* matched as a word, refused as a name */ };

static int word_class(uint32_t cp)
{
    if (cp < 0x80)
        return is_digit((int)cp) ? WORD_PART : is_ascii_word((int)cp) ? WORD_START : WORD_NO;
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
        return WORD_START;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
        return WORD_PART;
    case UTF8PROC_CATEGORY_NO:
        return WORD_ODD;
    default:
        return WORD_NO;
    }
}

static bool starts_at(str text, size_t at, const char *what)
{
    size_t n = strlen(what);
    return text.n - at >= n && memcmp(text.p + at, what, n) == 0;
}

bool template_scan_fail(struct template_scan *s, size_t from, size_t to, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str message = arena_vprintf(s->arena, fmt, args);
    va_end(args);
    pos at = {s->source, (uint32_t)from, (uint32_t)(to > from ? to - from : 1)};
    return err_at(s->err, "template_syntax", at, "%.*s", STR_ARG(message));
}

void template_scan_done(struct template_scan *s)
{
    vec_done(&s->balance);
}

/* ---- text between tags ---- */

/* The end of a "%}" of a raw or endraw tag at `at`, or 0. */
static size_t raw_tag_end(str text, size_t at, bool plus)
{
    if (starts_at(text, at, "-%}"))
        return skip_space(text, at + 3);
    if (plus && starts_at(text, at, "+%}"))
        return at + 3;
    return starts_at(text, at, "%}") ? at + 2 : 0;
}

/* The end of a tag "{% word %}" that begins at `at`, or 0. */
static size_t raw_tag(str text, size_t at, const char *word)
{
    size_t i = at + 2;
    if (i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
        i++;
    i = skip_space(text, i);
    if (i >= text.n || text.p[i] != word[0] || !starts_at(text, i, word))
        return 0;
    return raw_tag_end(text, skip_space(text, i + strlen(word)), word[0] == 'e');
}

static bool is_tag(str text, size_t at)
{
    str two = str_sub(text, at, at + 2);
    return str_eq(two, block_begin) || str_eq(two, variable_begin) || str_eq(two, comment_begin);
}

/* The next "{%", "{{" or "{#" at or after `at`, or the end. */
static size_t find_tag(str text, size_t at)
{
    while (at < text.n) {
        const char *p = memchr(text.p + at, '{', text.n - at);
        if (!p)
            return text.n;
        at = (size_t)(p - text.p);
        if (is_tag(text, at))
            return at;
        at++;
    }
    return text.n;
}

static bool scan_raw(struct template_scan *s, size_t tag, size_t from, struct template_token *t)
{
    for (size_t at = from; (at = str_find(s->text, block_begin, at)) != SIZE_MAX; at++) {
        size_t end = raw_tag(s->text, at, "endraw");
        if (!end)
            continue;
        size_t to = at;
        if (s->text.p[at + 2] == '-')
            to = trim_space(s->text, from, at);
        *t = (struct template_token){.kind = TOKEN_DATA,
                                     .offset = (uint32_t)from,
                                     .length = (uint32_t)(to - from),
                                     .text = str_sub(s->text, from, to)};
        s->at = end;
        return true;
    }
    if (from == s->text.n) { /* Jinja2's lexer finds nothing to complain of */
        s->at = from;
        return true;
    }
    return template_scan_fail(s, tag, from, "Missing end of raw directive");
}

static bool skip_comment(struct template_scan *s, size_t tag)
{
    size_t from = tag + 2;
    if (from < s->text.n && (s->text.p[from] == '-' || s->text.p[from] == '+'))
        from++;
    size_t end = str_find(s->text, STR("#}"), from);
    if (end == SIZE_MAX && from == s->text.n) {
        s->at = from;
        return true;
    }
    if (end == SIZE_MAX)
        return template_scan_fail(s, tag, tag + 2, "Missing end of comment tag");
    s->at = end + 2;
    if (end > from && s->text.p[end - 1] == '-')
        s->at = skip_space(s->text, s->at);
    return true;
}

static bool scan_text(struct template_scan *s, size_t tag, struct template_token *t)
{
    size_t from = s->at, to = tag;
    if (tag + 2 < s->text.n && s->text.p[tag + 2] == '-')
        to = trim_space(s->text, from, tag);
    s->at = tag;
    if (to == from)
        return false;
    *t = (struct template_token){.kind = TOKEN_DATA,
                                 .offset = (uint32_t)from,
                                 .length = (uint32_t)(to - from),
                                 .text = str_sub(s->text, from, to)};
    return true;
}

/* The text up to the next tag; what the tag is decides how the text ends. */
__attribute__((noinline)) static bool scan_data(struct template_scan *s, struct template_token *t)
{
    for (;;) {
        size_t tag = find_tag(s->text, s->at);
        if (scan_text(s, tag, t) || tag == s->text.n)
            return true;
        char c = s->text.p[tag + 1];
        size_t raw = c == '%' ? raw_tag(s->text, tag, "raw") : 0;
        if (raw) {
            if (!scan_raw(s, tag, raw, t))
                return false;
            if (t->length)
                return true;
            continue;
        }
        if (c == '#') {
            if (!skip_comment(s, tag))
                return false;
            continue;
        }
        s->at = tag + 2;
        if (s->at < s->text.n && (s->text.p[s->at] == '-' || s->text.p[s->at] == '+'))
            s->at++;
        s->state = c == '%' ? SCAN_BLOCK : SCAN_VARIABLE;
        t->kind = c == '%' ? TOKEN_BLOCK_BEGIN : TOKEN_VARIABLE_BEGIN;
        t->offset = (uint32_t)tag;
        t->length = 2;
        return true;
    }
}

/* ---- inside of tags ---- */

static bool scan_end(struct template_scan *s, struct template_token *t)
{
    bool block = s->state == SCAN_BLOCK;
    const char *plain = block ? "%}" : "}}", *minus = block ? "-%}" : "-}}";
    size_t end;
    if (s->balance.n)
        return false;
    if (starts_at(s->text, s->at, minus))
        end = skip_space(s->text, s->at + 3);
    else if (block && starts_at(s->text, s->at, "+%}"))
        end = s->at + 3;
    else if (starts_at(s->text, s->at, plain))
        end = s->at + 2;
    else
        return false;
    t->kind = block ? TOKEN_BLOCK_END : TOKEN_VARIABLE_END;
    t->length = 2;
    s->at = end;
    s->state = SCAN_DATA;
    return true;
}

static bool scan_name(struct template_scan *s, struct template_token *t)
{
    size_t at = s->at;
    bool valid = !is_digit(s->text.p[at]);
    for (;;) {
        while (kind_of(s->text, at) & BYTE_WORD)
            at++;
        size_t next = at;
        int class = at < s->text.n && s->text.p[at] & 0x80 ? word_class(utf8_next(s->text, &next))
                                                           : WORD_NO;
        if (class == WORD_NO)
            break;
        valid = valid && (class == WORD_START || (class == WORD_PART && at > s->at));
        at = next;
    }
    if (!valid)
        return template_scan_fail(s, s->at, at, "Invalid character in identifier");
    t->kind = TOKEN_NAME;
    t->text = str_sub(s->text, s->at, at);
    t->length = (uint32_t)(at - s->at);
    s->at = at;
    return true;
}

/* The position behind the closing quote, or 0. */
static size_t string_end(str text, size_t at)
{
    char quote = text.p[at];
    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == quote)
            return i + 1;
    }
    return 0;
}

static bool check_balance(struct template_scan *s, char c)
{
    char due = c == '{' ? '}' : c == '(' ? ')' : c == '[' ? ']' : 0;
    if (due) {
        vec_push(&s->balance, due);
        return true;
    }
    if (c != '}' && c != ')' && c != ']')
        return true;
    if (!s->balance.n)
        return template_scan_fail(s, s->at, s->at + 1, "unexpected '%c'", c);
    due = vec_pop(&s->balance);
    if (due != c)
        return template_scan_fail(s, s->at, s->at + 1, "unexpected '%c', expected '%c'", c, due);
    return true;
}

/* The operator of two characters, or of one; TOKEN_EOF: neither. */
static enum token_kind operator_at(str text, size_t at, size_t *ret_length)
{
#define X(name, text) text
    static const char all[] = TEMPLATE_OPERATORS(X); /* those of two characters are the first */
#undef X
    enum { PAIRS = TOKEN_ADD - TOKEN_POW, SINGLES = sizeof all - 1 - 2 * PAIRS };
    _Static_assert((int)SINGLES == (int)TOKEN_SEMICOLON - (int)TOKEN_ADD + 1, "pairs come first");
    char first = text.p[at], second = at + 1 < text.n ? text.p[at + 1] : 0;
    for (int i = 0; i < PAIRS && (second == '=' || second == first); i++) {
        if (all[2 * i] != first || all[2 * i + 1] != second)
            continue;
        *ret_length = 2;
        return (enum token_kind)(TOKEN_POW + i);
    }
    const char *single = memchr(all + 2 * PAIRS, first, SINGLES);
    *ret_length = 1;
    return single ? (enum token_kind)(TOKEN_ADD + (single - all - 2 * PAIRS)) : TOKEN_EOF;
}

static bool scan_operator(struct template_scan *s, struct template_token *t)
{
    size_t n, next = s->at;
    t->kind = operator_at(s->text, s->at, &n);
    if (t->kind != TOKEN_EOF) {
        if (n == 1 && !check_balance(s, s->text.p[s->at]))
            return false;
        t->length = (uint32_t)n;
        s->at += n;
        return true;
    }
    utf8_next(s->text, &next);
    return template_scan_fail(s, s->at, next, "unexpected char '%.*s' at %zu", (int)(next - s->at),
                              s->text.p + s->at, utf8_length(str_sub(s->text, 0, s->at)));
}

__attribute__((noinline)) static bool scan_in_tag(struct template_scan *s, struct template_token *t)
{
    t->offset = (uint32_t)s->at;
    if (kind_of(s->text, s->at) & BYTE_END && scan_end(s, t))
        return true;
    s->at = skip_space(s->text, s->at);
    t->offset = (uint32_t)s->at;
    if (s->at == s->text.n) {
        t->kind = TOKEN_EOF;
        return true;
    }
    char c = s->text.p[s->at];
    unsigned kind = bytes[(unsigned char)c];
    if (kind & BYTE_END && scan_end(s, t))
        return true;
    if (kind & BYTE_DIGIT)
        return template_scan_number(s, t);
    size_t next = s->at;
    if (kind & BYTE_WORD || (c & 0x80 && word_class(utf8_next(s->text, &next)) != WORD_NO))
        return scan_name(s, t);
    size_t end = c == '\'' || c == '"' ? string_end(s->text, s->at) : 0;
    if (!end)
        return scan_operator(s, t);
    t->kind = TOKEN_STRING;
    t->length = (uint32_t)(end - s->at);
    size_t from = s->at;
    s->at = end;
    return template_scan_decode(s, from + 1, end - 1, &t->text);
}

/* Most tokens: a name of ASCII, and an operator that is the beginning of no other and no bracket.
 */
static bool scan_plain(struct template_scan *s, struct template_token *t)
{
    size_t from = skip_space(s->text, s->at), at = from;
    while (kind_of(s->text, at) & BYTE_WORD)
        at++;
    if (at == s->text.n || s->text.p[at] & 0x80 || kind_of(s->text, from) & BYTE_DIGIT)
        return false;
    char c = s->text.p[from];
    if (at == from && c != '.' && c != '|' && c != ',')
        return false;
    t->kind = at > from ? TOKEN_NAME : c == '.' ? TOKEN_DOT : c == '|' ? TOKEN_PIPE : TOKEN_COMMA;
    at += at == from;
    t->offset = (uint32_t)from;
    t->length = (uint32_t)(at - from);
    t->text = str_sub(s->text, from, at);
    s->at = at;
    return true;
}

bool template_scan_token(struct template_scan *s, struct template_token *t)
{
    *t = (struct template_token){.kind = TOKEN_EOF};
    if (s->state == SCAN_DATA)
        return scan_data(s, t);
    return scan_plain(s, t) || scan_in_tag(s, t);
}
