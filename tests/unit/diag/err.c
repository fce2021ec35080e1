#include "diag/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void err__messages_and_hints_are_text(void **state)
{
    static const struct {
        const char *given, *kept;
    } rows[] = {
        {"plain", "plain"},
        {"\xC3\xA9", "\xC3\xA9"},
        {"a\xC3", "a\xEF\xBF\xBD"},
        {"\xF0\x9D\x84", "\xEF\xBF\xBD"},
        {"\xFF\xFE"
         "a\xFF"
         "b",
         "\xEF\xBF\xBD"
         "a\xEF\xBF\xBD"
         "b"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_err e = ERR_INIT, f = ERR_INIT;
        err_set(&e, "x", "%s", rows[i].given);
        err_hint(&e, "%s", rows[i].given);
        assert_true(str_is(e.message, rows[i].kept));
        assert_true(str_is(e.hint, rows[i].kept));
        err_errno(&f, "x", 2, "%s", rows[i].given);
        assert_true(str_starts(f.message, e.message));
        assert_true(str_ends(f.message, STR(": No such file or directory")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err__messages_and_hints_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
