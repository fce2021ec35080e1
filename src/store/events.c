#include "store/store_int.h"

/* ---- Writing ---- */

struct event_append {
    int64_t asked_run; /* may be STORE_NEW_RUN */
    struct event event;
};

static bool apply_event(struct store_writer *w, void *payload, struct err *err)
{
    struct event_append *append = payload;
    struct event *e = &append->event;
    return writer_run_id(w, append->asked_run, &e->run_id, err) &&
           writer_take_seqs(w, e->run_id, 1, &e->seq, err) &&
           db_run(w->db,
                  "INSERT INTO run_events (run_id, seq, last_seq, time, type, step_id, data)"
                  " VALUES ($1, $2, $2, $3, $4, $5, $6)",
                  DB_ARGS(db_int(e->run_id), db_int(e->seq), db_int(e->time_ms),
                          db_text(str_of(event_type_name(e->type))), db_text_or_null(e->step_id),
                          db_text(e->data)),
                  err);
}

void store_append_event(struct store_batch *b, const struct event *e)
{
    struct event_append *copy = batch_payload(b, sizeof *copy);
    copy->asked_run = e->run_id;
    copy->event = *e;
    copy->event.step_id = batch_str(b, e->step_id);
    copy->event.data = batch_str(b, e->data);
    batch_add(b, apply_event, copy);
    vec_push(&b->events, (struct batch_event){.event = &copy->event});
}

/* ---- Reading ---- */

struct event_reading {
    struct store_reader *r;
    int64_t after;
    size_t left;
    store_read_event_fn *fn;
    void *ctx;
    bool stopped;
};

static void give(struct event_reading *g, const struct event *e)
{
    g->left--;
    g->after = e->seq;
    g->stopped = !g->fn(g->ctx, e) || g->left == 0;
}

static bool load_stream(str word, enum log_stream *ret, struct err *err)
{
    if (log_stream_parse(word, ret))
        return true;
    return err_set(err, "database_corrupt", "the database holds the unknown log type '%.*s'",
                   STR_ARG(word));
}

/* The events of a batch of lines, from the first that is wanted. */
static bool give_lines(struct event_reading *g, struct event *e, int64_t step_key, int64_t last_seq,
                       struct err *err)
{
    auto_db_rows rows = {0};
    int64_t from = e->seq > g->after ? e->seq : g->after + 1;
    if (!db_query(g->r->db,
                  "SELECT sequence, time, log_type, content FROM workflow_logs"
                  " WHERE step_key = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence",
                  DB_ARGS(db_int(step_key), db_int(from), db_int(last_seq)), &rows, err))
        return false;
    while (!g->stopped && db_next(&rows, err)) {
        struct log_line line = {.text = db_get_str(&rows, 3)};
        if (!load_stream(db_get_str(&rows, 2), &line.stream, err))
            return false;
        e->seq = line.seq = db_get_int(&rows, 0);
        e->time_ms = line.time_ms = db_get_int(&rows, 1);
        e->line = &line;
        give(g, e);
    }
    return !err_is_set(err);
}

static bool give_row(struct event_reading *g, int64_t run_id, const struct db_rows *rows,
                     struct err *err)
{
    struct event e = {.run_id = run_id,
                      .seq = db_get_int(rows, 0),
                      .time_ms = db_get_int(rows, 2),
                      .step_id = db_get_str(rows, 4),
                      .data = db_get_str(rows, 6)};
    if (!event_type_parse(db_get_str(rows, 3), &e.type))
        return err_set(err, "database_corrupt", "the database holds the unknown event type '%.*s'",
                       STR_ARG(db_get_str(rows, 3)));
    if (!db_is_null(rows, 5))
        return give_lines(g, &e, db_get_int(rows, 5), db_get_int(rows, 1), err);
    give(g, &e);
    return true;
}

/* The row that holds after + 1 begins at the greatest seq <= after + 1. */
static bool give_all(struct event_reading *g, int64_t run_id, struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(g->r->db,
                  "SELECT seq, last_seq, time, type, step_id, step_key, data FROM run_events"
                  " WHERE run_id = $1 AND last_seq > $2 AND seq >= COALESCE("
                  " (SELECT MAX(seq) FROM run_events WHERE run_id = $1 AND seq <= $2 + 1), 0)"
                  " ORDER BY seq",
                  DB_ARGS(db_int(run_id), db_int(g->after)), &rows, err))
        return false;
    while (!g->stopped && db_next(&rows, err))
        if (!give_row(g, run_id, &rows, err))
            return false;
    return !err_is_set(err);
}

bool store_read_events(struct store_reader *r, int64_t run_id, int64_t after_seq, size_t max,
                       store_read_event_fn *fn, void *ctx, int64_t *ret_seq, struct err *err)
{
    struct event_reading g = {
        .r = r, .after = after_seq, .left = max, .fn = fn, .ctx = ctx, .stopped = max == 0};
    /* One snapshot, so that rows and their lines belong together. */
    if (!db_begin(r->db, false, err))
        return false;
    bool ok = give_all(&g, run_id, err);
    db_rollback(r->db);
    if (ok && ret_seq)
        *ret_seq = g.after;
    return ok;
}

bool store_last_seq(struct store_reader *r, int64_t run_id, int64_t *ret_seq, struct err *err)
{
    bool has;
    int64_t last = 0;
    if (!db_find_int(r->db,
                     "SELECT last_seq FROM run_events WHERE run_id = $1 ORDER BY seq DESC LIMIT 1",
                     DB_ARGS(db_int(run_id)), &has, &last, err))
        return false;
    *ret_seq = last;
    return true;
}
