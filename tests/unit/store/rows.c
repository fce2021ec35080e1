#include "fixture.h"

/* ---- Runs ---- */

static void store__run_comes_back_as_it_was_created(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_run r;
    int64_t id = make_run(f);

    assert_int_equal(id, 1);
    check(store_load_run(f->reader, id, &f->arena, &r, &err), &err);
    assert_int_equal(r.id, 1);
    assert_str(r.repository, "/home/me/project");
    assert_str(r.workflow, "ci");
    assert_int_equal(r.status, RUN_RUNNING);
    assert_int_equal(r.conclusion, CONCLUSION_NONE);
    assert_int_equal(r.reason.code, REASON_NONE);
    assert_str(r.trigger_type, "push");
    assert_str(r.trigger_payload, "{\"type\": \"push\"}");
    assert_str(r.ref, "refs/heads/main");
    assert_str(r.sha, "4a9955e");
    assert_str(r.branch, "main");
    assert_str(r.actor, "ada");
    assert_str(r.inputs, "{\"env\": \"prod\"}");
    assert_str(r.outputs, "");
    assert_str(r.plan_hash, "9f86d081");
    assert_str(r.plan, "{\"version\": 1}");
    assert_str(r.evaluator, "0.1.0");
    assert_int_equal(r.attempt, 1);
    assert_int_equal(r.created_at, 1767225600000);
    assert_int_equal(r.started_at, 0);
    assert_int_equal(r.completed_at, 0);
}

static void store__update_writes_the_named_fields_only(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_run r;
    int64_t id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);

    store_update_run(b, &(struct store_run_update){
                            .run_id = id,
                            .from = RUN_RUNNING,
                            .to = RUN_FAILED,
                            .fields = STORE_RUN_CONCLUSION | STORE_RUN_REASON | STORE_RUN_OUTPUTS |
                                      STORE_RUN_ERROR | STORE_RUN_COMPLETED | STORE_RUN_WAITED,
                            .values = {.conclusion = CONCLUSION_FAILED,
                                       .reason = {REASON_STEP_FAILED, STR("step 'build' failed")},
                                       .outputs = STR("{}"),
                                       .error = STR("{\"code\": \"step_failed\"}"),
                                       .error_message = STR("step failed"),
                                       .completed_at = 1767225601000,
                                       .waited_ms = 12,
                                       .plan = STR("not named, not written")}});
    commit(f, b);
    check(store_load_run(f->reader, id, &f->arena, &r, &err), &err);
    assert_int_equal(r.status, RUN_FAILED);
    assert_int_equal(r.conclusion, CONCLUSION_FAILED);
    assert_int_equal(r.reason.code, REASON_STEP_FAILED);
    assert_str(r.reason.text, "step 'build' failed");
    assert_str(r.outputs, "{}");
    assert_str(r.error, "{\"code\": \"step_failed\"}");
    assert_str(r.error_message, "step failed");
    assert_int_equal(r.completed_at, 1767225601000);
    assert_int_equal(r.waited_ms, 12);
    assert_str(r.plan, "{\"version\": 1}");
    assert_str(r.inputs, "{\"env\": \"prod\"}");
}

static void store__update_from_another_status_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    store_update_run(
        b, &(struct store_run_update){.run_id = id, .from = RUN_QUEUED, .to = RUN_RUNNING});
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "transition_refused: run 1 is running, not queued");

    err_reset(&err);
    b = store_batch_new(f->store);
    store_update_step(b, &(struct store_step_update){.key = step_key(id, "build"),
                                                     .from = STEP_RUNNING,
                                                     .to = STEP_SUCCESS});
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "transition_refused: step 'build' of run 1 is pending, not running");
}

static void store__failed_batch_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_run r;
    int64_t seq, id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);

    store_append_event(b, &(struct event){.run_id = id, .data = STR("{}")});
    store_update_run(
        b, &(struct store_run_update){.run_id = id, .from = RUN_RUNNING, .to = RUN_SUCCESS});
    store_update_step(b, &(struct store_step_update){.key = step_key(id, "deploy"),
                                                     .from = STEP_PENDING,
                                                     .to = STEP_READY});
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "step_unknown: run 1 has no step 'deploy' in attempt 1, try 1");
    err_reset(&err);
    check(store_load_run(f->reader, id, &f->arena, &r, &err), &err);
    assert_int_equal(r.status, RUN_RUNNING);
    check(store_last_seq(f->reader, id, &seq, &err), &err);
    assert_int_equal(seq, 0);
}

