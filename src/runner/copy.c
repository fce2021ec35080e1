/* What a workspace is filled with: which of the user's files go along, and what is refused. Many
 * files are taken by several threads, each of which has a part of the list. */
#include "runner/copy.h"
#include "runner/copy_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    NESTING_MAX = 200,
    LFS_POINTER_MIN = 100,
    THREADS_MAX = 4,
    THREAD_PATHS_MIN = 500, /* for which another thread is worth its start */
    FOLDER_MODE = 0755,
};
#define BYTES_MAX ((int64_t)10 << 30)

bool copy_fail(struct copying *c, const char *path, int errnum, const char *what)
{
    return err_errno(&c->err, "workspace_copy", errnum, "cannot %s %s/%s", what,
                     c->job->request->from, path);
}

const char *copy_own_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- one entry ---- */

int copy_read_small(struct copying *c, int fd)
{
    ssize_t n;
    do
        n = read(fd, c->small, sizeof c->small);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    /* Of a regular file less comes at its end only. Where that is not here, it has grown. */
    c->small_n = n < (ssize_t)sizeof c->small ? (size_t)n : SIZE_MAX;
    return 0;
}

bool copy_give_seed(struct copying *c, const char *path, const struct stat *st)
{
    struct seeding *seed = c->job->request->seed;
    if (seed && c->small_n != SIZE_MAX)
        c->stopped = !seed_take(seed, &c->object, str_of(path), st,
                                str_make(c->small, c->small_n)); /* which has said why */
    return !c->stopped;
}

