/* What .plue held at a commit: git is asked, nothing is checked out. */
#include "base/fd.h"
#include "base/vec.h"
#include "registry/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GIT_ARGS_MAX = 24, GIT_MESSAGE_MAX = 4096, GIT_LIST_BYTES = 16 << 20 };

/* Nothing of the user's settings, hooks or credentials takes part. */
static char *const git_env[] = {
    (char *)"PATH=/usr/local/bin:/usr/bin:/bin",
    (char *)"HOME=/nonexistent",
    (char *)"LC_ALL=C",
    (char *)"GIT_CONFIG_NOSYSTEM=1",
    (char *)"GIT_CONFIG_GLOBAL=/dev/null",
    (char *)"GIT_TERMINAL_PROMPT=0",
    (char *)"GIT_OPTIONAL_LOCKS=0",
    (char *)"GIT_NO_REPLACE_OBJECTS=1",
    NULL,
};
static const char *const git_settings[] = {
    "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
};

static int spawn_git(char *const *argv, const char *dir, const int fds[3], pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawn_file_actions_addchdir_np(&actions, dir);
    int error = posix_spawnp(ret_pid, "git", &actions, NULL, argv, git_env);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* A file that is gone when it is closed, holding the text, at its start. */
static int text_file(str text)
{
    auto_fd fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || fd_write_all(fd, text.p, text.n) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return -1;
    return fd_steal(&fd);
}

static bool say_failed(int messages, const char *dir, struct err *err)
{
    auto_buf text = BUF(GIT_MESSAGE_MAX);
    int error = lseek(messages, 0, SEEK_SET) == 0 ? fd_read_all(messages, &text) : EIO;
    (void)error;
    str said = str_trim(buf_str(&text));
    return err_set(err, "git_failed", "git failed in %s: %.*s", dir, STR_ARG(said));
}

/* `git args` in dir with `input` as its standard input. */
static bool run_git(const char *dir, const char *const *args, str input, struct buf *out,
                    struct err *err)
{
    char *argv[GIT_ARGS_MAX + 1];
    size_t n = 0;
    int pipe_fds[2], status = 0;
    pid_t pid;
    argv[n++] = (char *)"git";
    for (size_t i = 0; i < sizeof git_settings / sizeof *git_settings; i++)
        argv[n++] = (char *)git_settings[i];
    for (; *args && n < GIT_ARGS_MAX; args++)
        argv[n++] = (char *)*args;
    argv[n] = NULL;
    auto_fd in = text_file(input);
    auto_fd messages = text_file(STR(""));
    if (in < 0 || messages < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_errno(err, "git_failed", errno, "no descriptor for git");
    auto_fd from = pipe_fds[0];
    auto_fd to = pipe_fds[1];
    int error = spawn_git(argv, dir, (int[]){in, to, messages}, &pid);
    if (error)
        return err_errno(err, "git_failed", error, "git cannot be started");
    fd_close(&to);
    error = fd_read_all(from, out);
    fd_close(&from); /* more than we take ends git by SIGPIPE */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (error)
        return err_errno(err, "git_failed", error, "what git says in %s cannot be read", dir);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || say_failed(messages, dir, err);
}

bool registry_find_commit(const char *root, str revision, struct arena *a, str *ret_sha,
                          struct err *err)
{
    auto_buf out = BUF(GIT_MESSAGE_MAX);
    auto_err git = ERR_INIT;
    const char *wanted = arena_printf(a, "%.*s^{commit}", STR_ARG(revision)).p;
    const char *const args[] = {"rev-parse", "--verify", "--quiet", wanted, NULL};
    bool option = str_starts(revision, STR("-"));
    if (revision.n && !option && run_git(root, args, STR(""), &out, &git)) {
        *ret_sha = arena_str(a, str_trim(buf_str(&out)));
        return true;
    }
    str said = option ? STR("") : git.message;
    err_set(err, "unknown_revision", "there is no commit '%.*s' in %s", STR_ARG(revision), root);
    if (str_has(said, STR("not a git repository")))
        err_hint(err, "%s is in no git repository", root);
    else
        err_hint(err, "give a branch, a tag or a commit; `git log --oneline` shows the last ones");
    return false;
}

/* ---- the files ---- */

struct blob {
    str path, sha;
};
typedef VEC(struct blob) blob_list;

static void skip(struct registry *r, str path, const char *code, const char *what)
{
    struct err *e = err_list_add(&r->unread);
    err_set(e, code, "%.*s %s", STR_ARG(path), what);
    err_in_file(e, path, 0, 0);
}

/* "MODE blob SHA    SIZE\tPATH" */
static void take_entry(struct registry *r, str entry, struct arena *a, blob_list *blobs)
{
    size_t tab = str_find_byte(entry, '\t', 0);
    str words = str_sub(entry, 0, tab), mode, type, sha;
    if (tab == SIZE_MAX)
        return;
    str path = str_sub(entry, tab + 1, entry.n);
    str_next(&words, ' ', &mode);
    str_next(&words, ' ', &type);
    str_next(&words, ' ', &sha);
    auto_free char *size = str_dup(str_trim(words));
    if (!registry_is_source(path) || !str_is(type, "blob"))
        return;
    if (str_is(mode, "120000"))
        skip(r, path, "link_leads_out", "is a link; links are not followed in a commit");
    else if (strtoll(size, NULL, 10) > REGISTRY_FILE_MAX)
        skip(r, path, "file_too_large", "is larger than 1 MiB");
    else if (blobs->n < REGISTRY_FILES_MAX)
        vec_push(blobs, (struct blob){arena_str(a, path), arena_str(a, sha)});
}

/* "SHA blob SIZE\n", the contents, "\n"; in the order asked for. */
static bool take_contents(struct registry *r, const blob_list *blobs, str out, struct err *err)
{
    for (size_t i = 0; i < blobs->n; i++) {
        const struct blob *b = &blobs->at[i];
        str head;
        if (!str_next(&out, '\n', &head))
            return err_set(err, "git_failed", "git gave no contents of %.*s", STR_ARG(b->path));
        auto_free char *size = str_dup(str_sub(head, str_rfind_byte(head, ' ') + 1, head.n));
        size_t n = (size_t)strtoull(size, NULL, 10);
        if (n > REGISTRY_FILE_MAX || out.n < n + 1)
            return err_set(err, "git_failed", "git gave no contents of %.*s", STR_ARG(b->path));
        bundle_add(r->bundle, b->path, str_sub(out, 0, n));
        out = str_sub(out, n + 1, out.n);
    }
    return true;
}

static bool read_blobs(struct registry *r, const blob_list *blobs, struct err *err)
{
    const char *const args[] = {"cat-file", "--batch", NULL};
    auto_buf names = BUF(GIT_LIST_BYTES), out = BUF(REGISTRY_BYTES_MAX + GIT_LIST_BYTES);
    for (size_t i = 0; i < blobs->n; i++)
        buf_addf(&names, "%.*s\n", STR_ARG(blobs->at[i].sha));
    return blobs->n == 0 || (run_git(r->root, args, buf_str(&names), &out, err) &&
                             take_contents(r, blobs, buf_str(&out), err));
}

bool registry_open_commit(const char *root, str sha, struct registry *ret, struct err *err)
{
    auto_arena a = ARENA_INIT;
    auto_buf list = BUF(GIT_LIST_BYTES);
    blob_list blobs = {0};
    const char *const args[] = {"ls-tree",           "-r", "-l",    "-z",
                                arena_cstr(&a, sha), "--", ".plue", NULL};
    *ret =
        (struct registry){.root = str_dup(str_of(root)), .bundle = mem_zalloc(sizeof *ret->bundle)};
    bool ok = run_git(root, args, STR(""), &list, err);
    str rest = buf_str(&list), entry;
    while (ok && str_next(&rest, '\0', &entry))
        take_entry(ret, entry, &a, &blobs);
    ok = ok && read_blobs(ret, &blobs, err);
    vec_done(&blobs);
    if (!ok)
        registry_done(ret);
    return ok;
}
