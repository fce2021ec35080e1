/* The folder that a step sees as /plue: its script and the files it may append to. It stands where
 * the sandbox keeps it, in memory if it can, since a short step spends more time in making files on
 * a disk than in its work. */
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[STEP_FILE_COUNT] = {
    [STEP_FILE_OUTPUT] = "output",
    [STEP_FILE_ENV] = "env",
    [STEP_FILE_PATH] = "path",
    [STEP_FILE_SUMMARY] = "summary",
};

const char *step_file_name(enum step_file file)
{
    return names[file];
}

static bool write_file(int dir, const char *name, str text, struct owner owner, struct err *err)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int e = fd < 0 ? errno : fd_write_all(fd, text.p, text.n);
    if (!e && owner.change && fchown(fd, owner.uid, owner.gid) < 0)
        e = errno;
    return e ? err_errno(err, "step_files", e, "cannot write the step's file %s", name) : true;
}

bool step_files_make(struct local_workspace *w, const char *step, str script, struct err *err)
{
    struct owner owner = local_owner(w->local);
    int files = sandbox_space_files(w->space);
    if (!remove_tree_at(files, step, err)) /* of a try that a crash interrupted */
        return false;
    if (mkdirat(files, step, 0755) < 0)
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", step);
    auto_fd dir = openat(files, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || (owner.change && fchown(dir, owner.uid, owner.gid) < 0))
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", step);
    for (size_t i = 0; i < STEP_FILE_COUNT; i++)
        if (!write_file(dir, names[i], STR(""), owner, err))
            return false;
    return write_file(dir, "script", script, owner, err);
}

/* The step could have put anything in their place: a regular file, not through a link. */
static bool read_file(int dir, const char *name, struct buf *b, bool *cut)
{
    struct stat st;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (st.st_size && fd_read_all(fd, b) == EFBIG)
        *cut = true;
    return true;
}

void step_files_take(struct local_workspace *w, const char *step, struct buf texts[STEP_FILE_COUNT],
                     bool *ret_cut)
{
    auto_err ignored = ERR_INIT; /* the workspace's end removes what is left */
    int files = sandbox_space_files(w->space);
    auto_fd dir = openat(files, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *ret_cut = false;
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        texts[i] = BUF(RUNNER_FILE_MAX);
        if (dir >= 0)
            read_file(dir, names[i], &texts[i], ret_cut);
    }
    (void)!remove_tree_at(files, step, &ignored);
}
