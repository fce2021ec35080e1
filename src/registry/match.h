/* match: which trigger of a workflow an event is for (SPEC 4), as GitHub decides it. What an event
 * does not say (the paths of a push, say) lets a filter pass.
 * Knows nothing of where events come from. */
#ifndef REGISTRY_MATCH_H
#define REGISTRY_MATCH_H
#include "base/buf.h"
#include <jansson.h>

/* Index of the first of `triggers` (a JSON array as struct definition has it) that the event is
 * for, or -1. Then `why`, which may be NULL, says for each trigger of the event's type what spoke
 * against it. */
long match_triggers(str triggers, const json_t *event, struct buf *why);

#endif
