#include "types/schema_check_int.h"
#include "json/json.h"
#include <assert.h>

static bool check_node(struct check *c, const struct node *n, json_t *v, const struct spot *spot,
                       const struct scope *scope, struct seen *seen);

/* ---- arrays ---- */

static bool check_unique(const struct at *a)
{
    size_t i, j;
    a->c->work += (int64_t)json_array_size(a->v);
    return !schema_equal_pair(a->v, &i, &j) || fail(a, "items %zu and %zu are equal", i, j);
}

/* Most values: their kind is all that is asked. */
static inline bool fits_plainly(struct check *c, const struct node *n, const json_t *v)
{
    bool fits = n->plain && (!n->types || (n->types & schema_kinds_of(v)));
    c->work += fits;
    return fits;
}

static bool check_item(const struct at *a, const struct node *n, size_t i)
{
    json_t *item = json_array_get(a->v, i);
    if (fits_plainly(a->c, n, item))
        return true;
    struct spot below = {a->spot, {NULL, 0}, i};
    return check_node(a->c, n, item, &below, a->scope, NULL);
}

static bool check_contains(const struct at *a, size_t size)
{
    struct err_list *errors = a->c->errors;
    int64_t found = 0;
    a->c->errors = NULL;
    for (size_t i = 0; i < size; i++) {
        if (!check_item(a, a->n->contains, i))
            continue;
        seen_add(a->seen, i);
        found++;
    }
    a->c->errors = errors;
    bool few = found < a->n->min_contains;
    if (!few && found <= a->n->max_contains)
        return true;
    return fail(a, "expected %s %lld items that fit `contains`, found %lld",
                few ? "at least" : "at most",
                (long long)(few ? a->n->min_contains : a->n->max_contains), (long long)found);
}

static bool check_array(const struct at *a)
{
    const struct node *n = a->n;
    size_t size = json_array_size(a->v), i = 0;
    bool ok = schema_check_count(a, size, n->min_items, n->max_items, "item");

    if (n->unique && size > 1)
        ok &= check_unique(a);
    for (; i < n->prefix.n && i < size && (ok || a->c->errors); i++) {
        ok &= check_item(a, n->prefix.at[i], i);
        seen_add(a->seen, i);
    }
    for (; n->items && i < size && (ok || a->c->errors); i++) {
        ok &= check_item(a, n->items, i);
        seen_add(a->seen, i);
    }
    if (n->contains && (ok || a->c->errors))
        ok &= check_contains(a, size);
    return ok;
}

/* ---- objects ---- */

/* Members mostly stand in the order of the properties. */
static const struct property *find_property(const struct node *n, str name, uint32_t *hint)
{
    uint32_t i = *hint;
    if (i < n->property_count && str_eq(n->properties[i].name, name)) {
        *hint = i + 1;
        return &n->properties[i];
    }
    if (n->property_count > 8) {
        uintptr_t known = (uintptr_t)map_get(&n->property_map, name);
        if (!known)
            return NULL;
        *hint = (uint32_t)known;
        return &n->properties[known - 1];
    }
    for (i = 0; i < n->property_count; i++) {
        if (str_eq(n->properties[i].name, name)) {
            *hint = i + 1;
            return &n->properties[i];
        }
    }
    return NULL;
}

static bool check_name(const struct at *a, str name, const struct spot *below)
{
    json_t *text = json_stringn_nocheck(name.p, name.n);
    bool ok = check_node(a->c, a->n->names, text, below, a->scope, NULL);
    json_decref(text);
    return ok;
}

/* One member against properties, patternProperties, additionalProperties. */
static bool check_member(const struct at *a, str name, json_t *item, const struct property *p,
                         size_t index)
{
    const struct node *n = a->n;
    struct spot below = {a->spot, name, 0};
    bool ok = true, covered = p && p->node;

    if (covered && !n->pattern_count && !n->names && fits_plainly(a->c, p->node, item)) {
        seen_add(a->seen, index);
        return true;
    }
    if (covered)
        ok = check_node(a->c, p->node, item, &below, a->scope, NULL);
    for (uint32_t i = 0; i < n->pattern_count; i++) {
        if (!schema_matches(a->c, n->patterns[i].pattern, name))
            continue;
        covered = true;
        ok &= check_node(a->c, n->patterns[i].node, item, &below, a->scope, NULL);
    }
    if (!covered && n->additional) {
        covered = true;
        ok &= n->additional == &a->c->schema->nothing
                  ? schema_fail_unknown(a, name)
                  : check_node(a->c, n->additional, item, &below, a->scope, NULL);
    }
    if (covered)
        seen_add(a->seen, index);
    return n->names ? ok & check_name(a, name, &below) : ok;
}

static bool check_missing(const struct at *a)
{
    bool ok = true;
    for (uint32_t i = 0; i < a->n->property_count; i++) {
        const struct property *p = &a->n->properties[i];
        if (p->required && !json_object_getn(a->v, p->name.p, p->name.n))
            ok = schema_fail_missing(a, p->name);
    }
    return ok;
}

