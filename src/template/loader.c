#include "template/loader.h"
#include "base/fd.h"
#include "base/vec.h"
#include "template/parse.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct root {
    char *shown, *real;
    int fd; /* of the folder; -1: it cannot be held open */
};

struct loader {
    VEC(struct root) roots;
};

struct loader *loader_new(void)
{
    return mem_zalloc(sizeof(struct loader));
}

void loader_free(struct loader *l)
{
    if (!l)
        return;
    vec_each (r, &l->roots) {
        free(r->shown);
        free(r->real);
        fd_close(&r->fd);
    }
    vec_done(&l->roots);
    free(l);
}

bool loader_add_root(struct loader *l, const char *path, struct err *err)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real)
        return err_errno(err, "file_unreadable", errno, "%s cannot be opened", path);
    if (stat(real, &st) || !S_ISDIR(st.st_mode)) {
        free(real);
        return err_set(err, "file_unreadable", "%s is not a folder", path);
    }
    int fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    vec_push(&l->roots, (struct root){str_dup(str_of(path)), real, fd});
    return true;
}

/* "a//./b" is "a/b"; false: the name leads nowhere. */
static bool clean_name(str name, struct buf *b)
{
    str part;
    if (!name.n || memchr(name.p, '\0', name.n))
        return false;
    while (str_next(&name, '/', &part)) {
        if (str_eq(part, STR("..")))
            return false;
        if (!part.n || str_eq(part, STR(".")))
            continue;
        if (b->n)
            buf_add_byte(b, '/');
        buf_add_str(b, part);
    }
    return b->n > 0 && !b->overflow;
}

/* Where an open file really is, after all links. */
static bool is_inside(int fd, const char *root)
{
    char link[64], real[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, PATH_MAX);
    size_t length = strlen(root);
    if (n <= 0)
        return false;
    if (length == 1) /* "/" */
        return true;
    return (size_t)n > length && memcmp(real, root, length) == 0 && real[length] == '/';
}

enum { OPENING = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* The kernel finds it below the root, without leaving it on the way; -1: it must be looked for. */
static int open_below(const struct root *r, const char *name)
{
    struct open_how how = {.flags = OPENING, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return r->fd < 0 ? -1 : (int)syscall(SYS_openat2, r->fd, name, &how, sizeof how);
}

static void add_shown(struct buf *path, const struct root *r, str name)
{
    str folder = str_of(r->shown);
    if (folder.n && !str_eq(folder, STR("."))) {
        buf_add_str(path, folder);
        if (!str_ends(folder, STR("/")))
            buf_add_byte(path, '/');
    }
    buf_add_str(path, name);
}

static enum loader_outcome read_text(int fd, size_t size, str name, struct buf *text,
                                     struct err *err)
{
    int error = text ? fd_read_sized(fd, size, text) : 0;
    if (!error)
        return LOADER_FOUND;
    if (error == EFBIG)
        err_set(err, "file_too_large", "the template '%.*s' is larger than %d MiB", STR_ARG(name),
                TEMPLATE_MAX_SOURCE >> 20);
    else
        err_errno(err, "file_unreadable", error, "the template '%.*s' cannot be read",
                  STR_ARG(name));
    return LOADER_FAILED;
}

static struct template_stamp stamp_of(const struct stat *st)
{
    return (struct template_stamp){st->st_dev, st->st_ino, (uint64_t)st->st_size,
                                   (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
}

/* name ends with a NUL. */
static enum loader_outcome find_below(const struct root *r, str name, struct template_stamp *ret,
                                      struct buf *path, struct buf *text, struct err *err)
{
    struct stat st;
    auto_fd fd = open_below(r, name.p);
    bool inside = fd >= 0;
    if (!inside) { /* a link by an absolute path may still end inside */
        auto_buf full = BUF(PATH_MAX);
        buf_addf(&full, "%s/%.*s", r->real, STR_ARG(name));
        if (full.overflow)
            return LOADER_MISSING;
        fd = open(buf_c(&full), OPENING);
    }
    if (fd < 0 && (errno == EACCES || errno == EMFILE || errno == ENFILE)) {
        err_errno(err, "file_unreadable", errno, "the template '%.*s' cannot be read",
                  STR_ARG(name));
        return LOADER_FAILED;
    }
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !(inside || is_inside(fd, r->real)))
        return LOADER_MISSING;
    *ret = stamp_of(&st);
    add_shown(path, r, name);
    return read_text(fd, (size_t)st.st_size, name, text, err);
}

bool loader_is_same(struct loader *l, str name, const struct template_stamp *stamp)
{
    auto_buf clean = BUF(LOADER_MAX_NAME);
    struct stat st;
    if (!clean_name(name, &clean))
        return false;
    vec_each (r, &l->roots) {
        auto_buf full = BUF(PATH_MAX);
        buf_addf(&full, "%s/%s", r->real, buf_c(&clean));
        if (full.overflow || stat(buf_c(&full), &st))
            continue;
        struct template_stamp now = stamp_of(&st);
        return template_stamp_same(&now, stamp);
    }
    return false;
}

enum loader_outcome loader_find(struct loader *l, str name, struct template_stamp *ret,
                                struct buf *path, struct buf *text, struct err *err)
{
    auto_buf clean = BUF(LOADER_MAX_NAME);
    if (!clean_name(name, &clean))
        return LOADER_MISSING;
    vec_each (r, &l->roots) {
        enum loader_outcome outcome = find_below(r, buf_str(&clean), ret, path, text, err);
        if (outcome != LOADER_MISSING)
            return outcome;
    }
    return LOADER_MISSING;
}
