/* The table of keywords: where each belongs, what it holds, how it gets into a node. */
#include "types/schema_int.h"
#include "json/json.h"

#define FIELD(type) (*(type *)((char *)n + k->offset))

static bool put_schema(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    FIELD(struct node *) = compile_later(c, value, n->resource);
    return FIELD(struct node *) != NULL;
}

static bool put_in_place(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    n->in_place = true;
    return put_schema(c, n, value, k);
}

static bool put_list(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    struct node_list *list = &FIELD(struct node_list);
    size_t count = json_array_size(value);
    if (!count)
        return false;
    list->at = arena_array(&c->schema->arena, struct node *, count);
    for (size_t i = 0; i < count; i++) {
        list->at[i] = compile_later(c, json_array_get(value, i), n->resource);
        if (!list->at[i])
            return false;
    }
    list->n = (uint32_t)count;
    return true;
}

static bool put_list_in_place(struct compiler *c, struct node *n, json_t *value,
                              const struct keyword *k)
{
    n->in_place = true;
    return put_list(c, n, value, k);
}

static bool put_count(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    double d = json_number_value(value);
    (void)c;
    if (!json_is_number(value) || d < 0 || d > 9e18 ||
        (json_is_real(value) && d != (double)(int64_t)d))
        return false;
    FIELD(int64_t) = json_is_integer(value) ? json_integer_value(value) : (int64_t)d;
    return true;
}

static bool put_number(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)c;
    if (!json_is_number(value))
        return false;
    FIELD(struct number) = schema_number(value);
    return k->offset != offsetof(struct node, multiple_of) || n->multiple_of.d > 0;
}

static bool put_flag(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)c;
    FIELD(bool) = json_is_true(value);
    return json_is_boolean(value);
}

static bool put_value(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)c;
    FIELD(json_t *) = value;
    return k->offset != offsetof(struct node, enumeration) || json_is_array(value);
}

static const struct {
    const char *name;
    unsigned bits;
} kinds[] = {
    {"null", KIND_NULL},       {"boolean", KIND_BOOLEAN},
    {"integer", KIND_INTEGER}, {"number", KIND_NUMBER | KIND_INTEGER},
    {"string", KIND_STRING},   {"array", KIND_ARRAY},
    {"object", KIND_OBJECT},
};

static bool add_type(struct node *n, json_t *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_is(json_text_of(name), kinds[i].name)) {
            n->types |= kinds[i].bits;
            return true;
        }
    }
    return false;
}

static bool put_type(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)c;
    (void)k;
    if (!json_is_array(value))
        return add_type(n, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!add_type(n, json_array_get(value, i)))
            return false;
    return json_array_size(value) > 0;
}

static struct pattern *new_pattern(struct compiler *c, struct node *n, str text,
                                   const char *keyword)
{
    auto_err err = ERR_INIT;
    struct pattern *p = pattern_new(text, &err);
    if (p)
        vec_push(&c->schema->compiled_patterns, p);
    else
        err_hint(schema_problem(c, n, keyword, "%.*s", STR_ARG(err.message)), "%.*s",
                 STR_ARG(err.hint));
    return p;
}

static bool put_pattern(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    if (!json_is_string(value))
        return false;
    n->pattern = new_pattern(c, n, json_text_of(value), k->name);
    return true;
}

static bool put_format(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)k;
    n->format = json_text_of(value);
    if (c->options->assert_formats || (n->resource->vocabularies & VOCAB_FORMAT_ASSERTION))
        n->check_format = format_find(n->format);
    return json_is_string(value);
}

/* ---- members ---- */

static struct property *add_property(struct compiler *c, struct node *n, str name, size_t room)
{
    if (!n->properties)
        n->properties = arena_array(&c->schema->arena, struct property, room);
    uintptr_t known = (uintptr_t)map_get(&n->property_map, name);
    if (!known) {
        n->properties[n->property_count].name = name;
        known = ++n->property_count;
        map_set(&n->property_map, name, (void *)known);
    }
    return &n->properties[known - 1];
}

/* Both keywords make one table: whichever comes first sees the other's size. */
static size_t room_for_properties(const struct node *n)
{
    return json_object_size(json_object_get(n->json, "properties")) +
           json_array_size(json_object_get(n->json, "required"));
}

