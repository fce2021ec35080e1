/* Walks over every name of a template, in the order of its text. */
#include "vm/template_scope_int.h"

static void visit_arguments(const struct name_visitor *v, const struct argument *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        visit_expr(v, args[i].value);
}

static void visit_items(const struct name_visitor *v, struct expr *const *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        visit_expr(v, at[i]);
}

void visit_expr(const struct name_visitor *v, const struct expr *e)
{
    if (!e || (v->enter && !v->enter(v->data, e)))
        return;
    switch (e->kind) {
    case EXPR_NAME:
        v->name(v->data, e->s, NAME_LOAD);
        break;
    case EXPR_ATTR:
        visit_expr(v, e->attr.target);
        break;
    case EXPR_INDEX:
        visit_expr(v, e->index.target);
        visit_expr(v, e->index.index);
        break;
    case EXPR_SLICE:
        visit_expr(v, e->slice.low);
        visit_expr(v, e->slice.high);
        visit_expr(v, e->slice.step);
        break;
    case EXPR_CALL:
        visit_expr(v, e->call.target);
        visit_arguments(v, e->call.args, e->call.n);
        break;
    case EXPR_FILTER:
    case EXPR_TEST:
        visit_expr(v, e->filter.target);
        visit_arguments(v, e->filter.args, e->filter.n);
        break;
    case EXPR_UNARY:
        visit_expr(v, e->unary.operand);
        break;
    case EXPR_BINARY:
    case EXPR_CONCAT:
        visit_expr(v, e->binary.left);
        visit_expr(v, e->binary.right);
        break;
    case EXPR_BOOL_OP:
        visit_expr(v, e->bool_op.left);
        visit_expr(v, e->bool_op.right);
        break;
    case EXPR_COMPARE:
        visit_expr(v, e->compare.first);
        visit_items(v, e->compare.operands, e->compare.n);
        break;
    case EXPR_COND:
        visit_expr(v, e->cond.test);
        visit_expr(v, e->cond.then);
        visit_expr(v, e->cond.otherwise);
        break;
    case EXPR_TUPLE:
    case EXPR_LIST:
        visit_items(v, e->items.at, e->items.n);
        break;
    case EXPR_DICT:
        for (uint32_t i = 0; i < e->dict.n; i++) {
            visit_expr(v, e->dict.keys[i]);
            visit_expr(v, e->dict.values[i]);
        }
        break;
    default:
        break;
    }
}

void visit_target(const struct name_visitor *v, const struct expr *e)
{
    if (e->kind == EXPR_NAME)
        v->name(v->data, e->s, NAME_STORE);
    else if (e->kind == EXPR_TUPLE)
        for (uint32_t i = 0; i < e->items.n; i++)
            visit_target(v, e->items.at[i]);
    else
        visit_expr(v, e->attr.target);
}

uint32_t node_bodies(const struct node *n, const struct nodes *ret[4])
{
    switch (n->kind) {
    case NODE_FOR:
        ret[0] = &n->for_.body;
        ret[1] = &n->for_.otherwise;
        return 2;
    case NODE_IF:
        ret[0] = &n->if_.body;
        ret[1] = &n->if_.elifs;
        ret[2] = &n->if_.otherwise;
        return 3;
    case NODE_MACRO:
    case NODE_CALL:
        ret[0] = &n->macro.body;
        return 1;
    case NODE_FILTER:
        ret[0] = &n->filter.body;
        return 1;
    case NODE_WITH:
        ret[0] = &n->with.body;
        return 1;
    case NODE_SET_BLOCK:
        ret[0] = &n->set.body;
        return 1;
    case NODE_BLOCK:
        ret[0] = &n->block.body;
        return 1;
    case NODE_AUTOESCAPE:
        ret[0] = &n->autoescape.body;
        return 1;
    default:
        return 0;
    }
}

static void visit_macro(const struct name_visitor *v, const struct node *n)
{
    if (n->kind == NODE_CALL)
        visit_expr(v, n->macro.call);
    for (uint32_t i = 0; i < n->macro.signature.n; i++)
        v->name(v->data, n->macro.signature.names[i], NAME_STORE);
    visit_items(v, n->macro.signature.defaults, n->macro.signature.default_count);
}

void visit_node(const struct name_visitor *v, const struct node *n)
{
    const struct nodes *bodies[4];
    if (n->kind == NODE_BLOCK && v->skip_blocks)
        return;
    switch (n->kind) {
    case NODE_OUTPUT:
        for (uint32_t i = 0; i < n->output.n; i++)
            visit_expr(v, n->output.at[i].value);
        break;
    case NODE_FOR:
        visit_target(v, n->for_.target);
        visit_expr(v, n->for_.iterable);
        break;
    case NODE_IF:
        visit_expr(v, n->if_.test);
        break;
    case NODE_MACRO:
    case NODE_CALL:
        visit_macro(v, n);
        break;
    case NODE_WITH:
        for (uint32_t i = 0; i < n->with.n; i++)
            visit_target(v, n->with.targets[i]);
        visit_items(v, n->with.values, n->with.n);
        break;
    case NODE_SET:
        visit_target(v, n->set.target);
        visit_expr(v, n->set.value);
        break;
    case NODE_SET_BLOCK:
        visit_target(v, n->set.target);
        visit_expr(v, n->set.filter);
        break;
    case NODE_EXTENDS:
    case NODE_INCLUDE:
    case NODE_IMPORT:
    case NODE_FROM:
        if (v->load)
            v->load(v->data, n);
        visit_expr(v, n->load.name);
        break;
    case NODE_AUTOESCAPE:
        visit_expr(v, n->autoescape.value);
        break;
    case NODE_DO:
        visit_expr(v, n->expr);
        break;
    default:
        break;
    }
    uint32_t count = node_bodies(n, bodies);
    for (uint32_t i = 0; i < count; i++)
        visit_nodes(v, bodies[i]);
    if (n->kind == NODE_FOR)
        visit_expr(v, n->for_.test);
    if (n->kind == NODE_FILTER)
        visit_expr(v, n->filter.filter);
}

void visit_nodes(const struct name_visitor *v, const struct nodes *body)
{
    for (uint32_t i = 0; i < body->n; i++)
        visit_node(v, body->at[i]);
}

struct undeclared {
    const str *words;
    unsigned assigned, used; /* bits by the word's number */
};

/* Names are interned: the same name is the same pointer. */
static void note_use(void *data, str name, enum name_use use)
{
    struct undeclared *u = data;
    for (unsigned i = 0; i < WORD_COUNT; i++) {
        unsigned bit = 1u << i;
        if (name.p != u->words[i].p)
            continue;
        if (use == NAME_LOAD && !(u->assigned & bit))
            u->used |= bit;
        else
            u->assigned |= bit;
    }
}

unsigned uses_undeclared(const struct nodes *body, const str *words)
{
    struct undeclared u = {.words = words};
    struct name_visitor v = {&u, note_use, true, NULL, NULL};
    visit_nodes(&v, body);
    return u.used;
}
