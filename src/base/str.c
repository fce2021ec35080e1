#include "base/str.h"
#include <stdint.h>

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

size_t str_find(str s, str needle, size_t from)
{
    if (from > s.n)
        return SIZE_MAX;
    if (needle.n == 0)
        return from;
    const char *at = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t str_find_byte(str s, char c, size_t from)
{
    if (from >= s.n)
        return SIZE_MAX;
    const char *at = memchr(s.p + from, c, s.n - from);
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

size_t str_rfind_byte(str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_next(str *rest, char sep, str *ret_part)
{
    if (rest->n == 0)
        return false;
    size_t at = str_find_byte(*rest, sep, 0);
    if (at == SIZE_MAX) {
        *ret_part = *rest;
        *rest = (str){rest->p + rest->n, 0};
    } else {
        *ret_part = str_sub(*rest, 0, at);
        *rest = str_sub(*rest, at + 1, rest->n);
    }
    return true;
}

char *str_dup(str s)
{
    return mem_dup(s.p, s.n);
}

enum { DISTANCE_MAX_LENGTH = 64 };

size_t str_distance(str a, str b, size_t limit)
{
    size_t rows[3][DISTANCE_MAX_LENGTH + 1];
    size_t diff = a.n > b.n ? a.n - b.n : b.n - a.n;

    if (diff > limit || a.n > DISTANCE_MAX_LENGTH || b.n > DISTANCE_MAX_LENGTH)
        return limit + 1;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = up[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            row[j] = best;
        }
    }
    size_t d = rows[a.n % 3][b.n];
    return d > limit ? limit + 1 : d;
}

long str_nearest(str wanted, const str *candidates, size_t n)
{
    size_t limit = wanted.n <= 2 ? 1 : wanted.n <= 8 ? 2 : 3;
    size_t best = limit + 1;
    long found = -1;

    for (size_t i = 0; i < n; i++) {
        size_t d = str_distance(wanted, candidates[i], limit);
        if (d < best && d < candidates[i].n) {
            best = d;
            found = (long)i;
        }
    }
    return found;
}
