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

/* ---- the template ---- */

/* self and super are parameters of whatever function mentions them. */
static void enter_function(struct template_fn *t, const struct nodes *body, struct symbols *s,
                           const struct node *block)
{
    struct fn *f = &t->f;
    const str *names = t->unit->tree->words + WORD_SELF;
    unsigned used = uses_undeclared(body, t->unit->tree->words);
    bool self = has_word(used, WORD_SELF);
    bool super = block && has_word(used, WORD_SUPER);
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
