/* Answers of models that are kept for the same request. */
#include "store/store_int.h"

static bool apply_answer(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_model_answer *a = payload;
    return db_run(w->db,
                  "INSERT INTO model_answers (request_sha256, base_url, client, answer, run_id,"
                  " step_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
                  " ON CONFLICT (request_sha256, base_url) DO UPDATE SET client = excluded.client,"
                  " answer = excluded.answer, run_id = excluded.run_id,"
                  " step_id = excluded.step_id, created_at = excluded.created_at",
                  DB_ARGS(db_text(a->request_sha256), db_text(a->base_url), db_text(a->client),
                          db_text(a->answer), db_int(a->run_id), db_text(a->step_id),
                          db_int(a->created_at)),
                  err) &&
           db_run(w->db,
                  "DELETE FROM model_answers WHERE created_at < (SELECT created_at FROM"
                  " model_answers ORDER BY created_at DESC LIMIT 1 OFFSET $1)",
                  DB_ARGS(db_int(STORE_ANSWERS_MAX - 1)), err);
}

void store_put_model_answer(struct store_batch *b, const struct store_model_answer *a)
{
    struct store_model_answer *copy = batch_payload(b, sizeof *copy);
    *copy = *a;
    copy->request_sha256 = batch_str(b, a->request_sha256);
    copy->base_url = batch_str(b, a->base_url);
    copy->client = batch_str(b, a->client);
    copy->answer = batch_str(b, a->answer);
    copy->step_id = batch_str(b, a->step_id);
    batch_add(b, apply_answer, copy);
}

bool store_find_model_answer(struct store_reader *r, str request_sha256, str base_url,
                             struct arena *a, struct store_model_answer *ret, bool *ret_has,
                             struct err *err)
{
    auto_db_rows rows = {0};
    *ret_has = false;
    if (!db_query(r->db,
                  "SELECT client, answer, run_id, step_id, created_at FROM model_answers"
                  " WHERE request_sha256 = $1 AND base_url = $2",
                  DB_ARGS(db_text(request_sha256), db_text(base_url)), &rows, err))
        return false;
    while (db_next(&rows, err)) {
        *ret_has = true;
        *ret = (struct store_model_answer){.request_sha256 = arena_str(a, request_sha256),
                                           .base_url = arena_str(a, base_url),
                                           .client = arena_str(a, db_get_str(&rows, 0)),
                                           .answer = arena_str(a, db_get_str(&rows, 1)),
                                           .run_id = db_get_int(&rows, 2),
                                           .step_id = arena_str(a, db_get_str(&rows, 3)),
                                           .created_at = db_get_int(&rows, 4)};
    }
    return !err_is_set(err);
}
