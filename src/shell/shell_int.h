/* shell_int: the scanner's state and the contracts between the files of src/shell.
 * The command is one flat text in which every untrusted value is one byte HOLE. word.c and
 * nested.c read words and what stands inside them, simple.c and compound.c read commands,
 * judge.c decides what the words of a simple command may hold. Any function that returns false
 * has set s->problem. */
#ifndef SHELL_SHELL_INT_H
#define SHELL_SHELL_INT_H
#include "base/arena.h"
#include "base/vec.h"
#include "shell/shell.h"

enum { END = -1, HOLE = 0 };
/* In the text of a word: a value, and what is known only when the shell runs. */
enum { MARK_HOLE = 1, MARK_RUNTIME = 2 };

enum refusal {
    R_NONE,
    R_SYNTAX,
    R_LIMIT,
    R_NUL,
    R_UNKNOWN,
    R_PYTHON,
    R_SUBSTITUTION,
    R_BACKTICK,
    R_PARAMETER,
    R_ARITHMETIC,
    R_ANSI,
    R_PROCESS,
    R_HEREDOC,
    R_COMMENT,
    R_DOLLAR,
    R_BACKSLASH,
    R_TILDE,
    R_BRACE,
    R_SUBSCRIPT,
    R_NAME,
    R_DECLARE,
    R_DESCRIPTOR,
    R_PATTERN,
    R_TEST,
    R_COMMAND,
    R_RUNTIME_COMMAND,
    R_CODE,
    R_OPTION,
    R_MAKE,
    R_VARIABLE,
    R_EVALUATED,
    W_OPTION,
    W_OUTPUT,
    W_FORMAT,
    REFUSALS
};

enum place { PLACE_UNSEEN, PLACE_WORD, PLACE_DOUBLE, PLACE_SINGLE };

struct hole {
    size_t part, at; /* index of the part; offset in the flat text */
    enum place place;
    bool force;      /* quoted even where every byte is safe */
    bool apart;      /* leave the double quotes around it, since a $NAME stands before it */
    bool keep_empty; /* '' where the value is empty */
    size_t alone;    /* this many holes are the whole word: '' where all are empty */
};

struct word {
    size_t at, end; /* in the flat text */
    str text;       /* quotes removed; MARK_ bytes for what is not known */
    size_t hole, holes;
    size_t value; /* offset in text behind NAME= or NAME+=; 0 where it is no assignment */
    bool quoted;
    bool splits; /* may become no word or several */
};
struct words {
    struct word *at;
    size_t n, cap;
};

struct heredoc {
    str delimiter;
    bool quoted, strip_tabs;
};
/* Bytes [from, to) of the flat text that the shell reads as code when it runs. */
struct range {
    size_t from, to;
    bool arithmetic; /* a NAME without $ is read too */
};
/* A variable that holds an untrusted value; "@" for $1, $2 and so on, in the function (or where
 * that is empty in the script) that got it as an argument. */
struct carrier {
    str name;
    size_t hole;
    str function;
};

struct scan {
    enum shell_dialect dialect;
    const struct shell_part *parts;
    size_t part_count;
    str text;
    size_t i;
    enum refusal inside; /* why a hole is refused here, or R_NONE */
    size_t depth;
    size_t taken; /* holes read so far; they are read in order */
    VEC(struct hole) holes;
    VEC(struct heredoc) pending; /* here-documents whose bodies begin at the next newline */
    size_t outer_pending;        /* of these, begun outside of the present $( ) */
    VEC(struct range) evaluated;
    VEC(struct carrier) carriers;
    VEC(str) functions;     /* names of those that the script defines */
    bool integer_variables; /* declare -i or -n stands somewhere */
    struct arena arena;
    struct shell_problem *problem;
    struct shell_warnings *warnings; /* NULL where nobody asked */
};

/* problem.c */

/* Always false. `name` replaces @ in the message; at is an offset in the flat text. */
bool scan_refuse(struct scan *s, enum refusal why, size_t at, const char *name);
/* R_SYNTAX at the present place. */
bool scan_unclear(struct scan *s, const char *what);
void scan_warn(struct scan *s, enum refusal why, size_t at, const char *name);
/* Fills a problem that has no place in a flat text. Always false. */
bool problem_set(struct shell_problem *p, enum refusal why, size_t part, size_t offset,
                 const char *name);

/* word.c */

/* The next byte, END or HOLE, behind any line continuation. */
int scan_peek(struct scan *s);
int scan_peek_second(struct scan *s);
bool scan_is_meta(int c);
bool scan_is_name_byte(int c);
/* Length of the NAME at the start of text, 0 where there is none. */
size_t scan_name_length(str text);
enum word_flags {
    WORD_FORCE = 1,  /* quote every value in it */
    WORD_ASSIGN = 2, /* NAME[...] and NAME=( ) are assignments here */
};
bool scan_word(struct scan *s, unsigned flags, struct word *ret_word);
/* Reads the hole at the present place, whose context is `place`. */
bool scan_hole(struct scan *s, enum place place);
/* The bodies of quotes and of ${ }, from behind the opening to behind the closing. */
bool scan_double(struct scan *s, struct buf *text, bool *ret_splits);
bool scan_single(struct scan *s, struct buf *text);

/* nested.c: from the $ (or the opening) to behind the closing */

struct dollar {
    bool literal; /* the $ stands for itself */
    bool name;    /* $NAME or $1: what follows could be taken for more of the name */
    bool splits;
};
bool scan_dollar(struct scan *s, bool in_double, struct dollar *ret_dollar);
bool scan_backtick(struct scan *s);
bool scan_process_substitution(struct scan *s);
/* From behind (( to behind )). */
bool scan_arithmetic(struct scan *s, bool loop_head);
/* The word behind =~ in [[ ]]. */
bool scan_regex(struct scan *s);

/* simple.c */

bool scan_simple(struct scan *s);
bool scan_is_redirect(struct scan *s);
bool scan_redirect(struct scan *s);
void scan_blanks(struct scan *s);
/* Reads the newline at the present place and the here-documents that begin there. */
bool scan_newline(struct scan *s);
/* Blanks, comments and newlines. */
bool scan_linebreaks(struct scan *s);

/* compound.c */

/* Commands up to END, `)`, `;;` or a word that closes a compound command, which stay unread. */
bool scan_list(struct scan *s);
bool scan_command(struct scan *s);
/* The unquoted word at the present place, if it is plain letters and signs; else empty. */
str scan_raw_word(struct scan *s);
bool scan_is_reserved(const struct scan *s, str word);

/* judge.c */

bool judge_command(struct scan *s, const struct word *w, size_t n);
bool judge_assignment(struct scan *s, const struct word *w);
/* The values of a word go into a variable. */
void judge_add_carriers(struct scan *s, str name, const struct word *w, str function);

/* script.c */

/* What the whole script shows: variables that are read as code later. */
bool judge_script(struct scan *s);

#endif
