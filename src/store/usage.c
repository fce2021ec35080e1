/* What calls of models took, and what was said in them. */
#include "store/store_int.h"

static bool apply_usage(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_llm_usage *u = payload;
    return db_run(w->db,
                  "INSERT INTO llm_usage (run_id, attempt, step_id, try, client, model, stop,"
                  " input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
                  " cost_microusd, requests, first_token_ms, whole_ms, created_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                  DB_ARGS(db_int(u->run_id), db_int(u->attempt), db_text(u->step_id),
                          db_int(u->try), db_text(u->client), db_text(u->model), db_text(u->stop),
                          db_int(u->input_tokens), db_int(u->output_tokens),
                          db_int(u->cache_read_tokens), db_int(u->cache_write_tokens),
                          (struct db_value){.type = u->cost_microusd < 0 ? DB_NULL : DB_INT,
                                            .i = u->cost_microusd},
                          db_int(u->requests), db_int(u->first_token_ms), db_int(u->whole_ms),
                          db_int(u->created_at)),
                  err);
}

void store_add_llm_usage(struct store_batch *b, const struct store_llm_usage *u)
{
    struct store_llm_usage *copy = batch_payload(b, sizeof *copy);
    *copy = *u;
    copy->step_id = batch_str(b, u->step_id);
    copy->client = batch_str(b, u->client);
    copy->model = batch_str(b, u->model);
    copy->stop = batch_str(b, u->stop);
    batch_add(b, apply_usage, copy);
}

bool store_list_llm_usage(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_llm_usage **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_llm_usage) list = {0};
    if (!db_query(
            r->db,
            "SELECT attempt, step_id, try, client, model, stop, input_tokens, output_tokens,"
            " cache_read_tokens, cache_write_tokens, COALESCE(cost_microusd, -1), requests,"
            " first_token_ms, whole_ms, created_at FROM llm_usage WHERE run_id = $1 ORDER BY id",
            DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_llm_usage){.run_id = run_id,
                                                 .attempt = db_get_int(&rows, 0),
                                                 .step_id = arena_str(a, db_get_str(&rows, 1)),
                                                 .try = db_get_int(&rows, 2),
                                                 .client = arena_str(a, db_get_str(&rows, 3)),
                                                 .model = arena_str(a, db_get_str(&rows, 4)),
                                                 .stop = arena_str(a, db_get_str(&rows, 5)),
                                                 .input_tokens = db_get_int(&rows, 6),
                                                 .output_tokens = db_get_int(&rows, 7),
                                                 .cache_read_tokens = db_get_int(&rows, 8),
                                                 .cache_write_tokens = db_get_int(&rows, 9),
                                                 .cost_microusd = db_get_int(&rows, 10),
                                                 .requests = db_get_int(&rows, 11),
                                                 .first_token_ms = db_get_int(&rows, 12),
                                                 .whole_ms = db_get_int(&rows, 13),
                                                 .created_at = db_get_int(&rows, 14)});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

/* ---- what was said ---- */

static bool apply_call(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_llm_call *c = payload;
    return db_run(w->db,
                  "INSERT INTO llm_calls (run_id, attempt, step_id, try, request_sha256, record,"
                  " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  DB_ARGS(db_int(c->run_id), db_int(c->attempt), db_text(c->step_id),
                          db_int(c->try), db_text(c->request_sha256), db_text(c->record),
                          db_int(c->created_at)),
                  err);
}

void store_add_llm_call(struct store_batch *b, const struct store_llm_call *c)
{
    struct store_llm_call *copy = batch_payload(b, sizeof *copy);
    *copy = *c;
    copy->step_id = batch_str(b, c->step_id);
    copy->request_sha256 = batch_str(b, c->request_sha256);
    copy->record = batch_str(b, c->record);
    batch_add(b, apply_call, copy);
}

bool store_list_llm_calls(struct store_reader *r, int64_t run_id, str step_id, struct arena *a,
                          struct store_llm_call **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_llm_call) list = {0};
    if (!db_query(r->db,
                  "SELECT attempt, step_id, try, request_sha256, record, created_at"
                  " FROM llm_calls AS x WHERE run_id = $1 AND step_id = $2 AND attempt ="
                  " (SELECT MAX(attempt) FROM llm_calls AS y WHERE y.run_id = x.run_id AND"
                  " y.step_id = x.step_id) ORDER BY id",
                  DB_ARGS(db_int(run_id), db_text(step_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list,
                 (struct store_llm_call){.run_id = run_id,
                                         .attempt = db_get_int(&rows, 0),
                                         .step_id = arena_str(a, db_get_str(&rows, 1)),
                                         .try = db_get_int(&rows, 2),
                                         .request_sha256 = arena_str(a, db_get_str(&rows, 3)),
                                         .record = arena_str(a, db_get_str(&rows, 4)),
                                         .created_at = db_get_int(&rows, 5)});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

bool store_count_llm_calls(struct store_reader *r, int64_t run_id, int64_t *ret, struct err *err)
{
    bool has;
    return db_find_int(r->db, "SELECT COUNT(*) FROM llm_calls WHERE run_id = $1",
                       DB_ARGS(db_int(run_id)), &has, ret, err);
}
