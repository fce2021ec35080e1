#include "shell/shell_int.h"

/* A word while it is read. */
struct making {
    struct word word;
    struct buf *text;
    unsigned flags;
    bool bare;       /* only literal bytes outside of quotes so far */
    bool solid;      /* a literal byte or a quote keeps it a word when values are empty */
    bool after_name; /* $NAME or $1 stands directly before */
    bool tilde;      /* an open ~ prefix */
    bool special;    /* has { or [ outside of quotes */
    bool range;      /* has .. behind a { */
    size_t open;     /* { not yet closed */
};

int scan_peek(struct scan *s)
{
    while (s->i + 1 < s->text.n && s->text.p[s->i] == '\\' && s->text.p[s->i + 1] == '\n')
        s->i += 2;
    return s->i < s->text.n ? (unsigned char)s->text.p[s->i] : END;
}

int scan_peek_second(struct scan *s)
{
    size_t at = s->i;
    int c = scan_peek(s);
    if (c != END) {
        s->i++;
        c = scan_peek(s);
    }
    s->i = at;
    return c;
}

bool scan_is_meta(int c)
{
    return c == END || (c != HOLE && strchr(" \t\n|&;()<>", c));
}

bool scan_is_name_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t scan_name_length(str text)
{
    size_t n = 0;
    if (text.n && text.p[0] >= '0' && text.p[0] <= '9')
        return 0;
    while (n < text.n && scan_is_name_byte((unsigned char)text.p[n]))
        n++;
    return n;
}

bool scan_hole(struct scan *s, enum place place)
{
    if (s->inside)
        return scan_refuse(s, s->inside, s->i, "");
    s->holes.at[s->taken++].place = place;
    s->i++;
    return true;
}

static void add_literal(struct buf *text, int c)
{
    if (text)
        buf_add_byte(text, c == MARK_HOLE || c == MARK_RUNTIME ? MARK_RUNTIME : (char)c);
}

static void add_mark(struct buf *text, char mark)
{
    if (text)
        buf_add_byte(text, mark);
}

bool scan_single(struct scan *s, struct buf *text)
{
    for (; s->i < s->text.n; s->i++) {
        char c = s->text.p[s->i];
        if (c == '\'') {
            s->i++;
            return true;
        }
        if (c == HOLE) {
            if (!scan_hole(s, PLACE_SINGLE))
                return false;
            s->i--;
            add_mark(text, MARK_HOLE);
            continue;
        }
        if (c == '\n' && s->pending.n)
            return scan_unclear(s, "a quoted newline before a here-document begins");
        add_literal(text, (unsigned char)c);
    }
    return scan_unclear(s, "a ' is not closed");
}

/* A backslash inside of double quotes. */
static bool double_escape(struct scan *s, struct buf *text)
{
    s->i++;
    if (s->i >= s->text.n)
        return scan_unclear(s, "a \" is not closed");
    char c = s->text.p[s->i];
    if (c == HOLE)
        return scan_refuse(s, s->inside ? s->inside : R_BACKSLASH, s->i, "");
    if (!strchr("$`\"\\", c))
        add_literal(text, '\\');
    add_literal(text, (unsigned char)c);
    s->i++;
    return true;
}

static bool double_piece(struct scan *s, struct buf *text, int c, bool *ret_splits, bool *after)
{
    struct dollar d = {0};
    bool after_name = *after;
    *after = false;
    switch (c) {
    case '\\':
        return double_escape(s, text);
    case '$':
        if (!scan_dollar(s, true, &d))
            return false;
        *after = d.name;
        *ret_splits |= d.splits;
        add_mark(text, d.literal ? '$' : MARK_RUNTIME);
        return true;
    case '`':
        add_mark(text, MARK_RUNTIME);
        return scan_backtick(s);
    case HOLE:
        if (!scan_hole(s, PLACE_DOUBLE))
            return false;
        s->holes.at[s->taken - 1].apart = after_name;
        /* A second value behind an empty first one stands behind the name too. */
        *after = after_name;
        add_mark(text, MARK_HOLE);
        return true;
    case '\n':
        if (s->pending.n)
            return scan_unclear(s, "a quoted newline before a here-document begins");
        break;
    default:
        break;
    }
    add_literal(text, c);
    s->i++;
    return true;
}

