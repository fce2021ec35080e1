/* Help texts, all from the table of commands. */
#include "cli/command.h"

enum { COLUMN = 26, OPTION_COLUMN = 28 };

static void pad(struct buf *b, size_t from, size_t column)
{
    size_t used = b->n - from;
    buf_add_repeat(b, ' ', used < column ? column - used : 1);
}

static void add_option(struct buf *b, const struct cli_option *o)
{
    size_t from = b->n;
    if (o->letter)
        buf_addf(b, "  -%c, --%s%s%s", o->letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
    else
        buf_addf(b, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    pad(b, from, OPTION_COLUMN);
    buf_addf(b, "%s\n", o->doc);
}

static void add_examples(struct buf *b, const char *examples)
{
    str rest = str_of(examples), line;
    buf_add_c(b, "\nExample:\n");
    while (str_next(&rest, '\n', &line))
        buf_addf(b, "  %.*s\n", STR_ARG(line));
}

void cli_add_help(struct buf *b, const struct command *m)
{
    buf_addf(b, "plue %s: %s\n\nUsage: plue %s%s%s", m->name, m->summary, m->name,
             *m->args ? " " : "", m->args);
    buf_addf(b, "%s\n", m->options && m->options->name ? " [options]" : "");
    if (m->doc)
        buf_addf(b, "\n%s\n", m->doc);
    if (!m->run)
        buf_add_c(b, "\nThis command is not part of this version yet.\n");
    buf_add_c(b, "\nOptions:\n");
    for (const struct cli_option *o = m->options; o && o->name; o++)
        add_option(b, o);
    add_option(b, &(struct cli_option){"help, -h", NULL, "show this help"});
    if (m->example)
        add_examples(b, m->example);
}

static void add_rows(struct buf *b, const char *word, bool built)
{
    size_t n = word ? strlen(word) : 0;
    for (const struct command *const *m = cli_commands; *m; m++) {
        if (((*m)->run != NULL) != built)
            continue;
        if (word && (strncmp((*m)->name, word, n) != 0 || (*m)->name[n] != ' '))
            continue;
        size_t from = b->n;
        buf_addf(b, "  %s", (*m)->name);
        if (built && *(*m)->args)
            buf_addf(b, " %s", (*m)->args);
        pad(b, from, COLUMN);
        buf_addf(b, "%s\n", (*m)->summary);
    }
}

bool cli_add_overview(struct buf *b, const char *word)
{
    auto_buf rows = BUF(1 << 20), later = BUF(1 << 20);
    add_rows(&rows, word, true);
    add_rows(&later, word, false);
    if (!rows.n && !later.n)
        return false;
    if (word)
        buf_addf(b, "Usage: plue %s COMMAND [options]\n", word);
    else
        buf_add_c(b, "Plue runs workflows written in restricted Python, in sandboxes, and keeps "
                     "every run.\n\nUsage: plue COMMAND [options]\n");
    if (rows.n) {
        buf_add_c(b, "\nCommands:\n");
        buf_add_str(b, buf_str(&rows));
    }
    if (later.n) {
        buf_add_c(b, "\nNot part of this version yet:\n");
        buf_add_str(b, buf_str(&later));
    }
    buf_addf(b, "\n`plue %s%sCOMMAND --help` says more of each.\n", word ? word : "",
             word ? " " : "");
    for (const struct command *const *m = cli_commands; *m; m++) {
        if ((*m)->run && (*m)->example && (!word || strncmp((*m)->name, word, strlen(word)) == 0)) {
            add_examples(b, (*m)->example);
            break;
        }
    }
    return true;
}
