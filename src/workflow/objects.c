/* The small objects of the plue module: namespaces, handles, options, definitions. */
#include "workflow/deferred.h"
#include "workflow/namespace.h"
#include <stdio.h>

bool bind_native(struct heap *h, const struct native_def *def, val self, val *ret)
{
    struct method_obj *m = heap_new(h, V_METHOD, sizeof *m);
    if (!m)
        return false;
    m->def = def;
    m->self = self;
    *ret = val_obj(V_METHOD, m);
    return true;
}

const struct native_def *find_native(const struct native_def *table, str name)
{
    for (; table->name; table++)
        if (str_is(name, table->name))
            return table;
    return NULL;
}

bool no_attribute(struct heap *h, const char *what, str name, const str *names, size_t n)
{
    long near = str_nearest(name, names, n);
    if (near >= 0)
        return heap_raise(h, &exc_AttributeError,
                          "%s has no attribute '%.*s'. Did you mean: '%.*s'?", what, STR_ARG(name),
                          STR_ARG(names[near]));
    return heap_raise(h, &exc_AttributeError, "%s has no attribute '%.*s'", what, STR_ARG(name));
}

/* ---- namespace ---- */

bool namespace_new(struct heap *h, const char *what, val fields, const char *const *known, val *ret)
{
    struct namespace_value *n = heap_new(h, V_OBJECT, sizeof *n);
    if (!n)
        return false;
    n->o.class = &class_namespace;
    n->what = what;
    n->fields = fields;
    n->known = known;
    *ret = val_obj(V_OBJECT, n);
    return true;
}

static bool namespace_get(struct heap *h, val *args, val *ret)
{
    struct namespace_value *n = (struct namespace_value *)args[0].object;
    if (args[1].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%s.get() takes a name, not %s", n->what,
                          val_type_name(args[1]));
    *ret = dict_get_str(n->fields.dict, text_str(args[1]));
    if (val_is_unbound(*ret) || ret->kind == V_NONE)
        *ret = val_is_unbound(args[2]) ? VAL_NONE : args[2];
    return true;
}

static const struct native_def namespace_methods[] = {
    {.name = "get",
     .fn = namespace_get,
     .min = 1,
     .max = 2,
     .positional_only = 2,
     .signature = "(name, default=None)",
     .doc = "The field, or default where it is absent or null."},
    {0},
};

static size_t namespace_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    struct namespace_value *n = (struct namespace_value *)o;
    uint32_t at = 0;
    size_t count = 0;
    (void)h;
    for (struct dict_entry *e; count < max && (e = dict_next(n->fields.dict, &at));)
        ret[count++] = text_str(e->key);
    for (const char *const *k = n->known; k && *k && count < max; k++)
        ret[count++] = str_of(*k);
    return count;
}

static bool namespace_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    struct namespace_value *n = (struct namespace_value *)o;
    str names[64];

    *ret = dict_get_str(n->fields.dict, name);
    if (!val_is_unbound(*ret))
        return true;
    if (n->lazy && n->lazy(h, n, name, ret))
        return true;
    if (h->fault.kind != FAULT_NONE)
        return false;
    for (const char *const *k = n->known; k && *k; k++) {
        if (str_is(name, *k)) {
            *ret = VAL_NONE;
            return true;
        }
    }
    const struct native_def *method = find_native(namespace_methods, name);
    if (method)
        return bind_native(h, method, val_obj(V_OBJECT, o), ret);
    return no_attribute(h, n->what, name, names, namespace_names(h, o, names, 64));
}

static bool namespace_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    struct namespace_value *n = (struct namespace_value *)o;
    return val_getitem(h, n->fields, key, ret);
}

static bool namespace_iter(struct heap *h, struct object *o, val *ret)
{
    return val_iter(h, ((struct namespace_value *)o)->fields, ret);
}

static bool namespace_repr(struct heap *h, struct object *o, val *ret)
{
    return val_repr(h, ((struct namespace_value *)o)->fields, ret);
}

static void namespace_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct namespace_value *)o)->fields);
}

const struct obj_class class_namespace = {
    .type = {.name = "record", .kind = V_OBJECT},
    .getattr = namespace_getattr,
    .getitem = namespace_getitem,
    .iter = namespace_iter,
    .repr = namespace_repr,
    .trace = namespace_trace,
    .names = namespace_names,
};

/* ---- handles ---- */

