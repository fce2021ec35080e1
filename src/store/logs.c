#include "store/store_int.h"

/* ---- Writing ---- */

static bool insert_lines(struct store_writer *w, struct log_append *l, int64_t step_key,
                         int64_t first_seq, struct err *err)
{
    struct db_stmt *stmt;
    if (!db_prepare(w->db,
                    "INSERT INTO workflow_logs (step_key, sequence, time, log_type, content)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    &stmt, err))
        return false;
    for (size_t i = 0; i < l->n; i++) {
        struct log_line *line = &l->lines[i];
        line->seq = first_seq + (int64_t)i;
        if (!db_run_stmt(stmt,
                         DB_ARGS(db_int(step_key), db_int(line->seq), db_int(line->time_ms),
                                 db_text(str_of(log_stream_name(line->stream))),
                                 db_text(line->text)),
                         err))
            return false;
    }
    return true;
}

static bool apply_log(struct store_writer *w, void *payload, struct err *err)
{
    struct log_append *l = payload;
    int64_t step_key, first_seq;
    if (!writer_run_id(w, l->asked_run, &l->key.run_id, err) ||
        !writer_step_key(w, &l->key, &step_key, err) ||
        !writer_take_seqs(w, l->key.run_id, l->n, &first_seq, err))
        return false;
    return db_run(w->db,
                  "INSERT INTO run_events (run_id, seq, last_seq, time, type, step_id, step_key)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  DB_ARGS(db_int(l->key.run_id), db_int(first_seq),
                          db_int(first_seq + (int64_t)l->n - 1), db_int(l->lines[0].time_ms),
                          db_text(str_of(event_type_name(EVENT_STEP_OUTPUT))),
                          db_text(l->key.step_id), db_int(step_key)),
                  err) &&
           insert_lines(w, l, step_key, first_seq, err);
}

void store_append_log(struct store_batch *b, const struct store_step_key *key,
                      const struct log_line *lines, size_t n)
{
    if (n == 0)
        return;
    struct log_append *l = batch_payload(b, sizeof *l);
    l->asked_run = key->run_id;
    l->key = batch_key(b, key);
    l->n = n;
    l->lines = arena_array(&b->arena, struct log_line, n);
    memcpy(l->lines, lines, n * sizeof *lines);
    for (size_t i = 0; i < n; i++)
        l->lines[i].text = batch_str(b, lines[i].text);
    batch_add(b, apply_log, l);
    vec_push(&b->events, (struct batch_event){.log = l});
}

/* ---- Reading ---- */

static bool give_lines(struct db_rows *rows, store_read_line_fn *fn, void *ctx, struct err *err)
{
    while (db_next(rows, err)) {
        struct log_line line = {.seq = db_get_int(rows, 0),
                                .time_ms = db_get_int(rows, 1),
                                .text = db_get_str(rows, 3)};
        if (!log_stream_parse(db_get_str(rows, 2), &line.stream))
            return err_set(err, "database_corrupt",
                           "the database holds the unknown log type '%.*s'",
                           STR_ARG(db_get_str(rows, 2)));
        if (!fn(ctx, &line))
            return true;
    }
    return !err_is_set(err);
}

bool store_read_log(struct store_reader *r, const struct store_step_key *key, int64_t after_seq,
                    size_t max, store_read_line_fn *fn, void *ctx, struct err *err)
{
    auto_db_rows rows = {0};
    int64_t step_key;
    return reader_log_key(r, key, &step_key, err) &&
           db_query(r->db,
                    "SELECT sequence, time, log_type, content FROM workflow_logs"
                    " WHERE step_key = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
                    DB_ARGS(db_int(step_key), db_int(after_seq), db_int((int64_t)max)), &rows,
                    err) &&
           give_lines(&rows, fn, ctx, err);
}

bool store_read_log_tail(struct store_reader *r, const struct store_step_key *key, size_t n,
                         store_read_line_fn *fn, void *ctx, struct err *err)
{
    auto_db_rows rows = {0};
    int64_t step_key;
    return reader_log_key(r, key, &step_key, err) &&
           db_query(r->db,
                    "SELECT sequence, time, log_type, content FROM ("
                    " SELECT sequence, time, log_type, content FROM workflow_logs"
                    " WHERE step_key = $1 ORDER BY sequence DESC LIMIT $2) AS newest"
                    " ORDER BY sequence",
                    DB_ARGS(db_int(step_key), db_int((int64_t)n)), &rows, err) &&
           give_lines(&rows, fn, ctx, err);
}
