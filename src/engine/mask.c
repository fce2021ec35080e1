#include "base/utf8.h"
#include "engine/mask_int.h"
#include "json/writer.h"
#include <sodium.h>

enum { PATTERN_MAX = 1 << 20 };

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
    if (to <= from + 4)
        return;
    mask_add_pattern(m, str_make(text + from, to - from));
    if (variant == sodium_base64_VARIANT_ORIGINAL_NO_PADDING)
        mask_add_form(m, str_make(text + from, to - from), from);
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
