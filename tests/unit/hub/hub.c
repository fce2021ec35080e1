#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub/hub.h"

/* A watcher with a count of its wakes. */
struct watcher {
    struct hub_watch *watch;
    int wakes;
};

static void wake(void *ctx, struct hub_watch *w)
{
    struct watcher *watcher = ctx;
    assert_ptr_equal(watcher->watch, w);
    watcher->wakes++;
}

static void open_at(struct hub *h, struct watcher *w, int64_t run, int64_t after)
{
    auto_err err = ERR_INIT;
    assert_true(hub_watch_open(h, run, after, wake, w, &w->watch, &err));
}

static void publish(struct hub *h, int64_t run, int64_t seq)
{
    hub_publish(h, &(struct event){.run_id = run,
                                   .seq = seq,
                                   .type = EVENT_AGENT_TURN,
                                   .step_id = STR("fix"),
                                   .data = STR("{\"turn\": 1}")});
}

/* "5 6 empty", "behind after 3": all that the watcher has to read now. */
static void assert_read(struct watcher *w, const char *want)
{
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct hub_event e;
    for (;;) {
        enum hub_read r = hub_next(w->watch, &e);
        if (r == HUB_EVENT) {
            buf_addf(&got, "%lld ", (long long)e.seq);
            continue;
        }
        buf_addf(&got, r == HUB_EMPTY ? "empty" : "behind after %lld",
                 (long long)hub_cursor(w->watch));
        break;
    }
    assert_string_equal(buf_c(&got), want);
}

static void hub__watcher_begins_behind_and_goes_on_live(void **state)
{
    struct hub *h = hub_new();
    struct watcher w = {0};
    (void)state;
    publish(h, 1, 1);
    open_at(h, &w, 1, 0);
    assert_read(&w, "behind after 0");
    publish(h, 1, 2); /* while the store is read */
    hub_seek(w.watch, 1);
    assert_read(&w, "2 empty");
    publish(h, 1, 3);
    assert_int_equal(w.wakes, 1);
    publish(h, 1, 4);
    assert_int_equal(w.wakes, 1); /* it knows already */
    assert_read(&w, "3 4 empty");
    publish(h, 1, 5);
    assert_int_equal(w.wakes, 2);
    hub_watch_close(w.watch);
    hub_free(h);
}

static void hub__event_that_the_store_gave_is_not_repeated(void **state)
{
    struct hub *h = hub_new();
    struct watcher w = {0};
    (void)state;
    open_at(h, &w, 1, 0);
    hub_seek(w.watch, 3); /* durable before it is published */
    assert_read(&w, "empty");
    for (int64_t seq = 1; seq <= 3; seq++)
        publish(h, 1, seq);
    assert_int_equal(w.wakes, 0);
    assert_read(&w, "empty");
    publish(h, 1, 4);
    assert_int_equal(w.wakes, 1);
    assert_read(&w, "4 empty");
    hub_watch_close(w.watch);
    hub_free(h);
}

static void hub__slow_watcher_is_dropped_and_comes_back(void **state)
{
    struct hub *h = hub_new();
    struct watcher slow = {0}, quick = {0};
    struct hub_event e;
    (void)state;
    open_at(h, &slow, 1, 0);
    open_at(h, &quick, 1, 0);
    hub_seek(slow.watch, 0);
    hub_seek(quick.watch, 0);
    for (int64_t seq = 1; seq <= HUB_RING_EVENTS + 2; seq++) {
        publish(h, 1, seq);
        assert_int_equal(hub_next(quick.watch, &e), HUB_EVENT);
        assert_int_equal(e.seq, seq);
    }
    assert_read(&slow, "behind after 0");
    assert_read(&slow, "behind after 0"); /* until it says how far it has read */
    hub_seek(slow.watch, HUB_RING_EVENTS + 1);
    assert_read(&slow, "4098 empty");
    hub_watch_close(slow.watch);
    hub_watch_close(quick.watch);
    hub_free(h);
}

