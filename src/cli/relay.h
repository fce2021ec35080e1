/* relay: joins this process's terminal, or its pipes, with a shell elsewhere until that ends. */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H
#include "engine/attach.h"

/* With a terminal: it is raw meanwhile, so that every key goes to the shell, its size follows, and
 * it is as before afterwards, also where a signal ends this program. Returns once the shell's
 * socket is readable and all of its output was written. */
must_use bool relay_run(struct attach_shell *s, bool terminal, struct err *err);

#endif
