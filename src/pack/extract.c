#include "base/buf.h"
#include "base/fd.h"
#include "pack/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, HEAD_MAX = 100 };

struct extraction {
    const struct pack_target *target;
    pack_get_fn *get;
    void *user;
    char chunk[CHUNK];
    size_t at, n;  /* of the chunk */
    size_t landed; /* files and links */
    int64_t left;  /* of the file that goes to the sink */
    struct pack_count count;
    struct err *err;
};

static bool damaged(struct extraction *x)
{
    err_set(x->err, "pack_damaged", "what was kept is damaged or was cut");
    err_hint(x->err, "remove it and let a run make it again");
    return false;
}

static bool fill(struct extraction *x)
{
    if (x->at < x->n)
        return true;
    x->at = 0;
    return x->get(x->user, x->chunk, CHUNK, &x->n, x->err) && (x->n > 0 || damaged(x));
}

static bool take(struct extraction *x, char *to, size_t n)
{
    while (n) {
        if (!fill(x))
            return false;
        size_t part = x->n - x->at < n ? x->n - x->at : n;
        memcpy(to, x->chunk + x->at, part);
        x->at += part;
        to += part;
        n -= part;
    }
    return true;
}

static bool take_line(struct extraction *x, char line[HEAD_MAX])
{
    for (size_t i = 0; i < HEAD_MAX; i++) {
        if (!take(x, line + i, 1))
            return false;
        if (line[i] == '\n') {
            line[i] = '\0';
            return true;
        }
    }
    return damaged(x);
}

/* ---- paths ---- */

static bool path_is_safe(const struct extraction *x, str path)
{
    str rest = path, part;
    bool first = true;
    if (!path.n || path.p[0] == '/' || path.p[path.n - 1] == '/' || memchr(path.p, '\0', path.n))
        return false;
    for (; str_next(&rest, '/', &part); first = false)
        if (!part.n || str_is(part, ".") || str_is(part, "..") ||
            (first && !x->target->snapshot && str_is(part, ".git")))
            return false;
    return true;
}

bool pack_link_stays_inside(str path, str target)
{
    long depth = 0;
    str part;
    if (!target.n || target.p[0] == '/' || memchr(target.p, '\0', target.n))
        return false;
    for (size_t i = 0; i < path.n; i++)
        depth += path.p[i] == '/';
    while (str_next(&target, '/', &part)) {
        if (str_is(part, ".."))
            depth--;
        else if (part.n && !str_is(part, "."))
            depth++;
        if (depth < 0)
            return false;
    }
    return true;
}

static bool fail(struct extraction *x, int errnum, const char *path)
{
    if (errnum == ELOOP || errnum == EXDEV) {
        err_set(x->err, "path_outside", "'%s' would be written through a link", path);
        err_hint(x->err, "remove the link, or keep other paths");
        return false;
    }
    if (errnum == EEXIST && !x->target->replace) {
        err_set(x->err, "file_exists", "'%s' is there already", path);
        err_hint(x->err, "choose an empty folder with --dir");
        return false;
    }
    return err_errno(x->err, "file_access", errnum, "cannot write '%s'", path);
}

