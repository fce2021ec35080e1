/* A disk that fails at its N-th call, for every N of what is written, through SQLite's own files:
 * every batch that was said to be durable is whole in the database that is opened afterwards, and
 * the others are whole or not there. After half of the faults the process dies as well. */
#include "../../faults/vfs.h"
#include "fixture.h"
#include "store/driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static long stride = 1; /* which calls fail: all, or every so many from the first on */

enum { BATCHES = 6, FLIGHT = 3, LINES = 40, CALLS_MAX = 2000 };

struct report {
    bool opened, said[BATCHES]; /* durable, as the store said */
    bool unclear;               /* an error without a message or a hint */
    bool disordered;            /* a success after a failure that its owner had not heard of */
    bool failed;                /* the fault was met */
    long calls;
};

static bool is_clear(const struct err *err)
{
    const struct err *e = err;
    bool hint = e->hint.n > 0;
    for (; e->cause; e = e->cause)
        hint |= e->cause->hint.n > 0;
    return err->code && err->message.n && hint;
}

/* One run with a step, its lines, and an event: whole with LINES + 1 seqs. */
static struct store_batch *make_batch(struct store *s)
{
    struct store_run run = sample_run();
    struct store_step step = sample_step("build", 0);
    struct store_step_key key = step_key(STORE_NEW_RUN, "build");
    struct log_line lines[LINES];
    struct store_batch *b = store_batch_new(s);
    for (size_t i = 0; i < LINES; i++)
        lines[i] = (struct log_line){.text = STR("a line of a log, with some eighty bytes in it, "
                                                 "as most lines of logs have about")};
    store_create_run(b, &run);
    store_add_steps(b, &step, 1);
    store_append_log(b, &key, lines, LINES);
    store_append_event(b, &(struct event){.data = STR("{}")});
    return b;
}

struct said {
    struct report *report;
    int batch;
};

static void on_said(void *ctx, struct store_batch *b, struct err *err)
{
    struct said *s = ctx;
    struct report *r = s->report;
    (void)b;
    r->said[s->batch] = !err;
    r->unclear |= err && !is_clear(err);
    /* In one flight nothing is written after what was not. */
    r->disordered |= !err && s->batch % FLIGHT && !r->said[s->batch - 1];
}

/* Some are on their way when the first of them fails. */
static void submit_flight(struct store *s, struct said *said, struct report *r)
{
    for (int i = 0; i < FLIGHT; i++) {
        auto_err e = ERR_INIT;
        struct store_batch *b = make_batch(s);
        if (store_submit(s, b, on_said, &said[i], &e))
            continue;
        store_batch_free(b);
        r->unclear = true;
    }
    store_flush(s);
}

static void write_batches(const char *path, enum store_sync sync, struct report *r)
{
    auto_err err = ERR_INIT;
    struct said said[BATCHES];
    struct store *s;
    if (!store_open(path, &(struct store_options){.create = true, .sync = sync}, &s, &err)) {
        r->unclear |= !is_clear(&err);
        return;
    }
    r->opened = true;
    for (int i = 0; i < BATCHES; i++)
        said[i] = (struct said){r, i};
    for (int i = 0; i < BATCHES; i += FLIGHT)
        submit_flight(s, said + i, r);
    if (vfs_has_failed() && vfs_calls() % 2) { /* the process dies, and closes nothing */
        r->failed = true;
        r->calls = vfs_calls();
        _exit(0);
    }
    store_close(s);
}

/* In a process of its own, so that it may die; what it says comes through shared memory. */
static void run_with_fault(const char *path, enum vfs_fault fault, long n, bool stays,
                           struct report *r)
{
    int status = -1;
    memset(r, 0, sizeof *r);
    pid_t pid = fork();
    if (pid == 0) {
        vfs_arm(fault, n, stays);
        write_batches(path, fault == VFS_SYNC ? STORE_SYNC_FULL : STORE_SYNC_NORMAL, r);
        r->failed = vfs_has_failed();
        r->calls = vfs_calls();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int64_t count(struct db *db, const char *sql)
{
    auto_err err = ERR_INIT;
    bool has;
    int64_t n = 0;
    check(db_find_int(db, sql, NULL, 0, &has, &n, &err), &err);
    return n;
}

static void check_sound(struct db *db)
{
    auto_err err = ERR_INIT;
    auto_db_rows rows = {0};
    check(db_query(db, "PRAGMA integrity_check", NULL, 0, &rows, &err), &err);
    assert_true(db_next(&rows, &err));
    assert_str(db_get_str(&rows, 0), "ok");
}

/* What is there afterwards, on a disk that is well again; and it can be written to. */
static void check_books(struct fixture *f, const struct report *r)
{
    auto_err err = ERR_INIT;
    auto_db *db = NULL;
    int64_t durable = 0;
    for (int i = 0; i < BATCHES; i++)
        durable += r->said[i];
    fixture_open(f);
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_READ, .busy_ms = 50}, &db,
                  &err),
          &err);
    check_sound(db);
    int64_t runs = count(db, "SELECT COUNT(*) FROM workflow_runs");
    assert_in_range(runs, durable, BATCHES);
    assert_int_equal(count(db, "SELECT COUNT(*) FROM workflow_steps"), runs);
    assert_int_equal(count(db, "SELECT COUNT(*) FROM workflow_logs"), runs * LINES);
    assert_int_equal(count(db, "SELECT COALESCE(SUM(last_seq - seq + 1), 0) FROM run_events"),
                     runs * (LINES + 1));
    make_run(f);
    fixture_close(f);
}

static void remove_database(struct fixture *f)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
        unlink(path);
    }
}

static void sweep(struct fixture *f, enum vfs_fault fault, bool stays)
{
    struct report *r =
        mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(r, MAP_FAILED);
    long n = 1;
    do {
        assert_in_range(n, 1, CALLS_MAX);
        remove_database(f);
        run_with_fault(f->path, fault, n, stays, r);
        assert_false(r->unclear);
        assert_false(r->disordered);
        check_books(f, r);
        n += stride;
    } while (r->failed);
    /* The last round met no fault: all calls were met before it. */
    for (int i = 0; i < BATCHES; i++)
        assert_true(r->said[i]);
    assert_in_range(n, 4, CALLS_MAX);
    print_message("%s%s: %ld calls\n", vfs_fault_name(fault), stays ? ", for good" : "", r->calls);
    munmap(r, sizeof *r);
}

#define SWEEP(name, fault)                                           \
    static void store__keeps_what_it_said_after_##name(void **state) \
    {                                                                \
        sweep(*state, fault, false);                                 \
        sweep(*state, fault, true);                                  \
    }
SWEEP(a_failed_write, VFS_WRITE)
SWEEP(a_full_disk, VFS_FULL)
SWEEP(a_short_write, VFS_SHORT)
SWEEP(a_failed_sync, VFS_SYNC)
SWEEP(a_failed_read, VFS_READ)

/* test-store-disk [STRIDE] */
int main(int argc, char **argv)
{
    stride = argc > 1 ? atol(argv[1]) : 1;
    vfs_install(); /* before the store's own, which stands on it */
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(store__keeps_what_it_said_after_a_failed_write),
        FOLDER_TEST(store__keeps_what_it_said_after_a_full_disk),
        FOLDER_TEST(store__keeps_what_it_said_after_a_short_write),
        FOLDER_TEST(store__keeps_what_it_said_after_a_failed_sync),
        FOLDER_TEST(store__keeps_what_it_said_after_a_failed_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
