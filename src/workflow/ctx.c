/* ctx: what a workflow's function is given. Its members are tables of natives and a few records. */
#include "workflow/deferred.h"
#include "workflow/namespace.h"

struct plain_object { /* ctx, ctx.git, ctx.issue: no state of their own */
    struct object o;
};

static bool plain_new(struct heap *h, const struct obj_class *class, val *ret)
{
    struct plain_object *p = heap_new(h, V_OBJECT, sizeof *p);
    if (!p)
        return false;
    p->o.class = class;
    *ret = val_obj(V_OBJECT, p);
    return true;
}

static size_t table_names(const struct native_def *table, str *ret, size_t n, size_t max)
{
    for (; table->name && n < max; table++)
        ret[n++] = str_of(table->name);
    return n;
}

/* An object whose attributes are one table. */
static bool table_getattr(struct heap *h, struct object *o, const struct native_def *table,
                          str name, val *ret)
{
    str names[32];
    const struct native_def *def = find_native(table, name);
    if (def)
        return bind_native(h, def, val_obj(V_OBJECT, o), ret);
    return no_attribute(h, o->class->type.name, name, names, table_names(table, names, 0, 32));
}

static bool git_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    return table_getattr(h, o, ctx_git_natives, name, ret);
}
static const struct obj_class class_git = {
    .type = {.name = "ctx.git", .kind = V_OBJECT},
    .getattr = git_getattr,
};

static bool issue_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    return table_getattr(h, o, ctx_issue_natives, name, ret);
}
static const struct obj_class class_issue = {
    .type = {.name = "ctx.issue", .kind = V_OBJECT},
    .getattr = issue_getattr,
};

static bool secrets_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)o;
    return deferred_secret(h, name, ret);
}
static const struct obj_class class_secrets = {
    .type = {.name = "ctx.secrets", .kind = V_OBJECT},
    .getattr = secrets_getattr,
};

/* ctx.env: the workflow's own env=, by name. */
static bool make_env(struct heap *h, val *ret)
{
    str env = evaluation_of(h)->running->env;
    val fields;
    return val_of_json(h, env.n ? env : STR("{}"), false, &fields) &&
           namespace_new(h, "ctx.env", fields, NULL, ret);
}

static bool make_repo(struct heap *h, val *ret)
{
    static const char *const known[] = {"name", "owner", "default_branch", NULL};
    str repository = evaluation_of(h)->request.repository;
    val fields;
    return val_of_json(h, repository.n ? repository : STR("{}"), true, &fields) &&
           namespace_new(h, "ctx.repo", fields, known, ret);
}

static bool make_event(struct heap *h, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    if (val_is_unbound(e->event) && !event_new(h, e, &e->event))
        return false;
    *ret = e->event;
    return true;
}

static bool make_inputs(struct heap *h, val *ret)
{
    *ret = evaluation_of(h)->scope->inputs;
    return true;
}

static bool make_secrets(struct heap *h, val *ret)
{
    return plain_new(h, &class_secrets, ret);
}
static bool make_git(struct heap *h, val *ret)
{
    return plain_new(h, &class_git, ret);
}
static bool make_issue(struct heap *h, val *ret)
{
    return plain_new(h, &class_issue, ret);
}

static const struct {
    const char *name;
    bool (*make)(struct heap *h, val *ret);
} members[] = {
    {"event", make_event},     {"inputs", make_inputs}, {"repo", make_repo},   {"env", make_env},
    {"secrets", make_secrets}, {"git", make_git},       {"issue", make_issue},
};
enum { MEMBERS = sizeof members / sizeof *members };
static const struct native_def *const method_tables[] = {ctx_run_natives, ctx_step_natives,
                                                         ctx_end_natives};

static size_t ctx_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    size_t n = 0;
    (void)h;
    (void)o;
    for (size_t t = 0; t < 3; t++)
        n = table_names(method_tables[t], ret, n, max);
    for (size_t i = 0; i < MEMBERS && n < max; i++)
        ret[n++] = str_of(members[i].name);
    return n;
}

static bool ctx_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    str names[64];
    if (!evaluation_of(h)->scope)
        return heap_refuse(h, "no_workflow", NULL, "ctx can only be used while its workflow runs");
    for (size_t t = 0; t < 3; t++) {
        const struct native_def *def = find_native(method_tables[t], name);
        if (def)
            return bind_native(h, def, val_obj(V_OBJECT, o), ret);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        if (str_is(name, members[i].name))
            return members[i].make(h, ret);
    return no_attribute(h, "ctx", name, names, ctx_names(h, o, names, 64));
}

static bool ctx_repr(struct heap *h, struct object *o, val *ret)
{
    (void)o;
    return text_new(h, STR("<ctx>"), ret);
}

const struct obj_class class_ctx = {
    .type = {.name = "ctx", .kind = V_OBJECT},
    .getattr = ctx_getattr,
    .repr = ctx_repr,
    .names = ctx_names,
};

bool ctx_new(struct heap *h, val *ret)
{
    return plain_new(h, &class_ctx, ret);
}

/* ---- results ---- */

static bool end_new(struct heap *h, bool failed, val reason, val outputs, val *ret)
{
    struct end_value *end = heap_new(h, V_OBJECT, sizeof *end);
    if (!end)
        return false;
    end->o.class = &class_end;
    end->failed = failed;
    end->reason = reason;
    end->outputs = outputs;
    *ret = val_obj(V_OBJECT, end);
    return true;
}

static bool refuse_secret(struct heap *h, val v, const char *what)
{
    if (!deferred_has_secret(v))
        return true;
    return heap_refuse(h, "secret_misused", "pass it in env= to the step that needs it",
                       "%s: a secret may only stand in a step's env or in an action's secret input",
                       what);
}

static bool native_success(struct heap *h, val *args, val *ret)
{
    if (!refuse_secret(h, args[1], "ctx.success(...)"))
        return false;
    return end_new(h, false, VAL_UNBOUND, args[1], ret);
}

static bool native_fail(struct heap *h, val *args, val *ret)
{
    if (!refuse_secret(h, args[1], "ctx.fail(reason)"))
        return false;
    return end_new(h, true, args[1], VAL_UNBOUND, ret);
}

static const char *const fail_names[] = {"reason", NULL};
const struct native_def ctx_end_natives[] = {
    {.name = "success",
     .fn = native_success,
     .flags = NATIVE_KWARGS,
     .signature = "(**outputs)",
     .doc = "The workflow's result; return it."},
    {.name = "fail",
     .fn = native_fail,
     .min = 1,
     .max = 1,
     .names = fail_names,
     .signature = "(reason)",
     .doc = "The workflow's failure; return it."},
    {0},
};
