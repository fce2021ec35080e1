#include "vm/template_scope_int.h"

/* ---- a frame's names ---- */

struct symbols *symbols_new(struct arena *a, struct template_fn *fn, struct symbols *parent)
{
    struct symbols *s = arena_new(a, struct symbols);
    s->parent = parent;
    s->fn = fn;
    s->arena = a;
    return s;
}

static uint32_t slot_of(const struct symbols *s, str name)
{
    uint32_t i = (uint32_t)hash_int((uintptr_t)name.p) & s->mask;
    while (s->index[i] && s->at[s->index[i] - 1].name.p != name.p)
        i = (i + 1) & s->mask;
    return i;
}

static struct name_entry *own_entry(const struct symbols *s, str name)
{
    if (!s->n)
        return NULL;
    uint32_t at = s->index[slot_of(s, name)];
    return at ? &s->at[at - 1] : NULL;
}

static void grow_entries(struct symbols *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : 8;
    struct name_entry *at = arena_array(s->arena, struct name_entry, cap);
    if (s->n)
        memcpy(at, s->at, s->n * sizeof *at);
    s->at = at;
    s->cap = cap;
    s->mask = cap * 2 - 1;
    s->index = arena_array(s->arena, uint32_t, cap * 2);
    for (uint32_t i = 0; i < s->n; i++)
        s->index[slot_of(s, at[i].name)] = i + 1;
}

static const struct name_entry *find_entry(const struct symbols *s, str name)
{
    for (; s; s = s->base) {
        const struct name_entry *e = own_entry(s, name);
        if (e)
            return e;
    }
    return NULL;
}

/* To change: a branch has its own copy. */
static struct name_entry *entry_for(struct symbols *s, str name)
{
    struct name_entry *e = own_entry(s, name);
    if (e)
        return e;
    const struct name_entry *from = find_entry(s, name);
    if (s->n == s->cap)
        grow_entries(s);
    e = &s->at[s->n++];
    *e = from ? *from : (struct name_entry){.name = name};
    s->index[slot_of(s, name)] = s->n;
    return e;
}

struct variable *symbols_find(const struct symbols *s, str name)
{
    for (; s; s = s->parent) {
        const struct name_entry *e = find_entry(s, name);
        if (e && e->ref)
            return e->ref;
    }
    return NULL;
}

bool symbols_stored(const struct symbols *s, str name)
{
    const struct name_entry *e = find_entry(s, name);
    return e && e->stored;
}

enum load_kind symbols_load_kind(const struct symbols *s, const struct variable *v)
{
    for (; s; s = s->parent) {
        const struct name_entry *e = find_entry(s, v->name);
        if (e && e->ref == v)
            return e->load;
    }
    return LOAD_NONE;
}

static void define(struct symbols *s, struct name_entry *e, enum load_kind load,
                   struct variable *outer)
{
    if (!e->ref) {
        e->ref = arena_new(s->arena, struct variable);
        e->ref->name = e->name;
        e->ref->fn = s->fn;
    }
    e->load = load;
    e->outer = outer;
}

void symbols_parameter(struct symbols *s, str name)
{
    struct name_entry *e = entry_for(s, name);
    e->stored = true;
    define(s, e, LOAD_PARAMETER, NULL);
}

void symbols_store(struct symbols *s, str name)
{
    struct name_entry *e = entry_for(s, name);
    e->stored = true;
    if (e->ref)
        return;
    struct variable *outer = symbols_find(s->parent, name);
    define(s, e, outer ? LOAD_ALIAS : LOAD_UNDEFINED, outer);
}

void symbols_load(struct symbols *s, str name)
{
    if (!symbols_find(s, name))
        define(s, entry_for(s, name), LOAD_RESOLVE, NULL);
}

/* ---- branches ---- */

static struct symbols *branch_new(struct symbols *s)
{
    struct symbols *branch = symbols_new(s->arena, s->fn, s->parent);
    branch->base = s;
    return branch;
}

/* What a branch may or may not have set comes from where it would come from without the branch. */
static void merge_branches(struct symbols *s, struct symbols *const branches[3])
{
    struct symbols *set = symbols_new(s->arena, s->fn, NULL); /* names that s has not stored */
    for (int i = 0; i < 3; i++)
        for (uint32_t k = 0; k < branches[i]->n; k++)
            if (branches[i]->at[k].stored && !symbols_stored(s, branches[i]->at[k].name))
                entry_for(set, branches[i]->at[k].name);
    for (int i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < branches[i]->n; k++) {
            const struct name_entry *from = &branches[i]->at[k];
            struct name_entry *to = entry_for(s, from->name);
            bool stored = to->stored || from->stored;
            struct variable *ref = to->ref ? to->ref : from->ref;
            *to = *from;
            to->stored = stored;
            to->ref = ref;
        }
    }
    for (uint32_t k = 0; k < set->n; k++) {
        str name = set->at[k].name;
        bool everywhere = true;
        for (int i = 0; i < 3; i++) {
            const struct name_entry *e = own_entry(branches[i], name);
            everywhere = everywhere && e && e->stored;
        }
        if (everywhere)
            continue;
        struct name_entry *e = entry_for(s, name);
        e->outer = symbols_find(s->parent, name);
        e->load = e->outer ? LOAD_ALIAS : LOAD_RESOLVE;
    }
}

