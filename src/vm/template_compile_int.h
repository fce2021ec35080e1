/* The compiler of templates: statements to bytecode, around the expressions that both languages
 * share. One struct template_fn for each function: a template's root, its blocks, macros, call
 * blocks, and the bodies of recursive loops. */
#ifndef VM_TEMPLATE_COMPILE_INT_H
#define VM_TEMPLATE_COMPILE_INT_H
#include "vm/template_int.h"
#include "vm/template_scope_int.h"

/* What Jinja2's compiler calls a frame: the names of a statement's body, and where it stands. */
struct template_frame {
    struct symbols *symbols;
    bool toplevel; /* of the root, also inside of an if: assignments are exported */
    bool root;     /* toplevel and not inside of an if */
    bool checks;   /* output is dropped once the template has a parent */
};

struct template_unit {
    struct unit u;
    struct templates *templates;
    struct compiled *compiled;
    const struct template_tree *tree;
    struct arena *scratch;
    bool escape, volatile_; /* autoescape as the text says; volatile: known at run time only */
    bool extends_known;     /* an extends at the top level has been passed */
    uint32_t extends;       /* how many so far */
    struct map block_names;
};

struct template_fn {
    struct fn f;
    struct template_unit *unit;
    struct template_fn *outer;
    struct template_frame *frame; /* the present one */
    struct scope scope;
    struct map captured;             /* names that nested functions mention */
    bool has_nested, all_captured;   /* all: a nested function hands its locals on */
    VEC(struct variable *) captures; /* behind the context, which is the first */
    reg context;
    struct variable *parent; /* the template that this one extends; NULL: it extends none */
    bool in_defaults;        /* of a macro's parameters: later ones may be unbound */
    reg filtered;            /* what a filter without target applies to */
    pos anchor;              /* of the statement: errors name its line, as Jinja2's do */
    uint32_t open_captures;  /* texts of set and filter blocks around, begun and not ended */
    uint32_t loop_captures;  /* of these, begun outside of the innermost loop */
};

/* ---- template_compile.c ---- */
void template_fn_begin(struct template_fn *t, struct template_unit *u, struct template_fn *outer,
                       str name, pos at);
struct code *template_fn_finish(struct template_fn *t);
/* Emits OP_TEMPLATE. */
void emit_step(struct fn *f, enum template_step step, unsigned a, unsigned b, unsigned c);
/* Errors of what follows name the place, or the anchor where that is on another line. */
void template_at(struct template_fn *t, pos at);
void template_anchor(struct template_fn *t, pos at);
/* closure of a finished function */
void emit_closure(struct template_fn *t, struct code *code, reg dest);

/* ---- template_variables.c ---- */
/* Gives the variables of a frame registers and first values. */
void template_enter(struct template_fn *t, struct symbols *s);
void template_leave(struct template_fn *t, struct symbols *s);
void variable_read(struct template_fn *t, struct variable *v, reg dest, bool or_undefined);
void variable_write(struct template_fn *t, struct variable *v, reg from);
/* Notes which names nested functions mention; before the body's first frame is entered. */
void collect_captured(struct template_fn *t, const struct nodes *body);
/* A dict of all that the frames have assigned, in a new register. */
reg template_locals(struct template_fn *t);
void template_assign(struct template_fn *t, const struct expr *target, reg from);
/* Gives what was assigned to importers and includes. */
void template_export(struct template_fn *t, const struct expr *target);
/* A namespace is asked for before the value is computed. */
void template_check_space(struct template_fn *t, const struct expr *target);

/* ---- template_stmt.c ---- */
/* False: what follows in the same body is never reached. */
bool template_body(struct template_fn *t, const struct nodes *body);

/* ---- template_loop.c, template_macro.c, template_import.c ---- */
void compile_for(struct template_fn *t, const struct node *n);
void compile_macro(struct template_fn *t, const struct node *n);
void compile_call_block(struct template_fn *t, const struct node *n);
void compile_block_tag(struct template_fn *t, const struct node *n);
/* False: what follows in the same body is never reached. */
bool compile_extends(struct template_fn *t, const struct node *n);
void compile_include(struct template_fn *t, const struct node *n);
void compile_import(struct template_fn *t, const struct node *n);

/* ---- template_const.c ---- */
bool template_is_const(const struct expr *e);

/* ---- template_expr.c ---- */
void compile_filter_on(struct template_fn *t, const struct expr *e, reg text, reg dest);
/* Calls with `caller` among the named arguments. */
void compile_call_with(struct template_fn *t, const struct expr *e, reg caller, reg dest);

static inline struct template_fn *template_of(struct fn *f)
{
    return (struct template_fn *)f; /* f stands first */
}

#endif
