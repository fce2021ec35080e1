#include "fixture.h"
#include <stdio.h>

/* Appends n lines "PREFIX i" to the step in one operation. */
static void append_lines(struct store_batch *b, int64_t run, const char *step, const char *prefix,
                         int n)
{
    auto_arena a = ARENA_INIT;
    struct store_step_key key = step_key(run, step);
    struct log_line *lines = arena_array(&a, struct log_line, (size_t)n);
    for (int i = 0; i < n; i++)
        lines[i] = (struct log_line){.time_ms = 1000 + i,
                                     .stream = i % 2 ? LOG_STDERR : LOG_STDOUT,
                                     .text = arena_printf(&a, "%s %d", prefix, i)};
    store_append_log(b, &key, lines, (size_t)n);
}

static void append_event(struct store_batch *b, int64_t run, enum event_type type, const char *step,
                         const char *data)
{
    store_append_event(b, &(struct event){.run_id = run,
                                          .time_ms = 5,
                                          .type = type,
                                          .step_id = str_of(step),
                                          .data = str_of(data)});
}

static void add_event(struct buf *b, const struct event *e)
{
    buf_addf(b, "%lld.%lld %s@%lld %.*s ", (long long)e->run_id, (long long)e->seq,
             event_type_name(e->type), (long long)e->time_ms, STR_ARG(e->step_id));
    event_add_data(b, e);
    buf_add_byte(b, '\n');
}

static bool collect(void *ctx, const struct event *e)
{
    add_event(ctx, e);
    return true;
}

static void assert_events(struct fixture *f, int64_t run, int64_t after, size_t max,
                          int64_t want_seq, const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    int64_t seq = -1;
    check(store_read_events(f->reader, run, after, max, collect, &got, &seq, &err), &err);
    assert_string_equal(buf_c(&got), want);
    assert_int_equal(seq, want_seq);
}

#define E1 "1.1 run_started@5  {\"workflow\": \"ci\"}\n"
#define E2 "1.2 step_output@1000 build {\"stream\": \"stdout\", \"line\": \"b 0\"}\n"
#define E3 "1.3 step_output@1001 build {\"stream\": \"stderr\", \"line\": \"b 1\"}\n"
#define E4 "1.4 step_output@1002 build {\"stream\": \"stdout\", \"line\": \"b 2\"}\n"
#define E5 "1.5 step_output@1000 test {\"stream\": \"stdout\", \"line\": \"t 0\"}\n"
#define E6 "1.6 step_completed@5 build {\"success\": true}\n"
#define E7 "1.7 step_output@1000 test {\"stream\": \"stdout\", \"line\": \"u 0\"}\n"
#define E8 "1.8 step_output@1001 test {\"stream\": \"stderr\", \"line\": \"u 1\"}\n"

static int64_t write_journal(struct fixture *f)
{
    int64_t id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    append_event(b, id, EVENT_RUN_STARTED, "", "{\"workflow\": \"ci\"}");
    append_lines(b, id, "build", "b", 3);
    append_lines(b, id, "test", "t", 1);
    commit(f, b);
    b = store_batch_new(f->store);
    append_event(b, id, EVENT_STEP_COMPLETED, "build", "{\"success\": true}");
    append_lines(b, id, "test", "u", 2);
    commit(f, b);
    return id;
}

static void events__expand_batches_of_lines_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t id = write_journal(f), seq;
    auto_err err = ERR_INIT;
    assert_events(f, id, 0, 100, 8, E1 E2 E3 E4 E5 E6 E7 E8);
    check(store_last_seq(f->reader, id, &seq, &err), &err);
    assert_int_equal(seq, 8);
}

static void events__resume_at_any_seq_also_inside_a_batch(void **state)
{
    struct fixture *f = *state;
    int64_t id = write_journal(f);
    static const char *const rest[] = {E1 E2 E3 E4 E5 E6 E7 E8,
                                       E2 E3 E4 E5 E6 E7 E8,
                                       E3 E4 E5 E6 E7 E8,
                                       E4 E5 E6 E7 E8,
                                       E5 E6 E7 E8,
                                       E6 E7 E8,
                                       E7 E8,
                                       E8,
                                       "",
                                       ""};
    for (int64_t after = 0; after < 10; after++)
        assert_events(f, id, after, 100, after > 8 ? after : 8, rest[after]);
}

static void events__come_in_pages_of_any_size(void **state)
{
    struct fixture *f = *state;
    int64_t id = write_journal(f);
    for (size_t max = 1; max < 10; max++) {
        auto_buf got = BUF(BUF_TEXT_MAX);
        auto_err err = ERR_INIT;
        int64_t seq = 0, before;
        do {
            before = seq;
            check(store_read_events(f->reader, id, before, max, collect, &got, &seq, &err), &err);
            assert_true(seq - before <= (int64_t)max);
        } while (seq > before);
        assert_string_equal(buf_c(&got), E1 E2 E3 E4 E5 E6 E7 E8);
    }
    assert_events(f, id, 3, 0, 3, "");
}

static bool stop_at_three(void *ctx, const struct event *e)
{
    int *n = ctx;
    (*n)++;
    return e->seq < 3;
}

