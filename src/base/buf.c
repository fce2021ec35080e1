#include "base/buf.h"
#include "base/num.h"
#include <stdio.h>

void buf_done(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->overflow = false;
    if (b->p)
        b->p[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->overflow || n > b->max || b->n > b->max - n) {
        b->overflow = true;
        return NULL;
    }
    size_t want = b->n + n + 1;
    if (want > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        if (cap < want)
            cap = want;
        b->p = mem_realloc(b->p, cap);
        b->p[b->n] = '\0'; /* also where nothing comes of the room */
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add_c(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_repeat(struct buf *b, char c, size_t n)
{
    char *to = buf_reserve(b, n);
    if (!to)
        return;
    memset(to, c, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_add_int(struct buf *b, int64_t i)
{
    char room[NUM_INT_ROOM];
    buf_add_str(b, num_int_text(room, i));
}

void buf_addv(struct buf *b, const char *fmt, va_list args)
{
    char few[128]; /* most texts: they are made once then */
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(few, sizeof few, fmt, again);
    va_end(again);
    if (n >= 0 && (size_t)n < sizeof few) {
        buf_add(b, few, (size_t)n);
        return;
    }
    char *to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (!to)
        return;
    vsnprintf(to, (size_t)n + 1, fmt, args);
    b->n += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_addv(b, fmt, args);
    va_end(args);
}

void buf_cut(struct buf *b, size_t from, size_t n)
{
    if (from >= b->n)
        return;
    if (n > b->n - from)
        n = b->n - from;
    memmove(b->p + from, b->p + from + n, b->n - from - n);
    b->n -= n;
    b->p[b->n] = '\0';
}

char *buf_take(struct buf *b, size_t *ret_n)
{
    char *p = b->p ? b->p : mem_dup("", 0);
    if (ret_n)
        *ret_n = b->n;
    *b = (struct buf){.max = b->max};
    return p;
}