static void store__unknown_run_and_step_are_named(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_run r;
    struct store_step s;
    struct store_step_key key = step_key(1, "biuld");

    assert_false(store_load_run(f->reader, 7, &f->arena, &r, &err));
    assert_err(&err, "run_unknown: there is no run 7 (see the runs with: plue run list)");
    err_reset(&err);
    make_run(f);
    assert_false(store_load_step(f->reader, &key, &f->arena, &s, &err));
    assert_err(&err, "step_unknown: run 1 has no step 'biuld' (see its steps with: "
                     "plue run view 1)");
    err_reset(&err);
    struct store_batch *b = store_batch_new(f->store);
    store_append_event(b, &(struct event){.run_id = 9, .data = STR("{}")});
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "run_unknown: there is no run 9 (see the runs with: plue run list)");
    err_reset(&err);
    b = store_batch_new(f->store);
    store_append_event(b, &(struct event){.run_id = STORE_NEW_RUN, .data = STR("{}")});
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "run_unknown: the batch creates no run, and none is named");
}

static void create_runs(struct fixture *f, int n)
{
    for (int i = 1; i <= n; i++) {
        auto_err err = ERR_INIT;
        struct store_run run = sample_run();
        struct store_batch *b = store_batch_new(f->store);
        int64_t id;
        run.workflow = i % 2 ? STR("ci") : STR("deploy");
        run.status = i % 3 ? RUN_SUCCESS : RUN_QUEUED;
        run.repository = i == 5 ? STR("other") : STR("/home/me/project");
        run.actor = i > 6 ? STR("bob") : STR("ada");
        run.branch = i == 2 ? STR("fix") : STR("main");
        run.trigger_type = i == 4 ? STR("manual") : STR("push");
        store_create_run(b, &run);
        check(store_commit(f->store, b, &id, &err), &err);
        assert_int_equal(id, i);
    }
}

static void assert_list(struct fixture *f, struct store_run_filter filter, const char *want,
                        int64_t want_next)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct store_run *runs;
    size_t n;
    int64_t next;
    check(store_list_runs(f->reader, &filter, &f->arena, &runs, &n, &next, &err), &err);
    for (size_t i = 0; i < n; i++)
        buf_addf(&got, "%s%lld", i ? " " : "", (long long)runs[i].id);
    assert_string_equal(buf_c(&got), want);
    assert_int_equal(next, want_next);
}

static void store__list_is_newest_first_in_pages(void **state)
{
    struct fixture *f = *state;
    create_runs(f, 8);
    assert_list(f, (struct store_run_filter){0}, "8 7 6 5 4 3 2 1", 0);
    assert_list(f, (struct store_run_filter){.limit = 3}, "8 7 6", 6);
    assert_list(f, (struct store_run_filter){.limit = 3, .before_id = 6}, "5 4 3", 3);
    assert_list(f, (struct store_run_filter){.limit = 3, .before_id = 3}, "2 1", 0);
    assert_list(f, (struct store_run_filter){.limit = 2, .before_id = 3}, "2 1", 0);
    assert_list(f, (struct store_run_filter){.before_id = 1}, "", 0);
}

static void store__list_filters_by_each_field_and_all_together(void **state)
{
    struct fixture *f = *state;
    create_runs(f, 8);
    assert_list(f, (struct store_run_filter){.workflow = STR("deploy")}, "8 6 4 2", 0);
    assert_list(f, (struct store_run_filter){.workflow = STR("deploy"), .limit = 2}, "8 6", 6);
    assert_list(f, (struct store_run_filter){.by_status = true, .status = RUN_QUEUED}, "6 3", 0);
    assert_list(f, (struct store_run_filter){.repository = STR("other")}, "5", 0);
    assert_list(f, (struct store_run_filter){.actor = STR("bob")}, "8 7", 0);
    assert_list(f, (struct store_run_filter){.branch = STR("fix")}, "2", 0);
    assert_list(f, (struct store_run_filter){.event = STR("manual")}, "4", 0);
    assert_list(f,
                (struct store_run_filter){.workflow = STR("deploy"),
                                          .by_status = true,
                                          .status = RUN_SUCCESS,
                                          .repository = STR("/home/me/project"),
                                          .actor = STR("ada"),
                                          .branch = STR("main"),
                                          .event = STR("manual"),
                                          .before_id = 8},
                "4", 0);
    assert_list(f, (struct store_run_filter){.workflow = STR("' OR 1=1 --")}, "", 0);
}

