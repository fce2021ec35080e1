/* The variables of a template's functions: registers and cells, what is captured, assignment. */
#include "vm/template_compile_int.h"

static uint16_t capture_index(struct template_fn *t, struct variable *v)
{
    for (size_t i = 0; i < t->captures.n; i++)
        if (t->captures.at[i] == v)
            return (uint16_t)(i + 1);
    struct capture c = {true, v->reg};
    if (v->fn != t->outer && t->outer)
        c = (struct capture){false, capture_index(t->outer, v)};
    vec_push(&t->captures, v);
    vec_push(&t->scope.captures, (struct scope_capture){NULL, c});
    return (uint16_t)t->captures.n;
}

void variable_read(struct template_fn *t, struct variable *v, reg dest, bool or_undefined)
{
    uint32_t name = fn_name(&t->f, v->name);
    if (v->fn != t)
        emit(&t->f, OP_LOAD_FREE, or_undefined, dest, capture_index(t, v), name);
    else if (v->cell)
        emit(&t->f, OP_LOAD_CELL, or_undefined, dest, v->reg, name);
    else if (or_undefined)
        emit(&t->f, OP_LOAD_NAME, 0, dest, v->reg, name);
    else
        emit(&t->f, OP_MOVE, 0, dest, v->reg, 0);
}

void variable_write(struct template_fn *t, struct variable *v, reg from)
{
    if (v->fn != t)
        emit(&t->f, OP_SET_FREE, 0, capture_index(t, v), from, 0);
    else if (v->cell)
        emit(&t->f, OP_SET_CELL, 0, v->reg, from, 0);
    else if (v->reg != from)
        emit(&t->f, OP_MOVE, 0, v->reg, from, 0);
}

static void give_register(struct template_fn *t, struct variable *v)
{
    if (v->live)
        return;
    v->live = true;
    v->reg = fn_temp(&t->f);
    v->cell = t->all_captured || map_has(&t->captured, v->name);
}

void template_enter(struct template_fn *t, struct symbols *s)
{
    struct fn *f = &t->f;
    for (uint32_t i = 0; i < s->n; i++) {
        struct name_entry *e = &s->at[i];
        if (!e->ref || e->load == LOAD_NONE || e->ref->fn != t)
            continue;
        bool parameter = e->ref->live; /* of a function: it has its value */
        give_register(t, e->ref);
        struct variable *v = e->ref;
        if (e->load == LOAD_RESOLVE)
            emit_step(f, STEP_RESOLVE, v->reg, t->context, fn_name(f, e->name));
        else if (e->load == LOAD_ALIAS)
            variable_read(t, e->outer, v->reg, false);
        else if (!parameter)
            emit_u(f, OP_CLEAR, 0, v->reg, 1);
        if (v->cell)
            emit(f, OP_MAKE_CELL, 0, v->reg, 0, 0);
    }
}

/* Jinja2 forgets a frame's variables at its end; here nothing reads them again. */
void template_leave(struct template_fn *t, struct symbols *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->at[i].ref && s->at[i].ref->fn == t)
            s->at[i].ref->live = false;
}

static void note_captured(void *data, str name, enum name_use use)
{
    struct template_fn *t = data;
    (void)use;
    map_set(&t->captured, name, t);
}

/* Does it give every local that it sees to a template or a block? */
static bool hands_on_locals(const struct node *n)
{
    const struct nodes *bodies[4];
    if (n->kind == NODE_INCLUDE || n->kind == NODE_IMPORT || n->kind == NODE_FROM ||
        n->kind == NODE_BLOCK)
        return true;
    uint32_t count = node_bodies(n, bodies);
    for (uint32_t k = 0; k < count; k++)
        for (uint32_t i = 0; i < bodies[k]->n; i++)
            if (hands_on_locals(bodies[k]->at[i]))
                return true;
    return false;
}

