/* fixture: a sandbox and the folders of one run, for the tests of this folder. */
#ifndef TESTS_SANDBOX_FIXTURE_H
#define TESTS_SANDBOX_FIXTURE_H
#include "base/fd.h"
#include "sandbox/sandbox.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PATH_TEXT = 512 };

struct fixture {
    char dir[64], workspace[PATH_TEXT], files[PATH_TEXT], tmp[PATH_TEXT], images[PATH_TEXT],
        keeper[PATH_TEXT];
    struct sandbox *sandbox;
    struct sandbox_space *space;
    struct sandbox_limits limits;
    const char *image, *bwrap; /* bwrap: as of sandbox_options, for fixture_open */
    struct sandbox_exit exit;
    struct buf out;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* The sandbox and the run's folders; setup has opened them. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* A command of the host's shell, in f->dir, which succeeds. */
void fixture_host(struct fixture *f, const char *command);
/* A script in the sandbox to its end, into f->out and f->exit; false when it could not be started.
 */
bool fixture_run(struct fixture *f, const char *script, struct err *err);
bool fixture_run_spec(struct fixture *f, const struct sandbox_spec *spec, struct err *err);
void fixture_expect(struct fixture *f, const char *script, const char *output);
/* The tests once more in a process that has given root up; what they return. Skipped, and said so,
 * where root is not there to be given up. */
int fixture_as_ordinary_user(int (*tests)(void));

#endif
