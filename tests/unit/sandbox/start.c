/* How steps start, and what happens when those who start or keep them die. */
#include "base/clock.h"
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- ways ---- */

/* Our child of this name. */
static pid_t find_child(const char *name)
{
    auto_buf text = BUF(4096);
    auto_fd fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd_read_all(fd, &text), 0);
    str list = buf_str(&text), word;
    while (str_next(&list, ' ', &word)) {
        char path[64];
        auto_buf comm = BUF(64);
        snprintf(path, sizeof path, "/proc/%.*s/comm", STR_ARG(word));
        if (fd_read_file(AT_FDCWD, path, &comm) == 0 && str_is(str_trim(buf_str(&comm)), name))
            return (pid_t)atoi(word.p);
    }
    return 0;
}

static void start__is_warm_where_the_host_lets_it(void **state)
{
    struct fixture *f = *state;
    assert_null(sandbox_space_notice(f->space));
    assert_true(find_child("plue-room") > 0);
    fixture_expect(f, "cat /proc/1/comm", "plue-room\n");
}

/* In a process of its own, since a filter cannot be taken back. */
static void without_mount_setattr(void)
{
    void *state;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(mount_setattr), 0),
                     0);
    assert_int_equal(seccomp_load(filter), 0);
    fixture_setup(&state);
    struct fixture *f = state;
    assert_string_equal(sandbox_space_notice(f->space),
                        "each step's sandbox is built anew, since none can be kept ready here: "
                        "showing the run's folders: Function not implemented");
    assert_int_equal(find_child("plue-room"), 0);
    fixture_expect(f, "cat /proc/1/comm; (: >/usr/x) 2>/dev/null || echo walled",
                   "bwrap\nwalled\n");
    fixture_teardown(&state);
}

static void start__is_bwraps_where_a_warm_one_is_refused_and_says_so(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        without_mount_setattr();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void start__can_be_made_bwraps(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    f->bwrap = "/usr/bin/bwrap";
    fixture_open(f);
    assert_null(sandbox_space_notice(f->space));
    fixture_expect(f, "cat /proc/1/comm", "bwrap\n");
}

static void start__says_what_could_not_be_executed(void **state)
{
    struct fixture *f = *state;
    const char *const argv[] = {"/nowhere/program", NULL};
    struct sandbox_spec spec = {.space = f->space, .argv = argv, .limits = f->limits};
    auto_err err = ERR_INIT;
    assert_true(fixture_run_spec(f, &spec, &err));
    assert_true(f->exit.not_started);
    assert_int_equal(f->exit.exit_code, 127);
    assert_string_equal(buf_c(&f->out),
                        "plue: cannot execute /nowhere/program: No such file or directory\n");
}

static void start__says_that_no_process_can_be_made(void **state)
{
    struct fixture *f = *state;
    struct rlimit none = {0, 0};
    auto_err err = ERR_INIT;
    if (prlimit(find_child("plue-room"), RLIMIT_NPROC, &none, NULL) < 0)
        skip(); /* root without CAP_SYS_RESOURCE; an ordinary user may */
    assert_false(fixture_run(f, "true", &err));
    assert_string_equal(err.code, "sandbox_start");
    assert_true(str_is(err.message, "a step cannot be started: making its namespaces: "
                                    "Resource temporarily unavailable"));
    assert_int_equal(f->out.n, 0);
}

/* ---- deaths ---- */

static bool process_is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* A program that starts a step and is killed; what it started ends by itself. */
static void death__of_the_program_ends_its_steps_but_not_tmp(void **state)
{
    struct fixture *f = *state;
    int pipe_fds[2];
    fixture_close(f);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t program = fork();
    if (program == 0) {
        const char *const argv[] = {"/bin/sh", "-c",
                                    "echo kept >/tmp/kept; echo up; exec sleep 98761", NULL};
        const char *const env[] = {NULL};
        auto_err err = ERR_INIT;
        struct sandbox_tree *t;
        int out, error;
        char byte;
        fixture_open(f);
        struct sandbox_spec spec = {
            .space = f->space, .argv = argv, .env = env, .limits = f->limits};
        if (!sandbox_start(f->sandbox, &spec, &t, &out, &error, &err))
            _exit(1);
        fcntl(out, F_SETFL, 0);
        ssize_t n = read(out, &byte, 1);
        n = write(pipe_fds[1], &byte, (size_t)n);
        pause();
        _exit(n == 1);
    }
    close(pipe_fds[1]);
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    kill(program, SIGKILL);
    waitpid(program, NULL, 0);
    /* Every process of the step had the pipe's writing end no more: look for the sleep itself. */
    int64_t deadline = clock_mono_ms() + 10000;
    while (system("pgrep -f '^sleep 98761$' >/dev/null") == 0)
        assert_true(clock_mono_ms() < deadline);
    close(pipe_fds[0]);
    fixture_open(f);
    fixture_expect(f, "cat /tmp/kept", "kept\n");
    /* The control groups of the dead are gone as well. */
    auto_buf command = BUF(256);
    buf_addf(&command, "! find /sys/fs/cgroup -type d -name 'plue.%d.*' 2>/dev/null | grep -q .",
             (int)program);
    fixture_host(f, buf_c(&command));
    assert_false(process_is_alive(program));
}

static void close__leaves_no_control_group_behind(void **state)
{
    struct fixture *f = *state;
    auto_buf command = BUF(256);
    fixture_expect(f, "echo hi", "hi\n");
    fixture_close(f);
    buf_addf(&command, "! find /sys/fs/cgroup -type d -name 'plue.%d.*' 2>/dev/null | grep -q .",
             (int)getpid());
    fixture_host(f, buf_c(&command));
    fixture_open(f);
}

static void death__of_the_room_ends_its_steps_and_is_named(void **state)
{
    struct fixture *f = *state;
    const char *const argv[] = {"/bin/sh", "-c", "(setsid sleep 98762 &); exec sleep 98762", NULL};
    struct sandbox_spec spec = {.space = f->space, .argv = argv, .limits = f->limits};
    struct sandbox_tree *t;
    struct sandbox_exit exit;
    int out, error;
    auto_err err = ERR_INIT, late = ERR_INIT;
    assert_true(sandbox_start(f->sandbox, &spec, &t, &out, &error, &err));
    pid_t room = find_child("plue-room");
    assert_true(room > 0);
    kill(room, SIGKILL);
    while (!sandbox_advance(t, &exit)) {
        struct pollfd p = {.fd = sandbox_tree_fd(t), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 10000), 1);
    }
    assert_int_equal(exit.exit_code, 137);
    assert_false(exit.killed);
    assert_int_not_equal(system("pgrep -f '^sleep 98762$' >/dev/null"), 0);
    sandbox_tree_free(t);
    close(out);
    close(error);
    assert_false(fixture_run(f, "true", &late));
    assert_string_equal(late.code, "sandbox_start");
    assert_true(str_is(late.hint, "it was killed: start plue again; plue run resume goes on"));
}

