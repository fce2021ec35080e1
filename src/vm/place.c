/* Attributes: of functions (a dict of their own), and by value/ of everything else. */
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/machine_int.h"

bool place_getattr(struct vm *vm, val v, str name, val *ret)
{
    if (v.kind != V_FUNC)
        return val_getattr(&vm->heap, v, name, ret);
    const struct func_obj *fn = (struct func_obj *)v.o;
    *ret = fn->attrs.kind == V_DICT ? dict_get_str(fn->attrs.dict, name) : VAL_UNBOUND;
    if (ret->kind != V_UNBOUND)
        return true;
    return heap_raise(&vm->heap, &exc_AttributeError, "'function' object has no attribute '%.*s'",
                      STR_ARG(name));
}

static bool no_place(struct vm *vm, val v, str name, const char *what)
{
    struct heap *h = &vm->heap;
    if (val_is_deferred(v))
        return heap_refuse(h, "deferred_value", "make a new value instead",
                           "a value that is known only later cannot be changed");
    if (v.kind == V_TYPE)
        return heap_raise(h, &exc_TypeError, "cannot %s '%.*s' attribute of immutable type '%s'",
                          what, STR_ARG(name), v.type->name);
    if (val_find_method(v, name))
        return heap_raise(h, &exc_AttributeError, "'%s' object attribute '%.*s' is read-only",
                          val_type_name(v), STR_ARG(name));
    return heap_raise(h, &exc_AttributeError, "'%s' object has no attribute '%.*s'",
                      val_type_name(v), STR_ARG(name));
}

static bool refuse_frozen(struct vm *vm, const struct func_obj *fn)
{
    if (!(fn->h.flags & OBJ_FROZEN))
        return true;
    return heap_refuse(&vm->heap, "frozen_value", "keep the value in a dict of this file",
                       "attributes of an imported function cannot be changed");
}

bool place_setattr(struct vm *vm, val v, str name, val value)
{
    if (v.kind != V_FUNC)
        return no_place(vm, v, name, "set");
    struct func_obj *fn = (struct func_obj *)v.o;
    if (!refuse_frozen(vm, fn))
        return false;
    if (fn->attrs.kind != V_DICT && !dict_new(&vm->heap, 0, &fn->attrs))
        return false;
    return dict_set_str(&vm->heap, fn->attrs.dict, name, value);
}

bool place_delattr(struct vm *vm, val v, str name)
{
    val was;
    if (v.kind != V_FUNC)
        return no_place(vm, v, name, "delete");
    struct func_obj *fn = (struct func_obj *)v.o;
    if (!place_getattr(vm, v, name, &was) || !refuse_frozen(vm, fn))
        return false;
    val key;
    return text_new(&vm->heap, name, &key) && dict_remove(&vm->heap, fn->attrs.dict, key, &was);
}

static bool kind_alone_decides(enum val_kind kind)
{
    return kind == V_STR || kind == V_LIST || kind == V_DICT || kind == V_SET || kind == V_TUPLE ||
           kind == V_INT || kind == V_FLOAT || kind == V_FROZENSET;
}

bool place_method(struct vm *vm, struct instr *site, val v, str name, val *at)
{
    const struct native_def *def = v.kind == V_FUNC ? NULL : val_find_method(v, name);
    if (!def) {
        at[1] = VAL_UNBOUND;
        return place_getattr(vm, v, name, &at[0]);
    }
    if (kind_alone_decides((enum val_kind)v.kind)) {
        site->flag = (uint8_t)v.kind;
        memcpy(site + 1, &def, sizeof def);
    }
    at[0] = val_native(def);
    at[1] = v;
    return true;
}
