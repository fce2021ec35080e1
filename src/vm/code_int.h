/* code: the bytecode of one function and of one file, and the objects that run it.
 * A register machine: operands a, b, c name registers of the frame unless an instruction says
 * otherwise. Instructions that decide on a value (and may therefore await) change nothing before
 * they have it: the machine executes them again, whole.
 * Code is immutable once compiled, except for the caches of call sites. */
#ifndef VM_CODE_INT_H
#define VM_CODE_INT_H
#include "base/map.h"
#include "base/vec.h"
#include "value/types.h"
#include "vm/vm.h"

/* J: `s`, relative to the next instruction. Instructions marked "+ jump" are followed by a JUMP
 * word that they take themselves; "+ word" by a word of operands. */
#define VM_OPS(X)                                                                               \
    X(NOP)                                                                                      \
    X(MOVE)       /* a = b */                                                                   \
    X(CONST)      /* a = constant u */                                                          \
    X(INT)        /* a = s */                                                                   \
    X(CLEAR)      /* a .. a + u: unbound */                                                     \
    X(CHECK)      /* raise unless a is bound; name b, flag: enum unbound_kind */                \
    X(DELETE)     /* a = unbound */                                                             \
    X(GLOBAL)     /* a = global u */                                                            \
    X(GLOBAL_OR)  /* a = global u, or the constant u of + word */                               \
    X(SET_GLOBAL) /* global u = a */                                                            \
    X(DEL_GLOBAL) /* global u */                                                                \
    X(NO_NAME)    /* NameError: name u */                                                       \
    X(MAKE_CELL)  /* a = cell holding a */                                                      \
    X(CELL)       /* a = content of the cell in b; name c */                                    \
    X(SET_CELL)   /* content of the cell in a = b */                                            \
    X(DEL_CELL)   /* cell in a; name c */                                                       \
    X(FREE)       /* a = content of captured cell b; name c */                                  \
    X(SET_FREE)   /* captured cell a = b */                                                     \
    X(DEL_FREE)   /* captured cell a; name c */                                                 \
    X(ATTR)       /* a = b.name c */                                                            \
    X(SET_ATTR)   /* a.name c = b */                                                            \
    X(DEL_ATTR)   /* a.name c */                                                                \
    X(INDEX)      /* a = b[c] */                                                                \
    X(SET_INDEX)  /* a[b] = c */                                                                \
    X(DEL_INDEX)  /* a[b] */                                                                    \
    X(SLICE)      /* a = slice(b, b + 1, b + 2) */                                              \
    X(ADD)        /* a = b op c; flag 1: in place */                                            \
    X(SUB)                                                                                      \
    X(MUL)                                                                                      \
    X(DIV)                                                                                      \
    X(FLOORDIV)                                                                                 \
    X(MOD)                                                                                      \
    X(BINARY) /* the same with + word: u is the operator */                                     \
    X(ADD_K)  /* a = b op constant c; flag 1: in place */                                       \
    X(SUB_K)                                                                                    \
    X(MUL_K)                                                                                    \
    X(DIV_K)                                                                                    \
    X(FLOORDIV_K)                                                                               \
    X(MOD_K)                                                                                    \
    X(NOT)        /* a = not b */                                                               \
    X(UNARY)      /* a = op b; flag: the operator */                                            \
    X(COMPARE)    /* a = b op c; flag: the operator */                                          \
    X(JUMP)       /* J */                                                                       \
    X(JUMP_TRUE)  /* J if a */                                                                  \
    X(JUMP_FALSE) /* J unless a */                                                              \
    X(JUMP_NONE)  /* J if (a is None) == flag */                                                \
    X(JUMP_LT)    /* + jump if (a op b) == flag */                                              \
    X(JUMP_LE)                                                                                  \
    X(JUMP_GT)                                                                                  \
    X(JUMP_GE)                                                                                  \
    X(JUMP_EQ)                                                                                  \
    X(JUMP_NE)                                                                                  \
    X(JUMP_LT_I) /* + jump if (a op (int16) b) == flag */                                       \
    X(JUMP_LE_I)                                                                                \
    X(JUMP_GT_I)                                                                                \
    X(JUMP_GE_I)                                                                                \
    X(JUMP_EQ_I)                                                                                \
    X(JUMP_NE_I)                                                                                \
    X(JUMP_CMP)      /* + jump if (a op b) == flag; c: the operator */                          \
    X(ITER)          /* a, a + 1 = loop over b; flag: enum iter_use; c: the call's function */  \
    X(FOR)           /* b = next of a, + jump; goes on when exhausted */                        \
    X(UNPACK)        /* a .. a + c = the elements of b */                                       \
    X(UNPACK_REST)   /* a .. a + c, list, + word u more = the elements of b */                  \
    X(LIST)          /* a = [b .. b + c] */                                                     \
    X(TUPLE)         /* a = (b .. b + c) */                                                     \
    X(SET)           /* a = {b .. b + c} */                                                     \
    X(DICT)          /* a = {b: b + 1, ...}, c pairs */                                         \
    X(LIST_ADD)      /* append b .. b + c to list a */                                          \
    X(LIST_TUPLE)    /* a = tuple of list b */                                                  \
    X(SET_ADD)       /* add b .. b + c to set a */                                              \
    X(DICT_ADD)      /* dict a: b: b + 1, ..., c pairs */                                       \
    X(DICT_UPDATE)   /* dict a: ** b */                                                         \
    X(DICT_MERGE)    /* dict a of keyword arguments for function c: ** b */                     \
    X(FUNCTION)      /* a = closure; b: first default, c: how many; + word u: code */           \
    X(GENERATOR)     /* a = generator over the loop in b, b + 1; + word u: code */              \
    X(CALL)          /* a = b(b + 1 .. b + 1 + c) */                                            \
    X(CALL_NAMED)    /* the same; + word u: constant, tuple of names of the last arguments */   \
    X(METHOD)        /* a, a + 1 = method named c of b and its self, if native; + cache */      \
    X(CALL_METHOD)   /* a = b, b + 1 of METHOD, called with c arguments from b + 2;             \
                        + word u: names constant + 1, or 0 */                                   \
    X(CALL_STAR)     /* a = b(*list b + 1, **dict b + 2, if flag) */                            \
    X(RETURN)        /* a */                                                                    \
    X(YIELD)         /* a */                                                                    \
    X(RAISE)         /* a; flag 1: from b */                                                    \
    X(RAISE_AGAIN)   /* bare raise */                                                           \
    X(FAIL)          /* AssertionError; flag 1: of a */                                         \
    X(HANDLING)      /* the exception in a is being handled; a NO_REG: the caller's */          \
    X(HANDLED)       /* a = the exception being handled, or unbound */                          \
    X(MATCH)         /* + jump unless exception a matches b */                                  \
    X(RETHROW)       /* the exception in a goes on */                                           \
    X(END_FINALLY)   /* a: enum continuation; the exception in a + 1 goes on if it is THROWN */ \
    X(JUMP_CONT)     /* + jump unless the continuation in a is c */                             \
    X(FORMAT)        /* a = format(b, c); flag: conversion; c NO_REG: no specification */       \
    X(STRING)        /* a = b .. b + c joined */                                                \
    X(IMPORT)        /* a = module named by constant u */                                       \
    X(IMPORT_FROM)   /* a = name c of module b */                                               \
    X(LOAD_NAME)     /* a = b, or undefined of name c */                                        \
    X(LOAD_CELL)     /* a = content of the cell in b; flag: or undefined of name c */           \
    X(LOAD_FREE)     /* a = content of captured cell b; the same */                             \
    X(LOOKUP)        /* a = b.name c, or item c, or undefined; flag: LOOKUP_ASKS or a hint */   \
    X(LOOKUP_ITEM)   /* a = b[c], or attribute c, or undefined */                               \
    X(LOOKUP_METHOD) /* as METHOD, of a template; + cache */                                    \
    X(CALL_FILTER)   /* a = filter of b with c arguments behind it; flag 1: test, 2: list b + 1 \
                        and dict b + 2; + word: names constant + 1 in b, row in c */            \
    X(EMIT)          /* a is written; flag 1: escaped, 2: if the context escapes */             \
    X(EMIT_TEXT)     /* constant u is written */                                                \
    X(LOOP_NEXT)     /* b = next of loop a, + jump; goes on when exhausted */                   \
    X(JUMP_BOUND)    /* J if a is bound */                                                      \
    X(TEMPLATE)      /* flag: enum template_step */                                             \
    X(WORD)          /* operands of the instruction before */

