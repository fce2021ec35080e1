/* prompts: plue.prompts and plue.tools inside of an evaluation: prompts are found by their names in
 * the bundle, calling one registers an llm or agent step. */
#ifndef WORKFLOW_PROMPTS_H
#define WORKFLOW_PROMPTS_H
#include "prompt/prompt.h"
#include "workflow/workflow_int.h"

bool prompts_module_new(struct heap *h, val *ret) must_use;
bool tools_module_new(struct heap *h, val *ret) must_use;
/* "tools": [...]: the prompt's own and the caller's. */
bool tools_write(struct heap *h, struct json_writer *w, const struct prompt *p, val given) must_use;

/* A model step's result as its output type wants it; other results as they are. Empty with err
 * where the output breaks the type. In arena a. */
str prompts_complete_result(struct arena *a, const struct type *output, str step_id, str json,
                            struct err *err);

#endif
