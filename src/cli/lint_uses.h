/* lint_uses: the variables of a prompt's template, held against its inputs. */
#ifndef CLI_LINT_USES_H
#define CLI_LINT_USES_H
#include "cli/findings.h"
#include "prompt/prompt.h"
#include "workflow/evaluation.h"

/* Each name that the template, or one that it extends or includes, reads and nobody gives is an
 * error where it stands. Templates that cannot be read are passed over: others say why. */
void lint_uses(struct findings *f, const struct bundle *b, const struct prompt *p);

#endif
