/* The quick answer: whether a value fits, and nothing more. What it says is what schema_check.c
 * would say. */
#include "base/utf8.h"
#include "types/schema_rule_int.h"
#include "json/peek.h"

struct run {
    int64_t work;
    int depth;
    bool stopped;
};

static rule_judge takes;

static inline bool fits(struct run *run, const struct rule *r, json_t *v)
{
    rule_judge *judge = r->judge[json_typeof(v)];
    return judge == takes || judge(run, r, v);
}

/* A bound that is passed makes no answer: false goes up, and `stopped` tells what it is worth. */
static bool stop(struct run *run)
{
    run->stopped = true;
    run->work = SCHEMA_CHECK_WORK_MAX;
    return false;
}

/* Into a value, or the same value again. */
static inline bool enter(struct run *run)
{
    if (++run->work > SCHEMA_CHECK_WORK_MAX || run->depth >= SCHEMA_CHECK_DEPTH_MAX)
        return stop(run);
    run->depth++;
    return true;
}

static inline bool leave(struct run *run, bool ok)
{
    run->depth--;
    return ok;
}

/* ---- scalars ---- */

static bool is_word(struct run *run, const struct rule_choices *c, const json_t *v)
{
    str text = peek_text(v);
    run->work += c->word_count;
    for (uint32_t i = 0; i < c->word_count; i++)
        if (peek_same(c->words[i], text.p, text.n))
            return true;
    return false;
}

static bool is_chosen(struct run *run, const struct rule_choices *c, const json_t *v)
{
    if (json_is_string(v))
        return is_word(run, c, v);
    run->work += c->other_count;
    for (uint32_t i = 0; i < c->other_count; i++)
        if (schema_equal(c->others[i], v))
            return true;
    return false;
}

static bool judge_word(struct run *run, const struct rule *r, json_t *v)
{
    return is_word(run, r->choices[0], v);
}

static bool judge_range(struct run *run, const struct rule *r, json_t *v)
{
    int64_t i = peek_int(v);
    (void)run;
    return i >= r->low && i <= r->high;
}

static bool judge_number(struct run *run, const struct rule *r, json_t *v)
{
    const struct node *n = r->node;
    if (json_is_integer(v) && r->bounds_are_whole) {
        if (!judge_range(run, r, v))
            return false;
    } else if ((n->minimum.given && schema_compare(v, &n->minimum) < 0) ||
               (n->maximum.given && schema_compare(v, &n->maximum) > 0) ||
               (n->above.given && schema_compare(v, &n->above) <= 0) ||
               (n->below.given && schema_compare(v, &n->below) >= 0)) {
        return false;
    }
    if (r->whole && json_is_real(v) && __builtin_trunc(json_real_value(v)) != json_real_value(v))
        return false;
    return !n->multiple_of.given || schema_is_multiple(v, &n->multiple_of);
}

static bool matches(struct run *run, const struct pattern *p, str text)
{
    run->work += 1 + (int64_t)(text.n / 64);
    enum pattern_found found = pattern_search(p, text);
    return found == PATTERN_LIMIT ? stop(run) : found == PATTERN_YES;
}

static bool judge_string(struct run *run, const struct rule *r, json_t *v)
{
    const struct node *n = r->node;
    str s = peek_text(v);
    /* A character has at most four bytes: most lengths need no counting. */
    if ((int64_t)s.n > n->max_length || (int64_t)(s.n / 4) < n->min_length) {
        int64_t length = (int64_t)utf8_length(s);
        if (length < n->min_length || length > n->max_length)
            return false;
    }
    if (n->pattern && !matches(run, n->pattern, s))
        return false;
    return !n->check_format || n->check_format(s);
}

/* ---- arrays ---- */

static bool contains_enough(struct run *run, const struct rule *r, json_t *const *items, size_t n)
{
    int64_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += fits(run, r->contains, items[i]);
    run->work += (int64_t)n;
    return found >= r->node->min_contains && found <= r->node->max_contains;
}

static inline bool items_fit(struct run *run, const struct rule *r, json_t *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!fits(run, r, items[i]))
            return false;
    return true;
}

static inline bool count_fits(const struct node *n, size_t size)
{
    return (int64_t)size >= n->min_items && (int64_t)size <= n->max_items;
}

