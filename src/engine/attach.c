/* Shells in the sandboxes of held steps: the side of the process that drives the run. */
#include "base/fd.h"
#include "engine/attach_int.h"
#include "engine/engine_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING_MAX = 8 /* connections that were not accepted yet */ };

/* Where a run is asked. */
struct attach_door {
    struct live_run *run;
    int fd;
    uv_poll_t poll;
};

struct attach {
    struct live_run *run;
    uint32_t step;
    int fd;
    uv_poll_t poll;
    bool asked;  /* and knows its step */
    bool wanted; /* its shell is to be started, once there are files */
    bool over;
    struct attach_tty tty;
    char *term;
    struct runner_step *process;
    const char *why; /* its shell was killed; NULL: it ended by itself */
    struct attach *next;
};

/* ---- ends ---- */

static void attach_closed(uv_handle_t *h)
{
    struct attach *a = h->data;
    struct live_run *r = a->run;
    for (struct attach **at = &r->attached; *at; at = &(*at)->next) {
        if (*at == a) {
            *at = a->next;
            break;
        }
    }
    fd_close(&a->fd);
    free(a->term);
    free(a);
    r->pending--;
    run_forget(r);
}

static void leave(struct attach *a)
{
    if (a->over)
        return;
    a->over = true;
    uv_close((uv_handle_t *)&a->poll, attach_closed);
}

/* The other side may be gone: then nobody needs to be told. */
static void refuse(struct attach *a, const struct err *err)
{
    attach_send(a->fd,
                json_pack("{s:{s:s%, s:s%}}", "error", "message", err->message.p, err->message.n,
                          "hint", err->hint.p ? err->hint.p : "", err->hint.n),
                NULL, 0);
    leave(a);
}

static void shell_ended(void *user, const struct runner_exit *x)
{
    struct attach *a = user;
    struct live_run *r = a->run;
    auto_err err = ERR_INIT;
    a->process = NULL;
    if (x->err) {
        refuse(a, x->err);
    } else if (a->why) {
        err_set(&err, "attach_refused", "the shell was ended: %s", a->why);
        refuse(a, &err);
    } else {
        attach_send(a->fd, json_pack("{s:i}", "exit_code", x->exit_code), NULL, 0);
        leave(a);
    }
    if (!r->complete)
        record_system_line(r, a->step, STR("the attached shell has ended"));
    r->pending--;
    run_forget(r);
}

static void end_shell(struct attach *a, const char *why)
{
    auto_err err = ERR_INIT;
    if (a->process) {
        a->why = why;
        runner_kill(a->process, SIGKILL);
        return;
    }
    err_set(&err, "attach_refused", "there is nothing to attach to: %s", why);
    if (!a->over)
        refuse(a, &err);
}

/* ---- descriptors: three for the shell, and what the other side gets ---- */

struct sides {
    int shell[ATTACH_FDS], person[ATTACH_FDS];
    size_t n; /* of the person's */
};

static void sides_done(struct sides *s)
{
    for (size_t i = 0; i < ATTACH_FDS; i++) {
        fd_close(&s->shell[i]);
        fd_close(&s->person[i]);
    }
}

