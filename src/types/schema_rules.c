#include "types/schema_rule_int.h"
#include "json/peek.h"

/* Reals that are integers are both, which only their value says. */
static const unsigned kinds[JSON_KINDS] = {
    [JSON_OBJECT] = KIND_OBJECT,
    [JSON_ARRAY] = KIND_ARRAY,
    [JSON_STRING] = KIND_STRING,
    [JSON_INTEGER] = KIND_INTEGER | KIND_NUMBER,
    [JSON_REAL] = KIND_INTEGER | KIND_NUMBER,
    [JSON_TRUE] = KIND_BOOLEAN,
    [JSON_FALSE] = KIND_BOOLEAN,
    [JSON_NULL] = KIND_NULL,
};

enum { ALIASES_MAX = 100 };

static bool has_quick_form(const struct node *n)
{
    return !n->dynamic_ref && !n->unevaluated_items && !n->unevaluated_properties;
}

/* ---- which rule stands for a node ---- */

static bool says_only_ref(const struct node *n)
{
    return n->ref && !n->types && n->bare && !n->all_of.n && !n->any_of.n && !n->one_of.n &&
           !n->when && !n->not_this;
}

static struct rule *rule_of(const struct node *n)
{
    for (int i = 0; n && i < ALIASES_MAX && says_only_ref(n); i++)
        n = n->ref;
    return n ? n->rule : NULL;
}

static struct rule_list list_of(struct schema *s, const struct node_list *nodes)
{
    struct rule_list list = {arena_array(&s->arena, const struct rule *, nodes->n), nodes->n};
    for (uint32_t i = 0; i < nodes->n; i++)
        list.at[i] = rule_of(nodes->at[i]);
    return list;
}

/* ---- enum and const ---- */

static struct rule_choices *choices_of(struct schema *s, json_t *const *values, size_t n)
{
    struct rule_choices *c = arena_new(&s->arena, struct rule_choices);
    c->words = arena_array(&s->arena, str, n);
    c->others = arena_array(&s->arena, json_t *, n);
    for (size_t i = 0; i < n; i++) {
        if (json_is_string(values[i]))
            c->words[c->word_count++] =
                str_make(json_string_value(values[i]), json_string_length(values[i]));
        else
            c->others[c->other_count++] = values[i];
    }
    return c;
}

/* Numbers may be equal to either kind. */
static bool has_kind(const struct rule_choices *c, json_type kind)
{
    bool number = kind == JSON_INTEGER || kind == JSON_REAL;
    for (uint32_t i = 0; i < c->other_count; i++)
        if (json_typeof(c->others[i]) == kind || (number && json_is_number(c->others[i])))
            return true;
    return kind == JSON_STRING && c->word_count;
}

static void make_choices(struct schema *s, struct rule *r)
{
    json_t *list = r->node->enumeration;
    if (list) {
        size_t n = json_array_size(list);
        json_t **values = arena_array(&s->arena, json_t *, n);
        for (size_t i = 0; i < n; i++)
            values[i] = json_array_get(list, i);
        r->choices[0] = choices_of(s, values, n);
    }
    if (r->node->constant)
        r->choices[1] = choices_of(s, &r->node->constant, 1);
}

/* ---- each kind of value ---- */

static bool asks_of_objects(const struct node *n)
{
    return n->min_members || n->max_members != INT64_MAX || n->property_count || n->pattern_count ||
           n->additional || n->names || n->dependency_count;
}

static void make_bounds(struct rule *r)
{
    const struct node *n = r->node;
    const struct number *bounds[] = {&n->minimum, &n->maximum, &n->above, &n->below};
    for (int i = 0; i < 4; i++)
        if (bounds[i]->given && !bounds[i]->whole)
            return;
    if ((n->above.given && n->above.i == INT64_MAX) || (n->below.given && n->below.i == INT64_MIN))
        return;
    r->low = n->minimum.given ? n->minimum.i : INT64_MIN;
    r->high = n->maximum.given ? n->maximum.i : INT64_MAX;
    if (n->above.given && n->above.i + 1 > r->low)
        r->low = n->above.i + 1;
    if (n->below.given && n->below.i - 1 < r->high)
        r->high = n->below.i - 1;
    r->bounds_are_whole = true;
}

