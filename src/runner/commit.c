/* The files of a commit, written by git from a repository of our own that borrows the user's
 * objects: no filter, hook or setting of the user's repository takes part, and nothing that a step
 * may have written is asked. */
#include "git/git.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX = 512 << 20, SHA256_DIGITS = 64, LINK_MAX = PATH_MAX };

static bool borrow_objects(const char *repository, const char *git_dir, struct err *err)
{
    static const char *const where[] = {"rev-parse", "--path-format=absolute", "--git-path",
                                        "objects", NULL};
    auto_buf objects = BUF(PATH_MAX), path = BUF(PATH_MAX);
    if (!git_run(repository, where, &objects, err))
        return false;
    buf_addf(&path, "%s/objects/info", git_dir);
    int e = fd_make_dirs(AT_FDCWD, buf_c(&path), 0700);
    buf_add_c(&path, "/alternates");
    if (!e)
        e = fd_write_file(AT_FDCWD, buf_c(&path), buf_str(&objects), 0600);
    return !e || err_errno(err, "workspace_open", e, "cannot make %s", buf_c(&path));
}

static bool make_repository(const char *repository, const char *sha, const char *git_dir,
                            struct err *err)
{
    const char *init[] = {"init",
                          "-q",
                          "--bare",
                          "--template=",
                          strlen(sha) == SHA256_DIGITS ? "--object-format=sha256"
                                                       : "--object-format=sha1",
                          git_dir,
                          NULL};
    return git_run("/", init, NULL, err) && borrow_objects(repository, git_dir, err);
}

/* ---- what the commit has ---- */

static bool check_link(int root, const char *path, struct err *err)
{
    char target[LINK_MAX];
    ssize_t n = readlinkat(root, path, target, sizeof target);
    if (n > 0 && n < (ssize_t)sizeof target &&
        pack_link_stays_inside(str_of(path), str_make(target, (size_t)n)))
        return true;
    err_set(err, "workspace_link", "the link %s of the commit points out of the repository", path);
    err_hint(err, "make it relative and within the repository");
    return false;
}

static void look_for_pointer(int root, const char *path, str size, struct source_notes *notes)
{
    auto_buf text = BUF(LFS_POINTER_MAX);
    auto_free char *digits = str_dup(str_trim(size));
    if (strtoll(digits, NULL, 10) <= LFS_POINTER_MAX && fd_read_file(root, path, &text) == 0)
        source_note_file(notes, str_of(path), buf_str(&text));
}

/* "MODE TYPE SHA SIZE\tPATH" */
static bool take_entry(int root, str entry, struct source_notes *notes, struct err *err)
{
    size_t tab = str_find_byte(entry, '\t', 0);
    str head = str_sub(entry, 0, tab), mode = STR(""), skipped;
    if (tab == SIZE_MAX)
        return true;
    auto_free char *path = str_dup(str_sub(entry, tab + 1, entry.n));
    (void)(str_next(&head, ' ', &mode) && str_next(&head, ' ', &skipped) &&
           str_next(&head, ' ', &skipped));
    if (str_is(mode, "160000")) {
        source_note_submodule(notes, str_of(path));
        return true;
    }
    buf_add_c(&notes->taken, path);
    buf_add_byte(&notes->taken, '\0');
    if (str_is(mode, "120000"))
        return check_link(root, path, err);
    look_for_pointer(root, path, head, notes);
    return true;
}

static bool take_list(const char *git_option, const char *tree, const char *to,
                      struct source_notes *notes, struct err *err)
{
    const char *list[] = {git_option, "ls-tree", "-r", "-l", "-z", tree, NULL};
    auto_buf out = BUF(LIST_MAX);
    auto_fd root = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    str entry;
    if (root < 0)
        return err_errno(err, "workspace_open", errno, "cannot open %s", to);
    if (!git_run(to, list, &out, err))
        return false;
    str rest = buf_str(&out);
    while (str_next(&rest, '\0', &entry))
        if (!take_entry(root, entry, notes, err))
            return false;
    return true;
}

/* The commit's folder that the repository's path is, as git names it. */
static bool name_tree(const char *repository, const char *sha, struct buf *ret, struct err *err)
{
    static const char *const where[] = {"rev-parse", "--show-prefix", NULL};
    auto_buf prefix = BUF(PATH_MAX);
    if (!git_run(repository, where, &prefix, err))
        return false;
    buf_addf(ret, "%s:%.*s", sha, STR_ARG(str_trim(buf_str(&prefix))));
    return true;
}

bool commit_fill(const char *repository, const char *sha, const char *git_dir, const char *to,
                 struct source_notes *notes, struct err *err)
{
    auto_buf git_option = BUF(PATH_MAX + 32), tree_option = BUF(PATH_MAX + 32);
    auto_buf tree = BUF(2 * PATH_MAX);
    auto_err ignored = ERR_INIT;
    if (!name_tree(repository, sha, &tree, err))
        return false;
    buf_addf(&git_option, "--git-dir=%s", git_dir);
    buf_addf(&tree_option, "--work-tree=%s", to);
    const char *write[] = {buf_c(&git_option),
                           buf_c(&tree_option),
                           "-c",
                           "core.bare=false",
                           "read-tree",
                           "--reset",
                           "-u",
                           buf_c(&tree),
                           NULL};
    bool ok = remove_tree(git_dir, err) && make_repository(repository, sha, git_dir, err) &&
              git_run(to, write, NULL, err) &&
              take_list(buf_c(&git_option), buf_c(&tree), to, notes, err);
    (void)!remove_tree(git_dir, &ignored);
    return ok;
}
