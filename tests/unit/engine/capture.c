#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/capture.h"
#include <sodium.h>

enum { TEXT_MAX = 4 << 20 };

static void keep(void *ctx, const struct log_line *lines, size_t n)
{
    struct buf *b = ctx;
    for (size_t i = 0; i < n; i++) {
        assert_true(lines[i].text.n <= CAPTURE_LINE_MAX + 4096);
        buf_add_str(b, lines[i].text);
        buf_add_byte(b, '\n');
    }
}

/* The lines of text that comes in chunks of this size. */
static void read_lines(struct mask *m, str text, size_t chunk, struct buf *ret)
{
    struct log_commands commands = {0};
    struct capture c;
    capture_init(&c, LOG_STDOUT, m, &commands);
    for (size_t at = 0; at < text.n; at += chunk)
        capture_feed(&c, str_sub(text, at, at + chunk < text.n ? at + chunk : text.n), 0, keep,
                     ret);
    capture_finish(&c, 0, keep, ret);
    capture_done(&c);
}

static void assert_lines(struct mask *m, const char *text, const char *wanted)
{
    auto_buf got = BUF(TEXT_MAX);
    read_lines(m, str_of(text), 7, &got);
    assert_string_equal(buf_c(&got), wanted);
}

/* A long line, full of the secret, is cut at every offset of it. */
static void capture__no_piece_of_a_long_line_shows_a_secret(void **state)
{
    (void)state;
    static const char secret[] = "tok-12345";
    static const size_t chunks[] = {1000, 64 << 10, TEXT_MAX};
    struct mask m = {0};
    mask_add(&m, str_of(secret));
    mask_add(&m,
             STR("a \"longer\" secret of more bytes; its forms are still longer ~~~~~~~~~~~~~"));
    for (size_t shift = 0; shift < sizeof secret + 2; shift++) {
        auto_buf text = BUF(TEXT_MAX);
        buf_add_repeat(&text, 'x', shift);
        while (text.n < 3 * CAPTURE_LINE_MAX)
            buf_addf(&text, "%s ", secret);
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            auto_buf got = BUF(TEXT_MAX);
            read_lines(&m, buf_str(&text), chunks[i], &got);
            assert_false(str_has(buf_str(&got), STR("tok")));
            assert_false(str_has(buf_str(&got), STR("12345")));
        }
    }
    mask_done(&m);
}

/* A text that comes in pieces of any size is masked as the whole is. */
static void mask_settled__leaves_what_a_secret_may_begin_in(void **state)
{
    (void)state;
    static const char text[] = "abcdefgh abc abcdxef cdefab abcabcdef cde xabcd";
    struct mask m = {0};
    mask_add(&m, STR("abcd"));
    mask_add(&m, STR("cdef"));
    mask_add(&m, STR("efgh abc"));
    auto_buf whole = BUF(TEXT_MAX);
    mask_apply(&m, str_of(text), &whole);
    assert_string_equal(buf_c(&whole), "*** ***xef ***ab abc*** cde x***");
    for (size_t chunk = 1; chunk < sizeof text; chunk++) {
        auto_buf held = BUF(TEXT_MAX), got = BUF(TEXT_MAX);
        for (size_t at = 0; at < sizeof text - 1; at += chunk) {
            buf_add_str(&held, str_sub(str_of(text), at, at + chunk));
            size_t n = mask_settled(&m, buf_str(&held));
            mask_apply(&m, str_sub(buf_str(&held), 0, n), &got);
            buf_cut(&held, 0, n);
        }
        mask_apply(&m, buf_str(&held), &got);
        assert_string_equal(buf_c(&got), buf_c(&whole));
    }
    mask_done(&m);
}

static void capture__overlapping_secrets_show_nothing_of_either(void **state)
{
    (void)state;
    struct mask m = {0};
    mask_add(&m, STR("hello-world"));
    mask_add(&m, STR("world-123"));
    mask_add(&m, STR("lo-w"));
    assert_lines(&m, "a hello-world-123 b\nhello-worldhello-world lo-w\n", "a *** b\n****** ***\n");
    mask_done(&m);
}

