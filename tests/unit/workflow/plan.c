/* The evaluator through its messages: sources, events and results in; plans and errors out. */
#include "diag/print.h"
#include "workflow/evaluation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above before it */
#include <cmocka.h>

struct given {
    const char *step, *result;
};

static void describe(struct buf *out, struct evaluation *e, enum evaluation_state state)
{
    const struct plan *p = evaluation_plan(e);
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct plan_step *s = &p->steps[i];
        json_t *config = json_loadb(s->config.p, s->config.n, 0, NULL);
        json_t *cmd = json_object_get(config, s->type == STEP_TYPE_LOG ? "text" : "cmd");
        json_t *expr = json_object_get(cmd, "$expr");
        buf_addf(out, "%.*s", STR_ARG(s->id));
        for (uint32_t d = 0; d < s->depends_count; d++)
            buf_addf(out, "%s%.*s", d ? "," : " <- ", STR_ARG(p->steps[s->depends_on[d]].id));
        if (json_is_string(cmd))
            buf_addf(out, ": %s", json_string_value(cmd));
        if (expr)
            buf_addf(out, ": = %s", json_string_value(expr));
        buf_add_c(out, "\n");
        json_decref(config);
    }
    if (state == EVALUATION_AWAIT) {
        buf_add_c(out, "awaits");
        for (uint32_t i = 0; i < p->await_count; i++)
            buf_addf(out, " %.*s", STR_ARG(p->steps[p->await_steps[i]].id));
        buf_addf(out, " for %.*s at %u:%u\n", STR_ARG(p->await_for), p->await_at.line,
                 p->await_at.column);
    } else if (state == EVALUATION_DONE) {
        buf_addf(out, "%s %.*s%.*s\n", p->end == PLAN_SUCCESS ? "success" : "fail",
                 STR_ARG(p->outputs), STR_ARG(p->reason));
    } else {
        diag_add_err(out, evaluation_sources(e), evaluation_error(e), NULL);
    }
}

/* Evaluates `body` as the function of a workflow; results are given one await at a time (grow) or
 * all beforehand, as after a restart. */
static void plan(const char *body, const char *event, const struct given *results, bool beforehand,
                 struct buf *out)
{
    struct bundle bundle = {0};
    struct err_list errors = {0};
    struct err err = ERR_INIT;
    auto_buf source = BUF(1 << 20);
    buf_addf(&source, "@workflow(triggers=[push()])\ndef t(ctx):\n%s", body);
    bundle_add(&bundle, STR("t.py"), buf_str(&source));
    bundle_add(&bundle, STR(".plue/lib/a.py"),
               STR("from plue.lib.b import g\ndef f():\n    return g()\n"));
    bundle_add(&bundle, STR(".plue/lib/b.py"), STR("def g():\n    return 'from b'\n"));
    bundle_add(&bundle, STR(".plue/lib/ring.py"), STR("from plue.lib.ring2 import x\n"));
    bundle_add(&bundle, STR(".plue/lib/ring2.py"), STR("from plue.lib.ring import x\n"));
    bundle_add(&bundle, STR(".plue/actions/set-up/action.py"),
               STR("@action(inputs={'v': str, 'key': optional(secret)}, outputs={'p': str})\n"
                   "def set_up(ctx):\n"
                   "    get = ctx.run('get', f'get {ctx.inputs.v}')\n"
                   "    ctx.run('put', 'put')\n"
                   "    return ctx.success(p=get.outputs.p)\n"));
    bundle_add(&bundle, STR(".plue/actions/outer/action.py"),
               STR("from plue.actions.set_up import set_up\n@action()\ndef outer(ctx):\n"
                   "    ctx.run('now', 'x')\n    set_up(v='9')\n"
                   "    ctx.run('late', 'x', depends_on=[])\n"));
    bundle_add(
        &bundle, STR(".plue/actions/wrong/action.py"),
        STR("@action(inputs={'of': str}, outputs={'p': str})\ndef wrong(ctx):\n"
            "    if ctx.inputs.of == 'nothing':\n        return\n"
            "    return ctx.success(**{'undeclared': {'p': '', 'q': ''}, 'missing': {}, 'type': {'p': 1}}"
            "[ctx.inputs.of])\n"));
    struct evaluation *e = evaluation_new(&bundle, NULL);
    if (!evaluation_load(e, STR("t.py"), &errors)) {
        for (size_t i = 0; i < errors.n; i++)
            diag_add_err(out, evaluation_sources(e), &errors.at[i], NULL);
    } else {
        struct evaluation_request q = {.event = str_of(event ? event : "{\"type\": \"push\"}")};
        for (const struct given *g = results; beforehand && g && g->step; g++)
            assert_true(evaluation_set_result(e, str_of(g->step), str_of(g->result), &err));
        enum evaluation_state state =
            evaluation_start(e, evaluation_find(e, DEFINITION_WORKFLOW, STR("t")), &q);
        for (bool gave = true; state == EVALUATION_AWAIT && gave;) {
            gave = false;
            const struct plan *p = evaluation_plan(e);
            for (uint32_t i = 0; i < p->await_count; i++)
                for (const struct given *g = results; g && g->step; g++)
                    if (str_is(p->steps[p->await_steps[i]].id, g->step)) {
                        assert_true(
                            evaluation_set_result(e, str_of(g->step), str_of(g->result), &err));
                        gave = true;
                    }
            if (gave)
                state = evaluation_resume(e);
        }
        describe(out, e, state);
    }
    evaluation_free(e);
    bundle_done(&bundle);
    err_list_done(&errors);
}

