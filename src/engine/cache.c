/* cache= of shell steps: what a step left, found again by its key. An exact hit stands for the
 * step; a hit by prefix gives it files to begin with. An entry belongs to the ref (or pull request)
 * that made it; others read the default branch's, and never write it. */
#include "engine/engine_int.h"

struct cache_use {
    struct store_cache wanted, found; /* texts in the run's arena */
    bool exact, has_found, by_changes;
    str *paths;
    size_t path_count;
    json_t *restore_keys; /* owned */
    struct map before;    /* path -> changed_ns, where it keeps what the step changes */
};

void cache_use_free(struct cache_use *u)
{
    if (!u)
        return;
    json_decref(u->restore_keys);
    map_done(&u->before);
    free(u);
}

static int64_t room_for_all(struct live_run *r)
{
    int64_t bytes = run_config(r)->cache_bytes;
    return bytes ? bytes : (int64_t)CACHE_MIB_MAX << 20;
}

/* ---- scopes ---- */

/* What a pull request's run keeps is never another's: its code is not trusted yet. */
static str own_scope(struct live_run *r)
{
    if (str_starts(r->request.trigger_type, STR("pull_request"))) {
        json_t *event = json_loadb(r->request.event.p, r->request.event.n, JSON_ALLOW_NUL, NULL);
        json_t *number = json_object_get(json_object_get(event, "pull_request"), "number");
        str scope =
            arena_printf(&r->arena, "pull request %lld", (long long)json_integer_value(number));
        json_decref(event);
        return scope;
    }
    return r->request.ref.n ? r->request.ref : STR("no ref");
}

static str default_scope(struct live_run *r)
{
    str facts = r->request.repository_facts;
    json_t *j = json_loadb(facts.p, facts.n, JSON_ALLOW_NUL, NULL);
    const char *branch = json_string_value(json_object_get(j, "default_branch"));
    str scope = arena_printf(&r->arena, "refs/heads/%s", branch && *branch ? branch : "main");
    json_decref(j);
    return scope;
}

/* ---- looking ---- */

static bool find(struct live_run *r, struct cache_use *u, str key, bool prefix, struct err *err)
{
    str scopes[] = {own_scope(r), default_scope(r)};
    for (size_t i = 0; i < 2 && !u->has_found; i++) {
        struct store_cache wanted = u->wanted;
        wanted.scope = scopes[i];
        wanted.key = key;
        if (!store_find_cache(r->engine->reader, &wanted, prefix, &r->arena, &u->found,
                              &u->has_found, err))
            return false;
    }
    return true;
}

static bool look(struct live_run *r, struct cache_use *u, struct err *err)
{
    if (!find(r, u, u->wanted.key, false, err))
        return false;
    u->exact = u->has_found;
    size_t i;
    json_t *prefix;
    json_array_foreach(u->restore_keys, i, prefix)
    {
        const char *text = json_string_value(prefix);
        if (!u->has_found && text && *text &&
            !find(r, u, arena_str(&r->arena, str_of(text)), true, err))
            return false;
    }
    return true;
}

static struct cache_use *use_new(struct live_run *r, json_t *cache, struct err *err)
{
    json_t *key = json_object_get(cache, "key"), *paths = json_object_get(cache, "paths");
    size_t n = json_string_length(key);
    if (!json_is_string(key) || !n || n > CACHE_KEY_MAX || strlen(json_string_value(key)) != n) {
        err_set(err, "invalid_argument", "cache(key=) must be a text of 1 to %d bytes",
                CACHE_KEY_MAX);
        return NULL;
    }
    struct cache_use *u = mem_zalloc(sizeof *u);
    auto_free char *version = json_dumps(paths, JSON_ENCODE_ANY | JSON_COMPACT);
    u->by_changes = !paths || json_is_null(paths);
    u->paths = keep_patterns(r, paths, &u->path_count);
    u->restore_keys = json_incref(json_object_get(cache, "restore_keys"));
    u->wanted = (struct store_cache){
        .repository = r->request.repository,
        .scope = own_scope(r),
        .key = arena_str(&r->arena, str_of(json_string_value(key))),
        .version = plan_sha256(&r->arena, u->by_changes ? STR("changes") : str_of(version)),
    };
    return u;
}

/* ---- what `view` shows of it ---- */

