/* What a step is given, what it can leave, how it ends: through the runner's interface. */
#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define auto_outcome cleanup(outcome_done) struct outcome

static void exec__carries_both_streams_and_the_exit_code(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "echo one; echo two >&2; exit 7", &o);
    assert_false(o.failed);
    assert_string_equal(buf_c(&o.out), "one\n");
    assert_string_equal(buf_c(&o.error), "two\n");
    assert_int_equal(o.exit.exit_code, 7);
    assert_int_equal(o.exit.signal, 0);
}

static void exec__carries_binary_and_large_output_whole(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "printf 'a\\000\\377b'; head -c 3000000 /dev/zero", &o);
    assert_int_equal(o.out.n, 3000004);
    assert_memory_equal(o.out.p, "a\0\377b", 4);
}

static void exec__ends_when_stdout_was_closed_early(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "exec >&- 2>&-; exit 5", &o);
    assert_int_equal(o.exit.exit_code, 5);
    assert_int_equal(o.out.n + o.error.n, 0);
}

static void exec__stdin_is_empty(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "cat; echo end", &o);
    assert_string_equal(buf_c(&o.out), "end\n");
}

static void exec__stops_at_the_first_failing_command_and_in_pipes(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "false | true\necho no", &o);
    assert_int_equal(o.exit.exit_code, 1);
    assert_string_equal(buf_c(&o.out), "");
}

static void exec__runs_the_shell_that_was_asked_for(void **state)
{
    struct fixture *f = *state;
    auto_outcome bash = {0}, sh = {0}, python = {0}, argv = {0};
    assert_true(fixture_open(f, NULL, false));
    struct runner_exec x = {.shell = RUNNER_SHELL_BASH,
                            .script = STR("echo ${BASH_VERSION:+bash}")};
    fixture_start(f, &x, &bash);
    fixture_wait(&bash);
    assert_string_equal(buf_c(&bash.out), "bash\n");
    x = (struct runner_exec){.shell = RUNNER_SHELL_SH, .script = STR("false; echo no")};
    fixture_start(f, &x, &sh);
    fixture_wait(&sh);
    assert_int_equal(sh.exit.exit_code, 1);
    x = (struct runner_exec){.shell = RUNNER_SHELL_PYTHON, .script = STR("print(6 * 7)")};
    fixture_start(f, &x, &python);
    fixture_wait(&python);
    assert_string_equal(buf_c(&python.out), "42\n");
    const char *const words[] = {"/usr/bin/printf", "[%s]", "it's", "$HOME `x`", "", NULL};
    x = (struct runner_exec){.argv = words};
    fixture_start(f, &x, &argv);
    fixture_wait(&argv);
    assert_string_equal(buf_c(&argv.out), "[it's][$HOME `x`][]");
}

static void exec__environment_is_the_short_list_and_what_was_given(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    const char *const env[] = {"A=1", "A=2", "LANG=C", "EMPTY=", NULL};
    const char *const path[] = {"/workspace/bin", NULL};
    setenv("PLUE_TEST_CANARY", "leak", 1);
    assert_true(fixture_open(f, NULL, false));
    struct runner_exec x = {
        .script = STR("env | grep -v ^_= | grep -v ^SHLVL= | sort"), .env = env, .path = path};
    fixture_start(f, &x, &o);
    fixture_wait(&o);
    unsetenv("PLUE_TEST_CANARY");
    assert_string_equal(buf_c(&o.out),
                        "A=2\n"
                        "CI=true\n"
                        "EMPTY=\n"
                        "HOME=/tmp/home\n"
                        "LANG=C\n"
                        "LOGNAME=plue\n"
                        "PATH=/workspace/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                        "/sbin:/bin\n"
                        "PLUE_ENV=/plue/env\n"
                        "PLUE_OUTPUT=/plue/output\n"
                        "PLUE_PATH=/plue/path\n"
                        "PLUE_SUMMARY=/plue/summary\n"
                        "PLUE_WORKSPACE=/workspace\n"
                        "PWD=/workspace\n"
                        "SHELL=/bin/sh\n"
                        "USER=plue\n");
}

static void exec__result_files_come_back(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state,
                "echo a=1 >>$PLUE_OUTPUT; echo B=2 >>$PLUE_ENV; echo /x >>$PLUE_PATH;"
                "printf '# hi' >>$PLUE_SUMMARY",
                &o);
    assert_string_equal(buf_c(&o.output), "a=1\n");
    assert_string_equal(buf_c(&o.env), "B=2\n");
    assert_string_equal(buf_c(&o.path), "/x\n");
    assert_string_equal(buf_c(&o.summary), "# hi");
    assert_false(o.cut);
}

