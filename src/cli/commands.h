/* commands: one row for each file cmd_NAME.c, gathered in commands.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
#include "cli/command.h"

extern const struct command command_init, command_workflow_list, command_workflow_lint,
    command_workflow_plan, command_workflow_run, command_workflow_test, command_workflow_diff,
    command_run_list, command_run_view, command_run_watch, command_run_cancel, command_run_resume,
    command_eval, command_template, command_stubs, command_doctor, command_version, command_help;

extern const struct command command_run_rerun, command_run_replay, command_secret_set,
    command_secret_list, command_secret_delete, command_why, command_db_migrate, command_db_backup,
    command_db_prune;

extern const struct command command_verify, command_completion, command_run_approve,
    command_run_download, command_run_attach, command_run_continue, command_run_export,
    command_run_import;

extern const struct command command_prompt_list, command_prompt_preview, command_prompt_test,
    command_mcp;

#endif
