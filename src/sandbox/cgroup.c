/* Version 1 has a hierarchy for each controller, version 2 one for all, and a host may have both:
 * each controller is taken from wherever it is writable. Our folder there is locked (flock) as long
 * as we live, which is how another start tells a dead program's folder from a living one's. */
#include "base/clock.h"
#include "base/num.h"
#include "sandbox/sandbox_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PROC_TEXT_MAX = 1 << 20,
    KNOB_MAX = 4096,
    CPU_PERIOD_US = 100 * 1000,
    CREATE_TRIES = 8,
    END_TRIES = 200, /* a killed process leaves its group a moment later */
    END_PAUSE_NS = 1000 * 1000,
};

static const struct {
    const char *name;
    enum cgroup_controller bit;
    const char *v2_knob;
} controllers[] = {
    {"memory", CGROUP_MEMORY, "memory.max"},
    {"pids", CGROUP_PIDS, "pids.max"},
    {"cpu", CGROUP_CPU, "cpu.max"},
};

/* Bits of the controllers named in a list such as "rw,cpu,cpuacct" or "cpuset cpu io". */
static unsigned controllers_in(str list)
{
    unsigned found = 0;
    while (list.n) {
        size_t end = 0;
        while (end < list.n && list.p[end] != ',' && list.p[end] != ' ' && list.p[end] != '\n')
            end++;
        for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++)
            if (str_is(str_sub(list, 0, end), controllers[i].name))
                found |= controllers[i].bit;
        list = str_sub(list, end + 1, list.n);
    }
    return found;
}

static int write_knob(int dir, const char *name, const char *text)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? errno : fd_write_all(fd, text, strlen(text));
}

static int64_t read_knob(int dir, const char *name, const char *key)
{
    auto_buf b = BUF(KNOB_MAX);
    int64_t n;
    if (fd_read_file(dir, name, &b))
        return -1;
    str text = buf_str(&b), line;
    while (str_next(&text, '\n', &line)) {
        if (!key)
            return num_parse_int(str_trim(line), &n) ? n : -1;
        if (str_starts(line, str_of(key)) && line.n > strlen(key) && line.p[strlen(key)] == ' ' &&
            num_parse_int(str_sub(line, strlen(key) + 1, line.n), &n))
            return n;
    }
    return -1;
}

/* Our path in the hierarchy that has this controller ("" for version 2), from /proc/self/cgroup. */
static str own_path(str table, unsigned bits, bool v2)
{
    str line;
    while (str_next(&table, '\n', &line)) {
        str id, names;
        if (!str_next(&line, ':', &id) || !str_next(&line, ':', &names))
            continue;
        if (v2 ? str_is(id, "0") && !names.n : (controllers_in(names) & bits) != 0)
            return str_starts(line, STR("/..")) ? STR("/") : line;
    }
    return STR("/");
}

/* In version 2 a group with processes cannot hand controllers to its children: step aside into a
 * leaf of our own, which succeeds where the group is ours alone (Delegate=yes of systemd). */
static bool v2_delegate(int base)
{
    static const char all[] = "+memory +pids +cpu";
    if (!write_knob(base, "cgroup.subtree_control", all))
        return true;
    if (mkdirat(base, "plue.self", 0755) < 0 && errno != EEXIST)
        return false;
    if (write_knob(base, "plue.self/cgroup.procs", "0"))
        return false;
    if (!write_knob(base, "cgroup.subtree_control", all))
        return true;
    write_knob(base, "cgroup.procs", "0");
    unlinkat(base, "plue.self", AT_REMOVEDIR);
    return false;
}

static void kill_members(int dir)
{
    auto_buf b = BUF(PROC_TEXT_MAX);
    if (write_knob(dir, "cgroup.kill", "1") == 0 || fd_read_file(dir, "cgroup.procs", &b))
        return;
    str text = buf_str(&b), line;
    int64_t pid;
    while (str_next(&text, '\n', &line))
        if (num_parse_int(line, &pid) && pid > 1)
            kill((pid_t)pid, SIGKILL);
}

static void each_folder(int dir, void (*visit)(int dir, const char *name, void *user), void *user)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        fd_close(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            visit(dir, e->d_name, user);
    closedir(d);
}

static void end_dead_tree(int dir, const char *name, void *user)
{
    (void)user;
    auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < END_TRIES && fd >= 0; i++) {
        kill_members(fd);
        if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
            return;
        nanosleep(&(struct timespec){.tv_nsec = END_PAUSE_NS}, NULL);
    }
}