/* ---- Steps ---- */

static void store__step_comes_back_with_its_result(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct store_step s;
    struct store_step_key key = step_key(id, "build");
    struct store_batch *b = store_batch_new(f->store);

    store_update_step(b, &(struct store_step_update){
                             .key = key,
                             .from = STEP_PENDING,
                             .to = STEP_FAILED,
                             .fields = STORE_STEP_OUTCOME | STORE_STEP_REASON | STORE_STEP_ERROR |
                                       STORE_STEP_STARTED | STORE_STEP_COMPLETED |
                                       STORE_STEP_RESULT | STORE_STEP_USAGE | STORE_STEP_LOG,
                             .values = {.outcome = OUTCOME_TIMED_OUT,
                                        .conclusion = CONCLUSION_FAILED,
                                        .reason = {REASON_STEP_TIMED_OUT, STR("passed 30 min")},
                                        .error = STR("{\"code\": \"step_timed_out\"}"),
                                        .error_message = STR("passed 30 min"),
                                        .started_at = 5,
                                        .completed_at = 9,
                                        .has_exit_code = true,
                                        .exit_code = 0,
                                        .outputs = STR("{\"tag\": \"v1\"}"),
                                        .output = STR("[1]"),
                                        .stdout_text = STR("one\ntwo\n"),
                                        .stderr_text = STR("warn\n"),
                                        .turns_used = 1,
                                        .tokens_in = 2,
                                        .tokens_out = 3,
                                        .cost_micro_usd = 4,
                                        .log_lines = 3,
                                        .log_bytes = 14}});
    commit(f, b);
    check(store_load_step(f->reader, &key, &f->arena, &s, &err), &err);
    assert_int_equal(s.key.run_id, id);
    assert_int_equal(s.key.attempt, 1);
    assert_str(s.key.step_id, "build");
    assert_int_equal(s.key.try, 1);
    assert_str(s.name, "build");
    assert_int_equal(s.type, STEP_TYPE_SHELL);
    assert_str(s.depends_on, "[]");
    assert_str(s.config, "{\"cmd\": \"make\"}");
    assert_int_equal(s.status, STEP_FAILED);
    assert_int_equal(s.outcome, OUTCOME_TIMED_OUT);
    assert_int_equal(s.conclusion, CONCLUSION_FAILED);
    assert_int_equal(s.reason.code, REASON_STEP_TIMED_OUT);
    assert_str(s.reason.text, "passed 30 min");
    assert_str(s.error, "{\"code\": \"step_timed_out\"}");
    assert_str(s.error_message, "passed 30 min");
    assert_int_equal(s.started_at, 5);
    assert_int_equal(s.completed_at, 9);
    assert_true(s.has_exit_code);
    assert_int_equal(s.exit_code, 0);
    assert_str(s.outputs, "{\"tag\": \"v1\"}");
    assert_str(s.output, "[1]");
    assert_str(s.stdout_text, "one\ntwo\n");
    assert_str(s.stderr_text, "warn\n");
    assert_false(s.stdout_cut);
    assert_int_equal(s.turns_used, 1);
    assert_int_equal(s.tokens_in, 2);
    assert_int_equal(s.tokens_out, 3);
    assert_int_equal(s.cost_micro_usd, 4);
    assert_int_equal(s.log_lines, 3);
    assert_int_equal(s.log_bytes, 14);
}

static void store__absent_exit_code_differs_from_zero(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_step s;
    struct store_step_key key = step_key(make_run(f), "build");
    check(store_load_step(f->reader, &key, &f->arena, &s, &err), &err);
    assert_false(s.has_exit_code);
}

static void store__long_stdout_is_cut_between_characters_and_flagged(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct store_step s;
    struct store_step_key key = step_key(make_run(f), "build");
    struct store_batch *b = store_batch_new(f->store);

    buf_add_repeat(&text, 'x', STORE_STEP_TEXT_MAX - 1);
    buf_add_c(&text, "\xc3\xa9"); /* its second byte is the first too many */
    store_update_step(b, &(struct store_step_update){.key = key,
                                                     .from = STEP_PENDING,
                                                     .to = STEP_SUCCESS,
                                                     .fields = STORE_STEP_RESULT,
                                                     .values = {.stdout_text = buf_str(&text),
                                                                .stderr_text = STR("short")}});
    commit(f, b);
    check(store_load_step(f->reader, &key, &f->arena, &s, &err), &err);
    assert_int_equal(s.stdout_text.n, STORE_STEP_TEXT_MAX - 1);
    assert_true(s.stdout_cut);
    assert_false(s.stderr_cut);
}

