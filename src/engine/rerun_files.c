/* The files that a further attempt can go on in: the folder that was left, or a snapshot. One is
 * usable where no step that runs again has ended well in it. */
#include "engine/rerun_int.h"
#include "json/json.h"

/* ---- states that there are ---- */

static int64_t ran_in(const struct store_step *s)
{
    return s->kept_from ? s->kept_from : s->key.attempt;
}

static void add_left(struct rerun_files *f, const struct recovery *v)
{
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        if (rerun_works_in_files(s->type, s->config) && s->conclusion == CONCLUSION_SUCCESS)
            map_set(&f->steps, s->key.step_id, (void *)(intptr_t)ran_in(s));
    }
}

static void add_snapshot(struct rerun_files *f, const struct store_snapshot *s, struct arena *a)
{
    json_t *steps = json_loadb(s->steps.p, s->steps.n, JSON_ALLOW_NUL, NULL), *step;
    size_t i;
    json_array_foreach(steps, i, step)
    {
        json_t *id = json_array_get(step, 0);
        intptr_t attempt = (intptr_t)json_integer_value(json_array_get(step, 1));
        if (json_is_string(id))
            map_set(&f->steps,
                    arena_str(a, str_make(json_string_value(id), json_string_length(id))),
                    (void *)attempt);
    }
    json_decref(steps);
    f->snapshot = s;
}

static bool has_base(const struct store_snapshot *list, size_t n, const struct store_snapshot *s,
                     str commit)
{
    if (!s->base_sha256.n)
        return s->base_commit.n && str_eq(s->base_commit, commit);
    for (size_t i = 0; i < n; i++)
        if (str_is(list[i].kind, STORE_SNAPSHOT_SOURCE) && str_eq(list[i].sha256, s->base_sha256))
            return true;
    return false;
}

/* ---- what one of them has ---- */

bool rerun_files_have(const struct rerun_files *f, const struct store_step *s)
{
    return (intptr_t)map_get(&f->steps, s->key.step_id) == ran_in(s);
}

static bool fits(const struct rerun_files *f, const struct map *wanted, bool before)
{
    size_t n = 0;
    map_each(e, &f->steps)
    {
        const struct store_step *s = map_get(wanted, e->key);
        if (s ? !rerun_files_have(f, s) : before)
            return false;
        n += s != NULL;
    }
    return n > 0; /* where nothing is in it, fresh files are the same, or better */
}

/* ---- the newest that will do ---- */

bool rerun_find_files(struct store_reader *reader, const struct rerun_files_asked *q,
                      struct map *wanted, struct rerun_files *ret, bool *ret_found, struct err *err)
{
    struct recovery *v = q->recovery;
    struct store_snapshot *list;
    size_t n;
    *ret_found = false;
    if (q->left) {
        add_left(ret, v);
        if ((*ret_found = fits(ret, wanted, q->before)))
            return true;
        map_done(&ret->steps);
    }
    if (!store_list_snapshots(reader, v->run.id, &v->arena, &list, &n, err))
        return false;
    for (size_t i = n; i-- > 0;) {
        if (str_is(list[i].kind, STORE_SNAPSHOT_SOURCE) || !has_base(list, n, &list[i], q->commit))
            continue;
        add_snapshot(ret, &list[i], &v->arena);
        if ((*ret_found = fits(ret, wanted, q->before)))
            return true;
        map_done(&ret->steps);
        ret->snapshot = NULL;
    }
    return true;
}

void rerun_files_done(struct rerun_files *f)
{
    map_done(&f->steps);
}
