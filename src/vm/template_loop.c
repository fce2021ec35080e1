/* {% for %}: plain loops are those of the machine; where `loop` is spoken of, an object drives. */
#include "vm/template_compile_int.h"

static bool has_scoped_block(const struct nodes *body)
{
    const struct nodes *bodies[4];
    for (uint32_t i = 0; i < body->n; i++) {
        if (body->at[i]->kind == NODE_BLOCK && body->at[i]->block.scoped)
            return true;
        uint32_t count = node_bodies(body->at[i], bodies);
        for (uint32_t k = 0; k < count; k++)
            if (has_scoped_block(bodies[k]))
                return true;
    }
    return false;
}

static void refuse_loop(void *data, str name, enum name_use use)
{
    bool *found = data;
    if (use == NAME_STORE && str_eq(name, STR("loop")))
        *found = true;
}

struct for_loop {
    const struct node *n;
    struct template_frame body, otherwise, test;
    bool extended;
    struct variable *loop;
    reg state; /* two registers of a plain loop; the object of an extended one */
    reg dest, none;
};

static void analyze_for(struct template_fn *t, struct for_loop *l)
{
    const struct node *n = l->n;
    str name = t->unit->tree->words[WORD_LOOP];
    struct template_frame *frames[3] = {&l->body, &l->otherwise, &l->test};
    for (int i = 0; i < 3; i++) {
        *frames[i] = *t->frame;
        frames[i]->toplevel = frames[i]->root = false;
        frames[i]->symbols = symbols_new(t->unit->scratch, t, t->frame->symbols);
    }
    bool in_else = has_scoped_block(&n->for_.otherwise);
    unsigned used = uses_undeclared(&n->for_.body, t->unit->tree->words);
    l->extended = n->for_.recursive || has_word(used, WORD_LOOP) ||
                  has_scoped_block(&n->for_.body) || in_else;
    if (l->extended)
        symbols_parameter(l->body.symbols, name);
    analyze_target(l->body.symbols, n->for_.target, true);
    analyze_nodes(l->body.symbols, &n->for_.body);
    analyze_nodes(l->otherwise.symbols, &n->for_.otherwise);
    if (n->for_.test) {
        analyze_target(l->test.symbols, n->for_.target, true);
        analyze_expr(l->test.symbols, n->for_.test);
    }
    l->loop = l->extended ? symbols_find(l->body.symbols, name) : NULL;
}

/* The test has a frame of its own, in which the target is a name and `loop` is the outer one. */
static void compile_test(struct template_fn *t, struct for_loop *l, reg item, struct jumps *next)
{
    struct template_frame *outer = t->frame;
    t->frame = &l->test;
    template_anchor(t, l->n->for_.test->at);
    template_enter(t, l->test.symbols);
    template_assign(t, l->n->for_.target, item);
    expr_jump(&t->f, l->n->for_.test, false, next);
    template_leave(t, l->test.symbols);
    t->frame = outer;
}

/* An extended loop looks ahead: what passes the test is gathered first. */
static void gather_passing(struct template_fn *t, struct for_loop *l, reg iterable)
{
    struct fn *f = &t->f;
    uint32_t top = f->top;
    struct jumps next = {0};
    reg list = fn_temp(f), state = fn_temps(f, 2), item = fn_temp(f);
    emit(f, OP_LIST, 0, list, list, 0);
    emit(f, OP_ITER, ITER_LOOP, state, iterable, NO_REG);
    uint32_t enter = emit_jump(f, OP_JUMP, 0, 0), body = fn_here(f);
    compile_test(t, l, item, &next);
    emit(f, OP_LIST_ADD, 0, list, item, 1);
    jumps_here(f, &next);
    patch_here(f, enter);
    template_anchor(t, l->n->at);
    emit(f, OP_FOR, 0, state, item, 0);
    emit_jump_to(f, OP_JUMP, 0, 0, body);
    emit(f, OP_MOVE, 0, iterable, list, 0);
    f->top = top;
}

/* The body for each item; the loop's state is ready. */
static void loop_items(struct template_fn *t, struct for_loop *l)
{
    struct fn *f = &t->f;
    struct template_frame *outer = t->frame;
    struct jumps breaks = {0}, continues = {0};
    struct flow_block block = {
        .kind = BLOCK_LOOP, .outer = f->blocks, .breaks = &breaks, .continues = &continues};
    bool has_else = l->n->for_.otherwise.n > 0;
    uint32_t captures = t->loop_captures;
    t->loop_captures = t->open_captures;
    if (has_else)
        fn_load_const(f, l->none, VAL_TRUE);
    uint32_t enter = emit_jump(f, OP_JUMP, 0, 0), body = fn_here(f);
    if (l->n->for_.test && !l->extended)
        compile_test(t, l, l->dest, &continues);
    t->frame = &l->body;
    f->blocks = &block;
    template_anchor(t, l->n->at);
    template_enter(t, l->body.symbols);
    if (l->extended)
        variable_write(t, l->loop, l->state);
    template_assign(t, l->n->for_.target, l->dest);
    template_body(t, &l->n->for_.body);
    f->blocks = block.outer;
    t->frame = outer;
    t->loop_captures = captures;
    if (has_else)
        fn_load_const(f, l->none, VAL_FALSE);
    jumps_here(f, &continues);
    patch_here(f, enter);
    template_anchor(t, l->n->at);
    emit(f, l->extended ? OP_LOOP_NEXT : OP_FOR, 0, l->state, l->dest, 0);
    emit_jump_to(f, OP_JUMP, 0, 0, body);
    jumps_here(f, &breaks);
    template_leave(t, l->body.symbols);
}

