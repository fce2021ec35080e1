/* A driver that fails at its Nth call, for every N until there are no more calls: whatever fails,
 * the batches have the error, nothing of them is in the database, and the next group works. */
#include "fixture.h"
#include "store/driver_int.h"
#include "store/migrate.h"
#include "store/store_int.h"

static long calls_left;
static bool armed;

static bool fails(struct err *err)
{
    if (!armed || --calls_left > 0)
        return false;
    armed = false;
    err_set(err, "disk_full", "the test's disk is full");
    return true;
}

static bool failing_prepare(struct db *db, str sql, struct db_stmt **ret, struct err *err)
{
    return !fails(err) && db_sqlite.prepare(db, sql, ret, err);
}
static bool failing_start(struct db_stmt *s, const struct db_value *args, size_t n, struct err *err)
{
    return !fails(err) && db_sqlite.start(s, args, n, err);
}
static bool failing_step(struct db_stmt *s, bool *ret_row, struct err *err)
{
    return !fails(err) && db_sqlite.step(s, ret_row, err);
}

/* One group of two batches: a run with steps, sources, lease, log and event; and a second run. */
static void fill(struct store_batch *first, struct store_batch *second)
{
    struct store_run run = sample_run();
    struct store_step step = sample_step("build", 0);
    struct store_step_key key = step_key(STORE_NEW_RUN, "build");
    struct store_source file = {STR("ci.py"), STR("s1"), STR("x = 1\n")};
    struct store_owner self = {.pid = 1, .machine = "here", .boot_id = "boot"};
    struct log_line lines[] = {{.text = STR("one")}, {.text = STR("two")}};

    store_create_run(first, &run);
    store_add_steps(first, &step, 1);
    store_add_sources(first, STORE_NEW_RUN, 1, &file, 1);
    store_take_lease(first, STORE_NEW_RUN, &self, 1000);
    store_append_event(first, &(struct event){.data = STR("{}")});
    store_append_log(first, &key, lines, 2);
    store_update_step(
        first, &(struct store_step_update){.key = key, .from = STEP_PENDING, .to = STEP_READY});
    key.try = 2;
    store_add_try(first, &key, 1000);
    store_create_run(second, &run);
    store_append_event(second, &(struct event){.data = STR("{}")});
}

static int64_t count_rows(struct db *db)
{
    auto_err err = ERR_INIT;
    bool has;
    int64_t n = -1;
    check(db_find_int(db,
                      "SELECT (SELECT COUNT(*) FROM workflow_runs) * 1000000"
                      " + (SELECT COUNT(*) FROM workflow_steps) * 100000"
                      " + (SELECT COUNT(*) FROM workflow_logs) * 10000"
                      " + (SELECT COUNT(*) FROM run_events) * 1000"
                      " + (SELECT COUNT(*) FROM source_bundles) * 100"
                      " + (SELECT COUNT(*) FROM source_texts) * 10"
                      " + (SELECT COUNT(*) FROM leases)",
                      NULL, 0, &has, &n, &err),
          &err);
    return n;
}

enum {
    ROWS_OF_FIRST = 1000000 + 2 * 100000 + 2 * 10000 + 2 * 1000 + 100 + 10 + 1,
    ROWS_OF_SECOND = 1000000 + 1000
};

static struct db *open_failing(struct fixture *f, const struct db_driver *driver)
{
    auto_err err = ERR_INIT;
    struct db *db;
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_CREATE, .busy_ms = 50}, &db,
                  &err),
          &err);
    check(migrate(db, f->path, store_migrations, store_migration_count, true, &err), &err);
    db->driver = driver;
    return db;
}

/* Writes the group with a failure at call n; true while there was one. */
static bool write_with_failure(struct fixture *f, const struct db_driver *driver, long n)
{
    struct db *look = open_failing(f, &db_sqlite);
    struct store_writer w = {.db = open_failing(f, driver)};
    struct batch_list group = {0};
    struct store_batch *first = store_batch_new(NULL), *second = store_batch_new(NULL);

    fill(first, second);
    batch_list_add(&group, first);
    batch_list_add(&group, second);
    int64_t before = count_rows(look);
    calls_left = n;
    armed = true;
    writer_commit(&w, &group);
    bool failed = !armed;
    armed = false;

    int64_t want = before;
    want += err_is_set(&first->err) ? 0 : ROWS_OF_FIRST;
    want += err_is_set(&second->err) ? 0 : ROWS_OF_SECOND;
    /* A text is stored once over all runs. */
    if (before && !err_is_set(&first->err))
        want -= 10;
    assert_int_equal(count_rows(look), want);
    assert_ptr_equal(group.first, first);
    assert_ptr_equal(group.last, second);
    if (!failed) {
        assert_false(err_is_set(&first->err));
        assert_false(err_is_set(&second->err));
    }
    store_batch_free(first);
    store_batch_free(second);
    writer_done(&w);
    db_close(look);
    return failed;
}

static void writer__survives_a_failure_at_every_call(void **state)
{
    struct db_driver driver = db_sqlite;
    driver.prepare = failing_prepare;
    driver.start = failing_start;
    driver.step = failing_step;
    long n = 1;
    while (write_with_failure(*state, &driver, n))
        n++;
    assert_in_range(n, 50, 500); /* the sweep met all kinds of calls, and ended */
}

