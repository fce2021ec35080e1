/* namespace: records whose known fields are None where they are absent: ctx.event, ctx.inputs,
 * ctx.repo. Unknown names are an AttributeError. */
#ifndef WORKFLOW_NAMESPACE_H
#define WORKFLOW_NAMESPACE_H
#include "workflow/workflow_int.h"

struct namespace_value {
    struct object o;
    const char *what;         /* static: "ctx.inputs" */
    val fields;               /* dict */
    const char *const *known; /* NULL-terminated, or NULL; lives as long as the evaluation */
    /* A field that is worked out when it is read; false where it has none. NULL: none. */
    bool (*lazy)(struct heap *h, struct namespace_value *n, str name, val *ret);
};
bool namespace_new(struct heap *h, const char *what, val fields, const char *const *known,
                   val *ret) must_use;

#endif
