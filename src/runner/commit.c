/* The files of a commit, written by git from a repository of our own that borrows the user's
 * objects: no filter, hook or setting of the user's repository takes part, and nothing that a step
 * may have written is asked. */
#include "git/git.h"
#include "runner/commit_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_MAX = 512 << 20, SHA256_DIGITS = 64 };

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

/* "MODE TYPE NAME SIZE\tPATH" */
bool commit_next(str *list, struct commit_entry *ret)
{
    str line, type;
    while (str_next(list, '\0', &line)) {
        size_t tab = str_find_byte(line, '\t', 0);
        str head = str_sub(line, 0, tab == SIZE_MAX ? 0 : tab);
        if (!str_next(&head, ' ', &ret->mode) || !str_next(&head, ' ', &type) ||
            !str_next(&head, ' ', &ret->name))
            continue;
        ret->size = str_trim(head);
        ret->path = line.p + tab + 1;
        return true;
    }
    return false;
}

bool commit_check_link(const char *path, str target, struct err *err)
{
    if (target.n && target.n < COMMIT_LINK_MAX && pack_link_stays_inside(str_of(path), target))
        return true;
    err_set(err, "workspace_link", "the link %s of the commit points out of the repository", path);
    err_hint(err, "make it relative and within the repository");
    return false;
}

void commit_note(const struct commit_entry *e, struct source_notes *notes)
{
    if (commit_is_submodule(e)) {
        source_note_submodule(notes, str_of(e->path));
        return;
    }
    buf_add_c(&notes->taken, e->path);
    buf_add_byte(&notes->taken, '\0');
}

static bool list_files(const char *git_option, const char *tree, struct buf *ret, struct err *err)
{
    const char *list[] = {git_option, "ls-tree", "-r", "-l", "-z", tree, NULL};
    return git_run("/", list, ret, err);
}

/* ---- in a folder ---- */

static void look_for_pointer(int root, const struct commit_entry *e, struct source_notes *notes)
{
    auto_buf text = BUF(LFS_POINTER_MAX);
    auto_free char *digits = str_dup(e->size);
    if (strtoll(digits, NULL, 10) <= LFS_POINTER_MAX && fd_read_file(root, e->path, &text) == 0)
        source_note_file(notes, str_of(e->path), buf_str(&text));
}

static bool look_at(int root, const struct commit_entry *e, struct source_notes *notes,
                    struct err *err)
{
    char target[COMMIT_LINK_MAX];
    commit_note(e, notes);
    if (commit_is_link(e)) {
        ssize_t n = readlinkat(root, e->path, target, sizeof target);
        return commit_check_link(e->path, str_make(target, n < 0 ? 0 : (size_t)n), err);
    }
    if (!commit_is_submodule(e))
        look_for_pointer(root, e, notes);
    return true;
}

static bool write_folder(const char *git_option, const char *tree, const char *to, str list,
                         struct source_notes *notes, struct err *err)
{
    auto_buf tree_option = BUF(PATH_MAX + 32);
    buf_addf(&tree_option, "--work-tree=%s", to);
    const char *write[] = {git_option,  buf_c(&tree_option), "-c", "core.bare=false",
                           "read-tree", "--reset",           "-u", tree,
                           NULL};
    struct commit_entry e;
    if (!git_run(to, write, NULL, err))
        return false;
    auto_fd root = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, "workspace_open", errno, "cannot open %s", to);
    while (commit_next(&list, &e))
        if (!look_at(root, &e, notes, err))
            return false;
    return true;
}

/* ---- in an image ---- */

static bool choose(const char *git_option, str list, const struct image_request *image,
                   bool *ret_imaged, struct err *err)
{
    struct commit_entry e;
    bool changed = false;
    size_t n = 0;
    for (str rest = list; commit_next(&rest, &e);)
        n++;
    *ret_imaged = image && overlay_is_wanted(image->place, n);
    if (*ret_imaged && !commit_changes_files(git_option, list, &changed, err))
        return false;
    *ret_imaged = *ret_imaged && !changed;
    return true;
}

/* That git makes an index of it refuses the names that git writes nowhere. */
static bool write_image(const char *git_option, const char *tree, str list,
                        const struct image_request *image, struct source_notes *notes,
                        struct err *err)
{
    const char *check[] = {git_option, "read-tree", tree, NULL};
    return git_run("/", check, NULL, err) &&
           commit_write_image(git_option, list, image, notes, err);
}

/* ---- the whole ---- */

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

static bool write_files(const char *git_option, const char *tree, const char *to,
                        const struct image_request *image, struct source_notes *notes,
                        struct err *err)
{
    auto_buf list = BUF(LIST_MAX);
    bool imaged;
    if (!list_files(git_option, tree, &list, err) ||
        !choose(git_option, buf_str(&list), image, &imaged, err))
        return false;
    return imaged ? write_image(git_option, tree, buf_str(&list), image, notes, err)
                  : write_folder(git_option, tree, to, buf_str(&list), notes, err);
}

bool commit_fill(const char *repository, const char *sha, const char *git_dir, const char *to,
                 const struct image_request *image, struct source_notes *notes, struct err *err)
{
    auto_buf git_option = BUF(PATH_MAX + 32), tree = BUF(2 * PATH_MAX);
    auto_err ignored = ERR_INIT;
    if (!name_tree(repository, sha, &tree, err))
        return false;
    buf_addf(&git_option, "--git-dir=%s", git_dir);
    bool ok = remove_tree(git_dir, err) && make_repository(repository, sha, git_dir, err) &&
              write_files(buf_c(&git_option), buf_c(&tree), to, image, notes, err);
    (void)!remove_tree(git_dir, &ignored);
    return ok;
}