static void assert_steps(struct fixture *f, int64_t run, int64_t attempt, const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct store_step *steps;
    size_t n;
    check(store_load_steps(f->reader, run, attempt, STORE_STEPS_BRIEF, &f->arena, &steps, &n, &err),
          &err);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&got, "%s%.*s/%lld/%lld %s", i ? ", " : "", STR_ARG(steps[i].key.step_id),
                 (long long)steps[i].key.attempt, (long long)steps[i].key.try,
                 step_status_name(steps[i].status));
        assert_str(steps[i].config, "");
    }
    assert_string_equal(buf_c(&got), want);
}

static void store__steps_load_in_plan_order_with_their_latest_try(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f);
    struct store_step_key key = step_key(id, "build");
    struct store_step more[] = {sample_step("lint", 2)};
    struct store_batch *b = store_batch_new(f->store);

    store_update_step(
        b, &(struct store_step_update){.key = key, .from = STEP_PENDING, .to = STEP_FAILED});
    key.try = 2;
    store_add_try(b, &key, 5);
    more[0].key.run_id = id;
    store_add_steps(b, more, 1);
    commit(f, b);
    assert_steps(f, id, STORE_LAST, "build/1/2 ready, test/1/1 pending, lint/1/1 pending");

    struct store_step again = sample_step("build", 0);
    again.key.run_id = id;
    again.key.attempt = 2;
    b = store_batch_new(f->store);
    store_update_run(b, &(struct store_run_update){.run_id = id,
                                                   .from = RUN_RUNNING,
                                                   .to = RUN_QUEUED,
                                                   .fields = STORE_RUN_ATTEMPT,
                                                   .values = {.attempt = 2}});
    store_add_steps(b, &again, 1);
    commit(f, b);
    assert_steps(f, id, STORE_LAST, "build/2/1 pending");
    assert_steps(f, id, 1, "build/1/2 ready, test/1/1 pending, lint/1/1 pending");
}

/* As store_load_changed_steps gives them, after a commit of `b`; "all" where all are to be loaded.
 */
static void assert_changed(struct fixture *f, int64_t run, struct store_batch *b, int64_t *seq,
                           const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct store_step *steps;
    size_t n;
    bool all;
    commit(f, b);
    check(store_load_changed_steps(f->reader, run, *seq, &f->arena, &f->arena, &steps, &n, &all,
                                   seq, &err),
          &err);
    for (size_t i = 0; i < n; i++)
        buf_addf(&got, "%s%.*s/%lld %s", i ? ", " : "", STR_ARG(steps[i].key.step_id),
                 (long long)steps[i].key.try, step_status_name(steps[i].status));
    assert_string_equal(all ? "all" : buf_c(&got), want);
}

static struct event event_of(int64_t run, enum event_type type, str step)
{
    return (struct event){.run_id = run, .type = type, .step_id = step, .data = STR("{}")};
}

static void store__steps_that_events_name_load_once_and_as_they_are_now(void **state)
{
    struct fixture *f = *state;
    int64_t id = make_run(f), seq = 0;
    struct store_step_key key = step_key(id, "build");
    struct event build = event_of(id, EVENT_STEP_STARTED, STR("build")),
                 test = event_of(id, EVENT_STEP_SKIPPED, STR("test")),
                 status = event_of(id, EVENT_RUN_STATUS_CHANGED, STR("")),
                 grown = event_of(id, EVENT_PLAN_EXTENDED, STR(""));
    struct log_line line = {.stream = LOG_STDOUT, .text = STR("a line")};
    struct store_batch *b = store_batch_new(f->store);

    store_append_event(b, &test);
    store_append_event(b, &build);
    store_append_event(b, &status);
    store_append_event(b, &build);
    store_update_step(
        b, &(struct store_step_update){.key = key, .from = STEP_PENDING, .to = STEP_FAILED});
    key.try = 2;
    store_add_try(b, &key, 5);
    assert_changed(f, id, b, &seq, "test/1 pending, build/2 ready");
    assert_int_equal(seq, 4);

    b = store_batch_new(f->store);
    store_append_log(b, &key, &line, 1);
    assert_changed(f, id, b, &seq, "");
    assert_int_equal(seq, 5);

    b = store_batch_new(f->store);
    store_append_event(b, &test);
    assert_changed(f, id, b, &seq, "test/1 pending");
    b = store_batch_new(f->store);
    store_append_event(b, &test);
    store_append_event(b, &grown);
    assert_changed(f, id, b, &seq, "all");
    assert_int_equal(seq, 8);
}

