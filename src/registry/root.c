#include "registry/registry.h"
#include <errno.h>
#include <sys/stat.h>

static bool no_repository(const char *from, struct err *err)
{
    err_set(err, "no_repository", "there is no .plue folder in %s or above it", from);
    err_hint(err, "run `plue init` in the root of your repository to make one");
    return false;
}

/* 1: a folder, 0: nothing there, -1: err. */
static int look_for_plue(const char *folder, struct err *err)
{
    auto_buf path = BUF(1 << 16);
    struct stat st;
    buf_addf(&path, "%s/.plue", strcmp(folder, "/") == 0 ? "" : folder);
    if (stat(buf_c(&path), &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 1;
        err_set(err, "plue_not_a_folder", "%s is not a folder", buf_c(&path));
        err_hint(err, "move that file away; then `plue init` makes the folder");
        return -1;
    }
    if (errno == ENOENT)
        return 0;
    err_errno(err, "file_unreadable", errno, "%s cannot be looked at", buf_c(&path));
    return -1;
}

bool registry_find_root(const char *from, char **ret_root, struct err *err)
{
    auto_free char *folder = realpath(from, NULL);
    if (!folder) {
        err_errno(err, "file_unreadable", errno, "the present folder cannot be found");
        err_hint(err, "it may have been removed: change to another one");
        return false;
    }
    auto_free char *start = str_dup(str_of(folder));
    for (;;) {
        int found = look_for_plue(folder, err);
        if (found > 0) {
            *ret_root = steal(folder);
            return true;
        }
        if (found < 0)
            return false;
        if (strcmp(folder, "/") == 0)
            return no_repository(start, err);
        char *slash = strrchr(folder, '/');
        slash[slash == folder ? 1 : 0] = 0;
    }
}
