/* Growing and rebuilding, with random programs: a workflow that is kept in memory, one that is made
 * again from the recorded results at any moment, and any finishing order give the same plan byte
 * for byte, the same statuses to judge and the same count of instructions.
 * test-workflow-growth [PROGRAMS [SEED [AWAITS]]] */
#include "diag/print.h"
#include "workflow/evaluation.h"
#include <inttypes.h>
#include <stdio.h>

enum { STEPS_KNOWN_MAX = 4096, ORDERS = 3, BLOCK_DEPTH = 3, GROWTHS_MAX = 2000 };

static uint64_t rng_state;

static uint64_t next_random(void)
{
    uint64_t x = rng_state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static uint32_t below(uint32_t n)
{
    return (uint32_t)(next_random() % n);
}
static bool chance(uint32_t one_in)
{
    return below(one_in) == 0;
}

/* ---- programs ---- */

struct program {
    struct buf text;
    int indent, names;
    uint32_t statements; /* still to come */
};

#define PICK(...) pick((const char *const[]){__VA_ARGS__, NULL})
static const char *pick(const char *const *words)
{
    uint32_t n = 0;
    while (words[n])
        n++;
    return words[below(n)];
}

static void begin(struct program *p)
{
    for (int i = 0; i < p->indent; i++)
        buf_add_c(&p->text, "    ");
}

#define LINE(p, ...)                       \
    do {                                   \
        begin(p);                          \
        buf_addf(&(p)->text, __VA_ARGS__); \
        buf_add_byte(&(p)->text, '\n');    \
    } while (0)

/* A value that is passed on. */
static const char *passed(void)
{
    return PICK("hs[-1].stdout.strip()", "hs[0].stdout[:2]", "hs[-1].outputs.k", "hs[0].exit_code",
                "hs[-1].ok", "('<' + hs[-1].stdout + '>').upper()", "hs[len(hs) // 2].duration + 1",
                "str(hs[0].stdout)", "f'{hs[-1].stdout!r:>9}'", "hs[-1].stdout.split()[0]", "n",
                "w", "text", "'-'.join([hs[0].stdout, w])", "'%s of %s' % (n, hs[0].stdout)",
                "int(hs[0].outputs.n) * 2", "json.dumps({'a': hs[-1].stdout})");
}

static const char *decision(void)
{
    return PICK(
        "hs[-1].ok", "not hs[-1].failed", "hs[0].exit_code", "hs[0].failed and hs[-1].ok",
        "hs[-1].exit_code is None", "'a' in hs[0].stdout", "len(hs[-1].stdout) > 2",
        "hs[-1].stdout == hs[0].stdout", "n and hs[-1].stdout", "any(s.failed for s in hs)",
        "all(s.ok for s in hs if s.stdout)", "sum(1 for s in hs if s.failed) > 1",
        "max(len(s.stdout) for s in hs) > 3", "min((s.exit_code or 0 for s in hs), default=0)",
        "sorted(hs, key=lambda s: s.duration)[0].ok", "bad(hs[-1])", "any(map(bad, hs[-2:]))",
        "[s for s in hs[-3:] if s.ok]", "list(filter(bad, hs[:2]))",
        "len({s.stdout for s in hs[:3]}) > 1", "{s.stdout: 1 for s in hs[:2]}",
        "1 < hs[0].duration <= 3", "hs[0].stdout < hs[-1].stdout or w", "bool(text)",
        "''.join(s.stdout for s in hs[:3]) > 'b'", "next((s for s in hs if s.failed), None)",
        "sorted(s.stdout for s in hs[:4])[0] == 'a'", "list(s.ok for s in hs)[-1]",
        "tuple(s.stdout for s in hs[-2:])[0] != w", "dict((s.stdout, 1) for s in hs[:2])",
        "max(hs, key=lambda s: s.duration).ok", "text.startswith(hs[-1].stdout) if n else w");
}

static void block(struct program *p);

static void run_step(struct program *p)
{
    const char *name = PICK("build", "test it", "deploy", "a", "Lint!");
    const char *extra =
        PICK("", "", "", ", depends_on=[]", ", depends_on=hs[-1]", ", depends_on=[hs[0], hs[-1]]",
             ", when='always'", ", continue_on_error=True", ", env={'V': hs[0].stdout}",
             ", timeout='1m'", ", cache=cache_key('c', hash_files('*.c'), hs[0].stdout)");
    if (chance(2))
        LINE(p, "hs.append(ctx.run('%s', 'x'%s))", name, extra);
    else
        LINE(p, "hs.append(ctx.run('%s', 'echo ' + str(%s)%s))", name, passed(), extra);
}

static void if_statement(struct program *p)
{
    LINE(p, "if %s:", decision());
    block(p);
    if (chance(2)) {
        LINE(p, "else:");
        block(p);
    }
}

static void for_statement(struct program *p)
{
    LINE(p, "for w in %s:",
         PICK("hs[-1].stdout.split()", "hs[0].outputs.l", "sorted(hs[0].stdout)",
              "[v.upper() for v in hs[-1].stdout.split() if v != 'b']",
              "enumerate(hs[-1].stdout.split())", "zip(hs[0].stdout, 'pq')",
              "hs[-1].outputs.values()", "reversed(hs[0].stdout.split())",
              "(s.stdout for s in hs[:2])"));
    block(p);
    if (chance(4)) {
        LINE(p, "else:");
        block(p);
    }
}

static void while_statement(struct program *p)
{
    int k = p->names++;
    LINE(p, "k%d = 0", k);
    LINE(p, "while k%d < 3 and (%s):", k, decision());
    p->indent++;
    LINE(p, "k%d += 1", k);
    p->indent--;
    block(p);
}

static void try_statement(struct program *p)
{
    LINE(p, "try:");
    p->indent++;
    LINE(p, "%s",
         PICK("text = str([v for v in hs[-1].stdout.split()])",
              "text = list(hs[0].outputs.missing)", "assert hs[-1].ok, 'not ok'",
              "n += len(hs[-1].stdout)", "a, *b = hs[0].stdout.split()", "k = {hs[-1].stdout: 1}",
              "n = [1, 2, 3][hs[0].exit_code]"));
    p->indent--;
    block(p);
    LINE(p, "except %s:",
         PICK("StepFailed", "StepFailed", "(AssertionError, StepFailed, TypeError)", "Exception",
              "AttributeError"));
    block(p);
    if (chance(3)) {
        LINE(p, "finally:");
        block(p);
    }
}

static void small_step(struct program *p)
{
    LINE(p, "%s",
         PICK("text = ctx.read('a.txt')", "ctx.write('b', hs[-1].stdout)",
              "n = ctx.exists('x') or n", "for w in ctx.glob('*'): ctx.log(w)",
              "text = ctx.git.diff()", "hs.append(ctx.run('r', f'cat {raw(text)}'))",
              "ctx.comment(f'{w} {text}')", "w = ctx.git.changed_files()"));
}

static void statement(struct program *p)
{
    static void (*const compound[])(struct program *) = {if_statement, if_statement, for_statement,
                                                         while_statement, try_statement};
    uint32_t kind = below(16);
    if (kind < 5 && p->indent <= BLOCK_DEPTH) {
        compound[kind](p);
    } else if (kind < 9) {
        run_step(p);
    } else if (kind == 9) {
        LINE(p, "g = ctx.parallel([ctx.run(f'm {i}', 'x ' + str(%s)) for i in range(%u)])",
             passed(), 1 + below(3));
        LINE(p, "ctx.run('after', f'x {g.failed}'%s)", PICK("", ", depends_on=g"));
    } else if (kind == 10) {
        LINE(p, "hs.append(helper(%s))", passed());
    } else if (kind == 11) {
        LINE(p, "t = set_up(v=%s)", PICK("'1'", "hs[0].stdout", "f'{hs[-1].stdout}'"));
        LINE(p, "ctx.log(t.outputs.p)");
        if (chance(2))
            LINE(p, "if t.failed: n += 1");
    } else if (kind == 12) {
        small_step(p);
    } else if (kind == 13 && chance(4)) {
        LINE(p, "if %s: return %s", decision(),
             PICK("ctx.fail('no')", "ctx.success(a=hs[-1].stdout)",
                  "ctx.fail({'e': hs[0].stderr})"));
    } else {
        LINE(p, "ctx.log(%s)", passed());
    }
}

static void block(struct program *p)
{
    uint32_t n = 1 + below(3);
    p->indent++;
    for (uint32_t i = 0; i < n && p->statements; i++) {
        p->statements--;
        statement(p);
    }
    LINE(p, "pass");
    p->indent--;
}

static void make_program(struct program *p)
{
    p->statements = 4 + below(24);
    buf_add_c(&p->text,
              "from plue.actions.set_up import set_up\n"
              "@workflow(triggers=[push()])\n"
              "def t(ctx):\n"
              "    n, w, text = 0, 'w', 't'\n"
              "    def bad(s):\n"
              "        return s.failed or s.stdout == 'b'\n"
              "    def helper(v):\n"
              "        nonlocal n\n"
              "        s = ctx.run('help', f'help {v}')\n"
              "        if bad(s):\n"
              "            n += 1\n"
              "            return ctx.run('again', 'x', depends_on=s)\n"
              "        return s\n"
              "    hs = [ctx.run('first', 'x'), ctx.run('second', 'x', depends_on=[])]\n");
    p->indent = 1;
    while (p->statements) {
        p->statements--;
        statement(p);
    }
    if (chance(3))
        LINE(p, "return ctx.success(n=n, s=hs[-1].stdout)");
}

/* ---- results: what a step's id gives, whenever it ends ---- */

static void make_result(uint64_t seed, str id, struct buf *out)
{
    uint64_t kept = rng_state;
    rng_state = seed;
    for (size_t i = 0; i < id.n; i++)
        rng_state = next_random() ^ (uint64_t)(unsigned char)id.p[i];
    uint32_t kind = below(10);
    if (kind == 0) {
        buf_add_c(out, "{\"outcome\": \"skipped\", \"conclusion\": \"skipped\"}");
    } else {
        buf_addf(out,
                 "{\"outcome\": \"%s\", \"exit_code\": %u, \"stdout\": \"%s\", \"stderr\": \"e\", "
                 "\"outputs\": {\"k\": \"%s\", \"n\": \"%u\", \"l\": %s}, \"duration_ms\": %u",
                 kind < 4 ? "failed" : "success", kind < 4 ? 1 + below(2) : 0,
                 PICK("a", "b", "a b", "x y z", "", "it's; ok\\n"), PICK("v", "", "$(x)"), below(9),
                 PICK("[1, 2]", "\"ab\"", "[\"p\", \"q\"]"), below(4000));
        if (chance(2))
            buf_addf(out, ", \"output\": %s", PICK("\"text\"", "[\"p\", \"q\"]", "true", "null"));
        buf_add_c(out, "}");
    }
    rng_state = kept;
}

/* ---- one evaluation ---- */

struct recorded {
    str ids[STEPS_KNOWN_MAX];
    uint32_t n;
};

struct trial {
    struct bundle bundle;
    struct arena arena;
    uint64_t seed, results;
    const char *source;
};

static uint64_t trials_done, awaits_met, done_count, rebuilds_made;

static void die(const struct trial *t, const char *promise, struct buf *a, struct buf *b)
{
    fprintf(stderr, "growth: broken promise: %s (seed %" PRIu64 ")\n%s\n", promise, t->seed,
            t->source);
    if (a && b) {
        size_t i = 0;
        const char *x = buf_c(a), *y = buf_c(b);
        while (x[i] && x[i] == y[i])
            i++;
        size_t from = i > 300 ? i - 300 : 0;
        fprintf(stderr, "--- one, at byte %zu\n%.800s\n--- other\n%.800s\n", i, x + from, y + from);
    }
    fprintf(stderr, "repeat with: test-workflow-growth 1 %" PRIu64 "\n", t->seed);
    exit(1);
}

static struct evaluation *load(struct trial *t)
{
    struct err_list errors = {0};
    struct evaluation *e = evaluation_new(&t->bundle, NULL);
    if (!evaluation_load(e, STR("t.py"), &errors)) {
        auto_buf text = BUF(1 << 20);
        diag_add_err(&text, evaluation_sources(e), &errors.at[0], NULL);
        fprintf(stderr, "%s", buf_c(&text));
        die(t, "the programs of this test are valid", NULL, NULL);
    }
    return e;
}

static enum evaluation_state start(struct evaluation *e)
{
    struct evaluation_request q = {.event = STR("{\"type\": \"push\", \"ref\": \"refs/heads/m\"}")};
    return evaluation_start(e, evaluation_find(e, DEFINITION_WORKFLOW, STR("t")), &q);
}

static void describe(struct evaluation *e, enum evaluation_state state, struct buf *out)
{
    const struct plan *p = evaluation_plan(e);
    plan_add_json(out, p, true);
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].judged_from != PLAN_NEVER)
            buf_addf(out, "\n%u judged from %u", i, p->steps[i].judged_from);
    if (state == EVALUATION_FAILED) {
        buf_addf(out, "\nfailed step '%.*s': ", STR_ARG(evaluation_failed_step(e)));
        diag_add_err(out, evaluation_sources(e), evaluation_error(e), NULL);
    }
    buf_addf(out, "\n%s, %" PRIi64 " instructions", state == EVALUATION_AWAIT ? "awaits" : "done",
             evaluation_instructions(e));
}

