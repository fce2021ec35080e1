/* Files are cloned where the file system can share blocks and copied otherwise, never linked: what
 * a step writes stays the step's. */
#include "runner/copy_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

static bool give(struct copying *c, int dir, const char *name, const char *path)
{
    const struct owner *o = &c->job->request->owner;
    if (o->change && fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_fail(c, path, errno, "hand over the copy of");
    return true;
}

/* ---- files ---- */

/* Sharing blocks is worth its calls for large files only. */
static int copy_bytes(struct copying *c, int from, int to, int64_t size)
{
    c->small_n = SIZE_MAX;
    if (size < SMALL_BYTES) {
        int e = copy_read_small(c, from);
        if (e || c->small_n != SIZE_MAX)
            return e ? e : fd_write_all(to, c->small, c->small_n);
        if (lseek(from, 0, SEEK_SET) < 0) /* it has grown meanwhile */
            return errno;
    } else if (ioctl(to, FICLONE, from) == 0) {
        return 0;
    }
    for (;;) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, CHUNK, 0);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            break;
    }
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return errno;
    /* Neither between these file systems: nothing was copied yet, or all of it is behind us. */
    auto_free char *chunk = mem_alloc(CHUNK);
    for (ssize_t n; (n = read(from, chunk, CHUNK)) != 0;) {
        int e = n > 0 ? fd_write_all(to, chunk, (size_t)n) : errno;
        if (e && e != EINTR)
            return e;
    }
    return 0;
}

/* The owner and the mode that it is to have, and then the seed, if it takes it. 0 or an errno. */
static int finish(struct copying *c, const char *path, int fd, mode_t mode)
{
    const struct owner *o = &c->job->request->owner;
    struct stat st;
    if ((o->change && fchown(fd, o->uid, o->gid) < 0) || fstat(fd, &st) < 0)
        return errno;
    /* It was made with this mode, less what the process masks. */
    if ((st.st_mode & 07777) != mode && (fchmod(fd, mode) < 0 || fstat(fd, &st) < 0))
        return errno;
    (void)copy_give_seed(c, path, &st); /* which has said why it did not */
    return 0;
}

bool folder_take_file(struct copying *c, const char *path, int from, const struct stat *st)
{
    const char *name = copy_own_name(path);
    mode_t mode = (st->st_mode & 0777) | 0600;
    auto_fd to = openat(c->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (to < 0)
        return copy_fail(c, path, errno, "copy");
    int e = copy_bytes(c, from, to, st->st_size);
    if (!e)
        e = finish(c, path, to, mode);
    return e ? copy_fail(c, path, e, "copy") : !c->stopped;
}

/* ---- links and folders ---- */

bool folder_take_link(struct copying *c, const char *path, const char *target)
{
    if (symlinkat(target, c->to, copy_own_name(path)) < 0)
        return copy_fail(c, path, errno, "copy the link");
    return give(c, c->to, copy_own_name(path), path);
}

static bool make_dir(struct copying *c, int dir, const char *name, const char *path)
{
    if (mkdirat(dir, name, 0755) < 0)
        return errno == EEXIST || copy_fail(c, path, errno, "make the folder");
    return give(c, dir, name, path);
}

bool folder_take_folder(struct copying *c, const char *path)
{
    return make_dir(c, c->to, copy_own_name(path), path);
}

static bool make_parents(struct copying *c)
{
    for (size_t i = 1;; i++) {
        char at = c->parent[i];
        if (at != '/' && at != '\0')
            continue;
        c->parent[i] = '\0';
        bool made = make_dir(c, c->job->to, c->parent, c->parent);
        c->parent[i] = at;
        if (!made || !at)
            return made;
    }
}

bool folder_enter(struct copying *c, const char *folder)
{
    fd_close(&c->to);
    if (*c->parent && !make_parents(c))
        return false;
    c->to = openat(c->job->to, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return c->to >= 0 || copy_fail(c, c->parent, errno, "open the folder");
}
