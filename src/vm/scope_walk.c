/* The walk that records the names of every scope, and what CPython's symbol table refuses. */
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

/* ---- scopes and names ---- */

static void scope_open(struct walker *w, enum scope_kind kind, const void *node)
{
    w->scope = scope_new(w->unit, w->scope, kind, node);
}

static void scope_close(struct walker *w)
{
    w->scope = w->scope->parent;
}

static void use_name(struct walker *w, str name, pos at)
{
    policy_name(w->unit, name, at, "name");
    if (!w->annotation)
        scope_symbol(w->unit, w->scope, name, at)->used = true;
    vec_push(&w->scope->uses, (struct use){name, at, w->annotation});
}

static struct symbol *assign_name(struct walker *w, str name, pos at)
{
    policy_name(w->unit, name, at, "name");
    struct symbol *symbol = scope_symbol(w->unit, w->scope, name, at);
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
    scope_symbol(w->unit, s, name, at)->assigned = true;
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
        struct symbol *symbol = scope_symbol(w->unit, w->scope, at->name, at->at);
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
        struct symbol *symbol = scope_symbol(u, w->scope, name, at);
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
            struct symbol *module = scope_symbol(u, u->module, name, at);
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

void scope_walk_block(struct unit *u, const struct block *b)
{
    struct walker w = {.unit = u, .scope = u->module};
    walk_block(&w, b);
}

void scope_walk_expr(struct unit *u, const struct expr *e)
{
    struct walker w = {.unit = u, .scope = u->module};
    walk_expr(&w, e);
}
