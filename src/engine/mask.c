#include "engine/mask.h"
#include "base/utf8.h"
#include "json/writer.h"
#include <sodium.h>

enum { PATTERN_MAX = 1 << 20, FORMS_MAX = 24 /* of one secret */ };

void mask_done(struct mask *m)
{
    for (size_t i = 0; i < m->patterns.n; i++) {
        sodium_memzero(m->patterns.at[i], m->lengths.at[i]);
        free(m->patterns.at[i]);
    }
    vec_done(&m->patterns);
    vec_done(&m->lengths);
}

/* Longest first, so that a secret inside of another one does not cut it in two. */
void mask_add_pattern(struct mask *m, str s)
{
    size_t at = 0;
    if (s.n < MASK_SHORTEST || m->patterns.n >= MASK_SECRETS_MAX * FORMS_MAX)
        return;
    for (size_t i = 0; i < m->patterns.n; i++)
        if (m->lengths.at[i] == s.n && memcmp(m->patterns.at[i], s.p, s.n) == 0)
            return;
    while (at < m->patterns.n && m->lengths.at[at] >= s.n)
        at++;
    vec_push(&m->patterns, NULL);
    vec_push(&m->lengths, 0);
    memmove(m->patterns.at + at + 1, m->patterns.at + at,
            (m->patterns.n - 1 - at) * sizeof *m->patterns.at);
    memmove(m->lengths.at + at + 1, m->lengths.at + at,
            (m->lengths.n - 1 - at) * sizeof *m->lengths.at);
    m->patterns.at[at] = str_dup(s);
    m->lengths.at[at] = s.n;
    if (s.n > m->longest)
        m->longest = s.n;
}

/* What of the secret's base64 does not depend on the bytes around it, at one alignment. */
static void add_base64(struct mask *m, str s, size_t skew, int variant)
{
    auto_buf padded = BUF(PATTERN_MAX);
    buf_add_repeat(&padded, '\0', skew);
    buf_add_str(&padded, s);
    size_t room = sodium_base64_encoded_len(padded.n, variant);
    auto_free char *text = mem_alloc(room);
    sodium_bin2base64(text, room, (const unsigned char *)padded.p, padded.n, variant);
    size_t from = skew ? skew + 1 : 0; /* characters that hold bits of what precedes */
    size_t to = padded.n / 3 * 4;      /* the last group's depend on what follows */
    if (padded.n % 3)
        to += padded.n % 3;
    if (to > from + 4)
        mask_add_pattern(m, str_make(text + from, to - from));
}

/* What the encoders of URLs leave as it is, and how they write a space. */
static const struct {
    const char *plain, *space;
} url_forms[] = {
    {"-_.~", "%20"},      /* RFC 3986 */
    {"-_.~/", "%20"},     /* paths; Python's quote() */
    {"-_.~!'()*", "%20"}, /* JavaScript's encodeURIComponent() */
    {"-_.~", "+"},        /* forms; Python's quote_plus() */
    {"-_.*", "+"},        /* forms; JavaScript's URLSearchParams, Java */
};

static void add_url(struct mask *m, str s, const char *plain, const char *space, const char *hex)
{
    auto_buf b = BUF(PATTERN_MAX);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || (c && strchr(plain, c));
        if (c == ' ')
            buf_add_c(&b, space);
        else if (is_plain)
            buf_add_byte(&b, (char)c);
        else
            buf_addf(&b, "%%%c%c", hex[c >> 4], hex[c & 15]);
    }
    mask_add_pattern(m, buf_str(&b));
}

static void add_urls(struct mask *m, str s)
{
    for (size_t i = 0; i < sizeof url_forms / sizeof *url_forms; i++) {
        add_url(m, s, url_forms[i].plain, url_forms[i].space, "0123456789ABCDEF");
        add_url(m, s, url_forms[i].plain, url_forms[i].space, "0123456789abcdef");
    }
}

static void add_u16(struct buf *b, uint32_t unit)
{
    buf_addf(b, "\\u%04x", (unsigned)unit);
}

