#include "types/schema_int.h"

struct uri {
    str scheme, authority, path, query, fragment;
    bool has_scheme, has_authority, has_query, has_fragment;
};

static struct uri split(str s)
{
    struct uri u = {0};
    size_t hash = str_find_byte(s, '#', 0);
    if (hash != SIZE_MAX) {
        u.has_fragment = true;
        u.fragment = str_sub(s, hash + 1, s.n);
        s = str_sub(s, 0, hash);
    }
    size_t mark = str_find_byte(s, '?', 0);
    if (mark != SIZE_MAX) {
        u.has_query = true;
        u.query = str_sub(s, mark + 1, s.n);
        s = str_sub(s, 0, mark);
    }
    size_t colon = str_find_byte(s, ':', 0), slash = str_find_byte(s, '/', 0);
    if (colon != SIZE_MAX && colon > 0 && colon < slash) {
        u.has_scheme = true;
        u.scheme = str_sub(s, 0, colon);
        s = str_sub(s, colon + 1, s.n);
    }
    if (str_starts(s, STR("//"))) {
        size_t end = str_find_byte(s, '/', 2);
        u.has_authority = true;
        u.authority = str_sub(s, 2, end);
        s = str_sub(s, end, s.n);
    }
    u.path = s;
    return u;
}

/* Appends the path without its dot segments. */
static void add_path(struct buf *b, str path)
{
    size_t start = b->n;
    while (path.n) {
        size_t end = str_find_byte(path, '/', 1);
        str segment = str_sub(path, 0, end);
        path = str_sub(path, end, path.n);
        if (str_is(segment, "/..") || str_is(segment, "..")) {
            str so_far = str_sub(buf_str(b), start, b->n);
            size_t slash = str_rfind_byte(so_far, '/');
            buf_cut(b, slash == SIZE_MAX ? start : start + slash, SIZE_MAX);
            if (!path.n)
                buf_add_byte(b, '/');
        } else if (str_is(segment, "/.") || str_is(segment, ".")) {
            if (!path.n)
                buf_add_byte(b, '/');
        } else {
            buf_add_str(b, segment);
        }
    }
}

static void add_merged(struct buf *b, const struct uri *base, str path)
{
    auto_buf merged = BUF(b->max);
    size_t slash = str_rfind_byte(base->path, '/');
    if (base->has_authority && !base->path.n)
        buf_add_byte(&merged, '/');
    else if (slash != SIZE_MAX)
        buf_add_str(&merged, str_sub(base->path, 0, slash + 1));
    buf_add_str(&merged, path);
    add_path(b, buf_str(&merged));
}

static void add_scheme(struct buf *b, const struct uri *from)
{
    if (!from->has_scheme)
        return;
    buf_add_str(b, from->scheme);
    buf_add_byte(b, ':');
}

static void add_authority(struct buf *b, const struct uri *from)
{
    if (!from->has_authority)
        return;
    buf_add_c(b, "//");
    buf_add_str(b, from->authority);
}

void uri_resolve(struct buf *b, str base, str reference)
{
    struct uri u = split(base), r = split(reference);
    const struct uri *query = &r;

    add_scheme(b, r.has_scheme ? &r : &u);
    add_authority(b, r.has_scheme || r.has_authority ? &r : &u);
    if (r.has_scheme || r.has_authority) {
        add_path(b, r.path);
    } else if (!r.path.n) {
        buf_add_str(b, u.path);
        query = r.has_query ? &r : &u;
    } else if (r.path.p[0] == '/') {
        add_path(b, r.path);
    } else {
        add_merged(b, &u, r.path);
    }
    if (query->has_query) {
        buf_add_byte(b, '?');
        buf_add_str(b, query->query);
    }
    if (r.has_fragment) {
        buf_add_byte(b, '#');
        buf_add_str(b, r.fragment);
    }
}

str uri_without_fragment(str uri)
{
    return str_sub(uri, 0, str_find_byte(uri, '#', 0));
}
