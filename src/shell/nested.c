#include "shell/shell_int.h"

static bool enter(struct scan *s)
{
    if (++s->depth > SHELL_DEPTH_MAX)
        return scan_refuse(s, R_LIMIT, s->i, "constructs are nested too deeply");
    return true;
}

/* Holes are refused from here on, with the outermost reason. */
static enum refusal enter_inside(struct scan *s, enum refusal why)
{
    enum refusal before = s->inside;
    if (!before)
        s->inside = why;
    return before;
}

static bool add_range(struct scan *s, size_t from)
{
    vec_push(&s->evaluated, (struct range){from, s->i, true});
    return true;
}

/* Commands up to a closing parenthesis. */
static bool nested_list(struct scan *s, enum refusal why)
{
    enum refusal before = enter_inside(s, why);
    size_t outer = s->outer_pending, pending = s->pending.n;
    s->outer_pending = pending;
    if (!enter(s) || !scan_list(s))
        return false;
    if (scan_peek(s) != ')')
        return scan_unclear(s, "a ( is not closed");
    if (s->pending.n > pending)
        return scan_unclear(s, "a here-document in $( ) has no body there");
    s->i++;
    s->depth--;
    s->outer_pending = outer;
    s->inside = before;
    return true;
}

bool scan_process_substitution(struct scan *s)
{
    if (s->dialect == SHELL_SH)
        return scan_unclear(s, "<( ) and >( ) are not POSIX");
    s->i++;
    if (scan_peek(s) != '(')
        return scan_unclear(s, "<( ) and >( ) must stand together");
    s->i++;
    return nested_list(s, R_PROCESS);
}

bool scan_backtick(struct scan *s)
{
    for (s->i++; s->i < s->text.n; s->i++) {
        char c = s->text.p[s->i];
        if (c == '`') {
            s->i++;
            return true;
        }
        if (c == '\\')
            c = ++s->i < s->text.n ? s->text.p[s->i] : 0;
        if (c == HOLE)
            return s->i < s->text.n && scan_refuse(s, s->inside ? s->inside : R_BACKTICK, s->i, "");
        if (c == '#' || (c == '\n' && s->pending.n))
            return scan_unclear(s, "a comment or a here-document around backticks; write $( )");
    }
    return scan_unclear(s, "a ` is not closed");
}

/* A backslash and the byte behind it. */
static bool skip_escaped(struct scan *s)
{
    s->i++;
    if (s->i >= s->text.n)
        return scan_unclear(s, "a backslash is the last byte");
    if (s->text.p[s->i] == HOLE)
        return scan_hole(s, PLACE_WORD);
    s->i++;
    return true;
}

/* What ${ }, (( )) and a regular expression have in common: quotes, $ and escapes. Sets
 * *ret_taken where c was one of them. */
static bool nested_piece(struct scan *s, int c, bool *ret_taken)
{
    struct dollar d;
    bool splits = false;
    *ret_taken = true;
    switch (c) {
    case END:
        return scan_unclear(s, "${ or (( is not closed");
    case HOLE:
        return scan_hole(s, PLACE_WORD);
    case '\\':
        return skip_escaped(s);
    case '"':
        s->i++;
        return scan_double(s, NULL, &splits);
    case '$':
        return scan_dollar(s, false, &d);
    case '`':
        return scan_backtick(s);
    case '\n':
        if (s->pending.n)
            return scan_unclear(s, "a newline before a here-document begins");
        break;
    default:
        break;
    }
    *ret_taken = false;
    return true;
}

bool scan_arithmetic(struct scan *s, bool loop_head)
{
    enum refusal before = enter_inside(s, R_ARITHMETIC);
    size_t from = s->i, open = 0;
    if (!enter(s))
        return false;
    for (bool taken;;) {
        int c = scan_peek(s);
        if (!nested_piece(s, c, &taken))
            return false;
        if (taken)
            continue;
        if (c == '\'' || c == '#' || (c == ';' && !loop_head))
            return scan_unclear(s, "(( )) could be arithmetic or a subshell in a subshell");
        if (c == ')' && open == 0)
            break;
        open += c == '(';
        open -= c == ')';
        s->i++;
    }
    if (s->text.n <= s->i + 1 || s->text.p[s->i + 1] != ')')
        return scan_unclear(s, "(( could be arithmetic or a subshell; write ( ( with a blank");
    add_range(s, from);
    s->i += 2;
    s->depth--;
    s->inside = before;
    return true;
}

