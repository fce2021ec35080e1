/* String literals as Python's unicode-escape codec reads them, and the names of tokens. */
#include "base/utf8.h"
#include "template/scan_int.h"
#include <stdio.h>

struct decoder {
    struct template_scan *scan;
    size_t at, to;
    char *out;
    size_t n;
};

static void put(struct decoder *d, uint32_t cp)
{
    d->n += utf8_put(cp, d->out + d->n);
}

static int hex_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_hex(struct decoder *d, int digits, const char *form)
{
    size_t from = d->at;
    uint32_t cp = 0;
    for (int i = 0; i < digits; i++, d->at++) {
        int v = d->at < d->to ? hex_value(d->scan->text.p[d->at]) : -1;
        if (v < 0)
            return template_scan_fail(d->scan, from - 2, d->at, "truncated %s escape", form);
        cp = cp << 4 | (uint32_t)v;
    }
    if (cp > 0x10ffff)
        return template_scan_fail(d->scan, from - 2, d->at, "illegal Unicode character");
    if (cp >= 0xd800 && cp <= 0xdfff)
        return template_scan_fail(d->scan, from - 2, d->at, "strings hold no lone surrogates");
    put(d, cp);
    return true;
}

static void decode_octal(struct decoder *d)
{
    uint32_t cp = 0;
    for (int i = 0; i < 3 && d->at < d->to; i++) {
        char c = d->scan->text.p[d->at];
        if (c < '0' || c > '7')
            break;
        cp = cp << 3 | (uint32_t)(c - '0');
        d->at++;
    }
    put(d, cp);
}

/* The codec sees ASCII alone: Jinja2 writes other characters as escapes first, so that a backslash
 * before one of them takes its own with it. */
static void put_escaped(struct decoder *d, uint32_t cp)
{
    char text[16];
    int n = snprintf(text, sizeof text,
                     cp < 0x100     ? "x%02x"
                     : cp < 0x10000 ? "u%04x"
                                    : "U%08x",
                     (unsigned)cp);
    put(d, '\\');
    memcpy(d->out + d->n, text, (size_t)n);
    d->n += (size_t)n;
}

static bool decode_escape(struct decoder *d)
{
    static const char plain[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
    uint32_t c = utf8_next(d->scan->text, &d->at);
    const char *known = c < 0x80 && c ? strchr(plain, (int)c) : NULL;
    if (known) {
        put(d, (uint32_t)meant[known - plain]);
        return true;
    }
    switch (c) {
    case '\n':
        return true;
    case 'x':
        return decode_hex(d, 2, "\\xXX");
    case 'u':
        return decode_hex(d, 4, "\\uXXXX");
    case 'U':
        return decode_hex(d, 8, "\\UXXXXXXXX");
    case 'N':
        return template_scan_fail(
            d->scan, d->at - 2, d->at,
            "characters are not known by name: use \\uXXXX or the character itself");
    default:
        break;
    }
    if (c >= '0' && c <= '7') {
        d->at--;
        decode_octal(d);
    } else if (c >= 0x80) {
        put_escaped(d, c);
    } else {
        put(d, '\\');
        put(d, c);
    }
    return true;
}

bool template_scan_decode(struct template_scan *s, size_t from, size_t to, str *ret)
{
    *ret = str_sub(s->text, from, to);
    if (str_find_byte(*ret, '\\', 0) == SIZE_MAX)
        return true;
    /* The longest that a character becomes: a backslash and its ten-letter escape. */
    struct decoder d = {s, from, to, arena_alloc(s->arena, (to - from) * 6 + 16), 0};
    while (d.at < to) {
        uint32_t c = utf8_next(s->text, &d.at);
        if (c != '\\')
            put(&d, c);
        else if (!decode_escape(&d))
            return false;
    }
    *ret = str_make(d.out, d.n);
    return true;
}

const char *token_describe(enum token_kind kind)
{
    static const char *const names[] = {[TOKEN_EOF] = "end of template",
                                        [TOKEN_DATA] = "template data / text",
                                        [TOKEN_VARIABLE_BEGIN] = "begin of print statement",
                                        [TOKEN_VARIABLE_END] = "end of print statement",
                                        [TOKEN_BLOCK_BEGIN] = "begin of statement block",
                                        [TOKEN_BLOCK_END] = "end of statement block",
                                        [TOKEN_NAME] = "name",
                                        [TOKEN_STRING] = "string",
                                        [TOKEN_INTEGER] = "integer",
                                        [TOKEN_FLOAT] = "float",
#define X(name, text) [TOKEN_##name] = text,
                                        TEMPLATE_OPERATORS(X)
#undef X
    };
    return names[kind];
}

bool template_normalize(str text, struct buf *b)
{
    if (str_find_byte(text, '\r', 0) == SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\r')
            buf_add_byte(b, text.p[i]);
        else if (i + 1 == text.n || text.p[i + 1] != '\n')
            buf_add_byte(b, '\n');
    }
    return true;
}
