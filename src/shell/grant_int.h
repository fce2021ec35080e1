/* grant_int: what the files of the command judge share. Any function that returns false has
 * refused. grant_word.c reads words, grant.c commands, grant_rules.c judges simple commands. */
#ifndef SHELL_GRANT_INT_H
#define SHELL_GRANT_INT_H
#include "base/arena.h"
#include "base/vec.h"
#include "shell/grant.h"

enum { GRANT_RUNTIME = 1 }; /* byte of a word's text: something known only when it runs */

struct grant_word {
    size_t at, end;
    str text;     /* without quotes */
    bool runtime; /* has parts that are known only when it runs */
    bool splits;  /* may become no word or several */
    bool quoted;
};
struct grant_words {
    struct grant_word *at;
    size_t n, cap;
};
struct grant_heredoc {
    str delimiter;
    bool quoted, strip_tabs;
};

struct grant_scan {
    const struct shell_grant *grant;
    struct shell_problem *problem;
    struct arena *arena;
    str text;
    size_t i;
    size_t base; /* of the whole command, where this text is a part of it */
    size_t depth;
    struct grant_heredoc pending[GRANT_HEREDOCS_MAX];
    size_t pending_count;
    size_t outer; /* of these, begun outside of the present $( ) */
};

/* grant.c */

/* Always false. */
bool grant_unclear(struct grant_scan *s, size_t at, const char *what);
/* The whole of a text inside of s, which stands at `at`. */
bool grant_text(struct grant_scan *s, str text, size_t at);
/* Commands up to the `)`, which is taken. */
bool grant_until_paren(struct grant_scan *s, bool substitution);

/* grant_word.c */

static inline int grant_peek(const struct grant_scan *s, size_t ahead)
{
    return s->i + ahead < s->text.n ? (unsigned char)s->text.p[s->i + ahead] : -1;
}
bool grant_is_meta(int c);
bool grant_read_word(struct grant_scan *s, struct grant_word *ret_word);
/* What an unquoted here-document expands. */
bool grant_body(struct grant_scan *s, str body, size_t at);

/* grant_rules.c */

bool grant_command(struct grant_scan *s, const struct grant_word *w, size_t n);
/* May this variable be set? One that decides what is executed may not. */
bool grant_may_set(str name);
/* Length of NAME in NAME= or NAME+=; 0 where the text is no assignment. */
size_t grant_assignment(str text);

#endif
