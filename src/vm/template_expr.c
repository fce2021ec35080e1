/* Expressions where Jinja2 differs from Python: names that may be undefined, attributes that may be
 * items, filters, tests, ~ and an if without else. */
#include "value/ops.h"
#include "vm/template_compile_int.h"

bool template_register(struct fn *f, str name, reg *ret)
{
    struct template_fn *t = template_of(f);
    const struct variable *v = symbols_find(t->frame->symbols, name);
    *ret = NO_REG;
    if (v && v->fn == t && !v->cell && v->live && !t->in_defaults &&
        symbols_load_kind(t->frame->symbols, v) == LOAD_PARAMETER)
        *ret = v->reg;
    return *ret != NO_REG;
}

static void compile_name(struct template_fn *t, const struct expr *e, reg dest)
{
    struct variable *v = symbols_find(t->frame->symbols, e->s);
    template_at(t, e->at);
    if (v)
        variable_read(t, v, dest, true);
}

/* ---- filters and tests ---- */

static void unknown(struct template_fn *t, const struct expr *e, bool test)
{
    struct err *w = err_list_add(&t->unit->u.file->warnings);
    err_at(w, test ? "unknown_test" : "unknown_filter", e->op_at, "No %s named '%.*s'.",
           test ? "test" : "filter", STR_ARG(e->filter.name));
    const char *near = template_near_name(test, e->filter.name);
    if (near)
        err_hint(w, "did you mean '%s'?", near);
    emit_step(&t->f, test ? STEP_NO_TEST : STEP_NO_FILTER, 0, 0, fn_name(&t->f, e->filter.name));
}

/* base holds the value; arguments follow. */
static void apply(struct template_fn *t, const struct expr *e, reg base, reg dest)
{
    struct fn *f = &t->f;
    bool test = e->kind == EXPR_TEST, star = false;
    struct expr call = {.kind = EXPR_CALL, .at = e->at};
    int row = test ? template_find_test(e->filter.name) : template_find_filter(e->filter.name);
    uint32_t named = 0, names_at = 0;
    call.call.args = e->filter.args;
    call.call.n = e->filter.n;
    for (uint32_t i = 0; i < e->filter.n; i++)
        star = star || e->filter.args[i].kind >= ARGUMENT_STAR;
    if (star) {
        reg alone = call_star_positional(f, &call, base);
        if (!call_star_named(f, &call, base))
            emit(f, OP_DICT, 0, base + 2u, base, 0);
        if (alone != NO_REG)
            call_spread(f, alone, e->at, (reg)(base + 1), OP_LIST_ADD, ITER_STAR_ARGS, base);
    } else {
        val names = call_names(f, e->filter.args, e->filter.n, &named);
        for (uint32_t i = 0; i < e->filter.n; i++)
            expr_temp(f, e->filter.args[i].value);
        names_at = named ? fn_const(f, names) + 1 : 0;
    }
    template_at(t, e->op_at);
    if (row < 0) {
        fn_at(f, e->op_at);
        unknown(t, e, test);
        return;
    }
    emit(f, OP_CALL_FILTER, test | star << 1, dest, base, star ? 0 : e->filter.n);
    emit(f, OP_WORD, 0, 0, names_at, (unsigned)row);
    if (e->filter.negated)
        emit(f, OP_NOT, 0, dest, dest, 0);
}

static void compile_filter(struct template_fn *t, const struct expr *e, reg dest)
{
    bool star = false;
    for (uint32_t i = 0; i < e->filter.n; i++)
        star = star || e->filter.args[i].kind >= ARGUMENT_STAR;
    reg base = fn_temps(&t->f, star ? 5 : 1);
    if (e->filter.target)
        expr_to(&t->f, e->filter.target, base);
    else
        emit(&t->f, OP_MOVE, 0, base, t->filtered, 0);
    apply(t, e, base, dest);
}

void compile_filter_on(struct template_fn *t, const struct expr *e, reg text, reg dest)
{
    reg outer = t->filtered;
    uint32_t top = t->f.top;
    t->filtered = text;
    compile_filter(t, e, dest);
    t->filtered = outer;
    t->f.top = top;
}

/* ---- ~ and if ---- */