/* What of ${ } is evaluated: a subscript, an offset, the variable behind ${!NAME}, and the text
 * that ${NAME@P} expands. */
static void braced_range(struct scan *s, size_t from)
{
    str body = str_sub(s->text, from, s->i);
    size_t bracket = str_find_byte(body, '[', 0), colon = str_find_byte(body, ':', 0);
    size_t at = str_find_byte(body, '@', 0);
    if (str_starts(body, STR("!")) || (at > 0 && at < body.n))
        add_range(s, str_ends(body, STR("[@]")) ? from + bracket + 1 : from);
    else if (bracket < body.n)
        add_range(s, from + bracket + 1);
    else if (colon < body.n && colon + 1 < body.n && !strchr("-=?+", body.p[colon + 1]))
        add_range(s, from + colon + 1);
}

static bool scan_braced(struct scan *s, bool in_double, bool *ret_splits)
{
    enum refusal before = enter_inside(s, R_PARAMETER);
    size_t from = s->i;
    int first = scan_peek(s);
    if (!enter(s))
        return false;
    if (first == ' ' || first == '\t' || first == '\n' || first == '|')
        return scan_unclear(s, "${ followed by a blank");
    for (bool taken;;) {
        int c = scan_peek(s);
        if (!nested_piece(s, c, &taken))
            return false;
        if (taken)
            continue;
        if (c == '}')
            break;
        if (c == '{' || (c == '\'' && in_double))
            return scan_unclear(s, "a quote or a brace inside ${ }, which shells read differently");
        if ((c == '<' || c == '>') && scan_peek_second(s) == '(')
            return scan_unclear(s, "<( ) inside ${ }");
        s->i++;
        if (c == '\'' && !scan_single(s, NULL))
            return false;
    }
    str body = str_sub(s->text, from, s->i);
    *ret_splits = !in_double || str_find_byte(body, '@', 0) < body.n || str_starts(body, STR("!"));
    braced_range(s, from);
    s->i++;
    s->depth--;
    s->inside = before;
    return true;
}

/* $'...', at the quote. */
static bool scan_ansi(struct scan *s)
{
    enum refusal before = enter_inside(s, R_ANSI);
    for (s->i++; s->i < s->text.n && s->text.p[s->i] != '\''; s->i++) {
        if (s->text.p[s->i] == '\\')
            s->i++;
        if (s->i < s->text.n && s->text.p[s->i] == HOLE)
            return scan_hole(s, PLACE_WORD);
        if (s->i < s->text.n && s->text.p[s->i] == '\n' && s->pending.n)
            return scan_unclear(s, "a quoted newline before a here-document begins");
    }
    if (s->i >= s->text.n)
        return scan_unclear(s, "a $' is not closed");
    s->i++;
    s->inside = before;
    return true;
}

static bool scan_parenthesized(struct scan *s)
{
    s->i++;
    if (s->i >= s->text.n || s->text.p[s->i] != '(')
        return nested_list(s, R_SUBSTITUTION);
    s->i++;
    return scan_arithmetic(s, false);
}

bool scan_dollar(struct scan *s, bool in_double, struct dollar *ret_dollar)
{
    *ret_dollar = (struct dollar){.splits = !in_double};
    s->i++;
    int c = s->i < s->text.n ? (unsigned char)s->text.p[s->i] : END;
    bool ignored = false;
    if (c == HOLE)
        return scan_refuse(s, s->inside ? s->inside : R_DOLLAR, s->i, "");
    if (c == '(')
        return scan_parenthesized(s);
    if (c == '{') {
        s->i++;
        return scan_braced(s, in_double, &ret_dollar->splits);
    }
    if (c == '[')
        return scan_unclear(s, "$[ ] is arithmetic only in some shells; write $(( ))");
    if (!in_double && (c == '\'' || c == '"')) {
        ret_dollar->splits = false;
        if (c == '\'')
            return scan_ansi(s);
        enum refusal before = enter_inside(s, R_ANSI);
        s->i++;
        if (!scan_double(s, NULL, &ignored))
            return false;
        s->inside = before;
        return true;
    }
    size_t name = scan_name_length(str_sub(s->text, s->i, s->text.n));
    if (name == 0 && c != END && strchr("0123456789@*#?-$!", c)) {
        name = 1;
        ret_dollar->splits |= c == '@';
    }
    s->i += name;
    ret_dollar->name = name > 0;
    ret_dollar->literal = name == 0;
    ret_dollar->splits &= name > 0;
    return true;
}