bool scan_double(struct scan *s, struct buf *text, bool *ret_splits)
{
    bool after_name = false;
    for (;;) {
        int c = scan_peek(s);
        if (c == END)
            return scan_unclear(s, "a \" is not closed");
        if (c == '"') {
            s->i++;
            return true;
        }
        if (!double_piece(s, text, c, ret_splits, &after_name))
            return false;
    }
}

/* NAME[...] where it is assigned: bash reads to the ] whatever stands between, so only plain
 * subscripts are understood. */
static bool word_subscript(struct scan *s, struct making *m)
{
    size_t from = s->i;
    for (;; s->i++) {
        int c = scan_peek(s);
        if (c == HOLE)
            return scan_refuse(s, s->inside ? s->inside : R_SUBSCRIPT, s->i, "");
        if (c == END || (!scan_is_name_byte(c) && !strchr("[]$+*@-", c)))
            return scan_unclear(s, "an array subscript that is not a plain name or number");
        add_literal(m->text, c);
        if (c == ']')
            break;
    }
    vec_push(&s->evaluated, (struct range){from, s->i++, true});
    int c = scan_peek(s);
    if (c == '+' && scan_peek_second(s) == '=') {
        add_literal(m->text, '+');
        s->i++;
        c = '=';
    }
    if (c != '=')
        return scan_unclear(s, "a command that looks like an array element");
    add_literal(m->text, '=');
    s->i++;
    m->word.value = m->text->n;
    m->solid = true;
    return true;
}

/* Only values stand before c: must they be '' when they are empty? */
static void keep_leading(struct scan *s, struct making *m, int c)
{
    if (m->solid || scan_is_name_byte(c) || strchr("_./-,:@%+", c))
        return;
    for (size_t h = m->word.hole; h < s->taken; h++)
        s->holes.at[h].keep_empty = true;
}

static bool word_literal(struct scan *s, struct making *m, int c)
{
    struct buf *text = m->text;
    char before = text->n ? text->p[text->n - 1] : 0;
    keep_leading(s, m, c);
    if (c == '~' && (text->n == 0 || before == '=' || before == ':'))
        m->tilde = true;
    else if (c == '/' || c == ':' || c == '=')
        m->tilde = false;
    if (c == '{') {
        m->open++;
        m->special = true;
    } else if (c == '}' && m->open) {
        m->open--;
    } else if (c == '.' && before == '.' && m->open) {
        m->range = true;
    }
    m->special |= c == '[';
    m->word.splits |= c == '*' || c == '?' || (m->open && (c == ',' || m->range));
    size_t name = m->bare && !m->word.value ? scan_name_length(buf_str(text)) : 0;
    if (c == '[' && name && name == text->n && m->flags & WORD_ASSIGN)
        return word_subscript(s, m);
    /* To dash NAME+=value is a command's name. */
    bool plus = name && name + 1 == text->n && before == '+' && s->dialect == SHELL_BASH;
    add_literal(text, c);
    s->i++;
    if (c == '=' && name && (name + 1 == text->n || plus))
        m->word.value = text->n;
    m->solid = true;
    return true;
}

static bool word_hole(struct scan *s, struct making *m, bool after_name)
{
    if (m->tilde && !s->inside)
        return scan_refuse(s, R_TILDE, s->i, "");
    if (!scan_hole(s, PLACE_WORD))
        return false;
    s->holes.at[s->taken - 1].force = after_name;
    m->after_name = after_name;
    m->bare = false;
    add_mark(m->text, MARK_HOLE);
    return true;
}

static bool word_backslash(struct scan *s, struct making *m)
{
    s->i++;
    if (s->i >= s->text.n)
        return scan_unclear(s, "a backslash is the last byte");
    if (s->text.p[s->i] == HOLE)
        return scan_refuse(s, s->inside ? s->inside : R_BACKSLASH, s->i, "");
    add_literal(m->text, (unsigned char)s->text.p[s->i++]);
    m->solid = m->word.quoted = true;
    return true;
}

