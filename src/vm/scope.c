#include "vm/builtins_int.h"
#include "vm/policy_int.h"
#include "vm/scope_int.h"

struct walker {
    struct unit *unit;
    struct scope *scope;
    uint32_t loops;     /* around the present statement, in this function */
    uint32_t iterables; /* comprehension iterables around the present expression */
    bool annotation;
};

static void walk_expr(struct walker *w, const struct expr *e);
static void walk_block(struct walker *w, const struct block *b);

struct err *unit_error(struct unit *u, const char *code, pos at, const char *fmt, ...)
{
    va_list args;
    struct err *e = err_list_add(u->errors);
    auto_buf text = BUF(BUF_TEXT_MAX);
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    err_at(e, code, at, "%s", buf_c(&text));
    return e;
}

/* ---- scopes and symbols ---- */

static struct scope *scope_open(struct walker *w, enum scope_kind kind, const void *node)
{
    struct scope *s = arena_new(&w->unit->file->arena, struct scope);
    s->kind = kind;
    s->node = node;
    s->parent = w->scope;
    s->frame = kind == SCOPE_COMPREHENSION ? w->scope->frame : s;
    if (w->scope)
        vec_push(&w->scope->children, s);
    vec_push(&w->unit->scopes, s);
    w->scope = s;
    return s;
}

static void scope_close(struct walker *w)
{
    w->scope = w->scope->parent;
}

void scope_done(struct unit *u)
{
    vec_each (s, &u->scopes) {
        map_done(&(*s)->symbols);
        vec_done(&(*s)->order);
        vec_done(&(*s)->uses);
        vec_done(&(*s)->children);
        vec_done(&(*s)->captures);
    }
    vec_done(&u->scopes);
}

struct scope *scope_child(struct scope *s, const void *node)
{
    for (size_t i = 0; i < s->children.n; i++) {
        size_t at = (s->cursor + i) % s->children.n;
        if (s->children.at[at]->node == node) {
            s->cursor = at + 1;
            return s->children.at[at];
        }
    }
    return NULL;
}

static struct symbol *symbol_of(struct unit *u, struct scope *s, str name, pos at)
{
    struct symbol *symbol = map_get(&s->symbols, name);
    if (!symbol) {
        symbol = arena_new(&u->file->arena, struct symbol);
        symbol->name = name;
        symbol->owner = s;
        symbol->at = at;
        map_set(&s->symbols, name, symbol);
        vec_push(&s->order, symbol);
    }
    return symbol;
}

static void use_name(struct walker *w, str name, pos at)
{
    policy_name(w->unit, name, at, "name");
    if (!w->annotation)
        symbol_of(w->unit, w->scope, name, at)->used = true;
    vec_push(&w->scope->uses, (struct use){name, at, w->annotation});
}

static struct symbol *assign_name(struct walker *w, str name, pos at)
{
    policy_name(w->unit, name, at, "name");
    struct symbol *symbol = symbol_of(w->unit, w->scope, name, at);
    symbol->assigned = true;
    return symbol;
}

/* The scope that a walrus binds in: comprehensions are left. */
static void assign_walrus(struct walker *w, str name, pos at)
{
    struct scope *s = w->scope;
    policy_name(w->unit, name, at, "name");
    w->scope->frame->has_walrus = true;
    if (w->iterables > 0)
        unit_error(w->unit, "syntax_error", at,
                   "assignment expression cannot be used in a comprehension iterable expression");
    for (; s->kind == SCOPE_COMPREHENSION || s->kind == SCOPE_GENERATOR; s = s->parent) {
        struct symbol *symbol = map_get(&s->symbols, name);
        if (symbol && symbol->iterates) {
            unit_error(w->unit, "syntax_error", at,
                       "assignment expression cannot rebind comprehension iteration variable "
                       "'%.*s'",
                       STR_ARG(name));
            return;
        }
    }
    symbol_of(w->unit, s, name, at)->assigned = true;
    s->frame->has_walrus = true;
    if (s != w->scope)
        vec_push(&w->scope->uses, (struct use){name, at, false});
}

/* ---- expressions ---- */

static void walk_target(struct walker *w, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NAME: {
        struct symbol *symbol = assign_name(w, e->s, e->at);
        if (w->scope->kind == SCOPE_COMPREHENSION || w->scope->kind == SCOPE_GENERATOR)
            symbol->iterates = true;
        return;
    }
    case EXPR_TUPLE:
    case EXPR_LIST:
        for (uint32_t i = 0; i < e->items.n; i++)
            walk_target(w, e->items.at[i]);
        return;
    case EXPR_STARRED:
        walk_target(w, e->starred);
        return;
    default:
        walk_expr(w, e);
    }
}

