/* worst: what the models of a plan may cost at worst: turns times max_tokens times price, with
 * every retry and repair, no more than the steps' budgets. Prompts that agents have as tools are in
 * it, as often as they could be called. Tools that are functions are not: what they ask is known
 * when they are called. */
#ifndef CLI_WORST_H
#define CLI_WORST_H
#include "dialog/dialog.h"
#include "plan/plan.h"
#include "workflow/evaluation.h"

enum { WORST_NAMES_MAX = 20 /* clients, and tools, that are named */ };

struct worst_case {
    struct arena arena;
    size_t steps; /* that ask models; 0: none does */
    struct dialog_worst all;
    str unpriced[WORST_NAMES_MAX];  /* clients */
    str uncounted[WORST_NAMES_MAX]; /* tools */
    size_t unpriced_count, uncounted_count;
    bool open; /* the plan grows */
};
/* root: of the repository, for .plue/config.yaml; bundle: its files. False with err where they
 * cannot be read. The caller frees with worst_case_done, however it ends. */
bool worst_case_of(const struct plan *p, const char *root, const struct bundle *bundle,
                   struct worst_case *ret, struct err *err) must_use;
void worst_case_done(struct worst_case *w);
/* For people; nothing where no step asks a model. */
void worst_case_add(struct buf *b, const struct worst_case *w);
/* As JSON: null where no step asks a model. */
void worst_case_put(struct json_writer *w, const struct worst_case *c);

#endif
