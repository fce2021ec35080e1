/* The run's workspace. The working tree's files are taken before the run begins; what cannot change
 * is opened when the first step needs it, and steps that need it wait meanwhile. */
#include "engine/engine_int.h"

/* ---- hashes of files, which expressions ask for while they are resolved ---- */

struct file_hash {
    str patterns; /* joined by NUL */
    str hex;
    uint32_t step, try;
    struct file_hash *next;
};

static str hash_key(struct live_run *r, const str *patterns, size_t n)
{
    auto_buf key = BUF(CONFIG_RESOLVED_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&key, patterns[i]);
        buf_add_byte(&key, '\0');
    }
    return arena_str(&r->arena, buf_str(&key));
}

bool workspace_find_hash(void *data, const str *patterns, size_t n, struct buf *ret,
                         struct err *err)
{
    struct live_run *r = data;
    str key = hash_key(r, patterns, n);
    uint32_t step = r->resolving, try = r->core.steps[step].tries;
    for (const struct file_hash *h = r->hashes; h; h = h->next) {
        if (h->step == step && h->try == try && str_eq(h->patterns, key)) {
            buf_add_str(ret, h->hex);
            return true;
        }
    }
    if (!r->workspace)
        return err_set(err, "hash_files_failed", "hash_files is computed for steps in a workspace");
    r->wanted = key;
    return err_set(err, "hash_files_failed", "the hash is being computed");
}

struct hash_call {
    struct live_run *run;
    uint32_t step;
    str key;
    bool attach; /* a shell asked, not the step */
};

static void begin(struct live_run *r, uint32_t step);

static void on_hashed(void *user, str hex, const struct err *err)
{
    struct hash_call *c = user;
    struct live_run *r = c->run;
    uint32_t step = c->step;
    if (err && c->attach) {
        attach_files_ready(r, err);
    } else if (err) {
        step_failed_by(r, step, REASON_VALUE_ERROR, err);
    } else {
        struct file_hash *h = arena_alloc(&r->arena, sizeof *h);
        *h = (struct file_hash){.patterns = c->key,
                                .hex = arena_str(&r->arena, hex),
                                .step = step,
                                .try = r->core.steps[step].tries,
                                .next = r->hashes};
        r->hashes = h;
        if (c->attach)
            attach_files_ready(r, NULL);
        else
            begin(r, step);
    }
    free(c);
    r->pending--;
    run_forget(r);
}

bool workspace_fetches_hash(struct live_run *r, uint32_t step)
{
    VEC(str) patterns = {0};
    str rest = r->wanted, pattern;
    if (!rest.n)
        return false;
    struct hash_call *c = mem_alloc(sizeof *c);
    *c = (struct hash_call){r, step, r->wanted, step_is_held(&r->core.steps[step])};
    r->wanted = STR("");
    while (str_next(&rest, '\0', &pattern))
        vec_push(&patterns, pattern);
    r->pending++;
    runner_hash(r->workspace, patterns.at, patterns.n, on_hashed, c);
    vec_done(&patterns);
    return true;
}

/* ---- steps in the workspace ---- */

void step_failed_by(struct live_run *r, uint32_t step, enum reason reason, const struct err *err)
{
    auto_err copy = ERR_INIT;
    err_set(&copy, err->code, "%.*s", STR_ARG(err->message));
    if (err->hint.n)
        err_hint(&copy, "%.*s", STR_ARG(err->hint));
    run_step_failed(r, step, reason, &copy, true);
}

static void begin(struct live_run *r, uint32_t step)
{
    if (r->engine->halted)
        return;
    snapshot_note_step(r);
    if (r->core.steps[step].killing) {
        run_step_done(r, step, OUTCOME_CANCELLED, REASON_RUN_CANCELLED, true);
        return;
    }
    r->resolving = step;
    r->wanted = STR("");
    switch (r->plan.steps[step].type) {
    case STEP_TYPE_FILE:
        file_launch(r, step);
        break;
    case STEP_TYPE_ARTIFACT:
        artifact_launch(r, step);
        break;
    case STEP_TYPE_AGENT:
        llm_step_start(r, step);
        break;
    case STEP_TYPE_GIT:
        git_start(r, step);
        break;
    default:
        shell_launch(r, step);
    }
}