static void end_dead_program(int dir, const char *name, void *user)
{
    (void)user;
    if (strncmp(name, "plue.", 5) != 0 || strcmp(name, "plue.self") == 0)
        return;
    auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    each_folder(fd, end_dead_tree, NULL);
    unlinkat(dir, name, AT_REMOVEDIR);
}

/* Our folder below base, locked. A start at the same time may take it for a dead one and remove
 * it before it is locked: then again. */
static int make_locked(int base, const char *name)
{
    for (int i = 0; i < CREATE_TRIES; i++) {
        struct stat mine, there;
        if (mkdirat(base, name, 0755) < 0 && errno != EEXIST)
            return -1;
        auto_fd fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &mine) == 0 &&
            fstatat(base, name, &there, 0) == 0 && mine.st_ino == there.st_ino)
            return fd_steal(&fd);
    }
    return -1;
}

static void add_hierarchy(struct cgroups *c, const char *path, unsigned bits, bool v2)
{
    auto_fd base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0 || c->n == CGROUP_HIERARCHIES)
        return;
    each_folder(base, end_dead_program, NULL);
    if (v2) {
        auto_buf b = BUF(KNOB_MAX);
        if (fd_read_file(base, "cgroup.controllers", &b))
            return;
        bits &= controllers_in(buf_str(&b));
        if (bits && !v2_delegate(base))
            bits = 0;
    }
    auto_fd dir = make_locked(base, c->name);
    if (dir < 0)
        return;
    if (v2 && bits && write_knob(dir, "cgroup.subtree_control", "+memory +pids +cpu"))
        bits = 0;
    c->bases[c->n] = mem_dup(path, strlen(path));
    c->at[c->n++] = (struct cgroup_hierarchy){.dir = fd_steal(&dir), .controllers = bits, .v2 = v2};
    c->controllers |= bits;
}

/* One line of mountinfo: "36 31 0:33 ROOT POINT OPTIONS ... - TYPE SOURCE SUPER". */
static void add_mount(struct cgroups *c, str line, str own)
{
    str field[6], tail = line, root, point;
    for (size_t i = 0; i < 6; i++)
        if (!str_next(&tail, ' ', &field[i]))
            return;
    root = field[3], point = field[4];
    size_t dash = str_find(tail, STR("- "), 0);
    if (dash == (size_t)-1)
        return;
    tail = str_sub(tail, dash + 2, tail.n);
    str type, source;
    if (!str_next(&tail, ' ', &type) || !str_next(&tail, ' ', &source))
        return;
    bool v2 = str_is(type, "cgroup2");
    unsigned bits = v2 ? CGROUP_ALL : str_is(type, "cgroup") ? controllers_in(tail) : 0;
    bits &= ~c->controllers;
    if (!bits && !v2)
        return;
    str below = own_path(own, bits, v2);
    if (root.n > 1 && str_starts(below, root)) /* a container sees its part only */
        below = str_sub(below, root.n, below.n);
    if (str_ends(below, STR("/plue.self")))
        below.n -= strlen("/plue.self");
    auto_buf path = BUF(KNOB_MAX);
    buf_addf(&path, "%.*s%.*s", STR_ARG(point), STR_ARG(below));
    if (!path.overflow)
        add_hierarchy(c, buf_c(&path), bits, v2);
}

void cgroups_open(struct cgroups *c)
{
    auto_buf mounts = BUF(PROC_TEXT_MAX), own = BUF(PROC_TEXT_MAX);
    auto_fd mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    auto_fd own_fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);

    *c = (struct cgroups){0};
    auto_buf name = BUF(sizeof c->name - 1);
    buf_addf(&name, "plue.%d.%llx", (int)getpid(), (unsigned long long)clock_mono_ns());
    memcpy(c->name, buf_c(&name), name.n + 1);
    if (mounts_fd < 0 || own_fd < 0 || fd_read_all(mounts_fd, &mounts) || fd_read_all(own_fd, &own))
        return;
    str text = buf_str(&mounts), line;
    while (str_next(&text, '\n', &line))
        add_mount(c, line, buf_str(&own));
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

/* rmdir may be refused for a moment after the last process has ended. */
static void remove_busy(struct cgroups *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->busy.n; i++)
        if (!remove_group(c, c->busy.at[i]))
            c->busy.at[kept++] = c->busy.at[i];
    c->busy.n = kept;
}

