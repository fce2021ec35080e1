/* Calls: binding arguments to parameters with CPython's errors, and everything callable that is
 * not a function of the program. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

enum { MESSAGE_MAX = 64 << 10 };

static bool raise_type_error(struct vm *vm, const struct buf *b)
{
    return heap_raise(&vm->heap, &exc_TypeError, "%s", buf_c(b));
}

/* ---- errors of binding ---- */

/* "'a'", "'a' and 'b'", "'a', 'b', and 'c'" */
static void add_names(struct buf *b, const str *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_c(b, i + 1 < n ? ", " : n == 2 ? " and " : ", and ");
        buf_addf(b, "'%.*s'", STR_ARG(names[i]));
    }
}

static bool missing_arguments(struct vm *vm, const struct code *c, const val *regs,
                              const char *kind, uint32_t from, uint32_t to, uint32_t shift)
{
    auto_buf b = BUF(MESSAGE_MAX);
    auto_free str *names = mem_alloc((to - from + 1) * sizeof *names);
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        if (regs[i + shift].kind == V_UNBOUND && !c->params[i].has_default)
            names[n++] = c->params[i].name;
    if (n == 0)
        return true;
    buf_addf(&b, "%.*s() missing %u required %s argument%s: ", STR_ARG(c->qualname), n, kind,
             n == 1 ? "" : "s");
    add_names(&b, names, n);
    return raise_type_error(vm, &b);
}

static bool too_many_positional(struct vm *vm, const struct code *c, const val *regs,
                                uint32_t given)
{
    auto_buf b = BUF(MESSAGE_MAX);
    uint32_t defaults = 0, named = 0;
    for (uint32_t i = 0; i < c->positional; i++)
        defaults += c->params[i].has_default;
    for (uint32_t i = 0; i < c->keyword_only; i++)
        named += regs[c->positional + c->var_args + i].kind != V_UNBOUND;
    buf_addf(&b, "%.*s() takes ", STR_ARG(c->qualname));
    if (defaults)
        buf_addf(&b, "from %u to %u", c->positional - defaults, c->positional);
    else
        buf_addf(&b, "%u", c->positional);
    buf_addf(&b, " positional argument%s but %u", defaults || c->positional != 1 ? "s" : "", given);
    if (named)
        buf_addf(&b, " positional argument%s (and %u keyword-only argument%s)",
                 given != 1 ? "s" : "", named, named != 1 ? "s" : "");
    buf_addf(&b, " %s given", given == 1 && !named ? "was" : "were");
    return raise_type_error(vm, &b);
}

