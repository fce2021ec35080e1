#include "base/utf8.h"
#include "types/schema_rule_int.h"
#include "json/json.h"
#include <assert.h>

enum { SEEN_WORDS = 4, SHOWN_MAX = 60, MESSAGE_MAX = 4096, PAIRS_MAX = 8 };

/* The resources that evaluation came through, for $dynamicRef. */
struct scope {
    const struct resource *resource;
    const struct scope *outer;
};

/* Where in the value a check is. */
struct spot {
    const struct spot *up;
    str key; /* p NULL: an item */
    size_t index;
};

/* Which members or items of one value some subschema has looked at. */
struct seen {
    uint64_t *bits, inside[SEEN_WORDS];
    size_t n;
};

struct check {
    const struct schema *schema;
    str what;
    struct err_list *errors; /* NULL: only the answer counts */
    int64_t work;
    int depth;
    const char *stopped; /* why the check was given up */
};

/* What every function about one value is given. */
struct at {
    struct check *c;
    const struct node *n;
    json_t *v;
    const struct spot *spot;
    const struct scope *scope;
    struct seen *seen; /* NULL: nobody asks */
};

static bool check_node(struct check *c, const struct node *n, json_t *v, const struct spot *spot,
                       const struct scope *scope, struct seen *seen);

/* ---- seen ---- */

static void seen_init(struct seen *s, const json_t *v)
{
    s->n = json_is_object(v) ? json_object_size(v) : json_array_size(v);
    memset(s->inside, 0, sizeof s->inside);
    s->bits = s->n <= 64 * SEEN_WORDS ? s->inside : mem_zalloc((s->n + 63) / 64 * 8);
}

static void seen_done(struct seen *s)
{
    if (s->bits != s->inside)
        free(s->bits);
}

static void seen_add(struct seen *s, size_t i)
{
    if (s)
        s->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool seen_has(const struct seen *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void seen_merge(struct seen *to, const struct seen *from)
{
    for (size_t i = 0; i < (to->n + 63) / 64; i++)
        to->bits[i] |= from->bits[i];
}

/* ---- violations ---- */

static void add_path(struct buf *b, const struct spot *s)
{
    if (!s)
        return;
    add_path(b, s->up);
    if (s->key.p)
        json_pointer_add(b, s->key);
    else
        json_pointer_add_index(b, s->index);
}

static bool fail_at(const struct at *a, const struct spot *spot, const char *fmt, ...)
    printf_like(3, 4);
static bool fail_at(const struct at *a, const struct spot *spot, const char *fmt, ...)
{
    va_list args;
    if (!a->c->errors)
        return false;
    auto_buf path = BUF(MESSAGE_MAX), text = BUF(MESSAGE_MAX);
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    add_path(&path, spot);
    err_set(err_list_add(a->c->errors), "invalid_value", "%.*s%s%s: %s", STR_ARG(a->c->what),
            path.n ? " " : "", buf_c(&path), buf_c(&text));
    return false;
}
#define fail(a, ...) fail_at(a, (a)->spot, __VA_ARGS__)

static bool stop(struct check *c, const char *why)
{
    c->stopped = c->stopped ? c->stopped : why;
    return false;
}

static const char *article_of(const json_t *v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return names[json_typeof(v)];
}

/* A scalar as it is, shortened; else its kind. */
static void add_shown(struct buf *b, const json_t *v, bool hidden)
{
    if (hidden || json_is_object(v) || json_is_array(v)) {
        buf_add_c(b, article_of(v));
        return;
    }
    auto_buf text = BUF(1 << 24);
    struct json_writer w = JSON_WRITER(&text, false);
    json_put(&w, v);
    size_t end = text.n > SHOWN_MAX ? SHOWN_MAX : text.n;
    while (end < text.n && end && ((unsigned char)text.p[end] & 0xC0) == 0x80)
        end--;
    buf_add_str(b, str_sub(buf_str(&text), 0, end));
    buf_add_c(b, end < text.n ? "...\"" : "");
}

static bool fail_found(const struct at *a, str expected)
{
    auto_buf shown = BUF(MESSAGE_MAX);
    if (!a->c->errors)
        return false;
    add_shown(&shown, a->v, a->n->hidden);
    return fail(a, "expected %.*s, found %s", STR_ARG(expected), buf_c(&shown));
}

static void add_types(struct buf *b, unsigned types)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{KIND_STRING, "a string"},    {KIND_NUMBER, "a number"},
                 {KIND_INTEGER, "an integer"}, {KIND_BOOLEAN, "a boolean"},
                 {KIND_ARRAY, "an array"},     {KIND_OBJECT, "an object"},
                 {KIND_NULL, "null"}};
    bool any = false;
    if (types & KIND_NUMBER)
        types &= ~(unsigned)KIND_INTEGER;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(types & names[i].bit))
            continue;
        types &= ~names[i].bit;
        buf_addf(b, "%s%s", !any ? "" : types ? ", " : " or ", names[i].name);
        any = true;
    }
}

