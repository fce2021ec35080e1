#include "llm/sse.h"
#include "base/num.h"

enum { SSE_NAME_MAX = 64 << 10 }; /* bytes of a type or an id; longer ones are not kept */

void sse_init(struct sse *s)
{
    *s = (struct sse){.line = BUF(SSE_EVENT_MAX),
                      .type = BUF(SSE_NAME_MAX),
                      .data = BUF(SSE_EVENT_MAX),
                      .id = BUF(SSE_NAME_MAX),
                      .retry_ms = -1};
}

void sse_done(struct sse *s)
{
    buf_done(&s->line);
    buf_done(&s->type);
    buf_done(&s->data);
    buf_done(&s->id);
}

/* An event is dispatched where it has data, be it empty. */
static bool end_event(struct sse *s, sse_event_fn *fn, void *user)
{
    bool ok = true;
    if (s->data.n) {
        str data = str_sub(buf_str(&s->data), 0, s->data.n - 1);
        ok = fn(user, s->type.n ? buf_str(&s->type) : STR("message"), data);
    }
    buf_reset(&s->type);
    buf_reset(&s->data);
    return ok;
}

static void set(struct buf *b, str value)
{
    buf_reset(b);
    buf_add_str(b, value);
}

static void take_retry(struct sse *s, str value)
{
    int64_t ms;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return;
    if (num_parse_int(value, &ms))
        s->retry_ms = ms;
}

static void take_field(struct sse *s, str name, str value)
{
    if (str_eq(name, STR("data"))) {
        buf_add_str(&s->data, value);
        buf_add_byte(&s->data, '\n');
    } else if (str_eq(name, STR("event"))) {
        set(&s->type, value);
    } else if (str_eq(name, STR("id")) && str_find_byte(value, '\0', 0) == (size_t)-1) {
        set(&s->id, value);
    } else if (str_eq(name, STR("retry"))) {
        take_retry(s, value);
    }
}

static bool take_line(struct sse *s, str line, sse_event_fn *fn, void *user)
{
    if (!s->begun && str_starts(line, STR("\xEF\xBB\xBF")))
        line = str_sub(line, 3, line.n);
    s->begun = true;
    if (!line.n)
        return end_event(s, fn, user);
    size_t colon = str_find_byte(line, ':', 0);
    str name = str_sub(line, 0, colon), value = str_sub(line, colon, line.n);
    if (value.n) /* the colon, and one space after it */
        value = str_sub(value, value.n > 1 && value.p[1] == ' ' ? 2 : 1, value.n);
    if (colon != 0)
        take_field(s, name, value);
    return true;
}

/* The first line's end at or after `from`; the chunk's length where there is none. */
static size_t line_end(str chunk, size_t from)
{
    const char *lf = memchr(chunk.p + from, '\n', chunk.n - from);
    size_t end = lf ? (size_t)(lf - chunk.p) : chunk.n;
    const char *cr = memchr(chunk.p + from, '\r', end - from);
    return cr ? (size_t)(cr - chunk.p) : end;
}

enum sse_fed sse_feed(struct sse *s, str chunk, sse_event_fn *fn, void *user)
{
    size_t at = 0;
    while (at < chunk.n) {
        if (s->after_cr) {
            s->after_cr = false;
            at += chunk.p[at] == '\n';
            continue;
        }
        size_t end = line_end(chunk, at);
        str line = str_sub(chunk, at, end);
        if (end == chunk.n || s->line.n) {
            buf_add_str(&s->line, line);
            line = buf_str(&s->line);
        }
        if (s->line.overflow)
            return SSE_TOO_LARGE;
        if (end == chunk.n)
            return SSE_MORE;
        s->after_cr = chunk.p[end] == '\r';
        bool ok = take_line(s, line, fn, user);
        buf_reset(&s->line);
        if (!ok || s->data.overflow)
            return ok ? SSE_TOO_LARGE : SSE_STOPPED;
        at = end + 1;
    }
    return SSE_MORE;
}
