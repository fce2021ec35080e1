/* Jinja2's a.b and a[b]. No name that begins with an underscore is an attribute: it is looked up as
 * an item alone. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

static bool macro_arguments(struct heap *h, const struct template_info *m, val *ret)
{
    val list, name;
    if (!list_new(h, m->n, &list))
        return false;
    for (uint32_t i = 0; i < m->n; i++)
        if (!text_new_interned(h, m->names[i], &name) || !list_push(h, list.list, name))
            return false;
    return tuple_from(h, list.list->at, list.list->n, ret);
}

/* Attributes of macros, as Jinja2's Macro has them. */
static bool macro_attr(struct heap *h, const struct func_obj *fn, str name, val *ret)
{
    const struct template_info *m = fn->code->macro;
    if (str_is(name, "name")) {
        *ret = VAL_NONE;
        return m->anonymous || text_new_interned(h, m->name, ret);
    }
    if (str_is(name, "catch_kwargs"))
        *ret = val_bool(m->kwargs);
    else if (str_is(name, "catch_varargs"))
        *ret = val_bool(m->varargs);
    else if (str_is(name, "caller"))
        *ret = val_bool(m->caller);
    else if (str_is(name, "explicit_caller"))
        *ret = val_bool(m->explicit_caller);
    else if (str_is(name, "arguments"))
        return macro_arguments(h, m, ret);
    return true;
}

/* The attribute; V_UNBOUND in ret: there is none. */
bool template_find_attr(struct heap *h, val v, str name, val *ret)
{
    *ret = VAL_UNBOUND;
    if (!name.n || (name.p[0] == '_' && !val_is_undefined(v)))
        return true;
    if (v.kind == V_TUPLE && (v.o->flags & OBJ_RECORD)) { /* of groupby */
        if (str_is(name, "grouper") || str_is(name, "list")) {
            *ret = v.tuple->at[name.p[0] == 'l'];
            return true;
        }
    }
    if (v.kind == V_FUNC)
        return !((struct func_obj *)v.o)->code->macro ||
               macro_attr(h, (struct func_obj *)v.o, name, ret);
    if (v.kind == V_OBJECT && v.object->class->getattr) {
        if (!v.object->class->getattr(h, v.object, name, ret))
            return false;
        if (ret->kind != V_UNBOUND)
            return true;
    }
    const struct native_def *def = val_find_method(v, name);
    if (val_is_markup(v) && !def)
        def = markup_own_method(name);
    if (val_is_markup(v) && def)
        return markup_method(h, v, def, ret);
    if (v.kind == V_DICT && !def)
        return true;
    if (val_getattr(h, v, name, ret))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_AttributeError)
        return false;
    heap_clear_fault(h);
    *ret = VAL_UNBOUND;
    return true;
}

/* v[key]; V_UNBOUND in ret where Python raises TypeError, LookupError or AttributeError. */
static bool find_item(struct heap *h, val v, val key, val *ret)
{
    *ret = VAL_UNBOUND;
    if (v.kind == V_DICT) {
        if (key.kind == V_STR) {
            *ret = dict_get_str(v.dict, text_str(key));
            return true;
        }
        if (dict_get(h, v.dict, key, ret))
            return true;
    } else if (v.kind == V_FUNC || v.kind == V_NONE || v.kind == V_UNBOUND) {
        return true;
    } else if (val_getitem(h, v, key, ret)) {
        return !val_is_markup(v) || ret->kind != V_STR || markup_of(h, *ret, ret);
    }
    if (h->fault.kind != FAULT_EXCEPTION)
        return false;
    const struct type_info *type = h->fault.value.exc->type;
    if (!type_is_subclass(type, &exc_TypeError) && !type_is_subclass(type, &exc_LookupError) &&
        !type_is_subclass(type, &exc_AttributeError))
        return false;
    heap_clear_fault(h);
    *ret = VAL_UNBOUND;
    return true;
}

static bool item_by_name(struct heap *h, val v, str name, val *ret)
{
    val key;
    if (v.kind == V_DICT) {
        *ret = dict_get_str(v.dict, name);
        return true;
    }
    if (v.kind != V_OBJECT) { /* a sequence has no item of a name */
        *ret = VAL_UNBOUND;
        return true;
    }
    return text_new_interned(h, name, &key) && find_item(h, v, key, ret);
}

bool template_attr(struct heap *h, val v, str name, val *ret)
{
    val key;
    if (!template_find_attr(h, v, name, ret))
        return false;
    if (ret->kind != V_UNBOUND)
        return true;
    if (!item_by_name(h, v, name, ret))
        return false;
    if (ret->kind != V_UNBOUND)
        return true;
    return text_new_interned(h, name, &key) && undefined_of(h, v, key, ret);
}

bool template_item(struct heap *h, val v, val key, val *ret)
{
    if (v.kind == V_LIST && key.kind == V_INT) {
        uint64_t i = (uint64_t)(key.i < 0 ? key.i + v.list->n : key.i);
        if (i < v.list->n) {
            *ret = v.list->at[i];
            return true;
        }
        return undefined_of(h, v, key, ret);
    }
    if (!find_item(h, v, key, ret))
        return false;
    if (ret->kind == V_UNBOUND && key.kind == V_STR &&
        !template_find_attr(h, v, text_str(key), ret))
        return false;
    return ret->kind != V_UNBOUND || undefined_of(h, v, key, ret);
}

bool template_method(struct vm *vm, struct instr *site, val v, str name, val *at)
{
    struct heap *h = &vm->heap;
    const struct native_def *def;
    if (site->flag && site->flag == v.kind && !val_is_markup(v)) {
        memcpy(&def, site + 1, sizeof def);
        at[0] = val_native(def);
        at[1] = v;
        return true;
    }
    bool plain = name.n && name.p[0] != '_' && v.kind != V_FUNC && !val_is_markup(v) &&
                 v.kind >= V_STR && v.kind <= V_FROZENSET;
    def = plain ? val_find_method(v, name) : NULL;
    if (!def) {
        at[1] = VAL_UNBOUND;
        return template_attr(h, v, name, &at[0]);
    }
    if (!(v.kind == V_DICT && (v.o->flags & OBJ_RECORD))) {
        site->flag = (uint8_t)v.kind;
        memcpy(site + 1, &def, sizeof def);
    }
    at[0] = val_native(def);
    at[1] = v;
    return true;
}
