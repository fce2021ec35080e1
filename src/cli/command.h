/* command: what the files of the command line share: the table's row, a parsed call, and how a
 * command answers. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H
#include "base/vec.h"
#include "cli/cli.h"
#include "diag/err.h"
#include "json/writer.h"

enum cli_status {
    CLI_OK = 0,
    CLI_RUN_FAILED = 1,
    CLI_USAGE = 2, /* usage or bad input */
    CLI_CANCELLED = 3,
    CLI_SYSTEM = 4, /* the system's own fault */
};

enum { CLI_OUTPUT_MAX = 1 << 30, CLI_WORDS_MAX = 1000 };

struct cli;

struct cli_option { /* of a command; a list ends with a row without a name */
    const char *name;
    const char *value; /* what the help calls it; NULL: the option stands alone */
    const char *doc;
    char letter; /* -o for --output; 0: none */
};

struct command {
    const char *name;    /* "workflow run" */
    const char *args;    /* "NAME", "[FILE...]"; "" where there are none */
    int min, max;        /* how many of them */
    const char *summary; /* one line */
    const char *doc;     /* more of it; may be NULL */
    const char *example; /* command lines, one a line */
    const struct cli_option *options;
    int (*run)(struct cli *c); /* NULL: not part of this version yet */
};

/* Every command, by name; ends with a row without a name. */
extern const struct command *const cli_commands[];

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for an option that stands alone */
};

/* One call of a command. */
struct cli {
    const struct command *command;
    VEC(const char *) args;
    VEC(struct cli_given) given;
    bool json;
    bool color, err_color; /* of stdout and stderr */
    bool live;             /* stdout is a terminal that may be redrawn */
    bool err_live;         /* stderr is */
    bool out_failed;       /* stdout is closed or full */
};

/* ---- options.c ---- */

/* Fills c from the words behind the command's name. */
bool cli_parse(struct cli *c, int n, char **words, bool *ret_help, struct err *err) must_use;
bool cli_has(const struct cli *c, const char *option);
/* The last value given, or NULL. */
const char *cli_value(const struct cli *c, const char *option);
/* A positive number of the option, or fallback where it was not given. */
bool cli_number(const struct cli *c, const char *option, int64_t fallback, int64_t *ret,
                struct err *err) must_use;

/* ---- help.c ---- */

void cli_add_help(struct buf *b, const struct command *command);
/* All commands whose names begin with the word; NULL: all. False: there are none. */
bool cli_add_overview(struct buf *b, const char *word);

/* ---- answer.c ---- */

void cli_detect_terminal(struct cli *c);
/* Writes to stdout; a failure to do so is kept in out_failed, and makes the status CLI_SYSTEM. */
void cli_out(struct cli *c, str text);
void cli_outf(struct cli *c, const char *fmt, ...) printf_like(2, 3);
/* A note to stderr: "plue: ..." */
void cli_note(const char *fmt, ...) printf_like(1, 2);
void cli_warn(struct cli *c, const char *fmt, ...) printf_like(2, 3);
/* A finished JSON document and its newline. */
void cli_out_json(struct cli *c, const struct buf *json);

/* Reports and returns the exit status that the error's code asks for. s may be NULL. */
int cli_fail(struct cli *c, struct sources *s, const struct err *e);
/* Several errors at once: one document, or one after the other. */
int cli_fail_all(struct cli *c, struct sources *s, const struct err_list *errors);
int cli_status_of(const char *code);

#endif
