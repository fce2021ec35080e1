/* replay: a run again, its models' answers given from its record. It is a run of its own, of the
 * recorded files, event and inputs: its steps run, and so do the tools of its agents, in fresh
 * files; models get the recorded results of tools, so that what they answered follows. A request
 * that is not in the record fails its step (llm_replay_diverged) and says where it differs.
 * Neither a key nor a network is needed for models. */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H
#include "engine/engine.h"

/* Records and starts the replay of a run that has ended; no_record where it asked no model, or
 * nothing of it was kept. */
bool engine_replay(struct engine *e, int64_t run_id, const char *backend,
                   engine_created_fn *created, engine_ended_fn *ended, void *ctx,
                   struct err *err) must_use;

#endif