static void events__stop_when_the_reader_says_so(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int n = 0;
    int64_t seq, id = write_journal(f);
    check(store_read_events(f->reader, id, 0, 100, stop_at_three, &n, &seq, &err), &err);
    assert_int_equal(n, 3);
    assert_int_equal(seq, 3);
    /* The reader is usable at once. */
    assert_events(f, id, 7, 1, 8, E8);
}

static void events__of_two_runs_count_apart(void **state)
{
    struct fixture *f = *state;
    int64_t a = make_run(f), c = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    append_event(b, a, EVENT_RUN_STARTED, "", "{}");
    append_event(b, c, EVENT_RUN_STARTED, "", "{}");
    append_lines(b, c, "build", "c", 1);
    append_event(b, a, EVENT_RUN_COMPLETED, "", "{}");
    commit(f, b);
    assert_events(f, a, 0, 9, 2, "1.1 run_started@5  {}\n1.2 run_completed@5  {}\n");
    assert_events(f, c, 0, 9, 2,
                  "2.1 run_started@5  {}\n"
                  "2.2 step_output@1000 build {\"stream\": \"stdout\", \"line\": \"c 0\"}\n");
}

struct told {
    struct buf text;
    int64_t run_id;
    int batches;
};

static void tell(void *ctx, const struct event *e)
{
    add_event(&((struct told *)ctx)->text, e);
}

static void tell_batch(void *ctx, struct store_batch *b, struct err *err)
{
    struct told *t = ctx;
    assert_null(err);
    t->batches++;
    t->run_id = store_batch_run_id(b);
    store_batch_events(b, tell, t);
}

/* Each knows what it has written itself, and the other writes in between. */
static void events__of_two_writers_of_a_run_count_on(void **state)
{
    struct fixture *f = *state, other = {0};
    int64_t run = make_run(f);
    strcpy(other.path, f->path);
    fixture_open(&other);
    for (int i = 0; i < 6; i++) {
        struct fixture *writer = i % 3 ? f : &other;
        struct store_batch *b = store_batch_new(writer->store);
        append_event(b, run, i % 3 ? EVENT_RUN_STARTED : EVENT_RUN_COMPLETED, "", "{}");
        commit(writer, b);
    }
    fixture_close(&other);
    assert_events(f, run, 0, 9, 6,
                  "1.1 run_completed@5  {}\n1.2 run_started@5  {}\n1.3 run_started@5  {}\n"
                  "1.4 run_completed@5  {}\n1.5 run_started@5  {}\n1.6 run_started@5  {}\n");
}

/* What a transaction that failed has counted is not counted. */
static void events__after_a_refused_batch_have_no_gap(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t run = make_run(f);
    for (int i = 0; i < 3; i++) {
        struct store_batch *b = store_batch_new(f->store);
        append_event(b, run, EVENT_RUN_STARTED, "", "{}");
        if (i == 1)
            append_event(b, 99, EVENT_RUN_STARTED, "", "{}");
        assert_int_equal(store_commit(f->store, b, NULL, &err), i != 1);
    }
    assert_err(&err, "run_unknown: there is no run 99 (see the runs with: plue run list)");
    assert_events(f, run, 0, 9, 2, "1.1 run_started@5  {}\n1.2 run_started@5  {}\n");
}

static void events__of_a_deleted_run_are_refused(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t run = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    struct store_run_update end = {.run_id = run, .from = RUN_RUNNING, .to = RUN_SUCCESS};
    append_event(b, run, EVENT_RUN_STARTED, "", "{}");
    store_update_run(b, &end);
    store_delete_run(b, run);
    append_event(b, run, EVENT_RUN_COMPLETED, "", "{}");
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "run_unknown: there is no run 1 (see the runs with: plue run list)");
}

static void batch__tells_its_events_with_seq_and_run(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct told t = {.text = BUF(BUF_TEXT_MAX)};
    struct store_run run = sample_run();
    struct store_step step = sample_step("build", 0);
    struct store_batch *b = store_batch_new(f->store);

    store_create_run(b, &run);
    store_add_steps(b, &step, 1);
    append_event(b, STORE_NEW_RUN, EVENT_RUN_STARTED, "", "{\"workflow\": \"ci\"}");
    append_lines(b, STORE_NEW_RUN, "build", "b", 3);
    check(store_submit(f->store, b, tell_batch, &t, &err), &err);
    store_flush(f->store);
    assert_int_equal(t.batches, 1);
    assert_int_equal(t.run_id, 1);
    assert_string_equal(buf_c(&t.text), E1 E2 E3 E4);
    assert_events(f, 1, 0, 9, 4, E1 E2 E3 E4);
    buf_done(&t.text);
}

static bool add_line(void *ctx, const struct log_line *l)
{
    buf_addf(ctx, "%lld %s@%lld ", (long long)l->seq, log_stream_name(l->stream),
             (long long)l->time_ms);
    buf_add_str(ctx, l->text);
    buf_add_byte(ctx, '\n');
    return true;
}

