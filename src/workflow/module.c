/* The plue module and its parts, as the machine imports them. */
#include "workflow/prompts.h"
#include "workflow/workflow_int.h"

static const struct native_def *const module_tables[] = {define_natives, trigger_natives,
                                                         option_natives, typed_natives};
enum { TABLES = sizeof module_tables / sizeof *module_tables };

static size_t module_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    size_t n = 0;
    (void)h;
    (void)o;
    for (size_t t = 0; t < TABLES; t++)
        for (const struct native_def *d = module_tables[t]; d->name && n < max; d++)
            ret[n++] = str_of(d->name);
    if (n + 2 <= max) {
        ret[n++] = STR("any");
        ret[n++] = STR("secret");
    }
    return n;
}

/* A name of the plue module; V_UNBOUND where it has none. */
static bool module_name(struct heap *h, str name, val *ret)
{
    *ret = VAL_UNBOUND;
    for (size_t t = 0; t < TABLES; t++) {
        const struct native_def *def = find_native(module_tables[t], name);
        if (def) {
            *ret = val_native(def);
            return true;
        }
    }
    if (str_is(name, "any"))
        return type_value_new(h, &type_of_any, ret);
    if (str_is(name, "secret"))
        return type_value_new(h, &type_of_secret, ret);
    /* list, str and the like are the language's own; list(T) makes a type of them. */
    static const struct type_info *const types[] = {&type_list, &type_str, &type_int, &type_float,
                                                    &type_bool};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_is(name, types[i]->name))
            *ret = val_type(types[i]);
    return true;
}

static bool module_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    str names[64];
    if (!module_name(h, name, ret))
        return false;
    if (!val_is_unbound(*ret))
        return true;
    return no_attribute(h, "module 'plue'", name, names, module_names(h, o, names, 64));
}

const struct obj_class class_module = {
    .type = {.name = "module", .kind = V_OBJECT},
    .getattr = module_getattr,
    .names = module_names,
};

bool plue_global(void *data, struct vm *vm, str name, val *ret)
{
    (void)data;
    /* The builtins of the same names stay the language's own without an import. */
    if (str_is(name, "any") || str_is(name, "dict") || str_is(name, "list")) {
        *ret = VAL_UNBOUND;
        return true;
    }
    return module_name(vm_heap(vm), name, ret);
}

size_t plue_global_names(void *data, str *ret, size_t max)
{
    (void)data;
    return module_names(NULL, NULL, ret, max);
}

bool plue_may_import(void *data, str module, struct err *err)
{
    (void)data;
    if (str_is(module, "plue") || str_is(module, "plue.prompts") || str_is(module, "plue.tools") ||
        str_starts(module, STR("plue.lib.")) || str_starts(module, STR("plue.actions.")))
        return true;
    err_set(err, "not_supported", "module '%.*s' cannot be imported in workflow files",
            STR_ARG(module));
    err_hint(
        err,
        "only plue, plue.prompts, plue.tools, plue.lib.NAME and plue.actions.NAME can; do other work in a step");
    return false;
}

/* A `-` in a file or folder name is `_` in an import. */
static bool path_matches(str path, str wanted)
{
    if (path.n != wanted.n)
        return false;
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] != wanted.p[i] && !(path.p[i] == '-' && wanted.p[i] == '_'))
            return false;
    return true;
}

static const struct bundle_file *find_module(struct evaluation *e, str module, struct buf *path)
{
    bool action = str_starts(module, STR("plue.actions."));
    str name = str_sub(module, action ? 13 : 9, module.n);

    buf_add_c(path, action ? ".plue/actions/" : ".plue/lib/");
    for (size_t i = 0; i < name.n; i++)
        buf_add_byte(path, name.p[i] == '.' ? '/' : name.p[i]);
    buf_add_c(path, action ? "/action.py" : ".py");
    for (uint32_t i = 0; i < e->bundle->n; i++)
        if (path_matches(e->bundle->files[i].path, buf_str(path)))
            return &e->bundle->files[i];
    return NULL;
}

bool plue_import(void *data, struct vm *vm, str module, pos at, val *ret)
{
    struct evaluation *e = data;
    struct heap *h = vm_heap(vm);
    auto_buf path = BUF(4096);

    (void)at;
    if (str_is(module, "plue")) {
        struct object *o = heap_new(h, V_OBJECT, sizeof *o);
        if (!o)
            return false;
        o->class = &class_module;
        *ret = val_obj(V_OBJECT, o);
        return true;
    }
    if (str_is(module, "plue.prompts"))
        return prompts_module_new(h, ret);
    if (str_is(module, "plue.tools"))
        return tools_module_new(h, ret);
    const struct bundle_file *file = find_module(e, module, &path);
    if (!file)
        return heap_raise(h, &exc_ModuleNotFoundError, "No module named '%.*s' (there is no %s)",
                          STR_ARG(module), buf_c(&path));
    evaluation_note_file(e, file->path);
    uint32_t source = sources_add(vm_sources(vm), file->path, file->text, POS_NONE);
    return vm_run_module(vm, source, ret);
}
