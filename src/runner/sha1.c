/* SHA-1 as git names objects by it (FIPS 180-4). Names only: nothing here trusts it. */
#include "runner/sha1.h"
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#endif

enum { BLOCK = 64 };

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t read_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void add_block(struct sha1 *s, const uint8_t *p)
{
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];
    for (int i = 0; i < 80; i++)
        w[i] = i < 16 ? read_be(p + (size_t)i * 4)
                      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (d ^ (b & (c ^ d))) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (d & (b | c))) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotate(a, 5) + f + e + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d, s->h[4] += e;
}

static void add_blocks_plain(struct sha1 *s, const uint8_t *p, size_t n)
{
    for (; n; n--, p += BLOCK)
        add_block(s, p);
}

#ifdef __x86_64__
/* Four rounds a group; the immediate of the instruction is the twenty that the group is of. */
__attribute__((target("sha,sse4.1"))) static inline __m128i four_rounds(__m128i abcd, __m128i e,
                                                                        int twenty)
{
    switch (twenty) {
    case 0:
        return _mm_sha1rnds4_epu32(abcd, e, 0);
    case 1:
        return _mm_sha1rnds4_epu32(abcd, e, 1);
    case 2:
        return _mm_sha1rnds4_epu32(abcd, e, 2);
    default:
        return _mm_sha1rnds4_epu32(abcd, e, 3);
    }
}

/* The processor's own instructions for it, which are many times as fast. */
__attribute__((target("sha,sse4.1"))) static void add_blocks_sha(struct sha1 *s, const uint8_t *p,
                                                                 size_t n)
{
    const __m128i reversed = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)s->h), 0x1b);
    __m128i e = _mm_set_epi32((int)s->h[4], 0, 0, 0);
    for (; n; n--, p += BLOCK) {
        __m128i w[4], before = abcd, last = abcd, e_before = e;
        for (int i = 0; i < 20; i++) {
            __m128i *now = &w[i % 4];
            if (i < 4)
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + i), reversed);
            else
                *now = _mm_sha1msg2_epu32(
                    _mm_xor_si128(_mm_sha1msg1_epu32(*now, w[(i + 1) % 4]), w[(i + 2) % 4]),
                    w[(i + 3) % 4]);
            e = i ? _mm_sha1nexte_epu32(last, *now) : _mm_add_epi32(e, *now);
            last = abcd;
            abcd = four_rounds(abcd, e, i / 5);
        }
        e = _mm_sha1nexte_epu32(last, e_before);
        abcd = _mm_add_epi32(abcd, before);
    }
    _mm_storeu_si128((__m128i *)s->h, _mm_shuffle_epi32(abcd, 0x1b));
    s->h[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

/* Asked once: on a virtual machine the question itself is slow. */
static bool processor_has_sha(void)
{
    static atomic_int known; /* 0: not asked, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (!answer) {
        unsigned a, b, c, d;
        bool sse = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
        answer = sse && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) ? 2 : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}

static void add_blocks(struct sha1 *s, const uint8_t *p, size_t n)
{
    if (processor_has_sha())
        add_blocks_sha(s, p, n);
    else
        add_blocks_plain(s, p, n);
}
#else
static void add_blocks(struct sha1 *s, const uint8_t *p, size_t n)
{
    add_blocks_plain(s, p, n);
}
#endif

void sha1_init(struct sha1 *s)
{
    *s = (struct sha1){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void sha1_add(struct sha1 *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    size_t have = s->n % sizeof s->rest;
    s->n += n;
    if (have) {
        size_t take = n < sizeof s->rest - have ? n : sizeof s->rest - have;
        memcpy(s->rest + have, p, take);
        if (have + take < sizeof s->rest)
            return;
        add_blocks(s, s->rest, 1);
        p += take, n -= take;
    }
    add_blocks(s, p, n / BLOCK);
    if (n % BLOCK)
        memcpy(s->rest, p + n / BLOCK * BLOCK, n % BLOCK);
}

void sha1_end(struct sha1 *s, uint8_t ret[SHA1_BYTES])
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = s->n * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha1_add(s, padding, (119 - s->n % 64) % 64 + 1);
    sha1_add(s, length, sizeof length);
    for (int i = 0; i < SHA1_BYTES; i++)
        ret[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
