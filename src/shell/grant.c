/* Commands, lists and compound commands. */
#include "shell/grant_int.h"
#include <stdio.h>

enum stop {
    STOP_THEN = 1,
    STOP_ELIF = 2,
    STOP_ELSE = 4,
    STOP_FI = 8,
    STOP_DO = 16,
    STOP_DONE = 32,
    STOP_BRACE = 64,
    STOP_PAREN = 128,
    STOP_CASE = 256, /* ;; or esac */
};
static const struct {
    str word;
    unsigned stop;
} stops[] = {
    {STR_INIT("then"), STOP_THEN}, {STR_INIT("elif"), STOP_ELIF}, {STR_INIT("else"), STOP_ELSE},
    {STR_INIT("fi"), STOP_FI},     {STR_INIT("do"), STOP_DO},     {STR_INIT("done"), STOP_DONE},
    {STR_INIT("}"), STOP_BRACE},   {STR_INIT("esac"), STOP_CASE},
};

static bool read_list(struct grant_scan *s, unsigned stop);

bool grant_unclear(struct grant_scan *s, size_t at, const char *what)
{
    struct shell_problem *p = s->problem;
    *p = (struct shell_problem){.code = "command_unclear", .offset = s->base + at};
    snprintf(p->message, sizeof p->message, "the command cannot be judged: %s", what);
    snprintf(p->hint, sizeof p->hint, "write plain commands, each word as it is meant");
    return false;
}

/* ---- blanks, newlines, here-documents ---- */

static bool skip_blanks(struct grant_scan *s)
{
    for (;; s->i++) {
        int c = grant_peek(s, 0);
        bool behind = s->i == 0 || s->text.p[s->i - 1] == ' ' || s->text.p[s->i - 1] == '\t';
        if (c == '\\' && grant_peek(s, 1) == '\n') {
            if (!behind || s->pending_count)
                return grant_unclear(s, s->i, "a line continued without a blank before it");
            s->i++;
        } else if (c != ' ' && c != '\t') {
            return true;
        }
    }
}

static void skip_comment(struct grant_scan *s)
{
    if (grant_peek(s, 0) == '#')
        while (grant_peek(s, 0) >= 0 && grant_peek(s, 0) != '\n')
            s->i++;
}

static bool read_heredoc(struct grant_scan *s, const struct grant_heredoc *h)
{
    size_t from = s->i;
    while (s->i < s->text.n) {
        size_t start = s->i, end = str_find_byte(s->text, '\n', s->i);
        if (end > s->text.n)
            end = s->text.n;
        str line = str_sub(s->text, start, end);
        while (h->strip_tabs && str_starts(line, STR("\t")))
            line = str_sub(line, 1, line.n);
        s->i = end < s->text.n ? end + 1 : end;
        if (str_eq(line, h->delimiter))
            return h->quoted || grant_body(s, str_sub(s->text, from, start), from);
    }
    return grant_unclear(s, from, "a here-document without its end");
}

static bool read_newline(struct grant_scan *s)
{
    if (s->outer)
        return grant_unclear(s, s->i, "a here-document that begins before a substitution ends");
    s->i++;
    for (size_t k = 0; k < s->pending_count; k++)
        if (!read_heredoc(s, &s->pending[k]))
            return false;
    s->pending_count = 0;
    return true;
}

static bool skip_lines(struct grant_scan *s)
{
    for (;;) {
        if (!skip_blanks(s))
            return false;
        skip_comment(s);
        if (grant_peek(s, 0) != '\n')
            return true;
        if (!read_newline(s))
            return false;
    }
}

static bool begin_heredoc(struct grant_scan *s, bool strip_tabs)
{
    struct grant_word w;
    if (s->pending_count == GRANT_HEREDOCS_MAX)
        return grant_unclear(s, s->i, "too many here-documents");
    if (!grant_read_word(s, &w))
        return false;
    bool plain = w.text.n && !w.runtime;
    for (size_t k = 0; k < w.text.n; k++)
        plain &= (w.text.p[k] >= 'A' && w.text.p[k] <= 'Z') || w.text.p[k] == '_';
    if (!plain)
        return grant_unclear(s, w.at, "a here-document's mark that is not capital letters");
    s->pending[s->pending_count++] = (struct grant_heredoc){w.text, w.quoted, strip_tabs};
    return true;
}

