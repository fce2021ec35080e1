/* The control group of one step's processes: made with its limits, entered through its doors, read
 * at the end. Making and removing one costs the kernel more than a short step, so one that is empty
 * again serves the next step. */
#include "base/num.h"
#include "sandbox/cgroup_int.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CPU_PERIOD_US = 100 * 1000,
    IDLE_MAX = 8,
    LEFT_BYTES_MAX = 4 << 20, /* what an ended step may leave charged: caches of the kernel's */
};

/* ---- knobs ---- */

int cgroup_write(int dir, const char *name, const char *text)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? errno : fd_write_all(fd, text, strlen(text));
}

/* The number behind key, or the whole; -1 where there is none. */
static int64_t read_number(int fd, const char *key)
{
    char text[CGROUP_KNOB_MAX];
    int64_t n;
    ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text, 0);
    if (got < 0)
        return -1;
    str all = str_make(text, (size_t)got), line;
    while (str_next(&all, '\n', &line)) {
        if (!key)
            return num_parse_int(str_trim(line), &n) ? n : -1;
        if (str_starts(line, str_of(key)) && line.n > strlen(key) && line.p[strlen(key)] == ' ' &&
            num_parse_int(str_sub(line, strlen(key) + 1, line.n), &n))
            return n;
    }
    return -1;
}

struct knob {
    enum cgroup_controller bit;
    bool v2, optional;
    const char *name;
    int64_t value;
};

static int set_limits(const struct cgroup_hierarchy *h, int dir, const struct sandbox_limits *l)
{
    int64_t quota = (int64_t)l->cpu_millis * CPU_PERIOD_US / 1000;
    const struct knob knobs[] = {
        {CGROUP_MEMORY, false, false, "memory.limit_in_bytes", l->memory_bytes},
        {CGROUP_MEMORY, false, true, "memory.memsw.limit_in_bytes", l->memory_bytes},
        {CGROUP_MEMORY, true, false, "memory.max", l->memory_bytes},
        {CGROUP_MEMORY, true, true, "memory.swap.max", 0},
        {CGROUP_PIDS, false, false, "pids.max", l->pids},
        {CGROUP_PIDS, true, false, "pids.max", l->pids},
        {CGROUP_CPU, false, false, "cpu.cfs_quota_us", quota}, /* the period is the default */
        {CGROUP_CPU, true, false, "cpu.max", quota},
    };
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
        const struct knob *k = &knobs[i];
        if (k->v2 != h->v2 || !(h->controllers & k->bit))
            continue;
        auto_buf text = BUF(32);
        buf_add_int(&text, k->value);
        int e = cgroup_write(dir, k->name, buf_c(&text));
        if (e && !k->optional)
            return e;
    }
    return 0;
}

/* What is read of each step stays open. 0 or an errno; a kernel may lack any of them. */
static int open_counters(const struct cgroup_hierarchy *h, int dir, struct cgroup *g)
{
    static const struct {
        enum cgroup_controller bit;
        const char *names[2]; /* of version 1 and 2 */
    } counters[CGROUP_COUNTERS] = {
        [CGROUP_CHARGED] = {CGROUP_MEMORY, {"memory.usage_in_bytes", "memory.current"}},
        [CGROUP_OOM] = {CGROUP_MEMORY, {"memory.oom_control", "memory.events"}},
        [CGROUP_TASKS] = {CGROUP_PIDS, {"pids.current", "pids.current"}},
    };
    for (size_t i = 0; i < CGROUP_COUNTERS; i++) {
        if (!(h->controllers & counters[i].bit))
            continue;
        const char *name = counters[i].names[h->v2];
        g->counters[i] = openat(dir, name, O_RDONLY | O_CLOEXEC);
        if (g->counters[i] < 0 && errno != ENOENT)
            return errno;
    }
    return 0;
}

/* ---- a group's end ---- */

void cgroup_kill_members(int dir)
{
    auto_buf b = BUF(CGROUP_TEXT_MAX);
    if (cgroup_write(dir, "cgroup.kill", "1") == 0 || fd_read_file(dir, "cgroup.procs", &b))
        return;
    str text = buf_str(&b), line;
    int64_t pid;
    while (str_next(&text, '\n', &line))
        if (num_parse_int(line, &pid) && pid > 1)
            kill((pid_t)pid, SIGKILL);
}

static bool remove_group(struct cgroups *c, uint64_t id)
{
    bool gone = true;
    auto_buf name = BUF(32);
    buf_add_int(&name, (int64_t)id);
    for (size_t i = 0; i < c->n; i++)
        if (unlinkat(c->at[i].dir, buf_c(&name), AT_REMOVEDIR) < 0 && errno != ENOENT)
            gone = false;
    return gone;
}

void cgroup_remove_busy(struct cgroups *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->busy.n; i++)
        if (!remove_group(c, c->busy.at[i]))
            c->busy.at[kept++] = c->busy.at[i];
    c->busy.n = kept;
}

