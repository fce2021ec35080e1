#include "cli/commands.h"

static int run(struct cli *c)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    cli_add_overview(&b, NULL);
    cli_out(c, buf_str(&b));
    return CLI_OK;
}

const struct command command_help = {
    .name = "help",
    .args = "[COMMAND]",
    .max = 2,
    .summary = "show all commands, or one",
    .example = "plue help workflow run",
    .run = run,
};
