/* plue run replay: a run again, its models answered from its record. */
#include "base/fd.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/drive.h"
#include <fcntl.h>

enum { FORK_TEXT_MAX = 4 << 20 /* bytes of a file that a fork puts in */ };

/* What only a fork takes. */
static const char *const fork_options[] = {"step", "client", "prompt", "result"};

static bool read_text(const char *option, const char *path, struct buf *ret, struct err *err)
{
    int e = fd_read_file(AT_FDCWD, path, ret);
    if (e)
        return err_errno(err, "invalid_option", e, "--%s: %s cannot be read", option, path);
    return utf8_invalid_at(buf_str(ret)) == SIZE_MAX ||
           err_set(err, "invalid_option", "--%s: %s is not UTF-8", option, path);
}

/* TOOL=FILE */
static bool read_result(json_t *results, const char *given, struct err *err)
{
    const char *equals = strchr(given, '=');
    auto_buf text = BUF(FORK_TEXT_MAX);
    if (!equals || equals == given || !equals[1]) {
        err_set(err, "invalid_option", "--result %s: give it as TOOL=FILE", given);
        err_hint(err, "TOOL is the name of a tool that the turn before called, or the call's id");
        return false;
    }
    if (!read_text("result", equals + 1, &text, err))
        return false;
    json_object_setn_new(results, given, (size_t)(equals - given), json_stringn(text.p, text.n));
    return true;
}

static bool check_options(struct cli *c, struct err *err)
{
    for (size_t i = 0; i < sizeof fork_options / sizeof *fork_options; i++)
        if (cli_has(c, fork_options[i]) && !cli_has(c, "fork-at")) {
            err_set(err, "invalid_option", "--%s belongs to --fork-at", fork_options[i]);
            err_hint(err, "add --fork-at TURN: the first turn that the model is asked for");
            return false;
        }
    return true;
}

/* prompt and results are what the fork borrows. */
static bool read_fork(struct cli *c, struct replay_fork *f, struct buf *prompt, json_t *results,
                      struct err *err)
{
    const char *step = cli_value(c, "step"), *client = cli_value(c, "client");
    *f = (struct replay_fork){.step = step ? str_of(step) : STR(""),
                              .client = client ? str_of(client) : STR(""),
                              .results = results};
    if (!check_options(c, err) || !cli_number(c, "fork-at", 0, &f->turn, err))
        return false;
    if (cli_has(c, "prompt") && !read_text("prompt", cli_value(c, "prompt"), prompt, err))
        return false;
    f->prompt = buf_str(prompt);
    vec_each (g, &c->given)
        if (strcmp(g->option->name, "result") == 0 && !read_result(results, g->value, err))
            return false;
    return true;
}

static void drop_json(json_t **j)
{
    json_decref(*j);
}

static int replay(struct cli *c)
{
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    auto_buf prompt = BUF(FORK_TEXT_MAX);
    cleanup(drop_json) json_t *results = json_object();
    struct replay_fork fork;
    struct data found = {0};
    int64_t id;
    if (!read_fork(c, &fork, &prompt, results, &e))
        return cli_fail(c, NULL, &e);
    bool ok = data_find_run(c, DATA_LOOK, &found, &id, &e);
    data_done(&found);
    if (!ok || !drive_open(c, DATA_WRITE, &d, &e) || !drive_replay(&d, id, &fork, &e))
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
        "asks something else than was recorded it fails, and says what differs first.\n"
        "With --fork-at the step's model is asked from that turn on, and so are others where the\n"
        "run then goes another way: with another prompt, by another client, or after another\n"
        "result of a tool. The fork is a run with a record of its own.",
    .example = "plue run replay 12\n"
               "plue run replay 12 --fork-at 3 --client openai/gpt\n"
               "plue run replay 12 --fork-at 2 --step fix --result shell=other-output.txt",
    .options =
        (const struct cli_option[]){
            {"fork-at", "TURN", "ask the model from this turn of a step on, the first being 1"},
            {"step", "STEP", "the step that is forked, where several ask models"},
            {"client", "NAME", "provider/model or alias that is asked"},
            {"prompt", "FILE", "the prompt's file, in the place of the one that was used"},
            {"result", "TOOL=FILE", "what a call of the turn before gives; may be repeated"},
            {"secret-file", "FILE", "secrets as NAME=value lines"},
            {"slots", "N", "steps side by side (default: the number of processors)"},
            {"follow", NULL, "print the logs as they come"},
            CLI_DATA_DIR_OPTION,
            {"json", NULL, "print the run as JSON at its end; with --follow its events"},
            {0}},
    .run = replay,
};