void workspace_begin_again(struct live_run *r, uint32_t step)
{
    begin(r, step);
}

static void on_progress(void *user, size_t files, size_t total)
{
    struct live_run *r = user;
    const struct engine_options *o = &r->engine->options;
    if (o->progress)
        o->progress(o->data, r->id, files, total);
}

void workspace_note(struct live_run *r, uint32_t step, str text)
{
    const struct engine_options *o = &r->engine->options;
    str line;
    if (o->notice)
        o->notice(o->data, r->id, text);
    while (str_next(&text, '\n', &line))
        record_system_line(r, step, line);
}

/* In the log of the first step that the workspace is opened for. */
static void on_notice(void *user, str text)
{
    struct live_run *r = user;
    const struct engine_options *o = &r->engine->options;
    uint32_t step = 0;
    if (r->waiting.n)
        step = r->waiting.at[0].step;
    else
        while (step < r->plan.step_count && !step_has_files(&r->plan.steps[step]))
            step++;
    if (step < r->plan.step_count)
        workspace_note(r, step, text);
    else if (o->notice)
        o->notice(o->data, r->id, text);
}

static void open_workspace(struct live_run *r);

/* Killed before its files were whole: no step can have run in them, so they are made anew. */
static bool may_begin_afresh(const struct live_run *r, const struct err *err)
{
    if (!err || !r->reuses_workspace || strcmp(err->code, "workspace_lost") != 0)
        return false;
    for (uint32_t i = 0; i < r->core.n; i++) {
        bool in_changes = r->steps[i].kept_from && r->request.filled == r->attempt;
        if (step_has_files(&r->plan.steps[i]) && r->steps[i].started_at && !in_changes &&
            (step_status_is_final(r->core.steps[i].status) || step_is_held(&r->core.steps[i])))
            return false;
    }
    return true;
}

void workspace_go_on(struct live_run *r)
{
    VEC(struct run_action) waiting = {.at = r->waiting.at, .n = r->waiting.n};
    r->waiting.at = NULL;
    r->waiting.n = r->waiting.cap = 0;
    for (size_t i = 0; i < waiting.n; i++)
        begin(r, waiting.at[i].step);
    free(waiting.at);
    attach_files_ready(r, NULL);
}

static void drop_feeds(struct live_run *r)
{
    for (size_t i = 0; r->feeds && i < 2; i++)
        blob_feed_done(&r->feeds[i]);
    free(r->feeds);
    r->feeds = NULL;
}

static void fail_waiting(struct live_run *r, const struct err *err)
{
    VEC(struct run_action) waiting = {.at = r->waiting.at, .n = r->waiting.n};
    r->waiting.at = NULL;
    r->waiting.n = r->waiting.cap = 0;
    for (size_t i = 0; i < waiting.n; i++)
        step_failed_by(r, waiting.at[i].step, REASON_START_FAILED, err);
    free(waiting.at);
}

static void on_opened(void *user, struct runner_workspace *w, const struct err *err)
{
    struct live_run *r = user;

    r->given_back = false;
    drop_feeds(r);
    if (may_begin_afresh(r, err)) {
        r->reuses_workspace = false;
        open_workspace(r);
        r->pending--;
        return;
    }
    bool first = r->taking;
    r->opening = r->taking = false;
    r->workspace = err ? NULL : w;
    /* Steps that come later get new files for those that are gone, not for what can be mended. */
    r->open_failed = err && strcmp(err->code, "workspace_mount") != 0;
    if (err && first) {
        run_fail(r, REASON_FILES_NOT_COPIED, err);
    } else if (err) {
        fail_waiting(r, err);
        attach_files_ready(r, err);
    } else if (r->complete) {
        run_close_files(r);
    } else {
        snapshot_source(r);
        if (first)
            run_try_to_begin(r);
        else
            workspace_go_on(r);
    }
    r->pending--;
    run_forget(r);
}

/* Whether the run goes on in files that are there, or would be if they were not lost. */
static bool has_taken(const struct live_run *r)
{
    if (!r->reuses_workspace || r->open_failed)
        return false;
    if (runner_has_files(r->engine->options.runner, r->id, r->request.filled))
        return true;
    for (uint32_t i = 0; i < r->core.n; i++) {
        const struct step_state *s = &r->core.steps[i];
        if (step_has_files(&r->plan.steps[i]) &&
            (s->tries > 1 || (s->tries && (step_status_is_final(s->status) || step_is_held(s)))))
            return true;
    }
    return false;
}

