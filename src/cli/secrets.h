/* secrets: what a local run may hand to its steps: --secret-file, PLUE_SECRET_NAME variables, and
 * what is provided (the encrypted store, if nothing else is configured), in this order. */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H
#include "cli/data.h"
#include "config/config.h"

struct secrets {
    VEC(str) names;
    VEC(str) values;
    struct arena arena;
};
/* Whether ctx.secrets and the environment can name it. */
bool secrets_is_name(str s);
/* file may be NULL. A file's secrets win over the environment's. */
bool secrets_open(struct cli *c, const char *file, struct secrets *ret, struct err *err) must_use;
/* Those of the configured provider that are not there yet; d NULL: of the data folder that the
 * command names, where there is one. */
bool secrets_add_provided(struct cli *c, struct secrets *s, struct data *d,
                          const struct config *config, struct err *err) must_use;
void secrets_done(struct secrets *s);
bool secrets_find(const struct secrets *s, str name, str *ret_value);

#endif
