/* fixture: a fresh store in a folder of its own for each test, and what most tests write. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/tables.h"

struct fixture {
    char folder[64], path[128];
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
};

/* For cmocka_unit_test_setup_teardown. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
/* A folder alone, without a store. */
int fixture_set_up_folder(void **state);
#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_set_up, fixture_tear_down)
#define FOLDER_TEST(fn) \
    cmocka_unit_test_setup_teardown(fn, fixture_set_up_folder, fixture_tear_down)

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* Fails the test with the message where ok is false. */
void check(bool ok, const struct err *err);
/* "code: message (hint)". */
void assert_err(const struct err *err, const char *want);
void assert_str(str got, const char *want);

struct store_run sample_run(void);
struct store_step sample_step(const char *id, int64_t position);
struct store_step_key step_key(int64_t run_id, const char *id);
/* A running run with the pending steps "build" and "test"; its id. */
int64_t make_run(struct fixture *f);
/* Commits a batch that must succeed. */
void commit(struct fixture *f, struct store_batch *b);

#endif
