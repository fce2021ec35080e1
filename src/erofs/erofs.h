/* erofs: a tree of files as one read-only image, which the kernel mounts: writing it costs a
 * fraction of making the files. Format: the kernel's filesystems/erofs, with blocks of 4 KiB,
 * uncompressed; the ends of files stand with their inodes.
 *
 * Several threads add at once, each through a part of its own. All files belong to one owner and
 * have one time, that of erofs_begin. Paths are relative, without empty, `.` and `..` elements; of
 * a path that comes twice the first is kept, in the order of the parts. Folders that are not said
 * have mode 0755.
 * Refuses: names of more than 255 bytes, images of more than 16 TiB.
 * Knows nothing of mounts. */
#ifndef EROFS_EROFS_H
#define EROFS_EROFS_H
#include "base/str.h"
#include "diag/err.h"
#include <sys/types.h>
#include <time.h>

struct erofs_image;
/* fd: an empty regular file, open for writing, the caller's. Errors are `image_write`. */
must_use bool erofs_begin(int fd, uid_t uid, gid_t gid, struct erofs_image **ret, struct err *err);
/* After all parts have ended; frees nothing. */
must_use bool erofs_end(struct erofs_image *image, struct err *err);
void erofs_free(struct erofs_image *image);
/* What stat says of each file's times. */
struct timespec erofs_time(const struct erofs_image *image);

/* ---- of one thread ---- */

struct erofs_part;
struct erofs_part *erofs_part_new(struct erofs_image *image);
/* mode: permissions. *ret_ino (may be NULL): what stat will say. */
must_use bool erofs_add_file(struct erofs_part *p, str path, unsigned mode, str bytes,
                             uint64_t *ret_ino, struct err *err);
/* The first `size` bytes from where fd stands, or as many as there are; blocks are shared where the
 * file system can. */
must_use bool erofs_copy_file(struct erofs_part *p, str path, unsigned mode, int fd, int64_t size,
                              struct err *err);
/* *ret_n 0: there are no more. */
typedef bool erofs_get_fn(void *user, void *p, size_t max, size_t *ret_n, struct err *err);
/* `size` bytes as get gives them; fewer are an error. */
must_use bool erofs_read_file(struct erofs_part *p, str path, unsigned mode, int64_t size,
                              erofs_get_fn *get, void *user, struct err *err);
must_use bool erofs_add_link(struct erofs_part *p, str path, str target, struct err *err);
must_use bool erofs_add_folder(struct erofs_part *p, str path, unsigned mode, struct err *err);
/* Frees it, written or not; its entries are the image's then. */
must_use bool erofs_part_end(struct erofs_part *p, struct err *err);

#endif
