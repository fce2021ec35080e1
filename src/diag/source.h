/* source: the texts that positions point into.
 * A position is a source id and a byte offset; line and column are computed only for printing.
 * A source that was made from a part of another one knows that place (a prompt's body, an
 * expression inside a workflow), so that an error can be followed outwards. */
#ifndef DIAG_SOURCE_H
#define DIAG_SOURCE_H
#include "base/arena.h"

/* offset .. offset + length are the bytes a caret underlines; source 0 is "no place". */
typedef struct pos {
    uint32_t source;
    uint32_t offset;
    uint32_t length;
} pos;

#define POS_NONE ((pos){0, 0, 0})

struct source {
    str path; /* as it is shown to the user, relative to the repository */
    str text;
    pos parent;      /* where this text stands in another source, or POS_NONE */
    uint32_t *lines; /* offset of the first byte of each line; made on first use */
    uint32_t line_count;
};

/* The sources of one evaluation; ids count from 1. */
struct sources {
    struct source *at;
    uint32_t n, cap;
    struct arena arena; /* owns paths, texts and line tables */
};

#define SOURCES_INIT \
    {                \
        0            \
    }
void sources_done(struct sources *s);
/* Copies path and text; returns the id. Texts are at most 1 GiB (checked by the readers). */
uint32_t sources_add(struct sources *s, str path, str text, pos parent);
struct source *sources_get(struct sources *s, uint32_t id);

struct place {
    str path;
    uint32_t line, column; /* from 1; the column counts code points */
    str line_text;         /* without the newline */
};
/* False for POS_NONE. The strs are borrowed from the sources. */
bool sources_place(struct sources *s, pos at, struct place *ret_place);

#endif
