/* The engine with the real store, runner and evaluator, unsandboxed: what runs leave behind. */
#include "base/fd.h"
#include "engine/engine.h"
#include "runner/local.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

struct bench {
    char dir[64];
    uv_loop_t loop;
    struct sandbox *sandbox;
    struct runner *runner;
    struct store *store;
    struct hub *hub;
    struct engine *engine;
    int64_t run_id;
    enum run_status status;
    bool ended;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

static bool secret(void *data, str name, str *ret)
{
    (void)data;
    *ret = STR("hunter2-is-long");
    return str_is(name, "TOKEN");
}

static void fail_with(const struct err *e)
{
    fail_msg("%s: %.*s", e->code ? e->code : "?", STR_ARG(e->message));
}

static void bench_open(struct bench *b)
{
    struct err err = ERR_INIT;
    auto_buf path = BUF(4096);
    struct sandbox_options so = {.backend = "none"};
    struct store_options to = {.create = true};
    static const str names[] = {STR_INIT("TOKEN")};

    buf_addf(&path, "%s/plue.db", b->dir);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    if (!sandbox_open(&so, &b->sandbox, &err) || !store_open(buf_c(&path), &to, &b->store, &err) ||
        !runner_local_new(&b->loop, b->dir, b->sandbox, &b->runner, &err))
        fail_with(&err);
    b->hub = hub_new();
    struct engine_options eo = {.loop = &b->loop,
                                .store = b->store,
                                .runner = b->runner,
                                .hub = b->hub,
                                .slots = 2,
                                .secret = secret,
                                .secret_names = names,
                                .secret_count = 1};
    if (!engine_new(&eo, &b->engine, &err))
        fail_with(&err);
}

static void bench_close(struct bench *b)
{
    engine_free(b->engine);
    runner_free(b->runner);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    hub_free(b->hub);
    store_close(b->store);
    sandbox_close(b->sandbox);
    assert_int_equal(uv_loop_close(&b->loop), 0);
}

static int setup(void **state)
{
    struct bench *b = mem_zalloc(sizeof *b);
    snprintf(b->dir, sizeof b->dir, "/tmp/plue-engine-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    bench_open(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    bench_close(b);
    nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(b);
    return 0;
}

static void created(void *ctx, int64_t run_id, const struct err *err)
{
    struct bench *b = ctx;
    if (err)
        fail_with(err);
    b->run_id = run_id;
}

static void ended(void *ctx, int64_t run_id, enum run_status status, const struct err *err)
{
    struct bench *b = ctx;
    assert_int_equal(run_id, b->run_id);
    assert_null(err);
    b->status = status;
    b->ended = true;
}

static void start(struct bench *b, const char *body)
{
    struct err err = ERR_INIT;
    struct err_list errors = {0};
    auto_buf source = BUF(1 << 20);
    buf_addf(&source,
             "from plue import workflow, manual\n@workflow(triggers=[manual()])\ndef t(ctx):\n%s",
             body);
    struct bundle *bundle = mem_zalloc(sizeof *bundle);
    bundle_add(bundle, STR(".plue/workflows/t.py"), buf_str(&source));
    struct evaluation *e = evaluation_new(bundle, NULL);
    if (!evaluation_load(e, STR(".plue/workflows/t.py"), &errors))
        fail_with(&errors.at[0]);
    struct evaluation_request q = {.event = STR("{\"type\": \"manual\", \"inputs\": {}}")};
    evaluation_start(e, evaluation_definition(e, 0), &q);
    struct engine_request request = {.evaluation = e,
                                     .bundle = bundle,
                                     .repository = STR("/test"),
                                     .event = q.event,
                                     .trigger_type = STR("manual"),
                                     .inputs = STR("{}"),
                                     .sandbox_backend = "none"};
    b->ended = false;
    if (!engine_start(b->engine, &request, created, ended, b, &err))
        fail_with(&err);
    err_list_done(&errors);
}

static void wait_for_end(struct bench *b)
{
    while (!b->ended && uv_run(&b->loop, UV_RUN_ONCE))
        ;
    assert_true(b->ended);
}

/* "id status reason exit_code tries | ..." of the run as the store has it. */
static void summary(struct bench *b, struct buf *ret)
{
    auto_arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct store_run run;
    struct store_step *steps = NULL;
    size_t n = 0;
    struct store_reader *r;
    if (!store_reader_open(b->store, &r, &err) || !store_load_run(r, b->run_id, &a, &run, &err) ||
        !store_load_steps(r, b->run_id, STORE_LAST, STORE_STEPS_RESULTS, &a, &steps, &n, &err))
        fail_with(&err);
    buf_addf(ret, "%s", run_status_name(run.status));
    if (run.outputs.n)
        buf_addf(ret, " %.*s", STR_ARG(run.outputs));
    if (run.error_message.n)
        buf_addf(ret, " (%.*s)", STR_ARG(run.error_message));
    for (size_t i = 0; i < n; i++) {
        buf_addf(ret, "\n%.*s %s", STR_ARG(steps[i].key.step_id),
                 step_status_name(steps[i].status));
        if (steps[i].reason.code)
            buf_addf(ret, " %s", reason_code(steps[i].reason.code));
        if (steps[i].key.try > 1)
            buf_addf(ret, " try %d", (int)steps[i].key.try);
        if (steps[i].stdout_text.n)
            buf_addf(ret, " out=%.*s", STR_ARG(str_trim(steps[i].stdout_text)));
    }
    store_reader_close(r);
}

static void expect_run(struct bench *b, const char *body, const char *wanted)
{
    auto_buf got = BUF(1 << 20);
    start(b, body);
    wait_for_end(b);
    summary(b, &got);
    assert_string_equal(buf_c(&got), wanted);
}

static void engine__runs_steps_in_order_and_resolves_outputs(void **state)
{
    expect_run(
        *state,
        "    a = ctx.run('a', 'echo hello; echo x=1 >> $PLUE_OUTPUT')\n"
        "    b = ctx.run('b', f'echo {a.stdout.strip()} and {a.outputs.x}')\n"
        "    return ctx.success(said=b.stdout.strip())\n",
        "success {\"said\": \"hello and 1\"}\na success out=hello\nb success out=hello and 1");
}

static void engine__grows_the_plan_on_results(void **state)
{
    expect_run(*state,
               "    a = ctx.run('a', 'exit 3')\n"
               "    if a.failed:\n"
               "        ctx.run('repair', f'echo code {a.exit_code}')\n"
               "    else:\n"
               "        ctx.run('never', 'true')\n",
               "success {}\na failed exit_code\nrepair success out=code 3");
}

static void engine__skips_what_comes_after_a_failure(void **state)
{
    expect_run(
        *state,
        "    ctx.run('a', 'exit 3')\n"
        "    ctx.run('b', 'true')\n"
        "    ctx.run('c', 'true', when='always')\n"
        "    ctx.run('d', 'true', when='on_failure', depends_on=[])\n",
        "failed (step 'a' failed: the command ended with exit code 3)\n"
        "a failed exit_code\nb skipped dependency_failed\nc success\nd skipped nothing_failed");
}

static void engine__retries_and_keeps_every_try(void **state)
{
    expect_run(*state,
               "    ctx.run('a', 'test -e f && echo there || { touch f; exit 1; }', retries=2)\n",
               "success {}\na success try 2 out=there");
}

static void engine__masks_secrets_everywhere(void **state)
{
    expect_run(
        *state,
        "    a = ctx.run('a', 'echo $T; echo $T | base64; echo v=$T >> $PLUE_OUTPUT', env={'T': ctx.secrets.TOKEN})\n"
        "    return ctx.success(v=a.outputs.v)\n",
        "success {\"v\": \"***\"}\na success out=***\n***Cg==");
}

static void engine__quotes_results_into_commands(void **state)
{
    expect_run(
        *state,
        "    a = ctx.run('a', r\"printf '%s' '; touch pwned; $(id)'\")\n"
        "    ctx.run('b', f'printf %s {a.stdout}; ls')\n",
        "success {}\na success out=; touch pwned; $(id)\nb success out=; touch pwned; $(id)");
}

static void engine__passes_env_and_path_on(void **state)
{
    expect_run(
        *state,
        "    ctx.run('a', 'echo A=1 >> $PLUE_ENV; mkdir bin; printf \"#!/bin/sh\\\\necho tool\\\\n\" > bin/t; chmod +x bin/t; echo $PWD/bin >> $PLUE_PATH')\n"
        "    ctx.run('b', 'echo $A; t')\n",
        "success {}\na success\nb success out=1\ntool");
}

static void engine__runs_groups_side_by_side(void **state)
{
    expect_run(
        *state,
        "    g = ctx.parallel([ctx.run(n, f'echo {n} > {n}; until test -e x -a -e y; do sleep 0.01; done') for n in ['x', 'y']])\n"
        "    ctx.run('after', 'cat x y')\n",
        "success {}\nx success\ny success\nparallel-1 success\nafter success out=x\ny");
}

static void engine__fails_with_the_reason_of_ctx_fail(void **state)
{
    expect_run(*state,
               "    a = ctx.run('a', 'echo 7')\n"
               "    return ctx.fail(f'seven is {a.stdout.strip()}')\n",
               "failed (seven is 7)\na success out=7");
}

static void engine__reports_an_exception_of_the_workflow(void **state)
{
    expect_run(*state,
               "    a = ctx.run('a', 'echo 7')\n"
               "    if a.ok:\n"
               "        raise ValueError('no')\n",
               "failed (ValueError: no)\na success out=7");
}

static void engine__asks_for_no_value_of_a_skipped_step(void **state)
{
    expect_run(*state,
               "    ctx.run('a', 'exit 1')\n"
               "    b = ctx.run('b', 'echo')\n"
               "    if b.stdout == 'x':\n"
               "        ctx.run('c', 'true')\n",
               "failed (StepFailed: step 'b' was skipped, so it has no stdout)\n"
               "a failed exit_code\nb skipped dependency_failed");
}

static void engine__cancels_the_whole_tree(void **state)
{
    struct bench *b = *state;
    auto_buf got = BUF(1 << 20);
    start(b, "    ctx.run('a', 'echo up; sleep 1000 & wait')\n    ctx.run('b', 'true')\n");
    struct store_reader *r;
    struct err err = ERR_INIT;
    assert_true(store_reader_open(b->store, &r, &err));
    for (int64_t seq = 0; seq < 5 && !b->ended;) { /* run_started ... step_output */
        uv_run(&b->loop, UV_RUN_ONCE);
        if (b->run_id)
            assert_true(store_last_seq(r, b->run_id, &seq, &err));
    }
    store_reader_close(r);
    engine_cancel(b->engine, b->run_id);
    wait_for_end(b);
    summary(b, &got);
    assert_string_equal(buf_c(&got),
                        "cancelled (the run was cancelled)\na cancelled run_cancelled out=up\n"
                        "b cancelled run_cancelled");
}

/* The driving process is killed while `b` runs; another one goes on. */
static void engine__resumes_after_the_process_died(void **state)
{
    struct bench *b = *state;
    auto_buf got = BUF(1 << 20), path = BUF(4096), contents = BUF(4096);
    struct err err = ERR_INIT;
    bench_close(b);
    buf_addf(&path, "%s/mark", b->dir);
    pid_t child = fork();
    if (child == 0) {
        auto_buf body = BUF(4096);
        bench_open(b);
        buf_addf(&body,
                 "    a = ctx.run('a', 'echo a >> %s; echo 5')\n"
                 "    if a.stdout.strip() == '5':\n"
                 "        ctx.run('b', 'echo b >> %s; test $(grep -c b %s) = 2 || sleep 1000')\n"
                 "    ctx.run('c', 'echo c >> %s')\n",
                 buf_c(&path), buf_c(&path), buf_c(&path), buf_c(&path));
        start(b, buf_c(&body));
        wait_for_end(b);
        _exit(0);
    }
    while (buf_reset(&contents), fd_read_file(AT_FDCWD, buf_c(&path), &contents) ||
                                     !str_has(buf_str(&contents), STR("b")))
        usleep(1000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    bench_open(b);
    b->run_id = 1;
    if (!engine_resume(b->engine, 1, ended, b, &err))
        fail_with(&err);
    wait_for_end(b);
    summary(b, &got);
    assert_string_equal(buf_c(&got), "success {}\na success out=5\nb success try 2\nc success");
    buf_reset(&contents);
    assert_int_equal(fd_read_file(AT_FDCWD, buf_c(&path), &contents), 0);
    assert_string_equal(buf_c(&contents), "a\nb\nb\nc\n");
}

static void engine__refuses_steps_without_an_executor(void **state)
{
    struct err err = ERR_INIT;
    struct plan_step step = {.id = STR("ask"),
                             .type = STEP_TYPE_AGENT,
                             .config = STR("{\"tools\": [{\"name\": \"glob\", \"builtin\": true}, "
                                           "{\"name\": \"fix\", \"builtin\": false}]}")};
    struct plan plan = {.steps = &step, .step_count = 1};
    (void)state;
    assert_false(engine_check_plan(&plan, &err));
    assert_string_equal(
        err.message.p,
        "step 'ask' cannot run in this version of Plue: the tool 'fix' has no executor yet");
    err_done(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(engine__runs_steps_in_order_and_resolves_outputs),
        T(engine__grows_the_plan_on_results),
        T(engine__skips_what_comes_after_a_failure),
        T(engine__retries_and_keeps_every_try),
        T(engine__masks_secrets_everywhere),
        T(engine__quotes_results_into_commands),
        T(engine__passes_env_and_path_on),
        T(engine__runs_groups_side_by_side),
        T(engine__fails_with_the_reason_of_ctx_fail),
        T(engine__reports_an_exception_of_the_workflow),
        T(engine__asks_for_no_value_of_a_skipped_step),
        T(engine__cancels_the_whole_tree),
        T(engine__resumes_after_the_process_died),
        T(engine__refuses_steps_without_an_executor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
