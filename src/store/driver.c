#include "store/driver_int.h"
#include <assert.h>

bool db_open(const struct db_driver *driver, const char *where, const struct db_options *o,
             struct db **ret, struct err *err)
{
    struct db *db = NULL;
    if (!driver->open(where, o, &db, err))
        return false;
    db->driver = driver;
    *ret = db;
    return true;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    map_each(e, &db->stmts)
    {
        struct db_stmt *s = e->value;
        free(s->sql);
        db->driver->finish(s);
    }
    map_done(&db->stmts);
    db->driver->close(db);
}

const struct db_driver *db_driver_of(const struct db *db)
{
    return db->driver;
}

bool db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct err *err)
{
    str text = str_of(sql);
    struct db_stmt *s = map_get(&db->stmts, text);
    if (!s) {
        if (!db->driver->prepare(db, text, &s, err))
            return false;
        s->db = db;
        s->sql = mem_dup(text.p, text.n);
        s->sql_n = text.n;
        map_set(&db->stmts, str_make(s->sql, s->sql_n), s);
    }
    *ret = s;
    return true;
}

static void stmt_close(struct db_stmt *s)
{
    if (s->open)
        s->db->driver->reset(s);
    s->open = false;
}

bool db_run_stmt(struct db_stmt *s, const struct db_value *args, size_t n, struct err *err)
{
    const struct db_driver *d = s->db->driver;
    bool row = false;
    assert(!s->open);
    s->open = true;
    bool ok = d->start(s, args, n, err) && d->step(s, &row, err);
    stmt_close(s);
    return ok;
}

bool db_run(struct db *db, const char *sql, const struct db_value *args, size_t n, struct err *err)
{
    struct db_stmt *s;
    return db_prepare(db, sql, &s, err) && db_run_stmt(s, args, n, err);
}

int64_t db_changes(struct db *db)
{
    return db->driver->changes(db);
}

bool db_query(struct db *db, const char *sql, const struct db_value *args, size_t n,
              struct db_rows *ret, struct err *err)
{
    struct db_stmt *s;
    if (!db_prepare(db, sql, &s, err))
        return false;
    assert(!s->open);
    s->open = true;
    if (!db->driver->start(s, args, n, err)) {
        stmt_close(s);
        return false;
    }
    ret->stmt = s;
    return true;
}

bool db_next(struct db_rows *rows, struct err *err)
{
    bool row = false;
    if (!rows->stmt)
        return false;
    if (!rows->stmt->db->driver->step(rows->stmt, &row, err) || !row)
        db_rows_close(rows);
    return row;
}

void db_rows_close(struct db_rows *rows)
{
    if (rows->stmt)
        stmt_close(rows->stmt);
    rows->stmt = NULL;
}

bool db_is_null(const struct db_rows *rows, int column)
{
    return rows->stmt->db->driver->is_null(rows->stmt, column);
}

int64_t db_get_int(const struct db_rows *rows, int column)
{
    return rows->stmt->db->driver->get_int(rows->stmt, column);
}

str db_get_str(const struct db_rows *rows, int column)
{
    return rows->stmt->db->driver->get_str(rows->stmt, column);
}

bool db_find_int(struct db *db, const char *sql, const struct db_value *args, size_t n,
                 bool *ret_has, int64_t *ret, struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(db, sql, args, n, &rows, err))
        return false;
    bool row = db_next(&rows, err);
    if (!row && err_is_set(err))
        return false;
    *ret_has = row && !db_is_null(&rows, 0);
    if (*ret_has)
        *ret = db_get_int(&rows, 0);
    return true;
}

bool db_begin(struct db *db, bool write, struct err *err)
{
    return db->driver->begin(db, write, err);
}

bool db_commit(struct db *db, struct err *err)
{
    return db->driver->commit(db, err);
}

void db_rollback(struct db *db)
{
    db->driver->rollback(db);
}
