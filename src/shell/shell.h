/* shell: untrusted text in shell commands, quoted for the exact place in which it stands.
 * A command is a list of parts, trusted text and untrusted values (holes). A parser of bash and
 * POSIX sh finds the context of every hole; where no quoting is safe the command is refused.
 *
 * Refuses: to guess. What the parser does not know for certain is refused, with a code.
 * Invariant: the judgement depends on the trusted text and on where the holes are, never on an
 * untrusted text (but for NUL bytes and SHELL_VALUE_MAX). So a check at plan time and the quoting
 * when the step starts agree.
 * Assumes: the shell is not interactive, its locale is UTF-8 or C, and what it reads besides the
 * command (profiles, sourced files) does not redefine commands by alias.
 * Knows nothing of workflows, plans or steps. docs/shell-quoting.md is the table for users. */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H
#include "base/buf.h"

enum shell_dialect { SHELL_BASH, SHELL_SH, SHELL_PYTHON3 };

enum {
    SHELL_PARTS_MAX = 10000,
    SHELL_COMMAND_MAX = 1 << 20, /* bytes of trusted text in one command */
    SHELL_VALUE_MAX = 1 << 20,   /* bytes of one untrusted value */
    SHELL_DEPTH_MAX = 60,        /* nested constructs */
    SHELL_WARNINGS_MAX = 100,
};

struct shell_part {
    str text;
    bool untrusted;
    bool unknown; /* an untrusted value whose text is not known yet: can only be checked */
};

struct shell_problem {
    const char *code;    /* static: "shell_heredoc"; docs/shell-quoting.md lists them */
    size_t part, offset; /* the value, or the byte of a trusted part, that is at fault */
    char message[200];   /* what and why, one line */
    char hint[240];      /* how to mend it */
};

/* Appends the command to out, each untrusted part quoted. On failure out is as it was.
 * A command without untrusted parts is copied and never judged. */
must_use bool shell_quote(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                          struct buf *out, struct shell_problem *ret_problem);

/* The same judgement; unknown parts may stand where values will. */
must_use bool shell_check(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                          struct shell_problem *ret_problem);

/* What is safe from becoming code and still unwise: an option made by a leading dash, outputs
 * forged by a newline, a value as printf's format. */
struct shell_warnings {
    struct shell_problem *at;
    size_t n, cap;
};
void shell_warnings_done(struct shell_warnings *w);
#define auto_shell_warnings cleanup(shell_warnings_done) struct shell_warnings

/* Adds the warnings of a command that shell_check accepts; nothing for one that it refuses. */
void shell_lint(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                struct shell_warnings *warnings);

#endif
