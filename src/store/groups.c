/* Concurrency groups: which open runs share one, and which of them holds it. */
#include "store/store_int.h"

bool store_list_group(struct store_reader *r, int64_t run_id, struct arena *a,
                      struct store_group_run **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_group_run) list = {0};
    if (!db_query(r->db,
                  "SELECT o.id, COALESCE(o.holds_group, 0), COALESCE(o.priority, 0),"
                  " o.concurrency_policy FROM workflow_runs r JOIN workflow_runs o"
                  " ON o.concurrency_group = r.concurrency_group"
                  " AND COALESCE(o.repository_id, 0) = COALESCE(r.repository_id, 0)"
                  " WHERE r.id = $1 AND o.status IN ($2, $3, $4) ORDER BY o.id",
                  DB_ARGS(db_int(run_id), db_text(str_of(run_status_name(RUN_QUEUED))),
                          db_text(str_of(run_status_name(RUN_RUNNING))),
                          db_text(str_of(run_status_name(RUN_WAITING)))),
                  &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_group_run){.run_id = db_get_int(&rows, 0),
                                                 .holds = db_get_int(&rows, 1) != 0,
                                                 .priority = db_get_int(&rows, 2),
                                                 .policy = arena_str(a, db_get_str(&rows, 3))});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

static bool apply_take(struct store_writer *w, void *payload, struct err *err)
{
    int64_t run_id = *(const int64_t *)payload;
    if (!db_run(w->db,
                "UPDATE workflow_runs SET holds_group = 1 WHERE id = $1 AND NOT EXISTS"
                " (SELECT 1 FROM workflow_runs o WHERE o.id <> $1 AND o.holds_group = 1"
                " AND o.concurrency_group = workflow_runs.concurrency_group"
                " AND COALESCE(o.repository_id, 0) = COALESCE(workflow_runs.repository_id, 0)"
                " AND o.status IN ($2, $3, $4))",
                DB_ARGS(db_int(run_id), db_text(str_of(run_status_name(RUN_QUEUED))),
                        db_text(str_of(run_status_name(RUN_RUNNING))),
                        db_text(str_of(run_status_name(RUN_WAITING)))),
                err))
        return false;
    return db_changes(w->db) == 1 ||
           err_set(err, "group_held", "another run holds the group of run %lld", (long long)run_id);
}

void store_take_group(struct store_batch *b, int64_t run_id)
{
    int64_t *copy = batch_payload(b, sizeof *copy);
    *copy = run_id;
    batch_add(b, apply_take, copy);
}
