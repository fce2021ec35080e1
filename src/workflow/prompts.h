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

/* The prompt of a file, and the value that calls it; NULL with errors, or a fault. */
const struct prompt *prompts_load(struct heap *h, str path, val *ret,
                                  struct err_list *errors) must_use;
const struct prompt *prompt_of_value(val v);
bool prompt_call(struct heap *h, struct object *o, const struct call_args *args, val *ret) must_use;
/* The fault of a file with mistakes, the first as its cause; empties errors. */
bool prompts_refuse_file(struct heap *h, const char *code, str path, struct err_list *errors);

/* A model step's result as its output type wants it; other results as they are. Empty with err
 * where the output breaks the type. In arena a. */
str prompts_complete_result(struct arena *a, const struct type *output, str step_id, str json,
                            struct err *err);

#endif
