#include "base/glob.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void glob__matches_paths(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } rows[] = {
        {"a.txt", "a.txt", true},
        {"*.txt", "a.txt", true},
        {"*.txt", "b/a.txt", false},
        {"**/*.txt", "a.txt", true},
        {"**/*.txt", "b/c/a.txt", true},
        {"b/**", "b/c/d", true},
        {"b/**", "b", false},
        {"**", "a/b", true},
        {"a/**/z", "a/z", true},
        {"a/**/z", "a/b/c/z", true},
        {"a/**/z", "a/bz", false},
        {"?", "/", false},
        {"a?c", "a/c", false},
        {"[a-c].x", "b.x", true},
        {"[!a-c].x", "b.x", false},
        {"[!a].x", "/.x", false},
        {"[", "[", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {".*", ".git", true},
        {"*", ".env", true},
        {"./a", "a", true},
        {"a/", "a", true},
        {"", "", true},
        {"*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (glob_match(str_of(rows[i].pattern), str_of(rows[i].path)) != rows[i].matches)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].path);
}

static void glob__the_last_pattern_that_speaks_of_a_path_decides(void **state)
{
    static const str patterns[] = {STR_INIT("out"), STR_INIT("!out/**/*.o"),
                                   STR_INIT("out/keep.o")};
    (void)state;
    assert_true(glob_select(patterns, 3, STR("out/a/b")));
    assert_false(glob_select(patterns, 3, STR("out/a/b.o")));
    assert_true(glob_select(patterns, 3, STR("out/keep.o")));
    assert_false(glob_select(patterns, 3, STR("other")));
    assert_false(glob_select(patterns, 3, STR("outer/x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glob__matches_paths),
        cmocka_unit_test(glob__the_last_pattern_that_speaks_of_a_path_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
