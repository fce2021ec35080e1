#include "base/map.h"
#include "store/store_int.h"

/* Column, member, kind: the long ones last, so that a brief row is a beginning of a whole one. */
#define STEP_BRIEF(X)                              \
    X(attempt, key.attempt, COL_INT)               \
    X(step_id, key.step_id, COL_TEXT)              \
    X(try, key.try, COL_INT)                       \
    X(position, position, COL_INT)                 \
    X(name, name, COL_TEXT)                        \
    X(step_type, type, COL_STEP_TYPE)              \
    X(parent, parent, COL_TEXT_NULL)               \
    X(status, status, COL_STEP_STATUS)             \
    X(outcome, outcome, COL_OUTCOME)               \
    X(conclusion, conclusion, COL_CONCLUSION)      \
    X(reason_code, reason.code, COL_REASON)        \
    X(reason_text, reason.text, COL_TEXT_NULL)     \
    X(exit_code, exit_code, COL_OPTIONAL)          \
    X(created_at, created_at, COL_INT)             \
    X(started_at, started_at, COL_INT_NULL)        \
    X(completed_at, completed_at, COL_INT_NULL)    \
    X(turns_used, turns_used, COL_INT)             \
    X(tokens_in, tokens_in, COL_INT)               \
    X(tokens_out, tokens_out, COL_INT)             \
    X(cost_micro_usd, cost_micro_usd, COL_INT)     \
    X(log_lines, log_lines, COL_INT)               \
    X(log_bytes, log_bytes, COL_INT)               \
    X(stdout_cut, stdout_cut, COL_FLAG)            \
    X(stderr_cut, stderr_cut, COL_FLAG)            \
    X(error_message, error_message, COL_TEXT_NULL) \
    X(error, error, COL_TEXT_NULL)                 \
    X(depends_on, depends_on, COL_TEXT)
#define STEP_LONG(X)                           \
    X(config, config, COL_TEXT)                \
    X(outputs, outputs, COL_TEXT_NULL)         \
    X(output, output, COL_TEXT_NULL)           \
    X(stdout_text, stdout_text, COL_TEXT_NULL) \
    X(stderr_text, stderr_text, COL_TEXT_NULL) \
    X(kept_from, kept_from, COL_INT_NULL)

/* Only COL_OPTIONAL looks at has_exit_code. */
#define STEP_COLUMN(member, kind)                                                             \
    {                                                                                         \
        kind, offsetof(struct store_step, member), offsetof(struct store_step, has_exit_code) \
    }
#define AS_COLUMN(name, member, kind) STEP_COLUMN(member, kind),
#define AS_NAME(name, member, kind) ", " #name
#define AS_ONE(name, member, kind) +1
#define BRIEF_NAMES STEP_BRIEF(AS_NAME)
#define NAMES STEP_BRIEF(AS_NAME) STEP_LONG(AS_NAME)

static const struct column columns[] = {STEP_BRIEF(AS_COLUMN) STEP_LONG(AS_COLUMN)};
enum { BRIEF_COUNT = 0 STEP_BRIEF(AS_ONE), COLUMN_COUNT = sizeof columns / sizeof *columns };

/* ---- Adding ---- */

struct steps_add {
    struct store_step *steps;
    size_t n;
};

static bool apply_add(struct store_writer *w, void *payload, struct err *err)
{
    const struct steps_add *add = payload;
    struct db_value values[1 + COLUMN_COUNT];
    struct db_stmt *stmt;

    _Static_assert(COLUMN_COUNT == 33, "one $ for each column, and the run");
    if (!db_prepare(w->db,
                    "INSERT INTO workflow_steps (run_id" NAMES ") VALUES ($1, $2, $3, $4, $5, $6,"
                    " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
                    " $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)",
                    &stmt, err))
        return false;
    for (size_t i = 0; i < add->n; i++) {
        int64_t run_id;
        if (!writer_run_id(w, add->steps[i].key.run_id, &run_id, err))
            return false;
        values[0] = db_int(run_id);
        row_bind(columns, COLUMN_COUNT, &add->steps[i], values + 1);
        if (!db_run_stmt(stmt, values, 1 + COLUMN_COUNT, err))
            return false;
    }
    return true;
}

/* Cuts between characters. */
static bool cut_text(str *text)
{
    if (text->n <= STORE_STEP_TEXT_MAX)
        return false;
    text->n = STORE_STEP_TEXT_MAX;
    while (text->n && ((unsigned char)text->p[text->n] & 0xc0) == 0x80)
        text->n--;
    return true;
}

static void keep_step(struct store_batch *b, const struct store_step *from, struct store_step *ret)
{
    *ret = *from;
    ret->stdout_cut |= cut_text(&ret->stdout_text);
    ret->stderr_cut |= cut_text(&ret->stderr_text);
    row_keep(columns, COLUMN_COUNT, &b->arena, ret);
}

