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
/* What tools of the dialog ask on its behalf. */
struct others {
    struct dialog_cost spent, held; /* held: of calls that are under way */
    bool unknown;                   /* a price is not known */
};
/* What a call of so many bytes may cost. */
struct dialog_cost budget_worst(const struct llm_client *c, size_t bytes, int64_t max_tokens);
/* Whether a call fits into what is left; false with err (budget_exceeded). */
bool budget_reserve(const struct budget *b, const struct dialog_spent *spent,
                    const struct others *others, const struct llm_client *c,
                    const struct dialog_cost *worst, struct err *err) must_use;

/* ---- turns.c ---- */
/* The tools, and the one by which an answer of this schema is given; a new reference. */
json_t *turns_tools(json_t *tools, json_t *schema);
/* The tool_use blocks; a new array. */
json_t *turns_calls(json_t *content);
/* The call of the final tool among them, borrowed; NULL where there is none. */
json_t *turns_final(json_t *calls);
/* Results that say to each call that it was not carried out, and to the final one why. */
json_t *turns_refuse(json_t *calls, str why);
/* How many turns, this one included, have made the same calls; *last is the caller's to free. */
int turns_repeats(json_t *calls, char **last, int before);
/* Empties the oldest results until the messages take at most `max` bytes, as far as that goes; the
 * bytes that are left. */
size_t turns_trim(json_t *messages, size_t bytes, size_t max);

#endif
