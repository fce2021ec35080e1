/* overlay: a workspace whose first files are a read-only image, with what its steps write above it:
 *     DIR/image      the image (erofs/erofs.h)
 *     DIR/upper      what was written since; DIR/work is the kernel's
 *     DIR/workspace  where both are mounted as one, in the host's mount namespace: it stays when
 * the program is killed, as the files of other workspaces do. Takes root's rights. Blocks. Errors
 * are `workspace_mount`, and their hints say what the host lacks. */
#ifndef RUNNER_OVERLAY_H
#define RUNNER_OVERLAY_H
#include "diag/err.h"
#include <uv.h>

/* What a process knows of its host: tried by the first that asks, in a folder below the one that is
 * to have an image. Some milliseconds. */
struct overlay_trial {
    uv_mutex_t lock;
    bool made;
    struct err no; /* why it failed, if it was made and did; stays as it is then */
};
void overlay_trial_init(struct overlay_trial *t);
void overlay_trial_done(struct overlay_trial *t);
must_use bool overlay_is_possible(struct overlay_trial *t, const char *dir);

/* Of one workspace's filling. */
struct image_place {
    const char *dir; /* the workspace's, as DIR below */
    struct overlay_trial *trial;
    bool made;    /* the files are in DIR/image, and DIR/workspace is as it was */
    bool refused; /* they are many, and trial->no says why there is no image */
};
/* Whether so many files are to be an image. */
must_use bool overlay_is_wanted(struct image_place *p, size_t paths);

/* DIR/workspace, which nobody uses, becomes DIR/upper, and is a mount then. */
must_use bool overlay_begin(const char *dir, struct err *err);
/* Mounts it again where a restart of the host has ended the mount; nothing where DIR has no image,
 * or all is well. */
must_use bool overlay_go_on(const char *dir, struct err *err);
/* Harmless where nothing is mounted. */
void overlay_end(const char *dir);

#endif
