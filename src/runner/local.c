#include "runner/copy.h"
#include "runner/image.h"
#include "runner/local_int.h"
#include "runner/seed.h"
#include "runner/start.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PROGRESS_MS = 100,
    REMOVE_TRIES = 50,
    TAKEN_MAX = 512 << 20,
    REMOVE_WAIT_NS = 20 * 1000 * 1000
};

/* ---- opening: folders, files, repository; on a thread of the pool ---- */

struct opening {
    uv_work_t work;
    uv_timer_t timer;
    struct local *local;
    struct runner_open request;
    char *source, *commit;
    struct local_workspace *result;
    struct source_notes notes;
    struct copy_progress progress;
    struct err err;
    struct image_place image;
    bool not_kept;
};

static bool make_folder(const char *dir, const char *name, unsigned mode, struct owner owner,
                        struct err *err)
{
    auto_buf path = BUF(PATH_MAX - 1);
    buf_addf(&path, "%s%s%s", dir, *name ? "/" : "", name);
    int e = path.overflow ? ENAMETOOLONG : 0;
    if (!e && mkdir(buf_c(&path), mode) < 0)
        e = errno;
    /* mkdir's mode passes through umask */
    if (!e && chmod(buf_c(&path), mode) < 0)
        e = errno;
    if (!e && owner.change && chown(buf_c(&path), owner.uid, owner.gid) < 0)
        e = errno;
    return e ? err_errno(err, "workspace_open", e, "cannot make %s", buf_c(&path)) : true;
}

/* A child of the program that was killed (git, say) may write there for another moment. */
static bool remove_left(const char *dir, struct err *err)
{
    for (int tries = 1;; tries++) {
        auto_err e = ERR_INIT;
        if (local_remove(dir, &e))
            return true;
        if (tries == REMOVE_TRIES) {
            err_move(err, &e);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = REMOVE_WAIT_NS}, NULL);
    }
}

static bool make_folders(const struct opening *o, const char *dir, struct owner owner,
                         struct err *err)
{
    const struct owner ours = {0};
    auto_buf keeper = BUF(PATH_MAX); /* of an earlier run with this id, whose folder goes now */
    local_add_keeper(o->local, o->request.run_id, &keeper);
    sandbox_space_forget(buf_c(&keeper));
    return remove_left(dir, err) && make_folder(dir, "", 0700, ours, err) &&
           make_folder(dir, "workspace", 0755, owner, err) &&
           make_folder(dir, "tmp", 01777, owner, err) && make_folder(dir, "files", 0755, ours, err);
}

static bool fill_from_commit(struct opening *o, const char *workspace,
                             const struct image_request *image)
{
    auto_buf git_dir = BUF(PATH_MAX);
    buf_addf(&git_dir, "%s/borrowed.git", o->result->dir);
    if (o->source)
        return commit_fill(o->source, o->commit, buf_c(&git_dir), workspace, image, &o->notes,
                           &o->err);
    return err_set(&o->err, "git_no_repository", "a commit's files need a repository");
}

static bool unpack(struct opening *o, const struct runner_files *f, int root, struct owner owner,
                   struct buf *paths, const struct pack_sink *sink)
{
    struct pack_count count;
    struct pack_target t = {.folder = root,
                            .links = true,
                            .replace = true,
                            .snapshot = true,
                            .give = owner.change,
                            .uid = owner.uid,
                            .gid = owner.gid,
                            .paths = paths,
                            .sink = sink};
    return pack_extract(&t, f->get, f->user, &count, &o->err);
}

static bool unpack_files(struct opening *o, int root, const struct image_request *image)
{
    struct image_stream *stream = image_stream_new(image);
    struct pack_sink sink = image_as_sink(stream);
    bool good = unpack(o, &o->request.files, root, image->owner, &o->notes.taken, &sink) &&
                image_stream_end(stream, &o->err);
    image_stream_free(stream);
    return good;
}

static bool copy_source(struct opening *o, const char *workspace, struct owner owner,
                        struct seeding *seed)
{
    struct copy_request request = {.from = o->source,
                                   .to = workspace,
                                   .left_out = o->local->data_dir,
                                   .owner = owner,
                                   .progress = &o->progress,
                                   .seed = seed,
                                   .image = &o->image};
    return copy_tree(&request, &o->notes, &o->err);
}

