/* worst: what the models of a plan may cost at worst, for people: turns times max_tokens times
 * price, with every retry and repair, no more than the steps' budgets. Agents that agents call as
 * tools are not in it: how often they are called nobody knows. */
#ifndef CLI_WORST_H
#define CLI_WORST_H
#include "plan/plan.h"

/* Nothing where no step asks a model. root: of the repository, for .plue/config.yaml. False with
 * err where that cannot be read. */
bool worst_add(struct buf *b, const struct plan *p, const char *root, struct err *err) must_use;

#endif
