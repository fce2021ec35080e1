#include "plan/diff.h"
#include "base/map.h"
#include "plan/grants.h"
#include <jansson.h>

struct comparing {
    struct plan_diff *diff;
    const struct plan *was, *is;
};

static void add(struct comparing *k, enum plan_change_kind kind, str step, str field, str was,
                str is)
{
    struct arena *a = &k->diff->arena;
    vec_push(&k->diff->changes, (struct plan_change){kind, arena_str(a, step), arena_str(a, field),
                                                     arena_str(a, was), arena_str(a, is)});
}

static str quoted(struct comparing *k, str text)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    json_add_quoted(&b, text);
    return arena_str(&k->diff->arena, buf_str(&b));
}

static json_t *load(str json)
{
    return json.n ? json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
}

static str dump(struct comparing *k, const json_t *j)
{
    if (!j)
        return STR("");
    auto_free char *text = json_dumps(j, JSON_ENCODE_ANY);
    return arena_str(&k->diff->arena, str_of(text));
}

/* ---- the plan's own fields ---- */

static void compare_field(struct comparing *k, const char *field, str was, str is)
{
    if (!str_eq(was, is))
        add(k, PLAN_CHANGE_PLAN, STR(""), str_of(field), was, is);
}

static str text_or_null(struct comparing *k, str text)
{
    return text.n ? quoted(k, text) : STR("null");
}

static str number(struct comparing *k, int64_t n)
{
    return n ? arena_printf(&k->diff->arena, "%lld", (long long)n) : STR("null");
}

/* How the plan ends, or what it waits for. */
static str end_of(struct comparing *k, const struct plan *p)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_begin_object(&w);
    json_key_c(&w, "status");
    json_put_c(&w, p->end == PLAN_SUCCESS ? "success"
                   : p->end == PLAN_FAIL  ? "fail"
                   : p->end == PLAN_OPEN  ? "open"
                                          : "error");
    if (p->end == PLAN_OPEN) {
        json_key_c(&w, "awaits");
        json_begin_array(&w);
        for (uint32_t i = 0; i < p->await_count; i++)
            json_put_str(&w, p->steps[p->await_steps[i]].id);
        json_end_array(&w);
    }
    if (p->outputs.n) {
        json_key_c(&w, "outputs");
        json_put_raw(&w, p->outputs);
    }
    if (p->reason.n) {
        json_key_c(&w, "reason");
        json_put_raw(&w, p->reason);
    }
    json_end_object(&w);
    return arena_str(&k->diff->arena, buf_str(&b));
}

static str dump_or_null(struct comparing *k, const json_t *j)
{
    return j ? dump(k, j) : STR("null");
}

/* What @workflow was given; the time limit stands in every plan. */
static void compare_options(struct comparing *k)
{
    const char *key;
    json_t *value, *was = k->was->options.n ? load(k->was->options) : json_object(),
                   *is = k->is->options.n ? load(k->is->options) : json_object();
    json_object_del(was, "timeout_ms");
    json_object_del(is, "timeout_ms");
    json_object_foreach(was, key, value)
    {
        compare_field(k, key, dump(k, value), dump_or_null(k, json_object_get(is, key)));
    }
    json_object_foreach(is, key, value)
    {
        if (!json_object_get(was, key))
            compare_field(k, key, STR("null"), dump(k, value));
    }
    json_decref(was);
    json_decref(is);
}

static void compare_plans(struct comparing *k)
{
    const struct plan *a = k->was, *b = k->is;
    compare_field(k, "triggers", a->triggers, b->triggers);
    compare_field(k, "image", text_or_null(k, a->image), text_or_null(k, b->image));
    compare_field(k, "dockerfile", text_or_null(k, a->dockerfile), text_or_null(k, b->dockerfile));
    compare_field(k, "timeout_ms", number(k, a->timeout_ms), number(k, b->timeout_ms));
    compare_field(k, "env", a->env.n ? a->env : STR("{}"), b->env.n ? b->env : STR("{}"));
    compare_options(k);
    compare_field(k, "result", end_of(k, a), end_of(k, b));
}

/* ---- steps ---- */

static void compare_config(struct comparing *k, str id, const json_t *was, const json_t *is)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)was, key, value)
    {
        const json_t *other = json_object_get(is, key);
        if (!other || !json_equal(value, other))
            add(k, PLAN_CHANGE_STEP, id, str_of(key), dump(k, value), dump(k, other));
    }
    json_object_foreach((json_t *)is, key, value)
    {
        if (!json_object_get(was, key))
            add(k, PLAN_CHANGE_STEP, id, str_of(key), STR(""), dump(k, value));
    }
}

