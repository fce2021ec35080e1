/* Files of the workspace into the blob store, and back. */
#include "engine/engine_int.h"

void keep_say(struct live_run *r, uint32_t step, const char *fmt, ...)
{
    auto_buf text = BUF(8192), masked = BUF(8192);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    mask_apply(run_mask(r), buf_str(&text), &masked);
    record_system_line(r, step, buf_str(&masked));
}

struct keeping {
    struct live_run *run;
    struct blob_store *blobs;
    struct blob_writer *writer; /* the other thread's, until packed */
    struct blob_reader *reader;
    struct blob_info info;
    struct mask_scan scan; /* the other thread's; of what is kept */
    kept_fn *done;
    void *user;
};

static bool put(void *user, const void *p, size_t n, struct err *err)
{
    struct keeping *k = user;
    mask_scan_add(&k->scan, str_make(p, n));
    return (k->writer || blob_create(k->blobs, &k->writer, err)) &&
           blob_write(k->writer, p, n, err);
}

static bool end(void *user, struct err *err)
{
    struct keeping *k = user;
    struct blob_writer *w = k->writer;
    k->writer = NULL;
    return blob_finish(w, &k->info, err);
}

static bool get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    struct keeping *k = user;
    return (k->reader || blob_open(k->blobs, k->info.sha256, &k->reader, err)) &&
           blob_read(k->reader, p, max, ret_n, err);
}

static void on_packed(void *user, const struct pack_count *count, const struct err *err)
{
    struct keeping *k = user;
    struct live_run *r = k->run;
    blob_abandon(k->writer);
    blob_close(k->reader);
    k->done(r, k->user, &k->info, count, k->scan.found, err);
    mask_scan_done(&k->scan);
    free(k);
    r->pending--;
    run_forget(r);
}

static struct keeping *keeping_new(struct live_run *r, kept_fn *done, void *user)
{
    auto_err err = ERR_INIT;
    struct pack_count none = {0};
    if (!engine_open_blobs(r->engine, &err)) {
        done(r, user, NULL, &none, false, &err);
        return NULL;
    }
    struct keeping *k = mem_zalloc(sizeof *k);
    *k = (struct keeping){.run = r, .blobs = r->engine->blobs, .done = done, .user = user};
    r->pending++;
    return k;
}

void keep_files(struct live_run *r, const struct kept_files *files, kept_fn *done, void *user)
{
    struct keeping *k = keeping_new(r, done, user);
    if (!k)
        return;
    mask_scan_init(&k->scan, run_mask(r));
    struct runner_pack pack = {.patterns = files->patterns,
                               .n = files->n,
                               .exact = files->exact,
                               .follow = files->follow,
                               .put = put,
                               .end = end,
                               .packed = on_packed,
                               .user = k};
    runner_pack(r->workspace, &pack);
}

void keep_restore(struct live_run *r, str sha256, kept_fn *done, void *user)
{
    struct keeping *k = keeping_new(r, done, user);
    if (!k)
        return;
    if (sha256.n == sizeof k->info.sha256 - 1)
        memcpy(k->info.sha256, sha256.p, sha256.n);
    struct runner_unpack unpack = {.get = get, .unpacked = on_packed, .user = k};
    runner_unpack(r->workspace, &unpack);
}

/* ---- artifacts ---- */

str *keep_patterns(struct live_run *r, json_t *list, size_t *ret_n)
{
    size_t n = json_is_string(list) ? 1 : json_array_size(list);
    str *patterns = arena_array(&r->arena, str, n);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_is_string(list) ? list : json_array_get(list, i));
        if (text && *text)
            patterns[(*ret_n)++] = arena_str(&r->arena, str_of(text));
    }
    return patterns;
}

static bool name_is_good(str name)
{
    if (!name.n || name.n > ARTIFACT_NAME_MAX || name.p[0] == '.' || name.p[0] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || strchr("/\\:*?\"<>|\x7f", name.p[i]))
            return false;
    return true;
}

static void add_size(struct buf *b, int64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; unit < 4 && bytes % 1024 == 0; bytes /= 1024)
        unit++;
    buf_addf(b, "%lld %s", (long long)bytes, units[unit]);
}