void store_add_steps(struct store_batch *b, const struct store_step *steps, size_t n)
{
    if (n == 0)
        return;
    struct steps_add *add = batch_payload(b, sizeof *add);
    add->steps = arena_array(&b->arena, struct store_step, n);
    add->n = n;
    for (size_t i = 0; i < n; i++) {
        struct store_step *s = &add->steps[i];
        keep_step(b, &steps[i], s);
        s->key.attempt = s->key.attempt ? s->key.attempt : 1;
        s->key.try = s->key.try ? s->key.
        try:
            1;
    }
    batch_add(b, apply_add, add);
}

struct try_add {
    struct store_step_key key;
    int64_t created_at;
};

static bool apply_add_try(struct store_writer *w, void *payload, struct err *err)
{
    const struct try_add *add = payload;
    struct store_step_key first = add->key;
    int64_t first_key;

    first.try = 1;
    return writer_step_key(w, &first, &first_key, err) &&
           db_run(
               w->db,
               "INSERT INTO workflow_steps (run_id, attempt, step_id, try, position, name,"
               " step_type, parent, status, created_at, turns_used, tokens_in, tokens_out,"
               " cost_micro_usd, log_lines, log_bytes, stdout_cut, stderr_cut, depends_on,"
               " config)"
               " SELECT run_id, attempt, step_id, CAST($2 AS BIGINT), position, name,"
               " step_type, parent, CAST($3 AS TEXT), CAST($4 AS BIGINT), 0, 0, 0, 0, 0, 0, 0, 0,"
               " depends_on, config FROM workflow_steps WHERE id = $1",
               DB_ARGS(db_int(first_key), db_int(add->key.try),
                       db_text(str_of(step_status_name(STEP_READY))), db_int(add->created_at)),
               err);
}

void store_add_try(struct store_batch *b, const struct store_step_key *key, int64_t created_at)
{
    struct try_add *add = batch_payload(b, sizeof *add);
    add->key = batch_key(b, key);
    add->created_at = created_at;
    batch_add(b, apply_add_try, add);
}

/* ---- Updating ---- */

#define SET(flag, name, member, kind)           \
    {                                           \
        (flag), name, STEP_COLUMN(member, kind) \
    }
static const struct update_column updates[] = {
    SET(STORE_STEP_OUTCOME, "outcome", outcome, COL_OUTCOME),
    SET(STORE_STEP_OUTCOME | STORE_STEP_CONCLUSION, "conclusion", conclusion, COL_CONCLUSION),
    SET(STORE_STEP_REASON, "reason_code", reason.code, COL_REASON),
    SET(STORE_STEP_REASON, "reason_text", reason.text, COL_TEXT_NULL),
    SET(STORE_STEP_ERROR, "error", error, COL_TEXT_NULL),
    SET(STORE_STEP_ERROR, "error_message", error_message, COL_TEXT_NULL),
    SET(STORE_STEP_STARTED, "started_at", started_at, COL_INT_NULL),
    SET(STORE_STEP_COMPLETED, "completed_at", completed_at, COL_INT_NULL),
    SET(STORE_STEP_RESULT, "exit_code", exit_code, COL_OPTIONAL),
    SET(STORE_STEP_RESULT, "outputs", outputs, COL_TEXT_NULL),
    SET(STORE_STEP_RESULT, "output", output, COL_TEXT_NULL),
    SET(STORE_STEP_RESULT, "stdout_text", stdout_text, COL_TEXT_NULL),
    SET(STORE_STEP_RESULT, "stderr_text", stderr_text, COL_TEXT_NULL),
    SET(STORE_STEP_RESULT, "stdout_cut", stdout_cut, COL_FLAG),
    SET(STORE_STEP_RESULT, "stderr_cut", stderr_cut, COL_FLAG),
    SET(STORE_STEP_USAGE, "turns_used", turns_used, COL_INT),
    SET(STORE_STEP_USAGE, "tokens_in", tokens_in, COL_INT),
    SET(STORE_STEP_USAGE, "tokens_out", tokens_out, COL_INT),
    SET(STORE_STEP_USAGE, "cost_micro_usd", cost_micro_usd, COL_INT),
    SET(STORE_STEP_LOG, "log_lines", log_lines, COL_INT),
    SET(STORE_STEP_LOG, "log_bytes", log_bytes, COL_INT),
};
enum {
    UPDATE_COUNT = sizeof updates / sizeof *updates,
    UPDATE_FIXED = 6, /* the key, and the states from and to */
    UPDATE_SQL_MAX = 2048,
};

