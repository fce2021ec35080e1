/* command: what a step tells its runner by lines of its output, as GitHub's runner reads them:
 *     ::group::Title   ::endgroup::   ::error file=a.c,line=3::Message   ::warning::  ::notice::
 *     ::debug::   ::add-mask::VALUE   ::stop-commands::TOKEN ... ::TOKEN::
 * at the beginning of a line (after space), or in the older form ##[error file=a.c;line=3]Message
 * anywhere in it. Names of commands and properties have no case; the last of two properties counts.
 * Refuses nothing: a line that is no command is a line. */
#ifndef EVENT_COMMAND_H
#define EVENT_COMMAND_H
#include "base/buf.h"

enum log_command_kind {
    LOG_COMMAND_NONE,
    LOG_COMMAND_GROUP,
    LOG_COMMAND_ENDGROUP,
    LOG_COMMAND_ERROR,
    LOG_COMMAND_WARNING,
    LOG_COMMAND_NOTICE,
    LOG_COMMAND_DEBUG,
    LOG_COMMAND_ADD_MASK,
    LOG_COMMAND_STOP, /* nothing more is a command, until LOG_COMMAND_RESUME */
    LOG_COMMAND_RESUME,
    LOG_COMMAND_COUNT
};

struct log_command { /* borrows from the line */
    enum log_command_kind kind;
    bool is_old;    /* ##[...] */
    str properties; /* "file=a.c,line=3" */
    str message;    /* escaped */
};

enum { LOG_COMMAND_TOKEN_MAX = 128 };

/* One for each step, of both its streams; zeroed is ready. */
struct log_commands {
    char token[LOG_COMMAND_TOKEN_MAX + 1]; /* that ends a stop; empty: none */
};
struct log_command log_commands_read(struct log_commands *c, str line);

/* Appends the message, unescaped: %25 %0D %0A stand for themselves, %3B %5D in the older form. */
void log_command_add_message(struct buf *b, const struct log_command *c);
/* Appends the property's value, unescaped (%3A and %2C too); false where it is absent or empty. */
bool log_command_add_property(struct buf *b, const struct log_command *c, const char *name);

#endif
