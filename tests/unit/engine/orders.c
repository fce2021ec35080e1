/* SPEC 4, "Failure": what the code has read decides whether a failure is judged by it, however the
 * steps happen to finish. Workflows are evaluated and run by the core with random numbers of slots
 * and finishing orders; all of them end the same way. A step whose id begins with "bad" fails. */
#include "engine/core.h"
#include "workflow/evaluation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above before it */
#include <cmocka.h>

enum { ORDERS = 200, RUNNING_MAX = 64 };

static uint64_t rng_state;

static uint32_t below(uint32_t n)
{
    uint64_t x = rng_state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ (x >> 31)) % n);
}

struct world {
    struct evaluation *evaluation;
    struct run_state run;
    struct run_action running[RUNNING_MAX];
    uint32_t running_count;
    bool complete;
};

static bool is_bad(const struct plan *p, uint32_t step)
{
    return str_starts(p->steps[step].id, STR("bad"));
}

static void apply(struct world *w, struct run_event event);

static void give_results(struct world *w)
{
    const struct plan *p = evaluation_plan(w->evaluation);
    for (uint32_t i = 0; i < p->await_count; i++) {
        uint32_t step = p->await_steps[i];
        const struct step_state *s = &w->run.steps[step];
        auto_buf b = BUF(4096);
        auto_err err = ERR_INIT;
        buf_addf(&b, "{\"outcome\": \"%s\", \"conclusion\": \"%s\"", outcome_name(s->outcome),
                 conclusion_name(s->conclusion));
        if (p->steps[step].type == STEP_TYPE_SHELL && s->outcome != OUTCOME_SKIPPED)
            buf_addf(&b, ", \"exit_code\": %d, \"stdout\": \"out\"", is_bad(p, step));
        buf_add_byte(&b, '}');
        assert_true(evaluation_set_result(w->evaluation, p->steps[step].id, buf_str(&b), &err));
    }
    enum evaluation_state state = evaluation_resume(w->evaluation);
    assert_int_not_equal(state, EVALUATION_FAILED);
    apply(w, (struct run_event){.kind = RUN_EVENT_GREW});
}

