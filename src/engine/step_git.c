/* Steps that read the real repository, outside of the sandbox: diff, log, changed_files, which see
 * committed content only, the same whatever a workspace holds; and checkout, which puts a commit's
 * files into the workspace. */
#include "engine/engine_int.h"
#include "git/git.h"

enum {
    GIT_TEXT_MAX = 4 << 20, /* bytes of a diff, log or list of paths */
    GIT_LOG_MAX = 1000,     /* commits of one log */
    GIT_PATHS_MAX = 200,    /* paths= of one diff */
};

struct git_call {
    uv_work_t work;
    struct live_run *run;
    uint32_t step;
    char *folder;
    json_t *config;
    char *base, *head; /* names of commits; NULL where there is a default */
    char *checkout;    /* the commit whose files are wanted; else NULL */
    struct buf json;
    struct err err;
};

static void call_free(struct git_call *c)
{
    json_decref(c->config);
    free(c->folder);
    free(c->base);
    free(c->head);
    free(c->checkout);
    buf_done(&c->json);
    err_done(&c->err);
    free(c);
}

/* ---- on a thread of the pool ---- */

static bool find_commits(struct git_call *c, char base[GIT_SHA_SIZE], char head[GIT_SHA_SIZE])
{
    if (!git_resolve(c->folder, str_of(c->head ? c->head : "HEAD"), head, &c->err))
        return false;
    return c->base ? git_resolve(c->folder, str_of(c->base), base, &c->err)
                   : git_parent(c->folder, head, base, &c->err);
}

static bool compare(struct git_call *c, const char *const *options, struct buf *out)
{
    char base[GIT_SHA_SIZE], head[GIT_SHA_SIZE];
    const char *args[GIT_PATHS_MAX + 16];
    size_t n = 0;
    json_t *paths = json_object_get(c->config, "paths");
    if (!find_commits(c, base, head))
        return false;
    for (; *options; options++)
        args[n++] = *options;
    args[n++] = base;
    args[n++] = head;
    args[n++] = "--";
    if (json_is_string(paths))
        args[n++] = json_string_value(paths);
    if (json_array_size(paths) > GIT_PATHS_MAX)
        return err_set(&c->err, "invalid_argument", "paths= may name at most %d", GIT_PATHS_MAX);
    for (size_t i = 0; i < json_array_size(paths); i++)
        args[n++] = json_string_value(json_array_get(paths, i));
    args[n] = NULL;
    if (git_run(c->folder, args, out, &c->err))
        return true;
    err_hint(&c->err, "name fewer files in paths=");
    return false;
}

static void put_text(struct json_writer *w, str text)
{
    auto_buf valid = BUF(4 * GIT_TEXT_MAX);
    capture_add_valid(&valid, text);
    json_put_str(w, buf_str(&valid));
}

static void diff(struct git_call *c)
{
    static const char *const options[] = {"diff",       "--no-ext-diff",   "--no-textconv",
                                          "--no-color", "--src-prefix=a/", "--dst-prefix=b/",
                                          NULL};
    auto_buf out = BUF(GIT_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&c->json, false);
    if (compare(c, options, &out))
        put_text(&w, buf_str(&out));
}

static void changed_files(struct git_call *c)
{
    static const char *const options[] = {"diff",         "--name-only",   "-z",
                                          "--no-renames", "--no-ext-diff", NULL};
    auto_buf out = BUF(GIT_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&c->json, false);
    str path;
    if (!compare(c, options, &out))
        return;
    str rest = buf_str(&out);
    json_begin_array(&w);
    while (str_next(&rest, '\0', &path))
        put_text(&w, path);
    json_end_array(&w);
}

static void put_commit(struct json_writer *w, str record)
{
    static const char *const keys[] = {"sha", "author", "email", "time", "subject", "body"};
    json_begin_object(w);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        str field = STR("");
        (void)str_next(&record, '\x1f', &field);
        json_key_c(w, keys[i]);
        put_text(w, i == 5 ? str_trim(field) : field);
    }
    json_end_object(w);
}

static void list_commits(struct git_call *c)
{
    char head[GIT_SHA_SIZE];
    json_t *n = json_object_get(c->config, "n");
    int64_t count = json_is_integer(n) ? json_integer_value(n) : 10;
    auto_buf number = BUF(32), out = BUF(GIT_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&c->json, false);
    str record;
    if (count < 1 || count > GIT_LOG_MAX) {
        err_set(&c->err, "invalid_argument", "ctx.git.log(n=) must be from 1 to %d", GIT_LOG_MAX);
        return;
    }
    buf_addf(&number, "-n%lld", (long long)count);
    if (!git_resolve(c->folder, str_of(c->head ? c->head : "HEAD"), head, &c->err))
        return;
    const char *args[] = {
        "log",          "-z", "--no-color", "--format=%H%x1f%an%x1f%ae%x1f%aI%x1f%s%x1f%b",
        buf_c(&number), head, "--",         NULL};
    if (!git_run(c->folder, args, &out, &c->err))
        return;
    str rest = buf_str(&out);
    json_begin_array(&w);
    while (str_next(&rest, '\0', &record))
        put_commit(&w, record);
    json_end_array(&w);
}