/* What it is filled with out of blobs; without a blob store that is an error when they are read. */
static void feed(struct live_run *r, struct runner_open *open)
{
    const struct engine_request *q = &r->request;
    auto_err err = ERR_INIT;
    if (open->resume || (!q->base.n && !q->changes.n))
        return;
    if (!engine_open_blobs(r->engine, &err))
        run_notice(r, "its files cannot be had", &err);
    r->feeds = mem_zalloc(2 * sizeof *r->feeds);
    blob_feed_init(&r->feeds[0], r->engine->blobs, q->base);
    blob_feed_init(&r->feeds[1], r->engine->blobs, q->changes);
    if (q->base.n)
        open->files = (struct runner_files){blob_feed_get, &r->feeds[0]};
    if (q->changes.n)
        open->changes = (struct runner_files){blob_feed_get, &r->feeds[1]};
}

static void open_workspace(struct live_run *r)
{
    struct runner_open open = {
        .run_id = r->id,
        .source = r->request.source.n ? r->request.source.p : NULL,
        .commit = r->request.commit.n ? r->request.commit.p : NULL,
        .filled = r->request.filled,
        .resume = has_taken(r),
        .keep_source = r->engine->options.data_dir && !r->request.commit.n && !r->request.base.n,
        .progress = on_progress,
        .notice = on_notice,
        .opened = on_opened,
        .user = r,
    };
    feed(r, &open);
    r->opening = true;
    r->pending++;
    runner_open(r->engine->options.runner, &open);
}

/* ---- before the run begins ---- */

static bool may_need_files(const struct live_run *r)
{
    if (r->plan.end == PLAN_OPEN)
        return true;
    for (uint32_t i = 0; i < r->plan.step_count; i++)
        if (step_has_files(&r->plan.steps[i]) &&
            (i >= r->core.n || !step_status_is_final(r->core.steps[i].status)))
            return true;
    return false;
}

bool workspace_is_to_be_filled(const struct live_run *r)
{
    const struct engine_request *q = &r->request;
    return q->source.n && !q->commit.n && !q->base.n && !r->parent && !r->workspace &&
           may_need_files(r) && !has_taken(r);
}

bool workspace_fill_first(struct live_run *r)
{
    if (r->taking || !workspace_is_to_be_filled(r))
        return r->taking;
    r->taking = true;
    open_workspace(r);
    return true;
}

/* ---- while the run rests ---- */

static void on_given_back(void *user, const struct err *err)
{
    struct live_run *r = user;
    if (err)
        run_notice(r, "its sandbox did not end well", err);
    r->giving_back = false;
    r->given_back = r->reuses_workspace = true;
    if (r->wanted_back || r->complete)
        open_workspace(r);
    r->wanted_back = false;
    r->pending--;
    run_forget(r);
}

void workspace_give_back(struct live_run *r)
{
    if (!r->workspace || r->parent || r->core.held || !run_rests(r) || r->complete ||
        r->engine->halted)
        return;
    struct runner_workspace *w = r->workspace;
    r->workspace = NULL;
    r->giving_back = true;
    r->pending++;
    runner_close(w, RUNNER_KEEP, on_given_back, r);
}

/* Its files and what it left in /tmp are where they were. */
static void want(struct live_run *r)
{
    if (r->giving_back)
        r->wanted_back = true;
    else if (!r->workspace && !r->opening)
        open_workspace(r);
}

void workspace_end(struct live_run *r)
{
    if (r->given_back && !r->opening)
        open_workspace(r);
}

void workspace_start(struct live_run *r, uint32_t step)
{
    if (r->workspace && !snapshot_is_being_taken(r)) {
        begin(r, step);
        return;
    }
    vec_push(&r->waiting, (struct run_action){.kind = RUN_ACTION_START, .step = step});
    want(r);
}

void workspace_attach(struct live_run *r)
{
    if (r->workspace && !snapshot_is_being_taken(r))
        attach_files_ready(r, NULL);
    else
        want(r);
}