/* Uses of a name in several branches are of one variable, whichever branch was first. */
static void share_variables(struct symbols *branch, struct symbols *const *before, int n)
{
    for (int i = 0; i < n; i++)
        for (uint32_t k = 0; k < before[i]->n; k++) {
            const struct name_entry *from = &before[i]->at[k];
            struct name_entry *e = from->ref ? own_entry(branch, from->name) : NULL;
            if (e && e->ref && e->ref != from->ref)
                e->ref = from->ref;
        }
}

/* ---- frames ---- */

static void load_name(void *data, str name, enum name_use use)
{
    if (use == NAME_LOAD)
        symbols_load(data, name);
    else
        symbols_store(data, name);
}

void analyze_expr(struct symbols *s, const struct expr *e)
{
    struct name_visitor v = {s, load_name, false};
    visit_expr(&v, e);
}

void analyze_target(struct symbols *s, const struct expr *e, bool parameter)
{
    if (e->kind == EXPR_NAME) {
        if (parameter)
            symbols_parameter(s, e->s);
        else
            symbols_store(s, e->s);
    } else if (e->kind == EXPR_TUPLE) {
        for (uint32_t i = 0; i < e->items.n; i++)
            analyze_target(s, e->items.at[i], parameter);
    } else {
        analyze_expr(s, e->attr.target); /* a namespace is read */
    }
}

static void analyze_node(struct symbols *s, const struct node *n);

static void analyze_if(struct symbols *s, const struct node *n)
{
    analyze_expr(s, n->if_.test);
    struct symbols *branches[3] = {branch_new(s), branch_new(s), branch_new(s)};
    const struct nodes *bodies[3] = {&n->if_.body, &n->if_.elifs, &n->if_.otherwise};
    for (int i = 0; i < 3; i++) {
        analyze_nodes(branches[i], bodies[i]);
        share_variables(branches[i], branches, i);
    }
    merge_branches(s, branches);
}

static void analyze_import(struct symbols *s, const struct node *n)
{
    analyze_expr(s, n->load.name);
    if (n->kind == NODE_IMPORT)
        symbols_store(s, n->load.as);
    for (uint32_t i = 0; n->kind == NODE_FROM && i < n->load.name_count; i++) {
        const struct import_name *name = &n->load.names[i];
        symbols_store(s, name->as.n ? name->as : name->name);
    }
}

static void analyze_node(struct symbols *s, const struct node *n)
{
    switch (n->kind) {
    case NODE_OUTPUT:
        for (uint32_t i = 0; i < n->output.n; i++)
            if (n->output.at[i].value)
                analyze_expr(s, n->output.at[i].value);
        break;
    case NODE_FOR:
        analyze_expr(s, n->for_.iterable);
        break;
    case NODE_IF:
        analyze_if(s, n);
        break;
    case NODE_MACRO:
        symbols_store(s, n->macro.name);
        break;
    case NODE_CALL:
        analyze_expr(s, n->macro.call);
        break;
    case NODE_FILTER:
        analyze_expr(s, n->filter.filter);
        break;
    case NODE_WITH:
        for (uint32_t i = 0; i < n->with.n; i++)
            analyze_expr(s, n->with.values[i]);
        break;
    case NODE_SET:
        analyze_expr(s, n->set.value);
        analyze_target(s, n->set.target, false);
        break;
    case NODE_SET_BLOCK:
        analyze_target(s, n->set.target, false);
        break;
    case NODE_EXTENDS:
    case NODE_INCLUDE:
    case NODE_IMPORT:
    case NODE_FROM:
        analyze_import(s, n);
        break;
    case NODE_DO:
        analyze_expr(s, n->expr);
        break;
    case NODE_BLOCK:
    case NODE_AUTOESCAPE:
    case NODE_BREAK:
    case NODE_CONTINUE:
        break;
    }
}

void analyze_nodes(struct symbols *s, const struct nodes *body)
{
    for (uint32_t i = 0; i < body->n; i++)
        analyze_node(s, body->at[i]);
}