/* Says what is there instead, after an update met no row. */
static bool fail_transition(struct store_writer *w, const struct store_step_update *u,
                            struct err *err)
{
    auto_db_rows rows = {0};
    int64_t step_key;
    if (!writer_step_key(w, &u->key, &step_key, err) ||
        !db_query(w->db, "SELECT run_id, status FROM workflow_steps WHERE id = $1",
                  DB_ARGS(db_int(step_key)), &rows, err) ||
        !db_next(&rows, err))
        return false;
    return err_set(err, "transition_refused", "step '%.*s' of run %lld is %.*s, not %s",
                   STR_ARG(u->key.step_id), (long long)db_get_int(&rows, 0),
                   STR_ARG(db_get_str(&rows, 1)), step_status_name(u->from));
}

/* Made once for each set of columns. */
static bool prepare_update(struct store_writer *w, unsigned fields, struct db_stmt **ret,
                           struct err *err)
{
    vec_each (known, &w->step_updates) {
        *ret = known->stmt;
        if (known->fields == fields)
            return true;
    }
    auto_buf sql = BUF(UPDATE_SQL_MAX);
    buf_add_c(&sql, "UPDATE workflow_steps SET status = $6");
    row_add_set(updates, UPDATE_COUNT, fields, &sql, UPDATE_FIXED);
    buf_add_c(&sql, " WHERE run_id = $1 AND attempt = $2 AND step_id = $3 AND try = $4"
                    " AND status = $5");
    if (!db_prepare(w->db, buf_c(&sql), ret, err))
        return false;
    vec_push(&w->step_updates, (struct writer_update){fields, *ret});
    return true;
}

static bool apply_update(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_step_update *u = payload;
    struct db_value values[UPDATE_FIXED + UPDATE_COUNT];
    struct db_stmt *stmt;
    int64_t run_id;

    if (!writer_run_id(w, u->key.run_id, &run_id, err))
        return false;
    values[0] = db_int(run_id);
    values[1] = db_int(u->key.attempt);
    values[2] = db_text(u->key.step_id);
    values[3] = db_int(u->key.try);
    values[4] = db_text(str_of(step_status_name(u->from)));
    values[5] = db_text(str_of(step_status_name(u->to)));
    size_t n = row_bind_set(updates, UPDATE_COUNT, u->fields, &u->values, values, UPDATE_FIXED);
    if (!prepare_update(w, u->fields, &stmt, err) || !db_run_stmt(stmt, values, n, err))
        return false;
    return db_changes(w->db) == 1 || fail_transition(w, u, err);
}

void store_update_step(struct store_batch *b, const struct store_step_update *u)
{
    struct store_step_update *copy = batch_payload(b, sizeof *copy);
    *copy = *u;
    copy->key = batch_key(b, &u->key);
    keep_step(b, &u->values, &copy->values);
    batch_add(b, apply_update, copy);
}

/* ---- Reading ---- */

static bool load_row(const struct db_rows *rows, size_t n, struct arena *a, struct store_step *ret,
                     struct err *err)
{
    struct store_step s = {.key.run_id = db_get_int(rows, 0)};
    if (!row_load(columns, n, rows, 1, a, &s, err))
        return false;
    *ret = s;
    return true;
}

/* The newest try of each step of one attempt; steps of an agent's tools in the order in which their
 * first tries began. */
#define LATEST                                                                     \
    " FROM workflow_steps s WHERE run_id = $1 AND attempt = CASE WHEN $2 = 0 THEN" \
    " (SELECT attempt FROM workflow_runs WHERE id = $1) ELSE $2 END AND try ="     \
    " (SELECT MAX(t.try) FROM workflow_steps t WHERE t.run_id = s.run_id"          \
    " AND t.attempt = s.attempt AND t.step_id = s.step_id)"                        \
    " ORDER BY position, step_id LIKE '%.%', CASE WHEN step_id LIKE '%.%' THEN"    \
    " (SELECT MIN(f.id) FROM workflow_steps f WHERE f.run_id = s.run_id"           \
    " AND f.attempt = s.attempt AND f.step_id = s.step_id) ELSE id END"

bool store_load_steps(struct store_reader *r, int64_t run_id, int64_t attempt,
                      enum store_step_load what, struct arena *a, struct store_step **ret,
                      size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_step) list = {0};
    bool brief = what == STORE_STEPS_BRIEF, ok = true;

    if (!db_query(r->db, brief ? "SELECT run_id" BRIEF_NAMES LATEST : "SELECT run_id" NAMES LATEST,
                  DB_ARGS(db_int(run_id), db_int(attempt)), &rows, err))
        return false;
    while (ok && db_next(&rows, err)) {
        vec_push(&list, (struct store_step){0});
        ok = load_row(&rows, brief ? BRIEF_COUNT : COLUMN_COUNT, a, &vec_last(&list), err);
    }
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}

