#include "base/arena.h"
#include <stdio.h>

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the whole block */
    _Alignas(16) char data[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 4 << 20 };

void arena_done(struct arena *a)
{
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){0};
}

void *arena_grow(struct arena *a, size_t n)
{
    struct arena_block *b;
    size_t size = a->blocks ? a->blocks->size * 2 : FIRST_BLOCK;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < sizeof *b + n)
        size = sizeof *b + n;
    b = mem_alloc_pages(size);
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    a->at = b->data + n;
    a->end = (char *)b + size;
    a->used += n;
    return memset(b->data, 0, n);
}

str arena_str(struct arena *a, str s)
{
    char *p = arena_take(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (str){p, s.n};
}

const char *arena_cstr(struct arena *a, str s)
{
    return arena_str(a, s).p;
}

str arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
    char few[128]; /* most texts: they are made once then */
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(few, sizeof few, fmt, again);
    va_end(again);
    if (n < 0)
        return STR("");
    if ((size_t)n < sizeof few)
        return arena_str(a, str_make(few, (size_t)n));
    char *p = arena_take(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    return (str){p, (size_t)n};
}

str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str s = arena_vprintf(a, fmt, args);
    va_end(args);
    return s;
}
