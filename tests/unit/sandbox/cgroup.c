/* Control groups of both versions on a made-up hierarchy: folders of the disk in which this file
 * plays the kernel, which fills a group's folder when it is made, refuses to remove a busy one, and
 * obeys cgroup.kill. */
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int kernel_mkdirat(int dir, const char *name, mode_t mode);
static int kernel_unlinkat(int dir, const char *name, int flags);
#define mkdirat kernel_mkdirat
#define unlinkat kernel_unlinkat
#include "sandbox/cgroup.c"
#include "sandbox/cgroup_step.c"
#undef mkdirat
#undef unlinkat

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 << 10 };

struct fixture {
    char top[64];
    struct cgroups c;
};

/* ---- the kernel ---- */

static struct {
    bool v2, has_kill, needs_leaf;
    int busy;    /* how often rmdir is refused yet */
    int killed;  /* groups that were told to die */
    int removed; /* groups */
} kernel;

static void put(int dir, const char *name, const char *text)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static int kernel_mkdirat(int dir, const char *name, mode_t mode)
{
    static const char *const v1[] = {"tasks",
                                     "cgroup.procs",
                                     "memory.limit_in_bytes",
                                     "memory.memsw.limit_in_bytes",
                                     "pids.max",
                                     "cpu.cfs_period_us",
                                     "cpu.cfs_quota_us",
                                     "memory.usage_in_bytes",
                                     "memory.oom_control",
                                     "pids.current",
                                     NULL};
    static const char *const v2[] = {
        "cgroup.procs", "cgroup.subtree_control", "memory.max",    "memory.swap.max", "pids.max",
        "cpu.max",      "memory.current",         "memory.events", "pids.current",    NULL};
    if ((mkdirat)(dir, name, mode) < 0)
        return -1;
    auto_fd made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *const *knob = kernel.v2 ? v2 : v1; *knob; knob++)
        put(made, *knob, "");
    if (kernel.v2 && kernel.has_kill)
        put(made, "cgroup.kill", "");
    if (kernel.needs_leaf && strcmp(name, "plue.self") == 0) {
        (unlinkat)(dir, "cgroup.subtree_control", AT_REMOVEDIR);
        put(dir, "cgroup.subtree_control", "");
    }
    return 0;
}

static void read_back(int dir, const char *name, struct buf *text)
{
    buf_reset(text);
    (void)!fd_read_file(dir, name, text);
}

static int kernel_unlinkat(int dir, const char *name, int flags)
{
    auto_buf text = BUF(TEXT_MAX);
    auto_fd group = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0)
        return -1;
    read_back(group, "cgroup.kill", &text);
    kernel.killed += str_is(buf_str(&text), "1");
    if (kernel.busy) {
        kernel.busy--;
        errno = EBUSY;
        return -1;
    }
    DIR *d = fdopendir(dup(group));
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_type == DT_REG)
            (unlinkat)(group, e->d_name, 0);
    closedir(d);
    int result = (unlinkat)(dir, name, flags);
    kernel.removed += result == 0;
    return result;
}

/* ---- the host ---- */

