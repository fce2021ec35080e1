#include "fixture.h"
#include "store/driver.h"
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the callbacks said, in order: "a", or "b!code". */
struct said {
    struct buf text;
    struct store *store;
    int64_t run;
};
struct named {
    struct said *said;
    char name;
};

static void note(void *ctx, struct store_batch *b, struct err *err)
{
    struct named *n = ctx;
    (void)b;
    buf_addf(&n->said->text, "%c%s%s ", n->name, err ? "!" : "", err ? err->code : "");
}

static void add_event(struct store_batch *b, int64_t run)
{
    store_append_event(b, &(struct event){.run_id = run, .data = STR("{}")});
}

static void submit_event(struct fixture *f, int64_t run, store_done *done, void *ctx)
{
    auto_err err = ERR_INIT;
    struct store_batch *b = store_batch_new(f->store);
    add_event(b, run);
    check(store_submit(f->store, b, done, ctx, &err), &err);
}

/* A connection of another kind that keeps the database locked, so that a queue builds up. */
static struct db *lock(struct fixture *f)
{
    auto_err err = ERR_INIT;
    struct db *db;
    check(db_open(&db_sqlite, f->path, &(struct db_options){.mode = DB_WRITE, .busy_ms = 5000}, &db,
                  &err),
          &err);
    check(db_begin(db, true, &err), &err);
    return db;
}

static void unlock(struct db *db)
{
    db_rollback(db);
    db_close(db);
}

static int64_t last_seq(struct fixture *f, int64_t run)
{
    auto_err err = ERR_INIT;
    int64_t seq;
    check(store_last_seq(f->reader, run, &seq, &err), &err);
    return seq;
}

static void group__callbacks_come_in_order_of_submission(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(BUF_TEXT_MAX)};
    struct named names[20];
    struct db *db = lock(f);
    for (int i = 0; i < 20; i++) {
        names[i] = (struct named){&said, (char)('a' + i)};
        submit_event(f, id, note, &names[i]);
    }
    assert_int_equal(store_deliver(f->store), 0);
    unlock(db);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "a b c d e f g h i j k l m n o p q r s t ");
    assert_int_equal(last_seq(f, id), 20);
    buf_done(&said.text);
}

static void group__refused_batch_meets_itself_alone(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(BUF_TEXT_MAX)};
    struct named a = {&said, 'a'}, bad = {&said, 'b'}, c = {&said, 'c'};
    struct db *db = lock(f);

    submit_event(f, id, note, &a);
    struct store_batch *b = store_batch_new(f->store);
    add_event(b, id);
    store_update_run(
        b, &(struct store_run_update){.run_id = id, .from = RUN_QUEUED, .to = RUN_FAILED});
    check(store_submit(f->store, b, note, &bad, &err), &err);
    submit_event(f, id, note, &c);
    unlock(db);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "a b!transition_refused c ");
    assert_int_equal(last_seq(f, id), 2); /* the refused batch's event took no seq */
    buf_done(&said.text);
}

static void group__run_created_beside_a_refused_batch_keeps_its_events(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(BUF_TEXT_MAX)};
    struct named made = {&said, 'm'}, bad = {&said, 'b'};
    struct store_run run = sample_run();
    struct db *db = lock(f);

    /* The new run's batch is applied twice: in the group, and alone. */
    struct store_batch *b = store_batch_new(f->store);
    store_update_run(
        b, &(struct store_run_update){.run_id = id, .from = RUN_QUEUED, .to = RUN_FAILED});
    struct store_batch *create = store_batch_new(f->store);
    store_create_run(create, &run);
    add_event(create, STORE_NEW_RUN);
    check(store_submit(f->store, create, note, &made, &err), &err);
    check(store_submit(f->store, b, note, &bad, &err), &err);
    unlock(db);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "m b!transition_refused ");
    assert_int_equal(last_seq(f, 2), 1);
    assert_int_equal(last_seq(f, 1), 0);
    buf_done(&said.text);
}

static void group__descriptor_wakes_the_loop(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct pollfd p = {.fd = store_wake_fd(f->store), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    submit_event(f, id, NULL, NULL);
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(store_deliver(f->store), 1);
    assert_int_equal(poll(&p, 1, 0), 0);
}

/* ---- turns of the owner's loop ---- */

static void turn__is_written_and_told_at_its_end(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(100)};
    struct named a = {&said, 'a'}, b = {&said, 'b'};
    store_set_turns(f->store, true);
    submit_event(f, id, note, &a);
    submit_event(f, id, note, &b);
    assert_int_equal(last_seq(f, id), 0);
    store_end_turn(f->store);
    assert_string_equal(buf_c(&said.text), "a b ");
    assert_int_equal(last_seq(f, id), 2);
    buf_done(&said.text);
}

