/* Numbers in tags, as Python writes them. */
#include "base/num.h"
#include "template/scan_int.h"
#include <errno.h>
#include <stdlib.h>

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Digits with single underscores between them, from `at`; the end. */
static size_t digits(str text, size_t at)
{
    if (at >= text.n || !is_digit(text.p[at]))
        return at;
    while (at < text.n && (is_digit(text.p[at]) ||
                           (text.p[at] == '_' && at + 1 < text.n && is_digit(text.p[at + 1]))))
        at++;
    return at;
}

/* The end of a float at `at`, or `at`. */
static size_t float_end(str text, size_t at)
{
    size_t i = digits(text, at), fraction = i;
    if (i == at || (at > 0 && text.p[at - 1] == '.'))
        return at;
    if (i < text.n && text.p[i] == '.')
        fraction = digits(text, i + 1);
    if (fraction == i + 1)
        fraction = i;
    size_t e = fraction;
    if (e < text.n && (text.p[e] == 'e' || text.p[e] == 'E')) {
        size_t sign = e + 1;
        if (sign < text.n && (text.p[sign] == '+' || text.p[sign] == '-'))
            sign++;
        size_t end = digits(text, sign);
        if (end > sign)
            return end;
    }
    return fraction > i ? fraction : at;
}

static bool is_base_digit(int c, int base)
{
    if (base == 16)
        return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
    return c >= '0' && c < '0' + base;
}

/* The end of an integer at `at` and its base; the digits begin at *ret_from. */
static size_t integer_end(str text, size_t at, int *ret_base, size_t *ret_from)
{
    static const struct {
        char letter;
        int base;
    } bases[] = {{'b', 2}, {'o', 8}, {'x', 16}};
    *ret_base = 10;
    *ret_from = at;
    if (text.p[at] != '0')
        return digits(text, at);
    for (size_t i = 0; at + 1 < text.n && i < 3; i++) {
        if ((text.p[at + 1] | 32) != bases[i].letter)
            continue;
        size_t end = at + 2;
        for (;;) {
            size_t digit = end + (end < text.n && text.p[end] == '_');
            if (digit >= text.n || !is_base_digit(text.p[digit], bases[i].base))
                break;
            end = digit + 1;
        }
        if (end == at + 2)
            break;
        *ret_base = bases[i].base;
        *ret_from = at + 2;
        return end;
    }
    size_t end = at + 1;
    for (;;) {
        size_t digit = end + (end < text.n && text.p[end] == '_');
        if (digit >= text.n || text.p[digit] != '0')
            return end;
        end = digit + 1;
    }
}

static str without_underscores(struct template_scan *s, size_t from, size_t to)
{
    char *p = arena_alloc(s->arena, to - from + 1);
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        if (s->text.p[i] != '_')
            p[n++] = s->text.p[i];
    return str_make(p, n);
}

bool template_scan_number(struct template_scan *s, struct template_token *t)
{
    size_t from = s->at, end = float_end(s->text, from), first;
    int base;
    if (end > from) {
        t->kind = TOKEN_FLOAT;
        if (!num_parse_double(without_underscores(s, from, end), &t->f))
            return template_scan_fail(s, from, end, "invalid number");
    } else {
        end = integer_end(s->text, from, &base, &first);
        str text = without_underscores(s, first, end);
        errno = 0;
        t->kind = TOKEN_INTEGER;
        t->i = strtoll(text.p, NULL, base);
        if (errno == ERANGE)
            return template_scan_fail(s, from, end, "integers have 64 bits: this one is too large");
    }
    t->length = (uint32_t)(end - from);
    s->at = end;
    return true;
}
