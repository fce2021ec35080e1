/* What reaches the journal's file, seen from a VFS that stands below the store's own. */
#include "store/frames.h"
#include "base/fd.h"
#include "fixture.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES = 24, PAGE_BYTES = 4096, FRAME_BYTES = HEADER_BYTES + PAGE_BYTES };

/* ---- The VFS below: it counts, and fails once where it is told to ---- */

static struct {
    atomic_int writes, headers, frames; /* of any size, of a header alone, of both parts */
    atomic_int rewritten;               /* headers directly behind the read of their frame */
    atomic_bool fails, harms;           /* the next write; what lies beside it */
    atomic_int last_read;
} seen;

static sqlite3_vfs *real_vfs, counting_vfs;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods counting_methods;

static int counting_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    seen.writes++;
    seen.headers += n == HEADER_BYTES;
    seen.frames += n == FRAME_BYTES;
    seen.rewritten += n == HEADER_BYTES && seen.last_read == FRAME_BYTES;
    seen.last_read = 0;
    if (atomic_exchange(&seen.fails, false))
        return SQLITE_IOERR_WRITE;
    return real_methods->xWrite(f, p, n, at);
}

static int counting_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    seen.last_read = n;
    return real_methods->xRead(f, p, n, at);
}

static int counting_traits(sqlite3_file *f)
{
    int traits = real_methods->xDeviceCharacteristics(f);
    return seen.harms ? traits & ~SQLITE_IOCAP_POWERSAFE_OVERWRITE : traits;
}

static int counting_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret)
{
    (void)v;
    int code = real_vfs->xOpen(real_vfs, name, f, flags, ret);
    if (code == SQLITE_OK && flags & SQLITE_OPEN_WAL) {
        real_methods = f->pMethods;
        counting_methods = *real_methods;
        counting_methods.xWrite = counting_write;
        counting_methods.xRead = counting_read;
        counting_methods.xDeviceCharacteristics = counting_traits;
        f->pMethods = &counting_methods;
    }
    return code;
}

static void install(void)
{
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    counting_vfs = *real_vfs;
    counting_vfs.zName = "counting";
    counting_vfs.pNext = NULL;
    counting_vfs.xOpen = counting_open;
    sqlite3_vfs_register(&counting_vfs, 1);
}

static void forget(void)
{
    seen.writes = seen.headers = seen.frames = seen.rewritten = seen.last_read = 0;
}

/* ---- Databases ---- */

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void assert_answer(sqlite3 *db, const char *sql, const char *want)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
    sqlite3_finalize(stmt);
}

/* Through one of the VFS's: the store's, or the real one. */
static sqlite3 *open_raw(const char *path, const char *vfs)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    return db;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    auto_fd in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)n), n);
}

/* As after kill -9: what the files hold now, without the index in shared memory. */
static void assert_files_answer(struct fixture *f, const char *path, const char *sql,
                                const char *want)
{
    char journal[160], copy[160], copied_journal[160];
    snprintf(journal, sizeof journal, "%s-wal", path);
    snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    snprintf(copied_journal, sizeof copied_journal, "%s/copy.db-wal", f->folder);
    copy_file(path, copy);
    copy_file(journal, copied_journal);
    sqlite3 *db = open_raw(copy, real_vfs->zName);
    assert_answer(db, "PRAGMA integrity_check", "ok");
    assert_answer(db, sql, want);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int journal_size(const struct fixture *f)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s-wal", f->path);
    assert_int_equal(stat(path, &st), 0);
    return (int)st.st_size;
}

static void frames__of_a_commit_are_one_write_each(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct store_step_update update = {
        .key = step_key(id, "build"), .from = STEP_PENDING, .to = STEP_READY};
    int size = journal_size(f);
    struct store_batch *b = store_batch_new(f->store);
    store_update_step(b, &update);
    store_append_event(b, &(struct event){.run_id = id, .data = STR("{}")});
    forget();
    commit(f, b);
    int frames = (journal_size(f) - size) / FRAME_BYTES;
    assert_in_range(frames, 2, 20);
    assert_int_equal(seen.frames, frames);
    assert_int_equal(seen.writes, frames);
    assert_files_answer(f, f->path,
                        "SELECT (SELECT COUNT(*) FROM run_events) || ' ' ||"
                        " (SELECT status FROM workflow_steps WHERE step_id = 'build')",
                        "1 ready");
}