static bool check_dependencies(const struct at *a)
{
    bool ok = true;
    for (uint32_t i = 0; i < a->n->dependency_count; i++) {
        const struct dependency *d = &a->n->dependencies[i];
        if (!json_object_getn(a->v, d->name.p, d->name.n))
            continue;
        for (uint32_t r = 0; r < d->n; r++)
            if (!json_object_getn(a->v, d->required[r].p, d->required[r].n))
                ok = schema_fail_missing(a, d->required[r]);
        if (d->node)
            ok &= check_node(a->c, d->node, a->v, a->spot, a->scope, a->seen);
    }
    return ok;
}

static bool check_object(const struct at *a)
{
    const struct node *n = a->n;
    uint32_t required = 0, hint = 0;
    size_t index = 0;
    bool ok =
        schema_check_count(a, json_object_size(a->v), n->min_members, n->max_members, "member");

    if (n->property_count || n->pattern_count || n->additional || n->names) {
        for (void *it = json_object_iter(a->v); it && (ok || a->c->errors);
             it = json_object_iter_next(a->v, it), index++) {
            str name = {json_object_iter_key(it), json_object_iter_key_len(it)};
            const struct property *p = find_property(n, name, &hint);
            required += p && p->required;
            ok &= check_member(a, name, json_object_iter_value(it), p, index);
        }
        if (required < n->required_count && (ok || a->c->errors))
            ok &= check_missing(a);
    }
    return n->dependency_count ? ok & check_dependencies(a) : ok;
}

/* ---- applicators on the same value ---- */

/* A branch that may fail: what it has seen counts only if it fits. */
static bool try_branch(const struct at *a, const struct node *branch, struct err_list *errors)
{
    struct err_list *outer = a->c->errors;
    struct seen seen, *used = a->seen ? &seen : NULL;
    if (used)
        seen_init(used, a->v);
    a->c->errors = errors;
    bool ok = check_node(a->c, branch, a->v, a->spot, a->scope, used);
    a->c->errors = outer;
    if (used && ok)
        seen_merge(a->seen, used);
    if (used)
        seen_done(used);
    return ok;
}

static unsigned types_of_branch(const struct node *n)
{
    for (int i = 0; i < 10 && !n->types && n->ref; i++)
        n = n->ref;
    return n->types;
}

/* No alternative fits: the violations of the one that was probably meant. */
static bool fail_alternatives(const struct at *a, const struct node_list *list)
{
    unsigned found = schema_kinds_of(a->v), all = 0;
    const struct node *best = NULL;
    size_t fewest = SIZE_MAX;

    if (!a->c->errors)
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        unsigned types = types_of_branch(list->at[i]);
        all |= types ? types : ~0u;
        struct err_list errors = {.max = 100};
        if (types && !(types & found))
            continue;
        (void)try_branch(a, list->at[i], &errors);
        if (errors.n + errors.dropped < fewest) {
            fewest = errors.n + errors.dropped;
            best = list->at[i];
        }
        err_list_done(&errors);
    }
    if (best)
        return try_branch(a, best, a->c->errors) && false;
    return all == ~0u ? fail(a, "fits none of %u alternatives", list->n)
                      : schema_fail_types(a, all);
}

static bool check_alternatives(const struct at *a, const struct node_list *list, bool only_one)
{
    uint32_t fitting = 0, first = 0;

    for (uint32_t i = 0; i < list->n; i++) {
        if (!try_branch(a, list->at[i], NULL))
            continue;
        if (!fitting++)
            first = i;
        else if (only_one)
            return fail(a, "fits the alternatives %u and %u, where only one may", first, i);
        if (!only_one && !a->seen)
            return true;
    }
    return fitting || fail_alternatives(a, list);
}

static const struct node *dynamic_target(const struct at *a)
{
    const struct node *target = a->n->dynamic_ref;
    if (!a->n->dynamic_name.n)
        return target;
    for (const struct scope *s = a->scope; s; s = s->outer) {
        json_t *j = map_get(&s->resource->dynamic, a->n->dynamic_name);
        const struct node *n =
            j ? map_get(&a->c->schema->nodes_by_json, str_make((const char *)&j, sizeof j)) : NULL;
        if (n)
            target = n;
    }
    return target;
}

static bool check_condition(const struct at *a)
{
    bool holds = try_branch(a, a->n->when, NULL);
    const struct node *next = holds ? a->n->then : a->n->otherwise;
    return !next || check_node(a->c, next, a->v, a->spot, a->scope, a->seen);
}