static void expect_with(const char *body, const char *event, const struct given *results,
                        const char *wanted)
{
    auto_buf grown = BUF(1 << 20), rebuilt = BUF(1 << 20);
    plan(body, event, results, false, &grown);
    assert_string_equal(buf_c(&grown), wanted);
    /* Rebuilding from recorded results gives the same. */
    plan(body, event, results, true, &rebuilt);
    assert_string_equal(buf_c(&rebuilt), wanted);
}

static void expect(const char *body, const char *wanted)
{
    expect_with(body, NULL, NULL, wanted);
}

#define RESULTS(...) ((const struct given[]){__VA_ARGS__, {NULL, NULL}})

static void order__follows_the_program(void **state)
{
    (void)state;
    expect("    a = ctx.run('a', 'x')\n"
           "    b = ctx.run('b', 'x', depends_on=[])\n"
           "    c = ctx.run('c', 'x', depends_on=[a, [b]])\n"
           "    ctx.run('d', f'x {a.stdout}')\n"
           "    ctx.run('e', 'x', depends_on=b)\n",
           "a: x\nb: x\nc <- a,b: x\nd <- a,c: = f\"x {steps.a.stdout}\"\ne <- b: x\nsuccess \n");
}

static void order__of_a_group_is_what_preceded_it(void **state)
{
    (void)state;
    expect(
        "    ctx.run('a', 'x')\n"
        "    g = ctx.parallel([ctx.run('b', 'x'), ctx.run('c', 'x', depends_on=[])])\n"
        "    ctx.run('d', 'x')\n"
        "    ctx.run('e', 'x', depends_on=[g])\n",
        "a: x\nb <- a: x\nc: x\nparallel-1 <- b,c\nd <- parallel-1: x\ne <- parallel-1: x\nsuccess \n");
}

static void ids__come_from_names(void **state)
{
    (void)state;
    expect(
        "    ctx.run('Run  tests!', 'x')\n    ctx.run('run tests', 'x')\n    ctx.run(cmd='npm run build -- --all')\n"
        "    ctx.run('run-tests-2', 'x')\n",
        "run-tests: x\nrun-tests-2 <- run-tests: x\nnpm-run-build <- run-tests-2: npm run build -- --all\n"
        "run-tests-2-2 <- npm-run-build: x\nsuccess \n");
}

