/* Snapshots of a run's workspace. What it began with is kept beside its first steps, from a copy
 * that no step can change; what steps have changed, when the run waits or has ended. A snapshot
 * that cannot be taken is said, and ends no run. */
#include "engine/engine_int.h"

enum { STEPS_TEXT_MAX = 64 << 20 };

struct snapshots {
    bool busy, of_changes;
    bool ran;    /* a step began since the last one */
    bool wanted; /* as soon as it can be, if the run waits then */
    str base;    /* the blob of what the workspace began with; "" before it is kept */
    void (*then)(struct live_run *r);
};

struct taking {
    struct live_run *run;
    struct blob_store *blobs;
    struct blob_writer *writer; /* the other thread's, until packed */
    struct mask_scan scan;      /* likewise */
    struct blob_info info;
    str kind, steps, base;
};

static void advance(struct live_run *r);

void snapshots_free(struct live_run *r)
{
    free(r->snapshots);
}

static struct snapshots *snapshots_of(struct live_run *r)
{
    if (!r->snapshots)
        r->snapshots = mem_zalloc(sizeof *r->snapshots);
    return r->snapshots;
}

bool snapshot_is_being_taken(const struct live_run *r)
{
    return r->snapshots && r->snapshots->busy && r->snapshots->of_changes;
}

void snapshot_note_step(struct live_run *r)
{
    snapshots_of(run_top(r))->ran = true;
}

/* ---- one snapshot; put and end come from another thread ---- */

static bool put(void *user, const void *p, size_t n, struct err *err)
{
    struct taking *t = user;
    mask_scan_add(&t->scan, str_make(p, n));
    return (t->writer || blob_create(t->blobs, &t->writer, err)) &&
           blob_write(t->writer, p, n, err);
}

static bool end(void *user, struct err *err)
{
    struct taking *t = user;
    struct blob_writer *w = t->writer;
    t->writer = NULL;
    return blob_finish(w, &t->info, err);
}

static void record(struct live_run *r, const struct taking *t, const struct pack_count *count)
{
    struct store_batch *b = store_batch_new(r->engine->options.store);
    bool source = str_is(t->kind, STORE_SNAPSHOT_SOURCE);
    struct store_snapshot row = {.run_id = r->id,
                                 .attempt = source ? r->request.filled : r->attempt,
                                 .kind = t->kind,
                                 .steps = t->steps,
                                 .base_sha256 = source ? STR("") : t->base,
                                 .base_commit = source ? STR("") : r->request.commit,
                                 .sha256 = str_of(t->info.sha256),
                                 .files = (int64_t)count->files,
                                 .bytes = t->info.bytes,
                                 .stored_bytes = t->info.stored,
                                 .holds_secret = t->scan.found,
                                 .created_at = clock_wall_ms()};
    store_put_snapshot(b, &row);
    run_submit(r, b, run_nothing, NULL);
}

static void on_packed(void *user, const struct pack_count *count, const struct err *err)
{
    struct taking *t = user;
    struct live_run *r = t->run;
    struct snapshots *s = r->snapshots;
    bool changes = s->of_changes;
    blob_abandon(t->writer);
    s->busy = s->of_changes = false;
    if (err) {
        run_notice(r,
                   changes ? "no snapshot of its files is kept"
                           : "the files that it began with are not kept for a rerun",
                   err);
    } else if (!r->engine->halted) {
        if (!changes)
            s->base = arena_str(&r->arena, str_of(t->info.sha256));
        record(r, t, count);
    }
    mask_scan_done(&t->scan);
    free(t);
    if (changes)
        workspace_go_on(r);
    advance(r);
    r->pending--;
    run_forget(r);
}

static void start(struct live_run *r, enum runner_part part, str kind, str steps, str base)
{
    struct snapshots *s = r->snapshots;
    struct taking *t = mem_zalloc(sizeof *t);
    *t = (struct taking){
        .run = r, .blobs = r->engine->blobs, .kind = kind, .steps = steps, .base = base};
    mask_scan_init(&t->scan, run_mask(r));
    struct runner_snapshot request = {
        .part = part, .put = put, .end = end, .packed = on_packed, .user = t};
    s->busy = true;
    s->of_changes = part == RUNNER_CHANGES;
    r->pending++;
    runner_snapshot(r->workspace, &request);
}

/* ---- when ---- */

static bool can_take(struct live_run *r)
{
    auto_err err = ERR_INIT;
    if (r->parent || !r->workspace || !r->engine->options.data_dir || r->engine->halted)
        return false;
    if (engine_open_blobs(r->engine, &err))
        return true;
    run_notice(r, "no snapshot of its files is kept", &err);
    return false;
}

void snapshot_source(struct live_run *r)
{
    snapshots_of(r);
    if (can_take(r) && runner_has_source(r->workspace))
        start(r, RUNNER_SOURCE, STR(STORE_SNAPSHOT_SOURCE), STR("[]"), STR(""));
}

/* Steps that have worked in these files and ended well, with the attempt that ran them. */
static str steps_that_are_in(struct live_run *r)
{
    auto_buf b = BUF(STEPS_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_begin_array(&w);
    for (uint32_t i = 0; i < r->core.n; i++) {
        const struct plan_step *p = &r->plan.steps[i];
        if (!step_has_files(p) || p->type == STEP_TYPE_ARTIFACT ||
            r->core.steps[i].conclusion != CONCLUSION_SUCCESS ||
            !step_status_is_final(r->core.steps[i].status))
            continue;
        json_begin_array(&w);
        json_put_str(&w, p->id);
        json_put_int(&w, r->steps[i].kept_from ? r->steps[i].kept_from : r->attempt);
        json_end_array(&w);
    }
    json_end_array(&w);
    return arena_str(&r->arena, buf_str(&b));
}

static bool find_base(struct live_run *r, str *ret)
{
    auto_err err = ERR_INIT;
    *ret = STR("");
    if (r->request.commit.n)
        return true;
    if (!r->snapshots->base.n) {
        json_t *kept = json_loadb(r->kept.p, r->kept.n, 0, NULL);
        if (!files_base(r->engine->reader, r->id, kept, &r->arena, &r->snapshots->base, &err))
            run_notice(r, "no snapshot of its files is kept", &err);
        json_decref(kept);
    }
    *ret = r->snapshots->base;
    return ret->n > 0; /* else it was said when its source was not kept */
}

static bool start_changes(struct live_run *r)
{
    str base;
    r->snapshots->wanted = false;
    if (!r->snapshots->ran || !can_take(r) || !find_base(r, &base))
        return false;
    r->snapshots->ran = false;
    start(r, RUNNER_CHANGES, str_of(run_status_name(r->core.status)), steps_that_are_in(r), base);
    return true;
}

static void advance(struct live_run *r)
{
    struct snapshots *s = r->snapshots;
    if (s->busy)
        return;
    if (s->then) {
        if (start_changes(r))
            return;
        void (*then)(struct live_run * run) = s->then;
        s->then = NULL;
        then(r);
    } else if (run_rests(r) && !attach_has_shells(r)) {
        if (!s->wanted || !start_changes(r))
            workspace_give_back(r);
    }
}

void snapshot_wait(struct live_run *r)
{
    if (!run_rests(r) || r->parent || !r->workspace)
        return;
    snapshots_of(r)->wanted = true;
    advance(r);
}

void snapshot_take(struct live_run *r, void (*then)(struct live_run *r))
{
    snapshots_of(r)->then = then;
    advance(r);
}
