/* Where subschemas stand: documents, resources with their anchors, and references to them. */
#include "types/schema_int.h"
#include "json/json.h"

enum { URI_MAX = 8192 };

static const struct {
    const char *uri;
    unsigned bit;
} vocabularies[] = {
    {"https://json-schema.org/draft/2020-12/vocab/core", VOCAB_CORE},
    {"https://json-schema.org/draft/2020-12/vocab/applicator", VOCAB_APPLICATOR},
    {"https://json-schema.org/draft/2020-12/vocab/unevaluated", VOCAB_UNEVALUATED},
    {"https://json-schema.org/draft/2020-12/vocab/validation", VOCAB_VALIDATION},
    {"https://json-schema.org/draft/2020-12/vocab/meta-data", VOCAB_META_DATA},
    {"https://json-schema.org/draft/2020-12/vocab/format-annotation", VOCAB_FORMAT_ANNOTATION},
    {"https://json-schema.org/draft/2020-12/vocab/format-assertion", VOCAB_FORMAT_ASSERTION},
    {"https://json-schema.org/draft/2020-12/vocab/content", VOCAB_CONTENT},
};

static str address_of(struct compiler *c, json_t *j)
{
    return arena_str(&c->schema->arena, str_make((const char *)&j, sizeof j));
}

static struct resource *home_of(struct compiler *c, json_t *j)
{
    return map_get(&c->homes, str_make((const char *)&j, sizeof j));
}

static str absolute(struct compiler *c, str base, str reference)
{
    auto_buf text = BUF(URI_MAX);
    uri_resolve(&text, base, reference);
    return arena_str(&c->schema->arena, buf_str(&text));
}

/* ---- documents ---- */

static json_t *load(struct compiler *c, str uri)
{
    for (const struct metaschema *m = metaschemas; m->uri; m++)
        if (str_is(uri, m->uri))
            return json_loads(m->text, 0, NULL);
    return c->options->load ? c->options->load(c->options->data, uri) : NULL;
}

static struct resource *find_resource(struct compiler *c, str uri)
{
    struct resource *r = map_get(&c->resources, uri);
    if (r || c->schema->documents.n >= SCHEMA_DOCUMENTS_MAX)
        return r;
    json_t *root = load(c, uri);
    if (!root)
        return NULL;
    vec_push(&c->schema->documents, root);
    refer_add_document(c, root, uri);
    return map_get(&c->resources, uri);
}

static unsigned vocabulary_bit(str uri)
{
    for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++)
        if (str_is(uri, vocabularies[i].uri))
            return vocabularies[i].bit;
    return 0;
}

static unsigned dialect(struct compiler *c, str uri, unsigned inherited)
{
    if (str_is(uri, "https://json-schema.org/draft/2020-12/schema") || map_has(&c->loading, uri))
        return VOCAB_STANDARD;
    map_set(&c->loading, uri, c);
    struct resource *meta = find_resource(c, uri);
    if (!meta) {
        struct err *e =
            schema_problem(c, NULL, "$schema", "the dialect '%.*s' is not known", STR_ARG(uri));
        err_hint(e, "schemas are of draft 2020-12: https://json-schema.org/draft/2020-12/schema");
        return inherited;
    }
    json_t *used = json_object_get(meta->root, "$vocabulary");
    unsigned bits = used ? VOCAB_CORE : VOCAB_STANDARD;
    const char *name;
    json_t *required;
    json_object_foreach(used, name, required)
    {
        unsigned bit = vocabulary_bit(str_of(name));
        bits |= bit;
        if (!bit && json_is_true(required))
            schema_problem(c, NULL, "$schema", "the vocabulary '%s' is required and not known",
                           name);
    }
    return bits;
}

/* ---- resources ---- */

static struct resource *add_resource(struct compiler *c, json_t *root, str uri, unsigned inherited)
{
    struct resource *r = arena_new(&c->schema->arena, struct resource);
    r->uri = arena_str(&c->schema->arena, uri);
    r->root = root;
    vec_push(&c->schema->resources, r);
    map_set(&c->resources, r->uri, r);
    json_t *schema = json_object_get(root, "$schema");
    r->vocabularies = json_is_string(schema)
                          ? dialect(c, uri_without_fragment(json_text_of(schema)), inherited)
                          : inherited;
    return r;
}

static void add_anchor(struct compiler *c, struct map *names, json_t *j, const char *keyword)
{
    json_t *name = json_object_get(j, keyword);
    if (json_is_string(name))
        map_set(names, arena_str(&c->schema->arena, json_text_of(name)), j);
}

static void walk(struct compiler *c, json_t *j, struct resource *home, int depth);

static void walk_all(struct compiler *c, json_t *value, const struct keyword *k,
                     struct resource *home, int depth)
{
    const char *key;
    json_t *item;
    size_t i;