/* As JSON text, and as the JSON text that is ASCII. */
static void add_json(struct mask *m, str s)
{
    auto_buf b = BUF(PATTERN_MAX), ascii = BUF(PATTERN_MAX);
    json_add_quoted(&b, s);
    if (b.n <= 2)
        return;
    str text = str_sub(buf_str(&b), 1, b.n - 1);
    mask_add_pattern(m, text);
    if (utf8_invalid_at(text) != SIZE_MAX)
        return;
    for (size_t i = 0; i < text.n;) {
        uint32_t c = utf8_next(text, &i);
        if (c >= 0x10000) {
            add_u16(&ascii, 0xD800 + ((c - 0x10000) >> 10));
            add_u16(&ascii, 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else if (c >= 0x7F) {
            add_u16(&ascii, c);
        } else {
            buf_add_byte(&ascii, (char)c);
        }
    }
    mask_add_pattern(m, buf_str(&ascii));
}

void mask_add(struct mask *m, str secret)
{
    str rest = secret, line;
    if (secret.n < MASK_SHORTEST)
        return;
    mask_add_pattern(m, secret);
    while (str_next(&rest, '\n', &line))
        mask_add_pattern(m, str_trim(line));
    for (size_t skew = 0; skew < 3; skew++) {
        add_base64(m, secret, skew, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
        add_base64(m, secret, skew, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    }
    add_urls(m, secret);
    add_json(m, secret);
}

/* The pattern that begins at text[i], or SIZE_MAX. */
static size_t pattern_at(const struct mask *m, str text, size_t i)
{
    for (size_t k = 0; k < m->patterns.n; k++) {
        size_t n = m->lengths.at[k];
        if (n <= text.n - i && text.p[i] == m->patterns.at[k][0] &&
            memcmp(text.p + i, m->patterns.at[k], n) == 0)
            return k;
    }
    return SIZE_MAX;
}

bool mask_finds(const struct mask *m, str text)
{
    for (size_t k = 0; k < m->patterns.n; k++)
        if (str_has(text, str_make(m->patterns.at[k], m->lengths.at[k])))
            return true;
    return false;
}

void mask_apply(const struct mask *m, str text, struct buf *ret)
{
    size_t shown = 0; /* what is before it is told or hidden */
    if (!mask_finds(m, text)) {
        buf_add_str(ret, text);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        size_t k = pattern_at(m, text, i);
        if (k == SIZE_MAX)
            continue;
        if (i >= shown) {
            buf_add(ret, text.p + shown, i - shown);
            buf_add_c(ret, "***");
        }
        size_t end = i + m->lengths.at[k];
        shown = end > shown ? end : shown;
    }
    buf_add(ret, text.p + shown, text.n - shown);
}

/* Whether what stands from i on may be the start of a secret that goes on after the text. */
static bool may_go_on(const struct mask *m, str text, size_t i)
{
    for (size_t k = 0; k < m->patterns.n && m->lengths.at[k] > text.n - i; k++)
        if (memcmp(text.p + i, m->patterns.at[k], text.n - i) == 0)
            return true;
    return false;
}

/* The start of the first secret that stands on both sides of the cut. */
static size_t before_cut_secrets(const struct mask *m, str text, size_t cut)
{
    size_t from = cut > m->longest ? cut - m->longest : 0;
    for (size_t i = from; i < cut; i++)
        for (size_t k = 0; k < m->patterns.n; k++) {
            size_t n = m->lengths.at[k];
            if (i + n > cut && n <= text.n - i && memcmp(text.p + i, m->patterns.at[k], n) == 0)
                return i;
        }
    return cut;
}

size_t mask_settled(const struct mask *m, str text)
{
    size_t cut = text.n, before;
    if (mask_is_empty(m))
        return text.n;
    for (size_t i = text.n >= m->longest ? text.n - m->longest + 1 : 0; i < text.n; i++)
        if (may_go_on(m, text, i)) {
            cut = i;
            break;
        }
    while (cut && (before = before_cut_secrets(m, text, cut)) < cut)
        cut = before;
    return cut;
}

/* ---- streams ---- */

static unsigned pair_of(const char *p)
{
    return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

void mask_scan_init(struct mask_scan *s, const struct mask *m)
{
    *s = (struct mask_scan){.tail = BUF(2 * PATTERN_MAX)};
    for (size_t i = 0; i < m->patterns.n; i++) {
        unsigned pair = pair_of(m->patterns.at[i]);
        vec_push(&s->mask.patterns, str_dup(str_make(m->patterns.at[i], m->lengths.at[i])));
        vec_push(&s->mask.lengths, m->lengths.at[i]);
        s->pairs[pair / 8] |= (uint8_t)(1 << pair % 8);
    }
    s->mask.longest = m->longest;
}

void mask_scan_done(struct mask_scan *s)
{
    if (s->tail.n)
        sodium_memzero(s->tail.p, s->tail.n);
    buf_done(&s->tail);
    mask_done(&s->mask);
}

bool mask_scan_finds(const struct mask_scan *s, str text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        unsigned pair = pair_of(text.p + i);
        if (s->pairs[pair / 8] & 1 << pair % 8 && pattern_at(&s->mask, text, i) != SIZE_MAX)
            return true;
    }
    return false;
}

/* Over the seam a piece of each side is looked at, as long as the longest secret. */
void mask_scan_add(struct mask_scan *s, str bytes)
{
    size_t keep = s->mask.longest ? s->mask.longest - 1 : 0;
    if (s->found || !keep)
        return;
    buf_add_str(&s->tail, str_sub(bytes, 0, bytes.n < keep ? bytes.n : keep));
    s->found = mask_scan_finds(s, buf_str(&s->tail)) || mask_scan_finds(s, bytes);
    if (bytes.n >= keep) {
        buf_reset(&s->tail);
        buf_add_str(&s->tail, str_sub(bytes, bytes.n - keep, bytes.n));
    } else if (s->tail.n > keep) {
        buf_cut(&s->tail, 0, s->tail.n - keep);
    }
}
