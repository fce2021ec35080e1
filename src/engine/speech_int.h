/* speech: what a model says and what its tools do, while it happens: as events (llm_token,
 * llm_thinking, agent_turn, tool_start, tool_end) and as lines of the step's log. Pieces of text
 * that come while earlier ones are being written are joined, so that a slow disk gets few and large
 * ones; what is told stands in the order in which it came. Secrets are masked wherever pieces are
 * cut, and nothing that a model says is obeyed as a command of the log.
 * Refuses: unbounded events; of long arguments and results the start is told. */
#ifndef ENGINE_SPEECH_INT_H
#define ENGINE_SPEECH_INT_H
#include "dialog/dialog.h"
#include "engine/engine_int.h"

enum {
    SPEECH_PIECE_MAX = 256 << 10, /* bytes of one llm_token */
    SPEECH_VALUE_MAX = 64 << 10,  /* of a call's arguments, and of its result, in an event */
    SPEECH_LOGGED_MAX = 2000,     /* of the same in the log */
};

/* Of a try that has begun; the step's captures are its. */
struct speech *speech_new(struct sink sink);
void speech_free(struct speech *s);
/* A piece, or that what was said is void. */
void speech_add(struct speech *s, const struct llm_event *e);
/* An answer has ended: what was held back is told, and its last line ends. */
void speech_pause(struct speech *s);
void speech_turn(struct speech *s, int64_t turn, int64_t max_turns);

/* Calls of tools go into batches of the caller's, which are submitted after speech_pause. Texts are
 * masked; input is JSON. */
struct speech_call {
    str id, name;
};
void speech_add_call(struct speech *s, struct store_batch *b, const struct speech_call *c,
                     str input);
enum speech_end { SPEECH_GAVE, SPEECH_FAILED, SPEECH_REFUSED };
void speech_add_result(struct speech *s, struct store_batch *b, const struct speech_call *c,
                       enum speech_end how, str text);

#endif
