/* drive: a process that runs, resumes or watches runs: the loop, what hangs on it, and signals. */
#ifndef CLI_DRIVE_H
#define CLI_DRIVE_H
#include "cli/data.h"
#include "cli/progress.h"
#include "cli/secrets.h"
#include "engine/replay.h"
#include "sandbox/sandbox.h"

struct drive {
    struct cli *cli;
    struct data data;
    struct config config;
    struct secrets secrets;
    struct sandbox *sandbox;
    struct runner *runner;
    struct engine *engine;
    struct progress *progress;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t on_int, on_term;
    bool looping; /* the loop and its handles exist */
    int64_t run_id;
    bool scratch; /* its data folder is thrown away: secrets are those of the user's */
    bool ours;    /* this process drives the run */
    bool ended;   /* nothing more is to be waited for */
    int interrupts;
    int64_t looked_at; /* when the owner of a run of another process was looked at */
    struct err error;
};

bool drive_open(struct cli *c, enum data_purpose purpose, struct drive *ret,
                struct err *err) must_use;
/* For a run that nobody is to see later, with its data in this folder. */
bool drive_open_scratch(struct cli *c, const char *folder, struct drive *ret,
                        struct err *err) must_use;
void drive_done(struct drive *d);
#define auto_drive cleanup(drive_done) struct drive

/* Configuration, secrets, sandbox, runner and engine, for a run of the repository at root that this
 * process drives. */
bool drive_start_engine(struct drive *d, const char *backend, const char *root,
                        struct err *err) must_use;

/* Starts the run; takes evaluation and bundle of the request in any case. */
bool drive_run(struct drive *d, const struct engine_request *q, struct err *err) must_use;
/* --break-before and --break-on-failure, as far as the plan allows them; in a. */
bool drive_read_breaks(struct cli *c, const struct plan *p, struct arena *a,
                       struct engine_breaks *ret, struct err *err) must_use;
#define CLI_BREAK_OPTIONS                                                                      \
    {"break-before", "STEP", "hold this step before it runs, to look at it; may be repeated"}, \
    {                                                                                          \
        "break-on-failure", NULL, "hold a step that has failed, in the files that it left"     \
    }
/* Takes over a run without a living owner, with the sandbox that it began with. */
bool drive_resume(struct drive *d, int64_t run_id, struct err *err) must_use;
/* A further attempt of a run; takes x in any case. */
struct rerun;
bool drive_rerun(struct drive *d, int64_t run_id, struct rerun *x, struct err *err) must_use;
/* The run again, its models answered from its record. */
bool drive_replay(struct drive *d, int64_t run_id, const struct replay_fork *fork,
                  struct err *err) must_use;
/* Another process drives it, as far as is known. */
void drive_watch(struct drive *d, int64_t run_id);
/* Until the run has ended; the exit status. */
int drive_loop(struct drive *d);

#endif
