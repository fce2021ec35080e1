/* dialog_int: what the files of the dialog share. */
#ifndef DIALOG_DIALOG_INT_H
#define DIALOG_DIALOG_INT_H
#include "dialog/dialog.h"

/* The prompt's text with these inputs, which have been checked. */
bool dialog_render(const struct dialog_request *q, struct buf *out, struct err *err) must_use;

struct budget {
    bool has_tokens, has_usd;
    int64_t tokens;
    double usd;
};
bool budget_read(json_t *j, struct budget *ret, struct err *err) must_use;
/* Whether a call of so many bytes and tokens fits into what is left; false with err
 * (budget_exceeded). */
bool budget_reserve(const struct budget *b, const struct dialog_spent *spent,
                    const struct llm_client *c, size_t bytes, int64_t max_tokens,
                    struct err *err) must_use;

#endif
