/* Base64 that is broken into lines. Where a line breaks depends on what precedes the secret, and
 * how often on the program, so any piece of WINDOW characters is looked for; shorter ones at the
 * ends of lines are known by the line before or after. */
#include "engine/mask_int.h"

enum {
    WINDOW = 16, /* characters that no other text has by chance */
    SHORT = 4,   /* at the end of a line of base64 */
    LINE = 32,   /* characters in a row that make a line one of base64 */
};

/* Of both alphabets, as the standard one has it; 0: no character of base64. */
static const char plain[256] = {
    ['A'] = 'A', ['B'] = 'B', ['C'] = 'C', ['D'] = 'D', ['E'] = 'E', ['F'] = 'F', ['G'] = 'G',
    ['H'] = 'H', ['I'] = 'I', ['J'] = 'J', ['K'] = 'K', ['L'] = 'L', ['M'] = 'M', ['N'] = 'N',
    ['O'] = 'O', ['P'] = 'P', ['Q'] = 'Q', ['R'] = 'R', ['S'] = 'S', ['T'] = 'T', ['U'] = 'U',
    ['V'] = 'V', ['W'] = 'W', ['X'] = 'X', ['Y'] = 'Y', ['Z'] = 'Z', ['a'] = 'a', ['b'] = 'b',
    ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',
    ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',
    ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w',
    ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3',
    ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['+'] = '+',
    ['/'] = '/', ['-'] = '+', ['_'] = '/',
};

static char plain_at(str text, size_t i)
{
    return plain[(unsigned char)text.p[i]];
}

/* ---- windows ---- */

static size_t place_of(const struct mask *m, const char *window)
{
    uint64_t half[2];
    memcpy(half, window, sizeof half);
    uint64_t mixed = (half[0] * 0x9E3779B97F4A7C15u ^ half[1]) * 0xC2B2AE3D27D4EB4Fu;
    return mixed >> (64 - m->window_bits);
}

/* The window of these characters, or the free place for it. */
static struct mask_window *window_of(const struct mask *m, const char *window)
{
    size_t last = ((size_t)1 << m->window_bits) - 1;
    for (size_t i = place_of(m, window);; i = (i + 1) & last) {
        struct mask_window *w = &m->windows[i];
        if (!w->form || memcmp(m->forms.at[w->form - 1].text.p + w->at, window, WINDOW) == 0)
            return w;
    }
}

static void put_window(struct mask *m, struct mask_window wanted)
{
    struct mask_window *w = window_of(m, m->forms.at[wanted.form - 1].text.p + wanted.at);
    m->window_count += !w->form;
    *w = w->form ? *w : wanted;
}

static void grow_windows(struct mask *m, size_t more)
{
    struct mask_window *old = m->windows;
    size_t n = old ? (size_t)1 << m->window_bits : 0;
    if (old && (m->window_count + more) * 2 <= n)
        return;
    m->window_bits = m->window_bits ? m->window_bits : 6;
    while ((size_t)1 << m->window_bits < (m->window_count + more) * 2)
        m->window_bits++;
    m->windows = mem_zalloc(sizeof *m->windows << m->window_bits);
    m->window_count = 0;
    for (size_t i = 0; i < n; i++)
        if (old[i].form)
            put_window(m, old[i]);
    free(old);
}

/* Lines break between groups of four, where anybody breaks them. The first and the last windows
 * stand at the secret's own ends. */
void mask_add_form(struct mask *m, str text, size_t skew)
{
    vec_each (f, &m->forms)
        if (str_eq(f->text, text))
            return;
    vec_push(&m->forms, (struct mask_form){{str_dup(text), text.n}, skew});
    uint32_t form = (uint32_t)m->forms.n;
    if (text.n < WINDOW)
        return;
    grow_windows(m, text.n / 4 + 3);
    put_window(m, (struct mask_window){form, 0});
    for (size_t at = (4 - skew) % 4; at + WINDOW <= text.n; at += 4)
        put_window(m, (struct mask_window){form, (uint32_t)at});
    put_window(m, (struct mask_window){form, (uint32_t)(text.n - WINDOW)});
}

/* The first window in text[from, to), or NULL. Looks at one character of WINDOW where none is of
 * base64. */
