/* Which steps this version can execute. A plan with another one is refused before its first step,
 * or where it grows. */
#include "engine/engine.h"
#include "tools/tools.h"
#include <stdio.h>

static bool refuse(struct err *err, const struct plan_step *s, const char *what)
{
    err_set(err, "no_executor", "step '%.*s' cannot run in this version of Plue: %s",
            STR_ARG(s->id), what);
    err_hint(err, "nothing was run; docs/known-gaps.md lists what is not built yet");
    if (s->at.line)
        err_in_file(err, s->at.path, s->at.line, s->at.column);
    return false;
}

/* The tools of an agent are known when its step is planned. */
static bool check_tools(const struct plan_step *s, struct err *err)
{
    auto_err wrong = ERR_INIT;
    json_t *config = json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL), *tool;
    size_t i;
    bool ok = true;
    json_array_foreach(json_object_get(config, "tools"), i, tool)
    {
        ok = ok && (json_is_string(json_object_get(tool, "path")) || tools_check(tool, &wrong));
    }
    json_decref(config);
    auto_buf what = BUF(4096);
    buf_addf(&what, "%.*s", STR_ARG(wrong.message));
    return ok || refuse(err, s, buf_c(&what));
}

static bool check_step(const struct plan_step *s, struct err *err)
{
    char what[100];
    switch (s->type) {
    case STEP_TYPE_SHELL:
    case STEP_TYPE_PARALLEL:
    case STEP_TYPE_ACTION:
    case STEP_TYPE_LOG:
    case STEP_TYPE_FILE:
    case STEP_TYPE_ARTIFACT:
    case STEP_TYPE_APPROVAL:
    case STEP_TYPE_GIT:
    case STEP_TYPE_COMMENT:
    case STEP_TYPE_LLM:
        return true;
    case STEP_TYPE_AGENT:
        return check_tools(s, err);
    default:
        snprintf(what, sizeof what, "steps of type %s have no executor yet",
                 step_type_name(s->type));
        return refuse(err, s, what);
    }
}

bool engine_check_plan(const struct plan *p, struct err *err)
{
    if (p->has_services) {
        err_set(err, "no_executor", "services= of '%.*s' has no executor yet",
                STR_ARG(p->workflow));
        err_hint(err, "start the server in a step; docs/known-gaps.md lists what is not built yet");
        return false;
    }
    for (uint32_t i = 0; i < p->step_count; i++)
        if (!check_step(&p->steps[i], err))
            return false;
    return true;
}
