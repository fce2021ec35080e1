#include "workflow/deferred.h"

/* Deeper data has no text of its own: EXPR_DEPTH_MAX refuses it. */
enum { SECRET_DEPTH = 2 * EXPR_DEPTH_MAX, ACCOUNT_DEPTH = EXPR_DEPTH_MAX };

static const char *const mutators[] = {"append",  "extend", "insert",  "remove", "pop",
                                       "clear",   "sort",   "reverse", "update", "setdefault",
                                       "popitem", "add",    "discard"};

/* What a part adds to a node: about the bytes of its text, its depth, whether it holds a secret. */
static void account_part(struct deferred *d, val part, int depth)
{
    uint64_t size = (uint64_t)d->size + 7;
    if (is_deferred(part)) {
        const struct deferred *inner = deferred_of(part);
        size += inner->size;
        if (inner->depth >= d->depth)
            d->depth = (uint16_t)(inner->depth + 1);
        d->secret |= inner->secret;
    } else if (part.kind == V_STR) {
        size += part.s->n;
    } else if (part.kind != V_LIST && part.kind != V_TUPLE && part.kind != V_DICT) {
        size += 20;
    } else if (depth >= ACCOUNT_DEPTH) {
        size = EXPR_TEXT_MAX + 1;
    }
    d->size = size > EXPR_TEXT_MAX ? EXPR_TEXT_MAX + 1 : (uint32_t)size;
    if (d->size > EXPR_TEXT_MAX)
        return;
    const val *at = part.kind == V_TUPLE  ? part.tuple->at
                    : part.kind == V_LIST ? part.list->at
                                          : NULL;
    uint32_t n = part.kind == V_TUPLE ? part.tuple->n : part.kind == V_LIST ? part.list->n : 0;
    for (uint32_t i = 0; i < n; i++)
        account_part(d, at[i], depth + 1);
    uint32_t next = 0;
    if (part.kind == V_DICT)
        for (struct dict_entry *e; (e = dict_next(part.dict, &next));) {
            account_part(d, e->key, depth + 1);
            account_part(d, e->value, depth + 1);
        }
}

static void account(struct deferred *d, val part)
{
    account_part(d, part, 0);
}

static struct deferred *new_node(struct heap *h, enum deferred_kind kind)
{
    struct deferred *d = heap_new(h, V_OBJECT, sizeof *d);
    if (!d)
        return NULL;
    d->o.class = &class_deferred;
    d->kind = kind;
    d->size = 8;
    d->self = d->a = d->b = d->args = d->names = VAL_UNBOUND;
    return d;
}

/* The last step of every constructor: limits, and the value. */
static bool finish(struct heap *h, struct deferred *d, val *ret)
{
    if (d->size > EXPR_TEXT_MAX)
        return heap_limit(
            h, "expression_too_long",
            "a deferred expression is longer than %d KiB; write the long part to a file in a step",
            EXPR_TEXT_MAX >> 10);
    if (d->depth > EXPR_DEPTH_MAX)
        return heap_limit(h, "expression_too_deep",
                          "a deferred expression is nested more than %d levels deep",
                          EXPR_DEPTH_MAX);
    *ret = val_obj(V_OBJECT, d);
    return heap_charge(h, 1);
}

bool deferred_step(struct heap *h, uint32_t step, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_STEP);
    if (!d)
        return false;
    d->step = step;
    d->size += (uint32_t)evaluation_of(h)->plan.steps[step].id.n + 4;
    return finish(h, d, ret);
}

bool deferred_secret(struct heap *h, str name, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_SECRET);
    if (!d)
        return false;
    d->name = arena_str(&evaluation_of(h)->arena, name);
    d->secret = true;
    return finish(h, d, ret);
}

bool deferred_attr(struct heap *h, val of, str name, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_ATTR);
    if (!d)
        return false;
    d->a = of;
    account(d, of);
    d->size += (uint32_t)name.n;
    d->name = arena_str(&evaluation_of(h)->arena, name);
    return finish(h, d, ret);
}

bool deferred_hash_files(struct heap *h, val patterns, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_HASH_FILES);
    if (!d)
        return false;
    d->args = patterns;
    account(d, patterns);
    return finish(h, d, ret);
}

bool deferred_raw(struct heap *h, val of, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_RAW);
    if (!d)
        return false;
    d->a = of;
    account(d, of);
    return finish(h, d, ret);
}

bool deferred_concat(struct heap *h, const val *parts, uint32_t n, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_CONCAT);
    if (!d || !tuple_from(h, parts, n, &d->args))
        return false;
    account(d, d->args);
    return finish(h, d, ret);
}

/* ---- what the machine does with one ---- */