static bool fill_files(struct opening *o, const char *workspace, int root, struct owner owner,
                       struct seeding *seed)
{
    const struct image_request image = {&o->image, owner, seed};
    if (o->request.files.get)
        return unpack_files(o, root, &image);
    if (o->commit)
        return fill_from_commit(o, workspace, &image) &&
               (o->image.made || chown_tree(root, ".", owner, &o->err));
    return !o->source || copy_source(o, workspace, owner, seed);
}

/* The files' repository, and a record of both. */
static bool end_seed(struct opening *o, struct seeding *seed, int root, struct owner owner,
                     struct start_record *start)
{
    bool recorded, seeded = seed_end(seed, &recorded);
    /* Nothing here needs git; a step that does finds no repository. */
    if (!seeded && strcmp(o->err.code, "git_missing") != 0)
        return false;
    err_reset(&o->err);
    return (!seeded || chown_tree(root, ".git", owner, &o->err)) &&
           (recorded || start_walk(start, root)) && start_end(start, root);
}

/* Where files are an image; root is the mount's then. */
static bool mount_image(struct opening *o, const char *workspace, struct seeding *seed, int *root)
{
    if (!o->image.made)
        return true;
    if (!overlay_begin(o->result->dir, &o->err) || !seed_open_again(seed))
        return false;
    fd_close(root);
    *root = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *root >= 0 || err_errno(&o->err, "workspace_open", errno, "cannot open %s", workspace);
}

