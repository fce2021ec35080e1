#include "choices.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHRINK_TRIES_MAX = 60000, SPAN_OF_ONE_MAX = 12, BROKEN_STATUS = 3, SECONDS_MAX = 20 };

/* Shared with the process that plays a world, which may die of it. */
struct record {
    uint64_t seed, events, worlds;
    uint32_t kind; /* of the present world */
    size_t n;      /* choices of it so far */
    uint32_t choices[CHOICES_MAX];
    char promise[PROMISE_MAX];
};
static struct record *record;

/* Of the process that plays: */
static const uint32_t *given; /* NULL: chances come from the seed */
static size_t given_n;
static uint64_t state;
static bool telling;

static uint64_t next_random(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint32_t choose(uint32_t n)
{
    if (record->n == CHOICES_MAX)
        broken("a world ends");
    uint32_t made = !given                ? (uint32_t)(next_random() % n)
                    : record->n < given_n ? given[record->n] % n
                                          : 0;
    record->choices[record->n++] = made;
    return made;
}

bool chance(uint32_t one_in)
{
    return choose(one_in) == one_in - 1;
}

void broken(const char *promise)
{
    snprintf(record->promise, sizeof record->promise, "%s", promise);
    if (telling)
        printf("broken promise: %s\n", promise);
    fflush(stdout);
    _exit(BROKEN_STATUS);
}

void count_event(void)
{
    record->events++;
}

void tell_line(const char *fmt, ...)
{
    va_list args;
    if (!telling)
        return;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
}

/* ---- a world in a process of its own ---- */

/* True where its promises were kept; else record has the one that was not. */
static bool was_kept(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        ;
    if (WIFSIGNALED(status))
        snprintf(record->promise, sizeof record->promise, "nothing dies (signal %d)",
                 WTERMSIG(status));
    else if (WEXITSTATUS(status) && WEXITSTATUS(status) != BROKEN_STATUS)
        snprintf(record->promise, sizeof record->promise, "nothing dies (status %d)",
                 WEXITSTATUS(status));
    return !WIFSIGNALED(status) && WEXITSTATUS(status) == 0;
}

static void quiet(void)
{
    setrlimit(RLIMIT_CPU, &(struct rlimit){SECONDS_MAX, SECONDS_MAX});
    (void)!freopen("/dev/null", "w", stderr);
}

static bool play(const struct world_kind *kind, const uint32_t *choices, size_t n, bool tell)
{
    record->n = 0;
    record->promise[0] = '\0';
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!tell)
            quiet();
        given = choices;
        given_n = n;
        telling = tell;
        kind->simulate();
        fflush(stdout);
        _exit(0);
    }
    return was_kept(pid);
}

/* ---- shrinking ---- */

struct shrink {
    const struct world_kind *kind;
    char promise[PROMISE_MAX];
    uint32_t *best, *candidate;
    size_t n;
    unsigned tries;
};

/* The candidate becomes the best where it breaks the same promise. */
static bool accept(struct shrink *s, size_t n)
{
    if (s->tries++ >= SHRINK_TRIES_MAX || play(s->kind, s->candidate, n, false) ||
        strcmp(record->promise, s->promise) != 0)
        return false;
    s->n = record->n < n ? record->n : n;
    memcpy(s->best, record->choices, s->n * sizeof *s->best);
    while (s->n && s->best[s->n - 1] == 0) /* what is not given is 0 */
        s->n--;
    return true;
}

static bool without(struct shrink *s, size_t at, size_t count)
{
    memcpy(s->candidate, s->best, at * sizeof *s->best);
    memcpy(s->candidate + at, s->best + at + count, (s->n - at - count) * sizeof *s->best);
    return accept(s, s->n - count);
}

static bool with(struct shrink *s, size_t at, uint32_t value)
{
    memcpy(s->candidate, s->best, s->n * sizeof *s->best);
    s->candidate[at] = value;
    return accept(s, s->n);
}

static bool remove_spans(struct shrink *s)
{
    bool smaller = false;
    for (size_t count = s->n / 2; count; count /= 2)
        for (size_t at = s->n; at >= count && s->tries < SHRINK_TRIES_MAX; at--)
            while (at + count <= s->n && without(s, at, count))
                smaller = true;
    return smaller;
}

static bool zero_spans(struct shrink *s)
{
    bool smaller = false;
    for (size_t count = s->n; count > 1; count /= 2) {
        for (size_t at = 0; at + count <= s->n && s->tries < SHRINK_TRIES_MAX; at += count) {
            bool zero = true;
            for (size_t i = at; i < at + count; i++)
                zero &= s->best[i] == 0;
            if (zero)
                continue;
            memcpy(s->candidate, s->best, s->n * sizeof *s->best);
            memset(s->candidate + at, 0, count * sizeof *s->best);
            smaller |= accept(s, s->n);
        }
    }
    return smaller;
}

