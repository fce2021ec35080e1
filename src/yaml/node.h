/* node: YAML documents that people write (tests of workflows, configuration, frontmatter) as trees
 * whose nodes know their places, so that an error can show the line. Scalars are read as YAML 1.2's
 * core schema has them: null, ~, true, false, numbers; everything else, yes and no too, is text. A
 * number with a leading zero is text, since it is a commit or a date more often than a number.
 * Refuses, with a place: anchors, aliases and tags, keys that are no texts, a key twice in one
 * mapping, more than one document, and what is larger than the limits below. */
#ifndef YAML_NODE_H
#define YAML_NODE_H
#include "diag/err.h"
#include <jansson.h>

enum {
    YAML_DEPTH_MAX = 64,
    YAML_NODES_MAX = 200 * 1000,
    YAML_LOST_MAX = 20,
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool plain;               /* SCALAR: without quotes, so that it may be a number */
    bool flow;                /* LIST, MAP: in brackets; its place ends with the closing one */
    pos at;                   /* of a block LIST or MAP: its first line */
    str text;                 /* SCALAR */
    struct yaml_node **items; /* LIST; MAP: the values */
    struct yaml_node **keys;  /* MAP: scalars */
    uint32_t n;
};

/* The document that the source is, in arena a; an empty one is a null scalar. NULL with err
 * ("invalid_yaml"). Texts are borrowed from the arena. */
struct yaml_node *yaml_parse(struct arena *a, struct sources *s, uint32_t source,
                             struct err *err) must_use;

/* The top-level keys whose values could not be read. */
struct yaml_lost {
    str keys[YAML_LOST_MAX]; /* in the arena; an empty one: it is not known which */
    uint32_t n;
};
/* The same, but every mistake is told, and what can be read in spite of them is given: of a key
 * that stands twice the first value; for what is no YAML its top-level key is lost. Never NULL; it
 * is a null scalar where nothing could be read. */
struct yaml_node *yaml_parse_all(struct arena *a, struct sources *s, uint32_t source,
                                 struct yaml_lost *ret_lost, struct err_list *errors) must_use;
bool yaml_is_lost(const struct yaml_lost *lost, const char *key);

/* NULL where the node is no mapping or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
bool yaml_is_null(const struct yaml_node *n);
/* A new reference; NULL with err for a number past 64 bits. */
json_t *yaml_to_json(const struct yaml_node *n, struct err *err) must_use;

/* Adds an error, with "did you mean", for each key of the mapping that is not among the names; what
 * says of what they are keys. True where there was none. */
bool yaml_check_keys(const struct yaml_node *map, const char *what, const char *const *names,
                     struct err_list *errors) must_use;
/* "a text", "a list", "a mapping", "null", "a number", "true or false". */
const char *yaml_describe(const struct yaml_node *n);

#endif
