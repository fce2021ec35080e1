/* Names of git's objects. The source is part of this test, so that both of its ways are tried on a
 * machine that would always take one. */
#include "../../../src/runner/sha1.c"
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MILLION = 1000 * 1000, LONGEST = 300 };

static void expect(const void *bytes, size_t n, size_t piece, const char *hex)
{
    struct sha1 s;
    uint8_t name[SHA1_BYTES];
    char text[2 * SHA1_BYTES + 1];
    sha1_init(&s);
    for (size_t at = 0; at < n; at += piece)
        sha1_add(&s, (const char *)bytes + at, n - at < piece ? n - at : piece);
    sha1_end(&s, name);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", name[i]);
    assert_string_equal(text, hex);
}

/* The examples of FIPS 180-4. */
static void sha1__names_as_the_standard_does(void **state)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static char a[MILLION];
    (void)state;
    memset(a, 'a', sizeof a);
    expect("", 0, 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect("abc", 3, 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(two, sizeof two - 1, 7, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect(a, sizeof a, sizeof a, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    expect(a, sizeof a, 1000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

static void sha1__is_the_same_by_the_processors_instructions(void **state)
{
    (void)state;
#ifdef __x86_64__
    uint8_t bytes[LONGEST * BLOCK];
    uint32_t x = 1;
    if (!processor_has_sha())
        skip();
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
    for (size_t blocks = 1; blocks <= LONGEST; blocks += 13) {
        struct sha1 plain, fast;
        sha1_init(&plain);
        sha1_init(&fast);
        add_blocks_plain(&plain, bytes, blocks);
        add_blocks_sha(&fast, bytes, blocks);
        assert_memory_equal(plain.h, fast.h, sizeof plain.h);
    }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1__names_as_the_standard_does),
        cmocka_unit_test(sha1__is_the_same_by_the_processors_instructions),
    };
    return cmocka_run_group_tests_name("sha1", tests, NULL, NULL);
}
