#include "store/store_int.h"

#define LEASE_COLUMNS \
    "l.run_id, l.pid, l.start_time, l.pid_space, l.boot_id, l.machine, l.acquired_at, l.expires_at"

static void load_text(char *ret, str s)
{
    size_t n = s.n < STORE_OWNER_TEXT_MAX ? s.n : STORE_OWNER_TEXT_MAX - 1;
    memcpy(ret, s.p, n);
    ret[n] = '\0';
}

/* Columns from `first` on, as LEASE_COLUMNS has them. */
static struct store_lease load_row(const struct db_rows *rows, int first)
{
    struct store_lease l = {.run_id = db_get_int(rows, first),
                            .owner = {.pid = db_get_int(rows, first + 1),
                                      .start_time = db_get_int(rows, first + 2),
                                      .pid_space = db_get_int(rows, first + 3)},
                            .acquired_at = db_get_int(rows, first + 6),
                            .expires_at = db_get_int(rows, first + 7)};
    load_text(l.owner.boot_id, db_get_str(rows, first + 4));
    load_text(l.owner.machine, db_get_str(rows, first + 5));
    return l;
}

static bool load_lease(struct db *db, int64_t run_id, struct store_lease *ret, bool *ret_has,
                       struct err *err)
{
    auto_db_rows rows = {0};
    if (!db_query(db, "SELECT " LEASE_COLUMNS " FROM leases l WHERE l.run_id = $1",
                  DB_ARGS(db_int(run_id)), &rows, err))
        return false;
    bool has = db_next(&rows, err);
    if (err_is_set(err))
        return false;
    *ret_has = has;
    if (has)
        *ret = load_row(&rows, 0);
    return true;
}

static bool owner_is_same(const struct store_owner *a, const struct store_owner *b)
{
    return a->pid == b->pid && a->start_time == b->start_time && a->pid_space == b->pid_space &&
           strcmp(a->boot_id, b->boot_id) == 0 && strcmp(a->machine, b->machine) == 0;
}

/* ---- Writing ---- */

struct lease_op {
    int64_t run_id, now;
    struct store_owner self;
};

static struct lease_op *keep(struct store_batch *b, int64_t run_id, const struct store_owner *self,
                             int64_t now)
{
    struct lease_op *op = batch_payload(b, sizeof *op);
    *op = (struct lease_op){.run_id = run_id, .now = now, .self = *self};
    return op;
}

static bool fail_owned(const struct store_lease *l, struct err *err)
{
    err_set(err, "run_has_owner", "run %lld is driven by process %lld on %s", (long long)l->run_id,
            (long long)l->owner.pid, l->owner.machine);
    err_hint(err, "follow it with: plue run watch %lld", (long long)l->run_id);
    return false;
}

static bool apply_take(struct store_writer *w, void *payload, struct err *err)
{
    const struct lease_op *op = payload;
    struct store_lease old;
    bool has;
    int64_t run_id;

    if (!writer_run_id(w, op->run_id, &run_id, err) || !load_lease(w->db, run_id, &old, &has, err))
        return false;
    if (has && !owner_is_same(&old.owner, &op->self) &&
        !store_lease_is_free(&old, &op->self, op->now))
        return fail_owned(&old, err);
    return db_run(w->db,
                  "INSERT INTO leases (run_id, pid, start_time, pid_space, boot_id, machine,"
                  " acquired_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                  " ON CONFLICT (run_id) DO UPDATE SET pid = excluded.pid,"
                  " start_time = excluded.start_time, pid_space = excluded.pid_space,"
                  " boot_id = excluded.boot_id, machine = excluded.machine,"
                  " acquired_at = excluded.acquired_at, expires_at = excluded.expires_at",
                  DB_ARGS(db_int(run_id), db_int(op->self.pid), db_int(op->self.start_time),
                          db_int(op->self.pid_space), db_text(str_of(op->self.boot_id)),
                          db_text(str_of(op->self.machine)), db_int(op->now),
                          db_int(op->now + STORE_LEASE_MS)),
                  err);
}

void store_take_lease(struct store_batch *b, int64_t run_id, const struct store_owner *self,
                      int64_t now)
{
    batch_add(b, apply_take, keep(b, run_id, self, now));
}

