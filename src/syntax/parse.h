/* parse: text of restricted Python to a syntax tree.
 * The grammar is Python 3.11's (grammar.txt), with errors where a user would look for them.
 * Constructs that the language refuses (class, with, async, await, yield, match, bytes, ...) are
 * recognised whole and reported by name with a hint, and parsing goes on, so that one pass reports
 * all errors of a file. Names are NFKC-normalised.
 * Left to whoever resolves names: conflicts of global and nonlocal with each other, with parameters
 * and with earlier uses; which modules may be imported; names and attributes with underscores. */
#ifndef SYNTAX_PARSE_H
#define SYNTAX_PARSE_H
#include "diag/err.h"
#include "syntax/ast.h"

enum {
    SYNTAX_MAX_SOURCE = 1 << 20,  /* bytes of a source file */
    SYNTAX_MAX_EXPR_DEPTH = 200,  /* nested expression levels */
    SYNTAX_MAX_BLOCK_DEPTH = 100, /* nested blocks; a chain of elif is flat */
    /* Levels of any expression tree. A chain (a + b + ..., a.b.c, f()()()) grows to the left, and
     * each link is a level: whoever walks the tree may recurse, also along `left` and `target`. */
    SYNTAX_MAX_TREE_HEIGHT = 2000,
};

/* Error codes: syntax_error (CPython refuses it too), not_supported, limit_exceeded. */

/* Parses source `id`. The tree lives in arena a (which must outlive it); text is borrowed from the
 * sources. NULL where errors were added to the list (nothing of the tree is to be used then). */
struct module *syntax_parse(struct sources *s, uint32_t id, struct arena *a,
                            struct err_list *errors) must_use;

/* The same, but what could be understood is given beside the errors, so that one pass can judge its
 * names too. NULL where nothing could. */
struct module *syntax_parse_some(struct sources *s, uint32_t id, struct arena *a,
                                 struct err_list *errors) must_use;

/* One expression alone ("steps.test.exit_code == 0"), for deferred values. NULL on error. */
struct expr *syntax_parse_expr(struct sources *s, uint32_t id, struct arena *a,
                               struct err_list *errors) must_use;

#endif