void cgroups_close(struct cgroups *c)
{
    for (int i = 0; c->busy.n && i < END_TRIES; i++) {
        remove_busy(c);
        if (c->busy.n)
            nanosleep(&(struct timespec){.tv_nsec = END_PAUSE_NS}, NULL);
    }
    for (size_t i = 0; i < c->n; i++) {
        auto_fd base = open(c->bases[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd_close(&c->at[i].dir);
        if (base >= 0)
            unlinkat(base, c->name, AT_REMOVEDIR);
        free(c->bases[i]);
    }
    vec_done(&c->busy);
    *c = (struct cgroups){0};
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
        int e = write_knob(dir, k->name, buf_c(&text));
        if (e && !k->optional)
            return e;
    }
    return 0;
}

bool cgroups_guard_network(struct cgroups *c)
{
    for (size_t i = 0; i < c->n && c->guard == GUARD_UNTRIED; i++)
        if (c->at[i].v2 && egress_guard(c->at[i].dir))
            c->guard = GUARD_KEPT;
    if (c->guard == GUARD_UNTRIED)
        c->guard = GUARD_FAILED;
    return c->guard == GUARD_KEPT;
}

void cgroup_close_doors(struct cgroup *g)
{
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        fd_close(&g->procs[i]);
}

static void cgroup_close(struct cgroup *g)
{
    cgroup_close_doors(g);
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        fd_close(&g->dirs[i]);
}

bool cgroup_make(struct cgroups *c, const struct sandbox_limits *limits, bool network,
                 struct cgroup *ret_group, struct err *err)
{
    struct cgroup g = CGROUP_INIT;
    auto_buf name = BUF(32);
    g.id = ++c->next;
    buf_add_int(&name, (int64_t)g.id);
    remove_busy(c);
    for (size_t i = 0; i < c->n; i++) {
        if (!c->at[i].controllers && !network)
            continue;
        int e = mkdirat(c->at[i].dir, buf_c(&name), 0755) < 0 ? errno : 0;
        g.dirs[i] = openat(c->at[i].dir, buf_c(&name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!e && g.dirs[i] < 0)
            e = errno;
        if (!e)
            e = set_limits(&c->at[i], g.dirs[i], limits);
        /* Version 1 lets a thread move itself without the lock that stops every fork of the
         * machine and waits for all processors (about 9 ms); the child has one thread only. */
        const char *door = c->at[i].v2 ? "cgroup.procs" : "tasks";
        if (!e && (g.procs[i] = openat(g.dirs[i], door, O_WRONLY | O_CLOEXEC)) < 0)
            e = errno;
        if (!e)
            continue;
        err_errno(err, "sandbox_limits", e, "no control group can be made in %s/%s", c->bases[i],
                  c->name);
        cgroup_close(&g);
        remove_group(c, g.id);
        return false;
    }
    *ret_group = g;
    return true;
}

static void read_usage(const struct cgroup_hierarchy *h, int dir, struct sandbox_exit *exit)
{
    int64_t n;
    if (h->controllers & CGROUP_MEMORY) {
        exit->memory_peak =
            read_knob(dir, h->v2 ? "memory.peak" : "memory.max_usage_in_bytes", NULL);
        exit->oom = read_knob(dir, h->v2 ? "memory.events" : "memory.oom_control", "oom_kill") > 0;
    }
    if (h->controllers & CGROUP_CPU) {
        n = h->v2 ? read_knob(dir, "cpu.stat", "usage_usec")
                  : read_knob(dir, "cpuacct.usage", NULL);
        exit->cpu_ms = n < 0 ? -1 : n / (h->v2 ? 1000 : 1000 * 1000);
    }
}

/* An empty one is removed at once: looking for its processes costs more than that. */
void cgroup_end(struct cgroups *c, struct cgroup *g, struct sandbox_exit *exit)
{
    if (!g->id)
        return;
    for (size_t i = 0; i < c->n; i++)
        if (g->dirs[i] >= 0)
            read_usage(&c->at[i], g->dirs[i], exit);
    if (!remove_group(c, g->id)) {
        for (size_t i = 0; i < c->n; i++)
            if (g->dirs[i] >= 0)
                kill_members(g->dirs[i]);
        if (!remove_group(c, g->id))
            vec_push(&c->busy, g->id);
    }
    cgroup_close(g);
    g->id = 0;
}
