/* replayed: a step of a run that is replayed, held against its record: the model's answers come
 * from there, in their order, and so do the results of tools that the answers follow from. */
#ifndef ENGINE_REPLAYED_INT_H
#define ENGINE_REPLAYED_INT_H
#include "engine/call_record_int.h"

struct replayed;
/* NULL with err (no_record). */
struct replayed *replayed_new(struct sink step, struct err *err) must_use;
void replayed_free(struct replayed *p);
/* Who is asked instead of the prompt's client, or was when it was recorded; empty: that one. */
str replayed_client(const struct replayed *p);
/* The replay itself was interrupted, and goes on after these turns of an agent: their results
 * become what was recorded. */
void replayed_go_on(struct replayed *p, json_t *turns);
/* The recorded answer to this request, a new reference; NULL with err (llm_replay_diverged), and
 * without where a fork asks the model itself. */
json_t *replayed_answer(struct replayed *p, const struct llm_client *c, const struct llm_request *q,
                        struct err *err) must_use;
/* Each result becomes what the tool gave then; a difference is said in the step's log. Where a tool
 * worked then and fails now, or the other way round, the next answer is an error. */
void replayed_results(struct replayed *p, json_t *results);
/* False with err where the record goes on. */
bool replayed_ended(const struct replayed *p, struct err *err) must_use;

#endif
