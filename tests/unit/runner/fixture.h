/* fixture: a runner on a loop of its own, driven as if its calls blocked. */
#ifndef TESTS_RUNNER_FIXTURE_H
#define TESTS_RUNNER_FIXTURE_H
#include "base/buf.h"
#include "runner/local.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <uv.h>

#include <cmocka.h>

struct fixture {
    char dir[64]; /* root of everything, 0700 */
    uv_loop_t loop;
    struct sandbox *sandbox;
    struct runner *runner;
    struct runner_workspace *workspace; /* of the last open */
    struct err err;                     /* what the last call reported */
    bool done;
    int64_t workspace_bytes, tmp_bytes; /* for the next open */
    struct buf text;                    /* what the last read gave, or list as lines */
};

/* What came of a step. */
struct outcome {
    struct fixture *fixture;
    struct runner_step *step;
    struct buf out, error, both; /* both: chunks with a mark of their stream */
    struct buf output, env, path, summary;
    struct runner_exit exit;
    bool ended, failed, cut, killed;
    struct buf message;
    /* Called on each output; may kill. */
    void (*on_output)(struct outcome *o);
};

int fixture_setup(void **state);
int fixture_setup_none(void **state); /* backend `none` */
int fixture_teardown(void **state);

/* Path below the fixture's folder; lives until the test ends. */
const char *fixture_path(struct fixture *f, const char *name);
void fixture_file(struct fixture *f, const char *name, const char *text);
/* Runs a program on the host to its end. */
void fixture_host(struct fixture *f, const char *command);

/* All fail the test when the callback reports an error they do not expect. */
bool fixture_open(struct fixture *f, const char *source, bool resume);
void fixture_close(struct fixture *f, bool keep);
void fixture_start(struct fixture *f, struct runner_exec *exec, struct outcome *o);
void fixture_wait(struct outcome *o);
/* A shell script run to its end. */
void fixture_run(struct fixture *f, const char *script, struct outcome *o);
bool fixture_read(struct fixture *f, const char *path, size_t max);
bool fixture_write(struct fixture *f, const char *path, const char *text, uint32_t mode);
bool fixture_list(struct fixture *f, const char *path);
void outcome_done(struct outcome *o);

#endif
