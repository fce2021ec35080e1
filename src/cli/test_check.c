/* Expectations against a plan. Each failure stands at the expectation's place in the test. */
#include "cli/test_check.h"
#include "json/json.h"

struct checking {
    struct test_played *played;
    struct test_file *file;
    const struct test_case *test;
    const struct plan *plan;
};

static void fail(struct checking *k, pos at, const char *hint, const char *fmt, ...)
    printf_like(4, 5);
static void fail(struct checking *k, pos at, const char *hint, const char *fmt, ...)
{
    auto_err e = ERR_INIT;
    auto_buf text = BUF(1 << 20);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    err_at(&e, "test_failed", at, "%s", buf_c(&text));
    if (hint)
        err_hint(&e, "%s", hint);
    findings_add(&k->played->failures, &k->file->sources, &e, "error");
}

/* ---- steps ---- */

static void add_ids(struct buf *b, const struct plan *p)
{
    buf_add_byte(b, '[');
    for (uint32_t i = 0; i < p->step_count; i++)
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(p->steps[i].id));
    buf_add_byte(b, ']');
}

static bool names_step(const struct yaml_node *list, str id)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->items[i]->text, id))
            return true;
    return false;
}

/* The first difference in a sentence; the whole list is the hint. */
static void check_steps(struct checking *k, const struct yaml_node *list)
{
    const struct plan *p = k->plan;
    auto_buf all = BUF(1 << 24);
    bool same = list && list->n == p->step_count;
    for (uint32_t i = 0; same && i < list->n; i++)
        same = str_eq(list->items[i]->text, p->steps[i].id);
    if (!list || same)
        return;
    buf_add_c(&all, "the plan's steps are ");
    add_ids(&all, p);
    for (uint32_t i = 0; i < list->n; i++)
        if (plan_find(p, list->items[i]->text) == PLAN_NEVER) {
            fail(k, list->items[i]->at, buf_c(&all), "the plan has no step '%.*s'",
                 STR_ARG(list->items[i]->text));
            return;
        }
    for (uint32_t i = 0; i < p->step_count; i++)
        if (!names_step(list, p->steps[i].id)) {
            fail(k, list->at, buf_c(&all), "the plan has a step '%.*s' that is not expected",
                 STR_ARG(p->steps[i].id));
            return;
        }
    fail(k, list->at, buf_c(&all), "the steps are planned in another order");
}

static void check_included(struct checking *k, const struct yaml_node *list, bool wanted)
{
    auto_buf all = BUF(1 << 24);
    buf_add_c(&all, "the plan's steps are ");
    add_ids(&all, k->plan);
    for (uint32_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *n = list->items[i];
        if ((plan_find(k->plan, n->text) != PLAN_NEVER) == wanted)
            continue;
        if (wanted)
            fail(k, n->at, buf_c(&all), "the plan has no step '%.*s'", STR_ARG(n->text));
        else
            fail(k, n->at, NULL, "the plan has the step '%.*s', which should be absent",
                 STR_ARG(n->text));
    }
}

static bool depends_on(const struct plan *p, uint32_t step, uint32_t dependency)
{
    for (uint32_t i = 0; i < p->steps[step].depends_count; i++)
        if (p->steps[step].depends_on[i] == dependency)
            return true;
    return false;
}

static void check_edge(struct checking *k, const struct yaml_node *pair, bool wanted)
{
    const struct plan *p = k->plan;
    uint32_t ends[2];
    for (int i = 0; i < 2; i++) {
        ends[i] = plan_find(p, pair->items[i]->text);
        if (ends[i] == PLAN_NEVER) {
            fail(k, pair->items[i]->at, NULL, "the plan has no step '%.*s'",
                 STR_ARG(pair->items[i]->text));
            return;
        }
    }
    if (depends_on(p, ends[0], ends[1]) == wanted)
        return;
    auto_buf is = BUF(1 << 24);
    const struct plan_step *s = &p->steps[ends[0]];
    buf_addf(&is, "%.*s depends on [", STR_ARG(s->id));
    for (uint32_t i = 0; i < s->depends_count; i++)
        buf_addf(&is, "%s%.*s", i ? ", " : "", STR_ARG(p->steps[s->depends_on[i]].id));
    buf_add_byte(&is, ']');
    fail(k, pair->at, buf_c(&is), "step '%.*s' %s on '%.*s'", STR_ARG(s->id),
         wanted ? "does not depend" : "depends", STR_ARG(p->steps[ends[1]].id));
}

static void check_edges(struct checking *k, const struct yaml_node *list, bool wanted)
{
    for (uint32_t i = 0; list && i < list->n; i++)
        check_edge(k, list->items[i], wanted);
}

static void check_awaits(struct checking *k, const struct yaml_node *list)
{
    const struct plan *p = k->plan;
    if (!list)
        return;
    uint32_t n = p->end == PLAN_OPEN ? p->await_count : 0;
    bool same = list->n == n;
    auto_buf is = BUF(1 << 20);
    buf_add_c(&is, "the plan waits for [");
    for (uint32_t i = 0; i < n; i++) {
        str id = p->steps[p->await_steps[i]].id;
        buf_addf(&is, "%s%.*s", i ? ", " : "", STR_ARG(id));
        same &= names_step(list, id);
    }
    buf_add_byte(&is, ']');
    if (!same)
        fail(k, list->at, NULL, "%s", buf_c(&is));
}

