#include "cli/relay.h"
#include "base/fd.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { CHUNK = 16 << 10 };

struct relay {
    struct attach_shell *shell;
    struct termios before;
    bool is_raw, is_over;
    sigset_t signals, old_signals;
    int signal_fd;
    int ended_by; /* a signal, or 0 */
};

/* ---- the terminal ---- */

static bool make_raw(struct relay *r, struct err *err)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &r->before) < 0)
        return err_errno(err, "attach_refused", errno, "the terminal cannot be used");
    raw = r->before;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return err_errno(err, "attach_refused", errno, "the terminal cannot be used");
    r->is_raw = true;
    return true;
}

static void restore(struct relay *r)
{
    if (r->is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &r->before);
    r->is_raw = false;
    fd_close(&r->signal_fd);
    sigprocmask(SIG_SETMASK, &r->old_signals, NULL);
}

/* The kernel tells the shell by SIGWINCH. */
static void follow_size(const struct relay *r)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(r->shell->in, TIOCSWINSZ, &size);
}

static bool catch_signals(struct relay *r, struct err *err)
{
    const int caught[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    sigemptyset(&r->signals);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaddset(&r->signals, caught[i]);
    sigprocmask(SIG_BLOCK, &r->signals, &r->old_signals);
    r->signal_fd = signalfd(-1, &r->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signal_fd >= 0 ||
           err_errno(err, "attach_refused", errno, "no descriptor for signals");
}

static void take_signal(struct relay *r)
{
    struct signalfd_siginfo info;
    while (read(r->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            follow_size(r);
        else
            r->ended_by = (int)info.ssi_signo;
    }
}

/* ---- the streams ---- */

/* False at the end. Nothing is read that is not written, so a slow side makes the other one wait.
 */
static bool pass(int from, int to)
{
    char chunk[CHUNK];
    ssize_t n = read(from, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR)
        return true;
    return n > 0 && fd_write_all(to, chunk, (size_t)n) == 0;
}

enum { FROM_HERE, FROM_OUT, FROM_ERR, FROM_SOCKET, FROM_SIGNAL, SOURCES };

static void turn(struct relay *r, struct pollfd at[SOURCES], bool terminal)
{
    struct attach_shell *s = r->shell;
    if (at[FROM_SIGNAL].revents)
        take_signal(r);
    if (at[FROM_OUT].revents && !pass(s->out, STDOUT_FILENO))
        at[FROM_OUT].fd = -1;
    if (at[FROM_ERR].revents && !pass(s->err, STDERR_FILENO))
        at[FROM_ERR].fd = -1;
    if (at[FROM_HERE].revents && !pass(STDIN_FILENO, s->in)) {
        at[FROM_HERE].fd = -1;
        if (!terminal)
            fd_close(&s->in); /* the shell reads the end */
    }
    if (at[FROM_SOCKET].revents)
        at[FROM_SOCKET].fd = -1;
    /* Its last words come before its end counts. */
    r->is_over = at[FROM_SOCKET].fd < 0 && at[FROM_OUT].fd < 0 && at[FROM_ERR].fd < 0;
}

static bool carry(struct relay *r, bool terminal, struct err *err)
{
    struct attach_shell *s = r->shell;
    struct pollfd at[SOURCES] = {
        [FROM_HERE] = {.fd = STDIN_FILENO, .events = POLLIN},
        [FROM_OUT] = {.fd = s->out, .events = POLLIN},
        [FROM_ERR] = {.fd = s->err, .events = POLLIN},
        [FROM_SOCKET] = {.fd = s->socket, .events = POLLIN},
        [FROM_SIGNAL] = {.fd = r->signal_fd, .events = POLLIN},
    };
    while (!r->is_over && !r->ended_by) {
        if (poll(at, SOURCES, -1) < 0 && errno != EINTR)
            return err_errno(err, "attach_refused", errno, "the shell cannot be waited for");
        turn(r, at, terminal);
    }
    return true;
}

bool relay_run(struct attach_shell *s, bool terminal, struct err *err)
{
    struct relay r = {.shell = s, .signal_fd = -1};
    bool ok = catch_signals(&r, err) && (!terminal || make_raw(&r, err));
    if (ok && terminal)
        follow_size(&r);
    ok = ok && carry(&r, terminal, err);
    restore(&r);
    if (r.ended_by)
        raise(r.ended_by); /* as it was meant */
    return ok;
}
