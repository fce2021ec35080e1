/* commit_int: what writing a commit's files to a folder and into an image share. */
#ifndef RUNNER_COMMIT_INT_H
#define RUNNER_COMMIT_INT_H
#include "runner/image.h"

enum { COMMIT_LINK_MAX = 4096 };

struct commit_entry {
    str mode, name, size; /* as git prints them */
    const char *path;
};
/* What is next in a list of `git ls-tree -r -l -z`. */
must_use bool commit_next(str *list, struct commit_entry *ret);
static inline bool commit_is_link(const struct commit_entry *e)
{
    return str_is(e->mode, "120000");
}
static inline bool commit_is_submodule(const struct commit_entry *e)
{
    return str_is(e->mode, "160000");
}
must_use bool commit_check_link(const char *path, str target, struct err *err);
/* To notes: a submodule, or a path that was taken. */
void commit_note(const struct commit_entry *e, struct source_notes *notes);

/* commit_image.c: git_option names the repository. */
/* Whether attributes of the commit say that its files are to be changed on the way, which is git's.
 */
must_use bool commit_changes_files(const char *git_option, str list, bool *ret, struct err *err);
must_use bool commit_write_image(const char *git_option, str list,
                                 const struct image_request *image, struct source_notes *notes,
                                 struct err *err);

#endif
