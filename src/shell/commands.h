/* commands: what is known of commands that read their arguments as code, run other commands, or
 * have options that do. One table; judge.c applies it. A command that is not in it takes values
 * as data.
 *
 * `options` is a list of words separated by blanks, each an option and a sign for what it takes:
 *     -x   nothing           -x=  data               -x!  code, the program of this command
 *     -x?  the rest of the word, if any              -x.  code, and all further words are data
 *     -x#  digits, if any    -x^  what no value may be (a name, a file of code)
 *     -x:  a name and data, two words     -x*  and then all further words are code
 *     -x%  data that may not begin with a value
 * A long option may also be written --name=VALUE. An option that is not listed makes all that
 * follows it uncertain. */
#ifndef SHELL_COMMANDS_H
#define SHELL_COMMANDS_H
#include "base/str.h"

enum command_kind {
    COMMAND_DATA,    /* every argument is data; options are listed for lint alone */
    COMMAND_CODE,    /* no argument may hold a value, but those of data options */
    COMMAND_PROGRAM, /* its first operand is code or a file of code, the others are data */
    COMMAND_WRAPPER, /* runs the command that stands behind its options */
    COMMAND_RUNNER,  /* runs a command that stands somewhere among its words */
    COMMAND_OPTIONS, /* arguments are data, but some options run code */
    COMMAND_TEST,
    COMMAND_FIND,
    COMMAND_GIT,
    COMMAND_PRINTF,
    COMMAND_SET,
    COMMAND_DECLARE,
    COMMAND_ALIAS,
};

struct command {
    const char *name;
    enum command_kind kind;
    const char *options; /* of a runner: the subcommands that run something, or NULL for any */
    unsigned char skip;  /* operands of a wrapper before the command */
    bool assignments;    /* a wrapper that takes NAME=value words */
    bool permutes;       /* a program that takes options behind operands too */
    bool cluster;        /* the first word is options even without a dash */
    bool magic;          /* an operand's first byte can make it code or a host, even behind -- */
    bool rejoins;        /* a runner that makes a shell command of its words */
};

/* The entry of a command's file name, python3.11 being python; NULL where none is needed. */
const struct command *command_find(str name);
/* The sign of an option, ' ' where it takes nothing, 0 where it is not listed. */
char command_option(const struct command *c, str option);

#endif
