/* module_int: the functions of the language's json, which CPython has in Python: their arguments
 * are bound, and their mistakes worded, as those of Python functions. */
#ifndef JSON_MODULE_INT_H
#define JSON_MODULE_INT_H
#include "value/heap.h"

enum { JSON_REFUSED_MAX = 8 };
struct json_params {
    const char *function, *worker; /* "dumps", and the class that further keywords go to */
    const char *const *names;      /* the first is positional and required, the rest keywords */
    int count;
    const char *refused[JSON_REFUSED_MAX]; /* keywords that CPython has beyond these */
};
/* args are a tuple and a dict; slots not given are V_UNBOUND. */
bool json_bind(struct heap *h, const struct json_params *params, const val *args,
               val *slots) must_use;

bool json_dumps_native(struct heap *h, val *args, val *ret) must_use;
bool json_loads_native(struct heap *h, val *args, val *ret) must_use;

#endif
