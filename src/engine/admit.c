/* Runs that wait for their concurrency group, and how they get it. */
#include "engine/engine_int.h"
#include "engine/queue.h"

static enum queue_policy policy_of(str word)
{
    return str_is(word, "cancel")   ? QUEUE_CANCEL
           : str_is(word, "latest") ? QUEUE_LATEST
                                    : QUEUE_FIFO;
}

struct looker {
    struct store_reader *reader;
    struct store_owner self;
    int64_t run_id;
};

static bool is_orphan(const struct looker *l, int64_t run_id, int64_t now)
{
    auto_err ignored = ERR_INIT;
    struct store_lease lease;
    bool has = false;
    return store_load_lease(l->reader, run_id, &lease, &has, &ignored) &&
           (!has || store_lease_is_free(&lease, &l->self, now));
}

static bool look(const struct looker *l, struct arena *a, struct queue_run **ret, size_t *ret_n,
                 struct err *err)
{
    struct store_group_run *rows;
    size_t n;
    int64_t now = clock_wall_ms();
    if (!store_list_group(l->reader, l->run_id, a, &rows, &n, err))
        return false;
    *ret = arena_array(a, struct queue_run, n);
    *ret_n = n;
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct queue_run){.run_id = rows[i].run_id,
                                       .priority = rows[i].priority,
                                       .policy = policy_of(rows[i].policy),
                                       .holds = rows[i].holds,
                                       .orphan = is_orphan(l, rows[i].run_id, now)};
    return true;
}

bool engine_queue_place(struct store_reader *reader, int64_t run_id, int64_t *ret, struct err *err)
{
    auto_arena a = ARENA_INIT;
    struct looker l = {.reader = reader, .run_id = run_id};
    struct queue_run *runs;
    size_t n;
    if (!store_owner_self(&l.self, err) || !look(&l, &a, &runs, &n, err))
        return false;
    struct queue_answer q = queue_decide(runs, n, run_id);
    *ret = q.verdict == QUEUE_WAIT ? (int64_t)q.place : 0;
    return true;
}

void run_yield(struct live_run *r, int64_t to_run)
{
    auto_buf text = BUF(256);
    if (r->core.ending || r->complete)
        return;
    buf_addf(&text, "run %lld of its concurrency group took its place", (long long)to_run);
    r->end_text = arena_str(&r->arena, buf_str(&text));
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_CANCEL, .reason = REASON_SUPERSEDED});
}

/* The newest takes over: those that run are asked to end. Those that wait yield by themselves. */
static void ask_others_to_end(struct live_run *r, const struct queue_run *runs, size_t n)
{
    auto_err err = ERR_INIT;
    if (policy_of(r->request.policy) != QUEUE_CANCEL || r->asked_others)
        return;
    r->asked_others = true;
    auto_buf data = BUF(64);
    buf_addf(&data, "{\"superseded_by\": %lld}", (long long)r->id);
    for (size_t i = 0; i < n; i++) {
        if (runs[i].run_id >= r->id || !runs[i].holds || runs[i].orphan)
            continue;
        struct store_batch *b = store_batch_new(r->engine->options.store);
        struct store_command wish = {.run_id = runs[i].run_id,
                                     .kind = STR("cancel"),
                                     .data = buf_str(&data),
                                     .created_at = clock_wall_ms()};
        store_add_command(b, &wish);
        /* It may have ended meanwhile: just as well. */
        if (!store_commit(r->engine->options.store, b, NULL, &err))
            err_reset(&err);
    }
}

static void kept(struct live_run *r, void *data)
{
    (void)r;
    (void)data;
}

static void record_wait(struct live_run *r, const struct queue_answer *q)
{
    if (r->waits_for == q->run_id && r->place == q->place)
        return;
    r->waits_for = q->run_id;
    r->place = q->place;
    auto_buf text = BUF(4096);
    buf_addf(&text, "waits for run %lld of the group %.*s, at place %zu", (long long)q->run_id,
             STR_ARG(r->request.group), q->place);
    if (q->orphan)
        buf_addf(&text, "; no process drives that one: plue run resume %lld, or run cancel %lld",
                 (long long)q->run_id, (long long)q->run_id);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_run_update u = {.run_id = r->id,
                                 .from = r->recorded,
                                 .to = r->recorded,
                                 .fields = STORE_RUN_REASON,
                                 .values.reason = {REASON_WAITING_FOR_RUN, buf_str(&text)}};
    store_update_run(b, &u);
    run_submit(r, b, kept, NULL);
}

static bool take_group(struct live_run *r)
{
    auto_err err = ERR_INIT;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    store_take_group(b, r->id);
    return store_commit(r->engine->options.store, b, NULL, &err);
}

void run_try_to_begin(struct live_run *r)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct looker l = {r->engine->reader, r->engine->self, r->id};
    struct queue_run *runs;
    size_t n;
    r->queued = r->request.group.n > 0 && !r->core.ending;
    if (r->core.ending) /* cancelled while it waited */
        return;
    if (workspace_fill_first(r)) {
        r->queued = false; /* it gets in line when it has them */
        return;
    }
    if (r->queued) {
        if (!look(&l, &a, &runs, &n, &err))
            return;
        struct queue_answer q = queue_decide(runs, n, r->id);
        ask_others_to_end(r, runs, n);
        if (q.verdict == QUEUE_WAIT) {
            record_wait(r, &q);
            snapshot_wait(r);
            return;
        }
        if (q.verdict == QUEUE_YIELD) {
            r->queued = false;
            run_yield(r, q.run_id);
            return;
        }
        if (!take_group(r)) /* another process was faster */
            return;
        r->queued = false;
    }
    run_tell(r, &(struct run_event){.kind = RUN_EVENT_START});
}
