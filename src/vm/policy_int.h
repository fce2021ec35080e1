/* policy: what programs may name. Tables of what Python has and the language refuses, with what to
 * use instead. Judged when a file is compiled, in dead code and annotations too. */
#ifndef VM_POLICY_INT_H
#define VM_POLICY_INT_H
#include "vm/scope_int.h"

/* An underscore at the beginning; a lone one is allowed. */
bool policy_is_private(str name);
/* `what`: "name", "attribute", "keyword argument". */
void policy_name(struct unit *u, str name, pos at, const char *what);
/* A name that no variable, builtin or host name stands for. */
void policy_unknown_name(struct unit *u, struct scope *s, const struct use *use);
void policy_import(struct unit *u, const struct stmt *s);
/* list[int] and int | None outside of annotations. */
void policy_type_expression(struct unit *u, struct scope *s, const struct expr *e);
/* Is the name one of Python's own that the language does not have? */
bool policy_refuses(str name);
/* Names that a use in s could have meant; returns how many. */
size_t policy_candidates(struct unit *u, struct scope *s, str *ret, size_t max);

#endif
