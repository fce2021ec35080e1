/* plue run replay: a run again, its models answered from its record. */
#include "cli/commands.h"
#include "cli/drive.h"

static int replay(struct cli *c)
{
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    struct data found = {0};
    int64_t id;
    bool ok = data_find_run(c, DATA_LOOK, &found, &id, &e);
    data_done(&found);
    if (!ok || !drive_open(c, DATA_WRITE, &d, &e) || !drive_replay(&d, id, &e))
        return cli_fail(c, NULL, &e);
    return drive_loop(&d);
}

const struct command command_run_replay = {
    .name = "run replay",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "run a run again, its models answered from its record",
    .doc =
        "A new run of the same files, event and inputs. Steps run, and so do the tools of agents,\n"
        "in fresh files: those of the run's commit, else the working tree's. Models are not asked:\n"
        "they answer what they answered then, without a key, a network or a cost. Where a step\n"
        "asks something else than was recorded it fails, and says what differs first.",
    .example = "plue run replay 12",
    .options =
        (const struct cli_option[]){
            {"secret-file", "FILE", "secrets as NAME=value lines"},
            {"slots", "N", "steps side by side (default: the number of processors)"},
            {"follow", NULL, "print the logs as they come"},
            CLI_DATA_DIR_OPTION,
            {"json", NULL, "print the run as JSON at its end; with --follow its events"},
            {0}},
    .run = replay,
};
