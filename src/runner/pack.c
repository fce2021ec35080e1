/* Files of a workspace into one stream and back, on threads of the pool. */
#include "base/glob.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct packing {
    uv_work_t work;
    struct local_workspace *w;
    struct arena arena;
    struct runner_pack pack;
    struct runner_unpack unpack;
    bool packs;
    struct pack_count count;
    struct err err;
};

static bool leave_out(struct pack_writer *w, str path)
{
    if (!w->count.left++)
        w->count.left_first = path;
    return true;
}

/* A step may have put a link where a file stood: what is opened is looked at again. */
static bool pack_file(struct packing *p, struct pack_writer *w, str path)
{
    struct stat st;
    auto_fd fd = local_open_below(p->w->root, path.p, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 && (errno == ENOENT || errno == EXDEV || errno == ELOOP))
        return leave_out(w, path); /* gone meanwhile, or a link that leads nowhere or out */
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(&p->err, "file_access", errno, "cannot read '%.*s'", STR_ARG(path));
    if (!S_ISREG(st.st_mode))
        return leave_out(w, path);
    return pack_add_file(w, path, st.st_mode, st.st_size, fd, &p->err);
}

static bool pack_link(struct packing *p, struct pack_writer *w, str path)
{
    char target[PACK_PATH_MAX];
    ssize_t n = readlinkat(p->w->root, path.p, target, sizeof target);
    if (n <= 0 || (size_t)n == sizeof target ||
        !pack_link_stays_inside(path, str_make(target, (size_t)n)))
        return leave_out(w, path);
    return pack_add_link(w, path, str_make(target, (size_t)n), &p->err);
}

static bool is_selected(const struct packing *p, str path)
{
    const struct runner_pack *k = &p->pack;
    if (!k->exact)
        return glob_select(k->patterns, k->n, path);
    size_t low = 0, high = k->n; /* exact paths are sorted */
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(k->patterns[middle], path);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool pack_entry(struct packing *p, struct pack_writer *w, const struct runner_entry *e)
{
    if (e->kind == RUNNER_DIR || !is_selected(p, e->path))
        return true;
    if (e->kind == RUNNER_OTHER)
        return leave_out(w, e->path);
    if (e->kind == RUNNER_LINK && !p->pack.follow)
        return pack_link(p, w, e->path);
    return pack_file(p, w, e->path);
}

static void pack_work(uv_work_t *work)
{
    struct packing *p = work->data;
    cleanup(local_listing_done) struct local_listing l = {.path = "", .err = &p->err};
    struct pack_writer w = {.put = p->pack.put, .user = p->pack.user};
    if (!local_list_all(&l, p->w->root) || !pack_begin(&w, &p->err))
        return;
    for (size_t i = 0; i < l.entries.n; i++)
        if (!pack_entry(p, &w, &l.entries.at[i]))
            return;
    if (!pack_end(&w, &p->err))
        return;
    p->count = w.count;
    p->count.left_first = arena_str(&p->arena, w.count.left_first);
    (void)p->pack.end(p->pack.user, &p->err);
}

static void unpack_work(uv_work_t *work)
{
    struct packing *p = work->data;
    struct owner owner = local_owner(p->w->local);
    struct pack_target t = {.folder = p->w->root,
                            .links = true,
                            .replace = true,
                            .give = owner.change,
                            .uid = owner.uid,
                            .gid = owner.gid};
    if (!pack_extract(&t, p->unpack.get, p->unpack.user, &p->count, &p->err))
        p->count = (struct pack_count){0};
}

static void packing_done(uv_work_t *work, int status)
{
    struct packing *p = work->data;
    struct local_workspace *w = p->w;
    if (status < 0)
        err_set(&p->err, "cancelled", "the call was cancelled");
    runner_packed_fn *done = p->packs ? p->pack.packed : p->unpack.unpacked;
    done(p->packs ? p->pack.user : p->unpack.user, &p->count, err_is_set(&p->err) ? &p->err : NULL);
    err_done(&p->err);
    arena_done(&p->arena);
    free(p);
    local_release(w);
}

static void start(struct packing *p, struct runner_workspace *w, uv_work_cb work)
{
    p->w = (struct local_workspace *)w;
    p->work.data = p;
    p->w->busy++;
    uv_queue_work(p->w->local->loop, &p->work, work, packing_done);
}

void local_pack(struct runner_workspace *w, const struct runner_pack *pack)
{
    struct packing *p = mem_zalloc(sizeof *p);
    str *patterns = arena_array(&p->arena, str, pack->n);
    for (size_t i = 0; i < pack->n; i++)
        patterns[i] = arena_str(&p->arena, pack->patterns[i]);
    p->pack = *pack;
    p->pack.patterns = patterns;
    p->packs = true;
    start(p, w, pack_work);
}

void local_unpack(struct runner_workspace *w, const struct runner_unpack *unpack)
{
    struct packing *p = mem_zalloc(sizeof *p);
    p->unpack = *unpack;
    start(p, w, unpack_work);
}
