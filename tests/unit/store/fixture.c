#include "fixture.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int fixture_set_up_folder(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/plue-store-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/plue.db", f->folder);
    *state = f;
    return 0;
}

int fixture_set_up(void **state)
{
    if (fixture_set_up_folder(state) != 0)
        return -1;
    fixture_open(*state);
    return 0;
}

void fixture_open(struct fixture *f)
{
    auto_err err = ERR_INIT;
    check(store_open(f->path, &(struct store_options){.create = true}, &f->store, &err), &err);
    check(store_reader_open(f->store, &f->reader, &err), &err);
}

void fixture_close(struct fixture *f)
{
    store_reader_close(steal(f->reader));
    store_close(steal(f->store));
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    arena_done(&f->arena);
    DIR *dir = opendir(f->folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(f->folder);
    free(f);
    return 0;
}

void check(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %.*s", err->code ? err->code : "no error set", STR_ARG(err->message));
    assert_false(err_is_set(err));
}

void assert_err(const struct err *err, const char *want)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    for (const struct err *e = err; e; e = e->cause) {
        buf_addf(&b, "%s%s: %.*s", e == err ? "" : " <- ", e->code ? e->code : "none",
                 STR_ARG(e->message));
        if (e->hint.n)
            buf_addf(&b, " (%.*s)", STR_ARG(e->hint));
    }
    assert_string_equal(buf_c(&b), want);
}

void assert_str(str got, const char *want)
{
    auto_free char *text = str_dup(got);
    assert_string_equal(text, want);
}

struct store_run sample_run(void)
{
    return (struct store_run){.repository = STR("/home/me/project"),
                              .workflow = STR("ci"),
                              .status = RUN_QUEUED,
                              .trigger_type = STR("push"),
                              .trigger_payload = STR("{\"type\": \"push\"}"),
                              .ref = STR("refs/heads/main"),
                              .sha = STR("4a9955e"),
                              .branch = STR("main"),
                              .actor = STR("ada"),
                              .inputs = STR("{\"env\": \"prod\"}"),
                              .plan_hash = STR("9f86d081"),
                              .plan = STR("{\"version\": 1}"),
                              .evaluator = STR("0.1.0"),
                              .created_at = 1767225600000};
}

struct store_step sample_step(const char *id, int64_t position)
{
    return (struct store_step){.key = {.step_id = str_of(id)},
                               .position = position,
                               .name = str_of(id),
                               .type = STEP_TYPE_SHELL,
                               .depends_on = STR("[]"),
                               .config = STR("{\"cmd\": \"make\"}"),
                               .created_at = 1767225600000};
}

struct store_step_key step_key(int64_t run_id, const char *id)
{
    return (struct store_step_key){run_id, 1, str_of(id), 1};
}

int64_t make_run(struct fixture *f)
{
    auto_err err = ERR_INIT;
    int64_t id;
    struct store_run run = sample_run();
    struct store_step steps[] = {sample_step("build", 0), sample_step("test", 1)};
    struct store_batch *b = store_batch_new(f->store);

    run.status = RUN_RUNNING;
    store_create_run(b, &run);
    store_add_steps(b, steps, 2);
    check(store_commit(f->store, b, &id, &err), &err);
    return id;
}

void commit(struct fixture *f, struct store_batch *b)
{
    auto_err err = ERR_INIT;
    check(store_commit(f->store, b, NULL, &err), &err);
}
