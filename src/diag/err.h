/* err: what went wrong, where, and how to mend it; one shape for CLI, API and log.
 * First error wins: setting a set err does nothing but keep the first. Nothing here prints to a
 * terminal or ends the process.
 * The codes are lower_snake_case words listed in docs/errors.md. */
#ifndef DIAG_ERR_H
#define DIAG_ERR_H
#include "diag/source.h"

struct err_frame { /* one call of a traceback, outermost first */
    pos at;
    str name; /* "<module>", or the function */
};

struct err {
    const char *code; /* static text; NULL while no error is set */
    pos at;
    str message; /* these live in the arena */
    str hint;    /* empty where there is none */
    struct err *cause;
    struct err_frame *frames;
    size_t frame_count;
    str file;              /* where no source is loaded: a path outside of sources, or empty */
    uint32_t line, column; /* belong to file; 0 where unknown */
    struct arena arena;
};

#define ERR_INIT \
    {            \
        0        \
    }
void err_done(struct err *e);
#define auto_err cleanup(err_done) struct err
/* Forgets the error and keeps the struct usable. */
void err_reset(struct err *e);
static inline bool err_is_set(const struct err *e)
{
    return e->code != NULL;
}

/* All return false, so that a failing function can `return err_set(...)`. */
bool err_set(struct err *e, const char *code, const char *fmt, ...) printf_like(3, 4);
bool err_at(struct err *e, const char *code, pos at, const char *fmt, ...) printf_like(4, 5);
/* Adds "strerror(errnum)" to the message. */
bool err_errno(struct err *e, const char *code, int errnum, const char *fmt, ...) printf_like(4, 5);
/* A place in a file that is not in any `struct sources`. */
void err_in_file(struct err *e, str path, uint32_t line, uint32_t column);
/* Only sets a hint where there is none yet. */
void err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3);
void err_add_frame(struct err *e, pos at, str name);
/* Makes the present error the cause of a new one. */
bool err_wrap(struct err *e, const char *code, const char *fmt, ...) printf_like(3, 4);
/* Moves *from into *to (which must not be set); *from is empty afterwards. */
void err_move(struct err *to, struct err *from);

/* Several errors of one file or run, in the order found. */
struct err_list {
    struct err *at;
    size_t n, cap;
    size_t max; /* further ones are counted in `dropped` only; 0 means 100 */
    size_t dropped;
};
void err_list_done(struct err_list *l);
/* A new, unset err to fill at once. Borrowed until the next call. */
struct err *err_list_add(struct err_list *l);

#endif