static bool fail_types(const struct at *a, unsigned types)
{
    auto_buf expected = BUF(MESSAGE_MAX);
    if (!a->c->errors)
        return false;
    add_types(&expected, types);
    return fail(a, "expected %s, found %s", buf_c(&expected), article_of(a->v));
}

static unsigned kinds_of(const json_t *v)
{
    static const unsigned char kinds[] = {
        [JSON_OBJECT] = KIND_OBJECT, [JSON_ARRAY] = KIND_ARRAY,
        [JSON_STRING] = KIND_STRING, [JSON_INTEGER] = KIND_INTEGER | KIND_NUMBER,
        [JSON_REAL] = KIND_NUMBER,   [JSON_TRUE] = KIND_BOOLEAN,
        [JSON_FALSE] = KIND_BOOLEAN, [JSON_NULL] = KIND_NULL,
    };
    unsigned bits = kinds[json_typeof(v)];
    if (bits == KIND_NUMBER && __builtin_trunc(json_real_value(v)) == json_real_value(v))
        bits |= KIND_INTEGER;
    return bits;
}

/* ---- any value ---- */

static bool check_enum(const struct at *a)
{
    json_t *words = a->n->enumeration;
    a->c->work += (int64_t)json_array_size(words);
    for (size_t i = 0; i < json_array_size(words); i++)
        if (schema_equal(json_array_get(words, i), a->v))
            return true;
    if (!a->c->errors)
        return false;
    auto_buf expected = BUF(MESSAGE_MAX);
    size_t n = json_array_size(words);
    for (size_t i = 0; i < n; i++) {
        buf_add_c(&expected, !i ? "" : i + 1 < n ? ", " : " or ");
        add_shown(&expected, json_array_get(words, i), false);
    }
    return fail_found(a, n ? buf_str(&expected) : STR("nothing, since enum is empty"));
}

static bool check_constant(const struct at *a)
{
    if (schema_equal(a->n->constant, a->v))
        return true;
    auto_buf expected = BUF(MESSAGE_MAX);
    if (a->c->errors)
        add_shown(&expected, a->n->constant, false);
    return fail_found(a, buf_str(&expected));
}

static bool check_bound(const struct at *a, const struct number *bound, int wrong, int also_wrong,
                        const char *words)
{
    if (!bound->given)
        return true;
    int order = schema_compare(a->v, bound);
    if (order != wrong && order != also_wrong)
        return true;
    auto_buf expected = BUF(200);
    buf_add_c(&expected, words);
    if (bound->whole)
        buf_add_int(&expected, bound->i);
    else
        buf_addf(&expected, "%.17g", bound->d);
    return fail_found(a, buf_str(&expected));
}

static bool check_number(const struct at *a)
{
    const struct node *n = a->n;
    bool ok = check_bound(a, &n->minimum, -1, -1, "at least ");
    ok &= check_bound(a, &n->maximum, 1, 1, "at most ");
    ok &= check_bound(a, &n->above, -1, 0, "more than ");
    ok &= check_bound(a, &n->below, 1, 0, "less than ");
    if (n->multiple_of.given && !schema_is_multiple(a->v, &n->multiple_of)) {
        auto_buf expected = BUF(200);
        buf_addf(&expected, "a multiple of %.17g", n->multiple_of.d);
        ok = fail_found(a, buf_str(&expected));
    }
    return ok;
}

