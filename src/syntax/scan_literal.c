#include "syntax/scan.h"

static unsigned char at(const struct scan *s, uint32_t offset)
{
    return offset < s->text.n ? (unsigned char)s->text.p[offset] : 0;
}

/* ---- numbers ---- */

static const struct base {
    char letter;
    uint8_t base;
    const char *name;
} bases[] = {{'x', 16, "hexadecimal"}, {'o', 8, "octal"}, {'b', 2, "binary"}};

static bool is_digit(unsigned char c, int base)
{
    if (base == 16)
        return scan_chars[c] & CHAR_HEX;
    return c >= '0' && c < '0' + base;
}

/* Digits with single underscores between them; false where an underscore stands wrong. */
static bool skip_digits(struct scan *s, int base)
{
    while (is_digit(at(s, s->at), base)) {
        do
            s->at++;
        while (is_digit(at(s, s->at), base));
        if (at(s, s->at) != '_')
            return true;
        s->at++;
        if (!is_digit(at(s, s->at), base))
            return false;
    }
    return true;
}

/* Words that CPython lets touch a number: "1if x else 2". */
static bool touching_word(const struct scan *s)
{
    static const str words[] = {STR_INIT("and"), STR_INIT("else"), STR_INIT("for"),
                                STR_INIT("if"),  STR_INIT("in"),   STR_INIT("is"),
                                STR_INIT("or"),  STR_INIT("not")};
    str rest = str_sub(s->text, s->at, s->text.n);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(rest, words[i]) &&
            !(rest.n > words[i].n && scan_chars[(unsigned char)rest.p[words[i].n]] & CHAR_CONTINUE))
            return true;
    return false;
}

static void bad_number(struct scan *s, uint32_t from, const char *name)
{
    uint32_t bad = s->at;
    while (scan_chars[at(s, s->at)] & CHAR_CONTINUE)
        s->at++;
    scan_fail(s, from, s->at > bad ? s->at : bad, "invalid %s literal", name);
}

static void scan_based_number(struct scan *s, uint32_t from, const struct base *b)
{
    s->at += 2;
    if (at(s, s->at) == '_')
        s->at++;
    unsigned char c = at(s, s->at);
    bool fine = is_digit(c, b->base) && skip_digits(s, b->base);
    c = at(s, s->at);
    if (b->base < 10 && c >= '0' + b->base && c <= '9') {
        uint32_t bad = s->at;
        while (scan_chars[at(s, s->at)] & CHAR_CONTINUE)
            s->at++;
        scan_fail(s, bad, bad + 1, "invalid digit '%c' in %s literal", c, b->name);
    } else if (!fine || (scan_chars[c] & CHAR_CONTINUE && !touching_word(s)) || c >= 0x80) {
        bad_number(s, from, b->name);
    } else {
        scan_add(s, TOKEN_NUMBER, from)->value = b->base;
    }
}

/* The exponent, where one stands here: "1else" has none. */
static bool skip_exponent(struct scan *s, bool *ret_found)
{
    *ret_found = false;
    if ((at(s, s->at) | 0x20) != 'e')
        return true;
    uint32_t sign = at(s, s->at + 1) == '+' || at(s, s->at + 1) == '-';
    if (!is_digit(at(s, s->at + 1 + sign), 10))
        return !sign;
    *ret_found = true;
    s->at += 1 + sign;
    return skip_digits(s, 10);
}

static bool has_leading_zero(const struct scan *s, uint32_t from)
{
    if (at(s, from) != '0')
        return false;
    for (; from < s->at; from++)
        if (at(s, from) != '0' && at(s, from) != '_')
            return true;
    return false;
}

void scan_number(struct scan *s)
{
    uint32_t from = s->at;
    for (size_t i = 0; at(s, from) == '0' && i < 3; i++)
        if ((at(s, from + 1) | 0x20) == bases[i].letter) {
            scan_based_number(s, from, &bases[i]);
            return;
        }
    uint8_t flags = 0;
    bool fine = skip_digits(s, 10), exponent = false;
    bool zeros = has_leading_zero(s, from);
    uint32_t digits_end = s->at;
    if (fine && at(s, s->at) == '.') {
        s->at++;
        fine = at(s, s->at) != '_' && skip_digits(s, 10);
        flags = TOKEN_FLOAT;
    }
    fine = fine && skip_exponent(s, &exponent);
    if (exponent)
        flags = TOKEN_FLOAT;
    if (fine && (at(s, s->at) | 0x20) == 'j') {
        s->at++;
        flags = TOKEN_COMPLEX;
    }
    unsigned char c = at(s, s->at);
    if (!fine || (scan_chars[c] & CHAR_CONTINUE && !touching_word(s)) || c >= 0x80) {
        bad_number(s, from, flags & TOKEN_COMPLEX ? "imaginary" : "decimal");
    } else if (zeros && !flags) {
        scan_fail(s, from, digits_end,
                  "leading zeros in decimal integer literals are not permitted; use an 0o prefix "
                  "for octal integers");
    } else {
        struct token *t = scan_add(s, TOKEN_NUMBER, from);
        t->value = 10;
        t->flags = flags;
    }
}

/* ---- strings ---- */

/* Offset of the closing quotes, or of the place where the literal breaks off. */
static bool find_string_end(const struct scan *s, uint32_t from, char quote, bool triple,
                            uint32_t *ret_at)
{
    const char *p = s->text.p;
    uint32_t n = (uint32_t)s->text.n;
    for (uint32_t i = from; i < n; i++) {
        if (p[i] == '\\') {
            if (i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n')
                i++;
            i++;
        } else if (p[i] == quote) {
            if (!triple || (i + 2 < n && p[i + 1] == quote && p[i + 2] == quote)) {
                *ret_at = i;
                return true;
            }
        } else if (!triple && (p[i] == '\n' || p[i] == '\r')) {
            *ret_at = i;
            return false;
        }
    }
    *ret_at = n;
    return false;
}

void scan_string(struct scan *s, uint32_t from, uint8_t flags)
{
    char quote = s->text.p[s->at];
    bool triple =
        at(s, s->at + 1) == (unsigned char)quote && at(s, s->at + 2) == (unsigned char)quote;
    uint32_t width = triple ? 3 : 1, end;
    uint32_t body = s->at + width;
    if (find_string_end(s, body, quote, triple, &end)) {
        s->at = end + width;
        struct token *t = scan_add(s, TOKEN_STRING, from);
        t->value = body - from;
        t->flags = flags | (triple ? TOKEN_TRIPLE : 0);
        return;
    }
    s->at = end;
    if (triple) {
        uint32_t last = end && s->text.p[end - 1] == '\n' ? end - 1 : end;
        scan_fail(s, from, body, "unterminated triple-quoted string literal (detected at line %u)",
                  scan_line_of(s, last));
    } else {
        scan_fail(s, from, body, "unterminated string literal (detected at line %u)",
                  scan_line_of(s, end));
    }
}
