/* native: how the arguments of a call find their places in a native's row, with the TypeErrors of
 * CPython's own C functions, which word the same mistake in four ways. */
#include "value/dict.h"
#include "value/list.h"
#include "value/methods_int.h"
#include "value/ops.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include <assert.h>
#include <stdio.h>

enum { SLOTS_MAX = 24 };

/* A call while its arguments are bound. */
struct binding {
    struct heap *heap;
    const struct native_def *def;
    val self;
    const struct call_args *args;
    val slots[SLOTS_MAX];
    uint32_t first; /* 1 where slots[0] is self */
    uint32_t count; /* slots in all */
    uint32_t held;
    char name[128]; /* qualified, for messages */
};

/* ---- names for messages ---- */

static bool has_self(const struct binding *b)
{
    return !val_is_unbound(b->self);
}

/* "list.append", or "len", into a text that lasts as long as b. */
static const char *qualified(struct binding *b)
{
    if (!has_self(b))
        return b->def->name;
    const struct type_info *type = b->self.kind == V_TYPE ? b->self.type : val_type_of(b->self);
    while (type->base && type->base->methods == type->methods)
        type = type->base; /* bool's methods are int's */
    snprintf(b->name, sizeof b->name, "%s.%s", type->name, b->def->name);
    return b->name;
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- wrong numbers ---- */

static bool wrong_count_parsed(struct binding *b, uint32_t given)
{
    const struct native_def *d = b->def;
    bool few = given < d->min;
    uint32_t n = few ? d->min : d->max;
    return heap_raise(b->heap, &exc_TypeError, "%s() takes %s %u argument%s (%u given)", d->name,
                      d->min == d->max ? "exactly"
                      : few            ? "at least"
                                       : "at most",
                      n, plural(n), given);
}

static bool wrong_count(struct binding *b, uint32_t given)
{
    const struct native_def *d = b->def;

    if (d->flags & NATIVE_PARSED)
        return wrong_count_parsed(b, given);
    if (!(d->flags & NATIVE_TYPE) && !d->keyword_only) {
        if (d->max == 0)
            return heap_raise(b->heap, &exc_TypeError, "%s() takes no arguments (%u given)",
                              qualified(b), given);
        if (d->max == 1 && d->min == 1)
            return heap_raise(b->heap, &exc_TypeError, "%s() takes exactly one argument (%u given)",
                              qualified(b), given);
    }
    bool few = given < d->min;
    uint32_t n = few ? d->min : d->max;
    return heap_raise(b->heap, &exc_TypeError, "%s expected %s%u argument%s, got %u", d->name,
                      d->min == d->max && !(d->flags & NATIVE_VARARGS) ? ""
                      : few                                            ? "at least "
                                                                       : "at most ",
                      n, plural(n), given);
}

/* The same for functions whose arguments have names (CPython's _PyArg_UnpackKeywords). */
static bool check_named_counts(struct binding *b)
{
    const struct native_def *d = b->def;
    uint32_t n = b->args->n, named = b->args->named_count;
    uint32_t all = d->max + d->keyword_only;
    uint32_t least = d->positional_only < d->min ? d->positional_only : d->min;

    if (d->keyword_only && d->max && d->positional_only == d->max && !(d->flags & NATIVE_VARARGS) &&
        (n < d->min || n > d->max)) /* sorted, whose keywords are somebody else's */
        return wrong_count(b, n);
    if (!(d->flags & (NATIVE_VARARGS | NATIVE_KWARGS)) && n + named > all)
        return heap_raise(b->heap, &exc_TypeError, "%s() takes at most %u %sargument%s (%u given)",
                          d->name, all, n == 0 ? "keyword " : "", plural(all), n + named);
    if (!(d->flags & NATIVE_VARARGS) && n > d->max) {
        if (d->max == 0)
            return heap_raise(b->heap, &exc_TypeError, "%s() takes no positional arguments",
                              d->name);
        return heap_raise(b->heap, &exc_TypeError,
                          "%s() takes %s %u positional argument%s (%u given)", d->name,
                          d->min < all ? "at most" : "exactly", d->max, plural(d->max), n);
    }
    if ((d->flags & NATIVE_VARARGS) && n < d->min) /* max and min */
        return wrong_count(b, n);
    if (n < least)
        return heap_raise(b->heap, &exc_TypeError,
                          "%s() takes %s %u positional argument%s (%u given)", d->name,
                          least < d->max ? "at least" : "exactly", least, plural(least), n);
    return true;
}

/* ---- binding ---- */

/* Index among max + keyword_only names, or -1. */
static int find_name(const struct native_def *d, str name)
{
    for (int i = d->positional_only; d->names && i < d->max + d->keyword_only; i++)
        if (str_is(name, d->names[i]))
            return i;
    return -1;
}

/* The slot of the i-th of the names. */
static uint32_t slot_of(const struct binding *b, uint32_t i)
{
    bool behind_rest = i >= b->def->max && (b->def->flags & NATIVE_VARARGS);
    return b->first + i + behind_rest;
}

/* For people only: the message is CPython's. */
static void suggest_argument(struct binding *b, str name)
{
    str names[SLOTS_MAX];
    uint32_t n = 0, all = b->def->max + b->def->keyword_only;
    for (uint32_t i = b->def->positional_only; b->def->names && i < all && n < SLOTS_MAX; i++)
        names[n++] = str_of(b->def->names[i]);
    long near = str_nearest(name, names, n);
    if (near >= 0)
        err_hint(&b->heap->fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
}

/* A keyword that has no place is judged after the arguments that are missing, as in CPython. */
static bool misplaced_keyword(struct binding *b, val name)
{
    const struct native_def *d = b->def;
    int i = find_name(d, text_str(name));

    if (i >= 0 && b->args->n > 0 && d != &construct_enumerate)
        return heap_raise(b->heap, &exc_TypeError,
                          "argument for %s() given by name ('%s') and position (%d)", d->name,
                          d->names[i], i + 1);
    heap_raise(b->heap, &exc_TypeError, "'%.*s' is an invalid keyword argument for %s()",
               STR_ARG(text_str(name)), d->name);
    suggest_argument(b, text_str(name));
    return false;
}

/* Binds what has a place; *misplaced becomes the first that has none. */
static bool bind_keywords(struct binding *b, struct dict_obj *rest, val *misplaced)
{
    const struct call_args *args = b->args;
    for (uint32_t k = 0; k < args->named_count; k++) {
        int i = find_name(b->def, text_str(args->names[k]));
        val *slot = i < 0 ? NULL : &b->slots[slot_of(b, (uint32_t)i)];
        if (slot && val_is_unbound(*slot))
            *slot = args->named[k];
        else if (!slot && rest) {
            if (!dict_set(b->heap, rest, args->names[k], args->named[k]))
                return false;
        } else if (val_is_unbound(*misplaced))
            *misplaced = args->names[k];
    }
    return true;
}

static bool check_required(struct binding *b)
{
    const struct native_def *d = b->def;
    for (uint32_t i = 0; i < d->min; i++) {
        if (!val_is_unbound(b->slots[b->first + i]))
            continue;
        if (!d->names || !d->names[i])
            return wrong_count(b, b->args->n);
        if ((d->flags & NATIVE_TYPE) && b->args->n == 0 && b->args->named_count == 1)
            return misplaced_keyword(b, b->args->names[0]); /* enumerate(start=1) */
        if (d->flags & NATIVE_TYPE)
            return heap_raise(b->heap, &exc_TypeError, "%s() missing required argument '%s'",
                              d->name, d->names[i]);
        return heap_raise(b->heap, &exc_TypeError, "%s() missing required argument '%s' (pos %u)",
                          d->name, d->names[i], i + 1);
    }
    return true;
}

static bool hold_slot(struct binding *b, uint32_t slot, val v)
{
    b->slots[slot] = v;
    heap_hold(b->heap, v);
    b->held++;
    return true;
}

static bool bind(struct binding *b)
{
    const struct native_def *d = b->def;
    const struct call_args *args = b->args;
    uint32_t positional = args->n < d->max ? args->n : d->max;
    struct dict_obj *rest = NULL;
    val v;

    for (uint32_t i = b->first; i < b->count; i++)
        b->slots[i] = VAL_UNBOUND;
    for (uint32_t i = 0; i < positional; i++)
        b->slots[b->first + i] = args->at[i];
    if (!d->names && args->named_count && !(d->flags & NATIVE_KWARGS))
        return heap_raise(b->heap, &exc_TypeError, "%s() takes no keyword arguments", qualified(b));
    if (d->names ? !check_named_counts(b)
                 : args->n < d->min || (args->n > d->max && !(d->flags & NATIVE_VARARGS)))
        return d->names ? false : wrong_count(b, args->n);
    if (d->flags & NATIVE_VARARGS) {
        if (!tuple_from(b->heap, args->n > d->max ? args->at + d->max : NULL, args->n - positional,
                        &v))
            return false;
        hold_slot(b, b->first + d->max, v);
    }
    if ((d->flags & NATIVE_KWARGS) && (args->named_count || !(d->flags & NATIVE_SPARSE))) {
        if (!dict_new(b->heap, args->named_count, &v))
            return false;
        rest = v.dict;
        hold_slot(b, b->count - 1, v);
    }
    val misplaced = VAL_UNBOUND;
    if (!bind_keywords(b, rest, &misplaced) || !check_required(b))
        return false;
    return val_is_unbound(misplaced) || misplaced_keyword(b, misplaced);
}

/* ---- deferred arguments ---- */

static const struct object *first_deferred(const struct call_args *args)
{
    for (uint32_t i = 0; i < args->n; i++)
        if (val_is_deferred(args->at[i]))
            return args->at[i].object;
    for (uint32_t i = 0; i < args->named_count; i++)
        if (val_is_deferred(args->named[i]))
            return args->named[i].object;
    return NULL;
}

static bool decide_slots(struct binding *b)
{
    for (uint32_t i = b->first; i < b->count; i++)
        if (b->slots[i].kind == V_OBJECT && !val_decide(b->heap, b->slots[i], &b->slots[i]))
            return false;
    if (!(b->def->flags & NATIVE_VARARGS))
        return true;
    struct tuple_obj *rest = b->slots[b->first + b->def->max].tuple;
    for (uint32_t i = 0; i < rest->n; i++)
        if (rest->at[i].kind == V_OBJECT && !val_decide(b->heap, rest->at[i], &rest->at[i]))
            return false;
    return true;
}

/* The call as a deferred value; self goes first among the arguments. */
static bool defer(struct heap *h, const struct object *o, const struct native_def *def, val self,
                  const struct call_args *args, val *ret)
{
    if (val_is_unbound(self))
        return o->class->defer_call(h, def, args, ret);
    auto_free val *at = mem_realloc_array(NULL, (size_t)args->n + 1, sizeof *at);
    struct call_args with_self = *args;
    at[0] = self;
    if (args->n)
        memcpy(at + 1, args->at, args->n * sizeof *at);
    with_self.at = at;
    with_self.n = args->n + 1;
    return o->class->defer_call(h, def, &with_self, ret);
}

/* ---- calling ---- */

/* Of the arguments that have names only the rest is there, or nothing: most calls of what takes any
 * number of them. */
static bool call_with_rest(struct binding *b, val *ret)
{
    const struct native_def *d = b->def;
    const struct call_args *args = b->args;
    uint32_t n = args->n < d->max ? args->n : d->max;
    val rest;
    if (!tuple_from(b->heap, args->at + n, args->n - n, &rest))
        return false;
    for (uint32_t i = 0; i < d->max; i++)
        b->slots[b->first + i] = i < n ? args->at[i] : VAL_UNBOUND;
    b->slots[b->first + d->max] = rest;
    b->slots[b->first + d->max + 1] = VAL_UNBOUND;
    heap_hold(b->heap, rest);
    bool ok = d->fn(b->heap, b->slots, ret);
    heap_release(b->heap, 1);
    return ok;
}

static bool call_bound(struct binding *b, val *ret)
{
    const struct native_def *d = b->def;
    bool ok = bind(b) && (!(d->flags & NATIVE_DECIDES) || decide_slots(b)) &&
              d->fn(b->heap, b->slots, ret);
    heap_release(b->heap, b->held);
    return ok;
}

/* str.upper("x"): the first argument becomes self. */
static bool call_unbound(struct heap *h, const struct native_def *def, const struct type_info *type,
                         const struct call_args *args, val *ret)
{
    struct call_args rest = *args;
    val self;

    if (args->n == 0)
        return heap_raise(h, &exc_TypeError, "unbound method %s.%s() needs an argument", type->name,
                          def->name);
    self = args->at[0];
    if (val_is_deferred(self)) {
        if ((def->flags & NATIVE_DEFERS) && self.object->class->defer_call)
            return defer(h, self.object, def, VAL_UNBOUND, args, ret);
        if (!val_decide(h, self, &self))
            return false;
    }
    if (!type_is_subclass(val_type_of(self), type))
        return heap_raise(h, &exc_TypeError,
                          "descriptor '%s' for '%s' objects doesn't apply to a '%s' object",
                          def->name, type->name, val_type_name(self));
    rest.at++;
    rest.n--;
    return native_call(h, def, self, &rest, ret);
}

bool native_call(struct heap *h, const struct native_def *def, val self,
                 const struct call_args *args, val *ret)
{
    const unsigned slow = NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_DECIDES | NATIVE_DEFERS;
    struct binding b;

    if (self.kind == V_TYPE && !(def->flags & NATIVE_CLASS))
        return call_unbound(h, def, self.type, args, ret);
    if ((def->flags & NATIVE_MUTATES) && val_is_obj(self) && (self.o->flags & OBJ_FROZEN))
        return table_check_open(h, self.o);
    b.heap = h;
    b.def = def;
    b.self = self;
    b.args = args;
    b.held = 0;
    b.first = !val_is_unbound(self);
    b.slots[0] = self;
    if (!(def->flags & slow) && !def->keyword_only && !args->named_count && args->n >= def->min &&
        args->n <= def->max) {
        for (uint32_t i = 0; i < def->max; i++)
            b.slots[b.first + i] = i < args->n ? args->at[i] : VAL_UNBOUND;
        return def->fn(h, b.slots, ret);
    }
    if ((def->flags & (slow | NATIVE_SPARSE)) == (NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_SPARSE) &&
        !def->keyword_only && !args->named_count && args->n >= def->min && args->n > 0)
        return call_with_rest(&b, ret);
    b.count = b.first + def->max + def->keyword_only + !!(def->flags & NATIVE_VARARGS) +
              !!(def->flags & NATIVE_KWARGS);
    assert(b.count <= SLOTS_MAX);
    if (def->flags & NATIVE_DEFERS) {
        const struct object *o = first_deferred(args);
        if (o && o->class->defer_call)
            return defer(h, o, def, self, args, ret);
    }
    return call_bound(&b, ret);
}

bool val_call(struct heap *h, val fn, const val *args, uint32_t n, val *ret)
{
    struct call_args call = {.at = args, .n = n};
    switch (fn.kind) {
    case V_NATIVE:
        return native_call(h, fn.native, VAL_UNBOUND, &call, ret);
    case V_METHOD:
        return native_call(h, fn.method->def, fn.method->self, &call, ret);
    case V_TYPE:
        if (fn.type->construct)
            return native_call(h, fn.type->construct, VAL_UNBOUND, &call, ret);
        break;
    case V_OBJECT:
        if (fn.object->class->call)
            return fn.object->class->call(h, fn.object, &call, ret);
        break;
    default:
        if (h->call)
            return h->call(h, fn, &call, ret);
        break;
    }
    return heap_raise(h, &exc_TypeError, "'%s' object is not callable", val_type_name(fn));
}
