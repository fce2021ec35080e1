/* WAL, so that readers in any process never wait for the writer. synchronous=NORMAL: see store.h.
 */
#include "base/fd.h"
#include "store/driver_int.h"
#include "store/frames.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WRITER_CACHE_KIB = 8 << 10,
    READER_CACHE_KIB = 4 << 10,
    CHECKPOINT_PAGES = 4000,       /* 16 MB: bulk logs are copied less often than by default */
    JOURNAL_KEEP_BYTES = 64 << 20, /* a journal that a slow reader let grow is cut back to it */
    WAL_PAUSE_MS = 20,             /* the change to WAL does not wait by itself */
};

struct lite {
    struct db head;
    sqlite3 *conn;
    char *path;
    int busy_ms;
    bool hurry;
    int journal_pages; /* as of the last commit, since the journal was copied back */
};
struct lite_stmt {
    struct db_stmt head;
    sqlite3_stmt *stmt;
};

static const char *const words[] = {"@identity", "INTEGER PRIMARY KEY AUTOINCREMENT", "@clustered",
                                    "WITHOUT ROWID", NULL};

/* ---- Errors ---- */

static bool folder_is_writable(const char *path)
{
    auto_free char *dir = str_dup(str_of(path));
    char *slash = strrchr(dir, '/');
    if (!slash)
        return access(".", W_OK) == 0;
    slash[slash == dir] = '\0';
    return access(dir, W_OK) == 0;
}

static bool fail_read_only(struct err *err, const char *path)
{
    err_set(err, "database_read_only", "the database %s cannot be written", path);
    err_hint(err, "make the file and its folder writable for this user, or choose another folder "
                  "with --data-dir");
    return false;
}

static bool fail_corrupt(struct err *err, const char *path, const char *what)
{
    err_set(err, "database_corrupt", "%s %s", path, what);
    err_hint(err, "restore it from a backup, or move it away to begin with an empty one");
    return false;
}

static bool fail_full(struct err *err, const char *path, const char *more)
{
    err_set(err, "disk_full", "no space is left for the database %s%s", path, more);
    err_hint(err, "free some space on its disk, then resume the run");
    return false;
}

/* What the kernel said, where it was the kernel. */
static bool lite_fail_system(struct lite *l, const char *text, struct err *err)
{
    int system = l->conn ? sqlite3_system_errno(l->conn) : 0;
    if (system == ENOSPC || system == EDQUOT)
        return fail_full(err, l->path, "");
    if (system == EFBIG)
        return fail_full(err, l->path, ": a limit of this process (ulimit -f) keeps it small");
    err_set(err, "database_failed", "the database %s failed: %s%s%s", l->path, text,
            system ? ": " : "", system ? strerror(system) : "");
    err_hint(err, "check the disk that holds it");
    return false;
}

/* Words the state of the connection after a call that failed with `code`. */
static bool lite_fail(struct lite *l, int code, struct err *err)
{
    const char *text = l->conn ? sqlite3_errmsg(l->conn) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        err_set(err, "database_locked", "another process has kept %s locked for over %d ms",
                l->path, l->busy_ms);
        err_hint(err, "let it finish, or see who has the file open with: fuser %s", l->path);
        return false;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return fail_read_only(err, l->path);
    case SQLITE_NOTADB:
        return fail_corrupt(err, l->path, "is not a database");
    case SQLITE_CORRUPT:
        return fail_corrupt(err, l->path, "is damaged");
    case SQLITE_ERROR:
        err_set(err, "database_failed", "the database %s failed: %s", l->path, text);
        err_hint(err, "this is a defect of plue, please report it");
        return false;
    case SQLITE_CONSTRAINT:
        err_set(err, "database_conflict", "the database %s refused a change: %s", l->path, text);
        err_hint(err, "this is a defect of plue, please report it");
        return false;
    case SQLITE_FULL:
        return fail_full(err, l->path, "");
    case SQLITE_CANTOPEN:
        if (!folder_is_writable(l->path))
            return fail_read_only(err, l->path);
        break;
    default:
        break;
    }
    return lite_fail_system(l, text, err);
}

