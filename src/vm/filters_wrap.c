/* wordwrap: what Python's textwrap does with each line. */
#include "base/utf8.h"
#include "base/vec.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

struct piece { /* of a line, in code points */
    size_t from, to;
};

struct wrapper {
    struct heap *heap;
    str line;
    uint32_t *cp; /* its code points */
    size_t n;
    bool hyphens, breaks;
    int64_t width;
    VEC(struct piece) pieces;
    struct buf out;
    str newline;
    bool any; /* a line has been written */
};

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(const struct wrapper *w, size_t i)
{
    uint32_t c = i < w->n ? w->cp[i] : ' ';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0xaa;
}

static bool is_word(const struct wrapper *w, size_t i)
{
    return is_letter(w, i) || (i < w->n && is_digit(w->cp[i]));
}

static bool is_punctuated(const struct wrapper *w, size_t i)
{
    return is_word(w, i) ||
           (i < w->n && w->cp[i] && w->cp[i] < 0x80 && strchr("!\"'&.,?", (int)w->cp[i]));
}

/* The end of two or more dashes at i that a word follows, or i. */
static size_t dashes(const struct wrapper *w, size_t i)
{
    size_t end = i;
    while (end < w->n && w->cp[end] == '-')
        end++;
    return end >= i + 2 && is_word(w, end) ? end : i;
}

/* Does the word end behind the hyphen at i? */
static bool ends_at_hyphen(const struct wrapper *w, size_t i)
{
    if (i >= w->n || w->cp[i] != '-')
        return false;
    bool before = (i >= 2 && is_letter(w, i - 1) && is_letter(w, i - 2)) ||
                  (i >= 3 && is_punctuated(w, i - 1) && w->cp[i - 2] == '-' && is_letter(w, i - 3));
    bool after =
        is_letter(w, i + 1) &&
        (is_letter(w, i + 2) || (i + 2 < w->n && w->cp[i + 2] == '-' && is_letter(w, i + 3)));
    return before && after;
}

static size_t piece_end(const struct wrapper *w, size_t from)
{
    size_t i = from;
    if (is_blank(w->cp[i])) {
        while (i < w->n && is_blank(w->cp[i]))
            i++;
        return i;
    }
    if (w->hyphens && from > 0 && is_punctuated(w, from - 1) && dashes(w, from) > from)
        return dashes(w, from);
    for (i = from + 1; i < w->n && !is_blank(w->cp[i]); i++) {
        if (!w->hyphens || w->cp[i] != '-')
            continue;
        if (ends_at_hyphen(w, i))
            return i + 1;
        if (is_punctuated(w, i - 1) && dashes(w, i) > i)
            return i;
    }
    return i;
}

static void add_line(struct wrapper *w, const struct piece *at, size_t n)
{
    char bytes[4];
    if (!n)
        return;
    if (w->any)
        buf_add_str(&w->out, w->newline);
    w->any = true;
    if (w->n == w->line.n) { /* all ASCII */
        buf_add(&w->out, w->line.p + at[0].from, at[n - 1].to - at[0].from);
        return;
    }
    for (size_t i = at[0].from; i < at[n - 1].to; i++)
        buf_add(&w->out, bytes, utf8_put(w->cp[i], bytes));
}

/* Where a piece that is too long is cut: behind a hyphen, if there is one. */
static size_t cut_of(const struct wrapper *w, const struct piece *p, size_t room)
{
    if (!w->hyphens || p->to - p->from <= room)
        return p->from + room;
    for (size_t i = p->from + room; i-- > p->from + 1;) {
        if (w->cp[i] != '-')
            continue;
        for (size_t k = p->from; k < i; k++)
            if (w->cp[k] != '-')
                return i + 1;
        break;
    }
    return p->from + room;
}

static void wrap_pieces(struct wrapper *w, bool *first)
{
    size_t width = (size_t)w->width;
    for (size_t i = 0; i < w->pieces.n;) {
        size_t length = 0;
        if (!*first && is_blank(w->cp[w->pieces.at[i].from]))
            i++;
        size_t from = i;
        for (; i < w->pieces.n; i++) {
            size_t n = w->pieces.at[i].to - w->pieces.at[i].from;
            if (length + n > width)
                break;
            length += n;
        }
        size_t to = i;
        struct piece *next = i < w->pieces.n ? &w->pieces.at[i] : NULL;
        size_t rest = SIZE_MAX;
        if (next && next->to - next->from > width) {
            if (w->breaks) {
                rest = cut_of(w, next, width - length);
                size_t end = next->to;
                next->to = rest;
                to = i + 1;
                if (rest == next->from) /* no room on this line */
                    to = i;
                if (to > from && is_blank(w->cp[w->pieces.at[to - 1].from]))
                    to--;
                if (to > from)
                    *first = false;
                add_line(w, w->pieces.at + from, to - from);
                next->from = rest;
                next->to = end;
                continue;
            }
            if (to == from)
                to = ++i;
        }
        if (to > from && is_blank(w->cp[w->pieces.at[to - 1].from]))
            to--;
        if (to > from)
            *first = false;
        add_line(w, w->pieces.at + from, to - from);
    }
}

static bool wrap_line(struct wrapper *w, str line)
{
    bool first = true;
    w->cp = mem_realloc_array(w->cp, line.n + 1, sizeof *w->cp);
    w->line = line;
    w->n = 0;
    for (size_t at = 0; at < line.n;)
        w->cp[w->n++] = utf8_next(line, &at);
    w->pieces.n = 0;
    w->any = false;
    for (size_t at = 0; at < w->n;) {
        size_t end = piece_end(w, at);
        vec_push(&w->pieces, (struct piece){at, end});
        at = end;
    }
    wrap_pieces(w, &first);
    return heap_charge(w->heap, (int64_t)w->n / 4 + 1);
}

bool filter_wordwrap(struct heap *h, val *args, val *ret)
{
    struct wrapper w = {.heap = h, .out = BUF(h->limits.bytes), .newline = STR("\n")};
    val lines, text = args[0];
    bool ok = filter_int(h, args[1], 79, &w.width) && filter_flag(h, args[2], true, &w.breaks) &&
              filter_flag(h, args[4], true, &w.hyphens);
    if (ok && args[3].kind == V_STR)
        w.newline = text_str(args[3]);
    if (ok && val_is_undefined(text))
        ok = undefined_raise(h, text);
    if (ok && text.kind != V_STR)
        ok = heap_raise(h, &exc_AttributeError, "'%s' object has no attribute 'splitlines'",
                        val_type_name(text));
    ok = ok && filter_method(h, text, "splitlines", NULL, 0, &lines);
    for (uint32_t i = 0; ok && i < lines.list->n; i++) {
        if (i)
            buf_add_str(&w.out, w.newline);
        if (w.width <= 0)
            ok = heap_raise(h, &exc_ValueError, "invalid width %lld (must be > 0)",
                            (long long)w.width);
        ok = ok && wrap_line(&w, text_str(lines.list->at[i]));
    }
    ok = ok && (!w.out.overflow || heap_out_of_bytes(h)) && text_new(h, buf_str(&w.out), ret);
    free(w.cp);
    vec_done(&w.pieces);
    buf_done(&w.out);
    return ok;
}
