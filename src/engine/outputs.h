/* outputs: what a step wrote to $PLUE_OUTPUT, $PLUE_ENV and $PLUE_PATH. NAME=value lines, or
 *     NAME<<DELIMITER
 *     any lines
 *     DELIMITER
 * as GitHub's runner reads them. */
#ifndef ENGINE_OUTPUTS_H
#define ENGINE_OUTPUTS_H
#include "diag/err.h"

typedef bool outputs_fn(void *ctx, str name, str value, struct err *err);

/* Calls fn for each pair in order. `file` names the variable in errors ("$PLUE_OUTPUT"). */
bool outputs_parse(const char *file, str text, outputs_fn *fn, void *ctx, struct err *err) must_use;
/* Names that a step may not set for later ones: they would run code or bend the next step's shell.
 */
bool outputs_env_is_allowed(str name);

#endif
