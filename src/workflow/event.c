/* ctx.event and ctx.inputs as values. */
#include "workflow/namespace.h"

/* Fields that an event may have (SPEC 4): None where this one lacks them. */
static const char *const event_fields[] = {
    "type",       "action",  "ref",          "sha",     "branch", "tag",          "actor",
    "repository", "issue",   "comment",      "release", "inputs", "pull_request", "schedule",
    "before",     "message", "workflow_run", "paths",   NULL};
static const char *const pull_request_fields[] = {"number", "title",    "body",     "base",
                                                  "head",   "base_ref", "head_ref", "draft",
                                                  "labels", "state",    "author",   NULL};
static const char *const issue_fields[] = {"number", "title",  "body", "labels",
                                           "state",  "author", NULL};
static const char *const comment_fields[] = {"id", "body", "author", NULL};
static const char *const release_fields[] = {"tag", "name", "body", "draft", "prerelease", NULL};
static const char *const workflow_run_fields[] = {"workflow", "status", "conclusion", "id", NULL};

static const struct {
    const char *name, *what;
    const char *const *fields;
} nested[] = {
    {"pull_request", "ctx.event.pull_request", pull_request_fields},
    {"issue", "ctx.event.issue", issue_fields},
    {"comment", "ctx.event.comment", comment_fields},
    {"release", "ctx.event.release", release_fields},
    {"workflow_run", "ctx.event.workflow_run", workflow_run_fields},
};

bool event_field_is_known(str name)
{
    for (const char *const *f = event_fields; *f; f++)
        if (str_is(name, *f))
            return true;
    return false;
}

/* A preview knows its commit only when somebody asks. */
static bool lazy_field(struct heap *h, struct namespace_value *n, str name, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    auto_buf b = BUF(STEP_NAME_MAX * 10);
    if (!e->options.lazy_field ||
        !(str_is(name, "ref") || str_is(name, "sha") || str_is(name, "branch")))
        return false;
    if (!e->options.lazy_field(e->options.data, name, &b))
        return false;
    return text_new_untrusted(h, buf_str(&b), ret) && dict_set_str(h, n->fields.dict, name, *ret);
}

bool event_new(struct heap *h, struct evaluation *e, val *ret)
{
    val fields;
    if (!val_of_json(h, e->request.event, true, &fields))
        return false;
    if (fields.kind != V_DICT)
        return heap_refuse(h, "invalid_event", NULL, "an event must be a JSON object");
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        val inner = dict_get_str(fields.dict, str_of(nested[i].name));
        val record;
        if (inner.kind == V_DICT &&
            (!namespace_new(h, nested[i].what, inner, nested[i].fields, &record) ||
             !dict_set_str(h, fields.dict, str_of(nested[i].name), record)))
            return false;
    }
    if (!namespace_new(h, "ctx.event", fields, event_fields, ret))
        return false;
    ((struct namespace_value *)ret->object)->lazy = lazy_field;
    return true;
}

static const char *const *field_names(struct arena *a, const struct type *types)
{
    uint32_t n = types ? types->n : 0;
    const char **names = arena_array(a, const char *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        names[i] = arena_cstr(a, types->fields[i].name);
    return names;
}

bool inputs_of(struct heap *h, val fields, const struct type *types, val *ret)
{
    return namespace_new(h, "ctx.inputs", fields, field_names(&evaluation_of(h)->arena, types),
                         ret);
}

bool inputs_new(struct heap *h, str json, const struct type *types, val *ret)
{
    val fields;
    return val_of_json(h, json, true, &fields) && inputs_of(h, fields, types, ret);
}