/* A choice that says how much follows: one less, without what belonged to it. */
static bool lower_with_span(struct shrink *s, size_t which)
{
    for (size_t count = 1; count <= SPAN_OF_ONE_MAX && which + count < s->n; count++) {
        for (size_t at = s->n - count; at > which && s->tries < SHRINK_TRIES_MAX; at--) {
            memcpy(s->candidate, s->best, at * sizeof *s->best);
            memcpy(s->candidate + at, s->best + at + count, (s->n - at - count) * sizeof *s->best);
            s->candidate[which]--;
            if (accept(s, s->n - count))
                return true;
        }
    }
    return false;
}

static bool lower_counts(struct shrink *s)
{
    for (size_t which = 0; which < s->n; which++)
        if (s->best[which] && lower_with_span(s, which))
            return true;
    return false;
}

static bool lower_values(struct shrink *s)
{
    bool smaller = false;
    for (size_t at = 0; at < s->n; at++) {
        if (s->best[at] == 0)
            continue;
        if (with(s, at, 0)) {
            smaller = true;
            continue;
        }
        while (at < s->n && s->best[at] > 1 && with(s, at, s->best[at] - 1))
            smaller = true;
    }
    return smaller;
}

static void shrink(struct shrink *s)
{
    while (s->tries < SHRINK_TRIES_MAX &&
           (zero_spans(s) || remove_spans(s) || lower_values(s) || lower_counts(s)))
        ;
}

static int report(const struct world_kind *kind, uint64_t seed)
{
    struct shrink s = {.kind = kind, .n = record->n};
    memcpy(s.promise, record->promise, sizeof s.promise);
    s.best = malloc(CHOICES_MAX * sizeof *s.best);
    s.candidate = malloc(CHOICES_MAX * sizeof *s.candidate);
    memcpy(s.best, record->choices, s.n * sizeof *s.best);
    size_t before = s.n;
    shrink(&s);
    printf("broken promise in the world of %s, seed %" PRIu64 ": %s\n%zu choices became %zu:\n",
           kind->name, seed, s.promise, before, s.n);
    play(kind, s.best, s.n, true);
    printf("repeat with: simulate --choices %s:", kind->name);
    for (size_t i = 0; i < s.n; i++)
        printf("%s%" PRIu32, i ? "," : "", s.best[i]);
    printf("\n");
    free(s.best);
    free(s.candidate);
    return 1;
}

/* ---- running ---- */

static void share_record(void)
{
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (record == MAP_FAILED) {
        perror("simulate: no memory to share");
        exit(2);
    }
}

static void play_all(const struct world_kind *kinds, size_t n, uint64_t events)
{
    for (; record->events < events; record->seed++, record->worlds++) {
        state = record->seed * 0x2545F4914F6CDD1Du;
        record->n = 0;
        record->kind = (uint32_t)(record->seed % n);
        kinds[record->kind].simulate();
    }
}

int worlds_run(const struct world_kind *kinds, size_t n, uint64_t events, uint64_t seed)
{
    share_record();
    record->seed = seed;
    pid_t pid = fork();
    if (pid == 0) {
        play_all(kinds, n, events);
        exit(0);
    }
    if (!was_kept(pid))
        return report(&kinds[record->kind], record->seed);
    printf("%" PRIu64 " events in %" PRIu64 " worlds, all promises kept\n", record->events,
           record->worlds);
    return 0;
}

static const struct world_kind *find_kind(const struct world_kind *kinds, size_t n,
                                          const char *text)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(kinds[i].name);
        if (strncmp(text, kinds[i].name, length) == 0 && text[length] == ':')
            return &kinds[i];
    }
    return NULL;
}

int worlds_repeat(const struct world_kind *kinds, size_t n, const char *text)
{
    const struct world_kind *kind = find_kind(kinds, n, text);
    if (!kind) {
        fprintf(stderr, "simulate: '%s' does not begin with the kind of a world\n", text);
        return 2;
    }
    share_record();
    uint32_t *choices = calloc(CHOICES_MAX, sizeof *choices);
    size_t count = 0;
    char *at = strchr(text, ':');
    while (at && *++at && count < CHOICES_MAX) {
        choices[count++] = (uint32_t)strtoul(at, &at, 10);
        at = *at == ',' ? at : NULL;
    }
    bool kept = play(kind, choices, count, true);
    if (kept)
        printf("all promises kept\n");
    free(choices);
    return !kept;
}
