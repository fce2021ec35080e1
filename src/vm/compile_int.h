/* compile: the syntax tree of a file to bytecode. One struct fn for each function while it is
 * made; registers below `locals` are variables, above them temporaries, used as a stack. */
#ifndef VM_COMPILE_INT_H
#define VM_COMPILE_INT_H
#include "vm/scope_int.h"

typedef uint16_t reg;

enum { ASSIGNED_WORDS = 16 };
/* Variables that certainly have a value here; only the first thousand of a frame are followed. */
struct assigned {
    uint64_t bits[ASSIGNED_WORDS];
};

struct jumps {
    VEC(uint32_t) at;
};

enum block_kind { BLOCK_LOOP, BLOCK_HANDLER, BLOCK_TRY_FINALLY, BLOCK_FINALLY };

enum exit_kind { EXIT_RETURN, EXIT_BREAK, EXIT_CONTINUE };

struct flow_block {
    enum block_kind kind;
    struct flow_block *outer;
    struct jumps *breaks, *continues; /* LOOP */
    str name;                         /* HANDLER: to unbind; may be empty */
    reg handling;                     /* HANDLER, FINALLY: what is handled outside of it */
    reg cont;                         /* TRY_FINALLY: continuation, value, handled */
    struct jumps *entries;            /* TRY_FINALLY: jumps into the finally block */
    bool exits[3];                    /* TRY_FINALLY: by enum exit_kind: which occur */
};

struct fn {
    struct unit *unit;
    struct fn *outer;
    struct scope *scope; /* the present one: comprehensions change it */
    struct code *code;
    VEC(struct instr) ops;
    VEC(struct span) spans;
    VEC(val) consts;
    VEC(str) names;
    VEC(struct handler) handlers;
    VEC(struct code *) children;
    VEC(struct comprehension_range) comprehensions;
    struct map const_index, name_index, keywords;
    uint32_t top, most; /* registers in use, and at most */
    uint16_t symbols;
    struct assigned assigned;
    struct flow_block *blocks;
    reg handling; /* of the enclosing handler, or NO_REG */
    struct span span;
    bool too_complex;
    bool template; /* of a template: a struct template_fn begins here */
};

/* ---- emit.c ---- */
void fn_init(struct fn *f, struct unit *u, struct fn *outer, struct scope *s);
/* Moves the code out; f is done afterwards. */
struct code *fn_finish(struct fn *f);
static inline void fn_at(struct fn *f, pos at)
{
    f->span = (struct span){at.offset, at.length, 0, 0};
}
static inline void fn_at_op(struct fn *f, pos at, pos op)
{
    f->span = (struct span){at.offset, at.length, op.offset, op.length};
}
uint32_t emit(struct fn *f, enum op op, int flag, unsigned a, unsigned b, unsigned c);
uint32_t emit_u(struct fn *f, enum op op, int flag, unsigned a, uint32_t u);
static inline uint32_t fn_here(const struct fn *f)
{
    return (uint32_t)f->ops.n;
}
/* A jump to patch. */
uint32_t emit_jump(struct fn *f, enum op op, int flag, unsigned a);
void emit_jump_to(struct fn *f, enum op op, int flag, unsigned a, uint32_t target);
void patch_here(struct fn *f, uint32_t jump);
void jumps_add(struct jumps *j, uint32_t jump);
/* Patches all to the present place (or to target) and empties the list. */
void jumps_here(struct fn *f, struct jumps *j);
void jumps_to(struct fn *f, struct jumps *j, uint32_t target);

reg fn_temps(struct fn *f, uint32_t n);
static inline reg fn_temp(struct fn *f)
{
    return fn_temps(f, 1);
}
static inline bool fn_is_temp(const struct fn *f, reg r)
{
    return r >= f->code->locals;
}
uint32_t fn_const(struct fn *f, val v);
uint32_t fn_const_str(struct fn *f, str s);
/* A long text that no other constant is likely to be: it is not looked for among them. */
uint32_t fn_const_text(struct fn *f, str s);
uint32_t fn_name(struct fn *f, str name);
void fn_load_const(struct fn *f, reg dest, val v);