/* Nobody waits in the loop: the writer's thread does. */
static void turn__goes_to_the_thread_while_another_process_writes(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(100)};
    struct named a = {&said, 'a'}, b = {&said, 'b'};
    struct db *db = lock(f);
    store_set_turns(f->store, true);
    submit_event(f, id, note, &a);
    store_end_turn(f->store);
    submit_event(f, id, note, &b);
    store_end_turn(f->store);
    assert_int_equal(said.text.n, 0);
    unlock(db);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "a b ");
    assert_int_equal(last_seq(f, id), 2);
    buf_done(&said.text);
}

/* The loop writes no journal without end, and does not copy it back itself. */
static void turn__leaves_upkeep_to_the_thread(void **state)
{
    enum { TURNS = 3000, EVENT_BYTES = 16 << 10, JOURNAL_MAX = 32 << 20 };
    struct fixture *f = *state;
    int64_t id = make_run(f);
    auto_err err = ERR_INIT;
    auto_free char *text = mem_alloc(EVENT_BYTES);
    auto_buf path = BUF(PATH_MAX);
    struct stat st;
    memset(text, 'x', EVENT_BYTES);
    store_set_turns(f->store, true);
    for (int i = 0; i < TURNS; i++) {
        struct store_batch *b = store_batch_new(f->store);
        store_append_event(b, &(struct event){.run_id = id, .data = str_make(text, EVENT_BYTES)});
        check(store_submit(f->store, b, NULL, NULL, &err), &err);
        store_end_turn(f->store);
        store_deliver(f->store);
        if (store_is_full(f->store))
            store_flush(f->store);
    }
    store_flush(f->store);
    assert_int_equal(last_seq(f, id), TURNS);
    buf_addf(&path, "%s-wal", f->path);
    assert_int_equal(stat(buf_c(&path), &st), 0);
    assert_true(st.st_size < JOURNAL_MAX);
}

static void turn__with_a_wrong_batch_fails_that_one_alone(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct said said = {.text = BUF(100)};
    struct named a = {&said, 'a'}, b = {&said, 'b'}, c = {&said, 'c'};
    struct store_batch *wrong = store_batch_new(f->store);
    struct store_step_key key = step_key(id, "nobody");
    store_set_turns(f->store, true);
    submit_event(f, id, note, &a);
    store_update_step(wrong, &(struct store_step_update){.key = key});
    check(store_submit(f->store, wrong, note, &b, &err), &err);
    submit_event(f, id, note, &c);
    store_end_turn(f->store);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "a b!step_unknown c ");
    assert_int_equal(last_seq(f, id), 2);
    buf_done(&said.text);
}

static void submit_next(void *ctx, struct store_batch *b, struct err *err)
{
    struct said *s = ctx;
    auto_err e = ERR_INIT;
    (void)b;
    assert_null(err);
    buf_add_c(&s->text, "+");
    if (s->text.n == 5)
        return;
    struct store_batch *next = store_batch_new(s->store);
    add_event(next, s->run);
    check(store_submit(s->store, next, submit_next, s, &e), &e);
}

static void group__callback_may_submit_further_batches(void **state)
{
    struct fixture *f = *state;
    struct said said = {.text = BUF(BUF_TEXT_MAX), .store = f->store, .run = make_run(f)};
    submit_event(f, said.run, submit_next, &said);
    store_flush(f->store);
    assert_string_equal(buf_c(&said.text), "+++++");
    assert_int_equal(last_seq(f, said.run), 5);
    buf_done(&said.text);
}

static void group__closing_writes_what_is_queued(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    for (int i = 0; i < 50; i++)
        submit_event(f, id, NULL, NULL);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(last_seq(f, id), 50);
}

/* ---- Bounds ---- */

static bool submit_bytes(struct fixture *f, int64_t run, size_t n, struct err *err)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct store_step_key key = step_key(run, "build");
    struct store_batch *b = store_batch_new(f->store);
    buf_add_repeat(&text, 'x', n);
    store_append_log(b, &key, &(struct log_line){.text = buf_str(&text)}, 1);
    if (store_submit(f->store, b, NULL, NULL, err))
        return true;
    store_batch_free(b);
    return false;
}

static void queue__says_when_it_is_full_and_when_it_has_room_again(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct db *db = lock(f);
    enum { PIECE = 1 << 20 };

    int before = 0;
    while (!store_is_full(f->store)) {
        check(submit_bytes(f, id, PIECE, &err), &err);
        before++;
    }
    assert_int_equal(before, STORE_QUEUE_SOFT_BYTES / PIECE);
    unlock(db);
    store_flush(f->store);
    assert_false(store_is_full(f->store));
    assert_int_equal(last_seq(f, id), before);
}

