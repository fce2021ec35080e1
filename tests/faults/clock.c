/* Linked into the whole program: PLUE_FAULT_CLOCK=FILE shifts the clock on the wall by the
 * milliseconds that stand in FILE's first 8 bytes now, so that a test can set it while a run is
 * live. The clock that is never set stays as it is. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;

__attribute__((constructor)) static void map_shift(void)
{
    const char *path = getenv("PLUE_FAULT_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    shift = at == MAP_FAILED ? NULL : at;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int result = (int)syscall(SYS_clock_gettime, id, t);
    if (result || !shift || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
        return result;
    int64_t ms = *shift + t->tv_nsec / 1000000;
    int64_t seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
    t->tv_sec += seconds;
    t->tv_nsec = (long)(ms - seconds * 1000) * 1000000 + t->tv_nsec % 1000000;
    return 0;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
