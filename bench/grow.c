/* How evaluations grow.
 *     grow steps N     one plan of N steps, source to JSON: processor microseconds
 *     grow awaits N    N awaits one after the other, each with its result: microseconds, KiB
 * resident at the end grow memory N    N evaluations in turn: KiB resident after a hundredth of
 * them, and after all grow fresh N     the smallest workflow N times: microseconds each, bytes
 * allocated while it lives
 */
#include "base/buf.h"
#include "plan/plan.h"
#include "workflow/evaluation.h"
#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define PATH ".plue/workflows/w.py"
#define HEAD "@workflow(triggers=[manual()])\ndef w(ctx):\n"

enum { JSON_MAX = 1 << 30 };

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bool ok = f && fscanf(f, "%ld %ld", &pages, &resident) == 2;
    if (f)
        fclose(f);
    return ok ? resident * 4 : -1;
}

static struct evaluation *start(const struct bundle *bundle, enum evaluation_state *ret_state)
{
    static const struct heap_limits limits = {
        .instructions = INT64_MAX / 2, .bytes = (size_t)4 << 30, .depth = 200, .output = 1 << 20};
    struct evaluation_options options = {.limits = &limits};
    struct evaluation *e = evaluation_new(bundle, &options);
    struct err_list errors = {0};
    struct evaluation_request request = {.event = STR("{\"type\": \"manual\", \"inputs\": {}}")};
    *ret_state = EVALUATION_FAILED;
    if (evaluation_load(e, STR(PATH), &errors))
        *ret_state =
            evaluation_start(e, evaluation_find(e, DEFINITION_WORKFLOW, STR("w")), &request);
    if (*ret_state == EVALUATION_FAILED)
        fprintf(stderr, "grow: %s\n",
                errors.n ? errors.at[0].message.p : evaluation_error(e)->message.p);
    err_list_done(&errors);
    return e;
}

static bool grow_steps(const struct bundle *bundle)
{
    auto_buf json = BUF(JSON_MAX);
    enum evaluation_state state;
    double began = processor_us();
    struct evaluation *e = start(bundle, &state);
    plan_add_json(&json, evaluation_plan(e), false);
    evaluation_free(e);
    printf("%.1f\n", processor_us() - began);
    return state == EVALUATION_DONE && !json.overflow;
}

static bool grow_awaits(const struct bundle *bundle)
{
    enum evaluation_state state;
    auto_err err = ERR_INIT;
    double began = processor_us();
    struct evaluation *e = start(bundle, &state);
    while (state == EVALUATION_AWAIT) {
        const struct plan *p = evaluation_plan(e);
        if (!evaluation_set_result(e, p->steps[p->step_count - 1].id, STR("{}"), &err))
            break;
        state = evaluation_resume(e);
    }
    double took = processor_us() - began;
    printf("%.1f %ld\n", took, resident_kib());
    evaluation_free(e);
    return state == EVALUATION_DONE;
}

static bool repeat(const struct bundle *bundle, long n)
{
    enum evaluation_state state = EVALUATION_DONE;
    for (long i = 0; i < n && state == EVALUATION_DONE; i++)
        evaluation_free(start(bundle, &state));
    return state == EVALUATION_DONE;
}

static bool grow_memory(const struct bundle *bundle, long n)
{
    bool ok = repeat(bundle, n / 100);
    long before = resident_kib();
    ok = ok && repeat(bundle, n - n / 100);
    printf("%ld %ld\n", before, resident_kib());
    return ok;
}

static bool grow_fresh(const struct bundle *bundle, long n)
{
    enum evaluation_state state;
    size_t before = mallinfo2().uordblks;
    struct evaluation *e = start(bundle, &state);
    size_t held = mallinfo2().uordblks - before;
    evaluation_free(e);
    double began = processor_us();
    bool ok = repeat(bundle, n);
    printf("%.2f %zu\n", (processor_us() - began) / (double)n, held);
    return ok;
}

int main(int argc, char **argv)
{
    const char *what = argc == 3 ? argv[1] : "";
    long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    auto_buf text = BUF(JSON_MAX);
    struct bundle bundle = {0};
    bool ok = false;
    buf_add_c(&text, HEAD);
    if (!strcmp(what, "steps"))
        buf_addf(&text,
                 "    for i in range(%ld):\n        ctx.run(name=f's{i}', cmd=f'echo {i}')\n", n);
    else if (!strcmp(what, "awaits"))
        buf_addf(&text,
                 "    for i in range(%ld):\n        if ctx.run(name=f's{i}', cmd='true').failed:\n"
                 "            return ctx.fail('no')\n",
                 n);
    else
        buf_add_c(&text, "    ctx.run(name='s', cmd='true')\n");
    bundle_add(&bundle, STR(PATH), buf_str(&text));
    if (!strcmp(what, "steps"))
        ok = grow_steps(&bundle);
    else if (!strcmp(what, "awaits"))
        ok = grow_awaits(&bundle);
    else if (!strcmp(what, "memory"))
        ok = grow_memory(&bundle, n);
    else if (!strcmp(what, "fresh"))
        ok = grow_fresh(&bundle, n);
    else
        fprintf(stderr, "usage: grow steps|awaits|memory|fresh N\n");
    bundle_done(&bundle);
    return ok ? 0 : 1;
}
