#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { LENGTHS = 400 };

/* Around each length at which the buffer grows, or guesses wrong. */
static void buf__formatted_text_of_any_length_is_whole(void **state)
{
    char want[2 * LENGTHS + 1];
    (void)state;
    for (int before = 0; before < LENGTHS; before += 7)
        for (int n = 0; n < LENGTHS; n++) {
            auto_buf b = BUF(BUF_TEXT_MAX);
            buf_add_repeat(&b, 'a', (size_t)before);
            buf_addf(&b, "%*s", n, "");
            snprintf(
                want, sizeof want, "%.*s%*s", before,
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                n, "");
            assert_int_equal(b.n, before + n);
            assert_string_equal(buf_c(&b), want);
        }
}

static void buf__formatted_text_past_the_limit_changes_nothing(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++)
        for (int n = 0; n < 300; n += 3) {
            auto_buf b = BUF(max);
            buf_addf(&b, "%*s", n, "");
            assert_int_equal(b.overflow, (size_t)n > max);
            assert_int_equal(b.n, b.overflow ? 0 : n);
            assert_int_equal(strlen(buf_c(&b)), b.n);
            buf_addf(&b, "x");
            assert_int_equal(b.overflow, (size_t)n + 1 > max);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__formatted_text_of_any_length_is_whole),
        cmocka_unit_test(buf__formatted_text_past_the_limit_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
