/* plue run attach: a shell in the sandbox of a held step. */
#include "cli/commands.h"
#include "cli/held.h"
#include "cli/relay.h"
#include "cli/screen.h"
#include <unistd.h>

static void greet(int64_t id, str step)
{
    cli_note("a shell where step %.*s of run %lld runs; its command: /plue/script. exit leaves it",
             STR_ARG(step), (long long)id);
}

static void say_how_to_go_on(int64_t id, str step)
{
    cli_note("the step is still held: plue run continue %lld %.*s", (long long)id, STR_ARG(step));
}

static int attach(struct cli *c, const struct data *d, int64_t id, str step)
{
    auto_attach_shell shell = {-1, -1, -1, -1};
    auto_err e = ERR_INIT;
    const char *term = getenv("TERM");
    struct screen_size size = screen_size_of(STDIN_FILENO);
    struct attach_request q = {.step = step,
                               .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
                               .term = str_of(term ? term : ""),
                               .rows = (int)size.height,
                               .columns = (int)size.width};
    int status = 0;
    if (!attach_open(d->folder, id, &q, &shell, &e))
        return cli_fail(c, NULL, &e);
    if (q.terminal)
        greet(id, step);
    if (!relay_run(&shell, q.terminal, &e) || !attach_end(&shell, &status, &e))
        return cli_fail(c, NULL, &e);
    if (q.terminal)
        say_how_to_go_on(id, step);
    return status;
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    struct store_step s;
    int64_t id;
    if (!data_find_run(c, DATA_LOOK, &d, &id, &e) ||
        !held_find(&d, id, c->args.n > 1 ? c->args.at[1] : NULL, &a, &s, &e))
        return cli_fail(c, NULL, &e);
    return attach(c, &d, id, s.key.step_id);
}

const struct command command_run_attach = {
    .name = "run attach",
    .args = "ID [STEP]",
    .min = 1,
    .max = 2,
    .summary = "open a shell in the sandbox of a held step",
    .doc =
        "The shell has the step's files, environment, network and limits; the step's command\n"
        "lies at /plue/script (bash -eo pipefail /plue/script runs it). When the shell ends the\n"
        "step is still held: plue run continue goes on. Exits as the shell does. Input may be\n"
        "piped in instead of typed.",
    .example = "plue workflow run ci --break-before test\nplue run attach 12 test\n"
               "echo 'ls -l build' | plue run attach 12 test",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = run,
};