static uint32_t concat_parts(struct template_fn *t, const struct expr *e, bool whole)
{
    enum { PARTS_MAX = 32 };
    uint32_t n = 1;
    if (e->kind == EXPR_CONCAT && (whole || !e->parenthesized)) {
        n = concat_parts(t, e->binary.left, false);
        if (n == PARTS_MAX) {
            reg first = (reg)(t->f.top - n);
            emit_step(&t->f, STEP_CONCAT, first, first, n);
            t->f.top = first + 1u;
            n = 1;
        }
        expr_temp(&t->f, e->binary.right);
        return n + 1;
    }
    expr_temp(&t->f, e);
    return n;
}

static void compile_concat(struct template_fn *t, const struct expr *e, reg dest)
{
    uint32_t top = t->f.top;
    uint32_t n = concat_parts(t, e, true);
    template_at(t, e->op_at);
    emit_step(&t->f, t->unit->escape && !t->unit->volatile_ ? STEP_CONCAT_ESCAPED : STEP_CONCAT,
              dest, top, n);
}

static void compile_no_else(struct template_fn *t, const struct expr *e, reg dest)
{
    struct fn *f = &t->f;
    struct jumps otherwise = {0};
    struct place place;
    uint32_t line = sources_place(vm_sources(t->unit->u.vm), e->at, &place) ? place.line : 0;
    reg r = fn_temp(f);
    expr_jump(f, e->cond.test, false, &otherwise);
    expr_to(f, e->cond.then, r);
    uint32_t end = emit_jump(f, OP_JUMP, 0, 0);
    jumps_here(f, &otherwise);
    str hint = arena_printf(t->unit->scratch,
                            "the inline if-expression on line %u in '%.*s' evaluated to false and "
                            "no else section was defined.",
                            line, STR_ARG(t->unit->compiled->name));
    emit_u(f, OP_CONST, 0, r, fn_const_str(f, hint));
    emit_step(f, STEP_NO_ELSE, r, 0, 0);
    patch_here(f, end);
    emit(f, OP_MOVE, 0, dest, r, 0);
}

/* ---- calls ---- */

void compile_call_with(struct template_fn *t, const struct expr *e, reg caller, reg dest)
{
    struct template_frame *outer = t->frame, inner = *t->frame;
    struct arena *a = t->unit->scratch;
    str name = arena_str(a, STR("caller")); /* no other name has its pointer */
    struct expr *call = arena_new(a, struct expr), *value = arena_new(a, struct expr);
    *call = *e;
    call->call.args = arena_array(a, struct argument, e->call.n + 1);
    if (e->call.n)
        memcpy(call->call.args, e->call.args, e->call.n * sizeof *e->call.args);
    *value = (struct expr){.kind = EXPR_NAME, .at = e->at, .s = name};
    call->call.args[call->call.n++] =
        (struct argument){.kind = ARGUMENT_KEYWORD, .name = name, .at = e->at, .value = value};
    inner.symbols = symbols_new(a, t, outer->symbols);
    symbols_parameter(inner.symbols, name);
    struct variable *v = symbols_find(inner.symbols, name);
    v->reg = caller;
    v->live = true;
    t->frame = &inner;
    expr_to(&t->f, call, dest);
    t->frame = outer;
}

/* ---- the hook of expr_to ---- */

bool template_expr(struct fn *f, const struct expr *e, reg dest)
{
    struct template_fn *t = template_of(f);
    uint32_t top = f->top;
    reg target, index;
    switch (e->kind) {
    case EXPR_NAME:
        compile_name(t, e, dest);
        break;
    case EXPR_ATTR:
        target = expr_operand(f, e->attr.target);
        template_at(t, e->at);
        emit(f, OP_LOOKUP, dict_has_method(e->attr.name) ? LOOKUP_ASKS : 0, dest, target,
             fn_name(f, e->attr.name));
        break;
    case EXPR_INDEX:
        target = expr_operand(f, e->index.target);
        index = expr_operand(f, e->index.index);
        template_at(t, e->at);
        if (e->index.index->kind == EXPR_SLICE)
            emit_step(f, STEP_SLICE, dest, target, index);
        else
            emit(f, OP_LOOKUP_ITEM, 0, dest, target, index);
        break;
    case EXPR_FILTER:
    case EXPR_TEST:
        compile_filter(t, e, dest);
        break;
    case EXPR_CONCAT:
        compile_concat(t, e, dest);
        break;
    case EXPR_COND:
        if (e->cond.otherwise)
            return false;
        compile_no_else(t, e, dest);
        break;
    default:
        return false;
    }
    f->top = top;
    return true;
}
