/* driver: the little that a database must do for the store: open, statements with $1 parameters,
 * rows, transactions. What differs between databases stands behind it; SQL is written once, in the
 * subset that SQLite 3.40 and PostgreSQL 15 share.
 * A connection is used by one thread at a time. Statements are prepared once and kept with their
 * connection; one of them is not run again before its rows are closed.
 * Refuses: statements made from a user's text. Values are bound. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H
#include "base/buf.h"
#include "diag/err.h"

/* ---- Values ---- */

enum db_type { DB_NULL, DB_INT, DB_TEXT };
struct db_value {
    enum db_type type;
    int64_t i;
    str s; /* borrowed during the call */
};
static inline struct db_value db_int(int64_t i)
{
    return (struct db_value){.type = DB_INT, .i = i};
}
static inline struct db_value db_text(str s)
{
    return (struct db_value){.type = DB_TEXT, .s = s};
}
/* NULL where it is empty, or 0. */
static inline struct db_value db_text_or_null(str s)
{
    return (struct db_value){.type = s.n ? DB_TEXT : DB_NULL, .s = s};
}
static inline struct db_value db_int_or_null(int64_t i)
{
    return (struct db_value){.type = i ? DB_INT : DB_NULL, .i = i};
}
/* DB_ARGS(db_int(1), db_text(name)): values and their number, as two arguments. */
#define DB_ARGS(...)                        \
    (const struct db_value[]){__VA_ARGS__}, \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)

/* ---- Connections ---- */

enum db_mode { DB_READ, DB_WRITE, DB_CREATE };
struct db_options {
    enum db_mode mode;
    bool sync_full; /* sync each commit, not each checkpoint */
    int busy_ms;
};
struct db;
struct db_stmt;

struct db_driver {
    const char *name;
    /* Pairs of an @word of the migrations and what it is here, ended by NULL. */
    const char *const *words;
    bool (*open)(const char *where, const struct db_options *o, struct db **ret, struct err *err);
    void (*close)(struct db *db);
    bool (*prepare)(struct db *db, str sql, struct db_stmt **ret, struct err *err);
    bool (*start)(struct db_stmt *s, const struct db_value *args, size_t n, struct err *err);
    /* *ret_row: there is one; its columns are borrowed until the next call. */
    bool (*step)(struct db_stmt *s, bool *ret_row, struct err *err);
    bool (*is_null)(struct db_stmt *s, int column);
    int64_t (*get_int)(struct db_stmt *s, int column);
    str (*get_str)(struct db_stmt *s, int column);
    void (*reset)(struct db_stmt *s);
    void (*finish)(struct db_stmt *s);
    bool (*begin)(struct db *db, bool write, struct err *err);
    bool (*commit)(struct db *db, struct err *err);
    void (*rollback)(struct db *db);
    int64_t (*changes)(struct db *db); /* rows that the last statement wrote */
    bool (*script)(struct db *db, const char *sql, struct err *err); /* several statements */
    bool (*has_table)(struct db *db, str name, bool *ret, struct err *err);
    bool (*is_empty)(struct db *db, bool *ret, struct err *err); /* has no table */
    /* A whole and compact copy in a new file, of one moment; others may go on writing. */
    bool (*backup)(struct db *db, const char *path, struct err *err);
    bool (*size)(struct db *db, int64_t *ret_bytes, struct err *err); /* of what is in use */
    /* Gives unused space back to the disk. */
    bool (*compact)(struct db *db, struct err *err);
    /* A number that changes when another connection has committed. */
    bool (*version)(struct db *db, int64_t *ret, struct err *err);
    /* A number that changes with each commit of any connection, this one's too; as of the
     * transaction, or after it as of its commit. 0 where it is unknown. */
    uint64_t (*moment)(struct db *db);
    /* While on, nothing that may take long is waited for: db_begin fails where another process
     * writes, and upkeep of the files is put off. */
    void (*hurry)(struct db *db, bool on);
    bool (*needs_time)(struct db *db); /* upkeep was put off: the next commit is to have time */
};
extern const struct db_driver db_sqlite;

bool db_open(const struct db_driver *driver, const char *where, const struct db_options *o,
             struct db **ret, struct err *err) must_use;
void db_close(struct db *db);
static inline void db_closep(struct db **db)
{
    db_close(*db);
}
#define auto_db cleanup(db_closep) struct db
const struct db_driver *db_driver_of(const struct db *db);

/* ---- Statements ---- */

/* Kept by the connection and found again by its text. */
bool db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct err *err) must_use;
/* Runs a statement that gives no rows. */
bool db_run_stmt(struct db_stmt *s, const struct db_value *args, size_t n,
                 struct err *err) must_use;
bool db_run(struct db *db, const char *sql, const struct db_value *args, size_t n,
            struct err *err) must_use;
int64_t db_changes(struct db *db);

struct db_rows {
    struct db_stmt *stmt; /* NULL when closed */
};
#define auto_db_rows cleanup(db_rows_close) struct db_rows
bool db_query(struct db *db, const char *sql, const struct db_value *args, size_t n,
              struct db_rows *ret, struct err *err) must_use;
/* False at the end, and on an error, which sets err. */
bool db_next(struct db_rows *rows, struct err *err);
void db_rows_close(struct db_rows *rows);
bool db_is_null(const struct db_rows *rows, int column);
int64_t db_get_int(const struct db_rows *rows, int column); /* 0 for NULL */
str db_get_str(const struct db_rows *rows, int column);     /* empty for NULL; borrowed */

/* The first column of the first row; *ret_has false where there is no row or it is NULL. */
bool db_find_int(struct db *db, const char *sql, const struct db_value *args, size_t n,
                 bool *ret_has, int64_t *ret, struct err *err) must_use;

/* ---- Transactions ---- */

/* write: takes the one writer's place at once, so that nothing read in it can be outdated. */
bool db_begin(struct db *db, bool write, struct err *err) must_use;
bool db_commit(struct db *db, struct err *err) must_use;
/* Also where the database has rolled back by itself. */
void db_rollback(struct db *db);

#endif
