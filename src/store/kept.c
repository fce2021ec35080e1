/* Artifacts and caches: what stands in the blob store, and who refers to it. */
#include "store/store_int.h"

/* ---- artifacts ---- */

static bool apply_artifact(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_artifact *a = payload;
    return db_run(w->db,
                  "INSERT INTO artifacts (run_id, attempt, step_id, name, sha256, files, bytes,"
                  " stored_bytes, created_at, holds_secret)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                  " ON CONFLICT (run_id, attempt, name) DO UPDATE SET step_id = excluded.step_id,"
                  " sha256 = excluded.sha256, files = excluded.files, bytes = excluded.bytes,"
                  " stored_bytes = excluded.stored_bytes, created_at = excluded.created_at,"
                  " holds_secret = excluded.holds_secret",
                  DB_ARGS(db_int(a->run_id), db_int(a->attempt), db_text(a->step_id),
                          db_text(a->name), db_text(a->sha256), db_int(a->files), db_int(a->bytes),
                          db_int(a->stored_bytes), db_int(a->created_at), db_int(a->holds_secret)),
                  err);
}

void store_put_artifact(struct store_batch *b, const struct store_artifact *a)
{
    struct store_artifact *copy = batch_payload(b, sizeof *copy);
    *copy = *a;
    copy->step_id = batch_str(b, a->step_id);
    copy->name = batch_str(b, a->name);
    copy->sha256 = batch_str(b, a->sha256);
    batch_add(b, apply_artifact, copy);
}

bool store_list_artifacts(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_artifact **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_artifact) list = {0};
    if (!db_query(r->db,
                  "SELECT attempt, step_id, name, sha256, files, bytes, stored_bytes, created_at,"
                  " holds_secret"
                  " FROM artifacts AS x WHERE run_id = $1 AND attempt = (SELECT MAX(attempt)"
                  " FROM artifacts AS y WHERE y.run_id = x.run_id AND y.name = x.name)"
                  " ORDER BY name",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_artifact){.run_id = run_id,
                                                .attempt = db_get_int(&rows, 0),
                                                .step_id = arena_str(a, db_get_str(&rows, 1)),
                                                .name = arena_str(a, db_get_str(&rows, 2)),
                                                .sha256 = arena_str(a, db_get_str(&rows, 3)),
                                                .files = db_get_int(&rows, 4),
                                                .bytes = db_get_int(&rows, 5),
                                                .stored_bytes = db_get_int(&rows, 6),
                                                .created_at = db_get_int(&rows, 7),
                                                .holds_secret = db_get_int(&rows, 8) != 0});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

bool store_sum_artifacts(struct store_reader *r, int64_t *ret_bytes, struct err *err)
{
    bool has;
    return db_find_int(r->db,
                       "SELECT COALESCE(SUM(bytes), 0) FROM (SELECT MAX(stored_bytes) AS bytes"
                       " FROM artifacts GROUP BY sha256) AS blobs",
                       NULL, 0, &has, ret_bytes, err);
}