/* Beside what else the step has left. saved: NULL where nothing was. */
static void note_use(struct live_run *r, uint32_t step, const struct pack_count *saved)
{
    struct live_step *l = &r->steps[step];
    const struct cache_use *u = l->cache_use;
    auto_buf key = BUF(8192), found = BUF(8192);
    str old = l->output ? str_of(l->output) : STR("{}");
    json_t *more = json_loadb(old.p, old.n, JSON_ALLOW_NUL, NULL), *note = json_object();
    mask_apply(run_mask(r), u->wanted.key, &key);
    mask_apply(run_mask(r), u->found.key, &found);
    json_object_set_new(note, "key", json_stringn(buf_c(&key), key.n));
    json_object_set_new(note, "found",
                        u->has_found ? json_stringn(buf_c(&found), found.n) : json_null());
    json_object_set_new(note, "exact", json_boolean(u->exact));
    json_object_set_new(note, "saved", json_boolean(saved));
    json_object_set_new(note, "files",
                        saved ? json_integer((json_int_t)saved->files) : json_null());
    json_object_set_new(more, "cache", note);
    if (more) {
        free(l->output);
        l->output = json_dumps(more, JSON_COMPACT | JSON_PRESERVE_ORDER);
    }
    json_decref(more);
}

/* ---- hits ---- */

static char *dup_member(json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return str_dup(opt_str(text));
}

