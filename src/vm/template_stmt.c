/* The statements of templates but for loops, macros, blocks and what loads others. */
#include "vm/template_compile_int.h"

/* ---- set ---- */

static void compile_set(struct template_fn *t, const struct node *n)
{
    template_check_space(t, n->set.target);
    reg r = expr_temp(&t->f, n->set.value);
    template_assign(t, n->set.target, r);
    if (t->frame->toplevel)
        template_export(t, n->set.target);
}

static void emit_pop(struct template_fn *t, reg dest)
{
    int when = t->unit->volatile_ ? MARKUP_CONTEXT : t->unit->escape ? MARKUP_ALWAYS : MARKUP_NEVER;
    emit_step(&t->f, STEP_POP, dest, 0, when);
}

/* A frame of its own around a body, whose names are given by the body alone. */
static void inner_frame(struct template_fn *t, struct template_frame *inner)
{
    *inner = *t->frame;
    inner->symbols = symbols_new(t->unit->scratch, t, t->frame->symbols);
    inner->toplevel = inner->root = false;
}

static void compile_set_block(struct template_fn *t, const struct node *n)
{
    struct template_frame *outer = t->frame, inner;
    reg text = fn_temp(&t->f);
    inner_frame(t, &inner);
    inner.checks = false;
    analyze_nodes(inner.symbols, &n->set.body);
    t->frame = &inner;
    template_enter(t, inner.symbols);
    emit_step(&t->f, STEP_PUSH, 0, 0, 0);
    t->open_captures++;
    template_body(t, &n->set.body);
    t->open_captures--;
    template_anchor(t, n->at);
    emit_step(&t->f, STEP_POP, text, 0, MARKUP_NEVER);
    if (n->set.filter) {
        if (t->unit->escape || t->unit->volatile_)
            emit_step(&t->f, STEP_MARKUP, text, t->unit->volatile_, 0);
        compile_filter_on(t, n->set.filter, text, text);
    }
    emit_step(&t->f, STEP_MARKUP, text, 1, 0);
    t->frame = outer;
    template_check_space(t, n->set.target);
    template_assign(t, n->set.target, text);
    if (t->frame->toplevel)
        template_export(t, n->set.target);
    template_leave(t, inner.symbols);
}

/* ---- output ---- */

/* A jump over what is dropped once the template has a parent; UINT32_MAX: there is none. */
static uint32_t skip_with_parent(struct template_fn *t)
{
    struct fn *f = &t->f;
    uint32_t top = f->top;
    reg r = fn_temp(f);
    variable_read(t, t->parent, r, false);
    uint32_t jump = emit_jump(f, OP_JUMP_NONE, false, r);
    f->top = top;
    return jump;
}

static void compile_output(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    int escape = t->unit->volatile_ ? 2 : t->unit->escape;
    uint32_t skip = 0;
    if (t->frame->checks) {
        if (t->unit->extends_known)
            return;
        skip = skip_with_parent(t);
    }
    for (uint32_t i = 0; i < n->output.n; i++) {
        const struct output_part *part = &n->output.at[i];
        uint32_t top = f->top;
        template_anchor(t, part->at);
        if (part->value) {
            reg r = expr_operand(f, part->value);
            template_at(t, part->at);
            bool early = t->unit->volatile_ && template_is_const(part->value);
            emit(f, OP_EMIT, early ? t->unit->escape : escape, r, 0, 0);
        } else {
            emit_u(f, OP_EMIT_TEXT, 0, 0, fn_const_text(f, part->text));
        }
        f->top = top;
    }
    if (t->frame->checks)
        patch_here(f, skip);
}

/* ---- if, with, filter, autoescape ---- */

static void compile_if(struct template_fn *t, const struct node *n)
{
    struct jumps ends = {0};
    struct template_frame *outer = t->frame, soft = *t->frame;
    soft.root = false;
    t->frame = &soft;
    for (uint32_t i = 0; i <= n->if_.elifs.n; i++) {
        const struct node *branch = i ? n->if_.elifs.at[i - 1] : n;
        struct jumps otherwise = {0};
        uint32_t top = t->f.top;
        template_anchor(t, branch->at);
        expr_jump(&t->f, branch->if_.test, false, &otherwise);
        t->f.top = top;
        template_body(t, &branch->if_.body);
        jumps_add(&ends, emit_jump(&t->f, OP_JUMP, 0, 0));
        jumps_here(&t->f, &otherwise);
    }
    template_body(t, &n->if_.otherwise);
    jumps_here(&t->f, &ends);
    t->frame = outer;
}

static void compile_with(struct template_fn *t, const struct node *n)
{
    struct template_frame *outer = t->frame, inner;
    inner_frame(t, &inner);
    for (uint32_t i = 0; i < n->with.n; i++)
        analyze_target(inner.symbols, n->with.targets[i], true);
    analyze_nodes(inner.symbols, &n->with.body);
    template_enter(t, inner.symbols);
    for (uint32_t i = 0; i < n->with.n; i++) {
        uint32_t top = t->f.top;
        reg r = expr_temp(&t->f, n->with.values[i]);
        t->frame = &inner;
        template_assign(t, n->with.targets[i], r);
        t->frame = outer;
        t->f.top = top;
    }
    t->frame = &inner;
    template_body(t, &n->with.body);
    t->frame = outer;
    template_leave(t, inner.symbols);
}

