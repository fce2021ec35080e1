/* What a model is given of long or odd texts. */
#include "tools/tools_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void clip__keeps_both_ends_however_the_text_is_cut(void **state)
{
    enum { SIZE = 300000 };
    static const size_t pieces[] = {1, 7, 1000, TOOLS_TEXT_MAX, SIZE};
    auto_buf text = BUF(SIZE + 1), first = BUF(1 << 20);
    (void)state;
    for (int i = 0; text.n + 8 <= SIZE; i++)
        buf_addf(&text, "%07d\n", i);
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        struct clip c;
        auto_buf got = BUF(1 << 20);
        clip_init(&c);
        for (size_t at = 0; at < text.n; at += pieces[p])
            clip_add(&c, str_sub(buf_str(&text), at, at + pieces[p]));
        clip_text(&c, &got);
        clip_done(&c);
        if (!p)
            buf_add_str(&first, buf_str(&got));
        assert_string_equal(buf_c(&got), buf_c(&first));
    }
    auto_buf notice = BUF(100);
    buf_addf(&notice, "\n[%d bytes left out here]\n", (int)(text.n - TOOLS_TEXT_MAX));
    assert_true(str_starts(buf_str(&first), STR("0000000\n0000001\n")));
    assert_true(str_has(buf_str(&first), buf_str(&notice)));
    assert_true(str_ends(buf_str(&first), str_sub(buf_str(&text), text.n - 100, text.n)));
    assert_int_equal(first.n, TOOLS_TEXT_MAX + notice.n);
}

static void add_valid__replaces_what_is_no_text(void **state)
{
    auto_buf b = BUF(100);
    (void)state;
    add_valid(&b, STR("a\0b\xff\xc3\xa9\xc3"));
    assert_string_equal(buf_c(&b), "a\xef\xbf\xbd"
                                   "b\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
}

static void add_lines__says_what_is_not_shown(void **state)
{
    static const struct {
        const char *text;
        int64_t offset, limit;
        const char *want;
    } rows[] = {
        {"", 1, 10, ""},
        {"\n", 1, 10, "\n"},
        {"a\nb", 1, 10, "a\nb\n"},
        {"a\n\nb\n", 1, 10, "a\n\nb\n"},
        {"a\nb\nc\n", 2, 1,
         "b\n[1 of 3 lines, from line 2; give offset and limit to read others]\n"},
        {"a\n", 5, 1, "[0 of 1 lines, from line 5; give offset and limit to read others]\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf b = BUF(1000);
        add_lines(&b, str_of(rows[i].text), rows[i].offset, rows[i].limit);
        assert_string_equal(buf_c(&b), rows[i].want);
    }
}

static void add_lines__are_bounded_together(void **state)
{
    auto_buf text = BUF(1 << 20), b = BUF(1 << 20);
    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_add_str(&text, STR("a line of some thirty-two bytes\n"));
    add_lines(&b, buf_str(&text), 1, 5000);
    assert_true(b.n < TOOLS_TEXT_MAX + 200);
    assert_true(str_has(buf_str(&b), STR("of 5000 lines, from line 1;")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip__keeps_both_ends_however_the_text_is_cut),
        cmocka_unit_test(add_valid__replaces_what_is_no_text),
        cmocka_unit_test(add_lines__says_what_is_not_shown),
        cmocka_unit_test(add_lines__are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