static void deferred__values_become_expressions(void **state)
{
    (void)state;
    expect(
        "    a = ctx.run('run-it', 'x')\n"
        "    v = a.stdout.strip()\n"
        "    ctx.log(v)\n"
        "    ctx.log((a.exit_code + 1) * -2 ** 2)\n"
        "    ctx.log(v[1:-1] + '!' + v[0])\n"
        "    ctx.log('{} of {n:>3}'.format(v, n=a.exit_code))\n"
        "    ctx.log(f'{v!r:>8} \"q\"')\n"
        "    ctx.log(json.loads(v)['k'])\n"
        "    ctx.log(int(a.outputs.n) == 3)\n"
        "    ctx.log('%s' % v)\n",
        "run-it: x\n"
        "log <- run-it: = steps[\"run-it\"].stdout.strip()\n"
        "log-2 <- run-it,log: = (steps[\"run-it\"].exit_code + 1) * -4\n"
        "log-3 <- run-it,log-2: = steps[\"run-it\"].stdout.strip()[1:-1] + \"!\" + steps[\"run-it\"].stdout.strip()[0]\n"
        "log-4 <- run-it,log-3: = f'{steps[\"run-it\"].stdout.strip()} of {steps[\"run-it\"].exit_code:>3}'\n"
        "log-5 <- run-it,log-4: = f'{steps[\"run-it\"].stdout.strip()!r:>8} \"q\"'\n"
        "log-6 <- run-it,log-5: = json.loads(steps[\"run-it\"].stdout.strip())[\"k\"]\n"
        "log-7 <- run-it,log-6: = int(steps[\"run-it\"].outputs.n) == 3\n"
        "log-8 <- run-it,log-7: = \"%s\" % steps[\"run-it\"].stdout.strip()\n"
        "success \n");
}

static void await__stops_at_the_decision(void **state)
{
    (void)state;
    expect("    a = ctx.run('a', 'x')\n    if a.ok:\n        ctx.run('b', 'x')\n",
           "a: x\nawaits a for if a.ok at 4:8\n");
    expect(
        "    a = ctx.run('a', 'x')\n    b = ctx.run('b', 'x')\n    if a.stdout + b.stdout:\n        pass\n",
        "a: x\nb <- a: x\nawaits a b for if a.stdout + b.stdout at 5:8\n");
}

static void await__grows_with_results(void **state)
{
    (void)state;
    expect_with(
        "    a = ctx.run('a', 'x')\n"
        "    for line in a.stdout.splitlines():\n"
        "        r = ctx.run(line, 'say ' + line)\n"
        "        if r.failed:\n"
        "            return ctx.fail({'line': line})\n"
        "    return ctx.success(n=len(a.stdout))\n",
        NULL,
        RESULTS({"a", "{\"stdout\": \"p\\nq; r\\n\"}"}, {"p", "{}"}, {"q-r", "{\"exit_code\": 1}"}),
        "a: x\np <- a: say p\nq-r <- p: say 'q; r'\nfail {\"line\": \"q; r\"}\n");
}

static void await__below_a_native_is_rebuilt(void **state)
{
    (void)state;
    expect_with(
        "    steps = [ctx.run(n, 'x') for n in ['a', 'b', 'c']]\n"
        "    if any(s.failed for s in steps):\n"
        "        ctx.run('repair', 'x')\n"
        "    slow = sorted(steps, key=lambda s: s.duration)[-1]\n"
        "    ctx.log(slow.stdout)\n",
        NULL,
        RESULTS({"a", "{\"duration_ms\": 5}"}, {"b", "{\"exit_code\": 2, \"duration_ms\": 9}"},
                {"c", "{\"duration_ms\": 1}"}),
        "a: x\nb <- a: x\nc <- b: x\nrepair <- c: x\nlog <- b,repair: = steps.b.stdout\nsuccess \n");
}

static void await__in_every_position(void **state)
{
    (void)state;
    expect_with(
        "    def check(s):\n"
        "        try:\n"
        "            assert s.ok, 'bad'\n"
        "        except AssertionError as e:\n"
        "            return str(e)\n"
        "        finally:\n"
        "            ctx.log('checked')\n"
        "        return 'good'\n"
        "    a = ctx.run('a', 'x')\n"
        "    words = [check(s) for s in [a, ctx.run('b', 'x')] if not s.stdout.startswith('!')]\n"
        "    n = 0\n"
        "    while n < a.exit_code or (n < 3 and a.ok):\n"
        "        n += 1\n"
        "    x, *y = a.outputs.list.split(',')\n"
        "    return ctx.success(words=words, n=n, x=x, y=y, z='1' in a.stdout, k={**{'s': 1 if a.ok else 2}})\n",
        NULL,
        RESULTS({"a", "{\"stdout\": \"1\", \"outputs\": {\"list\": \"p,q,r\"}}"},
                {"b", "{\"exit_code\": 1}"}),
        "a: x\nb <- a: x\nlog <- b: checked\nlog-2 <- log: checked\n"
        "success {\"words\": [\"good\", \"bad\"], \"n\": 3, \"x\": \"p\", \"y\": [\"q\", \"r\"], \"z\": true, "
        "\"k\": {\"s\": 1}}\n");
}

