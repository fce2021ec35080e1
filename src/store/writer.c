#include "store/store_int.h"

enum { SEQS_MAX = 64 }; /* runs whose last seq is kept from one transaction to the next */

void writer_done(struct store_writer *w)
{
    db_close(w->db);
    vec_done(&w->seqs);
    vec_done(&w->step_updates);
    err_done(&w->broken);
}

/* ---- Group commits ---- */

static bool apply_batch(struct store_writer *w, struct store_batch *b)
{
    w->batch = b;
    vec_each (op, &b->ops)
        if (!op->apply(w, op->payload, &b->err))
            return false;
    return true;
}

/* What the last transaction knew of runs holds where nobody has written since. */
static void keep_seqs(struct store_writer *w)
{
    if (!w->moment || w->seqs.n > SEQS_MAX || w->moment != db_driver_of(w->db)->moment(w->db))
        w->seqs.n = 0;
}

/* All batches from first on, in the transaction that has begun. *ret_failed: the one whose
 * operation failed, or NULL when the transaction itself did. */
static bool commit_begun(struct store_writer *w, struct store_batch *first,
                         struct store_batch **ret_failed, struct err *err)
{
    *ret_failed = NULL;
    keep_seqs(w);
    for (struct store_batch *b = first; b; b = b->next) {
        if (!apply_batch(w, b)) {
            *ret_failed = b;
            break;
        }
    }
    if (!*ret_failed && db_commit(w->db, err)) {
        w->moment = db_driver_of(w->db)->moment(w->db);
        return true;
    }
    db_rollback(w->db);
    w->moment = 0;
    return false;
}

static bool commit_group(struct store_writer *w, struct store_batch *first,
                         struct store_batch **ret_failed, struct err *err)
{
    *ret_failed = NULL;
    return db_begin(w->db, true, err) && commit_begun(w, first, ret_failed, err);
}

/* A batch alone, so that what is wrong with it is its own. */
static void commit_alone(struct store_writer *w, struct store_batch *b)
{
    auto_err err = ERR_INIT;
    struct store_batch *failed;
    err_reset(&b->err);
    if (!commit_group(w, b, &failed, &err) && !failed)
        err_move(&b->err, &err);
}

/* The transaction itself failed, not what stands in it. */
static void fail_all(struct batch_list *group, const struct err *err)
{
    for (struct store_batch *b = group->first; b; b = b->next) {
        err_reset(&b->err);
        err_set(&b->err, err->code, "%.*s", STR_ARG(err->message));
        err_hint(&b->err, "%.*s", STR_ARG(err->hint));
    }
}

bool writer_is_disk_failure(const struct err *err)
{
    static const char *const codes[] = {"disk_full", "database_failed", "database_locked",
                                        "database_corrupt", "database_read_only"};
    for (size_t i = 0; err->code && i < sizeof codes / sizeof *codes; i++)
        if (strcmp(err->code, codes[i]) == 0)
            return true;
    return false;
}

static void keep_broken(struct store_writer *w, uint64_t epoch, const struct err *err)
{
    w->broken_epoch = epoch;
    err_reset(&w->broken);
    err_set(&w->broken, err->code, "%.*s", STR_ARG(err->message));
    err_hint(&w->broken, "%.*s", STR_ARG(err->hint));
}

/* Each alone, up to the first that the disk fails. */
static void commit_each(struct store_writer *w, struct batch_list *group)
{
    struct batch_list alone = {0};
    for (struct store_batch *b; (b = batch_list_take(group));) {
        commit_alone(w, b);
        batch_list_add(&alone, b);
        if (!writer_is_disk_failure(&b->err))
            continue;
        keep_broken(w, b->epoch, &b->err);
        fail_all(group, &b->err);
        while ((b = batch_list_take(group)))
            batch_list_add(&alone, b);
    }
    *group = alone;
}

void writer_commit(struct store_writer *w, struct batch_list *group)
{
    auto_err err = ERR_INIT;
    struct store_batch *failed;

    if (w->broken_epoch && group->first->epoch <= w->broken_epoch) {
        fail_all(group, &w->broken);
        return;
    }
    if (commit_group(w, group->first, &failed, &err))
        return;
    if (!failed) {
        keep_broken(w, group->first->epoch, &err);
        fail_all(group, &err);
        return;
    }
    if (group->first != group->last)
        commit_each(w, group);
    else if (writer_is_disk_failure(&failed->err))
        keep_broken(w, failed->epoch, &failed->err);
}

bool writer_try(struct store_writer *w, const struct batch_list *group)
{
    const struct db_driver *driver = db_driver_of(w->db);
    auto_err err = ERR_INIT;
    struct store_batch *failed = NULL;
    if (driver->needs_time(w->db) || (w->broken_epoch && group->first->epoch <= w->broken_epoch))
        return false;
    driver->hurry(w->db, true);
    bool ok = commit_group(w, group->first, &failed, &err);
    driver->hurry(w->db, false);
    if (failed)
        err_reset(&failed->err);
    return ok;
}

/* ---- What operations ask of the writer ---- */

bool writer_run_id(struct store_writer *w, int64_t run_id, int64_t *ret, struct err *err)
{
    *ret = run_id == STORE_NEW_RUN ? w->batch->run_id : run_id;
    if (*ret > 0)
        return true;
    return err_set(err, "run_unknown", "the batch creates no run, and none is named");
}

bool fail_run_unknown(struct err *err, int64_t run_id)
{
    err_set(err, "run_unknown", "there is no run %lld", (long long)run_id);
    err_hint(err, "see the runs with: plue run list");
    return false;
}

bool writer_take_seqs(struct store_writer *w, int64_t run_id, size_t n, int64_t *ret_first,
                      struct err *err)
{
    struct writer_seq *known = NULL;
    vec_each (s, &w->seqs)
        if (s->run_id == run_id)
            known = s;
    if (!known) {
        bool has;
        int64_t last;
        if (!db_find_int(w->db,
                         "SELECT COALESCE((SELECT last_seq FROM run_events WHERE run_id = $1"
                         " ORDER BY seq DESC LIMIT 1), 0) FROM workflow_runs WHERE id = $1",
                         DB_ARGS(db_int(run_id)), &has, &last, err))
            return false;
        if (!has)
            return fail_run_unknown(err, run_id);
        vec_push(&w->seqs, (struct writer_seq){run_id, last});
        known = &vec_last(&w->seqs);
    }
    *ret_first = known->last + 1;
    known->last += (int64_t)n;
    return true;
}

bool writer_step_key(struct store_writer *w, const struct store_step_key *key, int64_t *ret,
                     struct err *err)
{
    bool has;
    int64_t run_id;
    if (!writer_run_id(w, key->run_id, &run_id, err) ||
        !db_find_int(
            w->db,
            "SELECT id FROM workflow_steps"
            " WHERE run_id = $1 AND attempt = $2 AND step_id = $3 AND try = $4",
            DB_ARGS(db_int(run_id), db_int(key->attempt), db_text(key->step_id), db_int(key->try)),
            &has, ret, err))
        return false;
    if (has)
        return true;
    return err_set(err, "step_unknown", "run %lld has no step '%.*s' in attempt %lld, try %lld",
                   (long long)run_id, STR_ARG(key->step_id), (long long)key->attempt,
                   (long long)key->try);
}
