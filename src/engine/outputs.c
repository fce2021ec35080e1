#include "engine/outputs.h"
#include <ctype.h>

static bool is_name(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(isalnum((unsigned char)s.p[i]) || s.p[i] == '_' || s.p[i] == '-') ||
            (i == 0 && isdigit((unsigned char)s.p[i])))
            return false;
    return s.n > 0;
}

static str next_line(str *rest)
{
    size_t end = str_find_byte(*rest, '\n', 0);
    str line = str_sub(*rest, 0, end);
    *rest = end == SIZE_MAX ? STR("") : str_sub(*rest, end + 1, rest->n);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Lines up to the delimiter; *line counts them. */
static bool read_block(const char *file, str *rest, str delimiter, unsigned *line, str *ret,
                       struct err *err)
{
    const char *start = rest->p;
    unsigned first = *line;
    while (rest->n) {
        const char *at = rest->p;
        str l = next_line(rest);
        ++*line;
        if (str_eq(l, delimiter)) {
            size_t n = (size_t)(at - start);
            *ret = str_make(start, n ? n - 1 : 0); /* without the newline before the delimiter */
            return true;
        }
    }
    err_set(err, "bad_output_file", "%s, line %u: the block has no closing line '%.*s'", file,
            first, STR_ARG(delimiter));
    err_hint(err, "end it with a line that is exactly the word after <<");
    return false;
}

bool outputs_parse(const char *file, str text, outputs_fn *fn, void *ctx, struct err *err)
{
    str rest = text;
    for (unsigned line = 1; rest.n; line++) {
        str l = next_line(&rest);
        if (!str_trim(l).n)
            continue;
        size_t equals = str_find_byte(l, '=', 0), block = str_find(l, STR("<<"), 0);
        bool is_block = block != SIZE_MAX && block < equals;
        str name = str_trim(str_sub(l, 0, is_block ? block : equals)), value;
        if ((equals == SIZE_MAX && !is_block) || !is_name(name)) {
            err_set(err, "bad_output_file", "%s, line %u: expected NAME=value, found '%.*s'", file,
                    line, STR_ARG(str_sub(l, 0, 60)));
            err_hint(err, "a value of several lines is written as NAME<<END, its lines, and END");
            return false;
        }
        if (!is_block)
            value = str_sub(l, equals + 1, l.n);
        else if (!read_block(file, &rest, str_trim(str_sub(l, block + 2, l.n)), &line, &value, err))
            return false;
        if (!fn(ctx, name, value, err))
            return false;
    }
    return true;
}

bool outputs_env_is_allowed(str name)
{
    static const char *const exact[] = {
        "BASH_ENV",        "ENV",        "IFS",      "SHELLOPTS", "BASHOPTS",   "PS4",
        "PROMPT_COMMAND",  "PATH",       "HOME",     "CDPATH",    "GLOBIGNORE", "PYTHONSTARTUP",
        "PYTHONPATH",      "PYTHONHOME", "PERL5OPT", "PERL5LIB",  "RUBYOPT",    "NODE_OPTIONS",
        "GIT_SSH_COMMAND", "GCONV_PATH"};
    static const str prefixes[] = {STR_INIT("LD_"), STR_INIT("PLUE_"), STR_INIT("BASH_FUNC"),
                                   STR_INIT("GIT_CONFIG")};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (str_is(name, exact[i]))
            return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(name, prefixes[i]))
            return false;
    return true;
}