static int at(const struct fixture *f, const char *path)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s%s", f->top, path);
    int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    memset(&kernel, 0, sizeof kernel);
    kernel.v2 = kernel.has_kill = true;
    strcpy(f->top, "/tmp/plue-cgroup-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    auto_fd top = at(f, "");
    put(top, "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    put(top, "cgroup.subtree_control", "");
    put(top, "cgroup.procs", "");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", f->top);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* As cgroups_open, of one mount. */
static void open_at(struct fixture *f, const char *type, const char *super)
{
    auto_buf line = BUF(TEXT_MAX);
    buf_addf(&line, "36 31 0:33 / %s rw,nosuid shared:9 - %s cgroup %s", f->top, type, super);
    f->c = (struct cgroups){0};
    strcpy(f->c.name, "plue.1.test");
    add_mount(&f->c, buf_str(&line), kernel.v2 ? STR("0::/\n") : STR("4:memory,pids,cpu:/\n"));
}

static void assert_knob(const struct fixture *f, const char *group, const char *knob,
                        const char *expected)
{
    auto_buf text = BUF(TEXT_MAX);
    auto_fd dir = at(f, group);
    read_back(dir, knob, &text);
    assert_string_equal(buf_c(&text), expected);
}

static const struct sandbox_limits limits = {
    .memory_bytes = (int64_t)4 << 30, .cpu_millis = 2000, .pids = 512};

static struct cgroup make(struct fixture *f)
{
    struct cgroup g;
    auto_err err = ERR_INIT;
    if (!cgroup_make(&f->c, &limits, false, &g, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    return g;
}

static bool is_there(const struct fixture *f, const char *path)
{
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s%s", f->top, path);
    return access(full, F_OK) == 0;
}

/* ---- version 2 ---- */

static void v2__a_group_has_its_limits_and_a_door(void **state)
{
    struct fixture *f = *state;
    open_at(f, "cgroup2", "rw");
    assert_int_equal(f->c.controllers, CGROUP_ALL);
    assert_knob(f, "", "cgroup.subtree_control", "+memory +pids +cpu");
    assert_knob(f, "/plue.1.test", "cgroup.subtree_control", "+memory +pids +cpu");
    struct cgroup g = make(f);
    assert_knob(f, "/plue.1.test/1", "memory.max", "4294967296");
    assert_knob(f, "/plue.1.test/1", "memory.swap.max", "0");
    assert_knob(f, "/plue.1.test/1", "pids.max", "512");
    assert_knob(f, "/plue.1.test/1", "cpu.max", "200000");
    assert_int_equal(write(g.procs[0], "0", 1), 1);
    assert_knob(f, "/plue.1.test/1", "cgroup.procs", "0");
    struct sandbox_exit exit = {0};
    cgroup_end(&f->c, &g, &exit);
    cgroups_close(&f->c);
}

static void v2__its_end_kills_reads_what_was_used_and_removes_it(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    {
        auto_fd dir = at(f, "/plue.1.test/1");
        put(dir, "memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\n");
    }
    kernel.busy = 1; /* somebody is left in it */
    cgroup_end(&f->c, &g, &exit);
    assert_int_equal(kernel.killed, 1);
    assert_true(exit.oom);
    assert_false(is_there(f, "/plue.1.test/1"));
    cgroups_close(&f->c);
    assert_false(is_there(f, "/plue.1.test"));
}

static void v2__an_event_of_another_kind_is_no_kill_for_memory(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    {
        auto_fd dir = at(f, "/plue.1.test/1");
        put(dir, "memory.events", "max 12\noom 2\noom_kill 0\noom_kill_group 5\n");
    }
    cgroup_end(&f->c, &g, &exit);
    assert_false(exit.oom);
    cgroups_close(&f->c);
}

static void v2__a_busy_group_is_removed_later(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    kernel.busy = 2; /* also once all in it were killed */
    cgroup_end(&f->c, &g, &exit);
    assert_true(is_there(f, "/plue.1.test/1"));
    struct cgroup other = make(f);
    assert_int_equal(other.id, 2);
    assert_false(is_there(f, "/plue.1.test/1"));
    kernel.busy = 4; /* and where none is made any more: when all ends */
    cgroup_end(&f->c, &other, &exit);
    cgroups_close(&f->c);
    assert_false(is_there(f, "/plue.1.test"));
}

static void v2__without_cgroup_kill_each_member_is_killed(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    int status;
    kernel.has_kill = false;
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    auto_buf text = BUF(64);
    buf_addf(&text, "%d\n", (int)child);
    assert_int_equal(write(g.procs[0], buf_c(&text), text.n), (ssize_t)text.n);
    kernel.busy = 1;
    cgroup_end(&f->c, &g, &exit);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cgroups_close(&f->c);
}

static void v2__a_group_of_our_own_is_delegated_through_a_leaf(void **state)
{
    struct fixture *f = *state;
    auto_fd top = at(f, "");
    (unlinkat)(top, "cgroup.subtree_control", 0);
    (mkdirat)(top, "cgroup.subtree_control", 0755); /* refuses to be written until we step aside */
    kernel.needs_leaf = true;
    open_at(f, "cgroup2", "rw");
    assert_int_equal(f->c.controllers, CGROUP_ALL);
    assert_knob(f, "/plue.self", "cgroup.procs", "0");
    cgroups_close(&f->c);
}

static void v2__a_group_that_is_not_ours_gives_no_limits(void **state)
{
    struct fixture *f = *state;
    auto_fd top = at(f, "");
    (unlinkat)(top, "cgroup.subtree_control", 0);
    (mkdirat)(top, "cgroup.subtree_control", 0755);
    open_at(f, "cgroup2", "rw");
    assert_int_equal(f->c.controllers, 0);
    assert_false(is_there(f, "/plue.self"));
    assert_knob(f, "", "cgroup.procs", "0"); /* we are back where we were */
    cgroups_close(&f->c);
}

static void v2__controllers_that_are_not_there_are_not_used(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    auto_fd top = at(f, "");
    put(top, "cgroup.controllers", "cpuset io pids\n");
    open_at(f, "cgroup2", "rw");
    assert_int_equal(f->c.controllers, CGROUP_PIDS);
    struct cgroup g = make(f);
    assert_knob(f, "/plue.1.test/1", "pids.max", "512");
    assert_knob(f, "/plue.1.test/1", "memory.max", "");
    cgroup_end(&f->c, &g, &exit);
    cgroups_close(&f->c);
}

static void v2__a_limit_that_cannot_be_set_is_an_error_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct cgroup g;
    auto_err err = ERR_INIT;
    open_at(f, "cgroup2", "rw");
    kernel.v2 = false; /* the new group has no memory.max */
    assert_false(cgroup_make(&f->c, &limits, false, &g, &err));
    assert_string_equal(err.code, "sandbox_limits");
    assert_false(is_there(f, "/plue.1.test/1"));
    kernel.v2 = true;
    cgroups_close(&f->c);
}

/* ---- one group for several steps ---- */

/* What the kernel counts of the step in group 1. */
static void count(const struct fixture *f, const char *tasks, const char *charged, int oom_kills)
{
    char text[64];
    auto_fd dir = at(f, "/plue.1.test/1");
    put(dir, "pids.current", tasks);
    put(dir, "memory.current", charged);
    snprintf(text, sizeof text, "oom 7\noom_kill %d\n", oom_kills);
    put(dir, "memory.events", text);
}

static void again__an_empty_group_serves_the_next_step(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit first = {0}, second = {0}, third = {0};
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    count(f, "0\n", "4096\n", 0);
    cgroup_end(&f->c, &g, &first);
    assert_int_equal(g.id, 0);
    assert_true(is_there(f, "/plue.1.test/1"));

    g = make(f);
    assert_int_equal(g.id, 1);
    assert_int_equal(write(g.procs[0], "0", 1), 1);
    count(f, "0\n", "4096\n", 0);
    cgroup_end(&f->c, &g, &second);
    assert_false(second.oom);

    g = make(f);
    count(f, "0\n", "4096\n", 2);
    cgroup_end(&f->c, &g, &third);
    assert_true(third.oom);
    assert_false(is_there(f, "/plue.1.test/1")); /* it is not given to another step */
    assert_int_equal(kernel.removed, 1);
    assert_int_equal(kernel.killed, 0);
    cgroups_close(&f->c);
}

static void again__other_limits_are_set_anew(void **state)
{
    struct fixture *f = *state;
    struct sandbox_limits other = limits;
    struct sandbox_exit exit = {0};
    auto_err err = ERR_INIT;
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    count(f, "0\n", "0\n", 0);
    cgroup_end(&f->c, &g, &exit);
    other.pids = 600;
    other.memory_bytes = (int64_t)8 << 30;
    assert_true(cgroup_make(&f->c, &other, false, &g, &err));
    assert_int_equal(g.id, 1);
    assert_knob(f, "/plue.1.test/1", "pids.max", "600");
    assert_knob(f, "/plue.1.test/1", "memory.max", "8589934592");
    cgroup_end(&f->c, &g, &exit);
    cgroups_close(&f->c);
    assert_false(is_there(f, "/plue.1.test"));
}

static void again__a_step_that_may_use_the_network_gets_none_that_did_not(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    auto_err err = ERR_INIT;
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    count(f, "0\n", "0\n", 0);
    cgroup_end(&f->c, &g, &exit);
    assert_true(cgroup_make(&f->c, &limits, true, &g, &err));
    assert_int_equal(g.id, 2);
    cgroup_end(&f->c, &g, &exit);
    cgroups_close(&f->c);
    assert_false(is_there(f, "/plue.1.test"));
}

/* The group of a step that has left these. */
static void expect_removed(struct fixture *f, const char *tasks, const char *charged)
{
    struct sandbox_exit exit = {0};
    open_at(f, "cgroup2", "rw");
    struct cgroup g = make(f);
    count(f, tasks, charged, 0);
    cgroup_end(&f->c, &g, &exit);
    assert_false(is_there(f, "/plue.1.test/1"));
    cgroups_close(&f->c);
}

static void again__no_group_in_which_somebody_is_left(void **state)
{
    expect_removed(*state, "1\n", "0\n");
}

/* Files in /tmp are charged to the step that wrote them, for as long as they are there. */
static void again__no_group_that_is_charged_for_what_was_left(void **state)
{
    expect_removed(*state, "0\n", "5000000\n");
}

/* ---- what others left ---- */

static void dead__the_groups_of_a_dead_program_are_ended(void **state)
{
    struct fixture *f = *state;
    auto_fd top = at(f, "");
    kernel_mkdirat(top, "plue.99.dead", 0755);
    kernel_mkdirat(top, "plue.98.alive", 0755);
    kernel_mkdirat(top, "other", 0755);
    {
        auto_fd dead = at(f, "/plue.99.dead");
        kernel_mkdirat(dead, "7", 0755);
    }
    auto_fd alive = at(f, "/plue.98.alive");
    assert_int_equal(flock(alive, LOCK_EX), 0);
    kernel.busy = 2;
    open_at(f, "cgroup2", "rw");
    assert_int_equal(kernel.busy, 0);
    assert_true(kernel.killed >= 1);
    assert_false(is_there(f, "/plue.99.dead"));
    assert_true(is_there(f, "/plue.98.alive"));
    assert_true(is_there(f, "/other"));
    cgroups_close(&f->c);
}

/* ---- version 1 ---- */

static void v1__a_group_has_its_limits_and_the_door_of_threads(void **state)
{
    struct fixture *f = *state;
    struct sandbox_exit exit = {0};
    kernel.v2 = false;
    open_at(f, "cgroup", "rw,cpu,cpuacct,memory,pids");
    assert_int_equal(f->c.controllers, CGROUP_ALL);
    struct cgroup g = make(f);
    assert_knob(f, "/plue.1.test/1", "memory.limit_in_bytes", "4294967296");
    assert_knob(f, "/plue.1.test/1", "memory.memsw.limit_in_bytes", "4294967296");
    assert_knob(f, "/plue.1.test/1", "pids.max", "512");
    assert_knob(f, "/plue.1.test/1", "cpu.cfs_quota_us", "200000");
    assert_int_equal(write(g.procs[0], "0", 1), 1);
    assert_knob(f, "/plue.1.test/1", "tasks", "0");
    {
        auto_fd dir = at(f, "/plue.1.test/1");
        put(dir, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    }
    cgroup_end(&f->c, &g, &exit);
    assert_true(exit.oom);
    cgroups_close(&f->c);
}

#define GROUPS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUPS(v2__a_group_has_its_limits_and_a_door),
        GROUPS(v2__its_end_kills_reads_what_was_used_and_removes_it),
        GROUPS(v2__an_event_of_another_kind_is_no_kill_for_memory),
        GROUPS(v2__a_busy_group_is_removed_later),
        GROUPS(v2__without_cgroup_kill_each_member_is_killed),
        GROUPS(v2__a_group_of_our_own_is_delegated_through_a_leaf),
        GROUPS(v2__a_group_that_is_not_ours_gives_no_limits),
        GROUPS(v2__controllers_that_are_not_there_are_not_used),
        GROUPS(v2__a_limit_that_cannot_be_set_is_an_error_and_leaves_nothing),
        GROUPS(again__an_empty_group_serves_the_next_step),
        GROUPS(again__other_limits_are_set_anew),
        GROUPS(again__a_step_that_may_use_the_network_gets_none_that_did_not),
        GROUPS(again__no_group_in_which_somebody_is_left),
        GROUPS(again__no_group_that_is_charged_for_what_was_left),
        GROUPS(dead__the_groups_of_a_dead_program_are_ended),
        GROUPS(v1__a_group_has_its_limits_and_the_door_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
