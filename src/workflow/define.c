/* @workflow, @tool and @action: definitions. */
#include "workflow/workflow_int.h"

struct decorator {
    struct object o;
    struct loaded_definition *loaded;
};

static bool is_given(val v)
{
    return !val_is_unbound(v) && v.kind != V_NONE;
}

static bool text_option(struct heap *h, val v, const char *what, str *ret)
{
    if (!is_given(v))
        return true;
    if (v.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%s must be a text, not %s", what, val_type_name(v));
    *ret = arena_str(&evaluation_of(h)->arena, text_str(v));
    return true;
}

/* Any option that is kept as JSON: env, network, labels, concurrency. */
static bool json_option(struct heap *h, val v, const char *what, str *ret)
{
    if (!is_given(v))
        return true;
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    if (!write_value(h, &w, v, what, 0))
        return false;
    *ret = arena_str(&evaluation_of(h)->arena, buf_str(&b));
    return true;
}

static struct loaded_definition *new_definition(struct heap *h, enum definition_kind kind)
{
    struct evaluation *e = evaluation_of(h);
    if (e->definitions.n >= DEFINITIONS_MAX) {
        heap_limit(h, "too_many_definitions", "more than %d workflows, tools and actions",
                   DEFINITIONS_MAX);
        return NULL;
    }
    struct loaded_definition *l = arena_new(&e->arena, struct loaded_definition);
    l->def.kind = kind;
    l->def.triggers = STR("[]");
    l->function = VAL_UNBOUND;
    return l;
}

static bool decorator_new(struct heap *h, struct loaded_definition *l, val *ret)
{
    struct decorator *d = heap_new(h, V_OBJECT, sizeof *d);
    if (!d)
        return false;
    d->o.class = &class_decorator;
    d->loaded = l;
    *ret = val_obj(V_OBJECT, d);
    return true;
}

static bool check_unique(struct heap *h, const struct definition *d)
{
    struct evaluation *e = evaluation_of(h);
    static const char *const kinds[] = {"workflow", "tool", "action"};
    for (size_t i = 0; i < e->definitions.n; i++) {
        const struct definition *other = &e->definitions.at[i]->def;
        if (other->kind != d->kind || !str_eq(other->name, d->name))
            continue;
        struct place place = {0};
        sources_place(vm_sources(e->vm), other->at, &place);
        return heap_refuse(h, "duplicate_name", "give one of them another name with name=\"...\"",
                           "there is already a %s named '%.*s' at %.*s:%u", kinds[d->kind],
                           STR_ARG(d->name), STR_ARG(place.path), place.line);
    }
    return true;
}

static bool decorator_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct loaded_definition *l = ((struct decorator *)o)->loaded;
    if (args->n != 1 || args->named_count || args->at[0].kind != V_FUNC)
        return heap_raise(h, &exc_TypeError, "this decorates a function: write it above a def");
    l->function = args->at[0];
    l->def.at = vm_function_pos(l->function);
    struct source *source = sources_get(vm_sources(e->vm), l->def.at.source);
    l->def.path = source ? source->path : STR("");
    if (!l->def.name.n)
        l->def.name = arena_str(&e->arena, vm_function_name(l->function));
    if (!check_unique(h, &l->def))
        return false;
    l->def.index = (uint32_t)e->definitions.n;
    vec_push(&e->definitions, l);
    struct definition_value *v = heap_new(h, V_OBJECT, sizeof *v);
    if (!v)
        return false;
    v->o.class = &class_definition;
    v->loaded = l;
    *ret = val_obj(V_OBJECT, v);
    return true;
}

const struct obj_class class_decorator = {
    .type = {.name = "decorator", .kind = V_OBJECT},
    .call = decorator_call,
};

static bool definition_call(struct heap *h, struct object *o, const struct call_args *args,
                            val *ret)
{
    struct loaded_definition *l = ((struct definition_value *)o)->loaded;
    if (l->def.kind != DEFINITION_ACTION)
        return heap_refuse(h, "not_callable", "put what both need into a function of .plue/lib",
                           "a workflow cannot be called from code (only an @action can)");
    return action_call(h, l, args, ret);
}

static bool definition_repr(struct heap *h, struct object *o, val *ret)
{
    struct loaded_definition *l = ((struct definition_value *)o)->loaded;
    return text_printf(h, ret, "<definition %.*s>", STR_ARG(l->def.name));
}

const struct obj_class class_definition = {
    .type = {.name = "definition", .kind = V_OBJECT},
    .call = definition_call,
    .repr = definition_repr,
};

static bool bare_decorator(struct heap *h, val first, const char *name)
{
    if (first.kind != V_FUNC)
        return true;
    return heap_raise(h, &exc_TypeError, "write @%s(...) with parentheses", name);
}