static void walk_annotation(struct walker *w, const struct expr *e)
{
    bool before = w->annotation;
    if (!e)
        return;
    w->annotation = true;
    walk_expr(w, e);
    w->annotation = before;
}

static void walk_parameters_outside(struct walker *w, const struct parameters *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        walk_annotation(w, p->at[i].annotation);
        if (p->at[i].default_value)
            walk_expr(w, p->at[i].default_value);
    }
}

static void walk_parameters_inside(struct walker *w, const struct parameters *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct parameter *at = &p->at[i];
        policy_name(w->unit, at->name, at->at, "name");
        struct symbol *symbol = symbol_of(w->unit, w->scope, at->name, at->at);
        if (symbol->parameter)
            unit_error(w->unit, "syntax_error", at->at,
                       "duplicate argument '%.*s' in function definition", STR_ARG(at->name));
        symbol->parameter = symbol->assigned = true;
    }
}

static void walk_comprehension(struct walker *w, const struct expr *e)
{
    struct comprehension_clause *clauses = e->comprehension.clauses;
    w->iterables++;
    walk_expr(w, clauses[0].iterable);
    w->iterables--;
    scope_open(
        w, e->comprehension.kind == COMPREHENSION_GENERATOR ? SCOPE_GENERATOR : SCOPE_COMPREHENSION,
        e);
    for (uint32_t i = 0; i < e->comprehension.n; i++) {
        if (i > 0) {
            w->iterables++;
            walk_expr(w, clauses[i].iterable);
            w->iterables--;
        }
        walk_target(w, clauses[i].target);
        for (uint32_t k = 0; k < clauses[i].conditions.n; k++)
            walk_expr(w, clauses[i].conditions.at[k]);
    }
    walk_expr(w, e->comprehension.element);
    if (e->comprehension.value)
        walk_expr(w, e->comprehension.value);
    scope_close(w);
}

static void walk_lambda(struct walker *w, const struct expr *e)
{
    uint32_t iterables = w->iterables;
    walk_parameters_outside(w, &e->lambda.parameters);
    scope_open(w, SCOPE_LAMBDA, e);
    walk_parameters_inside(w, &e->lambda.parameters);
    w->iterables = 0;
    walk_expr(w, e->lambda.body);
    w->iterables = iterables;
    scope_close(w);
}

static void walk_parts(struct walker *w, const struct fstring_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].value)
            walk_expr(w, parts[i].value);
        walk_parts(w, parts[i].spec, parts[i].spec_count);
    }
}

static void walk_args(struct walker *w, const struct argument *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].kind == ARGUMENT_KEYWORD)
            policy_name(w->unit, args[i].name, args[i].at, "keyword argument");
        walk_expr(w, args[i].value);
    }
}

static void walk_optional(struct walker *w, const struct expr *e)
{
    if (e)
        walk_expr(w, e);
}

static void walk_list(struct walker *w, const struct expr_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        walk_expr(w, l->at[i]);
}

static void walk_expr(struct walker *w, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NAME:
        use_name(w, e->s, e->at);
        return;
    case EXPR_FSTRING:
        walk_parts(w, e->fstring.parts, e->fstring.n);
        return;
    case EXPR_ATTR:
        policy_name(w->unit, e->attr.name, e->op_at, "attribute");
        walk_expr(w, e->attr.target);
        return;
    case EXPR_INDEX:
        if (!w->annotation)
            policy_type_expression(w->unit, w->scope, e);
        walk_expr(w, e->index.target);
        walk_expr(w, e->index.index);
        return;
    case EXPR_SLICE:
        walk_optional(w, e->slice.low);
        walk_optional(w, e->slice.high);
        walk_optional(w, e->slice.step);
        return;
    case EXPR_CALL:
        walk_expr(w, e->call.target);
        walk_args(w, e->call.args, e->call.n);
        return;
    case EXPR_UNARY:
        walk_expr(w, e->unary.operand);
        return;
    case EXPR_BINARY:
        if (!w->annotation)
            policy_type_expression(w->unit, w->scope, e);
        walk_expr(w, e->binary.left);
        walk_expr(w, e->binary.right);
        return;
    case EXPR_BOOL_OP:
        walk_expr(w, e->bool_op.left);
        walk_expr(w, e->bool_op.right);
        return;
    case EXPR_COMPARE:
        walk_expr(w, e->compare.first);
        for (uint32_t i = 0; i < e->compare.n; i++)
            walk_expr(w, e->compare.operands[i]);
        return;
    case EXPR_COND:
        walk_expr(w, e->cond.test);
        walk_expr(w, e->cond.then);
        walk_optional(w, e->cond.otherwise);
        return;
    case EXPR_LAMBDA:
        walk_lambda(w, e);
        return;
    case EXPR_TUPLE:
    case EXPR_LIST:
    case EXPR_SET:
        walk_list(w, &e->items);
        return;
    case EXPR_DICT:
        for (uint32_t i = 0; i < e->dict.n; i++) {
            walk_optional(w, e->dict.keys[i]);
            walk_expr(w, e->dict.values[i]);
        }
        return;
    case EXPR_COMPREHENSION:
        walk_comprehension(w, e);
        return;
    case EXPR_STARRED:
        walk_expr(w, e->starred);
        return;
    case EXPR_WALRUS:
        walk_expr(w, e->walrus.value);
        assign_walrus(w, e->walrus.name->s, e->walrus.name->at);
        return;
    default:
        return;
    }
}