static void migrate__survives_a_failure_at_every_call(void **state)
{
    struct fixture *f = *state;
    struct db_driver driver = db_sqlite;
    driver.prepare = failing_prepare;
    driver.start = failing_start;
    driver.step = failing_step;
    bool ok = false;
    long n = 1;
    for (; !ok; n++) {
        auto_err err = ERR_INIT;
        auto_db *db = NULL;
        check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_CREATE, .busy_ms = 50},
                      &db, &err),
              &err);
        db->driver = &driver;
        calls_left = n;
        armed = true;
        ok = migrate(db, f->path, store_migrations, store_migration_count, true, &err);
        armed = false;
        assert_int_equal(ok, !err_is_set(&err));
    }
    assert_in_range(n, 10, 500);
    fixture_open(f);
    make_run(f);
}

/* ---- a run that is imported, and snapshots ---- */

struct moving {
    struct arena arena;
    VEC(struct store_move_row) rows;
    size_t at;
};

static bool keep_row(void *ctx, size_t table, const struct store_value *values, size_t n,
                     struct err *err)
{
    struct moving *m = ctx;
    struct store_value *copy = arena_array(&m->arena, struct store_value, n);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        copy[i] = values[i];
        copy[i].s = arena_str(&m->arena, values[i].s);
    }
    vec_push(&m->rows, ((struct store_move_row){table, copy, n}));
    return true;
}

static bool begin_rows(void *ctx, struct err *err)
{
    (void)err;
    ((struct moving *)ctx)->at = 0;
    return true;
}

static bool next_row(void *ctx, struct store_move_row *ret, bool *ret_more, struct err *err)
{
    struct moving *m = ctx;
    (void)err;
    *ret_more = m->at < m->rows.n;
    if (*ret_more)
        *ret = m->rows.at[m->at++];
    return true;
}

/* A finished run with a log, as rows. */
static void export_run(struct fixture *f, struct moving *m)
{
    auto_err err = ERR_INIT;
    struct store_run run = sample_run();
    struct store_step step = sample_step("build", 0);
    struct store_step_key key = step_key(STORE_NEW_RUN, "build");
    struct log_line lines[] = {{.text = STR("one")}, {.text = STR("two")}};
    fixture_open(f);
    struct store_batch *b = store_batch_new(f->store);
    run.status = RUN_SUCCESS;
    store_create_run(b, &run);
    store_add_steps(b, &step, 1);
    store_append_log(b, &key, lines, 2);
    commit(f, b);
    for (size_t table = 0; store_move_table_name(table); table++)
        check(store_export_rows(f->reader, 1, table, keep_row, m, &err), &err);
    fixture_close(f);
}

static int64_t count_snapshots(struct db *db)
{
    auto_err err = ERR_INIT;
    bool has;
    int64_t n = -1;
    check(db_find_int(db, "SELECT COUNT(*) FROM workspace_snapshots", NULL, 0, &has, &n, &err),
          &err);
    return n;
}

static bool move_with_failure(struct fixture *f, const struct db_driver *driver, struct moving *m,
                              long n)
{
    struct db *look = open_failing(f, &db_sqlite);
    struct store_writer w = {.db = open_failing(f, driver)};
    struct batch_list group = {0};
    struct store_batch *imported = store_batch_new(NULL), *kept = store_batch_new(NULL);
    struct store_snapshot snapshot = {.run_id = 1,
                                      .attempt = 1,
                                      .kind = STR(STORE_SNAPSHOT_SOURCE),
                                      .steps = STR("[]"),
                                      .sha256 = STR("s3")};

    store_import_run(imported, &(struct store_rows){begin_rows, next_row, m}, STR("elsewhere"));
    store_drop_snapshots(kept, 1); /* those of the last time */
    store_put_snapshot(kept, &snapshot);
    store_put_snapshot(kept, &snapshot);
    batch_list_add(&group, imported);
    batch_list_add(&group, kept);
    int64_t rows = count_rows(look), snapshots = count_snapshots(look);
    calls_left = n;
    armed = true;
    writer_commit(&w, &group);
    bool failed = !armed;
    armed = false;

    int64_t want = 1000000 + 100000 + 2 * 10000 + 1000;
    assert_int_equal(count_rows(look), rows + (err_is_set(&imported->err) ? 0 : want));
    assert_int_equal(count_snapshots(look), err_is_set(&kept->err) ? snapshots : 2);
    assert_true(failed || (!err_is_set(&imported->err) && !err_is_set(&kept->err)));
    store_batch_free(imported);
    store_batch_free(kept);
    writer_done(&w);
    db_close(look);
    return failed;
}

static void moved__survives_a_failure_at_every_call(void **state)
{
    struct moving m = {0};
    struct db_driver driver = db_sqlite;
    driver.prepare = failing_prepare;
    driver.start = failing_start;
    driver.step = failing_step;
    export_run(*state, &m);
    long n = 1;
    while (move_with_failure(*state, &driver, &m, n))
        n++;
    assert_in_range(n, 20, 500);
    vec_done(&m.rows);
    arena_done(&m.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(writer__survives_a_failure_at_every_call),
        FOLDER_TEST(moved__survives_a_failure_at_every_call),
        FOLDER_TEST(migrate__survives_a_failure_at_every_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
