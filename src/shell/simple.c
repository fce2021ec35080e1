#include "shell/shell_int.h"

static void words_done(struct words *w)
{
    vec_done(w);
}

void scan_blanks(struct scan *s)
{
    int c = scan_peek(s);
    while (c == ' ' || c == '\t') {
        s->i++;
        c = scan_peek(s);
    }
}

static bool skip_comment(struct scan *s)
{
    for (; s->i < s->text.n && s->text.p[s->i] != '\n'; s->i++)
        if (s->text.p[s->i] == HOLE)
            return scan_refuse(s, s->inside ? s->inside : R_COMMENT, s->i, "");
    return true;
}

static bool is_odd_run(str line, char c)
{
    size_t n = 0;
    while (n < line.n && line.p[line.n - 1 - n] == c)
        n++;
    return n & 1;
}

/* Shells differ in whether a $( ) that is open at the end of a line hides the delimiter. */
static bool line_is_plain(str line)
{
    long parens = 0, ticks = 0;
    bool dollar = false;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        dollar |= c == '$' && i + 1 < line.n && (line.p[i + 1] == '(' || line.p[i + 1] == '{');
        parens += c == '(' || c == '{';
        parens -= c == ')' || c == '}';
        ticks += c == '`';
    }
    return ticks % 2 == 0 && (!dollar || parens == 0);
}

static bool read_heredoc(struct scan *s, const struct heredoc *doc)
{
    bool continued = false;
    while (s->i < s->text.n) {
        size_t end = str_find_byte(s->text, '\n', s->i);
        str line = str_sub(s->text, s->i, end < s->text.n ? end : s->text.n);
        size_t hole = str_find_byte(line, HOLE, 0);
        if (hole < line.n)
            return scan_refuse(s, s->inside ? s->inside : R_HEREDOC, s->i + hole, "");
        while (doc->strip_tabs && line.n && line.p[0] == '\t')
            line = str_sub(line, 1, line.n);
        bool found = str_eq(line, doc->delimiter);
        if (!doc->quoted && ((found && continued) || !line_is_plain(line)))
            return scan_unclear(s, "shells differ in where this here-document ends; quote its "
                                   "delimiter");
        if (!doc->quoted && str_has(line, STR("$(")))
            vec_push(&s->evaluated, (struct range){s->i, s->i + line.n, false});
        s->i = end < s->text.n ? end + 1 : s->text.n;
        if (found)
            return true;
        continued = is_odd_run(line, '\\');
    }
    return scan_unclear(s, "a here-document is not closed");
}

bool scan_newline(struct scan *s)
{
    if (s->outer_pending)
        return scan_unclear(s, "a newline in $( ) before a here-document begins");
    s->i++;
    for (size_t d = 0; d < s->pending.n; d++)
        if (!read_heredoc(s, &s->pending.at[d]))
            return false;
    s->pending.n = 0;
    return true;
}

bool scan_linebreaks(struct scan *s)
{
    for (;;) {
        scan_blanks(s);
        int c = scan_peek(s);
        if (c == '#' && !skip_comment(s))
            return false;
        if (c == '\n' && !scan_newline(s))
            return false;
        if (c != '#' && c != '\n')
            return true;
    }
}

static bool scan_heredoc(struct scan *s)
{
    struct heredoc doc = {0};
    struct word w;
    if (s->i < s->text.n && s->text.p[s->i] == '-') {
        doc.strip_tabs = true;
        s->i++;
    }
    scan_blanks(s);
    enum refusal before = s->inside;
    if (!before)
        s->inside = R_HEREDOC;
    if (!scan_word(s, 0, &w))
        return false;
    s->inside = before;
    for (size_t i = 0; i < w.text.n; i++)
        if (!scan_is_name_byte((unsigned char)w.text.p[i]) && !strchr("-.+!:,/=@", w.text.p[i]))
            return scan_unclear(s, "a here-document's delimiter that is not a plain word");
    if (!w.text.n)
        return scan_unclear(s, "an empty here-document delimiter");
    doc.delimiter = w.text;
    doc.quoted = w.quoted;
    vec_push(&s->pending, doc);
    return true;
}

bool scan_is_redirect(struct scan *s)
{
    int c = scan_peek(s), second = scan_peek_second(s);
    if (c == '<' || c == '>')
        return second != '(';
    return c == '&' && second == '>';
}

/* Takes one operator byte if it stands here. */
static bool take(struct scan *s, char c)
{
    if (s->i >= s->text.n || s->text.p[s->i] != c)
        return false;
    s->i++;
    return true;
}

