/* plue mcp: what the commands know, as tools for a coding agent. */
#include "cli/commands.h"
#include "cli/data.h"
#include "mcp/server.h"
#include <unistd.h>

#define RUN_ID                                            \
    {                                                     \
        "run", MCP_NUMBER, NULL, true, "the run's number" \
    }

static const struct mcp_tool tools[] = {
    {.name = "runs",
     .title = "List runs",
     .doc = "Runs, newest first, with status, reason, branch and times.",
     .words = {"run", "list"},
     .arguments =
         (const struct mcp_argument[]){
             {"workflow", MCP_TEXT, "--workflow", false, "only runs of this workflow"},
             {"status", MCP_TEXT, "--status", false,
              "only with this status: queued, running, waiting, success, failed, cancelled"},
             {"branch", MCP_TEXT, "--branch", false, "only runs of this branch"},
             {"limit", MCP_NUMBER, "--limit", false, "how many (default 30)"},
             {"cursor", MCP_NUMBER, "--cursor", false, "begin with runs older than this one"},
             {0}}},
    {.name = "run",
     .title = "Show a run",
     .doc = "One run with its steps: outcomes, reasons, exit codes, outputs, errors, usage.",
     .words = {"run", "view"},
     .arguments =
         (const struct mcp_argument[]){
             RUN_ID, {"attempt", MCP_NUMBER, "--attempt", false, "an earlier attempt"}, {0}}},
    {.name = "logs",
     .title = "Read logs",
     .doc =
         "What steps printed. Without `step` or `failed`: all steps, in the order of time. A long "
         "log is given by its end.",
     .words = {"run", "view", "--log"},
     .text = true,
     .arguments =
         (const struct mcp_argument[]){
             RUN_ID,
             {"step", MCP_TEXT, "--step", false, "only this step"},
             {"failed", MCP_FLAG, "--log-failed", false, "only failed steps"},
             {"search", MCP_TEXT, "--search", false,
              "only lines with this text; lower case matches both"},
             {"attempt", MCP_NUMBER, "--attempt", false, "an earlier attempt"},
             {0}}},
    {.name = "why",
     .title = "Explain a run or a step",
     .doc = "A few sentences from recorded facts: why it waits, ran, was skipped or failed.",
     .words = {"why"},
     .arguments = (const struct mcp_argument[]){RUN_ID,
                                                {"step", MCP_TEXT, NULL, false, "a step of it"},
                                                {0}}},
    {.name = "compare",
     .title = "Compare plans of two commits",
     .doc =
         "How the plans of workflows changed between two commits: steps, edges, images, secrets, "
         "network.",
     .words = {"workflow", "diff"},
     .arguments =
         (const struct mcp_argument[]){{"revisions", MCP_TEXT, NULL, true,
                                        "A..B of git; A alone is compared with the working tree"},
                                       {"workflow", MCP_TEXT, NULL, false, "only this workflow"},
                                       {0}}},
    {.name = "plan",
     .title = "Plan a workflow",
     .doc = "The steps that a workflow of the present repository would run, without running any.",
     .words = {"workflow", "plan"},
     .arguments =
         (const struct mcp_argument[]){
             {"workflow", MCP_TEXT, NULL, true, "its name, or //tools:NAME"},
             {"inputs", MCP_INPUTS, "--input", false, "values of its inputs, by name"},
             {0}}},
    {0},
};

static int serve(struct cli *c)
{
    auto_err e = ERR_INIT;
    auto_free char *folder = NULL;
    /* By the environment, since not every command has the option. */
    if (!data_folder(c, &folder, &e))
        return cli_fail(c, NULL, &e);
    if (setenv("PLUE_DATA_DIR", folder, 1) != 0)
        return cli_fail(c, NULL, (err_set(&e, "system_failed", "cannot set PLUE_DATA_DIR"), &e));
    struct mcp_server_config config = {
        .name = "plue",
        .version = PLUE_VERSION,
        .instructions =
            "Runs and plans of Plue, read only. For a failed run ask `why`, then `logs` "
            "with `failed`.",
        .program = "/proc/self/exe",
        .tools = tools,
        .in = STDIN_FILENO,
        .out = STDOUT_FILENO,
    };
    return mcp_serve(&config, &e) ? CLI_OK : cli_fail(c, NULL, &e);
}

const struct command command_mcp = {
    .name = "mcp",
    .args = "",
    .summary = "serve runs and plans to coding agents",
    .doc =
        "A server of the Model Context Protocol over standard input and output. Its tools: runs,\n"
        "run, logs, why, compare and plan. It reads, and starts nothing.",
    .example = "plue mcp\nplue mcp --data-dir /var/lib/plue",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = serve,
};