static void store__further_try_is_as_planned(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_step s;
    struct store_step_key key = step_key(make_run(f), "build");
    struct store_batch *b = store_batch_new(f->store);
    store_update_step(b, &(struct store_step_update){.key = key,
                                                     .from = STEP_PENDING,
                                                     .to = STEP_FAILED,
                                                     .fields = STORE_STEP_RESULT,
                                                     .values = {.stdout_text = STR("old")}});
    key.try = 2;
    store_add_try(b, &key, 77);
    commit(f, b);
    key.try = STORE_LAST;
    check(store_load_step(f->reader, &key, &f->arena, &s, &err), &err);
    assert_int_equal(s.key.try, 2);
    assert_int_equal(s.status, STEP_READY);
    assert_int_equal(s.created_at, 77);
    assert_str(s.config, "{\"cmd\": \"make\"}");
    assert_str(s.depends_on, "[]");
    assert_str(s.stdout_text, "");
}

static void store__same_step_twice_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    struct store_step s = sample_step("build", 0);
    s.key.run_id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    store_add_steps(b, &s, 1);
    assert_false(store_commit(f->store, b, NULL, &err));
    buf_addf(&want,
             "database_conflict: the database %s refused a change: UNIQUE constraint failed: "
             "workflow_steps.run_id, workflow_steps.attempt, workflow_steps.step_id, "
             "workflow_steps.try (this is a defect of plue, please report it)",
             f->path);
    assert_err(&err, buf_c(&want));
}

/* ---- Definitions, sources, commands ---- */

