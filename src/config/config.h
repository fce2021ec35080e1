/* config: .plue/config.yaml, what whoever runs workflows here has decided about this machine.
 *
 * Refuses: unknown keys, with "did you mean"; values of another type or out of their bounds; a
 * provider of secrets that this version has not.
 * Knows nothing of models: it checks that their keys may be there, and llm/ reads them.
 *
 * The file is the working tree's, whatever commit a run is of: a change under review cannot waive
 * a promise of the sandbox that judges it. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H
#include "diag/err.h"
#include "yaml/node.h"

enum {
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_WORDS_MAX = 1000, /* entries of a list */
};
#define CONFIG_PATH ".plue/config.yaml"

enum config_provider { CONFIG_SECRETS_STORE, CONFIG_SECRETS_ENV, CONFIG_SECRETS_FILE };
enum config_egress { CONFIG_EGRESS_ANY, CONFIG_EGRESS_NONE, CONFIG_EGRESS_LISTED };

/* 0, NULL or empty where the file says nothing. Texts live in the arena. */
struct config {
    const char *default_image;
    int64_t slots; /* steps side by side */
    struct {
        int64_t memory_bytes, cpu_millis, processes, tmp_bytes, workspace_bytes;
        const char **waived; /* names of promises, NULL-terminated; NULL where there is none */
        enum config_egress egress;
        const char **hosts; /* of CONFIG_EGRESS_LISTED, NULL-terminated */
    } sandbox;
    int64_t log_bytes;                   /* of one step */
    int64_t cache_bytes, artifact_bytes; /* of all of them, compressed */
    enum config_provider secrets;
    const char *secrets_path; /* of CONFIG_SECRETS_FILE, absolute */
    struct arena arena;
};

/* Of the repository at root; one without the file is empty. On failure the first error, with its
 * place; free with config_done in any case. */
must_use bool config_read(const char *root, struct config *ret, struct err *err);
void config_done(struct config *c);

/* Adds an error for each key of the whole file that there is none of. */
must_use bool config_check_keys(const struct yaml_node *root, struct err_list *errors);
/* Whether the egress lets a step's network= be: "all" (hosts NULL), or these hosts,
 * NULL-terminated. */
must_use bool config_allows_network(const struct config *c, const char *const *hosts,
                                    struct err *err);

#endif
