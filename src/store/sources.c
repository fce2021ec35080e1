#include "store/store_int.h"

struct sources_add {
    int64_t run_id, attempt;
    struct store_source *files;
    size_t n;
};

static bool fail_changed(const struct store_source *f, int64_t run_id, struct err *err)
{
    err_set(err, "source_changed", "%.*s is not the file that run %lld was evaluated from",
            STR_ARG(f->path), (long long)run_id);
    err_hint(err, "the run goes on from its own copy; begin a new one for the changed file");
    return false;
}

static bool add_file(struct store_writer *w, const struct sources_add *add, int64_t run_id,
                     const struct store_source *f, struct err *err)
{
    bool same;
    int64_t one;
    if (!db_run(w->db,
                "INSERT INTO source_texts (sha256, content) VALUES ($1, $2)"
                " ON CONFLICT (sha256) DO NOTHING",
                DB_ARGS(db_text(f->sha256), db_text(f->text)), err) ||
        !db_run(w->db,
                "INSERT INTO source_bundles (run_id, attempt, path, sha256)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (run_id, attempt, path) DO NOTHING",
                DB_ARGS(db_int(run_id), db_int(add->attempt), db_text(f->path), db_text(f->sha256)),
                err) ||
        !db_find_int(
            w->db,
            "SELECT 1 FROM source_bundles"
            " WHERE run_id = $1 AND attempt = $2 AND path = $3 AND sha256 = $4",
            DB_ARGS(db_int(run_id), db_int(add->attempt), db_text(f->path), db_text(f->sha256)),
            &same, &one, err))
        return false;
    return same || fail_changed(f, run_id, err);
}

static bool apply_add(struct store_writer *w, void *payload, struct err *err)
{
    const struct sources_add *add = payload;
    int64_t run_id;
    if (!writer_run_id(w, add->run_id, &run_id, err))
        return false;
    for (size_t i = 0; i < add->n; i++)
        if (!add_file(w, add, run_id, &add->files[i], err))
            return false;
    return true;
}

void store_add_sources(struct store_batch *b, int64_t run_id, int64_t attempt,
                       const struct store_source *files, size_t n)
{
    struct sources_add *add = batch_payload(b, sizeof *add);
    add->run_id = run_id;
    add->attempt = attempt ? attempt : 1;
    add->n = n;
    add->files = arena_array(&b->arena, struct store_source, n);
    for (size_t i = 0; i < n; i++)
        add->files[i] = (struct store_source){.path = batch_str(b, files[i].path),
                                              .sha256 = batch_str(b, files[i].sha256),
                                              .text = batch_str(b, files[i].text)};
    batch_add(b, apply_add, add);
}

bool store_load_sources(struct store_reader *r, int64_t run_id, int64_t attempt, struct arena *a,
                        struct store_source **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_source) list = {0};
    if (!db_query(r->db,
                  "SELECT b.path, b.sha256, t.content FROM source_bundles b"
                  " JOIN source_texts t ON t.sha256 = b.sha256"
                  " WHERE b.run_id = $1 AND b.attempt = (SELECT MAX(attempt) FROM source_bundles"
                  " WHERE run_id = $1 AND ($2 = 0 OR attempt <= $2)) ORDER BY b.path",
                  DB_ARGS(db_int(run_id), db_int(attempt)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list, (struct store_source){.path = arena_str(a, db_get_str(&rows, 0)),
                                              .sha256 = arena_str(a, db_get_str(&rows, 1)),
                                              .text = arena_str(a, db_get_str(&rows, 2))});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