enum op {
#define X(name) OP_##name,
    VM_OPS(X)
#undef X
        OP_COUNT
};

enum { NO_REG = 0xffff, VM_MAX_REGS = 60000, VM_MAX_NAMES = 60000 };

struct instr {
    uint8_t op, flag;
    uint16_t a;
    union {
        struct {
            uint16_t b, c;
        };
        int32_t s;
        uint32_t u;
    };
};
_Static_assert(sizeof(struct instr) == 8, "an instruction is 8 bytes");

/* A dict has a method of the name; else the flag is where the name stood in the last dict. */
enum { LOOKUP_ASKS = 255 };
enum unbound_kind { UNBOUND_LOCAL, UNBOUND_FREE, UNBOUND_GLOBAL };
enum iter_use { ITER_LOOP, ITER_STAR_ARGS, ITER_STAR_ITEMS };
/* In the first register of a try with finally: what happens after the finally block. From
 * CONT_FIRST_EXIT on: return, break, continue. */
enum continuation { CONT_NEXT, CONT_THROWN, CONT_FIRST_EXIT };

/* An exception raised at [from, to) continues at target with the exception in reg; innermost
 * first. handling: the register of the exception that an enclosing handler handles, or NO_REG. */
struct handler {
    uint32_t from, to, target;
    uint16_t reg, handling;
};