static bool redirect_target(struct scan *s, bool descriptor)
{
    struct word w;
    scan_blanks(s);
    if (!scan_word(s, 0, &w))
        return false;
    if (descriptor && w.holes)
        return scan_refuse(s, R_DESCRIPTOR, s->holes.at[w.hole].at, "");
    return true;
}

bool scan_redirect(struct scan *s)
{
    if (take(s, '&')) {
        if (s->dialect == SHELL_SH)
            return scan_unclear(s, "&> is not POSIX; write >FILE 2>&1");
        take(s, '>');
        take(s, '>');
        return redirect_target(s, false);
    }
    if (take(s, '<')) {
        if (take(s, '&'))
            return redirect_target(s, true);
        if (!take(s, '<')) {
            take(s, '>');
            return redirect_target(s, false);
        }
        if (!take(s, '<'))
            return scan_heredoc(s);
        if (s->dialect == SHELL_SH)
            return scan_unclear(s, "<<< is not POSIX");
        return redirect_target(s, false);
    }
    take(s, '>');
    if (take(s, '&'))
        return redirect_target(s, true);
    if (!take(s, '>'))
        take(s, '|');
    return redirect_target(s, false);
}

/* 2 in 2>file, and bash's {name}. */
static bool is_descriptor(struct scan *s, const struct word *w)
{
    int c = scan_peek(s);
    if ((c != '<' && c != '>') || w->quoted || w->holes)
        return false;
    str t = w->text;
    if (s->dialect == SHELL_BASH && t.n > 2 && t.p[0] == '{' && t.p[t.n - 1] == '}')
        return scan_name_length(str_sub(t, 1, t.n - 1)) == t.n - 2;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
    return true;
}

/* dash takes 10 in 10>file for a word, bash for a descriptor. */
static bool check_descriptor(struct scan *s, const struct word *w)
{
    if (w->text.n > 1 && w->text.p[0] != '{')
        return scan_unclear(s, "a file descriptor over 9");
    return true;
}

/* NAME ( ) command, at the parenthesis. */
static bool scan_function(struct scan *s, const struct word *name)
{
    s->i++;
    scan_blanks(s);
    if (scan_peek(s) != ')')
        return scan_unclear(s, "a ( that begins neither a function nor a subshell");
    if (name->holes)
        return scan_refuse(s, R_NAME, s->holes.at[name->hole].at, "a function");
    vec_push(&s->functions, name->text);
    s->i++;
    if (++s->depth > SHELL_DEPTH_MAX)
        return scan_refuse(s, R_LIMIT, s->i, "constructs are nested too deeply");
    if (!scan_linebreaks(s) || !scan_command(s))
        return false;
    s->depth--;
    return true;
}

static bool takes_assignments(const struct word *w)
{
    static const char *const names[] = {"declare", "typeset", "local", "export", "readonly"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(w->text, names[i]))
            return true;
    return false;
}

/* One word of a simple command; adds it to the words unless it is an assignment before them. */
static bool simple_word(struct scan *s, struct words *words, bool *ret_any)
{
    struct word w;
    unsigned flags = words->n == 0 || takes_assignments(words->at) ? WORD_ASSIGN : 0;
    if (!scan_word(s, flags, &w))
        return false;
    if (is_descriptor(s, &w))
        return check_descriptor(s, &w);
    if (words->n == 0 && !w.quoted && scan_is_reserved(s, w.text))
        return scan_unclear(s, "a reserved word in an unusual place");
    *ret_any = true;
    if (words->n == 0 && w.value)
        return judge_assignment(s, &w);
    vec_push(words, w);
    return true;
}

bool scan_simple(struct scan *s)
{
    cleanup(words_done) struct words words = {0};
    bool any = false;
    size_t start = s->i;
    for (;;) {
        scan_blanks(s);
        int c = scan_peek(s);
        if (scan_is_redirect(s)) {
            any = true;
            if (!scan_redirect(s))
                return false;
            continue;
        }
        if (c == '(') {
            if (words.n == 1 && words.at[0].at == start)
                return scan_function(s, words.at);
            return scan_unclear(s, "a ( in the middle of a command");
        }
        bool substitution = (c == '<' || c == '>') && scan_peek_second(s) == '(';
        if ((scan_is_meta(c) && !substitution) || c == '#')
            break;
        if (!simple_word(s, &words, &any))
            return false;
    }
    if (!any)
        return scan_unclear(s, "a command is missing");
    return judge_command(s, words.at, words.n);
}
