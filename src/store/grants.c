/* What steps were let use and did not. */
#include "store/store_int.h"

static bool apply_unused(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_grant *g = payload;
    return db_run(w->db,
                  "INSERT INTO unused_grants (run_id, attempt, step_id, try, kind, name)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  DB_ARGS(db_int(g->key.run_id), db_int(g->key.attempt), db_text(g->key.step_id),
                          db_int(g->key.try), db_text(g->kind), db_text(g->name)),
                  err);
}

void store_add_unused_grant(struct store_batch *b, const struct store_grant *g)
{
    struct store_grant *copy = batch_payload(b, sizeof *copy);
    *copy = *g;
    copy->key.step_id = batch_str(b, g->key.step_id);
    copy->kind = batch_str(b, g->kind);
    copy->name = batch_str(b, g->name);
    batch_add(b, apply_unused, copy);
}

bool store_list_unused_grants(struct store_reader *r, const struct store_step_key *key,
                              struct arena *a, struct store_grant **ret, size_t *ret_n,
                              struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_grant) list = {0};
    if (!db_query(r->db,
                  "SELECT kind, name FROM unused_grants WHERE run_id = $1 AND step_id = $2"
                  " AND attempt = $3 AND try = $4 ORDER BY id",
                  DB_ARGS(db_int(key->run_id), db_text(key->step_id), db_int(key->attempt),
                          db_int(key->try)),
                  &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_grant){.key = *key,
                                             .kind = arena_str(a, db_get_str(&rows, 0)),
                                             .name = arena_str(a, db_get_str(&rows, 1))});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