/* triggers=[...] to JSON; the manual trigger's inputs are the definition's. */
static bool set_triggers(struct heap *h, struct definition *d, val v)
{
    if (!is_given(v))
        return true;
    if (v.kind != V_LIST && v.kind != V_TUPLE && !val_is_object_of(v, &class_trigger))
        return heap_raise(h, &exc_TypeError,
                          "workflow(triggers=) must be a list of triggers, not %s",
                          val_type_name(v));
    const val *at = v.kind == V_LIST ? v.list->at : v.kind == V_TUPLE ? v.tuple->at : &v;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.kind == V_TUPLE ? v.tuple->n : 1;
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_begin_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        if (!val_is_object_of(at[i], &class_trigger))
            return heap_raise(
                h, &exc_TypeError,
                "workflow(triggers=) must hold triggers such as push() or manual(), not %s",
                val_type_name(at[i]));
        const struct trigger_value *t = (const struct trigger_value *)at[i].object;
        json_put_raw(&w, t->json);
        if (str_is(t->type, "manual"))
            d->inputs = t->inputs ? t->inputs : type_new_object(&evaluation_of(h)->arena, NULL, 0);
    }
    json_end_array(&w);
    d->triggers = arena_str(&evaluation_of(h)->arena, buf_str(&b));
    return true;
}

static const char *const workflow_keys[] = {
    "triggers", "image",    "dockerfile", "name",     "env",     "timeout", "concurrency",
    "network",  "services", "labels",     "priority", "sandbox", NULL};

static bool native_workflow(struct heap *h, val *args, val *ret)
{
    struct loaded_definition *l;
    if (!bare_decorator(h, args[0], "workflow") || !(l = new_definition(h, DEFINITION_WORKFLOW)))
        return false;
    struct definition *d = &l->def;
    if (!set_triggers(h, d, args[0]) || !text_option(h, args[1], "workflow(image=)", &d->image) ||
        !text_option(h, args[2], "workflow(dockerfile=)", &d->dockerfile) ||
        !text_option(h, args[3], "workflow(name=)", &d->name) ||
        !json_option(h, args[4], "workflow(env=)", &d->env) ||
        !json_option(h, args[6], "workflow(concurrency=)", &d->concurrency) ||
        !json_option(h, args[7], "workflow(network=)", &d->network) ||
        !json_option(h, args[9], "workflow(labels=)", &d->labels))
        return false;
    if (is_given(args[4]) && args[4].kind != V_DICT)
        return heap_raise(h, &exc_TypeError, "workflow(env=) must be a dict, not %s",
                          val_type_name(args[4]));
    if (is_given(args[5]) && !parse_duration(h, args[5], "workflow(timeout=)", &d->timeout_ms))
        return false;
    struct workflow_options options = {args[6], args[7], args[8], args[9], args[10], args[11]};
    return write_workflow_options(h, &options, d) && decorator_new(h, l, ret);
}

static bool object_option(struct heap *h, val v, const char *what, const struct type **ret)
{
    val type;
    if (!is_given(v))
        return true;
    if (v.kind != V_DICT)
        return heap_raise(h, &exc_TypeError, "%s must be a dict of names and types, not %s", what,
                          val_type_name(v));
    if (!typed_object(h, v, what, &type))
        return false;
    *ret = ((struct type_value *)type.object)->type;
    return true;
}

static const char *const tool_keys[] = {"inputs", "output", "description", "name", NULL};
static bool native_tool(struct heap *h, val *args, val *ret)
{
    struct loaded_definition *l;
    if (!bare_decorator(h, args[0], "tool") || !(l = new_definition(h, DEFINITION_TOOL)))
        return false;
    if (!object_option(h, args[0], "tool(inputs=)", &l->def.inputs) ||
        (is_given(args[1]) && !type_of_value(h, args[1], "tool(output=)", &l->def.output)) ||
        !text_option(h, args[2], "tool(description=)", &l->def.description) ||
        !text_option(h, args[3], "tool(name=)", &l->def.name))
        return false;
    if (!l->def.inputs)
        l->def.inputs = type_new_object(&evaluation_of(h)->arena, NULL, 0);
    return decorator_new(h, l, ret);
}

static const char *const action_keys[] = {"inputs", "outputs", "description", "name", NULL};
static bool native_action(struct heap *h, val *args, val *ret)
{
    struct loaded_definition *l;
    if (!bare_decorator(h, args[0], "action") || !(l = new_definition(h, DEFINITION_ACTION)))
        return false;
    if (!object_option(h, args[0], "action(inputs=)", &l->def.inputs) ||
        !object_option(h, args[1], "action(outputs=)", &l->def.output) ||
        !text_option(h, args[2], "action(description=)", &l->def.description) ||
        !text_option(h, args[3], "action(name=)", &l->def.name))
        return false;
    return decorator_new(h, l, ret);
}

const struct native_def define_natives[] = {
    {.name = "workflow",
     .fn = native_workflow,
     .max = 12,
     .names = workflow_keys,
     .signature =
         "(triggers=[], image=None, dockerfile=None, name=None, env={}, timeout=None, concurrency=None, "
         "network=None, services=None, labels=None, priority=None, sandbox=None)",
     .doc = "Makes the function below a workflow."},
    {.name = "tool",
     .fn = native_tool,
     .max = 4,
     .names = tool_keys,
     .signature = "(inputs={}, output=None, description=None, name=None)",
     .doc = "Makes the function below a tool for agents."},
    {.name = "action",
     .fn = native_action,
     .max = 4,
     .names = action_keys,
     .signature = "(inputs={}, outputs={}, description=None, name=None)",
     .doc = "Makes the function below a reusable action."},
    {0},
};
