/* Texts for a model: valid, bounded, and saying what they leave out. */
#include "base/utf8.h"
#include "tools/tools_int.h"

enum { END_MAX = TOOLS_TEXT_MAX / 2 };

void clip_init(struct clip *c)
{
    *c = (struct clip){.head = BUF(END_MAX + 1), .tail = BUF(4 * END_MAX)};
}

void clip_done(struct clip *c)
{
    buf_done(&c->head);
    buf_done(&c->tail);
}

void clip_add(struct clip *c, str bytes)
{
    size_t room = END_MAX - c->head.n, first = bytes.n < room ? bytes.n : room;
    buf_add(&c->head, bytes.p, first);
    bytes = str_sub(bytes, first, bytes.n);
    if (bytes.n > END_MAX) {
        c->left_out += c->tail.n + bytes.n - END_MAX;
        buf_reset(&c->tail);
        bytes = str_sub(bytes, bytes.n - END_MAX, bytes.n);
    }
    buf_add_str(&c->tail, bytes);
    if (c->tail.n > 2 * END_MAX) {
        c->left_out += c->tail.n - END_MAX;
        buf_cut(&c->tail, 0, c->tail.n - END_MAX);
    }
}

void add_valid(struct buf *b, str text)
{
    for (;;) {
        size_t bad = utf8_invalid_at(text), nul = str_find_byte(text, '\0', 0);
        size_t end = bad < nul ? bad : nul;
        if (end >= text.n)
            break;
        buf_add(b, text.p, end);
        buf_add_str(b, STR("\xef\xbf\xbd"));
        text = str_sub(text, end + 1, text.n);
    }
    buf_add_str(b, text);
}

void clip_text(const struct clip *c, struct buf *ret)
{
    size_t extra = c->tail.n > END_MAX ? c->tail.n - END_MAX : 0;
    add_valid(ret, buf_str(&c->head));
    if (c->left_out + extra)
        buf_addf(ret, "\n[%zu bytes left out here]\n", c->left_out + extra);
    add_valid(ret, str_sub(buf_str(&c->tail), extra, c->tail.n));
}

void tools_clip(str text, struct buf *ret)
{
    struct clip c;
    clip_init(&c);
    clip_add(&c, text);
    clip_text(&c, ret);
    clip_done(&c);
}

void add_lines(struct buf *b, str text, int64_t offset, int64_t limit)
{
    int64_t at = 0, shown = 0;
    str rest = text, line;
    size_t began = b->n;
    bool full = false;
    while (str_next(&rest, '\n', &line)) {
        if (!rest.n && !line.n && at)
            break; /* behind the last newline */
        if (++at < offset || shown >= limit || full)
            continue;
        full = b->n - began + line.n > TOOLS_TEXT_MAX;
        if (full && shown)
            continue;
        add_valid(b, str_sub(line, 0, line.n < TOOLS_TEXT_MAX ? line.n : TOOLS_TEXT_MAX));
        buf_add_byte(b, '\n');
        shown++;
    }
    if (offset > 1 || shown < at)
        buf_addf(b, "[%lld of %lld lines, from line %lld; give offset and limit to read others]\n",
                 (long long)shown, (long long)at, (long long)offset);
}