static void status__of_a_skipped_step_is_false(void **state)
{
    (void)state;
    expect_with("    a = ctx.run('a', 'x')\n"
                "    return ctx.success(v=[bool(a.ok), bool(a.failed), a.exit_code is None])\n",
                NULL, RESULTS({"a", "{\"outcome\": \"skipped\", \"conclusion\": \"skipped\"}"}),
                "a: x\nsuccess {\"v\": [false, false, true]}\n");
}

static void untrusted__text_is_quoted(void **state)
{
    (void)state;
    expect_with(
        "    t = ctx.event.actor\n"
        "    ctx.run('a', f\"echo {t} '{t}' \\\"{t}\\\" x{t}y\")\n"
        "    ctx.run('b', 'echo ' + raw(t))\n"
        "    ctx.run('c', 'echo ' + '-'.join([t.strip()[1:3], 'safe words']))\n"
        "    ctx.run('d', 'echo ' + t.upper())\n",
        "{\"type\": \"push\", \"actor\": \" $a'\"}", NULL,
        "a: echo ' $a'\"'\"'' ' $a'\\''' \" \\$a'\" x' $a'\"'\"''y\n"
        "b <- a: echo  $a'\nc <- b: echo 'a'\"'\"''-safe words\nd <- c: echo ' $A'\"'\"''\nsuccess \n");
}

static void untrusted__text_is_refused_where_it_would_be_code(void **state)
{
    (void)state;
    auto_buf out = BUF(1 << 20);
    plan("    a = ctx.run('a', 'x')\n    ctx.run('b', f'sh -c \"{a.stdout}\"')\n", NULL, NULL,
         false, &out);
    assert_non_null(strstr(buf_c(&out), "t.py:4:5: error: cmd: "));
    assert_non_null(strstr(buf_c(&out), "hint: "));
}

static void secrets__are_opaque(void **state)
{
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"    if ctx.secrets.T:\n        pass\n", "code cannot decide on a secret"},
        {"    print(ctx.secrets.T)\n", "a secret cannot be printed or shown"},
        {"    ctx.log(f'x {ctx.secrets.T}')\n", "a secret may only stand in a step's env"},
        {"    ctx.run('a', 'echo ' + ctx.secrets.T)\n", "a secret may only stand in a step's env"},
        {"    ctx.log(json.dumps({'a': [ctx.secrets.T]}))\n",
         "a secret may only stand in a step's env"},
        {"    a = ctx.run('a', 'x')\n    ctx.log(a.stdout.replace('x', ctx.secrets.T))\n",
         "a secret may only stand in a step's env"},
        {"    a = ctx.run('a', 'x')\n    ctx.log(a.stdout.format_map({'a': [ctx.secrets.T]}))\n",
         "a secret may only stand in a step's env"},
        {"    ctx.run(ctx.secrets.T, 'x')\n", "a secret cannot be a step's name"},
        {"    {ctx.secrets.T: 1}\n", "code cannot decide on a secret"},
        {"    ctx.run('a', 'x', env={'A': ctx.secrets.T + '' if ctx.secrets.T == 'x' else ''})\n",
         "code cannot decide on a secret"},
        {"    return ctx.success(t=ctx.secrets.T)\n", "a secret may only stand in a step's env"},
        {"    from plue.actions.set_up import set_up\n    set_up(v=ctx.secrets.T)\n",
         "a secret may only be passed to an input of type secret"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_buf out = BUF(1 << 20);
        plan(cases[i].body, NULL, NULL, false, &out);
        if (!strstr(buf_c(&out), cases[i].says))
            fail_msg("%s\n-> %s", cases[i].body, buf_c(&out));
    }
    auto_buf out = BUF(1 << 20);
    plan("    ctx.run('a', 'x', env={'T': 'Bearer ' + ctx.secrets.T})\n", NULL, NULL, false, &out);
    assert_string_equal(buf_c(&out), "a: x\nsuccess \n");
}