static bool put_properties(struct compiler *c, struct node *n, json_t *value,
                           const struct keyword *k)
{
    const char *name;
    json_t *item;
    (void)k;
    json_object_foreach(value, name, item)
    {
        struct property *p = add_property(c, n, str_of(name), room_for_properties(n));
        p->node = compile_later(c, item, n->resource);
        if (!p->node)
            return false;
    }
    return json_is_object(value);
}

static bool put_required(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    (void)k;
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *name = json_array_get(value, i);
        if (!json_is_string(name))
            return false;
        struct property *p = add_property(c, n, json_text_of(name), room_for_properties(n));
        n->required_count += !p->required;
        p->required = true;
    }
    return json_is_array(value);
}

static bool put_patterns(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    const char *text;
    json_t *item;
    n->patterns = arena_array(&c->schema->arena, struct pattern_property, json_object_size(value));
    json_object_foreach(value, text, item)
    {
        struct pattern_property *p = &n->patterns[n->pattern_count];
        p->pattern = new_pattern(c, n, str_of(text), k->name);
        p->node = compile_later(c, item, n->resource);
        if (!p->node)
            return false;
        n->pattern_count += p->pattern != NULL;
    }
    return json_is_object(value);
}

static struct dependency *add_dependencies(struct compiler *c, struct node *n)
{
    size_t room = json_object_size(json_object_get(n->json, "dependentRequired")) +
                  json_object_size(json_object_get(n->json, "dependentSchemas"));
    if (!n->dependencies)
        n->dependencies = arena_array(&c->schema->arena, struct dependency, room);
    return &n->dependencies[n->dependency_count++];
}

static bool put_dependent_required(struct compiler *c, struct node *n, json_t *value,
                                   const struct keyword *k)
{
    const char *name;
    json_t *names;
    (void)k;
    json_object_foreach(value, name, names)
    {
        struct dependency *d = add_dependencies(c, n);
        str *required = arena_array(&c->schema->arena, str, json_array_size(names));
        d->name = str_of(name);
        d->required = required;
        for (size_t i = 0; i < json_array_size(names); i++) {
            if (!json_is_string(json_array_get(names, i)))
                return false;
            required[d->n++] = json_text_of(json_array_get(names, i));
        }
    }
    return json_is_object(value);
}

static bool put_dependent_schemas(struct compiler *c, struct node *n, json_t *value,
                                  const struct keyword *k)
{
    const char *name;
    json_t *item;
    (void)k;
    json_object_foreach(value, name, item)
    {
        struct dependency *d = add_dependencies(c, n);
        d->name = str_of(name);
        d->node = compile_later(c, item, n->resource);
        if (!d->node)
            return false;
    }
    n->in_place = true;
    return json_is_object(value);
}

/* ---- references ---- */

static bool put_ref(struct compiler *c, struct node *n, json_t *value, const struct keyword *k)
{
    struct resource *home;
    str fragment;
    n->in_place = true;
    if (!json_is_string(value))
        return false;
    json_t *target = refer_find(c, n->resource, json_text_of(value), &home, &fragment);
    struct node *node = target ? compile_later(c, target, home) : NULL;
    if (!node) {
        err_hint(schema_problem(c, n, k->name, "'%.*s' leads to no schema",
                                STR_ARG(json_text_of(value))),
                 "references lead to $defs, anchors and $ids of the schema, or to documents given "
                 "beside it");
        return true;
    }
    FIELD(struct node *) = node;
    if (k->offset == offsetof(struct node, dynamic_ref) && fragment.n && fragment.p[0] != '/' &&
        map_has(&home->dynamic, fragment))
        n->dynamic_name = fragment;
    return true;
}