static void apply(struct world *w, struct run_event event)
{
    struct run_actions actions = {0};
    auto_err err = ERR_INIT;
    bool resume = false;
    if (!run_apply(&w->run, evaluation_plan(w->evaluation), &event, &actions, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    for (size_t i = 0; i < actions.list.n; i++) {
        const struct run_action *a = &actions.list.at[i];
        if (a->kind == RUN_ACTION_START) {
            assert_true(w->running_count < RUNNING_MAX);
            w->running[w->running_count++] = *a;
        }
        resume |= a->kind == RUN_ACTION_RESUME;
        w->complete |= a->kind == RUN_ACTION_COMPLETE;
    }
    vec_done(&actions.list);
    if (resume)
        give_results(w);
}

static void finish_one(struct world *w)
{
    assert_true(w->running_count > 0);
    uint32_t at = below(w->running_count);
    struct run_action a = w->running[at];
    w->running[at] = w->running[--w->running_count];
    bool bad = is_bad(evaluation_plan(w->evaluation), a.step);
    apply(w, (struct run_event){.kind = RUN_EVENT_STEP_DONE,
                                .step = a.step,
                                .try = a.try,
                                .outcome = bad ? OUTCOME_FAILED : OUTCOME_SUCCESS,
                                .reason = bad ? REASON_EXIT_CODE : REASON_NONE});
}

static void describe(const struct world *w, struct buf *out)
{
    const struct plan *p = evaluation_plan(w->evaluation);
    for (uint32_t i = 0; i < p->step_count; i++)
        buf_addf(out, "%.*s %s, ", STR_ARG(p->steps[i].id),
                 step_status_name(w->run.steps[i].status));
    buf_addf(out, "run %s", run_status_name(w->run.status));
}

static void run_once(const char *body, struct buf *out)
{
    struct world w = {0};
    struct bundle bundle = {0};
    struct err_list errors = {0};
    struct run_options options = {.slots = 1 + below(5), .seed = 1};
    auto_buf source = BUF(1 << 16);
    buf_addf(&source,
             "@workflow(triggers=[push()])\ndef t(ctx):\n"
             "    def run(name, **options): return ctx.run(name, 'x', **options)\n%s",
             body);
    bundle_add(&bundle, STR("t.py"), buf_str(&source));
    w.evaluation = evaluation_new(&bundle, NULL);
    assert_true(evaluation_load(w.evaluation, STR("t.py"), &errors));
    evaluation_start(w.evaluation, evaluation_definition(w.evaluation, 0),
                     &(struct evaluation_request){.event = STR("{\"type\": \"push\"}")});
    run_init(&w.run, &options);
    apply(&w, (struct run_event){.kind = RUN_EVENT_START});
    while (!w.complete)
        finish_one(&w);
    describe(&w, out);
    run_done(&w.run);
    evaluation_free(w.evaluation);
    bundle_done(&bundle);
}

/* clang-format off */
static const struct {
    const char *body, *ends;
} workflows[] = {
    /* never read: the run fails, what comes after is skipped */
    {"    a = run('bad')\n    run('after')\n    run('beside', depends_on=[])\n",
     "bad failed, after skipped, beside success, run failed"},
    /* read: the code's to judge, for what comes after the read */
    {"    a = run('bad')\n    if a.failed: run('repair')\n", "bad failed, repair success, run success"},
    {"    a = run('bad')\n    run('before')\n    ctx.log(f'{a.exit_code}')\n    run('after')\n",
     "bad failed, before skipped, log success, after success, run success"},
    {"    a = run('bad')\n    run('before', depends_on=[a])\n    x = a.ok\n    run('after', depends_on=[a])\n",
     "bad failed, before skipped, after success, run success"},
    /* read late, after a decision on another step: whichever of them ends first */
    {"    a = run('bad', depends_on=[])\n    b = run('b', depends_on=[])\n    c = run('c', depends_on=[a])\n    if b.ok: run('d', depends_on=[a])\n"
     "    if a.failed: run('e', depends_on=[a])\n",
     "bad failed, b success, c skipped, d skipped, e success, run success"},
    {"    a = run('bad', depends_on=[])\n    b = run('b', depends_on=[])\n    if b.failed: x = a.ok\n    run('c', depends_on=[a, b])\n",
     "bad failed, b success, c skipped, run failed"},
    {"    a = run('bad 1', depends_on=[])\n    b = run('bad 2', depends_on=[])\n    if a.failed: run('c', depends_on=[a])\n    run('d', depends_on=[b])\n",
     "bad-1 failed, bad-2 failed, c success, d skipped, run failed"},
    {"    s = [run(n, depends_on=[]) for n in ['a', 'bad 1', 'b', 'bad 2']]\n    n = sum(1 for x in s if x.failed)\n    run(f'n{n}', depends_on=s)\n",
     "a success, bad-1 failed, b success, bad-2 failed, n2 success, run success"},
    {"    s = [run(n, depends_on=[]) for n in ['a', 'bad 1', 'b', 'bad 2']]\n    if any(x.failed for x in s): run('found', depends_on=[])\n",
     "a success, bad-1 failed, b success, bad-2 failed, found success, run failed"},
    /* of a skipped step ok and failed are both false */
    {"    a = run('bad')\n    b = run('b')\n    run('seen' if not b.ok and not b.failed else 'no', depends_on=[])\n",
     "bad failed, b skipped, seen success, run failed"},
    /* a group is judged with its members */
    {"    g = ctx.parallel([run('a'), run('bad'), run('c')])\n    run('d')\n    if g.failed: run('e')\n",
     "a success, bad failed, c success, parallel-1 failed, d skipped, e success, run success"},
    {"    g = ctx.parallel([run('a'), run('bad'), run('c')], limit=1)\n    if g.failed: run('e')\n",
     "a success, bad failed, c success, parallel-1 failed, e success, run success"},
    {"    m = [run('a'), run('bad')]\n    g = ctx.parallel([run('b', depends_on=m), run('c', depends_on=[])])\n    run('d', depends_on=g)\n",
     "a success, bad failed, b skipped, c success, parallel-1 skipped, d skipped, run failed"},
    /* when=, continue_on_error */
    {"    run('bad', continue_on_error=True)\n    run('after')\n", "bad failed, after success, run success"},
    {"    run('bad')\n    run('a')\n    run('clean', when='always')\n    run('tell', when='on_failure')\n",
     "bad failed, a skipped, clean success, tell success, run failed"},
    {"    run('a')\n    run('tell', when='on_failure')\n    run('b')\n", "a success, tell skipped, b success, run success"},
    /* ctx.fail, and the failure of a step that nobody looked at */
    {"    a = run('bad')\n    if a.failed: return ctx.fail('no')\n", "bad failed, run failed"},
    {"    a = run('a', depends_on=[])\n    run('bad', depends_on=[])\n    if a.ok: return ctx.success()\n", "a success, bad failed, run failed"},
};
/* clang-format on */

static void failures__are_judged_the_same_in_every_finishing_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof workflows / sizeof *workflows; i++) {
        for (uint32_t order = 0; order < ORDERS; order++) {
            auto_buf out = BUF(1 << 16);
            rng_state = order;
            run_once(workflows[i].body, &out);
            if (strcmp(buf_c(&out), workflows[i].ends) != 0)
                fail_msg("order %u of\n%s\nends: %s\nnot:  %s", order, workflows[i].body,
                         buf_c(&out), workflows[i].ends);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures__are_judged_the_same_in_every_finishing_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
