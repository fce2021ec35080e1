#include "runner/image.h"
#include "pack/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* ---- the image ---- */

static uid_t user_of(const struct owner *o)
{
    return o->change ? o->uid : geteuid();
}

static gid_t group_of(const struct owner *o)
{
    return o->change ? o->gid : getegid();
}

bool image_create(const char *dir, const struct owner *owner, int *ret_fd, struct erofs_image **ret,
                  struct err *err)
{
    auto_buf path = BUF(PATH_MAX - 1);
    buf_addf(&path, "%s/image", dir);
    *ret_fd = open(buf_c(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        return err_errno(err, "workspace_copy", errno, "cannot make %s", buf_c(&path));
    return erofs_begin(*ret_fd, user_of(owner), group_of(owner), ret, err);
}

struct stat image_stat(const struct erofs_image *image, const struct owner *owner, mode_t mode,
                       uint64_t ino, size_t size)
{
    struct timespec time = erofs_time(image);
    return (struct stat){.st_mode = S_IFREG | mode,
                         .st_ino = ino,
                         .st_uid = user_of(owner),
                         .st_gid = group_of(owner),
                         .st_size = (off_t)size,
                         .st_mtim = time,
                         .st_ctim = time};
}

/* ---- one after the other ---- */

struct image_stream {
    struct image_request request;
    int fd;
    struct erofs_image *image; /* NULL until something is added */
    struct erofs_part *part;
    struct object object; /* for the seed */
    char small[SMALL_BYTES];
};

struct image_stream *image_stream_new(const struct image_request *r)
{
    struct image_stream *s = mem_zalloc(sizeof *s);
    s->request = *r;
    s->fd = -1;
    return s;
}

static bool begin(struct image_stream *s, struct err *err)
{
    const struct image_request *r = &s->request;
    if (s->part)
        return true;
    if (!image_create(r->place->dir, &r->owner, &s->fd, &s->image, err))
        return false;
    s->part = erofs_part_new(s->image);
    return true;
}

bool image_add_bytes(struct image_stream *s, str path, unsigned mode, str bytes, struct err *err)
{
    uint64_t ino;
    if (!begin(s, err) || !erofs_add_file(s->part, path, mode, bytes, &ino, err))
        return false;
    struct stat made = image_stat(s->image, &s->request.owner, mode, ino, bytes.n);
    return seed_take(s->request.seed, &s->object, path, &made, bytes);
}

bool image_add_file(struct image_stream *s, str path, unsigned mode, int64_t size,
                    erofs_get_fn *get, void *user, struct err *err)
{
    if (size >= SMALL_BYTES)
        return begin(s, err) && erofs_read_file(s->part, path, mode, size, get, user, err);
    size_t n = 0;
    for (size_t more = 1; more && n < (size_t)size; n += more)
        if (!get(user, s->small + n, (size_t)size - n, &more, err))
            return false;
    return image_add_bytes(s, path, mode, str_make(s->small, n), err);
}

bool image_add_link(struct image_stream *s, str path, str target, struct err *err)
{
    return begin(s, err) && erofs_add_link(s->part, path, target, err);
}

bool image_add_folder(struct image_stream *s, str path, unsigned mode, struct err *err)
{
    return begin(s, err) && erofs_add_folder(s->part, path, mode, err);
}

static bool end_part(struct image_stream *s, struct err *err)
{
    struct erofs_part *part = s->part;
    s->part = NULL;
    return erofs_part_end(part, err);
}

bool image_stream_end(struct image_stream *s, struct err *err)
{
    if (!s->part)
        return true;
    s->request.place->made = end_part(s, err) && erofs_end(s->image, err);
    return s->request.place->made;
}

void image_stream_free(struct image_stream *s)
{
    auto_err ignored = ERR_INIT;
    if (!s)
        return;
    if (s->part)
        (void)!end_part(s, &ignored);
    erofs_free(s->image);
    object_done(&s->object);
    fd_close(&s->fd);
    free(s);
}

/* ---- of a pack ---- */

static bool sink_wants(void *user, size_t before)
{
    struct image_stream *s = user;
    return s->part || overlay_is_wanted(s->request.place, before);
}

static bool sink_file(void *user, str path, unsigned mode, int64_t size, pack_get_fn *get,
                      void *from, struct err *err)
{
    return image_add_file(user, path, mode & 0777, size, get, from, err);
}

static bool sink_link(void *user, str path, str target, struct err *err)
{
    return image_add_link(user, path, target, err);
}

struct pack_sink image_as_sink(struct image_stream *s)
{
    return (struct pack_sink){sink_wants, sink_file, sink_link, s};
}