static void check_outcomes(struct checking *k, const struct yaml_node *map)
{
    for (uint32_t i = 0; map && i < map->n; i++) {
        str id = map->keys[i]->text;
        uint32_t step = plan_find(k->plan, id);
        if (step == PLAN_NEVER) {
            fail(k, map->keys[i]->at, NULL, "the plan has no step '%.*s'", STR_ARG(id));
            continue;
        }
        const char *is = outcome_name(rehearsal_outcome(k->played->rehearsal, step));
        if (!str_is(map->items[i]->text, is ? is : "none"))
            fail(k, map->items[i]->at, NULL, "the outcome of step '%.*s' is %s", STR_ARG(id),
                 is ? is : "none: it did not run");
    }
}

/* ---- the end ---- */

static json_t *load(str json)
{
    return json.n ? json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                  : json_null();
}

static void check_value(struct checking *k, const struct yaml_node *n, const char *what, str json)
{
    auto_err e = ERR_INIT;
    if (!n)
        return;
    json_t *is = load(json), *wanted = yaml_to_json(n, &e);
    if (!wanted) {
        findings_add(&k->played->failures, &k->file->sources, &e, "error");
    } else if (!json_equal(is, wanted)) {
        auto_free char *text = json_dumps(is, JSON_ENCODE_ANY);
        fail(k, n->at, NULL, "the result's %s is %s", what, text);
    }
    json_decref(is);
    json_decref(wanted);
}

static void say_open(struct checking *k, const struct yaml_node *at)
{
    const struct plan *p = k->plan;
    auto_buf hint = BUF(1 << 16);
    str id = rehearsal_unknown(k->played->rehearsal);
    uint32_t step = plan_find(p, id);
    const char *type = step == PLAN_NEVER ? "" : step_type_name(p->steps[step].type);
    buf_addf(&hint, "give its result: results: {%.*s: {output: ...}}; or expect awaits: [%.*s]",
             STR_ARG(id), STR_ARG(id));
    fail(k, at->at, buf_c(&hint),
         "the plan has no result: it waits for the %s step '%.*s' to decide `%.*s`", type,
         STR_ARG(id), STR_ARG(p->await_for));
}

static void check_result(struct checking *k, const struct yaml_node *result)
{
    const struct plan *p = k->plan;
    if (!result)
        return;
    if (p->end == PLAN_OPEN) {
        say_open(k, result);
        return;
    }
    if (p->end == PLAN_ERROR)
        return; /* reported as an error of its own */
    const char *status = p->end == PLAN_SUCCESS ? "success" : "fail";
    const struct yaml_node *wanted = yaml_get(result, "status");
    if (wanted && !str_is(wanted->text, status))
        fail(k, wanted->at, NULL, "the result's status is %s", status);
    str outputs = k->played->resolved_outputs;
    check_value(k, yaml_get(result, "outputs"), "outputs", outputs.n ? outputs : STR("{}"));
    check_value(k, yaml_get(result, "reason"), "reason", k->played->resolved_reason);
}

static void check_run(struct checking *k, const struct yaml_node *run)
{
    const char *status = run_status_name(rehearsal_run_status(k->played->rehearsal));
    if (run && !str_is(run->text, status))
        fail(k, run->at, NULL, "the run's status is %s", status);
}

static void check_error(struct checking *k, const struct yaml_node *wanted)
{
    struct evaluation *v = k->played->found.evaluation;
    const struct err *error = evaluation_error(v);
    bool failed = k->played->end == REHEARSAL_FAILED;
    if (failed && !wanted)
        findings_add(&k->played->failures, evaluation_sources(v), error, "error");
    if (!wanted)
        return;
    if (!failed) {
        fail(k, wanted->at, NULL, "the evaluation ends without an error");
        return;
    }
    bool plain = wanted->kind == YAML_SCALAR;
    const struct yaml_node *message = plain ? wanted : yaml_get(wanted, "message");
    const struct yaml_node *code = plain ? NULL : yaml_get(wanted, "code");
    if (message && !str_has(error->message, message->text))
        fail(k, message->at, NULL, "the error is: %.*s", STR_ARG(error->message));
    if (code && !str_is(code->text, error->code))
        fail(k, code->at, NULL, "the error's code is %s", error->code);
}

void test_check(struct test_played *p, struct test_file *t, const struct test_case *c)
{
    struct checking k = {p, t, c, p->plan};
    const struct yaml_node *x = c->expect;
    if (!p->plan)
        return;
    if (!x) {
        fail(&k, c->name_at, "`plue workflow test --update` writes what is planned",
             "the test expects nothing");
        return;
    }
    check_error(&k, yaml_get(x, "error"));
    check_steps(&k, yaml_get(x, "steps"));
    check_included(&k, yaml_get(x, "steps_include"), true);
    check_included(&k, yaml_get(x, "absent"), false);
    check_edges(&k, yaml_get(x, "edges"), true);
    check_edges(&k, yaml_get(x, "no_edges"), false);
    check_awaits(&k, yaml_get(x, "awaits"));
    check_result(&k, yaml_get(x, "result"));
    check_outcomes(&k, yaml_get(x, "outcomes"));
    check_run(&k, yaml_get(x, "run"));
}
