#include "base/num.h"
#include "base/utf8.h"
#include "syntax/parse_int.h"

/* ---- numbers ---- */

static int digit_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The magnitude of an integer token; false past 64 unsigned bits. */
static bool read_magnitude(const struct parser *p, const struct token *t, uint64_t *ret_value)
{
    const char *at = p->scan.text.p + t->offset, *end = at + t->length;
    uint64_t value = 0;
    for (at += t->value == 10 ? 0 : 2; at < end; at++)
        if (*at != '_' && (__builtin_mul_overflow(value, (uint64_t)t->value, &value) ||
                           __builtin_add_overflow(value, (uint64_t)digit_value(*at), &value)))
            return false;
    *ret_value = value;
    return true;
}

static double read_double(struct parser *p, const struct token *t)
{
    str text = str_make(p->scan.text.p + t->offset, t->length);
    double d = 0;
    if (str_find_byte(text, '_', 0) != SIZE_MAX) {
        char *plain = arena_alloc(p->arena, text.n);
        size_t n = 0;
        for (size_t i = 0; i < text.n; i++)
            if (text.p[i] != '_')
                plain[n++] = text.p[i];
        text = str_make(plain, n);
    }
    if (!num_parse_double(text, &d))
        d = 0; /* the scanner let digits, a point and an exponent through only */
    return d;
}

struct expr *parse_number(struct parser *p)
{
    const struct token *t = parse_token(p);
    struct expr *e = parse_new(p, EXPR_INT, parse_pos_of(p, t));
    uint64_t magnitude = 0;
    p->at++;
    if (t->flags & TOKEN_COMPLEX) {
        parse_refuse(p, REFUSED_COMPLEX, e->at);
    } else if (t->flags & TOKEN_FLOAT) {
        e->kind = EXPR_FLOAT;
        e->f = read_double(p, t);
    } else if (!read_magnitude(p, t, &magnitude) || magnitude > INT64_MAX) {
        parse_refuse(p, REFUSED_INT_RANGE, e->at);
    } else {
        e->i = (int64_t)magnitude;
    }
    return e;
}

struct expr *parse_smallest_int(struct parser *p, pos minus)
{
    const struct token *t = parse_token(p);
    enum token_kind next = parse_kind_ahead(p, 1);
    uint64_t magnitude;
    if (t->kind != TOKEN_NUMBER || t->flags & (TOKEN_FLOAT | TOKEN_COMPLEX) || next == TOKEN_DOT ||
        next == TOKEN_DOUBLE_STAR || next == TOKEN_OPEN_PAREN || next == TOKEN_OPEN_BRACKET ||
        !read_magnitude(p, t, &magnitude) || magnitude != (uint64_t)1 << 63)
        return NULL;
    struct expr *e = parse_new(p, EXPR_INT, parse_span(minus, parse_pos_of(p, t)));
    e->op_at = parse_pos_of(p, t);
    e->i = INT64_MIN;
    p->at++;
    return e;
}

/* ---- escapes ---- */

struct decoder {
    struct parser *p;
    const char *text; /* of the source */
    uint32_t at, to;
    char *out;
    size_t n;
};

static void put(struct decoder *d, uint32_t cp)
{
    d->n += utf8_put(cp, d->out + d->n);
}

static bool decode_hex(struct decoder *d, uint32_t from, int digits)
{
    uint32_t cp = 0, end = d->at + (uint32_t)digits;
    pos at = {d->p->source, from, d->to < end ? d->to - from : end - from};
    char letter = d->text[from + 1];
    for (int i = 0; i < digits; i++, d->at++) {
        if (d->at == d->to || !(scan_chars[(unsigned char)d->text[d->at]] & CHAR_HEX)) {
            at.length = d->at - from;
            return parse_fail(d->p, at, "invalid escape: \\%c needs %d hexadecimal digits", letter,
                              digits);
        }
        cp = cp << 4 | (uint32_t)digit_value(d->text[d->at]);
    }
    if (cp > 0x10FFFF)
        return parse_fail(d->p, at, "invalid escape: the last code point is U+10FFFF");
    if (cp >= 0xD800 && cp <= 0xDFFF) {
        parse_refuse(d->p, REFUSED_SURROGATE, at);
        cp = 0xFFFD;
    }
    put(d, cp);
    return true;
}

static void decode_octal(struct decoder *d)
{
    uint32_t cp = 0;
    d->at--;
    for (int i = 0; i < 3 && d->at < d->to && d->text[d->at] >= '0' && d->text[d->at] <= '7'; i++)
        cp = cp * 8 + (uint32_t)(d->text[d->at++] - '0');
    put(d, cp);
}

static void skip_named(struct decoder *d, uint32_t from)
{
    while (d->at < d->to && d->text[d->at] != '}')
        d->at++;
    if (d->at < d->to)
        d->at++;
    parse_refuse(d->p, REFUSED_NAMED_ESCAPE, (pos){d->p->source, from, d->at - from});
}

