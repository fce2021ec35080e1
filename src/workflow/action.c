/* Actions: a function's steps under a prefix, and a step of type action that depends on them. */
#include "workflow/deferred.h"
#include "workflow/namespace.h"

static bool unknown_input(struct heap *h, const struct definition *d, str name)
{
    enum { NAMES_MAX = 64 };
    str names[NAMES_MAX] = {STR("depends_on")};
    size_t n = 1;
    for (uint32_t i = 0; d->inputs && i < d->inputs->n && n < NAMES_MAX; i++)
        names[n++] = d->inputs->fields[i].name;
    long near = str_nearest(name, names, n);
    heap_raise(h, &exc_TypeError, "%.*s() got an unexpected keyword argument '%.*s'",
               STR_ARG(d->name), STR_ARG(name));
    if (near >= 0)
        err_hint(&h->fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
}

static bool bind_inputs(struct heap *h, const struct definition *d, const struct call_args *args,
                        val *ret_fields, val *ret_depends)
{
    *ret_depends = VAL_UNBOUND;
    if (args->n)
        return heap_raise(h, &exc_TypeError, "%.*s() takes named arguments only", STR_ARG(d->name));
    if (!dict_new(h, args->named_count, ret_fields))
        return false;
    for (uint32_t i = 0; i < args->named_count; i++) {
        str name = text_str(args->names[i]);
        if (str_is(name, "depends_on")) {
            *ret_depends = args->named[i];
            continue;
        }
        const struct type *t = d->inputs ? type_field(d->inputs, name) : NULL;
        if (!t)
            return unknown_input(h, d, name);
        if (deferred_has_secret(args->named[i]) &&
            (t->kind == TYPE_OPTIONAL ? t->of : t)->kind != TYPE_SECRET)
            return heap_refuse(
                h, "secret_misused", "give the input the type secret",
                "%.*s(%.*s=): a secret may only be passed to an input of type secret",
                STR_ARG(d->name), STR_ARG(name));
        if (!dict_set_str(h, ret_fields->dict, name, args->named[i]))
            return false;
    }
    for (uint32_t i = 0; d->inputs && i < d->inputs->n; i++) {
        const struct type_field *f = &d->inputs->fields[i];
        if (f->type->kind != TYPE_OPTIONAL &&
            val_is_unbound(dict_get_str(ret_fields->dict, f->name)))
            return heap_raise(h, &exc_TypeError, "%.*s() missing required argument: '%.*s'",
                              STR_ARG(d->name), STR_ARG(f->name));
    }
    return true;
}

/* Known values must fit their types; deferred ones are looked at when they are known. */
static bool check_values(struct heap *h, const struct definition *d, const struct type *types,
                         struct dict_obj *fields)
{
    uint32_t at = 0;
    for (struct dict_entry *e; (e = dict_next(fields, &at));) {
        struct step_set steps = {0};
        bool ok = deferred_steps(h, e->value, &steps);
        bool known = steps.n == 0 && !is_deferred(e->value);
        step_set_done(&steps);
        if (!ok)
            return false;
        if (!known)
            continue;
        auto_buf b = BUF(CONFIG_MAX);
        struct json_writer w = JSON_WRITER(&b, false);
        if (!write_value(h, &w, e->value, "argument", 0))
            return false;
        json_t *j = json_loadb(b.p, b.n, JSON_DECODE_ANY, NULL);
        struct err_list errors = {.max = 1};
        auto_buf what = BUF(1024);
        buf_addf(&what, "%.*s(%.*s=)", STR_ARG(d->name), STR_ARG(text_str(e->key)));
        ok = j && type_check(type_field(types, text_str(e->key)), j, buf_str(&what), &errors);
        if (!ok)
            heap_raise(h, &exc_TypeError, "%.*s",
                       STR_ARG(errors.n ? errors.at[0].message : STR("invalid argument")));
        err_list_done(&errors);
        json_decref(j);
        if (!ok)
            return false;
    }
    return true;
}

/* What ctx.success was given, against the outputs that the action declares. */
static bool check_outputs(struct heap *h, const struct definition *d, const struct end_value *end)
{
    struct dict_obj *given = end ? end->outputs.dict : NULL;
    uint32_t at = 0;
    for (struct dict_entry *e; given && (e = dict_next(given, &at));)
        if (!type_field(d->output, text_str(e->key)))
            return heap_raise(
                h, &exc_TypeError,
                "action %.*s: outputs= does not declare '%.*s', which ctx.success gives",
                STR_ARG(d->name), STR_ARG(text_str(e->key)));
    for (uint32_t i = 0; i < d->output->n; i++) {
        const struct type_field *f = &d->output->fields[i];
        bool has = given && !val_is_unbound(dict_get_str(given, f->name));
        if (!has && f->type->kind != TYPE_OPTIONAL)
            return heap_raise(
                h, &exc_TypeError,
                "action %.*s: ctx.success does not give '%.*s', which outputs= declares",
                STR_ARG(d->name), STR_ARG(f->name));
    }
    return !given || check_values(h, d, d->output, given);
}

/* A step of its own when all others are there: its outputs are what ctx.success was given. */
static bool register_action(struct heap *h, const struct definition *d, str id, uint32_t first,
                            val inputs, val depends, const struct end_value *end, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct step_draft draft = {
        .type = STEP_TYPE_ACTION, .id = id, .name = d->name, .common = {.idempotent = true}};
    auto_buf config = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&config, false);
    uint32_t self = e->plan.step_count;
    val members, uses[3] = {VAL_UNBOUND, VAL_UNBOUND, VAL_UNBOUND};

    json_begin_object(&w);
    json_key_c(&w, "path");
    json_put_str(&w, d->path);
    if (!write_field(h, &w, "inputs", inputs, "inputs", JSON_ALLOW_SECRETS))
        return false;
    bool outputs = end && !end->failed;
    if (!write_field(h, &w, "outputs", outputs ? end->outputs : VAL_NONE, "outputs", 0) ||
        !write_field(h, &w, "fail", end && end->failed ? end->reason : VAL_NONE, "reason", 0))
        return false;
    json_end_object(&w);
    if (!list_new(h, self - first, &members))
        return false;
    for (uint32_t i = first; i < self; i++) {
        val handle;
        if (!handle_new(h, i, &handle) || !list_push(h, members.list, handle))
            return false;
        if (e->plan.steps[i].parent == PLAN_NEVER)
            e->plan.steps[i].parent = self;
    }
    /* An action without steps of its own stands where the program stands. */
    draft.depends_on = self > first ? members : depends;
    uses[0] = inputs;
    uses[1] = outputs ? end->outputs : VAL_UNBOUND;
    uses[2] = end && end->failed ? end->reason : VAL_UNBOUND;
    draft.uses = uses;
    draft.use_count = 3;
    draft.config = &config;
    return step_register(h, &draft, ret);
}

