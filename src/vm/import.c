/* Modules and the names of the host. */
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/builtins_int.h"
#include "vm/machine_int.h"

enum { CANDIDATES_MAX = 1000 };

bool machine_host_global(struct vm *vm, str name, val *ret)
{
    *ret = VAL_UNBOUND;
    if (str_is(name, "json")) {
        *ret = vm->json;
        return true;
    }
    return vm->host.global && vm->host.global(vm->host.data, vm, name, ret) &&
           ret->kind != V_UNBOUND;
}

static bool no_module(struct vm *vm, str module)
{
    return heap_raise(&vm->heap, &exc_ModuleNotFoundError, "No module named '%.*s'",
                      STR_ARG(module));
}

bool import_module(struct vm *vm, str module, pos at, val *ret)
{
    struct heap *h = &vm->heap;
    uintptr_t known = (uintptr_t)map_get(&vm->modules, module);
    if (known) {
        *ret = vm->module_values.at[known - 1];
        if (ret->kind != V_UNBOUND)
            return true;
        return heap_refuse(h, "import_cycle", "move what both need into a third file",
                           "module '%.*s' imports itself, through the files that it imports",
                           STR_ARG(module));
    }
    if (!vm->host.import)
        return no_module(vm, module);
    char *name = str_dup(module);
    vec_push(&vm->module_names, name);
    vec_push(&vm->module_values, VAL_UNBOUND);
    size_t index = vm->module_values.n;
    map_set(&vm->modules, str_of(name), (void *)(uintptr_t)index);
    val value = VAL_UNBOUND;
    if (!vm->host.import(vm->host.data, vm, module, at, &value))
        return false;
    if (value.kind == V_UNBOUND) {
        map_remove(&vm->modules, str_of(name));
        return no_module(vm, module);
    }
    vm->module_values.at[index - 1] = value;
    *ret = value;
    return true;
}

static str module_name(const struct vm *vm, val module)
{
    for (size_t i = 0; i < vm->module_values.n; i++)
        if (val_identical(vm->module_values.at[i], module))
            return str_of(vm->module_names.at[i]);
    return STR("module");
}

static size_t names_of(struct vm *vm, val module, str *ret, size_t max)
{
    size_t n = 0;
    if (module.kind == V_DICT) {
        uint32_t at = 0;
        struct dict_entry *e;
        while (n < max && (e = dict_next(module.dict, &at)))
            if (e->key.kind == V_STR)
                ret[n++] = text_str(e->key);
    } else if (module.kind == V_OBJECT && module.object->class->names) {
        n = module.object->class->names(&vm->heap, module.object, ret, max);
    }
    return n < max ? n : max;
}

bool import_name(struct vm *vm, val module, str name, val *ret)
{
    struct heap *h = &vm->heap;
    str names[CANDIDATES_MAX];
    *ret = VAL_UNBOUND;
    if (module.kind == V_DICT) {
        *ret = dict_get_str(module.dict, name);
    } else if (!place_getattr(vm, module, name, ret)) {
        if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_AttributeError)
            return false;
        heap_clear_fault(h);
        *ret = VAL_UNBOUND;
    }
    if (ret->kind != V_UNBOUND)
        return true;
    long near = str_nearest(name, names, names_of(vm, module, names, CANDIDATES_MAX));
    heap_raise(h, &exc_ImportError, "cannot import name '%.*s' from '%.*s'", STR_ARG(name),
               STR_ARG(module_name(vm, module)));
    if (near >= 0)
        err_hint(&h->fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
}