static int open_folder(int folder, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd;
    do
        fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

/* The folder that holds path, made where it is missing, never through a link. */
static int open_parent(struct extraction *x, char *path, const char **ret_name)
{
    const struct pack_target *t = x->target;
    auto_fd at = open_folder(t->folder, ".");
    char *name = path;
    for (char *slash; at >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        *slash = '\0';
        int next = open_folder(at, name);
        if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0) {
            if (t->give && fchownat(at, name, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -1;
            next = open_folder(at, name);
        }
        *slash = '/';
        int e = errno;
        fd_close(&at);
        errno = e;
        at = next;
    }
    *ret_name = name;
    return fd_steal(&at);
}

/* ---- what a sink takes ---- */

static bool is_sunk(struct extraction *x)
{
    const struct pack_sink *k = x->target->sink;
    return k && k->wants(k->user, x->landed++);
}

static bool get_left(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    struct extraction *x = user;
    (void)err; /* is x's */
    *ret_n = 0;
    if (!x->left)
        return true;
    if (!fill(x))
        return false;
    size_t n = x->n - x->at < max ? x->n - x->at : max;
    n = (int64_t)n > x->left ? (size_t)x->left : n;
    memcpy(p, x->chunk + x->at, n);
    x->at += n;
    x->left -= (int64_t)n;
    x->count.bytes += (int64_t)n;
    *ret_n = n;
    return true;
}

static bool sink_file(struct extraction *x, const char *path, unsigned mode, int64_t size)
{
    const struct pack_sink *k = x->target->sink;
    x->left = size;
    return k->file(k->user, str_of(path), mode, size, get_left, x, x->err);
}

/* ---- entries ---- */

static bool copy_bytes(struct extraction *x, int fd, int64_t size, const char *path)
{
    while (size > 0) {
        if (!fill(x))
            return false;
        size_t part = x->n - x->at;
        if ((int64_t)part > size)
            part = (size_t)size;
        int e = fd_write_all(fd, x->chunk + x->at, part);
        if (e)
            return fail(x, e, path);
        x->at += part;
        size -= (int64_t)part;
        x->count.bytes += (int64_t)part;
    }
    return true;
}

/* Under its name only when it is whole; what had the name is replaced, not written through. */
static bool put_in_place(struct extraction *x, int folder, const char *temporary, const char *name,
                         const char *path)
{
    unsigned flags = x->target->replace ? 0 : RENAME_NOREPLACE;
    if (syscall(SYS_renameat2, folder, temporary, folder, name, flags) == 0)
        return true;
    int e = errno;
    unlinkat(folder, temporary, 0);
    return fail(x, e, path);
}

static void temporary_name(char ret[64])
{
    static unsigned serial;
    snprintf(ret, 64, ".plue-part-%d-%u", (int)getpid(),
             __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
}

static bool extract_file(struct extraction *x, char *path, unsigned mode, int64_t size)
{
    const struct pack_target *t = x->target;
    const char *name;
    char temporary[64];
    auto_fd folder = open_parent(x, path, &name);
    if (folder < 0)
        return fail(x, errno, path);
    temporary_name(temporary);
    auto_fd fd =
        openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(x, errno, path);
    bool ok = copy_bytes(x, fd, size, path);
    if (ok && ((t->give && fchown(fd, t->uid, t->gid) < 0) || fchmod(fd, mode & 0777) < 0))
        ok = fail(x, errno, path);
    if (!ok) {
        unlinkat(folder, temporary, 0);
        return false;
    }
    return put_in_place(x, folder, temporary, name, path);
}

static bool extract_link(struct extraction *x, char *path, const char *target)
{
    const struct pack_target *t = x->target;
    const struct pack_sink *k = t->sink;
    const char *name;
    char temporary[64];
    if (!t->links || !*target ||
        (!t->snapshot && !pack_link_stays_inside(str_of(path), str_of(target))))
        return err_set(x->err, "path_outside", "'%s' is a link to %s, which is not unpacked", path,
                       target);
    if (is_sunk(x))
        return k->link(k->user, str_of(path), str_of(target), x->err);
    auto_fd folder = open_parent(x, path, &name);
    if (folder < 0)
        return fail(x, errno, path);
    temporary_name(temporary);
    if (symlinkat(target, folder, temporary) < 0 ||
        (t->give && fchownat(folder, temporary, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) < 0))
        return fail(x, errno, path);
    return put_in_place(x, folder, temporary, name, path);
}

/* Those that are there stay, with the mode that is asked for. */
static bool extract_folder(struct extraction *x, char *path, unsigned mode)
{
    const struct pack_target *t = x->target;
    const char *name;
    auto_fd folder = open_parent(x, path, &name);
    if (folder < 0)
        return fail(x, errno, path);
    if (mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
        return fail(x, errno, path);
    auto_fd fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (t->give && fchown(fd, t->uid, t->gid) < 0) ||
        fchmod(fd, (mode & 0777) | 0700) < 0)
        return fail(x, errno, path);
    return true;
}

/* What is gone already, or stands in a folder that is, is fine. */
static bool extract_removed(struct extraction *x, char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    auto_fd folder = open_folder(x->target->folder, slash ? path : ".");
    int e = folder < 0 ? errno : 0;
    if (slash)
        *slash = '/';
    const char *name = slash ? slash + 1 : path;
    if (!e && unlinkat(folder, name, 0) < 0)
        e = errno == EISDIR && unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : errno;
    return !e || e == ENOENT || fail(x, e, path);
}

static bool take_path(struct extraction *x, size_t n, char path[PACK_PATH_MAX + 1])
{
    if (n > PACK_PATH_MAX)
        return damaged(x);
    if (!take(x, path, n))
        return false;
    path[n] = '\0';
    if (!path_is_safe(x, str_make(path, n)))
        return err_set(x->err, "path_outside", "'%s' leads out of the folder", path);
    if (++x->count.files > PACK_FILES_MAX)
        return err_set(x->err, "pack_too_large", "it holds more than %d files", PACK_FILES_MAX);
    return true;
}

static void note_path(struct extraction *x, const char *path)
{
    if (x->target->paths) {
        buf_add_c(x->target->paths, path);
        buf_add_byte(x->target->paths, '\0');
    }
}

/* ---- lines ---- */

static bool take_file(struct extraction *x, const char *line)
{
    char path[PACK_PATH_MAX + 1], rest;
    unsigned mode;
    long long size;
    size_t n;
    if (sscanf(line, "F %o %lld %zu%c", &mode, &size, &n, &rest) != 3 || size < 0)
        return damaged(x);
    if (!take_path(x, n, path))
        return false;
    note_path(x, path);
    return is_sunk(x) ? sink_file(x, path, mode, size) : extract_file(x, path, mode, size);
}

static bool take_link(struct extraction *x, const char *line)
{
    char path[PACK_PATH_MAX + 1], target[PACK_PATH_MAX + 1], rest;
    size_t n, target_n;
    if (sscanf(line, "L %zu %zu%c", &target_n, &n, &rest) != 2 || target_n > PACK_PATH_MAX)
        return damaged(x);
    if (!take_path(x, n, path) || !take(x, target, target_n))
        return false;
    target[target_n] = '\0';
    note_path(x, path);
    return extract_link(x, path, target);
}

static bool take_folder(struct extraction *x, const char *line)
{
    char path[PACK_PATH_MAX + 1], rest;
    unsigned mode;
    size_t n;
    if (!x->target->snapshot || sscanf(line, "D %o %zu%c", &mode, &n, &rest) != 2)
        return damaged(x);
    return take_path(x, n, path) && extract_folder(x, path, mode);
}

static bool take_removed(struct extraction *x, const char *line)
{
    char path[PACK_PATH_MAX + 1], rest;
    size_t n;
    if (!x->target->snapshot || sscanf(line, "R %zu%c", &n, &rest) != 1)
        return damaged(x);
    return take_path(x, n, path) && extract_removed(x, path);
}

static bool extract_entry(struct extraction *x, const char *line)
{
    switch (line[0]) {
    case 'F':
        return take_file(x, line);
    case 'L':
        return take_link(x, line);
    case 'D':
        return take_folder(x, line);
    case 'R':
        return take_removed(x, line);
    default:
        return damaged(x);
    }
}

bool pack_extract(const struct pack_target *t, pack_get_fn *get, void *user,
                  struct pack_count *ret_count, struct err *err)
{
    auto_free struct extraction *x = mem_zalloc(sizeof *x);
    char line[HEAD_MAX];
    x->target = t;
    x->get = get;
    x->user = user;
    x->err = err;
    if (!take_line(x, line))
        return false;
    if (strcmp(line, t->snapshot ? "plue-pack 2" : "plue-pack 1") != 0)
        return damaged(x);
    for (;;) {
        if (!take_line(x, line))
            return false;
        if (strcmp(line, "E") == 0)
            break;
        if (!extract_entry(x, line))
            return false;
    }
    *ret_count = x->count;
    return true;
}
