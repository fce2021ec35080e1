/* nursery: starts steps without a sandbox, each below a supervisor, which adopts whatever the step
 * leaves behind (it is the subreaper) and ends it with the step, on request, and when the program
 * dies. The nursery itself is a small process that dies with the thread that opened it. */
#ifndef SANDBOX_NURSERY_H
#define SANDBOX_NURSERY_H
#include "sandbox/sandbox_int.h"
#include <signal.h>

enum {
    NURSERY_STOP = SIGHUP,     /* to a supervisor: end everything now */
    NURSERY_NOT_STARTED = '!', /* in a report: argv[0] could not be executed */
};

struct nursery {
    pid_t pid; /* 0 where it is not open */
    int socket;
};
/* Early: later copies cost what the program is large. */
must_use bool nursery_open(struct nursery *n, struct err *err);
void nursery_close(struct nursery *n);

struct nursery_step { /* borrowed during nursery_start */
    const char *const *argv, *const *env;
    const char *cwd;
    int in, out, err;
    int report; /* gets NURSERY_NOT_STARTED where that is so, then the int wait status at the end */
};
/* The supervisor's pid and pidfd; it is no child of ours. */
must_use bool nursery_start(struct nursery *n, const struct nursery_step *step, pid_t *ret_pid,
                            int *ret_pidfd, struct err *err);

#endif
