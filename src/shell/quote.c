#include "shell/shell_int.h"

static void scan_done(struct scan *s)
{
    vec_done(&s->holes);
    vec_done(&s->pending);
    vec_done(&s->evaluated);
    vec_done(&s->carriers);
    vec_done(&s->functions);
    arena_done(&s->arena);
}

/* --- the flat text --- */

static bool flatten(struct scan *s)
{
    auto_buf flat = BUF(SHELL_COMMAND_MAX + SHELL_PARTS_MAX);
    if (s->part_count > SHELL_PARTS_MAX)
        return problem_set(s->problem, R_LIMIT, SHELL_PARTS_MAX, 0, "too many values");
    for (size_t i = 0; i < s->part_count; i++) {
        const struct shell_part *p = &s->parts[i];
        size_t nul = str_find_byte(p->text, 0, 0);
        if (!p->untrusted && nul < p->text.n)
            return problem_set(s->problem, R_NUL, i, nul, "");
        if (p->untrusted) {
            vec_push(&s->holes, (struct hole){.part = i, .at = flat.n});
            buf_add_byte(&flat, HOLE);
        } else {
            buf_add_str(&flat, p->text);
        }
        if (flat.overflow)
            return problem_set(s->problem, R_LIMIT, i, 0, "over 1 MiB");
    }
    s->text = arena_str(&s->arena, buf_str(&flat));
    return true;
}

/* Shells join such lines in different ways: an operator whose bytes stand on two lines, and a $
 * whose name stands on the next one. */
static bool split_operators(struct scan *s)
{
    for (size_t i = 0; i + 2 < s->text.n; i++) {
        char c = s->text.p[i];
        if (!c || !strchr("&|<>;($", c))
            continue;
        size_t j = i + 1;
        while (j + 1 < s->text.n && s->text.p[j] == '\\' && s->text.p[j + 1] == '\n')
            j += 2;
        if (j == i + 1 || j >= s->text.n)
            continue;
        s->i = i;
        if (c == '$' || (s->text.p[j] && strchr("&|<>;(-", s->text.p[j])))
            return scan_unclear(s, "an operator is split over two lines");
        s->i = 0;
    }
    return true;
}

static bool judge(struct scan *s)
{
    if (!flatten(s))
        return false;
    if (!s->holes.n)
        return true;
    if (s->dialect == SHELL_PYTHON3)
        return scan_refuse(s, R_PYTHON, s->holes.at[0].at, "");
    if (!split_operators(s) || !scan_list(s))
        return false;
    if (scan_peek(s) != END)
        return scan_unclear(s, "a ), ;; or closing word without its opening");
    if (s->pending.n)
        return scan_unclear(s, "a here-document without a body");
    if (s->taken != s->holes.n)
        return scan_unclear(s, "a value was not reached");
    return judge_script(s);
}

/* --- writing --- */

static bool is_safe(str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (!scan_is_name_byte((unsigned char)value.p[i]) &&
            (!value.p[i] || !strchr("@%+=:,./-", value.p[i])))
            return false;
    return true;
}

/* The form of Python's shlex.quote. */
static void add_quoted(struct buf *out, str value)
{
    buf_add_byte(out, '\'');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\'')
            buf_add_c(out, "'\"'\"'");
        else
            buf_add_byte(out, value.p[i]);
    }
    buf_add_byte(out, '\'');
}

static void add_single(struct buf *out, str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\'')
            buf_add_c(out, "'\\''");
        else
            buf_add_byte(out, value.p[i]);
    }
}

/* A backslash could be taken for the second byte of a character before it, in locales such as
 * Shift JIS, so a value with both leaves the double quotes. */
static void add_double(struct buf *out, const struct hole *h, str value)
{
    bool special = false, wide = false;
    for (size_t i = 0; i < value.n; i++) {
        special |= value.p[i] && strchr("\"\\$`", value.p[i]);
        wide |= (unsigned char)value.p[i] >= 0x80;
    }
    if (h->apart || (special && wide)) {
        buf_add_byte(out, '"');
        add_quoted(out, value);
        buf_add_byte(out, '"');
        return;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (strchr("\"\\$`", value.p[i]))
            buf_add_byte(out, '\\');
        buf_add_byte(out, value.p[i]);
    }
}

static void add_word(struct buf *out, const struct scan *s, const struct hole *h, str value)
{
    bool empty = h->alone > 0;
    for (size_t i = 0; empty && i < h->alone; i++)
        empty = s->parts[h[i].part].text.n == 0;
    bool nothing = value.n == 0 && !empty && !h->keep_empty && !h->force;
    if (nothing || (value.n && !h->force && is_safe(value)))
        buf_add_str(out, value);
    else
        add_quoted(out, value);
}

static void add_hole(struct buf *out, const struct scan *s, const struct hole *h)
{
    str value = s->parts[h->part].text;
    switch (h->place) {
    case PLACE_SINGLE:
        add_single(out, value);
        break;
    case PLACE_DOUBLE:
        add_double(out, h, value);
        break;
    case PLACE_WORD:
    case PLACE_UNSEEN:
        add_word(out, s, h, value);
        break;
    }
}

static bool check_values(const struct scan *s)
{
    for (size_t i = 0; i < s->part_count; i++) {
        const struct shell_part *p = &s->parts[i];
        if (!p->untrusted || p->unknown)
            continue;
        if (p->text.n > SHELL_VALUE_MAX)
            return problem_set(s->problem, R_LIMIT, i, SHELL_VALUE_MAX, "a value over 1 MiB");
        size_t nul = str_find_byte(p->text, 0, 0);
        if (nul < p->text.n)
            return problem_set(s->problem, R_NUL, i, nul, "");
    }
    return true;
}

static bool write_command(const struct scan *s, struct buf *out)
{
    size_t before = out->n, hole = 0;
    for (size_t i = 0; i < s->part_count; i++) {
        if (!s->parts[i].untrusted) {
            buf_add_str(out, s->parts[i].text);
            continue;
        }
        if (s->parts[i].unknown) {
            buf_cut(out, before, out->n - before);
            return problem_set(s->problem, R_UNKNOWN, i, 0, "");
        }
        add_hole(out, s, &s->holes.at[hole++]);
    }
    if (!out->overflow)
        return true;
    buf_cut(out, before, out->n - before);
    return problem_set(s->problem, R_LIMIT, 0, 0, "the quoted text is too long");
}

bool shell_quote(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                 struct buf *out, struct shell_problem *ret_problem)
{
    cleanup(scan_done) struct scan s = {
        .dialect = dialect, .parts = parts, .part_count = n, .problem = ret_problem};
    return judge(&s) && check_values(&s) && write_command(&s, out);
}

bool shell_check(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                 struct shell_problem *ret_problem)
{
    cleanup(scan_done) struct scan s = {
        .dialect = dialect, .parts = parts, .part_count = n, .problem = ret_problem};
    return judge(&s) && check_values(&s);
}

void shell_warnings_done(struct shell_warnings *w)
{
    vec_done(w);
}

void shell_lint(enum shell_dialect dialect, const struct shell_part *parts, size_t n,
                struct shell_warnings *warnings)
{
    struct shell_problem ignored;
    size_t before = warnings->n;
    cleanup(scan_done) struct scan s = {.dialect = dialect,
                                        .parts = parts,
                                        .part_count = n,
                                        .problem = &ignored,
                                        .warnings = warnings};
    if (!judge(&s) || !check_values(&s))
        warnings->n = before;
}
