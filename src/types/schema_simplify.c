#include "types/schema_int.h"

/* Keywords that judge a value of some kind, beside `type`. */
static bool judges_scalars(const struct node *n)
{
    return n->constant || n->enumeration || n->min_length || n->max_length != INT64_MAX ||
           n->minimum.given || n->maximum.given || n->above.given || n->below.given ||
           n->multiple_of.given || n->pattern || n->check_format;
}

static bool judges_containers(const struct node *n)
{
    return n->min_items || n->max_items != INT64_MAX || n->min_members ||
           n->max_members != INT64_MAX || n->unique || n->property_count || n->pattern_count ||
           n->dependency_count || n->additional || n->names || n->items || n->contains ||
           n->prefix.n || n->unevaluated_items || n->unevaluated_properties;
}

/* anyOf: [{"type": "string"}, {"type": "null"}] is {"type": ["string", "null"]}. Alternatives that
 * say no type are left: their violations name their number. */
static void join_types(struct node *n)
{
    unsigned types = 0;
    for (uint32_t i = 0; i < n->any_of.n; i++) {
        if (!n->any_of.at[i]->plain || !n->any_of.at[i]->types)
            return;
        types |= n->any_of.at[i]->types;
    }
    bool more = n->all_of.n || n->one_of.n || n->not_this || n->when || n->ref || n->dynamic_ref;
    if (!types || n->types || more || judges_scalars(n) || judges_containers(n))
        return;
    n->types = types;
    n->any_of.n = 0;
    n->in_place = false;
    n->plain = true;
}

void schema_simplify(struct schema *s)
{
    vec_each (n, &s->nodes) {
        (*n)->bare = !(*n)->nothing_fits && !judges_scalars(*n) && !judges_containers(*n);
        (*n)->plain = (*n)->bare && !(*n)->in_place;
    }
    vec_each (n, &s->nodes)
        if ((*n)->any_of.n)
            join_types(*n);
}