static void capture__a_secret_is_found_in_base64_at_each_offset(void **state)
{
    (void)state;
    static const char secret[] = "correct horse battery";
    struct mask m = {0};
    mask_add(&m, str_of(secret));
    for (size_t before = 0; before < 6; before++)
        for (size_t after = 0; after < 3; after++) {
            auto_buf plain = BUF(200), got = BUF(400);
            buf_add_repeat(&plain, 'q', before);
            buf_add_c(&plain, secret);
            buf_add_repeat(&plain, 'q', after);
            char text[200];
            sodium_bin2base64(text, sizeof text, (const unsigned char *)plain.p, plain.n,
                              sodium_base64_VARIANT_ORIGINAL);
            read_lines(&m, str_of(text), 5, &got);
            assert_true(str_has(buf_str(&got), STR("***")));
            /* What is left of 28 characters, beside those of the neighbours, holds 11 bits at most.
             */
            assert_true(got.n <= strlen(text) - 25 + 3 + 1);
        }
    mask_done(&m);
}

/* A secret of n bytes that no base64 of other text resembles. */
static void put_secret(struct buf *b, size_t n)
{
    uint32_t x = 2463534242u + (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        buf_add_byte(b, (char)('!' + x % 94));
    }
}

/* The base64 of plain in lines of `width`. */
static void put_lines(struct buf *b, str plain, size_t width, int variant, const char *newline)
{
    char text[4000];
    sodium_bin2base64(text, sizeof text, (const unsigned char *)plain.p, plain.n, variant);
    for (size_t at = 0, n = strlen(text); at < n; at += width) {
        buf_add(b, text + at, n - at < width ? n - at : width);
        buf_add_c(b, newline);
    }
}

