/* What the wall keeps in. Doctor's probes, which run in doctor.c, cover the promises one by one;
 * here are the ways round them. */
#include "base/clock.h"
#include "fixture.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what gets in ---- */

static const char refused_calls[] = "ptrace EPERM\n"
                                    "process_vm_readv EPERM\n"
                                    "process_vm_writev EPERM\n"
                                    "pidfd_getfd EPERM\n"
                                    "kcmp EPERM\n"
                                    "keyctl EPERM\n"
                                    "add_key EPERM\n"
                                    "request_key EPERM\n"
                                    "userfaultfd EPERM\n"
                                    "io_uring_setup ENOSYS\n"
                                    "io_uring_enter ENOSYS\n"
                                    "io_uring_register ENOSYS\n"
                                    "bpf EPERM\n"
                                    "perf_event_open EPERM\n"
                                    "open_by_handle_at EPERM\n"
                                    "mount EPERM\n"
                                    "umount2 EPERM\n"
                                    "open_tree EPERM\n"
                                    "move_mount EPERM\n"
                                    "fsopen EPERM\n"
                                    "fsconfig EPERM\n"
                                    "fsmount EPERM\n"
                                    "fspick EPERM\n"
                                    "mount_setattr EPERM\n"
                                    "chroot EPERM\n"
                                    "pivot_root EPERM\n"
                                    "setns EPERM\n"
                                    "clone3 ENOSYS\n"
                                    "init_module EPERM\n"
                                    "finit_module EPERM\n"
                                    "delete_module EPERM\n"
                                    "kexec_load EPERM\n"
                                    "swapon EPERM\n"
                                    "swapoff EPERM\n"
                                    "reboot EPERM\n"
                                    "settimeofday EPERM\n"
                                    "clock_settime EPERM\n"
                                    "adjtimex EPERM\n"
                                    "acct EPERM\n"
                                    "syslog EPERM\n"
                                    "sethostname EPERM\n"
                                    "unshare mount EPERM\n"
                                    "unshare user EPERM\n"
                                    "unshare user+net EPERM\n"
                                    "unshare time EPERM\n"
                                    "unshare files allowed\n"
                                    "clone user EPERM\n"
                                    "TIOCSTI EPERM\n"
                                    "TIOCSTI, high bits EPERM\n"
                                    "socket unix allowed\n"
                                    "socket inet allowed\n"
                                    "socket inet6 allowed\n"
                                    "socket netlink allowed\n"
                                    "socket vsock EAFNOSUPPORT\n"
                                    "socket alg EAFNOSUPPORT\n"
                                    "socket packet EAFNOSUPPORT\n";

static void wall__refuses_each_forbidden_call(void **state)
{
    struct fixture *f = *state;
    auto_buf command = BUF(PATH_MAX + 64);
    buf_addf(&command, "cp %s workspace/calls && chmod 755 workspace/calls", CALLS_PROGRAM);
    fixture_host(f, buf_c(&command));
    fixture_expect(f, "exec ./calls", refused_calls);
}

static void wall__no_descriptor_of_ours_leaks_in(void **state)
{
    /* One without O_CLOEXEC, as a library may leave it. */
    auto_fd stray = open("/etc/passwd", O_RDONLY);
    assert_true(stray > 2);
    fixture_expect(*state,
                   "for f in /proc/self/fd/*; do readlink $f; done | grep -v '/proc/.*/fd$' |"
                   "sed 's/[0-9]*]$/N]/'",
                   "/dev/null\npipe:[N]\npipe:[N]\n");
}

static void wall__hides_who_the_host_is(void **state)
{
    fixture_expect(*state, "hostname; id; cat /etc/hosts; ls /home /root /var /run 2>&1 | wc -l",
                   "plue\n"
                   "uid=1000(plue) gid=1000(plue) groups=1000(plue)\n"
                   "127.0.0.1 localhost plue\n"
                   "::1 localhost\n"
                   "4\n");
}

/* With 0 the kernel would still hand the dying step to a program of the host (core(5)). */
static void wall__a_crash_hands_no_core_to_the_host(void **state)
{
    fixture_expect(
        *state,
        "grep '^Max core' /proc/self/limits | tr -s ' '; sh -c 'kill -SEGV $$' 2>/dev/null;"
        "echo $?; ls /workspace",
        "Max core file size 1 1 bytes \n139\n");
}

/* An unpacked image of one static program beside a file that only root may read. */
static void make_image(struct fixture *f)
{
    fixture_host(f, "test -x /bin/busybox || exit 0; mkdir -p images/tiny/bin images/tiny/etc &&"
                    "cp /bin/busybox images/tiny/bin/ && ln -s busybox images/tiny/bin/sh &&"
                    "echo tiny >images/tiny/etc/name && echo secret >images/tiny/secret &&"
                    "chmod 600 images/tiny/secret");
}

static void wall__an_image_is_the_root_and_the_hosts_is_not(void **state)
{
    struct fixture *f = *state;
    if (access("/bin/busybox", X_OK) < 0)
        skip();
    make_image(f);
    f->image = "tiny";
    fixture_expect(f,
                   "busybox cat /etc/name; busybox ls -d /usr /opt 2>/dev/null; : >/workspace/x &&"
                   ": >/tmp/x && (: >/x) 2>/dev/null || echo walled",
                   "tiny\nwalled\n");
}

