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
    SCAN_MAX_INDENTS = 102,  /* one above the parser's block depth, so that it words the error */
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
    bool inside; /* an expression of an f-string: no lines, no indentation */
    struct {     /* columns with tabs to 8 and with tabs of 1, as in CPython */
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
void scan_number(struct scan *s);
/* The quote stands at s->at; from is the offset of the prefix. */
void scan_string(struct scan *s, uint32_t from, uint8_t flags);
void scan_name(struct scan *s);
uint32_t scan_line_of(const struct scan *s, uint32_t offset);

#endif
