/* A run out of the database: blobs first, then the rows that refer to them. */
#include "base/num.h"
#include "engine/bundle.h"
#include "engine/engine_int.h"
#include "runfile/runfile.h"
#include "runner/local.h"
#include "json/json.h"

enum { ROW_MAX = RUNFILE_RECORD_MAX };

struct exporting {
    const struct bundle_export *q;
    struct bundle_report *ret;
    struct arena *arena; /* the report's */
    struct store_run run;
    json_t *kept;
    struct blob_store *blobs;
    struct runfile_writer *out;
    struct mask mask;      /* for files */
    struct mask_scan rows; /* long secrets, for rows */
    struct map included;   /* blobs that are in the bundle */
    struct map refused;    /* blobs that hold a secret, or are not there */
    str commit_blob;       /* the files of the run's commit; removed again */
    struct err *err;
};

void bundle_report_done(struct bundle_report *r)
{
    vec_done(&r->left_out);
    arena_done(&r->arena);
}

static void leave_out(struct exporting *x, const char *fmt, ...) printf_like(2, 3);
static void leave_out(struct exporting *x, const char *fmt, ...)
{
    auto_buf text = BUF(1 << 16);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    vec_push(&x->ret->left_out, arena_str(x->arena, buf_str(&text)));
}

static bool put(struct exporting *x, enum runfile_kind kind, str payload, struct err *err)
{
    bool ok = runfile_put(x->out, kind, payload, err);
    if (x->q->progress)
        x->q->progress(x->q->data, runfile_written(x->out));
    return ok;
}

/* ---- what may be exported ---- */

static bool load(struct exporting *x)
{
    struct store_owner self;
    struct store_lease lease;
    bool has;
    if (!store_load_run(x->q->reader, x->q->run_id, x->arena, &x->run, x->err) ||
        !store_owner_self(&self, x->err) ||
        !store_load_lease(x->q->reader, x->q->run_id, &lease, &has, x->err))
        return false;
    x->kept = json_loadb(x->run.plan.p, x->run.plan.n, 0, NULL);
    if (!run_status_is_final(x->run.status)) {
        err_set(x->err, "run_not_final", "run %lld has not ended: it is %s", (long long)x->run.id,
                run_status_name(x->run.status));
        err_hint(x->err, "plue run watch %lld waits for its end", (long long)x->run.id);
        return false;
    }
    if (!has || store_lease_is_free(&lease, &self, clock_wall_ms()))
        return true;
    err_set(x->err, "run_has_owner", "process %lld still keeps the files of run %lld",
            (long long)lease.owner.pid, (long long)x->run.id);
    err_hint(x->err, "try again in a moment");
    return false;
}

static bool load_secrets(struct exporting *x)
{
    struct mask rows = {0};
    size_t n;
    for (size_t i = 0; i < x->q->secret_count; i++)
        mask_add(&x->mask, x->q->secrets[i]);
    if (!hidden_read(x->q->reader, x->q->data_dir, x->run.id, &x->mask, &n, x->err))
        return false;
    for (size_t i = 0; i < x->mask.patterns.n; i++)
        if (x->mask.patterns.at[i].text.n >= BUNDLE_SECRET_SHORTEST)
            mask_add_pattern(&rows, x->mask.patterns.at[i].text);
    mask_scan_init(&x->rows, &rows);
    mask_done(&rows);
    return true;
}

/* ---- blobs ---- */

static bool holds_secret(struct exporting *x, const char *sha256, bool *ret)
{
    struct mask_scan scan;
    struct blob_reader *r;
    auto_free char *piece = mem_alloc(RUNFILE_PIECE);
    size_t n = 1;
    *ret = false;
    if (mask_is_empty(&x->mask))
        return true;
    if (!blob_open(x->blobs, sha256, &r, x->err))
        return false;
    mask_scan_init(&scan, &x->mask);
    bool ok = true;
    while (ok && n && !scan.found) {
        ok = blob_read(r, piece, RUNFILE_PIECE, &n, x->err);
        if (ok)
            mask_scan_add(&scan, str_make(piece, n));
    }
    *ret = scan.found;
    mask_scan_done(&scan);
    blob_close(r);
    return ok;
}

