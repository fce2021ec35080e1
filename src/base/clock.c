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

/* By hand: each line of a log that is followed has a time. */
static void put_digits(char *at, size_t n, int value)
{
    for (; n; value /= 10)
        at[--n] = (char)('0' + value % 10);
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
    char text[] = "0000-00-00T00:00:00.000Z";
    bool four = tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900;
    if (four)
        put_digits(text, 4, tm.tm_year + 1900);
    else
        buf_addf(b, "%04d", tm.tm_year + 1900);
    put_digits(text + 5, 2, tm.tm_mon + 1);
    put_digits(text + 8, 2, tm.tm_mday);
    put_digits(text + 11, 2, tm.tm_hour);
    put_digits(text + 14, 2, tm.tm_min);
    put_digits(text + 17, 2, tm.tm_sec);
    put_digits(text + 20, 3, (int)ms);
    buf_add_c(b, four ? text : text + 4);
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
