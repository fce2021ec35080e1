/* A bundle into the database. The file is read twice: all of it is checked, and its blobs kept,
 * before the first row is written; then its rows, in one transaction. */
#include "base/num.h"
#include "engine/bundle.h"
#include "engine/engine_int.h"
#include "runfile/runfile.h"
#include "json/json.h"
#include <errno.h>
#include <unistd.h>

enum { VALUES_MAX = 64, DIGITS = 64 };

struct importing {
    const struct bundle_import *q;
    struct bundle_report *ret;
    struct blob_store *blobs;
    struct map kept; /* blobs of the bundle */
    off_t at;        /* of the file */
    struct runfile_reader *in;
    /* Of the present row: */
    json_t *row;
    struct store_value values[VALUES_MAX];
    char *plan, *origin; /* in the row's place */
    json_t *header;
};

static bool damaged(struct err *err, const char *how)
{
    err_set(err, "bundle_damaged", "the bundle is damaged: %s", how);
    err_hint(err, "export the run again, or copy the file again");
    return false;
}

static bool get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    struct importing *x = user;
    ssize_t n;
    do
        n = pread(x->q->fd, p, max, x->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(err, "file_unreadable", errno, "the bundle cannot be read");
    x->at += n;
    *ret_n = (size_t)n;
    if (x->q->progress)
        x->q->progress(x->q->data, x->at);
    return true;
}

static bool start(struct importing *x, struct err *err)
{
    runfile_reader_free(x->in);
    x->in = NULL;
    x->at = 0;
    return runfile_open(get, x, &x->in, err);
}

/* ---- rows ---- */

static bool is_hash(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return s.n == DIGITS;
}

static bool holds_texts(const json_t *j)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)j, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(j);
}

static bool fits(enum store_move_kind kind, str text)
{
    if (kind == STORE_MOVE_SHA256)
        return is_hash(text);
    if (kind != STORE_MOVE_OBJECT && kind != STORE_MOVE_TEXTS && kind != STORE_MOVE_JSON_NULL)
        return true;
    json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool ok = kind == STORE_MOVE_OBJECT  ? json_is_object(j)
              : kind == STORE_MOVE_TEXTS ? holds_texts(j)
                                         : j != NULL;
    json_decref(j);
    return ok;
}

static bool take_value(const json_t *j, const struct store_move_column *c, struct store_value *ret,
                       struct err *err)
{
    auto_buf how = BUF(200);
    *ret = (struct store_value){.is_null = json_is_null(j),
                                .is_text = json_is_string(j),
                                .i = json_integer_value(j),
                                .s = json_text_of(j)};
    if ((!ret->is_null && !ret->is_text && !json_is_integer(j)) ||
        (ret->is_text && !fits(c->kind, ret->s))) {
        buf_addf(&how, "%s is not what it should be", c->name);
        return damaged(err, buf_c(&how));
    }
    return true;
}

static str value_of(const struct store_move_row *row, const char *name)
{
    size_t n;
    const struct store_move_column *columns = store_move_columns(row->table, &n);
    for (size_t i = 0; i < n && i < row->n; i++)
        if (strcmp(columns[i].name, name) == 0)
            return row->values[i].s;
    return STR("");
}

static bool check_row(struct importing *x, const struct store_move_row *row, struct err *err)
{
    const char *table = store_move_table_name(row->table);
    auto_arena a = ARENA_INIT;
    str sha = value_of(row, "sha256");
    if (strcmp(table, "source_texts") == 0)
        return str_eq(sha, plan_sha256(&a, value_of(row, "content"))) ||
               damaged(err, "a workflow file is not what its hash says");
    if (strcmp(table, "artifacts") != 0 && strcmp(table, "workspace_snapshots") != 0)
        return true;
    return map_has(&x->kept, sha) || damaged(err, "the bytes of kept files are missing");
}

/* Values borrow from x->row. */
static bool take_row(struct importing *x, str text, struct store_move_row *ret, struct err *err)
{
    json_decref(x->row);
    x->row = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    size_t table = store_move_table(json_text_of(json_array_get(x->row, 0))), n;
    if (table == SIZE_MAX)
        return damaged(err, "a row is of no known table");
    const struct store_move_column *columns = store_move_columns(table, &n);
    if (n > VALUES_MAX || json_array_size(x->row) != n + 1)
        return damaged(err, "a row has not as many values as its table");
    for (size_t i = 0; i < n; i++)
        if (!take_value(json_array_get(x->row, i + 1), &columns[i], &x->values[i], err))
            return false;
    *ret = (struct store_move_row){.table = table, .values = x->values, .n = n};
    return check_row(x, ret, err);
}

/* What another machine says of itself does not count here: its sandbox, its files, other runs. */
static void adapt_plan(struct importing *x, struct store_value *plan)
{
    static const char *const theirs[] = {"sandbox", "replay_of", "replay_file", "fork"};
    json_t *kept = json_loadb(plan->s.p, plan->s.n, JSON_ALLOW_NUL, NULL);
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        json_object_del(kept, theirs[i]);
    json_object_set_new(kept, "source", json_string(""));
    if (json_get_text(kept, "base").n)
        json_object_set_new(kept, "commit", json_null());
    free(x->plan);
    x->plan = json_dumps(kept, JSON_COMPACT);
    json_decref(kept);
    if (x->plan)
        plan->s = str_of(x->plan);
}

