/* Fills a workspace from the user's folder. Files are cloned where the file system can share blocks
 * and copied otherwise, never linked: what a step writes stays the step's. Many files are copied by
 * several threads, each of which has a part of the list. */
#include "runner/local_int.h"
#include "runner/seed.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NESTING_MAX = 200,
    CHUNK = 1 << 20,
    LFS_POINTER_MIN = 100,
    SMALL_BYTES = 32 << 10,
    THREADS_MAX = 4,
    THREAD_PATHS_MIN = 500, /* for which another thread is worth its start */
};
#define BYTES_MAX ((int64_t)10 << 30)

/* What the threads share. */
struct copy_job {
    const char *source; /* for messages */
    int from, to;
    str left_out; /* relative to the source; empty: nothing is */
    struct owner owner;
    struct copy_progress *progress;
    struct seeding *seed; /* may be NULL */
    atomic_llong bytes;
    atomic_bool failed; /* one of them has: the others stop */
};

struct copying { /* of one thread */
    struct copy_job *job;
    str list;
    bool listed; /* the entry was named by git, not found in a folder */
    /* The folder of the last entry, so that the next one does not walk to it again. */
    char parent[PATH_MAX];
    int from, to;
    struct source_notes notes;
    bool stopped; /* by another's failure */
    struct err err;
    struct object object; /* for the seed */
    size_t small_n;       /* the last file's bytes, if all of them stand in: */
    char small[SMALL_BYTES];
};

static bool fail(struct copying *c, const char *path, int errnum, const char *what)
{
    return err_errno(&c->err, "workspace_copy", errnum, "cannot %s %s/%s", what, c->job->source,
                     path);
}