static int open_terminal(struct sides *s, const struct attach_tty *t)
{
    struct winsize size = {.ws_row = (unsigned short)t->rows, .ws_col = (unsigned short)t->columns};
    s->n = 1;
    s->person[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->person[0] < 0 || grantpt(s->person[0]) < 0 || unlockpt(s->person[0]) < 0)
        return errno;
    ioctl(s->person[0], TIOCSWINSZ, &size);
    s->shell[0] = ioctl(s->person[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    for (size_t i = 1; i < ATTACH_FDS && s->shell[0] >= 0; i++)
        s->shell[i] = fcntl(s->shell[0], F_DUPFD_CLOEXEC, 3);
    return s->shell[0] < 0 || s->shell[1] < 0 || s->shell[2] < 0 ? errno : 0;
}

static int open_pipes(struct sides *s)
{
    s->n = ATTACH_FDS;
    for (size_t i = 0; i < ATTACH_FDS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
            return errno;
        s->shell[i] = ends[i != 0];
        s->person[i] = ends[i == 0];
    }
    return 0;
}

/* ---- the shell ---- */

static void start_shell(struct attach *a)
{
    cleanup(sides_done) struct sides s = {{-1, -1, -1}, {-1, -1, -1}, 0};
    struct live_run *r = a->run;
    auto_err err = ERR_INIT;
    const struct shell_attach x = {.stdio = s.shell,
                                   .term = a->tty.terminal ? a->term : NULL,
                                   .number = ++r->attach_number,
                                   .exit = shell_ended,
                                   .user = a};
    int e = a->tty.terminal ? open_terminal(&s, &a->tty) : open_pipes(&s);
    if (e) {
        (void)err_errno(&err, "attach_refused", e, "no terminal can be made");
        refuse(a, &err);
        return;
    }
    r->pending++;
    enum shell_attached how = shell_attach(r, a->step, &x, &a->process, &err);
    if (how == SHELL_ATTACH_LATER) {
        r->pending--;
        return;
    }
    a->wanted = false;
    if (how == SHELL_ATTACH_FAILED) {
        r->pending--;
        refuse(a, &err);
        return;
    }
    if (!a->process) /* its end comes, and says why */
        return;
    record_system_line(r, a->step, STR("a shell is attached to it"));
    if (attach_send(a->fd, json_pack("{s:b}", "ok", 1), s.person, s.n))
        end_shell(a, "nobody is there any more");
}

void attach_files_ready(struct live_run *r, const struct err *err)
{
    for (struct attach *a = r->attached, *next; a; a = next) {
        next = a->next;
        if (a->wanted && !a->over && err)
            refuse(a, err);
        else if (a->wanted && !a->over)
            start_shell(a);
    }
}

bool attach_has_shells(const struct live_run *r)
{
    for (const struct attach *a = r->attached; a; a = a->next)
        if (a->process)
            return true;
    return false;
}

/* ---- being asked ---- */

static bool find_step(struct attach *a, str id, struct err *err)
{
    struct live_run *r = a->run;
    size_t n = 0;
    uintptr_t at = (uintptr_t)map_get(&r->index, id);
    for (const struct attach *o = r->attached; o; o = o->next)
        n += o->asked && !o->over;
    if (n >= ATTACHED_MAX)
        return err_set(err, "attach_refused", "%d shells are attached to run %lld already",
                       ATTACHED_MAX, (long long)r->id);
    if (!at || !step_is_held(&r->core.steps[at - 1])) {
        err_set(err, "attach_refused", "step '%.*s' of run %lld is not held", STR_ARG(id),
                (long long)r->id);
        err_hint(err, "plue run view %lld shows where it is", (long long)r->id);
        return false;
    }
    a->step = (uint32_t)at - 1;
    return true;
}

static void take_question(struct attach *a, json_t *q)
{
    auto_err err = ERR_INIT;
    if (!find_step(a, json_get_text(q, "step"), &err)) {
        refuse(a, &err);
        return;
    }
    a->asked = a->wanted = true;
    a->tty = (struct attach_tty){.terminal = json_is_true(json_object_get(q, "terminal")),
                                 .rows = (int)json_integer_value(json_object_get(q, "rows")),
                                 .columns = (int)json_integer_value(json_object_get(q, "columns"))};
    a->term = str_dup(json_get_text(q, "term"));
    workspace_attach(a->run);
}

/* The connection says one thing: its question, and later its end. */
static void on_word(uv_poll_t *poll, int status, int events)
{
    struct attach *a = poll->data;
    int fds[ATTACH_FDS];
    json_t *message = status < 0 ? NULL : attach_receive(a->fd, fds);
    (void)events;
    for (size_t i = 0; message && i < ATTACH_FDS; i++)
        fd_close(&fds[i]);
    if (message && !a->asked) {
        take_question(a, message);
    } else {
        uv_poll_stop(poll);
        a->wanted = false;
        if (a->process)
            end_shell(a, "its person has left");
        else
            leave(a);
    }
    json_decref(message);
}

static bool is_same_user(int fd)
{
    struct ucred who;
    socklen_t n = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct attach_door *door = poll->data;
    struct live_run *r = door->run;
    auto_fd fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    (void)status, (void)events;
    if (fd < 0 || !is_same_user(fd))
        return;
    struct attach *a = mem_zalloc(sizeof *a);
    if (uv_poll_init(r->engine->options.loop, &a->poll, fd) < 0) {
        free(a);
        return;
    }
    a->run = r;
    a->fd = fd_steal(&fd);
    a->poll.data = a;
    a->next = r->attached;
    r->attached = a;
    r->pending++;
    uv_poll_start(&a->poll, UV_READABLE, on_word);
}

/* ---- the door ---- */

static int listen_at(const char *data_dir, int64_t run_id, int *ret_fd)
{
    auto_buf path = BUF(PATH_MAX);
    struct sockaddr_un at;
    auto_fd dir = -1;
    buf_addf(&path, "%s/attach", data_dir);
    int e = fd_make_dirs(AT_FDCWD, buf_c(&path), 0700);
    e = e ? e : attach_address(data_dir, run_id, &dir, &at);
    auto_fd fd = e ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e)
        return e;
    unlink(at.sun_path); /* of a process that died: the run has one owner at a time */
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, WAITING_MAX) < 0)
        return errno;
    *ret_fd = fd_steal(&fd);
    return 0;
}

static void open_door(struct live_run *r)
{
    auto_err err = ERR_INIT;
    auto_fd fd = -1;
    struct attach_door *door = mem_zalloc(sizeof *door);
    int e = listen_at(r->engine->options.data_dir, r->id, &fd);
    if (!e)
        e = -uv_poll_init(r->engine->options.loop, &door->poll, fd);
    if (e) {
        free(door);
        (void)err_errno(&err, "attach_refused", e, "it cannot be asked for a shell");
        run_notice(r, "a step is held, and nobody can attach to it", &err);
        return;
    }
    door->run = r;
    door->fd = fd_steal(&fd);
    door->poll.data = door;
    r->door = door;
    r->pending++;
    uv_poll_start(&door->poll, UV_READABLE, on_knock);
}

static void door_closed(uv_handle_t *h)
{
    struct attach_door *door = h->data;
    struct live_run *r = door->run;
    fd_close(&door->fd);
    free(door);
    r->pending--;
    run_forget(r);
}

void attach_step_changed(struct live_run *r, uint32_t step)
{
    if (r->parent)
        return;
    if (step_is_held(&r->core.steps[step]) && !r->door)
        open_door(r);
    for (struct attach *a = r->attached; a && !step_is_held(&r->core.steps[step]); a = a->next)
        if (a->asked && a->step == step)
            end_shell(a, "the step goes on");
}

void attach_close(struct live_run *r)
{
    struct sockaddr_un at;
    auto_fd dir = -1;
    for (struct attach *a = r->attached; a; a = a->next)
        end_shell(a, "the run has ended here");
    if (!r->door)
        return;
    if (attach_address(r->engine->options.data_dir, r->id, &dir, &at) == 0)
        unlink(at.sun_path);
    uv_close((uv_handle_t *)&r->door->poll, door_closed);
    r->door = NULL;
}
