/* The folder that a step sees as /plue: its script and the files it may append to. It stands where
 * the sandbox keeps it, in memory if it can, since a short step spends more time in making files on
 * a disk than in its work. */
#include "base/clock.h"
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

/* The new file, open to write; or -1. */
static int make_file(int dir, const char *name, str text, struct owner owner, struct err *err)
{
    auto_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int e = fd < 0 ? errno : fd_write_all(fd, text.p, text.n);
    if (!e && owner.change && fchown(fd, owner.uid, owner.gid) < 0)
        e = errno;
    if (!e)
        return fd_steal(&fd);
    err_errno(err, "step_files", e, "cannot write the step's file %s", name);
    return -1;
}

/* ---- folders that are used again ----
 * Names that come and go cost more than a short step: a folder that a step left as it found it
 * serves another one. */

enum { ENTRIES = STEP_FILE_COUNT + 1, SETTLED_MS = 100 };

static const char *entry_name(size_t i)
{
    return i < STEP_FILE_COUNT ? names[i] : "script";
}

static int64_t changed_ns(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

/* Whether every later change will give it another time: the kernel's clock ticks in milliseconds,
 * and a file system that has whole seconds shows none of them. */
static bool is_settled(const struct stat *st)
{
    return st->st_ctim.tv_nsec != 0 && clock_wall_ms() - changed_ns(st) / 1000000 > SETTLED_MS;
}

/* How many names the open folder has, itself and its parent counted; -1 if it cannot be read. */
static int count_names(int dir)
{
    alignas(struct dirent64) char entries[2048];
    int count = 0;
    ssize_t n = lseek(dir, 0, SEEK_SET);
    while (n >= 0 && (n = getdents64(dir, entries, sizeof entries)) > 0)
        for (ssize_t at = 0; at < n; count++)
            at += ((struct dirent64 *)(entries + at))->d_reclen;
    return n < 0 ? -1 : count;
}

/* It is what stands under its name, nothing else is in it, and nobody else may change that. */
static bool folder_is_as_made(const struct local_workspace *w, const struct step_folder *folder,
                              const struct stat *st)
{
    struct owner owner = local_owner(w->local);
    struct stat named;
    return (st->st_mode & 07777) == 0755 && st->st_uid == (owner.change ? owner.uid : geteuid()) &&
           fstatat(sandbox_space_files(w->space), folder->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_ino == st->st_ino && named.st_dev == st->st_dev &&
           count_names(folder->dir) == ENTRIES + 2;
}

/* 0 where it cannot be told. */
static ino_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Nobody else has these files. */
static bool files_are_as_made(const struct stat found[ENTRIES], uid_t uid)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (!S_ISREG(found[i].st_mode) || found[i].st_nlink != 1 || found[i].st_uid != uid ||
            (found[i].st_mode & 07777) != 0644)
            return false;
    return true;
}

/* Its files are empty again, but for the script, which the next step's replaces. */
static bool empty_files(int dir, const struct stat found[ENTRIES])
{
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        auto_fd fd = !found[i].st_size
                         ? -1
                         : openat(dir, names[i], O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
        if (found[i].st_size && fd < 0)
            return false;
    }
    return true;
}

static bool put_spare(struct local_workspace *w, struct step_folder *folder,
                      const struct stat found[ENTRIES])
{
    const struct stat *script = &found[STEP_FILE_COUNT];
    struct stat st;
    if (folder->dir < 0 || fstat(folder->dir, &st) != 0 || !files_are_as_made(found, st.st_uid))
        return false;
    if (!folder->script_ino)
        folder->script_ino = inode_of(folder->script);
    if (script->st_ino != folder->script_ino) /* the name is another file's now */
        return false;
    if (!folder->known_ns || changed_ns(&st) != folder->known_ns) {
        if (!folder_is_as_made(w, folder, &st))
            return false;
        folder->known_ns = is_settled(&st) ? changed_ns(&st) : 0;
    }
    if (!empty_files(folder->dir, found))
        return false;
    folder->again = true;
    folder->script_size = script->st_size;
    vec_push(&w->spares, *folder);
    *folder = STEP_FOLDER_NONE;
    return true;
}

/* Written in place: ext4 has what was emptied and written on the disk before it closes the file. */
static bool use_again(const struct step_folder *folder, str script)
{
    for (size_t done = 0; done < script.n;) {
        ssize_t n = pwrite(folder->script, script.p + done, script.n - done, (off_t)done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n < 0 ? 0 : (size_t)n;
    }
    return folder->script_size <= (int64_t)script.n ||
           ftruncate(folder->script, (off_t)script.n) == 0;
}

void step_folder_close(struct step_folder *folder)
{
    fd_close(&folder->dir);
    fd_close(&folder->script);
}

void step_files_forget(struct local_workspace *w)
{
    vec_each (folder, &w->spares)
        step_folder_close(folder);
    w->spares.n = 0;
}

/* ---- a step's folder ---- */

struct step_folder step_files_choose(struct local_workspace *w)
{
    if (w->spares.n)
        return vec_pop(&w->spares);
    struct step_folder folder = STEP_FOLDER_NONE;
    snprintf(folder.name, sizeof folder.name, "%u", ++w->folders);
    return folder;
}

bool step_files_make(struct local_workspace *w, struct step_folder *folder, str script,
                     struct err *err)
{
    struct owner owner = local_owner(w->local);
    const char *name = folder->name;
    int files = sandbox_space_files(w->space);
    if (folder->again && use_again(folder, script))
        return true;
    step_folder_close(folder);
    folder->known_ns = 0;
    folder->script_ino = 0;
    if (mkdirat(files, name, 0755) < 0 && /* of before a crash, or a spare one that went wrong */
        (errno != EEXIST || !remove_tree_at(files, name, err) || mkdirat(files, name, 0755) < 0))
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", name);
    int dir = folder->dir = openat(files, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || (owner.change && fchown(dir, owner.uid, owner.gid) < 0))
        return err_errno(err, "step_files", errno, "cannot make the step's folder %s", name);
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        auto_fd fd = make_file(dir, names[i], STR(""), owner, err);
        if (fd < 0)
            return false;
    }
    folder->script = make_file(dir, "script", script, owner, err);
    return folder->script >= 0;
}

/* The step could have put anything in their place: a regular file, not through a link. */
static void read_file(int dir, const char *name, struct buf *b, bool *cut)
{
    struct stat st;
    auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fd_read_all(fd, b) == EFBIG)
        *cut = true;
}

void step_files_take(struct local_workspace *w, struct step_folder *folder,
                     struct buf texts[STEP_FILE_COUNT], bool *ret_cut)
{
    auto_err ignored = ERR_INIT; /* the workspace's end removes what is left */
    struct stat found[ENTRIES] = {0};
    *ret_cut = false;
    for (size_t i = 0; i < ENTRIES; i++)
        if (folder->dir < 0 || fstatat(folder->dir, entry_name(i), &found[i], AT_SYMLINK_NOFOLLOW))
            found[i] = (struct stat){0};
    for (size_t i = 0; i < STEP_FILE_COUNT; i++) {
        texts[i] = BUF(RUNNER_FILE_MAX);
        if (S_ISREG(found[i].st_mode) && found[i].st_size)
            read_file(folder->dir, names[i], &texts[i], ret_cut);
    }
    if (!put_spare(w, folder, found))
        (void)!remove_tree_at(sandbox_space_files(w->space), folder->name, &ignored);
    step_folder_close(folder);
}
