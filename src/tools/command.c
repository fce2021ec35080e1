/* shell and grep: processes in the run's sandbox, without network and without anybody's secrets. */
#include "tools/tools_int.h"
#include <signal.h>

static void timer_closed(uv_handle_t *h)
{
    free(h);
}

static void wrote(void *user, enum runner_stream stream, str bytes)
{
    struct tool_call *c = user;
    clip_add(stream == RUNNER_STDOUT ? c->out : c->err, bytes);
}

static void drop(struct tool_call *c)
{
    struct clip *clips[] = {c->out, c->err};
    for (int i = 0; i < 2; i++) {
        clip_done(clips[i]);
        free(clips[i]);
    }
    c->out = c->err = NULL;
    if (c->timer)
        uv_close((uv_handle_t *)c->timer, timer_closed);
    c->timer = NULL;
    c->process = NULL;
}

static json_t *clip_json(const struct clip *c)
{
    auto_buf b = BUF(8 * TOOLS_TEXT_MAX);
    clip_text(c, &b);
    return json_stringn(buf_c(&b), b.n);
}

static void exited(void *user, const struct runner_exit *x)
{
    struct tool_call *c = user;
    auto_buf note = BUF(256);
    if (x->err) {
        auto_err err = ERR_INIT;
        err_set(&err, x->err->code, "%.*s", STR_ARG(x->err->message));
        drop(c);
        tool_failed(c, &err);
        return;
    }
    json_t *j = json_object();
    json_object_set_new(j, "stdout", clip_json(c->out));
    json_object_set_new(j, "stderr", clip_json(c->err));
    json_object_set_new(j, "exit_code", json_integer(x->exit_code));
    if (c->timed_out)
        buf_addf(&note, "killed after %lld s", (long long)(c->timeout_ms / 1000));
    else if (x->oom)
        buf_add_str(&note, STR("killed: it used more memory than a step may"));
    if (note.n)
        json_object_set_new(j, "error", json_string(buf_c(&note)));
    auto_free char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(j);
    drop(c);
    tool_done(c, str_of(text), false);
}

/* 1 is grep's way to say that there is none. */
static void searched(void *user, const struct runner_exit *x)
{
    struct tool_call *c = user;
    auto_buf text = BUF(8 * TOOLS_TEXT_MAX);
    auto_err err = ERR_INIT;
    if (x->err)
        err_set(&err, x->err->code, "%.*s", STR_ARG(x->err->message));
    clip_text(x->exit_code > 1 ? c->err : c->out, &text);
    if (!x->err && !text.n)
        buf_add_str(&text, STR("no line matches\n"));
    bool failed = x->exit_code > 1;
    drop(c);
    if (err_is_set(&err))
        tool_failed(c, &err);
    else
        tool_done(c, buf_str(&text), failed);
}

static void too_long(uv_timer_t *t)
{
    struct tool_call *c = t->data;
    c->timed_out = true;
    if (c->process)
        runner_kill(c->process, SIGKILL);
}

static void start(struct tool_call *c, str script, const char *const *env, const char *const *path,
                  runner_exit_fn *exit)
{
    struct tools *t = c->tools;
    auto_buf id = BUF(300);
    tool_process_name(t, &id);
    c->out = mem_zalloc(sizeof *c->out);
    c->err = mem_zalloc(sizeof *c->err);
    clip_init(c->out);
    clip_init(c->err);
    c->timer = mem_zalloc(sizeof *c->timer);
    uv_timer_init(t->options.loop, c->timer);
    c->timer->data = c;
    uv_timer_start(c->timer, too_long, (uint64_t)c->timeout_ms, 0);
    struct runner_exec exec = {.step = buf_c(&id),
                               .script = script,
                               .env = env,
                               .path = path,
                               .image = t->options.image,
                               .network = SANDBOX_NETWORK_NONE,
                               .output = wrote,
                               .exit = exit,
                               .user = c};
    c->process = runner_exec(t->options.workspace, &exec);
}

bool shell_begin(struct tool_call *c, struct err *err)
{
    struct tools *t = c->tools;
    struct shell_problem problem;
    str command = tool_text(c, "command");
    int64_t seconds = tool_int(c, "timeout", 0), longest = c->tool->timeout_ms;
    if (str_find_byte(command, '\0', 0) < command.n || command.n > GRANT_TEXT_MAX)
        return err_set(err, "tool_arguments", "a command is text without NUL of at most %d KiB",
                       GRANT_TEXT_MAX >> 10);
    if (seconds < 0 || seconds > TOOLS_TIMEOUT_MAX)
        return err_set(err, "tool_arguments", "timeout is in seconds, from 1 to %d",
                       TOOLS_TIMEOUT_MAX);
    if (!shell_grant_check(&c->tool->grant, command, &problem)) {
        err_set(err, problem.code, "%s", problem.message);
        err_hint(err, "%s", problem.hint);
        return false;
    }
    c->timeout_ms = longest ? longest : TOOLS_TIMEOUT_MS;
    if (seconds && (!longest || seconds * 1000 < longest))
        c->timeout_ms = seconds * 1000;
    /* As a shell that somebody types into: it goes on after a command that fails. */
    auto_buf script = BUF(RUNNER_SCRIPT_MAX);
    buf_add_str(&script, STR("set +e +o pipefail; "));
    buf_add_str(&script, command);
    start(c, buf_str(&script), t->options.env, c->tool->grant.allow_count ? NULL : t->options.path,
          exited);
    return true;
}

/* The pattern is data in the environment, no part of the script. */
bool grep_begin(struct tool_call *c, struct err *err)
{
    const char *path;
    auto_buf pattern = BUF(GRANT_TEXT_MAX), where = BUF(8192);
    str script =
        STR("grep -rnIE --exclude-dir=.git -m 1000 -e \"$PLUE_PATTERN\" -- \"$PLUE_WHERE\"");
    if (c->tool->sha)
        return ref_begin(c, err);
    if (!tool_path(c, "path", &path, err))
        return false;
    buf_addf(&pattern, "PLUE_PATTERN=%.*s", STR_ARG(tool_text(c, "pattern")));
    buf_addf(&where, "PLUE_WHERE=%s", *path ? path : ".");
    if (pattern.overflow || where.overflow)
        return err_set(err, "tool_arguments", "the pattern or the path is too long");
    const char *env[] = {buf_c(&pattern), buf_c(&where), NULL};
    c->timeout_ms = TOOLS_TIMEOUT_MS;
    start(c, script, env, NULL, searched);
    return true;
}
