/* A provider on loopback for bench/run, cheap enough to stand beside what is measured: each request
 * is answered after DELAY ms with a call of TOOL, until it holds CALLS results, and then with the
 * final answer. In INPUT "%d" is the number of the call. Prints its port; ends when its input does.
 *
 *     model_server DELAY CALLS TOOL INPUT */
#include "base/buf.h"
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { REQUEST_MAX = 16 << 20, ANSWER_BYTES = 64 << 10 };

static int delay_ms, calls;
static const char *tool, *input;

struct link {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    struct buf in, out;
    int open; /* handles */
};

static void closed(uv_handle_t *h)
{
    struct link *l = h->data;
    if (--l->open)
        return;
    buf_done(&l->in);
    buf_done(&l->out);
    free(l);
}

static void hang_up(struct link *l)
{
    if (uv_is_closing((uv_handle_t *)&l->tcp))
        return;
    uv_close((uv_handle_t *)&l->tcp, closed);
    uv_close((uv_handle_t *)&l->timer, closed);
}

static int count(str text, str word)
{
    int n = 0;
    for (size_t at = 0; (at = str_find(text, word, at)) != SIZE_MAX; at += word.n)
        n++;
    return n;
}

static void add_event(struct buf *b, const char *json)
{
    buf_addf(b, "data: %s\n\n", json);
}

static void add_call(struct buf *b, int n, const char *name, const char *arguments)
{
    auto_buf e = BUF(ANSWER_BYTES);
    buf_addf(&e,
             "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
             "\"tool_use\",\"id\":\"toolu_%d\",\"name\":\"%s\",\"input\":{}}}",
             n, name);
    add_event(b, buf_c(&e));
    buf_reset(&e);
    buf_addf(&e,
             "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
             "\"input_json_delta\",\"partial_json\":\"%s\"}}",
             arguments);
    add_event(b, buf_c(&e));
    add_event(b, "{\"type\":\"content_block_stop\",\"index\":1}");
}

static void add_text(struct buf *b)
{
    static const char *const words[] = {"I ",    "look ", "at ",  "the ",
                                        "next ", "file ", "and ", "go on."};
    add_event(b,
              "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
              "\"text\":\"\"}}");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        auto_buf e = BUF(ANSWER_BYTES);
        buf_addf(&e,
                 "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                 "\"text\":\"%s\"}}",
                 words[i]);
        add_event(b, buf_c(&e));
    }
    add_event(b, "{\"type\":\"content_block_stop\",\"index\":0}");
}

static void add_answer(struct buf *b, int n)
{
    auto_buf arguments = BUF(ANSWER_BYTES);
    str rest = str_of(input);
    size_t at = str_find(rest, STR("%d"), 0);
    add_event(
        b, "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"usage\":{"
           "\"input_tokens\":1000,\"output_tokens\":1}}}");
    add_text(b);
    if (n >= calls) {
        add_call(b, n, "final_answer", "{\\\"summary\\\":\\\"done\\\"}");
    } else {
        buf_add_str(&arguments, str_sub(rest, 0, at));
        if (at != SIZE_MAX) {
            buf_addf(&arguments, "%d", n);
            buf_add_str(&arguments, str_sub(rest, at + 2, rest.n));
        }
        add_call(b, n, tool, buf_c(&arguments));
    }
    add_event(b, "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{"
                 "\"output_tokens\":20}}");
    add_event(b, "{\"type\":\"message_stop\"}");
}

static void written(uv_write_t *w, int status)
{
    if (status < 0)
        hang_up(w->data);
}

static void answer(uv_timer_t *t)
{
    struct link *l = t->data;
    auto_buf body = BUF(ANSWER_BYTES);
    add_answer(&body, count(buf_str(&l->in), STR("\"tool_result\"")));
    buf_reset(&l->in);
    buf_reset(&l->out);
    buf_addf(&l->out,
             "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %zu\r\n\r\n",
             body.n);
    buf_add_str(&l->out, buf_str(&body));
    uv_buf_t bytes = uv_buf_init(l->out.p, (unsigned)l->out.n);
    l->write.data = l;
    uv_write(&l->write, (uv_stream_t *)&l->tcp, &bytes, 1, written);
}

/* A request is whole when its body is. */
static bool is_whole(str s)
{
    size_t head = str_find(s, STR("\r\n\r\n"), 0), at = str_find(s, STR("Content-Length: "), 0);
    if (head == SIZE_MAX || at == SIZE_MAX || at > head)
        return false;
    return s.n >= head + 4 + strtoul(s.p + at + 16, NULL, 10);
}

static void give_room(uv_handle_t *h, size_t size, uv_buf_t *ret)
{
    static char room[64 << 10];
    (void)h;
    (void)size;
    *ret = uv_buf_init(room, sizeof room);
}

static void got(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct link *l = s->data;
    if (n < 0) {
        hang_up(l);
        return;
    }
    buf_add(&l->in, b->base, (size_t)n);
    if (is_whole(buf_str(&l->in)))
        uv_timer_start(&l->timer, answer, (uint64_t)delay_ms, 0);
}

static void connected(uv_stream_t *server, int status)
{
    struct link *l = mem_zalloc(sizeof *l);
    (void)status;
    *l = (struct link){.in = BUF(REQUEST_MAX), .out = BUF(2 * ANSWER_BYTES), .open = 2};
    uv_tcp_init(server->loop, &l->tcp);
    uv_timer_init(server->loop, &l->timer);
    l->tcp.data = l->timer.data = l;
    if (uv_accept(server, (uv_stream_t *)&l->tcp) == 0)
        uv_read_start((uv_stream_t *)&l->tcp, give_room, got);
    else
        hang_up(l);
}

static void input_ended(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    (void)b;
    if (n < 0)
        uv_stop(s->loop);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in any;
    int size = sizeof any;
    uv_tcp_t server;
    uv_pipe_t stdin_pipe;
    if (argc != 5)
        return 2;
    delay_ms = atoi(argv[1]);
    calls = atoi(argv[2]);
    tool = argv[3];
    input = argv[4];
    uv_ip4_addr("127.0.0.1", 0, &any);
    uv_tcp_init(loop, &server);
    if (uv_tcp_bind(&server, (struct sockaddr *)&any, 0) ||
        uv_listen((uv_stream_t *)&server, 1024, connected))
        return 1;
    uv_tcp_getsockname(&server, (struct sockaddr *)&any, &size);
    printf("%d\n", ntohs(any.sin_port));
    fflush(stdout);
    uv_pipe_init(loop, &stdin_pipe, 0);
    uv_pipe_open(&stdin_pipe, 0);
    uv_read_start((uv_stream_t *)&stdin_pipe, give_room, input_ended);
    return uv_run(loop, UV_RUN_DEFAULT) < 0;
}
