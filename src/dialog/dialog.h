/* dialog: one prompt, asked until its answer fits: inputs checked, template rendered, model called,
 * answer read tolerantly and checked against the output's type, and asked again with the list of
 * violations. Every call is reserved in the budget at its worst before it is made.
 * With tools it goes on in turns: the owner carries out the calls of an answer and gives what they
 * gave, until there is a final answer. What is longer than the context is trimmed: the oldest
 * results of tools go first, those of the last DIALOG_TURNS_KEPT turns never.
 * Knows nothing of steps, runs, storage or what tools do. Callbacks come from the loop, never from
 * within dialog_start, but for `turn`. */
#ifndef DIALOG_DIALOG_H
#define DIALOG_DIALOG_H
#include "llm/llm.h"
#include "prompt/prompt.h"

enum {
    DIALOG_VIOLATIONS_MAX = 20,   /* that a repair lists */
    DIALOG_INPUTS_MAX = 16 << 20, /* bytes of a rendered prompt */
    DIALOG_CALLS_MAX = 50,        /* of one prompt: pauses and repairs */
    DIALOG_BYTES_PER_TOKEN = 3,   /* for what a call may cost at worst */
    DIALOG_TURNS = 20,            /* of an agent, where nothing says otherwise */
    DIALOG_TURNS_KEPT = 4,        /* whose results are never trimmed */
    DIALOG_CONTEXT_MAX = 450000,  /* bytes of messages beyond which results are trimmed */
    DIALOG_REPEATS_MAX = 5,       /* turns of the same calls, one after the other */
    DIALOG_TURN_CALLS_MAX = 32,   /* tools that one answer may call */
};

/* By which an agent gives its answer, where its prompt declares a type for it. */
#define DIALOG_FINAL_TOOL "final_answer"

struct dialog_cost {
    int64_t tokens;
    double usd; /* negative: the prices are unknown */
};

struct dialog_spent {
    struct llm_usage usage;
    double usd; /* negative: the prices are unknown */
    int calls;
};

struct dialog_request {
    const struct prompt *prompt; /* kept */
    str text;                    /* of the prompt's file; kept */
    const char *root;            /* of the repository; kept */
    json_t *inputs;              /* borrowed */
    struct llm_client client;    /* kept */
    str key;
    int64_t max_tokens, repairs; /* 0: LLM_MAX_TOKENS; none */
    bool has_temperature;
    double temperature;
    json_t *budget;    /* {"tokens": N, "usd": X}, a number of US dollars, or NULL; borrowed */
    json_t *tools;     /* as llm_request's; borrowed; NULL: it is no agent */
    int64_t max_turns; /* 0: DIALOG_TURNS */
    /* Of an agent that goes on: [{"answer": blocks, "results": blocks}], and what they took. Where
     * the last one has no results yet the dialog waits for dialog_give. Borrowed; NULL: it begins.
     */
    json_t *turns;
    struct dialog_spent spent;
    struct dialog_cost others; /* what tools of these turns have asked */
    const struct llm_limits *limits;
};

struct dialog_listener {
    /* The model is asked in this turn, counted from 1; with tools only; may be NULL. */
    void (*turn)(void *data, int64_t turn, int64_t max_turns);
    /* What is said as it comes; of a final answer given through a tool, its arguments, once they
     * are there and `called` has come. May be NULL. */
    void (*event)(void *data, const struct llm_event *e);
    /* A call has been answered, well or not; a kept answer says so (was_kept). */
    void (*called)(void *data, const struct llm_client *c, const struct llm_request *q,
                   const struct llm_answer *a);
    /* A call has failed for good; `done` follows. May be NULL. */
    void (*failed)(void *data, const struct llm_client *c, const struct llm_request *q,
                   const struct err *err);
    /* The answer's tool_use blocks, and all of it; borrowed; dialog_give must follow, later. Only
     * with tools. */
    void (*calls)(void *data, json_t *blocks, json_t *answer, const struct dialog_spent *spent);
    /* An answer that was kept for this request, a new reference, or NULL; and, once the final
     * answer fits: what this request was answered. Of an agent each request counts, else the first.
     * Both NULL where nothing is kept. */
    json_t *(*find)(void *data, const char *request_sha256);
    void (*keep)(void *data, const char *request_sha256, json_t *answer);
    /* A recorded answer to this request, a new reference; NULL: the model is asked, or with err
     * there is none. NULL where nothing is replayed. */
    json_t *(*recorded)(void *data, const struct llm_client *c, const struct llm_request *q,
                        struct err *err);
    /* Before the model is asked, with what the call may cost at worst; false with err: it is not.
     * May be NULL. */
    bool (*reserve)(void *data, const struct dialog_cost *worst, struct err *err);
    /* Last: the value of the output's type, a string where none is declared; or err. */
    void (*done)(void *data, json_t *value, const struct dialog_spent *spent, struct err *err);
    void *data;
};

struct dialog;
/* NULL with err where there is nothing to be asked: inputs that do not fit, a template that fails,
 * no key, no money. */
struct dialog *dialog_start(struct llm *llm, const struct dialog_request *q,
                            const struct dialog_listener *l, struct err *err) must_use;
/* What the calls gave, as an array of tool_result blocks in their order, which is taken. `done` may
 * come from within. */
void dialog_give(struct dialog *d, json_t *results);
/* A tool of it is about to ask a model: that is held back from its budget; false with err where it
 * does not fit (budget_exceeded). Released once the tool's call has ended, however. */
bool dialog_reserve(struct dialog *d, const struct dialog_cost *worst, struct err *err) must_use;
void dialog_release(struct dialog *d, const struct dialog_cost *worst);
/* The tool has asked a model: that counts to its budget too. */
void dialog_charge(struct dialog *d, const struct dialog_cost *cost);
/* No callback comes any more; not from within one. */
void dialog_cancel(struct dialog *d);

/* What a step may cost at worst, tries and repairs included. */
struct dialog_worst {
    int64_t calls, input_tokens, output_tokens;
    double answers_usd; /* of the answers alone */
    double usd;         /* with a full context sent each time */
    bool unpriced;      /* calls whose prices are unknown are not in the money */
};
/* config: as a plan's step has it. tool: the dearest that one call of its tools may cost, or NULL:
 * each turn calls as many as it may. False with err (invalid_budget). */
bool dialog_worst_case(json_t *config, bool agent, const struct llm_client *c,
                       const struct dialog_worst *tool, struct dialog_worst *ret,
                       struct err *err) must_use;

/* The JSON value in what a model has said: with fences, prose around, comments or trailing commas.
 * A new reference; NULL with err (llm_no_json). */
json_t *dialog_read_json(str text, struct err *err) must_use;

#endif
