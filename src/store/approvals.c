/* What runs ask of people, and what these decided. */
#include "store/store_int.h"

static bool apply_request(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_approval *a = payload;
    return db_run(w->db,
                  "INSERT INTO approvals (run_id, attempt, step_id, name, reviewers, requested_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6)"
                  " ON CONFLICT (run_id, attempt, step_id) DO NOTHING",
                  DB_ARGS(db_int(a->run_id), db_int(a->attempt), db_text(a->step_id),
                          db_text(a->name), db_text(a->reviewers), db_int(a->requested_at)),
                  err);
}

static struct store_approval *keep(struct store_batch *b, const struct store_approval *a)
{
    struct store_approval *copy = batch_payload(b, sizeof *copy);
    *copy = *a;
    str *texts[] = {&copy->step_id,  &copy->name,  &copy->reviewers,
                    &copy->decision, &copy->actor, &copy->comment};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = batch_str(b, *texts[i]);
    return copy;
}

void store_request_approval(struct store_batch *b, const struct store_approval *a)
{
    batch_add(b, apply_request, keep(b, a));
}

static bool apply_decide(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_approval *a = payload;
    if (!db_run(w->db,
                "UPDATE approvals SET decided_at = $4, decision = $5, actor = $6, comment = $7"
                " WHERE run_id = $1 AND attempt = $2 AND step_id = $3 AND decided_at IS NULL"
                " AND EXISTS (SELECT 1 FROM workflow_runs WHERE id = $1 AND attempt = $2"
                " AND completed_at IS NULL)",
                DB_ARGS(db_int(a->run_id), db_int(a->attempt), db_text(a->step_id),
                        db_int(a->decided_at), db_text(a->decision), db_text(a->actor),
                        db_text_or_null(a->comment)),
                err))
        return false;
    if (db_changes(w->db) == 1)
        return true;
    err_set(err, "approval_decided", "step '%.*s' of run %lld does not wait for an approval",
            STR_ARG(a->step_id), (long long)a->run_id);
    err_hint(err, "plue run view %lld shows what was decided", (long long)a->run_id);
    return false;
}

void store_decide_approval(struct store_batch *b, const struct store_approval *a)
{
    batch_add(b, apply_decide, keep(b, a));
}

bool store_list_approvals(struct store_reader *r, int64_t run_id, int64_t attempt, struct arena *a,
                          struct store_approval **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_approval) list = {0};
    if (!db_query(r->db,
                  "SELECT attempt, step_id, name, reviewers, requested_at, decided_at, decision,"
                  " actor, comment FROM approvals WHERE run_id = $1 AND attempt = $2 ORDER BY id",
                  DB_ARGS(db_int(run_id), db_int(attempt)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_approval){.run_id = run_id,
                                                .attempt = db_get_int(&rows, 0),
                                                .step_id = arena_str(a, db_get_str(&rows, 1)),
                                                .name = arena_str(a, db_get_str(&rows, 2)),
                                                .reviewers = arena_str(a, db_get_str(&rows, 3)),
                                                .requested_at = db_get_int(&rows, 4),
                                                .decided_at = db_get_int(&rows, 5),
                                                .decision = arena_str(a, db_get_str(&rows, 6)),
                                                .actor = arena_str(a, db_get_str(&rows, 7)),
                                                .comment = arena_str(a, db_get_str(&rows, 8))});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
