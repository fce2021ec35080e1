/* extends, include, import and from. */
#include "vm/template_compile_int.h"

bool compile_extends(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    struct template_unit *u = t->unit;
    uint32_t once = 0;
    if (!t->frame->toplevel) {
        unit_error(&u->u, "template_syntax", n->at, "cannot use extend from a non top-level scope");
        return true;
    }
    reg r = fn_temp(f);
    if (u->extends > 0) {
        if (!u->extends_known) {
            variable_read(t, t->parent, r, false);
            once = emit_jump(f, OP_JUMP_NONE, true, r);
        }
        emit_step(f, STEP_TWICE, 0, 0, 0);
        if (u->extends_known)
            return false;
        patch_here(f, once);
    }
    reg name = expr_operand(f, n->load.name);
    template_anchor(t, n->at);
    emit_step(f, STEP_EXTENDS, r, name, 0);
    variable_write(t, t->parent, r);
    u->extends_known = u->extends_known || t->frame->root;
    u->extends++;
    return true;
}

/* The locals that a template with context sees, or an unbound register. */
static void load_locals(struct template_fn *t, bool with_context, reg dest)
{
    uint32_t top = t->f.top;
    if (with_context)
        emit(&t->f, OP_MOVE, 0, dest, template_locals(t), 0);
    else
        emit_u(&t->f, OP_CLEAR, 0, dest, 1);
    t->f.top = top;
}

void compile_include(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    uint32_t missing = 0, cached;
    reg base = fn_temps(f, 3);
    expr_to(f, n->load.name, base);
    load_locals(t, n->load.with_context, (reg)(base + 1));
    template_anchor(t, n->at);
    if (n->load.with_context) {
        emit_step(f, STEP_INCLUDE, base, base + 1u, n->load.ignore_missing);
        if (n->load.ignore_missing)
            missing = emit_jump(f, OP_JUMP_NONE, true, base);
        emit(f, OP_CALL, 0, base, base, 1);
    } else {
        emit_step(f, STEP_IMPORT, base, base + 1u, n->load.ignore_missing ? 3 : 2);
        if (n->load.ignore_missing)
            missing = emit_jump(f, OP_JUMP_FALSE, 0, base + 1u);
        cached = emit_jump(f, OP_JUMP_NONE, false, base);
        emit_step(f, STEP_PUSH, 0, 0, 0);
        emit(f, OP_CALL, 0, base + 1u, base + 1u, 1);
        emit_step(f, STEP_POP, base + 1u, 0, MARKUP_NEVER);
        emit_step(f, STEP_MODULE, base, base + 1u, 0);
        patch_here(f, cached);
        emit_step(f, STEP_BODY, base, 0, 0);
        emit(f, OP_EMIT, 0, base, 0, 0);
    }
    if (n->load.ignore_missing)
        patch_here(f, missing);
}

/* The module in a new register. */
static reg load_module(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    reg base = fn_temps(f, 3);
    expr_to(f, n->load.name, base);
    load_locals(t, n->load.with_context, (reg)(base + 1));
    template_anchor(t, n->at);
    emit_step(f, STEP_IMPORT, base, base + 1u, 0);
    uint32_t cached = emit_jump(f, OP_JUMP_NONE, false, base);
    emit_step(f, STEP_PUSH, 0, 0, 0);
    emit(f, OP_CALL, 0, base + 1u, base + 1u, 1);
    emit_step(f, STEP_POP, base + 1u, 0, MARKUP_NEVER);
    emit_step(f, STEP_MODULE, base, base + 1u, n->load.with_context);
    patch_here(f, cached);
    return base;
}

static void bind_import(struct template_fn *t, str name, reg from)
{
    struct fn *f = &t->f;
    variable_write(t, symbols_find(t->frame->symbols, name), from);
    if (!t->frame->toplevel)
        return;
    emit_step(f, STEP_EXPORT, t->context, from, fn_name(f, name));
    emit_step(f, STEP_UNEXPORT, t->context, 0, fn_name(f, name));
}

void compile_import(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    reg module = load_module(t, n), member = fn_temp(f);
    struct place place;
    if (n->kind == NODE_IMPORT) {
        bind_import(t, n->load.as, module);
        return;
    }
    if (!sources_place(vm_sources(t->unit->u.vm), n->at, &place))
        place.line = 0;
    for (uint32_t i = 0; i < n->load.name_count; i++) {
        const struct import_name *name = &n->load.names[i];
        emit_step(f, STEP_MEMBER, member, module, fn_name(f, name->name));
        uint32_t there = emit_jump(f, OP_JUMP_BOUND, 0, member);
        str where = arena_printf(t->unit->scratch, "line %u in '%.*s'", place.line,
                                 STR_ARG(t->unit->compiled->name));
        emit_u(f, OP_CONST, 0, member, fn_const_str(f, where));
        emit_step(f, STEP_NOT_EXPORTED, member, module, fn_name(f, name->name));
        patch_here(f, there);
        bind_import(t, name->as.n ? name->as : name->name, member);
    }
}