static bool fill(struct opening *o, const char *workspace, struct owner owner)
{
    auto_fd root = open(workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct owner shown = local_shown_owner(o->local);
    struct start_record *start;
    struct seeding *seed = NULL;
    if (root < 0)
        return err_errno(&o->err, "workspace_open", errno, "cannot open %s", workspace);
    if (!start_begin(o->result->dir, o->request.keep_source, &start, &o->err))
        return false;
    bool ok =
        seed_begin(workspace, start, shown, &seed, &o->err) &&
        fill_files(o, workspace, root, owner, seed) && mount_image(o, workspace, seed, &root) &&
        (!o->notes.taken.n || taken_write(o->result->dir, buf_str(&o->notes.taken), &o->err)) &&
        end_seed(o, seed, root, owner, start);
    o->not_kept = start_is_too_large(start);
    seed_free(seed);
    start_free(start);
    return ok &&
           (!o->request.changes.get || unpack(o, &o->request.changes, root, owner, NULL, NULL));
}

/* What was asked for, else what is configured, else the default. */
static int64_t choose(int64_t asked, int64_t configured, int64_t otherwise)
{
    return asked ? asked : configured ? configured : otherwise;
}

static bool open_space(struct opening *o, struct local_workspace *w, const char *workspace)
{
    auto_buf tmp = BUF(PATH_MAX - 1), files = BUF(PATH_MAX - 1), keeper = BUF(PATH_MAX - 1);
    bool fresh;
    buf_addf(&tmp, "%s/tmp", w->dir);
    buf_addf(&files, "%s/files", w->dir);
    local_add_keeper(o->local, o->request.run_id, &keeper);
    struct sandbox_space_spec spec = {
        .workspace = workspace,
        .tmp = buf_c(&tmp),
        .files = buf_c(&files),
        .keeper = buf_c(&keeper),
        .tmp_bytes =
            choose(o->request.tmp_bytes, o->local->config->sandbox.tmp_bytes, SANDBOX_TMP_BYTES)};
    return sandbox_space_open(o->local->sandbox, &spec, &w->space, &fresh, &o->err);
}

static bool mount_again(struct opening *o, const char *dir)
{
    auto_err why = ERR_INIT;
    long long run = o->request.run_id;
    if (overlay_go_on(dir, &why))
        return true;
    err_set(&o->err, why.code, "the files of run %lld are there and cannot be mounted: %.*s", run,
            STR_ARG(why.message));
    err_hint(&o->err, "%.*s; then `plue run rerun %lld --failed` goes on with them",
             STR_ARG(why.hint), run);
    return false;
}

static bool open_workspace(struct opening *o, struct local_workspace *w)
{
    auto_buf path = BUF(PATH_MAX - 1);
    struct owner owner = local_owner(o->local);
    buf_addf(&path, "%s/workspace", w->dir);
    if (!o->request.resume &&
        !(make_folders(o, w->dir, owner, &o->err) && fill(o, buf_c(&path), owner) &&
          local_mark_ready(w->dir, o->request.filled, &o->err)))
        return false;
    errno = ENOENT;
    /* Of files that were not whole nothing is mounted. */
    bool there = local_is_ready(w->dir, o->request.filled);
    if (there && o->request.resume && !mount_again(o, w->dir))
        return false;
    w->root = there ? open(buf_c(&path), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (w->root >= 0)
        return open_space(o, w, buf_c(&path));
    err_errno(&o->err, o->request.resume ? "workspace_lost" : "workspace_open", errno,
              "the workspace of run %lld cannot be opened", (long long)o->request.run_id);
    err_hint(&o->err, "start the run again from its source");
    return false;
}

static void open_work(uv_work_t *work)
{
    struct opening *o = work->data;
    auto_err ignored = ERR_INIT;
    if (!open_workspace(o, o->result) && !o->request.resume)
        (void)!local_remove(o->result->dir, &ignored);
}

static void workspace_free(struct local_workspace *w)
{
    fd_close(&w->root);
    vec_done(&w->spares);
    free(w->dir);
    free(w);
}

static void opening_free(uv_handle_t *timer)
{
    struct opening *o = timer->data;
    err_done(&o->err);
    free(o->source);
    free(o->commit);
    source_notes_done(&o->notes);
    free(o);
}

/* An ordinary user, who could not mend it, is told by plue doctor alone. */
static void add_refusal(const struct opening *o, struct buf *text)
{
    const struct err *why = &o->local->overlay.no;
    if (o->image.refused && geteuid() == 0)
        buf_addf(text, "%sits files were copied one by one, which is slow: %.*s%s%.*s",
                 text->n ? "\n" : "", STR_ARG(why->message), why->hint.n ? ": " : "",
                 STR_ARG(why->hint));
}

static void give_notice(struct opening *o)
{
    auto_buf text = BUF(SOURCE_NOTES_MAX);
    source_notes_add_text(&o->notes, &text);
    if (o->not_kept)
        buf_addf(&text, "%sits files take more than %d MiB: they are not kept for a rerun",
                 text.n ? "\n" : "", (int)(RUNNER_SNAPSHOT_BYTES >> 20));
    add_refusal(o, &text);
    const char *cold = sandbox_space_notice(o->result->space);
    if (cold)
        buf_addf(&text, "%s%s", text.n ? "\n" : "", cold);
    if (text.n && o->request.notice)
        o->request.notice(o->request.user, buf_str(&text));
}

static void open_done(uv_work_t *work, int status)
{
    struct opening *o = work->data;
    if (status < 0)
        err_set(&o->err, "cancelled", "the workspace's preparation was cancelled");
    uv_timer_stop(&o->timer);
    if (!err_is_set(&o->err) && !watches_open(&o->result->watches, o->local->loop, &o->err))
        sandbox_space_close(o->result->space, true); /* what is there is found by a resume */
    if (err_is_set(&o->err)) {
        workspace_free(o->result);
        o->result = NULL;
    }
    if (o->result)
        quota_start(o->result,
                    choose(o->request.workspace_bytes, o->local->config->sandbox.workspace_bytes,
                           RUNNER_WORKSPACE_BYTES));
    if (o->result)
        give_notice(o);
    o->request.opened(o->request.user, o->result ? &o->result->workspace : NULL,
                      o->result ? NULL : &o->err);
    uv_close((uv_handle_t *)&o->timer, opening_free);
}

static void open_progress(uv_timer_t *timer)
{
    struct opening *o = timer->data;
    o->request.progress(o->request.user, atomic_load(&o->progress.files),
                        atomic_load(&o->progress.total));
}

static void local_open(struct runner *r, const struct runner_open *request)
{
    struct local *l = (struct local *)r;
    struct opening *o = mem_zalloc(sizeof *o);
    struct local_workspace *w = mem_zalloc(sizeof *w);
    auto_buf dir = BUF(PATH_MAX);
    buf_addf(&dir, "%s/workspaces/%lld", l->data_dir, (long long)request->run_id);
    *w = (struct local_workspace){
        .workspace.runner = r, .local = l, .root = -1, .dir = buf_take(&dir, NULL)};
    o->local = l;
    o->request = *request;
    o->source = request->source ? mem_dup(request->source, strlen(request->source)) : NULL;
    o->commit = request->commit ? str_dup(str_of(request->commit)) : NULL;
    o->notes.taken = BUF(TAKEN_MAX);
    o->result = w;
    o->image = (struct image_place){.dir = w->dir, .trial = &l->overlay};
    o->work.data = o->timer.data = o;
    uv_timer_init(l->loop, &o->timer);
    if (request->progress)
        uv_timer_start(&o->timer, open_progress, PROGRESS_MS, PROGRESS_MS);
    uv_queue_work(l->loop, &o->work, open_work, open_done);
}

/* ---- closing ---- */

struct closing {
    uv_work_t work;
    struct local_workspace *w;
    struct err err;
};

static void close_work(uv_work_t *work)
{
    struct closing *c = work->data;
    sandbox_space_close(c->w->space, c->w->keep == RUNNER_KEEP);
    fd_close(&c->w->root); /* the last use of a mount, which takes its time */
    if (c->w->keep == RUNNER_KEEP_FILES)
        overlay_end(c->w->dir);
    if (c->w->keep == RUNNER_REMOVE)
        (void)!local_remove(c->w->dir, &c->err);
}

static void close_done(uv_work_t *work, int status)
{
    struct closing *c = work->data;
    struct local_workspace *w = c->w;
    (void)status;
    w->closed(w->user, err_is_set(&c->err) ? &c->err : NULL);
    err_done(&c->err);
    workspace_free(w);
    free(c);
}

static void start_closing(uv_handle_t *timer)
{
    struct local_workspace *w = timer->data;
    struct closing *c = mem_zalloc(sizeof *c);
    c->w = w;
    c->work.data = c;
    uv_queue_work(w->local->loop, &c->work, close_work, close_done);
}

static void watches_closed(uv_handle_t *poll)
{
    struct local_workspace *w = poll->data;
    uv_close((uv_handle_t *)&w->quota.timer, start_closing);
}

static void close_when_idle(struct local_workspace *w)
{
    if (!w->closing || w->busy)
        return;
    step_files_forget(w);
    w->watches.poll.data = w;
    watches_close(&w->watches, watches_closed);
}

void local_release(struct local_workspace *w)
{
    w->busy--;
    close_when_idle(w);
}

static void local_close(struct runner_workspace *workspace, enum runner_keep keep,
                        runner_closed_fn *closed, void *user)
{
    struct local_workspace *w = (struct local_workspace *)workspace;
    w->closing = true;
    w->keep = keep;
    w->closed = closed;
    w->user = user;
    local_kill_all(w);
    close_when_idle(w);
}

/* ---- the runner ---- */

static void local_free(struct runner *r)
{
    struct local *l = (struct local *)r;
    overlay_trial_done(&l->overlay);
    free(l->data_dir);
    free(l);
}

static const struct runner_ops local_ops = {
    .open = local_open,
    .close = local_close,
    .exec = local_exec,
    .kill = local_kill,
    .send = local_send,
    .end_input = local_end_input,
    .read = local_read,
    .write = local_write,
    .list = local_list,
    .hash = local_hash,
    .pack = local_pack,
    .unpack = local_unpack,
    .checkout = local_checkout,
    .snapshot = local_snapshot,
    .has_source = local_has_source,
    .left = local_left,
    .forget = local_forget,
    .has_files = local_has_files,
    .free = local_free,
};

static const struct config unconfigured;

void runner_local_configure(struct runner *r, const struct config *c)
{
    ((struct local *)r)->config = c;
}

bool runner_local_new(struct uv_loop_s *loop, const char *data_dir, struct sandbox *sandbox,
                      struct runner **ret_runner, struct err *err)
{
    auto_buf workspaces = BUF(PATH_MAX - 32), keepers = BUF(PATH_MAX - 32);
    buf_addf(&workspaces, "%s/workspaces", data_dir);
    buf_addf(&keepers, "%s/keepers", data_dir);
    if (workspaces.overflow)
        return err_set(err, "workspace_open", "the data directory's path is too long");
    int e = fd_make_dirs(AT_FDCWD, buf_c(&workspaces), 0700);
    e = e ? e : fd_make_dirs(AT_FDCWD, buf_c(&keepers), 0700);
    auto_free char *absolute = e ? NULL : realpath(data_dir, NULL);
    if (!absolute) {
        err_errno(err, "workspace_open", e ? e : errno, "cannot make the folder %s",
                  buf_c(&workspaces));
        err_hint(err, "choose another one with --data-dir");
        return false;
    }
    struct local *l = mem_zalloc(sizeof *l);
    *l = (struct local){.runner.ops = &local_ops,
                        .loop = loop,
                        .sandbox = sandbox,
                        .config = &unconfigured,
                        .data_dir = steal(absolute)};
    overlay_trial_init(&l->overlay);
    *ret_runner = &l->runner;
    return true;
}