static bool copy_blob(struct exporting *x, const char *sha256)
{
    struct blob_reader *r;
    auto_free char *piece = mem_alloc(RUNFILE_PIECE);
    size_t n = 1;
    if (!blob_open(x->blobs, sha256, &r, x->err))
        return false;
    bool ok = put(x, RUNFILE_BLOB, str_of(sha256), x->err);
    while (ok && n) {
        ok = blob_read(r, piece, RUNFILE_PIECE, &n, x->err) &&
             (!n || put(x, RUNFILE_DATA, str_make(piece, n), x->err));
    }
    blob_close(r);
    x->ret->blobs += ok;
    return ok;
}

static bool is_gone(const struct err *err)
{
    return err->code &&
           (strcmp(err->code, "blob_missing") == 0 || strcmp(err->code, "blob_damaged") == 0);
}

/* what: for people. Bytes that are gone or tell a secret are left out, with what they are of. */
static bool add_blob(struct exporting *x, str sha256, bool secret, const char *what)
{
    auto_free char *name = str_dup(sha256);
    if (map_has(&x->included, sha256))
        return true;
    bool found = secret;
    if (!found && !map_has(&x->refused, sha256)) {
        bool ok = holds_secret(x, name, &found) && (found || copy_blob(x, name));
        if (ok && !found) {
            map_set(&x->included, arena_str(x->arena, sha256), x);
            return true;
        }
        if (!ok && !is_gone(x->err))
            return false;
    }
    map_set(&x->refused, arena_str(x->arena, sha256), x);
    if (err_is_set(x->err))
        leave_out(x, "%s: %.*s", what, STR_ARG(x->err->message));
    else
        leave_out(x, "%s: a secret stands in it", what);
    err_reset(x->err);
    return true;
}

static bool add_artifact(void *ctx, size_t table, const struct store_value *v, size_t n,
                         struct err *err)
{
    struct exporting *x = ctx;
    auto_buf what = BUF(1 << 12);
    (void)table, (void)n, (void)err;
    buf_addf(&what, "artifact '%.*s' of attempt %lld", STR_ARG(v[2].s), (long long)v[0].i);
    return add_blob(x, v[3].s, v[8].i != 0, buf_c(&what));
}

struct blob_sink {
    struct blob_store *blobs;
    struct blob_writer *writer;
};

static bool put_commit(void *user, const void *p, size_t n, struct err *err)
{
    struct blob_sink *s = user;
    return (s->writer || blob_create(s->blobs, &s->writer, err)) &&
           blob_write(s->writer, p, n, err);
}

/* The files of the run's commit, as a source. */
static bool add_commit(struct exporting *x)
{
    str commit = json_get_text(x->kept, "commit"), source = json_get_text(x->kept, "source");
    struct blob_sink sink = {.blobs = x->blobs};
    struct blob_info info;
    auto_err wrong = ERR_INIT;
    if (!commit.n || json_get_text(x->kept, "base").n)
        return true;
    bool ok = runner_pack_commit(x->q->data_dir, source.p, commit.p, put_commit, &sink, &wrong) &&
              blob_finish(steal(sink.writer), &info, &wrong);
    blob_abandon(sink.writer);
    if (!ok) {
        leave_out(x, "the files that it began with: %.*s", STR_ARG(wrong.message));
        return true;
    }
    x->commit_blob = arena_str(x->arena, str_of(info.sha256));
    return add_blob(x, x->commit_blob, false, "the files that it began with");
}

static str base_of(const struct exporting *x, const struct store_snapshot *s)
{
    return s->base_sha256.n ? s->base_sha256 : x->commit_blob;
}