/* A shell that waits for two others, all of which die of TERM at once. */
static void death__by_term_reaches_every_process(void **state)
{
    struct fixture *f = *state;
    const char *const argv[] = {"/bin/sh", "-c",
                                "(setsid sleep 98763 &) ; sleep 98763 & echo up; wait", NULL};
    struct sandbox_spec spec = {.space = f->space, .argv = argv, .limits = f->limits};
    struct sandbox_tree *t;
    struct sandbox_exit exit;
    int out, error;
    char byte;
    auto_err err = ERR_INIT;
    assert_true(sandbox_start(f->sandbox, &spec, &t, &out, &error, &err));
    fcntl(out, F_SETFL, 0);
    assert_int_equal(read(out, &byte, 1), 1);
    sandbox_signal(t, SIGTERM);
    while (!sandbox_advance(t, &exit)) {
        struct pollfd p = {.fd = sandbox_tree_fd(t), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 10000), 1);
    }
    assert_int_equal(exit.exit_code, 128 + SIGTERM);
    assert_int_not_equal(system("pgrep -f '^sleep 98763$' >/dev/null"), 0);
    sandbox_tree_free(t);
    close(out);
    close(error);
}

/* Of a step that has closed its output and goes on, nothing wakes who reads it. */
static void output__ends_with_the_tree_and_not_before(void **state)
{
    struct fixture *f = *state;
    const char *const argv[] = {
        "/bin/sh", "-c",
        "echo up; mkfifo /workspace/gone; exec >&- 2>&-; : >/workspace/gone;"
        " exec sleep 98765",
        NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_spec spec = {.space = f->space, .argv = argv, .env = env, .limits = f->limits};
    struct sandbox_tree *t;
    struct sandbox_exit exit;
    char text[8], path[PATH_TEXT + 8];
    int out, error;
    auto_err err = ERR_INIT;
    assert_true(sandbox_start(f->sandbox, &spec, &t, &out, &error, &err));
    auto_fd out_fd = out;
    auto_fd error_fd = error;
    fcntl(out, F_SETFL, 0);
    assert_int_equal(read(out, text, sizeof text), 3);
    snprintf(path, sizeof path, "%s/gone", f->workspace);
    for (int gone = -1; gone < 0; close(gone)) /* opening it waits until the step opens it */
        gone = open(path, O_RDONLY | O_CLOEXEC);
    struct pollfd p[] = {{.fd = out, .events = POLLIN}, {.fd = error, .events = POLLIN}};
    assert_int_equal(poll(p, 2, 0), 0);
    sandbox_signal(t, SIGKILL);
    while (!sandbox_advance(t, &exit)) {
        struct pollfd tree = {.fd = sandbox_tree_fd(t), .events = POLLIN};
        assert_int_equal(poll(&tree, 1, 10000), 1);
    }
    assert_int_equal(read(out, text, sizeof text), 0);
    assert_int_equal(read(error, text, sizeof text), 0);
    sandbox_tree_free(t);
}

#define START(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static int try_all(void)
{
    const struct CMUnitTest tests[] = {
        START(start__is_warm_where_the_host_lets_it),
        cmocka_unit_test(start__is_bwraps_where_a_warm_one_is_refused_and_says_so),
        START(start__can_be_made_bwraps),
        START(start__says_what_could_not_be_executed),
        START(start__says_that_no_process_can_be_made),
        START(death__of_the_program_ends_its_steps_but_not_tmp),
        START(death__of_the_room_ends_its_steps_and_is_named),
        START(death__by_term_reaches_every_process),
        START(output__ends_with_the_tree_and_not_before),
        START(close__leaves_no_control_group_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return try_all() + fixture_as_ordinary_user(try_all);
}
