/* What runs have left: found by their folders and keepers' files, ended by the latter, removed on
 * the pool. */
#include "base/num.h"
#include "base/vec.h"
#include "runner/local_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { READY_MAX = 32 };

static void add_dir(const char *data_dir, int64_t run_id, struct buf *ret)
{
    buf_addf(ret, "%s/workspaces/%lld", data_dir, (long long)run_id);
}

static void add_keeper(const char *data_dir, int64_t run_id, struct buf *ret)
{
    buf_addf(ret, "%s/keepers/%lld", data_dir, (long long)run_id);
}

void local_add_keeper(const struct local *l, int64_t run_id, struct buf *ret)
{
    add_keeper(l->data_dir, run_id, ret);
}

typedef VEC(int64_t) id_list;

static void find_in(const char *data_dir, const char *folder, id_list *ids)
{
    auto_buf path = BUF(PATH_MAX);
    size_t before = ids->n;
    buf_addf(&path, "%s/%s", data_dir, folder);
    DIR *dir = opendir(buf_c(&path));
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int64_t id;
        bool known = !num_parse_int(str_of(e->d_name), &id) || id <= 0;
        for (size_t i = 0; !known && i < before; i++)
            known = ids->at[i] == id;
        if (!known)
            vec_push(ids, id);
    }
    if (dir)
        closedir(dir);
}

static id_list find_left(const char *data_dir)
{
    id_list ids = {0};
    find_in(data_dir, "workspaces", &ids);
    find_in(data_dir, "keepers", &ids); /* of those whose folder somebody has removed */
    return ids;
}

void local_left(struct runner *r, struct arena *a, int64_t **ret_run_ids, size_t *ret_n)
{
    id_list ids = find_left(((struct local *)r)->data_dir);
    *ret_run_ids = arena_array(a, int64_t, ids.n);
    if (ids.n)
        memcpy(*ret_run_ids, ids.at, ids.n * sizeof *ids.at);
    *ret_n = ids.n;
    vec_done(&ids);
}

/* ---- readiness ---- */

static void add_ready(const char *dir, struct buf *ret)
{
    buf_addf(ret, "%s/ready", dir);
}

bool local_mark_ready(const char *dir, int64_t filled, struct err *err)
{
    auto_buf path = BUF(PATH_MAX), text = BUF(READY_MAX);
    add_ready(dir, &path);
    buf_add_int(&text, filled);
    auto_fd fd = open(buf_c(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int e = fd < 0 ? errno : fd_write_all(fd, text.p, text.n);
    return !e || err_errno(err, "workspace_open", e, "cannot make %s", buf_c(&path));
}

/* An empty one is of a version that did not number them. */
bool local_is_ready(const char *dir, int64_t filled)
{
    auto_buf path = BUF(PATH_MAX), text = BUF(READY_MAX);
    int64_t found;
    add_ready(dir, &path);
    return fd_read_file(AT_FDCWD, buf_c(&path), &text) == 0 &&
           (!text.n || (num_parse_int(buf_str(&text), &found) && found == filled));
}

bool local_has_files(struct runner *r, int64_t run_id, int64_t filled)
{
    auto_buf dir = BUF(PATH_MAX);
    add_dir(((struct local *)r)->data_dir, run_id, &dir);
    bool ready = local_is_ready(buf_c(&dir), filled);
    buf_add_c(&dir, "/workspace");
    return ready && access(buf_c(&dir), F_OK) == 0;
}

/* ---- removal ---- */

bool local_remove(const char *dir, struct err *err)
{
    overlay_end(dir);
    return remove_tree(dir, err);
}

bool runner_local_remove(const char *data_dir, struct err *err)
{
    id_list ids = find_left(data_dir);
    vec_each (id, &ids) {
        auto_buf dir = BUF(PATH_MAX), keeper = BUF(PATH_MAX);
        add_dir(data_dir, *id, &dir);
        add_keeper(data_dir, *id, &keeper);
        sandbox_space_forget(buf_c(&keeper)); /* kept for a resume that never comes */
        overlay_end(buf_c(&dir));
    }
    vec_done(&ids);
    return remove_tree(data_dir, err);
}

struct removing {
    uv_work_t work;
    char *dir;
};

static void remove_work(uv_work_t *work)
{
    struct removing *m = work->data;
    auto_err ignored = ERR_INIT;
    (void)!local_remove(m->dir, &ignored); /* what stays is found at the next start */
}

static void remove_done(uv_work_t *work, int status)
{
    struct removing *m = work->data;
    (void)status;
    free(m->dir);
    free(m);
}

void local_forget(struct runner *r, int64_t run_id, enum runner_keep keep)
{
    struct local *l = (struct local *)r;
    auto_buf dir = BUF(PATH_MAX), keeper = BUF(PATH_MAX);
    add_dir(l->data_dir, run_id, &dir);
    if (keep == RUNNER_KEEP)
        return;
    local_add_keeper(l, run_id, &keeper);
    sandbox_space_forget(buf_c(&keeper));
    if (keep == RUNNER_KEEP_FILES) {
        overlay_end(buf_c(&dir)); /* a rerun mounts it again */
        return;
    }
    struct removing *m = mem_zalloc(sizeof *m);
    m->dir = buf_take(&dir, NULL);
    m->work.data = m;
    uv_queue_work(l->loop, &m->work, remove_work, remove_done);
}
