/* The object `json`: dumps, loads and JSONDecodeError. */
#include "value/types.h"
#include "vm/builtins_int.h"
#include "json/value.h"

static bool json_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)h;
    (void)o;
    *ret = VAL_UNBOUND;
    if (str_is(name, "JSONDecodeError"))
        *ret = val_type(&exc_JSONDecodeError);
    for (const struct native_def *row = json_module; row->name; row++)
        if (str_is(name, row->name))
            *ret = val_native(row);
    return true;
}

const struct obj_class json_module_class = {
    .type = {.name = "module", .kind = V_OBJECT},
    .getattr = json_getattr,
};
