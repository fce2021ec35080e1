/* schema: foreign JSON Schemas (draft 2020-12), compiled once and checked often: what tools, model
 * answers and other programs declare. Our own types are checked by type.h, in their own words.
 * Refuses other drafts, vocabularies that it does not know and that are required, references that
 * lead nowhere, patterns that ECMAScript does not have. `format` is an annotation unless asked for.
 * Work and depth of a check are bounded, whatever the schema refers to.
 * Knows nothing of the network: documents beside the schema come from the caller's `load`. */
#ifndef TYPES_SCHEMA_H
#define TYPES_SCHEMA_H
#include "diag/err.h"
#include <jansson.h>

enum {
    SCHEMA_NEST_MAX = 500,            /* levels of a schema document */
    SCHEMA_NODES_MAX = 100000,        /* subschemas of a schema with all that it refers to */
    SCHEMA_DOCUMENTS_MAX = 100,       /* loaded for one schema */
    SCHEMA_CHECK_DEPTH_MAX = 1000,    /* subschemas inside of each other in one check */
    SCHEMA_CHECK_WORK_MAX = 10000000, /* subschemas, comparisons and searches of one check */
};

struct schema_options {
    /* A document by its absolute URI: a new reference, or NULL. The metaschemas of 2020-12 are
     * built in. NULL: there are no others. */
    json_t *(*load)(void *data, str uri);
    void *data;
    str uri;             /* of the schema itself, for relative references; may be empty */
    bool assert_formats; /* check `format` too, of the formats that are known */
    bool thorough;       /* without the quick answer: the same, slower, for comparing the two */
};

struct schema;
/* Keeps a reference to root, which must not change afterwards. NULL with errors ("invalid_schema"),
 * each with a JSON Pointer to its place. options may be NULL. */
struct schema *schema_compile(json_t *root, const struct schema_options *options,
                              struct err_list *errors) must_use;
void schema_free(struct schema *s);

/* True where the value fits; else errors has every violation: `what`, a JSON Pointer into the
 * value, what was expected and what was found. errors may be NULL. May run in several threads. */
bool schema_check(const struct schema *s, json_t *value, str what,
                  struct err_list *errors) must_use;

/* Equal as JSON Schema has it: 1 and 1.0 are, the order of members does not count. */
bool schema_equal(const json_t *a, const json_t *b);

#endif
