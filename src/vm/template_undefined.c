/* Values that are not there, and Jinja2's exceptions. */
#include "value/iter.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

/* ---- exceptions ---- */

#define TEMPLATE_ERROR(class, parent) \
    const struct type_info exc_##class = {.name = #class, .base = &exc_##parent, .kind = V_EXC}
TEMPLATE_ERROR(TemplateRuntimeError, Exception);
TEMPLATE_ERROR(UndefinedError, TemplateRuntimeError);
TEMPLATE_ERROR(FilterArgumentError, TemplateRuntimeError);
TEMPLATE_ERROR(TemplateNotFound, LookupError);
TEMPLATE_ERROR(TemplatesNotFound, TemplateNotFound);
TEMPLATE_ERROR(TemplateSyntaxError, Exception);

bool template_error_is_plain(const struct type_info *t)
{
    return type_is_subclass(t, &exc_TemplateRuntimeError) ||
           type_is_subclass(t, &exc_TemplateNotFound) ||
           type_is_subclass(t, &exc_TemplateSyntaxError);
}

/* ---- the objects ---- */

struct undefined {
    struct object o;
    val hint;   /* a str, or unbound */
    val object; /* what has no such attribute; unbound: a name of the context */
    val name;
};

static const struct obj_class lenient_class, strict_class, chainable_class;

bool undefined_is_chainable(val v)
{
    return v.kind == V_OBJECT && v.object->class == &chainable_class;
}

bool val_is_undefined(val v)
{
    return v.kind == V_OBJECT &&
           (v.object->class == &lenient_class || v.object->class == &strict_class ||
            v.object->class == &chainable_class);
}

static bool make(struct heap *h, const struct obj_class *class, val hint, val object, val name,
                 val *ret)
{
    struct undefined *u = heap_new(h, V_OBJECT, sizeof *u);
    if (!u)
        return false;
    u->o.class = class;
    u->hint = hint;
    u->object = object;
    u->name = name;
    *ret = val_obj(V_OBJECT, u);
    return true;
}

static const struct obj_class *class_of_mode(struct heap *h)
{
    static const struct obj_class *const classes[] = {[UNDEFINED_LENIENT] = &lenient_class,
                                                      [UNDEFINED_STRICT] = &strict_class,
                                                      [UNDEFINED_CHAINABLE] = &chainable_class};
    return classes[templates_of(h)->options.undefined];
}

bool undefined_name(struct heap *h, str name, val *ret)
{
    val text;
    return text_new_interned(h, name, &text) &&
           make(h, class_of_mode(h), VAL_UNBOUND, VAL_UNBOUND, text, ret);
}

bool undefined_of(struct heap *h, val object, val name, val *ret)
{
    return make(h, class_of_mode(h), VAL_UNBOUND, object, name, ret);
}

bool undefined_hint(struct heap *h, str hint, val *ret)
{
    val text;
    return text_new(h, hint, &text) &&
           make(h, class_of_mode(h), text, VAL_UNBOUND, VAL_UNBOUND, ret);
}

bool undefined_lenient(struct heap *h, str hint, val *ret)
{
    val text;
    return text_new(h, hint, &text) && make(h, &lenient_class, text, VAL_UNBOUND, VAL_UNBOUND, ret);
}

/* "dict object", "jinja2.runtime.Macro object": as Jinja2's messages name an object's type. */
static void add_type(struct buf *b, val v)
{
    if (v.kind == V_NONE)
        buf_add_c(b, "None");
    else if (v.kind == V_FUNC && ((struct func_obj *)v.o)->code->macro)
        buf_add_c(b, "jinja2.runtime.Macro object");
    else if (v.kind == V_STR && (v.o->flags & OBJ_MARKUP))
        buf_add_c(b, "markupsafe.Markup object");
    else if (v.kind == V_OBJECT && !val_is_undefined(v))
        buf_addf(b, "jinja2.%s object", val_type_name(v));
    else
        buf_addf(b, "%s object", val_type_name(v));
}

bool undefined_raise(struct heap *h, val v)
{
    const struct undefined *u = (const struct undefined *)v.object;
    auto_buf b = BUF(1 << 16);
    val name = VAL_UNBOUND;
    if (u->hint.kind == V_STR && u->hint.s->n)
        return heap_raise(h, &exc_UndefinedError, "%.*s", STR_ARG(text_str(u->hint)));
    if (u->name.kind != V_UNBOUND && !val_repr(h, u->name, &name))
        return false;
    str text = name.kind == V_STR ? text_str(name) : STR("None");
    if (u->object.kind == V_UNBOUND)
        return heap_raise(h, &exc_UndefinedError, "%.*s is undefined", STR_ARG(text));
    add_type(&b, u->object);
    if (u->name.kind != V_STR)
        return heap_raise(h, &exc_UndefinedError, "%s has no element %.*s", buf_c(&b),
                          STR_ARG(text));
    return heap_raise(h, &exc_UndefinedError, "'%s' has no attribute %.*s", buf_c(&b),
                      STR_ARG(text));
}

