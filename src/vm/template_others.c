/* Which templates a template may load: what the text tells of a computed name. An expression
 * becomes the choices that it may be; what cannot be known is none of them. */
#include "vm/template_uses_int.h"

struct known_name {
    str name;
    struct template_choices choices;
};

struct others {
    struct arena *arena;
    const struct template_names *assigned_again;
    struct template_choices *found;
    struct known_name *known; /* of the scopes around, innermost last */
    uint32_t n, cap;
    uint32_t block,
        block_count; /* the present one and all so far, as template_uses.c counts them */
};

static struct template_choices resolve(const struct others *o, const struct expr *e);

static void add_choice(struct arena *a, struct template_choices *to, struct template_choice c)
{
    if (to->n == to->cap) {
        uint32_t cap = to->cap ? to->cap * 2 : 4;
        struct template_choice *grown = arena_array(a, struct template_choice, cap);
        if (to->n)
            memcpy(grown, to->at, to->n * sizeof *grown);
        to->at = grown;
        to->cap = cap;
    }
    to->at[to->n++] = c;
}

static struct template_choice one(struct arena *a, str name)
{
    str *at = arena_new(a, str);
    *at = name;
    return (struct template_choice){.names = at, .n = 1};
}

static void add_choices(struct arena *a, struct template_choices *to, struct template_choices from)
{
    for (uint32_t i = 0; i < from.n && to->n < TEMPLATE_CHOICES_MAX; i++)
        add_choice(a, to, from.at[i]);
}

static struct template_choices both(const struct others *o, const struct expr *a,
                                    const struct expr *b)
{
    struct template_choices all = {0};
    add_choices(o->arena, &all, resolve(o, a));
    add_choices(o->arena, &all, resolve(o, b));
    return all;
}

/* Too many to follow are none that is known. */
static bool too_many(const struct template_choices *a, const struct template_choices *b)
{
    return (size_t)a->n * b->n > TEMPLATE_CHOICES_MAX;
}

static struct template_choices joined(const struct others *o, const struct expr *a,
                                      const struct expr *b)
{
    struct template_choices left = resolve(o, a), right = resolve(o, b), all = {0};
    if (too_many(&left, &right))
        return all;
    for (uint32_t i = 0; i < left.n; i++)
        for (uint32_t k = 0; k < right.n; k++)
            if (!left.at[i].list && !right.at[k].list)
                add_choice(
                    o->arena, &all,
                    one(o->arena, arena_printf(o->arena, "%.*s%.*s", STR_ARG(left.at[i].names[0]),
                                               STR_ARG(right.at[k].names[0]))));
    return all;
}

/* A list of which nothing is known but the other elements: one of them may still be taken. */
static struct template_choices listed(const struct others *o, const struct expr_list *items)
{
    struct template_choices all = {0};
    if (items->n > TEMPLATE_CHOICES_MAX)
        return all;
    add_choice(o->arena, &all, (struct template_choice){.list = true});
    for (uint32_t i = 0; i < items->n; i++) {
        struct template_choices element = resolve(o, items->at[i]), longer = {0};
        if (too_many(&all, &element))
            return (struct template_choices){0};
        for (uint32_t k = 0; k < all.n * element.n; k++) {
            struct template_choice c = all.at[k / element.n], last = element.at[k % element.n];
            str *names = arena_array(o->arena, str, c.n + 1);
            if (last.list)
                continue;
            if (c.n)
                memcpy(names, c.names, c.n * sizeof *names);
            names[c.n] = last.names[0];
            add_choice(o->arena, &longer,
                       (struct template_choice){.names = names, .n = c.n + 1, .list = true});
        }
        if (longer.n)
            all = longer;
    }
    return all;
}

