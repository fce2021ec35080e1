#include "cli/commands.h"

static int run(struct cli *c)
{
    if (!c->json) {
        cli_outf(c, "plue %s\n", PLUE_VERSION);
        return CLI_OK;
    }
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "version");
    json_put_c(&w, PLUE_VERSION);
    json_end_object(&w);
    cli_out_json(c, &b);
    return CLI_OK;
}

const struct command command_version = {
    .name = "version",
    .args = "",
    .summary = "print the version of this program",
    .example = "plue version",
    .options = (const struct cli_option[]){{"json", NULL, "print JSON"}, {0}},
    .run = run,
};
