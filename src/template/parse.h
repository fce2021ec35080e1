/* parse: the text of a Jinja2 template to its tree.
 * The language is Jinja2 3.1.2's with its default delimiters, trim_blocks and lstrip_blocks off, no
 * line statements, and the tags do, break and continue. Knows no variables and loads nothing.
 * As Jinja2's, the parser stops at the first error. */
#ifndef TEMPLATE_PARSE_H
#define TEMPLATE_PARSE_H
#include "base/buf.h"
#include "diag/err.h"
#include "template/node.h"

enum {
    TEMPLATE_MAX_SOURCE = 4 << 20, /* bytes of a template */
    TEMPLATE_MAX_NESTING = 100,    /* statements in each other */
    TEMPLATE_MAX_EXPR_DEPTH = 200, /* nested expressions */
    TEMPLATE_MAX_HEIGHT = 1000,    /* of an expression's tree: chains of operators and filters */
    TEMPLATE_MAX_NODES = 1 << 20,
};

/* Jinja2 reads \r\n and \r as \n. True where the text holds any: it is added to b with \n alone,
 * and that copy is the text to parse. */
bool template_normalize(str text, struct buf *b);

/* Names that the compiler gives a meaning, as this template's names. */
enum template_word {
    WORD_SELF,
    WORD_SUPER,
    WORD_LOOP,
    WORD_CALLER,
    WORD_KWARGS,
    WORD_VARARGS,
    WORD_COUNT
};

struct template_tree {
    str words[WORD_COUNT];
    struct nodes body;
    struct node **blocks; /* all blocks, in order of their tags */
    uint32_t block_count;
    bool has_extends;
};

/* Parses `source` from byte `from` on (behind a prompt's frontmatter; else 0); the tree lives in
 * `arena` and borrows the source's text, which has no \r. A single newline at the end of the text
 * is dropped. False: one error. */
bool template_parse(struct sources *sources, uint32_t source, size_t from, struct arena *arena,
                    struct template_tree *ret_tree, struct err *err) must_use;

#endif
