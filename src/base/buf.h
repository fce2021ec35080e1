/* buf: a growing run of bytes with a maximum chosen when it is made.
 * Past the maximum nothing more is added and `overflow` stays set: check it once, at the end.
 * The contents are always followed by a NUL that is not counted. */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include "base/str.h"
#include <stdarg.h>
#include <stdint.h>

struct buf {
    char *p; /* owned; NULL while empty */
    size_t n, cap, max;
    bool overflow;
};

#define BUF(limit) ((struct buf){.max = (limit)})
enum { BUF_TEXT_MAX = 64 << 20 }; /* for text whose size something else bounds already */

void buf_done(struct buf *b);
#define auto_buf cleanup(buf_done) struct buf

/* Empties, keeps the memory and the maximum, forgets an overflow. */
void buf_reset(struct buf *b);
/* Room for n more bytes at the end, not yet counted; NULL (and overflow) past the maximum. */
char *buf_reserve(struct buf *b, size_t n);
static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    char *to =
        n < b->cap - b->n && n <= b->max - b->n && !b->overflow ? b->p + b->n : buf_reserve(b, n);
    if (!to)
        return;
    if (n)
        memcpy(to, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}
static inline void buf_add_str(struct buf *b, str s)
{
    buf_add(b, s.p, s.n);
}
void buf_add_c(struct buf *b, const char *text);
static inline void buf_add_byte(struct buf *b, char c)
{
    if (b->n + 1 >= b->cap || b->n >= b->max || b->overflow) {
        buf_add(b, &c, 1);
        return;
    }
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}
void buf_add_repeat(struct buf *b, char c, size_t n);
void buf_add_int(struct buf *b, int64_t i);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_addv(struct buf *b, const char *fmt, va_list args) printf_like(2, 0);
/* Removes bytes [from, from + n). */
void buf_cut(struct buf *b, size_t from, size_t n);

static inline str buf_str(const struct buf *b)
{
    return (str){b->p ? b->p : "", b->n};
}
/* NUL-terminated contents, borrowed until the next change. */
static inline const char *buf_c(const struct buf *b)
{
    return b->p ? b->p : "";
}
/* Moves the contents out, NUL-terminated, the caller's to free; the buf is empty afterwards. */
char *buf_take(struct buf *b, size_t *ret_n);

#endif
