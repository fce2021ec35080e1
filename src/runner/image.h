/* image: the files of a workspace in one image beside it (DIR/image, erofs/erofs.h), in place of
 * files in its folder; DIR/workspace is mounted above it afterwards (overlay.h). Paths are the
 * caller's to check: relative, without empty, `.` and `..` elements. Blocks. */
#ifndef RUNNER_IMAGE_H
#define RUNNER_IMAGE_H
#include "erofs/erofs.h"
#include "runner/local_int.h"
#include "runner/seed.h"
#include <sys/stat.h>

enum { SMALL_BYTES = 32 << 10 }; /* a file of less is read whole, and goes to the seed */

/* Empty; the caller closes it. */
must_use bool image_create(const char *dir, const struct owner *owner, int *ret_fd,
                           struct erofs_image **ret, struct err *err);
/* As a file of it stands in the workspace once that is mounted. */
struct stat image_stat(const struct erofs_image *image, const struct owner *owner, mode_t mode,
                       uint64_t ino, size_t size);

/* ---- files that come one after the other: of a commit, of a snapshot ---- */

struct image_request {
    struct image_place *place;
    struct owner owner;
    struct seeding *seed; /* small files are given to it; its err must be that of the calls */
};
struct image_stream;
/* Nothing is made before something is added. Copies *r; keeps what it names. */
struct image_stream *image_stream_new(const struct image_request *r);
must_use bool image_add_bytes(struct image_stream *s, str path, unsigned mode, str bytes,
                              struct err *err);
/* Takes `size` bytes from get. */
must_use bool image_add_file(struct image_stream *s, str path, unsigned mode, int64_t size,
                             erofs_get_fn *get, void *user, struct err *err);
must_use bool image_add_link(struct image_stream *s, str path, str target, struct err *err);
must_use bool image_add_folder(struct image_stream *s, str path, unsigned mode, struct err *err);
/* The place is made then, if something was added. */
must_use bool image_stream_end(struct image_stream *s, struct err *err);
void image_stream_free(struct image_stream *s);
/* Files and links of a pack, from the one on that makes them many. Folders are made in the
 * workspace's own, which are one with the image's. */
struct pack_sink image_as_sink(struct image_stream *s);

#endif
