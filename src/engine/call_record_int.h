/* call_record: what a step's model was asked and what it answered, kept with the run, and read
 * again for its replay. Of each request only what is new since the step's call before is kept: a
 * conversation is as long as its messages, not as their square. Secrets of the run are masked. */
#ifndef ENGINE_CALL_RECORD_INT_H
#define ENGINE_CALL_RECORD_INT_H
#include "dialog/dialog.h"
#include "engine/engine_int.h"

enum {
    CALL_RECORD_MAX = 8 << 20,   /* bytes of one call; a longer one is not kept, and no replay */
    CALL_RECORDS_MAX = 64 << 20, /* bytes of all calls of a run, likewise */
};

/* What the step's last call asked; zero at first. */
struct call_before {
    json_t *request; /* without its messages */
    VEC(str) hashes; /* of its messages; owned by the arena */
    struct arena arena;
};
void call_before_done(struct call_before *b);

/* a is NULL where the call has failed. */
void call_record(struct live_run *r, uint32_t step, struct call_before *before,
                 const struct llm_client *c, const struct llm_request *q,
                 const struct llm_answer *a, const struct err *failed);

/* The step's last conversation in that run, as llm_recorded_new takes it; a new reference. NULL
 * with err: no_record where nothing is kept, or not all. */
json_t *call_record_load(struct store_reader *reader, int64_t run_id, str step_id,
                         struct err *err) must_use;
/* The same of a file that engine_record made. */
json_t *call_record_read(const char *path, str step_id, struct err *err) must_use;

#endif