static void compile_filter_block(struct template_fn *t, const struct node *n)
{
    struct template_frame *outer = t->frame, inner;
    reg text = fn_temp(&t->f);
    inner_frame(t, &inner);
    analyze_nodes(inner.symbols, &n->filter.body);
    analyze_expr(inner.symbols, n->filter.filter);
    t->frame = &inner;
    template_enter(t, inner.symbols);
    emit_step(&t->f, STEP_PUSH, 0, 0, 0);
    t->open_captures++;
    template_body(t, &n->filter.body);
    t->open_captures--;
    template_anchor(t, n->at);
    emit_pop(t, text);
    compile_filter_on(t, n->filter.filter, text, text);
    emit(&t->f, OP_EMIT, 0, text, 0, 0);
    t->frame = outer;
    template_leave(t, inner.symbols);
}

static void compile_autoescape(struct template_fn *t, const struct node *n)
{
    struct template_unit *u = t->unit;
    struct template_frame *outer = t->frame, inner;
    bool escape = u->escape, was_volatile = u->volatile_;
    const struct expr *e = n->autoescape.value;
    reg saved = fn_temp(&t->f);
    inner_frame(t, &inner);
    analyze_expr(inner.symbols, e);
    analyze_nodes(inner.symbols, &n->autoescape.body);
    t->frame = &inner;
    template_enter(t, inner.symbols);
    emit_step(&t->f, STEP_GET_ESCAPE, saved, 0, 0);
    uint32_t top = t->f.top;
    emit_step(&t->f, STEP_SET_ESCAPE, expr_temp(&t->f, e), 0, 0);
    t->f.top = top;
    if (e->kind <= EXPR_FALSE || e->kind == EXPR_INT || e->kind == EXPR_STR)
        u->escape = e->kind == EXPR_TRUE || (e->kind == EXPR_INT && e->i) ||
                    (e->kind == EXPR_STR && e->s.n);
    else
        u->volatile_ = true;
    template_body(t, &n->autoescape.body);
    emit_step(&t->f, STEP_SET_ESCAPE, saved, 0, 0);
    u->escape = escape;
    u->volatile_ = was_volatile;
    t->frame = outer;
    template_leave(t, inner.symbols);
}

/* ---- the rest ---- */

static void compile_leave_loop(struct template_fn *t, const struct node *n)
{
    bool breaks = n->kind == NODE_BREAK;
    struct flow_block *b = t->f.blocks;
    if (!b) {
        unit_error(&t->unit->u, "template_syntax", n->at, "'%s' outside loop",
                   breaks ? "break" : "continue");
        return;
    }
    uint32_t top = t->f.top;
    reg dropped = fn_temp(&t->f);
    for (uint32_t i = t->loop_captures; i < t->open_captures; i++)
        emit_step(&t->f, STEP_POP, dropped, 0, MARKUP_NEVER);
    t->f.top = top;
    jumps_add(breaks ? b->breaks : b->continues, emit_jump(&t->f, OP_JUMP, 0, 0));
}

/* False: what follows is never reached. */
static bool compile_node(struct template_fn *t, const struct node *n)
{
    switch (n->kind) {
    case NODE_OUTPUT:
        compile_output(t, n);
        break;
    case NODE_FOR:
        compile_for(t, n);
        break;
    case NODE_IF:
        compile_if(t, n);
        break;
    case NODE_MACRO:
        compile_macro(t, n);
        break;
    case NODE_CALL:
        compile_call_block(t, n);
        break;
    case NODE_FILTER:
        compile_filter_block(t, n);
        break;
    case NODE_WITH:
        compile_with(t, n);
        break;
    case NODE_SET:
        compile_set(t, n);
        break;
    case NODE_SET_BLOCK:
        compile_set_block(t, n);
        break;
    case NODE_BLOCK:
        compile_block_tag(t, n);
        break;
    case NODE_EXTENDS:
        return compile_extends(t, n);
    case NODE_INCLUDE:
        compile_include(t, n);
        break;
    case NODE_IMPORT:
    case NODE_FROM:
        compile_import(t, n);
        break;
    case NODE_AUTOESCAPE:
        compile_autoescape(t, n);
        break;
    case NODE_DO:
        expr_temp(&t->f, n->expr);
        break;
    case NODE_BREAK:
    case NODE_CONTINUE:
        compile_leave_loop(t, n);
        break;
    }
    return true;
}

bool template_body(struct template_fn *t, const struct nodes *body)
{
    for (uint32_t i = 0; i < body->n; i++) {
        uint32_t top = t->f.top;
        if (body->at[i]->kind != NODE_WITH) /* a quirk: its values have the line before it */
            template_anchor(t, body->at[i]->at);
        bool goes_on = compile_node(t, body->at[i]);
        t->f.top = top;
        if (!goes_on)
            return false;
    }
    return true;
}
