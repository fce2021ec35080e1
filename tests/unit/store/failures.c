#include "base/fd.h"
#include "fixture.h"
#include "store/driver.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In want, % stands for the path. */
static void assert_open_fails(struct fixture *f, struct store_options o, const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct store *s = NULL;
    assert_false(store_open(f->path, &o, &s, &err));
    assert_null(s);
    for (const char *c = want; *c; c++) {
        if (*c == '%')
            buf_add_c(&text, f->path);
        else
            buf_add_byte(&text, *c);
    }
    assert_err(&err, buf_c(&text));
}

static void write_file(const char *path, const char *text, off_t at)
{
    auto_fd fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
}

static void open__without_a_database_says_how_to_get_one(void **state)
{
    assert_open_fails(*state, (struct store_options){0},
                      "database_missing: there is no database at % (the first `plue workflow run` "
                      "makes it; --data-dir chooses its folder)");
    assert_open_fails(*state, (struct store_options){.read_only = true},
                      "database_missing: there is no database at % (the first `plue workflow run` "
                      "makes it; --data-dir chooses its folder)");
}

static void open__makes_private_folder_and_file(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store *s;
    struct stat st;
    char path[128], folder[96];
    snprintf(folder, sizeof folder, "%s/data", f->folder);
    snprintf(path, sizeof path, "%s/plue.db", folder);
    check(store_open(path, &(struct store_options){.create = true}, &s, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    store_close(s);
    unlink(path);
    rmdir(folder);
}

static void open__of_a_file_that_is_no_database_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_buf text = BUF(BUF_TEXT_MAX);
    buf_add_repeat(&text, 'x', 4096);
    write_file(f->path, buf_c(&text), 0);
    assert_open_fails(f, (struct store_options){.create = true},
                      "database_corrupt: % is not a database (restore it from a backup, or move it "
                      "away to begin with an empty one)");
    assert_open_fails(f, (struct store_options){.read_only = true},
                      "database_corrupt: % is not a database (restore it from a backup, or move it "
                      "away to begin with an empty one)");
}

static void open__of_a_folder_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_open_fails(f, (struct store_options){0},
                      "database_failed: % is not a regular file (choose another folder with "
                      "--data-dir)");
    rmdir(f->path);
}

static void read__of_a_damaged_database_says_so(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf junk = BUF(BUF_TEXT_MAX), want = BUF(BUF_TEXT_MAX);
    struct stat st;
    fixture_open(f);
    make_run(f);
    fixture_close(f);
    assert_int_equal(stat(f->path, &st), 0);
    buf_add_repeat(&junk, '\xff', (size_t)st.st_size - 4096);
    write_file(f->path, buf_c(&junk), 4096); /* all but the page of the schema's root */

    struct store *s = NULL;
    assert_false(store_open(f->path, &(struct store_options){0}, &s, &err));
    buf_addf(&want,
             "database_corrupt: %s is damaged (restore it from a backup, or move it away to begin "
             "with an empty one)",
             f->path);
    assert_err(&err, buf_c(&want));
}

/* Runs in a child without root's power over permissions; its status is the outcome. */
static void as_nobody(struct fixture *f, void (*fn)(struct fixture *f))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setegid(65534) < 0 || seteuid(65534) < 0))
            _exit(2);
        fn(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define READ_ONLY                                                                                  \
    "database_read_only: the database % cannot be written (make the file and its folder writable " \
    "for this user, or choose another folder with --data-dir)"

static void make_read_only(struct fixture *f)
{
    assert_open_fails(f, (struct store_options){.create = true}, READ_ONLY);
}

static void open_read_only(struct fixture *f)
{
    assert_open_fails(f, (struct store_options){0}, READ_ONLY);
    assert_open_fails(f, (struct store_options){.create = true}, READ_ONLY);
}

static void open__of_what_cannot_be_written_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    fixture_close(f);
    /* The file alone, in a folder that all may write to. */
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0777), 0);
    as_nobody(f, open_read_only);
    /* The folder alone. */
    assert_int_equal(chmod(f->path, 0666), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    as_nobody(f, open_read_only);
    /* No file, and none can be made. */
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    as_nobody(f, make_read_only);
    assert_int_equal(chmod(f->folder, 0700), 0);
}

