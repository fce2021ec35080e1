#include "base/utf8.h"

/* Table 3-7 of the Unicode standard: length of the sequence that begins with b, 0 if none does. */
static size_t sequence_length(unsigned char b)
{
    if (b < 0x80)
        return 1;
    if (b >= 0xC2 && b <= 0xDF)
        return 2;
    if ((b & 0xF0) == 0xE0)
        return 3;
    return b >= 0xF0 && b <= 0xF4 ? 4 : 0;
}

static bool second_byte_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return (second & 0xC0) == 0x80;
    }
}

size_t utf8_invalid_at(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;

    while (i < s.n) {
        uint64_t word;
        if (s.n - i >= 8 && (memcpy(&word, p + i, 8), !(word & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        size_t n = sequence_length(p[i]);
        if (n == 0 || n > s.n - i || (n > 1 && !second_byte_fits(p[i], p[i + 1])))
            return i;
        for (size_t k = 2; k < n; k++)
            if ((p[i + k] & 0xC0) != 0x80)
                return i;
        i += n;
    }
    return SIZE_MAX;
}

size_t utf8_length(str s)
{
    size_t i = 0, rest = 0; /* bytes that continue a code point: 10xxxxxx */
    for (uint64_t word; s.n - i >= 8; i += 8) {
        memcpy(&word, s.p + i, 8);
        if (word & 0x8080808080808080u)
            rest += (size_t)__builtin_popcountll(word >> 7 & ~(word >> 6) & 0x0101010101010101u);
    }
    for (; i < s.n; i++)
        rest += ((unsigned char)s.p[i] & 0xC0) == 0x80;
    return s.n - rest;
}

bool utf8_is_ascii(str s)
{
    size_t i = 0;
    for (uint64_t word; s.n - i >= 8; i += 8) {
        memcpy(&word, s.p + i, 8);
        if (word & 0x8080808080808080u)
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

uint32_t utf8_next(str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    if (p[0] < 0x80) {
        *at += 1;
        return p[0];
    }
    if (p[0] < 0xE0) {
        *at += 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    }
    if (p[0] < 0xF0) {
        *at += 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    }
    *at += 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
           (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
}

uint32_t utf8_prev(str s, size_t *at)
{
    do
        --*at;
    while (*at > 0 && ((unsigned char)s.p[*at] & 0xC0) == 0x80);
    size_t from = *at;
    return utf8_next(s, &from);
}

size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf8_offset(str s, size_t index)
{
    size_t at = 0;
    while (index && at < s.n) {
        size_t n = sequence_length((unsigned char)s.p[at]);
        at += n ? n : 1;
        index--;
    }
    return at < s.n ? at : s.n;
}
