/* deferred: a value that a step, a file or a secret will have, as a tree of what is to be done with
 * it (SPEC 5). The machine reaches it through class_deferred: operators and methods make larger
 * trees, decisions await the steps in it. Its text is an expression of the same language.
 * Refuses to hold what has no text (functions, handles) and to grow past EXPR_TEXT_MAX. */
#ifndef WORKFLOW_DEFERRED_H
#define WORKFLOW_DEFERRED_H
#include "shell/shell.h"
#include "workflow/workflow_int.h"

enum deferred_kind {
    DEFERRED_STEP,   /* steps.ID */
    DEFERRED_SECRET, /* secrets.NAME */
    DEFERRED_ATTR,   /* a.name */
    DEFERRED_ITEM,   /* a[b] */
    DEFERRED_UNARY,
    DEFERRED_BINARY,
    DEFERRED_COMPARE,
    DEFERRED_CALL,   /* a(args): a method of a deferred value */
    DEFERRED_NATIVE, /* str(args) and other builtins */
    DEFERRED_FORMAT, /* format(a, b) after conversion */
    DEFERRED_CONCAT, /* an f-string of args */
    DEFERRED_HASH_FILES,
    DEFERRED_RAW, /* trusted by the user's word */
};

struct deferred {
    struct object o;
    uint8_t kind, op;
    char conversion;
    bool secret; /* a secret is in it: opaque for ever */
    uint16_t depth;
    uint32_t size; /* about the bytes of its text */
    uint32_t step; /* DEFERRED_STEP */
    str name;      /* ATTR, SECRET; in the evaluation's arena */
    const struct native_def *def;
    val self; /* NATIVE: of a method of a concrete value, or V_UNBOUND */
    val a, b;
    val args;  /* tuple */
    val names; /* tuple of the last args' names, or V_UNBOUND */
};

extern const struct obj_class class_deferred;

static inline struct deferred *deferred_of(val v)
{
    return (struct deferred *)v.object;
}
static inline bool is_deferred(val v)
{
    return val_is_object_of(v, &class_deferred);
}

bool deferred_step(struct heap *h, uint32_t step, val *ret) must_use;
bool deferred_secret(struct heap *h, str name, val *ret) must_use;
bool deferred_attr(struct heap *h, val of, str name, val *ret) must_use;
bool deferred_hash_files(struct heap *h, val patterns, val *ret) must_use;
bool deferred_raw(struct heap *h, val of, val *ret) must_use;
bool deferred_concat(struct heap *h, const val *parts, uint32_t n, val *ret) must_use;

/* The expression's text, as the plan shows it; values that have none are refused. */
bool deferred_add_text(struct heap *h, struct buf *b, val v) must_use;
/* Every step in v: of deferred values, and of those inside of lists, tuples and dicts. */
bool deferred_steps(struct heap *h, val v, struct step_set *set) must_use;
/* True where a secret is in v. */
bool deferred_has_secret(val v);
/* The value, when every step in it has a result. */
bool deferred_evaluate(struct heap *h, val v, val *ret) must_use;

/* A command's parts for shell_check: literal text, untrusted text and unknown values. The texts are
 * borrowed from the heap. False past SHELL_PARTS_MAX. */
struct shell_parts {
    struct shell_part *at;
    size_t n, cap;
};
void shell_parts_done(struct shell_parts *p);
bool shell_parts_of(struct heap *h, val v, struct shell_parts *p) must_use;

#endif
