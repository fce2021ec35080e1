/* Values that a run's steps hid: sealed by the engine, in order. */
#include "store/store_int.h"

struct mask_add {
    int64_t run_id;
    str sealed;
};

static bool apply_add(struct store_writer *w, void *payload, struct err *err)
{
    const struct mask_add *m = payload;
    return db_run(w->db,
                  "INSERT INTO run_masks (run_id, position, sealed) SELECT $1,"
                  " COALESCE(MAX(position), 0) + 1, $2 FROM run_masks WHERE run_id = $1",
                  DB_ARGS(db_int(m->run_id), db_text(m->sealed)), err);
}

void store_add_mask(struct store_batch *b, int64_t run_id, str sealed)
{
    struct mask_add *m = batch_payload(b, sizeof *m);
    *m = (struct mask_add){run_id, batch_str(b, sealed)};
    batch_add(b, apply_add, m);
}

bool store_list_masks(struct store_reader *r, int64_t run_id, struct arena *a, str **ret,
                      size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(str) list = {0};
    if (!db_query(r->db, "SELECT sealed FROM run_masks WHERE run_id = $1 ORDER BY position",
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
