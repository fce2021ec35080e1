#include "base/clock.h"
#include "store/store_int.h"

struct repository_put {
    str name, default_branch;
    int64_t now;
};

static bool apply_repository(struct store_writer *w, void *payload, struct err *err)
{
    const struct repository_put *p = payload;
    return db_run(
        w->db,
        "INSERT INTO repositories (name, default_branch, created_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (name) DO UPDATE SET"
        " default_branch = COALESCE(excluded.default_branch, repositories.default_branch)",
        DB_ARGS(db_text(p->name), db_text_or_null(p->default_branch), db_int(p->now)), err);
}

void store_put_repository(struct store_batch *b, str name, str default_branch)
{
    struct repository_put *p = batch_payload(b, sizeof *p);
    p->name = batch_str(b, name);
    p->default_branch = batch_str(b, default_branch);
    p->now = clock_wall_ms();
    batch_add(b, apply_repository, p);
}

struct definition_put {
    str repository;
    struct store_definition definition;
};

static bool apply_definition(struct store_writer *w, void *payload, struct err *err)
{
    const struct definition_put *p = payload;
    const struct store_definition *d = &p->definition;
    return db_run(w->db,
                  "INSERT INTO workflow_definitions (repository_id, name, file_path, content_hash,"
                  " parsed_at, image, dockerfile, triggers, plan)"
                  " VALUES ((SELECT id FROM repositories WHERE name = $1), $2, $3, $4, $5, $6, $7,"
                  " $8, $9) ON CONFLICT (repository_id, name) DO UPDATE SET"
                  " file_path = excluded.file_path, content_hash = excluded.content_hash,"
                  " parsed_at = excluded.parsed_at, image = excluded.image,"
                  " dockerfile = excluded.dockerfile, triggers = excluded.triggers,"
                  " plan = excluded.plan",
                  DB_ARGS(db_text(p->repository), db_text(d->name), db_text(d->file_path),
                          db_text(d->content_hash), db_int(d->parsed_at), db_text_or_null(d->image),
                          db_text_or_null(d->dockerfile), db_text(d->triggers),
                          db_text_or_null(d->plan)),
                  err);
}

void store_put_definition(struct store_batch *b, str repository, const struct store_definition *d)
{
    struct definition_put *p = batch_payload(b, sizeof *p);
    store_put_repository(b, repository, str_make("", 0));
    p->repository = batch_str(b, repository);
    p->definition = (struct store_definition){.name = batch_str(b, d->name),
                                              .file_path = batch_str(b, d->file_path),
                                              .content_hash = batch_str(b, d->content_hash),
                                              .triggers = batch_str(b, d->triggers),
                                              .plan = batch_str(b, d->plan),
                                              .image = batch_str(b, d->image),
                                              .dockerfile = batch_str(b, d->dockerfile),
                                              .parsed_at = d->parsed_at};
    batch_add(b, apply_definition, p);
}

bool store_list_definitions(struct store_reader *r, str repository, struct arena *a,
                            struct store_definition **ret, size_t *ret_n, struct err *err)
{
    auto_db_rows rows = {0};
    VEC(struct store_definition) list = {0};
    if (!db_query(r->db,
                  "SELECT d.name, d.file_path, d.content_hash, d.triggers, d.plan, d.image,"
                  " d.dockerfile, d.parsed_at FROM workflow_definitions d"
                  " JOIN repositories p ON p.id = d.repository_id"
                  " WHERE p.name = $1 ORDER BY d.name",
                  DB_ARGS(db_text(repository)), &rows, err))
        return false;
    while (db_next(&rows, err))
        vec_push(&list,
                 (struct store_definition){.name = arena_str(a, db_get_str(&rows, 0)),
                                           .file_path = arena_str(a, db_get_str(&rows, 1)),
                                           .content_hash = arena_str(a, db_get_str(&rows, 2)),
                                           .triggers = arena_str(a, db_get_str(&rows, 3)),
                                           .plan = arena_str(a, db_get_str(&rows, 4)),
                                           .image = arena_str(a, db_get_str(&rows, 5)),
                                           .dockerfile = arena_str(a, db_get_str(&rows, 6)),
                                           .parsed_at = db_get_int(&rows, 7)});
    if (!err_is_set(err)) {
        *ret = list_keep(a, list.at, list.n, sizeof *list.at);
        *ret_n = list.n;
    }
    vec_done(&list);
    return !err_is_set(err);
}