static bool word_dollar(struct scan *s, struct making *m)
{
    struct dollar d = {0};
    int second = scan_peek_second(s);
    if (second == '\'' || second == '"') {
        if (s->dialect == SHELL_SH)
            return scan_unclear(s, "$'...' and $\"...\" are not POSIX");
        m->word.quoted = m->solid = true;
    }
    if (!scan_dollar(s, false, &d))
        return false;
    m->after_name = d.name;
    m->word.splits |= d.splits;
    m->solid |= d.literal;
    add_mark(m->text, d.literal ? '$' : MARK_RUNTIME);
    return true;
}

static bool word_piece(struct scan *s, struct making *m, int c)
{
    bool after_name = m->after_name, ignored = false;
    m->after_name = false;
    if (c == HOLE)
        return word_hole(s, m, after_name);
    if (c && !strchr("'\"\\$`<>", c))
        return word_literal(s, m, c);
    m->bare = false;
    switch (c) {
    case '\'':
    case '"':
        m->word.quoted = m->solid = true;
        s->i++;
        if (c == '\'')
            return scan_single(s, m->text);
        if (!scan_double(s, m->text, &ignored))
            return false;
        m->word.splits |= ignored;
        return true;
    case '\\':
        return word_backslash(s, m);
    case '$':
        return word_dollar(s, m);
    case '`':
        m->word.splits = true;
        add_mark(m->text, MARK_RUNTIME);
        return scan_backtick(s);
    default:
        m->solid = true;
        add_mark(m->text, MARK_RUNTIME);
        return scan_process_substitution(s);
    }
}

/* NAME=( words ), at the parenthesis. */
static bool word_array(struct scan *s, struct making *m)
{
    if (s->dialect == SHELL_SH)
        return scan_unclear(s, "arrays are not POSIX");
    s->i++;
    for (;;) {
        if (!scan_linebreaks(s))
            return false;
        int c = scan_peek(s);
        if (c == ')')
            break;
        struct word element;
        if (!scan_word(s, WORD_FORCE, &element))
            return false;
        if (element.holes && element.text.p[0] == '[')
            return scan_refuse(s, R_SUBSCRIPT, s->holes.at[element.hole].at, "");
        /* bash 5.2 doubles \001 bytes in "..." here. */
        for (size_t h = element.hole; h < s->taken; h++)
            s->holes.at[h].apart = true;
    }
    s->i++;
    add_mark(m->text, MARK_RUNTIME);
    if (!scan_is_meta(scan_peek(s)))
        return scan_unclear(s, "text directly behind an array's )");
    return true;
}

static bool word_finish(struct scan *s, struct making *m, struct word *ret_word)
{
    int c = scan_peek(s);
    bool array = c == '(' && m->flags & WORD_ASSIGN && m->word.value &&
                 m->word.value == m->text->n && m->bare;
    if (array && !word_array(s, m))
        return false;
    struct word *w = &m->word;
    w->holes = s->taken - w->hole;
    w->end = s->i;
    bool force = m->special || m->flags & WORD_FORCE || c == '<' || c == '>';
    if (m->range && w->holes)
        return scan_refuse(s, R_BRACE, s->holes.at[w->hole].at, "");
    for (size_t h = w->hole; h < s->taken; h++)
        s->holes.at[h].force |= force;
    if (w->holes && !m->solid)
        s->holes.at[w->hole].alone = w->holes;
    if (m->text->overflow)
        return scan_unclear(s, "a word is too long");
    w->text = arena_str(&s->arena, buf_str(m->text));
    bool bracket = str_has(w->text, STR("[")) && !str_is(w->text, "[") && !str_is(w->text, "[[");
    w->splits |= bracket && m->special;
    *ret_word = *w;
    return true;
}

bool scan_word(struct scan *s, unsigned flags, struct word *ret_word)
{
    auto_buf text = BUF(SHELL_COMMAND_MAX + SHELL_PARTS_MAX);
    struct making m = {.text = &text, .flags = flags, .bare = true};
    m.word.at = s->i;
    m.word.hole = s->taken;
    int c = scan_peek(s);
    size_t start = s->i;
    if (c == '#')
        return scan_unclear(s, "a comment where a word should stand");
    while (!scan_is_meta(c) || ((c == '<' || c == '>') && scan_peek_second(s) == '(')) {
        if (!word_piece(s, &m, c))
            return false;
        c = scan_peek(s);
    }
    if (s->i == start)
        return scan_unclear(s, c == END ? "a word is missing at the end" : "a word is missing");
    return word_finish(s, &m, ret_word);
}
