#include "shell/judge.h"

static enum role take_expected(struct walk *k, str value)
{
    char sign = k->expect;
    k->expect = 0;
    if (sign == ':') {
        k->expect = '=';
        return ROLE_CODE;
    }
    if (sign == '%' && value.n && value.p[0] == MARK_HOLE)
        return ROLE_CODE;
    if (sign == '=' || sign == '%')
        return ROLE_DATA;
    k->program |= sign != '^';
    k->rest_data |= sign == '.';
    return ROLE_CODE;
}

/* A listed option with its value in the same word, or with the value to come. */
static enum role option_value(struct walk *k, char sign, bool glued, str value)
{
    switch (sign) {
    case ' ':
    case '#':
    case '?':
        k->unsure |= glued && sign != '?';
        return ROLE_OPTION;
    case '*':
        k->unsure = true;
        return ROLE_CODE;
    default:
        k->expect = sign;
        return glued ? take_expected(k, value) : ROLE_OPTION;
    }
}

static enum role walk_cluster(struct walk *k, str text, size_t from)
{
    for (size_t i = from; i < text.n; i++) {
        char option[2] = {'-', text.p[i]};
        char sign = command_option(k->command, str_make(option, 2));
        if (!sign) {
            k->unsure = true;
            return ROLE_UNSURE;
        }
        if (sign == ' ')
            continue;
        if (sign == '#') {
            while (i + 1 < text.n && text.p[i + 1] >= '0' && text.p[i + 1] <= '9')
                i++;
            continue;
        }
        return option_value(k, sign, i + 1 < text.n, str_sub(text, i + 1, text.n));
    }
    return ROLE_OPTION;
}

static enum role walk_option(struct walk *k, str text)
{
    if (text.n == 2 && text.p[1] == '-') {
        k->over = true;
        return ROLE_OPTION;
    }
    size_t equals = str_find_byte(text, '=', 0);
    bool glued = equals < text.n;
    str name = glued ? str_sub(text, 0, equals) : text;
    char sign = text.n > 2 ? command_option(k->command, name) : 0;
    if (sign)
        return option_value(k, sign, glued, glued ? str_sub(text, equals + 1, text.n) : text);
    if (text.p[1] == '-') {
        k->unsure = true;
        return ROLE_UNSURE;
    }
    return walk_cluster(k, text, 1);
}

/* These take options behind operands too. */
static bool permutes(const struct command *c)
{
    return c->permutes || c->kind == COMMAND_OPTIONS || c->kind == COMMAND_DATA;
}

static enum role walk_operand(struct walk *k, const struct word *w)
{
    str text = w->text;
    if (k->over)
        return ROLE_OPERAND;
    if (k->command->cluster && k->operands == 0 && !w->holes) {
        k->operands++;
        return walk_cluster(k, text, 0);
    }
    k->maybe_dash = judge_starts_with_hole(w);
    /* + options exist only in shells; a variable could hold an option unless it is a path. */
    k->unsure |= text.n > 1 && text.p[0] == '+' && k->command->kind == COMMAND_PROGRAM;
    k->unsure |= text.n && text.p[0] == MARK_RUNTIME && str_find_byte(text, '/', 0) >= text.n;
    k->over = !permutes(k->command) && !k->maybe_dash;
    return ROLE_OPERAND;
}

enum role walk_word(struct walk *k, const struct word *w)
{
    str text = w->text;
    k->maybe_dash = false;
    if (k->rest_data || (k->over && (k->program || k->operands)))
        return ROLE_OPERAND;
    if (w->splits) {
        k->unsure = true;
        k->expect = 0;
        return ROLE_UNSURE;
    }
    if (k->expect)
        return take_expected(k, text);
    if (!k->over && text.n > 1 && text.p[0] == '-')
        return walk_option(k, text);
    return walk_operand(k, w);
}