static void wall__a_file_that_only_root_may_read_stays_so(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0)
        skip();
    make_image(f);
    f->image = "tiny";
    fixture_expect(f, "busybox cat /secret", "cat: can't open '/secret': Permission denied\n");
}

static void wall__an_image_name_is_no_path(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"..", "../workspace", "/etc", "", "none", ".hidden"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        auto_err err = ERR_INIT;
        f->image = names[i];
        assert_false(fixture_run(f, "true", &err));
        assert_string_equal(err.code, "image_missing");
        assert_true(err.hint.n > 0);
    }
}

/* ---- limits ---- */

static bool hard_here(struct fixture *f)
{
    const char *const *notices;
    return sandbox_notices(f->sandbox, &notices) == 0;
}

static void limits__a_memory_hog_dies_and_is_named(void **state)
{
    struct fixture *f = *state;
    f->limits.memory_bytes = 64 << 20;
    auto_err err = ERR_INIT;
    assert_true(fixture_run(f, "exec dd if=/dev/zero of=/dev/null bs=300M count=1", &err));
    assert_int_not_equal(f->exit.exit_code, 0);
    if (!hard_here(f))
        skip();
    assert_true(f->exit.oom);
    assert_int_equal(f->exit.exit_code, 137);
}

static void limits__a_fork_bomb_stays_small_and_dies_with_its_step(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    f->limits.pids = 30;
    assert_true(fixture_run(f,
                            "(b() { b & b & }; b) 2>/dev/null;"
                            "set -- /proc/[0-9]*; [ $# -le 30 ] && echo bounded",
                            &err));
    assert_string_equal(buf_c(&f->out), "bounded\n");
}

/* ---- refusals ---- */

static void expect_refusal(const struct sandbox_options *options, const char *code,
                           const char *message)
{
    auto_err err = ERR_INIT;
    auto_buf text = BUF(4096);
    struct sandbox *s;
    assert_false(sandbox_open(options, &s, &err));
    buf_add_str(&text, err.message);
    assert_string_equal(err.code, code);
    assert_string_equal(buf_c(&text), message);
    assert_true(err.hint.n > 0);
}

static void open__refuses_by_name_and_says_how_to_mend(void **state)
{
    (void)state;
    const char *const waivers[] = {"memry", NULL};
    expect_refusal(&(struct sandbox_options){.bwrap = "/nowhere/bwrap"}, "sandbox_unavailable",
                   "the bubblewrap sandbox cannot start: /nowhere/bwrap is not there, so none of "
                   "its promises holds");
    expect_refusal(&(struct sandbox_options){.backend = "bubblewarp"}, "sandbox_unknown",
                   "there is no sandbox backend 'bubblewarp'");
    expect_refusal(&(struct sandbox_options){.waivers = waivers}, "sandbox_waiver",
                   "there is no promise 'memry' to waive");
}

/* Of a network, and of a control group's folders, doors and counters. */
enum { KEPT_MAX = 1 + 2 * 4 + 5 };

static size_t count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    while (d && readdir(d))
        n++;
    closedir(d);
    return n;
}

/* With one descriptor more each time, until there are enough: every shortage is an error, none a
 * leak and none a step that starts without a part of its wall. */
static void start__survives_every_shortage_of_descriptors(void **state)
{
    struct fixture *f = *state;
    struct rlimit full, few;
    size_t failures = 0;
    bool started = false;
    fixture_close(f);
    size_t closed = count_descriptors();
    fixture_open(f);
    size_t before = count_descriptors();
    getrlimit(RLIMIT_NOFILE, &full);
    for (rlim_t n = before - 2; !started && n < before + 100; n++) {
        auto_err err = ERR_INIT;
        few = (struct rlimit){n, full.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        started = fixture_run(f, "grep -c '^Seccomp:.2' /proc/self/status; cat /etc/hosts", &err);
        setrlimit(RLIMIT_NOFILE, &full);
        failures += !started;
        assert_true(started || (err_is_set(&err) && err.message.n > 0));
        assert_true(count_descriptors() <= before + KEPT_MAX); /* for the next step */
    }
    assert_true(started && failures > 5);
    /* Then a network and a control group are kept for the next step, or not, but no more. */
    for (int i = 0; i < 2 * KEPT_MAX; i++) {
        auto_err err = ERR_INIT;
        assert_true(
            fixture_run(f, "grep -c '^Seccomp:.2' /proc/self/status; cat /etc/hosts", &err));
        assert_true(count_descriptors() <= before + KEPT_MAX);
    }
    assert_string_equal(buf_c(&f->out), "1\n127.0.0.1 localhost plue\n::1 localhost\n");
    assert_int_equal(f->exit.exit_code, 0);
    fixture_close(f);
    assert_int_equal(count_descriptors(), closed); /* each of them is closed in the end */
    fixture_open(f);
}

#define WALL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALL(wall__refuses_each_forbidden_call),
        WALL(wall__no_descriptor_of_ours_leaks_in),
        WALL(wall__hides_who_the_host_is),
        WALL(wall__a_crash_hands_no_core_to_the_host),
        WALL(wall__an_image_is_the_root_and_the_hosts_is_not),
        WALL(wall__a_file_that_only_root_may_read_stays_so),
        WALL(wall__an_image_name_is_no_path),
        WALL(limits__a_memory_hog_dies_and_is_named),
        WALL(limits__a_fork_bomb_stays_small_and_dies_with_its_step),
        cmocka_unit_test(open__refuses_by_name_and_says_how_to_mend),
        WALL(start__survives_every_shortage_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