static bool depends_on(const struct plan *p, const struct plan_step *s, str id)
{
    for (uint32_t i = 0; i < s->depends_count; i++)
        if (str_eq(p->steps[s->depends_on[i]].id, id))
            return true;
    return false;
}

static void compare_edges(struct comparing *k, const struct plan_step *was,
                          const struct plan_step *is)
{
    for (uint32_t i = 0; i < was->depends_count; i++) {
        str id = k->was->steps[was->depends_on[i]].id;
        if (!depends_on(k->is, is, id))
            add(k, PLAN_CHANGE_EDGE_REMOVED, is->id, STR("depends_on"), quoted(k, id), STR(""));
    }
    for (uint32_t i = 0; i < is->depends_count; i++) {
        str id = k->is->steps[is->depends_on[i]].id;
        if (!depends_on(k->was, was, id))
            add(k, PLAN_CHANGE_EDGE_ADDED, is->id, STR("depends_on"), STR(""), quoted(k, id));
    }
}

static void compare_steps(struct comparing *k, const struct plan_step *was,
                          const struct plan_step *is)
{
    if (was->type != is->type)
        add(k, PLAN_CHANGE_STEP, is->id, STR("type"), quoted(k, str_of(step_type_name(was->type))),
            quoted(k, str_of(step_type_name(is->type))));
    if (!str_eq(was->name, is->name))
        add(k, PLAN_CHANGE_STEP, is->id, STR("name"), quoted(k, was->name), quoted(k, is->name));
    if (!str_eq(was->config, is->config)) {
        json_t *a = load(was->config), *b = load(is->config);
        compare_config(k, is->id, a, b);
        json_decref(a);
        json_decref(b);
    }
    compare_edges(k, was, is);
}

static str step_json(struct comparing *k, const struct plan *p, const struct plan_step *s)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    plan_add_step_json(&b, p, s);
    return arena_str(&k->diff->arena, buf_str(&b));
}

static void index_steps(struct map *m, const struct plan *p)
{
    for (uint32_t i = 0; p && i < p->step_count; i++)
        map_set(m, p->steps[i].id, &p->steps[i]);
}

static void compare_all_steps(struct comparing *k)
{
    auto_map old = {0}, new = {0};
    index_steps(&old, k->was);
    index_steps(&new, k->is);
    for (uint32_t i = 0; k->was && i < k->was->step_count; i++) {
        const struct plan_step *s = &k->was->steps[i];
        if (!map_has(&new, s->id))
            add(k, PLAN_CHANGE_STEP_REMOVED, s->id, STR(""), step_json(k, k->was, s), STR(""));
    }
    for (uint32_t i = 0; k->is && i < k->is->step_count; i++) {
        const struct plan_step *s = &k->is->steps[i], *before = map_get(&old, s->id);
        if (before)
            compare_steps(k, before, s);
        else
            add(k, PLAN_CHANGE_STEP_ADDED, s->id, STR(""), STR(""), step_json(k, k->is, s));
    }
}

/* ---- grants ---- */

/* A change of tools is a change of the step's config. */
static bool change_of(const struct plan_grant *g, bool added, enum plan_change_kind *ret)
{
    enum plan_change_kind kind =
        g->kind == PLAN_GRANT_SECRET ? PLAN_CHANGE_SECRET_ADDED : PLAN_CHANGE_EGRESS_ADDED;
    *ret = added ? kind : kind + 1; /* removed is the next one */
    return g->kind != PLAN_GRANT_TOOL;
}

static void tell_grants(struct comparing *k, const struct plan_grants *of,
                        const struct plan_grants *other, bool added)
{
    for (size_t i = 0; i < of->list.n; i++) {
        const struct plan_grant *g = &of->list.at[i];
        enum plan_change_kind change;
        if (!change_of(g, added, &change) || map_has(&other->keys, g->key))
            continue;
        str name = quoted(k, g->name);
        add(k, change, g->step, STR(""), added ? STR("") : name, added ? name : STR(""));
    }
}

static void compare_grants(struct comparing *k)
{
    auto_plan_grants was = {0}, is = {0};
    plan_find_grants(k->was, &was);
    plan_find_grants(k->is, &is);
    tell_grants(k, &is, &was, true);
    tell_grants(k, &was, &is, false);
}

void plan_diff_make(struct plan_diff *ret, const struct plan *was, const struct plan *is)
{
    *ret = (struct plan_diff){0};
    struct comparing k = {ret, was, is};
    if (was && is)
        compare_plans(&k);
    compare_all_steps(&k);
    compare_grants(&k);
}

void plan_diff_done(struct plan_diff *d)
{
    vec_done(&d->changes);
    arena_done(&d->arena);
}