static void store__definition_is_replaced_by_name(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_definition d = {.name = STR("ci"),
                                 .file_path = STR(".plue/workflows/ci.py"),
                                 .content_hash = STR("aa"),
                                 .triggers = STR("[]"),
                                 .image = STR("node:22"),
                                 .parsed_at = 3};
    struct store_definition *list;
    size_t n;
    struct store_batch *b = store_batch_new(f->store);
    store_put_repository(b, STR("repo"), STR("main"));
    store_put_definition(b, STR("repo"), &d);
    d.name = STR("a");
    store_put_definition(b, STR("repo"), &d);
    d.name = STR("ci");
    d.content_hash = STR("bb");
    d.image = STR("");
    d.plan = STR("{}");
    store_put_definition(b, STR("repo"), &d);
    commit(f, b);
    check(store_list_definitions(f->reader, STR("repo"), &f->arena, &list, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_str(list[0].name, "a");
    assert_str(list[0].image, "node:22");
    assert_str(list[1].name, "ci");
    assert_str(list[1].file_path, ".plue/workflows/ci.py");
    assert_str(list[1].content_hash, "bb");
    assert_str(list[1].triggers, "[]");
    assert_str(list[1].image, "");
    assert_str(list[1].plan, "{}");
    assert_int_equal(list[1].parsed_at, 3);
    check(store_list_definitions(f->reader, STR("none"), &f->arena, &list, &n, &err), &err);
    assert_int_equal(n, 0);
}

static void assert_sources(struct fixture *f, int64_t run, int64_t attempt, const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    struct store_source *files;
    size_t n;
    check(store_load_sources(f->reader, run, attempt, &f->arena, &files, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        buf_addf(&got, "%.*s=%.*s:%.*s;", STR_ARG(files[i].path), STR_ARG(files[i].sha256),
                 STR_ARG(files[i].text));
    assert_string_equal(buf_c(&got), want);
}

static void store__sources_belong_to_an_attempt_and_later_ones(void **state)
{
    struct fixture *f = *state;
    struct store_source first[] = {{STR("ci.py"), STR("s1"), STR("x = 1\n")},
                                   {STR("a.py"), STR("s2"), STR("")}};
    struct store_source third[] = {{STR("ci.py"), STR("s3"), STR("x = 3\n")}};
    int64_t id = make_run(f), other = make_run(f);
    struct store_batch *b = store_batch_new(f->store);

    store_add_sources(b, id, 1, first, 2);
    store_add_sources(b, id, 1, first, 1);
    store_add_sources(b, id, 3, third, 1);
    store_add_sources(b, other, 1, first, 1);
    commit(f, b);
    assert_sources(f, id, 1, "a.py=s2:;ci.py=s1:x = 1\n;");
    assert_sources(f, id, 2, "a.py=s2:;ci.py=s1:x = 1\n;");
    assert_sources(f, id, STORE_LAST, "ci.py=s3:x = 3\n;");
    assert_sources(f, other, STORE_LAST, "ci.py=s1:x = 1\n;");
}

static void store__source_of_a_run_cannot_change(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_source was = {STR("ci.py"), STR("s1"), STR("x = 1\n")};
    struct store_source now = {STR("ci.py"), STR("s2"), STR("x = 2\n")};
    int64_t id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);
    store_add_sources(b, id, 1, &was, 1);
    commit(f, b);
    b = store_batch_new(f->store);
    store_add_sources(b, id, 1, &now, 1);
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "source_changed: ci.py is not the file that run 1 was evaluated from (the run "
                     "goes on from its own copy; begin a new one for the changed file)");
    assert_sources(f, id, 1, "ci.py=s1:x = 1\n;");
}

static void store__command_waits_until_finished(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_command *list;
    size_t n;
    int64_t id = make_run(f);
    struct store_batch *b = store_batch_new(f->store);

    store_add_command(b,
                      &(struct store_command){
                          .run_id = id, .kind = STR("cancel"), .data = STR("{}"), .created_at = 4});
    commit(f, b);
    check(store_list_commands(f->reader, id, &f->arena, &list, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_str(list[0].kind, "cancel");
    assert_str(list[0].data, "{}");
    assert_int_equal(list[0].created_at, 4);
    b = store_batch_new(f->store);
    store_finish_command(b, list[0].id, 9);
    commit(f, b);
    check(store_list_commands(f->reader, id, &f->arena, &list, &n, &err), &err);
    assert_int_equal(n, 0);
}

static void store__command_to_an_ended_or_unknown_run_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    int64_t id = make_run(f);
    struct store_command c = {.run_id = id, .kind = STR("cancel"), .data = STR("{}")};
    struct store_batch *b = store_batch_new(f->store);
    store_update_run(
        b, &(struct store_run_update){.run_id = id, .from = RUN_RUNNING, .to = RUN_SUCCESS});
    commit(f, b);
    b = store_batch_new(f->store);
    store_add_command(b, &c);
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "run_final: run 1 has ended: it is success (start it again with: "
                     "plue run rerun 1)");
    err_reset(&err);
    c.run_id = 2;
    b = store_batch_new(f->store);
    store_add_command(b, &c);
    assert_false(store_commit(f->store, b, NULL, &err));
    assert_err(&err, "run_unknown: there is no run 2 (see the runs with: plue run list)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(store__run_comes_back_as_it_was_created),
        STORE_TEST(store__update_writes_the_named_fields_only),
        STORE_TEST(store__update_from_another_status_is_refused),
        STORE_TEST(store__failed_batch_leaves_nothing_behind),
        STORE_TEST(store__unknown_run_and_step_are_named),
        STORE_TEST(store__list_is_newest_first_in_pages),
        STORE_TEST(store__list_filters_by_each_field_and_all_together),
        STORE_TEST(store__step_comes_back_with_its_result),
        STORE_TEST(store__absent_exit_code_differs_from_zero),
        STORE_TEST(store__long_stdout_is_cut_between_characters_and_flagged),
        STORE_TEST(store__steps_load_in_plan_order_with_their_latest_try),
        STORE_TEST(store__steps_that_events_name_load_once_and_as_they_are_now),
        STORE_TEST(store__further_try_is_as_planned),
        STORE_TEST(store__same_step_twice_is_refused),
        STORE_TEST(store__definition_is_replaced_by_name),
        STORE_TEST(store__sources_belong_to_an_attempt_and_later_ones),
        STORE_TEST(store__source_of_a_run_cannot_change),
        STORE_TEST(store__command_waits_until_finished),
        STORE_TEST(store__command_to_an_ended_or_unknown_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
