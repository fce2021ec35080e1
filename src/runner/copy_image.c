/* The user's files into an image (image.h). */
#include "runner/copy_int.h"
#include <errno.h>
#include <unistd.h>

bool image_take_file(struct copying *c, const char *path, int from, const struct stat *st)
{
    mode_t mode = (st->st_mode & 0777) | 0600;
    uint64_t ino;
    int e = st->st_size < SMALL_BYTES ? copy_read_small(c, from) : 0;
    if (e)
        return copy_fail(c, path, e, "read");
    if (st->st_size >= SMALL_BYTES || c->small_n == SIZE_MAX) {
        c->small_n = SIZE_MAX;
        return (lseek(from, 0, SEEK_SET) == 0 || copy_fail(c, path, errno, "read")) &&
               erofs_copy_file(c->part, str_of(path), mode, from, st->st_size, &c->err);
    }
    if (!erofs_add_file(c->part, str_of(path), mode, str_make(c->small, c->small_n), &ino, &c->err))
        return false;
    struct stat made = image_stat(c->job->image, &c->job->request->owner, mode, ino, c->small_n);
    return copy_give_seed(c, path, &made);
}