static inline bool assigned_has(const struct fn *f, const struct symbol *s)
{
    return s->index < ASSIGNED_WORDS * 64 && (f->assigned.bits[s->index / 64] >> s->index % 64 & 1);
}
void assigned_add(struct fn *f, const struct symbol *s);
void assigned_remove(struct fn *f, const struct symbol *s);
void assigned_meet(struct assigned *a, const struct assigned *b);
void assigned_join(struct assigned *a, const struct assigned *b);
/* Of code that is never reached: everything. */
void assigned_all(struct fn *f);

/* ---- names.c ---- */
/* Gives the variables of a scope their registers; cells are made. */
void name_declare(struct fn *f, struct scope *s);
void name_load(struct fn *f, str name, pos at, reg dest);
/* The register of a local variable that has a value, or NO_REG: then name_load. */
reg name_register(struct fn *f, str name, pos at);
/* The register to compute a new value of the variable in, or NO_REG: then name_store. */
reg name_target(struct fn *f, str name);
void name_assigned(struct fn *f, str name); /* after writing to name_target's register */
void name_store(struct fn *f, str name, reg from);
void name_delete(struct fn *f, str name, pos at);
void name_unbind(struct fn *f, str name); /* without a check */

/* ---- expressions ---- */
void expr_to(struct fn *f, const struct expr *e, reg dest);
/* A register that holds the value: a variable's own where nothing can change it before use. */
reg expr_operand(struct fn *f, const struct expr *e);
reg expr_temp(struct fn *f, const struct expr *e);
/* Jumps where truth(e) == sense. */
void expr_jump(struct fn *f, const struct expr *e, bool sense, struct jumps *out);
/* "<listcomp>" */
str comprehension_name(const struct expr *e);
bool expr_constant(struct fn *f, const struct expr *e, val *ret);
/* dest = left op= value of an augmented assignment. */
void expr_augmented(struct fn *f, const struct stmt *s, reg dest, reg left);
void expr_call(struct fn *f, const struct expr *e, reg dest);
void expr_display(struct fn *f, const struct expr *e, reg dest);
void expr_comprehension(struct fn *f, const struct expr *e, reg dest);
void expr_fstring(struct fn *f, const struct expr *e, reg dest);
/* Pieces of calls: names of the named arguments as a tuple; arguments with stars. */
val call_names(struct fn *f, const struct argument *args, uint32_t n, uint32_t *ret_n);
reg call_star_positional(struct fn *f, const struct expr *e, reg base);
/* acc gets every element of the iterable in `from` by add (LIST_ADD or SET_ADD). */
void call_spread(struct fn *f, reg from, pos at, reg acc, enum op add, enum iter_use use,
                 reg callee);
bool call_star_named(struct fn *f, const struct expr *e, reg base);
/* ---- template_expr.c: of a template's expressions ---- */
/* False: it is as in Python. */
bool template_expr(struct fn *f, const struct expr *e, reg dest);
/* The register of a name that certainly has a value. */
bool template_register(struct fn *f, str name, reg *ret);

/* ---- loops: two registers hold the state, the test stands at the end ---- */
struct loop {
    reg at, dest;
    uint32_t enter, body;
    pos iterable;
};
void loop_begin(struct fn *f, const struct expr *iterable, reg at);
/* The body begins, with the target assigned. */
void loop_enter(struct fn *f, struct loop *l, reg at, const struct expr *target,
                const struct expr *iterable);
/* The body ends: here `continue` arrives. */
void loop_next(struct fn *f, const struct loop *l);
void comprehension_variables(struct fn *f, const struct expr *e);
void comprehension_clause(struct fn *f, const struct expr *e, uint32_t i, reg at, reg acc);

/* ---- functions ---- */
void compile_function(struct fn *f, const struct stmt *s, reg dest);
void compile_lambda(struct fn *f, const struct expr *e, reg dest);
struct code *compile_generator(struct fn *f, const struct expr *e);
struct code *compile_module(struct unit *u, const struct module *m);
struct code *compile_expression(struct unit *u, const struct expr *e);

/* ---- statements ---- */
void stmt_block(struct fn *f, const struct block *b);
void stmt_try(struct fn *f, const struct stmt *s);
/* Leaves the blocks around the present place; value: of a return. */
void stmt_exit(struct fn *f, enum exit_kind kind, reg value);
void assign_to(struct fn *f, const struct expr *target, reg from);

#endif
