/* transitions: which states may follow which; the one table, also for docs/engine.md. */
#ifndef ENGINE_TRANSITIONS_H
#define ENGINE_TRANSITIONS_H
#include "event/states.h"

bool step_may_become(enum step_status from, enum step_status to);
bool run_may_become(enum run_status from, enum run_status to);

#endif