/* Arrays that are asked for their size and items alone. */
static bool judge_items(struct run *run, const struct rule *r, json_t *v)
{
    size_t size;
    json_t *const *items = peek_items(v, &size);
    if (!enter(run))
        return false;
    run->work += (int64_t)size;
    return leave(run, count_fits(r->node, size) && items_fit(run, r->items, items, size));
}

static bool array_fits(struct run *run, const struct rule *r, json_t *v)
{
    size_t size, i = 0, first, second;
    json_t *const *items = peek_items(v, &size);

    run->work += (int64_t)size;
    if (!count_fits(r->node, size))
        return false;
    if (r->node->unique && size > 1 && schema_equal_pair(v, &first, &second))
        return false;
    for (; i < r->prefix.n && i < size; i++)
        if (!fits(run, r->prefix.at[i], items[i]))
            return false;
    return (!r->items || items_fit(run, r->items, items + i, size - i)) &&
           (!r->contains || contains_enough(run, r, items, size));
}

/* ---- objects ---- */

static const struct rule_member *find_member(const struct rule *r, const struct peek_member *m)
{
    const struct rule_object *o = r->object;
    if (r->node->property_map.n) {
        uintptr_t known = (uintptr_t)map_get(&r->node->property_map, str_make(m->name, m->length));
        return known ? &o->members[known - 1] : NULL;
    }
    for (uint32_t i = 0; i < o->n; i++)
        if (peek_same(o->members[i].name, m->name, m->length))
            return &o->members[i];
    return NULL;
}

static bool name_fits(struct run *run, const struct rule *names, str name)
{
    json_t *text = json_stringn_nocheck(name.p, name.n);
    bool ok = fits(run, names, text);
    json_decref(text);
    return ok;
}

/* One member where patterns or names have a say too. */
static bool member_fits(struct run *run, const struct rule_object *o, const struct peek_member *m,
                        const struct rule_member *known)
{
    str name = str_make(m->name, m->length);
    bool covered = known && known->covered;
    if (covered && !fits(run, known->rule, m->value))
        return false;
    for (uint32_t i = 0; i < o->pattern_count; i++) {
        if (!matches(run, o->patterns[i].pattern, name)) {
            if (run->stopped)
                return false;
            continue;
        }
        covered = true;
        if (!fits(run, o->patterns[i].rule, m->value))
            return false;
    }
    if (!covered && !fits(run, o->rest, m->value))
        return false;
    return !o->names || name_fits(run, o->names, name);
}

/* Members mostly stand in the order of the properties. */
static inline bool members_fit(struct run *run, const struct rule *r, const json_t *v, bool more)
{
    const struct rule_object *o = r->object;
    const struct rule_member *next = o->members;
    uint32_t required = 0;

    run->work += (int64_t)((const struct peek_object *)v)->n;
    peek_each(m, v)
    {
        const struct rule_member *known = next;
        if (!peek_same(next->name, m->name, m->length))
            known = find_member(r, m);
        if (known) {
            next = known + 1;
            required += known->required;
        }
        if (more ? !member_fits(run, o, m, known)
                 : !fits(run, known ? known->rule : o->rest, m->value))
            return false;
    }
    return required == o->required_count;
}

/* Objects that are asked for their members alone, by name. */
static bool judge_members(struct run *run, const struct rule *r, json_t *v)
{
    return enter(run) && leave(run, members_fit(run, r, v, false));
}

static bool dependencies_fit(struct run *run, const struct rule *r, json_t *v)
{
    for (uint32_t i = 0; i < r->node->dependency_count; i++) {
        const struct dependency *d = &r->node->dependencies[i];
        if (!json_object_getn(v, d->name.p, d->name.n))
            continue;
        for (uint32_t k = 0; k < d->n; k++)
            if (!json_object_getn(v, d->required[k].p, d->required[k].n))
                return false;
        if (r->object->dependencies[i] && !fits(run, r->object->dependencies[i], v))
            return false;
    }
    return true;
}

static bool object_fits(struct run *run, const struct rule *r, json_t *v)
{
    const struct node *n = r->node;
    if (n->min_members || n->max_members != INT64_MAX) {
        int64_t size = (int64_t)json_object_size(v);
        if (size < n->min_members || size > n->max_members)
            return false;
    }
    return members_fit(run, r, v, true) && dependencies_fit(run, r, v);
}

