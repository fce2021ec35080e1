/* A workspace as a stream: what it began with, or what steps have changed in it since. */
#include "base/map.h"
#include "runner/local_int.h"
#include "runner/start.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

enum { CHUNK = 256 << 10 };

struct snapshot {
    uv_work_t work;
    struct local_workspace *w;
    struct runner_snapshot request;
    struct pack_writer writer;
    struct buf text; /* what start is read from */
    start_list start;
    struct map index; /* path -> struct start_entry */
    struct err err;
};

/* ---- what it began with ---- */

static bool copy_source(struct snapshot *s)
{
    auto_fd fd = start_open_source(s->w->dir);
    auto_free char *chunk = mem_alloc(CHUNK);
    if (fd < 0)
        return err_errno(&s->err, "file_access", errno,
                         "what the workspace began with cannot be read");
    for (ssize_t n; (n = read(fd, chunk, CHUNK)) != 0;) {
        if (n < 0 && errno != EINTR)
            return err_errno(&s->err, "file_access", errno,
                             "what the workspace began with cannot be read");
        if (n > 0 && !s->request.put(s->request.user, chunk, (size_t)n, &s->err))
            return false;
        s->writer.count.bytes += n > 0 ? n : 0;
    }
    if (!s->request.end(s->request.user, &s->err))
        return false;
    start_forget_source(s->w->dir);
    return true;
}

/* ---- what was changed ---- */

static char kind_of(const struct runner_entry *e)
{
    return e->kind == RUNNER_FILE ? 'F' : e->kind == RUNNER_DIR ? 'D' : 'L';
}

static bool is_as_before(const struct runner_entry *e, const struct start_entry *before)
{
    if (!before || before->kind != kind_of(e) || before->mode != e->mode)
        return false;
    return e->kind == RUNNER_DIR ||
           (before->size == e->size && before->changed_ns == e->changed_ns);
}

static bool fail(struct snapshot *s, str path)
{
    return err_errno(&s->err, "file_access", errno, "cannot read '%.*s'", STR_ARG(path));
}

static bool add_file(struct snapshot *s, const struct runner_entry *e)
{
    auto_fd fd = local_open_plain(s->w->root, e->path.p, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(s, e->path);
    if (s->writer.count.bytes + e->size > RUNNER_SNAPSHOT_BYTES)
        return err_set(&s->err, "snapshot_too_large",
                       "what its steps changed takes more than %d MiB",
                       (int)(RUNNER_SNAPSHOT_BYTES >> 20));
    return pack_add_file(&s->writer, e->path, e->mode, e->size, fd, &s->err);
}

static bool add_link(struct snapshot *s, const struct runner_entry *e)
{
    char target[PACK_PATH_MAX];
    ssize_t n = readlinkat(s->w->root, e->path.p, target, sizeof target);
    return n < 0 ? fail(s, e->path)
                 : pack_add_link(&s->writer, e->path, str_make(target, (size_t)n), &s->err);
}

static bool add_entry(struct snapshot *s, const struct runner_entry *e)
{
    struct start_entry *before = map_get(&s->index, e->path);
    if (e->kind == RUNNER_OTHER)
        return true; /* pipes and sockets are of processes that have ended */
    if (is_as_before(e, before))
        return true;
    return e->kind == RUNNER_DIR    ? pack_add_folder(&s->writer, e->path, e->mode, &s->err)
           : e->kind == RUNNER_LINK ? add_link(s, e)
                                    : add_file(s, e);
}

static void mark(struct snapshot *s, const struct local_listing *l)
{
    for (size_t i = 0; i < l->entries.n; i++) {
        const struct runner_entry *e = &l->entries.at[i];
        struct start_entry *before = map_get(&s->index, e->path);
        if (before && e->kind != RUNNER_OTHER && before->kind == kind_of(e))
            before->seen = true;
    }
}

/* From behind: what is in a folder goes before it. */
static bool add_removed(struct snapshot *s)
{
    for (size_t i = s->start.n; i-- > 0;)
        if (!s->start.at[i].seen && s->start.at[i].kind != 'O' &&
            !pack_add_removed(&s->writer, s->start.at[i].path, &s->err))
            return false;
    return true;
}

static bool list_all(struct snapshot *s, struct local_listing *files, struct local_listing *git)
{
    if (!local_list_all(files, s->w->root))
        return false;
    mark(s, files);
    if (faccessat(s->w->root, ".git", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    if (!local_list_all(git, s->w->root))
        return false;
    mark(s, git);
    return true;
}

static bool add_listed(struct snapshot *s, const struct local_listing *l)
{
    for (size_t i = 0; i < l->entries.n; i++)
        if (!add_entry(s, &l->entries.at[i]))
            return false;
    return true;
}

static bool pack_changes(struct snapshot *s)
{
    cleanup(local_listing_done) struct local_listing files = {.path = "", .err = &s->err};
    cleanup(local_listing_done) struct local_listing git = {.path = ".git", .err = &s->err};
    if (!start_read(s->w->dir, &s->text, &s->start, &s->err))
        return false;
    vec_each (e, &s->start)
        map_set(&s->index, e->path, e);
    return list_all(s, &files, &git) && pack_begin_snapshot(&s->writer, &s->err) &&
           add_removed(s) && add_listed(s, &files) && add_listed(s, &git) &&
           pack_end(&s->writer, &s->err) && s->request.end(s->request.user, &s->err);
}

/* ---- the call ---- */

static void work(uv_work_t *work)
{
    struct snapshot *s = work->data;
    (void)(s->request.part == RUNNER_SOURCE ? copy_source(s) : pack_changes(s));
}

static void done(uv_work_t *work, int status)
{
    struct snapshot *s = work->data;
    struct local_workspace *w = s->w;
    if (status < 0)
        err_set(&s->err, "cancelled", "the call was cancelled");
    s->request.packed(s->request.user, &s->writer.count, err_is_set(&s->err) ? &s->err : NULL);
    map_done(&s->index);
    vec_done(&s->start);
    buf_done(&s->text);
    err_done(&s->err);
    free(s);
    local_release(w);
}

void local_snapshot(struct runner_workspace *w, const struct runner_snapshot *request)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    s->w = (struct local_workspace *)w;
    s->request = *request;
    s->writer = (struct pack_writer){.put = request->put, .user = request->user};
    s->work.data = s;
    s->w->busy++;
    uv_queue_work(s->w->local->loop, &s->work, work, done);
}

bool local_has_source(struct runner_workspace *workspace)
{
    struct local_workspace *w = (struct local_workspace *)workspace;
    auto_fd fd = start_open_source(w->dir);
    return fd >= 0;
}
