/* Registering steps: ids, order, dependencies. */
#include "workflow/deferred.h"
#include "workflow/prompts.h"

void step_set_add(struct step_set *s, uint32_t step)
{
    uint32_t at = s->n;
    while (at > 0 && s->at[at - 1] > step)
        at--;
    if (at > 0 && s->at[at - 1] == step)
        return;
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->at = mem_realloc_array(s->at, s->cap, sizeof *s->at);
    }
    memmove(s->at + at + 1, s->at + at, (s->n - at) * sizeof *s->at);
    s->at[at] = step;
    s->n++;
}

void step_set_done(struct step_set *s)
{
    free(s->at);
    *s = (struct step_set){0};
}

void step_judge(struct evaluation *e, uint32_t step)
{
    struct plan *p = &e->plan;
    if (p->steps[step].judged_from != PLAN_NEVER)
        return;
    p->steps[step].judged_from = p->step_count;
    /* The status of a group or an action is that of its parts. */
    bool has_parts =
        p->steps[step].type == STEP_TYPE_PARALLEL || p->steps[step].type == STEP_TYPE_ACTION;
    for (uint32_t i = 0; has_parts && i < step; i++)
        if (p->steps[i].group == step || p->steps[i].parent == step)
            step_judge(e, i);
}

/* The slug, made unique by -2, -3 in program order. */
static str unique_id(struct evaluation *e, str slug)
{
    if (!map_has(&e->ids, slug))
        return arena_str(&e->arena, slug);
    uintptr_t number = (uintptr_t)map_get(&e->slugs, slug);
    str id;
    do {
        number = number ? number + 1 : 2;
        id = arena_printf(&e->arena, "%.*s-%u", STR_ARG(slug), (unsigned)number);
    } while (map_has(&e->ids, id));
    map_set(&e->slugs, arena_str(&e->arena, slug), (void *)number);
    return id;
}

str step_reserve_id(struct evaluation *e, str prefix, str name)
{
    auto_buf slug = BUF(STEP_PREFIX_MAX);
    if (prefix.n)
        buf_addf(&slug, "%.*s-", STR_ARG(prefix));
    else
        buf_add_str(&slug, e->options.id_prefix);
    plan_add_slug(&slug, name);
    str id = unique_id(e, buf_str(&slug));
    map_set(&e->ids, id, (void *)(uintptr_t)(e->plan.step_count + 1));
    return id;
}

bool step_set_add_explicit(struct heap *h, val v, struct step_set *set)
{
    if (val_is_object_of(v, &class_handle)) {
        step_set_add(set, ((struct handle *)v.object)->step);
        return true;
    }
    if (v.kind != V_LIST && v.kind != V_TUPLE)
        return heap_raise(h, &exc_TypeError,
                          "depends_on takes steps, groups or lists of these, not %s",
                          val_type_name(v));
    const val *at = v.kind == V_LIST ? v.list->at : v.tuple->at;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.tuple->n;
    if (!heap_enter(h))
        return false;
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = step_set_add_explicit(h, at[i], set);
    heap_leave(h);
    return ok;
}

static void keep_dependencies(struct evaluation *e, struct plan_step *s, const struct step_set *set)
{
    s->depends_on = arena_array(&e->arena, uint32_t, set->n);
    if (set->n)
        memcpy(s->depends_on, set->at, set->n * sizeof *set->at);
    s->depends_count = set->n;
}

static void note_frames(struct evaluation *e, struct step_note *note)
{
    pos frames[FRAMES_KEPT];
    uint32_t n = vm_frames(e->vm, frames, FRAMES_KEPT);
    note->frame_count = n < FRAMES_KEPT ? n : FRAMES_KEPT;
    for (uint32_t i = 0; i < note->frame_count; i++) {
        note->frames[i].source = frames[i].source;
        note->frames[i].offset = frames[i].offset;
    }
}

static void note_place(struct evaluation *e, struct plan_step *s)
{
    struct place place;
    if (sources_place(vm_sources(e->vm), vm_here(e->vm), &place)) {
        s->at.path = place.path;
        s->at.line = place.line;
        s->at.column = place.column;
    }
}

