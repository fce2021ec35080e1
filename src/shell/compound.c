#include "shell/shell_int.h"

static const char *const closers[] = {"then", "do", "done", "fi", "else", "elif", "esac", "}"};
static const char *const openers[] = {"if", "while",    "until",  "for",    "case", "{",
                                      "[[", "function", "select", "coproc", "time", "!"};

static bool one_of(str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(word, names[i]))
            return true;
    return false;
}

bool scan_is_reserved(const struct scan *s, str word)
{
    if (s->dialect == SHELL_SH && str_is(word, "time"))
        return false;
    return one_of(word, closers, sizeof closers / sizeof *closers) ||
           one_of(word, openers, sizeof openers / sizeof *openers);
}

str scan_raw_word(struct scan *s)
{
    size_t from = (scan_peek(s), s->i), i = from;
    for (; i < s->text.n; i++) {
        int c = (unsigned char)s->text.p[i];
        if (scan_is_meta(c))
            break;
        if (c == HOLE || strchr("'\"\\$`", c))
            return (str){0};
    }
    return str_sub(s->text, from, i);
}

static bool at_closer(struct scan *s)
{
    return one_of(scan_raw_word(s), closers, sizeof closers / sizeof *closers);
}

static bool at_list_end(struct scan *s)
{
    int c = scan_peek(s), second = scan_peek_second(s);
    return c == END || c == ')' || (c == ';' && (second == ';' || second == '&')) || at_closer(s);
}

/* Reads the reserved word if it stands here. */
static bool take_word(struct scan *s, const char *word)
{
    scan_blanks(s);
    str raw = scan_raw_word(s);
    if (!str_is(raw, word))
        return false;
    s->i += raw.n;
    return true;
}

static bool need_word(struct scan *s, const char *word)
{
    if (!scan_linebreaks(s))
        return false;
    if (take_word(s, word))
        return true;
    return scan_unclear(s, arena_printf(&s->arena, "`%s` is missing", word).p);
}

static bool scan_if(struct scan *s)
{
    do {
        if (!scan_list(s) || !need_word(s, "then") || !scan_list(s))
            return false;
    } while (take_word(s, "elif"));
    if (take_word(s, "else") && !scan_list(s))
        return false;
    return need_word(s, "fi");
}

static bool scan_loop_body(struct scan *s)
{
    return need_word(s, "do") && scan_list(s) && need_word(s, "done");
}

static bool scan_while(struct scan *s)
{
    return scan_list(s) && scan_loop_body(s);
}

static bool skip_semicolon(struct scan *s)
{
    scan_blanks(s);
    if (scan_peek(s) == ';')
        s->i++;
    return scan_linebreaks(s);
}

static bool for_words(struct scan *s, str name)
{
    for (;;) {
        scan_blanks(s);
        int c = scan_peek(s);
        if (c == ';' || c == '\n' || c == '#')
            return true;
        struct word w;
        if (!scan_word(s, WORD_FORCE, &w))
            return false;
        judge_add_carriers(s, name, &w, (str){0});
    }
}

static bool scan_for(struct scan *s)
{
    struct word name;
    scan_blanks(s);
    if (scan_peek(s) == '(' && scan_peek_second(s) == '(') {
        if (s->dialect == SHELL_SH)
            return scan_unclear(s, "for (( is not POSIX");
        s->i += 2;
        return scan_arithmetic(s, true) && skip_semicolon(s) && scan_loop_body(s);
    }
    if (!scan_word(s, 0, &name))
        return false;
    if (name.holes)
        return scan_refuse(s, R_NAME, s->holes.at[name.hole].at, "of the loop");
    if (name.quoted || !name.text.n || scan_name_length(name.text) != name.text.n)
        return scan_unclear(s, "a loop variable that is not a name");
    if (!scan_linebreaks(s))
        return false;
    if (take_word(s, "in") && !for_words(s, name.text))
        return false;
    return skip_semicolon(s) && scan_loop_body(s);
}

/* pattern | pattern ), from behind an optional parenthesis. */
static bool case_patterns(struct scan *s)
{
    for (;;) {
        struct word w;
        scan_blanks(s);
        if (!scan_word(s, 0, &w))
            return false;
        if (w.holes)
            return scan_refuse(s, R_PATTERN, s->holes.at[w.hole].at, "of case");
        scan_blanks(s);
        int c = scan_peek(s);
        if (c != '|' && c != ')')
            return scan_unclear(s, "a case pattern that is not a plain word");
        s->i++;
        if (c == ')')
            return true;
    }
}