static void exec__result_files_are_bounded_and_never_followed(void **state)
{
    struct fixture *f = *state;
    auto_outcome big = {0}, link = {0};
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "head -c 2000000 /dev/zero | tr '\\0' x >$PLUE_OUTPUT", &big);
    assert_int_equal(big.output.n, RUNNER_FILE_MAX);
    assert_true(big.cut);
    fixture_run(f,
                "rm $PLUE_OUTPUT $PLUE_ENV $PLUE_PATH; ln -s /etc/passwd $PLUE_OUTPUT;"
                "mkfifo $PLUE_ENV; mkdir $PLUE_PATH",
                &link);
    assert_int_equal(link.exit.exit_code, 0);
    assert_int_equal(link.output.n + link.env.n + link.path.n, 0);
}

static void exec__workspace_tmp_and_home_are_shared_by_steps(void **state)
{
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "echo 1 >file; echo 2 >/tmp/file; echo 3 >~/file", &a);
    assert_int_equal(a.exit.exit_code, 0);
    fixture_run(*state, "cat file /tmp/file /tmp/home/file; test ! -e /plue/stale", &b);
    assert_string_equal(buf_c(&b.out), "1\n2\n3\n");
}

static void exec__cwd_is_below_the_workspace(void **state)
{
    struct fixture *f = *state;
    auto_outcome good = {0}, bad = {0};
    assert_true(fixture_open(f, NULL, false));
    assert_true(fixture_write(f, "a/b/c", "x", 0));
    struct runner_exec x = {.script = STR("pwd; ls"), .cwd = "a/b"};
    fixture_start(f, &x, &good);
    fixture_wait(&good);
    assert_string_equal(buf_c(&good.out), "/workspace/a/b\nc\n");
    x.cwd = "nowhere";
    fixture_start(f, &x, &bad);
    fixture_wait(&bad);
    assert_true(bad.failed);
    assert_string_equal(buf_c(&bad.message),
                        "sandbox_start: the step's sandbox could not be built: plue: cannot enter "
                        "its folder /workspace/nowhere: No such file or directory");
}

static void exec__an_absent_image_is_refused_with_a_hint(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    assert_true(fixture_open(f, NULL, false));
    struct runner_exec x = {.script = STR("true"), .image = "node:22"};
    fixture_start(f, &x, &o);
    assert_null(o.step);
    fixture_wait(&o);
    assert_string_equal(buf_c(&o.message),
                        "image_missing: there is no image 'node:22' for the bubblewrap sandbox");
}

static void exec__what_a_step_leaves_behind_is_dead_when_it_ends(void **state)
{
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state,
                "(while :; do echo x >>alive; done) & (setsid sh -c 'while :; do echo x >>alive;"
                " done' >/dev/null 2>&1 </dev/null &) ; while [ ! -s alive ]; do :; done; echo bye",
                &a);
    assert_string_equal(buf_c(&a.out), "bye\n");
    fixture_run(*state,
                "n=$(wc -c <alive); for i in 1 2 3 4 5 6 7 8; do cat alive >/dev/null; done;"
                "test $n = $(wc -c <alive)",
                &b);
    assert_int_equal(b.exit.exit_code, 0);
}

/* ---- ending by force ---- */

static void kill_term(struct outcome *o)
{
    if (!o->killed && strcmp(buf_c(&o->out), "ready\n") == 0)
        runner_kill(o->step, SIGTERM);
    o->killed = true;
}

static void kill_hard(struct outcome *o)
{
    runner_kill(o->step, SIGKILL);
}

static void kill__term_reaches_every_process_of_the_tree(void **state)
{
    auto_outcome o = {.on_output = kill_term};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(
        *state,
        "setsid sh -c 'trap \"echo inner >>log; exit\" TERM; : >up; while :; do sleep 0.01 || :;"
        " done' & trap 'wait; cat log; echo outer; exit 3' TERM;"
        "while [ ! -e up ]; do sleep 0.01; done; echo ready; while :; do sleep 0.01 || :; done",
        &o);
    assert_string_equal(buf_c(&o.out), "ready\ninner\nouter\n");
    assert_int_equal(o.exit.exit_code, 3);
}

