/* The database as a whole: copies, size, removal of old runs. */
#include "store/store_int.h"

bool store_backup(struct store_reader *r, const char *path, struct err *err)
{
    return db_driver_of(r->db)->backup(r->db, path, err);
}

bool store_size(struct store_reader *r, int64_t *ret_bytes, struct err *err)
{
    return db_driver_of(r->db)->size(r->db, ret_bytes, err);
}

bool store_version(struct store_reader *r, int64_t *ret, struct err *err)
{
    bool has;
    return db_find_int(r->db, "SELECT MAX(version) FROM schema_migrations", NULL, 0, &has, ret,
                       err);
}

static bool check_final(struct store_writer *w, int64_t run_id, struct err *err)
{
    auto_db_rows rows = {0};
    enum run_status status = RUN_QUEUED;
    if (!db_query(w->db, "SELECT status FROM workflow_runs WHERE id = $1", DB_ARGS(db_int(run_id)),
                  &rows, err))
        return false;
    if (!db_next(&rows, err))
        return !err_is_set(err) && fail_run_unknown(err, run_id);
    if (run_status_parse(db_get_str(&rows, 0), &status) && run_status_is_final(status))
        return true;
    return err_set(err, "run_not_final", "run %lld has not ended", (long long)run_id);
}

/* What belongs to the run goes with its row; lines have no foreign key. */
static bool apply_delete(struct store_writer *w, void *payload, struct err *err)
{
    int64_t run_id = *(const int64_t *)payload;
    w->seqs.n = 0;
    return check_final(w, run_id, err) &&
           db_run(w->db,
                  "DELETE FROM workflow_logs WHERE step_key IN"
                  " (SELECT id FROM workflow_steps WHERE run_id = $1)",
                  DB_ARGS(db_int(run_id)), err) &&
           db_run(w->db, "DELETE FROM workflow_runs WHERE id = $1", DB_ARGS(db_int(run_id)), err);
}

void store_delete_run(struct store_batch *b, int64_t run_id)
{
    int64_t *copy = batch_payload(b, sizeof *copy);
    *copy = run_id;
    batch_add(b, apply_delete, copy);
}

static bool apply_sweep(struct store_writer *w, void *payload, struct err *err)
{
    (void)payload;
    return db_run(w->db,
                  "DELETE FROM source_texts WHERE sha256 NOT IN"
                  " (SELECT sha256 FROM source_bundles)",
                  NULL, 0, err);
}

void store_sweep_sources(struct store_batch *b)
{
    batch_add(b, apply_sweep, NULL);
}

bool store_list_ended(struct store_reader *r, int64_t before, size_t max, struct arena *a,
                      int64_t **ret_ids, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(int64_t) ids = {0};
    if (!db_query(r->db,
                  "SELECT id FROM workflow_runs WHERE status IN ($1, $2, $3)"
                  " AND ($4 = 0 OR completed_at < $4) ORDER BY id LIMIT $5",
                  DB_ARGS(db_text(str_of(run_status_name(RUN_SUCCESS))),
                          db_text(str_of(run_status_name(RUN_FAILED))),
                          db_text(str_of(run_status_name(RUN_CANCELLED))), db_int(before),
                          db_int((int64_t)max)),
                  &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&ids, db_get_int(&rows, 0));
    if (!err_is_set(err)) {
        *ret_ids = list_keep(a, ids.at, ids.n, sizeof *ids.at);
        *ret_n = ids.n;
    }
    vec_done(&ids);
    return !err_is_set(err);
}
