/* Bytes are where to cut, then a stream. A stream gives the same events wherever it is cut. */
#include "llm/sse.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool note(void *user, str type, str data)
{
    struct buf *b = user;
    buf_add_str(b, type);
    buf_add_byte(b, '=');
    buf_add_str(b, data);
    buf_add_byte(b, '\0');
    assert(!memchr(type.p, '\n', type.n) && !memchr(data.p, '\r', data.n));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    str stream = {(const char *)data + 1, size - 1};
    size_t step = 1 + data[0] % 16;
    auto_buf whole = BUF(BUF_TEXT_MAX), pieces = BUF(BUF_TEXT_MAX);
    struct sse a, b;
    sse_init(&a);
    sse_init(&b);
    assert(sse_feed(&a, stream, note, &whole) == SSE_MORE);
    for (size_t at = 0; at < stream.n; at += step)
        assert(sse_feed(&b, str_sub(stream, at, at + step), note, &pieces) == SSE_MORE);
    assert(str_eq(buf_str(&whole), buf_str(&pieces)) && a.retry_ms == b.retry_ms &&
           str_eq(buf_str(&a.id), buf_str(&b.id)));
    sse_done(&a);
    sse_done(&b);
    return 0;
}
