#include "runner/local_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A step can nest folders without end: what lies deeper is first moved up to the top, so that
 * neither the stack nor the descriptors depend on it. */
enum { DEPTH_MAX = 32 };

struct removal {
    int top;
    uint64_t moved;
};

static int open_dir(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

static int remove_children(struct removal *r, int fd, int depth);

static int remove_dir(struct removal *r, int parent, const char *name, int depth)
{
    char moved[32];
    if (depth > DEPTH_MAX) {
        snprintf(moved, sizeof moved, ".plue-deep-%llu", (unsigned long long)r->moved++);
        /* moving rewrites its `..`, which needs the right to write it */
        if (fchmodat(parent, name, 0700, 0) < 0)
            return errno;
        return renameat(parent, name, r->top, moved) < 0 ? errno : 0;
    }
    int fd = open_dir(parent, name);
    if (fd < 0)
        return errno;
    int e = remove_children(r, fd, depth);
    if (!e && unlinkat(parent, name, AT_REMOVEDIR) < 0)
        e = errno;
    return e;
}

/* Takes fd. */
static int remove_children(struct removal *r, int fd, int depth)
{
    struct stat st;
    /* Without these rights on the folder its owner cannot empty it. */
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
        fchmod(fd, 0700);
    DIR *d = fdopendir(fd);
    int e = d ? 0 : errno;
    if (!d)
        close(fd);
    for (struct dirent *entry; d && !e && (entry = readdir(d));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), name, 0) == 0 || errno == ENOENT)
            continue;
        e = errno == EISDIR || errno == EPERM ? remove_dir(r, dirfd(d), name, depth + 1) : errno;
    }
    if (d)
        closedir(d);
    return e;
}

bool remove_tree_at(int dir, const char *name, struct err *err)
{
    auto_fd top = open_dir(dir, name);
    if (top < 0 && errno == ENOENT)
        return true;
    if (top < 0)
        return err_errno(err, "workspace_remove", errno, "cannot open %s", name);
    struct removal r = {.top = top};
    int e = 0;
    while (!e && unlinkat(dir, name, AT_REMOVEDIR) < 0) {
        int fd = errno == ENOTEMPTY || errno == EEXIST
                     ? openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        e = fd < 0 ? errno : remove_children(&r, fd, 0);
    }
    return e ? err_errno(err, "workspace_remove", e, "cannot remove %s", name) : true;
}

bool remove_tree(const char *path, struct err *err)
{
    return remove_tree_at(AT_FDCWD, path, err);
}
