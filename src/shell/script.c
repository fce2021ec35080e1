#include "shell/shell_int.h"

/* Is the variable read at i? "@" stands for all of $1, $@ and $*. */
static bool reads_at(const struct scan *s, const struct range *r, size_t i, str name)
{
    char before = i > r->from ? s->text.p[i - 1] : 0;
    if (str_is(name, "@"))
        return (before == '$' || before == '{') && s->text.p[i] &&
               strchr("123456789@*", s->text.p[i]);
    size_t end = i + name.n;
    if (!str_eq(str_sub(s->text, i, end), name) ||
        (end < s->text.n && scan_is_name_byte((unsigned char)s->text.p[end])))
        return false;
    return r->arithmetic ? !scan_is_name_byte((unsigned char)before)
                         : before == '$' || before == '{' || before == '!';
}

/* Does the range read the variable outside of single quotes? */
static bool range_reads(const struct scan *s, const struct range *r, str name)
{
    bool single = false, in_double = false;
    for (size_t i = r->from; i < r->to; i++) {
        char c = s->text.p[i], before = i > r->from ? s->text.p[i - 1] : 0;
        if (!r->arithmetic) {
            in_double ^= c == '"' && !single && before != '\\';
            single ^= c == '\'' && !in_double;
        }
        if (!single && reads_at(s, r, i, name))
            return true;
    }
    return false;
}

static bool is_function(struct scan *s, str name)
{
    vec_each (f, &s->functions)
        if (str_eq(*f, name))
            return true;
    return false;
}

bool judge_script(struct scan *s)
{
    vec_each (c, &s->carriers) {
        size_t at = s->holes.at[c->hole].at;
        bool positional = str_is(c->name, "@");
        const char *name = positional ? "$1" : arena_cstr(&s->arena, c->name);
        if (positional && c->function.n && !is_function(s, c->function))
            continue;
        if (s->integer_variables && !positional)
            return scan_refuse(s, R_EVALUATED, at, name);
        vec_each (r, &s->evaluated)
            if (range_reads(s, r, c->name))
                return scan_refuse(s, R_EVALUATED, at, name);
    }
    return true;
}
