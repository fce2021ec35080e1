/* clock: time as a value, so that a test can hold it still. Nothing pure reads it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include "base/buf.h"

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);
/* Milliseconds on a clock that is never set back. */
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
/* RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z. */
void clock_add_rfc3339(struct buf *b, int64_t wall_ms);
/* "1m 05s", "4.2s", "13ms": for people. */
void clock_add_duration(struct buf *b, int64_t ms);

#endif