static void loop_else(struct template_fn *t, struct for_loop *l)
{
    struct fn *f = &t->f;
    struct template_frame *outer = t->frame;
    if (!l->n->for_.otherwise.n)
        return;
    uint32_t skip = emit_jump(f, OP_JUMP_FALSE, 0, l->none);
    t->frame = &l->otherwise;
    template_enter(t, l->otherwise.symbols);
    template_body(t, &l->n->for_.otherwise);
    template_leave(t, l->otherwise.symbols);
    t->frame = outer;
    patch_here(f, skip);
}

/* iterable stands in l->state. recursion: the function and the depth behind it, or NO_REG. */
static void run_loop(struct template_fn *t, struct for_loop *l, reg recursion)
{
    struct fn *f = &t->f;
    l->dest = fn_temp(f);
    l->none = fn_temp(f);
    if (l->extended) {
        if (l->n->for_.test)
            gather_passing(t, l, l->state);
        int how = recursion != NO_REG ? 1 : 0;
        emit_step(f, STEP_LOOP, l->state, recursion == NO_REG ? 0 : recursion,
                  (unsigned)(how | (l->n->for_.test ? 2 : 0)));
    } else {
        emit(f, OP_ITER, ITER_LOOP, l->state, l->state, NO_REG);
    }
    loop_items(t, l);
    loop_else(t, l);
}

enum { RECURSIVE_CONTEXT, RECURSIVE_ITERABLE, RECURSIVE_FUNCTION, RECURSIVE_DEPTH, RECURSIVE_N };

static struct code *recursive_function(struct template_fn *t, const struct node *n)
{
    static const char *const names[] = {"context", "iterable", "loop", "depth"};
    struct template_fn inner;
    struct for_loop l = {.n = n};
    struct code *code;
    template_fn_begin(&inner, t->unit, t, STR("recursive loop"), n->at);
    inner.frame = t->frame;
    inner.parent = t->parent;
    code = inner.f.code;
    inner.context = fn_temps(&inner.f, RECURSIVE_N);
    code->positional = code->locals = RECURSIVE_N;
    code->simple = true;
    code->params = arena_array(&t->unit->u.file->arena, struct param, RECURSIVE_N);
    for (int i = 0; i < RECURSIVE_N; i++)
        code->params[i].name = str_of(names[i]);
    collect_captured(&inner, &n->for_.body);
    collect_captured(&inner, &n->for_.otherwise);
    analyze_for(&inner, &l);
    emit_step(&inner.f, STEP_PUSH, 0, 0, 0);
    l.state = RECURSIVE_ITERABLE;
    reg recursion = fn_temps(&inner.f, 2);
    emit(&inner.f, OP_MOVE, 0, recursion, RECURSIVE_FUNCTION, 0);
    emit(&inner.f, OP_MOVE, 0, recursion + 1u, RECURSIVE_DEPTH, 0);
    run_loop(&inner, &l, recursion);
    reg text = fn_temp(&inner.f);
    emit_step(&inner.f, STEP_POP, text, 0,
              t->unit->volatile_ ? MARKUP_CONTEXT
              : t->unit->escape  ? MARKUP_ALWAYS
                                 : MARKUP_NEVER);
    emit(&inner.f, OP_RETURN, 0, text, 0, 0);
    return template_fn_finish(&inner);
}

static void compile_recursive(struct template_fn *t, const struct node *n)
{
    struct fn *f = &t->f;
    reg base = fn_temps(f, 1 + RECURSIVE_N);
    emit_closure(t, recursive_function(t, n), base);
    emit(f, OP_MOVE, 0, base + 1u, t->context, 0);
    expr_to(f, n->for_.iterable, (reg)(base + 2));
    emit(f, OP_MOVE, 0, base + 3u, base, 0);
    fn_load_const(f, (reg)(base + 4), val_int(0));
    template_anchor(t, n->at);
    emit(f, OP_CALL, 0, base, base, RECURSIVE_N);
    emit(f, OP_EMIT, 0, base, 0, 0);
}

void compile_for(struct template_fn *t, const struct node *n)
{
    bool assigns = false;
    struct name_visitor v = {&assigns, refuse_loop, false};
    visit_node(&v, n);
    if (assigns) {
        unit_error(&t->unit->u, "template_syntax", n->at,
                   "Can't assign to special loop variable in for-loop target");
        return;
    }
    if (n->for_.recursive) {
        compile_recursive(t, n);
        return;
    }
    struct for_loop l = {.n = n};
    analyze_for(t, &l);
    l.state = fn_temps(&t->f, 2);
    expr_to(&t->f, n->for_.iterable, l.state);
    template_anchor(t, n->at);
    run_loop(t, &l, NO_REG);
}