static bool run_function(struct heap *h, struct loaded_definition *l, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    val result;
    struct call_args args = {.at = &e->ctx, .n = 1};
    if (!h->call(h, l->function, &args, &result))
        return false;
    if (result.kind != V_NONE && !val_is_object_of(result, &class_end))
        return heap_raise(
            h, &exc_TypeError,
            "action %.*s must return ctx.success(...), ctx.fail(...) or nothing, not %s",
            STR_ARG(l->def.name), val_type_name(result));
    *ret = result;
    const struct end_value *end =
        result.kind == V_NONE ? NULL : (const struct end_value *)result.object;
    return !l->def.output || (end && end->failed) || check_outputs(h, &l->def, end);
}

static bool action_in_scope(struct heap *h, struct loaded_definition *l, struct scope *scope,
                            val fields, val depends, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    uint32_t first = scope->first;
    val result = VAL_NONE;

    heap_hold(h, fields);
    heap_hold(h, scope->inputs);
    heap_hold(h, depends);
    bool ok = run_function(h, l, &result);
    heap_release(h, 3);
    if (!ok)
        return false;
    uint32_t last = scope->before;
    e->scope = scope->outer;
    e->scope->before = last;
    const struct end_value *end =
        result.kind == V_NONE ? NULL : (const struct end_value *)result.object;
    return register_action(h, &l->def, scope->prefix, first, fields, depends, end, ret);
}

bool action_call(struct heap *h, struct loaded_definition *l, const struct call_args *args,
                 val *ret)
{
    struct evaluation *e = evaluation_of(h);
    val fields, depends;

    if (!e->scope)
        return heap_refuse(h, "no_workflow", NULL,
                           "an action can only be called while a workflow runs");
    if (!bind_inputs(h, &l->def, args, &fields, &depends) ||
        !check_values(h, &l->def, l->def.inputs, fields.dict))
        return false;
    if (!heap_enter(h))
        return false;
    struct scope scope = {.outer = e->scope,
                          .before = e->scope->before,
                          .def = &l->def,
                          .inputs = VAL_UNBOUND,
                          .first = e->plan.step_count};
    if (!val_is_unbound(depends) && depends.kind != V_NONE) {
        scope.has_entry = true;
        scope.before = PLAN_NEVER;
        if (!step_set_add_explicit(h, depends, &scope.entry)) {
            step_set_done(&scope.entry);
            heap_leave(h);
            return false;
        }
    }
    scope.prefix = step_reserve_id(e, e->scope->prefix, l->def.name);
    bool ok = inputs_of(h, fields, l->def.inputs, &scope.inputs);
    e->scope = &scope;
    ok = ok && action_in_scope(h, l, &scope, fields, depends, ret);
    e->scope = scope.outer;
    step_set_done(&scope.entry);
    heap_leave(h);
    return ok;
}