#define CONTENT "SELECT COUNT(*) || ' ' || SUM(id * s) FROM t"
#define WANT "2000 18680669000" /* 7 times the sum of the squares */

/* Pages that change after they went to the journal have the sums of all frames written anew. */
static void frames__that_change_once_more_are_whole_at_the_commit(void **state)
{
    struct fixture *f = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/raw.db", f->folder);
    sqlite3 *db = open_raw(path, FRAMES_VFS);
    /* Neither a sync nor a copy back follows the commit: it alone has to leave nothing behind. */
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
            "PRAGMA cache_size=5; CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)");
    forget();
    run(db, "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
            " INSERT INTO t SELECT i, printf('%0200d', i) FROM n;"
            "UPDATE t SET s = printf('%0200d', 7 * id); COMMIT");
    assert_true(seen.rewritten > 10);
    assert_true(seen.frames > 10);

    sqlite3 *other = open_raw(path, real_vfs->zName);
    assert_answer(other, "PRAGMA integrity_check", "ok");
    assert_answer(other, CONTENT, WANT);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_files_answer(f, path, CONTENT, WANT);
    assert_answer(db, "PRAGMA integrity_check", "ok");
    assert_answer(db, CONTENT, WANT);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- One file, call by call ---- */

struct journal {
    sqlite3_file *file;
    const char *name;
    char path[160];
};

static void open_journal(struct fixture *f, struct journal *j)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(FRAMES_VFS);
    int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    /* Not NAME-wal: the file NAME would have to be there. */
    snprintf(j->path, sizeof j->path, "%s/a.journal", f->folder);
    unlink(j->path);
    j->name = sqlite3_create_filename(f->path, "", j->path, 0, NULL);
    j->file = mem_zalloc((size_t)vfs->szOsFile);
    assert_int_equal(vfs->xOpen(vfs, sqlite3_filename_wal(j->name), j->file, flags, NULL),
                     SQLITE_OK);
    forget();
}

static int close_journal(struct journal *j)
{
    int code = j->file->pMethods->xClose(j->file);
    free(j->file);
    sqlite3_free_filename(j->name);
    return code;
}

static int put(struct journal *j, int n, int at)
{
    char bytes[FRAME_BYTES];
    memset(bytes, n == HEADER_BYTES ? 'h' : 'p', sizeof bytes);
    return j->file->pMethods->xWrite(j->file, bytes, n, at);
}

/* The letters of the file: a number and what stands there so often, zeros as '-'. */
static void assert_file(const struct journal *j, const char *want)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    char bytes[3 * FRAME_BYTES];
    auto_fd fd = open(j->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, sizeof bytes);
    for (ssize_t i = 0, start = 0; i < n; i++) {
        if (i + 1 < n && bytes[i + 1] == bytes[start])
            continue;
        buf_addf(&text, "%d%c", (int)(i + 1 - start), bytes[start] ? bytes[start] : '-');
        start = i + 1;
    }
    assert_string_equal(buf_c(&text), want);
}

static int call_write(struct journal *j)
{
    return put(j, 10, 100);
}
static int call_header(struct journal *j)
{
    return put(j, HEADER_BYTES, 100);
}
static int call_read(struct journal *j)
{
    char bytes[HEADER_BYTES];
    return j->file->pMethods->xRead(j->file, bytes, sizeof bytes, 0);
}
static int call_truncate(struct journal *j)
{
    return j->file->pMethods->xTruncate(j->file, 30);
}
static int call_sync(struct journal *j)
{
    return j->file->pMethods->xSync(j->file, SQLITE_SYNC_NORMAL);
}
static int call_size(struct journal *j)
{
    sqlite3_int64 n = 0;
    int code = j->file->pMethods->xFileSize(j->file, &n);
    assert_int_equal(n, code == SQLITE_OK ? HEADER_BYTES : 0);
    return code;
}
static int call_lock(struct journal *j)
{
    return j->file->pMethods->xLock(j->file, SQLITE_LOCK_SHARED);
}
static int call_unlock(struct journal *j)
{
    return j->file->pMethods->xUnlock(j->file, SQLITE_LOCK_NONE);
}
static int call_check_lock(struct journal *j)
{
    int locked;
    return j->file->pMethods->xCheckReservedLock(j->file, &locked);
}
static int call_control(struct journal *j)
{
    int moved;
    return j->file->pMethods->xFileControl(j->file, SQLITE_FCNTL_HAS_MOVED, &moved);
}

