/* What processes that died have left of their runs: ended and removed, but for what a resume or a
 * rerun goes on from. */
#include "engine/engine_int.h"

static int by_newest(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static bool has_lost_files(struct engine *e, const struct store_run *run)
{
    json_t *kept = json_loadb(run->plan.p, run->plan.n, 0, NULL);
    int64_t filled = files_filled(kept);
    json_decref(kept);
    return !runner_has_files(e->options.runner, run->id, filled);
}

/* A run that nobody drives may still be resumed, for a while with its /tmp; not where its files
 * are gone. */
static enum runner_keep keep_of_orphan(struct engine *e, const struct store_run *run, int64_t now)
{
    auto_err err = ERR_INIT;
    struct store_lease lease;
    bool has = false;
    if (!store_load_lease(e->reader, run->id, &lease, &has, &err) || !has)
        return RUNNER_KEEP;
    if (!store_lease_is_free(&lease, &e->self, now))
        return RUNNER_KEEP;
    int64_t left_for = now - (lease.expires_at - STORE_LEASE_MS);
    return left_for > ENGINE_ORPHAN_TMP_MS || has_lost_files(e, run) ? RUNNER_KEEP_FILES
                                                                     : RUNNER_KEEP;
}

/* By a process that takes a snapshot of the files, or removes them. */
static bool is_in_use(struct engine *e, int64_t run_id, int64_t now)
{
    auto_err err = ERR_INIT;
    struct store_lease lease;
    bool has = false;
    return !store_load_lease(e->reader, run_id, &lease, &has, &err) ||
           (has && !store_lease_is_free(&lease, &e->self, now));
}

static enum runner_keep keep_of(struct engine *e, int64_t run_id, int64_t now, size_t *kept)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct store_run run;
    if (!store_load_run(e->reader, run_id, &a, &run, &err))
        return strcmp(err.code, "run_unknown") == 0 ? RUNNER_REMOVE : RUNNER_KEEP;
    if (run_status_is_final(run.status) && is_in_use(e, run_id, now))
        return RUNNER_KEEP;
    if (!run_status_is_final(run.status))
        return keep_of_orphan(e, &run, now);
    if (run.status == RUN_SUCCESS || now - run.completed_at > ENGINE_FILES_KEPT_MS ||
        *kept >= ENGINE_FILES_KEPT_MAX)
        return RUNNER_REMOVE;
    ++*kept;
    return RUNNER_KEEP_FILES;
}

/* What cannot be removed now is at another start. */
static bool clean_snapshots(struct engine *e, int64_t now)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    int64_t *runs = NULL;
    size_t n = 0;
    if (!e->options.data_dir ||
        !store_list_old_snapshots(e->reader, now - ENGINE_SNAPSHOTS_KEPT_MS,
                                  (int64_t)ENGINE_SNAPSHOTS_MIB_MAX << 20, &a, &runs, &n, &err) ||
        !n || !engine_open_blobs(e, &err))
        return false;
    return snapshots_remove(e->options.store, e->reader, e->blobs, runs, n, &err);
}

/* Of runs that ended while their files were still being kept or removed. */
static void drop_dead_leases(struct engine *e, int64_t now)
{
    auto_arena a = ARENA_INIT;
    auto_err ignored = ERR_INIT;
    struct store_lease *leases;
    size_t n = 0;
    if (!store_list_dead_leases(e->reader, &e->self, now, &a, &leases, &n, &ignored) || !n)
        return;
    struct store_batch *b = store_batch_new(e->options.store);
    for (size_t i = 0; i < n; i++)
        store_drop_lease(b, leases[i].run_id, &leases[i].owner);
    (void)!store_submit(e->options.store, b, NULL, NULL, &ignored); /* at another start, then */
}

void engine_clean(struct engine *e)
{
    auto_arena a = ARENA_INIT;
    int64_t *ids, now = clock_wall_ms();
    size_t n, kept = 0;
    runner_left(e->options.runner, &a, &ids, &n);
    if (n)
        qsort(ids, n, sizeof *ids, by_newest);
    for (size_t i = 0; i < n; i++)
        runner_forget(e->options.runner, ids[i], keep_of(e, ids[i], now, &kept));
    (void)!clean_snapshots(e, now);
    drop_dead_leases(e, now);
}
