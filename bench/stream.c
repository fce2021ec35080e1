/* A model's stream of 64 MB, in pieces of 16 KiB: framed, and framed with its JSON read. Prints
 * both in MB for each second of processor time. */
#include "llm/llm_int.h"
#include "llm/sse.h"
#include <stdio.h>
#include <time.h>

enum { PIECE = 16 << 10, BYTES = 64 << 20 };

static bool frame(void *user, str type, str data)
{
    (void)type;
    *(size_t *)user += data.n;
    return true;
}

static bool read_json(void *user, str type, str data)
{
    (void)type;
    auto_err err = ERR_INIT;
    json_t *j = wire_parse(data, &err);
    *(size_t *)user += json_object_size(j);
    json_decref(j);
    return j != NULL;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double measure(str text, sse_event_fn *fn)
{
    struct sse s;
    size_t sum = 0;
    double began = seconds();
    sse_init(&s);
    for (size_t at = 0; at < text.n; at += PIECE)
        if (sse_feed(&s, str_sub(text, at, at + PIECE), fn, &sum) != SSE_MORE)
            return -1;
    sse_done(&s);
    return sum ? (double)text.n / 1e6 / (seconds() - began) : -1;
}

int main(void)
{
    auto_buf b = BUF(BYTES + 1000);
    while (b.n < BYTES)
        buf_add_c(&b,
                  "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                  "\"delta\":{\"type\":\"text_delta\",\"text\":\" of the function that\"}}\n\n");
    double framed = measure(buf_str(&b), frame), with_json = measure(buf_str(&b), read_json);
    printf("{\"framed\": %.1f, \"with_json\": %.1f}\n", framed, with_json);
    return framed > 0 && with_json > 0 ? 0 : 1;
}
