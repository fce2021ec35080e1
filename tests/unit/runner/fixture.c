#include "fixture.h"
#include "base/fd.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20 };

static int setup(void **state, const char *backend)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct sandbox_options options = {.backend = backend};
    strcpy(f->dir, "/tmp/plue-runner-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->text = BUF(TEXT_MAX);
    if (!sandbox_open(&options, &f->sandbox, &f->err))
        fail_msg("%.*s", STR_ARG(f->err.message));
    if (!runner_local_new(&f->loop, fixture_path(f, "data"), f->sandbox, &f->runner, &f->err))
        fail_msg("%.*s", STR_ARG(f->err.message));
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    return setup(state, NULL);
}

int fixture_setup_none(void **state)
{
    return setup(state, "none");
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    if (f->workspace)
        fixture_close(f, false);
    runner_free(f->runner);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    sandbox_close(f->sandbox);
    fixture_host(f, "chmod -R u+rwx . ; rm -rf \"$PWD\"");
    buf_done(&f->text);
    err_done(&f->err);
    free(f);
    return 0;
}

const char *fixture_path(struct fixture *f, const char *name)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", f->dir, name);
    return path;
}

void fixture_file(struct fixture *f, const char *name, const char *text)
{
    auto_buf folder = BUF(4096);
    const char *path = fixture_path(f, name), *slash = strrchr(path, '/');
    buf_add(&folder, path, (size_t)(slash - path));
    assert_int_equal(fd_make_dirs(AT_FDCWD, buf_c(&folder), 0755), 0);
    assert_int_equal(fd_write_file(AT_FDCWD, path, str_of(text), 0644), 0);
}

void fixture_host(struct fixture *f, const char *command)
{
    auto_buf line = BUF(64 << 10);
    buf_addf(&line, "cd %s && %s", f->dir, command);
    assert_int_equal(system(buf_c(&line)), 0);
}

static void wait_done(struct fixture *f)
{
    while (!f->done)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void take_err(struct fixture *f, const struct err *err)
{
    err_done(&f->err);
    if (err) {
        err_set(&f->err, err->code, "%.*s", STR_ARG(err->message));
        if (err->hint.n)
            err_hint(&f->err, "%.*s", STR_ARG(err->hint));
    }
    f->done = true;
}

static void on_opened(void *user, struct runner_workspace *w, const struct err *err)
{
    struct fixture *f = user;
    f->workspace = w;
    take_err(f, err);
}

bool fixture_open(struct fixture *f, const char *source, bool resume)
{
    struct runner_open open = {.run_id = 1,
                               .source = source,
                               .resume = resume,
                               .workspace_bytes = f->workspace_bytes,
                               .tmp_bytes = f->tmp_bytes,
                               .opened = on_opened,
                               .user = f};
    f->done = false;
    runner_open(f->runner, &open);
    assert_false(f->done);
    wait_done(f);
    return f->workspace != NULL;
}

static void on_closed(void *user, const struct err *err)
{
    take_err(user, err);
}

void fixture_close(struct fixture *f, bool keep)
{
    f->done = false;
    runner_close(f->workspace, keep, on_closed, f);
    wait_done(f);
    f->workspace = NULL;
    if (err_is_set(&f->err))
        fail_msg("%.*s", STR_ARG(f->err.message));
}

static void on_output(void *user, enum runner_stream stream, str bytes)
{
    struct outcome *o = user;
    assert_false(o->ended);
    buf_add_str(stream == RUNNER_STDOUT ? &o->out : &o->error, bytes);
    buf_addf(&o->both, "%d<%.*s>", stream, STR_ARG(bytes));
    if (o->on_output)
        o->on_output(o);
}

static void on_exit_step(void *user, const struct runner_exit *e)
{
    struct outcome *o = user;
    assert_false(o->ended);
    o->ended = true;
    o->exit = *e;
    o->failed = e->err != NULL;
    o->cut = e->cut;
    if (e->err)
        buf_addf(&o->message, "%s: %.*s", e->err->code, STR_ARG(e->err->message));
    buf_add_str(&o->output, e->output);
    buf_add_str(&o->env, e->env);
    buf_add_str(&o->path, e->path);
    buf_add_str(&o->summary, e->summary);
}

void fixture_start(struct fixture *f, struct runner_exec *exec, struct outcome *o)
{
    void (*hook)(struct outcome *) = o->on_output;
    *o = (struct outcome){.fixture = f, .on_output = hook};
    o->out = o->error = o->both = o->message = BUF(TEXT_MAX);
    o->output = o->env = o->path = o->summary = BUF(TEXT_MAX);
    exec->output = on_output;
    exec->exit = on_exit_step;
    exec->user = o;
    if (!exec->step)
        exec->step = "step";
    o->step = runner_exec(f->workspace, exec);
    assert_false(o->ended);
}

void fixture_wait(struct outcome *o)
{
    while (!o->ended)
        uv_run(&o->fixture->loop, UV_RUN_ONCE);
}

void fixture_run(struct fixture *f, const char *script, struct outcome *o)
{
    struct runner_exec exec = {.script = str_of(script)};
    fixture_start(f, &exec, o);
    fixture_wait(o);
}

static void on_read(void *user, str bytes, const struct err *err)
{
    struct fixture *f = user;
    buf_reset(&f->text);
    buf_add_str(&f->text, bytes);
    take_err(f, err);
}

bool fixture_read(struct fixture *f, const char *path, size_t max)
{
    f->done = false;
    runner_read(f->workspace, path, max, on_read, f);
    wait_done(f);
    return !err_is_set(&f->err);
}

static void on_written(void *user, const struct err *err)
{
    take_err(user, err);
}

bool fixture_write(struct fixture *f, const char *path, const char *text, uint32_t mode)
{
    f->done = false;
    runner_write(f->workspace, path, str_of(text), mode, on_written, f);
    wait_done(f);
    return !err_is_set(&f->err);
}

static void on_listed(void *user, const struct runner_entry *entries, size_t n,
                      const struct err *err)
{
    struct fixture *f = user;
    buf_reset(&f->text);
    for (size_t i = 0; i < n; i++)
        buf_addf(&f->text, "%.*s %c %03o %lld\n", STR_ARG(entries[i].path), "fdlo"[entries[i].kind],
                 entries[i].mode, entries[i].kind == RUNNER_DIR ? 0 : (long long)entries[i].size);
    take_err(f, err);
}

bool fixture_list(struct fixture *f, const char *path)
{
    f->done = false;
    runner_list(f->workspace, path, on_listed, f);
    wait_done(f);
    return !err_is_set(&f->err);
}

void outcome_done(struct outcome *o)
{
    buf_done(&o->out);
    buf_done(&o->error);
    buf_done(&o->both);
    buf_done(&o->output);
    buf_done(&o->env);
    buf_done(&o->path);
    buf_done(&o->summary);
    buf_done(&o->message);
}
