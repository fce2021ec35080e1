#include "vm/compile_int.h"
#include "vm/machine_int.h"

/* ---- names ---- */

/* "outer.<locals>.inner", as CPython 3.11 counts comprehensions among the functions. */
static str qualified(struct fn *f, const struct scope *s, str name)
{
    struct arena *a = &f->unit->file->arena;
    str outer = STR("");
    if (s->kind == SCOPE_MODULE)
        return name;
    if (s->kind != SCOPE_COMPREHENSION)
        outer = f->code->qualname;
    else
        outer = qualified(f, s->parent, comprehension_name(s->node));
    return arena_printf(a, "%.*s.<locals>.%.*s", STR_ARG(outer), STR_ARG(name));
}

static void start(struct fn *child, struct fn *f, const void *node, str name, pos at)
{
    fn_init(child, f->unit, f, scope_child(f->scope, node));
    child->code->name = name;
    child->code->qualname = qualified(f, f->scope, name);
    child->code->at = at;
    child->span = (struct span){at.offset, at.length, 0, 0};
}

static void make_cells(struct fn *f, struct scope *s)
{
    vec_each (symbol, &s->order)
        if ((*symbol)->captured && (*symbol)->assigned && !(*symbol)->global &&
            !(*symbol)->nonlocal)
            emit(f, OP_MAKE_CELL, 0, (*symbol)->reg, 0, 0);
}

static void end_locals(struct fn *f)
{
    name_declare(f, f->scope);
    f->code->locals = (uint16_t)f->top;
    make_cells(f, f->scope);
}

/* ---- parameters ---- */

static void place_parameter(struct fn *f, const struct parameter *p)
{
    struct symbol *symbol = map_get(&f->scope->symbols, p->name);
    symbol->reg = fn_temp(f);
}

static void declare_parameters(struct fn *f, const struct parameters *p)
{
    struct code *c = f->code;
    uint32_t n = 0;
    c->params = arena_array(&f->unit->file->arena, struct param, p->n);
    c->simple = true;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct parameter *at = &p->at[i];
        c->positional += at->kind <= PARAMETER_NORMAL;
        c->positional_only += at->kind == PARAMETER_POSITIONAL_ONLY;
        c->keyword_only += at->kind == PARAMETER_KEYWORD_ONLY;
        c->var_args = c->var_args || at->kind == PARAMETER_VAR_ARGS;
        c->var_keywords = c->var_keywords || at->kind == PARAMETER_VAR_KEYWORDS;
        c->simple = c->simple && at->kind <= PARAMETER_NORMAL;
        if (at->kind != PARAMETER_VAR_ARGS && at->kind != PARAMETER_VAR_KEYWORDS)
            c->params[n++] = (struct param){at->name, at->default_value != NULL};
        place_parameter(f, at);
    }
}

/* Evaluates the defaults, in order, into new registers; returns the first. */
static reg default_values(struct fn *f, const struct parameters *p, uint32_t *ret_n)
{
    reg first = (reg)f->top;
    *ret_n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        if (!p->at[i].default_value)
            continue;
        expr_temp(f, p->at[i].default_value);
        ++*ret_n;
    }
    return first;
}

static void emit_function(struct fn *f, struct code *code, const struct parameters *p, pos at,
                          reg dest)
{
    uint32_t top = f->top, defaults;
    reg first = default_values(f, p, &defaults);
    vec_push(&f->children, code);
    fn_at(f, at);
    emit(f, OP_FUNCTION, 0, dest, first, defaults);
    emit_u(f, OP_WORD, 0, 0, (uint32_t)f->children.n - 1);
    f->top = top;
}

static void return_none(struct fn *f)
{
    reg r = fn_temp(f);
    fn_load_const(f, r, VAL_NONE);
    emit(f, OP_RETURN, 0, r, 0, 0);
}

/* ---- functions ---- */

void compile_function(struct fn *f, const struct stmt *s, reg dest)
{
    struct fn child;
    start(&child, f, s, s->def.name, s->def.name_at);
    declare_parameters(&child, &s->def.parameters);
    end_locals(&child);
    stmt_block(&child, &s->def.body);
    return_none(&child);
    emit_function(f, fn_finish(&child), &s->def.parameters, s->at, dest);
}

void compile_lambda(struct fn *f, const struct expr *e, reg dest)
{
    struct fn child;
    start(&child, f, e, STR("<lambda>"), e->at);
    declare_parameters(&child, &e->lambda.parameters);
    end_locals(&child);
    reg r = expr_operand(&child, e->lambda.body);
    fn_at(&child, e->lambda.body->at);
    emit(&child, OP_RETURN, 0, r, 0, 0);
    emit_function(f, fn_finish(&child), &e->lambda.parameters, e->at, dest);
}

struct code *compile_generator(struct fn *f, const struct expr *e)
{
    struct fn child;
    start(&child, f, e, STR("<genexpr>"), e->at);
    reg loop = fn_temps(&child, 2); /* the first loop, begun by the maker */
    end_locals(&child);
    comprehension_clause(&child, e, 0, loop, NO_REG);
    return_none(&child);
    return fn_finish(&child);
}

struct code *compile_module(struct unit *u, const struct module *m)
{
    struct fn f;
    fn_init(&f, u, NULL, u->module);
    f.code->name = f.code->qualname = STR("<module>");
    f.code->at = (pos){u->file->source, 0, 0};
    end_locals(&f);
    stmt_block(&f, &m->body);
    vec_each (symbol, &u->module->order)
        if ((*symbol)->assigned && !(*symbol)->shared && !(*symbol)->captured)
            emit_u(&f, OP_SET_GLOBAL, 0, (*symbol)->reg, scope_global_slot(u, (*symbol)->name));
    return_none(&f);
    return fn_finish(&f);
}

struct code *compile_expression(struct unit *u, const struct expr *e)
{
    struct fn f;
    fn_init(&f, u, NULL, u->module);
    f.code->name = f.code->qualname = STR("<expression>");
    f.code->at = e->at;
    end_locals(&f);
    reg r = expr_operand(&f, e);
    emit(&f, OP_RETURN, 0, r, 0, 0);
    return fn_finish(&f);
}
