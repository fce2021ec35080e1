#include "store/store_int.h"

struct secret_put {
    str name, sealed;
    int64_t now;
};

static bool apply_put(struct store_writer *w, void *payload, struct err *err)
{
    const struct secret_put *p = payload;
    return db_run(w->db,
                  "INSERT INTO secrets (name, sealed, created_at, updated_at)"
                  " VALUES ($1, $2, $3, $3) ON CONFLICT (name) DO UPDATE SET"
                  " sealed = excluded.sealed, updated_at = excluded.updated_at",
                  DB_ARGS(db_text(p->name), db_text(p->sealed), db_int(p->now)), err);
}

void store_put_secret(struct store_batch *b, str name, str sealed, int64_t now)
{
    struct secret_put *p = batch_payload(b, sizeof *p);
    *p = (struct secret_put){batch_str(b, name), batch_str(b, sealed), now};
    batch_add(b, apply_put, p);
}

static bool apply_delete(struct store_writer *w, void *payload, struct err *err)
{
    const str *name = payload;
    if (!db_run(w->db, "DELETE FROM secrets WHERE name = $1", DB_ARGS(db_text(*name)), err))
        return false;
    return db_changes(w->db) == 1 ||
           err_set(err, "secret_unknown", "there is no secret %.*s", STR_ARG(*name));
}

void store_delete_secret(struct store_batch *b, str name)
{
    str *copy = batch_payload(b, sizeof *copy);
    *copy = batch_str(b, name);
    batch_add(b, apply_delete, copy);
}

bool store_list_secrets(struct store_reader *r, struct arena *a, struct store_secret **ret,
                        size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_secret) list = {0};
    if (!db_query(r->db, "SELECT name, sealed, created_at, updated_at FROM secrets ORDER BY name",
                  NULL, 0, &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_secret){.name = arena_str(a, db_get_str(&rows, 0)),
                                              .sealed = arena_str(a, db_get_str(&rows, 1)),
                                              .created_at = db_get_int(&rows, 2),
                                              .updated_at = db_get_int(&rows, 3)});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
