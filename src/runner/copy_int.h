/* copy_int: what walks the source (copy.c) and what takes its entries (copy_folder.c, copy_image.c)
 * share. */
#ifndef RUNNER_COPY_INT_H
#define RUNNER_COPY_INT_H
#include "runner/copy.h"
#include "runner/image.h"
#include "runner/local_int.h"
#include "runner/seed.h"
#include <limits.h>
#include <sys/stat.h>

/* What the threads share. */
struct copy_job {
    const struct copy_request *request;
    int from, to;
    str left_out; /* relative to the source; empty: nothing is */
    atomic_llong bytes;
    atomic_bool failed;        /* one of them has: the others stop */
    struct erofs_image *image; /* NULL: the files go to the folder */
};

struct copying { /* of one thread */
    struct copy_job *job;
    str list;
    bool listed; /* the entry was named by git, not found in a folder */
    /* The folder of the last entry, so that the next one does not walk to it again. */
    char parent[PATH_MAX];
    int from, to;
    struct erofs_part *part;
    struct source_notes notes;
    bool stopped; /* by another's failure */
    struct err err;
    struct object object; /* for the seed */
    size_t small_n;       /* the last file's bytes, if all of them stand in: */
    char small[SMALL_BYTES];
};

/* With errno. */
bool copy_fail(struct copying *c, const char *path, int errnum, const char *what);
const char *copy_own_name(const char *path);
/* The small file's bytes into c->small. 0 or an errno. */
int copy_read_small(struct copying *c, int fd);
/* What was read to the seed, if there is one. */
bool copy_give_seed(struct copying *c, const char *path, const struct stat *st);

/* Into job->to; c->to is the folder of the path, once entered. */
bool folder_enter(struct copying *c, const char *folder);
bool folder_take_file(struct copying *c, const char *path, int from, const struct stat *st);
bool folder_take_link(struct copying *c, const char *path, const char *target);
bool folder_take_folder(struct copying *c, const char *path);

/* Into job->image. */
bool image_take_file(struct copying *c, const char *path, int from, const struct stat *st);

#endif
