/* Files of a workspace, for the engine and the agents' tools. Steps may run meanwhile and put links
 * anywhere: the kernel resolves every path below the workspace or not at all (openat2). */
#include "base/vec.h"
#include "runner/local_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NESTING_MAX = 100 };

int local_open_below(int root, const char *path, int flags, unsigned mode)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
                           .mode = flags & O_CREAT ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    do /* EAGAIN: a folder on the way was renamed while it was walked */
        fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

int local_open_plain(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd;
    do
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return (int)fd;
}

static bool fail(struct err *err, int errnum, const char *verb, const char *path)
{
    if (errnum == EXDEV) {
        err_set(err, "path_outside", "'%s' leads out of the workspace", path);
        err_hint(err, "give a path relative to the repository's top folder");
        return false;
    }
    const char *code = errnum == ENOENT   ? "file_missing"
                       : errnum == EFBIG  ? "file_too_large"
                       : errnum == EISDIR ? "file_is_folder"
                                          : "file_access";
    return err_errno(err, code, errnum, "cannot %s '%s'", verb, path);
}

static bool fail_link(struct err *err, const char *path)
{
    err_set(err, "path_is_link", "'%s' goes through a symbolic link, and may not", path);
    err_hint(err, "write the path that the link leads to");
    return false;
}

/* One call, carried to the pool and back. */
struct job {
    uv_work_t work;
    struct local_workspace *w;
    char *path;
    struct err err;
    void *user;
    bool (*run)(struct job *j);
    void (*done)(struct job *j);
    /* read and write */
    struct buf bytes;
    uint32_t mode;
    runner_read_fn *read;
    runner_written_fn *written;
    /* list */
    struct local_listing list;
    runner_listed_fn *listed;
};

static void job_work(uv_work_t *work)
{
    struct job *j = work->data;
    (void)j->run(j);
}

static void job_done(uv_work_t *work, int status)
{
    struct job *j = work->data;
    struct local_workspace *w = j->w;
    if (status < 0)
        err_set(&j->err, "cancelled", "the call was cancelled");
    j->done(j);
    buf_done(&j->bytes);
    local_listing_done(&j->list);
    err_done(&j->err);
    free(j->path);
    free(j);
    local_release(w);
}

static struct job *job_new(struct runner_workspace *workspace, const char *path, void *user)
{
    struct job *j = mem_zalloc(sizeof *j);
    j->w = (struct local_workspace *)workspace;
    j->path = mem_dup(path, strlen(path));
    j->user = user;
    j->work.data = j;
    return j;
}

static void job_start(struct job *j)
{
    j->w->busy++;
    uv_queue_work(j->w->local->loop, &j->work, job_work, job_done);
}

static const struct err *job_err(const struct job *j)
{
    return err_is_set(&j->err) ? &j->err : NULL;
}

/* ---- read ---- */

