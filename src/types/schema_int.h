/* schema_int: what compiling and checking a JSON Schema share.
 * A node is one subschema, flattened: all keywords of it that say anything. Nodes refer to each
 * other freely, in circles too; a compiled schema is immutable. */
#ifndef TYPES_SCHEMA_INT_H
#define TYPES_SCHEMA_INT_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "types/pattern.h"
#include "types/schema.h"

enum vocabulary {
    VOCAB_CORE = 1,
    VOCAB_APPLICATOR = 2,
    VOCAB_UNEVALUATED = 4,
    VOCAB_VALIDATION = 8,
    VOCAB_META_DATA = 16,
    VOCAB_FORMAT_ANNOTATION = 32,
    VOCAB_FORMAT_ASSERTION = 64,
    VOCAB_CONTENT = 128,
    VOCAB_STANDARD = 255 - VOCAB_FORMAT_ASSERTION,
};

enum json_kind { /* bits of node.types */
                 KIND_NULL = 1,
                 KIND_BOOLEAN = 2,
                 KIND_INTEGER = 4,
                 KIND_NUMBER = 8,
                 KIND_STRING = 16,
                 KIND_ARRAY = 32,
                 KIND_OBJECT = 64,
};

/* A document, or a part of one with an $id of its own. */
struct resource {
    str uri; /* absolute, without a fragment */
    json_t *root;
    unsigned vocabularies;
    struct map anchors; /* name -> json_t, dynamic ones too */
    struct map dynamic; /* name -> json_t */
};

struct number {
    bool given, whole;
    int64_t i;
    double d;
};

struct node;
struct rule;
struct property {
    str name;
    struct node *node; /* NULL: only required */
    bool required;
};
struct pattern_property {
    struct pattern *pattern;
    struct node *node;
};
struct dependency {
    str name;
    const str *required;
    uint32_t n;
    struct node *node;
};
struct node_list {
    struct node **at;
    uint32_t n;
};
typedef bool (*format_check)(str text);

struct node {
    json_t *json; /* also the key it is found by */
    struct resource *resource;
    bool nothing_fits; /* false */
    bool in_place;     /* has applicators on the very value, or references */
    bool plain;        /* says nothing but `types` */
    bool bare;         /* says nothing but `types` and what is in place */
    struct rule *rule; /* its quick form; NULL: the schema has none */
    unsigned types;    /* 0: all */
    json_t *constant, *enumeration;
    int64_t min_length, max_length, min_items, max_items, min_members, max_members;
    int64_t min_contains, max_contains;
    struct number minimum, maximum, above, below, multiple_of;
    bool unique, hidden; /* hidden: writeOnly, its values are not shown */
    struct pattern *pattern;
    str format;
    format_check check_format;
    struct property *properties;
    uint32_t property_count, required_count;
    struct map property_map; /* name -> index + 1, where there are many */
    struct pattern_property *patterns;
    uint32_t pattern_count;
    struct dependency *dependencies;
    uint32_t dependency_count;
    struct node *additional, *names, *items, *contains;
    struct node_list prefix, all_of, any_of, one_of;
    struct node *not_this, *when, *then, *otherwise;
    struct node *ref, *dynamic_ref;
    str dynamic_name; /* of an anchor that the dynamic scope may replace; empty: none */
    struct node *unevaluated_items, *unevaluated_properties;
};

struct schema {
    struct arena arena;
    struct node *root;
    VEC(struct node *) nodes;
    VEC(struct resource *) resources;
    VEC(struct pattern *) compiled_patterns;
    VEC(json_t *) documents; /* references held */
    struct map nodes_by_json;
    struct node anything, nothing; /* true, false */
    const struct rule *rule;       /* of root; NULL: no quick form */
};

struct compiler {
    struct schema *schema;
    const struct schema_options *options;
    struct err_list *errors;
    struct map resources; /* uri -> resource */
    struct map homes;     /* address of a subschema -> its resource */
    VEC(struct node *) queue;
    struct map loading; /* dialects being looked at: a metaschema may declare itself */
    bool failed;
};

struct metaschema {
    const char *uri, *text;
};
extern const struct metaschema metaschemas[]; /* ends with a NULL */

/* ---- schema_keywords.c ---- */
enum keyword_shape { SHAPE_OTHER, SHAPE_SCHEMA, SHAPE_SCHEMAS, SHAPE_SCHEMA_MAP };
struct keyword {
    const char *name;
    enum vocabulary vocabulary;
    enum keyword_shape shape;
    /* NULL: read elsewhere. False: the value has not the form that `expects` says. */
    bool (*compile)(struct compiler *c, struct node *n, json_t *value, const struct keyword *k);
    size_t offset; /* of the node's field */
    const char *expects;
};
extern const struct keyword keywords[]; /* ends with a row without a name */
const struct keyword *keyword_find(str name);

/* ---- schema_compile.c ---- */
/* The node of a subschema; compiled later. */
struct node *compile_later(struct compiler *c, json_t *json, struct resource *home);
struct err *schema_problem(struct compiler *c, const struct node *n, const char *keyword,
                           const char *fmt, ...) printf_like(4, 5);

/* ---- schema_simplify.c ---- */
/* What every value can be judged by faster, with the same answers and violations. Once all nodes
 * are compiled. */
void schema_simplify(struct schema *s);

/* ---- schema_refer.c: documents, resources, references ---- */
/* Finds the resources and anchors of a document; NULL where it is no schema that is understood. */
struct resource *refer_add_document(struct compiler *c, json_t *root, str uri);
/* What a reference of this resource leads to; NULL where it leads nowhere. */
json_t *refer_find(struct compiler *c, const struct resource *from, str reference,
                   struct resource **ret_home, str *ret_fragment);

/* ---- uri.c ---- */
/* RFC 3986, 5.2: the reference seen from the base; dots removed. */
void uri_resolve(struct buf *b, str base, str reference);
str uri_without_fragment(str uri);

/* ---- formats.c ---- */
/* NULL: not known. */
format_check format_find(str name);

/* ---- schema_equal.c ---- */
uint64_t schema_hash(const json_t *j);
/* <0, 0, >0; both are numbers. */
int schema_compare(const json_t *a, const struct number *b);
bool schema_is_multiple(const json_t *a, const struct number *b);
struct number schema_number(const json_t *j);
/* The first two items of an array that are equal; false: all differ. */
bool schema_equal_pair(const json_t *array, size_t *ret_first, size_t *ret_second);

#endif
