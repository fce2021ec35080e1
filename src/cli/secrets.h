/* secrets: what a local run may hand to its steps: PLUE_SECRET_NAME variables and --secret-file. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H
#include "cli/command.h"

struct secrets {
    VEC(str) names;
    VEC(str) values;
    struct arena arena;
};
/* file may be NULL. A file's secrets win over the environment's. */
bool secrets_open(struct cli *c, const char *file, struct secrets *ret, struct err *err) must_use;
void secrets_done(struct secrets *s);
bool secrets_find(const struct secrets *s, str name, str *ret_value);

#endif
