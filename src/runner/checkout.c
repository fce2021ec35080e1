/* Another commit's files into a workspace in use. They are written in a folder that no step sees,
 * and moved from there, or copied where the workspace is a mount: every folder on the way is opened
 * as a folder, so that no link of a step leads a write out of the workspace. */
#include "runner/local_int.h"
#include "runner/seed.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 500, COPY_BYTES = 1 << 30, LIST_MAX = 512 << 20 };

struct checkout {
    uv_work_t work;
    struct local_workspace *w;
    struct runner_checkout request;
    char *source, *commit;
    struct source_notes notes;
    struct buf text;
    struct err err;
};

static bool fail(struct checkout *c, int errnum, const char *name)
{
    return err_errno(&c->err, "workspace_checkout", errnum, "cannot check out %s", name);
}

/* ---- moving ---- */

/* The folder of this name, made anew where something else stands. -1 with errno. */
static int enter(struct checkout *c, int parent, const char *name)
{
    struct owner owner = local_owner(c->w->local);
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    if (fd >= 0)
        return fd;
    if (errno == ENOTDIR || errno == ELOOP)
        unlinkat(parent, name, 0);
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
        return -1;
    fd = openat(parent, name, flags);
    if (fd >= 0 && owner.change && fchown(fd, owner.uid, owner.gid) < 0)
        fd_close(&fd);
    return fd;
}

static bool clear(struct checkout *c, int dir, const char *name)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return true;
    return errno == EISDIR ? remove_tree_at(dir, name, &c->err) : fail(c, errno, name);
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    auto_fd in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    auto_fd out =
        in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t n = out < 0 ? -1 : 1;
    while (n > 0) {
        n = sendfile(out, in, NULL, COPY_BYTES);
        if (n < 0 && errno == EINTR)
            n = 1;
    }
    bool good =
        n == 0 && fchown(out, st->st_uid, st->st_gid) == 0 && fchmod(out, st->st_mode & 07777) == 0;
    return good ? 0 : errno;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof target - 1);
    if (n < 0)
        return errno;
    target[n] = '\0';
    bool good = symlinkat(target, to, name) == 0 &&
                fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) == 0;
    return good ? 0 : errno;
}

/* Nothing has the name by now, but what a step makes meanwhile. */
static bool move_over(struct checkout *c, int from, int to, const char *name, const struct stat *st)
{
    int e = renameat(from, name, to, name) == 0 ? 0 : errno;
    if (e == EXDEV)
        e = S_ISLNK(st->st_mode) ? copy_link(from, to, name, st) : copy_file(from, to, name, st);
    return !e || fail(c, e, name);
}

static bool move_folder(struct checkout *c, int from, int to, int depth);