bool handle_new(struct heap *h, uint32_t step, val *ret)
{
    struct handle *o = heap_new(h, V_OBJECT, sizeof *o);
    if (!o)
        return false;
    o->o.class = &class_handle;
    o->step = step;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

/* Attributes of a handle by type of step; reading a status makes its failure the code's to judge.
 */
static const struct {
    const char *name;
    unsigned types; /* bits of enum step_type */
    bool status;
} handle_fields[] = {
#define ALL ~0u
#define ONLY(t) (1u << (t))
    {"ok", ALL, true},
    {"failed", ALL, true},
    {"exit_code", ONLY(STEP_TYPE_SHELL), true},
    {"stdout", ONLY(STEP_TYPE_SHELL), false},
    {"stderr", ONLY(STEP_TYPE_SHELL), false},
    {"outputs", ONLY(STEP_TYPE_SHELL) | ONLY(STEP_TYPE_ACTION), false},
    {"duration", ALL, false},
    {"output", ALL & ~(ONLY(STEP_TYPE_SHELL) | ONLY(STEP_TYPE_PARALLEL) | ONLY(STEP_TYPE_ACTION)),
     false},
};
enum { HANDLE_FIELDS = sizeof handle_fields / sizeof *handle_fields, HANDLE_NAMES_MAX = 256 };

static size_t handle_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    enum step_type type = evaluation_of(h)->plan.steps[((struct handle *)o)->step].type;
    const struct step_note *note = &evaluation_of(h)->notes.at[((struct handle *)o)->step];
    size_t n = 0;
    for (uint32_t i = 0; note->output && i < note->output->n && n < max; i++)
        ret[n++] = note->output->fields[i].name;
    if (note->is_text && n < max)
        ret[n++] = STR("text");
    for (size_t i = 0; i < HANDLE_FIELDS && n < max; i++)
        if (handle_fields[i].types & ONLY(type))
            ret[n++] = str_of(handle_fields[i].name);
    return n;
}

static bool handle_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    uint32_t step = ((struct handle *)o)->step;
    struct evaluation *e = evaluation_of(h);
    enum step_type type = e->plan.steps[step].type;
    const struct step_note *note = &e->notes.at[step];
    str names[HANDLE_NAMES_MAX];
    char what[64];
    val root, output;

    /* What an answer has wins over what every step has. */
    if (note->output && type_field(note->output, name))
        return deferred_step(h, step, &root) && deferred_attr(h, root, STR("output"), &output) &&
               deferred_attr(h, output, name, ret);
    if (note->is_text && str_is(name, "text"))
        return deferred_step(h, step, &root) && deferred_attr(h, root, STR("output"), ret);

    for (size_t i = 0; i < HANDLE_FIELDS; i++) {
        if (!str_is(name, handle_fields[i].name) || !(handle_fields[i].types & ONLY(type)))
            continue;
        if (handle_fields[i].status)
            step_judge(e, step);
        return deferred_step(h, step, &root) && deferred_attr(h, root, name, ret);
    }
    if (note->output)
        snprintf(what, sizeof what, "the output of %.*s",
                 STR_ARG(str_sub(e->plan.steps[step].name, 0, 40)));
    else
        snprintf(what, sizeof what, "a %s step", step_type_name(type));
    return no_attribute(h, what, name, names, handle_names(h, o, names, HANDLE_NAMES_MAX));
}

static bool handle_repr(struct heap *h, struct object *o, val *ret)
{
    str id = evaluation_of(h)->plan.steps[((struct handle *)o)->step].id;
    return text_printf(h, ret, "<step %.*s>", STR_ARG(id));
}

/* "<step build>" in a command would be a mistake that runs. */
static bool handle_str(struct heap *h, struct object *o, val *ret)
{
    str id = evaluation_of(h)->plan.steps[((struct handle *)o)->step].id;
    (void)ret;
    return heap_refuse(
        h, "step_text",
        "write .stdout or .outputs.NAME behind it; repr() and {...!r} name the step itself",
        "a step is no text: which of its results is meant? (step '%.*s')", STR_ARG(id));
}

static bool handle_truth(struct heap *h, struct object *o, bool *ret)
{
    str id = evaluation_of(h)->plan.steps[((struct handle *)o)->step].id;
    (void)ret;
    return heap_refuse(
        h, "step_truth", "write .ok or .failed behind it",
        "a step is neither true nor false: which of its results decides here? (step '%.*s')",
        STR_ARG(id));
}

const struct obj_class class_handle = {
    .type = {.name = "step", .kind = V_OBJECT},
    .getattr = handle_getattr,
    .truth = handle_truth,
    .repr = handle_repr,
    .str = handle_str,
    .names = handle_names,
};

/* ---- options, ends, definitions ---- */

static void option_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct option_value *)o)->fields);
}

static bool option_repr(struct heap *h, struct object *o, val *ret)
{
    return text_printf(h, ret, "<%s>", ((struct option_value *)o)->kind);
}

const struct obj_class class_option = {
    .type = {.name = "option", .kind = V_OBJECT},
    .repr = option_repr,
    .trace = option_trace,
};

static void end_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct end_value *)o)->reason);
    heap_mark(h, ((struct end_value *)o)->outputs);
}

const struct obj_class class_end = {
    .type = {.name = "result", .kind = V_OBJECT},
    .trace = end_trace,
};
