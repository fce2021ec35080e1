#include "template/parse.h"
#include "vm/template_int.h"
#include "vm/template_uses_int.h"

struct walk {
    struct arena *arena;
    struct template_uses *uses;
    struct template_names assigned, again; /* once, and more than once */
    uint32_t block;                        /* the present one: index + 1, or 0 */
    struct name_visitor visitor;
};

bool template_names_has(const struct template_names *n, str name)
{
    for (uint32_t i = 0; i < n->n; i++)
        if (str_eq(n->at[i].name, name))
            return true;
    return false;
}

static void push(struct walk *w, struct template_names *n, str name, pos at)
{
    if (n->n == n->cap) {
        uint32_t cap = n->cap ? n->cap * 2 : 16;
        struct template_name *grown = arena_array(w->arena, struct template_name, cap);
        if (n->n)
            memcpy(grown, n->at, n->n * sizeof *grown);
        n->at = grown;
        n->cap = cap;
    }
    n->at[n->n++] = (struct template_name){arena_str(w->arena, name), at, w->block};
}

static void add(struct walk *w, struct template_names *n, str name)
{
    if (!template_names_has(n, name))
        push(w, n, name, POS_NONE);
}

static bool is_of_the_language(str name)
{
    static const char *const names[] = {"loop", "self", "super", "caller", "varargs", "kwargs"};
    val ignored;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i]))
            return true;
    return template_global(name, &ignored);
}

static void add_load(struct walk *w, str name, pos at)
{
    struct template_names *n = &w->uses->loads;
    if (w->block && str_is(name, "super"))
        w->uses->blocks[w->block - 1].super = true;
    if (is_of_the_language(name))
        return;
    for (uint32_t i = 0; i < n->n; i++)
        if (n->at[i].block == w->block && str_eq(n->at[i].name, name))
            return;
    push(w, n, name, at);
}

static void assign(struct walk *w, str name)
{
    add(w, template_names_has(&w->assigned, name) ? &w->again : &w->assigned, name);
    add(w, &w->uses->known, name);
}

static void note_name(void *data, str name, enum name_use use)
{
    struct walk *w = data;
    if (use == NAME_STORE)
        assign(w, name);
}

/* x is defined, x | default(...) */
static bool asks_for_it(const struct expr *e)
{
    bool test = e->kind == EXPR_TEST &&
                (str_is(e->filter.name, "defined") || str_is(e->filter.name, "undefined"));
    bool filter = e->kind == EXPR_FILTER &&
                  (str_is(e->filter.name, "default") || str_is(e->filter.name, "d"));
    return (test || filter) && e->filter.target && e->filter.target->kind == EXPR_NAME;
}

static bool enter(void *data, const struct expr *e)
{
    struct walk *w = data;
    if (asks_for_it(e))
        add(w, &w->uses->known, e->filter.target->s);
    else if (e->kind == EXPR_NAME)
        add_load(w, e->s, e->at);
    return true;
}

static void load(void *data, const struct node *n)
{
    struct walk *w = data;
    if (n->load.as.n)
        assign(w, n->load.as);
    for (uint32_t i = 0; n->kind == NODE_FROM && i < n->load.name_count; i++) {
        const struct import_name *name = &n->load.names[i];
        assign(w, name->as.n ? name->as : name->name);
    }
}

static void add_macros(struct walk *w, const struct nodes *body)
{
    const struct nodes *below[4];
    for (uint32_t i = 0; i < body->n; i++) {
        const struct node *n = body->at[i];
        if (n->kind == NODE_MACRO)
            assign(w, n->macro.name);
        uint32_t count = node_bodies(n, below);
        for (uint32_t b = 0; b < count; b++)
            add_macros(w, below[b]);
    }
}

static void visit_block(struct walk *w, const struct node *n);

static void visit_blocks(struct walk *w, const struct nodes *body)
{
    const struct nodes *below[4];
    for (uint32_t i = 0; i < body->n; i++) {
        uint32_t count = node_bodies(body->at[i], below);
        if (body->at[i]->kind == NODE_BLOCK)
            visit_block(w, body->at[i]);
        else
            for (uint32_t b = 0; b < count; b++)
                visit_blocks(w, below[b]);
    }
}

static void visit_block(struct walk *w, const struct node *n)
{
    uint32_t outer = w->block;
    w->uses->blocks[w->uses->block_count++] =
        (struct template_part){.name = arena_str(w->arena, n->block.name), .outer = outer};
    w->block = w->uses->block_count;
    visit_nodes(&w->visitor, &n->block.body);
    visit_blocks(w, &n->block.body);
    w->block = outer;
}

/* What stands outside of blocks; output behind an extends is dropped. */
static void visit_root(struct walk *w, const struct nodes *body)
{
    bool extended = false;
    for (uint32_t i = 0; i < body->n; i++) {
        if (!extended || body->at[i]->kind != NODE_OUTPUT)
            visit_node(&w->visitor, body->at[i]);
        extended = extended || body->at[i]->kind == NODE_EXTENDS;
    }
}

bool template_uses_read(struct sources *s, uint32_t source, size_t from, struct arena *a,
                        struct template_uses *ret, struct err *err)
{
    struct template_tree tree;
    *ret = (struct template_uses){0};
    struct walk w = {.arena = a, .uses = ret};

    w.visitor = (struct name_visitor){&w, note_name, true, enter, load};
    if (!template_parse(s, source, from, a, &tree, err))
        return false;
    add_macros(&w, &tree.body);
    ret->blocks = arena_array(a, struct template_part, tree.block_count);
    visit_root(&w, &tree.body);
    visit_blocks(&w, &tree.body);
    template_others(a, &tree.body, &w.again, &ret->others);
    return true;
}