static bool move_entry(struct checkout *c, int from, int to, const struct dirent *e, int depth)
{
    struct stat st;
    if (fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(c, errno, e->d_name);
    bool whole = !S_ISDIR(st.st_mode) || (!depth && strcmp(e->d_name, ".git") == 0);
    if (whole && renameat(from, e->d_name, to, e->d_name) == 0)
        return true;
    if (S_ISDIR(st.st_mode) && (!whole || errno == EXDEV)) {
        auto_fd below = openat(from, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        auto_fd target = below < 0 ? -1 : enter(c, to, e->d_name);
        return target < 0 ? fail(c, errno, e->d_name) : move_folder(c, below, target, depth + 1);
    }
    return clear(c, to, e->d_name) && move_over(c, from, to, e->d_name, &st);
}

static bool move_folder(struct checkout *c, int from, int to, int depth)
{
    int copy = depth > DEPTH_MAX ? -1 : dup(from);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    bool good = d || fail(c, depth > DEPTH_MAX ? ELOOP : errno, "a folder");
    for (struct dirent *e; good && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            good = move_entry(c, from, to, e, depth);
    if (d)
        closedir(d);
    return good;
}

/* ---- what the commit lacks ---- */

static void remove_path(int root, char *path)
{
    for (bool last = true;; last = false) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
        auto_fd parent = slash ? local_open_plain(root, path, O_PATH | O_DIRECTORY) : dup(root);
        if (parent < 0 || unlinkat(parent, slash ? slash + 1 : path, last ? 0 : AT_REMOVEDIR) < 0 ||
            !slash)
            return; /* gone, something else by now, or still in use */
    }
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Files that the run was given and this commit does not have; what steps made stays. */
static void remove_rest(struct checkout *c, str before)
{
    VEC(str) now = {0};
    str rest = buf_str(&c->notes.taken), path;
    while (str_next(&rest, '\0', &path))
        vec_push(&now, path);
    if (now.n)
        qsort(now.at, now.n, sizeof *now.at, by_text);
    while (str_next(&before, '\0', &path)) {
        if (now.n && bsearch(&path, now.at, now.n, sizeof *now.at, by_text))
            continue;
        auto_free char *own = str_dup(path);
        remove_path(c->w->root, own);
    }
    vec_done(&now);
}

/* ---- the whole ---- */

static bool check_out(struct checkout *c, const char *folder)
{
    auto_buf git_dir = BUF(PATH_MAX), before = BUF(LIST_MAX);
    struct owner owner = local_owner(c->w->local);
    bool recorded;
    buf_addf(&git_dir, "%s/borrowed.git", c->w->dir);
    if (mkdir(folder, 0755) < 0)
        return fail(c, errno, folder);
    if (!commit_fill(c->source, c->commit, buf_c(&git_dir), folder, NULL, &c->notes, &c->err) ||
        !workspace_seed(folder, NULL, local_shown_owner(c->w->local), &recorded, &c->err) ||
        !chown_tree(AT_FDCWD, folder, owner, &c->err))
        return false;
    auto_fd from = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_fd to = openat(c->w->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0)
        return fail(c, errno, folder);
    bool known = taken_read(c->w->dir, &before);
    if (!clear(c, to, ".git") || !move_folder(c, from, to, 0))
        return false;
    if (known)
        remove_rest(c, buf_str(&before));
    return taken_write(c->w->dir, buf_str(&c->notes.taken), &c->err);
}

static void checkout_work(uv_work_t *work)
{
    struct checkout *c = work->data;
    auto_err ignored = ERR_INIT;
    auto_buf folder = BUF(PATH_MAX);
    buf_addf(&folder, "%s/checkout", c->w->dir);
    if (remove_tree(buf_c(&folder), &c->err))
        (void)!check_out(c, buf_c(&folder));
    (void)!remove_tree(buf_c(&folder), &ignored);
    source_notes_add_text(&c->notes, &c->text);
}

static void checkout_done(uv_work_t *work, int status)
{
    struct checkout *c = work->data;
    struct local_workspace *w = c->w;
    if (status < 0)
        err_set(&c->err, "cancelled", "the call was cancelled");
    c->request.done(c->request.user, buf_str(&c->text), err_is_set(&c->err) ? &c->err : NULL);
    source_notes_done(&c->notes);
    buf_done(&c->text);
    err_done(&c->err);
    free(c->source);
    free(c->commit);
    free(c);
    local_release(w);
}

void local_checkout(struct runner_workspace *w, const struct runner_checkout *request)
{
    struct checkout *c = mem_zalloc(sizeof *c);
    c->w = (struct local_workspace *)w;
    c->request = *request;
    c->source = str_dup(str_of(request->source));
    c->commit = str_dup(str_of(request->commit));
    c->notes.taken = BUF(LIST_MAX);
    c->text = BUF(SOURCE_NOTES_MAX);
    c->work.data = c;
    c->w->busy++;
    uv_queue_work(c->w->local->loop, &c->work, checkout_work, checkout_done);
}

/* ---- the list beside the workspace ---- */

bool taken_write(const char *dir, str paths, struct err *err)
{
    auto_buf path = BUF(PATH_MAX);
    buf_addf(&path, "%s/taken", dir);
    int e = fd_write_file(AT_FDCWD, buf_c(&path), paths, 0600);
    return !e || err_errno(err, "workspace_open", e, "cannot make %s", buf_c(&path));
}

bool taken_read(const char *dir, struct buf *ret)
{
    auto_buf path = BUF(PATH_MAX);
    buf_addf(&path, "%s/taken", dir);
    return fd_read_file(AT_FDCWD, buf_c(&path), ret) == 0;
}
