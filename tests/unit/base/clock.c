#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* As the C library writes it. */
static void expect(int64_t ms)
{
    auto_buf got = BUF(BUF_TEXT_MAX), want = BUF(BUF_TEXT_MAX);
    int64_t rest = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - rest) / 1000);
    struct tm tm;
    char text[64];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "-%m-%dT%H:%M:%S", &tm);
    buf_addf(&want, "%04d%s.%03dZ", tm.tm_year + 1900, text, (int)rest);
    clock_add_rfc3339(&got, ms);
    assert_string_equal(buf_c(&got), buf_c(&want));
}

static void clock__times_of_any_year_are_written_as_the_library_does(void **state)
{
    static const int64_t edges[] = {0,
                                    -1,
                                    1,
                                    999,
                                    -62135596800000,
                                    -62167219200001,
                                    253402300799999,
                                    253402300800000,
                                    1709164800000};
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        expect(edges[i]);
    srand(1);
    for (int i = 0; i < 100000; i++)
        expect((((int64_t)rand() << 20) ^ rand()) - ((int64_t)1 << 50));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock__times_of_any_year_are_written_as_the_library_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
