/* cli: the program as its user sees it: commands, options, help, output, exit statuses (SPEC 15).
 * Refuses nothing by itself: what cannot be done is an error of the part that cannot do it, printed
 * here and nowhere else. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Runs the command that argv names; the process's exit status. */
int cli_main(int argc, char **argv);

#endif
