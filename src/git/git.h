/* git: a repository read through the git program, in an environment of our own: nothing of the
 * user's settings, hooks, filters, pagers or credentials takes part, and nothing is fetched.
 * Refuses: names of commits that could be options. Blocks: call it from a thread of the pool. */
#ifndef GIT_GIT_H
#define GIT_GIT_H
#include "base/buf.h"
#include "diag/err.h"
#include <sys/types.h>

/* Runs `git args...` in dir; its standard output into out, which may be NULL. git_missing where
 * there is no git, git_failed with what git said, git_output_too_large past out's maximum. */
bool git_run(const char *dir, const char *const *args, struct buf *out, struct err *err) must_use;

/* The same while it runs: what it prints is read from `out`. */
struct git_child {
    int out, messages;
    pid_t pid;
};
/* in: its standard input, the caller's; -1: none. git_wait must follow. */
bool git_spawn(const char *dir, const char *const *args, int in, struct git_child *ret,
               struct err *err) must_use;
/* Waits for its end; what of `out` was not read is lost, and may have ended it early. */
bool git_wait(struct git_child *g, const char *dir, struct err *err) must_use;

enum { GIT_SHA_SIZE = 65 };
/* The commit that a name means: a branch, tag, HEAD, an id, `x^`. */
bool git_resolve(const char *dir, str name, char ret_sha[GIT_SHA_SIZE], struct err *err) must_use;
/* Its ref in full, as "refs/heads/main"; empty where it names none. */
bool git_full_ref(const char *dir, str name, struct buf *ret, struct err *err) must_use;
/* The commit's first parent, or the empty tree before the first commit. */
bool git_parent(const char *dir, const char *sha, char ret_sha[GIT_SHA_SIZE],
                struct err *err) must_use;

#endif