/* Gives a rebuilt evaluation, or one that is given results ahead, what is known of the new step. */
static bool take_given_result(struct heap *h, struct evaluation *e, uint32_t step)
{
    const struct given_result *given = map_get(&e->results, e->plan.steps[step].id);
    if (!given)
        return true;
    auto_err err = ERR_INIT;
    str id = e->plan.steps[step].id;
    str json = prompts_complete_result(&e->arena, e->notes.at[step].output, id, given->json, &err);
    if (!json.p)
        return heap_refuse(h, "invalid_result", NULL, "%.*s", STR_ARG(err.message));
    return result_record(h, json, &e->notes.at[step].result);
}

/* Nothing of an action starts before what its call depends on. */
static void add_entries(const struct scope *scope, struct step_set *set)
{
    for (; scope; scope = scope->outer)
        if (scope->has_entry && (!set->n || set->at[set->n - 1] < scope->first))
            for (uint32_t i = 0; i < scope->entry.n; i++)
                step_set_add(set, scope->entry.at[i]);
}

bool step_register(struct heap *h, const struct step_draft *d, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct scope *scope = e->scope;
    struct step_set explicit = {0}, uses = {0};
    bool given = !val_is_unbound(d->depends_on) && d->depends_on.kind != V_NONE;
    bool ok = true;

    if (!scope)
        return heap_refuse(
            h, "no_workflow", "call it in the workflow's function",
            "steps can only be registered while a workflow runs, not at the top of a file");
    if (e->plan.step_count >= STEPS_MAX)
        return heap_limit(h, "too_many_steps", "a plan may have at most %d steps", STEPS_MAX);
    if (d->config->overflow)
        return heap_limit(h, "config_too_large", "the step's arguments are larger than %d MiB",
                          CONFIG_MAX >> 20);
    if (given)
        ok = step_set_add_explicit(h, d->depends_on, &explicit);
    for (uint32_t i = 0; ok && i < d->use_count; i++)
        ok = deferred_steps(h, d->uses[i], &uses);
    if (!ok) {
        step_set_done(&explicit);
        step_set_done(&uses);
        return false;
    }
    struct step_note note = {.result = VAL_UNBOUND,
                             .epoch = e->epoch,
                             .explicit_order = given,
                             .before = scope->before,
                             .order = PLAN_NEVER,
                             .output = d->output,
                             .is_text = d->is_text};
    for (uint32_t i = 0; i < explicit.n; i++)
        step_set_add(&uses, explicit.at[i]);
    if (!given && scope->before != PLAN_NEVER) {
        uint32_t n = uses.n;
        step_set_add(&uses, scope->before);
        if (uses.n > n)
            note.order =
                scope->before; /* a dependency of order alone, which ctx.parallel may move */
    }
    add_entries(scope, &uses);
    str id = d->id.n ? d->id : step_reserve_id(e, scope->prefix, d->name);
    uint32_t index = e->plan.step_count;
    struct plan_step *s = plan_add_step(&e->plan);
    struct plan_step fresh = *s;
    *s = d->common;
    s->judged_from = fresh.judged_from;
    s->group = fresh.group;
    s->parent = fresh.parent;
    s->id = id;
    if (d->id.n) /* reserved for another index, perhaps */
        map_set(&e->ids, id, (void *)(uintptr_t)(index + 1));
    s->name = arena_str(&e->arena, d->name);
    s->type = d->type;
    s->config = arena_str(&e->arena, buf_str(d->config));
    keep_dependencies(e, s, &uses);
    note_place(e, s);
    note_frames(e, &note);
    vec_push(&e->notes, note);
    scope->before = index;
    step_set_done(&explicit);
    step_set_done(&uses);
    return take_given_result(h, e, index) && handle_new(h, index, ret);
}

/* Replaces the dependency of mere order by another one (PLAN_NEVER: by none). */
void step_reorder(struct evaluation *e, uint32_t step, uint32_t order)
{
    struct plan_step *s = &e->plan.steps[step];
    struct step_note *note = &e->notes.at[step];
    struct step_set set = {0};

    for (uint32_t i = 0; i < s->depends_count; i++)
        if (s->depends_on[i] != note->order)
            step_set_add(&set, s->depends_on[i]);
    uint32_t n = set.n;
    if (order != PLAN_NEVER)
        step_set_add(&set, order);
    note->order = set.n > n ? order : PLAN_NEVER;
    keep_dependencies(e, s, &set);
    step_set_done(&set);
}