static struct rule_object *object_of(struct schema *s, const struct node *n)
{
    struct rule_object *o = arena_new(&s->arena, struct rule_object);
    o->rest = rule_of(n->additional ? n->additional : &s->anything);
    o->members = arena_array(&s->arena, struct rule_member, n->property_count + 1);
    for (uint32_t i = 0; i < n->property_count; i++) {
        const struct property *p = &n->properties[i];
        o->members[i] = (struct rule_member){p->name, p->node ? rule_of(p->node) : o->rest,
                                             p->required, p->node != NULL};
    }
    o->members[n->property_count].name.n = SIZE_MAX;
    o->n = n->property_count;
    o->required_count = n->required_count;
    o->names = rule_of(n->names);
    o->patterns = arena_array(&s->arena, struct rule_pattern, n->pattern_count);
    for (uint32_t i = 0; i < n->pattern_count; i++)
        o->patterns[i] =
            (struct rule_pattern){n->patterns[i].pattern, rule_of(n->patterns[i].node)};
    o->pattern_count = n->pattern_count;
    o->dependencies = arena_array(&s->arena, const struct rule *, n->dependency_count);
    for (uint32_t i = 0; i < n->dependency_count; i++)
        o->dependencies[i] = rule_of(n->dependencies[i].node);
    return o;
}

static struct rule_in_place *in_place_of(struct schema *s, const struct node *n)
{
    struct rule_in_place *p = arena_new(&s->arena, struct rule_in_place);
    p->ref = rule_of(n->ref);
    p->when = rule_of(n->when);
    p->then = rule_of(n->then);
    p->otherwise = rule_of(n->otherwise);
    p->not_this = rule_of(n->not_this);
    p->all_of = list_of(s, &n->all_of);
    p->any_of = list_of(s, &n->any_of);
    p->one_of = list_of(s, &n->one_of);
    return p;
}

static bool asks_in_place(const struct node *n)
{
    return n->ref || n->when || n->not_this || n->all_of.n || n->any_of.n || n->one_of.n;
}

/* ---- a rule ---- */

/* Neither `type` nor choices refuse it. */
static bool may_fit(const struct rule *r, json_type kind)
{
    const struct node *n = r->node;
    for (int i = 0; i < 2; i++)
        if (r->choices[i] && !has_kind(r->choices[i], kind))
            return false;
    return !n->nothing_fits && (!n->types || (n->types & kinds[kind]));
}

static void make_rule(struct schema *s, struct rule *r)
{
    const struct node *n = r->node;
    r->whole = n->types && !(n->types & KIND_NUMBER);
    make_choices(s, r);
    make_bounds(r);
    r->items = rule_of(n->items);
    r->contains = rule_of(n->contains);
    r->prefix = list_of(s, &n->prefix);
    if (asks_of_objects(n))
        r->object = object_of(s, n);
    if (asks_in_place(n))
        r->in_place = in_place_of(s, n);
    for (int kind = 0; kind < JSON_KINDS; kind++)
        r->judge[kind] =
            may_fit(r, (json_type)kind) ? schema_judge_of(r, (json_type)kind) : schema_refuses;
}

static struct rule *new_rule(struct schema *s, const struct node *n)
{
    struct rule *r = arena_new(&s->arena, struct rule);
    r->node = n;
    return r;
}

void schema_make_rules(struct schema *s)
{
    if (!json_can_peek())
        return;
    vec_each (n, &s->nodes)
        if (!has_quick_form(*n))
            return;
    s->anything.rule = new_rule(s, &s->anything);
    s->nothing.rule = new_rule(s, &s->nothing);
    vec_each (n, &s->nodes)
        (*n)->rule = new_rule(s, *n);
    make_rule(s, s->anything.rule);
    make_rule(s, s->nothing.rule);
    vec_each (n, &s->nodes)
        make_rule(s, (*n)->rule);
    s->rule = rule_of(s->root);
}