static void adapt_run(struct importing *x, struct store_move_row *row)
{
    size_t n;
    const struct store_move_column *columns = store_move_columns(row->table, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(columns[i].name, "plan") == 0)
            adapt_plan(x, &row->values[i]);
        if (strcmp(columns[i].name, "origin") == 0)
            row->values[i] =
                (struct store_value){.is_text = true, .s = str_of(x->origin ? x->origin : "{}")};
    }
}

/* ---- the first reading ---- */

static bool take_header(struct importing *x, str text, struct err *err)
{
    x->header = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    json_t *run = json_object_get(x->header, "run");
    str workflow = json_get_text(x->header, "workflow");
    if (!json_is_integer(run) || !workflow.n)
        return damaged(err, "it does not say which run it is");
    x->ret->origin_id = json_integer_value(run);
    x->ret->workflow = arena_str(&x->ret->arena, workflow);
    str plue = json_get_text(x->header, "plue"),
        repository = json_get_text(x->header, "repository");
    json_t *origin =
        json_pack("{s:I, s:s%, s:s%, s:I}", "run", (json_int_t)x->ret->origin_id, "repository",
                  repository.p, repository.n, "plue", plue.p, plue.n, "exported_at",
                  json_integer_value(json_object_get(x->header, "exported_at")));
    x->origin = json_dumps(origin, JSON_COMPACT);
    json_decref(origin);
    return true;
}

static bool finish_blob(struct importing *x, struct blob_writer **w, str name, struct err *err)
{
    struct blob_info info;
    if (!*w)
        return true;
    if (!blob_finish(steal(*w), &info, err))
        return false;
    map_set(&x->kept, arena_str(&x->ret->arena, str_of(info.sha256)), x);
    x->ret->blobs++;
    return str_is(name, info.sha256) || damaged(err, "kept files are not what their hash says");
}

static bool check_record(struct importing *x, const struct runfile_record *r,
                         struct blob_writer **w, str *name, struct err *err)
{
    struct store_move_row row;
    if (r->kind != RUNFILE_DATA && !finish_blob(x, w, *name, err))
        return false;
    switch (r->kind) {
    case RUNFILE_HEADER:
        return take_header(x, r->payload, err);
    case RUNFILE_BLOB:
        *name = arena_str(&x->ret->arena, r->payload);
        if (!is_hash(*name))
            return damaged(err, "a blob has no name");
        return blob_create(x->blobs, w, err);
    case RUNFILE_DATA:
        return blob_write(*w, r->payload.p, r->payload.n, err);
    case RUNFILE_ROW:
        x->ret->rows++;
        return take_row(x, r->payload, &row, err);
    default:
        return true;
    }
}

static bool check_all(struct importing *x, struct err *err)
{
    struct blob_writer *w = NULL;
    struct runfile_record r = {0};
    str name = STR("");
    bool ok = start(x, err);
    while (ok && r.kind != RUNFILE_END)
        ok = runfile_next(x->in, &r, err) && check_record(x, &r, &w, &name, err);
    blob_abandon(w);
    return ok;
}

/* ---- the second, on the store's thread ---- */

static bool begin(void *ctx, struct err *err)
{
    return start(ctx, err);
}

static bool next(void *ctx, struct store_move_row *ret, bool *ret_more, struct err *err)
{
    struct importing *x = ctx;
    struct runfile_record r;
    do
        if (!runfile_next(x->in, &r, err))
            return false;
    while (r.kind != RUNFILE_ROW && r.kind != RUNFILE_END);
    *ret_more = r.kind == RUNFILE_ROW;
    if (!*ret_more)
        return true;
    if (!take_row(x, r.payload, ret, err))
        return false;
    if (ret->table == 0)
        adapt_run(x, ret);
    return true;
}

static bool write_rows(struct importing *x, struct err *err)
{
    struct store_rows rows = {.begin = begin, .next = next, .ctx = x};
    struct store_batch *b = store_batch_new(x->q->store);
    /* Not a path of here: caches of a repository of here are none of its. */
    auto_buf name = BUF(1 << 20);
    buf_addf(&name, "import:%.*s", STR_ARG(json_get_text(x->header, "repository")));
    store_import_run(b, &rows, buf_str(&name));
    return store_commit(x->q->store, b, &x->ret->run_id, err);
}

/* Blobs of a bundle that was refused. */
static void drop_blobs(struct importing *x)
{
    map_each(e, &x->kept)
    {
        auto_err ignored = ERR_INIT;
        bool used = true;
        if (store_blob_is_used(x->q->reader, e->key, &used, &ignored) && !used)
            blob_remove(x->blobs, e->key.p);
    }
}

bool bundle_import(const struct bundle_import *q, struct bundle_report *ret, struct err *err)
{
    *ret = (struct bundle_report){0};
    struct importing x = {.q = q, .ret = ret};
    bool ok =
        blob_store_open(q->data_dir, &x.blobs, err) && check_all(&x, err) && write_rows(&x, err);
    if (!ok && x.blobs)
        drop_blobs(&x);
    runfile_reader_free(x.in);
    blob_store_free(x.blobs);
    map_done(&x.kept);
    json_decref(x.row);
    json_decref(x.header);
    free(x.plan);
    free(x.origin);
    return ok;
}
