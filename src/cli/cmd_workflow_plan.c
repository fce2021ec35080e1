/* plue workflow plan: what a workflow would do; nothing is run, and nothing is opened but .plue. */
#include "cli/commands.h"
#include "cli/request.h"
#include "cli/worst.h"
#include "plan/grants.h"

/* ---- --results: a plan grown without running ---- */

/* A failure is often given by its exit code alone. */
static void complete_result(json_t *result)
{
    json_int_t code = json_integer_value(json_object_get(result, "exit_code"));
    bool given = json_object_get(result, "outcome") || json_object_get(result, "conclusion");
    if (given || code == 0)
        return;
    json_object_set_new(result, "outcome", json_string("failed"));
    json_object_set_new(result, "conclusion", json_string("failed"));
}

static bool give_result(struct evaluation *e, const char *step, json_t *result, const char *path,
                        struct err *err)
{
    if (!json_is_object(result)) {
        err_set(err, "invalid_result", "the result of step '%s' must be an object", step);
        err_hint(err, "such as {\"exit_code\": 0, \"stdout\": \"...\", \"outputs\": {}}");
        err_in_file(err, str_of(path), 0, 0);
        return false;
    }
    complete_result(result);
    auto_free char *text = json_dumps(result, JSON_COMPACT);
    return evaluation_set_result(e, str_of(step), str_of(text), err);
}

static bool give_results(struct evaluation *e, json_t *results, const char *path, struct err *err)
{
    const char *step;
    json_t *result;
    if (!json_is_object(results)) {
        err_set(err, "invalid_result", "results are an object of step ids and their results");
        err_in_file(err, str_of(path), 0, 0);
        return false;
    }
    json_object_foreach(results, step, result)
    {
        if (!give_result(e, step, result, path, err))
            return false;
    }
    return true;
}

/* Results are given before the plan is there, so that only its end shows which are of no step. */
static bool check_steps(const struct plan *p, json_t *results, const char *path, struct err *err)
{
    const char *step;
    json_t *result;
    json_object_foreach(results, step, result)
    {
        if (plan_find(p, str_of(step)) != PLAN_NEVER)
            continue;
        VEC(str) ids = {0};
        for (uint32_t i = 0; i < p->step_count; i++)
            vec_push(&ids, p->steps[i].id);
        long near = ids.n ? str_nearest(str_of(step), ids.at, ids.n) : -1;
        err_set(err, "unknown_step",
                "there is a result of step '%s', and the plan has no such step", step);
        if (near >= 0)
            err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
        err_in_file(err, str_of(path), 0, 0);
        vec_done(&ids);
        return false;
    }
    return true;
}

/* ---- for people ---- */

enum { ID_COLUMN_MIN = 8, ID_COLUMN_MAX = 40, TYPE_COLUMN = 10, COMMAND_SHOWN_MAX = 60 };

static size_t id_column(const struct plan *p)
{
    size_t wide = ID_COLUMN_MIN;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].id.n > wide)
            wide = p->steps[i].id.n;
    return wide > ID_COLUMN_MAX ? ID_COLUMN_MAX : wide;
}

static void add_padded(struct buf *b, str text, size_t column)
{
    buf_add_str(b, text);
    buf_add_repeat(b, ' ', text.n < column ? column - text.n : 0);
    buf_add_c(b, "  ");
}

static void add_depends(struct buf *b, const struct plan *p, const struct plan_step *s)
{
    for (uint32_t i = 0; i < s->depends_count; i++)
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(p->steps[s->depends_on[i]].id));
    if (!s->depends_count)
        buf_add_byte(b, '-');
}

/* The first line of the command; a deferred one is an expression. */
static void add_command(struct buf *b, const struct plan_step *s)
{
    json_t *config = json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL);
    json_t *cmd = json_object_get(config, "cmd");
    str text = json_is_object(cmd) ? json_get_text(cmd, "$expr") : json_text_of(cmd);
    str all = str_trim(text), line = STR("");
    if (str_next(&all, '\n', &line)) {
        bool cut = line.n > COMMAND_SHOWN_MAX || all.n;
        size_t n = line.n > COMMAND_SHOWN_MAX ? COMMAND_SHOWN_MAX : line.n;
        while (n < line.n && n && ((unsigned char)line.p[n] & 0xC0) == 0x80)
            n--;
        for (size_t i = 0; i < n; i++)
            buf_add_byte(b, (unsigned char)line.p[i] < 0x20 ? ' ' : line.p[i]);
        buf_add_c(b, cut ? " ..." : "");
    }
    json_decref(config);
}

static void add_steps(struct buf *b, const struct plan *p)
{
    size_t column = id_column(p), depends = strlen("DEPENDS ON");
    auto_buf d = BUF(CLI_OUTPUT_MAX);
    for (uint32_t i = 0; i < p->step_count; i++) {
        buf_reset(&d);
        add_depends(&d, p, &p->steps[i]);
        if (d.n > depends)
            depends = d.n > ID_COLUMN_MAX ? ID_COLUMN_MAX : d.n;
    }
    add_padded(b, STR("STEP"), column);
    add_padded(b, STR("TYPE"), TYPE_COLUMN);
    add_padded(b, STR("DEPENDS ON"), depends);
    buf_add_c(b, "COMMAND\n");
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        buf_reset(&d);
        add_depends(&d, p, s);
        add_padded(b, s->id, column);
        add_padded(b, str_of(step_type_name(s->type)), TYPE_COLUMN);
        add_padded(b, buf_str(&d), depends);
        add_command(b, s);
        while (b->n && b->p[b->n - 1] == ' ')
            buf_cut(b, b->n - 1, 1);
        buf_add_byte(b, '\n');
    }
}

