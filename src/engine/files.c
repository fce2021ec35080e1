/* Which files a run's workspace was, or is to be, filled with. */
#include "engine/engine_int.h"
#include "json/json.h"

bool engine_open_blobs(struct engine *e, struct err *err)
{
    return e->blobs || blob_store_open(e->options.data_dir, &e->blobs, err);
}

int64_t files_filled(json_t *kept)
{
    json_t *filled = json_object_get(kept, "filled");
    return filled ? json_integer_value(filled) : 1;
}

bool files_base(struct store_reader *reader, int64_t run_id, json_t *kept, struct arena *a,
                str *ret, struct err *err)
{
    str base = json_get_text(kept, "base");
    struct store_snapshot *list;
    size_t n;
    *ret = arena_str(a, base);
    if (base.n)
        return true;
    if (!store_list_snapshots(reader, run_id, a, &list, &n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_is(list[i].kind, STORE_SNAPSHOT_SOURCE) && list[i].attempt == files_filled(kept))
            *ret = list[i].sha256;
    return true;
}

/* ---- retention ---- */

bool snapshots_remove(struct store *store, struct store_reader *reader, struct blob_store *blobs,
                      const int64_t *runs, size_t n, struct err *err)
{
    auto_arena a = ARENA_INIT;
    VEC(str) names = {0};
    struct store_batch *b = store_batch_new(store);
    bool ok = true, used;
    for (size_t i = 0; ok && i < n; i++) {
        struct store_snapshot *list = NULL;
        size_t count = 0;
        ok = store_list_snapshots(reader, runs[i], &a, &list, &count, err);
        for (size_t k = 0; ok && k < count; k++)
            vec_push(&names, list[k].sha256);
        store_drop_snapshots(b, runs[i]);
    }
    if (ok)
        ok = store_commit(store, b, NULL, err);
    else
        store_batch_free(b);
    for (size_t i = 0; ok && i < names.n; i++) {
        ok = store_blob_is_used(reader, names.at[i], &used, err);
        if (ok && !used)
            blob_remove_old(blobs, names.at[i].p);
    }
    vec_done(&names);
    return ok;
}

/* ---- blobs for a workspace ---- */

void blob_feed_init(struct blob_feed *f, struct blob_store *blobs, str sha256)
{
    *f = (struct blob_feed){.blobs = blobs};
    if (sha256.n < sizeof f->sha256)
        memcpy(f->sha256, sha256.p, sha256.n);
}

void blob_feed_done(struct blob_feed *f)
{
    blob_close(f->reader);
    f->reader = NULL;
}

bool blob_feed_get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    struct blob_feed *f = user;
    if (!f->blobs)
        return err_set(err, "blob_failed", "the kept files cannot be opened");
    return (f->reader || blob_open(f->blobs, f->sha256, &f->reader, err)) &&
           blob_read(f->reader, p, max, ret_n, err);
}