void collect_captured(struct template_fn *t, const struct nodes *body)
{
    struct name_visitor v = {t, note_captured, true};
    for (uint32_t i = 0; i < body->n; i++) {
        const struct node *n = body->at[i];
        const struct nodes *bodies[4];
        if (n->kind == NODE_BLOCK)
            continue;
        if (n->kind == NODE_MACRO || n->kind == NODE_CALL ||
            (n->kind == NODE_FOR && n->for_.recursive)) {
            t->has_nested = true;
            t->all_captured = t->all_captured || hands_on_locals(n);
            visit_node(&v, n);
            if (n->kind == NODE_MACRO)
                note_captured(t, n->macro.name, NAME_STORE);
            continue;
        }
        uint32_t count = node_bodies(n, bodies);
        for (uint32_t k = 0; k < count; k++)
            collect_captured(t, bodies[k]);
    }
}

struct locals {
    struct template_fn *t;
    reg dict;
    struct map seen;
};

static void add_locals(struct locals *l, const struct symbols *s)
{
    struct template_fn *t = l->t;
    for (const struct symbols *at = s; at; at = at->base)
        for (uint32_t i = 0; i < at->n; i++) {
            const struct name_entry *e = &at->at[i];
            if (!e->stored || map_set(&l->seen, e->name, l))
                continue;
            struct variable *v = symbols_find(t->frame->symbols, e->name);
            if (!v || (v->fn == t && !v->live))
                continue;
            uint32_t top = t->f.top;
            reg r = fn_temp(&t->f);
            variable_read(t, v, r, false);
            emit_step(&t->f, STEP_LOCAL, l->dict, r, fn_name(&t->f, e->name));
            t->f.top = top;
        }
}

reg template_locals(struct template_fn *t)
{
    struct locals l = {.t = t, .dict = fn_temp(&t->f)};
    emit(&t->f, OP_DICT, 0, l.dict, l.dict, 0);
    for (const struct symbols *s = t->frame->symbols; s; s = s->parent)
        add_locals(&l, s);
    map_done(&l.seen);
    return l.dict;
}

/* ---- assignment ---- */

static void assign_name(struct template_fn *t, const struct expr *e, reg from)
{
    struct variable *v = symbols_find(t->frame->symbols, e->s);
    if (v)
        variable_write(t, v, from);
}

void template_assign(struct template_fn *t, const struct expr *target, reg from)
{
    struct fn *f = &t->f;
    uint32_t top = f->top;
    if (target->kind == EXPR_NAME) {
        assign_name(t, target, from);
    } else if (target->kind == EXPR_TUPLE) {
        reg base = fn_temps(f, target->items.n);
        template_at(t, target->at);
        emit(f, OP_UNPACK, 0, base, from, target->items.n);
        for (uint32_t i = 0; i < target->items.n; i++)
            template_assign(t, target->items.at[i], (reg)(base + i));
    } else {
        reg space = fn_temp(f);
        variable_read(t, symbols_find(t->frame->symbols, target->attr.target->s), space, false);
        emit_step(f, STEP_SET_SPACE, space, from, fn_name(f, target->attr.name));
    }
    f->top = top;
}

void template_export(struct template_fn *t, const struct expr *target)
{
    struct fn *f = &t->f;
    if (target->kind == EXPR_TUPLE) {
        for (uint32_t i = 0; i < target->items.n; i++)
            template_export(t, target->items.at[i]);
    } else if (target->kind == EXPR_NAME) {
        uint32_t top = f->top;
        reg r = fn_temp(f);
        variable_read(t, symbols_find(t->frame->symbols, target->s), r, false);
        emit_step(f, STEP_EXPORT, t->context, r, fn_name(f, target->s));
        f->top = top;
    }
}

void template_check_space(struct template_fn *t, const struct expr *target)
{
    if (target->kind != EXPR_ATTR)
        return;
    uint32_t top = t->f.top;
    reg r = fn_temp(&t->f);
    variable_read(t, symbols_find(t->frame->symbols, target->attr.target->s), r, false);
    emit_step(&t->f, STEP_SPACE, r, 0, 0);
    t->f.top = top;
}
