/* loop, self, super, namespace, cycler, joiner, and the globals. */
#include "value/dict.h"
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

/* ---- loop ---- */

struct loop_object {
    struct object o;
    val iterable; /* whose length counts; unbound: it has none */
    val iterator, recurse, context;
    val before, current, after, changed;
    int64_t depth, index, length; /* index from 0; length -1: not known yet */
};

static struct loop_object *loop_of(val v)
{
    return (struct loop_object *)v.object;
}

static bool loop_length(struct heap *h, struct loop_object *l)
{
    val rest;
    if (l->length >= 0)
        return true;
    if (l->iterable.kind != V_UNBOUND)
        return val_len(h, l->iterable, &l->length);
    if (!val_to_list(h, l->iterator, &rest) || !val_iter(h, rest, &l->iterator))
        return false;
    l->length = rest.list->n + l->index + 1 + (l->after.kind != V_UNBOUND);
    return true;
}

static bool loop_peek(struct heap *h, struct loop_object *l)
{
    return l->after.kind != V_UNBOUND || val_next(h, l->iterator, &l->after);
}

enum loop_field {
    LOOP_INDEX,
    LOOP_INDEX0,
    LOOP_FIRST,
    LOOP_LAST,
    LOOP_LENGTH,
    LOOP_REVINDEX,
    LOOP_REVINDEX0,
    LOOP_DEPTH,
    LOOP_DEPTH0,
    LOOP_PREVITEM,
    LOOP_NEXTITEM,
    LOOP_FIELDS
};

static bool loop_field(struct heap *h, struct loop_object *l, enum loop_field field, val *ret)
{
    switch (field) {
    case LOOP_INDEX:
        *ret = val_int(l->index + 1);
        return true;
    case LOOP_INDEX0:
        *ret = val_int(l->index);
        return true;
    case LOOP_FIRST:
        *ret = val_bool(l->index == 0);
        return true;
    case LOOP_LAST:
        if (!loop_peek(h, l))
            return false;
        *ret = val_bool(l->after.kind == V_UNBOUND);
        return true;
    case LOOP_LENGTH:
    case LOOP_REVINDEX:
    case LOOP_REVINDEX0:
        if (!loop_length(h, l))
            return false;
        *ret = val_int(field == LOOP_LENGTH     ? l->length
                       : field == LOOP_REVINDEX ? l->length - l->index
                                                : l->length - l->index - 1);
        return true;
    case LOOP_DEPTH:
        *ret = val_int(l->depth + 1);
        return true;
    case LOOP_DEPTH0:
        *ret = val_int(l->depth);
        return true;
    case LOOP_PREVITEM:
        *ret = l->before;
        return l->index != 0 || undefined_hint(h, STR("there is no previous item"), ret);
    default:
        if (!loop_peek(h, l))
            return false;
        *ret = l->after;
        return ret->kind != V_UNBOUND || undefined_hint(h, STR("there is no next item"), ret);
    }
}

static bool loop_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    static const char *const names[LOOP_FIELDS] = {"index",  "index0",   "first",     "last",
                                                   "length", "revindex", "revindex0", "depth",
                                                   "depth0", "previtem", "nextitem"};
    for (int i = 0; i < LOOP_FIELDS; i++)
        if (names[i][0] == name.p[0] && str_is(name, names[i]))
            return loop_field(h, (struct loop_object *)o, (enum loop_field)i, ret);
    return true;
}

static bool loop_cycle(struct heap *h, val *args, val *ret)
{
    const struct tuple_obj *values = args[1].tuple;
    if (values->n == 0)
        return heap_raise(h, &exc_TypeError, "no items for cycling given");
    *ret = values->at[loop_of(args[0])->index % values->n];
    return true;
}

static bool loop_changed(struct heap *h, val *args, val *ret)
{
    struct loop_object *l = loop_of(args[0]);
    bool same = false;
    if (l->changed.kind != V_UNBOUND && !val_equal(h, l->changed, args[1], &same))
        return false;
    l->changed = args[1];
    *ret = val_bool(!same);
    return true;
}

static const struct native_def loop_methods[] = {
    {"cycle", loop_cycle, 0, 0, 0, 0, NATIVE_VARARGS, NULL, "(*args)", "The next of the values."},
    {"changed", loop_changed, 0, 0, 0, 0, NATIVE_VARARGS | NATIVE_CALLS, NULL, "(*value)",
     "Is this another value than at the last call?"},
    {0}};