static const char *own_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool give(struct copying *c, int dir, const char *name, const char *path)
{
    const struct owner *o = &c->job->owner;
    if (o->change && fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(c, path, errno, "hand over the copy of");
    return true;
}

/* ---- one entry ---- */

/* Sharing blocks is worth its calls for large files only. */
static int copy_small(struct copying *c, int from, int to)
{
    size_t all = 0;
    for (ssize_t n; (n = read(from, c->small, sizeof c->small)) != 0;) {
        int e = n > 0 ? fd_write_all(to, c->small, (size_t)n) : errno;
        if (e && e != EINTR)
            return e;
        all += e ? 0 : (size_t)n;
        if (n > 0 && n < (ssize_t)sizeof c->small)
            break;
    }
    c->small_n = all < sizeof c->small ? all : SIZE_MAX; /* it has grown meanwhile */
    return 0;
}

static int copy_bytes(struct copying *c, int from, int to, int64_t size)
{
    c->small_n = SIZE_MAX;
    if (size < SMALL_BYTES)
        return copy_small(c, from, to);
    if (ioctl(to, FICLONE, from) == 0)
        return 0;
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

static void look_for_pointer(struct copying *c, const char *path, int fd)
{
    char text[LFS_POINTER_MAX];
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n > 0)
        source_note_file(&c->notes, str_of(path), str_make(text, (size_t)n));
}

/* The owner and the mode that it is to have, and then the seed, if it takes it. 0 or an errno. */
static int finish(struct copying *c, const char *path, int fd, mode_t mode)
{
    const struct owner *o = &c->job->owner;
    struct stat st;
    if ((o->change && fchown(fd, o->uid, o->gid) < 0) || fstat(fd, &st) < 0)
        return errno;
    /* It was made with this mode, less what the process masks. */
    if ((st.st_mode & 07777) != mode && (fchmod(fd, mode) < 0 || fstat(fd, &st) < 0))
        return errno;
    if (c->job->seed && c->small_n != SIZE_MAX)
        c->stopped = !seed_take(c->job->seed, &c->object, str_of(path), &st,
                                str_make(c->small, c->small_n)); /* which has said why */
    return 0;
}

static bool copy_file(struct copying *c, const char *path, const struct stat *st)
{
    const char *name = own_name(path);
    mode_t mode = (st->st_mode & 0777) | 0600;
    if (atomic_fetch_add(&c->job->bytes, st->st_size) + st->st_size > BYTES_MAX) {
        err_set(&c->err, "workspace_too_large", "the files of %s take more than %d GiB",
                c->job->source, (int)(BYTES_MAX >> 30));
        err_hint(&c->err, "list what a run does not need in .gitignore");
        return false;
    }
    auto_fd from = openat(c->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT || fail(c, path, errno, "read");
    auto_fd to = openat(c->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (to < 0)
        return fail(c, path, errno, "copy");
    int e = copy_bytes(c, from, to, st->st_size);
    if (!e && st->st_size > LFS_POINTER_MIN && st->st_size <= LFS_POINTER_MAX)
        look_for_pointer(c, path, from);
    if (!e)
        e = finish(c, path, to, mode);
    return e ? fail(c, path, e, "copy") : !c->stopped;
}

/* Whether a link at `path` with this target stays below the top, by its text. */
static bool link_stays_inside(const char *path, const char *target)
{
    long depth = 0;
    if (*target == '/')
        return false;
    for (const char *p = path; *p; p++)
        depth += *p == '/';
    str rest = str_of(target), part;
    while (str_next(&rest, '/', &part)) {
        if (str_is(part, ".."))
            depth--;
        else if (part.n && !str_is(part, "."))
            depth++;
        if (depth < 0)
            return false;
    }
    return true;
}

static bool copy_link(struct copying *c, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(c->from, own_name(path), target, sizeof target - 1);
    if (n < 0)
        return fail(c, path, errno, "read the link");
    target[n] = '\0';
    if (!link_stays_inside(path, target)) {
        err_set(&c->err, "workspace_link", "the link %s points out of the repository, to %s", path,
                target);
        err_hint(&c->err, "make it relative and within the repository, or list it in .gitignore");
        return false;
    }
    if (symlinkat(target, c->to, own_name(path)) < 0)
        return fail(c, path, errno, "copy the link");
    return give(c, c->to, own_name(path), path);
}

/* ---- the folder that an entry is in ---- */

static bool make_dir(struct copying *c, int dir, const char *name, const char *path)
{
    if (mkdirat(dir, name, 0755) < 0)
        return errno == EEXIST || fail(c, path, errno, "make the folder");
    return give(c, dir, name, path);
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

static bool open_parents(struct copying *c, const char *folder)
{
    const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    fd_close(&c->from);
    fd_close(&c->to);
    c->from = openat(c->job->from, folder, flags);
    c->to = openat(c->job->to, folder, flags);
    return c->from >= 0 && c->to >= 0;
}

/* c->from and c->to are the folders of path then. */
static bool enter_parent(struct copying *c, const char *path)
{
    const char *end = strrchr(path, '/');
    size_t n = end ? (size_t)(end - path) : 0;
    if (c->from >= 0 && strncmp(c->parent, path, n) == 0 && !c->parent[n])
        return true;
    memcpy(c->parent, path, n);
    c->parent[n] = '\0';
    return (!n || make_parents(c)) &&
           (open_parents(c, n ? c->parent : ".") || fail(c, c->parent, errno, "open the folder"));
}

/* ---- one entry of any kind ---- */

static bool count(struct copying *c)
{
    struct copy_progress *p = c->job->progress;
    c->stopped = atomic_load(&c->job->failed);
    if (c->stopped || (p && atomic_load(&p->cancelled)))
        return err_set(&c->err, "cancelled", "the workspace's preparation was cancelled");
    size_t n = p ? atomic_fetch_add(&p->files, 1) + 1 : 0;
    if (n <= RUNNER_TREE_MAX)
        return true;
    err_set(&c->err, "workspace_too_large", "%s has more than %d files", c->job->source,
            RUNNER_TREE_MAX);
    err_hint(&c->err, "list what a run does not need in .gitignore");
    return false;
}

static bool copy_folder(struct copying *c, const char *path, int depth);

static bool is_left_out(const struct copying *c, str path)
{
    str out = c->job->left_out;
    return out.n && str_starts(path, out) && (path.n == out.n || path.p[out.n] == '/');
}

/* A folder that git lists as a file is a submodule's. */
static void look_for_submodule(struct copying *c, const char *path)
{
    auto_buf inside = BUF(PATH_MAX);
    buf_addf(&inside, "%s/.git", path);
    if (faccessat(c->job->from, buf_c(&inside), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        source_note_submodule(&c->notes, str_of(path));
}

static bool copy_entry(struct copying *c, const char *path, int depth)
{
    struct stat st;
    if (is_left_out(c, str_of(path)))
        return true;
    if (fstatat(c->job->from, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT || errno == ENOTDIR || fail(c, path, errno, "look at");
    if (!count(c) || !enter_parent(c, path))
        return false;
    if (S_ISREG(st.st_mode))
        return copy_file(c, path, &st);
    if (S_ISLNK(st.st_mode))
        return copy_link(c, path);
    if (S_ISDIR(st.st_mode)) {
        if (c->listed)
            look_for_submodule(c, path);
        c->listed = false;
        return make_dir(c, c->to, own_name(path), path) && copy_folder(c, path, depth + 1);
    }
    err_set(&c->err, "workspace_special", "%s/%s is a device, pipe or socket", c->job->source,
            path);
    err_hint(&c->err, "a run takes along files, folders and links: list it in .gitignore");
    return false;
}

/* ---- what is taken along ---- */

/* Everything but .git. */
static bool copy_folder(struct copying *c, const char *path, int depth)
{
    if (depth > NESTING_MAX)
        return err_set(&c->err, "workspace_too_large", "%s nests folders more than %d deep",
                       c->job->source, NESTING_MAX);
    int fd =
        openat(c->job->from, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int e = errno;
        fd_close(&fd);
        return fail(c, path, e, "read the folder");
    }
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));) {
        auto_buf below = BUF(PATH_MAX - 1);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, ".git") == 0)
            continue;
        buf_addf(&below, "%s%s%s", path, *path ? "/" : "", e->d_name);
        good = below.overflow ? fail(c, path, ENAMETOOLONG, "copy what is in")
                              : copy_entry(c, buf_c(&below), depth);
    }
    closedir(d);
    return good;
}

/* What git tracks or would offer to track. A nested repository is taken along whole. */
static bool copy_listed(struct copying *c)
{
    str path;
    while (str_next(&c->list, '\0', &path)) {
        auto_buf name = BUF(PATH_MAX - 1);
        buf_add_str(&name, str_ends(path, STR("/")) ? str_sub(path, 0, path.n - 1) : path);
        if (name.overflow)
            return fail(c, "", ENAMETOOLONG, "copy a file of");
        c->listed = !str_ends(path, STR("/"));
        if (name.n && !copy_entry(c, buf_c(&name), 0))
            return false;
    }
    return true;
}

/* ---- by several threads ---- */

static void copying_main(void *arg)
{
    struct copying *c = arg;
    if (!copy_listed(c))
        atomic_store(&c->job->failed, true);
}

static struct copying *copying_new(struct copy_job *job)
{
    struct copying *c = mem_zalloc(sizeof *c);
    c->job = job;
    c->from = c->to = -1;
    return c;
}

/* Its notes are added to notes; its error, unless it only stopped for another's, goes to err. */
static void copying_end(struct copying *c, struct source_notes *notes, struct err *err)
{
    source_notes_take(notes, &c->notes);
    if (err_is_set(&c->err) && !c->stopped && !err_is_set(err))
        err_move(err, &c->err);
    err_done(&c->err);
    object_done(&c->object);
    fd_close(&c->from);
    fd_close(&c->to);
    free(c);
}

/* The i-th of n parts, at the border of a path. */
static str part_of(str list, size_t i, size_t n)
{
    size_t ends[2] = {i, i + 1};
    for (size_t k = 0; k < 2; k++) {
        size_t at = list.n / n * ends[k];
        ends[k] = ends[k] == n ? list.n : at ? str_find_byte(list, '\0', at - 1) + 1 : 0;
    }
    return str_sub(list, ends[0], ends[1]);
}

static bool copy_list(struct copy_job *job, str list, size_t paths, struct source_notes *notes,
                      struct err *err)
{
    struct copying *parts[THREADS_MAX];
    uv_thread_t threads[THREADS_MAX];
    bool started[THREADS_MAX] = {false};
    size_t n = paths / THREAD_PATHS_MIN, processors = uv_available_parallelism();
    n = n > THREADS_MAX ? THREADS_MAX : n;
    n = n > processors ? processors : n;
    for (size_t i = 0; i < n || i == 0; i++) {
        parts[i] = copying_new(job);
        parts[i]->list = n > 1 ? part_of(list, i, n) : list;
        started[i] = i > 0 && uv_thread_create(&threads[i], copying_main, parts[i]) == 0;
    }
    for (size_t i = 0; i < n || i == 0; i++) {
        if (started[i])
            uv_thread_join(&threads[i]);
        else
            copying_main(parts[i]);
    }
    for (size_t i = 0; i < n || i == 0; i++)
        copying_end(parts[i], notes, err);
    return !atomic_load(&job->failed);
}

static bool copy_unlisted(struct copy_job *job, struct source_notes *notes, struct err *err)
{
    struct copying *c = copying_new(job);
    bool good = copy_folder(c, "", 0);
    copying_end(c, notes, err);
    return good;
}

static size_t count_paths(str list)
{
    size_t n = 0;
    for (size_t i = 0; i < list.n; i++)
        n += list.p[i] == '\0';
    return n;
}

/* The part of `folder` behind `root`; empty where it is not below it. */
static str below(str folder, str root)
{
    bool is_below = str_starts(folder, root) && folder.n > root.n && folder.p[root.n] == '/';
    return is_below ? str_sub(folder, root.n + 1, folder.n) : STR("");
}

bool copy_tree(const char *from, const char *to, const char *left_out, struct owner owner,
               struct copy_progress *progress, struct source_notes *notes, struct seeding *seed,
               struct err *err)
{
    struct copy_job job = {.source = from, .owner = owner, .progress = progress, .seed = seed};
    auto_fd from_fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_free char *real = realpath(from, NULL);
    if (from_fd < 0 || !real)
        return err_errno(err, "workspace_copy", errno, "cannot open %s", from);
    job.left_out = below(str_of(left_out), str_of(real));
    auto_fd to_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to_fd < 0)
        return err_errno(err, "workspace_copy", errno, "cannot open %s", to);
    job.from = from_fd, job.to = to_fd;
    if (faccessat(from_fd, ".git", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_unlisted(&job, notes, err);
    auto_buf list = BUF(0);
    if (!git_list_files(from, &list, err))
        return false;
    size_t paths = count_paths(buf_str(&list));
    if (progress)
        atomic_store(&progress->total, paths);
    buf_add_str(&notes->taken, buf_str(&list));
    return copy_list(&job, buf_str(&list), paths, notes, err);
}

bool chown_tree(int dirfd, const char *path, struct owner owner, struct err *err)
{
    if (!owner.change)
        return true;
    auto_fd fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int copy = fd < 0 ? -1 : dup(fd);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d || fchown(fd, owner.uid, owner.gid) < 0) {
        err_errno(err, "workspace_copy", errno, "cannot hand over %s", path);
        if (d)
            closedir(d);
        return false;
    }
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type == DT_DIR)
            good = chown_tree(fd, e->d_name, owner, err);
        else if (fchownat(fd, e->d_name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0)
            good = err_errno(err, "workspace_copy", errno, "cannot hand over %s", e->d_name);
    }
    closedir(d);
    return good;
}
