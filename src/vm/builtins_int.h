/* builtins: the names that every program has, as one table of native functions, the types and the
 * exception classes. */
#ifndef VM_BUILTINS_INT_H
#define VM_BUILTINS_INT_H
#include "vm/vm.h"

/* False where there is no such builtin. ret may be NULL. */
bool builtins_find(str name, val *ret);
/* All names, for "did you mean": fills at most max, returns how many. */
size_t builtins_names(str *ret, size_t max);
/* The module-like object `json`. */
extern const struct obj_class json_module_class;

#endif
