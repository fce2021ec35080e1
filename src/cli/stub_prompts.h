/* stub_prompts: types of prompts' inputs and outputs as Python writes them, for `plue stubs`. */
#ifndef CLI_STUB_PROMPTS_H
#define CLI_STUB_PROMPTS_H
#include "types/type.h"
#include "workflow/evaluation.h"

/* "list[str] | None"; objects are Any. */
void stub_add_type(struct buf *b, const struct type *t);
/* The module plue.prompts. What a broken prompt takes and gives is Any. */
void stub_add_prompts(struct buf *b, const struct bundle *bundle);

#endif
