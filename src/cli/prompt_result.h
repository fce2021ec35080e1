/* prompt_result: what became of one prompt that was tried: shown, told as JSON, and held against
 * what is expected. */
#ifndef CLI_PROMPT_RESULT_H
#define CLI_PROMPT_RESULT_H
#include "cli/command.h"
#include "prompt/prompt.h"
#include <jansson.h>

struct prompt_result {
    struct cli *cli;
    const struct prompt *prompt;
    str client, model;
    json_t *value;         /* of the answer; owned; NULL: there is none */
    int64_t turns;         /* of an agent; else 0 */
    int64_t calls;         /* of models; those of its tools too */
    int64_t input, output; /* tokens */
    double usd;            /* negative: unknown */
    bool replayed;
    int64_t took_ms;
};
void prompt_result_done(struct prompt_result *r);
/* What it took, on stderr. */
void prompt_result_tell(const struct prompt_result *r);
/* The answer on stdout, or all of it as JSON. */
void prompt_result_out(const struct prompt_result *r);
/* Against the file of --expect, if it is given. */
bool prompt_result_check(const struct prompt_result *r, struct err *err) must_use;

/* A model's text commands no terminal. */
void prompt_add_shown(struct buf *b, str text);

#endif
