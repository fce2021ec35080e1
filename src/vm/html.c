/* HTML in texts: cutting tags out, and characters that are written by name or number. */
#include "base/utf8.h"
#include "vm/filters_int.h"

struct entity {
    uint32_t first, second; /* code points; second is 0 where there is one */
    uint16_t at, n;         /* of its name in entity_names */
};
#include "vm/html_entities.h"

enum {
    POINT_MAX = 0x10ffff,
    NAME_POINTS = 32, /* that html.unescape looks at; more are no name */
};

void html_cut(str text, str begin, str end, struct buf *out)
{
    size_t at = 0;
    for (;;) {
        size_t from = str_find(text, begin, at);
        size_t to = from == SIZE_MAX ? SIZE_MAX : str_find(text, end, from + begin.n);
        if (to == SIZE_MAX)
            break;
        buf_add_str(out, str_sub(text, at, from));
        at = to + end.n;
    }
    buf_add_str(out, str_sub(text, at, SIZE_MAX));
}

/* The entity of exactly this name, its semicolon included; NULL where there is none. */
static const struct entity *find_entity(str name)
{
    size_t low = 0, high = sizeof entities / sizeof entities[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entity *e = &entities[middle];
        int order = str_cmp(str_make(entity_names + e->at, e->n), name);
        if (order == 0)
            return e;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void add_point(struct buf *out, uint32_t cp)
{
    char bytes[4];
    buf_add(out, bytes, utf8_put(cp, bytes));
}

/* What stands at the beginning counts where the whole is no name: &notit; is \u00ac and "it;". */
static void add_named(str name, struct buf *out)
{
    size_t n = name.n;
    const struct entity *e = find_entity(name);
    while (!e && --n > 1)
        e = find_entity(str_sub(name, 0, n));
    if (!e) {
        buf_add_byte(out, '&');
        buf_add_str(out, name);
        return;
    }
    add_point(out, e->first);
    if (e->second)
        add_point(out, e->second);
    buf_add_str(out, str_sub(name, n, name.n));
}

/* A number between 0x80 and 0x9f is meant as Windows has it; those that no document may have are
 * nothing (HTML, "numeric character reference end state", with Python's difference of leaving them
 * out). */
static void add_number(uint32_t cp, struct buf *out)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    bool control = (cp < 0x20 && !strchr("\t\n\f\r", (int)cp)) || cp == 0x7f;
    bool no_character = (cp >= 0xfdd0 && cp <= 0xfdef) || (cp & 0xfffe) == 0xfffe;
    if (cp == 0 || (cp >= 0xd800 && cp <= 0xdfff) || cp > POINT_MAX)
        add_point(out, 0xfffd);
    else if (cp >= 0x80 && cp <= 0x9f)
        add_point(out, windows[cp - 0x80]);
    else if (!control && !no_character)
        add_point(out, cp);
}

static int digit(char c, bool hex)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return hex && (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* &#60; or &#x3c; from its # on: how many bytes it has, 0 where it is none. */
static size_t read_number(str text, uint32_t *ret)
{
    bool hex = text.n > 1 && (text.p[1] | 32) == 'x';
    size_t from = hex ? 2 : 1, at = from;
    *ret = 0;
    for (int d; at < text.n && (d = digit(text.p[at], hex)) >= 0; at++)
        *ret = *ret > POINT_MAX ? *ret : *ret * (hex ? 16 : 10) + (uint32_t)d;
    if (at == from)
        return 0;
    return at + (at < text.n && text.p[at] == ';');
}

/* How many bytes may be a name, with its semicolon. */
static size_t name_length(str text)
{
    static const char others[] = {'\t', '\n', '\f', ' ', '<', '&', '#', ';'};
    size_t at = 0;
    for (int points = 0; points < NAME_POINTS && at < text.n; points++) {
        if (memchr(others, text.p[at], sizeof others))
            break;
        (void)utf8_next(text, &at);
    }
    return at ? at + (at < text.n && text.p[at] == ';') : 0;
}

void html_unescape(str text, struct buf *out)
{
    for (size_t at = 0; at < text.n;) {
        size_t from = str_find_byte(text, '&', at);
        buf_add_str(out, str_sub(text, at, from));
        if (from == SIZE_MAX)
            return;
        str rest = str_sub(text, from + 1, text.n);
        uint32_t cp = 0;
        bool number = rest.n && rest.p[0] == '#';
        size_t n = number ? read_number(rest, &cp) : name_length(rest);
        if (!n)
            buf_add_byte(out, '&');
        else if (number)
            add_number(cp, out);
        else
            add_named(str_sub(rest, 0, n), out);
        at = from + 1 + n;
    }
}