    if (k->shape == SHAPE_SCHEMA)
        walk(c, value, home, depth);
    if (k->shape == SHAPE_SCHEMAS)
        json_array_foreach(value, i, item) walk(c, item, home, depth);
    if (k->shape == SHAPE_SCHEMA_MAP)
        json_object_foreach(value, key, item) walk(c, item, home, depth);
}

static void walk(struct compiler *c, json_t *j, struct resource *home, int depth)
{
    const char *key;
    json_t *value;

    if (!json_is_object(j) || home_of(c, j) || c->failed)
        return;
    if (depth > SCHEMA_NEST_MAX || c->homes.n > SCHEMA_NODES_MAX) {
        schema_problem(c, NULL, NULL, "the schema is nested deeper than %d levels, or larger",
                       SCHEMA_NEST_MAX);
        c->failed = true;
        return;
    }
    json_t *id = json_object_get(j, "$id");
    if (json_is_string(id) && json_string_length(id) && json_string_value(id)[0] != '#' &&
        j != home->root) {
        str uri = uri_without_fragment(absolute(c, home->uri, json_text_of(id)));
        home = add_resource(c, j, uri, home->vocabularies);
    }
    map_set(&c->homes, address_of(c, j), home);
    add_anchor(c, &home->anchors, j, "$anchor");
    add_anchor(c, &home->anchors, j, "$dynamicAnchor");
    add_anchor(c, &home->dynamic, j, "$dynamicAnchor");
    json_object_foreach(j, key, value)
    {
        const struct keyword *k = keyword_find(str_of(key));
        if (k)
            walk_all(c, value, k, home, depth + 1);
    }
}

struct resource *refer_add_document(struct compiler *c, json_t *root, str uri)
{
    json_t *id = json_object_get(root, "$id");
    str own = json_is_string(id) ? uri_without_fragment(absolute(c, uri, json_text_of(id))) : uri;
    struct resource *r = add_resource(c, root, own, VOCAB_STANDARD);
    if (!map_has(&c->resources, uri))
        map_set(&c->resources, arena_str(&c->schema->arena, uri), r);
    walk(c, root, r, 0);
    return r;
}

/* ---- references ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static str unescape_percent(struct compiler *c, str s)
{
    auto_buf out = BUF(URI_MAX);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            buf_add_byte(&out, (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2])));
            i += 2;
        } else {
            buf_add_byte(&out, s.p[i]);
        }
    }
    return arena_str(&c->schema->arena, buf_str(&out));
}

static json_t *follow_token(struct compiler *c, json_t *at, str token)
{
    auto_buf name = BUF(URI_MAX);
    (void)c;
    for (size_t i = 0; i < token.n; i++) {
        bool escape = token.p[i] == '~' && i + 1 < token.n;
        if (escape)
            i++;
        buf_add_byte(&name, !escape ? token.p[i] : token.p[i] == '0' ? '~' : '/');
    }
    if (json_is_object(at))
        return json_object_getn(at, buf_c(&name), name.n);
    char *end;
    size_t index = strtoull(buf_c(&name), &end, 10);
    return json_is_array(at) && name.n && !*end ? json_array_get(at, index) : NULL;
}

/* Along a JSON Pointer, through keywords that are not known too. */
static json_t *follow(struct compiler *c, struct resource *r, str pointer,
                      struct resource **ret_home)
{
    json_t *at = r->root;
    str rest = pointer.n ? str_sub(pointer, 1, pointer.n) : pointer, token;
    bool more = pointer.n > 0;

    *ret_home = r;
    while (more && at) {
        size_t slash = str_find_byte(rest, '/', 0);
        token = str_sub(rest, 0, slash);
        more = slash != SIZE_MAX;
        rest = str_sub(rest, more ? slash + 1 : rest.n, rest.n);
        at = follow_token(c, at, token);
        struct resource *home = at ? home_of(c, at) : NULL;
        if (home)
            *ret_home = home;
    }
    if (at && json_is_object(at))
        walk(c, at, *ret_home, 0);
    if (at && home_of(c, at))
        *ret_home = home_of(c, at);
    return at;
}

json_t *refer_find(struct compiler *c, const struct resource *from, str reference,
                   struct resource **ret_home, str *ret_fragment)
{
    str uri = absolute(c, from->uri, reference);
    str base = uri_without_fragment(uri);
    str fragment = base.n < uri.n ? str_sub(uri, base.n + 1, uri.n) : STR("");
    struct resource *r = find_resource(c, base);

    *ret_fragment = fragment;
    *ret_home = r;
    if (!r)
        return NULL;
    if (!fragment.n || fragment.p[0] == '/')
        return follow(c, r, unescape_percent(c, fragment), ret_home);
    return map_get(&r->anchors, unescape_percent(c, fragment));
}
