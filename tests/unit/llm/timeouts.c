/* Each of a call's times ends it, with llm_timeout, against a server that is slow in its own way.
 */
#include "llm/llm_int.h"
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: begun\n\n"

enum slow { SILENT, STALLS, DRIPS, FULL };

struct server {
    uv_loop_t loop;
    uv_tcp_t listener, client;
    uv_timer_t drip;
    enum slow slow;
    bool has_client;
    int full, waiting[16]; /* FULL: a listener that accepts nobody, and who waits for it */
    char url[64];
    char code[40];
    int again; /* tries that were told as void */
};

static void wrote(uv_write_t *w, int status)
{
    (void)status;
    free(w);
}

static void send_text(struct server *s, const char *text)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
    uv_write(mem_zalloc(sizeof(uv_write_t)), (uv_stream_t *)&s->client, &b, 1, wrote);
}

static void dripped(uv_timer_t *t)
{
    send_text(t->data, ": more\n\n");
}

static void room(uv_handle_t *h, size_t n, uv_buf_t *b)
{
    static char bytes[65536];
    (void)h;
    (void)n;
    *b = uv_buf_init(bytes, sizeof bytes);
}

static void close_handle(void *h)
{
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void got(uv_stream_t *c, ssize_t n, const uv_buf_t *b)
{
    struct server *s = c->data;
    (void)b;
    if (n < 0) {
        uv_timer_stop(&s->drip);
        close_handle(&s->client);
        return;
    }
    if (s->slow == SILENT)
        return;
    send_text(s, HEAD);
    if (s->slow == DRIPS)
        uv_timer_start(&s->drip, dripped, 20, 20);
}

static void connected(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    assert_int_equal(status, 0);
    uv_tcp_init(&s->loop, &s->client);
    s->client.data = s;
    s->has_client = true;
    uv_accept(listener, (uv_stream_t *)&s->client);
    uv_read_start((uv_stream_t *)&s->client, room, got);
}

static void told(void *data, const struct llm_event *e)
{
    struct server *s = data;
    s->again += e->kind == LLM_AGAIN;
}

static void done(void *data, const struct llm_answer *a, struct err *err)
{
    struct server *s = data;
    assert_null(a);
    snprintf(s->code, sizeof s->code, "%s", err->code);
    close_handle(&s->listener);
    close_handle(&s->drip);
    if (s->has_client)
        close_handle(&s->client);
    uv_stop(&s->loop); /* the client's own handles stay until it is freed */
}

static void serve(struct server *s, enum slow slow)
{
    struct sockaddr_in address;
    int size = sizeof address;
    *s = (struct server){.slow = slow};
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->drip);
    uv_tcp_init(&s->loop, &s->listener);
    s->drip.data = s->listener.data = s;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&s->listener, 8, connected);
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &size);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

/* Nobody is accepted, and the queue is full: the kernel answers no further connection. */
static void serve_nobody(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    serve(s, FULL);
    s->full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->full, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->full, 0), 0);
    assert_int_equal(getsockname(s->full, (struct sockaddr *)&address, &size), 0);
    bool full = false;
    for (size_t i = 0; i < sizeof s->waiting / sizeof *s->waiting; i++) {
        s->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd p = {.fd = s->waiting[i], .events = POLLOUT};
        (void)!connect(s->waiting[i], (struct sockaddr *)&address, size);
        full |= poll(&p, 1, 100) == 0;
    }
    assert_true(full);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

static void stop_serving_nobody(struct server *s)
{
    for (size_t i = 0; i < sizeof s->waiting / sizeof *s->waiting; i++)
        close(s->waiting[i]);
    close(s->full);
}

/* One try with these limits; none of the others could end it in time. */
static void ends_by(enum slow slow, struct llm_limits limits)
{
    struct server s;
    auto_err err = ERR_INIT;
    if (slow == FULL)
        serve_nobody(&s);
    else
        serve(&s, slow);
    struct llm_client client = {.name = STR("anthropic/x"),
                                .wire = &llm_anthropic,
                                .model = STR("m"),
                                .base_url = str_of(s.url)};
    struct llm_request q = {.messages = json_array()};
    struct llm_listener l = {told, done, &s};
    struct llm *llm = llm_new(&s.loop);
    limits.tries = 1;
    assert_non_null(llm_start(llm, &client, STR(""), &q, &limits, &l, &err));
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_string_equal(s.code, "llm_timeout");
    assert_int_equal(s.again, 0);
    llm_free(llm);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s.loop), 0);
    json_decref(q.messages);
    if (slow == FULL)
        stop_serving_nobody(&s);
}

static void timeouts__of_the_connection(void **state)
{
    (void)state;
    ends_by(FULL, (struct llm_limits){.connect_ms = 200});
}

static void timeouts__of_the_first_byte(void **state)
{
    (void)state;
    ends_by(SILENT, (struct llm_limits){.first_byte_ms = 100});
}

static void timeouts__between_bytes(void **state)
{
    (void)state;
    ends_by(STALLS, (struct llm_limits){.between_bytes_ms = 100});
}

static void timeouts__of_the_whole(void **state)
{
    (void)state;
    ends_by(DRIPS, (struct llm_limits){.whole_ms = 300});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts__of_the_connection),
        cmocka_unit_test(timeouts__of_the_first_byte),
        cmocka_unit_test(timeouts__between_bytes),
        cmocka_unit_test(timeouts__of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