static void open__for_reading_does_not_write(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    struct store_run run = sample_run();
    struct store_run *runs;
    size_t n;
    int64_t next;
    fixture_open(f);
    make_run(f);
    fixture_close(f);
    check(store_open(f->path, &(struct store_options){.read_only = true}, &f->store, &err), &err);
    check(store_reader_open(f->store, &f->reader, &err), &err);
    check(store_list_runs(f->reader, &(struct store_run_filter){0}, &f->arena, &runs, &n, &next,
                          &err),
          &err);
    assert_int_equal(n, 1);
    struct store_batch *b = store_batch_new(f->store);
    store_create_run(b, &run);
    assert_false(store_commit(f->store, b, NULL, &err));
    buf_addf(&want,
             "database_read_only: the database %s is opened for reading only (this command does "
             "not change runs)",
             f->path);
    assert_err(&err, buf_c(&want));
}

static void write__waits_for_another_process_only_so_long(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    struct db_options o = {.mode = DB_WRITE, .busy_ms = 50};
    auto_db *a = NULL, *b = NULL;
    fixture_open(f);
    check(db_open(&db_sqlite, f->path, &o, &a, &err), &err);
    check(db_open(&db_sqlite, f->path, &o, &b, &err), &err);
    check(db_begin(a, true, &err), &err);
    assert_false(db_begin(b, true, &err));
    buf_addf(&want,
             "database_locked: another process has kept %s locked for over 50 ms (let it finish, "
             "or see who has the file open with: fuser %s)",
             f->path, f->path);
    assert_err(&err, buf_c(&want));
    err_reset(&err);
    db_rollback(a);
    check(db_begin(b, true, &err), &err);
    db_rollback(b);
}

static void expect_locked(void *ctx, struct store_batch *b, struct err *err)
{
    (void)b;
    assert_non_null(err);
    assert_string_equal(err->code, "database_locked");
    assert_true(err->message.n && err->hint.n);
    ++*(int *)ctx;
}

static void write__of_a_locked_group_fails_as_a_whole_and_recovers(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_db *db = NULL;
    int failed = 0;
    int64_t seq;
    struct event e = {.run_id = 1, .data = STR("{}")};
    fixture_open(f);
    make_run(f);
    fixture_close(f);
    check(store_open(f->path, &(struct store_options){.busy_ms = 50}, &f->store, &err), &err);
    check(store_reader_open(f->store, &f->reader, &err), &err);
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_WRITE, .busy_ms = 50}, &db,
                  &err),
          &err);
    check(db_begin(db, true, &err), &err);
    for (int i = 0; i < 3; i++) {
        struct store_batch *b = store_batch_new(f->store);
        store_append_event(b, &e);
        check(store_submit(f->store, b, expect_locked, &failed, &err), &err);
    }
    store_flush(f->store);
    assert_int_equal(failed, 3);
    db_rollback(db);
    struct store_batch *b = store_batch_new(f->store);
    store_append_event(b, &e);
    commit(f, b);
    check(store_last_seq(f->reader, 1, &seq, &err), &err);
    assert_int_equal(seq, 1);
}

static void read__of_an_unknown_word_names_it(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_db *db = NULL;
    struct store_run run;
    fixture_open(f);
    make_run(f);
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_WRITE, .busy_ms = 50}, &db,
                  &err),
          &err);
    check(db_sqlite.script(db, "UPDATE workflow_runs SET status = 'dancing'", &err), &err);
    assert_false(store_load_run(f->reader, 1, &f->arena, &run, &err));
    assert_err(&err, "database_corrupt: the database holds the unknown word 'dancing' (use the "
                     "version of plue that wrote it, or restore it from a backup)");
}