#define AT(field) offsetof(struct node, field)
#define A_SCHEMA "a schema: an object, true or false"
#define SCHEMAS "a list of schemas, not empty"
#define SCHEMA_MAP "an object of schemas"
#define COUNT "an integer, not negative"
#define NUMBER "a number"
const struct keyword keywords[] = {
    {"$ref", VOCAB_CORE, SHAPE_OTHER, put_ref, AT(ref), "a URI reference"},
    {"$dynamicRef", VOCAB_CORE, SHAPE_OTHER, put_ref, AT(dynamic_ref), "a URI reference"},
    {"$defs", VOCAB_CORE, SHAPE_SCHEMA_MAP, NULL, 0, NULL},
    {"allOf", VOCAB_APPLICATOR, SHAPE_SCHEMAS, put_list_in_place, AT(all_of), SCHEMAS},
    {"anyOf", VOCAB_APPLICATOR, SHAPE_SCHEMAS, put_list_in_place, AT(any_of), SCHEMAS},
    {"oneOf", VOCAB_APPLICATOR, SHAPE_SCHEMAS, put_list_in_place, AT(one_of), SCHEMAS},
    {"not", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_in_place, AT(not_this), A_SCHEMA},
    {"if", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_in_place, AT(when), A_SCHEMA},
    {"then", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(then), A_SCHEMA},
    {"else", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(otherwise), A_SCHEMA},
    {"dependentSchemas", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, put_dependent_schemas, 0, SCHEMA_MAP},
    {"prefixItems", VOCAB_APPLICATOR, SHAPE_SCHEMAS, put_list, AT(prefix), SCHEMAS},
    {"items", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(items), A_SCHEMA},
    {"contains", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(contains), A_SCHEMA},
    {"properties", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, put_properties, 0, SCHEMA_MAP},
    {"patternProperties", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, put_patterns, 0, SCHEMA_MAP},
    {"additionalProperties", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(additional), A_SCHEMA},
    {"propertyNames", VOCAB_APPLICATOR, SHAPE_SCHEMA, put_schema, AT(names), A_SCHEMA},
    {"unevaluatedItems", VOCAB_UNEVALUATED, SHAPE_SCHEMA, put_schema, AT(unevaluated_items),
     A_SCHEMA},
    {"unevaluatedProperties", VOCAB_UNEVALUATED, SHAPE_SCHEMA, put_schema,
     AT(unevaluated_properties), A_SCHEMA},
    {"type", VOCAB_VALIDATION, SHAPE_OTHER, put_type, 0, "the name of a type, or a list of these"},
    {"enum", VOCAB_VALIDATION, SHAPE_OTHER, put_value, AT(enumeration), "a list"},
    {"const", VOCAB_VALIDATION, SHAPE_OTHER, put_value, AT(constant), NULL},
    {"multipleOf", VOCAB_VALIDATION, SHAPE_OTHER, put_number, AT(multiple_of),
     "a number above zero"},
    {"maximum", VOCAB_VALIDATION, SHAPE_OTHER, put_number, AT(maximum), NUMBER},
    {"exclusiveMaximum", VOCAB_VALIDATION, SHAPE_OTHER, put_number, AT(below), NUMBER},
    {"minimum", VOCAB_VALIDATION, SHAPE_OTHER, put_number, AT(minimum), NUMBER},
    {"exclusiveMinimum", VOCAB_VALIDATION, SHAPE_OTHER, put_number, AT(above), NUMBER},
    {"maxLength", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(max_length), COUNT},
    {"minLength", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(min_length), COUNT},
    {"pattern", VOCAB_VALIDATION, SHAPE_OTHER, put_pattern, 0, "text"},
    {"maxItems", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(max_items), COUNT},
    {"minItems", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(min_items), COUNT},
    {"uniqueItems", VOCAB_VALIDATION, SHAPE_OTHER, put_flag, AT(unique), "true or false"},
    {"maxContains", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(max_contains), COUNT},
    {"minContains", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(min_contains), COUNT},
    {"maxProperties", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(max_members), COUNT},
    {"minProperties", VOCAB_VALIDATION, SHAPE_OTHER, put_count, AT(min_members), COUNT},
    {"required", VOCAB_VALIDATION, SHAPE_OTHER, put_required, 0, "a list of names"},
    {"dependentRequired", VOCAB_VALIDATION, SHAPE_OTHER, put_dependent_required, 0,
     "an object of lists of names"},
    {"writeOnly", VOCAB_META_DATA, SHAPE_OTHER, put_flag, AT(hidden), "true or false"},
    {"format", VOCAB_FORMAT_ANNOTATION | VOCAB_FORMAT_ASSERTION, SHAPE_OTHER, put_format, 0,
     "text"},
    {"contentSchema", VOCAB_CONTENT, SHAPE_SCHEMA, NULL, 0, NULL},
    {NULL},
};

const struct keyword *keyword_find(str name)
{
    for (const struct keyword *k = keywords; k->name; k++)
        if (str_is(name, k->name))
            return k;
    return NULL;
}