/* ---- statements ---- */

static void declare(struct walker *w, const struct stmt *s, bool global)
{
    const char *what = global ? "global" : "nonlocal";
    struct unit *u = w->unit;
    for (uint32_t i = 0; i < s->names.n; i++) {
        str name = s->names.names[i];
        pos at = s->names.at[i];
        policy_name(u, name, at, "name");
        if (!global && w->scope->kind == SCOPE_MODULE) {
            unit_error(u, "syntax_error", at, "nonlocal declaration not allowed at module level");
            return;
        }
        struct symbol *symbol = symbol_of(u, w->scope, name, at);
        if (symbol->parameter)
            unit_error(u, "syntax_error", at, "name '%.*s' is parameter and %s", STR_ARG(name),
                       what);
        else if (symbol->annotated)
            unit_error(u, "syntax_error", at, "annotated name '%.*s' can't be %s", STR_ARG(name),
                       what);
        else if (symbol->assigned && !symbol->global && !symbol->nonlocal)
            unit_error(u, "syntax_error", at, "name '%.*s' is assigned to before %s declaration",
                       STR_ARG(name), what);
        else if (symbol->used)
            unit_error(u, "syntax_error", at, "name '%.*s' is used prior to %s declaration",
                       STR_ARG(name), what);
        else if (global ? symbol->nonlocal : symbol->global)
            unit_error(u, "syntax_error", at, "name '%.*s' is nonlocal and global", STR_ARG(name));
        if (w->scope->kind == SCOPE_MODULE)
            continue;
        *(global ? &symbol->global : &symbol->nonlocal) = true;
        if (global) {
            struct symbol *module = symbol_of(u, u->module, name, at);
            module->shared = true;
        }
    }
}

static void walk_def(struct walker *w, const struct stmt *s)
{
    uint32_t loops = w->loops;
    walk_list(w, &s->def.decorators);
    walk_parameters_outside(w, &s->def.parameters);
    walk_annotation(w, s->def.returns);
    assign_name(w, s->def.name, s->def.name_at);
    scope_open(w, SCOPE_FUNCTION, s);
    walk_parameters_inside(w, &s->def.parameters);
    w->loops = 0;
    walk_block(w, &s->def.body);
    w->loops = loops;
    scope_close(w);
}

static void walk_imports(struct walker *w, const struct stmt *s)
{
    policy_import(w->unit, s);
    for (uint32_t i = 0; i < s->import.n; i++) {
        const struct import_name *name = &s->import.names[i];
        if (name->as.n) {
            if (s->kind == STMT_IMPORT_FROM)
                policy_name(w->unit, name->name, name->at, "name");
            assign_name(w, name->as, name->as_at);
        } else {
            assign_name(w, str_sub(name->name, 0, str_find_byte(name->name, '.', 0)), name->at);
        }
    }
}

static void walk_try(struct walker *w, const struct stmt *s)
{
    walk_block(w, &s->try_.body);
    for (uint32_t i = 0; i < s->try_.n; i++) {
        const struct except_clause *c = &s->try_.handlers[i];
        walk_optional(w, c->type);
        if (c->name.n)
            assign_name(w, c->name, c->name_at)->unbinds = true;
        walk_block(w, &c->body);
    }
    walk_block(w, &s->try_.otherwise);
    walk_block(w, &s->try_.finally);
}

static void walk_delete(struct walker *w, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NAME:
        assign_name(w, e->s, e->at)->unbinds = true;
        return;
    case EXPR_TUPLE:
    case EXPR_LIST:
        for (uint32_t i = 0; i < e->items.n; i++)
            walk_delete(w, e->items.at[i]);
        return;
    default:
        walk_expr(w, e);
    }
}

