/* Which variable each name of a template means: Jinja2's rules, which bind a name where a frame
 * begins. A frame's symbols say for each name where it lives and how it gets its first value. */
#ifndef VM_TEMPLATE_SCOPE_INT_H
#define VM_TEMPLATE_SCOPE_INT_H
#include "template/parse.h"
#include "vm/compile_int.h"

enum load_kind {
    LOAD_NONE,
    LOAD_PARAMETER, /* by a loop, a call, a with */
    LOAD_RESOLVE,   /* from the context */
    LOAD_ALIAS,     /* from the variable of an outer frame */
    LOAD_UNDEFINED,
};

struct template_fn;
struct variable {
    str name;
    struct template_fn *fn;
    reg reg;   /* holds a cell where `cell` */
    bool cell; /* a nested function may use it */
    bool live; /* has a register */
};

struct name_entry {
    str name;
    struct variable *ref;
    enum load_kind load;
    struct variable *outer; /* LOAD_ALIAS */
    bool stored;
};

struct symbols {
    struct symbols *parent;
    struct symbols *base; /* of a branch: what it changes stands here, the rest there */
    struct template_fn *fn;
    struct arena *arena;
    struct name_entry *at;
    uint32_t n, cap;
    uint32_t *index; /* entry + 1 by the name's pointer */
    uint32_t mask;
};

struct symbols *symbols_new(struct arena *a, struct template_fn *fn, struct symbols *parent);
/* NULL where no frame knows it. */
struct variable *symbols_find(const struct symbols *s, str name);
enum load_kind symbols_load_kind(const struct symbols *s, const struct variable *v);
void symbols_parameter(struct symbols *s, str name);
void symbols_store(struct symbols *s, str name);
void symbols_load(struct symbols *s, str name);
bool symbols_stored(const struct symbols *s, str name);

/* ---- what Jinja2 looks at when a frame of this kind begins ---- */
void analyze_nodes(struct symbols *s, const struct nodes *body);
void analyze_expr(struct symbols *s, const struct expr *e);
void analyze_target(struct symbols *s, const struct expr *e, bool parameter);

/* ---- names anywhere ---- */
enum name_use { NAME_LOAD, NAME_STORE };
struct name_visitor {
    void *data;
    void (*name)(void *data, str name, enum name_use use);
    bool skip_blocks;
    /* Asked before each expression; false: it is passed over. NULL: none is. */
    bool (*enter)(void *data, const struct expr *e);
    /* An extends, include or import; NULL: not told. */
    void (*load)(void *data, const struct node *n);
};
void visit_expr(const struct name_visitor *v, const struct expr *e);
void visit_target(const struct name_visitor *v, const struct expr *e);
void visit_nodes(const struct name_visitor *v, const struct nodes *body);
void visit_node(const struct name_visitor *v, const struct node *n);
/* The bodies below a statement, for walks: fills at most 3. */
uint32_t node_bodies(const struct node *n, const struct nodes *ret[4]);
/* Which of the tree's words are used before anything of that name is assigned, in order of the
 * text: a bit for each, 1 << WORD_SELF ... */
unsigned uses_undeclared(const struct nodes *body, const str *words);
static inline bool has_word(unsigned used, int word)
{
    return used >> word & 1;
}

#endif
