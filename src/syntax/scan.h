/* scan: text of restricted Python to tokens, whole, before the parser begins.
 * Indentation, continuation lines and brackets follow CPython's tokenizer. What the scanner
 * refuses it reports once; it stands as TOKEN_ERROR, which the parser passes over in silence. */
#ifndef SYNTAX_SCAN_H
#define SYNTAX_SCAN_H
#include "base/vec.h"
#include "diag/err.h"
#include "syntax/symbol.h"
#include "syntax/token.h"

enum {
    SCAN_MAX_BRACKETS = 200, /* nested ( [ { */
    SCAN_MAX_INDENTS = 102,  /* more than the parser takes; deeper lines count as these */
    SCAN_MAX_ERRORS = 100,   /* after which the rest is not looked at */
    SCAN_MAX_RETRIES = 20,   /* brackets never closed, after which the rest is not looked at */
};

struct token_list {
    struct token *at;
    size_t n, cap;
};

struct scan_bracket {
    uint32_t offset, token;
    char open;
};

struct scan {
    str text;        /* borrowed; valid UTF-8 without NUL */
    uint32_t source; /* for positions */
    uint32_t at;     /* the next byte */
    uint32_t depth;  /* open brackets */
    uint32_t indent_count;
    uint32_t retries;
    bool bad_line; /* a character of this line was refused */
    bool inside;   /* an expression of an f-string: no lines, no indentation */
    struct {       /* columns with tabs to 8 and with tabs of 1, as in CPython */
        uint32_t column, alternative;
    } indents[SCAN_MAX_INDENTS];
    struct scan_bracket brackets[SCAN_MAX_BRACKETS];
    struct token_list *tokens; /* borrowed: appended to */
    struct symbols *symbols;   /* borrowed; keywords are in it already */
    struct arena *arena;       /* for normalised names */
    struct err_list *errors;
};

/* Interns the keywords; once, before scanning. */
void scan_add_keywords(struct symbols *t);
/* All of text; the last token is EOF, after NEWLINE and DEDENTs. Reports into errors. */
void scan_file(struct scan *s);
/* Bytes [from, to) as inside of a bracket; the last token is EOF. */
void scan_inside(struct scan *s, uint32_t from, uint32_t to);

/* ---- the scanner's own parts ---- */

/* What bytes may begin or continue. */
enum { CHAR_START = 1, CHAR_CONTINUE = 2, CHAR_DIGIT = 4, CHAR_HEX = 8 };
extern const uint8_t scan_chars[256];

struct token *scan_add(struct scan *s, enum token_kind kind, uint32_t from);
/* Reports at [from, to) and adds TOKEN_ERROR; false. */
bool scan_fail(struct scan *s, uint32_t from, uint32_t to, const char *fmt, ...) printf_like(4, 5);
struct err *scan_report(struct scan *s, uint32_t from, uint32_t to);
static inline char scan_peek(const struct scan *s, uint32_t ahead)
{
    return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : '\0';
}
static inline bool scan_at_end(const struct scan *s)
{
    return s->at >= s->text.n;
}
void scan_number(struct scan *s);
/* The quote stands at s->at; from is the offset of the prefix. */
void scan_string(struct scan *s, uint32_t from, uint8_t flags);
void scan_name(struct scan *s);
uint32_t scan_line_of(const struct scan *s, uint32_t offset);

/* ---- lines and brackets: scan_line.c ---- */

void scan_open_bracket(struct scan *s, enum token_kind kind);
void scan_close_bracket(struct scan *s, enum token_kind kind, char open);
/* The innermost bracket is not closed before token `next`: what stands in the brackets is dead, and
 * the tokens end there. */
void scan_give_up_bracket(struct scan *s, size_t next);
/* At the end of the text with an open bracket: goes back to the first line behind it that is not
 * indented deeper than its statement, so that the rest of the file is still looked at. */
void scan_recover_bracket(struct scan *s);
/* The same at once, where a word that only begins statements stands first in a line: its bracket
 * is never closed. False, and nothing done, for any other word. */
bool scan_break_bracket(struct scan *s, enum token_kind kind, uint32_t from);
/* At the start of a line: blank lines are passed over, INDENT and DEDENTs added. */
void scan_begin_line(struct scan *s);
/* At a line's end: \n, \r\n or \r. */
void scan_skip_newline(struct scan *s);
void scan_skip_comment(struct scan *s);
/* At a backslash: the line must end behind it. */
bool scan_continue_line(struct scan *s);

#endif