#define OWNER_IS \
    " pid = $1 AND start_time = $2 AND pid_space = $3 AND boot_id = $4 AND machine = $5"

static bool apply_renew(struct store_writer *w, void *payload, struct err *err)
{
    const struct lease_op *op = payload;
    return db_run(w->db, "UPDATE leases SET expires_at = $6 WHERE" OWNER_IS,
                  DB_ARGS(db_int(op->self.pid), db_int(op->self.start_time),
                          db_int(op->self.pid_space), db_text(str_of(op->self.boot_id)),
                          db_text(str_of(op->self.machine)), db_int(op->now + STORE_LEASE_MS)),
                  err);
}

void store_renew_leases(struct store_batch *b, const struct store_owner *self, int64_t now)
{
    batch_add(b, apply_renew, keep(b, STORE_NEW_RUN, self, now));
}

static bool apply_drop(struct store_writer *w, void *payload, struct err *err)
{
    const struct lease_op *op = payload;
    int64_t run_id;
    return writer_run_id(w, op->run_id, &run_id, err) &&
           db_run(w->db, "DELETE FROM leases WHERE" OWNER_IS " AND run_id = $6",
                  DB_ARGS(db_int(op->self.pid), db_int(op->self.start_time),
                          db_int(op->self.pid_space), db_text(str_of(op->self.boot_id)),
                          db_text(str_of(op->self.machine)), db_int(run_id)),
                  err);
}

void store_drop_lease(struct store_batch *b, int64_t run_id, const struct store_owner *self)
{
    batch_add(b, apply_drop, keep(b, run_id, self, 0));
}

/* ---- Reading ---- */

bool store_load_lease(struct store_reader *r, int64_t run_id, struct store_lease *ret,
                      bool *ret_has, struct err *err)
{
    return load_lease(r->db, run_id, ret, ret_has, err);
}

bool store_list_orphans(struct store_reader *r, const struct store_owner *self, int64_t now,
                        struct arena *a, int64_t **ret_ids, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(int64_t) ids = {0};
    if (!db_query(r->db,
                  "SELECT r.id, " LEASE_COLUMNS " FROM workflow_runs r"
                  " LEFT JOIN leases l ON l.run_id = r.id"
                  " WHERE r.status IN ($1, $2, $3) ORDER BY r.id",
                  DB_ARGS(db_text(str_of(run_status_name(RUN_QUEUED))),
                          db_text(str_of(run_status_name(RUN_RUNNING))),
                          db_text(str_of(run_status_name(RUN_WAITING)))),
                  &rows, err))
        return false;
    while (db_next(&rows, err)) {
        struct store_lease l = load_row(&rows, 1);
        if (db_is_null(&rows, 1) || store_lease_is_free(&l, self, now))
            vec_push(&ids, db_get_int(&rows, 0));
    }
    if (!err_is_set(err)) {
        *ret_ids = list_keep(a, ids.at, ids.n, sizeof *ids.at);
        *ret_n = ids.n;
    }
    vec_done(&ids);
    return !err_is_set(err);
}

bool store_list_dead_leases(struct store_reader *r, const struct store_owner *self, int64_t now,
                            struct arena *a, struct store_lease **ret, size_t *ret_n,
                            struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_lease) leases = {0};
    if (!db_query(r->db,
                  "SELECT " LEASE_COLUMNS " FROM leases l JOIN workflow_runs r ON r.id = l.run_id"
                  " WHERE r.status NOT IN ($1, $2, $3) ORDER BY l.run_id",
                  DB_ARGS(db_text(str_of(run_status_name(RUN_QUEUED))),
                          db_text(str_of(run_status_name(RUN_RUNNING))),
                          db_text(str_of(run_status_name(RUN_WAITING)))),
                  &rows, err))
        return false;
    while (db_next(&rows, err)) {
        struct store_lease l = load_row(&rows, 0);
        if (store_lease_is_free(&l, self, now))
            vec_push(&leases, l);
    }
    if (!err_is_set(err)) {
        *ret = list_keep(a, leases.at, leases.n, sizeof *leases.at);
        *ret_n = leases.n;
    }
    vec_done(&leases);
    return !err_is_set(err);
}
