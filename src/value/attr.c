/* attr: v.name: fields of records and of objects, data attributes, and methods. */
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"

static bool name_is(const char *have, str name)
{
    return have[0] == name.p[0] && strncmp(have, name.p, name.n) == 0 && have[name.n] == '\0';
}

static const struct native_def *find_row(const struct native_def *rows, str name)
{
    if (!rows || !name.n)
        return NULL;
    for (; rows->name; rows++)
        if (name_is(rows->name, name))
            return rows;
    return NULL;
}

const struct native_def *val_find_method(val v, str name)
{
    if (v.kind == V_OBJECT || v.kind == V_TYPE)
        return NULL;
    if (v.kind == V_DICT && (v.o->flags & OBJ_RECORD) &&
        !val_is_unbound(dict_get_str(v.dict, name)))
        return NULL;
    return find_row(val_type_of(v)->methods, name);
}

bool dict_has_method(str name)
{
    return find_row(type_dict.methods, name) != NULL;
}

/* ---- data attributes ---- */

static bool attr_self(val v, val *ret)
{
    *ret = v.kind == V_BOOL ? val_int(v.i) : v;
    return true;
}

static bool attr_int_zero(val v, val *ret)
{
    (void)v;
    *ret = val_int(0);
    return true;
}

static bool attr_int_one(val v, val *ret)
{
    (void)v;
    *ret = val_int(1);
    return true;
}

static bool attr_float_zero(val v, val *ret)
{
    (void)v;
    *ret = val_float(0);
    return true;
}

static bool attr_start(val v, val *ret)
{
    *ret = v.kind == V_RANGE ? val_int(v.range->start) : v.slice->low;
    return true;
}

static bool attr_stop(val v, val *ret)
{
    *ret = v.kind == V_RANGE ? val_int(v.range->stop) : v.slice->high;
    return true;
}

static bool attr_step(val v, val *ret)
{
    *ret = v.kind == V_RANGE ? val_int(v.range->step) : v.slice->step;
    return true;
}

static bool attr_args(val v, val *ret)
{
    *ret = v.exc->args;
    return true;
}

/* StopIteration(5).value */
static bool attr_value(val v, val *ret)
{
    const struct tuple_obj *args = v.exc->args.tuple;
    if (!type_is_subclass(v.exc->type, &exc_StopIteration))
        return false;
    *ret = args->n ? args->at[0] : VAL_NONE;
    return true;
}

static const struct attr_row {
    uint32_t kind;
    const char *name;
    bool (*get)(val v, val *ret); /* false: this value has none */
} attr_rows[] = {
    {V_INT, "real", attr_self},      {V_INT, "imag", attr_int_zero},
    {V_INT, "numerator", attr_self}, {V_INT, "denominator", attr_int_one},
    {V_FLOAT, "real", attr_self},    {V_FLOAT, "imag", attr_float_zero},
    {V_RANGE, "start", attr_start},  {V_RANGE, "stop", attr_stop},
    {V_RANGE, "step", attr_step},    {V_SLICE, "start", attr_start},
    {V_SLICE, "stop", attr_stop},    {V_SLICE, "step", attr_step},
    {V_EXC, "args", attr_args},      {V_EXC, "value", attr_value},
};

static bool data_attr(val v, str name, val *ret)
{
    uint32_t kind = v.kind == V_BOOL ? V_INT : v.kind;
    if (!name.n)
        return false;
    for (size_t i = 0; i < sizeof attr_rows / sizeof attr_rows[0]; i++)
        if (attr_rows[i].kind == kind && name_is(attr_rows[i].name, name) &&
            attr_rows[i].get(v, ret))
            return true;
    if (v.kind != V_EXC || v.exc->extra.kind != V_DICT)
        return false;
    val found = dict_get_str(v.exc->extra.dict, name);
    if (val_is_unbound(found))
        return false;
    *ret = found;
    return true;
}

/* ---- getattr ---- */

static bool method_new(struct heap *h, const struct native_def *def, val self, val *ret)
{
    struct method_obj *m = heap_new(h, V_METHOD, sizeof *m);
    if (!m)
        return false;
    m->def = def;
    m->self = self;
    *ret = val_obj(V_METHOD, m);
    return true;
}

/* "did you mean", for people only: the message is CPython's. Returns false. */
static bool suggest_method(struct heap *h, const struct native_def *rows, str name)
{
    enum { NAMES_MAX = 64 };
    str names[NAMES_MAX];
    uint32_t n = 0;

    for (; rows && rows->name && n < NAMES_MAX; rows++)
        names[n++] = str_of(rows->name);
    long near = str_nearest(name, names, n);
    if (near >= 0)
        err_hint(&h->fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
}

static bool object_getattr(struct heap *h, val v, str name, val *ret)
{
    const struct obj_class *class = v.object->class;
    val found = VAL_UNBOUND;

    if (class->getattr && !class->getattr(h, v.object, name, &found))
        return false;
    if (!val_is_unbound(found)) {
        *ret = found;
        return true;
    }
    const struct native_def *row = find_row(class->type.methods, name);
    if (row)
        return method_new(h, row, v, ret);
    return heap_raise(h, &exc_AttributeError, "'%s' object has no attribute '%.*s'",
                      val_type_name(v), STR_ARG(name));
}

bool val_getattr(struct heap *h, val v, str name, val *ret)
{
    const struct native_def *row;

    if (v.kind == V_OBJECT)
        return object_getattr(h, v, name, ret);
    if (v.kind == V_TYPE) {
        row = find_row(v.type->methods, name);
        if (row)
            return method_new(h, row, v, ret);
        heap_raise(h, &exc_AttributeError, "type object '%s' has no attribute '%.*s'", v.type->name,
                   STR_ARG(name));
        return suggest_method(h, v.type->methods, name);
    }
    if (v.kind == V_DICT && (v.o->flags & OBJ_RECORD)) {
        val field = dict_get_str(v.dict, name);
        if (!val_is_unbound(field)) {
            *ret = field;
            return true;
        }
    }
    row = find_row(val_type_of(v)->methods, name);
    if (row)
        return method_new(h, row, v, ret);
    if (data_attr(v, name, ret))
        return true;
    heap_raise(h, &exc_AttributeError, "'%s' object has no attribute '%.*s'", val_type_name(v),
               STR_ARG(name));
    return suggest_method(h, val_type_of(v)->methods, name);
}
