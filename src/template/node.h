/* node: the tree of a Jinja2 template: its own statements around the shared expressions of
 * syntax/ast.h (with FILTER, TEST and CONCAT, and COND without an else).
 * Plain data in an arena. Refuses to judge: scopes and meaning are vm/'s.
 * Names are interned: two equal names of one template have the same pointer. */
#ifndef TEMPLATE_NODE_H
#define TEMPLATE_NODE_H
#include "syntax/ast.h"

enum node_kind {
    NODE_OUTPUT, /* text and {{ }} that follow each other; {% print %} */
    NODE_FOR,
    NODE_IF,
    NODE_MACRO,
    NODE_CALL, /* {% call %} */
    NODE_FILTER,
    NODE_WITH,
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_BLOCK,
    NODE_EXTENDS,
    NODE_INCLUDE,
    NODE_IMPORT,
    NODE_FROM,
    NODE_AUTOESCAPE,
    NODE_DO,
    NODE_BREAK,
    NODE_CONTINUE,
};

struct node;
struct nodes {
    struct node **at;
    uint32_t n;
};

struct output_part {
    str text;           /* where value is NULL */
    struct expr *value; /* {{ value }} */
    pos at;
};

struct signature { /* of a macro or call block */
    str *names;
    pos *at;
    struct expr **defaults; /* of the last ones */
    uint32_t n, default_count;
};

struct node {
    enum node_kind kind;
    pos at; /* of the tag's name */
    union {
        struct {
            struct output_part *at;
            uint32_t n;
        } output;
        struct {
            struct expr *target, *iterable, *test; /* test may be NULL */
            bool recursive;
            struct nodes body, otherwise;
        } for_;
        struct {
            struct expr *test;
            struct nodes body;
            struct nodes elifs; /* IF each, without elifs and otherwise */
            struct nodes otherwise;
        } if_;
        struct {
            str name; /* empty: a call block */
            struct signature signature;
            struct nodes body;
            struct expr *call; /* CALL: what is called with the block as its caller */
        } macro;
        struct {
            struct expr *filter; /* FILTER; the innermost target is NULL: the body's text */
            struct nodes body;
        } filter;
        struct {
            struct expr **targets, **values;
            uint32_t n;
            struct nodes body;
        } with;
        struct {
            struct expr *target; /* NAME, TUPLE of them, or ATTR of a NAME: a namespace's */
            struct expr *value;  /* SET */
            struct expr *filter; /* SET_BLOCK: as of FILTER, or NULL */
            struct nodes body;   /* SET_BLOCK */
        } set;
        struct {
            str name;
            bool scoped, required;
            struct nodes body;
        } block;
        struct {
            struct expr *name;
            bool ignore_missing, with_context;
            str as;                    /* IMPORT */
            struct import_name *names; /* FROM */
            uint32_t name_count;
        } load; /* EXTENDS, INCLUDE, IMPORT, FROM */
        struct {
            struct expr *value;
            struct nodes body;
        } autoescape;
        struct expr *expr; /* DO */
    };
};

#endif
