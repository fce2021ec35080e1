#include "diag/err.h"
#include "base/utf8.h"

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

/* What a message quotes may have been cut within a character, or be no text at all: each run of
 * such bytes becomes one U+FFFD, so that whoever prints the message prints text. */
static str as_text(struct arena *a, str s)
{
    static const str unknown = {"\xEF\xBF\xBD", 3};
    size_t bad = utf8_invalid_at(s), n = 0;
    if (bad == SIZE_MAX)
        return s;
    char *text = arena_alloc(a, s.n * unknown.n + 1);
    for (; (bad = utf8_invalid_at(s)) != SIZE_MAX; s = str_sub(s, bad + 1, s.n)) {
        bool follows =
            bad == 0 && n >= unknown.n && memcmp(text + n - unknown.n, unknown.p, unknown.n) == 0;
        memcpy(text + n, s.p, bad);
        n += bad;
        if (!follows)
            memcpy(text + n, unknown.p, unknown.n);
        n += follows ? 0 : unknown.n;
    }
    memcpy(text + n, s.p, s.n);
    text[n + s.n] = '\0';
    return str_make(text, n + s.n);
}

static void err_put(struct err *e, const char *code, pos at, const char *fmt, va_list args)
    printf_like(4, 0);
static void err_put(struct err *e, const char *code, pos at, const char *fmt, va_list args)
{
    if (e->code)
        return;
    e->code = code;
    e->at = at;
    e->message = as_text(&e->arena, arena_vprintf(&e->arena, fmt, args));
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
    text = as_text(&e->arena, text);
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
    e->hint = as_text(&e->arena, arena_vprintf(&e->arena, fmt, args));
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