static void actions__add_prefixed_steps(void **state)
{
    (void)state;
    expect(
        "    from plue.actions.set_up import set_up\n"
        "    ctx.run('a', 'x')\n"
        "    t = set_up(v='1')\n"
        "    u = set_up(v=t.outputs.p, key=ctx.secrets.K)\n"
        "    ctx.run('b', f'x {t.outputs.p}')\n",
        "a: x\nset-up-get <- a: get 1\nset-up-put <- set-up-get: put\nset-up <- set-up-get,set-up-put\n"
        "set-up-2-get <- set-up: = f'get {steps[\"set-up\"].outputs.p}'\nset-up-2-put <- set-up-2-get: put\n"
        "set-up-2 <- set-up,set-up-2-get,set-up-2-put\n"
        "b <- set-up,set-up-2: = f'x {steps[\"set-up\"].outputs.p}'\nsuccess \n");
}

static void actions__come_after_what_their_call_depends_on(void **state)
{
    (void)state;
    expect(
        "    from plue.actions.outer import outer\n"
        "    from plue.actions.set_up import set_up\n"
        "    a = ctx.run('a', 'x')\n"
        "    b = ctx.run('b', 'x')\n"
        "    o = outer(depends_on=[a])\n"
        "    ctx.run('c', 'x')\n"
        "    set_up(v='1', depends_on=[])\n"
        "    ctx.parallel([set_up(v='2'), set_up(v='3', depends_on=(o, [b])), ctx.run('z', 'x')])\n",
        "a: x\nb <- a: x\n"
        "outer-now <- a: x\nouter-set-up-get <- outer-now: get 9\n"
        "outer-set-up-put <- outer-set-up-get: put\n"
        "outer-set-up <- outer-set-up-get,outer-set-up-put\nouter-late <- a: x\n"
        "outer <- outer-now,outer-set-up-get,outer-set-up-put,outer-set-up,outer-late\n"
        "c <- outer: x\n"
        "set-up-get: get 1\nset-up-put <- set-up-get: put\nset-up <- set-up-get,set-up-put\n"
        "set-up-2-get <- set-up: get 2\nset-up-2-put <- set-up-2-get: put\n"
        "set-up-2 <- set-up-2-get,set-up-2-put\n"
        "set-up-3-get <- b,outer: get 3\nset-up-3-put <- set-up-3-get: put\n"
        "set-up-3 <- set-up-3-get,set-up-3-put\n"
        "z <- set-up: x\nparallel-1 <- set-up-2,set-up-3,z\nsuccess \n");
}

