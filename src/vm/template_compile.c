#include "vm/template_compile_int.h"

/* ---- functions ---- */

void template_fn_begin(struct template_fn *t, struct template_unit *u, struct template_fn *outer,
                       str name, pos at)
{
    *t = (struct template_fn){.unit = u, .outer = outer};
    t->scope.kind = SCOPE_FUNCTION;
    t->scope.frame = &t->scope;
    fn_init(&t->f, &u->u, NULL, &t->scope);
    t->f.template = true;
    t->f.code->name = t->f.code->qualname = name;
    t->f.code->at = at;
    t->f.code->template = true;
    vec_push(&t->scope.captures, (struct scope_capture){NULL, {true, outer ? outer->context : 0}});
    template_anchor(t, at);
}

struct code *template_fn_finish(struct template_fn *t)
{
    struct code *code = fn_finish(&t->f);
    if (!t->outer)
        code->capture_count = 0;
    vec_done(&t->scope.captures);
    vec_done(&t->captures);
    map_done(&t->captured);
    return code;
}

void emit_step(struct fn *f, enum template_step step, unsigned a, unsigned b, unsigned c)
{
    emit(f, OP_TEMPLATE, step, a, b, c);
}

void emit_closure(struct template_fn *t, struct code *code, reg dest)
{
    vec_push(&t->f.children, code);
    emit(&t->f, OP_FUNCTION, 0, dest, dest, 0);
    emit_u(&t->f, OP_WORD, 0, 0, (uint32_t)t->f.children.n - 1);
}

/* ---- places ---- */

void template_at(struct template_fn *t, pos at)
{
    str text = sources_get(vm_sources(t->unit->u.vm), t->anchor.source)->text;
    uint32_t from = t->anchor.offset < at.offset ? t->anchor.offset : at.offset;
    uint32_t to = t->anchor.offset < at.offset ? at.offset : t->anchor.offset;
    if (to - from < text.n && memchr(text.p + from, '\n', to - from))
        at = t->anchor;
    fn_at(&t->f, at);
}

void template_anchor(struct template_fn *t, pos at)
{
    t->anchor = at;
    fn_at(&t->f, at);
}

/* ---- variables ---- */

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

static void export_names(struct template_fn *t, const struct expr *target)
{
    struct fn *f = &t->f;
    if (target->kind == EXPR_TUPLE) {
        for (uint32_t i = 0; i < target->items.n; i++)
            export_names(t, target->items.at[i]);
    } else if (target->kind == EXPR_NAME) {
        uint32_t top = f->top;
        reg r = fn_temp(f);
        variable_read(t, symbols_find(t->frame->symbols, target->s), r, false);
        emit_step(f, STEP_EXPORT, t->context, r, fn_name(f, target->s));
        f->top = top;
    }
}

/* A namespace is asked for before the value is computed. */
static void check_space(struct template_fn *t, const struct expr *target)
{
    if (target->kind != EXPR_ATTR)
        return;
    uint32_t top = t->f.top;
    reg r = fn_temp(&t->f);
    variable_read(t, symbols_find(t->frame->symbols, target->attr.target->s), r, false);
    emit_step(&t->f, STEP_SPACE, r, 0, 0);
    t->f.top = top;
}

