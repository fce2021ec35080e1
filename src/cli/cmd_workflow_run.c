/* plue workflow run: plans with a real event, and runs the plan on this machine. */
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/drive.h"
#include "cli/placement.h"
#include "cli/request.h"
#include <errno.h>
#include <fcntl.h>

/* ---- records of models ---- */

static bool read_options(struct cli *c, char **ret_replay, struct err *err)
{
    const char *file = cli_value(c, "replay");
    if (file && cli_has(c, "record"))
        return err_set(err, "invalid_option", "--record and --replay do not go together");
    if (!file)
        return true;
    if (!engine_record_check(file, err))
        return false;
    *ret_replay = realpath(file, NULL); /* a resume may come from another folder */
    return *ret_replay || err_errno(err, "invalid_option", errno, "--replay %s", file);
}

static bool write_record(struct cli *c, struct drive *d, struct err *err)
{
    const char *file = cli_value(c, "record");
    json_t *record = engine_record(d->data.reader, d->run_id, err);
    if (!record)
        return false;
    auto_free char *text = json_dumps(record, JSON_INDENT(2));
    json_decref(record);
    auto_buf line = BUF(CLI_OUTPUT_MAX);
    buf_addf(&line, "%s\n", text);
    int e = fd_write_file(AT_FDCWD, file, buf_str(&line), 0644);
    return e ? err_errno(err, "file_unwritable", e, "%s cannot be written", file) : true;
}

/* The engine takes evaluation and bundle, whatever comes of it. */
static bool start(struct drive *d, struct request *r, const char *replay,
                  const struct engine_breaks *breaks, const char *backend, struct err *err)
{
    auto_buf inputs = BUF(JSON_FILE_MAX_BYTES);
    struct json_writer w = JSON_WRITER(&inputs, false);
    json_t *given = json_object_get(r->event, "inputs");
    if (json_is_object(given))
        json_put(&w, given);
    struct engine_request q = {
        .evaluation = r->found.evaluation,
        .bundle = r->registry.bundle,
        .repository = str_of(r->registry.root),
        .source = str_of(r->registry.root),
        .commit = r->commit,
        .event = r->event_text,
        .repository_facts = r->repository_text,
        .trigger_type = json_get_text(r->event, "type"),
        .ref = json_get_text(r->event, "ref"),
        .sha = json_get_text(r->event, "sha"),
        .branch = json_get_text(r->event, "branch"),
        .actor = json_get_text(r->event, "actor"),
        .inputs = buf_str(&inputs),
        .sandbox_backend = backend,
        .breaks = *breaks,
        .replay_file = replay ? str_of(replay) : STR(""),
    };
    const struct definition *def = r->found.definition;
    json_t *options = json_loadb(def->options.p, def->options.n, 0, NULL);
    json_t *group = json_object_get(options, "concurrency");
    q.group = json_get_text(group, "group");
    q.policy = json_get_text(group, "policy");
    q.priority = json_integer_value(json_object_get(options, "priority"));
    r->found.evaluation = NULL;
    r->registry.bundle = NULL;
    bool ok = drive_run(d, &q, err);
    json_decref(options);
    return ok;
}

static int run(struct cli *c)
{
    auto_request r = {0};
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    auto_free char *replay = NULL;
    auto_arena a = ARENA_INIT;
    struct engine_breaks breaks;
    const char *backend;
    enum evaluation_state state;
    int status;
    if (!read_options(c, &replay, &e))
        return cli_fail(c, NULL, &e);
    if (!request_open(c, REQUEST_RUN, &r, &status) || !request_evaluate(&r, &state, &status))
        return status;
    const struct plan *plan = evaluation_plan(r.found.evaluation);
    if (!placement_choose(c, plan, cli_value(c, "sandbox"), &a, &backend, &e) ||
        !engine_check_plan(plan, &e) || !drive_read_breaks(c, plan, &a, &breaks, &e) ||
        !drive_open(c, DATA_MAKE, &d, &e) ||
        !drive_start_engine(&d, backend, r.registry.root, &e) ||
        !start(&d, &r, replay, &breaks, backend, &e))
        return cli_fail(c, NULL, &e);
    status = drive_loop(&d);
    if (cli_has(c, "record") && status <= CLI_RUN_FAILED && !write_record(c, &d, &e))
        return cli_fail(c, NULL, &e);
    return status;
}

const struct command command_workflow_run = {
    .name = "workflow run",
    .args = "NAME",
    .min = 1,
    .max = 1,
    .summary = "run a workflow on this machine and watch it",
    .doc =
        "The steps run in a sandbox, on a copy of the working tree without what .gitignore "
        "names,\nor with --ref on the files of a commit, whose workflow files count then.\nExits with 0 on success, 1 where the run failed, 3 where it was cancelled "
        "(Ctrl-C).",
    .example = "plue workflow run ci\n"
               "plue workflow run deploy --input env=staging\n"
               "plue workflow run ci --event push.json --json\n"
               "plue workflow run ci --ref v1.2\n"
               "plue workflow run ci --break-before test --break-on-failure\n"
               "plue workflow run review --event pull.json --record review.json",
    .options =
        (const struct cli_option[]){
            {"event", "FILE", "the event, as JSON in the shape of ctx.event"},
            {"input", "NAME=VALUE", "an input of the manual trigger; may be repeated"},
            {"sandbox", "BACKEND",
             "bubblewrap (default), or none; else what the workflow asks for"},
            CLI_LABELS_OPTION,
            {"secret-file", "FILE", "secrets as NAME=value lines, beside PLUE_SECRET_NAME"},
            {"slots", "N", "steps side by side (default: the number of processors)"},
            {"ref", "REF", "run a commit, branch or tag instead of the working tree"},
            {"record", "FILE", "keep what models were asked and answered, without secrets"},
            {"replay", "FILE", "answer models' requests from a record, without a key or a network"},
            CLI_BREAK_OPTIONS,
            {"follow", NULL, "print the logs as they come"},
            CLI_DATA_DIR_OPTION,
            {"json", NULL, "print the run as JSON at its end; with --follow its events"},
            {0}},
    .run = run,
};