static void set_result(struct trial *t, struct evaluation *e, str id)
{
    struct err err = ERR_INIT;
    auto_buf result = BUF(1 << 16);
    make_result(t->results, id, &result);
    if (!evaluation_set_result(e, id, buf_str(&result), &err)) {
        fprintf(stderr, "%s\n%s\n", buf_c(&result), err.message.p);
        die(t, "a result is taken", NULL, NULL);
    }
}

static bool is_recorded(const struct recorded *r, str id)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (str_eq(r->ids[i], id))
            return true;
    return false;
}

static void finish_step(struct trial *t, struct evaluation *e, struct recorded *r, str id)
{
    if (is_recorded(r, id))
        return;
    if (r->n == STEPS_KNOWN_MAX)
        die(t, "the programs of this test are short", NULL, NULL);
    r->ids[r->n++] = arena_str(&t->arena, id);
    set_result(t, e, id);
}

/* Only what is awaited, as late as possible. */
static void in_program_order(struct trial *t, struct buf *out, struct recorded *r)
{
    struct evaluation *e = load(t);
    enum evaluation_state state = start(e);
    for (uint32_t i = 0; state == EVALUATION_AWAIT; i++, awaits_met++) {
        const struct plan *p = evaluation_plan(e);
        if (i == GROWTHS_MAX)
            die(t, "evaluations end", NULL, NULL);
        for (uint32_t k = 0; k < p->await_count; k++)
            finish_step(t, e, r, p->steps[p->await_steps[k]].id);
        state = evaluation_resume(e);
    }
    done_count += state == EVALUATION_DONE;
    describe(e, state, out);
    evaluation_free(e);
}

