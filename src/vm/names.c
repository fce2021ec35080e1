#include "vm/builtins_int.h"
#include "vm/compile_int.h"
#include "vm/machine_int.h"
#include "vm/policy_int.h"

void name_declare(struct fn *f, struct scope *s)
{
    vec_each (at, &s->order) {
        struct symbol *symbol = *at;
        if (!symbol->assigned || symbol->global || symbol->nonlocal ||
            (s->kind == SCOPE_MODULE && symbol->shared))
            continue;
        if (!symbol->parameter)
            symbol->reg = fn_temp(f);
        symbol->index = f->symbols < UINT16_MAX ? f->symbols++ : UINT16_MAX;
        assigned_remove(f, symbol);
        if (symbol->parameter)
            assigned_add(f, symbol);
    }
}

/* In CPython 3.11 a comprehension is a function: a variable around it is free in it. */
static enum unbound_kind unbound_kind(const struct fn *f, const struct symbol *s)
{
    if (s->owner->kind == SCOPE_MODULE)
        return UNBOUND_GLOBAL;
    return s->owner == f->scope ? UNBOUND_LOCAL : UNBOUND_FREE;
}

reg name_register(struct fn *f, str name, pos at)
{
    reg r;
    if (f->template)
        return template_register(f, name, &r) ? r : NO_REG;
    struct binding b = scope_find(f->scope, name);
    if (b.kind != BOUND_REGISTER)
        return NO_REG;
    if (!assigned_has(f, b.symbol)) {
        fn_at(f, at);
        emit(f, OP_CHECK, unbound_kind(f, b.symbol), b.symbol->reg, fn_name(f, name), 0);
        assigned_add(f, b.symbol);
    }
    return b.symbol->reg;
}

/* What a name means that no variable stands for. */
static bool outer_value(struct fn *f, str name, val *ret)
{
    return builtins_find(name, ret) || machine_host_global(f->unit->vm, name, ret);
}

static void load_global(struct fn *f, str name, reg dest)
{
    uint32_t slot = scope_global_slot(f->unit, name);
    val fallback;
    if (!outer_value(f, name, &fallback)) {
        emit_u(f, OP_GLOBAL, 0, dest, slot);
        return;
    }
    emit_u(f, OP_GLOBAL_OR, 0, dest, slot);
    emit_u(f, OP_WORD, 0, 0, fn_const(f, fallback));
}

void name_load(struct fn *f, str name, pos at, reg dest)
{
    struct binding b = scope_find(f->scope, name);
    val value;
    fn_at(f, at);
    switch (b.kind) {
    case BOUND_REGISTER:
        emit(f, OP_MOVE, 0, dest, name_register(f, name, at), 0);
        return;
    case BOUND_CELL:
        emit(f, OP_CELL, unbound_kind(f, b.symbol), dest, b.symbol->reg, fn_name(f, name));
        return;
    case BOUND_FREE:
        emit(f, OP_FREE, UNBOUND_FREE, dest, scope_capture_index(f->scope, b.symbol),
             fn_name(f, name));
        return;
    case BOUND_GLOBAL:
        load_global(f, name, dest);
        return;
    case BOUND_NOWHERE:
        if (outer_value(f, name, &value))
            fn_load_const(f, dest, value);
        else
            emit_u(f, OP_NO_NAME, 0, 0, fn_name(f, name));
    }
}

reg name_target(struct fn *f, str name)
{
    struct binding b = scope_find(f->scope, name);
    return b.kind == BOUND_REGISTER ? b.symbol->reg : NO_REG;
}

void name_assigned(struct fn *f, str name)
{
    struct binding b = scope_find(f->scope, name);
    if (b.kind == BOUND_REGISTER)
        assigned_add(f, b.symbol);
}

void name_store(struct fn *f, str name, reg from)
{
    struct binding b = scope_find(f->scope, name);
    switch (b.kind) {
    case BOUND_REGISTER:
        if (b.symbol->reg != from)
            emit(f, OP_MOVE, 0, b.symbol->reg, from, 0);
        assigned_add(f, b.symbol);
        return;
    case BOUND_CELL:
        emit(f, OP_SET_CELL, 0, b.symbol->reg, from, 0);
        return;
    case BOUND_FREE:
        emit(f, OP_SET_FREE, 0, scope_capture_index(f->scope, b.symbol), from, 0);
        return;
    default:
        emit_u(f, OP_SET_GLOBAL, 0, from, scope_global_slot(f->unit, name));
    }
}

void name_delete(struct fn *f, str name, pos at)
{
    struct binding b = scope_find(f->scope, name);
    fn_at(f, at);
    switch (b.kind) {
    case BOUND_REGISTER:
        emit(f, OP_CHECK, unbound_kind(f, b.symbol), b.symbol->reg, fn_name(f, name), 0);
        emit(f, OP_DELETE, 0, b.symbol->reg, 0, 0);
        return;
    case BOUND_CELL:
        emit(f, OP_DEL_CELL, unbound_kind(f, b.symbol), b.symbol->reg, 0, fn_name(f, name));
        return;
    case BOUND_FREE:
        emit(f, OP_DEL_FREE, UNBOUND_FREE, scope_capture_index(f->scope, b.symbol), 0,
             fn_name(f, name));
        return;
    default:
        emit_u(f, OP_DEL_GLOBAL, 0, 0, scope_global_slot(f->unit, name));
    }
}

void name_unbind(struct fn *f, str name)
{
    uint32_t top = f->top;
    reg none = fn_temp(f);
    emit_u(f, OP_CLEAR, 0, none, 1);
    name_store(f, name, none);
    f->top = top;
}
