#include "base/clock.h"
#include <time.h>

int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

void clock_add_rfc3339(struct buf *b, int64_t wall_ms)
{
    int64_t s = wall_ms / 1000, ms = wall_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        s--;
    }
    time_t seconds = (time_t)s;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buf_addf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
}

void clock_add_duration(struct buf *b, int64_t ms)
{
    if (ms < 1000)
        buf_addf(b, "%dms", (int)ms);
    else if (ms < 60000)
        buf_addf(b, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
    else if (ms < 3600000)
        buf_addf(b, "%dm %02ds", (int)(ms / 60000), (int)(ms % 60000 / 1000));
    else
        buf_addf(b, "%lldh %02dm", (long long)(ms / 3600000), (int)(ms % 3600000 / 60000));
}
