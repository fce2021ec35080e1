/* The object `json`: dumps, loads and JSONDecodeError. */
#include "value/types.h"
#include "vm/builtins_int.h"
#include "json/value.h"

static bool module_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)o;
    *ret = str_is(name, "JSONDecodeError") ? val_type(&exc_JSONDecodeError) : VAL_UNBOUND;
    for (const struct native_def *row = json_module; row->name; row++)
        if (str_is(name, row->name))
            *ret = val_native(row);
    if (!val_is_unbound(*ret))
        return true;
    return heap_raise(h, &exc_AttributeError, "module 'json' has no attribute '%.*s'",
                      STR_ARG(name));
}

static size_t module_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    size_t n = 0;
    (void)h;
    (void)o;
    for (const struct native_def *row = json_module; row->name && n < max; row++)
        ret[n++] = str_of(row->name);
    if (n < max)
        ret[n++] = STR("JSONDecodeError");
    return n;
}

const struct obj_class json_module_class = {
    .type = {.name = "module", .kind = V_OBJECT},
    .getattr = module_getattr,
    .names = module_names,
};
