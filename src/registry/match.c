#include "registry/match.h"
#include "workflow/filter.h"
#include "json/json.h"

/* One trigger against one event. */
struct question {
    const json_t *trigger, *event;
    struct buf *why;
};

static bool against(struct question *q, const char *key, const char *what, str found)
{
    if (!q->why)
        return false;
    str type = json_get_text(q->trigger, "type");
    buf_addf(q->why, "%s%.*s(%s=) does not match %s", q->why->n ? "; " : "", STR_ARG(type), key,
             what);
    if (found.n)
        buf_addf(q->why, " '%.*s'", STR_ARG(found));
    return false;
}

static size_t read_patterns(const json_t *list, str *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < FILTER_PATTERNS_MAX; i++)
        ret[n++] = json_text_of(json_array_get(list, i));
    return n;
}

static bool accepts(const json_t *list, str text)
{
    str patterns[FILTER_PATTERNS_MAX];
    return filter_accepts(patterns, read_patterns(list, patterns), text);
}

static bool has_word(const json_t *list, str word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_eq(json_text_of(json_array_get(list, i)), word))
            return true;
    return false;
}

/* One changed path is enough. */
static bool paths_fit(struct question *q)
{
    const json_t *filter = json_object_get(q->trigger, "paths");
    const json_t *changed = json_object_get(q->event, "paths");
    if (!json_is_array(filter) || !json_is_array(changed))
        return true;
    for (size_t i = 0; i < json_array_size(changed); i++)
        if (accepts(filter, json_text_of(json_array_get(changed, i))))
            return true;
    return against(q, "paths", "any changed path", STR(""));
}

/* types=, or these where it is absent; NULL: all of them. */
static bool type_fits(struct question *q, const char *const *usual)
{
    const json_t *types = json_object_get(q->trigger, "types");
    str action = json_get_text(q->event, "action");
    if (!action.n)
        return true;
    if (json_is_array(types))
        return has_word(types, action) || against(q, "types", "the action", action);
    for (const char *const *u = usual; u && *u; u++)
        if (str_is(action, *u))
            return true;
    return !usual || against(q, "types", "the action", action);
}

/* ---- by type ---- */

static str without(str ref, str prefix)
{
    return str_starts(ref, prefix) ? str_sub(ref, prefix.n, ref.n) : STR("");
}

/* branches= alone is for no tag, tags= alone for no branch. Paths of a tag are not looked at. */
static bool push_fits(struct question *q)
{
    const json_t *branches = json_object_get(q->trigger, "branches");
    const json_t *tags = json_object_get(q->trigger, "tags");
    str ref = json_get_text(q->event, "ref");
    str branch = without(ref, STR("refs/heads/")), tag = without(ref, STR("refs/tags/"));
    if (!branch.n && !tag.n) {
        branch = json_get_text(q->event, "branch");
        tag = json_get_text(q->event, "tag");
    }
    if (tag.n) {
        if (json_is_array(tags))
            return accepts(tags, tag) || against(q, "tags", "the tag", tag);
        return !json_is_array(branches) || against(q, "branches", "the tag", tag);
    }
    if (branch.n && json_is_array(branches) && !accepts(branches, branch))
        return against(q, "branches", "the branch", branch);
    if (branch.n && !json_is_array(branches) && json_is_array(tags))
        return against(q, "tags", "the branch", branch);
    return paths_fit(q);
}

static bool pull_request_fits(struct question *q)
{
    static const char *const usual[] = {"opened", "synchronize", "reopened", NULL};
    const json_t *branches = json_object_get(q->trigger, "branches");
    str base = json_get_text(json_object_get(q->event, "pull_request"), "base_ref");
    base = str_starts(base, STR("refs/heads/")) ? without(base, STR("refs/heads/")) : base;
    if (!type_fits(q, usual))
        return false;
    if (base.n && json_is_array(branches) && !accepts(branches, base))
        return against(q, "branches", "the base branch", base);
    return paths_fit(q);
}

static bool comment_fits(struct question *q)
{
    str wanted = json_get_text(q->trigger, "contains");
    str body = json_get_text(json_object_get(q->event, "comment"), "body");
    return str_has(body, wanted) || against(q, "contains", "the comment", STR(""));
}

static bool any_type_fits(struct question *q)
{
    return type_fits(q, NULL);
}

static bool schedule_fits(struct question *q)
{
    str wanted = json_get_text(q->trigger, "cron"), cron = json_get_text(q->event, "schedule");
    return !cron.n || str_eq(cron, wanted) || against(q, "cron", "the schedule", cron);
}

static bool run_fits(struct question *q)
{
    const json_t *names = json_object_get(q->trigger, "workflows");
    str name = json_get_text(json_object_get(q->event, "workflow_run"), "workflow");
    if (name.n && json_is_array(names) && !has_word(names, name))
        return against(q, "workflows", "the workflow", name);
    return type_fits(q, NULL);
}

static bool always(struct question *q)
{
    (void)q;
    return true;
}

static const struct {
    const char *type;
    bool (*fits)(struct question *q);
} kinds[] = {
    {"push", push_fits},        {"pull_request", pull_request_fits},
    {"issues", any_type_fits},  {"issue_comment", comment_fits},
    {"release", any_type_fits}, {"schedule", schedule_fits},
    {"workflow_run", run_fits}, {"manual", always},
};

static bool fits(struct question *q)
{
    str type = json_get_text(q->trigger, "type");
    if (!str_eq(type, json_get_text(q->event, "type")))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(type, kinds[i].type))
            return kinds[i].fits(q);
    return false;
}

long match_triggers(str triggers, const json_t *event, struct buf *why)
{
    json_t *all = json_loadb(triggers.p, triggers.n, 0, NULL);
    long found = -1;
    for (size_t i = 0; found < 0 && i < json_array_size(all); i++) {
        struct question q = {json_array_get(all, i), event, why};
        if (fits(&q))
            found = (long)i;
    }
    json_decref(all);
    return found;
}