static bool check_count(const struct at *a, size_t count, int64_t min, int64_t max,
                        const char *unit)
{
    bool few = (int64_t)count < min;
    int64_t bound = few ? min : max;
    if (!few && (int64_t)count <= max)
        return true;
    return fail(a, "expected %s %lld %s%s, found %zu", few ? "at least" : "at most",
                (long long)bound, unit, bound == 1 ? "" : "s", count);
}

static bool matches(struct check *c, const struct pattern *p, str text)
{
    c->work += 1 + (int64_t)(text.n / 64);
    enum pattern_found found = pattern_search(p, text);
    if (found == PATTERN_LIMIT)
        return stop(c, "a pattern takes too long");
    return found == PATTERN_YES;
}

static bool check_string(const struct at *a)
{
    const struct node *n = a->n;
    str s = json_text_of(a->v);
    bool ok = true;
    /* A character has at most four bytes: most lengths need no counting. */
    if ((int64_t)s.n > n->max_length || (int64_t)(s.n / 4) < n->min_length)
        ok = check_count(a, utf8_length(s), n->min_length, n->max_length, "character");
    if (n->pattern && !matches(a->c, n->pattern, s) && !a->c->stopped) {
        auto_buf expected = BUF(MESSAGE_MAX);
        str text = json_text_of(json_object_get(n->json, "pattern"));
        buf_addf(&expected, "text that matches /%.*s/", STR_ARG(text));
        ok = fail_found(a, buf_str(&expected));
    }
    if (n->check_format && !n->check_format(s)) {
        auto_buf expected = BUF(MESSAGE_MAX);
        buf_addf(&expected, "text in the format '%.*s'", STR_ARG(n->format));
        ok = fail_found(a, buf_str(&expected));
    }
    return ok;
}

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
    bool fits = n->plain && (!n->types || (n->types & kinds_of(v)));
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
    bool ok = check_count(a, size, n->min_items, n->max_items, "item");

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

static bool unknown_member(const struct at *a, str name)
{
    str names[64];
    size_t count = 0;
    if (!a->c->errors)
        return false;
    for (uint32_t i = 0; i < a->n->property_count && count < 64; i++)
        if (a->n->properties[i].node)
            names[count++] = a->n->properties[i].name;
    long near = str_nearest(name, names, count);
    fail(a, "there is no field '%.*s'", STR_ARG(name));
    struct err *e = &a->c->errors->at[a->c->errors->n - 1];
    e->code = "unknown_field";
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
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
        if (!matches(a->c, n->patterns[i].pattern, name))
            continue;
        covered = true;
        ok &= check_node(a->c, n->patterns[i].node, item, &below, a->scope, NULL);
    }
    if (!covered && n->additional) {
        covered = true;
        ok &= n->additional == &a->c->schema->nothing
                  ? unknown_member(a, name)
                  : check_node(a->c, n->additional, item, &below, a->scope, NULL);
    }
    if (covered)
        seen_add(a->seen, index);
    return n->names ? ok & check_name(a, name, &below) : ok;
}

static bool fail_missing(const struct at *a, str name)
{
    struct spot below = {a->spot, name, 0};
    return fail_at(a, &below, "expected a value, found nothing");
}

static bool check_missing(const struct at *a)
{
    bool ok = true;
    for (uint32_t i = 0; i < a->n->property_count; i++) {
        const struct property *p = &a->n->properties[i];
        if (p->required && !json_object_getn(a->v, p->name.p, p->name.n))
            ok = fail_missing(a, p->name);
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
                ok = fail_missing(a, d->required[r]);
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
    bool ok = check_count(a, json_object_size(a->v), n->min_members, n->max_members, "member");

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
    unsigned found = kinds_of(a->v), all = 0;
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
    return all == ~0u ? fail(a, "fits none of %u alternatives", list->n) : fail_types(a, all);
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
                      ? unknown_member(a, below.key)
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

    if (n->types && !(n->types & kinds_of(a->v)))
        return fail_types(a, n->types);
    if (n->enumeration)
        ok &= check_enum(a);
    if (n->constant)
        ok &= check_constant(a);
    switch (json_typeof(a->v)) {
    case JSON_INTEGER:
    case JSON_REAL:
        ok &= check_number(a);
        break;
    case JSON_STRING:
        ok &= check_string(a);
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
