/* Streams of events, whole, cut at every byte, and fast. */
#include "llm/sse.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool note(void *user, str type, str data)
{
    struct buf *b = user;
    buf_addf(b, "%.*s=", STR_ARG(type));
    buf_add_str(b, data);
    buf_add_c(b, "|");
    return !str_is(data, "stop");
}

static const struct {
    const char *stream, *events;
} rows[] = {
    {"data: a\n\n", "message=a|"},
    {"data: a\r\n\r\n", "message=a|"},
    {"data: a\r\r", "message=a|"},
    {"data: a\r\n\rdata: b\r\n\n", "message=a|message=b|"},
    {"\xEF\xBB\xBF"
     "data: a\n\n",
     "message=a|"},
    {"\xEF\xBB\xBF\xEF\xBB\xBF"
     "data: a\n\n",
     ""},
    {"data: a\n\n\xEF\xBB\xBF"
     "data: b\n\n",
     "message=a|"},
    {"data: a\ndata:b\ndata:  c\n\n", "message=a\nb\n c|"},
    {"data\n\ndata\ndata\n\ndata:", "message=|message=\n|"},
    {"event: x\ndata: 1\n\ndata: 2\n\n", "x=1|message=2|"},
    {"event: x\n\ndata: 2\n\n", "message=2|"},
    {": comment\n:\ndata: 1\nunknown: 2\nDATA: 3\n\n", "message=1|"},
    {"data: never ended\n", ""},
    {"data: a: b\n\n", "message=a: b|"},
    {" data: a\n\n", ""},
    {"\n\n\n\ndata:a\n\n\n\n", "message=a|"},
    {"id: 7\nretry: 15\nid: a\ndata: \xC3\xBC\n\n", "message=\xC3\xBC|"},
};

static void sse__gives_the_same_events_wherever_a_stream_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str all = str_of(rows[i].stream);
        for (size_t a = 0; a <= all.n; a++)
            for (size_t b = a; b <= all.n; b++) {
                struct sse s;
                auto_buf events = BUF(1000);
                sse_init(&s);
                assert_int_equal(sse_feed(&s, str_sub(all, 0, a), note, &events), SSE_MORE);
                assert_int_equal(sse_feed(&s, str_sub(all, a, b), note, &events), SSE_MORE);
                assert_int_equal(sse_feed(&s, str_sub(all, b, all.n), note, &events), SSE_MORE);
                assert_string_equal(buf_c(&events), rows[i].events);
                sse_done(&s);
            }
    }
}

static void sse__keeps_the_last_id_and_retry(void **state)
{
    (void)state;
    struct sse s;
    auto_buf events = BUF(1000);
    sse_init(&s);
    assert_int_equal(s.retry_ms, -1);
    str stream = STR("id: 7\nid: a\0b\nretry: 15\nretry: 1x\ndata:\n\n");
    assert_int_equal(sse_feed(&s, stream, note, &events), SSE_MORE);
    assert_string_equal(buf_c(&s.id), "7");
    assert_int_equal(s.retry_ms, 15);
    sse_done(&s);
}

static void sse__stops_when_told_and_where_an_event_is_too_large(void **state)
{
    (void)state;
    struct sse s;
    auto_buf events = BUF(1000);
    sse_init(&s);
    assert_int_equal(sse_feed(&s, STR("data: stop\n\ndata: b\n\n"), note, &events), SSE_STOPPED);
    assert_string_equal(buf_c(&events), "message=stop|");
    sse_done(&s);
    sse_init(&s);
    auto_buf chunk = BUF(2 << 20);
    buf_add_c(&chunk, "data: ");
    buf_add_repeat(&chunk, 'x', 1 << 20);
    enum sse_fed fed = SSE_MORE;
    for (int i = 0; fed == SSE_MORE && i < 100; i++)
        fed = sse_feed(&s, buf_str(&chunk), note, &events);
    assert_int_equal(fed, SSE_TOO_LARGE);
    sse_done(&s);
}

static bool count(void *user, str type, str data)
{
    (void)type;
    *(size_t *)user += data.n;
    return true;
}

/* Says the speed; judged by bench, since tests run on loaded machines. */
static void sse__reads_a_recorded_stream_in_chunks(void **state)
{
    (void)state;
    static const char event[] =
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
        "{\"type\":\"text_delta\",\"text\":\" and so it goes on for a while\"}}\n\n";
    auto_buf b = BUF(8 << 20);
    while (b.n < 4 << 20)
        buf_add_c(&b, event);
    struct sse s;
    size_t bytes = 0, want = b.n / (sizeof event - 1) * (sizeof event - 1 - 35);
    sse_init(&s);
    int64_t began = clock_mono_ns();
    for (size_t at = 0; at < b.n; at += 16384)
        assert_int_equal(sse_feed(&s, str_sub(buf_str(&b), at, at + 16384), count, &bytes),
                         SSE_MORE);
    double seconds = (double)(clock_mono_ns() - began) / 1e9;
    print_message("%.0f MB/s\n", (double)b.n / 1e6 / seconds);
    assert_int_equal(bytes, want);
    sse_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sse__gives_the_same_events_wherever_a_stream_is_cut),
        cmocka_unit_test(sse__keeps_the_last_id_and_retry),
        cmocka_unit_test(sse__stops_when_told_and_where_an_event_is_too_large),
        cmocka_unit_test(sse__reads_a_recorded_stream_in_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
