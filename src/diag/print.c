#include "diag/print.h"
#include "base/utf8.h"
#include <utf8proc.h>

enum { EXCERPT_WIDTH = 160 }; /* code points of a source line that are shown */

static int cell_width(uint32_t cp)
{
    int w = utf8proc_charwidth((utf8proc_int32_t)cp);
    return w > 0 ? w : 0;
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || cp == 0x7F || (cp >= 0x80 && cp < 0xA0) || (cp >= 0x202A && cp <= 0x202E) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

/* Control characters and directional overrides would let a source line forge terminal output. */
static void add_visible(struct buf *b, uint32_t cp)
{
    char bytes[4];
    if (cp == '\t')
        buf_add_byte(b, '\t');
    else if (is_control(cp))
        buf_add_byte(b, '?');
    else
        buf_add(b, bytes, utf8_put(cp, bytes));
}

/* First byte to show of a long line, so that the caret's column is in sight. */
static size_t window_start(str line, size_t caret)
{
    size_t points = utf8_length(str_sub(line, 0, caret));
    if (points < EXCERPT_WIDTH - 40)
        return 0;
    return utf8_offset(line, points - 60);
}

static void add_line(struct buf *b, str line, size_t from, size_t to)
{
    for (size_t at = from; at < to;)
        add_visible(b, utf8_next(line, &at));
}

static void add_carets(struct buf *b, str line, size_t from, size_t begin, size_t end)
{
    for (size_t at = from; at < begin;) {
        uint32_t cp = utf8_next(line, &at);
        if (cp == '\t')
            buf_add_byte(b, '\t');
        else
            buf_add_repeat(b, ' ', is_control(cp) ? 1 : (size_t)cell_width(cp));
    }
    size_t carets = 0;
    for (size_t at = begin; at < end && at < line.n;) {
        uint32_t cp = utf8_next(line, &at);
        carets += is_control(cp) ? 1 : (size_t)cell_width(cp);
    }
    buf_add_repeat(b, '^', carets ? carets : 1);
}

void diag_add_excerpt(struct buf *b, struct sources *s, pos at, bool color)
{
    struct place place;
    if (!s || !sources_place(s, at, &place))
        return;
    str line = place.line_text;
    if (utf8_invalid_at(line) != SIZE_MAX)
        return;
    size_t begin = (size_t)(s->at[at.source - 1].text.p + at.offset - line.p);
    if (begin > line.n)
        begin = line.n;
    size_t end = at.length > line.n - begin ? line.n : begin + at.length;
    size_t from = window_start(line, begin);
    size_t to = from + utf8_offset(str_sub(line, from, line.n), EXCERPT_WIDTH);
    if (end > to)
        end = to;
    buf_addf(b, "%5u | %s", place.line, from ? "..." : "");
    add_line(b, line, from, to);
    buf_addf(b, "%s\n      | %s", to < line.n ? "..." : "", from ? "   " : "");
    if (color)
        buf_add_c(b, "\x1b[31m");
    add_carets(b, line, from, begin, end);
    buf_addf(b, "%s\n", color ? "\x1b[0m" : "");
}

static void add_place(struct buf *b, struct sources *s, pos at, str file, uint32_t line,
                      uint32_t column)
{
    struct place place;
    if (s && sources_place(s, at, &place))
        buf_addf(b, "%.*s:%u:%u: ", STR_ARG(place.path), place.line, place.column);
    else if (file.n && line)
        buf_addf(b, "%.*s:%u:%u: ", STR_ARG(file), line, column ? column : 1);
    else if (file.n)
        buf_addf(b, "%.*s: ", STR_ARG(file));
}

static void add_parents(struct buf *b, struct sources *s, pos at, bool color)
{
    struct source *source = s ? sources_get(s, at.source) : NULL;
    struct place place;
    for (int depth = 0; source && depth < 20; depth++) {
        pos parent = source->parent;
        if (!sources_place(s, parent, &place))
            return;
        buf_addf(b, "  in what stands at %.*s:%u:%u\n", STR_ARG(place.path), place.line,
                 place.column);
        diag_add_excerpt(b, s, parent, color);
        source = sources_get(s, parent.source);
    }
}

static void add_frames(struct buf *b, struct sources *s, const struct err *e, bool color)
{
    struct place place;
    if (e->frame_count < 2) /* the only frame is the place of the error itself */
        return;
    buf_add_c(b, "  called from (outermost first):\n");
    for (size_t i = 0; i + 1 < e->frame_count; i++) {
        if (!s || !sources_place(s, e->frames[i].at, &place))
            continue;
        buf_addf(b, "    %.*s:%u in %.*s\n", STR_ARG(place.path), place.line,
                 STR_ARG(e->frames[i].name));
        (void)color;
    }
}

void diag_add_err(struct buf *b, struct sources *s, const struct err *e,
                  const struct diag_style *style)
{
    bool color = style && style->color;
    const char *severity = style && style->severity ? style->severity : "error";

    add_place(b, s, e->at, e->file, e->line, e->column);
    buf_addf(b, "%s%s:%s %.*s\n", color ? "\x1b[1;31m" : "", severity, color ? "\x1b[0m" : "",
             STR_ARG(e->message));
    diag_add_excerpt(b, s, e->at, color);
    if (e->hint.n)
        buf_addf(b, "  hint: %.*s\n", STR_ARG(e->hint));
    add_parents(b, s, e->at, color);
    add_frames(b, s, e, color);
    for (const struct err *c = e->cause; c; c = c->cause) {
        buf_add_c(b, "  because: ");
        add_place(b, s, c->at, c->file, c->line, c->column);
        buf_addf(b, "%.*s\n", STR_ARG(c->message));
        diag_add_excerpt(b, s, c->at, color);
        if (c->hint.n)
            buf_addf(b, "  hint: %.*s\n", STR_ARG(c->hint));
    }
}
