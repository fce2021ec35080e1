/* plue.1, from the table of commands. */
#include "cli/command.h"
#include "cli/completion.h"

static void add_text(struct buf *b, const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            buf_add_c(b, "\\&");
        if (*text == '\\')
            buf_add_c(b, "\\e");
        else if (*text == '-')
            buf_add_c(b, "\\-");
        else
            buf_add_byte(b, *text);
        start = *text == '\n';
    }
}

static void add_option(struct buf *b, const struct cli_option *o)
{
    buf_add_c(b, ".TP\n\\fB");
    if (o->letter)
        buf_addf(b, "\\-%c\\fR, \\fB", o->letter);
    buf_add_c(b, "\\-\\-");
    add_text(b, o->name);
    buf_add_c(b, "\\fR");
    if (o->value) {
        buf_add_c(b, " \\fI");
        add_text(b, o->value);
        buf_add_c(b, "\\fR");
    }
    buf_add_byte(b, '\n');
    add_text(b, o->doc);
    buf_add_byte(b, '\n');
}

static void add_sentence(struct buf *b, const char *text)
{
    size_t from = b->n;
    add_text(b, text);
    if (b->n > from && b->p[from] >= 'a' && b->p[from] <= 'z')
        b->p[from] = (char)(b->p[from] - 'a' + 'A');
    buf_add_c(b, ".\n");
}

static void add_command(struct buf *b, const struct command *m)
{
    buf_add_c(b, ".SS plue ");
    add_text(b, m->name);
    if (*m->args) {
        buf_add_byte(b, ' ');
        add_text(b, m->args);
    }
    buf_add_byte(b, '\n');
    add_sentence(b, m->summary);
    if (m->doc) {
        add_text(b, m->doc);
        buf_add_byte(b, '\n');
    }
    for (const struct cli_option *o = m->options; o && o->name; o++)
        add_option(b, o);
    if (m->example) {
        buf_add_c(b, ".PP\n.nf\n.RS 4\n");
        add_text(b, m->example);
        buf_add_c(b, "\n.RE\n.fi\n");
    }
}

static void add_rows(struct buf *b, const char *const (*rows)[2])
{
    for (; (*rows)[0]; rows++) {
        buf_add_c(b, ".TP\n\\fB");
        add_text(b, (*rows)[0]);
        buf_add_c(b, "\\fR\n");
        add_text(b, (*rows)[1]);
        buf_add_byte(b, '\n');
    }
}

void completion_add_man(struct buf *b)
{
    static const char *const statuses[][2] = {
        {"0", "Success."},
        {"1", "The run failed, a test failed, or what was verified differs."},
        {"2", "Wrong usage or bad input."},
        {"3", "The run was cancelled."},
        {"4", "A fault of the system."},
        {NULL, NULL}};
    static const char *const variables[][2] = {
        {"PLUE_DATA_DIR", "Where runs are kept; else $XDG_DATA_HOME/plue or ~/.local/share/plue."},
        {"PLUE_SECRET_NAME", "The value of the secret NAME, for runs on this machine."},
        {"NO_COLOR, CI", "Where one of these is set, no colours are used."},
        {NULL, NULL}};
    static const char *const paths[][2] = {
        {".plue/workflows/*.py", "Workflows."},
        {".plue/lib/*.py, .plue/actions/NAME/action.py", "What workflows share."},
        {".plue/tests/*.yaml", "Tests of workflows."},
        {NULL, NULL}};
    buf_addf(b, ".TH PLUE 1 2026-11-23 \"Plue %s\" \"User Commands\"\n", PLUE_VERSION);
    buf_add_c(b,
              ".SH NAME\nplue \\- workflows in restricted Python, run in sandboxes\n"
              ".SH SYNOPSIS\n.B plue\n.I command\n.RI [ options ]\n.SH DESCRIPTION\n"
              "A workflow is a function in restricted Python. It is evaluated to a plan, and the "
              "plan is run:\neach step in a sandbox, every run kept in a database, and what "
              "happens shown live.\n.SH COMMANDS\n");
    for (const struct command *const *m = cli_commands; *m; m++)
        if ((*m)->run)
            add_command(b, *m);
    buf_add_c(b, ".SH EXIT STATUS\n");
    add_rows(b, statuses);
    buf_add_c(b, ".SH ENVIRONMENT\n");
    add_rows(b, variables);
    buf_add_c(b, ".SH FILES\n");
    add_rows(b, paths);
}