static bool loop_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct loop_object *l = (struct loop_object *)o;
    if (args->n != 1 || args->named_count)
        return heap_raise(h, &exc_TypeError,
                          "LoopContext.__call__() takes 2 positional arguments but %u were given",
                          args->n + 1);
    if (l->recurse.kind != V_FUNC)
        return heap_raise(h, &exc_TypeError,
                          "The loop must have the 'recursive' marker to be called recursively.");
    const val given[] = {l->context, args->at[0], l->recurse, val_int(l->depth + 1)};
    return val_call(h, l->recurse, given, 4, ret);
}

static bool loop_repr(struct heap *h, struct object *o, val *ret)
{
    struct loop_object *l = (struct loop_object *)o;
    return loop_length(h, l) && text_printf(h, ret, "<LoopContext %lld/%lld>",
                                            (long long)l->index + 1, (long long)l->length);
}

static bool loop_len(struct heap *h, struct object *o, int64_t *ret)
{
    struct loop_object *l = (struct loop_object *)o;
    if (!loop_length(h, l))
        return false;
    *ret = l->length;
    return true;
}

static void loop_trace(struct heap *h, struct object *o)
{
    const struct loop_object *l = (const struct loop_object *)o;
    const val held[] = {l->iterable, l->iterator, l->recurse, l->context,
                        l->before,   l->current,  l->after,   l->changed};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        heap_mark(h, held[i]);
}

static const struct obj_class loop_class = {
    .type = {.name = "runtime.LoopContext", .kind = V_OBJECT, .methods = loop_methods},
    .getattr = loop_getattr,
    .call = loop_call,
    .len = loop_len,
    .repr = loop_repr,
    .trace = loop_trace,
};

bool loop_new(struct heap *h, val iterable, bool sized, val recurse, val context, int64_t depth,
              val *ret)
{
    val iterator;
    if (!val_iter(h, iterable, &iterator))
        return false;
    struct loop_object *l = heap_new(h, V_OBJECT, sizeof *l);
    if (!l)
        return false;
    bool has_len = sized && iterable.kind != V_ITER && iterable.kind != V_GEN;
    l->o.class = &loop_class;
    l->iterable = has_len ? iterable : VAL_UNBOUND;
    l->iterator = iterator;
    l->recurse = recurse;
    l->context = context;
    l->depth = depth;
    l->index = -1;
    l->length = -1;
    *ret = val_obj(V_OBJECT, l);
    return true;
}

bool template_loop_next(struct vm *vm, val loop, val *ret)
{
    struct loop_object *l = loop_of(loop);
    *ret = l->after;
    if (ret->kind == V_UNBOUND && !val_next(&vm->heap, l->iterator, ret))
        return false;
    l->after = VAL_UNBOUND;
    if (ret->kind == V_UNBOUND)
        return true;
    l->index++;
    l->before = l->current;
    l->current = *ret;
    return true;
}

/* ---- self and super ---- */

struct block_reference {
    struct object o;
    val context, name, heirs; /* heirs: a list of functions */
    uint32_t depth;
};

static bool reference_new(struct heap *h, val context, val name, val heirs, uint32_t depth,
                          val *ret);

static bool no_parent(struct heap *h, val name, val *ret)
{
    auto_buf b = BUF(1 << 16);
    buf_addf(&b, "there is no parent block called '%.*s'.", STR_ARG(text_str(name)));
    return undefined_hint(h, buf_str(&b), ret);
}

static bool reference_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    const struct block_reference *r = (const struct block_reference *)o;
    if (str_is(name, "name"))
        *ret = r->name;
    else if (str_is(name, "super"))
        return r->depth + 1 < r->heirs.list->n
                   ? reference_new(h, r->context, r->name, r->heirs, r->depth + 1, ret)
                   : no_parent(h, r->name, ret);
    return true;
}

static bool reference_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct block_reference *r = (struct block_reference *)o;
    struct templates *t = templates_of(h);
    val ignored;
    if (args->n || args->named_count)
        return heap_raise(h, &exc_TypeError,
                          "BlockReference.__call__() takes 1 positional argument but %u were given",
                          args->n + 1);
    if (!template_push(t))
        return false;
    if (!val_call(h, r->heirs.list->at[r->depth], &r->context, 1, &ignored))
        return false;
    return template_pop(t, context_of(r->context)->escape, ret);
}

