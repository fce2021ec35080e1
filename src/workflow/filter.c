#include "workflow/filter.h"
#include "base/utf8.h"
#include <ctype.h>

enum piece_kind {
    PIECE_CHAR,
    PIECE_CLASS,     /* of ASCII */
    PIECE_NOT_SLASH, /* one star */
    PIECE_ANY,       /* two of them */
    PIECE_FORK,      /* goes on behind the next two as well: any folders, or none */
};

struct piece {
    uint8_t kind;
    bool may_lack, may_repeat;
    uint32_t c;
    uint64_t class[2];
};

/* A pattern's pieces; a state of the matcher is the number of a piece that is wanted next. */
struct pattern {
    struct piece at[FILTER_PATTERN_MAX + 2];
    size_t n;
};

static bool refuse(struct err *err, str pattern, const char *why)
{
    err_set(err, "invalid_filter", "the pattern '%.*s' %s", STR_ARG(str_sub(pattern, 0, 80)), why);
    return false;
}

/* "a-z0-9]" from *at on; moves behind the bracket. */
static const char *read_class(str s, size_t *at, struct piece *ret)
{
    size_t i = *at;
    ret->kind = PIECE_CLASS;
    for (; i < s.n && s.p[i] != ']'; i++) {
        unsigned char low = (unsigned char)s.p[i], high = low;
        if (!isalnum(low) && !strchr("_.-", low))
            return "has brackets with more in them than letters, digits and ranges of these";
        if (isalnum(low) && i + 2 < s.n && s.p[i + 1] == '-' && s.p[i + 2] != ']') {
            high = (unsigned char)s.p[i + 2];
            i += 2;
            if (!isalnum(high) || high < low)
                return "has a range that does not go upwards";
        }
        for (unsigned c = low; c <= high; c++)
            ret->class[c / 64] |= (uint64_t)1 << (c % 64);
    }
    if (i == s.n)
        return "has a bracket that is not closed";
    if (i == *at)
        return "has empty brackets";
    *at = i + 1;
    return NULL;
}

static void add_stars(struct pattern *p, str s, size_t *at)
{
    size_t from = *at;
    while (*at < s.n && s.p[*at] == '*')
        ++*at;
    bool many = *at - from > 1;
    bool folders = many && (from == 0 || s.p[from - 1] == '/') && *at < s.n && s.p[*at] == '/';
    if (folders)
        p->at[p->n++] = (struct piece){.kind = PIECE_FORK};
    p->at[p->n++] = (struct piece){
        .kind = many ? PIECE_ANY : PIECE_NOT_SLASH, .may_lack = true, .may_repeat = true};
}

/* NULL, or what is wrong. */
static const char *read_pattern(str s, struct pattern *p)
{
    size_t at = 0;
    bool repeatable = false;
    p->n = 0;
    if (!s.n)
        return "is empty";
    if (s.n > FILTER_PATTERN_MAX)
        return "is too long";
    if (utf8_invalid_at(s) != SIZE_MAX)
        return "is not valid UTF-8";
    while (at < s.n) {
        char c = s.p[at];
        if (c == '*') {
            add_stars(p, s, &at);
            repeatable = false;
        } else if (c == '?' || c == '+') {
            if (!repeatable)
                return "has a ? or + without a character before it";
            p->at[p->n - 1].may_lack = c == '?';
            p->at[p->n - 1].may_repeat = c == '+';
            repeatable = false;
            at++;
        } else {
            struct piece *piece = &p->at[p->n++];
            *piece = (struct piece){.kind = PIECE_CHAR};
            if (c == '[') {
                at++;
                const char *wrong = read_class(s, &at, piece);
                if (wrong)
                    return wrong;
            } else {
                if (c == '\\' && ++at == s.n)
                    return "ends with a backslash";
                piece->c = utf8_next(s, &at);
            }
            repeatable = true;
        }
    }
    return NULL;
}

/* ---- matching: all states at once ---- */

struct states {
    uint64_t bits[(FILTER_PATTERN_MAX + 2) / 64 + 1];
};

static bool has(const struct states *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void add(struct states *s, size_t i)
{
    s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}

/* What is reached without reading a character: ways only lead forward. */
static void close_states(const struct pattern *p, struct states *s)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!has(s, i))
            continue;
        if (p->at[i].kind == PIECE_FORK) {
            add(s, i + 1);
            add(s, i + 3);
        } else if (p->at[i].may_lack) {
            add(s, i + 1);
        }
    }
}

static bool takes(const struct piece *p, uint32_t c)
{
    switch ((enum piece_kind)p->kind) {
    case PIECE_CHAR:
        return p->c == c;
    case PIECE_CLASS:
        return c < 128 && (p->class[c / 64] >> (c % 64) & 1);
    case PIECE_NOT_SLASH:
        return c != '/';
    case PIECE_ANY:
        return true;
    case PIECE_FORK:
        break;
    }
    return false;
}

static bool match(const struct pattern *p, str text)
{
    struct states now = {0};
    add(&now, 0);
    close_states(p, &now);
    for (size_t at = 0; at < text.n;) {
        struct states next = {0};
        uint32_t c = utf8_next(text, &at);
        for (size_t i = 0; i < p->n; i++) {
            if (!has(&now, i) || !takes(&p->at[i], c))
                continue;
            add(&next, i + 1);
            if (p->at[i].may_repeat)
                add(&next, i);
        }
        now = next;
        close_states(p, &now);
    }
    return has(&now, p->n);
}

bool filter_check(str pattern, struct err *err)
{
    struct pattern p;
    str inner = str_starts(pattern, STR("!")) ? str_sub(pattern, 1, pattern.n) : pattern;
    const char *wrong = read_pattern(inner, &p);
    return !wrong || refuse(err, pattern, wrong);
}

bool filter_matches(str pattern, str text)
{
    struct pattern p;
    return utf8_invalid_at(text) == SIZE_MAX && !read_pattern(pattern, &p) && match(&p, text);
}

bool filter_accepts(const str *patterns, size_t n, str text)
{
    bool accepted = false;
    for (size_t i = 0; i < n; i++) {
        bool against = str_starts(patterns[i], STR("!"));
        str pattern = against ? str_sub(patterns[i], 1, patterns[i].n) : patterns[i];
        if (accepted == against && filter_matches(pattern, text))
            accepted = !against;
    }
    return accepted;
}
