#include "shell/judge.h"

/* After these a dash is never an option, or no value can be one. */
static bool takes_no_options(const struct command *c, str name)
{
    static const char *const names[] = {":", "true", "false", "exit", "return", "shift", "break"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i]))
            return true;
    /* What such a program does with its arguments is its own affair. */
    static const char *const programs[] = {"python", "perl", "ruby", "node", "php", "java"};
    for (size_t i = 0; c && i < sizeof programs / sizeof *programs; i++)
        if (str_is(str_of(c->name), programs[i]))
            return false;
    return c && c->kind != COMMAND_DATA && c->kind != COMMAND_GIT;
}

static void lint_options(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    static const struct command unknown = {.options = ""};
    struct walk k = {.command = c && c->kind == COMMAND_DATA ? c : &unknown};
    const char *name = arena_cstr(&s->arena, w[0].text);
    bool echo = str_is(w[0].text, "echo"), git = c && c->kind == COMMAND_GIT;
    for (size_t i = 1; i < n; i++) {
        if (str_is(w[i].text, "--") || (echo && !judge_starts_with_hole(&w[i])))
            return;
        bool data = walk_word(&k, &w[i]) == ROLE_DATA;
        bool message = git && (str_is(w[i - 1].text, "-m") || str_is(w[i - 1].text, "--message"));
        if (judge_starts_with_hole(&w[i]) && !data && !message)
            scan_warn(s, W_OPTION, s->holes.at[w[i].hole].at, name);
    }
}

/* echo NAME=value, or printf 'NAME=%s\n' value, in a script that writes outputs. */
static void lint_outputs(struct scan *s, const struct word *w, size_t n)
{
    bool echo = str_is(w[0].text, "echo"), print = str_is(w[0].text, "printf");
    if ((!echo && !print) ||
        (!str_has(s->text, STR("PLUE_OUTPUT")) && !str_has(s->text, STR("PLUE_ENV"))))
        return;
    for (size_t i = 1; i < n; i++) {
        size_t name = scan_name_length(w[i].text);
        if (!name || name >= w[i].text.n || w[i].text.p[name] != '=')
            continue;
        size_t count = print ? n - i : 1;
        for (size_t j = i; j < i + count; j++)
            if (w[j].holes)
                scan_warn(s, W_OUTPUT, s->holes.at[w[j].hole].at,
                          arena_cstr(&s->arena, str_sub(w[i].text, 0, name + 1)));
        return;
    }
}

void lint_command(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    if (!takes_no_options(c, w[0].text))
        lint_options(s, c, w, n);
    lint_outputs(s, w, n);
}
