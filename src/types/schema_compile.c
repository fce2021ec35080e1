#include "types/schema_rule_int.h"
#include "json/json.h"

/* ---- errors ---- */

/* "/properties/a" of `wanted` below `at`; false where it is not there. */
static bool find_place(json_t *at, const json_t *wanted, struct buf *path, int depth)
{
    size_t length = path->n, i;
    const char *key;
    json_t *item;

    if (at == wanted)
        return true;
    if (depth > SCHEMA_NEST_MAX)
        return false;
    if (json_is_object(at))
        json_object_foreach(at, key, item)
        {
            json_pointer_add(path, str_of(key));
            if (find_place(item, wanted, path, depth + 1))
                return true;
            buf_cut(path, length, SIZE_MAX);
        }
    json_array_foreach(at, i, item)
    {
        json_pointer_add_index(path, i);
        if (find_place(item, wanted, path, depth + 1))
            return true;
        buf_cut(path, length, SIZE_MAX);
    }
    return false;
}

struct err *schema_problem(struct compiler *c, const struct node *n, const char *keyword,
                           const char *fmt, ...)
{
    auto_buf place = BUF(1 << 16), text = BUF(1 << 16);
    va_list args;

    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    if (n) {
        json_t *root = c->schema->documents.at[0];
        if (!find_place(root, n->json, &place, 0)) {
            buf_add_str(&place, n->resource->uri);
            buf_add_byte(&place, '#');
        }
    }
    if (keyword)
        json_pointer_add(&place, str_of(keyword));
    struct err *e = err_list_add(c->errors);
    c->failed = true;
    err_set(e, "invalid_schema", "schema%s%s: %s", place.n ? " " : "", buf_c(&place), buf_c(&text));
    return e;
}

/* ---- nodes ---- */

static void set_no_bounds(struct node *n)
{
    n->max_length = n->max_items = n->max_members = n->max_contains = INT64_MAX;
    n->min_contains = 1;
}

static struct node *new_node(struct compiler *c, json_t *json, struct resource *home)
{
    struct node *n = arena_new(&c->schema->arena, struct node);
    n->json = json;
    n->resource = home;
    set_no_bounds(n);
    vec_push(&c->schema->nodes, n);
    map_set(&c->schema->nodes_by_json, str_make((const char *)&n->json, sizeof n->json), n);
    vec_push(&c->queue, n);
    return n;
}

struct node *compile_later(struct compiler *c, json_t *json, struct resource *home)
{
    if (json_is_true(json))
        return &c->schema->anything;
    if (json_is_false(json))
        return &c->schema->nothing;
    if (!json_is_object(json))
        return NULL;
    struct resource *own = map_get(&c->homes, str_make((const char *)&json, sizeof json));
    struct node *known =
        map_get(&c->schema->nodes_by_json, str_make((const char *)&json, sizeof json));
    return known ? known : new_node(c, json, own ? own : home);
}

static void compile_node(struct compiler *c, struct node *n)
{
    const char *name;
    json_t *value;

    json_object_foreach(n->json, name, value)
    {
        const struct keyword *k = keyword_find(str_of(name));
        if (k && k->compile && (k->vocabulary & n->resource->vocabularies) &&
            !k->compile(c, n, value, k))
            schema_problem(c, n, name, "expected %s", k->expects);
    }
    if (n->property_count <= 8)
        map_done(&n->property_map);
}

/* What only a dynamic scope leads to. */
static void compile_dynamic(struct compiler *c)
{
    for (size_t i = 0; i < c->schema->resources.n; i++) {
        struct resource *r = c->schema->resources.at[i];
        map_each(e, &r->dynamic)(void) compile_later(c, e->value, r);
    }
}

struct schema *schema_compile(json_t *root, const struct schema_options *options,
                              struct err_list *errors)
{
    static const struct schema_options none = {0};
    struct schema *s = mem_zalloc(sizeof *s);
    struct compiler c = {.schema = s, .options = options ? options : &none, .errors = errors};
    str uri = c.options->uri;

    set_no_bounds(&s->anything);
    s->nothing.nothing_fits = true;
    vec_push(&s->documents, json_incref(root));
    struct resource *r = refer_add_document(&c, root, uri);
    s->root = compile_later(&c, root, r);
    if (!s->root && !c.failed)
        schema_problem(&c, NULL, NULL, "a schema is an object, true or false");
    /* All of it, for every mistake; the walk alone gives up early. */
    bool understood = !c.failed;
    for (size_t i = 0; understood && i < c.queue.n; i++) {
        compile_node(&c, c.queue.at[i]);
        if (i + 1 == c.queue.n)
            compile_dynamic(&c);
    }
    vec_done(&c.queue);
    map_done(&c.resources);
    map_done(&c.homes);
    map_done(&c.loading);
    if (!c.failed) {
        schema_simplify(s);
        if (!c.options->thorough)
            schema_make_rules(s);
        return s;
    }
    schema_free(s);
    return NULL;
}

void schema_free(struct schema *s)
{
    if (!s)
        return;
    vec_each (n, &s->nodes)
        map_done(&(*n)->property_map);
    vec_each (r, &s->resources) {
        map_done(&(*r)->anchors);
        map_done(&(*r)->dynamic);
    }
    vec_each (p, &s->compiled_patterns)
        pattern_free(*p);
    vec_each (d, &s->documents)
        json_decref(*d);
    vec_done(&s->nodes);
    vec_done(&s->resources);
    vec_done(&s->compiled_patterns);
    vec_done(&s->documents);
    map_done(&s->nodes_by_json);
    arena_done(&s->arena);
    free(s);
}
