/* Every promise that a backend makes on this host is tried in a real sandbox, and holds. */
#include "base/fd.h"
#include "sandbox/sandbox.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void doctor__every_promise_of_this_host_holds(void **state)
{
    (void)state;
    struct sandbox_report report;
    auto_err err = ERR_INIT;
    static const char *const words[] = {"absent", "soft", "hard"};
    size_t broken = 0, tested = 0;
    if (!sandbox_doctor("/tmp", &report, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    assert_int_equal(report.n, 2 * sandbox_promise_count);
    for (size_t i = 0; i < report.n; i++) {
        const struct sandbox_row *r = &report.rows[i];
        tested += r->tested;
        if (r->tested && r->held)
            continue;
        broken += r->tested && r->level == SANDBOX_HARD;
        print_message("%-10s %-15s %-6s %s%.*s\n", r->backend, r->promise->name, words[r->level],
                      r->tested ? "does not hold: " : "", STR_ARG(r->detail));
    }
    sandbox_report_done(&report);
    assert_int_equal(broken, 0);
    assert_true(tested >= 18);
}

static void check__passes_where_the_sandbox_works(void **state)
{
    (void)state;
    struct sandbox_options options = {0};
    auto_err err = ERR_INIT;
    if (!sandbox_check(&options, &err))
        fail_msg("%.*s", STR_ARG(err.message));
}

static void docs__list_every_promise_as_the_table_has_it(void **state)
{
    (void)state;
    static const char *const words[] = {"absent", "soft", "hard"};
    auto_buf expected = BUF(64 << 10), text = BUF(1 << 20);
    assert_int_equal(fd_read_file(AT_FDCWD, SANDBOX_DOC, &text), 0);
    for (size_t i = 0; i < sandbox_promise_count; i++) {
        const struct sandbox_promise *p = &sandbox_promises[i];
        buf_addf(&expected, "| `%s` | %s | %s | %s |\n", p->name, p->doc,
                 words[p->level[SANDBOX_BUBBLEWRAP]], words[p->level[SANDBOX_NONE]]);
    }
    size_t at = str_find(buf_str(&text), STR("| `root_read_only`"), 0);
    assert_true(at != SIZE_MAX);
    size_t end = str_find(buf_str(&text), STR("\n\n"), at);
    assert_true(end != SIZE_MAX);
    text.p[end + 1] = '\0';
    assert_string_equal(text.p + at, buf_c(&expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doctor__every_promise_of_this_host_holds),
        cmocka_unit_test(docs__list_every_promise_as_the_table_has_it),
        cmocka_unit_test(check__passes_where_the_sandbox_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
