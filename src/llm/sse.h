/* sse: server-sent events out of bytes that are cut anywhere, by the rules of WHATWG's HTML: lines
 * end with CR, LF or CRLF, a BOM at the start is dropped, data lines are joined by LF, an event
 * that no blank line ends is none. Refuses an event over SSE_EVENT_MAX. Knows nothing of what the
 * data means; does no I/O. */
#ifndef LLM_SSE_H
#define LLM_SSE_H
#include "base/buf.h"

enum { SSE_EVENT_MAX = 32 << 20 }; /* bytes of one event's data, and of one line */

/* type is "message" where the stream names none. Borrowed. False ends the reading. */
typedef bool sse_event_fn(void *user, str type, str data);

struct sse {
    struct buf line; /* the unfinished line */
    struct buf type, data;
    struct buf id;    /* of the last event that had one */
    int64_t retry_ms; /* the last one asked for; -1: none */
    bool begun;       /* the first line has ended */
    bool after_cr;    /* a LF that comes next belongs to the line that has ended */
};
void sse_init(struct sse *s);
void sse_done(struct sse *s);

enum sse_fed { SSE_MORE, SSE_STOPPED, SSE_TOO_LARGE };
/* Calls fn for every event that ends in the chunk. After SSE_STOPPED and SSE_TOO_LARGE feed no
 * more.
 */
enum sse_fed sse_feed(struct sse *s, str chunk, sse_event_fn *fn, void *user) must_use;

#endif
