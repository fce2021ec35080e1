#include "cli/screen.h"
#include "base/utf8.h"
#include <sys/ioctl.h>
#include <utf8proc.h>

enum { WIDTH_DEFAULT = 100, HEIGHT_DEFAULT = 30, WIDTH_MIN = 20, HEIGHT_MIN = 5, TAB = 8 };

struct screen_size screen_size_of(int fd)
{
    struct winsize w = {0};
    struct screen_size size = {WIDTH_DEFAULT, HEIGHT_DEFAULT};
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row)
        size = (struct screen_size){w.ws_col, w.ws_row};
    if (size.width < WIDTH_MIN)
        size.width = WIDTH_MIN;
    if (size.height < HEIGHT_MIN)
        size.height = HEIGHT_MIN;
    return size;
}

/* Length of the escape sequence at the start of s; *ret_color: it is CSI ... m. */
static size_t escape_length(str s, bool *ret_color)
{
    *ret_color = false;
    if (s.n < 2)
        return 1;
    if (s.p[1] == ']') { /* OSC: to BEL or ESC \ */
        for (size_t i = 2; i < s.n; i++)
            if (s.p[i] == '\a' || (s.p[i] == '\\' && s.p[i - 1] == '\x1b'))
                return i + 1;
        return s.n;
    }
    if (s.p[1] != '[')
        return 2;
    bool plain = true;
    for (size_t i = 2; i < s.n; i++) {
        if (s.p[i] >= 0x40 && s.p[i] <= 0x7e) {
            *ret_color = plain && s.p[i] == 'm';
            return i + 1;
        }
        plain &= (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == ';' || s.p[i] == ':';
    }
    return s.n;
}

static bool overrides_direction(uint32_t cp)
{
    return (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* Bytes at the start of s that are a column each. */
static size_t plain_length(str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f)
        n++;
    return n;
}

size_t screen_add(struct buf *b, str s, size_t width, bool colors)
{
    size_t used = 0;
    bool colored = false;
    if (utf8_invalid_at(s) != SIZE_MAX)
        s = str_sub(s, 0, utf8_invalid_at(s));
    for (size_t at = 0; at < s.n;) {
        size_t plain = plain_length(str_sub(s, at, s.n));
        size_t fits = plain < width - used ? plain : width - used;
        buf_add(b, s.p + at, fits);
        used += fits;
        at += fits;
        if (fits < plain || at == s.n)
            break;
        if (s.p[at] == '\x1b') {
            bool color;
            size_t n = escape_length(str_sub(s, at, s.n), &color);
            if (color && colors)
                buf_add(b, s.p + at, n);
            colored |= color && colors;
            at += n;
            continue;
        }
        size_t from = at;
        uint32_t cp = utf8_next(s, &at);
        int wide = cp == '\t' ? TAB - (int)(used % TAB) : utf8proc_charwidth((utf8proc_int32_t)cp);
        if (cp != '\t' && (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || overrides_direction(cp)))
            continue;
        if (wide > 0 && used + (size_t)wide > width)
            break;
        used += wide > 0 ? (size_t)wide : 0;
        if (cp == '\t')
            buf_add_repeat(b, ' ', (size_t)wide);
        else
            buf_add(b, s.p + from, at - from);
    }
    if (colored)
        buf_add_c(b, "\x1b[0m");
    return used;
}

size_t screen_add_id(struct buf *b, str id, size_t width)
{
    size_t tail = width / 2, head = width - tail - 1;
    if (id.n <= width || width < 5) /* ids are ASCII: a byte is a column */
        return screen_add(b, id, width, false);
    screen_add(b, str_sub(id, 0, head), head, false);
    buf_add_c(b, "…");
    screen_add(b, str_sub(id, id.n - tail, id.n), tail, false);
    return width;
}
