/* Secrets in a stream that is cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/mask.h"
#include <sodium.h>

static const char *const secrets[] = {"hunter22", "a-longer-secret-with-40-characters-in-it!"};

/* In pieces of these sizes, in turn. */
static bool finds(const struct mask *m, str text, size_t first, size_t second)
{
    struct mask_scan s;
    bool odd = false;
    mask_scan_init(&s, m);
    for (size_t at = 0, n; at < text.n; at += n, odd = !odd) {
        n = odd ? second : first;
        n = n < text.n - at ? n : text.n - at;
        mask_scan_add(&s, str_sub(text, at, at + n));
    }
    bool found = s.found;
    mask_scan_done(&s);
    return found;
}

static void put_noise(struct buf *b, size_t n)
{
    while (n--)
        buf_add_byte(b, "hunter2-a"[rand() % 9]); /* beginnings of secrets, and no whole one */
}

static void scan__finds_a_secret_over_any_seam(void **state)
{
    struct mask m = {0};
    (void)state;
    srand(1);
    for (size_t i = 0; i < 2; i++)
        mask_add(&m, str_of(secrets[i]));
    for (size_t i = 0; i < 2; i++)
        for (size_t first = 1; first < 70; first++)
            for (size_t second = 1; second < 70; second += 3) {
                auto_buf text = BUF(1000);
                put_noise(&text, (size_t)rand() % 100);
                buf_add_c(&text, secrets[i]);
                put_noise(&text, (size_t)rand() % 100);
                assert_true(finds(&m, buf_str(&text), first, second));
            }
    mask_done(&m);
}

static void scan__finds_what_is_encoded(void **state)
{
    struct mask m = {0};
    (void)state;
    mask_add(&m, STR("pass word&\"quoted\""));
    assert_true(finds(&m, STR("x=cGFzcyB3b3JkJiJxdW90ZWQi;"), 5, 7));
    assert_true(finds(&m, STR("x=pass%20word%26%22quoted%22;"), 5, 7));
    assert_true(finds(&m, STR("{\"x\": \"pass word&\\\"quoted\\\"\"}"), 5, 7));
    mask_done(&m);
}

static void scan__finds_none_where_there_is_none(void **state)
{
    struct mask m = {0}, none = {0};
    (void)state;
    srand(2);
    for (size_t i = 0; i < 2; i++)
        mask_add(&m, str_of(secrets[i]));
    for (size_t first = 1; first < 70; first++) {
        auto_buf text = BUF(2000);
        put_noise(&text, 1000);
        /* All but its last character, and all but its first. */
        buf_add(&text, secrets[0], 7);
        buf_add_byte(&text, '.');
        buf_add_c(&text, secrets[1] + 1);
        assert_false(finds(&m, buf_str(&text), first, first + 1));
        assert_false(finds(&none, buf_str(&text), first, first + 1));
    }
    mask_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan__finds_a_secret_over_any_seam),
        cmocka_unit_test(scan__finds_what_is_encoded),
        cmocka_unit_test(scan__finds_none_where_there_is_none),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
