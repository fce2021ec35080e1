/* The rows of the module `json`, and how its functions take their arguments. */
#include "value/dict.h"
#include "value/text.h"
#include "value/types.h"
#include "json/module_int.h"
#include "json/value.h"

static bool too_many(struct heap *h, const struct json_params *p, uint32_t given, uint32_t named)
{
    if (!named)
        return heap_raise(h, &exc_TypeError, "%s() takes 1 positional argument but %u were given",
                          p->function, given);
    return heap_raise(h, &exc_TypeError,
                      "%s() takes 1 positional argument but %u positional arguments (and %u "
                      "keyword-only argument%s) were given",
                      p->function, given, named, named == 1 ? "" : "s");
}

static bool unknown(struct heap *h, const struct json_params *p, str name)
{
    for (int i = 0; i < JSON_REFUSED_MAX && p->refused[i]; i++)
        if (str_is(name, p->refused[i]))
            return heap_refuse(h, "not_supported", "convert the value before or after the call",
                               "json.%s has no argument '%s'", p->function, p->refused[i]);
    return heap_raise(h, &exc_TypeError, "%s.__init__() got an unexpected keyword argument '%.*s'",
                      p->worker, STR_ARG(name));
}

bool json_bind(struct heap *h, const struct json_params *p, const val *args, val *slots)
{
    const struct tuple_obj *given = args[0].tuple;
    uint32_t at = 0, named = 0;
    str extra = {0};

    for (int i = 0; i < p->count; i++)
        slots[i] = VAL_UNBOUND;
    if (given->n)
        slots[0] = given->at[0];
    for (struct dict_entry *e; (e = dict_next(args[1].dict, &at));) {
        str name = text_str(e->key);
        int i = 0;
        while (i < p->count && !str_is(name, p->names[i]))
            i++;
        if (i == 0 && given->n)
            return heap_raise(h, &exc_TypeError, "%s() got multiple values for argument '%s'",
                              p->function, p->names[0]);
        if (i < p->count)
            slots[i] = e->value;
        else if (!extra.p)
            extra = name;
        named += i > 0 && i < p->count;
    }
    if (given->n > 1)
        return too_many(h, p, given->n, named);
    if (val_is_unbound(slots[0]))
        return heap_raise(h, &exc_TypeError, "%s() missing 1 required positional argument: '%s'",
                          p->function, p->names[0]);
    return !extra.p || unknown(h, p, extra);
}

const struct native_def json_module[] = {
    {.name = "dumps",
     .fn = json_dumps_native,
     .flags = NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_DEFERS | NATIVE_CALLS,
     .signature = "(obj, *, skipkeys=False, ensure_ascii=True, allow_nan=True, indent=None, "
                  "separators=None, default=None, sort_keys=False)",
     .doc = "The value as JSON text."},
    {.name = "loads",
     .fn = json_loads_native,
     .flags = NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_DEFERS,
     .signature = "(s)",
     .doc = "The value of a JSON text."},
    {.name = NULL},
};
