#include "store/migrate.h"
#include "base/clock.h"

enum { SQL_MAX = 1 << 20 };

/* Version of the tables, 0 where there are none. */
static bool find_version(struct db *db, int64_t *ret, struct err *err)
{
    bool has;
    *ret = 0;
    if (!db_driver_of(db)->has_table(db, STR("schema_migrations"), &has, err))
        return false;
    return !has ||
           db_find_int(db, "SELECT MAX(version) FROM schema_migrations", NULL, 0, &has, ret, err);
}

static bool check_version(struct db *db, const char *where, int64_t version, int64_t newest,
                          struct err *err)
{
    bool empty;
    if (version > newest) {
        err_set(err, "database_newer",
                "the database %s has version %lld, and this program knows versions up to %lld",
                where, (long long)version, (long long)newest);
        err_hint(err, "use the version of plue that wrote it, or a newer one");
        return false;
    }
    if (version > 0)
        return true;
    if (!db_driver_of(db)->is_empty(db, &empty, err))
        return false;
    if (!empty) {
        err_set(err, "database_foreign", "%s is a database of another program", where);
        err_hint(err, "choose another folder with --data-dir");
    }
    return empty;
}

/* Puts the driver's words in place of the @words. */
static void add_sql(struct buf *b, const char *sql, const char *const *words)
{
    str rest = str_of(sql);
    while (rest.n) {
        size_t at = str_find_byte(rest, '@', 0);
        buf_add_str(b, str_sub(rest, 0, at));
        rest = str_sub(rest, at, rest.n);
        for (const char *const *w = words; rest.n && *w; w += 2) {
            if (str_starts(rest, str_of(w[0]))) {
                buf_add_c(b, w[1]);
                rest = str_sub(rest, str_of(w[0]).n, rest.n);
                at = 0;
                break;
            }
        }
        if (rest.n && at && rest.p[0] == '@') {
            buf_add_byte(b, '@');
            rest = str_sub(rest, 1, rest.n);
        }
    }
}

/* Looks again inside the transaction: another process may have been faster. */
static bool apply_one(struct db *db, const struct migration *m, struct err *err)
{
    int64_t version;
    if (!find_version(db, &version, err))
        return false;
    if (version >= m->version)
        return true;

    auto_buf sql = BUF(SQL_MAX);
    if (version == 0)
        buf_add_c(&sql, "CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY,"
                        " name TEXT NOT NULL, applied_at BIGINT NOT NULL);\n");
    add_sql(&sql, m->sql, db_driver_of(db)->words);
    return db_driver_of(db)->script(db, buf_c(&sql), err) &&
           db_run(
               db, "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
               DB_ARGS(db_int(m->version), db_text(str_of(m->name)), db_int(clock_wall_ms())), err);
}

bool migrate(struct db *db, const char *where, const struct migration *list, size_t n, bool apply,
             struct err *err)
{
    int64_t version, newest = n ? list[n - 1].version : 0;
    /* One snapshot: a database that another process makes meanwhile is no foreign one. */
    if (!db_begin(db, false, err))
        return false;
    bool known = find_version(db, &version, err) && check_version(db, where, version, newest, err);
    db_rollback(db);
    if (!known)
        return false;
    if (version < newest && !apply) {
        err_set(err, "database_older", "the database %s has version %lld, and %lld is needed",
                where, (long long)version, (long long)newest);
        err_hint(err, "bring it up to date with: plue db migrate");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i].version <= version)
            continue;
        if (!db_begin(db, true, err))
            return false;
        if (!apply_one(db, &list[i], err) || !db_commit(db, err)) {
            db_rollback(db);
            return err_wrap(err, "migration_failed", "the migration %s of the database %s failed",
                            list[i].name, where);
        }
    }
    return true;
}
