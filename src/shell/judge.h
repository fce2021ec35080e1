/* judge: the options of one command read by its table entry, word by word. */
#ifndef SHELL_JUDGE_H
#define SHELL_JUDGE_H
#include "shell/commands.h"
#include "shell/shell_int.h"

enum role { ROLE_OPTION, ROLE_CODE, ROLE_DATA, ROLE_OPERAND, ROLE_UNSURE };

struct walk {
    const struct command *command;
    char expect;     /* the sign of an option that waits for its word */
    bool over;       /* options are over */
    bool unsure;     /* what follows cannot be told apart */
    bool program;    /* the program was given by an option */
    bool rest_data;  /* whatever follows is data */
    bool maybe_dash; /* the present operand could be an option, by its value */
    size_t operands; /* so far, the present one not counted */
};

/* walk.c: what the next word of the command is. */
enum role walk_word(struct walk *k, const struct word *w);

/* Refuses the first value among the words, if there is one. */
bool judge_refuse(struct scan *s, const struct word *w, size_t n, enum refusal why,
                  const char *name);
size_t judge_count_holes(const struct word *w, size_t n);
static inline bool judge_starts_with_hole(const struct word *w)
{
    return w->text.n && w->text.p[0] == MARK_HOLE;
}
/* May a variable of this name hold a value? */
bool judge_variable_is_safe(str name);

/* rules.c: commands whose arguments follow a grammar of their own; w[0] is the command. */
bool judge_test(struct scan *s, const struct word *w, size_t n);
bool judge_find(struct scan *s, const struct word *w, size_t n);
bool judge_git(struct scan *s, const struct word *w, size_t n);
bool judge_printf(struct scan *s, const struct word *w, size_t n);
bool judge_set(struct scan *s, const struct word *w, size_t n);
bool judge_declare(struct scan *s, const struct word *w, size_t n);

/* lint.c: warnings about the values of a command that was accepted. */
void lint_command(struct scan *s, const struct command *c, const struct word *w, size_t n);

#endif
