/* token: what the scanner hands to the parser: plain data, sixteen bytes each.
 * Keywords are kinds of their own; match, case, type and _ are names. */
#ifndef SYNTAX_TOKEN_H
#define SYNTAX_TOKEN_H
#include "base/str.h"
#include <stdint.h>

/* Kind, and its text as messages show it. Keywords stand first: the scanner interns them in this
 * order, so that the symbol of a keyword is its kind. */
/* clang-format off */
#define SYNTAX_KEYWORDS(X)                                                                        \
    X(FALSE, "False") X(NONE, "None") X(TRUE, "True") X(AND, "and") X(AS, "as")                   \
    X(ASSERT, "assert") X(ASYNC, "async") X(AWAIT, "await") X(BREAK, "break") X(CLASS, "class")   \
    X(CONTINUE, "continue") X(DEF, "def") X(DEL, "del") X(ELIF, "elif") X(ELSE, "else")           \
    X(EXCEPT, "except") X(FINALLY, "finally") X(FOR, "for") X(FROM, "from") X(GLOBAL, "global")   \
    X(IF, "if") X(IMPORT, "import") X(IN, "in") X(IS, "is") X(LAMBDA, "lambda")                   \
    X(NONLOCAL, "nonlocal") X(NOT, "not") X(OR, "or") X(PASS, "pass") X(RAISE, "raise")           \
    X(RETURN, "return") X(TRY, "try") X(WHILE, "while") X(WITH, "with") X(YIELD, "yield")
#define SYNTAX_OPERATORS(X)                                                                       \
    X(OPEN_PAREN, "(") X(OPEN_BRACKET, "[") X(OPEN_BRACE, "{") X(CLOSE_PAREN, ")")                \
    X(CLOSE_BRACKET, "]") X(CLOSE_BRACE, "}") X(COMMA, ",") X(COLON, ":") X(SEMICOLON, ";")       \
    X(DOT, ".") X(ELLIPSIS, "...") X(ARROW, "->") X(WALRUS, ":=") X(ASSIGN, "=") X(PLUS, "+")     \
    X(MINUS, "-") X(STAR, "*") X(SLASH, "/") X(DOUBLE_SLASH, "//") X(PERCENT, "%")                \
    X(DOUBLE_STAR, "**") X(LEFT_SHIFT, "<<") X(RIGHT_SHIFT, ">>") X(AMPERSAND, "&") X(PIPE, "|")  \
    X(CARET, "^") X(TILDE, "~") X(AT, "@") X(EQ, "==") X(NE, "!=") X(LT, "<") X(LE, "<=")         \
    X(GT, ">") X(GE, ">=") X(PLUS_ASSIGN, "+=") X(MINUS_ASSIGN, "-=") X(STAR_ASSIGN, "*=")        \
    X(SLASH_ASSIGN, "/=") X(DOUBLE_SLASH_ASSIGN, "//=") X(PERCENT_ASSIGN, "%=")                   \
    X(DOUBLE_STAR_ASSIGN, "**=") X(LEFT_SHIFT_ASSIGN, "<<=") X(RIGHT_SHIFT_ASSIGN, ">>=")         \
    X(AMPERSAND_ASSIGN, "&=") X(PIPE_ASSIGN, "|=") X(CARET_ASSIGN, "^=") X(AT_ASSIGN, "@=")
/* clang-format on */

enum token_kind {
#define X(name, text) TOKEN_##name,
    SYNTAX_KEYWORDS(X) TOKEN_NAME, /* the first kind that is no keyword */
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_NEWLINE, /* the end of a logical line */
    TOKEN_INDENT,
    TOKEN_DEDENT,
    TOKEN_EOF,
    TOKEN_ERROR, /* the scanner has reported it */
    SYNTAX_OPERATORS(X)
#undef X
        TOKEN_KIND_COUNT
};

enum {                 /* flags */
       TOKEN_DEAD = 1, /* inside of a bracket that is never closed: errors here mean nothing */
       TOKEN_RAW = 2,  /* string prefixes */
       TOKEN_FORMAT = 4,
       TOKEN_BYTES = 8,
       TOKEN_TRIPLE = 16,
       TOKEN_FLOAT = 2, /* numbers */
       TOKEN_COMPLEX = 4,
};

struct token {
    uint32_t offset, length;
    uint32_t value; /* NAME: symbol; STRING: bytes of prefix and opening quotes; NUMBER: base */
    uint8_t kind, flags;
};

#endif
