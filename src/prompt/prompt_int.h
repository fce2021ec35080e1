/* prompt_int: reading the parts of a frontmatter. */
#ifndef PROMPT_PROMPT_INT_H
#define PROMPT_PROMPT_INT_H
#include "prompt/prompt.h"
#include "yaml/node.h"

struct head {
    struct arena *arena;
    struct err_list *errors;
    const struct yaml_node *types; /* the `types:` mapping, or NULL */
    bool types_lost;               /* it cannot be read, so that any name may be one of its */
    uint32_t type_count;           /* made so far */
};

/* An error at a node; returns it for a hint. */
struct err *head_problem(struct head *h, pos at, const char *code, const char *fmt, ...)
    printf_like(4, 5);
/* A scalar's text; empty with an error. */
str head_text(struct head *h, const struct yaml_node *n, const char *key);
/* The list of tools. */
void head_tools(struct head *h, struct prompt *p, const struct yaml_node *n);
/* The type that a node writes; NULL with an error. */
const struct type *head_type(struct head *h, const struct yaml_node *n, int depth);
/* A mapping of names and types as an object. */
const struct type *head_object(struct head *h, const struct yaml_node *n, int depth);

#endif
