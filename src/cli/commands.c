/* The table of commands: what there is, what there will be, in the order of the help. */
#include "cli/commands.h"

#define LATER(words, what)                                               \
    &(const struct command)                                              \
    {                                                                    \
        .name = words, .args = "", .max = CLI_WORDS_MAX, .summary = what \
    }

const struct command *const cli_commands[] = {
    &command_workflow_list,
    &command_workflow_lint,
    &command_workflow_plan,
    &command_eval,
    &command_version,
    &command_help,
    LATER("workflow diff", "show how a plan changed between two commits"),
    LATER("workflow test", "run the repository's tests of its workflows"),
    LATER("workflow backtest", "plan recorded events with two versions and compare"),
    LATER("run replay", "run an agent again from its transcript"),
    LATER("run rerun", "run a finished run again"),
    LATER("run approve", "approve or reject what a run waits for"),
    LATER("run download", "download a run's artifacts"),
    LATER("run export", "write a run to one file"),
    LATER("run import", "read a run from a file"),
    LATER("run attach", "open a shell in a step's sandbox"),
    LATER("why", "say why a run or step is where it is"),
    LATER("verify", "evaluate a run's plan again and compare"),
    LATER("prompt list", "list the repository's prompts"),
    LATER("prompt preview", "render a prompt"),
    LATER("prompt test", "send a prompt to its model"),
    LATER("template", "render any Jinja2 file"),
    LATER("server", "serve the API and the web pages"),
    LATER("runner", "execute steps for a server"),
    LATER("dev", "watch .plue and plan again when it changes"),
    LATER("secret set", "keep a secret in the encrypted store"),
    LATER("secret list", "list the names of secrets"),
    LATER("secret delete", "remove a secret"),
    LATER("token create", "make an API token"),
    LATER("token list", "list API tokens"),
    LATER("token revoke", "end an API token"),
    LATER("db migrate", "bring the database up to date"),
    LATER("db backup", "write a copy of the database"),
    LATER("db prune", "remove old runs"),
    LATER("db copy", "copy one database to another"),
    LATER("mcp", "serve runs and plans to coding agents"),
    LATER("lsp", "serve editors"),
    LATER("k8s manifests", "print manifests for Kubernetes"),
    LATER("stubs", "print plue.pyi for editors"),
    LATER("import", "turn a GitHub Actions file into a workflow"),
    LATER("completion", "print completion for a shell"),
    NULL,
};
