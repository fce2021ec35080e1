/* plue run approve: what a person decides about a step that waits for it. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/data.h"
#include <pwd.h>
#include <unistd.h>

/* The one that waits, or the one that is named. */
static bool choose(struct cli *c, const struct data *d, int64_t id, struct arena *a,
                   struct store_approval *ret, struct err *err)
{
    const char *step = c->args.n > 1 ? c->args.at[1] : NULL;
    struct store_run run;
    struct store_approval *list;
    size_t n, open = 0;
    if (!store_load_run(d->reader, id, a, &run, err) ||
        !store_list_approvals(d->reader, id, run.attempt, a, &list, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (step ? !str_is(list[i].step_id, step) : list[i].decided_at != 0)
            continue;
        *ret = list[i];
        open++;
    }
    if (open == 1)
        return true;
    if (open)
        err_set(err, "approval_ambiguous", "several steps of run %lld wait for an approval",
                (long long)id);
    else if (step)
        err_set(err, "step_unknown", "no step '%s' of run %lld asks for an approval", step,
                (long long)id);
    else
        err_set(err, "approval_decided", "no step of run %lld waits for an approval",
                (long long)id);
    for (size_t i = 0; i < n; i++)
        if (!list[i].decided_at)
            err_hint(err, "plue run approve %lld %.*s", (long long)id, STR_ARG(list[i].step_id));
    err_hint(err, "plue run view %lld shows where it is", (long long)id);
    return false;
}

static str who(struct arena *a)
{
    const struct passwd *p = getpwuid(getuid());
    return p ? arena_str(a, str_of(p->pw_name)) : arena_printf(a, "%u", (unsigned)getuid());
}

static void report(struct cli *c, const struct store_approval *a)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    if (!c->json) {
        cli_outf(c, "%.*s of run %lld is %.*s\n", STR_ARG(a->step_id), (long long)a->run_id,
                 STR_ARG(a->decision));
        return;
    }
    json_begin_object(&w);
    json_key_c(&w, "run_id");
    json_put_int(&w, a->run_id);
    json_key_c(&w, "step");
    json_put_str(&w, a->step_id);
    json_key_c(&w, "decision");
    json_put_str(&w, a->decision);
    json_key_c(&w, "actor");
    json_put_str(&w, a->actor);
    json_key_c(&w, "comment");
    json_put_str_or_null(&w, a->comment);
    json_end_object(&w);
    cli_out_json(c, &b);
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    int64_t id;
    struct store_approval approval;
    const char *comment = cli_value(c, "comment");
    if (!data_find_run(c, DATA_WRITE, &d, &id, &e) || !choose(c, &d, id, &a, &approval, &e))
        return cli_fail(c, NULL, &e);
    approval.decision = cli_has(c, "reject") ? STR("rejected") : STR("approved");
    approval.actor = who(&a);
    approval.comment = str_of(comment ? comment : "");
    approval.decided_at = clock_wall_ms();
    struct store_batch *b = store_batch_new(d.store);
    store_decide_approval(b, &approval);
    if (!store_commit(d.store, b, NULL, &e))
        return cli_fail(c, NULL, &e);
    report(c, &approval);
    return CLI_OK;
}

const struct command command_run_approve = {
    .name = "run approve",
    .args = "ID [STEP]",
    .min = 1,
    .max = 2,
    .summary = "approve or reject what a run waits for",
    .doc = "The process that drives the run goes on within a second. Where it has ended,\n"
           "plue run resume goes on with what was decided.",
    .example = "plue run approve 12\nplue run approve 12 sign-off --reject --comment \"not today\"",
    .options = (const struct cli_option[]){{"reject", NULL, "reject it: the step fails"},
                                           {"comment", "TEXT", "kept with the decision"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = run,
};
