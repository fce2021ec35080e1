/* dialog: one prompt, asked until its answer fits: inputs checked, template rendered, model called,
 * answer read tolerantly and checked against the output's type, and asked again with the list of
 * violations. Every call is reserved in the budget at its worst before it is made.
 * Knows nothing of steps, runs, storage or tools. Callbacks come from the loop, never from within
 * dialog_start. */
#ifndef DIALOG_DIALOG_H
#define DIALOG_DIALOG_H
#include "llm/llm.h"
#include "prompt/prompt.h"

enum {
    DIALOG_VIOLATIONS_MAX = 20,   /* that a repair lists */
    DIALOG_INPUTS_MAX = 16 << 20, /* bytes of a rendered prompt */
    DIALOG_CALLS_MAX = 50,        /* of one prompt: pauses and repairs */
    DIALOG_BYTES_PER_TOKEN = 3,   /* for what a call may cost at worst */
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
    json_t *budget; /* {"tokens": N, "usd": X}, a number of US dollars, or NULL; borrowed */
    const struct llm_limits *limits;
};

struct dialog_spent {
    struct llm_usage usage;
    double usd; /* negative: the prices are unknown */
    int calls;
};

struct dialog_listener {
    void (*event)(void *data, const struct llm_event *e);
    /* A call has been answered, well or not. */
    void (*called)(void *data, const struct llm_client *c, const struct llm_request *q,
                   const struct llm_answer *a);
    /* Last: the value of the output's type, a string where none is declared; or err. */
    void (*done)(void *data, json_t *value, const struct dialog_spent *spent, struct err *err);
    void *data;
};

struct dialog;
/* NULL with err where there is nothing to be asked: inputs that do not fit, a template that fails,
 * no key, no money. */
struct dialog *dialog_start(struct llm *llm, const struct dialog_request *q,
                            const struct dialog_listener *l, struct err *err) must_use;
/* No callback comes any more; not from within one. */
void dialog_cancel(struct dialog *d);

/* The JSON value in what a model has said: with fences, prose around, comments or trailing commas.
 * A new reference; NULL with err (llm_no_json). */
json_t *dialog_read_json(str text, struct err *err) must_use;

#endif
