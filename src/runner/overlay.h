/* overlay: a workspace whose first files are a read-only image, with what its steps write above it:
 *     DIR/image      the image (erofs/erofs.h)
 *     DIR/upper      what was written since; DIR/work is the kernel's
 *     DIR/workspace  where both are mounted as one, in the host's mount namespace: it stays when
 * the program is killed, as the files of other workspaces do Takes root's rights. Blocks. */
#ifndef RUNNER_OVERLAY_H
#define RUNNER_OVERLAY_H
#include "diag/err.h"
#include <stdatomic.h>

/* Whether this host and the file system that dir is on can do it: tried in a folder of its own
 * below dir, unless *known says it already (0 it does not). Some milliseconds. */
must_use bool overlay_is_possible(const char *dir, atomic_int *known);
/* DIR/workspace, which nobody uses, becomes DIR/upper, and is a mount then. */
must_use bool overlay_begin(const char *dir, struct err *err);
/* Mounts it again where a restart of the host has ended the mount; nothing where DIR has no image,
 * or all is well. False with errno. */
must_use bool overlay_go_on(const char *dir);
/* Harmless where nothing is mounted. */
void overlay_end(const char *dir);

#endif
