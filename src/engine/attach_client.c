/* The side of an attachment that asks, and the messages of both. */
#include "base/fd.h"
#include "engine/attach_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int attach_address(const char *data_dir, int64_t run_id, int *ret_dir, struct sockaddr_un *ret)
{
    auto_buf path = BUF(PATH_MAX);
    buf_addf(&path, "%s/attach", data_dir);
    *ret_dir =
        path.overflow ? -1 : open(buf_c(&path), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret_dir < 0)
        return path.overflow ? ENAMETOOLONG : errno;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%lld", *ret_dir,
             (long long)run_id);
    return 0;
}

/* ---- messages ---- */

int attach_send(int socket, json_t *message, const int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ATTACH_FDS)] = {0};
    auto_free char *text = json_dumps(message, JSON_COMPACT);
    struct iovec part = {text, strlen(text)};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    json_decref(message);
    if (n) {
        m.msg_control = room;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
    }
    ssize_t done;
    do
        done = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done < 0 ? errno : 0;
}

json_t *attach_receive(int socket, int fds[ATTACH_FDS])
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ATTACH_FDS)];
    char text[ATTACH_MESSAGE_MAX];
    struct iovec part = {text, sizeof text};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t n;
    do
        n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    for (size_t i = 0; i < ATTACH_FDS; i++)
        fds[i] = -1;
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len <= CMSG_LEN(sizeof(int) * ATTACH_FDS))
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    return n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
}

/* ---- asking ---- */

static bool fail_lost(struct err *err)
{
    err_set(err, "attach_lost", "the process that drives the run has ended, and the shell with it");
    err_hint(err, "plue run resume goes on with the run, and holds the step again");
    return false;
}

static bool take_error(json_t *message, struct err *err)
{
    json_t *error = json_object_get(message, "error");
    str hint = json_get_text(error, "hint");
    if (!error)
        return true;
    err_set(err, "attach_refused", "%.*s", STR_ARG(json_get_text(error, "message")));
    if (hint.n)
        err_hint(err, "%.*s", STR_ARG(hint));
    return false;
}

static bool connect_to(const char *data_dir, int64_t run_id, int *ret_socket, struct err *err)
{
    struct sockaddr_un at;
    auto_fd dir = -1;
    auto_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int e = fd < 0 ? errno : attach_address(data_dir, run_id, &dir, &at);
    if (!e && connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        e = errno;
    if (!e) {
        *ret_socket = fd_steal(&fd);
        return true;
    }
    if (e == ENOENT || e == ECONNREFUSED) {
        err_set(err, "attach_no_owner", "no process holds a step of run %lld", (long long)run_id);
        err_hint(err, "plue run resume %lld goes on with a run whose process has died",
                 (long long)run_id);
        return false;
    }
    return err_errno(err, "attach_no_owner", e, "the process that drives run %lld does not answer",
                     (long long)run_id);
}

bool attach_open(const char *data_dir, int64_t run_id, const struct attach_request *q,
                 struct attach_shell *ret, struct err *err)
{
    auto_attach_shell s = {-1, -1, -1, -1};
    int fds[ATTACH_FDS];
    if (!connect_to(data_dir, run_id, &s.socket, err))
        return false;
    json_t *ask = json_pack("{s:s%, s:b, s:s%, s:i, s:i}", "step", q->step.p, q->step.n, "terminal",
                            q->terminal, "term", q->term.p, q->term.n, "rows", q->rows, "columns",
                            q->columns);
    if (!ask)
        return err_set(err, "attach_refused", "the step's name or $TERM is no UTF-8");
    int e = attach_send(s.socket, ask, NULL, 0);
    json_t *answer = e ? NULL : attach_receive(s.socket, fds);
    if (!answer)
        return fail_lost(err);
    bool ok = take_error(answer, err);
    json_decref(answer);
    if (!ok)
        return false;
    s.in = fds[0];
    s.out = q->terminal ? fcntl(fds[0], F_DUPFD_CLOEXEC, 3) : fds[1];
    s.err = fds[2];
    if (s.in < 0 || s.out < 0)
        return fail_lost(err);
    *ret = s;
    s = (struct attach_shell){-1, -1, -1, -1};
    return true;
}

bool attach_end(struct attach_shell *s, int *ret_status, struct err *err)
{
    int fds[ATTACH_FDS];
    json_t *last = attach_receive(s->socket, fds);
    if (!last)
        return fail_lost(err);
    bool ok = take_error(last, err);
    if (ok)
        *ret_status = (int)json_integer_value(json_object_get(last, "exit_code"));
    json_decref(last);
    return ok;
}

void attach_shell_done(struct attach_shell *s)
{
    fd_close(&s->socket);
    fd_close(&s->in);
    fd_close(&s->out);
    fd_close(&s->err);
}