/* ---- Connection ---- */

static void lite_close(struct db *db)
{
    struct lite *l = (struct lite *)db;
    sqlite3_close(l->conn);
    free(l->path);
    free(l);
}

static bool lite_script(struct db *db, const char *sql, struct err *err)
{
    struct lite *l = (struct lite *)db;
    int code = sqlite3_exec(l->conn, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || lite_fail(l, code, err);
}

/* The folder and an empty file that only its owner reads: SQLite gives its journals the same
 * mode. */
static bool make_file(const char *path, struct err *err)
{
    auto_free char *dir = str_dup(str_of(path));
    char *slash = strrchr(dir, '/');
    int failed = 0;

    if (slash && slash != dir) {
        *slash = '\0';
        failed = fd_make_dirs(AT_FDCWD, dir, 0700);
    }
    if (!failed) {
        auto_fd fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        failed = fd < 0 ? errno : 0;
    }
    if (!failed)
        return true;
    if (failed == EACCES || failed == EROFS || failed == EPERM)
        return fail_read_only(err, path);
    err_errno(err, "database_failed", failed, "the database %s cannot be made", path);
    err_hint(err, "choose another folder with --data-dir");
    return false;
}

static bool check_file(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            err_errno(err, "database_failed", errno, "the database %s cannot be opened", path);
            err_hint(err, "check the permissions of its folder");
            return false;
        }
        err_set(err, "database_missing", "there is no database at %s", path);
        err_hint(err, "the first `plue workflow run` makes it; --data-dir chooses its folder");
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, "database_failed", "%s is not a regular file", path);
        err_hint(err, "choose another folder with --data-dir");
        return false;
    }
    return true;
}

/* Another process may be making the same change, and then SQLite says busy without waiting. */
static bool set_wal(struct lite *l, struct err *err)
{
    for (int try = 0;; try++) {
        sqlite3_stmt *stmt = NULL;
        bool is_wal = false;
        int code = sqlite3_prepare_v2(l->conn, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
        if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
            is_wal = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
            code = SQLITE_OK;
        }
        sqlite3_finalize(stmt);
        if (is_wal)
            return true;
        if (code == SQLITE_OK) {
            err_set(err, "database_failed",
                    "the file system of %s cannot share a database between processes", l->path);
            err_hint(err, "choose a folder on a local disk with --data-dir");
            return false;
        }
        if ((code & 0xff) != SQLITE_BUSY || try * WAL_PAUSE_MS >= l->busy_ms)
            return lite_fail(l, code, err);
        sqlite3_sleep(WAL_PAUSE_MS);
    }
}

