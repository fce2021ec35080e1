/* The folder that a step sees as /plue: its script and the files it may append to. It stands where
 * the sandbox keeps it, in memory if it can, since a short step spends more time in making files on
 * a disk than in its work. */
#include "runner/local_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
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

/* ---- folders that are used again ----
 * Names that come and go cost more than a short step: a folder that a step left as it found it
 * serves another one. */

enum { ENTRIES = STEP_FILE_COUNT + 1 };

static const char *entry_name(size_t i)
{
    return i < STEP_FILE_COUNT ? names[i] : "script";
}

/* How many names the open folder has, itself and its parent counted; -1 if it cannot be read. */
static int count_names(int dir)
{
    alignas(struct dirent64) char entries[2048];
    int count = 0;
    ssize_t n;
    while ((n = getdents64(dir, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < n; count++)
            at += ((struct dirent64 *)(entries + at))->d_reclen;
    return n < 0 ? -1 : count;
}

/* Nothing else is in it, and nobody else has these files. */
static bool is_as_made(int dir, struct owner owner, const struct stat found[ENTRIES])
{
    struct stat st;
    if (fstat(dir, &st) != 0 || (st.st_mode & 07777) != 0755 || count_names(dir) != ENTRIES + 2)
        return false;
    for (size_t i = 0; i < ENTRIES; i++)
        if (!S_ISREG(found[i].st_mode) || found[i].st_nlink != 1 || found[i].st_uid != st.st_uid ||
            (found[i].st_mode & 07777) != 0644)
            return false;
    return st.st_uid == (owner.change ? owner.uid : geteuid());
}

/* Its files are empty again, but for the script, which the next step's replaces. */
static bool put_spare(struct local_workspace *w, int dir, const struct step_folder *folder,
                      const struct stat found[ENTRIES])
{
    struct step_folder spare = *folder;
    if (dir < 0 || !is_as_made(dir, local_owner(w->local), found))
        return false;
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        auto_fd fd = !found[i].st_size
                         ? -1
                         : openat(dir, names[i], O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
        if (found[i].st_size && fd < 0)
            return false;
    }
    spare.again = true;
    spare.script_size = found[STEP_FILE_COUNT].st_size;
    vec_push(&w->spares, spare);
    return true;
}

/* The script is cut after it is written: ext4 has what was emptied and written on the disk before
 * it closes the file. */
static bool use_again(struct local_workspace *w, const struct step_folder *folder, str script)
{
    auto_buf path = BUF(PATH_MAX);
    buf_addf(&path, "%s/script", folder->name);
    auto_fd fd =
        openat(sandbox_space_files(w->space), buf_c(&path), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && fd_write_all(fd, script.p, script.n) == 0 &&
           (folder->script_size <= (int64_t)script.n || ftruncate(fd, (off_t)script.n) == 0);
}

/* ---- a step's folder ---- */

struct step_folder step_files_choose(struct local_workspace *w)
{
    if (w->spares.n)
        return vec_pop(&w->spares);
    struct step_folder folder = {.again = false};
    snprintf(folder.name, sizeof folder.name, "%u", ++w->folders);
    return folder;
}

bool step_files_make(struct local_workspace *w, struct step_folder *folder, str script,
                     struct err *err)
{
    struct owner owner = local_owner(w->local);
    const char *name = folder->name;
    int files = sandbox_space_files(w->space);
    if (folder->again && use_again(w, folder, script))
        return true;
    if (mkdirat(files, name, 0755) < 0 && /* of before a crash, or a spare one that went wrong */
        (errno != EEXIST || !remove_tree_at(files, name, err) || mkdirat(files, name, 0755) < 0))
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", name);
    auto_fd dir = openat(files, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || (owner.change && fchown(dir, owner.uid, owner.gid) < 0))
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", name);
    for (size_t i = 0; i < STEP_FILE_COUNT; i++)
        if (!write_file(dir, names[i], STR(""), owner, err))
            return false;
    return write_file(dir, "script", script, owner, err);
}

/* The step could have put anything in their place: a regular file, not through a link. */
static void read_file(int dir, const char *name, struct buf *b, bool *cut)
{
    struct stat st;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fd_read_all(fd, b) == EFBIG)
        *cut = true;
}

void step_files_take(struct local_workspace *w, const struct step_folder *folder,
                     struct buf texts[STEP_FILE_COUNT], bool *ret_cut)
{
    auto_err ignored = ERR_INIT; /* the workspace's end removes what is left */
    struct stat found[ENTRIES] = {0};
    int files = sandbox_space_files(w->space);
    auto_fd dir = openat(files, folder->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *ret_cut = false;
    for (size_t i = 0; i < ENTRIES; i++)
        if (dir < 0 || fstatat(dir, entry_name(i), &found[i], AT_SYMLINK_NOFOLLOW) < 0)
            found[i] = (struct stat){0};
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        texts[i] = BUF(RUNNER_FILE_MAX);
        if (S_ISREG(found[i].st_mode) && found[i].st_size)
            read_file(dir, names[i], &texts[i], ret_cut);
    }
    if (!put_spare(w, dir, folder, found))
        (void)!remove_tree_at(files, folder->name, &ignored);
}