static bool hook_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    return deferred_attr(h, val_obj(V_OBJECT, o), name, ret);
}

static bool hook_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_ITEM);
    if (!d)
        return false;
    d->a = val_obj(V_OBJECT, o);
    d->b = key;
    account(d, d->a);
    account(d, key);
    return finish(h, d, ret);
}

static bool operator_node(struct heap *h, enum deferred_kind kind, int op, val a, val b, val *ret)
{
    struct deferred *d = new_node(h, kind);
    if (!d)
        return false;
    d->op = (uint8_t)op;
    d->a = a;
    d->b = b;
    account(d, a);
    if (!val_is_unbound(b))
        account(d, b);
    return finish(h, d, ret);
}

static bool hook_binary(struct heap *h, int op, val a, val b, val *ret)
{
    return operator_node(h, DEFERRED_BINARY, op, a, b, ret);
}

static bool hook_unary(struct heap *h, int op, val a, val *ret)
{
    return operator_node(h, DEFERRED_UNARY, op, a, VAL_UNBOUND, ret);
}

static bool hook_compare(struct heap *h, int op, val a, val b, val *ret)
{
    return operator_node(h, DEFERRED_COMPARE, op, a, b, ret);
}

/* Positional arguments followed by the named ones' values; their names apart. */
static bool set_args(struct heap *h, struct deferred *d, const struct call_args *args)
{
    if (!tuple_new(h, args->n + args->named_count, &d->args))
        return false;
    for (uint32_t i = 0; i < args->n; i++)
        d->args.tuple->at[i] = args->at[i];
    for (uint32_t i = 0; i < args->named_count; i++)
        d->args.tuple->at[args->n + i] = args->named[i];
    account(d, d->args);
    return args->named_count == 0 || tuple_from(h, args->names, args->named_count, &d->names);
}

static bool refuse_mutation(struct heap *h, struct deferred *callee)
{
    for (size_t i = 0; i < sizeof mutators / sizeof *mutators; i++)
        if (str_is(callee->name, mutators[i]))
            return heap_refuse(h, "deferred_mutation",
                               "make a list of its elements first: list(value)",
                               "'%s' would change a value that is not known yet", mutators[i]);
    return true;
}

static bool hook_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct deferred *callee = (struct deferred *)o;
    if (callee->kind != DEFERRED_ATTR)
        return heap_raise(h, &exc_TypeError, "a deferred value is not callable");
    if (!refuse_mutation(h, callee))
        return false;
    struct deferred *d = new_node(h, DEFERRED_CALL);
    if (!d)
        return false;
    d->a = val_obj(V_OBJECT, o);
    account(d, d->a);
    return set_args(h, d, args) && finish(h, d, ret);
}

/* Whether this is a method of the value's type: str.replace of "a,b". */
static bool is_method_of(val v, const struct native_def *def)
{
    return !is_deferred(v) && val_find_method(v, str_of(def->name)) == def;
}

/* Of a method, self stands first among the arguments. */
static bool hook_defer_call(struct heap *h, const struct native_def *def,
                            const struct call_args *args, val *ret)
{
    struct call_args rest = *args;
    struct deferred *d = new_node(h, DEFERRED_NATIVE);
    val text;
    if (!d || !text_new(h, STR(""), &text))
        return false;
    d->def = def;
    if (args->n && is_deferred(args->at[0]) && is_method_of(text, def)) {
        /* str.upper(value): the same as value.upper() */
        val method;
        rest.at++;
        rest.n--;
        return deferred_attr(h, args->at[0], str_of(def->name), &method) &&
               hook_call(h, method.object, &rest, ret);
    }
    if (args->n && is_method_of(args->at[0], def)) {
        d->self = args->at[0];
        account(d, d->self);
        rest.at++;
        rest.n--;
    }
    return set_args(h, d, &rest) && finish(h, d, ret);
}

static bool hook_format(struct heap *h, val o, char conversion, val spec, val *ret)
{
    struct deferred *d = new_node(h, DEFERRED_FORMAT);
    if (!d)
        return false;
    d->conversion = conversion;
    d->a = o;
    d->b = spec;
    account(d, o);
    if (!val_is_unbound(spec))
        account(d, spec);
    return finish(h, d, ret);
}

static bool hook_repr(struct heap *h, struct object *o, val *ret)
{
    struct deferred *d = (struct deferred *)o;
    if (d->secret)
        return heap_refuse(h, "secret_shown", "a secret can only be passed in a step's env=",
                           "a secret cannot be printed or shown");
    auto_buf b = BUF(EXPR_TEXT_MAX * 2);
    buf_add_c(&b, "<deferred ");
    if (!deferred_add_text(h, &b, val_obj(V_OBJECT, o)))
        return false;
    buf_add_byte(&b, '>');
    return text_new(h, buf_str(&b), ret);
}

