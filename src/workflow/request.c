/* What a run is asked for: inputs of the right types, and synthetic events for previews. */
#include "workflow/workflow_int.h"

bool evaluation_check_inputs(const struct definition *d, json_t *inputs, struct err_list *errors)
{
    if (!d->inputs) {
        if (json_object_size(inputs) == 0)
            return true;
        struct err *e = err_list_add(errors);
        err_set(e, "unexpected_input", "'%.*s' takes no inputs", STR_ARG(d->name));
        err_hint(e, "declare them: triggers=[manual(inputs={\"name\": str})]");
        return false;
    }
    return type_check(d->inputs, inputs, STR("input"), errors);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string(text));
}

static json_t *sample_pull_request(void)
{
    static const char commit[] = "0000000000000000000000000000000000000000";
    json_t *pr = json_object();
    json_object_set_new(pr, "number", json_integer(1));
    set_text(pr, "title", "");
    set_text(pr, "body", "");
    set_text(pr, "base", commit);
    set_text(pr, "head", commit);
    set_text(pr, "base_ref", "main");
    set_text(pr, "head_ref", "change");
    return pr;
}

static json_t *sample_issue(void)
{
    json_t *issue = json_object();
    json_object_set_new(issue, "number", json_integer(1));
    set_text(issue, "title", "");
    set_text(issue, "body", "");
    return issue;
}

static void add_inputs(json_t *event, const struct definition *d)
{
    json_object_set_new(event, "inputs", d->inputs ? type_sample(d->inputs) : json_object());
}

json_t *evaluation_synthetic_event(const struct definition *d, uint32_t trigger)
{
    json_t *triggers = json_loadb(d->triggers.p, d->triggers.n, 0, NULL);
    const char *type =
        json_string_value(json_object_get(json_array_get(triggers, trigger), "type"));
    json_t *event = json_object();

    set_text(event, "type", type ? type : "manual");
    if (!type || strcmp(type, "manual") == 0)
        add_inputs(event, d);
    else if (strcmp(type, "pull_request") == 0)
        json_object_set_new(event, "pull_request", sample_pull_request());
    else if (strcmp(type, "issues") == 0 || strcmp(type, "issue_comment") == 0)
        json_object_set_new(event, "issue", sample_issue());
    if (type && strcmp(type, "issue_comment") == 0) {
        json_t *comment = json_object();
        set_text(comment, "body", "");
        json_object_set_new(event, "comment", comment);
    }
    if (type && (strcmp(type, "pull_request") == 0 || strcmp(type, "issues") == 0))
        set_text(event, "action", "opened");
    json_decref(triggers);
    return event;
}
