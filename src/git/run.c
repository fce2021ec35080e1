#include "base/fd.h"
#include "git/git.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096, ARGS_MAX = 300 };

static char *const git_env[] = {
    (char *)"PATH=/usr/local/bin:/usr/bin:/bin",
    (char *)"HOME=/nonexistent",
    (char *)"LC_ALL=C",
    (char *)"GIT_CONFIG_NOSYSTEM=1",
    (char *)"GIT_CONFIG_GLOBAL=/dev/null",
    (char *)"GIT_ATTR_NOSYSTEM=1",
    (char *)"GIT_TERMINAL_PROMPT=0",
    (char *)"GIT_OPTIONAL_LOCKS=0",
    (char *)"GIT_ALLOW_PROTOCOL=none",
    (char *)"GIT_PAGER=cat",
    (char *)"GIT_AUTHOR_NAME=Plue",
    (char *)"GIT_AUTHOR_EMAIL=plue@localhost",
    (char *)"GIT_AUTHOR_DATE=2000-01-01T00:00:00Z",
    (char *)"GIT_COMMITTER_NAME=Plue",
    (char *)"GIT_COMMITTER_EMAIL=plue@localhost",
    (char *)"GIT_COMMITTER_DATE=2000-01-01T00:00:00Z",
    NULL,
};

/* Whatever a repository's own configuration says; the repository may belong to another user. */
static const char *const git_settings[] = {
    "-c", "safe.directory=*",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "log.showSignature=false",
    "-c", "gc.auto=0",
    "-c", "core.fsync=none",
    "-c", "commit.gpgSign=false",
};

static int spawn_git(char *const *argv, const char *dir, int in, int out, int err_fd,
                     pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    if (in < 0)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
    posix_spawn_file_actions_addchdir_np(&actions, dir);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int e = posix_spawnp(ret_pid, "git", &actions, &attr, argv, git_env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

bool git_spawn(const char *dir, const char *const *args, int in, struct git_child *ret,
               struct err *err)
{
    char *argv[ARGS_MAX];
    size_t n = 0;
    int pipe_fds[2];
    auto_fd messages = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (messages < 0)
        messages = open("/dev/null", O_RDWR | O_CLOEXEC);
    argv[n++] = (char *)"git";
    for (size_t i = 0; i < sizeof git_settings / sizeof *git_settings; i++)
        argv[n++] = (char *)git_settings[i];
    for (; *args && n < ARGS_MAX - 1; args++)
        argv[n++] = (char *)*args;
    argv[n] = NULL;
    if (*args)
        return err_set(err, "git_failed", "git is given more than %d words", ARGS_MAX);
    if (messages < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_errno(err, "git_failed", errno, "no descriptor for git");
    auto_fd from = pipe_fds[0];
    auto_fd to = pipe_fds[1];
    int e = spawn_git(argv, dir, in, to, messages, &ret->pid);
    if (e)
        return err_errno(err, e == ENOENT ? "git_missing" : "git_failed", e,
                         "git cannot be started");
    ret->out = fd_steal(&from);
    ret->messages = fd_steal(&messages);
    return true;
}

bool git_wait(struct git_child *g, const char *dir, struct err *err)
{
    auto_buf text = BUF(MESSAGE_MAX);
    auto_fd messages = g->messages;
    fd_close(&g->out); /* more than was read ends git by SIGPIPE */
    int status = wait_for(g->pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (lseek(messages, 0, SEEK_SET) == 0)
        (void)fd_read_all(messages, &text);
    return err_set(err, "git_failed", "git failed in %s: %.*s", dir,
                   STR_ARG(str_trim(buf_str(&text))));
}

bool git_run(const char *dir, const char *const *args, struct buf *out, struct err *err)
{
    auto_buf unused = BUF(MESSAGE_MAX);
    auto_err failed = ERR_INIT;
    struct git_child git;
    if (!git_spawn(dir, args, -1, &git, err))
        return false;
    int e = fd_read_all(git.out, out ? out : &unused);
    bool good = git_wait(&git, dir, &failed);
    if (e == EFBIG && out)
        return err_set(err, "git_output_too_large", "git prints more than %zu bytes about %s",
                       out->max, dir);
    if (e && out)
        return err_errno(err, "git_failed", e, "what git prints about %s cannot be read", dir);
    if (!good)
        err_move(err, &failed);
    return good;
}
