/* One call of a tool: a process, what it prints, and the answer made of that. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/utf8.h"
#include "mcp/server_int.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, NOTES_MAX = 16 << 10 };

extern char **environ;

static int spawn(pid_t *ret_pid, char **words, int out, int errors)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigdefault(&how, &pipe_signal);
    int error = posix_spawn(ret_pid, words[0], &files, &how, words, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

bool mcp_call_start(struct mcp_call *ret, char **words, struct err *err)
{
    auto_fd out = -1, out_end = -1, errors = -1, errors_end = -1;
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, "system_failed", errno, "cannot make a pipe");
    out = pair[0], out_end = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, "system_failed", errno, "cannot make a pipe");
    errors = pair[0], errors_end = pair[1];
    int error = spawn(&ret->pid, words, out_end, errors_end);
    if (error)
        return err_errno(err, "system_failed", error, "cannot start %s", words[0]);
    ret->text = BUF(MCP_ANSWER_MAX);
    ret->notes = BUF(NOTES_MAX);
    ret->deadline_ms = clock_mono_ms() + MCP_CALL_MS;
    ret->out = fd_steal(&out);
    ret->errors = fd_steal(&errors);
    return true;
}

/* Keeps the last MCP_TEXT_MAX bytes, from the beginning of a line. */
static void keep_end(struct mcp_call *call)
{
    struct buf *b = &call->text;
    if (b->n <= MCP_TEXT_MAX)
        return;
    size_t cut = str_find_byte(buf_str(b), '\n', b->n - MCP_TEXT_MAX);
    cut = cut == SIZE_MAX ? b->n - MCP_TEXT_MAX : cut + 1;
    call->left_out += cut;
    buf_cut(b, 0, cut);
}

void mcp_call_read(struct mcp_call *call, int *fd)
{
    static const size_t twice = 2 * MCP_TEXT_MAX; /* so that cutting costs little */
    char bytes[READ_BYTES];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        fd_close(fd);
        return;
    }
    if (fd == &call->errors) {
        buf_add(&call->notes, bytes, (size_t)n);
        return;
    }
    buf_add(&call->text, bytes, (size_t)n);
    if (call->tool->text && call->text.n > twice)
        keep_end(call);
    if (call->text.overflow && !call->too_long) {
        call->too_long = true;
        mcp_call_kill(call);
    }
}

void mcp_call_kill(struct mcp_call *call)
{
    if (call->pid > 0)
        kill(-call->pid, SIGKILL);
}

static bool wait_for(struct mcp_call *call)
{
    int status = 0;
    while (call->pid > 0 && waitpid(call->pid, &status, 0) < 0)
        if (errno != EINTR)
            break;
    call->pid = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* JSON text may hold no invalid UTF-8; logs are masked and cut, so a border may. */
static void put_clean(struct json_writer *w, str text)
{
    auto_buf clean = BUF(MCP_MESSAGE_MAX);
    size_t bad;
    while ((bad = utf8_invalid_at(text)) != SIZE_MAX) {
        buf_add(&clean, text.p, bad);
        buf_add_c(&clean, "\xef\xbf\xbd");
        text = str_sub(text, bad + 1, text.n);
    }
    buf_add_str(&clean, text);
    json_put_str(w, buf_str(&clean));
}

static void add_text(const struct mcp_call *call, struct buf *b)
{
    if (call->left_out)
        buf_addf(b, "[%zu earlier bytes are left out: ask for one step, or search]\n",
                 call->left_out);
    if (call->late)
        buf_addf(b, "error: the call took more than %d seconds and was ended\n",
                 MCP_CALL_MS / 1000);
    if (call->too_long)
        buf_addf(b, "error: the answer has more than %d bytes; ask for less\n", MCP_ANSWER_MAX);
    else
        buf_add_str(b, buf_str(&call->text));
    if (!call->text.n)
        buf_add_str(b, buf_str(&call->notes));
}

static void put_result(const struct mcp_call *call, struct json_writer *w, bool good)
{
    auto_buf text = BUF(2 * MCP_ANSWER_MAX);
    bool whole = !call->late && !call->too_long && !call->tool->text;
    json_t *tree =
        whole ? json_loadb(buf_c(&call->text), call->text.n, JSON_ALLOW_NUL, NULL) : NULL;
    add_text(call, &text);
    json_begin_object(w);
    json_key_c(w, "content");
    json_begin_array(w);
    json_begin_object(w);
    json_key_c(w, "type");
    json_put_c(w, "text");
    json_key_c(w, "text");
    put_clean(w, buf_str(&text));
    json_end_object(w);
    json_end_array(w);
    if (json_is_object(tree)) {
        json_key_c(w, "structuredContent");
        json_put(w, tree);
    }
    json_key_c(w, "isError");
    json_put_bool(w, !good || call->late || call->too_long);
    json_end_object(w);
    json_decref(tree);
}

void mcp_call_finish(struct mcp_call *call, struct buf *answer)
{
    bool good = wait_for(call);
    if (!call->id)
        return;
    if (call->tool->text)
        keep_end(call);
    struct json_writer w = JSON_WRITER(answer, false);
    mcp_begin_result(&w, call->id);
    put_result(call, &w, good);
    mcp_end_message(&w);
}

void mcp_call_done(struct mcp_call *call)
{
    if (call->pid > 0) {
        mcp_call_kill(call);
        wait_for(call);
    }
    fd_close(&call->out);
    fd_close(&call->errors);
    buf_done(&call->text);
    buf_done(&call->notes);
    json_decref(call->id);
    call->id = NULL;
}
