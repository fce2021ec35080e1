/* plue run rerun: a further attempt of a run that has ended. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/drive.h"
#include "cli/placement.h"
#include "cli/request.h"
#include "engine/rerun.h"
#include "registry/registry.h"
#include "json/json.h"
#include <stdio.h>
#include <time.h>

enum { LOOK_MS = 20, SAY_AFTER_MS = 1000 };

static bool read_scope(struct cli *c, struct rerun_options *o, struct err *err)
{
    o->from = cli_value(c, "from");
    o->scope = o->from ? RERUN_FROM : cli_has(c, "failed") ? RERUN_FAILED : RERUN_ALL;
    if (o->from && cli_has(c, "failed")) {
        err_set(err, "invalid_option", "--failed and --from exclude each other");
        err_hint(err, "--from STEP runs that step and what comes after it, failed or not");
        return false;
    }
    if (!cli_has(c, "ref") || !cli_has(c, "working-tree"))
        return true;
    err_set(err, "invalid_option", "--ref and --working-tree exclude each other");
    err_hint(err, "--ref REF takes workflow and files of that commit");
    return false;
}

/* The workflow as the working tree has it now, or a commit; the evaluation keeps the registry's
 * bundle. */
static bool take_sources(struct cli *c, const struct store_run *run, struct arena *a,
                         struct rerun_options *o, struct err *err)
{
    auto_registry registry = {0};
    auto_registry_found found = {0};
    auto_free char *root = str_dup(run->repository);
    struct git_head head = {.sha = STR("")};
    bool ok = cli_has(c, "ref") ? request_open_commit(c, root, a, &registry, &head, err)
                                : registry_open(root, &registry, err);
    if (!ok)
        return false;
    if (!registry_find(&registry, run->workflow, NULL, &found)) {
        err_move(err, &found.errors.at[0]);
        return false;
    }
    o->other_files = true;
    o->commit = head.sha;
    o->evaluation = steal(found.evaluation);
    o->definition = found.definition;
    o->bundle = steal(registry.bundle);
    return true;
}

static bool prepare(struct cli *c, struct drive *d, int64_t id, struct rerun **ret, struct err *err)
{
    auto_arena a = ARENA_INIT;
    struct rerun_options o = {.run_id = id};
    struct store_run run;
    auto_free char *backend = NULL;
    if (!read_scope(c, &o, err) || !store_load_run(d->data.reader, id, &a, &run, err))
        return false;
    json_t *kept = json_loadb(run.plan.p, run.plan.n, 0, NULL);
    str name = json_get_text(kept, "sandbox");
    backend = name.n ? str_dup(name) : NULL;
    json_decref(kept);
    bool other = cli_has(c, "working-tree") || cli_has(c, "ref");
    if (other && run.origin.n) {
        err_set(err, "invalid_option", "run %lld was imported: its repository is elsewhere",
                (long long)id);
        err_hint(err, "without --ref and --working-tree it runs on the files that came with it");
        return false;
    }
    if (!drive_start_engine(d, backend, arena_cstr(&a, run.repository), err) ||
        (other && !take_sources(c, &run, &a, &o, err)))
        return false;
    o.runner = d->runner;
    return rerun_prepare(d->data.reader, &o, ret, err);
}

/* ---- what will happen ---- */

static void add_list(struct buf *b, const struct rerun *x, const char *title, bool kept)
{
    const struct plan *p = rerun_plan(x);
    size_t n = 0;
    for (uint32_t i = 0; i < p->step_count; i++) {
        const char *difference = rerun_difference(x, i);
        if (rerun_keeps(x, i) != kept || p->steps[i].type == STEP_TYPE_PARALLEL)
            continue;
        buf_addf(b, "%s%.*s", n++ ? ", " : title, STR_ARG(p->steps[i].id));
        if (difference)
            buf_addf(b, " (%s)", difference);
    }
    if (n)
        buf_add_byte(b, '\n');
}

static void add_again(struct buf *b, const struct rerun *x)
{
    const struct plan *p = rerun_plan(x);
    size_t n = 0;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (rerun_runs_for_files(x, i))
            buf_addf(b, "%s%.*s", n++ ? ", " : "  again, since no files are kept from after it: ",
                     STR_ARG(p->steps[i].id));
    if (n)
        buf_add_byte(b, '\n');
}