/* For people only: the message is CPython's. */
static void suggest_parameter(struct vm *vm, const struct code *c, str name)
{
    uint32_t n = 0, all = c->positional + c->keyword_only;
    auto_free str *names = mem_alloc((all + 1u) * sizeof *names);
    for (uint32_t i = c->positional_only; i < all; i++)
        names[n++] = c->params[i].name;
    long near = str_nearest(name, names, n);
    if (near >= 0)
        err_hint(&vm->heap.fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
}

static bool unexpected_name(struct vm *vm, const struct code *c, const struct call_args *args,
                            str name)
{
    auto_buf b = BUF(MESSAGE_MAX);
    auto_free str *names = mem_alloc((c->positional_only + 1u) * sizeof *names);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->positional_only; i++)
        for (uint32_t k = 0; k < args->named_count; k++)
            if (str_eq(c->params[i].name, text_str(args->names[k])))
                names[n++] = c->params[i].name;
    if (n == 0) {
        heap_raise(&vm->heap, &exc_TypeError, "%.*s() got an unexpected keyword argument '%.*s'",
                   STR_ARG(c->qualname), STR_ARG(name));
        suggest_parameter(vm, c, name);
        return false;
    }
    buf_addf(&b, "%.*s() got some positional-only arguments passed as keyword arguments: '",
             STR_ARG(c->qualname));
    for (uint32_t i = 0; i < n; i++)
        buf_addf(&b, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
    buf_add_byte(&b, '\'');
    return raise_type_error(vm, &b);
}

/* ---- binding ---- */

static bool bind_names(struct vm *vm, const struct code *c, const struct call_args *args, val *regs)
{
    struct heap *h = &vm->heap;
    uint32_t params = c->positional + (uint32_t)c->keyword_only;
    val rest = VAL_UNBOUND;
    if (c->var_keywords) {
        if (!dict_new(h, args->named_count, &rest))
            return false;
        regs[params + c->var_args] = rest;
    }
    for (uint32_t k = 0; k < args->named_count; k++) {
        str name = text_str(args->names[k]);
        uint32_t i = c->positional_only;
        while (i < params && !str_eq(c->params[i].name, name))
            i++;
        if (i == params) {
            if (!c->var_keywords)
                return unexpected_name(vm, c, args, name);
            if (!dict_set(h, rest.dict, args->names[k], args->named[k]))
                return false;
            continue;
        }
        val *at = &regs[i < c->positional ? i : i + c->var_args];
        if (at->kind != V_UNBOUND)
            return heap_raise(h, &exc_TypeError, "%.*s() got multiple values for argument '%.*s'",
                              STR_ARG(c->qualname), STR_ARG(name));
        *at = args->named[k];
    }
    return true;
}

static bool bind_defaults(struct vm *vm, struct func_obj *fn, val *regs)
{
    const struct code *c = fn->code;
    const val *defaults = func_defaults(fn);
    uint32_t params = c->positional + (uint32_t)c->keyword_only;
    if (!missing_arguments(vm, c, regs, "positional", 0, c->positional, 0))
        return false;
    if (c->keyword_only &&
        !missing_arguments(vm, c, regs, "keyword-only", c->positional, params, c->var_args))
        return false;
    for (uint32_t i = 0; i < params; i++) {
        val *at = &regs[i < c->positional ? i : i + c->var_args];
        if (!c->params[i].has_default)
            continue;
        if (at->kind == V_UNBOUND)
            *at = *defaults;
        defaults++;
    }
    return true;
}

bool call_bind(struct vm *vm, struct func_obj *fn, const struct call_args *args, val *regs)
{
    const struct code *c = fn->code;
    if (c->macro)
        return template_bind(vm, fn, args, regs);
    uint32_t n = args->n < c->positional ? args->n : c->positional;
    for (uint32_t i = 0; i < n; i++)
        regs[i] = args->at[i];
    if (c->var_args && !tuple_from(&vm->heap, args->at + n, args->n - n, &regs[c->positional]))
        return false;
    if ((args->named_count || c->var_keywords) && !bind_names(vm, c, args, regs))
        return false;
    if (args->n > c->positional && !c->var_args)
        return too_many_positional(vm, c, regs, args->n);
    return bind_defaults(vm, fn, regs);
}

bool call_push(struct vm *vm, struct func_obj *fn, const struct call_args *args,
               enum frame_kind kind)
{
    const val *stack = vm->stack;
    struct call_args moved = *args;
    if (!machine_push(vm, fn->code, fn, NULL, kind))
        return false;
    if (vm->stack != stack) { /* what stood in registers has moved with them */
        uint32_t cap = vm->stack_cap;
        const val **at[] = {&moved.at, &moved.names, &moved.named};
        for (int i = 0; i < 3; i++)
            if ((uintptr_t)*at[i] - (uintptr_t)stack < cap * sizeof(val) / 2)
                *at[i] = vm->stack + ((uintptr_t)*at[i] - (uintptr_t)stack) / sizeof(val);
    }
    if (call_bind(vm, fn, &moved, vm_regs(vm)))
        return true;
    machine_pop(vm);
    return false;
}

/* ---- other callables ---- */

static bool may_be_type(val v)
{
    return v.kind == V_TYPE || v.kind == V_NATIVE || (v.kind == V_OBJECT && !val_is_deferred(v));
}

/* list(X) and dict(X) of a type make a type. */
static bool call_type(struct vm *vm, const struct type_info *type, const struct call_args *args,
                      val *ret)
{
    struct heap *h = &vm->heap;
    bool (*make)(void *, struct vm *, val, val *) = type == &type_list   ? vm->host.type_of_list
                                                    : type == &type_dict ? vm->host.type_of_dict
                                                                         : NULL;
    if ((type == &type_list || type == &type_dict) && args->n == 1 && !args->named_count &&
        may_be_type(args->at[0])) {
        val of = args->at[0];
        *ret = VAL_UNBOUND;
        if (make && !make(vm->host.data, vm, of, ret))
            return false;
        if (ret->kind != V_UNBOUND)
            return true;
        if (!make && of.kind == V_TYPE)
            return heap_refuse(h, "not_supported", "types are used in workflow and tool files",
                               "%s(%s) is not available here", type->name, of.type->name);
    }
    if (!type->construct)
        return heap_raise(h, &exc_TypeError, "cannot create '%s' instances", type->name);
    return native_call(h, type->construct, VAL_UNBOUND, args, ret);
}

bool call_other(struct vm *vm, val fn, const struct call_args *args, val *ret)
{
    struct heap *h = &vm->heap;
    switch (fn.kind) {
    case V_NATIVE:
        return native_call(h, fn.native, VAL_UNBOUND, args, ret);
    case V_METHOD:
        return native_call(h, fn.method->def, fn.method->self, args, ret);
    case V_TYPE:
        return call_type(vm, fn.type, args, ret);
    case V_OBJECT:
        if (fn.object->class->call)
            return fn.object->class->call(h, fn.object, args, ret);
        break;
    default:
        break;
    }
    return heap_raise(h, &exc_TypeError, "'%s' object is not callable", val_type_name(fn));
}

/* ---- from natives ---- */

bool native_enter(struct heap *h)
{
    const char *stack = __builtin_frame_address(0);
    if (h->native_depth >= VM_MAX_NATIVE_DEPTH || stack <= h->stack_limit) {
        heap_limit(h, "depth_limit",
                   "calls through builtins are nested deeper than the depth limit of %d",
                   VM_MAX_NATIVE_DEPTH);
        err_hint(&h->fault.err, "look for a recursion through a key function or an iterator");
        return false;
    }
    h->native_depth++;
    return true;
}

void native_leave(struct heap *h)
{
    h->native_depth--;
    vm_of(h)->entered = true;
}

bool call_from_native(struct heap *h, val fn, const struct call_args *args, val *ret)
{
    struct vm *vm = vm_of(h);
    if (!native_enter(h))
        return false;
    bool ok;
    if (fn.kind == V_FUNC)
        ok = call_push(vm, (struct func_obj *)fn.o, args, FRAME_ENTRY) &&
             machine_run(vm, vm->frame_count - 1, ret);
    else
        ok = call_other(vm, fn, args, ret);
    native_leave(h);
    return ok;
}

bool resume_from_native(struct heap *h, val generator, val *ret)
{
    struct vm *vm = vm_of(h);
    struct gen_obj *gen = (struct gen_obj *)generator.o;
    *ret = VAL_UNBOUND;
    if (gen->state == GEN_DONE)
        return true;
    if (gen->state == GEN_RUNNING)
        return heap_raise(h, &exc_ValueError, "generator already executing");
    if (!native_enter(h))
        return false;
    bool ok = machine_push(vm, gen->code, gen->func, gen, FRAME_ENTRY);
    if (ok) {
        gen->state = GEN_RUNNING;
        vm_top_frame(vm)->pc = gen->pc;
        ok = machine_run(vm, vm->frame_count - 1, ret);
    }
    native_leave(h);
    return ok;
}

/* ---- * and ** in calls ---- */

void call_describe(struct buf *b, val callee)
{
    if (callee.kind == V_FUNC)
        buf_addf(b, "__main__.%.*s()", STR_ARG(((struct func_obj *)callee.o)->code->qualname));
    else if (callee.kind == V_NATIVE)
        buf_addf(b, "%s()", callee.native->name);
    else if (callee.kind == V_METHOD)
        buf_addf(b, "%s.%s()", val_type_name(callee.method->self), callee.method->def->name);
    else if (callee.kind == V_TYPE)
        buf_addf(b, "%s()", callee.type->name);
    else
        buf_addf(b, "%s object", val_type_name(callee));
}

bool call_merge_names(struct heap *h, val into, val from, val callee)
{
    auto_buf name = BUF(MESSAGE_MAX);
    uint32_t at = 0;
    struct dict_entry *e;
    val there;
    if (val_is_deferred(from) && !val_decide(h, from, &from))
        return false;
    call_describe(&name, callee);
    if (from.kind != V_DICT)
        return heap_raise(h, &exc_TypeError, "%s argument after ** must be a mapping, not %s",
                          buf_c(&name), val_type_name(from));
    while ((e = dict_next(from.dict, &at))) {
        if (!dict_get(h, into.dict, e->key, &there))
            return false;
        if (there.kind != V_UNBOUND && e->key.kind == V_STR)
            return heap_raise(h, &exc_TypeError,
                              "%s got multiple values for keyword argument '%.*s'", buf_c(&name),
                              STR_ARG(text_str(e->key)));
        if (!dict_set(h, into.dict, e->key, e->value))
            return false;
    }
    return heap_charge(h, at);
}

bool call_spread_names(struct heap *h, val dict, val *at)
{
    struct dict_entry *e;
    uint32_t i = 0;
    if (!list_new(h, dict.dict->n, &at[0]) || !list_new(h, dict.dict->n, &at[1]))
        return false;
    while ((e = dict_next(dict.dict, &i))) {
        if (e->key.kind != V_STR)
            return heap_raise(h, &exc_TypeError, "keywords must be strings");
        if (!list_push(h, at[0].list, e->key) || !list_push(h, at[1].list, e->value))
            return false;
    }
    return true;
}