static void close_group(struct cgroup *g)
{
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        fd_close(&g->procs[i]);
        fd_close(&g->dirs[i]);
    }
    for (size_t i = 0; i < CGROUP_COUNTERS; i++)
        fd_close(&g->counters[i]);
    g->id = 0;
}

/* An empty one is removed at once: looking for its processes costs more than that. */
static void remove_and_close(struct cgroups *c, struct cgroup *g)
{
    if (!remove_group(c, g->id)) {
        for (size_t i = 0; i < c->n; i++)
            if (g->dirs[i] >= 0)
                cgroup_kill_members(g->dirs[i]);
        if (!remove_group(c, g->id))
            vec_push(&c->busy, g->id);
    }
    close_group(g);
}

void cgroups_remove_idle(struct cgroups *c)
{
    vec_each (g, &c->idle)
        remove_and_close(c, g);
    vec_done(&c->idle);
}

/* Nobody is in it, nobody was killed in it, and the next step is not charged for what this one
 * left. */
static bool is_as_new(const struct cgroup *g, const struct sandbox_exit *exit)
{
    return g->counters[CGROUP_TASKS] >= 0 && !exit->oom &&
           read_number(g->counters[CGROUP_TASKS], NULL) == 0 &&
           read_number(g->counters[CGROUP_CHARGED], NULL) <= LEFT_BYTES_MAX;
}

void cgroup_end(struct cgroups *c, struct cgroup *g, struct sandbox_exit *exit)
{
    if (!g->id)
        return;
    exit->oom = read_number(g->counters[CGROUP_OOM], "oom_kill") > 0;
    if (c->idle.n < IDLE_MAX && is_as_new(g, exit))
        vec_push(&c->idle, *g);
    else
        remove_and_close(c, g);
    *g = CGROUP_INIT;
}

/* ---- a group's begin ---- */

static bool limits_equal(const struct sandbox_limits *a, const struct sandbox_limits *b)
{
    return a->memory_bytes == b->memory_bytes && a->cpu_millis == b->cpu_millis &&
           a->pids == b->pids;
}

static bool change_limits(struct cgroups *c, struct cgroup *g, const struct sandbox_limits *limits)
{
    for (size_t i = 0; i < c->n; i++)
        if (g->dirs[i] >= 0 && set_limits(&c->at[i], g->dirs[i], limits))
            return false;
    g->limits = *limits;
    return true;
}

/* One that an earlier step had. */
static bool take_idle(struct cgroups *c, const struct sandbox_limits *limits, bool network,
                      struct cgroup *ret_group)
{
    for (size_t i = c->idle.n; i-- > 0;) {
        struct cgroup g = c->idle.at[i];
        if (g.network != network)
            continue;
        c->idle.at[i] = c->idle.at[--c->idle.n];
        if (limits_equal(&g.limits, limits) || change_limits(c, &g, limits)) {
            *ret_group = g;
            return true;
        }
        remove_and_close(c, &g);
    }
    return false;
}

/* 0 or an errno. */
static int make_in(const struct cgroup_hierarchy *h, size_t i, const char *name, struct cgroup *g)
{
    int e = mkdirat(h->dir, name, 0755) < 0 ? errno : 0;
    g->dirs[i] = openat(h->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!e && g->dirs[i] < 0)
        e = errno;
    if (!e)
        e = set_limits(h, g->dirs[i], &g->limits);
    if (!e)
        e = open_counters(h, g->dirs[i], g);
    if (e)
        return e;
    /* Version 1 lets a thread move itself without the lock that stops every fork of the machine and
     * waits for all processors (about 9 ms); the child has one thread only. */
    g->procs[i] = openat(g->dirs[i], h->v2 ? "cgroup.procs" : "tasks", O_WRONLY | O_CLOEXEC);
    return g->procs[i] < 0 ? errno : 0;
}

bool cgroup_make(struct cgroups *c, const struct sandbox_limits *limits, bool network,
                 struct cgroup *ret_group, struct err *err)
{
    struct cgroup g = CGROUP_INIT;
    auto_buf name = BUF(32);
    cgroup_remove_busy(c);
    if (!take_idle(c, limits, network, &g)) {
        g.id = ++c->next;
        g.limits = *limits;
        g.network = network;
        buf_add_int(&name, (int64_t)g.id);
        for (size_t i = 0; i < c->n; i++) {
            int e = c->at[i].controllers || network ? make_in(&c->at[i], i, buf_c(&name), &g) : 0;
            if (!e)
                continue;
            err_errno(err, "sandbox_limits", e, "no control group can be made in %s/%s",
                      c->bases[i], c->name);
            remove_group(c, g.id);
            close_group(&g);
            return false;
        }
    }
    *ret_group = g;
    return true;
}
