/* Formatted texts of any length, in bufs and arenas. */
#include "base/buf.h"
#include "base/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void buf__a_formatted_text_is_whole_whatever_its_length(void **state)
{
    (void)state;
    for (int n = 0; n < 400; n++) {
        auto_buf b = BUF(1 << 16);
        auto_arena a = ARENA_INIT;
        buf_addf(&b, "<%0*d>", n, 7);
        size_t digits = n > 1 ? (size_t)n : 1;
        assert_int_equal(b.n, digits + 2);
        assert_int_equal(b.p[0], '<');
        assert_int_equal(b.p[digits], '7');
        assert_int_equal(b.p[digits + 1], '>');
        assert_int_equal(b.p[b.n], '\0');
        str s = arena_printf(&a, "<%0*d>", n, 7);
        assert_true(str_eq(s, buf_str(&b)));
        assert_int_equal(s.p[s.n], '\0');
    }
}

static void buf__a_formatted_text_past_the_maximum_is_an_overflow(void **state)
{
    (void)state;
    for (int n = 90; n < 300; n++) {
        auto_buf b = BUF(100);
        buf_addf(&b, "%0*d", n, 7);
        assert_int_equal(b.overflow, n > 100);
        assert_int_equal(b.n, n > 100 ? 0 : n);
    }
}

static void arena__copies_end_with_a_nul_also_where_memory_is_used_again(void **state)
{
    auto_arena a = ARENA_INIT;
    (void)state;
    for (size_t n = 1; n < 64; n++) {
        char text[64];
        memset(text, 'x', sizeof text);
        memset(arena_take(&a, n), 'y', n);
        str s = arena_str(&a, str_make(text, n));
        assert_int_equal(strlen(s.p), n);
        unsigned char *zero = arena_alloc(&a, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(zero[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__a_formatted_text_is_whole_whatever_its_length),
        cmocka_unit_test(buf__a_formatted_text_past_the_maximum_is_an_overflow),
        cmocka_unit_test(arena__copies_end_with_a_nul_also_where_memory_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