/* ---- redirections ---- */

static size_t redirect_at(const struct grant_scan *s)
{
    size_t k = 0;
    while (grant_peek(s, k) >= '0' && grant_peek(s, k) <= '9')
        k++;
    int c = grant_peek(s, k), next = grant_peek(s, k + 1);
    if ((c == '<' || c == '>') && (k || next != '('))
        return k + 1;
    return k == 0 && c == '&' && next == '>' ? 1 : 0;
}

static bool read_redirect(struct grant_scan *s)
{
    static const str signs[] = {STR_INIT("<<<"), STR_INIT("<<-"), STR_INIT("<<"), STR_INIT("<&"),
                                STR_INIT("<>"),  STR_INIT("&>>"), STR_INIT("&>"), STR_INIT(">>"),
                                STR_INIT(">&"),  STR_INIT(">|"),  STR_INIT("<"),  STR_INIT(">")};
    struct grant_word w;
    s->i += redirect_at(s) - 1;
    size_t k = 0;
    while (!str_starts(str_sub(s->text, s->i, s->text.n), signs[k]))
        k++;
    s->i += signs[k].n;
    if (!skip_blanks(s))
        return false;
    if (k == 1 || k == 2)
        return begin_heredoc(s, k == 1);
    return grant_read_word(s, &w);
}

/* ---- simple commands ---- */

static bool read_assignment(struct grant_scan *s, const struct grant_word *w, bool *ret_is)
{
    size_t name = grant_assignment(str_sub(s->text, w->at, w->end));
    *ret_is = name != 0;
    if (name && !grant_may_set(str_sub(s->text, w->at, w->at + name)))
        return grant_unclear(s, w->at, "a variable that may decide what is executed");
    return true;
}

static bool read_words(struct grant_scan *s, struct grant_words *words)
{
    for (bool assignment;;) {
        struct grant_word w;
        if (!skip_blanks(s))
            return false;
        if (redirect_at(s)) {
            if (!read_redirect(s))
                return false;
            continue;
        }
        skip_comment(s);
        int c = grant_peek(s, 0);
        if (c < 0 || c == '\n' || c == ';' || c == '&' || c == '|' || c == ')')
            return true;
        if (!grant_read_word(s, &w))
            return false;
        c = grant_peek(s, 0);
        if (c == '(' || (s->text.p[w.at] == '{' && (c == '<' || c == '>')))
            return grant_unclear(s, w.at, "a function, a list, or a named descriptor");
        assignment = false;
        if (words->n == 0 && !read_assignment(s, &w, &assignment))
            return false;
        if (!assignment)
            vec_push(words, w);
    }
}

static bool read_simple(struct grant_scan *s)
{
    struct grant_words words = {0};
    bool good = read_words(s, &words) && (words.n == 0 || grant_command(s, words.at, words.n));
    vec_done(&words);
    return good;
}

/* ---- compound commands ---- */

/* The unquoted word at the present place, if nothing in it needs reading. */
static str plain_word(const struct grant_scan *s)
{
    size_t k = s->i;
    while (k < s->text.n && !grant_is_meta((unsigned char)s->text.p[k])) {
        if (strchr("\\'\"`$", s->text.p[k]))
            return STR("");
        k++;
    }
    return str_sub(s->text, s->i, k);
}

static bool take_word(struct grant_scan *s, const char *word)
{
    if (!skip_lines(s))
        return false;
    if (!str_is(plain_word(s), word))
        return grant_unclear(s, s->i, "a compound command that does not go on");
    s->i += strlen(word);
    return true;
}

static bool read_if(struct grant_scan *s)
{
    for (;;) {
        if (!read_list(s, STOP_THEN) || !take_word(s, "then") ||
            !read_list(s, STOP_ELIF | STOP_ELSE | STOP_FI))
            return false;
        if (!str_is(plain_word(s), "elif"))
            break;
        s->i += 4;
    }
    if (str_is(plain_word(s), "else")) {
        s->i += 4;
        if (!read_list(s, STOP_FI))
            return false;
    }
    return take_word(s, "fi");
}

