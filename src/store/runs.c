#include "store/store_int.h"

/* Column, member, kind: in the order of the table, the long ones last. */
#define RUN_BRIEF(X)                               \
    X(workflow, workflow, COL_TEXT)                \
    X(status, status, COL_RUN_STATUS)              \
    X(conclusion, conclusion, COL_CONCLUSION)      \
    X(reason_code, reason.code, COL_REASON)        \
    X(reason_text, reason.text, COL_TEXT_NULL)     \
    X(attempt, attempt, COL_INT)                   \
    X(trigger_type, trigger_type, COL_TEXT)        \
    X(ref, ref, COL_TEXT_NULL)                     \
    X(sha, sha, COL_TEXT_NULL)                     \
    X(branch, branch, COL_TEXT_NULL)               \
    X(actor, actor, COL_TEXT_NULL)                 \
    X(created_at, created_at, COL_INT)             \
    X(started_at, started_at, COL_INT_NULL)        \
    X(completed_at, completed_at, COL_INT_NULL)    \
    X(waited_ms, waited_ms, COL_INT)               \
    X(evaluator, evaluator, COL_TEXT_NULL)         \
    X(plan_hash, plan_hash, COL_TEXT_NULL)         \
    X(error_message, error_message, COL_TEXT_NULL) \
    X(error, error, COL_TEXT_NULL)
#define RUN_LONG(X)                                    \
    X(inputs, inputs, COL_TEXT_NULL)                   \
    X(outputs, outputs, COL_TEXT_NULL)                 \
    X(trigger_payload, trigger_payload, COL_TEXT_NULL) \
    X(plan, plan, COL_TEXT_NULL)                       \
    X(deadline_at, deadline_at, COL_INT_NULL)          \
    X(concurrency_group, group, COL_TEXT_NULL)         \
    X(concurrency_policy, policy, COL_TEXT_NULL)       \
    X(priority, priority, COL_INT_NULL)                \
    X(origin, origin, COL_TEXT_NULL)

#define AS_COLUMN(name, member, kind) COLUMN(struct store_run, member, kind),
#define AS_NAME(name, member, kind) ", " #name
#define AS_RUN_NAME(name, member, kind) ", r." #name
#define AS_ONE(name, member, kind) +1
#define NAMES RUN_BRIEF(AS_NAME) RUN_LONG(AS_NAME)
#define RUN_BRIEF_NAMES RUN_BRIEF(AS_RUN_NAME)
#define RUN_NAMES RUN_BRIEF(AS_RUN_NAME) RUN_LONG(AS_RUN_NAME)

static const struct column columns[] = {RUN_BRIEF(AS_COLUMN) RUN_LONG(AS_COLUMN)};
enum { BRIEF_COUNT = 0 RUN_BRIEF(AS_ONE), COLUMN_COUNT = sizeof columns / sizeof *columns };

/* ---- Writing ---- */

static bool apply_create(struct store_writer *w, void *payload, struct err *err)
{
    struct store_run *run = payload;
    struct db_value values[1 + COLUMN_COUNT];
    bool has;

    _Static_assert(COLUMN_COUNT == 28, "one $ for each column, and the repository");
    values[0] = db_text_or_null(run->repository);
    row_bind(columns, COLUMN_COUNT, run, values + 1);
    if (run->repository.n &&
        !db_run(w->db,
                "INSERT INTO repositories (name, created_at) VALUES ($1, $2)"
                " ON CONFLICT (name) DO NOTHING",
                DB_ARGS(db_text(run->repository), db_int(run->created_at)), err))
        return false;
    return db_find_int(w->db,
                       "INSERT INTO workflow_runs (repository_id" NAMES ") VALUES ("
                       " (SELECT id FROM repositories WHERE name = $1), $2, $3, $4, $5, $6, $7, $8,"
                       " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,"
                       " $24, $25, $26, $27, $28, $29) RETURNING id",
                       values, 1 + COLUMN_COUNT, &has, &w->batch->run_id, err);
}

