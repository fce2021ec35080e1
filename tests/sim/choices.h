/* choices: where a simulated world takes its chances from. What was chosen is kept, so that a world
 * in which a promise broke can be had again, made smaller, and told. 0 is always the simplest
 * choice: nothing more, nothing special. */
#ifndef TESTS_SIM_CHOICES_H
#define TESTS_SIM_CHOICES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHOICES_MAX = 1 << 18, PROMISE_MAX = 200 };

/* One of 0 ... n - 1. */
uint32_t choose(uint32_t n);
bool chance(uint32_t one_in);

/* ---- what a world says ---- */

/* The promise did not hold: the world ends here. */
_Noreturn void broken(const char *promise);
static inline void promise(bool holds, const char *text)
{
    if (!holds)
        broken(text);
}
void count_event(void);
/* A line of the schedule, printed where it is told. */
void tell_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- running worlds ---- */

struct world_kind {
    const char *name;
    void (*simulate)(void); /* one world, from its first choice to its end */
};
/* Worlds from seed on until so many events have happened; the status for exit. A broken promise is
 * shrunk to a minimal schedule and printed with the command that repeats it. */
int worlds_run(const struct world_kind *kinds, size_t n, uint64_t events, uint64_t seed);
/* "KIND:1,0,2": the world of these choices, told. */
int worlds_repeat(const struct world_kind *kinds, size_t n, const char *text);

#endif
