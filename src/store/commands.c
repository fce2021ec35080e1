#include "store/store_int.h"

/* Refused where nobody will ever look. */
static bool check_open(struct store_writer *w, int64_t run_id, struct err *err)
{
    auto_db_rows rows = {0};
    enum run_status status;
    if (!db_query(w->db, "SELECT status FROM workflow_runs WHERE id = $1", DB_ARGS(db_int(run_id)),
                  &rows, err))
        return false;
    if (!db_next(&rows, err))
        return !err_is_set(err) && fail_run_unknown(err, run_id);
    str word = db_get_str(&rows, 0);
    if (!run_status_parse(word, &status) || !run_status_is_final(status))
        return true;
    err_set(err, "run_final", "run %lld has ended: it is %.*s", (long long)run_id, STR_ARG(word));
    err_hint(err, "start it again with: plue run rerun %lld", (long long)run_id);
    return false;
}

static bool apply_add(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_command *c = payload;
    return check_open(w, c->run_id, err) &&
           db_run(w->db,
                  "INSERT INTO run_commands (run_id, kind, data, created_at)"
                  " VALUES ($1, $2, $3, $4)",
                  DB_ARGS(db_int(c->run_id), db_text(c->kind), db_text(c->data),
                          db_int(c->created_at)),
                  err);
}

void store_add_command(struct store_batch *b, const struct store_command *c)
{
    struct store_command *copy = batch_payload(b, sizeof *copy);
    *copy = *c;
    copy->kind = batch_str(b, c->kind);
    copy->data = batch_str(b, c->data);
    batch_add(b, apply_add, copy);
}

bool store_list_commands(struct store_reader *r, int64_t run_id, struct arena *a,
                         struct store_command **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_command) list = {0};
    if (!db_query(r->db,
                  "SELECT id, kind, data, created_at FROM run_commands"
                  " WHERE run_id = $1 AND finished_at IS NULL ORDER BY id",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_command){.id = db_get_int(&rows, 0),
                                               .run_id = run_id,
                                               .kind = arena_str(a, db_get_str(&rows, 1)),
                                               .data = arena_str(a, db_get_str(&rows, 2)),
                                               .created_at = db_get_int(&rows, 3)});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

struct command_finish {
    int64_t id, now;
};

static bool apply_finish(struct store_writer *w, void *payload, struct err *err)
{
    const struct command_finish *f = payload;
    return db_run(w->db,
                  "UPDATE run_commands SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL",
                  DB_ARGS(db_int(f->id), db_int(f->now)), err);
}

void store_finish_command(struct store_batch *b, int64_t command_id, int64_t now)
{
    struct command_finish *f = batch_payload(b, sizeof *f);
    *f = (struct command_finish){command_id, now};
    batch_add(b, apply_finish, f);
}