static bool take_file(struct copying *c, const char *path, const struct stat *st)
{
    if (atomic_fetch_add(&c->job->bytes, st->st_size) + st->st_size > BYTES_MAX) {
        err_set(&c->err, "workspace_too_large", "the files of %s take more than %d GiB",
                c->job->request->from, (int)(BYTES_MAX >> 30));
        err_hint(&c->err, "list what a run does not need in .gitignore");
        return false;
    }
    auto_fd from =
        openat(c->from, copy_own_name(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT || copy_fail(c, path, errno, "read");
    bool good = c->part ? image_take_file(c, path, from, st) : folder_take_file(c, path, from, st);
    if (good && st->st_size > LFS_POINTER_MIN && st->st_size <= LFS_POINTER_MAX &&
        c->small_n != SIZE_MAX)
        source_note_file(&c->notes, str_of(path), str_make(c->small, c->small_n));
    return good;
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

static bool take_link(struct copying *c, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(c->from, copy_own_name(path), target, sizeof target - 1);
    if (n < 0)
        return copy_fail(c, path, errno, "read the link");
    target[n] = '\0';
    if (!link_stays_inside(path, target)) {
        err_set(&c->err, "workspace_link", "the link %s points out of the repository, to %s", path,
                target);
        err_hint(&c->err, "make it relative and within the repository, or list it in .gitignore");
        return false;
    }
    return c->part ? erofs_add_link(c->part, str_of(path), str_of(target), &c->err)
                   : folder_take_link(c, path, target);
}

static bool take_folder(struct copying *c, const char *path)
{
    return c->part ? erofs_add_folder(c->part, str_of(path), FOLDER_MODE, &c->err)
                   : folder_take_folder(c, path);
}

/* ---- the folder that an entry is in ---- */

static bool is_entered(const struct copying *c, const char *path, size_t *ret_n)
{
    const char *end = strrchr(path, '/');
    size_t n = *ret_n = end ? (size_t)(end - path) : 0;
    return c->from >= 0 && strncmp(c->parent, path, n) == 0 && !c->parent[n];
}

/* c->from is the folder of path then, and c->to, where there is one. */
static bool enter_parent(struct copying *c, const char *path)
{
    size_t n;
    if (is_entered(c, path, &n))
        return true;
    memcpy(c->parent, path, n);
    c->parent[n] = '\0';
    const char *folder = n ? c->parent : ".";
    fd_close(&c->from);
    c->from = openat(c->job->from, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return (c->from >= 0 || copy_fail(c, c->parent, errno, "open the folder")) &&
           (c->part || folder_enter(c, folder));
}

/* ---- one entry of any kind ---- */

static bool count(struct copying *c)
{
    struct copy_progress *p = c->job->request->progress;
    c->stopped = atomic_load(&c->job->failed);
    if (c->stopped || (p && atomic_load(&p->cancelled)))
        return err_set(&c->err, "cancelled", "the workspace's preparation was cancelled");
    size_t n = p ? atomic_fetch_add(&p->files, 1) + 1 : 0;
    if (n <= RUNNER_TREE_MAX)
        return true;
    err_set(&c->err, "workspace_too_large", "%s has more than %d files", c->job->request->from,
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

static bool look_at(const struct copying *c, const char *path, struct stat *ret)
{
    size_t n;
    bool entered = is_entered(c, path, &n);
    return fstatat(entered ? c->from : c->job->from, entered ? copy_own_name(path) : path, ret,
                   AT_SYMLINK_NOFOLLOW) == 0;
}

static bool copy_entry(struct copying *c, const char *path, int depth)
{
    struct stat st;
    if (is_left_out(c, str_of(path)))
        return true;
    if (!look_at(c, path, &st))
        return errno == ENOENT || errno == ENOTDIR || copy_fail(c, path, errno, "look at");
    if (!count(c) || !enter_parent(c, path))
        return false;
    if (S_ISREG(st.st_mode))
        return take_file(c, path, &st);
    if (S_ISLNK(st.st_mode))
        return take_link(c, path);
    if (S_ISDIR(st.st_mode)) {
        if (c->listed)
            look_for_submodule(c, path);
        c->listed = false;
        return take_folder(c, path) && copy_folder(c, path, depth + 1);
    }
    err_set(&c->err, "workspace_special", "%s/%s is a device, pipe or socket",
            c->job->request->from, path);
    err_hint(&c->err, "a run takes along files, folders and links: list it in .gitignore");
    return false;
}

/* ---- what is taken along ---- */

/* Everything but .git. */
static bool copy_folder(struct copying *c, const char *path, int depth)
{
    if (depth > NESTING_MAX)
        return err_set(&c->err, "workspace_too_large", "%s nests folders more than %d deep",
                       c->job->request->from, NESTING_MAX);
    int fd =
        openat(c->job->from, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int e = errno;
        fd_close(&fd);
        return copy_fail(c, path, e, "read the folder");
    }
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));) {
        auto_buf below = BUF(PATH_MAX - 1);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, ".git") == 0)
            continue;
        buf_addf(&below, "%s%s%s", path, *path ? "/" : "", e->d_name);
        good = below.overflow ? copy_fail(c, path, ENAMETOOLONG, "copy what is in")
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
            return copy_fail(c, "", ENAMETOOLONG, "copy a file of");
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
    bool good = copy_listed(c);
    if (c->part && !erofs_part_end(c->part, &c->err))
        good = false;
    if (!good)
        atomic_store(&c->job->failed, true);
}

static struct copying *copying_new(struct copy_job *job)
{
    struct copying *c = mem_zalloc(sizeof *c);
    c->job = job;
    c->from = c->to = -1;
    c->part = job->image ? erofs_part_new(job->image) : NULL;
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

/* The files into an image beside the workspace. */
static bool copy_imaged(struct copy_job *job, str list, size_t paths, struct source_notes *notes,
                        struct err *err)
{
    auto_fd fd = -1;
    const struct copy_request *r = job->request;
    bool good = image_create(r->image->dir, &r->owner, &fd, &job->image, err) &&
                copy_list(job, list, paths, notes, err) && erofs_end(job->image, err);
    erofs_free(job->image);
    return good;
}

static bool open_folders(struct copy_job *job, int *ret_from, int *ret_to, struct err *err)
{
    const struct copy_request *r = job->request;
    *ret_from = open(r->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_free char *real = realpath(r->from, NULL);
    if (*ret_from < 0 || !real)
        return err_errno(err, "workspace_copy", errno, "cannot open %s", r->from);
    job->left_out = below(str_of(r->left_out), str_of(real));
    *ret_to = open(r->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_to < 0)
        return err_errno(err, "workspace_copy", errno, "cannot open %s", r->to);
    job->from = *ret_from, job->to = *ret_to;
    return true;
}

bool copy_tree(const struct copy_request *r, struct source_notes *notes, struct err *err)
{
    struct copy_job job = {.request = r};
    auto_fd from = -1, to = -1;
    auto_buf list = BUF(0);
    if (!open_folders(&job, &from, &to, err))
        return false;
    if (faccessat(from, ".git", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return copy_unlisted(&job, notes, err);
    if (!git_list_files(r->from, &list, err))
        return false;
    size_t paths = count_paths(buf_str(&list));
    if (r->progress)
        atomic_store(&r->progress->total, paths);
    buf_add_str(&notes->taken, buf_str(&list));
    r->image->made = overlay_is_wanted(r->image, paths);
    return r->image->made ? copy_imaged(&job, buf_str(&list), paths, notes, err)
                          : copy_list(&job, buf_str(&list), paths, notes, err);
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
