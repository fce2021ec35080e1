/* {% macro %}, {% call %} and {% block %}. */
#include "vm/template_compile_int.h"

/* A parameter that the call has put into register r. */
static void place(struct template_fn *t, struct symbols *s, str name, uint32_t r)
{
    struct variable *v = symbols_find(s, name);
    if (!v || v->fn != t)
        return;
    v->reg = (reg)r;
    v->live = true;
    v->cell = map_has(&t->captured, name);
}

static const struct expr *default_of(const struct signature *s, uint32_t i)
{
    uint32_t first = s->n - s->default_count;
    return i < first ? NULL : s->defaults[i - first];
}

static bool check_caller(struct template_fn *t, const struct node *n, unsigned used,
                         struct template_info *info)
{
    const struct signature *s = &n->macro.signature;
    info->caller = has_word(used, WORD_CALLER);
    for (uint32_t i = 0; i < s->n; i++) {
        if (!str_eq(s->names[i], STR("caller")))
            continue;
        info->explicit_caller = true;
        if (info->caller && !default_of(s, i)) {
            unit_error(&t->unit->u, "template_syntax", n->at,
                       "When defining macros or call blocks the special \"caller\" argument must "
                       "be omitted or be given a default.");
            return false;
        }
    }
    return true;
}

static bool has_parameter(const struct signature *s, const char *name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (str_is(s->names[i], name))
            return true;
    return false;
}

/* The parameters that only their use in the body makes. */
static void declare_special(struct template_fn *t, const struct node *n, struct symbols *s,
                            unsigned used, struct template_info *info)
{
    const struct signature *signature = &n->macro.signature;
    const str *words = t->unit->tree->words;
    info->kwargs = has_word(used, WORD_KWARGS) && !has_parameter(signature, "kwargs");
    info->varargs = has_word(used, WORD_VARARGS) && !has_parameter(signature, "varargs");
    if (info->caller && !info->explicit_caller)
        symbols_parameter(s, words[WORD_CALLER]);
    if (info->kwargs)
        symbols_parameter(s, words[WORD_KWARGS]);
    if (info->varargs)
        symbols_parameter(s, words[WORD_VARARGS]);
}

static void place_all(struct template_fn *t, const struct signature *s, struct symbols *symbols,
                      const struct template_info *info)
{
    const str *words = t->unit->tree->words;
    uint32_t at = MACRO_FIRST;
    for (uint32_t i = 0; i < s->n; i++)
        place(t, symbols, s->names[i], at++);
    if (info->caller && !info->explicit_caller)
        place(t, symbols, words[WORD_CALLER], at++);
    if (info->kwargs)
        place(t, symbols, words[WORD_KWARGS], at++);
    if (info->varargs)
        place(t, symbols, words[WORD_VARARGS], at++);
}

static void default_values(struct template_fn *t, const struct signature *s)
{
    struct fn *f = &t->f;
    t->in_defaults = true;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t top = f->top;
        const struct expr *value = default_of(s, i);
        struct variable *v = symbols_find(t->frame->symbols, s->names[i]);
        reg r = fn_temp(f);
        variable_read(t, v, r, false);
        uint32_t given = emit_jump(f, OP_JUMP_BOUND, 0, r);
        if (value)
            expr_to(f, value, r);
        else
            emit_step(f, STEP_PARAMETER, r, 0, fn_name(f, s->names[i]));
        variable_write(t, v, r);
        patch_here(f, given);
        f->top = top;
    }
    t->in_defaults = false;
}

/* The function of a macro or a call block. */
static struct code *macro_function(struct template_fn *t, const struct node *n)
{
    struct template_fn inner;
    struct template_frame frame = {0};
    const struct signature *s = &n->macro.signature;
    struct arena *a = &t->unit->u.file->arena;
    struct template_info *info = arena_new(a, struct template_info);
    str name = n->kind == NODE_CALL ? STR("caller")
                                    : arena_printf(a, "macro '%.*s'", STR_ARG(n->macro.name));
    *info = (struct template_info){
        .name = n->macro.name, .names = s->names, .n = s->n, .anonymous = n->kind == NODE_CALL};
    unsigned used = uses_undeclared(&n->macro.body, t->unit->tree->words);
    check_caller(t, n, used, info);
    template_fn_begin(&inner, t->unit, t, name, n->at);
    inner.parent = t->parent;
    collect_captured(&inner, &n->macro.body);
    frame.symbols = symbols_new(t->unit->scratch, &inner, t->frame->symbols);
    for (uint32_t i = 0; i < s->n; i++)
        symbols_parameter(frame.symbols, s->names[i]);
    for (uint32_t i = 0; i < s->default_count; i++)
        analyze_expr(frame.symbols, s->defaults[i]);
    analyze_nodes(frame.symbols, &n->macro.body);
    declare_special(t, n, frame.symbols, used, info);
    inner.frame = &frame;
    uint32_t given = s->n + (info->caller && !info->explicit_caller) + info->kwargs + info->varargs;
    inner.context = fn_temps(&inner.f, MACRO_FIRST + given);
    inner.f.code->locals = (uint16_t)inner.f.top;
    inner.f.code->macro = info;
    place_all(&inner, s, frame.symbols, info);
    template_enter(&inner, frame.symbols);
    emit_step(&inner.f, STEP_PUSH, 0, 0, 0);
    default_values(&inner, s);
    template_body(&inner, &n->macro.body);
    reg text = fn_temp(&inner.f);
    emit_step(&inner.f, STEP_POP, text, 0, MARKUP_CALLER);
    emit(&inner.f, OP_RETURN, 0, text, 0, 0);
    return template_fn_finish(&inner);
}

void compile_macro(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    reg r = fn_temp(f);
    emit_closure(t, macro_function(t, n), r);
    variable_write(t, symbols_find(t->frame->symbols, n->macro.name), r);
    if (t->frame->toplevel)
        emit_step(f, STEP_EXPORT, t->context, r, fn_name(f, n->macro.name));
}

void compile_call_block(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    reg caller = fn_temp(f), text = fn_temp(f);
    emit_closure(t, macro_function(t, n), caller);
    template_anchor(t, n->at);
    compile_call_with(t, n->macro.call, caller, text);
    template_at(t, n->at);
    emit(f, OP_EMIT, 0, text, 0, 0);
}

void compile_block_tag(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    uint32_t skip = 0, name = fn_name(f, n->block.name);
    bool checks = t->frame->toplevel && t->unit->extends > 0;
    if (t->frame->toplevel && t->unit->extends_known)
        return;
    reg base = fn_temps(f, 2);
    if (checks) {
        variable_read(t, t->parent, base, false);
        skip = emit_jump(f, OP_JUMP_NONE, false, base);
    }
    if (n->block.required)
        emit_step(f, STEP_REQUIRED, 0, t->context, name);
    if (n->block.scoped) {
        reg locals = template_locals(t);
        emit(f, OP_MOVE, 0, base, locals, 0);
    }
    emit_step(f, n->block.scoped ? STEP_SCOPED : STEP_BLOCK, base, t->context, name);
    emit(f, OP_CALL, 0, base, base, 1);
    if (checks)
        patch_here(f, skip);
}
