#include "vm/builtins_int.h"
#include "vm/policy_int.h"
#include "vm/scope_int.h"

struct err *unit_error(struct unit *u, const char *code, pos at, const char *fmt, ...)
{
    va_list args;
    struct err *e = err_list_add(u->errors);
    auto_buf text = BUF(BUF_TEXT_MAX);
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    err_at(e, code, at, "%s", buf_c(&text));
    return e;
}

/* ---- scopes and symbols ---- */

struct scope *scope_new(struct unit *u, struct scope *parent, enum scope_kind kind,
                        const void *node)
{
    struct scope *s = arena_new(&u->file->arena, struct scope);
    s->kind = kind;
    s->node = node;
    s->parent = parent;
    s->frame = kind == SCOPE_COMPREHENSION ? parent->frame : s;
    if (parent)
        vec_push(&parent->children, s);
    vec_push(&u->scopes, s);
    return s;
}

void scope_done(struct unit *u)
{
    vec_each (s, &u->scopes) {
        map_done(&(*s)->symbols);
        vec_done(&(*s)->order);
        vec_done(&(*s)->uses);
        vec_done(&(*s)->children);
        vec_done(&(*s)->captures);
    }
    vec_done(&u->scopes);
}

struct scope *scope_child(struct scope *s, const void *node)
{
    for (size_t i = 0; i < s->children.n; i++) {
        size_t at = (s->cursor + i) % s->children.n;
        if (s->children.at[at]->node == node) {
            s->cursor = at + 1;
            return s->children.at[at];
        }
    }
    return NULL;
}

struct symbol *scope_symbol(struct unit *u, struct scope *s, str name, pos at)
{
    struct symbol *symbol = map_get(&s->symbols, name);
    if (!symbol) {
        symbol = arena_new(&u->file->arena, struct symbol);
        symbol->name = name;
        symbol->owner = s;
        symbol->at = at;
        map_set(&s->symbols, name, symbol);
        vec_push(&s->order, symbol);
    }
    return symbol;
}

/* ---- binding uses to variables ---- */

struct binding scope_find(struct scope *s, str name)
{
    struct scope *frame = s->frame;
    bool here = true; /* still in the frame where the search began */
    for (struct scope *t = s; t; t = t->parent) {
        struct symbol *symbol = map_get(&t->symbols, name);
        here = here && t->frame == frame;
        if (t->kind == SCOPE_MODULE) {
            if (!symbol || !(symbol->assigned || symbol->shared))
                break;
            return (struct binding){symbol->shared ? BOUND_GLOBAL : BOUND_REGISTER, symbol};
        }
        if (!symbol || symbol->nonlocal)
            continue;
        if (symbol->global) {
            while (t->parent)
                t = t->parent;
            return (struct binding){BOUND_GLOBAL, map_get(&t->symbols, name)};
        }
        if (symbol->assigned) {
            enum binding_kind kind = !here              ? BOUND_FREE
                                     : symbol->captured ? BOUND_CELL
                                                        : BOUND_REGISTER;
            return (struct binding){kind, symbol};
        }
    }
    return (struct binding){BOUND_NOWHERE, NULL};
}

uint16_t scope_capture_index(struct scope *s, struct symbol *symbol)
{
    struct scope *frame = s->frame;
    for (size_t i = 0; i < frame->captures.n; i++)
        if (frame->captures.at[i].symbol == symbol)
            return (uint16_t)i;
    struct scope *outer = frame->parent->frame;
    struct scope_capture c = {symbol, {true, symbol->reg}};
    if (outer != symbol->owner->frame)
        c.capture = (struct capture){false, scope_capture_index(outer, symbol)};
    vec_push(&frame->captures, c);
    return (uint16_t)(frame->captures.n - 1);
}

uint32_t scope_global_slot(struct unit *u, str name)
{
    struct vm_code *f = u->file;
    uintptr_t slot = (uintptr_t)map_get(&f->slots, name);
    if (!slot) {
        slot = ++f->global_count;
        map_set(&f->slots, name, (void *)slot);
        if (slot > f->global_cap) {
            f->global_cap = f->global_cap ? f->global_cap * 2 : 16;
            f->globals = mem_realloc_array(f->globals, f->global_cap, sizeof *f->globals);
            f->global_names =
                mem_realloc_array(f->global_names, f->global_cap, sizeof *f->global_names);
        }
        f->globals[slot - 1] = VAL_UNBOUND;
        f->global_names[slot - 1] = name;
    }
    return (uint32_t)slot - 1;
}

/* Top-level names beyond this live in slots, so that the registers suffice. */
enum { MODULE_REGISTERS = 200 };

static void bind_scope(struct unit *u, struct scope *s)
{
    vec_each (symbol, &s->order) {
        if (!(*symbol)->nonlocal)
            continue;
        struct binding b = scope_find(s->parent, (*symbol)->name);
        if (!b.symbol || b.symbol->owner->kind == SCOPE_MODULE) {
            unit_error(u, "syntax_error", (*symbol)->at, "no binding for nonlocal '%.*s' found",
                       STR_ARG((*symbol)->name));
            continue;
        }
        b.symbol->captured = b.symbol->owner->has_cells = true;
    }
    vec_each (use, &s->uses) {
        struct binding b = scope_find(s, use->name);
        if (b.kind == BOUND_NOWHERE) {
            policy_unknown_name(u, s, use);
        } else if (!use->annotation) {
            b.symbol->used = true;
            if (b.kind == BOUND_FREE)
                b.symbol->captured = b.symbol->owner->has_cells = true;
            if (b.symbol->owner->kind == SCOPE_MODULE && s->frame->kind != SCOPE_MODULE)
                b.symbol->shared = true;
        }
    }
}

static void bind_all(struct unit *u)
{
    size_t registers = 0;
    vec_each (symbol, &u->module->order) {
        struct symbol *s = *symbol;
        if (s->assigned && (builtins_find((*symbol)->name, NULL) || ++registers > MODULE_REGISTERS))
            s->shared = true;
    }
    vec_each (s, &u->scopes)
        bind_scope(u, *s);
}

void scope_resolve_module(struct unit *u, const struct module *m)
{
    u->module = scope_new(u, NULL, SCOPE_MODULE, m);
    scope_walk_block(u, &m->body);
    bind_all(u);
}

void scope_resolve_expr(struct unit *u, const struct expr *e)
{
    u->module = scope_new(u, NULL, SCOPE_MODULE, e);
    scope_walk_expr(u, e);
    bind_all(u);
}