/* Which commit is meant; its files are the runner's to write. */
static void find_checkout(struct git_call *c)
{
    char sha[GIT_SHA_SIZE];
    struct json_writer w = JSON_WRITER(&c->json, false);
    const char *ref = json_string_value(json_object_get(c->config, "ref"));
    if (!git_resolve(c->folder, str_of(ref ? ref : ""), sha, &c->err))
        return;
    c->checkout = str_dup(str_of(sha));
    json_begin_object(&w);
    json_key_c(&w, "sha");
    json_put_c(&w, sha);
    json_end_object(&w);
}

static void git_work(uv_work_t *work)
{
    static const struct {
        const char *op;
        void (*fn)(struct git_call *c);
    } ops[] = {{"git-diff", diff},
               {"git-changed-files", changed_files},
               {"git-log", list_commits},
               {"git-checkout", find_checkout}};
    struct git_call *c = work->data;
    const char *op = json_string_value(json_object_get(c->config, "op"));
    for (size_t i = 0; op && i < sizeof ops / sizeof *ops; i++)
        if (strcmp(op, ops[i].op) == 0)
            ops[i].fn(c);
}

/* ---- on the loop ---- */

static void end_call(struct git_call *c)
{
    struct live_run *r = c->run;
    call_free(c);
    r->pending--;
    run_forget(r);
}

static void on_checked_out(void *user, str notes, const struct err *err)
{
    struct git_call *c = user;
    struct live_run *r = c->run;
    auto_buf text = BUF(4096);
    if (err) {
        step_failed_by(r, c->step, REASON_VALUE_ERROR, err);
    } else {
        buf_addf(&text, "the workspace has the files of commit %s", c->checkout);
        record_system_line(r, c->step, buf_str(&text));
        if (notes.n)
            workspace_note(r, c->step, notes);
        small_step_done(r, c->step, buf_str(&c->json));
    }
    end_call(c);
}

static void git_done(uv_work_t *work, int status)
{
    struct git_call *c = work->data;
    struct live_run *r = c->run;
    if (status == 0 && c->checkout) {
        struct runner_checkout checkout = {
            .source = c->folder, .commit = c->checkout, .done = on_checked_out, .user = c};
        runner_checkout(r->workspace, &checkout);
        return;
    }
    if (status < 0)
        err_set(&c->err, "cancelled", "the call was cancelled");
    if (c->json.overflow)
        err_set(&c->err, "result_too_large", "the step's value takes more than %d MiB as JSON",
                RESULT_MAX >> 20);
    if (err_is_set(&c->err))
        run_step_failed(r, c->step, REASON_VALUE_ERROR, &c->err, true);
    else
        small_step_done(r, c->step, buf_str(&c->json));
    end_call(c);
}

static char *text_of(json_t *j)
{
    const char *text = json_string_value(j);
    return text && *text ? str_dup(str_of(text)) : NULL;
}

/* Where the code names no commits: from the pull request's base, to the event's commit. */
static void set_commits(struct git_call *c)
{
    struct live_run *r = c->run;
    json_t *event = json_loadb(r->request.event.p, r->request.event.n, JSON_ALLOW_NUL, NULL);
    json_t *pull = json_object_get(event, "pull_request");
    c->base = text_of(json_object_get(c->config, "base"));
    c->head = text_of(json_object_get(c->config, "head"));
    if (!c->head && r->request.sha.n)
        c->head = str_dup(r->request.sha);
    if (!c->head)
        c->head = text_of(json_object_get(pull, "head"));
    if (!c->base)
        c->base = text_of(json_object_get(pull, "base"));
    json_decref(event);
}

void git_start(struct live_run *r, uint32_t step)
{
    auto_err err = ERR_INIT;
    json_t *config = small_step_config(r, step, &err);
    if (!config || !r->request.source.n) {
        if (!config && r->workspace && workspace_fetches_hash(r, step))
            return;
        if (config)
            err_set(&err, "git_no_repository", "this run has no repository");
        json_decref(config);
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
        return;
    }
    struct git_call *c = mem_zalloc(sizeof *c);
    *c = (struct git_call){.run = r, .step = step, .config = config, .json = BUF(RESULT_MAX)};
    c->folder = str_dup(r->request.source);
    c->work.data = c;
    set_commits(c);
    r->pending++;
    uv_queue_work(r->engine->options.loop, &c->work, git_work, git_done);
}
