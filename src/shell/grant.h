/* grant: whether a command line keeps to lists of commands that are allowed or denied. The line is
 * parsed as bash reads it and every simple command in it is judged: in pipes, lists, subshells,
 * substitutions, here-documents, and behind env, command, exec, xargs, sh -c, eval and the like.
 *
 * Refuses: to guess. What cannot be read for certain is refused, so it is stricter than bash.
 * An entry is words: "git status" allows what begins with these two, as they are written; "git"
 * allows git with any arguments, and so whatever git itself can start. A few builtins that can
 * neither start nor change a program (cd, echo, test, ...) need no entry.
 * A denied "git push" refuses git with `push` anywhere among its words, and with words that are
 * known only when it runs. Deny names what should not happen; only allow is a boundary. */
#ifndef SHELL_GRANT_H
#define SHELL_GRANT_H
#include "shell/shell.h"

enum {
    GRANT_TEXT_MAX = 64 << 10, /* bytes of a judged command line */
    GRANT_DEPTH_MAX = 40,      /* constructs inside of each other */
    GRANT_HEREDOCS_MAX = 8,    /* here-documents that begin on one line */
};

struct shell_grant {
    const str *allow; /* none: everything that is not denied */
    size_t allow_count;
    const str *deny;
    size_t deny_count;
};

/* True where every command is granted; else a problem with the code command_not_allowed,
 * command_denied or command_unclear, and the offset in the command. Without any entry all is. */
must_use bool shell_grant_check(const struct shell_grant *grant, str command,
                                struct shell_problem *ret_problem);

#endif