static const char simple_escapes[128] = {
    ['\\'] = '\\', ['\''] = '\'', ['"'] = '"',  ['a'] = '\a', ['b'] = '\b',
    ['f'] = '\f',  ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t', ['v'] = '\v',
};

/* A backslash stands at d->at. An unknown escape stands for itself, as in CPython. */
static bool decode_escape(struct decoder *d)
{
    uint32_t from = d->at++;
    unsigned char c = (unsigned char)d->text[d->at++];
    switch (c) {
    case '\r':
        if (d->at < d->to && d->text[d->at] == '\n')
            d->at++;
        return true;
    case '\n':
        return true;
    case 'x':
        return decode_hex(d, from, 2);
    case 'u':
        return decode_hex(d, from, 4);
    case 'U':
        return decode_hex(d, from, 8);
    case 'N':
        skip_named(d, from);
        return true;
    default:
        break;
    }
    if (c >= '0' && c <= '7') {
        decode_octal(d);
    } else if (c < 128 && simple_escapes[c]) {
        d->out[d->n++] = simple_escapes[c];
    } else {
        d->out[d->n++] = '\\';
        d->at--;
    }
    return true;
}

bool parse_decode(struct parser *p, uint32_t from, uint32_t to, bool raw, str *ret_text)
{
    str text = str_make(p->scan.text.p + from, to - from);
    bool escapes = !raw && str_find_byte(text, '\\', 0) != SIZE_MAX;
    if (!escapes && str_find_byte(text, '\r', 0) == SIZE_MAX) {
        *ret_text = text;
        return true;
    }
    struct decoder d = {p, p->scan.text.p, from, to, arena_alloc(p->arena, text.n + 1), 0};
    while (d.at < to) {
        char c = d.text[d.at];
        if (c == '\\' && !raw && d.at + 1 < to) {
            if (!decode_escape(&d))
                return false;
        } else if (c == '\r') {
            d.at += d.at + 1 < to && d.text[d.at + 1] == '\n' ? 2 : 1;
            d.out[d.n++] = '\n';
        } else {
            d.out[d.n++] = c;
            d.at++;
        }
    }
    *ret_text = str_make(d.out, d.n);
    return true;
}

/* ---- literals that stand side by side ---- */

static bool decode_token(struct parser *p, const struct token *t, str *ret_text)
{
    uint32_t quotes = t->flags & TOKEN_TRIPLE ? 3 : 1;
    return parse_decode(p, t->offset + t->value, t->offset + t->length - quotes,
                        t->flags & TOKEN_RAW, ret_text);
}

static struct expr *parse_plain_strings(struct parser *p, uint32_t end, uint32_t from)
{
    size_t mark = parse_mark(p);
    str text = STR("");
    uint32_t count = end - p->at, n;
    for (; p->at < end; p->at++) {
        if (!decode_token(p, parse_token(p), &text))
            return NULL;
        if (count > 1 && text.n)
            parse_push(p, text.p, text.n);
    }
    if (count > 1) {
        char *joined = parse_take(p, mark, 1, &n);
        text = str_make(joined ? joined : "", n);
    }
    struct expr *e = parse_new(p, EXPR_STR, parse_since(p, from));
    e->s = text;
    return e;
}

static void adopt_parts(struct expr *e, const struct fstring_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        parse_adopt(e, parts[i].value);
        adopt_parts(e, parts[i].spec, parts[i].spec_count);
    }
}

static struct expr *parse_format_strings(struct parser *p, uint32_t end, uint32_t from)
{
    size_t mark = parse_mark(p);
    for (; p->at < end; p->at++) {
        const struct token *t = parse_token(p);
        struct fstring_part part = {.at = parse_pos_of(p, t)};
        if (t->flags & TOKEN_FORMAT) {
            if (!parse_fstring(p, *t))
                return NULL;
            continue;
        }
        if (!decode_token(p, t, &part.text))
            return NULL;
        if (part.text.n)
            parse_push(p, &part, sizeof part);
    }
    struct expr *e = parse_new(p, EXPR_FSTRING, parse_since(p, from));
    e->fstring.parts = parse_take(p, mark, sizeof(struct fstring_part), &e->fstring.n);
    adopt_parts(e, e->fstring.parts, e->fstring.n);
    return parse_done(p, e);
}

struct expr *parse_strings(struct parser *p)
{
    uint32_t from = parse_token(p)->offset, end = p->at;
    uint8_t all = 0;
    for (; p->tokens.at[end].kind == TOKEN_STRING; end++) {
        const struct token *t = &p->tokens.at[end];
        if (t->flags & TOKEN_BYTES)
            parse_refuse(p, REFUSED_BYTES, parse_pos_of(p, t));
        all |= t->flags;
    }
    if (all & TOKEN_BYTES) {
        p->at = end;
        return parse_new(p, EXPR_STR, parse_since(p, from));
    }
    return all & TOKEN_FORMAT ? parse_format_strings(p, end, from)
                              : parse_plain_strings(p, end, from);
}