static void walk_annotated(struct walker *w, const struct stmt *s)
{
    const struct expr *target = s->annotated.target;
    walk_annotation(w, s->annotated.annotation);
    walk_optional(w, s->annotated.value);
    if (target->kind != EXPR_NAME || target->parenthesized) {
        walk_target(w, target);
        return;
    }
    struct symbol *symbol = assign_name(w, target->s, target->at);
    if (symbol->global || symbol->nonlocal)
        unit_error(w->unit, "syntax_error", target->at, "annotated name '%.*s' can't be %s",
                   STR_ARG(target->s), symbol->global ? "global" : "nonlocal");
    symbol->annotated = true;
}

static void walk_loop(struct walker *w, const struct block *body, const struct block *otherwise)
{
    w->loops++;
    walk_block(w, body);
    w->loops--;
    walk_block(w, otherwise);
}

static void walk_simple(struct walker *w, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_EXPR:
        walk_expr(w, s->expr);
        return;
    case STMT_ASSIGN:
        walk_expr(w, s->assign.value);
        for (uint32_t i = 0; i < s->assign.targets.n; i++)
            walk_target(w, s->assign.targets.at[i]);
        return;
    case STMT_AUGMENTED:
        if (s->augmented.target->kind == EXPR_NAME)
            use_name(w, s->augmented.target->s, s->augmented.target->at);
        walk_expr(w, s->augmented.value);
        walk_target(w, s->augmented.target);
        return;
    case STMT_RETURN:
        if (w->scope->kind != SCOPE_FUNCTION)
            unit_error(w->unit, "syntax_error", s->at, "'return' outside function");
        walk_optional(w, s->expr);
        return;
    case STMT_DELETE:
        for (uint32_t i = 0; i < s->targets.n; i++)
            walk_delete(w, s->targets.at[i]);
        return;
    case STMT_ASSERT:
        walk_expr(w, s->assertion.test);
        walk_optional(w, s->assertion.message);
        return;
    case STMT_RAISE:
        walk_optional(w, s->raise.exception);
        walk_optional(w, s->raise.cause);
        return;
    case STMT_BREAK:
    case STMT_CONTINUE:
        if (w->loops == 0)
            unit_error(w->unit, "syntax_error", s->at,
                       s->kind == STMT_BREAK ? "'break' outside loop"
                                             : "'continue' not properly in loop");
        return;
    default:
        return;
    }
}

/* A chain of elif may be longer than the C stack is deep. */
static void walk_if(struct walker *w, const struct stmt *s)
{
    for (;;) {
        walk_expr(w, s->if_.test);
        walk_block(w, &s->if_.then);
        if (s->if_.otherwise.n != 1 || s->if_.otherwise.at[0]->kind != STMT_IF)
            break;
        s = s->if_.otherwise.at[0];
    }
    walk_block(w, &s->if_.otherwise);
}

static void walk_stmt(struct walker *w, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_ANNOTATED:
        walk_annotated(w, s);
        return;
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
        declare(w, s, s->kind == STMT_GLOBAL);
        return;
    case STMT_IMPORT:
    case STMT_IMPORT_FROM:
        walk_imports(w, s);
        return;
    case STMT_IF:
        walk_if(w, s);
        return;
    case STMT_WHILE:
        walk_expr(w, s->while_.test);
        walk_loop(w, &s->while_.body, &s->while_.otherwise);
        return;
    case STMT_FOR:
        walk_expr(w, s->for_.iterable);
        walk_target(w, s->for_.target);
        walk_loop(w, &s->for_.body, &s->for_.otherwise);
        return;
    case STMT_TRY:
        walk_try(w, s);
        return;
    case STMT_DEF:
        walk_def(w, s);
        return;
    default:
        walk_simple(w, s);
    }
}

static bool ends_block(const struct stmt *s)
{
    return s->kind == STMT_RETURN || s->kind == STMT_RAISE || s->kind == STMT_BREAK ||
           s->kind == STMT_CONTINUE;
}

static void walk_block(struct walker *w, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        walk_stmt(w, b->at[i]);
        if (!ends_block(b->at[i]) || i + 1 == b->n)
            continue;
        struct err *e = err_list_add(&w->unit->file->warnings);
        err_at(e, "unreachable_code", b->at[i + 1]->at, "this is never reached");
        err_hint(e, "the statement before it always leaves the block");
        for (i++; i < b->n; i++)
            walk_stmt(w, b->at[i]);
    }
}

