/* Whether a plan holds: at the end of every growth and again before it runs. */
#include "base/map.h"
#include "plan/plan.h"

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

struct walk {
    const struct plan *plan;
    uint8_t *marks;
    uint32_t *path; /* the steps being walked, outermost first */
    uint32_t *next; /* for each of them: the next dependency to look at */
    uint32_t depth;
};

static bool report_cycle(const struct walk *w, uint32_t again, struct err *err)
{
    auto_buf text = BUF(1 << 16);
    uint32_t from = 0;

    while (w->path[from] != again)
        from++;
    for (uint32_t i = from; i < w->depth; i++)
        buf_addf(&text, "%.*s -> ", STR_ARG(w->plan->steps[w->path[i]].id));
    buf_add_str(&text, w->plan->steps[again].id);
    err_set(err, "plan_cycle", "the steps depend on each other in a circle: %s", buf_c(&text));
    err_hint(err, "remove one of these from a depends_on");
    return false;
}

/* Depth first without recursion: a plan may be a chain of 100,000 steps. */
static bool walk_from(struct walk *w, uint32_t start, struct err *err)
{
    w->depth = 0;
    w->path[w->depth] = start;
    w->next[w->depth++] = 0;
    w->marks[start] = MARK_OPEN;
    while (w->depth) {
        uint32_t at = w->path[w->depth - 1];
        const struct plan_step *s = &w->plan->steps[at];
        if (w->next[w->depth - 1] == s->depends_count) {
            w->marks[at] = MARK_DONE;
            w->depth--;
            continue;
        }
        uint32_t dependency = s->depends_on[w->next[w->depth - 1]++];
        if (w->marks[dependency] == MARK_OPEN)
            return report_cycle(w, dependency, err);
        if (w->marks[dependency] == MARK_DONE)
            continue;
        w->marks[dependency] = MARK_OPEN;
        w->path[w->depth] = dependency;
        w->next[w->depth++] = 0;
    }
    return true;
}

static bool check_cycles(const struct plan *p, struct err *err)
{
    auto_free uint8_t *marks = mem_zalloc(p->step_count);
    auto_free uint32_t *path = mem_realloc_array(NULL, p->step_count + 1, sizeof *path);
    auto_free uint32_t *next = mem_realloc_array(NULL, p->step_count + 1, sizeof *next);
    struct walk w = {.plan = p, .marks = marks, .path = path, .next = next};

    for (uint32_t i = 0; i < p->step_count; i++)
        if (marks[i] == MARK_NEW && !walk_from(&w, i, err))
            return false;
    return true;
}

static bool check_step(const struct plan *p, uint32_t i, struct map *ids, struct err *err)
{
    const struct plan_step *s = &p->steps[i];

    if (map_set(ids, s->id, ids))
        return err_set(err, "plan_duplicate_id", "two steps have the id '%.*s'", STR_ARG(s->id));
    for (uint32_t d = 0; d < s->depends_count; d++)
        if (s->depends_on[d] >= p->step_count)
            return err_set(err, "plan_unknown_dependency",
                           "step '%.*s' depends on a step that does not exist", STR_ARG(s->id));
    if (s->group != PLAN_NEVER &&
        (s->group >= p->step_count || p->steps[s->group].type != STEP_TYPE_PARALLEL))
        return err_set(err, "plan_bad_group", "step '%.*s' is in a group that is not ctx.parallel",
                       STR_ARG(s->id));
    return true;
}

bool plan_check(const struct plan *p, struct err *err)
{
    auto_map ids = {0};

    for (uint32_t i = 0; i < p->step_count; i++)
        if (!check_step(p, i, &ids, err))
            return false;
    return check_cycles(p, err);
}

bool plan_check_growth(const struct plan *p, uint32_t from, struct err *err)
{
    for (uint32_t i = from; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        /* Ascending: the last is the greatest. Only a step that depends on later ones can be part
         * of a circle. */
        if (s->depends_count && s->depends_on[s->depends_count - 1] >= i)
            return plan_check(p, err);
    }
    return true;
}

static bool same_dependencies(const struct plan_step *a, const struct plan_step *b)
{
    return a->depends_count == b->depends_count &&
           (a->depends_count == 0 ||
            memcmp(a->depends_on, b->depends_on, sizeof *a->depends_on * a->depends_count) == 0);
}

/* A step joins its group and its action when those are registered, behind it. */
static bool is_same_step(const struct plan_step *old, const struct plan_step *new)
{
    return str_eq(old->id, new->id) && str_eq(old->name, new->name) &&
           old->type == new->type &&str_eq(old->config, new->config) &&
           same_dependencies(old, new) && (old->group == PLAN_NEVER || old->group == new->group) &&
           (old->parent == PLAN_NEVER || old->parent == new->parent);
}

bool plan_same_start(const struct plan *recorded, const struct plan *grown, struct err *err)
{
    for (uint32_t i = 0; i < recorded->step_count; i++) {
        const struct plan_step *old = &recorded->steps[i];
        const struct plan_step *new = i < grown->step_count ? &grown->steps[i] : NULL;
        if (new &&is_same_step(old, new))
            continue;
        auto_buf was = BUF(1 << 20), is = BUF(1 << 20);
        plan_add_step_json(&was, recorded, old);
        if (new)
            plan_add_step_json(&is, grown, new);
        err_set(
            err, "plan_changed",
            "the rebuilt plan differs from the recorded one at step %u\n  recorded: %s\n  rebuilt:  %s",
            i + 1, buf_c(&was), new ? buf_c(&is) : "(no such step)");
        err_hint(err, "the run's files or the program have changed; rerun it to use the new plan");
        return false;
    }
    return true;
}