/* ---- hooks ---- */

static bool fail_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)name;
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool fail_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    (void)key;
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool itself_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)h;
    (void)name;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

static bool itself_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    (void)h;
    (void)key;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

static bool fail_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    (void)args;
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool fail_binary(struct heap *h, int op, val a, val b, val *ret)
{
    if (op == BINARY_MOD && a.kind == V_STR) /* str's own, which comes first */
        return text_percent(h, a, b, ret);
    return undefined_raise(h, val_is_undefined(a) ? a : b);
}

static bool fail_unary(struct heap *h, int op, val a, val *ret)
{
    (void)op;
    (void)ret;
    return undefined_raise(h, a);
}

static bool lenient_compare(struct heap *h, int op, val a, val b, val *ret)
{
    if (op != COMPARE_EQ && op != COMPARE_NE)
        return undefined_raise(h, val_is_undefined(a) ? a : b);
    bool same = a.kind == V_OBJECT && b.kind == V_OBJECT && a.object->class == b.object->class;
    *ret = val_bool(same == (op == COMPARE_EQ));
    return true;
}

static bool strict_compare(struct heap *h, int op, val a, val b, val *ret)
{
    (void)op;
    (void)ret;
    bool strict = val_is_object_of(a, &strict_class);
    return undefined_raise(h, strict ? a : b);
}

static bool lenient_truth(struct heap *h, struct object *o, bool *ret)
{
    (void)h;
    (void)o;
    *ret = false;
    return true;
}

static bool strict_truth(struct heap *h, struct object *o, bool *ret)
{
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool strict_hash(struct heap *h, struct object *o, uint64_t *ret)
{
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool lenient_iter(struct heap *h, struct object *o, val *ret)
{
    val empty;
    (void)o;
    return tuple_from(h, NULL, 0, &empty) && val_iter(h, empty, ret);
}

static bool strict_iter(struct heap *h, struct object *o, val *ret)
{
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool undefined_repr(struct heap *h, struct object *o, val *ret)
{
    (void)o;
    return text_new_interned(h, STR("Undefined"), ret);
}

static bool lenient_str(struct heap *h, struct object *o, val *ret)
{
    (void)o;
    return text_new(h, STR(""), ret);
}

static bool strict_str(struct heap *h, struct object *o, val *ret)
{
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static bool lenient_len(struct heap *h, struct object *o, int64_t *ret)
{
    (void)h;
    (void)o;
    *ret = 0;
    return true;
}

static bool strict_len(struct heap *h, struct object *o, int64_t *ret)
{
    (void)ret;
    return undefined_raise(h, val_obj(V_OBJECT, o));
}

static void undefined_trace(struct heap *h, struct object *o)
{
    const struct undefined *u = (const struct undefined *)o;
    heap_mark(h, u->hint);
    heap_mark(h, u->object);
    heap_mark(h, u->name);
}

#define COMMON                                                                             \
    .call = fail_call, .binary = fail_binary, .unary = fail_unary, .repr = undefined_repr, \
    .trace = undefined_trace
static const struct obj_class lenient_class = {
    .type = {.name = "Undefined", .kind = V_OBJECT},
    .getattr = fail_getattr,
    .getitem = fail_getitem,
    .compare = lenient_compare,
    .hashes_by_class = true,
    .truth = lenient_truth,
    .iter = lenient_iter,
    .str = lenient_str,
    .len = lenient_len,
    COMMON,
};
static const struct obj_class strict_class = {
    .type = {.name = "StrictUndefined", .kind = V_OBJECT},
    .getattr = fail_getattr,
    .getitem = fail_getitem,
    .compare = strict_compare,
    .hash = strict_hash,
    .truth = strict_truth,
    .iter = strict_iter,
    .str = strict_str,
    .len = strict_len,
    COMMON,
};
static const struct obj_class chainable_class = {
    .type = {.name = "ChainableUndefined", .kind = V_OBJECT},
    .getattr = itself_getattr,
    .getitem = itself_getitem,
    .compare = lenient_compare,
    .hashes_by_class = true,
    .truth = lenient_truth,
    .iter = lenient_iter,
    .str = lenient_str,
    .len = lenient_len,
    COMMON,
};