static struct template_choices resolve(const struct others *o, const struct expr *e)
{
    struct template_choices found = {0};
    if (!e)
        return found;
    switch (e->kind) {
    case EXPR_STR:
        add_choice(o->arena, &found, one(o->arena, e->s));
        return found;
    case EXPR_NAME:
        for (uint32_t i = o->n; i-- > 0;)
            if (str_eq(o->known[i].name, e->s))
                return o->known[i].choices;
        return found;
    case EXPR_COND:
        return both(o, e->cond.then, e->cond.otherwise);
    case EXPR_BOOL_OP:
        return e->bool_op.is_or ? both(o, e->bool_op.left, e->bool_op.right)
                                : resolve(o, e->bool_op.right);
    case EXPR_CONCAT:
        return joined(o, e->binary.left, e->binary.right);
    case EXPR_BINARY:
        return e->binary.op == BINARY_ADD ? joined(o, e->binary.left, e->binary.right) : found;
    case EXPR_LIST:
    case EXPR_TUPLE:
        return listed(o, &e->items);
    default:
        return found;
    }
}

/* A name that is assigned at two places may be either's: it is not known. */
static void bind(struct others *o, const struct expr *target, struct template_choices choices)
{
    if (target->kind != EXPR_NAME || template_names_has(o->assigned_again, target->s))
        return;
    if (o->n == o->cap) {
        uint32_t cap = o->cap ? o->cap * 2 : 8;
        struct known_name *grown = arena_array(o->arena, struct known_name, cap);
        if (o->n)
            memcpy(grown, o->known, o->n * sizeof *grown);
        o->known = grown;
        o->cap = cap;
    }
    o->known[o->n++] = (struct known_name){target->s, choices};
}

static struct template_choices each_of(const struct others *o, const struct expr *iterable)
{
    struct template_choices lists = resolve(o, iterable), all = {0};
    for (uint32_t i = 0; i < lists.n; i++)
        for (uint32_t k = 0; lists.at[i].list && k < lists.at[i].n; k++)
            if (all.n < TEMPLATE_CHOICES_MAX)
                add_choice(o->arena, &all, one(o->arena, lists.at[i].names[k]));
    return all;
}

static void bind_before(struct others *o, const struct node *n)
{
    if (n->kind == NODE_FOR)
        bind(o, n->for_.target, each_of(o, n->for_.iterable));
    uint32_t known = o->n, count = n->kind == NODE_WITH ? n->with.n : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t all = o->n;
        o->n = known; /* no value of a with sees its other names */
        struct template_choices value = resolve(o, n->with.values[i]);
        o->n = all;
        bind(o, n->with.targets[i], value);
    }
}

static void note(struct others *o, const struct node *n)
{
    bool load = n->kind == NODE_EXTENDS || n->kind == NODE_INCLUDE || n->kind == NODE_IMPORT ||
                n->kind == NODE_FROM;
    if (n->kind == NODE_SET)
        bind(o, n->set.target, resolve(o, n->set.value));
    if (!load || (n->kind != NODE_EXTENDS && !n->load.with_context))
        return;
    struct template_choices c = resolve(o, n->load.name);
    for (uint32_t i = 0; i < c.n; i++) {
        struct template_choice one = c.at[i];
        one.extends = n->kind == NODE_EXTENDS;
        one.block = o->block;
        add_choice(o->arena, o->found, one);
    }
}

/* In the order of the text: a name is known from where it is assigned to where its scope ends. Only
 * the bodies of an if have no scope of their own. */
static void walk(struct others *o, const struct nodes *body)
{
    const struct nodes *below[4];
    for (uint32_t i = 0; i < body->n; i++) {
        const struct node *n = body->at[i];
        uint32_t before = o->n, block = o->block, count = node_bodies(n, below);
        bind_before(o, n);
        if (n->kind == NODE_BLOCK)
            o->block = ++o->block_count;
        for (uint32_t b = 0; b < count; b++) {
            walk(o, below[b]);
            if (n->kind != NODE_IF)
                o->n = before;
        }
        o->block = block;
        note(o, n);
    }
}

void template_others(struct arena *a, const struct nodes *body,
                     const struct template_names *assigned_again, struct template_choices *ret)
{
    struct others o = {.arena = a, .assigned_again = assigned_again, .found = ret};
    *ret = (struct template_choices){0};
    walk(&o, body);
}
