/* The user's files into an image (erofs/erofs.h). */
#include "runner/copy_int.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool image_begin(struct copy_job *job, int *ret_fd, struct err *err)
{
    const struct copy_request *r = job->request;
    auto_buf path = BUF(PATH_MAX - 1);
    buf_addf(&path, "%s/image", r->image->dir);
    *ret_fd = open(buf_c(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        return err_errno(err, "workspace_copy", errno, "cannot make %s", buf_c(&path));
    uid_t uid = r->owner.change ? r->owner.uid : geteuid();
    gid_t gid = r->owner.change ? r->owner.gid : getegid();
    return erofs_begin(*ret_fd, uid, gid, &job->image, err);
}

/* As it will stand in the workspace. */
static struct stat look(const struct copying *c, mode_t mode, uint64_t ino)
{
    const struct owner *o = &c->job->request->owner;
    struct timespec time = erofs_time(c->job->image);
    return (struct stat){.st_mode = S_IFREG | mode,
                         .st_ino = ino,
                         .st_uid = o->change ? o->uid : geteuid(),
                         .st_gid = o->change ? o->gid : getegid(),
                         .st_size = (off_t)c->small_n,
                         .st_mtim = time,
                         .st_ctim = time};
}

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
    struct stat made = look(c, mode, ino);
    return copy_give_seed(c, path, &made);
}
