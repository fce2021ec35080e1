#include "base/glob.h"

struct matching {
    str pattern, path;
    unsigned budget;
};

/* Of the set at p ("[...]"): its end, and whether c is in it. SIZE_MAX: no set, a plain bracket. */
static size_t match_set(str pattern, size_t p, char c, bool *ret_in)
{
    size_t i = p + 1;
    bool negated = i < pattern.n && (pattern.p[i] == '!' || pattern.p[i] == '^'), in = false;
    i += negated;
    for (size_t first = i; i < pattern.n && (pattern.p[i] != ']' || i == first); i++) {
        unsigned char from = (unsigned char)pattern.p[i], to = from;
        if (i + 2 < pattern.n && pattern.p[i + 1] == '-' && pattern.p[i + 2] != ']') {
            to = (unsigned char)pattern.p[i + 2];
            i += 2;
        }
        in |= (unsigned char)c >= from && (unsigned char)c <= to;
    }
    *ret_in = in != negated && c != '/';
    return i < pattern.n ? i + 1 : SIZE_MAX;
}

static bool match_from(struct matching *m, size_t p, size_t s);

/* A star at p: every possible length, shortest first. */
static bool match_star(struct matching *m, size_t p, size_t s)
{
    bool deep = p + 1 < m->pattern.n && m->pattern.p[p + 1] == '*';
    size_t next = p + (deep ? 2 : 1);
    /* "** /" may also stand for no folder at all. */
    if (deep && next < m->pattern.n && m->pattern.p[next] == '/' &&
        (s == 0 || m->path.p[s - 1] == '/') && match_from(m, next + 1, s))
        return true;
    for (;; s++) {
        if (match_from(m, next, s))
            return true;
        if (s == m->path.n || (!deep && m->path.p[s] == '/') || !m->budget)
            return false;
    }
}

static bool match_from(struct matching *m, size_t p, size_t s)
{
    for (; p < m->pattern.n; s++) {
        char c = m->pattern.p[p];
        if (!m->budget || !--m->budget)
            return false;
        if (c == '*')
            return match_star(m, p, s);
        if (s == m->path.n)
            return false;
        bool in;
        size_t end = c == '[' ? match_set(m->pattern, p, m->path.p[s], &in) : SIZE_MAX;
        if (end != SIZE_MAX) {
            if (!in)
                return false;
            p = end;
            continue;
        }
        if (c == '\\' && p + 1 < m->pattern.n)
            c = m->pattern.p[++p];
        else if (c == '?' && m->path.p[s] != '/')
            c = m->path.p[s];
        if (c != m->path.p[s])
            return false;
        p++;
    }
    return s == m->path.n;
}

static str plain(str pattern)
{
    while (str_starts(pattern, STR("./")))
        pattern = str_sub(pattern, 2, pattern.n);
    while (pattern.n > 1 && pattern.p[pattern.n - 1] == '/')
        pattern.n--;
    return pattern;
}

bool glob_match(str pattern, str path)
{
    struct matching m = {plain(pattern), path, GLOB_BUDGET};
    return match_from(&m, 0, 0);
}

/* The path itself, or a folder that it is in. */
static bool speaks_of(str pattern, str path)
{
    if (str_is(pattern, ".") || glob_match(pattern, path))
        return true;
    for (size_t at = 0; (at = str_find_byte(path, '/', at)) != SIZE_MAX; at++)
        if (glob_match(pattern, str_sub(path, 0, at)))
            return true;
    return false;
}

bool glob_select(const str *patterns, size_t n, str path)
{
    for (size_t i = n; i-- > 0;) {
        bool without = str_starts(patterns[i], STR("!"));
        if (speaks_of(without ? str_sub(patterns[i], 1, patterns[i].n) : patterns[i], path))
            return !without;
    }
    return false;
}
