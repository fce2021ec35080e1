/* agent: what one agent's step holds while it works, shared by its calls (step_agent.c), its
 * transcript (agent_turns.c) and its grants (agent_grants.c). */
#ifndef ENGINE_AGENT_INT_H
#define ENGINE_AGENT_INT_H
#include "engine/speech_int.h"
#include "tools/tools.h"

struct agent_tool {
    str name; /* as the plan has it */
    bool used;
};
struct agent;
struct agent_call {
    struct agent *agent;
    size_t place;
    struct speech_call told; /* in the agent's arena */
    struct live_run *nested; /* of a tool of the repository, while it runs */
};
struct agent_host {
    str server, host;
};
/* Its calls of a turn are carried out side by side; the dialog waits for all of them. */
struct agent {
    struct sink sink;
    struct speech *speech;
    struct tools *tools;
    json_t *own;                    /* descriptions of the repository's tools */
    VEC(str) prompts;               /* those that are prompts; in the arena */
    VEC(struct agent_tool) granted; /* names in the arena */
    VEC(struct agent_host) unused;  /* of MCP servers that have ended; in the arena */
    VEC(struct agent_call *) calls; /* of this turn, to such tools */
    struct arena arena;
    struct dialog *dialog; /* that waits for results; NULL: none, or it was dropped */
    json_t *results;
    json_t *turn; /* the calls, until they are recorded */
    int64_t turns;
    bool was_taken_up;
    unsigned calls_before; /* tools of the repository that earlier tries have called */
    char *answer, *usage;  /* JSON, of this turn */
    size_t running;
    void (*idle)(void *user);
    void *user;
};

/* Without the run's secrets: what the model and the log get. */
void agent_mask(struct agent *a, str text, struct buf *ret);

/* ---- agent_turns.c: the transcript ---- */
/* Calls of an answer, none of which has begun: the turn as it is recorded before they do. */
void agent_begin_turn(struct agent *a, json_t *calls, json_t *answer,
                      const struct dialog_spent *spent);
/* The call of a prompt is about to begin under this number (nested.c), by which it goes on after a
 * crash. */
void agent_number_call(struct agent *a, size_t place, unsigned number);
/* The number of a call that has begun and not ended; 0: it has not begun. */
unsigned agent_call_number(const struct agent *a, size_t place);
/* What a call gave, in its block: valid and masked text. */
void agent_put_result(json_t *block, str text, bool is_error);
/* Whether it is the name of a tool that is a prompt. */
bool agent_has_prompt(const struct agent *a, str name);
/* Text and error of a call that a crash has cut off. */
void agent_put_interrupted(json_t *block);
/* The turn, with what its calls have given so far. */
void agent_record_turn(struct agent *a, struct store_batch *b);

/* ---- agent_grants.c ---- */
void agent_note_granted(struct agent *a, json_t *tools);
/* As tools_options' host_unused. */
void agent_note_unused_host(void *user, str server, str host);
void agent_note_call(struct agent *a, str name);

#endif
