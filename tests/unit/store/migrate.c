#include "store/migrate.h"
#include "fixture.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct migration good[] = {
    {1, "001_a",
     "CREATE TABLE a (id @identity, n BIGINT); CREATE TABLE k (n BIGINT NOT NULL PRIMARY "
     "KEY) @clustered; INSERT INTO a (n) VALUES (7);"},
    {2, "002_b", "ALTER TABLE a ADD COLUMN m BIGINT; UPDATE a SET m = n + 1;"},
};
static const struct migration broken[] = {
    {1, "001_a", "CREATE TABLE a (id @identity, n BIGINT); INSERT INTO a (n) VALUES (7);"},
    {2, "002_b", "CREATE TABLE b (n BIGINT); DELETE FROM a; INSERT INTO nowhere VALUES (1);"},
};

static struct db *open_db(struct fixture *f)
{
    auto_err err = ERR_INIT;
    struct db *db = NULL;
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_CREATE, .busy_ms = 10000},
                  &db, &err),
          &err);
    return db;
}

static int64_t find_int(struct db *db, const char *sql)
{
    auto_err err = ERR_INIT;
    bool has;
    int64_t i = -1;
    check(db_find_int(db, sql, NULL, 0, &has, &i, &err), &err);
    return has ? i : -1;
}

static void assert_table(struct db *db, const char *name, bool want)
{
    auto_err err = ERR_INIT;
    bool has;
    check(db_sqlite.has_table(db, str_of(name), &has, &err), &err);
    assert_int_equal(has, want);
}

static void migrate__brings_a_fresh_database_up_and_is_done_then(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_db *db = open_db(f);
    for (int again = 0; again < 2; again++) {
        check(migrate(db, f->path, good, 2, true, &err), &err);
        assert_int_equal(find_int(db, "SELECT COUNT(*) FROM schema_migrations"), 2);
        assert_int_equal(find_int(db, "SELECT MAX(version) FROM schema_migrations"), 2);
        assert_int_equal(find_int(db, "SELECT m FROM a WHERE id = 1"), 8);
        assert_int_equal(find_int(db, "SELECT COUNT(*) FROM a"), 1);
    }
}

static void migrate__adds_only_what_is_new(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_db *db = open_db(f);
    check(migrate(db, f->path, good, 1, true, &err), &err);
    assert_int_equal(find_int(db, "SELECT MAX(version) FROM schema_migrations"), 1);
    check(migrate(db, f->path, good, 2, true, &err), &err);
    assert_int_equal(find_int(db, "SELECT m FROM a WHERE id = 1"), 8);
}

static void migrate__rolls_a_half_done_step_back(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    auto_db *db = open_db(f);
    assert_false(migrate(db, f->path, broken, 2, true, &err));
    buf_addf(&want,
             "migration_failed: the migration 002_b of the database %s failed <- "
             "database_failed: the database %s failed: no such table: nowhere "
             "(this is a defect of plue, please report it)",
             f->path, f->path);
    assert_err(&err, buf_c(&want));
    assert_int_equal(find_int(db, "SELECT MAX(version) FROM schema_migrations"), 1);
    assert_int_equal(find_int(db, "SELECT n FROM a"), 7);
    assert_table(db, "b", false);
    err_reset(&err);
    check(migrate(db, f->path, good, 2, true, &err), &err);
}

static void migrate__refuses_a_newer_database(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    auto_db *db = open_db(f);
    check(migrate(db, f->path, good, 2, true, &err), &err);
    assert_false(migrate(db, f->path, good, 1, true, &err));
    buf_addf(&want,
             "database_newer: the database %s has version 2, and this program knows versions up to "
             "1 (use the version of plue that wrote it, or a newer one)",
             f->path);
    assert_err(&err, buf_c(&want));
}

static void migrate__without_leave_refuses_an_older_database(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    auto_db *db = open_db(f);
    check(migrate(db, f->path, good, 1, true, &err), &err);
    assert_false(migrate(db, f->path, good, 2, false, &err));
    buf_addf(&want,
             "database_older: the database %s has version 1, and 2 is needed (bring it up to date "
             "with: plue db migrate)",
             f->path);
    assert_err(&err, buf_c(&want));
    assert_int_equal(find_int(db, "SELECT MAX(version) FROM schema_migrations"), 1);
}

static void migrate__refuses_tables_of_another_program(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    auto_db *db = open_db(f);
    check(db_sqlite.script(db, "CREATE TABLE bookmarks (n BIGINT)", &err), &err);
    assert_false(migrate(db, f->path, good, 2, true, &err));
    buf_addf(&want,
             "database_foreign: %s is a database of another program (choose another folder with "
             "--data-dir)",
             f->path);
    assert_err(&err, buf_c(&want));
    assert_table(db, "a", false);
}

static void migrate__own_list_is_numbered_without_a_gap(void **state)
{
    (void)state;
    assert_true(store_migration_count > 0);
    for (size_t i = 0; i < store_migration_count; i++)
        assert_int_equal(store_migrations[i].version, i + 1);
}

enum { OPENERS = 8 };

static void migrate__lets_many_processes_open_a_fresh_database(void **state)
{
    struct fixture *f = *state;
    auto_db *db = NULL;
    pid_t pids[OPENERS];
    for (int i = 0; i < OPENERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            auto_err err = ERR_INIT;
            struct store *s;
            bool ok = store_open(f->path, &(struct store_options){.create = true}, &s, &err);
            if (!ok)
                fprintf(stderr, "%.*s\n", STR_ARG(err.message));
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < OPENERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    db = open_db(f);
    assert_int_equal(find_int(db, "SELECT COUNT(*) FROM schema_migrations"),
                     (int64_t)store_migration_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(migrate__brings_a_fresh_database_up_and_is_done_then),
        FOLDER_TEST(migrate__adds_only_what_is_new),
        FOLDER_TEST(migrate__rolls_a_half_done_step_back),
        FOLDER_TEST(migrate__refuses_a_newer_database),
        FOLDER_TEST(migrate__without_leave_refuses_an_older_database),
        FOLDER_TEST(migrate__refuses_tables_of_another_program),
        cmocka_unit_test(migrate__own_list_is_numbered_without_a_gap),
        FOLDER_TEST(migrate__lets_many_processes_open_a_fresh_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
