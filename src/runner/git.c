/* What a workspace asks of git. */
#include "git/git.h"
#include "runner/local_int.h"

enum { LIST_MAX = 512 << 20 };

bool git_list_files(const char *repository, struct buf *ret_list, struct err *err)
{
    /* What is in conflict stands in the index up to three times. */
    static const char *const args[] = {
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", NULL};
    *ret_list = BUF(LIST_MAX);
    return git_run(repository, args, ret_list, err);
}

bool git_seed(const char *workspace, struct err *err)
{
    static const char *const init[] = {"init", "-q", "--template=", "-b", "main", ".", NULL};
    static const char *const add[] = {"add", "-A", "-f", ".", NULL};
    static const char *const commit[] = {"commit",
                                         "-q",
                                         "--no-verify",
                                         "--allow-empty",
                                         "--cleanup=verbatim",
                                         "-m",
                                         "Workspace of this run",
                                         NULL};
    return git_run(workspace, init, NULL, err) && git_run(workspace, add, NULL, err) &&
           git_run(workspace, commit, NULL, err);
}
