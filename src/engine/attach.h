/* attach: a shell in the sandbox of a held step, for another process of the same user. The process
 * that drives the run listens at DATA_DIR/attach/RUN_ID (a folder of mode 0700), starts the shell
 * and hands over the other side of its terminal, or its three pipes: what is typed and shown passes
 * through neither the engine nor its logs. The connection is the shell's life: it is killed when
 * that closes, and the exit status comes over it.
 *
 *     attach_open(data_dir, run_id, &request, &shell, err)
 *     ... until shell.socket is readable: attach_end(&shell, &status, err) */
#ifndef ENGINE_ATTACH_H
#define ENGINE_ATTACH_H
#include "base/str.h"
#include "diag/err.h"

enum {
    ATTACH_MESSAGE_MAX = 8192, /* bytes of one message */
    ATTACHED_MAX = 8,          /* shells of one run at a time */
};

struct attach_request { /* borrowed */
    str step;
    bool terminal; /* else three pipes */
    str term;      /* $TERM */
    int rows, columns;
};
struct attach_shell {
    int socket;
    int in, out, err; /* of a terminal, in and out are two descriptors of one, and err is -1 */
};

/* err attach_no_owner where nobody listens; else what the other process says. */
must_use bool attach_open(const char *data_dir, int64_t run_id, const struct attach_request *q,
                          struct attach_shell *ret, struct err *err);
/* The shell's exit status once the socket is readable. err attach_lost where the other process has
 * ended without a word. */
must_use bool attach_end(struct attach_shell *s, int *ret_status, struct err *err);
void attach_shell_done(struct attach_shell *s);
#define auto_attach_shell cleanup(attach_shell_done) struct attach_shell

#endif
