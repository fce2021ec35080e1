/* plue completion: what a shell completes. "man" is not told of: the build makes plue.1 with it. */
#include "cli/commands.h"
#include "cli/completion.h"

static const struct {
    const char *name;
    void (*add)(struct buf *b);
} shells[] = {
    {"bash", completion_add_bash},
    {"zsh", completion_add_zsh},
    {"fish", completion_add_fish},
    {"man", completion_add_man},
};
enum { SHELLS_TOLD = 3, SHELLS = sizeof shells / sizeof *shells };

static int run(struct cli *c)
{
    str wanted = str_of(c->args.at[0]), names[SHELLS_TOLD];
    for (size_t i = 0; i < SHELLS; i++) {
        if (!str_is(wanted, shells[i].name))
            continue;
        auto_buf b = BUF(CLI_OUTPUT_MAX);
        shells[i].add(&b);
        cli_out(c, buf_str(&b));
        return CLI_OK;
    }
    for (size_t i = 0; i < SHELLS_TOLD; i++)
        names[i] = str_of(shells[i].name);
    auto_err e = ERR_INIT;
    long near = str_nearest(wanted, names, SHELLS_TOLD);
    err_set(&e, "unexpected_argument", "there are no completions for '%.*s'", STR_ARG(wanted));
    if (near >= 0)
        err_hint(&e, "did you mean %.*s?", STR_ARG(names[near]));
    else
        err_hint(&e, "the shells are bash, zsh and fish");
    return cli_fail(c, NULL, &e);
}

const struct command command_completion = {
    .name = "completion",
    .args = "SHELL",
    .min = 1,
    .max = 1,
    .summary = "print completions for bash, zsh or fish",
    .doc = "zsh: write it to a file _plue in a folder of $fpath.\n"
           "fish: write it to ~/.config/fish/completions/plue.fish.",
    .example = "plue completion bash > ~/.local/share/bash-completion/completions/plue\n"
               "plue completion fish > ~/.config/fish/completions/plue.fish",
    .run = run,
};
