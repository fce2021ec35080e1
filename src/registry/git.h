/* git: the few facts of a repository that events and plans name, read from .git itself, which costs
 * less than a child process. What is not there, or kept in a way that is not known here (reftable),
 * is simply unknown: an empty str. */
#ifndef REGISTRY_GIT_H
#define REGISTRY_GIT_H
#include "base/arena.h"

struct git_head {
    str ref;    /* "refs/heads/main"; empty where HEAD is detached */
    str branch; /* "main" */
    str sha;    /* empty before the first commit */
};
/* Of the repository that `folder` is in; false where it is in none. Texts land in a. */
bool git_read_head(const char *folder, struct arena *a, struct git_head *ret);

struct git_remote {
    str owner, name;    /* of the remote "origin": github.com/OWNER/NAME.git */
    str default_branch; /* that origin/HEAD names */
};
bool git_read_remote(const char *folder, struct arena *a, struct git_remote *ret);

#endif