/* As SQLite does by itself, but not in a hurry. That it fails is no failure of the commit. */
static int on_commit(void *ctx, sqlite3 *conn, const char *name, int pages)
{
    struct lite *l = ctx;
    l->journal_pages = pages;
    if (pages >= CHECKPOINT_PAGES && !l->hurry) {
        sqlite3_wal_checkpoint_v2(conn, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        l->journal_pages = 0;
    }
    return SQLITE_OK;
}

static bool set_up(struct lite *l, const struct db_options *o, struct err *err)
{
    auto_buf sql = BUF(4096);
    sqlite3_busy_timeout(l->conn, o->busy_ms);
    sqlite3_extended_result_codes(l->conn, 1);
    if (o->mode != DB_READ && sqlite3_db_readonly(l->conn, "main") == 1)
        return fail_read_only(err, l->path);
    if (o->mode != DB_READ && !set_wal(l, err))
        return false;
    buf_addf(&sql,
             "PRAGMA synchronous=%s; PRAGMA foreign_keys=ON; PRAGMA cache_size=-%d;"
             "PRAGMA journal_size_limit=%d;",
             o->sync_full ? "FULL" : "NORMAL",
             o->mode == DB_READ ? READER_CACHE_KIB : WRITER_CACHE_KIB, JOURNAL_KEEP_BYTES);
    sqlite3_wal_hook(l->conn, on_commit, l);
    return lite_script(&l->head, buf_c(&sql), err);
}

/* Nobody asks how much memory it uses; counting takes a lock for each piece. */
static void set_up_once(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    frames_register();
}

static bool lite_open(const char *where, const struct db_options *o, struct db **ret,
                      struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int flags = o->mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    pthread_once(&once, set_up_once);
    if (o->mode == DB_CREATE && !make_file(where, err))
        return false;
    if (!check_file(where, err))
        return false;

    struct lite *l = mem_zalloc(sizeof *l);
    l->path = str_dup(str_of(where));
    l->busy_ms = o->busy_ms;
    int code = sqlite3_open_v2(where, &l->conn, flags | SQLITE_OPEN_NOMUTEX, FRAMES_VFS);
    if ((code == SQLITE_OK || lite_fail(l, code, err)) && set_up(l, o, err)) {
        *ret = &l->head;
        return true;
    }
    lite_close(&l->head);
    return false;
}

/* ---- Statements ---- */

static bool lite_prepare(struct db *db, str sql, struct db_stmt **ret, struct err *err)
{
    struct lite *l = (struct lite *)db;
    sqlite3_stmt *stmt = NULL;
    auto_free char *text = str_dup(sql);

    /* To SQLite $1 is a name, numbered by where it first stands; ?1 is the number itself. */
    for (char *c = text; (c = strchr(c, '$')); c++)
        *c = '?';
    int code =
        sqlite3_prepare_v3(l->conn, text, (int)sql.n, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK)
        return lite_fail(l, code, err);
    struct lite_stmt *s = mem_zalloc(sizeof *s);
    s->stmt = stmt;
    *ret = &s->head;
    return true;
}

static bool lite_start(struct db_stmt *head, const struct db_value *args, size_t n, struct err *err)
{
    struct lite_stmt *s = (struct lite_stmt *)head;
    int code = SQLITE_OK;
    for (size_t i = 0; i < n && code == SQLITE_OK; i++) {
        const struct db_value *v = &args[i];
        if (v->type == DB_INT)
            code = sqlite3_bind_int64(s->stmt, (int)i + 1, v->i);
        else if (v->type == DB_TEXT)
            code = sqlite3_bind_text64(s->stmt, (int)i + 1, v->s.n ? v->s.p : "", v->s.n,
                                       SQLITE_STATIC, SQLITE_UTF8);
        else
            code = sqlite3_bind_null(s->stmt, (int)i + 1);
    }
    return code == SQLITE_OK || lite_fail((struct lite *)head->db, code, err);
}

static bool lite_step(struct db_stmt *head, bool *ret_row, struct err *err)
{
    struct lite_stmt *s = (struct lite_stmt *)head;
    int code = sqlite3_step(s->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return lite_fail((struct lite *)head->db, code, err);
    *ret_row = code == SQLITE_ROW;
    return true;
}

static bool lite_is_null(struct db_stmt *s, int column)
{
    return sqlite3_column_type(((struct lite_stmt *)s)->stmt, column) == SQLITE_NULL;
}

static int64_t lite_get_int(struct db_stmt *s, int column)
{
    return sqlite3_column_int64(((struct lite_stmt *)s)->stmt, column);
}

static str lite_get_str(struct db_stmt *s, int column)
{
    sqlite3_stmt *stmt = ((struct lite_stmt *)s)->stmt;
    const char *p = (const char *)sqlite3_column_text(stmt, column);
    return p ? str_make(p, (size_t)sqlite3_column_bytes(stmt, column)) : str_make("", 0);
}

static void lite_reset(struct db_stmt *s)
{
    sqlite3_reset(((struct lite_stmt *)s)->stmt);
}

static void lite_finish(struct db_stmt *s)
{
    sqlite3_finalize(((struct lite_stmt *)s)->stmt);
    free(s);
}

/* ---- Transactions and the rest ---- */

static bool lite_run(struct db *db, const char *sql, struct err *err)
{
    return db_run(db, sql, NULL, 0, err);
}

static bool lite_begin(struct db *db, bool write, struct err *err)
{
    return lite_run(db, write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static bool lite_commit(struct db *db, struct err *err)
{
    return lite_run(db, "COMMIT", err);
}

static void lite_rollback(struct db *db)
{
    /* After a full disk, say, SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(((struct lite *)db)->conn)) {
        auto_err ignored = ERR_INIT;
        if (!lite_run(db, "ROLLBACK", &ignored))
            return;
    }
}

static int64_t lite_changes(struct db *db)
{
    return sqlite3_changes64(((struct lite *)db)->conn);
}

static bool lite_has_table(struct db *db, str name, bool *ret, struct err *err)
{
    int64_t one;
    return db_find_int(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
                       DB_ARGS(db_text(name)), ret, &one, err);
}

static bool lite_is_empty(struct db *db, bool *ret, struct err *err)
{
    bool has;
    int64_t one;
    if (!db_find_int(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, 0, &has, &one, err))
        return false;
    *ret = !has;
    return true;
}

static bool lite_version(struct db *db, int64_t *ret, struct err *err)
{
    bool has;
    return db_find_int(db, "PRAGMA data_version", NULL, 0, &has, ret, err);
}

static uint64_t lite_moment(struct db *db)
{
    unsigned version = 0;
    return sqlite3_file_control(((struct lite *)db)->conn, "main", SQLITE_FCNTL_DATA_VERSION,
                                &version) == SQLITE_OK
               ? (uint64_t)version + 1
               : 0;
}

static bool lite_backup(struct db *db, const char *path, struct err *err)
{
    return db_run(db, "VACUUM INTO $1", DB_ARGS(db_text(str_of(path))), err);
}

static bool lite_size(struct db *db, int64_t *ret_bytes, struct err *err)
{
    bool has;
    int64_t pages = 0, unused = 0, size = 0;
    if (!db_find_int(db, "PRAGMA page_count", NULL, 0, &has, &pages, err) ||
        !db_find_int(db, "PRAGMA freelist_count", NULL, 0, &has, &unused, err) ||
        !db_find_int(db, "PRAGMA page_size", NULL, 0, &has, &size, err))
        return false;
    *ret_bytes = (pages - unused) * size;
    return true;
}

static bool lite_compact(struct db *db, struct err *err)
{
    return lite_run(db, "VACUUM", err);
}

static void lite_hurry(struct db *db, bool on)
{
    struct lite *l = (struct lite *)db;
    l->hurry = on;
    sqlite3_busy_timeout(l->conn, on ? 0 : l->busy_ms);
}

static bool lite_needs_time(struct db *db)
{
    return ((struct lite *)db)->journal_pages >= CHECKPOINT_PAGES;
}

const struct db_driver db_sqlite = {
    .name = "sqlite",
    .words = words,
    .open = lite_open,
    .close = lite_close,
    .prepare = lite_prepare,
    .start = lite_start,
    .step = lite_step,
    .is_null = lite_is_null,
    .get_int = lite_get_int,
    .get_str = lite_get_str,
    .reset = lite_reset,
    .finish = lite_finish,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .changes = lite_changes,
    .script = lite_script,
    .has_table = lite_has_table,
    .is_empty = lite_is_empty,
    .backup = lite_backup,
    .size = lite_size,
    .compact = lite_compact,
    .version = lite_version,
    .moment = lite_moment,
    .hurry = lite_hurry,
    .needs_time = lite_needs_time,
};
