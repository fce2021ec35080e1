/* Which schemas a Messages API takes where it constrains the answer itself: a part of JSON Schema,
 * as its documentation on structured outputs has it. What is not known to be taken is refused with
 * status 400, so that everything else goes by a tool. */
#include "llm/llm_int.h"
#include "json/json.h"

/* Numbers that the API tells where a schema has more. */
enum { OPTIONAL_MAX = 24, UNIONS_MAX = 16, DEPTH_MAX = 64 };

struct count {
    size_t optional, unions;
};

static bool takes(const json_t *schema, struct count *n, int depth);

static bool is_words(const json_t *v, struct count *n, int depth)
{
    size_t i;
    json_t *word;
    (void)n;
    (void)depth;
    json_array_foreach(v, i, word)
    {
        if (json_is_object(word) || json_is_array(word))
            return false;
    }
    return json_array_size(v) > 0;
}

static bool is_union(const json_t *v, struct count *n, int depth)
{
    size_t i;
    json_t *one;
    n->unions++;
    json_array_foreach(v, i, one)
    {
        if (!takes(one, n, depth + 1))
            return false;
    }
    return json_array_size(v) > 0;
}

static bool are_schemas(const json_t *v, struct count *n, int depth)
{
    const char *key;
    json_t *one;
    json_object_foreach((json_t *)v, key, one)
    {
        if (!takes(one, n, depth + 1))
            return false;
    }
    return json_is_object(v);
}

static bool is_schema(const json_t *v, struct count *n, int depth)
{
    return takes(v, n, depth + 1);
}

static bool is_false(const json_t *v, struct count *n, int depth)
{
    (void)n;
    (void)depth;
    return json_is_false(v);
}

static bool is_text(const json_t *v, struct count *n, int depth)
{
    (void)n;
    (void)depth;
    return json_is_string(v);
}

static bool is_list(const json_t *v, struct count *n, int depth)
{
    (void)n;
    (void)depth;
    return json_is_array(v);
}

static const struct {
    const char *keyword;
    bool (*fits)(const json_t *v, struct count *n, int depth);
} keywords[] = {
    {"type", is_text},        {"properties", are_schemas}, {"required", is_list},
    {"items", is_schema},     {"anyOf", is_union},         {"enum", is_words},
    {"description", is_text}, {"title", is_text},          {"additionalProperties", is_false},
};

static bool takes_keyword(const char *key, const json_t *v, struct count *n, int depth)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(key, keywords[i].keyword) == 0)
            return keywords[i].fits(v, n, depth);
    return false;
}

static bool takes(const json_t *schema, struct count *n, int depth)
{
    const char *key;
    json_t *v;
    bool object = wire_schema_is_object(schema);
    json_object_foreach((json_t *)schema, key, v)
    {
        if (!takes_keyword(key, v, n, depth))
            return false;
    }
    size_t fields = json_object_size(json_object_get(schema, "properties")),
           required = json_array_size(json_object_get(schema, "required"));
    n->optional += fields > required ? fields - required : 0;
    return depth <= DEPTH_MAX && json_object_size(schema) > 0 &&
           (!object || json_object_get(schema, "additionalProperties"));
}

bool wire_schema_is_strict(const json_t *schema)
{
    struct count n = {0};
    return wire_schema_is_object(schema) && takes(schema, &n, 0) && n.optional <= OPTIONAL_MAX &&
           n.unions <= UNIONS_MAX;
}
