/* doctor_runs: promises that an engine keeps and no sandbox by itself, tried in real runs of this
 * very program, with limits of a second and of a mebibyte. */
#ifndef CLI_DOCTOR_RUNS_H
#define CLI_DOCTOR_RUNS_H
#include "sandbox/sandbox.h"

/* Completes the rows of those promises. scratch: a folder to work in; it is left empty. */
void doctor_try_runs(struct sandbox_report *report, const char *scratch);

#endif