/* ---- binding uses to variables ---- */

struct binding scope_find(struct scope *s, str name)
{
    struct scope *frame = s->frame;
    bool here = true; /* still in the frame where the search began */
    for (struct scope *t = s; t; t = t->parent) {
        struct symbol *symbol = map_get(&t->symbols, name);
        here = here && t->frame == frame;
        if (t->kind == SCOPE_MODULE) {
            if (!symbol || !(symbol->assigned || symbol->shared))
                break;
            return (struct binding){symbol->shared ? BOUND_GLOBAL : BOUND_REGISTER, symbol};
        }
        if (!symbol || symbol->nonlocal)
            continue;
        if (symbol->global) {
            while (t->parent)
                t = t->parent;
            return (struct binding){BOUND_GLOBAL, map_get(&t->symbols, name)};
        }
        if (symbol->assigned) {
            enum binding_kind kind = !here              ? BOUND_FREE
                                     : symbol->captured ? BOUND_CELL
                                                        : BOUND_REGISTER;
            return (struct binding){kind, symbol};
        }
    }
    return (struct binding){BOUND_NOWHERE, NULL};
}

uint16_t scope_capture_index(struct scope *s, struct symbol *symbol)
{
    struct scope *frame = s->frame;
    for (size_t i = 0; i < frame->captures.n; i++)
        if (frame->captures.at[i].symbol == symbol)
            return (uint16_t)i;
    struct scope *outer = frame->parent->frame;
    struct scope_capture c = {symbol, {true, symbol->reg}};
    if (outer != symbol->owner->frame)
        c.capture = (struct capture){false, scope_capture_index(outer, symbol)};
    vec_push(&frame->captures, c);
    return (uint16_t)(frame->captures.n - 1);
}

uint32_t scope_global_slot(struct unit *u, str name)
{
    struct vm_code *f = u->file;
    uintptr_t slot = (uintptr_t)map_get(&f->slots, name);
    if (!slot) {
        slot = ++f->global_count;
        map_set(&f->slots, name, (void *)slot);
        if (slot > f->global_cap) {
            f->global_cap = f->global_cap ? f->global_cap * 2 : 16;
            f->globals = mem_realloc_array(f->globals, f->global_cap, sizeof *f->globals);
            f->global_names =
                mem_realloc_array(f->global_names, f->global_cap, sizeof *f->global_names);
        }
        f->globals[slot - 1] = VAL_UNBOUND;
        f->global_names[slot - 1] = name;
    }
    return (uint32_t)slot - 1;
}

/* Top-level names beyond this live in slots, so that the registers suffice. */
enum { MODULE_REGISTERS = 200 };

static void bind_scope(struct unit *u, struct scope *s)
{
    vec_each (symbol, &s->order) {
        if (!(*symbol)->nonlocal)
            continue;
        struct binding b = scope_find(s->parent, (*symbol)->name);
        if (!b.symbol || b.symbol->owner->kind == SCOPE_MODULE) {
            unit_error(u, "syntax_error", (*symbol)->at, "no binding for nonlocal '%.*s' found",
                       STR_ARG((*symbol)->name));
            continue;
        }
        b.symbol->captured = b.symbol->owner->has_cells = true;
    }
    vec_each (use, &s->uses) {
        struct binding b = scope_find(s, use->name);
        if (b.kind == BOUND_NOWHERE) {
            policy_unknown_name(u, s, use);
        } else if (!use->annotation) {
            b.symbol->used = true;
            if (b.kind == BOUND_FREE)
                b.symbol->captured = b.symbol->owner->has_cells = true;
            if (b.symbol->owner->kind == SCOPE_MODULE && s->frame->kind != SCOPE_MODULE)
                b.symbol->shared = true;
        }
    }
}

static void bind_all(struct unit *u)
{
    size_t registers = 0;
    vec_each (symbol, &u->module->order) {
        struct symbol *s = *symbol;
        if (s->assigned && (builtins_find((*symbol)->name, NULL) || ++registers > MODULE_REGISTERS))
            s->shared = true;
    }
    vec_each (s, &u->scopes)
        bind_scope(u, *s);
}

void scope_resolve_module(struct unit *u, const struct module *m)
{
    struct walker w = {.unit = u};
    u->module = scope_open(&w, SCOPE_MODULE, m);
    walk_block(&w, &m->body);
    bind_all(u);
}

void scope_resolve_expr(struct unit *u, const struct expr *e)
{
    struct walker w = {.unit = u};
    u->module = scope_open(&w, SCOPE_MODULE, e);
    walk_expr(&w, e);
    bind_all(u);
}
