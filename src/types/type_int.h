/* type_int: what the quick answer about a value and the thorough one share. */
#ifndef TYPES_TYPE_INT_H
#define TYPES_TYPE_INT_H
#include "types/type.h"

enum { TYPE_CHECK_DEPTH_MAX = 200 };

/* Of the value alone, not of what is in it; for all kinds but optional. */
bool type_kind_fits(const struct type *t, const json_t *v);
/* True: it fits, as type_check would say. False: it does not, or must be looked at thoroughly. */
bool type_fits(const struct type *t, const json_t *v);

#endif
