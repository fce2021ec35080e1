/* plue verify: evaluates a run again from what is recorded, and holds it against its receipt. */
#include "cli/commands.h"
#include "cli/data.h"
#include "engine/verify.h"
#include "json/error.h"

static void print_json(struct cli *c, const struct verification *v)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "run");
    json_put_int(&w, v->run.id);
    json_key_c(&w, "workflow");
    json_put_str(&w, v->run.workflow);
    json_key_c(&w, "verified");
    json_put_bool(&w, v->problems.n == 0);
    json_key_c(&w, "receipt");
    json_begin_object(&w);
    json_key_c(&w, "recorded");
    json_put_str_or_null(&w, v->run.plan_hash);
    json_key_c(&w, "computed");
    json_put_str_or_null(&w, v->computed);
    json_end_object(&w);
    json_key_c(&w, "evaluator");
    json_put_str_or_null(&w, v->run.evaluator);
    json_key_c(&w, "files");
    json_put_int(&w, (int64_t)v->files);
    json_key_c(&w, "steps");
    json_put_int(&w, (int64_t)v->steps);
    json_key_c(&w, "problems");
    json_begin_array(&w);
    for (size_t i = 0; i < v->problems.n; i++)
        json_put_error(&w, NULL, &v->problems.at[i]);
    json_end_array(&w);
    json_end_object(&w);
    cli_out_json(c, &b);
}

static void print_text(struct cli *c, const struct verification *v)
{
    bool ok = v->problems.n == 0;
    const char *color = !c->color ? "" : ok ? "\x1b[32m" : "\x1b[31m";
    cli_outf(c, "run %lld of %.*s: %s%s%s\n", (long long)v->run.id, STR_ARG(v->run.workflow), color,
             ok ? "verified" : "not verified", *color ? "\x1b[0m" : "");
    cli_outf(c, "  receipt    %.*s\n  evaluator  %.*s\n  evaluated  %zu file%s, %zu step%s\n",
             STR_ARG(v->run.plan_hash), STR_ARG(v->run.evaluator), v->files,
             v->files == 1 ? "" : "s", v->steps, v->steps == 1 ? "" : "s");
    for (size_t i = 0; i < v->problems.n; i++) {
        const struct err *e = &v->problems.at[i];
        cli_outf(c, "  - %.*s\n", STR_ARG(e->message));
        if (e->hint.n)
            cli_outf(c, "    hint: %.*s\n", STR_ARG(e->hint));
    }
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_verification v = {0};
    auto_err e = ERR_INIT;
    int64_t id;
    if (!data_find_run(c, DATA_LOOK, &d, &id, &e) || !engine_verify(d.reader, id, &v, &e))
        return cli_fail(c, NULL, &e);
    if (c->json)
        print_json(c, &v);
    else
        print_text(c, &v);
    return v.problems.n ? CLI_RUN_FAILED : CLI_OK;
}

const struct command command_verify = {
    .name = "verify",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "evaluate a run again and hold it against its receipt",
    .doc = "A run that has ended has a receipt: one hash over the evaluated files, the event, the\n"
           "plan and the results of all steps. The run is evaluated again from the database; what\n"
           "was changed since is named. Nothing is run. Exits with 1 where something differs.",
    .example = "plue verify 12\nplue verify 12 --json",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = run,
};