/* What a restart makes of the recorded results is what was there before it. */
static void check_rebuilt(struct trial *t, struct evaluation *kept, enum evaluation_state state,
                          const struct recorded *r)
{
    auto_buf one = BUF(16 << 20), other = BUF(16 << 20);
    struct evaluation *e = load(t);
    for (uint32_t i = r->n; i-- > 0;)
        set_result(t, e, r->ids[i]);
    enum evaluation_state again = start(e);
    describe(kept, state, &one);
    describe(e, again, &other);
    rebuilds_made++;
    if (strcmp(buf_c(&one), buf_c(&other)) != 0)
        die(t, "a rebuilt evaluation is what it was", &one, &other);
    evaluation_free(e);
}

static bool has_what_it_awaits(const struct evaluation *e, const struct recorded *r)
{
    const struct plan *p = evaluation_plan(e);
    for (uint32_t k = 0; k < p->await_count; k++)
        if (!is_recorded(r, p->steps[p->await_steps[k]].id))
            return false;
    return true;
}

static void in_any_order(struct trial *t, struct buf *out)
{
    auto_free struct recorded *r = mem_zalloc(sizeof *r);
    struct evaluation *e = load(t);
    enum evaluation_state state = start(e);
    uint32_t hurry = 1 + below(6);
    while (state == EVALUATION_AWAIT) {
        const struct plan *p = evaluation_plan(e);
        while (!has_what_it_awaits(e, r)) {
            bool other = !chance(hurry);
            uint32_t step = other ? below(p->step_count) : p->await_steps[below(p->await_count)];
            finish_step(t, e, r, p->steps[step].id);
            if (chance(8) && !has_what_it_awaits(e, r))
                check_rebuilt(t, e, state, r);
        }
        state = evaluation_resume(e);
        if (chance(6) || state != EVALUATION_AWAIT)
            check_rebuilt(t, e, state, r);
    }
    describe(e, state, out);
    evaluation_free(e);
}

