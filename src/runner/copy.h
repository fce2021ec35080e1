/* copy: fills the empty folder of a workspace from the user's, or, where they are many, makes an
 * image of the user's files instead. Blocks; by several threads where there is enough to do. */
#ifndef RUNNER_COPY_H
#define RUNNER_COPY_H
#include "runner/local_int.h"
#include "runner/overlay.h"

struct seeding;
struct copy_request {
    const char *from, *to;
    const char *left_out; /* absolute, without links: a data directory in the user's folder is none
                             of a run's files */
    struct owner owner;
    struct copy_progress *progress; /* may be NULL */
    struct seeding *seed;           /* small files are given to it; its err must be copy_tree's */
    struct image_place *image;
};
must_use bool copy_tree(const struct copy_request *r, struct source_notes *notes, struct err *err);

#endif
