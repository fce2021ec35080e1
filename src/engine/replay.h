/* replay: a run again, its models' answers given from its record. It is a run of its own, of the
 * recorded files, event and inputs: its steps run, and so do the tools of its agents, in fresh
 * files; models get the recorded results of tools, so that what they answered follows. A request
 * that is not in the record fails its step (llm_replay_diverged) and says where it differs.
 * Neither a key nor a network is needed for models.
 *
 * With a fork the record is followed up to a turn of one step, and from there on models are asked:
 * with another prompt, by another client, or after other results of the turn before. What the
 * record does not hold is asked for then too, and nothing diverges. */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H
#include "engine/engine.h"
#include "store/store.h"
#include <jansson.h>

struct replay_fork {
    int64_t turn;    /* the first one that is asked for, from 1; 0: no fork */
    str step;        /* empty: the one that has a record */
    str client;      /* who is asked; empty: the prompt's */
    str prompt;      /* text of a file in the place of the prompt's; empty: as it was */
    json_t *results; /* {TOOL or id of a call: text}: what the model is given for the calls of the
                      * turn before; borrowed, may be NULL */
};

/* Records and starts the replay of a run that has ended; no_record where it asked no model, or
 * nothing of it was kept. invalid_option where there is nothing to fork. */
bool engine_replay(struct engine *e, int64_t run_id, const struct replay_fork *fork,
                   const char *backend, engine_created_fn *created, engine_ended_fn *ended,
                   void *ctx, struct err *err) must_use;

/* What models were asked and answered in a run, as a document: {"format": "plue-record", "version",
 * "workflow", "steps": {STEP: {"calls": [...]}}}, each call as docs/providers.md has it, secrets
 * masked. A new reference; NULL with err (no_record). */
json_t *engine_record(struct store_reader *reader, int64_t run_id, struct err *err) must_use;
/* Whether a file is one. */
bool engine_record_check(const char *path, struct err *err) must_use;

#endif