/* Ids of the steps that events name, those of lines aside: a line changes no row. */
static bool read_changes(struct store_reader *r, int64_t run_id, int64_t after_seq, struct arena *a,
                         struct map *ids, bool *ret_all, struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(r->db,
                  "SELECT type, step_id FROM run_events"
                  " WHERE run_id = $1 AND seq > $2 AND step_key IS NULL",
                  DB_ARGS(db_int(run_id), db_int(after_seq)), &rows, err))
        return false;
    while (!*ret_all && db_next(&rows, err)) {
        enum event_type type;
        str id = db_get_str(&rows, 1);
        *ret_all = event_type_parse(db_get_str(&rows, 0), &type) &&
                   (type == EVENT_PLAN_EXTENDED || type == EVENT_RUN_STARTED);
        if (id.n && !map_has(ids, id))
            map_set(ids, arena_str(a, id), ids);
    }
    return !err_is_set(err);
}

static bool load_latest(struct store_reader *r, int64_t run_id, int64_t attempt, str id,
                        struct arena *a, struct store_step *ret, bool *ret_has, struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(r->db,
                  "SELECT run_id" BRIEF_NAMES " FROM workflow_steps WHERE run_id = $1"
                  " AND attempt = $2 AND step_id = $3 ORDER BY try DESC LIMIT 1",
                  DB_ARGS(db_int(run_id), db_int(attempt), db_text(id)), &rows, err))
        return false;
    *ret_has = db_next(&rows, err);
    return *ret_has ? load_row(&rows, BRIEF_COUNT, a, ret, err) : !err_is_set(err);
}

bool store_load_changed_steps(struct store_reader *r, int64_t run_id, int64_t after_seq,
                              struct arena *texts, struct arena *a, struct store_step **ret,
                              size_t *ret_n, bool *ret_all, int64_t *ret_seq, struct err *err)
{
    auto_map ids = {0};
    bool has_run;
    int64_t seq; /* what is recorded after it is in the rows at most too early */
    int64_t attempt = 0;
    size_t n = 0;
    *ret_all = false;
    if (!store_last_seq(r, run_id, &seq, err) ||
        !read_changes(r, run_id, after_seq, a, &ids, ret_all, err))
        return false;
    if (ids.n && !*ret_all &&
        !db_find_int(r->db, "SELECT attempt FROM workflow_runs WHERE id = $1",
                     DB_ARGS(db_int(run_id)), &has_run, &attempt, err))
        return false;
    struct store_step *list = *ret_all ? NULL : arena_array(a, struct store_step, ids.n);
    map_each(e, &ids)
    {
        bool has = false;
        if (*ret_all)
            break;
        if (!load_latest(r, run_id, attempt, e->key, texts, &list[n], &has, err))
            return false;
        n += has;
    }
    *ret = list;
    *ret_n = n;
    *ret_seq = seq;
    return true;
}

bool reader_step_key(struct store_reader *r, const struct store_step_key *key, int64_t *ret,
                     struct err *err)
{
    bool has;
    if (!db_find_int(r->db,
                     "SELECT id FROM workflow_steps WHERE run_id = $1 AND step_id = $2"
                     " AND ($3 = 0 OR attempt = $3) AND ($4 = 0 OR try = $4)"
                     " ORDER BY attempt DESC, try DESC LIMIT 1",
                     DB_ARGS(db_int(key->run_id), db_text(key->step_id), db_int(key->attempt),
                             db_int(key->try)),
                     &has, ret, err))
        return false;
    if (has)
        return true;
    err_set(err, "step_unknown", "run %lld has no step '%.*s'", (long long)key->run_id,
            STR_ARG(key->step_id));
    err_hint(err, "see its steps with: plue run view %lld", (long long)key->run_id);
    return false;
}

bool reader_log_key(struct store_reader *r, const struct store_step_key *key, int64_t *ret,
                    struct err *err)
{
    bool kept;
    int64_t attempt;
    struct store_step_key ran = *key;
    if (!reader_step_key(r, key, ret, err) ||
        !db_find_int(r->db, "SELECT kept_from FROM workflow_steps WHERE id = $1",
                     DB_ARGS(db_int(*ret)), &kept, &attempt, err))
        return false;
    ran.attempt = attempt;
    ran.try = STORE_LAST;
    return !kept || reader_step_key(r, &ran, ret, err);
}

bool store_load_step(struct store_reader *r, const struct store_step_key *key, struct arena *a,
                     struct store_step *ret, struct err *err)
{
    auto_db_rows rows = {0};
    int64_t step_key;
    if (!reader_step_key(r, key, &step_key, err) ||
        !db_query(r->db, "SELECT run_id" NAMES " FROM workflow_steps WHERE id = $1",
                  DB_ARGS(db_int(step_key)), &rows, err))
        return false;
    return db_next(&rows, err) && load_row(&rows, COLUMN_COUNT, a, ret, err);
}
