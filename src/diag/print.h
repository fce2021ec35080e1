/* print: an err as text for people. The one printer; JSON is written from the same struct. */
#ifndef DIAG_PRINT_H
#define DIAG_PRINT_H
#include "base/buf.h"
#include "diag/err.h"

struct diag_style {
    bool color;
    const char *severity; /* "error" by default, "warning" */
};

/* path:line:column: error: message, the source line with carets, the hint, parents, causes.
 * s may be NULL where no sources exist. */
void diag_add_err(struct buf *b, struct sources *s, const struct err *e,
                  const struct diag_style *style);
/* The numbered source line with carets under [offset, offset + length). */
void diag_add_excerpt(struct buf *b, struct sources *s, pos at, bool color);

#endif