static void hook_trace(struct heap *h, struct object *o)
{
    struct deferred *d = (struct deferred *)o;
    heap_mark(h, d->self);
    heap_mark(h, d->a);
    heap_mark(h, d->b);
    heap_mark(h, d->args);
    heap_mark(h, d->names);
}

/* Whether all steps in `v` have results. They count as decided on then. */
static bool is_known(struct heap *h, val v, bool *ret)
{
    struct step_set all = {0};
    struct evaluation *e = evaluation_of(h);
    bool ok = deferred_steps(h, v, &all);
    *ret = true;
    for (uint32_t i = 0; ok && i < all.n; i++)
        *ret = *ret && !val_is_unbound(e->notes.at[all.at[i]].result);
    for (uint32_t i = 0; ok && *ret && i < all.n; i++)
        e->notes.at[all.at[i]].decided = true;
    step_set_done(&all);
    return ok;
}

static bool hook_decide(struct heap *h, struct object *o, val *ret)
{
    struct deferred *d = (struct deferred *)o;
    bool known;

    if (d->secret)
        return heap_refuse(
            h, "secret_decided",
            "pass it to the step that needs it in env=, and decide on that step's result",
            "code cannot decide on a secret: its value is never known to the workflow");
    if (!is_known(h, val_obj(V_OBJECT, o), &known))
        return false;
    if (!known)
        return heap_await(h, val_obj(V_OBJECT, o));
    /* A decision is an await whether or not the result is there already. */
    evaluation_of(h)->epoch++;
    return deferred_evaluate(h, val_obj(V_OBJECT, o), ret);
}

const struct obj_class class_deferred = {
    .type = {.name = "deferred", .kind = V_OBJECT},
    .getattr = hook_getattr,
    .getitem = hook_getitem,
    .call = hook_call,
    .binary = hook_binary,
    .unary = hook_unary,
    .compare = hook_compare,
    .decide = hook_decide,
    .defer_call = hook_defer_call,
    .format = hook_format,
    .concat = deferred_concat,
    .repr = hook_repr,
    .trace = hook_trace,
};

/* ---- what stands in one ---- */

static bool any_secret(const val *at, uint32_t n, int depth)
{
    for (uint32_t i = 0; depth < SECRET_DEPTH && i < n; i++) {
        uint32_t next = 0;
        if (is_deferred(at[i]) && deferred_of(at[i])->secret)
            return true;
        if (at[i].kind == V_TUPLE && any_secret(at[i].tuple->at, at[i].tuple->n, depth + 1))
            return true;
        if (at[i].kind == V_LIST && any_secret(at[i].list->at, at[i].list->n, depth + 1))
            return true;
        if (at[i].kind != V_DICT)
            continue;
        for (struct dict_entry *e; (e = dict_next(at[i].dict, &next));)
            if (any_secret(&e->value, 1, depth + 1))
                return true;
    }
    return false;
}

bool deferred_has_secret(val v)
{
    return any_secret(&v, 1, 0);
}

static bool steps_of_container(struct heap *h, val v, struct step_set *set)
{
    if (v.kind == V_TUPLE || v.kind == V_LIST) {
        const val *at = v.kind == V_TUPLE ? v.tuple->at : v.list->at;
        uint32_t n = v.kind == V_TUPLE ? v.tuple->n : v.list->n;
        for (uint32_t i = 0; i < n; i++)
            if (!deferred_steps(h, at[i], set))
                return false;
    } else if (v.kind == V_DICT) {
        uint32_t at = 0;
        for (struct dict_entry *e; (e = dict_next(v.dict, &at));)
            if (!deferred_steps(h, e->value, set))
                return false;
    } else if (val_is_object_of(v, &class_option)) {
        return deferred_steps(h, ((struct option_value *)v.object)->fields, set);
    }
    return true;
}

bool deferred_steps(struct heap *h, val v, struct step_set *set)
{
    if (!val_is_obj(v) || v.kind == V_STR)
        return true;
    if (!heap_charge(h, 1) || !heap_enter(h))
        return false;
    bool ok;
    if (is_deferred(v)) {
        struct deferred *d = deferred_of(v);
        if (d->kind == DEFERRED_STEP)
            step_set_add(set, d->step);
        ok = deferred_steps(h, d->self, set) && deferred_steps(h, d->a, set) &&
             deferred_steps(h, d->b, set) && deferred_steps(h, d->args, set);
    } else {
        ok = steps_of_container(h, v, set);
    }
    heap_leave(h);
    return ok;
}