/* ---- the same value again ---- */

static bool alternatives_fit(struct run *run, const struct rule_list *list, bool only_one,
                             json_t *v)
{
    uint32_t fitting = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        fitting += fits(run, list->at[i], v);
        if (fitting == (only_one ? 2 : 1))
            return !only_one;
    }
    return fitting == 1;
}

static bool in_place_fits(struct run *run, const struct rule_in_place *p, json_t *v)
{
    if (p->ref && !fits(run, p->ref, v))
        return false;
    for (uint32_t i = 0; i < p->all_of.n; i++)
        if (!fits(run, p->all_of.at[i], v))
            return false;
    if (p->any_of.n && !alternatives_fit(run, &p->any_of, false, v))
        return false;
    if (p->one_of.n && !alternatives_fit(run, &p->one_of, true, v))
        return false;
    if (p->when) {
        const struct rule *next = fits(run, p->when, v) ? p->then : p->otherwise;
        if (next && !fits(run, next, v))
            return false;
    }
    return !p->not_this || !fits(run, p->not_this, v);
}

/* ---- judges ---- */

static bool takes(struct run *run, const struct rule *r, json_t *v)
{
    (void)run, (void)r, (void)v;
    return true;
}

bool schema_refuses(struct run *run, const struct rule *r, json_t *v)
{
    (void)run, (void)r, (void)v;
    return false;
}

static bool kind_fits(struct run *run, const struct rule *r, json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_REAL:
    case JSON_INTEGER:
        return judge_number(run, r, v);
    case JSON_STRING:
        return judge_string(run, r, v);
    case JSON_ARRAY:
        return array_fits(run, r, v);
    case JSON_OBJECT:
        return !r->object || object_fits(run, r, v);
    default:
        return true; /* a kind of one value: choices have it, or they refuse the kind */
    }
}

/* All that may be asked of a value. */
static bool judge_all(struct run *run, const struct rule *r, json_t *v)
{
    if (!enter(run))
        return false;
    for (int i = 0; i < 2; i++)
        if (r->choices[i] && !is_chosen(run, r->choices[i], v))
            return leave(run, false);
    return leave(run, kind_fits(run, r, v) && (!r->in_place || in_place_fits(run, r->in_place, v)));
}

static rule_judge *judge_of_number(const struct rule *r, json_type kind)
{
    const struct node *n = r->node;
    bool bounds = n->minimum.given || n->maximum.given || n->above.given || n->below.given;
    if (n->multiple_of.given || (kind == JSON_REAL && (bounds || r->whole)))
        return judge_number;
    if (!bounds)
        return takes;
    return r->bounds_are_whole ? judge_range : judge_number;
}

static rule_judge *judge_of_array(const struct rule *r)
{
    const struct node *n = r->node;
    if (n->unique || n->contains || n->prefix.n)
        return judge_all;
    if (n->items)
        return judge_items;
    return n->min_items || n->max_items != INT64_MAX ? judge_all : takes;
}

static rule_judge *judge_of_object(const struct rule *r)
{
    const struct node *n = r->node;
    bool more = n->min_members || n->max_members != INT64_MAX || n->pattern_count || n->names ||
                n->dependency_count;
    return !r->object ? takes : more ? judge_all : judge_members;
}

rule_judge *schema_judge_of(const struct rule *r, json_type kind)
{
    const struct node *n = r->node;
    bool asks_text = n->min_length || n->max_length != INT64_MAX || n->pattern || n->check_format;
    if (kind == JSON_STRING && r->choices[0] && !r->choices[1] && !asks_text && !r->in_place)
        return judge_word;
    if (r->choices[0] || r->choices[1] || r->in_place)
        return judge_all;
    switch (kind) {
    case JSON_INTEGER:
    case JSON_REAL:
        return judge_of_number(r, kind);
    case JSON_STRING:
        return asks_text ? judge_string : takes;
    case JSON_ARRAY:
        return judge_of_array(r);
    case JSON_OBJECT:
        return judge_of_object(r);
    default:
        return takes;
    }
}

enum schema_verdict schema_decide(const struct rule *rule, json_t *value)
{
    struct run run = {0};
    bool ok = fits(&run, rule, value);
    return run.stopped ? SCHEMA_UNDECIDED : ok ? SCHEMA_FITS : SCHEMA_FITS_NOT;
}