static void take_result(struct live_run *r, uint32_t step, const struct cache_use *u)
{
    struct live_step *l = &r->steps[step];
    json_t *j = json_loadb(u->found.result.p, u->found.result.n, JSON_ALLOW_NUL, NULL);
    json_t *outputs = json_object_get(j, "outputs"), *more = json_object_get(j, "more");
    free(l->outputs);
    free(l->output);
    free(l->stdout_text);
    free(l->stderr_text);
    l->outputs = outputs ? json_dumps(outputs, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    l->output = more ? json_dumps(more, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    l->stdout_text = dup_member(j, "stdout");
    l->stderr_text = dup_member(j, "stderr");
    l->has_exit_code = true;
    l->exit_code = 0;
    shell_take_additions(r, opt_str(l->output));
    json_decref(j);
}

static void count_use(struct live_run *r, int64_t id, bool drop)
{
    struct store_batch *b = store_batch_new(r->engine->options.store);
    if (drop)
        store_drop_cache(b, id);
    else
        store_use_cache(b, id, clock_wall_ms());
    run_submit(r, b, run_nothing, NULL);
}

struct cache_call {
    uint32_t step;
};

static void begin_uncached(struct live_run *r, uint32_t step);

static void on_restored(struct live_run *r, void *user, const struct blob_info *info,
                        const struct pack_count *count, bool holds_secret, const struct err *err)
{
    uint32_t step = ((struct cache_call *)user)->step;
    struct cache_use *u = r->steps[step].cache_use;
    (void)info, (void)holds_secret;
    free(user);
    if (err) {
        keep_say(r, step, "cache '%.*s' cannot be used: %.*s", STR_ARG(u->found.key),
                 STR_ARG(err->message));
        count_use(r, u->found.id, true);
        u->exact = u->has_found = false;
        begin_uncached(r, step);
        return;
    }
    count_use(r, u->found.id, false);
    keep_say(r, step, "cache '%.*s' restored: %zu files%s", STR_ARG(u->found.key), count->files,
             u->exact ? "; the step is not run" : "");
    if (!u->exact) {
        begin_uncached(r, step);
        return;
    }
    take_result(r, step, u);
    note_use(r, step, NULL);
    auto_err none = ERR_INIT;
    shell_finish(r, step, OUTCOME_CACHED, REASON_NONE, &none);
}

/* ---- what the step changes ---- */

static void on_listed_before(void *user, const struct runner_entry *entries, size_t n,
                             const struct err *err)
{
    struct live_run *r = ((struct sink *)user)->run;
    uint32_t step = ((struct sink *)user)->step;
    struct cache_use *u = r->steps[step].cache_use;
    free(user);
    for (size_t i = 0; !err && i < n; i++)
        map_set(&u->before, arena_str(&r->arena, entries[i].path),
                (void *)(uintptr_t)entries[i].changed_ns);
    if (err)
        step_failed_by(r, step, REASON_START_FAILED, err);
    else
        workspace_begin_again(r, step);
    r->pending--;
    run_forget(r);
}

static void list_for(struct live_run *r, uint32_t step, runner_listed_fn *listed)
{
    struct sink *s = mem_alloc(sizeof *s);
    *s = (struct sink){r, step};
    r->pending++;
    runner_list(r->workspace, "", listed, s);
}

static void begin_uncached(struct live_run *r, uint32_t step)
{
    if (r->steps[step].cache_use->by_changes)
        list_for(r, step, on_listed_before);
    else
        workspace_begin_again(r, step);
}

bool cache_begin(struct live_run *r, uint32_t step, json_t *config)
{
    struct live_step *l = &r->steps[step];
    json_t *cache = json_object_get(config, "cache");
    auto_err err = ERR_INIT;
    if (!json_is_object(cache) || l->cache_use)
        return false;
    l->cache_use = use_new(r, cache, &err);
    if (!l->cache_use || !look(r, l->cache_use, &err)) {
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
        return true;
    }
    if (l->cache_use->has_found) {
        struct cache_call *c = mem_alloc(sizeof *c);
        c->step = step;
        keep_restore(r, l->cache_use->found.sha256, on_restored, c);
        return true;
    }
    if (!l->cache_use->by_changes)
        return false;
    begin_uncached(r, step);
    return true;
}

/* ---- saving ---- */

struct saving {
    uint32_t step;
    collected_fn *done;
    void *user;
};

static void add_result(struct live_step *l, struct buf *b)
{
    struct json_writer w = JSON_WRITER(b, false);
    json_begin_object(&w);
    json_key_c(&w, "outputs");
    json_put_raw(&w, l->outputs ? str_of(l->outputs) : STR("{}"));
    json_key_c(&w, "more");
    json_put_raw(&w, l->output ? str_of(l->output) : STR("{}"));
    json_key_c(&w, "stdout");
    json_put_str(&w, opt_str(l->stdout_text));
    json_key_c(&w, "stderr");
    json_put_str(&w, opt_str(l->stderr_text));
    json_end_object(&w);
}

/* Room for what is new: what was used longest ago goes. Another run may just have written the same
 * bytes again. */
static void evict(struct live_run *r, struct store_batch *b, int64_t stored)
{
    struct engine *e = r->engine;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct store_cache *old;
    size_t n;
    if (!store_list_unused_caches(e->reader, room_for_all(r) - stored, &a, &old, &n, &err))
        return;
    for (size_t i = 0; i < n; i++) {
        store_drop_cache(b, old[i].id);
        if (old[i].sha256.n)
            blob_remove_old(e->blobs, old[i].sha256.p);
    }
}

static void put_entry(struct live_run *r, uint32_t step, const struct blob_info *info, str result)
{
    struct store_cache row = r->steps[step].cache_use->wanted;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    evict(r, b, info->stored);
    row.sha256 = str_of(info->sha256);
    row.bytes = info->bytes;
    row.stored_bytes = info->stored;
    row.created_at = clock_wall_ms();
    row.result = result;
    store_put_cache(b, &row);
    run_submit(r, b, run_nothing, NULL);
}

static void on_saved(struct live_run *r, void *user, const struct blob_info *info,
                     const struct pack_count *count, bool holds_secret, const struct err *err)
{
    struct saving *s = user;
    struct live_step *l = &r->steps[s->step];
    auto_buf result = BUF(RESULT_MAX);
    bool saved = false;
    (void)holds_secret; /* a cache stays here */
    add_result(l, &result);
    if (err || result.overflow) {
        keep_say(r, s->step, "the cache was not saved: %.*s",
                 STR_ARG(err ? err->message : STR("the step's texts are too large")));
    } else if (!count->files && !l->cache_use->by_changes) {
        keep_say(r, s->step, "the cache was not saved: no file matches the paths of cache '%.*s'",
                 STR_ARG(l->cache_use->wanted.key));
    } else if (info->stored > room_for_all(r) / 2) {
        keep_say(r, s->step,
                 "the cache was not saved: it takes more than half of all caches' room");
    } else {
        saved = true;
        put_entry(r, s->step, info, buf_str(&result));
        keep_say(r, s->step, "cache '%.*s' saved: %zu files", STR_ARG(l->cache_use->wanted.key),
                 count->files);
    }
    note_use(r, s->step, saved ? count : NULL);
    s->done(r, s->step, s->user, NULL);
    free(s);
}

struct changes {
    struct live_run *run;
    struct saving *saving;
};

static void on_listed_after(void *user, const struct runner_entry *entries, size_t n,
                            const struct err *err)
{
    struct changes *c = user;
    struct live_run *r = c->run;
    struct cache_use *u = r->steps[c->saving->step].cache_use;
    VEC(str) changed = {0};
    for (size_t i = 0; !err && i < n; i++)
        if (entries[i].kind != RUNNER_DIR &&
            map_get(&u->before, entries[i].path) != (void *)(uintptr_t)entries[i].changed_ns)
            vec_push(&changed, entries[i].path);
    struct kept_files files = {.patterns = changed.at, .n = changed.n, .exact = true};
    if (err)
        on_saved(r, c->saving, NULL, NULL, false, err);
    else
        keep_files(r, &files, on_saved, c->saving);
    vec_done(&changed);
    free(c);
    r->pending--;
    run_forget(r);
}

bool cache_save(struct live_run *r, uint32_t step, collected_fn *done, void *user)
{
    struct cache_use *u = r->steps[step].cache_use;
    if (!u || u->exact)
        return false;
    struct saving *s = mem_alloc(sizeof *s);
    *s = (struct saving){step, done, user};
    if (u->by_changes) {
        struct changes *c = mem_alloc(sizeof *c);
        *c = (struct changes){r, s};
        r->pending++;
        runner_list(r->workspace, "", on_listed_after, c);
        return true;
    }
    struct kept_files files = {.patterns = u->paths, .n = u->path_count};
    keep_files(r, &files, on_saved, s);
    return true;
}
