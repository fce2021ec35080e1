#include "base/utf8.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/builtin_rows_int.h"
#include "vm/machine_int.h"
#include "vm/policy_int.h"

/* ---- attributes by name ---- */

/* The name that a program computed, judged as the compiler judges written ones. */
static bool attribute_name(struct heap *h, val name, str *ret)
{
    if (val_is_deferred(name) && !val_decide(h, name, &name))
        return false;
    if (name.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "attribute name must be string, not '%s'",
                          val_type_name(name));
    *ret = text_str(name);
    if (!policy_is_private(*ret))
        return true;
    return heap_refuse(h, "not_supported", "use a name without a leading underscore",
                       "attribute '%.*s' is not available in workflow files: it begins with an "
                       "underscore",
                       STR_ARG(*ret));
}

/* True where the fault is an AttributeError, which is forgotten. */
static bool forget_missing(struct heap *h)
{
    if (h->fault.kind != FAULT_EXCEPTION ||
        !type_is_subclass(h->fault.value.exc->type, &exc_AttributeError))
        return false;
    heap_clear_fault(h);
    return true;
}

BUILTIN(getattr)
{
    str name;
    if (!attribute_name(h, args[1], &name))
        return false;
    if (place_getattr(vm_of(h), args[0], name, ret))
        return true;
    if (args[2].kind == V_UNBOUND || !forget_missing(h))
        return false;
    *ret = args[2];
    return true;
}

BUILTIN(hasattr)
{
    str name;
    val v;
    if (!attribute_name(h, args[1], &name))
        return false;
    bool has = place_getattr(vm_of(h), args[0], name, &v);
    if (!has && !forget_missing(h))
        return false;
    *ret = val_bool(has);
    return true;
}

/* ---- types ---- */

BUILTIN(callable)
{
    (void)h;
    uint32_t kind = args[0].kind;
    *ret = val_bool(kind == V_FUNC || kind == V_NATIVE || kind == V_METHOD || kind == V_TYPE ||
                    (kind == V_OBJECT && args[0].object->class->call));
    return true;
}

static bool is_subclass_of(struct heap *h, const struct type_info *t, val classes,
                           const char *complaint, bool *ret)
{
    if (classes.kind == V_TYPE) {
        *ret = *ret || type_is_subclass(t, classes.type);
        return true;
    }
    if (classes.kind != V_TUPLE)
        return heap_raise(h, &exc_TypeError, "%s", complaint);
    if (!heap_enter(h))
        return false;
    bool ok = true;
    for (uint32_t i = 0; ok && !*ret && i < classes.tuple->n; i++)
        ok = is_subclass_of(h, t, classes.tuple->at[i], complaint, ret);
    heap_leave(h);
    return ok;
}

BUILTIN(isinstance)
{
    bool is = false;
    if (!is_subclass_of(h, val_type_of(args[0]), args[1],
                        "isinstance() arg 2 must be a type, a tuple of types, or a union", &is))
        return false;
    *ret = val_bool(is);
    return true;
}

/* ---- text ---- */

enum { CODE_POINT_MAX = 0x10ffff, SURROGATE_FIRST = 0xd800, SURROGATE_LAST = 0xdfff };

BUILTIN(chr)
{
    char bytes[4];
    if (!val_is_int(args[0]))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(args[0]));
    int64_t i = args[0].i;
    if (i < INT32_MIN || i > INT32_MAX)
        return heap_raise(h, &exc_OverflowError, "Python int too %s to convert to C int",
                          i < 0 ? "small" : "large");
    if (i < 0 || i > CODE_POINT_MAX)
        return heap_raise(h, &exc_ValueError, "chr() arg not in range(0x110000)");
    if (i >= SURROGATE_FIRST && i <= SURROGATE_LAST)
        return heap_refuse(h, "not_supported", "text is made of whole characters",
                           "chr(0x%llx) is half of a surrogate pair", (long long)i);
    return text_new(h, str_make(bytes, utf8_put((uint32_t)i, bytes)), ret);
}

BUILTIN(ord)
{
    size_t at = 0;
    if (args[0].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "ord() expected string of length 1, but %s found",
                          val_type_name(args[0]));
    if (args[0].s->points != 1)
        return heap_raise(h, &exc_TypeError,
                          "ord() expected a character, but string of length %u found",
                          args[0].s->points);
    *ret = val_int(utf8_next(text_str(args[0]), &at));
    return true;
}

BUILTIN(format)
{
    return val_format(h, args[0], 0, args[1], ret);
}

BUILTIN(repr)
{
    return val_repr(h, args[0], ret);
}

/* ---- print ---- */

static bool separator(struct heap *h, const char *name, val given, str usual, str *ret)
{
    *ret = usual;
    if (given.kind == V_UNBOUND || given.kind == V_NONE)
        return true;
    if (val_is_deferred(given) && !val_decide(h, given, &given))
        return false;
    if (given.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%s must be None or a string, not %s", name,
                          val_type_name(given));
    *ret = text_str(given);
    return true;
}

/* args: tuple, sep, end */
BUILTIN(print)
{
    struct vm *vm = vm_of(h);
    const struct tuple_obj *given = args[0].tuple;
    auto_buf line = BUF(h->limits.output + 1);
    str sep, end;
    val text;
    if (!separator(h, "sep", args[1], STR(" "), &sep) ||
        !separator(h, "end", args[2], STR("\n"), &end))
        return false;
    for (uint32_t i = 0; i < given->n; i++) {
        if (!val_show(h, given->at[i], &text))
            return false;
        if (i > 0)
            buf_add_str(&line, sep);
        buf_add_str(&line, text_str(text));
    }
    buf_add_str(&line, end);
    vm->printed += line.n;
    if (line.overflow || vm->printed > h->limits.output) {
        heap_limit(h, "output_limit", "the evaluation prints more than %zu bytes",
                   h->limits.output);
        err_hint(&h->fault.err, "print less, or raise the limit on output");
        return false;
    }
    if (!heap_charge(h, (int64_t)(line.n / 16)))
        return false;
    if (vm->host.print)
        vm->host.print(vm->host.data, buf_str(&line));
    *ret = VAL_NONE;
    return true;
}