static void write__without_space_says_so_and_recovers(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX), text = BUF(BUF_TEXT_MAX);
    auto_db *db = NULL;
    buf_add_repeat(&text, 'x', 1 << 20);
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_CREATE, .busy_ms = 50}, &db,
                  &err),
          &err);
    check(db_sqlite.script(db, "CREATE TABLE t (s TEXT); PRAGMA max_page_count=20", &err), &err);
    check(db_begin(db, true, &err), &err);
    assert_false(db_run(db, "INSERT INTO t VALUES ($1)", DB_ARGS(db_text(buf_str(&text))), &err));
    buf_addf(&want,
             "disk_full: no space is left for the database %s (free some space on its disk, then "
             "resume the run)",
             f->path);
    assert_err(&err, buf_c(&want));
    err_reset(&err);
    db_rollback(db);
    check(db_begin(db, true, &err), &err);
    check(db_run(db, "INSERT INTO t VALUES ($1)", DB_ARGS(db_text(STR("y"))), &err), &err);
    check(db_commit(db, &err), &err);
}

/* ---- The disk fails under a running store ---- */

struct outcome_count {
    int durable, failed;
    bool ordered; /* no success after a failure while the disk is bad */
};

static void count_outcome(void *ctx, struct store_batch *b, struct err *err)
{
    struct outcome_count *c = ctx;
    (void)b;
    if (err) {
        c->failed++;
        if (!err->message.n || !err->hint.n)
            c->ordered = false;
    } else {
        c->durable++;
        if (c->failed)
            c->ordered = false;
    }
}

enum { LIMIT_BATCHES = 64, LIMIT_BYTES = 512 << 10 };

static void submit_line(struct fixture *f, struct outcome_count *c, str text)
{
    auto_err err = ERR_INIT;
    struct store_step_key key = step_key(1, "build");
    struct store_batch *b = store_batch_new(f->store);
    store_append_log(b, &key, &(struct log_line){.text = text}, 1);
    check(store_submit(f->store, b, count_outcome, c, &err), &err);
    store_flush(f->store);
}

/* No file may grow past a limit, as on a full disk; then it may again. */
static void fill_up(struct fixture *f)
{
    auto_err err = ERR_INIT;
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct outcome_count c = {.ordered = true}, after = {.ordered = true};
    struct rlimit old, limit;
    int64_t seq;

    fixture_open(f);
    make_run(f);
    buf_add_repeat(&text, 'x', 32 << 10);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = LIMIT_BYTES;
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < LIMIT_BATCHES; i++)
        submit_line(f, &c, buf_str(&text));
    assert_int_equal(c.durable + c.failed, LIMIT_BATCHES);
    assert_true(c.durable > 0);
    assert_true(c.failed > 0);
    assert_true(c.ordered);
    check(store_last_seq(f->reader, 1, &seq, &err), &err);
    assert_int_equal(seq, c.durable);

    setrlimit(RLIMIT_FSIZE, &old);
    submit_line(f, &after, buf_str(&text));
    assert_int_equal(after.durable, 1);
    check(store_last_seq(f->reader, 1, &seq, &err), &err);
    assert_int_equal(seq, c.durable + 1);
    fixture_close(f);
    buf_done(&text);
}

static void write__failures_reach_their_callbacks(void **state)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        fill_up(*state);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(open__without_a_database_says_how_to_get_one),
        FOLDER_TEST(open__makes_private_folder_and_file),
        FOLDER_TEST(open__of_a_file_that_is_no_database_is_refused),
        FOLDER_TEST(open__of_a_folder_is_refused),
        FOLDER_TEST(read__of_a_damaged_database_says_so),
        FOLDER_TEST(open__of_what_cannot_be_written_is_refused),
        FOLDER_TEST(open__for_reading_does_not_write),
        FOLDER_TEST(write__waits_for_another_process_only_so_long),
        FOLDER_TEST(write__of_a_locked_group_fails_as_a_whole_and_recovers),
        FOLDER_TEST(read__of_an_unknown_word_names_it),
        FOLDER_TEST(write__without_space_says_so_and_recovers),
        FOLDER_TEST(write__failures_reach_their_callbacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