static bool read_body(struct grant_scan *s)
{
    return take_word(s, "do") && read_list(s, STOP_DONE) && take_word(s, "done");
}

static bool read_for(struct grant_scan *s)
{
    struct grant_word w;
    if (!skip_blanks(s) || !grant_read_word(s, &w))
        return false;
    if (w.quoted || w.runtime || !grant_may_set(w.text))
        return grant_unclear(s, w.at, "a variable that may decide what is executed");
    if (!skip_blanks(s))
        return false;
    if (!str_is(plain_word(s), "in"))
        return grant_unclear(s, s->i, "a for without in");
    for (s->i += 2;;) {
        if (!skip_blanks(s))
            return false;
        int c = grant_peek(s, 0);
        if (c == ';' || c == '\n')
            break;
        if (!grant_read_word(s, &w))
            return false;
    }
    if (grant_peek(s, 0) == ';')
        s->i++;
    return read_body(s);
}

static bool read_patterns(struct grant_scan *s)
{
    struct grant_word w;
    if (grant_peek(s, 0) == '(')
        s->i++;
    for (;;) {
        if (!skip_blanks(s) || !grant_read_word(s, &w) || !skip_blanks(s))
            return false;
        int c = grant_peek(s, 0);
        if (c != '|' && c != ')')
            return grant_unclear(s, s->i, "this pattern");
        s->i++;
        if (c == ')')
            return true;
    }
}

static bool read_case(struct grant_scan *s)
{
    struct grant_word w;
    if (!skip_blanks(s) || !grant_read_word(s, &w) || !take_word(s, "in"))
        return false;
    for (;;) {
        if (!skip_lines(s))
            return false;
        if (str_is(plain_word(s), "esac"))
            return take_word(s, "esac");
        if (!read_patterns(s) || !read_list(s, STOP_CASE))
            return false;
        if (!str_starts(str_sub(s->text, s->i, s->text.n), STR(";;")))
            return take_word(s, "esac");
        s->i += grant_peek(s, 2) == '&' ? 3 : 2;
    }
}

static bool read_group(struct grant_scan *s)
{
    return read_list(s, STOP_BRACE) && take_word(s, "}");
}
static bool read_loop(struct grant_scan *s)
{
    return read_list(s, STOP_DO) && read_body(s);
}
static bool read_unknown(struct grant_scan *s)
{
    return grant_unclear(s, s->i, "this compound command");
}

static const struct {
    str word;
    bool (*read)(struct grant_scan *s);
} compounds[] = {
    {STR_INIT("if"), read_if},          {STR_INIT("while"), read_loop},
    {STR_INIT("until"), read_loop},     {STR_INIT("for"), read_for},
    {STR_INIT("case"), read_case},      {STR_INIT("{"), read_group},
    {STR_INIT("[["), read_unknown},     {STR_INIT("function"), read_unknown},
    {STR_INIT("select"), read_unknown}, {STR_INIT("coproc"), read_unknown},
    {STR_INIT("in"), read_unknown},
};

/* Redirections, and then nothing but a separator. */
static bool end_compound(struct grant_scan *s)
{
    for (;;) {
        if (!skip_blanks(s))
            return false;
        if (!redirect_at(s))
            break;
        if (!read_redirect(s))
            return false;
    }
    skip_comment(s);
    int c = grant_peek(s, 0);
    return c < 0 || (c != '(' && c != '<' && c != '>' && grant_is_meta(c)) ||
           grant_unclear(s, s->i, "what stands behind a compound command");
}

static bool read_prefixes(struct grant_scan *s)
{
    for (str word;;) {
        if (!skip_blanks(s))
            return false;
        word = plain_word(s);
        if (!str_is(word, "!") && !str_is(word, "time"))
            return true;
        s->i += word.n;
        if (!skip_blanks(s))
            return false;
        if (str_is(word, "time") && str_is(plain_word(s), "-p"))
            s->i += 2;
        else if (grant_peek(s, 0) == '-')
            return grant_unclear(s, s->i, "an option of time");
    }
}