/* A line for each step, its grants in the order in which they were found. */
static void add_grants(struct buf *b, const struct plan *p)
{
    static const char *const words[] = {[PLAN_GRANT_SECRET] = "secret",
                                        [PLAN_GRANT_EGRESS] = "network",
                                        [PLAN_GRANT_TOOL] = "tool"};
    auto_plan_grants grants = {0};
    plan_find_grants(p, &grants);
    const struct plan_grant *last = NULL;
    vec_each (g, &grants.list) {
        bool same = last && str_eq(last->step, g->step);
        if (!last)
            buf_add_c(b, "\nMay use:\n");
        if (same)
            buf_add_c(b, last->kind == g->kind ? ", " : "; ");
        else
            buf_addf(b, "%s  %.*s: ", last ? "\n" : "",
                     STR_ARG(g->step.n ? g->step : STR("all steps")));
        if (!same || last->kind != g->kind)
            buf_addf(b, "%s ", words[g->kind]);
        buf_add_str(b, g->name);
        last = g;
    }
    if (last)
        buf_add_byte(b, '\n');
}

static void add_end(struct buf *b, const struct plan *p)
{
    switch (p->end) {
    case PLAN_OPEN:
        buf_addf(b, "\nWaits for");
        for (uint32_t i = 0; i < p->await_count; i++)
            buf_addf(b, "%s %.*s", i ? "," : "", STR_ARG(p->steps[p->await_steps[i]].id));
        buf_addf(b, " to decide `%.*s` (%.*s:%u), and then the plan grows.\n",
                 STR_ARG(p->await_for), STR_ARG(p->await_at.path), p->await_at.line);
        break;
    case PLAN_SUCCESS:
        buf_addf(b, "\nEnds with success");
        if (p->outputs.n && !str_eq(p->outputs, STR("{}")))
            buf_addf(b, ", outputs %.*s", STR_ARG(p->outputs));
        buf_add_c(b, ".\n");
        break;
    case PLAN_FAIL:
        buf_addf(b, "\nEnds with failure%s%.*s.\n", p->reason.n ? ": " : "", STR_ARG(p->reason));
        break;
    case PLAN_ERROR:
        break;
    }
}

static void print_json(struct cli *c, const struct plan *p, const struct worst_case *worst)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    plan_put_members(&w, p);
    json_key_c(&w, "worst_case");
    worst_case_put(&w, worst);
    json_end_object(&w);
    cli_out_json(c, &b);
}

static void print_plan(struct cli *c, const struct plan *p, const struct worst_case *worst)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    if (p->step_count)
        add_steps(&b, p);
    else
        buf_add_c(&b, "No steps.\n");
    add_grants(&b, p);
    add_end(&b, p);
    worst_case_add(&b, worst);
    cli_out(c, buf_str(&b));
}

static int print(struct cli *c, struct request *r, const struct plan *p)
{
    struct worst_case worst;
    auto_err err = ERR_INIT;
    int status = CLI_OK;
    if (!worst_case_of(p, r->registry.root, r->registry.bundle, &worst, &err))
        status = cli_fail(c, NULL, &err);
    else if (c->json)
        print_json(c, p, &worst);
    else
        print_plan(c, p, &worst);
    worst_case_done(&worst);
    return status;
}

/* ---- the command ---- */

static int plan(struct cli *c, struct request *r, json_t *results, const char *path)
{
    struct evaluation *e = r->found.evaluation;
    enum evaluation_state state;
    int status;
    auto_err err = ERR_INIT;
    if (results && !give_results(e, results, path, &err))
        return cli_fail(c, evaluation_sources(e), &err);
    if (!request_evaluate(r, &state, &status))
        return status;
    const struct plan *p = evaluation_plan(e);
    if (results && !check_steps(p, results, path, &err))
        return cli_fail(c, NULL, &err);
    return print(c, r, p);
}

static int run(struct cli *c)
{
    auto_request r = {0};
    auto_err err = ERR_INIT;
    const char *path = cli_value(c, "results");
    json_t *results = NULL;
    int status;
    if (path && !(results = json_read_file(path, JSON_UNIQUE_KEYS, &err)))
        return cli_fail(c, NULL, &err);
    if (request_open(c, REQUEST_PREVIEW, &r, &status))
        status = plan(c, &r, results, path);
    json_decref(results);
    return status;
}

const struct command command_workflow_plan = {
    .name = "workflow plan",
    .args = "NAME",
    .min = 1,
    .max = 1,
    .summary = "show what a workflow would do, without doing it",
    .doc = "NAME is a workflow, or a tool as //tools:NAME. Without --event a made-up one is used:\n"
           "manual where the workflow has that trigger, else one of its first trigger.",
    .example = "plue workflow plan ci\n"
               "plue workflow plan deploy --input env=staging --json\n"
               "plue workflow plan ci --event push.json --results results.json",
    .options =
        (const struct cli_option[]){
            {"event", "FILE", "the event, as JSON in the shape of ctx.event"},
            {"input", "NAME=VALUE", "an input of the manual trigger; may be repeated"},
            {"results", "FILE", "results of steps, as JSON, to let the plan grow"},
            {"json", NULL, "print the plan as JSON"},
            {0}},
    .run = run,
};
