/* Patterns in text: found by their first three bytes. */
#include "engine/mask_int.h"
#include <sodium.h>

enum { TAIL_MAX = 2 << 20, FORMS_MAX = 24 /* of one secret */ };

static void free_secret(str s)
{
    sodium_memzero((char *)s.p, s.n);
    free((char *)s.p);
}

void mask_done(struct mask *m)
{
    vec_each (p, &m->patterns)
        free_secret(p->text);
    vec_each (f, &m->forms)
        free_secret(f->text);
    vec_done(&m->patterns);
    vec_done(&m->forms);
    free(m->heads);
    free(m->windows);
    *m = (struct mask){0};
}

/* ---- patterns ---- */

static uint32_t *head_of(const struct mask *m, const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    uint32_t beginning = (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16;
    return &m->heads[beginning * 2654435761u >> (32 - m->head_bits)];
}

/* Longest first, so that of two secrets that begin alike the whole longer one is hidden. */
static void link_pattern(struct mask *m, uint32_t k)
{
    struct mask_pattern *list = m->patterns.at;
    uint32_t *at = head_of(m, list[k].text.p);
    while (*at && list[*at - 1].text.n >= list[k].text.n)
        at = &list[*at - 1].next;
    list[k].next = *at;
    *at = k + 1;
}

static void grow_heads(struct mask *m)
{
    m->head_bits = m->head_bits ? m->head_bits + 2 : 8;
    free(m->heads);
    m->heads = mem_zalloc(sizeof *m->heads << m->head_bits);
    for (uint32_t k = 0; k < m->patterns.n; k++)
        link_pattern(m, k);
}

void mask_add_pattern(struct mask *m, str s)
{
    if (s.n < MASK_SHORTEST || m->patterns.n >= MASK_SECRETS_MAX * FORMS_MAX)
        return;
    for (uint32_t k = m->heads ? *head_of(m, s.p) : 0; k; k = m->patterns.at[k - 1].next)
        if (str_eq(m->patterns.at[k - 1].text, s))
            return;
    vec_push(&m->patterns, (struct mask_pattern){.text = {str_dup(s), s.n}});
    if (!m->heads || m->patterns.n > (size_t)1 << m->head_bits >> 2)
        grow_heads(m);
    else
        link_pattern(m, (uint32_t)m->patterns.n - 1);
    if (s.n > m->longest)
        m->longest = s.n;
}

/* Length of the longest pattern that begins at text[i]; 0: none does. */
static size_t pattern_at(const struct mask *m, str text, size_t i)
{
    for (uint32_t k = *head_of(m, text.p + i); k; k = m->patterns.at[k - 1].next) {
        str p = m->patterns.at[k - 1].text;
        if (p.n <= text.n - i && memcmp(text.p + i, p.p, p.n) == 0)
            return p.n;
    }
    return 0;
}

bool mask_finds(const struct mask *m, str text)
{
    if (mask_is_empty(m))
        return false;
    for (size_t i = 0; i + MASK_SHORTEST <= text.n; i++)
        if (pattern_at(m, text, i))
            return true;
    return mask_has_form(m, text);
}

/* ---- hiding ---- */

void mask_seam_done(struct mask_seam *s)
{
    vec_done(&s->parts);
}

void mask_ranges_done(struct mask_ranges *r)
{
    vec_done(&r->list);
}

static int by_place(const void *a, const void *b)
{
    const struct mask_range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

void mask_find(const struct mask *m, struct mask_seam *s, str text, struct mask_ranges *ret)
{
    ret->list.n = 0;
    if (mask_is_empty(m))
        return;
    for (size_t i = 0, n; i + MASK_SHORTEST <= text.n; i++)
        if ((n = pattern_at(m, text, i)))
            vec_push(&ret->list, (struct mask_range){i, i + n});
    mask_find_forms(m, s, text, ret);
    if (ret->list.n > 1)
        qsort(ret->list.at, ret->list.n, sizeof *ret->list.at, by_place);
}

void mask_hide(const struct mask_ranges *ranges, str text, struct buf *ret)
{
    size_t shown = 0; /* what is before it is told or hidden */
    for (size_t i = 0; i < ranges->list.n; i++) {
        const struct mask_range *r = &ranges->list.at[i];
        if (r->from >= shown) {
            buf_add(ret, text.p + shown, r->from - shown);
            buf_add_c(ret, "***");
        }
        shown = r->to > shown ? r->to : shown;
    }
    buf_add_str(ret, str_sub(text, shown, text.n));
}

void mask_apply(const struct mask *m, str text, struct buf *ret)
{
    cleanup(mask_ranges_done) struct mask_ranges ranges = {0};
    cleanup(mask_seam_done) struct mask_seam seam = {0};
    mask_find(m, &seam, text, &ranges);
    mask_hide(&ranges, text, ret);
}

/* Whether what stands from i on may be the start of a secret that goes on after the text. */
static bool may_go_on(const struct mask *m, str text, size_t i)
{
    for (size_t k = 0; k < m->patterns.n; k++) {
        str p = m->patterns.at[k].text;
        if (p.n > text.n - i && memcmp(text.p + i, p.p, text.n - i) == 0)
            return true;
    }
    return false;
}

/* The start of the first secret that stands on both sides of the cut. */
static size_t before_cut_secrets(const struct mask *m, str text, size_t cut)
{
    size_t from = cut > m->longest ? cut - m->longest : 0;
    for (size_t i = from; i < cut && i + MASK_SHORTEST <= text.n; i++)
        if (i + pattern_at(m, text, i) > cut)
            return i;
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

void mask_scan_init(struct mask_scan *s, const struct mask *m)
{
    *s = (struct mask_scan){.tail = BUF(TAIL_MAX)};
    for (size_t k = 0; k < m->patterns.n; k++)
        mask_add_pattern(&s->mask, m->patterns.at[k].text);
    for (size_t k = 0; k < m->forms.n; k++)
        mask_add_form(&s->mask, m->forms.at[k].text, m->forms.at[k].skew);
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
    return mask_finds(&s->mask, text);
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
