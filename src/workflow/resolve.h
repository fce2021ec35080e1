/* resolve: deferred values of a frozen plan to concrete ones, when the step that uses them starts.
 * A config with {"$expr": ...} becomes one without; cmd is quoted by the shell context of every
 * untrusted part. Expressions run on the machine, a million instructions each. */
#ifndef WORKFLOW_RESOLVE_H
#define WORKFLOW_RESOLVE_H
#include "plan/plan.h"
#include "shell/shell.h"
#include "json/json.h"

struct resolve_scope {
    void *data;
    /* Result of a finished step as evaluation_set_result takes it, borrowed until the next call;
     * false: there is none. */
    bool (*result)(void *data, str step_id, str *ret_json);
    /* Value of a secret, borrowed until the next call; false: there is none of this name. */
    bool (*secret)(void *data, str name, str *ret_value);
    /* hash_files over the workspace; false with err. NULL: refused with an error. */
    bool (*hash_files)(void *data, const str *patterns, size_t n, struct buf *ret, struct err *err);
};

/* Resolves every $expr in the JSON text `config` into ret (compact JSON). False with err: a missing
 * secret, an exception in an expression (code "value_error"), the failed step that it asks for
 * (code "step_failed"). */
bool resolve_json(const struct resolve_scope *scope, str config, struct buf *ret,
                  struct err *err) must_use;

/* The same of a tree, which may come back itself; as text it has at most max bytes. Takes config;
 * *ret is the caller's. */
bool resolve_tree(const struct resolve_scope *scope, json_t *config, size_t max, json_t **ret,
                  struct err *err) must_use;

/* The cmd of a shell step's config, quoted for its shell. dialect from the config's "shell".
 * Errors: as above, and "unsafe_command". */
bool resolve_command(const struct resolve_scope *scope, json_t *config, enum shell_dialect dialect,
                     struct buf *ret, struct err *err) must_use;

#endif
