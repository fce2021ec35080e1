/* arena: memory that ends together. Blocks grow geometrically; nothing is freed alone.
 * Every arena is named by the life it serves (source, eval, plan, run, request) and passed. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/str.h"
#include <stdarg.h>
#include <stdint.h>

struct arena_block;
struct arena {
    char *at, *end;
    struct arena_block *blocks;
    size_t used; /* bytes handed out, for accounting */
};

#define ARENA_INIT \
    {              \
        0          \
    }
void arena_done(struct arena *a);
#define auto_arena cleanup(arena_done) struct arena

void *arena_grow(struct arena *a, size_t n);

/* Zeroed, aligned to 16; of no bytes any pointer, NULL too. */
static inline void *arena_alloc(struct arena *a, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    if (!n)
        return a->at;
    if ((size_t)(a->end - a->at) < n)
        return arena_grow(a, n);
    void *p = a->at;
    a->at += n;
    a->used += n;
    return memset(p, 0, n);
}
/* The same, but what it holds is the caller's to fill. */
static inline void *arena_take(struct arena *a, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    if ((size_t)(a->end - a->at) < n)
        return arena_grow(a, n);
    void *p = a->at;
    a->at = n ? a->at + n : a->at;
    a->used += n;
    return p;
}
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
/* n zeroed elements; n must be bounded by the caller. */
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* Copies, NUL-terminated behind the end. */
str arena_str(struct arena *a, str s);
const char *arena_cstr(struct arena *a, str s);
str arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
str arena_vprintf(struct arena *a, const char *fmt, va_list args) printf_like(2, 0);

#endif
