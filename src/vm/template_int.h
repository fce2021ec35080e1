/* template: Jinja2 on the machine: contexts, blocks, loops, undefined values, and where output
 * goes. A template's root, blocks, macros and recursive loops are functions of the machine; what
 * they do beyond expressions are a few instructions (OP_EMIT ... OP_TEMPLATE) that call this.
 * Behaves as Jinja2 3.1.2; where that means a quirk, the comment names it. */
#ifndef VM_TEMPLATE_INT_H
#define VM_TEMPLATE_INT_H
#include "template/loader.h"
#include "vm/machine_int.h"
#include "vm/render.h"

enum {
    RENDER_INSTRUCTIONS = 100000000,
    RENDER_DEPTH = 400,
    RENDER_OUTPUT_MAX = 32 << 20, /* bytes that one render may write, captured text included */
    TEMPLATE_MAX_CHAIN = 100,     /* templates that one lookup of a list may name */
};

/* OP_TEMPLATE: the operands of each. */
#define TEMPLATE_STEPS(X)                                                                         \
    X(RESOLVE)      /* a = name c of context b, or unbound */                                     \
    X(PUSH)         /* output goes to a new text */                                               \
    X(POP)          /* a = that text; c: enum markup_when */                                      \
    X(SELF)         /* a = the template's blocks by name, of the context in b */                  \
    X(SUPER)        /* a = the block below function b's, of name constant c; context in reg 0 */  \
    X(EXPORT)       /* context a: name c = b */                                                   \
    X(UNEXPORT)     /* context a: name c is not exported */                                       \
    X(LOCAL)        /* dict a: name c = b, where b is bound */                                    \
    X(BLOCK)        /* a = function of block name c; a + 1 = context b */                         \
    X(SCOPED)       /* the same; a + 1 = context b with the locals in dict a */                   \
    X(REQUIRED)     /* raise unless block name c of context b has an heir */                      \
    X(EXTENDS)      /* a = root of the template named b; its blocks join those of reg 0 */        \
    X(TWICE)        /* raise: extended a second time */                                           \
    X(INCLUDE)      /* a, a + 1 = root and context of template a, locals a + 1; None: missing */  \
    X(IMPORT)       /* a = module, or None: then a + 1, a + 2 as INCLUDE has it, from the same */ \
    X(MODULE)       /* a = module of context a + 2, whose text is b; kept where c is 0 */         \
    X(BODY)         /* a = the text of module a */                                                \
    X(MEMBER)       /* a = name c of module b, or unbound */                                      \
    X(NOT_EXPORTED) /* a = undefined: module b exports no name c; + word: its line */             \
    X(SPACE)        /* raise unless a is a namespace */                                           \
    X(SET_SPACE)    /* namespace a: name c = b */                                                 \
    X(LOOP)         /* a = loop over a; c 1: recursive with function b and depth b + 1;           \
                       c 2: the iterable is a list that stands for a generator */                 \
    X(NO_ELSE)      /* a = undefined of an if without else, constant c says where */              \
    X(NO_FILTER)    /* raise: no filter of name c */                                              \
    X(NO_TEST)      /* raise: no test of name c */                                                \
    X(GET_ESCAPE)   /* a = does the context in reg 0 escape? */                                   \
    X(SET_ESCAPE)   /* the context in reg 0 escapes if a */                                       \
    X(PARAMETER)    /* a = undefined: parameter name c was not given, where a is unbound */       \
    X(SLICE)        /* a = b[slice c], which of markup is markup */                               \
    X(MARKUP)       /* a = a as markup where the context in reg 0 escapes */                      \
    X(CONCAT)       /* a = b .. b + c as one text */                                              \
    X(CONCAT_ESCAPED)

enum template_step {
#define X(name) STEP_##name,
    TEMPLATE_STEPS(X)
#undef X
};

enum markup_when { MARKUP_NEVER, MARKUP_ALWAYS, MARKUP_CONTEXT, MARKUP_CALLER };

struct template_info { /* of a macro's code */
    str name;
    str *names;
    uint32_t n;
    bool caller, explicit_caller, kwargs, varargs; /* what its body names */
    bool anonymous;                                /* a call block */
};
enum {
    MACRO_CONTEXT, /* registers of a macro's function: context, */
    MACRO_ESCAPE,  /* did the calling context escape?, */
    MACRO_FIRST,   /* its parameters, caller, kwargs, varargs */
};

struct template_block {
    str name;
    struct code *code;
    val function;
};

/* A compiled template. */
struct compiled {
    struct compiled *next;
    str name; /* how it was asked for */
    struct vm_code *file;
    struct template_stamp stamp;
    bool stale, from_text;
    uint64_t seen;    /* the render in which its file was looked at */
    val root, module; /* functions; the module of an import without context, or unbound */
    struct template_block *blocks;
    uint32_t block_count;
};

/* Of a vm that renders; vm->templates. */
struct templates {
    struct vm *vm;
    struct render_options options;
    struct loader *loader;
    struct compiled *all;
    struct buf *out;   /* the one that is written to */
    struct buf **outs; /* innermost last; kept for reuse */
    uint32_t out_count, out_cap;
    size_t written;
    uint64_t render; /* counts them */
};
static inline struct templates *templates_of(struct heap *h)
{
    return vm_of(h)->templates;
}

/* ---- render.c ---- */
/* The compiled template of that name, checked against its file. *ret NULL: there is none. */
bool template_get(struct templates *t, str name, struct compiled **ret) must_use;

struct template_tree;
/* ---- template_compile.c ---- */
/* Fills c's code; its file is made. */
bool template_compile_tree(struct templates *t, struct compiled *c,
                           const struct template_tree *tree, struct err_list *errors) must_use;

