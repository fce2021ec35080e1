#include "diag/err.h"

void err_done(struct err *e)
{
    if (e->cause) {
        err_done(e->cause);
        free(e->cause);
    }
    free(e->frames);
    arena_done(&e->arena);
    *e = (struct err)ERR_INIT;
}

void err_reset(struct err *e)
{
    err_done(e);
}

static void err_put(struct err *e, const char *code, pos at, const char *fmt, va_list args)
    printf_like(4, 0);
static void err_put(struct err *e, const char *code, pos at, const char *fmt, va_list args)
{
    if (e->code)
        return;
    e->code = code;
    e->at = at;
    e->message = arena_vprintf(&e->arena, fmt, args);
}

bool err_set(struct err *e, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err_put(e, code, POS_NONE, fmt, args);
    va_end(args);
    return false;
}

bool err_at(struct err *e, const char *code, pos at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err_put(e, code, at, fmt, args);
    va_end(args);
    return false;
}

bool err_errno(struct err *e, const char *code, int errnum, const char *fmt, ...)
{
    va_list args;
    if (e->code)
        return false;
    va_start(args, fmt);
    str text = arena_vprintf(&e->arena, fmt, args);
    va_end(args);
    e->code = code;
    e->message = arena_printf(&e->arena, "%.*s: %s", STR_ARG(text), strerror(errnum));
    return false;
}

void err_in_file(struct err *e, str path, uint32_t line, uint32_t column)
{
    if (e->file.n)
        return;
    e->file = arena_str(&e->arena, path);
    e->line = line;
    e->column = column;
}

void err_hint(struct err *e, const char *fmt, ...)
{
    va_list args;
    if (e->hint.n)
        return;
    va_start(args, fmt);
    e->hint = arena_vprintf(&e->arena, fmt, args);
    va_end(args);
}

void err_add_frame(struct err *e, pos at, str name)
{
    e->frames = mem_realloc_array(e->frames, e->frame_count + 1, sizeof *e->frames);
    e->frames[e->frame_count++] = (struct err_frame){at, arena_str(&e->arena, name)};
}

bool err_wrap(struct err *e, const char *code, const char *fmt, ...)
{
    struct err *inner = mem_alloc(sizeof *inner);
    va_list args;

    *inner = *e;
    *e = (struct err)ERR_INIT;
    if (inner->code)
        e->cause = inner;
    else
        free(inner);
    va_start(args, fmt);
    err_put(e, code, POS_NONE, fmt, args);
    va_end(args);
    return false;
}

void err_move(struct err *to, struct err *from)
{
    err_done(to);
    *to = *from;
    *from = (struct err)ERR_INIT;
}

void err_list_done(struct err_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        err_done(&l->at[i]);
    free(l->at);
    *l = (struct err_list){.max = l->max};
}

enum { ERR_LIST_DEFAULT_MAX = 100 };

struct err *err_list_add(struct err_list *l)
{
    size_t max = l->max ? l->max : ERR_LIST_DEFAULT_MAX;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->at = mem_realloc_array(l->at, l->cap, sizeof *l->at);
    }
    /* Past the maximum one spare slot takes every further error. */
    if (l->n > max) {
        l->dropped++;
        err_done(&l->at[l->n - 1]);
        l->n--;
    }
    l->at[l->n] = (struct err)ERR_INIT;
    return &l->at[l->n++];
}