static struct store_run keep_run(struct store_batch *b, const struct store_run *run)
{
    struct store_run copy = *run;
    row_keep(columns, COLUMN_COUNT, &b->arena, &copy);
    copy.repository = batch_str(b, run->repository);
    return copy;
}

void store_create_run(struct store_batch *b, const struct store_run *run)
{
    struct store_run *copy = batch_payload(b, sizeof *copy);
    *copy = keep_run(b, run);
    if (!copy->attempt)
        copy->attempt = 1;
    batch_add(b, apply_create, copy);
}

#define SET(flag, name, member, kind)                        \
    {                                                        \
        (flag), name, COLUMN(struct store_run, member, kind) \
    }
static const struct update_column updates[] = {
    SET(STORE_RUN_CONCLUSION, "conclusion", conclusion, COL_CONCLUSION),
    SET(STORE_RUN_REASON, "reason_code", reason.code, COL_REASON),
    SET(STORE_RUN_REASON, "reason_text", reason.text, COL_TEXT_NULL),
    SET(STORE_RUN_OUTPUTS, "outputs", outputs, COL_TEXT_NULL),
    SET(STORE_RUN_ERROR, "error", error, COL_TEXT_NULL),
    SET(STORE_RUN_ERROR, "error_message", error_message, COL_TEXT_NULL),
    SET(STORE_RUN_PLAN, "plan_hash", plan_hash, COL_TEXT_NULL),
    SET(STORE_RUN_PLAN, "plan", plan, COL_TEXT_NULL),
    SET(STORE_RUN_STARTED, "started_at", started_at, COL_INT_NULL),
    SET(STORE_RUN_COMPLETED, "completed_at", completed_at, COL_INT_NULL),
    SET(STORE_RUN_ATTEMPT, "attempt", attempt, COL_INT),
    SET(STORE_RUN_WAITED, "waited_ms", waited_ms, COL_INT),
    SET(STORE_RUN_ATTEMPT, "holds_group", holds_group, COL_INT_NULL),
    SET(STORE_RUN_DEADLINE, "deadline_at", deadline_at, COL_INT_NULL),
    SET(STORE_RUN_SOURCE, "ref", ref, COL_TEXT_NULL),
    SET(STORE_RUN_SOURCE, "sha", sha, COL_TEXT_NULL),
    SET(STORE_RUN_SOURCE, "branch", branch, COL_TEXT_NULL),
    SET(STORE_RUN_SOURCE, "evaluator", evaluator, COL_TEXT_NULL),
};
enum { UPDATE_COUNT = sizeof updates / sizeof *updates, UPDATE_SQL_MAX = 2048 };

/* Says why an update met no row. */
static bool fail_transition(struct store_writer *w, int64_t run_id, enum run_status from,
                            struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(w->db, "SELECT status FROM workflow_runs WHERE id = $1", DB_ARGS(db_int(run_id)),
                  &rows, err))
        return false;
    if (!db_next(&rows, err))
        return fail_run_unknown(err, run_id);
    return err_set(err, "transition_refused", "run %lld is %.*s, not %s", (long long)run_id,
                   STR_ARG(db_get_str(&rows, 0)), run_status_name(from));
}

static bool apply_update(struct store_writer *w, void *payload, struct err *err)
{
    const struct store_run_update *u = payload;
    struct db_value values[3 + UPDATE_COUNT];
    auto_buf sql = BUF(UPDATE_SQL_MAX);
    int64_t run_id;

    if (!writer_run_id(w, u->run_id, &run_id, err))
        return false;
    values[0] = db_int(run_id);
    values[1] = db_text(str_of(run_status_name(u->from)));
    values[2] = db_text(str_of(run_status_name(u->to)));
    buf_add_c(&sql, "UPDATE workflow_runs SET status = $3");
    row_add_set(updates, UPDATE_COUNT, u->fields, &sql, 3);
    size_t n = row_bind_set(updates, UPDATE_COUNT, u->fields, &u->values, values, 3);
    buf_add_c(&sql, " WHERE id = $1 AND status = $2");
    if (!db_run(w->db, buf_c(&sql), values, n, err))
        return false;
    return db_changes(w->db) == 1 || fail_transition(w, run_id, u->from, err);
}