static void reference_trace(struct heap *h, struct object *o)
{
    const struct block_reference *r = (const struct block_reference *)o;
    heap_mark(h, r->context);
    heap_mark(h, r->name);
    heap_mark(h, r->heirs);
}

static const struct obj_class reference_class = {
    .type = {.name = "runtime.BlockReference", .kind = V_OBJECT},
    .getattr = reference_getattr,
    .call = reference_call,
    .trace = reference_trace,
};

static bool reference_new(struct heap *h, val context, val name, val heirs, uint32_t depth,
                          val *ret)
{
    struct block_reference *r = heap_new(h, V_OBJECT, sizeof *r);
    if (!r)
        return false;
    r->o.class = &reference_class;
    r->context = context;
    r->name = name;
    r->heirs = heirs;
    r->depth = depth;
    *ret = val_obj(V_OBJECT, r);
    return true;
}

bool template_super(struct heap *h, val context, val function, str name, val *ret)
{
    val heirs, text;
    if (!text_new_interned(h, name, &text) || !context_blocks(h, context, name, &heirs))
        return false;
    for (uint32_t i = 0; i + 1 < heirs.list->n; i++)
        if (heirs.list->at[i].o == function.o)
            return reference_new(h, context, text, heirs, i + 1, ret);
    return no_parent(h, text, ret);
}

struct self_object {
    struct object o;
    val context;
};

static bool self_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    val heirs, context = ((struct self_object *)o)->context;
    if (key.kind != V_STR)
        return heap_raise(h, &exc_KeyError, "no block of that name");
    return context_blocks(h, context, text_str(key), &heirs) &&
           reference_new(h, context, key, heirs, 0, ret);
}

static void self_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct self_object *)o)->context);
}

static bool self_repr(struct heap *h, struct object *o, val *ret)
{
    const struct context *c = context_of(((struct self_object *)o)->context);
    return text_printf(h, ret, "<TemplateReference '%.*s'>", STR_ARG(c->template->name));
}

static const struct obj_class self_class = {
    .type = {.name = "runtime.TemplateReference", .kind = V_OBJECT},
    .getitem = self_getitem,
    .repr = self_repr,
    .trace = self_trace,
};

bool template_self(struct heap *h, val context, val *ret)
{
    struct self_object *s = heap_new(h, V_OBJECT, sizeof *s);
    if (!s)
        return false;
    s->o.class = &self_class;
    s->context = context;
    *ret = val_obj(V_OBJECT, s);
    return true;
}

/* ---- namespace, cycler, joiner ---- */

struct state_object {
    struct object o;
    val held; /* namespace: dict; cycler: tuple; joiner: separator */
    int64_t at;
};

static void state_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct state_object *)o)->held);
}

static bool state_new(struct heap *h, const struct obj_class *class, val held, val *ret)
{
    struct state_object *s = heap_new(h, V_OBJECT, sizeof *s);
    if (!s)
        return false;
    s->o.class = class;
    s->held = held;
    *ret = val_obj(V_OBJECT, s);
    return true;
}

static bool namespace_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)h;
    *ret = dict_get_str(((struct state_object *)o)->held.dict, name);
    return true;
}

static bool namespace_repr(struct heap *h, struct object *o, val *ret)
{
    val names;
    if (!val_repr(h, ((struct state_object *)o)->held, &names))
        return false;
    auto_text_builder b;
    text_builder_init(&b, h);
    text_builder_add(&b, STR("<Namespace "));
    text_builder_add_val(&b, names);
    text_builder_add(&b, STR(">"));
    return text_builder_finish(&b, ret);
}

static const struct obj_class namespace_class = {
    .type = {.name = "utils.Namespace", .kind = V_OBJECT},
    .getattr = namespace_getattr,
    .repr = namespace_repr,
    .trace = state_trace,
};

bool val_is_namespace(val v)
{
    return val_is_object_of(v, &namespace_class);
}

bool namespace_set(struct heap *h, val space, str name, val v)
{
    return dict_set_str(h, ((struct state_object *)space.object)->held.dict, name, v);
}

/* namespace(dict, a=1) takes what dict() takes. */
static bool make_namespace(struct heap *h, val *args, val *ret)
{
    val names;
    struct call_args call = {.at = args[0].tuple->at, .n = args[0].tuple->n};
    struct dict_entry *e;
    uint32_t at = 0;
    if (!native_call(h, type_dict.construct, VAL_UNBOUND, &call, &names))
        return false;
    while ((e = dict_next(args[1].dict, &at)))
        if (!dict_set(h, names.dict, e->key, e->value))
            return false;
    return state_new(h, &namespace_class, names, ret);
}