/* The cell that a closure takes when it is made. */
struct capture {
    bool from_register; /* of the making frame; else one of its own captured cells */
    uint16_t index;
};

struct param {
    str name;
    bool has_default;
};

struct span {
    uint32_t offset, length;    /* of the source text: what a caret underlines */
    uint32_t mark, mark_length; /* the operator within it; 0: none */
};

/* Instructions of a comprehension, which tracebacks show as a function of its own. */
struct comprehension_range {
    uint32_t from, to;
    uint32_t offset, length; /* of the whole comprehension */
    uint32_t name;           /* constant: "<listcomp>" */
};

struct template_info;

struct code {
    struct vm_code *file;
    str name, qualname;
    pos at; /* of the name in its def */
    struct instr *ops;
    struct span *spans; /* one for each instruction */
    uint32_t op_count;
    val *consts;
    uint32_t const_count;
    str *names;
    struct handler *handlers;
    uint32_t handler_count;
    struct comprehension_range *comprehensions; /* innermost first */
    uint32_t comprehension_count;
    struct code **children;
    struct capture *captures;
    uint32_t capture_count;
    /* Registers: parameters (positional, *args, keyword-only, **kwargs), locals, temporaries. */
    struct param *params; /* positional, then keyword-only */
    uint16_t positional, positional_only, keyword_only;
    bool var_args, var_keywords;
    bool simple;                 /* positional parameters alone */
    bool template;               /* register 0 is the context */
    struct template_info *macro; /* of a macro: how its call is bound */
    uint16_t locals, regs;
};

/* A compiled file: its code and the variables of its top level. */
struct vm_code {
    struct vm *vm;
    struct vm_code *next; /* all files of a vm */
    struct arena arena;   /* tree, scopes and code */
    uint32_t source;
    bool is_expr;
    struct code *main;
    struct map slots; /* name -> slot + 1 */
    val *globals;
    str *global_names;
    uint32_t global_count, global_cap;
    val names; /* after vm_run_module: the dict of its names; V_UNBOUND before */
    struct err_list warnings;
    VEC(struct code *) codes; /* all of them, for the collector */
};

struct cell_obj {
    struct obj h;
    val value;
};

struct func_obj {
    struct obj h;
    struct code *code;
    uint32_t cell_count, default_count;
    val attrs;        /* V_UNBOUND, or a dict */
    struct obj *at[]; /* cells; behind them the defaults, each a val */
};
static inline struct cell_obj *func_cell(struct func_obj *f, uint32_t i)
{
    return (struct cell_obj *)f->at[i];
}
static inline val *func_defaults(struct func_obj *f)
{
    return (val *)(f->at + ((f->cell_count + 1) & ~1u));
}

enum gen_state { GEN_READY, GEN_RUNNING, GEN_DONE };
struct gen_obj {
    struct obj h;
    struct func_obj *func;
    struct code *code;
    const struct instr *pc;
    enum gen_state state;
    val regs[];
};

#endif
