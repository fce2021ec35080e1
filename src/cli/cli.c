/* From words to a command. */
#include "cli/command.h"
#include <signal.h>

static const struct command *find_command(str name)
{
    for (const struct command *const *m = cli_commands; *m; m++)
        if (str_is(name, (*m)->name))
            return *m;
    return NULL;
}

static bool is_group(const char *word)
{
    size_t n = strlen(word);
    for (const struct command *const *m = cli_commands; *m; m++)
        if (strncmp((*m)->name, word, n) == 0 && (*m)->name[n] == ' ')
            return true;
    return false;
}

/* Names that can stand at this place: first words, or second words of a group. */
static size_t names_below(const char *group, str *ret, size_t max)
{
    size_t n = 0, skip = group ? strlen(group) + 1 : 0;
    for (const struct command *const *m = cli_commands; *m && n < max; m++) {
        const char *name = (*m)->name;
        if (group && (strncmp(name, group, skip - 1) != 0 || name[skip - 1] != ' '))
            continue;
        ret[n++] = str_make(name + skip, strcspn(name + skip, " "));
    }
    return n;
}

static int unknown_command(struct cli *c, const char *group, const char *word)
{
    auto_err e = ERR_INIT;
    str names[CLI_WORDS_MAX];
    size_t n = names_below(group, names, CLI_WORDS_MAX);
    const char *before = group ? group : "", *space = group ? " " : "";
    err_set(&e, "unknown_command", "there is no command `plue %s%s%s`", before, space, word);
    long near = str_nearest(str_of(word), names, n);
    if (near >= 0)
        err_hint(&e, "did you mean `plue %s%s%.*s`?", before, space, STR_ARG(names[near]));
    else
        err_hint(&e, "`plue %s%s--help` shows all commands", before, space);
    return cli_fail(c, NULL, &e);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int overview(struct cli *c, const char *group)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    cli_add_overview(&b, group);
    cli_out(c, buf_str(&b));
    return CLI_OK;
}

static int call(struct cli *c, int n, char **words)
{
    auto_err e = ERR_INIT;
    bool help = false;
    if (!cli_parse(c, n, words, &help, &e) && c->command->run)
        return cli_fail(c, NULL, &e);
    if (help) {
        auto_buf b = BUF(CLI_OUTPUT_MAX);
        cli_add_help(&b, c->command);
        cli_out(c, buf_str(&b));
        return CLI_OK;
    }
    if (c->command->run)
        return c->command->run(c);
    err_reset(&e);
    err_set(&e, "not_in_this_version", "`plue %s` is not part of this version of Plue yet",
            c->command->name);
    err_hint(&e, "`plue help` shows what is; docs/known-gaps.md what is to come");
    return cli_fail(c, NULL, &e);
}

static int dispatch(struct cli *c, int argc, char **argv)
{
    if (argc < 2)
        return overview(c, NULL);
    if (is_help(argv[1]) && (argc == 2 || argv[1][0] == '-'))
        return overview(c, NULL);
    if (is_help(argv[1])) { /* plue help workflow run */
        argv++, argc--;
        static char help[] = "--help";
        char *words[4] = {argv[0], argv[1], argc > 2 ? argv[2] : help, argc > 2 ? help : NULL};
        return dispatch(c, argc > 2 ? 4 : 3, words);
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = argv[1] + 2;
    for (int i = 1; i < argc; i++)
        c->json |= strcmp(argv[i], "--json") == 0;
    if (is_group(argv[1]) && !(c->command = find_command(str_of(argv[1])))) {
        if (argc == 2 || is_help(argv[2]))
            return overview(c, argv[1]) + (argc == 2 ? CLI_USAGE : 0);
        auto_buf name = BUF(1 << 16);
        buf_addf(&name, "%s %s", argv[1], argv[2]);
        c->command = find_command(buf_str(&name));
        return c->command ? (c->json = false, call(c, argc - 3, argv + 3))
                          : unknown_command(c, argv[1], argv[2]);
    }
    c->command = find_command(str_of(argv[1]));
    if (!c->command)
        return unknown_command(c, NULL, argv[1]);
    c->json = false;
    return call(c, argc - 2, argv + 2);
}

int cli_main(int argc, char **argv)
{
    struct cli c = {0};
    signal(SIGPIPE, SIG_IGN); /* a closed stdout is a failed write, not the end of a run */
    signal(SIGXFSZ, SIG_IGN); /* a file past ulimit -f likewise */
    cli_detect_terminal(&c);
    int status = dispatch(&c, argc, argv);
    vec_done(&c.args);
    vec_done(&c.given);
    return status == CLI_OK && c.out_failed ? CLI_SYSTEM : status;
}