static bool scan_case(struct scan *s)
{
    struct word subject;
    scan_blanks(s);
    if (!scan_word(s, WORD_FORCE, &subject) || !need_word(s, "in"))
        return false;
    for (;;) {
        if (!scan_linebreaks(s))
            return false;
        if (take_word(s, "esac"))
            return true;
        if (scan_peek(s) == '(')
            s->i++;
        if (!case_patterns(s) || !scan_list(s))
            return false;
        scan_blanks(s);
        if (scan_peek(s) != ';')
            return need_word(s, "esac");
        while (scan_peek(s) == ';' || scan_peek(s) == '&')
            s->i++;
    }
}

/* --- [[ ]] --- */

static bool is_binary(str t)
{
    static const char *const names[] = {"=",   "==",  "!=",  "=~",  "<",   ">",   "-eq", "-ne",
                                        "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"};
    return one_of(t, names, sizeof names / sizeof *names);
}

static bool is_numeric(str t)
{
    static const char *const names[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    return one_of(t, names, sizeof names / sizeof *names);
}

/* The operator behind the first operand; empty where there is none. */
static str cond_operator(struct scan *s)
{
    int c = scan_peek(s);
    if (c == '<' || c == '>') {
        s->i++;
        return str_sub(s->text, s->i - 1, s->i);
    }
    str raw = scan_raw_word(s);
    if (!is_binary(raw))
        return (str){0};
    s->i += raw.n;
    return raw;
}

static bool cond_binary(struct scan *s, const struct word *left)
{
    struct word right = {0};
    str op = cond_operator(s);
    if (!op.n)
        return true;
    scan_blanks(s);
    if (str_is(op, "=~"))
        return scan_regex(s);
    if (!scan_word(s, WORD_FORCE, &right))
        return false;
    if (!is_numeric(op))
        return true;
    vec_push(&s->evaluated, (struct range){left->at, right.end, true});
    if (left->holes || right.holes)
        return scan_refuse(s, R_ARITHMETIC, s->holes.at[left->holes ? left->hole : right.hole].at,
                           "");
    return true;
}

static bool cond_or(struct scan *s);

static bool cond_term(struct scan *s)
{
    struct word w;
    if (!scan_linebreaks(s))
        return false;
    while (take_word(s, "!"))
        if (!scan_linebreaks(s))
            return false;
    if (scan_peek(s) == '(') {
        s->i++;
        if (!cond_or(s) || !scan_linebreaks(s))
            return false;
        if (scan_peek(s) != ')')
            return scan_unclear(s, "a ( in [[ ]] is not closed");
        s->i++;
        return true;
    }
    if (!scan_word(s, WORD_FORCE, &w))
        return false;
    scan_blanks(s);
    bool unary = !w.quoted && !w.holes && w.text.n == 2 && w.text.p[0] == '-';
    if (!unary)
        return cond_binary(s, &w);
    char letter = w.text.p[1];
    if (!scan_word(s, WORD_FORCE, &w))
        return false;
    bool variable = letter == 'v' || letter == 'R';
    if (variable)
        vec_push(&s->evaluated, (struct range){w.at, w.end, true});
    if (variable && w.holes)
        return scan_refuse(s, R_TEST, s->holes.at[w.hole].at, "[[ -v");
    return true;
}

static bool cond_or(struct scan *s)
{
    if (++s->depth > SHELL_DEPTH_MAX)
        return scan_refuse(s, R_LIMIT, s->i, "constructs are nested too deeply");
    for (;;) {
        if (!cond_term(s) || !scan_linebreaks(s))
            return false;
        int c = scan_peek(s);
        if ((c != '&' && c != '|') || scan_peek_second(s) != c)
            break;
        s->i += 2;
    }
    s->depth--;
    return true;
}

bool scan_regex(struct scan *s)
{
    enum refusal before = s->inside;
    if (!before)
        s->inside = R_PATTERN;
    size_t open = 0;
    for (;;) {
        int c = scan_peek(s);
        if (open == 0 && (c == ' ' || c == '\t' || c == '\n' || c == END))
            break;
        struct word w;
        if (c == '(' || c == ')' || (c == '|')) {
            open += c == '(';
            if (c == ')' && open-- == 0)
                return scan_unclear(s, "a ) without a ( in a regular expression");
            s->i++;
            continue;
        }
        if (scan_is_meta(c))
            return scan_unclear(s, "a regular expression with blanks; put it into a variable");
        if (!scan_word(s, 0, &w))
            return false;
    }
    s->inside = before;
    return true;
}

static bool scan_cond(struct scan *s)
{
    if (s->dialect == SHELL_SH)
        return scan_unclear(s, "[[ ]] is not POSIX");
    return cond_or(s) && need_word(s, "]]");
}

/* --- lists --- */

static bool scan_group(struct scan *s)
{
    return scan_list(s) && need_word(s, "}");
}

static bool scan_subshell(struct scan *s)
{
    s->i++;
    if (scan_peek(s) == '(') {
        if (s->dialect == SHELL_SH)
            return scan_unclear(s, "(( is not POSIX; write ( ( with a blank");
        s->i++;
        return scan_arithmetic(s, false);
    }
    if (!scan_list(s))
        return false;
    if (scan_peek(s) != ')')
        return scan_unclear(s, "a ( is not closed");
    s->i++;
    return true;
}

static bool scan_function_word(struct scan *s)
{
    struct word name;
    scan_blanks(s);
    if (!scan_word(s, 0, &name))
        return false;
    if (name.holes)
        return scan_refuse(s, R_NAME, s->holes.at[name.hole].at, "a function");
    vec_push(&s->functions, name.text);
    scan_blanks(s);
    if (scan_peek(s) == '(') {
        s->i++;
        scan_blanks(s);
        if (scan_peek(s) != ')')
            return scan_unclear(s, "a function's ( ) is not empty");
        s->i++;
    }
    return scan_linebreaks(s) && scan_command(s);
}

static bool scan_coproc(struct scan *s)
{
    return scan_unclear(s, "coproc");
}

static const struct {
    const char *word;
    bool bash_only;
    bool (*scan)(struct scan *s);
} compounds[] = {
    {"if", false, scan_if},       {"while", false, scan_while},
    {"until", false, scan_while}, {"for", false, scan_for},
    {"case", false, scan_case},   {"{", false, scan_group},
    {"[[", true, scan_cond},      {"function", true, scan_function_word},
    {"select", true, scan_for},   {"coproc", true, scan_coproc},
};

static bool compound(struct scan *s, bool (*scan)(struct scan *s))
{
    if (++s->depth > SHELL_DEPTH_MAX)
        return scan_refuse(s, R_LIMIT, s->i, "constructs are nested too deeply");
    if (!scan(s))
        return false;
    s->depth--;
    for (scan_blanks(s); scan_is_redirect(s); scan_blanks(s))
        if (!scan_redirect(s))
            return false;
    return true;
}

bool scan_command(struct scan *s)
{
    scan_blanks(s);
    if (scan_peek(s) == '(')
        return compound(s, scan_subshell);
    str raw = scan_raw_word(s);
    for (size_t i = 0; i < sizeof compounds / sizeof *compounds; i++) {
        if (!str_is(raw, compounds[i].word))
            continue;
        if (compounds[i].bash_only && s->dialect == SHELL_SH)
            return scan_unclear(s, "a word that is reserved in bash only");
        s->i += raw.n;
        return compound(s, compounds[i].scan);
    }
    return scan_simple(s);
}

/* command | command, behind any number of ! and bash's time. */
static bool scan_pipeline(struct scan *s)
{
    for (bool more = true; more;) {
        more = take_word(s, "!");
        if (s->dialect == SHELL_BASH && take_word(s, "time")) {
            take_word(s, "-p");
            more = true;
        }
    }
    for (;;) {
        if (!scan_command(s))
            return false;
        scan_blanks(s);
        if (scan_peek(s) != '|' || scan_peek_second(s) == '|')
            return true;
        s->i++;
        if (scan_peek(s) == '&') {
            if (s->dialect == SHELL_SH)
                return scan_unclear(s, "|& is not POSIX; write 2>&1 |");
            s->i++;
        }
        if (!scan_linebreaks(s))
            return false;
    }
}

static bool scan_and_or(struct scan *s)
{
    for (;;) {
        if (!scan_pipeline(s))
            return false;
        scan_blanks(s);
        int c = scan_peek(s);
        if ((c != '&' && c != '|') || scan_peek_second(s) != c)
            return true;
        s->i += 2;
        if (!scan_linebreaks(s))
            return false;
    }
}

bool scan_list(struct scan *s)
{
    for (;;) {
        if (!scan_linebreaks(s))
            return false;
        if (at_list_end(s))
            return true;
        if (!scan_and_or(s))
            return false;
        scan_blanks(s);
        int c = scan_peek(s);
        if (c == '#' || c == '\n')
            continue;
        if (at_list_end(s))
            return true;
        if (c != ';' && c != '&')
            return scan_unclear(s, "a word behind the end of a command");
        s->i++;
    }
}
