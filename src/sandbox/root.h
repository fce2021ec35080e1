/* root: the host's root cut down to what programs need, as a list of entries. A run's keeper builds
 * it once (space.c); for a step with another view, bwrap is told to build it (args.c). */
#ifndef SANDBOX_ROOT_H
#define SANDBOX_ROOT_H
#include "base/arena.h"
#include "base/vec.h"
#include "sandbox/sandbox_int.h"

enum root_kind { ROOT_FOLDER, ROOT_BIND, ROOT_LINK, ROOT_FILE };

struct root_entry {
    enum root_kind kind;
    const char *at;     /* in the new root, "/etc/passwd" */
    const char *source; /* the host's path of a bind, the target of a link */
    str bytes;          /* of a file */
};

struct root {
    struct arena arena;
    VEC(struct root_entry) entries;
};

/* What is absent on the host stays absent. network: with the files that name other hosts. */
void root_of_host(struct root *r, bool network);
void root_done(struct root *r);
/* host, a folder, file or link, becomes a bind of `seen` or the same link at `at`. */
void root_add_host(struct root *r, const char *host, const char *seen, const char *at);

/* Builds it read-only on a tmpfs at `top`, with the empty folders that a step's own mounts cover.
 * NULL, or what failed with errno set. Calls the kernel only: for a child that shares memory. */
IN_CHILD const char *root_build(const struct root *r, const char *top);

#endif
