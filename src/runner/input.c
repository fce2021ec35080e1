/* Standard input of a step: a FIFO in its folder, which its script opens first. A backend does not
 * need to know of it, and its other end closes with this process, whatever ends it. */
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "input";

struct step_input {
    uv_poll_t poll;
    int fd;
    struct buf held; /* what the pipe did not take yet */
    bool ending;
    void (*closed)(void *user);
    void *user;
};

static void on_closed(uv_handle_t *h)
{
    struct step_input *i = h->data;
    fd_close(&i->fd);
    buf_done(&i->held);
    i->closed(i->user);
    free(i);
}

struct step_input *step_input_open(struct local_workspace *w, const char *step,
                                   void (*closed)(void *user), void *user, struct err *err)
{
    struct owner owner = local_owner(w->local);
    auto_fd dir = openat(sandbox_space_files(w->space), step,
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || mkfifoat(dir, name, 0600) < 0 ||
        (owner.change && fchownat(dir, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) < 0)) {
        (void)err_errno(err, "step_files", errno, "cannot make the step's input");
        return NULL;
    }
    /* For both: opening does not wait for the step, and what is written waits for it. */
    int fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct step_input *i = mem_zalloc(sizeof *i);
    int e = fd < 0 ? -errno : uv_poll_init(w->local->loop, &i->poll, fd);
    if (e < 0) {
        fd_close(&fd);
        free(i);
        (void)err_errno(err, "step_files", -e, "cannot open the step's input");
        return NULL;
    }
    i->poll.data = i;
    i->fd = fd;
    i->held = BUF(RUNNER_INPUT_MAX);
    i->closed = closed;
    i->user = user;
    return i;
}

void step_input_script(str files, struct buf *ret_script)
{
    buf_addf(ret_script, "exec <'%.*s/%s'; ", STR_ARG(files), name);
}

/* False where it cannot be written any more. */
static bool pump(struct step_input *i)
{
    while (i->held.n) {
        ssize_t n = write(i->fd, i->held.p, i->held.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        buf_cut(&i->held, 0, (size_t)n);
    }
    return true;
}

static void close_now(struct step_input *i)
{
    if (!uv_is_closing((uv_handle_t *)&i->poll))
        uv_close((uv_handle_t *)&i->poll, on_closed);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct step_input *i = poll->data;
    (void)events;
    if (status < 0 || !pump(i))
        i->held.n = 0;
    if (i->held.n)
        return;
    uv_poll_stop(poll);
    if (i->ending)
        close_now(i);
}

bool step_input_send(struct step_input *i, str bytes)
{
    if (i->ending || bytes.n > RUNNER_INPUT_MAX - i->held.n)
        return false;
    buf_add_str(&i->held, bytes);
    uv_poll_start(&i->poll, UV_WRITABLE, on_writable);
    return true;
}

void step_input_end(struct step_input *i)
{
    i->ending = true;
    if (!i->held.n)
        close_now(i);
}

void step_input_drop(struct step_input *i)
{
    close_now(i);
}