static void all_beforehand(struct trial *t, const struct recorded *r, struct buf *out)
{
    struct evaluation *e = load(t);
    for (uint32_t i = 0; i < r->n; i++)
        set_result(t, e, r->ids[i]);
    describe(e, start(e), out);
    evaluation_free(e);
}

static void try_program(uint64_t seed)
{
    struct trial t = {.seed = seed};
    struct program p = {.text = BUF(1 << 20)};
    auto_free struct recorded *r = mem_zalloc(sizeof *r);
    auto_buf wanted = BUF(16 << 20);

    rng_state = seed;
    make_program(&p);
    t.results = next_random();
    t.source = buf_c(&p.text);
    bundle_add(&t.bundle, STR("t.py"), buf_str(&p.text));
    bundle_add(&t.bundle, STR(".plue/actions/set-up/action.py"),
               STR("@action(inputs={'v': str, 'key': optional(secret)}, outputs={'p': str})\n"
                   "def set_up(ctx):\n"
                   "    get = ctx.run('get', f'get {ctx.inputs.v}')\n"
                   "    if get.failed:\n"
                   "        return ctx.fail(get.stdout)\n"
                   "    ctx.run('put', 'put')\n"
                   "    return ctx.success(p=get.outputs.k)\n"));
    in_program_order(&t, &wanted, r);
    for (int i = 0; i < ORDERS + 1; i++) {
        auto_buf got = BUF(16 << 20);
        if (i == ORDERS)
            all_beforehand(&t, r, &got);
        else
            in_any_order(&t, &got);
        if (strcmp(buf_c(&wanted), buf_c(&got)) != 0)
            die(&t,
                i == ORDERS ? "results given beforehand give the same plan"
                            : "any finishing order gives the same plan",
                &wanted, &got);
    }
    trials_done++;
    buf_done(&p.text);
    bundle_done(&t.bundle);
    arena_done(&t.arena);
}