static bool read_command(struct grant_scan *s)
{
    if (!read_prefixes(s))
        return false;
    if (grant_peek(s, 0) == '(') {
        if (grant_peek(s, 1) == '(')
            return grant_unclear(s, s->i, "an arithmetic command");
        s->i++;
        return grant_until_paren(s, false) && end_compound(s);
    }
    str word = plain_word(s);
    for (size_t k = 0; k < sizeof stops / sizeof *stops; k++)
        if (str_eq(word, stops[k].word))
            return grant_unclear(s, s->i, "a reserved word out of its place");
    for (size_t k = 0; k < sizeof compounds / sizeof *compounds; k++)
        if (str_eq(word, compounds[k].word)) {
            s->i += word.n;
            return compounds[k].read(s) && end_compound(s);
        }
    return read_simple(s);
}

/* ---- lists ---- */

static bool at_stop(const struct grant_scan *s, unsigned stop)
{
    int c = grant_peek(s, 0);
    if (c < 0)
        return true;
    if (c == ')')
        return stop & STOP_PAREN;
    if (c == ';' && (grant_peek(s, 1) == ';' || grant_peek(s, 1) == '&'))
        return stop & STOP_CASE;
    str word = plain_word(s);
    for (size_t k = 0; k < sizeof stops / sizeof *stops; k++)
        if ((stop & stops[k].stop) && str_eq(word, stops[k].word))
            return true;
    return false;
}

static bool read_items(struct grant_scan *s, unsigned stop)
{
    for (;;) {
        if (!skip_lines(s))
            return false;
        if (at_stop(s, stop))
            return true;
        size_t at = s->i;
        if (!read_command(s) || !skip_blanks(s))
            return false;
        if (at_stop(s, stop & (STOP_PAREN | STOP_CASE)))
            return true;
        int c = grant_peek(s, 0);
        if (c == ';' || c == '&' || c == '|') {
            s->i += (c != ';' && grant_peek(s, 1) == c) || (c == '|' && grant_peek(s, 1) == '&')
                        ? 2
                        : 1;
        } else if (c != '\n' || s->i == at) {
            return grant_unclear(s, s->i, "what stands here");
        }
    }
}

static bool read_list(struct grant_scan *s, unsigned stop)
{
    if (s->depth >= GRANT_DEPTH_MAX)
        return grant_unclear(s, s->i, "it nests too deep");
    s->depth++;
    bool good = read_items(s, stop);
    s->depth--;
    return good;
}

bool grant_until_paren(struct grant_scan *s, bool substitution)
{
    size_t outer = s->outer, pending = s->pending_count;
    if (substitution)
        s->outer = pending;
    if (!read_list(s, STOP_PAREN))
        return false;
    if (grant_peek(s, 0) != ')' || (substitution && s->pending_count != pending))
        return grant_unclear(s, s->i, "a parenthesis or here-document without its end");
    s->outer = outer;
    s->i++;
    return true;
}

bool grant_text(struct grant_scan *s, str text, size_t at)
{
    struct grant_scan inner = *s;
    inner.text = text;
    inner.i = inner.pending_count = inner.outer = 0;
    inner.base = s->base + at;
    if (!read_list(&inner, 0))
        return false;
    return (inner.i == text.n && !inner.pending_count) ||
           grant_unclear(&inner, inner.i, "what stands here");
}

bool shell_grant_check(const struct shell_grant *grant, str command,
                       struct shell_problem *ret_problem)
{
    auto_arena arena = ARENA_INIT;
    struct grant_scan s = {.grant = grant, .problem = ret_problem, .arena = &arena};
    if (!grant->allow_count && !grant->deny_count)
        return true;
    if (command.n > GRANT_TEXT_MAX)
        return grant_unclear(&s, 0, "it is too long");
    for (size_t i = 0; i < command.n; i++) {
        unsigned char c = (unsigned char)command.p[i];
        if ((c < ' ' && c != '\t' && c != '\n') || c == 127)
            return grant_unclear(&s, i, "it has control characters");
    }
    return grant_text(&s, command, 0);
}
