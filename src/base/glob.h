/* glob: whether a relative path matches a pattern: `*` and `?` within one folder, `**` over any
 * number of folders, `[a-z]` and `[!a-z]` one character, `\` takes the next one as it is. A name
 * that begins with a dot is matched like any other. Knows nothing of file systems. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H
#include "base/str.h"
#include <stdint.h>

enum { GLOB_BUDGET = 1 << 20 }; /* comparisons of one match; past them nothing matches */

bool glob_match(str pattern, str path);

/* As a step's list of paths: a path matches where the last pattern that speaks of it does not begin
 * with `!`. A pattern that names a folder speaks of all below it. */
bool glob_select(const str *patterns, size_t n, str path);

#endif
