#include "base/num.h"
#include "cli/command.h"
#include <limits.h>

static const struct cli_option help_option = {"help", NULL, "show this help"};

static bool unknown_option(const struct cli *c, str name, struct err *err)
{
    str names[64];
    size_t n = 0;
    for (const struct cli_option *o = c->command->options; o && o->name && n < 63; o++)
        names[n++] = str_of(o->name);
    names[n++] = STR("help");
    err_set(err, "unknown_option", "`plue %s` has no option --%.*s", c->command->name,
            STR_ARG(name));
    long near = str_nearest(name, names, n);
    if (near >= 0)
        err_hint(err, "did you mean --%.*s?", STR_ARG(names[near]));
    else
        err_hint(err, "`plue %s --help` shows all options", c->command->name);
    return false;
}

static const struct cli_option *find_option(const struct cli *c, str name)
{
    for (const struct cli_option *o = c->command->options; o && o->name; o++)
        if (str_is(name, o->name))
            return o;
    return str_is(name, "help") ? &help_option : NULL;
}

/* -o VALUE: the option with this letter, as its own row of the table. */
static const struct cli_option *find_letter(const struct cli *c, const char *word)
{
    for (const struct cli_option *o = c->command->options; o && o->name; o++)
        if (o->letter && o->letter == word[1] && !word[2])
            return o;
    return NULL;
}

/* --name, --name=value or --name value; *at moves behind the value. */
static bool take_option(struct cli *c, int n, char **words, int *at, struct err *err)
{
    str text = str_of(words[*at] + 2);
    size_t equals = str_find_byte(text, '=', 0);
    str name = str_sub(text, 0, equals);
    const struct cli_option *o = find_option(c, name);
    const char *value = NULL;

    if (!o)
        return unknown_option(c, name, err);
    if (!o->value && equals != SIZE_MAX)
        return err_set(err, "invalid_option", "--%s takes no value", o->name);
    if (o->value && equals != SIZE_MAX) {
        value = text.p + equals + 1;
    } else if (o->value) {
        if (*at + 1 >= n) {
            err_set(err, "invalid_option", "--%s needs a value: --%s %s", o->name, o->name,
                    o->value);
            return false;
        }
        value = words[++*at];
    }
    vec_push(&c->given, (struct cli_given){o, value});
    return true;
}

static bool take_letter(struct cli *c, int n, char **words, int *at, struct err *err)
{
    const struct cli_option *o = find_letter(c, words[*at]);
    const char *value = NULL;
    if (o->value && *at + 1 >= n)
        return err_set(err, "invalid_option", "-%c needs a value: -%c %s", o->letter, o->letter,
                       o->value);
    if (o->value)
        value = words[++*at];
    vec_push(&c->given, (struct cli_given){o, value});
    return true;
}

static bool check_count(const struct cli *c, struct err *err)
{
    const struct command *m = c->command;
    if ((int)c->args.n < m->min) {
        err_set(err, "missing_argument", "`plue %s` needs %s", m->name, m->args);
        err_hint(err, "for example: %.*s", (int)strcspn(m->example, "\n"), m->example);
        return false;
    }
    if ((int)c->args.n > m->max) {
        err_set(err, "unexpected_argument", "`plue %s` does not know what to do with '%s'", m->name,
                c->args.at[m->max]);
        err_hint(err, "usage: plue %s%s%s", m->name, *m->args ? " " : "", m->args);
        return false;
    }
    return true;
}

bool cli_parse(struct cli *c, int n, char **words, bool *ret_help, struct err *err)
{
    bool only_args = false, ok = true;
    /* --json counts from anywhere, so that a usage error is JSON too. */
    for (int i = 0; i < n && strcmp(words[i], "--") != 0; i++)
        c->json |= strcmp(words[i], "--json") == 0 && find_option(c, STR("json"));
    for (int i = 0; ok && i < n; i++) {
        const char *word = words[i];
        if (!only_args && strcmp(word, "--") == 0)
            only_args = true;
        else if (!only_args && strcmp(word, "-h") == 0)
            *ret_help = true;
        else if (!only_args && strncmp(word, "--", 2) == 0)
            ok = take_option(c, n, words, &i, err);
        else if (!only_args && word[0] == '-' && word[1] != '-' && find_letter(c, word))
            ok = take_letter(c, n, words, &i, err);
        else if (!only_args && word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9'))
            ok = unknown_option(c, str_of(word + 1), err);
        else
            vec_push(&c->args, word);
    }
    *ret_help |= ok && cli_has(c, "help");
    return ok && (*ret_help || check_count(c, err));
}

bool cli_has(const struct cli *c, const char *option)
{
    for (size_t i = 0; i < c->given.n; i++)
        if (strcmp(c->given.at[i].option->name, option) == 0)
            return true;
    return false;
}

const char *cli_value(const struct cli *c, const char *option)
{
    for (size_t i = c->given.n; i-- > 0;)
        if (strcmp(c->given.at[i].option->name, option) == 0)
            return c->given.at[i].value;
    return NULL;
}

bool cli_number(const struct cli *c, const char *option, int64_t fallback, int64_t *ret,
                struct err *err)
{
    const char *text = cli_value(c, option);
    *ret = fallback;
    if (!text)
        return true;
    if (num_parse_int(str_of(text), ret) && *ret > 0)
        return true;
    err_set(err, "invalid_option", "--%s must be a positive number, not '%s'", option, text);
    err_hint(err, "for example: --%s 100", option);
    return false;
}