static void compile_set(struct template_fn *t, const struct node *n)
{
    check_space(t, n->set.target);
    reg r = expr_temp(&t->f, n->set.value);
    template_assign(t, n->set.target, r);
    if (t->frame->toplevel)
        export_names(t, n->set.target);
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
    check_space(t, n->set.target);
    template_assign(t, n->set.target, text);
    if (t->frame->toplevel)
        export_names(t, n->set.target);
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
            emit(f, OP_EMIT, escape, r, 0, 0);
        } else {
            emit_u(f, OP_EMIT_TEXT, 0, 0, fn_const_str(f, part->text));
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

/* ---- the template ---- */

/* self and super are parameters of whatever function mentions them. */
static void enter_function(struct template_fn *t, const struct nodes *body, struct symbols *s,
                           const struct node *block)
{
    struct fn *f = &t->f;
    bool self = uses_undeclared(body, "self");
    bool super = block && uses_undeclared(body, "super");
    const str *names = t->unit->tree->words + WORD_SELF;
    if (self)
        symbols_parameter(s, names[0]);
    if (super)
        symbols_parameter(s, names[1]);
    analyze_nodes(s, body);
    uint32_t top = fn_temp(f);
    if (self)
        emit_step(f, STEP_SELF, top, t->context, 0);
    template_enter(t, s);
    if (self)
        variable_write(t, symbols_find(s, names[0]), (reg)top);
    if (super) {
        emit_step(f, STEP_SUPER, top, t->context, fn_name(f, block->block.name));
        variable_write(t, symbols_find(s, names[1]), (reg)top);
    }
}

static void begin_top(struct template_fn *t, struct template_unit *u, str name, pos at)
{
    template_fn_begin(t, u, NULL, name, at);
    t->context = fn_temp(&t->f);
    t->f.code->positional = 1;
    t->f.code->simple = true;
    t->f.code->params = arena_new(&u->u.file->arena, struct param);
    t->f.code->params[0].name = STR("context");
    t->f.code->locals = 1;
    u->escape = u->volatile_ = false;
}

static struct code *finish_top(struct template_fn *t)
{
    reg r = fn_temp(&t->f);
    fn_load_const(&t->f, r, VAL_NONE);
    emit(&t->f, OP_RETURN, 0, r, 0, 0);
    return template_fn_finish(t);
}

static void call_parent(struct template_fn *t)
{
    struct fn *f = &t->f;
    uint32_t skip = 0;
    reg base = fn_temps(f, 2);
    variable_read(t, t->parent, base, false);
    if (!t->unit->extends_known)
        skip = emit_jump(f, OP_JUMP_NONE, true, base);
    emit(f, OP_MOVE, 0, base + 1u, t->context, 0);
    emit(f, OP_CALL, 0, base, base, 1);
    if (!t->unit->extends_known)
        patch_here(f, skip);
}

static struct code *compile_root(struct template_unit *u)
{
    struct template_fn t;
    struct template_frame frame = {.toplevel = true, .root = true};
    begin_top(&t, u, STR("<template>"), (pos){u->u.file->source, 0, 0});
    frame.symbols = symbols_new(u->scratch, &t, NULL);
    frame.checks = u->tree->has_extends;
    t.frame = &frame;
    collect_captured(&t, &u->tree->body);
    struct variable parent = {.fn = &t, .live = true, .cell = t.has_nested};
    if (u->tree->has_extends) {
        t.parent = &parent;
        parent.reg = fn_temp(&t.f);
        fn_load_const(&t.f, parent.reg, VAL_NONE);
        if (parent.cell)
            emit(&t.f, OP_MAKE_CELL, 0, parent.reg, 0, 0);
    }
    enter_function(&t, &u->tree->body, frame.symbols, NULL);
    template_body(&t, &u->tree->body);
    if (u->extends)
        call_parent(&t);
    return finish_top(&t);
}

static struct code *compile_block(struct template_unit *u, const struct node *n)
{
    struct template_fn t;
    struct template_frame frame = {0};
    str name = arena_printf(&u->u.file->arena, "block '%.*s'", STR_ARG(n->block.name));
    begin_top(&t, u, name, n->at);
    frame.symbols = symbols_new(u->scratch, &t, NULL);
    t.frame = &frame;
    collect_captured(&t, &n->block.body);
    enter_function(&t, &n->block.body, frame.symbols, n);
    template_body(&t, &n->block.body);
    return finish_top(&t);
}

static void compile_blocks(struct template_unit *u)
{
    struct compiled *c = u->compiled;
    struct arena *a = &u->u.file->arena;
    c->blocks = arena_array(a, struct template_block, u->tree->block_count);
    for (uint32_t i = 0; i < u->tree->block_count; i++) {
        const struct node *n = u->tree->blocks[i];
        if (map_set(&u->block_names, n->block.name, u)) {
            unit_error(&u->u, "template_syntax", n->at, "block '%.*s' defined twice",
                       STR_ARG(n->block.name));
            return;
        }
        c->blocks[c->block_count++].name = n->block.name;
    }
}

bool template_compile_tree(struct templates *t, struct compiled *c,
                           const struct template_tree *tree, struct err_list *errors)
{
    auto_arena scratch = ARENA_INIT;
    struct template_unit u = {.u = {.vm = t->vm, .file = c->file, .errors = errors},
                              .templates = t,
                              .compiled = c,
                              .tree = tree,
                              .scratch = &scratch};
    size_t before = errors->n;
    compile_blocks(&u);
    if (errors->n == before)
        c->file->main = compile_root(&u);
    for (uint32_t i = 0; errors->n == before && i < c->block_count; i++)
        c->blocks[i].code = compile_block(&u, tree->blocks[i]);
    map_done(&u.block_names);
    return errors->n == before;
}
