/* Files of workspaces; their bytes stand in the blob store. */
#include "base/map.h"
#include "store/store_int.h"

#define NAMES                                                                                     \
    "run_id, attempt, kind, steps, base_sha256, base_commit, sha256, files, bytes, stored_bytes," \
    " holds_secret, created_at"

static bool apply_put(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_snapshot *s = payload;
    return db_run(w->db,
                  "INSERT INTO workspace_snapshots (" NAMES ")"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                  DB_ARGS(db_int(s->run_id), db_int(s->attempt), db_text(s->kind),
                          db_text(s->steps), db_text_or_null(s->base_sha256),
                          db_text_or_null(s->base_commit), db_text(s->sha256), db_int(s->files),
                          db_int(s->bytes), db_int(s->stored_bytes), db_int(s->holds_secret),
                          db_int(s->created_at)),
                  err);
}

void store_put_snapshot(struct store_batch *b, const struct store_snapshot *s)
{
    struct store_snapshot *copy = batch_payload(b, sizeof *copy);
    *copy = *s;
    str *texts[] = {&copy->kind, &copy->steps, &copy->base_sha256, &copy->base_commit,
                    &copy->sha256};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = batch_str(b, *texts[i]);
    batch_add(b, apply_put, copy);
}

static bool apply_drop(struct store_writer *w, void *payload, struct err *err)
{
    return db_run(w->db, "DELETE FROM workspace_snapshots WHERE run_id = $1",
                  DB_ARGS(db_int(*(const int64_t *)payload)), err);
}

void store_drop_snapshots(struct store_batch *b, int64_t run_id)
{
    int64_t *copy = batch_payload(b, sizeof *copy);
    *copy = run_id;
    batch_add(b, apply_drop, copy);
}

bool store_list_snapshots(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_snapshot **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_snapshot) list = {0};
    if (!db_query(r->db, "SELECT " NAMES " FROM workspace_snapshots WHERE run_id = $1 ORDER BY id",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, ((struct store_snapshot){.run_id = db_get_int(&rows, 0),
                                                 .attempt = db_get_int(&rows, 1),
                                                 .kind = arena_str(a, db_get_str(&rows, 2)),
                                                 .steps = arena_str(a, db_get_str(&rows, 3)),
                                                 .base_sha256 = arena_str(a, db_get_str(&rows, 4)),
                                                 .base_commit = arena_str(a, db_get_str(&rows, 5)),
                                                 .sha256 = arena_str(a, db_get_str(&rows, 6)),
                                                 .files = db_get_int(&rows, 7),
                                                 .bytes = db_get_int(&rows, 8),
                                                 .stored_bytes = db_get_int(&rows, 9),
                                                 .holds_secret = db_get_int(&rows, 10) != 0,
                                                 .created_at = db_get_int(&rows, 11)}));
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

/* ---- retention ---- */

struct aging {
    int64_t before, keep_bytes, kept;
    struct map counted; /* blobs */
    struct arena *a;
    VEC(int64_t) runs;
};

/* Rows come by run, the one with the newest snapshot first. */
static void look_at(struct aging *x, const struct db_rows *rows)
{
    str sha = db_get_str(rows, 1);
    enum run_status status;
    int64_t run_id = db_get_int(rows, 0);
    bool ended = run_status_parse(db_get_str(rows, 4), &status) && run_status_is_final(status);
    if (!map_has(&x->counted, sha)) {
        map_set(&x->counted, arena_str(x->a, sha), x);
        x->kept += db_get_int(rows, 2);
    }
    bool goes = ended && (db_get_int(rows, 3) < x->before || x->kept > x->keep_bytes);
    if (goes && (!x->runs.n || vec_last(&x->runs) != run_id))
        vec_push(&x->runs, run_id);
}

bool store_list_old_snapshots(struct store_reader *r, int64_t before, int64_t keep_bytes,
                              struct arena *a, int64_t **ret_runs, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    struct aging x = {.before = before, .keep_bytes = keep_bytes, .a = a};
    if (!db_query(r->db,
                  "SELECT s.run_id, s.sha256, s.stored_bytes, m.newest, r.status"
                  " FROM workspace_snapshots s JOIN (SELECT run_id, MAX(created_at) AS newest"
                  " FROM workspace_snapshots GROUP BY run_id) AS m ON m.run_id = s.run_id"
                  " JOIN workflow_runs r ON r.id = s.run_id"
                  " ORDER BY m.newest DESC, s.run_id DESC, s.id",
                  NULL, 0, &rows, err))
        return false;
    while (db_next(&rows, err))
        look_at(&x, &rows);
    if (!err_is_set(err)) {
        *ret_runs = list_keep(a, x.runs.at, x.runs.n, sizeof *x.runs.at);
        *ret_n = x.runs.n;
    }
    vec_done(&x.runs);
    map_done(&x.counted);
    return !err_is_set(err);
}
