#include "cli/event_shape.h"

static const str types[] = {STR_INIT("push"),   STR_INIT("pull_request"), STR_INIT("issue_comment"),
                            STR_INIT("issues"), STR_INIT("release"),      STR_INIT("schedule"),
                            STR_INIT("manual"), STR_INIT("workflow_run")};
enum { TYPE_COUNT = sizeof types / sizeof *types };

/* Fields that workflows rely on to be text or objects. */
static const struct {
    const char *name;
    json_type type;
} fields[] = {
    {"ref", JSON_STRING},     {"sha", JSON_STRING},          {"branch", JSON_STRING},
    {"tag", JSON_STRING},     {"actor", JSON_STRING},        {"action", JSON_STRING},
    {"inputs", JSON_OBJECT},  {"pull_request", JSON_OBJECT}, {"issue", JSON_OBJECT},
    {"comment", JSON_OBJECT}, {"release", JSON_OBJECT},
};

static bool bad_event(struct err *err, str path)
{
    err_in_file(err, path, 0, 0);
    return false;
}

static bool check_type(const json_t *event, str path, struct err *err)
{
    const json_t *type = json_object_get(event, "type");
    if (!json_is_string(type)) {
        err_set(err, "invalid_event", "the event has no \"type\"");
        err_hint(err, "give it one, such as {\"type\": \"push\", \"ref\": \"refs/heads/main\"}");
        return bad_event(err, path);
    }
    str name = json_text_of(type);
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (str_eq(name, types[i]))
            return true;
    err_set(err, "invalid_event", "there are no events of type '%.*s'", STR_ARG(name));
    long near = str_nearest(name, types, TYPE_COUNT);
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(types[near]));
    else
        err_hint(err, "the types are push, pull_request, issue_comment, issues, release, schedule, "
                      "manual and workflow_run");
    return bad_event(err, path);
}

bool event_check_shape(const json_t *event, str path, struct err *err)
{
    if (!json_is_object(event)) {
        err_set(err, "invalid_event", "an event is a JSON object");
        return bad_event(err, path);
    }
    if (!check_type(event, path, err))
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *v = json_object_get(event, fields[i].name);
        if (!v || json_is_null(v) || json_typeof(v) == fields[i].type)
            continue;
        err_set(err, "invalid_event", "the event's \"%s\" must be %s", fields[i].name,
                fields[i].type == JSON_STRING ? "a string" : "an object");
        return bad_event(err, path);
    }
    return true;
}