static void hub__ring_is_bounded_in_bytes(void **state)
{
    struct hub *h = hub_new();
    struct watcher w = {0};
    auto_buf data = BUF(BUF_TEXT_MAX);
    (void)state;
    buf_add_c(&data, "{\"line\": \"");
    buf_add_repeat(&data, 'x', HUB_RING_BYTES / 2);
    buf_add_c(&data, "\"}");
    open_at(h, &w, 1, 0);
    hub_seek(w.watch, 0);
    for (int64_t seq = 1; seq <= 3; seq++)
        hub_publish(h, &(struct event){.run_id = 1, .seq = seq, .data = buf_str(&data)});
    assert_read(&w, "behind after 0");
    hub_seek(w.watch, 2);
    assert_read(&w, "3 empty");
    hub_watch_close(w.watch);
    hub_free(h);
}

static void hub__gap_sends_watchers_to_the_store(void **state)
{
    struct hub *h = hub_new();
    struct watcher w = {0};
    (void)state;
    open_at(h, &w, 1, 0);
    hub_seek(w.watch, 0);
    publish(h, 1, 1);
    assert_read(&w, "1 empty");
    publish(h, 1, 5);
    assert_int_equal(w.wakes, 1);
    assert_read(&w, "behind after 1");
    hub_seek(w.watch, 4);
    assert_read(&w, "5 empty");
    hub_watch_close(w.watch);
    hub_free(h);
}

static void hub__runs_are_apart_and_json_is_shared(void **state)
{
    struct hub *h = hub_new();
    struct watcher a = {0}, b = {0}, other = {0};
    struct hub_event ea, eb;
    (void)state;
    open_at(h, &a, 1, 0);
    open_at(h, &b, 1, 0);
    open_at(h, &other, 2, 0);
    hub_seek(a.watch, 0);
    hub_seek(b.watch, 0);
    hub_seek(other.watch, 0);
    publish(h, 1, 1);
    assert_int_equal(hub_next(a.watch, &ea), HUB_EVENT);
    assert_int_equal(hub_next(b.watch, &eb), HUB_EVENT);
    assert_ptr_equal(ea.json.p, eb.json.p);
    auto_free char *json = str_dup(ea.json);
    assert_string_equal(json, "{\"run_id\": 1, \"seq\": 1, \"time\": \"1970-01-01T00:00:00.000Z\", "
                              "\"type\": \"agent_turn\", \"step_id\": \"fix\", \"turn\": 1}");
    assert_read(&other, "empty");
    hub_watch_close(a.watch);
    hub_watch_close(b.watch);
    hub_watch_close(other.watch);
    hub_free(h);
}

static void hub__watchers_are_bounded(void **state)
{
    struct hub *h = hub_new();
    static struct watcher all[HUB_WATCHES_MAX];
    struct watcher more = {0};
    auto_err err = ERR_INIT;
    (void)state;
    for (int i = 0; i < HUB_WATCHES_MAX; i++)
        open_at(h, &all[i], i % 7, 0);
    assert_false(hub_watch_open(h, 1, 0, wake, &more, &more.watch, &err));
    assert_string_equal(err.code, "too_many_watchers");
    hub_watch_close(all[0].watch);
    open_at(h, &all[0], 99, 0);
    for (int i = 0; i < HUB_WATCHES_MAX; i++)
        hub_watch_close(all[i].watch);
    hub_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hub__watcher_begins_behind_and_goes_on_live),
        cmocka_unit_test(hub__event_that_the_store_gave_is_not_repeated),
        cmocka_unit_test(hub__slow_watcher_is_dropped_and_comes_back),
        cmocka_unit_test(hub__ring_is_bounded_in_bytes),
        cmocka_unit_test(hub__gap_sends_watchers_to_the_store),
        cmocka_unit_test(hub__runs_are_apart_and_json_is_shared),
        cmocka_unit_test(hub__watchers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