bool store_list_blobs(struct store_reader *r, int64_t run_id, struct arena *a, str **ret,
                      size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(str) list = {0};
    if (!db_query(r->db,
                  "SELECT sha256 FROM artifacts WHERE run_id = $1"
                  " UNION SELECT sha256 FROM workspace_snapshots WHERE run_id = $1",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, arena_str(a, db_get_str(&rows, 0)));
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

bool store_blob_is_used(struct store_reader *r, str sha256, bool *ret, struct err *err)
{
    bool has;
    int64_t n = 0;
    if (!db_find_int(r->db,
                     "SELECT (SELECT COUNT(*) FROM artifacts WHERE sha256 = $1)"
                     " + (SELECT COUNT(*) FROM cache_entries WHERE sha256 = $1)"
                     " + (SELECT COUNT(*) FROM workspace_snapshots WHERE sha256 = $1)",
                     DB_ARGS(db_text(sha256)), &has, &n, err))
        return false;
    *ret = n > 0;
    return true;
}

/* ---- caches ---- */

static bool apply_cache(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_cache *c = payload;
    return db_run(w->db,
                  "INSERT INTO cache_entries (repository, scope, cache_key, version, sha256, bytes,"
                  " stored_bytes, created_at, used_at, result)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)"
                  " ON CONFLICT (repository, scope, version, cache_key) DO NOTHING",
                  DB_ARGS(db_text(c->repository), db_text(c->scope), db_text(c->key),
                          db_text(c->version), db_text(c->sha256), db_int(c->bytes),
                          db_int(c->stored_bytes), db_int(c->created_at), db_text(c->result)),
                  err);
}

void store_put_cache(struct store_batch *b, const struct store_cache *c)
{
    struct store_cache *copy = batch_payload(b, sizeof *copy);
    *copy = *c;
    str *texts[] = {&copy->repository, &copy->scope,  &copy->key,
                    &copy->version,    &copy->sha256, &copy->result};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = batch_str(b, *texts[i]);
    batch_add(b, apply_cache, copy);
}

struct cache_change {
    int64_t id, now;
};

static bool apply_use(struct store_writer *w, void *payload, struct err *err)
{
    const struct cache_change *c = payload;
    return db_run(w->db, "UPDATE cache_entries SET used_at = $2 WHERE id = $1",
                  DB_ARGS(db_int(c->id), db_int(c->now)), err);
}

static bool apply_drop(struct store_writer *w, void *payload, struct err *err)
{
    const struct cache_change *c = payload;
    return db_run(w->db, "DELETE FROM cache_entries WHERE id = $1", DB_ARGS(db_int(c->id)), err);
}

void store_use_cache(struct store_batch *b, int64_t id, int64_t now)
{
    struct cache_change *c = batch_payload(b, sizeof *c);
    *c = (struct cache_change){id, now};
    batch_add(b, apply_use, c);
}

void store_drop_cache(struct store_batch *b, int64_t id)
{
    struct cache_change *c = batch_payload(b, sizeof *c);
    *c = (struct cache_change){.id = id};
    batch_add(b, apply_drop, c);
}

bool store_find_cache(struct store_reader *r, const struct store_cache *wanted, bool prefix,
                      struct arena *a, struct store_cache *ret, bool *ret_found, struct err *err)
{
    auto_db_rows rows = {0};
    const char *sql =
        prefix ? "SELECT id, cache_key, sha256, bytes, stored_bytes, result FROM cache_entries"
                 " WHERE repository = $1 AND scope = $2 AND version = $3"
                 " AND substr(cache_key, 1, length($4)) = $4 ORDER BY created_at DESC, id DESC"
                 " LIMIT 1"
               : "SELECT id, cache_key, sha256, bytes, stored_bytes, result FROM cache_entries"
                 " WHERE repository = $1 AND scope = $2 AND version = $3 AND cache_key = $4";
    if (!db_query(r->db, sql,
                  DB_ARGS(db_text(wanted->repository), db_text(wanted->scope),
                          db_text(wanted->version), db_text(wanted->key)),
                  &rows, err))
        return false;
    *ret_found = db_next(&rows, err);
    if (*ret_found) {
        *ret = *wanted;
        ret->id = db_get_int(&rows, 0);
        ret->key = arena_str(a, db_get_str(&rows, 1));
        ret->sha256 = arena_str(a, db_get_str(&rows, 2));
        ret->bytes = db_get_int(&rows, 3);
        ret->stored_bytes = db_get_int(&rows, 4);
        ret->result = arena_str(a, db_get_str(&rows, 5));
    }
    return !err_is_set(err);
}

bool store_list_unused_caches(struct store_reader *r, int64_t keep_bytes, struct arena *a,
                              struct store_cache **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_cache) list = {0};
    int64_t kept = 0;
    if (!db_query(r->db,
                  "SELECT id, sha256, stored_bytes, (SELECT COUNT(*) FROM artifacts AS f"
                  " WHERE f.sha256 = c.sha256) + (SELECT COUNT(*) FROM cache_entries AS o"
                  " WHERE o.sha256 = c.sha256) + (SELECT COUNT(*) FROM workspace_snapshots AS s"
                  " WHERE s.sha256 = c.sha256) FROM cache_entries AS c"
                  " ORDER BY used_at DESC, id DESC",
                  NULL, 0, &rows, err))
        return false;
    while (db_next(&rows, err)) {
        kept += db_get_int(&rows, 2);
        if (kept > keep_bytes)
            vec_push(&list, (struct store_cache){.id = db_get_int(&rows, 0),
                                                 .sha256 = db_get_int(&rows, 3) == 1
                                                               ? arena_str(a, db_get_str(&rows, 1))
                                                               : STR("")});
    }
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