/* How many characters of the secret's base64 stand in the lines, in any pieces of 4 or more. */
static size_t shown_of(str lines, str secret)
{
    size_t shown = 0;
    for (size_t skew = 0; skew < 3; skew++)
        for (int url = 0; url < 2; url++) {
            auto_buf padded = BUF(4000);
            char text[4000];
            buf_add_repeat(&padded, '\0', skew);
            buf_add_str(&padded, secret);
            sodium_bin2base64(text, sizeof text, (const unsigned char *)padded.p, padded.n,
                              url ? sodium_base64_VARIANT_URLSAFE_NO_PADDING
                                  : sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
            size_t to = padded.n / 3 * 4;
            for (size_t i = skew ? skew + 1 : 0; i + 4 <= to; i++)
                shown += str_has(lines, str_make(text + i, 4));
        }
    return shown;
}

static const struct {
    size_t width;
    int variant;
    const char *newline;
} wraps[] = {
    {76, sodium_base64_VARIANT_ORIGINAL, "\n"},
    {64, sodium_base64_VARIANT_ORIGINAL, "\n"},
    {76, sodium_base64_VARIANT_URLSAFE, "\n"},
    {64, sodium_base64_VARIANT_URLSAFE_NO_PADDING, "\n"},
    {76, sodium_base64_VARIANT_ORIGINAL, "\r\n"},
    {76, sodium_base64_VARIANT_ORIGINAL, "\\n"}, /* a bytes object of Python, a text of JSON */
    {76, sodium_base64_VARIANT_ORIGINAL, "\n    "},
};

static void capture__a_secret_is_found_in_base64_of_several_lines(void **state)
{
    static const size_t lengths[] = {20, 58, 100, 300};
    (void)state;
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        for (size_t w = 0; w < sizeof wraps / sizeof *wraps; w++) {
            auto_buf secret = BUF(400);
            struct mask m = {0};
            put_secret(&secret, lengths[k]);
            mask_add(&m, buf_str(&secret));
            for (size_t before = 0; before < 120; before++) {
                auto_buf plain = BUF(2000), text = BUF(4000), whole = BUF(4000), got = BUF(4000);
                buf_add_repeat(&plain, 'q', before);
                buf_add_str(&plain, buf_str(&secret));
                buf_add_repeat(&plain, 'r', before % 7);
                put_lines(&text, buf_str(&plain), wraps[w].width, wraps[w].variant,
                          wraps[w].newline);
                assert_true(shown_of(buf_str(&text), buf_str(&secret)) > lengths[k] / 2);
                read_lines(&m, buf_str(&text), 1 + before % 11, &got);
                assert_int_equal(shown_of(buf_str(&got), buf_str(&secret)), 0);
                mask_apply(&m, buf_str(&text), &whole);
                assert_int_equal(shown_of(buf_str(&whole), buf_str(&secret)), 0);
            }
            mask_done(&m);
        }
}

/* Whole texts, so that nothing is hidden but what must be. */
static void capture__of_base64_in_lines_the_rest_stays(void **state)
{
    (void)state;
    struct mask m = {0};
    mask_add(&m, STR("0123456789abcdefghijklmnopqrstuvwxyz"));
    assert_lines(&m,
                 "cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxMDEyMzQ1Njc4\n"
                 "OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6cnJycg==\n",
                 "cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFx***\n"
                 "***cnJycg==\n");
    /* The end of a secret alone is told by nothing but the line before it. */
    assert_lines(&m, "MDEyMzQ1Njc4\nd3h5eg==\n", "MDEyMzQ1Njc4\nd3h5eg==\n");
    mask_done(&m);
}

static void capture__base64_of_urls_is_found_too(void **state)
{
    (void)state;
    struct mask m = {0};
    mask_add(&m, STR("\xFB\xFF\xFEword\xFB\xFF"));
    assert_lines(&m, "-__-d29yZPv_\n+//+d29yZPv/\n", "***\n***\n");
    mask_done(&m);
}

static void capture__a_secret_is_found_in_urls_and_json(void **state)
{
    (void)state;
    struct mask m = {0};
    mask_add(&m, STR("a/b \"c\"~(\xC3\xBC\xF0\x9F\x98\x80)"));
    assert_lines(
        &m,
        "a%2Fb%20%22c%22~%28%C3%BC%F0%9F%98%80%29\na%2fb%20%22c%22~%28%c3%bc%f0%9f%98%80%29\n"
        "a/b%20%22c%22~%28%C3%BC%F0%9F%98%80%29\na%2Fb%20%22c%22~(%C3%BC%F0%9F%98%80)\n"
        "a%2Fb+%22c%22~%28%C3%BC%F0%9F%98%80%29\na%2Fb+%22c%22%7E%28%C3%BC%F0%9F%98%80%29\n"
        "a/b \\\"c\\\"~(\xC3\xBC\xF0\x9F\x98\x80)\na/b \\\"c\\\"~(\\u00fc\\ud83d\\ude00)\n",
        "***\n***\n***\n***\n***\n***\n***\n***\n");
    mask_done(&m);
}

static void capture__add_mask_is_read_after_any_space_and_in_both_forms(void **state)
{
    (void)state;
    struct mask m = {0};
    assert_lines(&m,
                 "                        ::add-mask::one-secret\nx ##[Add-Mask]two%5Dsecret\n"
                 "::add-mask::three%0Afour-secret\none-secret two]secret three four-secret\n",
                 "::add-mask::***\n::add-mask::***\n::add-mask::***\n*** *** *** ***\n");
    mask_done(&m);
}

static void capture__a_stop_in_one_stream_holds_in_the_other(void **state)
{
    (void)state;
    struct mask m = {0};
    struct log_commands commands = {0};
    struct capture out, err;
    auto_buf got = BUF(TEXT_MAX);
    capture_init(&out, LOG_STDOUT, &m, &commands);
    capture_init(&err, LOG_STDERR, &m, &commands);
    capture_feed(&out, STR("::stop-commands::t\n"), 0, keep, &got);
    capture_feed(&err, STR("::add-mask::word\n"), 0, keep, &got);
    capture_feed(&out, STR("word\n::t::\n"), 0, keep, &got);
    assert_string_equal(buf_c(&got), "::stop-commands::t\n::add-mask::word\nword\n::t::\n");
    capture_done(&out);
    capture_done(&err);
    mask_done(&m);
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(capture__no_piece_of_a_long_line_shows_a_secret),
        T(mask_settled__leaves_what_a_secret_may_begin_in),
        T(capture__overlapping_secrets_show_nothing_of_either),
        T(capture__a_secret_is_found_in_base64_at_each_offset),
        T(capture__a_secret_is_found_in_base64_of_several_lines),
        T(capture__of_base64_in_lines_the_rest_stays),
        T(capture__base64_of_urls_is_found_too),
        T(capture__a_secret_is_found_in_urls_and_json),
        T(capture__add_mask_is_read_after_any_space_and_in_both_forms),
        T(capture__a_stop_in_one_stream_holds_in_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
