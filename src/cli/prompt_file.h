/* prompt_file: the prompt that a command's first argument names, and the inputs it is given. */
#ifndef CLI_PROMPT_FILE_H
#define CLI_PROMPT_FILE_H
#include "cli/request.h"
#include "prompt/prompt.h"

#define CLI_INPUT_OPTIONS                                 \
    {"input", "NAME=VALUE", "an input; may be repeated"}, \
    {                                                     \
        "inputs", "FILE", "inputs as a JSON object"       \
    }

struct prompt_file {
    struct cli *cli;
    struct registry *registry; /* keeps */
    struct arena arena;
    struct sources sources;
    const struct prompt *prompt; /* NULL until it was loaded without an error */
    json_t *inputs;              /* owns */
};
void prompt_file_done(struct prompt_file *p);
/* Finds and loads it. False: err, where it is none below .plue; else errors has what is wrong. */
bool prompt_file_load(struct prompt_file *p, struct err_list *errors, struct err *err) must_use;
/* --inputs and --input; otherwise: what is taken where --inputs is not given, or NULL; borrowed. */
bool prompt_file_read_inputs(struct prompt_file *p, json_t *otherwise, struct err *err) must_use;
/* The file's text; lives as long as the registry. */
str prompt_file_text(const struct prompt_file *p);

#endif
