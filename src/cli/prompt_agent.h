/* prompt_agent: one prompt of type agent, tried with its tools: a run of it alone, in a sandbox, on
 * a copy of the working tree, in a data folder that is thrown away. */
#ifndef CLI_PROMPT_AGENT_H
#define CLI_PROMPT_AGENT_H
#include "cli/prompt_file.h"

/* The prompt was loaded, its inputs were not. The exit status. */
int prompt_agent_test(struct prompt_file *f);

#endif