static const struct mask_window *next_window(const struct mask *m, str text, size_t from, size_t to,
                                             size_t *ret_at)
{
    char window[WINDOW];
    for (size_t i = from, k; m->windows && i + WINDOW <= to; i++) {
        for (k = WINDOW; k && (window[k - 1] = plain_at(text, i + k - 1)); k--)
            ;
        if (k) {
            i += k - 1;
            continue;
        }
        for (;; i++) {
            const struct mask_window *w = window_of(m, window);
            *ret_at = i;
            if (w->form)
                return w;
            memmove(window, window + 1, WINDOW - 1);
            if (i + WINDOW == to || !(window[WINDOW - 1] = plain_at(text, i + WINDOW)))
                break;
        }
        i += WINDOW;
    }
    return NULL;
}

bool mask_has_form(const struct mask *m, str text)
{
    size_t at;
    return next_window(m, text, 0, text.n, &at);
}

/* ---- lines ---- */

struct line {
    const struct mask *mask;
    str text;
    size_t from, to; /* without the space around */
    struct mask_seam *seam;
    struct mask_ranges *ret;
};

static void hide(struct line *l, size_t from, size_t to)
{
    vec_push(&l->ret->list, (struct mask_range){from, to});
}

static void leave_part(struct line *l, struct mask_part part)
{
    vec_each (p, &l->seam->parts)
        if (p->form == part.form && p->at == part.at)
            return;
    vec_push(&l->seam->parts, part);
}

/* How far the form goes on from `at` in the line from i on. */
static size_t length_alike(const struct line *l, size_t i, str form, size_t at)
{
    size_t n = 0;
    while (at + n < form.n && i + n < l->to && plain_at(l->text, i + n) == form.p[at + n])
        n++;
    return n;
}

static void go_on(struct line *l, struct mask_part part)
{
    str form = l->mask->forms.at[part.form].text;
    size_t n = length_alike(l, l->from, form, part.at);
    bool ends = part.at + n == form.n;
    part.at += n;
    part.seen += n;
    if (n && (ends || part.seen >= WINDOW))
        hide(l, l->from, l->from + n);
    if (!ends && l->from + n == l->to)
        leave_part(l, part);
}

static void find_windows(struct line *l)
{
    const struct mask_window *w;
    for (size_t i = l->from, at; (w = next_window(l->mask, l->text, i, l->to, &at));) {
        str form = l->mask->forms.at[w->form - 1].text;
        size_t before = 0, n = length_alike(l, at, form, w->at);
        while (before < w->at && at - before > l->from &&
               plain_at(l->text, at - before - 1) == form.p[w->at - before - 1])
            before++;
        hide(l, at - before, at + n);
        if (at + n == l->to && w->at + n < form.n)
            leave_part(l, (struct mask_part){w->form - 1, w->at + n, before + n});
        i = at + n - WINDOW + 1;
    }
}

/* The beginning of a secret, too short to be known by itself, at the end of a line of base64. */
static void find_beginnings(struct line *l)
{
    size_t run = 0;
    while (run < LINE && run < l->to - l->from && plain_at(l->text, l->to - run - 1))
        run++;
    if (run < LINE)
        return;
    for (uint32_t k = 0; k < l->mask->forms.n; k++) {
        str form = l->mask->forms.at[k].text;
        for (size_t n = 1; n < WINDOW && n < form.n; n++) {
            if (length_alike(l, l->to - n, form, 0) < n)
                continue;
            if (n >= SHORT)
                hide(l, l->to - n, l->to);
            leave_part(l, (struct mask_part){k, n, n});
        }
    }
}

static void find_in_line(struct line *l)
{
    struct mask_seam before = *l->seam;
    while (l->from < l->to && strchr(" \t\r", l->text.p[l->to - 1]))
        l->to--;
    while (l->from < l->to && strchr(" \t", l->text.p[l->from]))
        l->from++;
    if (l->from == l->to)
        return;
    *l->seam = (struct mask_seam){0};
    vec_each (p, &before.parts)
        go_on(l, *p);
    mask_seam_done(&before);
    find_windows(l);
    find_beginnings(l);
}

/* The end of the line that begins at from; also of one whose newline is written as \n. */
static size_t line_end(str text, size_t from, size_t *ret_next)
{
    for (size_t i = from; i < text.n; i++) {
        bool written = text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == 'n';
        if (text.p[i] != '\n' && !written)
            continue;
        *ret_next = i + 1 + written;
        return i;
    }
    *ret_next = text.n;
    return text.n;
}

void mask_find_forms(const struct mask *m, struct mask_seam *s, str text, struct mask_ranges *ret)
{
    for (size_t from = 0, to, next; m->forms.n && from < text.n; from = next) {
        to = line_end(text, from, &next);
        if (to - from >= 2 && str_ends(str_sub(text, from, to), STR("\\r")))
            to -= 2;
        find_in_line(&(struct line){m, text, from, to, s, ret});
    }
}