/* What a run began with first: without it, what was changed is of no use. */
static bool add_snapshots(struct exporting *x)
{
    struct store_snapshot *list;
    size_t n;
    if (!add_commit(x) ||
        !store_list_snapshots(x->q->reader, x->run.id, x->arena, &list, &n, x->err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_is(list[i].kind, STORE_SNAPSHOT_SOURCE) &&
            !add_blob(x, list[i].sha256, list[i].holds_secret, "the files that it began with"))
            return false;
    for (size_t i = 0; i < n; i++) {
        const struct store_snapshot *s = &list[i];
        auto_buf what = BUF(200);
        buf_addf(&what, "the files of attempt %lld as it was %.*s", (long long)s->attempt,
                 STR_ARG(s->kind));
        if (str_is(s->kind, STORE_SNAPSHOT_SOURCE))
            continue;
        if (!map_has(&x->included, base_of(x, s)))
            leave_out(x, "%s: what they were made from is not in it", buf_c(&what));
        else if (!add_blob(x, s->sha256, s->holds_secret, buf_c(&what)))
            return false;
    }
    return true;
}

/* ---- rows ---- */

static bool check_value(struct exporting *x, size_t table, const char *column, str text,
                        struct err *err)
{
    if (!mask_scan_finds(&x->rows, text))
        return true;
    err_set(err, "secret_in_bundle", "a secret stands in the record of run %lld (%s.%s)",
            (long long)x->run.id, store_move_table_name(table), column);
    err_hint(err, "nothing was written: such a run cannot be exported");
    return false;
}

static bool put_row(void *ctx, size_t table, const struct store_value *values, size_t n,
                    struct err *err)
{
    struct exporting *x = ctx;
    auto_buf text = BUF(ROW_MAX);
    struct json_writer w = JSON_WRITER(&text, false);
    size_t count;
    const struct store_move_column *columns = store_move_columns(table, &count);
    json_begin_array(&w);
    json_put_c(&w, store_move_table_name(table));
    for (size_t i = 0; i < n; i++) {
        const struct store_value *v = &values[i];
        if (v->is_null)
            json_put_null(&w);
        else if (!v->is_text)
            json_put_int(&w, v->i);
        else if (!check_value(x, table, columns[i].name, v->s, err))
            return false;
        else
            json_put_str(&w, v->s);
    }
    json_end_array(&w);
    x->ret->rows++;
    if (text.overflow)
        return err_set(err, "bundle_too_large", "one row has more than %d MiB",
                       RUNFILE_RECORD_MAX >> 20);
    return put(x, RUNFILE_ROW, buf_str(&text), err);
}

static struct store_value text_value(str s)
{
    return (struct store_value){.is_null = !s.n, .is_text = true, .s = s};
}

static bool put_run(void *ctx, size_t table, const struct store_value *values, size_t n,
                    struct err *err)
{
    struct exporting *x = ctx;
    struct store_value copy[64];
    size_t count;
    const struct store_move_column *columns = store_move_columns(table, &count);
    json_t *kept = json_deep_copy(x->kept);
    str base = json_get_text(kept, "base");
    if (!base.n && map_has(&x->included, x->commit_blob))
        json_object_set_new(kept, "base", json_stringn(x->commit_blob.p, x->commit_blob.n));
    auto_free char *text = json_dumps(kept, JSON_COMPACT);
    json_decref(kept);
    for (size_t i = 0; i < n; i++) {
        copy[i] = values[i];
        if (strcmp(columns[i].name, "origin") == 0)
            copy[i] = text_value(STR(""));
        if (strcmp(columns[i].name, "plan") == 0 && text)
            copy[i] = text_value(str_of(text));
    }
    return put_row(ctx, table, copy, n, err);
}

static bool put_artifact(void *ctx, size_t table, const struct store_value *values, size_t n,
                         struct err *err)
{
    struct exporting *x = ctx;
    return !map_has(&x->included, values[3].s) || put_row(ctx, table, values, n, err);
}

static bool put_snapshot(void *ctx, size_t table, const struct store_value *values, size_t n,
                         struct err *err)
{
    struct exporting *x = ctx;
    struct store_value copy[16];
    memcpy(copy, values, n * sizeof *values);
    bool source = str_is(values[1].s, STORE_SNAPSHOT_SOURCE);
    if (values[4].s.n) { /* of the commit: here that is a source as any other */
        copy[3] = text_value(x->commit_blob);
        copy[4] = text_value(STR(""));
    }
    if (!map_has(&x->included, copy[5].s) || (!source && !map_has(&x->included, copy[3].s)))
        return true;
    return put_row(ctx, table, copy, n, err);
}

static bool put_commit_source(struct exporting *x, size_t table)
{
    if (!map_has(&x->included, x->commit_blob))
        return true;
    struct store_value v[] = {{.i = files_filled(x->kept)},
                              text_value(STR(STORE_SNAPSHOT_SOURCE)),
                              text_value(STR("[]")),
                              text_value(STR("")),
                              text_value(STR("")),
                              text_value(x->commit_blob),
                              {.i = 0},
                              {.i = 0},
                              {.i = 0},
                              {.i = 0},
                              {.i = clock_wall_ms()}};
    return put_row(x, table, v, sizeof v / sizeof *v, x->err);
}

static bool put_rows(struct exporting *x)
{
    for (size_t t = 0; store_move_table_name(t); t++) {
        const char *name = store_move_table_name(t);
        store_move_fn *fn = t == 0                                     ? put_run
                            : strcmp(name, "artifacts") == 0           ? put_artifact
                            : strcmp(name, "workspace_snapshots") == 0 ? put_snapshot
                                                                       : put_row;
        if (fn == put_snapshot && !put_commit_source(x, t))
            return false;
        if (!store_export_rows(x->q->reader, x->run.id, t, fn, x, x->err))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool put_header(struct exporting *x)
{
    auto_buf text = BUF(1 << 16);
    struct json_writer w = JSON_WRITER(&text, false);
    json_begin_object(&w);
    json_key_c(&w, "plue");
    json_put_c(&w, PLUE_VERSION);
    json_key_c(&w, "run");
    json_put_int(&w, x->run.id);
    json_key_c(&w, "workflow");
    json_put_str(&w, x->run.workflow);
    json_key_c(&w, "repository");
    json_put_str(&w, x->run.repository);
    json_key_c(&w, "exported_at");
    json_put_int(&w, clock_wall_ms());
    json_end_object(&w);
    return put(x, RUNFILE_HEADER, buf_str(&text), x->err);
}

static bool write_all(struct exporting *x)
{
    size_t artifacts = store_move_table(STR("artifacts"));
    return load(x) && load_secrets(x) && blob_store_open(x->q->data_dir, &x->blobs, x->err) &&
           runfile_create(x->q->fd, &x->out, x->err) && put_header(x) && add_snapshots(x) &&
           store_export_rows(x->q->reader, x->run.id, artifacts, add_artifact, x, x->err) &&
           put_rows(x) && runfile_finish(x->out, x->err);
}

/* The commit's files were made a blob for the bundle alone. */
static void drop_commit(struct exporting *x)
{
    auto_err ignored = ERR_INIT;
    bool used = true;
    if (x->commit_blob.n && store_blob_is_used(x->q->reader, x->commit_blob, &used, &ignored) &&
        !used)
        blob_remove(x->blobs, x->commit_blob.p);
}

bool bundle_export(const struct bundle_export *q, struct bundle_report *ret, struct err *err)
{
    *ret = (struct bundle_report){.run_id = q->run_id};
    struct exporting x = {.q = q, .ret = ret, .arena = &ret->arena, .err = err};
    bool ok = store_begin_look(q->reader, err);
    if (ok) {
        ok = write_all(&x);
        ret->workflow = x.run.workflow;
        drop_commit(&x);
        store_end_look(q->reader);
    }
    runfile_writer_free(x.out);
    blob_store_free(x.blobs);
    mask_done(&x.mask);
    mask_scan_done(&x.rows);
    map_done(&x.included);
    map_done(&x.refused);
    json_decref(x.kept);
    return ok;
}