/* ---- template_step.c ---- */
bool template_step(struct vm *vm, const struct instr *pc) must_use;
bool template_push(struct templates *t) must_use;
bool template_pop(struct templates *t, bool markup, val *ret) must_use;
bool template_emit(struct vm *vm, val v, int escape) must_use;
bool template_emit_text(struct vm *vm, str text) must_use;
/* LOOP_NEXT: *ret is unbound at the end. */
bool template_loop_next(struct vm *vm, val loop, val *ret) must_use;
bool template_bind(struct vm *vm, struct func_obj *fn, const struct call_args *args,
                   val *regs) must_use;
/* CALL_FILTER: flag of pc: 0 filter, 1 test, plus 2: list and dict of arguments. */
bool template_filter(struct vm *vm, const struct instr *pc, val *regs, val *ret) must_use;
void template_mark(struct templates *t, struct heap *h);

/* ---- template_lookup.c ---- */
/* Jinja2's getattr and getitem: an attribute, else an item, else undefined; or the other way. */
bool template_attr(struct heap *h, val v, str name, val *ret) must_use;
bool template_item(struct heap *h, val v, val key, val *ret) must_use;
/* The attribute alone; V_UNBOUND in ret: there is none. */
bool template_find_attr(struct heap *h, val v, str name, val *ret) must_use;
bool template_method(struct vm *vm, struct instr *site, val v, str name, val *at) must_use;

/* ---- template_undefined.c ---- */
bool undefined_name(struct heap *h, str name, val *ret) must_use;
bool undefined_of(struct heap *h, val object, val name, val *ret) must_use;
/* A message of its own; `name` may be empty. */
bool undefined_hint(struct heap *h, str hint, val *ret) must_use;
/* Lenient in every mode. */
bool undefined_lenient(struct heap *h, str hint, val *ret) must_use;
bool val_is_undefined(val v);
bool undefined_is_chainable(val v);
/* Raises what using it would raise; false. */
bool undefined_raise(struct heap *h, val v);
extern const struct type_info exc_TemplateRuntimeError, exc_UndefinedError, exc_TemplateNotFound,
    exc_TemplatesNotFound, exc_FilterArgumentError, exc_TemplateSyntaxError;
/* "TypeError: text", or of Jinja2's own errors the text alone. */
bool template_error_is_plain(const struct type_info *t);

/* ---- template_context.c ---- */
struct context {
    struct object o;
    struct compiled *template;
    val parent;   /* dict: what was given */
    val vars;     /* dict: top-level names, or unbound */
    val exported; /* dict of names, or unbound */
    val blocks;   /* dict: name -> list of functions, or unbound */
    bool escape;
};
extern const struct obj_class context_class, module_class;
static inline struct context *context_of(val v)
{
    return (struct context *)v.object;
}
bool context_new(struct heap *h, struct compiled *template, val parent, val *ret) must_use;
/* V_UNBOUND in ret: no such name. */
bool context_resolve(struct heap *h, val context, str name, val *ret) must_use;
bool context_set(struct heap *h, val context, str name, val v, bool exports) must_use;
void context_unexport(struct heap *h, val context, str name);
/* One dict of all names; locals (a dict, or unbound) win. */
bool context_all(struct heap *h, val context, val locals, val *ret) must_use;
bool context_derive(struct heap *h, val context, val locals, val *ret) must_use;
bool context_add_blocks(struct heap *h, val context, const struct compiled *c) must_use;
bool context_blocks(struct heap *h, val context, str name, val *ret) must_use;
bool module_new(struct heap *h, val context, val body, val *ret) must_use;
val module_body(val module);
str module_name(val module);
bool module_member(struct heap *h, val module, str name, val *ret) must_use;
/* The context of the running template function. */
val context_running(struct vm *vm);
bool context_escapes(struct vm *vm);

/* ---- template_objects.c ---- */
bool loop_new(struct heap *h, val iterable, bool sized, val recurse, val context, int64_t depth,
              val *ret) must_use;
bool template_self(struct heap *h, val context, val *ret) must_use;
bool template_super(struct heap *h, val context, val function, str name, val *ret) must_use;
bool namespace_set(struct heap *h, val space, str name, val v) must_use;
bool val_is_namespace(val v);
/* A global by its name: range, dict, namespace, cycler, joiner; false: there is none. */
bool template_global(str name, val *ret);

/* ---- markup.c ---- */
static inline bool val_is_markup(val v)
{
    return v.kind == V_STR && (v.o->flags & OBJ_MARKUP);
}
bool markup_of(struct heap *h, val text, val *ret) must_use;
bool markup_from(struct heap *h, str text, val *ret) must_use;
void markup_add_escaped(struct buf *b, str text);
/* escape(v): markup stays as it is. */
bool markup_escape(struct heap *h, val v, val *ret) must_use;
/* soft_str: a str (or markup) of v. */
bool markup_soft(struct heap *h, val v, val *ret) must_use;
bool markup_binary(struct heap *h, int op, val a, val b, bool *ret_done, val *ret) must_use;
bool markup_method(struct heap *h, val self, const struct native_def *def, val *ret) must_use;
/* What markup has beside the methods of str; NULL: none of that name. */
const struct native_def *markup_own_method(str name);

/* ---- filters_*.c, tests.c ---- */
/* The row's number, or -1. */
int template_find_filter(str name);
int template_find_test(str name);
/* The nearest name that there is, for "did you mean"; NULL where none is near. */
const char *template_near_name(bool test, str name);
const struct native_def *template_row(bool test, uint32_t row);

#endif