static void actions__are_called_with_what_they_declare(void **state)
{
    static const struct {
        const char *call, *says;
    } cases[] = {
        {"set_up()", "TypeError: set_up() missing required argument: 'v'"},
        {"set_up('1')", "TypeError: set_up() takes named arguments only"},
        {"set_up(v='1', dependson=[])", "hint: did you mean 'depends_on'?"},
        {"set_up(v='1', depends_on=1)",
         "TypeError: depends_on takes steps, groups or lists of these"},
        {"set_up(v=1)", "TypeError: set_up(v=): expected str, found an integer"},
        {"wrong(of='undeclared')",
         "action wrong: outputs= does not declare 'q', which ctx.success gives"},
        {"wrong(of='missing')",
         "action wrong: ctx.success does not give 'p', which outputs= declares"},
        {"wrong(of='nothing')",
         "action wrong: ctx.success does not give 'p', which outputs= declares"},
        {"wrong(of='type')", "TypeError: wrong(p=): expected str, found an integer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_buf out = BUF(1 << 20), body = BUF(1 << 20);
        buf_addf(&body,
                 "    from plue.actions.set_up import set_up\n"
                 "    from plue.actions.wrong import wrong\n    %s\n",
                 cases[i].call);
        plan(buf_c(&body), NULL, NULL, false, &out);
        if (!strstr(buf_c(&out), cases[i].says))
            fail_msg("%s\n-> %s", cases[i].call, buf_c(&out));
    }
}

/* The plan's "options" for what @workflow is given. */
static void check_options(const char *options, const char *wanted)
{
    struct bundle bundle = {0};
    struct err_list errors = {0};
    auto_buf source = BUF(1 << 16), got = BUF(1 << 20);
    buf_addf(&source, "@workflow(triggers=[push()]%s)\ndef t(ctx):\n    pass\n", options);
    bundle_add(&bundle, STR("t.py"), buf_str(&source));
    struct evaluation *e = evaluation_new(&bundle, NULL);
    if (evaluation_load(e, STR("t.py"), &errors)) {
        evaluation_start(e, evaluation_definition(e, 0),
                         &(struct evaluation_request){.event = STR("{\"type\": \"push\"}")});
        buf_add_str(&got, evaluation_plan(e)->options);
    } else {
        buf_add_str(&got, errors.at[0].message);
    }
    assert_string_equal(buf_c(&got), wanted);
    evaluation_free(e);
    bundle_done(&bundle);
    err_list_done(&errors);
}

static void options__of_a_workflow_are_in_its_plan(void **state)
{
    (void)state;
    check_options("", "");
    check_options(
        ", timeout='1h', concurrency='deploy', network=['a.org:443', 'b:80'], labels=['gpu'], "
        "priority=3, sandbox='bubblewrap', services={'db': service('postgres:16', ports=[5432], "
        "env={'A': 'b'}, health='pg_isready')}",
        "{\"timeout_ms\": 3600000, \"concurrency\": {\"group\": \"deploy\", \"policy\": \"fifo\"}, "
        "\"network\": [\"a.org:443\", \"b:80\"], \"services\": {\"db\": {\"image\": \"postgres:16\", "
        "\"ports\": [5432], \"env\": {\"A\": \"b\"}, \"health\": \"pg_isready\"}}, "
        "\"labels\": [\"gpu\"], \"priority\": 3, \"sandbox\": \"bubblewrap\"}");
    check_options(
        ", concurrency=concurrency('g', 'latest'), network='all'",
        "{\"timeout_ms\": null, \"concurrency\": {\"group\": \"g\", \"policy\": \"latest\"}, "
        "\"network\": \"all\", \"services\": null, \"labels\": null, \"priority\": null, "
        "\"sandbox\": null}");
    check_options(", network='some'", "TypeError: workflow(network=) must be \"all\" or a list of "
                                      "\"host:port\", not str");
    check_options(", network=['a.org:x']",
                  "ValueError: workflow(network=): 'a.org:x' is not a host and a "
                  "port, such as \"example.org:443\"");
    check_options(
        ", network=['https://a.org:443']",
        "ValueError: workflow(network=): 'https://a.org:443' is not a host and a port, such "
        "as \"example.org:443\"");
    check_options(", concurrency=1",
                  "TypeError: workflow(concurrency=) must be concurrency(...) or a "
                  "group's name, not int");
    check_options(", labels='gpu'", "TypeError: workflow(labels=) must be a list of texts");
    check_options(", services=[service('x')]",
                  "TypeError: workflow(services=) must be a dict of names and service(...)");
    check_options(", services={'x': service('x', ports=[0])}",
                  "ValueError: service(ports=) takes numbers from 1 to 65535");
    check_options(", services={'x': service(image=None)}",
                  "TypeError: service(image=) must be a text, not NoneType");
    check_options(", priority='high'",
                  "TypeError: workflow(priority=) must be a whole number, not str");
    check_options(", sandbox=1", "TypeError: workflow(sandbox=) must be a backend's name, not int");
    check_options(", timeout='1 hour'",
                  "ValueError: workflow(timeout=) must be a positive number of "
                  "seconds or a text such as \"90s\" or \"1h30m\"");
}

static void steps__take_what_their_signatures_say(void **state)
{
    static const struct {
        const char *call, *says;
    } cases[] = {
        {"ctx.read(5)", "TypeError: ctx.read(path=) must be a text, not int"},
        {"ctx.read(None)", "TypeError: ctx.read(path=) must be a text, not NoneType"},
        {"ctx.write('a')", "TypeError: write() missing required argument 'content' (pos 2)"},
        {"ctx.glob(True)", "TypeError: ctx.glob(pattern=) must be a text, not bool"},
        {"ctx.artifact('a', [1])",
         "TypeError: ctx.artifact(paths=) must be a list of texts, not list"},
        {"ctx.review_comment('a', '1', 'b')",
         "TypeError: ctx.review_comment(line=) must be a whole number, not str"},
        {"ctx.approval('a', reviewers=1)",
         "TypeError: ctx.approval(reviewers=) must be a list of texts, not int"},
        {"ctx.approval('a', timeout='soon')",
         "ValueError: ctx.approval(timeout=) must be a positive number"},
        {"ctx.git.diff(paths={})",
         "TypeError: ctx.git.diff(paths=) must be a list of texts, not dict"},
        {"ctx.git.log('x')", "TypeError: ctx.git.log(n=) must be a whole number, not str"},
        {"ctx.git.changed_files(1)",
         "TypeError: ctx.git.changed_files(base=) must be a text, not int"},
        {"ctx.issue.comment(1)", "TypeError: ctx.issue.comment(body=) must be a text, not int"},
        {"ctx.git.dif()", "AttributeError: ctx.git has no attribute 'dif'. Did you mean: 'diff'?"},
        {"ctx.aproval('a')",
         "AttributeError: ctx has no attribute 'aproval'. Did you mean: 'approval'?"},
        {"ctx.approval('a', reviewer=[])", "hint: did you mean 'reviewers'?"},
        {"ctx.run('a', 'x', network=['*'])", "ctx.run(network=): '*' is not a host and a port"},
        {"ctx.run('a', 'x', shell='zsh')",
         "ctx.run(shell=) must be one of \"bash\", \"sh\", \"python3\""},
        {"ctx.run('a', 'x', when='failure')",
         "ctx.run(when=) must be one of \"on_success\", \"on_failure\""},
        {"ctx.run('a', 'x', retries=-1)", "ctx.run(retries=) must be from 0 to 100"},
        {"ctx.run('a', 5)", "ctx.run(cmd=) must be a text, not int"},
        {"ctx.run('a')", "ctx.run() missing required argument: 'cmd'"},
        {"ctx.run('a', 'x', env={'A-B': '1'})", "env: names are letters, digits and underscores"},
        {"ctx.run('a', 'x', env={'A': None})", "env: 'A' is None; leave it out"},
        {"ctx.run('a', 'x', cache=cache(1))", "cache(key=) must be a text, not int"},
        {"ctx.run('a', 'x', depends_on='b')",
         "depends_on takes steps, groups or lists of these, not str"},
        {"ctx.parallel([])", "ctx.parallel() needs at least one step"},
        {"ctx.parallel([1])", "ctx.parallel() takes a list of steps, not of int"},
        {"ctx.inputs.x", "ctx.inputs has no attribute 'x'"},
        {"ctx.event.brnch", "ctx.event has no attribute 'brnch'. Did you mean: 'branch'?"},
        {"hash_files()", "hash_files() takes at least one pattern"},
        {"cache_key()", "cache_key() takes at least one part"},
        {"concurrency('a', policy='last')",
         "concurrency(policy=) must be \"fifo\", \"latest\" or \"cancel\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auto_buf out = BUF(1 << 20), body = BUF(1 << 20);
        buf_addf(&body, "    %s\n", cases[i].call);
        plan(buf_c(&body), NULL, NULL, false, &out);
        if (!strstr(buf_c(&out), cases[i].says))
            fail_msg("%s\n-> %s", cases[i].call, buf_c(&out));
    }
    /* Deferred values are looked at when they are known, and optional arguments may be None. */
    auto_buf out = BUF(1 << 20);
    plan(
        "    a = ctx.run('a', 'x')\n    ctx.read(a.stdout)\n    ctx.artifact('b', [a.stdout])\n"
        "    ctx.approve(body=None)\n    ctx.git.diff(None, None, None)\n    ctx.git.log(a.exit_code)\n",
        NULL, NULL, false, &out);
    assert_non_null(strstr(buf_c(&out), "success \n"));
}

static void modules__are_found_and_circles_reported(void **state)
{
    (void)state;
    expect("    from plue.lib.a import f\n    ctx.log(f())\n", "log: from b\nsuccess \n");
    auto_buf out = BUF(1 << 20);
    plan("    from plue.lib.ring import x\n", NULL, NULL, false, &out);
    assert_non_null(
        strstr(buf_c(&out),
               ".plue/lib/ring2.py:1:6: error: module 'plue.lib.ring' imports itself, through "
               "the files that it imports\n"));
}

static void parallel__refuses_older_steps_and_decisions_inside(void **state)
{
    auto_buf out = BUF(1 << 20);
    (void)state;
    plan("    a = ctx.run('a', 'x')\n    ctx.parallel([a, ctx.run('b', 'x')])\n", NULL, NULL, false,
         &out);
    assert_non_null(strstr(buf_c(&out), "step 'a' was not"));
    buf_reset(&out);
    plan(
        "    ctx.parallel([ctx.run(n, 'x') for n in ['a', 'b'] if n == 'a' or ctx.run('c', 'x').ok])\n",
        NULL, RESULTS({"c", "{}"}), false, &out);
    assert_non_null(strstr(buf_c(&out), "step 'a' was not"));
}

static void errors__show_the_place(void **state)
{
    (void)state;
    expect("    ctx.run('a', 'x', retires=2)\n",
           "t.py:3:5: error: TypeError: 'retires' is an invalid keyword argument for run()\n"
           "    3 |     ctx.run('a', 'x', retires=2)\n"
           "      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
           "  hint: did you mean 'retries'?\n");
    expect(
        "    a = ctx.run('a', 'x')\n    ctx.log(a.sdtout)\n",
        "a: x\nt.py:4:13: error: AttributeError: a shell step has no attribute 'sdtout'. Did you mean: 'stdout'?\n"
        "    4 |     ctx.log(a.sdtout)\n"
        "      |             ^^^^^^^^\n");
}

static void judged__is_from_the_read_on(void **state)
{
    struct bundle bundle = {0};
    struct err_list errors = {0};
    (void)state;
    bundle_add(
        &bundle, STR("t.py"),
        STR("@workflow(triggers=[push()])\ndef t(ctx):\n    a = ctx.run('a', 'x')\n    b = ctx.run('b', 'x')\n"
            "    ctx.log(f'{a.exit_code}')\n    c = ctx.run('c', 'x')\n"));
    struct evaluation *e = evaluation_new(&bundle, NULL);
    assert_true(evaluation_load(e, STR("t.py"), &errors));
    evaluation_start(e, evaluation_definition(e, 0),
                     &(struct evaluation_request){.event = STR("{\"type\": \"push\"}")});
    const struct plan *p = evaluation_plan(e);
    assert_int_equal(p->step_count, 4);
    assert_int_equal(p->steps[0].judged_from, 2);
    assert_int_equal(p->steps[1].judged_from, PLAN_NEVER);
    evaluation_free(e);
    bundle_done(&bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order__follows_the_program),
        cmocka_unit_test(order__of_a_group_is_what_preceded_it),
        cmocka_unit_test(ids__come_from_names),
        cmocka_unit_test(deferred__values_become_expressions),
        cmocka_unit_test(await__stops_at_the_decision),
        cmocka_unit_test(await__grows_with_results),
        cmocka_unit_test(await__below_a_native_is_rebuilt),
        cmocka_unit_test(await__in_every_position),
        cmocka_unit_test(status__of_a_skipped_step_is_false),
        cmocka_unit_test(untrusted__text_is_quoted),
        cmocka_unit_test(untrusted__text_is_refused_where_it_would_be_code),
        cmocka_unit_test(secrets__are_opaque),
        cmocka_unit_test(actions__add_prefixed_steps),
        cmocka_unit_test(actions__come_after_what_their_call_depends_on),
        cmocka_unit_test(actions__are_called_with_what_they_declare),
        cmocka_unit_test(steps__take_what_their_signatures_say),
        cmocka_unit_test(options__of_a_workflow_are_in_its_plan),
        cmocka_unit_test(modules__are_found_and_circles_reported),
        cmocka_unit_test(parallel__refuses_older_steps_and_decisions_inside),
        cmocka_unit_test(errors__show_the_place),
        cmocka_unit_test(judged__is_from_the_read_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
