/* Turns of agents, by the try of the step. */
#include "store/store_int.h"

static bool apply_turn(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_turn *t = payload;
    return db_run(w->db,
                  "INSERT INTO transcripts (run_id, attempt, step_id, try, turn, answer, results,"
                  " usage, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                  " ON CONFLICT (run_id, attempt, step_id, try, turn) DO UPDATE SET"
                  " results = excluded.results",
                  DB_ARGS(db_int(t->key.run_id), db_int(t->key.attempt), db_text(t->key.step_id),
                          db_int(t->key.try), db_int(t->turn), db_text(t->answer),
                          db_text(t->results), db_text(t->usage), db_int(t->created_at)),
                  err);
}

void store_put_turn(struct store_batch *b, const struct store_turn *t)
{
    struct store_turn *copy = batch_payload(b, sizeof *copy);
    *copy = *t;
    copy->key = batch_key(b, &t->key);
    copy->answer = batch_str(b, t->answer);
    copy->results = batch_str(b, t->results);
    copy->usage = batch_str(b, t->usage);
    batch_add(b, apply_turn, copy);
}

/* Of the last try that had begun a turn. Tries after it may have been killed before they had taken
 * its turns over; a try that ended otherwise begins anew. */
bool store_load_interrupted_turns(struct store_reader *r, const struct store_step_key *key,
                                  struct arena *a, struct store_turn **ret, size_t *ret_n,
                                  struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_turn) list = {0};
    if (!db_query(r->db,
                  "SELECT turn, answer, results, usage, t.created_at FROM transcripts t"
                  " WHERE t.run_id = $1 AND t.attempt = $2 AND t.step_id = $3 AND t.try ="
                  " (SELECT MAX(l.try) FROM transcripts l WHERE l.run_id = t.run_id"
                  " AND l.attempt = t.attempt AND l.step_id = t.step_id AND l.try < $4)"
                  " AND NOT EXISTS (SELECT 1 FROM workflow_steps s WHERE s.run_id = t.run_id"
                  " AND s.attempt = t.attempt AND s.step_id = t.step_id AND s.try >= t.try"
                  " AND s.try < $4 AND COALESCE(s.reason_code, '') <> 'interrupted')"
                  " ORDER BY turn",
                  DB_ARGS(db_int(key->run_id), db_int(key->attempt), db_text(key->step_id),
                          db_int(key->try)),
                  &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, ((struct store_turn){.key = *key,
                                             .turn = db_get_int(&rows, 0),
                                             .answer = arena_str(a, db_get_str(&rows, 1)),
                                             .results = arena_str(a, db_get_str(&rows, 2)),
                                             .usage = arena_str(a, db_get_str(&rows, 3)),
                                             .created_at = db_get_int(&rows, 4)}));
    *ret = list_keep(a, list.at, list.n, sizeof *list.at);
    *ret_n = list.n;
    vec_done(&list);
    return !err_is_set(err);
}