static void show(struct cli *c, const struct rerun *x, int64_t id)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    const struct plan *p = rerun_plan(x);
    buf_addf(&b, "run %lld, attempt %lld\n", (long long)id, (long long)rerun_attempt(x));
    add_list(&b, x, "  kept: ", true);
    add_list(&b, x, "  runs: ", false);
    if (p->end == PLAN_OPEN)
        buf_add_c(&b, "  the rest of the plan follows from what these steps give\n");
    add_again(&b, x);
    auto_buf files = BUF(CLI_OUTPUT_MAX);
    rerun_add_files(x, &files);
    if (files.n)
        buf_addf(&b, "  files: %s\n", buf_c(&files));
    if (c->json)
        fwrite(buf_c(&b), 1, b.n, stderr);
    else
        cli_out(c, buf_str(&b));
}

/* The process that ran the last attempt may still be keeping its files. */
static bool wait_for_files(struct drive *d, int64_t id, struct err *err)
{
    struct store_owner self;
    if (!store_owner_self(&self, err))
        return false;
    for (int waited = 0;; waited += LOOK_MS) {
        auto_arena a = ARENA_INIT;
        struct store_lease lease;
        struct store_run run;
        bool has;
        if (!store_load_run(d->data.reader, id, &a, &run, err) ||
            !store_load_lease(d->data.reader, id, &lease, &has, err))
            return false;
        if (!has || !run_status_is_final(run.status) ||
            store_lease_is_free(&lease, &self, clock_wall_ms()))
            return true;
        if (waited == SAY_AFTER_MS)
            cli_note("process %lld is still busy with the files of run %lld",
                     (long long)lease.owner.pid, (long long)id);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000 * 1000}, NULL);
    }
}

static int rerun(struct cli *c)
{
    auto_drive d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    struct engine_breaks breaks;
    struct data found = {0};
    struct rerun *x = NULL;
    int64_t id;
    bool ok = data_find_run(c, DATA_LOOK, &found, &id, &e);
    data_done(&found);
    if (!ok || !drive_open(c, DATA_WRITE, &d, &e) || !wait_for_files(&d, id, &e) ||
        !prepare(c, &d, id, &x, &e))
        return cli_fail(c, NULL, &e);
    const char *backend = rerun_backend(x);
    if (!placement_choose(c, rerun_plan(x), backend, &a, &backend, &e) ||
        !drive_read_breaks(c, rerun_plan(x), &a, &breaks, &e)) {
        rerun_free(x);
        return cli_fail(c, NULL, &e);
    }
    rerun_set_breaks(x, &breaks);
    show(c, x, id);
    if (cli_has(c, "dry-run")) {
        rerun_free(x);
        return CLI_OK;
    }
    if (!drive_rerun(&d, id, x, &e))
        return cli_fail(c, NULL, &e);
    return drive_loop(&d);
}

const struct command command_run_rerun = {
    .name = "run rerun",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "run a run that has ended again, whole or in part",
    .doc =
        "It keeps its id, and its attempt counts up; the logs of earlier attempts stay.\n"
        "The plan is made from the run's own workflow files, with --working-tree from the\n"
        "present ones, with --ref from a commit's. Steps that are kept keep their results; the\n"
        "others run in the files that the attempt before left, or in a snapshot of them: for --from\n"
        "the newest in which STEP had not ended well. Steps that are missing from it run again.\n"
        "Where none is kept, they run in what the run began with, in those of --ref's commit, or\n"
        "with --working-tree in the present ones.",
    .example = "plue run rerun 12\nplue run rerun 12 --failed\nplue run rerun 12 --from build "
               "--working-tree",
    .options =
        (const struct cli_option[]){
            {"failed", NULL, "only what did not succeed, and what comes after it"},
            {"from", "STEP", "only this step, and what comes after it"},
            {"working-tree", NULL, "with the workflow and the files of the working tree now"},
            {"ref", "REF", "with the workflow and the files of a commit, branch or tag"},
            {"dry-run", NULL, "show what would be kept and run, and stop"},
            {"secret-file", "FILE", "secrets as NAME=value lines"},
            {"slots", "N", "steps side by side (default: the number of processors)"},
            CLI_BREAK_OPTIONS,
            CLI_LABELS_OPTION,
            {"follow", NULL, "print the logs as they come"},
            CLI_DATA_DIR_OPTION,
            {"json", NULL, "print the run as JSON at its end; with --follow its events"},
            {0}},
    .run = rerun,
};