/* ---- many awaits, one after the other ---- */

/* Each with hs, a list of steps, and ways to say the same in one expression. */
static const char *const kept_forms[] = {
    "v = [ctx.run(f'x{i}', 'x').ok and i for i in range(N)]",
    "v = any(s.failed for s in hs)",
    "v = all(s.ok for s in hs)",
    "v = sum(1 for s in hs if s.ok)",
    "v = sum((len(s.stdout) for s in hs), 0)",
    "v = max(len(s.stdout) for s in hs)",
    "v = min((s.exit_code for s in hs), default=0)",
    "v = max(hs, key=lambda s: s.exit_code).ok",
    "v = min(hs, key=lambda s: len(s.stdout)).ok",
    "v = len(sorted(len(s.stdout) for s in hs))",
    "v = sorted(hs, key=lambda s: len(s.stdout), reverse=True)[0].ok",
    "v = len(list(len(s.stdout) for s in hs))",
    "v = len(tuple(len(s.stdout) for s in hs))",
    "v = len(set(len(s.stdout) for s in hs))",
    "v = len(frozenset(len(s.stdout) for s in hs))",
    "v = next((s.stdout for s in hs if s.failed), None)",
    "v = len(','.join(str(len(s.stdout)) for s in hs))",
    "v = {s.stdout for s in hs}",
    "v = {i: 1 for i, s in enumerate(hs) if s.ok}",
    "v = sum(any(s.failed for s in (t, t)) for t in hs)",
    "v = [f(s) for f in [lambda s: s.ok and 1] for s in hs]",
    "v = any(s.ok is None for s in hs if not s.failed)",
};

static void check_kept(const char *form, uint32_t awaits)
{
    struct trial t = {.seed = 1};
    struct err err = ERR_INIT;
    auto_buf text = BUF(1 << 20);
    uint32_t stops = 0;
    buf_addf(&text,
             "N = %u\n@workflow(triggers=[push()])\ndef t(ctx):\n"
             "    hs = [ctx.run(f's{i}', 'x', depends_on=[]) for i in range(N)]\n    %s\n",
             awaits, form);
    t.source = buf_c(&text);
    bundle_add(&t.bundle, STR("t.py"), buf_str(&text));
    struct evaluation *e = load(&t);
    enum evaluation_state state = start(e);
    for (; state == EVALUATION_AWAIT; stops++) {
        const struct plan *p = evaluation_plan(e);
        for (uint32_t i = 0; i < p->await_count; i++)
            if (!evaluation_set_result(e, p->steps[p->await_steps[i]].id,
                                       STR("{\"stdout\": \"ab\"}"), &err))
                die(&t, "a result is taken", NULL, NULL);
        state = evaluation_resume(e);
    }
    if (state != EVALUATION_DONE || stops + 1 < awaits || evaluation_rebuilds(e)) {
        fprintf(stderr, "%u stops, %u rebuilds\n", stops, evaluation_rebuilds(e));
        die(&t, "an await inside of a builtin is kept in memory", NULL, NULL);
    }
    evaluation_free(e);
    bundle_done(&t.bundle);
    arena_done(&t.arena);
}

int main(int argc, char **argv)
{
    uint64_t programs = argc > 1 ? strtoull(argv[1], NULL, 10) : 400;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20260729;
    for (size_t i = 0; i < sizeof kept_forms / sizeof *kept_forms; i++)
        check_kept(kept_forms[i], argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 50);
    for (uint64_t i = 0; i < programs; i++)
        try_program(seed + i);
    printf("growth: %" PRIu64 " programs, %" PRIu64 " ended in a result, %" PRIu64
           " awaits, %" PRIu64 " rebuilds compared\n",
           trials_done, done_count, awaits_met, rebuilds_made);
    if (programs >= 100 && (done_count < programs / 4 || awaits_met < programs)) {
        fprintf(stderr, "growth: the programs of this test have become too poor\n");
        return 1;
    }
    return 0;
}
