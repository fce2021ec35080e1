/* scope: which variable each name of a file means. One walk records the names of every scope and
 * lets the policy judge them; a second one binds uses to variables.
 * List, set and dict comprehensions are scopes of their own inside the frame that holds them;
 * functions, lambdas and generator expressions have a frame each. */
#ifndef VM_SCOPE_INT_H
#define VM_SCOPE_INT_H
#include "vm/code_int.h"

enum scope_kind {
    SCOPE_MODULE,
    SCOPE_FUNCTION,
    SCOPE_LAMBDA,
    SCOPE_GENERATOR,
    SCOPE_COMPREHENSION
};

struct scope;

struct symbol {
    str name;
    struct scope *owner;
    bool assigned, parameter, used, annotated;
    bool global, nonlocal; /* declared so here */
    bool unbinds;          /* del, except ... as: its binding must be checked at every use */
    bool captured;         /* by another frame: lives in a cell */
    bool shared;           /* of the module: used by other frames, lives in a slot */
    bool iterates;         /* target of a comprehension */
    pos at;                /* first place */
    /* Given by the compiler. */
    uint16_t reg;
    uint16_t index; /* in its frame, for what is known to be assigned */
};

struct use {
    str name;
    pos at;
    bool annotation;
};

struct scope_capture {
    struct symbol *symbol;
    struct capture capture;
};

struct scope {
    enum scope_kind kind;
    struct scope *parent, *frame; /* frame: itself, or the scope whose registers it uses */
    const void *node;             /* struct expr or struct stmt that opens it */
    struct map symbols;           /* name -> struct symbol */
    VEC(struct symbol *) order;
    VEC(struct use) uses;
    VEC(struct scope *) children;
    size_t cursor;   /* of scope_child */
    bool has_cells;  /* a variable of its own is captured */
    bool has_walrus; /* of a frame: operands may change while an expression is evaluated */
    VEC(struct scope_capture) captures; /* of a frame */
};

struct unit { /* one file while it is compiled */
    struct vm *vm;
    struct vm_code *file;
    struct err_list *errors;
    struct scope *module;
    VEC(struct scope *) scopes; /* all, for the end */
};

/* Fills u->module. Errors go to u->errors. */
void scope_resolve_module(struct unit *u, const struct module *m);
void scope_resolve_expr(struct unit *u, const struct expr *e);
void scope_done(struct unit *u);

struct scope *scope_new(struct unit *u, struct scope *parent, enum scope_kind kind,
                        const void *node);
/* The symbol of this name in s, made at its first mention. */
struct symbol *scope_symbol(struct unit *u, struct scope *s, str name, pos at);

/* ---- scope_walk.c: records what stands below, in u->module and the scopes that it opens ---- */
void scope_walk_block(struct unit *u, const struct block *b);
void scope_walk_expr(struct unit *u, const struct expr *e);

/* The scope that a node opens below s. */
struct scope *scope_child(struct scope *s, const void *node);

enum binding_kind { BOUND_REGISTER, BOUND_CELL, BOUND_FREE, BOUND_GLOBAL, BOUND_NOWHERE };
struct binding {
    enum binding_kind kind;
    struct symbol *symbol; /* NULL: BOUND_NOWHERE */
};
struct binding scope_find(struct scope *s, str name);
/* Index of the captured cell of `symbol` in frame s. */
uint16_t scope_capture_index(struct scope *s, struct symbol *symbol);
uint32_t scope_global_slot(struct unit *u, str name);

/* Adds an error of this file; the caller may add a hint. */
struct err *unit_error(struct unit *u, const char *code, pos at, const char *fmt, ...)
    printf_like(4, 5);

#endif