/* Every call but the write of its page, and the file after it. */
static const struct {
    int (*call)(struct journal *);
    const char *file;
} calls[] = {
    {call_write, "24h76-10p"}, {call_header, "24h"},  {call_read, "24h"}, {call_truncate, "24h6-"},
    {call_sync, "24h"},        {call_size, "24h"},    {call_lock, "24h"}, {call_unlock, "24h"},
    {call_check_lock, "24h"},  {call_control, "24h"},
};

static void frames__header_goes_before_any_other_call(void **state)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct journal j;
        open_journal(*state, &j);
        assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
        assert_int_equal(seen.writes, 0);
        assert_int_equal(calls[i].call(&j), SQLITE_OK);
        assert_file(&j, calls[i].file);
        assert_int_equal(close_journal(&j), SQLITE_OK);
    }
}

static void frames__header_that_fails_fails_the_call_behind_it(void **state)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct journal j;
        open_journal(*state, &j);
        assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
        seen.fails = true;
        assert_int_equal(calls[i].call(&j), SQLITE_IOERR_WRITE);
        assert_int_equal(close_journal(&j), SQLITE_OK);
        assert_file(&j, "");
        assert_int_equal(seen.writes, 1);
    }
}

static void frames__header_goes_before_the_file_is_closed(void **state)
{
    struct journal j;
    open_journal(*state, &j);
    assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
    assert_int_equal(close_journal(&j), SQLITE_OK);
    assert_file(&j, "24h");

    open_journal(*state, &j);
    assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
    seen.fails = true;
    assert_int_equal(close_journal(&j), SQLITE_IOERR_WRITE);
    assert_file(&j, "");
}

static void frames__page_is_joined_where_it_follows_its_header(void **state)
{
    struct journal j;
    open_journal(*state, &j);
    for (int at = 32; at <= 32 + 600; at += 600) { /* a small page, and a larger one */
        assert_int_equal(put(&j, HEADER_BYTES, at), SQLITE_OK);
        assert_int_equal(put(&j, at > 32 ? 1024 : 576, at + HEADER_BYTES), SQLITE_OK);
    }
    assert_int_equal(seen.writes, 2);
    assert_file(&j, "32-24h576p24h1024p");
    assert_int_equal(close_journal(&j), SQLITE_OK);
}

static void frames__page_that_fails_leaves_nothing_to_write(void **state)
{
    struct journal j;
    open_journal(*state, &j);
    assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
    seen.fails = true;
    assert_int_equal(put(&j, PAGE_BYTES, HEADER_BYTES), SQLITE_IOERR_WRITE);
    assert_int_equal(close_journal(&j), SQLITE_OK);
    assert_int_equal(seen.writes, 1);
    assert_file(&j, "");
}

static void frames__header_behind_a_read_does_not_wait(void **state)
{
    struct journal j;
    open_journal(*state, &j);
    assert_int_equal(put(&j, PAGE_BYTES, 0), SQLITE_OK);
    assert_int_equal(call_read(&j), SQLITE_OK);
    assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
    assert_int_equal(seen.headers, 1);
    assert_file(&j, "24h4072p");
    assert_int_equal(put(&j, HEADER_BYTES, PAGE_BYTES), SQLITE_OK); /* the next one does again */
    assert_int_equal(seen.headers, 1);
    assert_int_equal(close_journal(&j), SQLITE_OK);
}

static void frames__of_a_disk_that_harms_neighbours_are_not_joined(void **state)
{
    struct journal j;
    seen.harms = true;
    open_journal(*state, &j);
    seen.harms = false;
    assert_int_equal(put(&j, HEADER_BYTES, 0), SQLITE_OK);
    assert_int_equal(seen.headers, 1);
    assert_int_equal(close_journal(&j), SQLITE_OK);
}

int main(void)
{
    install();
    const struct CMUnitTest tests[] = {
        STORE_TEST(frames__of_a_commit_are_one_write_each),
        STORE_TEST(frames__that_change_once_more_are_whole_at_the_commit),
        STORE_TEST(frames__header_goes_before_any_other_call),
        STORE_TEST(frames__header_that_fails_fails_the_call_behind_it),
        STORE_TEST(frames__header_goes_before_the_file_is_closed),
        STORE_TEST(frames__page_is_joined_where_it_follows_its_header),
        STORE_TEST(frames__page_that_fails_leaves_nothing_to_write),
        STORE_TEST(frames__header_behind_a_read_does_not_wait),
        STORE_TEST(frames__of_a_disk_that_harms_neighbours_are_not_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
