/* Version 1 has a hierarchy for each controller, version 2 one for all, and a host may have both:
 * each controller is taken from wherever it is writable. Our folder there is locked (flock) as long
 * as we live, which is how another start tells a dead program's folder from a living one's. */
#include "base/clock.h"
#include "sandbox/cgroup_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
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
    if (!cgroup_write(base, "cgroup.subtree_control", all))
        return true;
    if (mkdirat(base, "plue.self", 0755) < 0 && errno != EEXIST)
        return false;
    if (cgroup_write(base, "plue.self/cgroup.procs", "0"))
        return false;
    if (!cgroup_write(base, "cgroup.subtree_control", all))
        return true;
    cgroup_write(base, "cgroup.procs", "0");
    unlinkat(base, "plue.self", AT_REMOVEDIR);
    return false;
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
        cgroup_kill_members(fd);
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
        auto_buf b = BUF(CGROUP_KNOB_MAX);
        if (fd_read_file(base, "cgroup.controllers", &b))
            return;
        bits &= controllers_in(buf_str(&b));
        if (bits && !v2_delegate(base))
            bits = 0;
    }
    auto_fd dir = make_locked(base, c->name);
    if (dir < 0)
        return;
    if (v2 && bits && cgroup_write(dir, "cgroup.subtree_control", "+memory +pids +cpu"))
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
    auto_buf path = BUF(CGROUP_KNOB_MAX);
    buf_addf(&path, "%.*s%.*s", STR_ARG(point), STR_ARG(below));
    if (!path.overflow)
        add_hierarchy(c, buf_c(&path), bits, v2);
}

void cgroups_open(struct cgroups *c)
{
    auto_buf mounts = BUF(CGROUP_TEXT_MAX), own = BUF(CGROUP_TEXT_MAX);
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

void cgroups_close(struct cgroups *c)
{
    cgroups_remove_idle(c);
    for (int i = 0; c->busy.n && i < END_TRIES; i++) {
        cgroup_remove_busy(c);
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

bool cgroups_guard_network(struct cgroups *c)
{
    for (size_t i = 0; i < c->n && c->guard == GUARD_UNTRIED; i++)
        if (c->at[i].v2 && egress_guard(c->at[i].dir))
            c->guard = GUARD_KEPT;
    if (c->guard == GUARD_UNTRIED)
        c->guard = GUARD_FAILED;
    return c->guard == GUARD_KEPT;
}
