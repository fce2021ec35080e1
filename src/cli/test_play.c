/* A test played: its event and results to a plan. */
#include "cli/event_shape.h"
#include "cli/test_check.h"
#include "json/json.h"

#define TEST_REPOSITORY \
    STR("{\"name\": \"repository\", \"owner\": \"owner\", \"default_branch\": \"main\"}")

static void fail(struct test_played *p, struct sources *s, const struct err *e)
{
    findings_add(&p->failures, s, e, "error");
}

static void fail_all(struct test_played *p, struct sources *s, const struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        fail(p, s, &errors->at[i]);
}

static bool find(struct test_played *p, const struct registry *r, struct test_file *t,
                 const struct test_case *c)
{
    if (registry_find(r, c->workflow, NULL, &p->found))
        return true;
    struct err *first = &p->found.errors.at[0];
    struct evaluation *e = p->found.evaluation;
    if (!e && !first->at.source && !first->file.n)
        first->at = c->workflow_at; /* an unknown name: the test's own mistake */
    fail_all(p, e ? evaluation_sources(e) : &t->sources, &p->found.errors);
    return false;
}

static bool make_event(struct test_played *p, struct test_file *t, const struct test_case *c,
                       json_t **ret)
{
    const struct definition *d = p->found.definition;
    auto_err e = ERR_INIT;
    struct err_list errors = {0};
    json_t *event = c->event ? json_deep_copy(c->event) : evaluation_synthetic_event(d, 0);
    bool ok = event_check_shape(event, STR(""), &e);
    json_t *inputs = json_object_get(event, "inputs");
    bool manual = str_is(json_get_text(event, "type"), "manual");
    if (!ok) {
        e.at = c->event_at;
        fail(p, &t->sources, &e);
    } else if (manual || inputs) {
        if (!json_is_object(inputs)) {
            inputs = json_object();
            json_object_set_new(event, "inputs", inputs);
        }
        ok = evaluation_check_inputs(d, inputs, &errors);
        for (size_t i = 0; i < errors.n; i++)
            errors.at[i].at = c->event_at;
        fail_all(p, &t->sources, &errors);
    }
    err_list_done(&errors);
    *ret = event;
    return ok;
}

/* A mistyped id would test nothing. */
static void check_result_ids(struct test_played *p, struct test_file *t, const struct test_case *c)
{
    for (uint32_t i = 0; c->results && c->results->kind == YAML_MAP && i < c->results->n; i++) {
        str id = c->results->keys[i]->text;
        if (plan_find(p->plan, id) != PLAN_NEVER)
            continue;
        auto_err e = ERR_INIT;
        VEC(str) ids = {0};
        for (uint32_t k = 0; k < p->plan->step_count; k++)
            vec_push(&ids, p->plan->steps[k].id);
        long near = ids.n ? str_nearest(id, ids.at, ids.n) : -1;
        err_at(&e, "unknown_step", c->results->keys[i]->at,
               "there is a result of step '%.*s', and the plan has no such step", STR_ARG(id));
        if (near >= 0)
            err_hint(&e, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
        fail(p, &t->sources, &e);
        vec_done(&ids);
    }
}

static str resolve(struct test_played *p, str json)
{
    auto_buf b = BUF(16 << 20);
    auto_err ignored = ERR_INIT;
    if (!json.n)
        return STR("");
    /* What nobody knows (a hash of files, say) stays an expression. */
    return rehearsal_resolve(p->rehearsal, json, &b, &ignored) ? arena_str(&p->arena, buf_str(&b))
                                                               : json;
}

void test_play(struct test_played *p, const struct registry *r, struct test_file *t,
               const struct test_case *c)
{
    json_t *event = NULL;
    auto_err e = ERR_INIT;
    p->event = STR("");
    if (find(p, r, t, c) && make_event(p, t, c, &event)) {
        auto_free char *text = json_dumps(event, JSON_COMPACT);
        p->event = arena_str(&p->arena, str_of(text));
        struct evaluation *v = p->found.evaluation;
        struct evaluation_request q = {.event = p->event, .repository = TEST_REPOSITORY};
        evaluation_start(v, p->found.definition, &q);
        p->rehearsal = rehearsal_new(v, c->results_json);
        if (rehearsal_play(p->rehearsal, &p->end, &e)) {
            p->plan = evaluation_plan(v);
            p->resolved_outputs = resolve(p, p->plan->outputs);
            p->resolved_reason = resolve(p, p->plan->reason);
            check_result_ids(p, t, c);
        } else {
            e.at = c->results ? c->results->at : c->name_at;
            fail(p, &t->sources, &e);
        }
    }
    json_decref(event);
}

void test_played_done(struct test_played *p)
{
    rehearsal_free(p->rehearsal);
    registry_found_done(&p->found);
    findings_done(&p->failures);
    arena_done(&p->arena);
}