static void log__of_a_step_has_its_lines_only(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf all = BUF(BUF_TEXT_MAX), later = BUF(BUF_TEXT_MAX), tail = BUF(BUF_TEXT_MAX);
    struct store_step_key key = step_key(write_journal(f), "test");

    check(store_read_log(f->reader, &key, 0, 99, add_line, &all, &err), &err);
    assert_string_equal(buf_c(&all), "5 stdout@1000 t 0\n7 stdout@1000 u 0\n8 stderr@1001 u 1\n");
    check(store_read_log(f->reader, &key, 5, 1, add_line, &later, &err), &err);
    assert_string_equal(buf_c(&later), "7 stdout@1000 u 0\n");
    key.attempt = key.try = STORE_LAST;
    check(store_read_log_tail(f->reader, &key, 2, add_line, &tail, &err), &err);
    assert_string_equal(buf_c(&tail), "7 stdout@1000 u 0\n8 stderr@1001 u 1\n");
}

static void log__keeps_any_text(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct store_step_key key = step_key(make_run(f), "build");
    struct log_line lines[] = {{.text = STR("")},
                               {.text = STR("a\0b")},
                               {.text = STR("\x1b[31m\xf0\x9f\x8c\xb1 'x'; DROP TABLE")}};
    struct store_batch *b = store_batch_new(f->store);
    store_append_log(b, &key, lines, 3);
    store_append_log(b, &key, lines, 0);
    commit(f, b);
    check(store_read_log(f->reader, &key, 0, 9, add_line, &got, &err), &err);
    str want = STR("1 stdout@0 \n2 stdout@0 a\0b\n"
                   "3 stdout@0 \x1b[31m\xf0\x9f\x8c\xb1 'x'; DROP TABLE\n");
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.p, want.p, want.n);
}

enum { MANY = 100000, BATCH_LINES = 73 };

struct count {
    int64_t next;
    int seen;
};

static bool count_event(void *ctx, const struct event *e)
{
    struct count *c = ctx;
    char want[64];
    assert_int_equal(e->seq, c->next);
    snprintf(want, sizeof want, "%d", c->seen);
    assert_non_null(e->line);
    assert_int_equal(e->line->stream, LOG_STDOUT);
    assert_true(str_is(e->line->text, want));
    c->next++;
    c->seen++;
    return true;
}

static bool count_line(void *ctx, const struct log_line *l)
{
    struct count *c = ctx;
    char want[32];
    snprintf(want, sizeof want, "%d", c->seen);
    assert_int_equal(l->seq, c->next);
    assert_memory_equal(l->text.p, want, l->text.n);
    c->next++;
    c->seen++;
    return true;
}

static void log__of_100000_lines_is_in_order(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_step_key key = step_key(make_run(f), "build");
    char text[BATCH_LINES][16];
    struct log_line lines[BATCH_LINES];

    for (int i = 0; i < MANY;) {
        int n = 0;
        for (; n < BATCH_LINES && i < MANY; n++, i++) {
            snprintf(text[n], sizeof text[n], "%d", i);
            lines[n] = (struct log_line){.text = str_of(text[n])};
        }
        struct store_batch *b = store_batch_new(f->store);
        store_append_log(b, &key, lines, (size_t)n);
        check(store_submit(f->store, b, NULL, NULL, &err), &err);
        store_deliver(f->store);
    }
    store_flush(f->store);

    struct count c = {.next = 1};
    int64_t seq = 0, before;
    do {
        before = seq;
        check(store_read_events(f->reader, 1, before, 777, count_event, &c, &seq, &err), &err);
    } while (seq > before);
    assert_int_equal(c.seen, MANY);
    c = (struct count){.next = 1};
    check(store_read_log(f->reader, &key, 0, MANY + 1, count_line, &c, &err), &err);
    assert_int_equal(c.seen, MANY);
}

static void reader__sees_that_something_was_written(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    bool changed = false;
    check(store_reader_changed(f->reader, &changed, &err), &err);
    assert_true(changed);
    check(store_reader_changed(f->reader, &changed, &err), &err);
    assert_false(changed);
    write_journal(f);
    check(store_reader_changed(f->reader, &changed, &err), &err);
    assert_true(changed);
    check(store_reader_changed(f->reader, &changed, &err), &err);
    assert_false(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(events__expand_batches_of_lines_in_order),
        STORE_TEST(events__resume_at_any_seq_also_inside_a_batch),
        STORE_TEST(events__come_in_pages_of_any_size),
        STORE_TEST(events__stop_when_the_reader_says_so),
        STORE_TEST(events__of_two_runs_count_apart),
        STORE_TEST(events__of_two_writers_of_a_run_count_on),
        STORE_TEST(events__after_a_refused_batch_have_no_gap),
        STORE_TEST(events__of_a_deleted_run_are_refused),
        STORE_TEST(batch__tells_its_events_with_seq_and_run),
        STORE_TEST(log__of_a_step_has_its_lines_only),
        STORE_TEST(log__keeps_any_text),
        STORE_TEST(log__of_100000_lines_is_in_order),
        STORE_TEST(reader__sees_that_something_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