static void queue__refuses_past_its_hard_limit_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    int64_t id = make_run(f);
    struct db *db = lock(f);
    enum { PIECE = 8 << 20 };
    int taken = 0;

    while (submit_bytes(f, id, PIECE, &err))
        taken++;
    assert_int_equal(taken, STORE_QUEUE_HARD_BYTES / PIECE - 1);
    buf_addf(&want,
             "queue_full: over 64 MiB wait to be written to %s (its disk is too slow for what the "
             "steps print)",
             f->path);
    assert_err(&err, buf_c(&want));
    unlock(db);
    store_flush(f->store);
    assert_int_equal(last_seq(f, id), taken);
    err_reset(&err);
    check(submit_bytes(f, id, PIECE, &err), &err);
}

/* ---- Processes ---- */

static void acknowledge(void *ctx, struct store_batch *b, struct err *err)
{
    int fd = *(int *)ctx;
    (void)b;
    if (err || write(fd, "+", 1) != 1)
        _exit(1);
}

/* Appends for ever, saying "+" for each batch that is durable. */
static void append_until_killed(const char *path, int64_t run, int fd)
{
    auto_err err = ERR_INIT;
    struct store *s;
    if (!store_open(path, &(struct store_options){0}, &s, &err))
        _exit(1);
    struct store_step_key key = step_key(run, "build");
    for (;;) {
        struct log_line lines[3] = {{.text = STR("1")}, {.text = STR("2")}, {.text = STR("3")}};
        struct store_batch *b = store_batch_new(s);
        store_append_log(b, &key, lines, 3);
        if (!store_submit(s, b, acknowledge, &fd, &err))
            _exit(1);
        store_deliver(s);
        if (store_is_full(s))
            store_flush(s);
    }
}

static bool count_event(void *ctx, const struct event *e)
{
    int64_t *n = ctx;
    assert_int_equal(e->seq, ++*n);
    return true;
}

static void group__what_was_acknowledged_outlives_sigkill(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    int64_t promised = 0;
    fixture_close(f);
    for (int round = 1; round <= 5; round++) {
        int fds[2], status;
        char c[64];
        int64_t heard = 0, seen = 0;
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0)
            append_until_killed(f->path, id, fds[1]);
        close(fds[1]);
        for (ssize_t n; heard < 100 * round && (n = read(fds[0], c, sizeof c)) > 0;)
            heard += n;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        for (ssize_t n; (n = read(fds[0], c, sizeof c)) > 0;)
            heard += n;
        close(fds[0]);

        auto_err err = ERR_INIT;
        fixture_open(f);
        promised += heard * 3;
        check(store_read_events(f->reader, id, 0, SIZE_MAX, count_event, &seen, NULL, &err), &err);
        assert_true(seen >= promised);
        assert_int_equal(seen % 3, 0); /* whole batches only */
        promised = seen;
        fixture_close(f);
    }
}

enum { WRITERS = 4, RUNS_EACH = 25 };

static void create_runs(const char *path)
{
    auto_err err = ERR_INIT;
    struct store *s;
    bool ok = store_open(path, &(struct store_options){0}, &s, &err);
    for (int i = 0; ok && i < RUNS_EACH; i++) {
        struct store_run run = sample_run();
        struct store_batch *b = store_batch_new(s);
        int64_t id;
        store_create_run(b, &run);
        add_event(b, STORE_NEW_RUN);
        ok = store_commit(s, b, &id, &err);
    }
    if (!ok)
        fprintf(stderr, "%.*s\n", STR_ARG(err.message));
    _exit(ok ? 0 : 1);
}

static void group__of_several_processes_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    pid_t pids[WRITERS];
    struct store_run *runs;
    size_t n;
    int64_t next;
    fixture_close(f);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            create_runs(f->path);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    fixture_open(f);
    check(store_list_runs(f->reader, &(struct store_run_filter){.limit = 1000}, &f->arena, &runs,
                          &n, &next, &err),
          &err);
    assert_int_equal(n, WRITERS * RUNS_EACH);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(runs[i].id, n - i);
        assert_int_equal(last_seq(f, runs[i].id), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(group__callbacks_come_in_order_of_submission),
        STORE_TEST(group__refused_batch_meets_itself_alone),
        STORE_TEST(group__run_created_beside_a_refused_batch_keeps_its_events),
        STORE_TEST(group__descriptor_wakes_the_loop),
        STORE_TEST(turn__is_written_and_told_at_its_end),
        STORE_TEST(turn__goes_to_the_thread_while_another_process_writes),
        STORE_TEST(turn__leaves_upkeep_to_the_thread),
        STORE_TEST(turn__with_a_wrong_batch_fails_that_one_alone),
        STORE_TEST(group__callback_may_submit_further_batches),
        STORE_TEST(group__closing_writes_what_is_queued),
        STORE_TEST(queue__says_when_it_is_full_and_when_it_has_room_again),
        STORE_TEST(queue__refuses_past_its_hard_limit_and_loses_nothing),
        STORE_TEST(group__what_was_acknowledged_outlives_sigkill),
        STORE_TEST(group__of_several_processes_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