static bool cycler_current(struct heap *h, val *args, val *ret)
{
    const struct state_object *s = (const struct state_object *)args[0].object;
    (void)h;
    *ret = s->held.tuple->at[s->at];
    return true;
}

static bool cycler_next(struct heap *h, val *args, val *ret)
{
    struct state_object *s = (struct state_object *)args[0].object;
    if (!cycler_current(h, args, ret))
        return false;
    s->at = (s->at + 1) % s->held.tuple->n;
    return true;
}

static bool cycler_reset(struct heap *h, val *args, val *ret)
{
    (void)h;
    ((struct state_object *)args[0].object)->at = 0;
    *ret = VAL_NONE;
    return true;
}

static bool cycler_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    struct state_object *s = (struct state_object *)o;
    val self = val_obj(V_OBJECT, o);
    if (str_is(name, "current"))
        return cycler_current(h, &self, ret);
    if (str_is(name, "items"))
        *ret = s->held;
    else if (str_is(name, "pos"))
        *ret = val_int(s->at);
    return true;
}

static const struct native_def cycler_methods[] = {
    {"next", cycler_next, 0, 0, 0, 0, 0, NULL, "()", "The present item; goes on to the next."},
    {"reset", cycler_reset, 0, 0, 0, 0, 0, NULL, "()", "Begins anew."},
    {0}};

static const struct obj_class cycler_class = {
    .type = {.name = "utils.Cycler", .kind = V_OBJECT, .methods = cycler_methods},
    .getattr = cycler_getattr,
    .trace = state_trace,
};

static bool make_cycler(struct heap *h, val *args, val *ret)
{
    if (args[0].tuple->n == 0)
        return heap_raise(h, &exc_RuntimeError, "at least one item has to be provided");
    return state_new(h, &cycler_class, args[0], ret);
}

static bool joiner_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct state_object *s = (struct state_object *)o;
    if (args->n || args->named_count)
        return heap_raise(h, &exc_TypeError,
                          "Joiner.__call__() takes 1 positional argument but %u were given",
                          args->n + 1);
    if (s->at++)
        *ret = s->held;
    else
        return text_new(h, STR(""), ret);
    return true;
}

static bool joiner_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    struct state_object *s = (struct state_object *)o;
    (void)h;
    if (str_is(name, "sep"))
        *ret = s->held;
    else if (str_is(name, "used"))
        *ret = val_bool(s->at > 0);
    return true;
}

static const struct obj_class joiner_class = {
    .type = {.name = "utils.Joiner", .kind = V_OBJECT},
    .getattr = joiner_getattr,
    .call = joiner_call,
    .trace = state_trace,
};

static bool make_joiner(struct heap *h, val *args, val *ret)
{
    val separator = args[0];
    if (separator.kind == V_UNBOUND && !text_new(h, STR(", "), &separator))
        return false;
    return state_new(h, &joiner_class, separator, ret);
}

static bool refuse_lipsum(struct heap *h, val *args, val *ret)
{
    (void)args;
    (void)ret;
    return heap_refuse(h, "not_supported", "write the text into the template",
                       "lipsum is not deterministic and is not available");
}

/* ---- globals ---- */

static const char *const joiner_names[] = {"sep"};
static const struct native_def globals[] = {
    {"namespace", make_namespace, 0, 0, 0, 0, NATIVE_VARARGS | NATIVE_KWARGS, NULL, "(**names)",
     "Names that may be set from inside of loops."},
    {"cycler", make_cycler, 0, 0, 0, 0, NATIVE_VARARGS, NULL, "(*items)",
     "Gives its items one after the other, again and again."},
    {"joiner", make_joiner, 0, 1, 0, 0, 0, joiner_names, "(sep=', ')",
     "Nothing at the first call, then the separator."},
    {"lipsum", refuse_lipsum, 0, 0, 0, 0, NATIVE_VARARGS | NATIVE_KWARGS, NULL, "()", "Refused."},
};

bool template_global(str name, val *ret)
{
    if (str_is(name, "range")) {
        *ret = val_type(&type_range);
        return true;
    }
    if (str_is(name, "dict")) {
        *ret = val_type(&type_dict);
        return true;
    }
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (str_is(name, globals[i].name)) {
            *ret = val_native(&globals[i]);
            return true;
        }
    return false;
}
