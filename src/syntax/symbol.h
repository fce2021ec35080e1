/* symbol: the names of one source, each kept once, so that equal names share a pointer.
 * Normalises identifiers (NFKC), and judges which characters may stand in one. */
#ifndef SYNTAX_SYMBOL_H
#define SYNTAX_SYMBOL_H
#include "base/arena.h"

struct symbol_slot {
    uint32_t hash, symbol_plus_1;
};
struct symbols {
    str *at; /* by symbol */
    uint32_t n, cap;
    struct symbol_slot *slots;
    uint32_t mask;
};

void symbols_done(struct symbols *t);
/* The symbol of name, which is kept where it is new. */
uint32_t symbols_intern(struct symbols *t, str name);

/* Length in bytes of the code point at p when it may begin or continue an identifier, else 0.
 * text is valid UTF-8. */
size_t symbol_start_length(str text, size_t at);
size_t symbol_continue_length(str text, size_t at);
/* The NFKC form of an identifier, in arena a; empty where it is no identifier afterwards. */
str symbol_normalise(struct arena *a, str name);

#endif
