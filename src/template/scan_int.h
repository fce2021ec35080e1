/* scan: the text of a template as tokens, one at a time, with one token of lookahead.
 * Jinja2's lexer reads no further than the parser has asked; so does this one, so that the first
 * error is the same. */
#ifndef TEMPLATE_SCAN_INT_H
#define TEMPLATE_SCAN_INT_H
#include "base/vec.h"
#include "template/parse.h"

/* X(name, text): operators by their text; the longest first. */
#define TEMPLATE_OPERATORS(X) \
    X(POW, "**")              \
    X(FLOORDIV, "//")         \
    X(EQ, "==")               \
    X(NE, "!=")               \
    X(GE, ">=")               \
    X(LE, "<=")               \
    X(ADD, "+")               \
    X(SUB, "-")               \
    X(DIV, "/")               \
    X(MUL, "*")               \
    X(MOD, "%")               \
    X(TILDE, "~")             \
    X(LBRACKET, "[")          \
    X(RBRACKET, "]")          \
    X(LPAREN, "(")            \
    X(RPAREN, ")")            \
    X(LBRACE, "{")            \
    X(RBRACE, "}")            \
    X(GT, ">")                \
    X(LT, "<")                \
    X(ASSIGN, "=")            \
    X(DOT, ".")               \
    X(COLON, ":")             \
    X(PIPE, "|")              \
    X(COMMA, ",")             \
    X(SEMICOLON, ";")

enum token_kind {
    TOKEN_EOF,
    TOKEN_DATA,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
#define X(name, text) TOKEN_##name,
    TEMPLATE_OPERATORS(X)
#undef X
};

struct template_token {
    enum token_kind kind;
    uint32_t offset, length;
    str text; /* NAME: interned later; STRING: decoded; DATA: the text */
    int64_t i;
    double f;
};

enum scan_state { SCAN_DATA, SCAN_VARIABLE, SCAN_BLOCK };

struct template_scan {
    str text; /* up to the end that counts */
    uint32_t source;
    size_t at;
    enum scan_state state;
    VEC(char) balance; /* closing brackets that are due */
    struct arena *arena;
    struct err *err;
};

/* False: an error is set. */
bool template_scan_token(struct template_scan *s, struct template_token *ret) must_use;
void template_scan_done(struct template_scan *s);
bool template_scan_fail(struct template_scan *s, size_t from, size_t to, const char *fmt, ...)
    printf_like(4, 5);
/* The number that begins with the digit at s->at. */
bool template_scan_number(struct template_scan *s, struct template_token *t) must_use;
/* "'" and what stands between the quotes of a string literal, as Python's unicode-escape codec has
 * it. */
bool template_scan_decode(struct template_scan *s, size_t from, size_t to, str *ret) must_use;
/* "name", "end of print statement", "'+'": how Jinja2 calls a kind of token. */
const char *token_describe(enum token_kind kind);
/* Python's str.isspace(). */
bool template_scan_is_space(uint32_t cp);

#endif
