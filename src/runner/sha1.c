/* SHA-1 as git names objects by it (FIPS 180-4). Names only: nothing here trusts it. */
#include "runner/sha1.h"
#include <string.h>

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t read_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void block(struct sha1 *s, const uint8_t *p)
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
        block(s, s->rest);
        p += take, n -= take;
    }
    for (; n >= sizeof s->rest; p += sizeof s->rest, n -= sizeof s->rest)
        block(s, p);
    if (n)
        memcpy(s->rest, p, n);
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
