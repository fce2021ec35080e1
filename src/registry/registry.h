/* registry: what a repository defines. It finds the root, reads the texts below .plue into a
 * bundle, and evaluates files until a definition is found.
 *
 * Refuses: a .plue that is no folder; files that are too large, too many, no regular files, or
 * lead out of the repository. Each of these is an error of its own; the other files still load.
 * Knows nothing of runs. Of git it asks the files of a commit; git.h has the few facts that plans
 * want. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H
#include "workflow/evaluation.h"

enum {
    REGISTRY_FILE_MAX = 1 << 20,    /* bytes of one file */
    REGISTRY_BYTES_MAX = 64 << 20,  /* bytes of all files */
    REGISTRY_FILES_MAX = 10 * 1000, /* files and folders below .plue */
    REGISTRY_DEPTH_MAX = 16,        /* folders in each other below .plue */
};

/* The nearest folder with a .plue, from `from` upwards; the caller's to free. */
bool registry_find_root(const char *from, char **ret_root, struct err *err) must_use;

struct registry {
    char *root;             /* owns; absolute, without links */
    struct bundle *bundle;  /* owns; allocated with mem_alloc */
    struct err_list unread; /* files that could not be read, with their paths */
};
/* Reads all sources below .plue; what cannot be read is in `unread`. */
bool registry_open(const char *root, struct registry *ret, struct err *err) must_use;
/* The commit that a revision names (a branch, tag or commit), by the program git; in arena a. */
bool registry_find_commit(const char *root, str revision, struct arena *a, str *ret_sha,
                          struct err *err) must_use;
/* The sources below .plue as that commit has them; nothing is checked out. */
bool registry_open_commit(const char *root, str sha, struct registry *ret,
                          struct err *err) must_use;
/* Whether a path below .plue is one of a program, a prompt, or what prompts include. */
bool registry_is_source(str path);
void registry_done(struct registry *r);
#define auto_registry cleanup(registry_done) struct registry

/* ---- files, each evaluated by itself ---- */

enum registry_kind {
    REGISTRY_WORKFLOWS = 1, /* .plue/workflows/NAME.py */
    REGISTRY_TOOLS = 2,     /* .plue/tools/NAME.py */
    REGISTRY_ACTIONS = 4,   /* .plue/actions/NAME/action.py */
    REGISTRY_OTHERS = 8,    /* .plue/lib and the rest */
    REGISTRY_ALL = 15,      /* the programs */
    REGISTRY_PROMPTS = 16,  /* NAME.prompt.md */
    REGISTRY_PARTS = 32,    /* what prompts include */
};
enum registry_kind registry_kind_of(str path);

/* A file that was loaded, or not: then it has errors. Borrowed during the call; `evaluation` may be
 * taken by setting it to NULL. */
struct registry_file {
    str path;
    struct evaluation *evaluation;
    struct err_list errors;
    bool loaded;
};
typedef void registry_file_fn(void *ctx, struct registry_file *f);
/* In order of path. options may be NULL. */
void registry_each(const struct registry *r, unsigned kinds,
                   const struct evaluation_options *options, registry_file_fn *fn, void *ctx);

/* ---- one definition ---- */

struct registry_found {
    struct evaluation *evaluation; /* owns; keeps the registry's bundle */
    const struct definition *definition;
    struct err_list errors; /* why nothing was found; places are in the evaluation's sources */
};
/* "ci", or "//tools:NAME". False: `errors` says why, and `evaluation` may be NULL. */
bool registry_find(const struct registry *r, str name, const struct evaluation_options *options,
                   struct registry_found *ret) must_use;
void registry_found_done(struct registry_found *f);
#define auto_registry_found cleanup(registry_found_done) struct registry_found

#endif