static bool check_room(struct live_run *r, const struct blob_info *info, struct err *err)
{
    int64_t used = 0;
    bool known = false;
    if (!store_sum_artifacts(r->engine->reader, &used, err) ||
        !store_blob_is_used(r->engine->reader, str_of(info->sha256), &known, err))
        return false;
    int64_t room = run_config(r)->artifact_bytes;
    room = room ? room : (int64_t)ARTIFACT_MIB_MAX << 20;
    if (known || used + info->stored <= room)
        return true;
    /* Another run may just have written the same bytes: they go with `plue db prune`. */
    blob_remove_old(r->engine->blobs, info->sha256);
    auto_buf size = BUF(64);
    add_size(&size, room);
    err_set(err, "artifacts_full", "all artifacts together would take more than %s", buf_c(&size));
    err_hint(err, "plue db prune --older-than 30d removes old runs with theirs");
    return false;
}

struct collection {
    uint32_t step;
    str name;
    collected_fn *done;
    void *user;
};

static void on_collected(struct live_run *r, void *user, const struct blob_info *info,
                         const struct pack_count *count, bool holds_secret, const struct err *err)
{
    struct collection *c = user;
    auto_err full = ERR_INIT;
    if (!err && count->left)
        keep_say(
            r, c->step,
            "of artifact '%.*s' %zu %s left out: pipes, sockets, and links that lead to no file "
            "of the workspace; the first is '%.*s'",
            STR_ARG(c->name), count->left, count->left == 1 ? "is" : "are",
            STR_ARG(count->left_first));
    if (!err && count->files && !check_room(r, info, &full))
        err = &full;
    if (!err && count->files) {
        struct store_batch *b = store_batch_new(r->engine->options.store);
        struct store_artifact row = {.run_id = r->id,
                                     .attempt = r->attempt,
                                     .step_id = r->plan.steps[c->step].id,
                                     .name = c->name,
                                     .sha256 = str_of(info->sha256),
                                     .files = (int64_t)count->files,
                                     .bytes = info->bytes,
                                     .stored_bytes = info->stored,
                                     .created_at = clock_wall_ms(),
                                     .holds_secret = holds_secret};
        store_put_artifact(b, &row);
        run_submit(r, b, run_nothing, NULL);
    } else if (!err) {
        keep_say(r, c->step, "no file matches the paths of artifact '%.*s': it is not kept",
                 STR_ARG(c->name));
    }
    c->done(r, c->step, c->user, err);
    free(c);
}

void collect_artifact(struct live_run *r, uint32_t step, str name, json_t *paths,
                      collected_fn *done, void *user)
{
    struct kept_files files = {.follow = true};
    auto_err err = ERR_INIT;
    files.patterns = keep_patterns(r, paths, &files.n);
    if (!name_is_good(name))
        err_set(&err, "invalid_argument", "'%.*s' cannot name an artifact",
                STR_ARG(str_sub(name, 0, ARTIFACT_NAME_MAX)));
    else if (!files.n)
        err_set(&err, "invalid_argument", "artifact '%.*s' has no paths", STR_ARG(name));
    if (err_is_set(&err)) {
        err_hint(&err, "ctx.artifact(\"report\", [\"out/**/*.html\"])");
        done(r, step, user, &err);
        return;
    }
    struct collection *c = mem_alloc(sizeof *c);
    *c = (struct collection){step, arena_str(&r->arena, name), done, user};
    keep_files(r, &files, on_collected, c);
}

static void artifact_step_done(struct live_run *r, uint32_t step, void *user, const struct err *err)
{
    (void)user;
    if (err)
        step_failed_by(r, step, REASON_VALUE_ERROR, err);
    else
        small_step_done(r, step, STR(""));
}

void artifact_launch(struct live_run *r, uint32_t step)
{
    auto_err err = ERR_INIT;
    json_t *config = small_step_config(r, step, &err);
    if (config)
        collect_artifact(r, step, opt_str(json_string_value(json_object_get(config, "name"))),
                         json_object_get(config, "paths"), artifact_step_done, NULL);
    else if (!workspace_fetches_hash(r, step))
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
    json_decref(config);
}
