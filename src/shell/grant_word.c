/* Words and what is expanded in them. */
#include "shell/grant_int.h"

bool grant_is_meta(int c)
{
    return c < 0 || strchr(" \t\n;&|()<>", c) != NULL;
}

static bool is_name(int c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* Of ${NAME...} only forms whose word is plain text: the others can run code by a value
 * (${x@P}, ${!x}, ${x[y]}, ${x:y}). */
static bool read_parameter(struct grant_scan *s)
{
    size_t at = s->i - 2;
    if (grant_peek(s, 0) == '#')
        s->i++;
    if (is_name(grant_peek(s, 0), true))
        while (is_name(grant_peek(s, 0), false))
            s->i++;
    else if (grant_peek(s, 0) >= '0' && grant_peek(s, 0) <= '9')
        s->i++;
    else
        return grant_unclear(s, at, "this form of ${...}");
    int c = grant_peek(s, 0);
    if (c == ':' && (grant_peek(s, 1) == '-' || grant_peek(s, 1) == '+'))
        s->i += 2;
    else if (c > 0 && strchr("-+#%", c))
        s->i++;
    else if (c != '}')
        return grant_unclear(s, at, "this form of ${...}");
    while ((c = grant_peek(s, 0)) != '}') {
        if (!is_name(c, false) && (c < 0 || !strchr("./ *-#%", c)))
            return grant_unclear(s, at, "this form of ${...}");
        s->i++;
    }
    s->i++;
    return true;
}

/* Numbers only: a name is evaluated again as an expression, which may run commands. */
static bool read_arithmetic(struct grant_scan *s)
{
    size_t at = s->i;
    s->i += 3;
    for (int c; (c = grant_peek(s, 0)) != ')'; s->i++)
        if (c < 0 || !strchr("0123456789+*/% -", c))
            return grant_unclear(s, at, "arithmetic with anything but numbers");
    if (grant_peek(s, 1) != ')')
        return grant_unclear(s, at, "arithmetic with anything but numbers");
    s->i += 2;
    return true;
}

static bool read_backquote(struct grant_scan *s, bool in_double)
{
    size_t at = s->i, end = str_find_byte(s->text, '`', s->i + 1);
    if (end >= s->text.n)
        return grant_unclear(s, at, "a backquote without its end");
    str inner = str_sub(s->text, at + 1, end);
    if (memchr(inner.p, '\\', inner.n) || (in_double && memchr(inner.p, '"', inner.n)) ||
        (s->pending_count && memchr(inner.p, '\n', inner.n)))
        return grant_unclear(s, at, "quoting within backquotes");
    s->i = end + 1;
    return grant_text(s, inner, at + 1);
}

/* From the $; *ret_literal where it stands for itself and only it was read. */
static bool read_dollar(struct grant_scan *s, bool in_double, bool *ret_literal)
{
    int c = grant_peek(s, 1);
    *ret_literal = false;
    if (c == '(') {
        if (grant_peek(s, 2) == '(')
            return read_arithmetic(s);
        s->i += 2;
        return grant_until_paren(s, true);
    }
    if (c == '{') {
        s->i += 2;
        return read_parameter(s);
    }
    if (c == '[' || c == '\\' || (!in_double && (c == '\'' || c == '"')))
        return grant_unclear(s, s->i, "this form of $");
    if (is_name(c, true)) {
        for (s->i += 2; is_name(grant_peek(s, 0), false);)
            s->i++;
        return true;
    }
    *ret_literal = c < 0 || !strchr("0123456789?#@*!$-", c);
    s->i += *ret_literal ? 1 : 2;
    return true;
}

static bool read_expansion(struct grant_scan *s, bool in_double, struct buf *text,
                           struct grant_word *w)
{
    bool literal = false;
    if (grant_peek(s, 0) == '`' ? !read_backquote(s, in_double)
                                : !read_dollar(s, in_double, &literal))
        return false;
    buf_add_byte(text, literal ? '$' : GRANT_RUNTIME);
    w->runtime |= !literal;
    w->splits |= !literal && !in_double;
    return true;
}

static bool read_double(struct grant_scan *s, struct buf *text, struct grant_word *w)
{
    size_t at = s->i++;
    for (int c; (c = grant_peek(s, 0)) != '"';) {
        if (c < 0)
            return grant_unclear(s, at, "a quote without its end");
        if (c == '$' || c == '`') {
            size_t from = s->i;
            if (!read_expansion(s, true, text, w))
                return false;
            /* "$@" is as many words as there are arguments. */
            w->splits |= str_has(str_sub(s->text, from, s->i), STR("@"));
            continue;
        }
        if (c == '\\') {
            int next = grant_peek(s, 1);
            if (next < 0 || next == '\n')
                return grant_unclear(s, s->i, "a line continued within quotes");
            if (!strchr("$`\"\\", next))
                buf_add_byte(text, '\\');
            s->i++;
            c = next;
        }
        if (c == '\n' && s->pending_count)
            return grant_unclear(s, s->i, "a here-document that begins before a quote ends");
        buf_add_byte(text, (char)c);
        s->i++;
    }
    s->i++;
    return true;
}

static bool read_single(struct grant_scan *s, struct buf *text)
{
    size_t end = str_find_byte(s->text, '\'', s->i + 1);
    if (end >= s->text.n)
        return grant_unclear(s, s->i, "a quote without its end");
    str inner = str_sub(s->text, s->i + 1, end);
    if (s->pending_count && inner.n && memchr(inner.p, '\n', inner.n))
        return grant_unclear(s, s->i, "a here-document that begins before a quote ends");
    buf_add_str(text, inner);
    s->i = end + 1;
    return true;
}

static bool read_part(struct grant_scan *s, int c, struct buf *text, struct grant_word *w)
{
    w->quoted |= c == '"' || c == '\'' || c == '\\';
    if (c == '$' || c == '`')
        return read_expansion(s, false, text, w);
    if (c == '"')
        return read_double(s, text, w);
    if (c == '\'')
        return read_single(s, text);
    if (c == '\\') {
        c = grant_peek(s, 1);
        if (c < 0 || c == '\n')
            return grant_unclear(s, s->i, "a line continued within a word");
        s->i++;
    } else if (strchr("*?[{~", c)) {
        w->runtime = w->splits = true;
    }
    buf_add_byte(text, (char)c);
    s->i++;
    return true;
}

bool grant_read_word(struct grant_scan *s, struct grant_word *ret_word)
{
    struct grant_word w = {.at = s->i};
    auto_buf text = BUF(GRANT_TEXT_MAX);
    for (int c;;) {
        c = grant_peek(s, 0);
        if ((c == '<' || c == '>') && grant_peek(s, 1) == '(') {
            s->i += 2;
            if (!grant_until_paren(s, true))
                return false;
            buf_add_byte(&text, GRANT_RUNTIME);
            w.runtime = true;
            continue;
        }
        if (grant_is_meta(c))
            break;
        if (!read_part(s, c, &text, &w))
            return false;
    }
    if (s->i == w.at)
        return grant_unclear(s, s->i, "a word that is missing");
    w.end = s->i;
    w.text = arena_str(s->arena, buf_str(&text));
    if (!w.quoted && str_is(w.text, "["))
        w.runtime = w.splits = false;
    *ret_word = w;
    return true;
}

bool grant_body(struct grant_scan *s, str body, size_t at)
{
    struct grant_scan inner = *s;
    struct grant_word unused = {0};
    auto_buf text = BUF(GRANT_TEXT_MAX);
    inner.text = body;
    inner.i = inner.pending_count = inner.outer = 0;
    inner.base = s->base + at;
    for (int c; (c = grant_peek(&inner, 0)) >= 0;) {
        if (c == '$' || c == '`') {
            if (!read_expansion(&inner, true, &text, &unused))
                return false;
            continue;
        }
        if (c == '\\' && (grant_peek(&inner, 1) == '\n' || grant_peek(&inner, 1) < 0))
            return grant_unclear(s, at, "a line continued within a here-document");
        inner.i += c == '\\' ? 2 : 1;
    }
    return true;
}
