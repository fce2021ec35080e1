#include "shell/shell_int.h"

#define BY_ENV \
    "pass it through the environment: env={\"TITLE\": value}, and write \"$TITLE\" in the command"
#define BY_NUMBER                                                               \
    "a variable is no safer here, the shell evaluates its text: compute it in " \
    "the workflow and pass the result, or compare with [ \"$N\" = 3 ]"

static const struct {
    const char *code, *message, *hint;
} texts[REFUSALS] = {
    [R_SYNTAX] = {"shell_syntax", "cannot tell how the shell reads this command: @",
                  "write it more plainly, or " BY_ENV},
    [R_LIMIT] = {"shell_limit", "the command is too large: @", "put the script into a file"},
    [R_NUL] = {"shell_nul", "a NUL byte cannot stand in a shell command",
               "write the value to a file and give the command the file's name"},
    [R_UNKNOWN] = {"shell_unknown_value", "the value is not known yet", ""},
    [R_PYTHON] = {"shell_python", "an untrusted value would become part of a Python program",
                  "pass it through the environment: env={\"TITLE\": value}, and read "
                  "os.environ[\"TITLE\"]"},
    [R_SUBSTITUTION] = {"shell_command_substitution", "the value stands inside $( )", BY_ENV},
    [R_BACKTICK] = {"shell_backtick", "the value stands inside backticks", BY_ENV},
    [R_PARAMETER] = {"shell_parameter", "the value stands inside ${ }", BY_ENV},
    [R_ARITHMETIC] = {"shell_arithmetic",
                      "the value stands in arithmetic, where the shell runs $( ) inside of it",
                      BY_NUMBER},
    [R_ANSI] = {"shell_ansi_quote", "the value stands inside $'...' or $\"...\"", BY_ENV},
    [R_PROCESS] = {"shell_process_substitution", "the value stands inside <( ) or >( )", BY_ENV},
    [R_HEREDOC] = {"shell_heredoc", "the value stands inside a here-document", BY_ENV},
    [R_COMMENT] = {"shell_comment", "the value stands in a comment, which its first newline ends",
                   "take it out of the comment"},
    [R_DOLLAR] = {"shell_dollar", "the value stands directly behind a $",
                  "write \\$ for a dollar sign, or " BY_ENV},
    [R_BACKSLASH] = {"shell_backslash", "the value stands directly behind a backslash",
                     "leave the backslash out (values are quoted already), or write \\\\"},
    [R_TILDE] = {"shell_tilde", "the value would be the user's name in a ~ expansion",
                 "write ~/ for the home directory, or " BY_ENV},
    [R_BRACE] = {"shell_brace", "the value stands in a { .. } sequence",
                 "build the list in the workflow, or use seq"},
    [R_SUBSCRIPT] = {"shell_subscript",
                     "the value stands in an array's [ ], where the shell runs $( ) inside of it",
                     BY_NUMBER},
    [R_NAME] = {"shell_name", "the value would be the name of a variable or function (@)",
                "write the name in the command, and the value behind it"},
    [R_DECLARE] = {"shell_declare", "the value is an argument of @, which can evaluate it",
                   "give the step env={\"TITLE\": value}: the variable is exported already"},
    [R_DESCRIPTOR] = {"shell_descriptor", "the value would be a file descriptor's number",
                      "write the number in the command"},
    [R_PATTERN] = {"shell_pattern", "the value stands in a pattern (@)", BY_ENV},
    [R_TEST] = {"shell_test", "@ could take the value for one of its operators or variables",
                "write one comparison each, [ \"$A\" = x ] && [ \"$B\" = y ], with literal "
                "operators and quoted variables"},
    [R_COMMAND] = {"shell_command_word", "the value would choose the command that runs",
                   "write the command's name, and choose between names in the workflow"},
    [R_RUNTIME_COMMAND] = {"shell_unknown_command",
                           "the value is an argument of a command that is known only when it runs",
                           "write the command's name, or " BY_ENV},
    [R_CODE] = {"shell_code_argument", "the value is an argument of @, which can read it as code",
                BY_ENV "; inside the code read it as a variable"},
    [R_OPTION] = {"shell_option", "@ runs code from its options, and the value could be an option",
                  "put -- before it, or ./ in front of a file name"},
    [R_MAKE] = {"shell_make_variable",
                "the value is an argument of @, where NAME=value sets a variable of the makefile",
                "pass it through the environment: env={\"TITLE\": value}, and write \"$$TITLE\" in "
                "the recipe"},
    [R_VARIABLE] = {"shell_variable", "the variable @ changes what commands run",
                    "use a variable of another name"},
    [R_EVALUATED] = {"shell_evaluated",
                     "the value goes into the variable @, which this command evaluates as code "
                     "later",
                     "do not use the variable in arithmetic, subscripts, eval or sh -c"},
    [W_OPTION] = {"shell_leading_dash", "a value that begins with - would be an option of @",
                  "put -- before it, or ./ in front of a file name"},
    [W_OUTPUT] = {"shell_forged_output",
                  "a newline in the value would add outputs of its own behind @",
                  "use the heredoc form: env={\"TITLE\": value} and { echo \"x<<$END\"; "
                  "printf '%s\\n' \"$TITLE\"; echo \"$END\"; } >> \"$PLUE_OUTPUT\", END from "
                  "$(uuidgen)"},
    [W_FORMAT] = {"shell_format", "% and \\ in the value are read as printf's format",
                  "write printf '%s\\n' and the value as an argument of its own"},
};

/* A copy of text in which @ is name; cut where it does not fit. */
static void fill(char *to, size_t room, const char *text, const char *name)
{
    size_t n = 0;
    for (const char *c = text; *c && n + 1 < room; c++) {
        if (*c != '@') {
            to[n++] = *c;
            continue;
        }
        for (const char *d = name ? name : ""; *d && n + 1 < room; d++)
            to[n++] = (unsigned char)*d < 0x20 ? '?' : *d;
    }
    to[n] = 0;
}

bool problem_set(struct shell_problem *p, enum refusal why, size_t part, size_t offset,
                 const char *name)
{
    p->code = texts[why].code;
    p->part = part;
    p->offset = offset;
    fill(p->message, sizeof p->message, texts[why].message, name);
    fill(p->hint, sizeof p->hint, texts[why].hint, NULL);
    return false;
}

/* Fills p with the place of `at` in the parts. */
static void place_problem(const struct scan *s, struct shell_problem *p, enum refusal why,
                          size_t at, const char *name)
{
    size_t part = 0, start = 0;
    for (; part < s->part_count; part++) {
        size_t n = s->parts[part].untrusted ? 1 : s->parts[part].text.n;
        if (at < start + n || part + 1 == s->part_count)
            break;
        start += n;
    }
    bool value = part < s->part_count && s->parts[part].untrusted;
    problem_set(p, why, part, value ? 0 : at - start, name);
}

bool scan_refuse(struct scan *s, enum refusal why, size_t at, const char *name)
{
    place_problem(s, s->problem, why, at, name);
    return false;
}

bool scan_unclear(struct scan *s, const char *what)
{
    return scan_refuse(s, R_SYNTAX, s->i, what);
}

void scan_warn(struct scan *s, enum refusal why, size_t at, const char *name)
{
    struct shell_warnings *w = s->warnings;
    if (!w || w->n >= SHELL_WARNINGS_MAX)
        return;
    vec_push(w, (struct shell_problem){0});
    place_problem(s, &vec_last(w), why, at, name);
}