static bool run_read(struct job *j)
{
    struct stat st;
    auto_fd fd = local_open_below(j->w->root, j->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    int e = fd < 0 || fstat(fd, &st) < 0 ? errno : 0;
    if (!e && S_ISDIR(st.st_mode))
        e = EISDIR;
    if (!e && !S_ISREG(st.st_mode))
        return err_set(&j->err, "file_access", "'%s' is not a regular file", j->path);
    if (!e)
        e = fd_read_all(fd, &j->bytes);
    return !e || fail(&j->err, e, "read", j->path);
}

static void done_read(struct job *j)
{
    const struct err *err = job_err(j);
    j->read(j->user, err ? STR("") : buf_str(&j->bytes), err);
}

void local_read(struct runner_workspace *w, const char *path, size_t max, runner_read_fn *read,
                void *user)
{
    struct job *j = job_new(w, path, user);
    j->bytes = BUF(max < RUNNER_READ_MAX ? max : RUNNER_READ_MAX);
    j->read = read;
    j->run = run_read;
    j->done = done_read;
    job_start(j);
}

/* ---- write ---- */

/* From the top each time, so that a link may lead anywhere within the workspace, where it may. */
static int open_folder(struct job *j)
{
    return j->mode & RUNNER_NO_LINKS
               ? local_open_plain(j->w->root, j->path, O_PATH | O_DIRECTORY)
               : local_open_below(j->w->root, j->path, O_PATH | O_DIRECTORY, 0);
}

/* The folder that holds path, made where it is missing; the last name into *ret_name. */
static int open_parent(struct job *j, struct owner owner, const char **ret_name)
{
    auto_fd at = local_open_below(j->w->root, ".", O_PATH | O_DIRECTORY, 0);
    char *p = j->path;
    for (char *slash; at >= 0 && (slash = strchr(p, '/')); p = slash + 1) {
        *slash = '\0';
        int next = *j->path ? open_folder(j) : -1;
        if (next < 0 && *j->path && errno == ENOENT && mkdirat(at, p, 0755) == 0) {
            if (owner.change && fchownat(at, p, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -1;
            next = openat(at, p, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (!*j->path) {
            *slash = '/';
            errno = EXDEV;
            return -1;
        }
        *slash = '/';
        fd_close(&at);
        at = next;
    }
    *ret_name = p;
    return fd_steal(&at);
}

static int write_new(int dir, const char *name, str bytes, uint32_t mode, struct owner owner)
{
    char temporary[64];
    static atomic_uint serial;
    snprintf(temporary, sizeof temporary, ".plue-write-%d-%u", (int)getpid(),
             atomic_fetch_add(&serial, 1));
    auto_fd fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int e = fd_write_all(fd, bytes.p, bytes.n);
    if (!e && owner.change && fchown(fd, owner.uid, owner.gid) < 0)
        e = errno;
    if (!e && fchmod(fd, mode & 0777 ? mode & 0777 : 0644) < 0)
        e = errno;
    if (!e && renameat(dir, temporary, dir, name) < 0)
        e = errno;
    if (e)
        unlinkat(dir, temporary, 0);
    return e;
}

static bool run_write(struct job *j)
{
    const char *name = j->path;
    struct owner owner = local_owner(j->w->local);
    if (j->bytes.overflow)
        return fail(&j->err, EFBIG, "write", j->path);
    auto_fd dir = open_parent(j, owner, &name);
    if (dir < 0 && errno == ELOOP && (j->mode & RUNNER_NO_LINKS))
        return fail_link(&j->err, j->path);
    if (dir < 0)
        return fail(&j->err, errno, "write", j->path);
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail(&j->err, EISDIR, "write", j->path);
    int e = write_new(dir, name, buf_str(&j->bytes), j->mode, owner);
    return !e || fail(&j->err, e, "write", j->path);
}

static void done_write(struct job *j)
{
    j->written(j->user, job_err(j));
}

void local_write(struct runner_workspace *w, const char *path, str bytes, uint32_t mode,
                 runner_written_fn *written, void *user)
{
    struct job *j = job_new(w, path, user);
    j->bytes = BUF(RUNNER_READ_MAX);
    buf_add_str(&j->bytes, bytes);
    j->mode = mode;
    j->written = written;
    j->run = run_write;
    j->done = done_write;
    job_start(j);
}

/* ---- list ---- */

static enum runner_kind kind_of(mode_t mode)
{
    return S_ISREG(mode)   ? RUNNER_FILE
           : S_ISDIR(mode) ? RUNNER_DIR
           : S_ISLNK(mode) ? RUNNER_LINK
                           : RUNNER_OTHER;
}

static bool list_folder(struct local_listing *l, int fd, str path, int depth);

static bool list_entry(struct local_listing *l, int dir, str path, const char *name, int depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return true; /* gone meanwhile */
    if (l->entries.n == RUNNER_LIST_MAX) {
        err_set(l->err, "list_too_long", "'%s' holds more than %d files", l->path, RUNNER_LIST_MAX);
        err_hint(l->err, "list a folder below it");
        return false;
    }
    str below = arena_printf(&l->arena, "%.*s%s%s", STR_ARG(path), path.n ? "/" : "", name);
    struct runner_entry entry = {.path = below,
                                 .kind = kind_of(st.st_mode),
                                 .mode = st.st_mode & 07777,
                                 .size = st.st_size,
                                 .changed_ns =
                                     (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec};
    vec_push(&l->entries, entry);
    if (!S_ISDIR(st.st_mode))
        return true;
    if (depth == NESTING_MAX)
        return err_set(l->err, "list_too_long", "'%s' nests folders more than %d deep", l->path,
                       NESTING_MAX);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 || list_folder(l, fd, below, depth + 1);
}

/* Takes fd. */
static bool list_folder(struct local_listing *l, int fd, str path, int depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        int e = errno;
        close(fd);
        return fail(l->err, e, "list", l->path);
    }
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            (path.n || strcmp(e->d_name, ".git") != 0))
            good = list_entry(l, dirfd(d), path, e->d_name, depth);
    closedir(d);
    return good;
}

void local_listing_done(struct local_listing *l)
{
    arena_done(&l->arena);
    vec_done(&l->entries);
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct runner_entry *)a)->path, ((const struct runner_entry *)b)->path);
}

bool local_list_all(struct local_listing *l, int root)
{
    str path = str_of(l->path);
    while (str_ends(path, STR("/")))
        path.n--;
    if (str_is(path, "."))
        path.n = 0;
    int fd = local_open_below(root, l->path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fail(l->err, errno, "list", l->path);
    if (!list_folder(l, fd, path, 0))
        return false;
    if (l->entries.n)
        qsort(l->entries.at, l->entries.n, sizeof *l->entries.at, by_path);
    return true;
}

static bool run_list(struct job *j)
{
    return local_list_all(&j->list, j->w->root);
}

static void done_list(struct job *j)
{
    const struct err *err = job_err(j);
    j->listed(j->user, err ? NULL : j->list.entries.at, err ? 0 : j->list.entries.n, err);
}

void local_list(struct runner_workspace *w, const char *path, runner_listed_fn *listed, void *user)
{
    struct job *j = job_new(w, path, user);
    j->list = (struct local_listing){.path = j->path, .err = &j->err};
    j->listed = listed;
    j->run = run_list;
    j->done = done_list;
    job_start(j);
}