void store_update_run(struct store_batch *b, const struct store_run_update *u)
{
    struct store_run_update *copy = batch_payload(b, sizeof *copy);
    *copy = *u;
    copy->values = keep_run(b, &u->values);
    batch_add(b, apply_update, copy);
}

/* ---- Reading ---- */

static bool load_row(const struct db_rows *rows, size_t n, struct arena *a, struct store_run *ret,
                     struct err *err)
{
    struct store_run run = {.id = db_get_int(rows, 0),
                            .repository = arena_str(a, db_get_str(rows, 1))};
    if (!row_load(columns, n, rows, 2, a, &run, err))
        return false;
    *ret = run;
    return true;
}

bool store_load_run(struct store_reader *r, int64_t run_id, struct arena *a, struct store_run *ret,
                    struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(r->db,
                  "SELECT r.id, p.name" RUN_NAMES " FROM workflow_runs r"
                  " LEFT JOIN repositories p ON p.id = r.repository_id WHERE r.id = $1",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    if (!db_next(&rows, err))
        return !err_is_set(err) && fail_run_unknown(err, run_id);
    return load_row(&rows, COLUMN_COUNT, a, ret, err);
}

enum { LIST_DEFAULT = 30, LIST_SQL_MAX = 4096, FILTER_MAX = 8 };

/* Only the filters that are there stand in the statement, so that an index can serve it. */
static size_t add_filters(const struct store_run_filter *f, struct buf *sql,
                          struct db_value *values)
{
    const struct {
        const char *condition;
        bool used;
        struct db_value value;
    } filters[] = {
        {"p.name = $", f->repository.n > 0, db_text(f->repository)},
        {"r.workflow = $", f->workflow.n > 0, db_text(f->workflow)},
        {"r.branch = $", f->branch.n > 0, db_text(f->branch)},
        {"r.trigger_type = $", f->event.n > 0, db_text(f->event)},
        {"r.actor = $", f->actor.n > 0, db_text(f->actor)},
        {"r.status = $", f->by_status,
         db_text(str_of(f->by_status ? run_status_name(f->status) : ""))},
        {"r.id < $", f->before_id > 0, db_int(f->before_id)},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!filters[i].used)
            continue;
        values[n++] = filters[i].value;
        buf_addf(sql, "%s%s%zu", n == 1 ? " WHERE " : " AND ", filters[i].condition, n);
    }
    return n;
}

bool store_list_runs(struct store_reader *r, const struct store_run_filter *f, struct arena *a,
                     struct store_run **ret, size_t *ret_n, int64_t *ret_next, struct err *err)
{
    auto_db_rows rows = {0};
    auto_buf sql = BUF(LIST_SQL_MAX);
    struct db_value values[FILTER_MAX];
    int64_t limit = f->limit <= 0               ? LIST_DEFAULT
                    : f->limit > STORE_LIST_MAX ? STORE_LIST_MAX
                                                : f->limit;

    buf_add_c(&sql, "SELECT r.id, p.name" RUN_BRIEF_NAMES " FROM workflow_runs r"
                    " LEFT JOIN repositories p ON p.id = r.repository_id");
    size_t n = add_filters(f, &sql, values);
    /* One more than asked for tells whether there is a next page. */
    values[n++] = db_int(limit + 1);
    buf_addf(&sql, " ORDER BY r.id DESC LIMIT $%zu", n);
    if (!db_query(r->db, buf_c(&sql), values, n, &rows, err))
        return false;

    struct store_run *list = arena_array(a, struct store_run, (size_t)limit);
    size_t count = 0;
    bool more = false;
    while (!more && db_next(&rows, err)) {
        more = count == (size_t)limit;
        if (!more && !load_row(&rows, BRIEF_COUNT, a, &list[count++], err))
            return false;
    }
    if (err_is_set(err))
        return false;
    *ret = list;
    *ret_n = count;
    *ret_next = more ? list[count - 1].id : 0;
    return true;
}