static bool check_in_place(const struct at *a)
{
    const struct node *n = a->n;
    struct check *c = a->c;
    bool ok = true;

    if (n->ref)
        ok &= check_node(c, n->ref, a->v, a->spot, a->scope, a->seen);
    if (n->dynamic_ref && (ok || c->errors))
        ok &= check_node(c, dynamic_target(a), a->v, a->spot, a->scope, a->seen);
    for (uint32_t i = 0; i < n->all_of.n && (ok || c->errors); i++)
        ok &= check_node(c, n->all_of.at[i], a->v, a->spot, a->scope, a->seen);
    if (n->any_of.n && (ok || c->errors))
        ok &= check_alternatives(a, &n->any_of, false);
    if (n->one_of.n && (ok || c->errors))
        ok &= check_alternatives(a, &n->one_of, true);
    if (n->when && (ok || c->errors))
        ok &= check_condition(a);
    if (n->not_this && (ok || c->errors)) {
        struct at apart = *a;
        apart.seen = NULL;
        if (try_branch(&apart, n->not_this, NULL))
            ok = fail(a, "is what `not` excludes");
    }
    return ok;
}

/* ---- unevaluated ---- */

static bool check_unevaluated(const struct at *a)
{
    bool ok = true;
    size_t i = 0;

    if (json_is_array(a->v)) {
        for (; a->n->unevaluated_items && i < json_array_size(a->v); i++) {
            if (!seen_has(a->seen, i))
                ok &= check_item(a, a->n->unevaluated_items, i);
            seen_add(a->seen, i);
        }
        return ok;
    }
    const struct node *rest = a->n->unevaluated_properties;
    for (void *it = rest ? json_object_iter(a->v) : NULL; it;
         it = json_object_iter_next(a->v, it), i++) {
        struct spot below = {a->spot, {json_object_iter_key(it), json_object_iter_key_len(it)}, 0};
        if (!seen_has(a->seen, i))
            ok &= rest == &a->c->schema->nothing
                      ? schema_fail_unknown(a, below.key)
                      : check_node(a->c, rest, json_object_iter_value(it), &below, a->scope, NULL);
        seen_add(a->seen, i);
    }
    return ok;
}

/* ---- a node ---- */

static bool check_keywords(const struct at *a)
{
    const struct node *n = a->n;
    bool ok = true;

    if (n->types && !(n->types & schema_kinds_of(a->v)))
        return schema_fail_types(a, n->types);
    if (n->enumeration)
        ok &= schema_check_enum(a);
    if (n->constant)
        ok &= schema_check_constant(a);
    switch (json_typeof(a->v)) {
    case JSON_INTEGER:
    case JSON_REAL:
        ok &= schema_check_number(a);
        break;
    case JSON_STRING:
        ok &= schema_check_string(a);
        break;
    case JSON_ARRAY:
        ok &= check_array(a);
        break;
    case JSON_OBJECT:
        ok &= check_object(a);
        break;
    default:
        break;
    }
    return n->in_place && (ok || a->c->errors) ? ok & check_in_place(a) : ok;
}

/* unevaluatedX sees what its own schema has looked at, not what its cousins have. */
static bool check_with_rest(struct at *a)
{
    struct seen own, *outer = a->seen;
    seen_init(&own, a->v);
    a->seen = &own;
    bool ok = check_keywords(a);
    if (ok || a->c->errors)
        ok &= check_unevaluated(a);
    if (outer)
        seen_merge(outer, &own);
    seen_done(&own);
    return ok;
}

static bool check_node(struct check *c, const struct node *n, json_t *v, const struct spot *spot,
                       const struct scope *scope, struct seen *seen)
{
    if (n == &c->schema->anything)
        return true;
    struct scope inner = {n->resource, scope};
    struct at a = {c, n, v, spot, scope, seen};
    if (n->nothing_fits)
        return fail(&a, "no value is allowed here");
    if (c->stopped || ++c->work > SCHEMA_CHECK_WORK_MAX)
        return stop(c, "checking it takes too long");
    if (c->depth >= SCHEMA_CHECK_DEPTH_MAX)
        return stop(c, "the value, or the schema, is nested too deep");
    if (!scope || scope->resource != n->resource)
        a.scope = &inner;
    c->depth++;
    bool container = json_is_array(v) || json_is_object(v);
    bool ok = container && (n->unevaluated_items || n->unevaluated_properties) ? check_with_rest(&a)
                                                                               : check_keywords(&a);
    c->depth--;
    return ok && !c->stopped;
}

bool schema_check(const struct schema *s, json_t *value, str what, struct err_list *errors)
{
    struct check c = {.schema = s, .what = what};
    enum schema_verdict verdict = s->rule ? schema_decide(s->rule, value) : SCHEMA_UNDECIDED;
    if (verdict == SCHEMA_FITS)
        return true;
    if (verdict == SCHEMA_UNDECIDED && check_node(&c, s->root, value, NULL, NULL, NULL))
        return true;
    if (!errors)
        return false;
    c = (struct check){.schema = s, .what = what, .errors = errors};
    bool ok = check_node(&c, s->root, value, NULL, NULL, NULL);
    assert(!ok);
    (void)ok;
    if (c.stopped) {
        struct err *e = err_list_add(errors);
        err_set(e, "limit_exceeded", "%.*s: %s", STR_ARG(what), c.stopped);
        err_hint(e, "a schema that refers to itself for the same value never ends");
    }
    return false;
}
