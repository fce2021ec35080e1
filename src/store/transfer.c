/* A run as rows of all its tables, out of one database and into another. Ids are given anew: the
 * run's, and those of its steps, which its lines and events name. */
#include "base/map.h"
#include "store/store_int.h"

#define C(column, kind)              \
    {                                \
        (#column), STORE_MOVE_##kind \
    }

static const struct store_move_column run_columns[] = {
    C(workflow, TEXT),         C(status, RUN_STATUS),
    C(conclusion, CONCLUSION), C(reason_code, REASON),
    C(reason_text, TEXT_NULL), C(attempt, INT),
    C(trigger_type, TEXT),     C(ref, TEXT_NULL),
    C(sha, TEXT_NULL),         C(branch, TEXT_NULL),
    C(actor, TEXT_NULL),       C(created_at, INT),
    C(started_at, INT_NULL),   C(completed_at, INT_NULL),
    C(waited_ms, INT),         C(evaluator, TEXT_NULL),
    C(plan_hash, TEXT_NULL),   C(error_message, TEXT_NULL),
    C(error, JSON_NULL),       C(inputs, JSON_NULL),
    C(outputs, JSON_NULL),     C(trigger_payload, JSON_NULL),
    C(plan, OBJECT),           C(origin, JSON_NULL),
};
static const struct store_move_column text_columns[] = {C(sha256, SHA256), C(content, TEXT)};
static const struct store_move_column bundle_columns[] = {C(attempt, INT), C(path, TEXT),
                                                          C(sha256, SHA256)};
static const struct store_move_column step_columns[] = {
    C(id, OWN_KEY),
    C(attempt, INT),
    C(step_id, TEXT),
    C(try, INT),
    C(position, INT),
    C(name, TEXT),
    C(step_type, STEP_TYPE),
    C(parent, TEXT_NULL),
    C(status, STEP_STATUS),
    C(outcome, OUTCOME),
    C(conclusion, CONCLUSION),
    C(reason_code, REASON),
    C(reason_text, TEXT_NULL),
    C(exit_code, INT_NULL),
    C(created_at, INT),
    C(started_at, INT_NULL),
    C(completed_at, INT_NULL),
    C(turns_used, INT),
    C(tokens_in, INT),
    C(tokens_out, INT),
    C(cost_micro_usd, INT),
    C(log_lines, INT),
    C(log_bytes, INT),
    C(stdout_cut, INT),
    C(stderr_cut, INT),
    C(error_message, TEXT_NULL),
    C(error, JSON_NULL),
    C(depends_on, TEXTS),
    C(config, OBJECT),
    C(outputs, JSON_NULL),
    C(output, JSON_NULL),
    C(stdout_text, TEXT_NULL),
    C(stderr_text, TEXT_NULL),
    C(kept_from, INT_NULL),
};
static const struct store_move_column log_columns[] = {
    C(step_key, STEP_KEY), C(sequence, INT), C(time, INT), C(log_type, LOG_TYPE), C(content, TEXT)};
static const struct store_move_column event_columns[] = {
    C(seq, INT),           C(last_seq, INT),           C(time, INT),      C(type, EVENT_TYPE),
    C(step_id, TEXT_NULL), C(step_key, STEP_KEY_NULL), C(data, JSON_NULL)};
static const struct store_move_column artifact_columns[] = {
    C(attempt, INT),      C(step_id, TEXT),   C(name, TEXT),
    C(sha256, SHA256),    C(files, INT),      C(bytes, INT),
    C(stored_bytes, INT), C(created_at, INT), C(holds_secret, INT_NULL)};
static const struct store_move_column approval_columns[] = {
    C(attempt, INT),         C(step_id, TEXT),     C(name, TEXT),
    C(reviewers, JSON_NULL), C(requested_at, INT), C(decided_at, INT_NULL),
    C(decision, TEXT_NULL),  C(actor, TEXT_NULL),  C(comment, TEXT_NULL)};
static const struct store_move_column usage_columns[] = {C(attempt, INT),
                                                         C(step_id, TEXT),
                                                         C(try, INT),
                                                         C(client, TEXT),
                                                         C(model, TEXT),
                                                         C(stop, TEXT),
                                                         C(input_tokens, INT),
                                                         C(output_tokens, INT),
                                                         C(cache_read_tokens, INT),
                                                         C(cache_write_tokens, INT),
                                                         C(cost_microusd, INT_NULL),
                                                         C(requests, INT),
                                                         C(first_token_ms, INT),
                                                         C(whole_ms, INT),
                                                         C(created_at, INT)};
static const struct store_move_column grant_columns[] = {C(attempt, INT), C(step_id, TEXT),
                                                         C(try, INT), C(kind, TEXT), C(name, TEXT)};
static const struct store_move_column turn_columns[] = {
    C(attempt, INT),      C(step_id, TEXT),      C(try, INT),         C(turn, INT),
    C(answer, JSON_NULL), C(results, JSON_NULL), C(usage, JSON_NULL), C(created_at, INT)};
static const struct store_move_column call_columns[] = {C(attempt, INT), C(step_id, TEXT),
                                                        C(try, INT),     C(request_sha256, SHA256),
                                                        C(record, TEXT), C(created_at, INT)};
static const struct store_move_column snapshot_columns[] = {
    C(attempt, INT),           C(kind, TEXT),        C(steps, JSON_NULL), C(base_sha256, TEXT_NULL),
    C(base_commit, TEXT_NULL), C(sha256, SHA256),    C(files, INT),       C(bytes, INT),
    C(stored_bytes, INT),      C(holds_secret, INT), C(created_at, INT)};

#define TABLE(name, columns, has_run, where)                                       \
    {                                                                              \
        (name), (columns), sizeof(columns) / sizeof *(columns), (has_run), (where) \
    }
static const struct move_table {
    const char *name;
    const struct store_move_column *columns;
    size_t n;
    bool has_run; /* the column run_id, which is not one of them */
    const char *where;
} tables[] = {
    TABLE("workflow_runs", run_columns, false, "id = $1"),
    TABLE("source_texts", text_columns, false,
          "sha256 IN (SELECT sha256 FROM source_bundles WHERE run_id = $1) ORDER BY sha256"),
    TABLE("source_bundles", bundle_columns, true, "run_id = $1 ORDER BY attempt, path"),
    TABLE("workflow_steps", step_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("run_events", event_columns, true, "run_id = $1 ORDER BY seq"),
    TABLE("workflow_logs", log_columns, false,
          "step_key IN (SELECT id FROM workflow_steps WHERE run_id = $1)"
          " ORDER BY step_key, sequence"),
    TABLE("artifacts", artifact_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("approvals", approval_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("llm_usage", usage_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("unused_grants", grant_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("transcripts", turn_columns, true, "run_id = $1 ORDER BY attempt, step_id, try, turn"),
    TABLE("llm_calls", call_columns, true, "run_id = $1 ORDER BY id"),
    TABLE("workspace_snapshots", snapshot_columns, true, "run_id = $1 ORDER BY id"),
};
enum { TABLE_COUNT = sizeof tables / sizeof *tables, SQL_MAX = 8192, COLUMNS_MAX = 40 };

size_t store_move_table(str name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++)
        if (str_is(name, tables[i].name))
            return i;
    return SIZE_MAX;
}

const char *store_move_table_name(size_t table)
{
    return table < TABLE_COUNT ? tables[table].name : NULL;
}

const struct store_move_column *store_move_columns(size_t table, size_t *ret_n)
{
    *ret_n = tables[table].n;
    return tables[table].columns;
}

static void add_names(struct buf *sql, const struct move_table *t, size_t from)
{
    for (size_t i = from; i < t->n; i++)
        buf_addf(sql, "%s%s", i > from ? ", " : "", t->columns[i].name);
}

/* ---- out ---- */

bool store_begin_look(struct store_reader *r, struct err *err)
{
    return db_begin(r->db, false, err);
}

void store_end_look(struct store_reader *r)
{
    db_rollback(r->db);
}

static bool is_text(enum store_move_kind kind)
{
    return kind != STORE_MOVE_INT && kind != STORE_MOVE_INT_NULL && kind != STORE_MOVE_OWN_KEY &&
           kind != STORE_MOVE_STEP_KEY && kind != STORE_MOVE_STEP_KEY_NULL;
}

bool store_export_rows(struct store_reader *r, int64_t run_id, size_t table, store_move_fn *fn,
                       void *ctx, struct err *err)
{
    const struct move_table *t = &tables[table];
    auto_buf sql = BUF(SQL_MAX);
    auto_db_rows rows = {0};
    struct store_value values[COLUMNS_MAX];
    buf_add_c(&sql, "SELECT ");
    add_names(&sql, t, 0);
    buf_addf(&sql, " FROM %s WHERE %s", t->name, t->where);
    if (!db_query(r->db, buf_c(&sql), DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    while (db_next(&rows, err)) {
        for (size_t i = 0; i < t->n; i++) {
            bool text = is_text(t->columns[i].kind);
            values[i] = (struct store_value){
                .is_null = db_is_null(&rows, (int)i),
                .is_text = text,
                .i = text ? 0 : db_get_int(&rows, (int)i),
                .s = text ? db_get_str(&rows, (int)i) : STR(""),
            };
        }
        if (!fn(ctx, table, values, t->n, err))
            return false;
    }
    return !err_is_set(err);
}

/* ---- in ---- */

struct import {
    struct store_rows rows;
    str repository;
};

/* Of one application. */
struct importing {
    struct store_writer *w;
    struct arena arena;
    struct map keys; /* a step's id there -> here */
    size_t table;    /* of the last row */
    size_t runs;
};

static bool damaged(struct err *err, const struct move_table *t, const char *column,
                    const char *how)
{
    return err_set(err, "bundle_damaged", "the bundle is damaged: %s.%s %s", t->name, column, how);
}

static bool parses(enum store_move_kind kind, str word)
{
    enum run_status run;
    enum step_status step;
    enum step_type type;
    enum outcome outcome;
    enum conclusion conclusion;
    enum reason reason;
    enum log_stream stream;
    enum event_type event;
    switch (kind) {
    case STORE_MOVE_RUN_STATUS:
        return run_status_parse(word, &run) && run_status_is_final(run);
    case STORE_MOVE_STEP_STATUS:
        return step_status_parse(word, &step);
    case STORE_MOVE_STEP_TYPE:
        return step_type_parse(word, &type);
    case STORE_MOVE_OUTCOME:
        return outcome_parse(word, &outcome);
    case STORE_MOVE_CONCLUSION:
        return conclusion_parse(word, &conclusion);
    case STORE_MOVE_REASON:
        return reason_parse(word, &reason);
    case STORE_MOVE_LOG_TYPE:
        return log_stream_parse(word, &stream);
    case STORE_MOVE_EVENT_TYPE:
        return event_type_parse(word, &event);
    default:
        return true;
    }
}

static bool may_be_null(enum store_move_kind kind)
{
    return kind == STORE_MOVE_INT_NULL || kind == STORE_MOVE_TEXT_NULL ||
           kind == STORE_MOVE_JSON_NULL || kind == STORE_MOVE_STEP_KEY_NULL ||
           kind == STORE_MOVE_OUTCOME || kind == STORE_MOVE_CONCLUSION || kind == STORE_MOVE_REASON;
}

static str key_text(const int64_t *key)
{
    return str_make((const char *)key, sizeof *key);
}

static bool bind(struct importing *x, const struct move_table *t, size_t i,
                 const struct store_value *v, struct db_value *ret, struct err *err)
{
    const struct store_move_column *c = &t->columns[i];
    if (v->is_null) {
        *ret = (struct db_value){.type = DB_NULL};
        return may_be_null(c->kind) || damaged(err, t, c->name, "is missing");
    }
    if (v->is_text != is_text(c->kind))
        return damaged(err, t, c->name, "has another type");
    if (v->is_text && !parses(c->kind, v->s))
        return damaged(err, t, c->name, "has a word that it cannot have");
    *ret = v->is_text ? db_text(v->s) : db_int(v->i);
    if (c->kind != STORE_MOVE_STEP_KEY && c->kind != STORE_MOVE_STEP_KEY_NULL)
        return true;
    ret->i = (int64_t)(intptr_t)map_get(&x->keys, key_text(&v->i));
    return ret->i || damaged(err, t, c->name, "names no step of the run");
}

static bool insert_run(struct importing *x, const struct import *m, const struct db_value *values,
                       struct err *err)
{
    const struct move_table *t = &tables[0];
    auto_buf sql = BUF(SQL_MAX);
    struct db_value all[COLUMNS_MAX + 1];
    bool has;
    if (m->repository.n && !db_run(x->w->db,
                                   "INSERT INTO repositories (name, created_at) VALUES ($1, $2)"
                                   " ON CONFLICT (name) DO NOTHING",
                                   DB_ARGS(db_text(m->repository), db_int(0)), err))
        return false;
    buf_add_c(&sql, "INSERT INTO workflow_runs (repository_id, ");
    add_names(&sql, t, 0);
    buf_add_c(&sql, ") VALUES ((SELECT id FROM repositories WHERE name = $1)");
    all[0] = db_text(m->repository);
    for (size_t i = 0; i < t->n; i++) {
        all[i + 1] = values[i];
        buf_addf(&sql, ", $%zu", i + 2);
    }
    buf_add_c(&sql, ") RETURNING id");
    return db_find_int(x->w->db, buf_c(&sql), all, t->n + 1, &has, &x->w->batch->run_id, err);
}

/* Rows of other tables; a text that is there already has the same sha256, which was checked. */
static bool insert_row(struct importing *x, const struct move_table *t, struct db_value *values,
                       struct err *err)
{
    auto_buf sql = BUF(SQL_MAX);
    bool own = t->columns[0].kind == STORE_MOVE_OWN_KEY, has;
    size_t from = own ? 1 : 0, n = 0;
    int64_t theirs = own ? values[0].i : 0, ours;
    struct db_value all[COLUMNS_MAX + 1];
    buf_addf(&sql, "INSERT INTO %s (%s", t->name, t->has_run ? "run_id, " : "");
    add_names(&sql, t, from);
    buf_add_c(&sql, ") VALUES (");
    if (t->has_run)
        all[n++] = db_int(x->w->batch->run_id);
    for (size_t i = from; i < t->n; i++)
        all[n++] = values[i];
    for (size_t i = 0; i < n; i++)
        buf_addf(&sql, "%s$%zu", i ? ", " : "", i + 1);
    buf_addf(&sql, ")%s", t == &tables[1] ? " ON CONFLICT (sha256) DO NOTHING" : "");
    if (!own)
        return db_run(x->w->db, buf_c(&sql), all, n, err);
    buf_add_c(&sql, " RETURNING id");
    if (!db_find_int(x->w->db, buf_c(&sql), all, n, &has, &ours, err))
        return false;
    map_set(&x->keys, arena_str(&x->arena, key_text(&theirs)), (void *)(intptr_t)ours);
    return true;
}

static bool import_row(struct importing *x, const struct import *m,
                       const struct store_move_row *row, struct err *err)
{
    const struct move_table *t = &tables[row->table];
    struct db_value values[COLUMNS_MAX];
    if (row->n != t->n || row->table < x->table || (x->runs == 0) != (row->table == 0))
        return err_set(err, "bundle_damaged",
                       "the bundle is damaged: a row of %s is not where it belongs", t->name);
    x->table = row->table;
    x->runs = 1;
    for (size_t i = 0; i < t->n; i++)
        if (!bind(x, t, i, &row->values[i], &values[i], err))
            return false;
    auto_err wrong = ERR_INIT;
    if (row->table == 0 ? insert_run(x, m, values, &wrong) : insert_row(x, t, values, &wrong))
        return true;
    /* What the tables' constraints refuse is the bundle's fault, a full disk is not. */
    if (strcmp(wrong.code, "database_conflict") != 0) {
        err_move(err, &wrong);
        return false;
    }
    return err_set(err, "bundle_damaged", "the bundle is damaged: a row of %s cannot be: %.*s",
                   t->name, STR_ARG(wrong.message));
}

static bool import_all(struct importing *x, const struct import *m, struct err *err)
{
    struct store_move_row row;
    bool more;
    if (!m->rows.begin(m->rows.ctx, err))
        return false;
    for (;;) {
        if (!m->rows.next(m->rows.ctx, &row, &more, err))
            return false;
        if (!more)
            break;
        if (!import_row(x, m, &row, err))
            return false;
    }
    return x->runs || err_set(err, "bundle_damaged", "the bundle is damaged: it has no run");
}

static bool apply_import(struct store_writer *w, void *payload, struct err *err)
{
    struct importing x = {.w = w};
    bool ok = import_all(&x, payload, err);
    map_done(&x.keys);
    arena_done(&x.arena);
    return ok;
}

void store_import_run(struct store_batch *b, const struct store_rows *rows, str repository)
{
    struct import *copy = batch_payload(b, sizeof *copy);
    *copy = (struct import){.rows = *rows, .repository = batch_str(b, repository)};
    batch_add(b, apply_import, copy);
}