static void kill__term_ends_a_step_that_does_not_care(void **state)
{
    auto_outcome o = {.on_output = kill_term};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "echo ready; sleep 1000", &o);
    assert_int_equal(o.exit.exit_code, 143);
    assert_int_equal(o.exit.signal, SIGTERM);
}

static void kill__a_step_that_ignores_term_dies_of_kill(void **state)
{
    auto_outcome o = {.on_output = kill_hard};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "trap '' TERM INT HUP; (sleep 1000) & echo ready; sleep 1000", &o);
    assert_int_equal(o.exit.exit_code, 137);
    assert_int_equal(o.exit.signal, SIGKILL);
}

static void kill__before_anything_ran_ends_the_step_too(void **state)
{
    struct fixture *f = *state;
    const int signals[] = {SIGTERM, SIGKILL};
    assert_true(fixture_open(f, NULL, false));
    for (size_t i = 0; i < 2; i++) {
        auto_outcome o = {0};
        struct runner_exec x = {.script = STR("sleep 1000")};
        fixture_start(f, &x, &o);
        runner_kill(o.step, signals[i]);
        fixture_wait(&o);
        assert_false(o.failed);
        assert_true(o.exit.exit_code > 128);
    }
}

static void close__ends_steps_that_still_run(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    assert_true(fixture_open(f, NULL, false));
    struct runner_exec x = {.script = STR("sleep 1000")};
    fixture_start(f, &x, &o);
    fixture_close(f, false);
    assert_true(o.ended);
    assert_int_not_equal(access(fixture_path(f, "data/workspaces/1"), F_OK), 0);
}

static void exec__steps_run_side_by_side(void **state)
{
    struct fixture *f = *state;
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(f, NULL, false));
    struct runner_exec x = {.step = "a", .script = STR("while [ ! -e b ]; do sleep 0.01; done")};
    struct runner_exec y = {.step = "b", .script = STR(": >b")};
    fixture_start(f, &x, &a);
    fixture_start(f, &y, &b);
    fixture_wait(&a);
    fixture_wait(&b);
    assert_int_equal(a.exit.exit_code + b.exit.exit_code, 0);
}

/* ---- without a sandbox ---- */

static void none__runs_in_the_hosts_folders(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    auto_buf expected = BUF(4096);
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "pwd; echo $HOME; echo a=1 >$PLUE_OUTPUT; exit 4", &o);
    buf_addf(&expected, "%s\n", fixture_path(f, "data/workspaces/1/workspace"));
    buf_addf(&expected, "%s\n", fixture_path(f, "data/workspaces/1/tmp/home"));
    assert_string_equal(buf_c(&o.out), buf_c(&expected));
    assert_string_equal(buf_c(&o.output), "a=1\n");
    assert_int_equal(o.exit.exit_code, 4);
}

#define BOTH(test)                                                          \
    cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown), \
    {                                                                       \
        "none: " #test, test, fixture_setup_none, fixture_teardown, NULL    \
    }
#define WALLED(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define BARE(test) cmocka_unit_test_setup_teardown(test, fixture_setup_none, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(exec__carries_both_streams_and_the_exit_code),
        BOTH(exec__carries_binary_and_large_output_whole),
        BOTH(exec__ends_when_stdout_was_closed_early),
        BOTH(exec__stdin_is_empty),
        BOTH(exec__stops_at_the_first_failing_command_and_in_pipes),
        BOTH(exec__runs_the_shell_that_was_asked_for),
        WALLED(exec__environment_is_the_short_list_and_what_was_given),
        BOTH(exec__result_files_come_back),
        BOTH(exec__result_files_are_bounded_and_never_followed),
        WALLED(exec__workspace_tmp_and_home_are_shared_by_steps),
        WALLED(exec__cwd_is_below_the_workspace),
        WALLED(exec__an_absent_image_is_refused_with_a_hint),
        BOTH(exec__what_a_step_leaves_behind_is_dead_when_it_ends),
        BOTH(kill__term_reaches_every_process_of_the_tree),
        BOTH(kill__term_ends_a_step_that_does_not_care),
        BOTH(kill__a_step_that_ignores_term_dies_of_kill),
        BOTH(kill__before_anything_ran_ends_the_step_too),
        BOTH(close__ends_steps_that_still_run),
        BOTH(exec__steps_run_side_by_side),
        BARE(none__runs_in_the_hosts_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
