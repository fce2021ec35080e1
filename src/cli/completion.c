#include "cli/completion.h"
#include "cli/command.h"

/* What may follow an option or stand as an argument, from what the help calls it. */
enum kind { KIND_NONE, KIND_FILE, KIND_WORKFLOW, KIND_RUN, KIND_SECRET };

static enum kind kind_of(const struct command *m, const char *called)
{
    static const char *const files[] = {"FILE", "DIR", "PATH", "FOLDER"};
    str text = str_of(called ? called : "");
    bool workflow = strncmp(m->name, "workflow ", 9) == 0;
    bool run = strncmp(m->name, "run ", 4) == 0 || strcmp(m->name, "verify") == 0 ||
               strcmp(m->name, "why") == 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (str_has(text, str_of(files[i])))
            return KIND_FILE;
    if (strcmp(m->name, "secret delete") == 0 && str_has(text, STR("NAME")))
        return KIND_SECRET;
    if (workflow && str_has(text, STR("NAME")) && !str_has(text, STR("=")))
        return KIND_WORKFLOW;
    return run && (str_has(text, STR("ID")) || str_has(text, STR("RUN"))) ? KIND_RUN : KIND_NONE;
}

static bool is_group(const char *name)
{
    return strchr(name, ' ') != NULL;
}

/* Second words of a group, or the first words of all commands, each once. */
static void add_words(struct buf *b, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    const char *last = "";
    bool first = true;
    for (const struct command *const *m = cli_commands; *m; m++) {
        const char *name = (*m)->name;
        if (!(*m)->run)
            continue;
        if (group && (strncmp(name, group, n) != 0 || name[n] != ' '))
            continue;
        const char *word = group ? name + n + 1 : name;
        size_t length = strcspn(word, " ");
        if (!group && strlen(last) >= length && strncmp(last, word, length) == 0 &&
            (last[length] == ' ' || !last[length]))
            continue;
        last = word;
        buf_addf(b, "%s%.*s", first ? "" : " ", (int)length, word);
        first = false;
    }
}

static void add_options(struct buf *b, const struct command *m)
{
    for (const struct cli_option *o = m->options; o && o->name; o++)
        buf_addf(b, "--%s ", o->name);
    buf_add_c(b, "--help");
}

/* "|"-separated options whose value is a file; false where there are none. */
static bool add_file_options(struct buf *b, const struct command *m)
{
    size_t before = b->n;
    for (const struct cli_option *o = m->options; o && o->name; o++) {
        if (!o->value || kind_of(m, o->value) != KIND_FILE)
            continue;
        buf_addf(b, "%s--%s", b->n > before ? "|" : "", o->name);
        if (o->letter)
            buf_addf(b, "|-%c", o->letter);
    }
    return b->n > before;
}

static bool add_other_options(struct buf *b, const struct command *m)
{
    size_t before = b->n;
    for (const struct cli_option *o = m->options; o && o->name; o++)
        if (o->value && kind_of(m, o->value) != KIND_FILE)
            buf_addf(b, "%s--%s", b->n > before ? "|" : "", o->name);
    return b->n > before;
}

static const char *const words_of[] = {
    [KIND_WORKFLOW] = "$(plue workflow list 2> /dev/null | cut -d' ' -f1)",
    [KIND_RUN] = "$(plue run list 2> /dev/null | sed -n 's/^\\([0-9]\\{1,\\}\\) .*/\\1/p')",
    [KIND_SECRET] = "$(plue secret list 2> /dev/null | cut -d' ' -f1)",
};

/* ---- bash and zsh: one walk over the words, in the shell both know ---- */

static void add_group_cases(struct buf *b)
{
    const char *last = "";
    for (const struct command *const *m = cli_commands; *m; m++) {
        const char *name = (*m)->name;
        size_t n = strcspn(name, " ");
        if (!is_group(name) || !(*m)->run || strncmp(last, name, n + 1) == 0)
            continue;
        last = name;
        auto_buf group = BUF(100);
        buf_add(&group, name, n);
        buf_addf(b, "        '%s') words='", buf_c(&group));
        add_words(b, buf_c(&group));
        buf_add_c(b, "' ;;\n");
    }
}

static void add_command_case(struct buf *b, const struct command *m)
{
    auto_buf files = BUF(1 << 16), others = BUF(1 << 16);
    enum kind kind = kind_of(m, m->args);
    buf_addf(b, "        '%s')\n            options='", m->name);
    add_options(b, m);
    buf_add_c(b, "'\n");
    if (add_file_options(&files, m))
        buf_addf(b, "            case $previous in %s) files=yes; options= ;; esac\n",
                 buf_c(&files));
    if (add_other_options(&others, m))
        buf_addf(b, "            case $previous in %s) return ;; esac\n", buf_c(&others));
    if (kind == KIND_FILE)
        buf_add_c(b, "            files=yes\n");
    else if (kind != KIND_NONE)
        buf_addf(b, "            [ -n \"$files\" ] || words=\"%s\"\n", words_of[kind]);
    buf_add_c(b, "            ;;\n");
}

/* Sets words, options and files from the words before the present one. */
static void add_chooser(struct buf *b)
{
    buf_add_c(b, "# Written by `plue completion`; made from the program's own table of commands.\n"
                 "_plue_choose() {\n"
                 "    local command= word\n"
                 "    words= options= files=\n"
                 "    for word in \"$@\"; do\n"
                 "        case $word in\n"
                 "            -*) continue ;;\n"
                 "        esac\n"
                 "        case $command in\n"
                 "            '') command=$word ;;\n");
    buf_add_c(b, "            ");
    const char *last = "";
    bool first = true;
    for (const struct command *const *m = cli_commands; *m; m++) {
        size_t n = strcspn((*m)->name, " ");
        if (!is_group((*m)->name) || !(*m)->run || strncmp(last, (*m)->name, n + 1) == 0)
            continue;
        last = (*m)->name;
        buf_addf(b, "%s%.*s", first ? "" : "|", (int)n, last);
        first = false;
    }
    buf_add_c(b, ") command=\"$command $word\" ;;\n"
                 "        esac\n"
                 "    done\n"
                 "    case $command in\n"
                 "        '') words='");
    add_words(b, NULL);
    buf_add_c(b, "' options='--help --version' ;;\n");
    add_group_cases(b);
    for (const struct command *const *m = cli_commands; *m; m++)
        if ((*m)->run)
            add_command_case(b, *m);
    buf_add_c(b, "    esac\n}\n");
}

void completion_add_bash(struct buf *b)
{
    add_chooser(b);
    buf_add_c(b, "\n_plue() {\n"
                 "    local words options files previous=${COMP_WORDS[COMP_CWORD-1]} "
                 "present=${COMP_WORDS[COMP_CWORD]}\n"
                 "    COMPREPLY=()\n"
                 "    _plue_choose \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
                 "    case $present in\n"
                 "        -*) words=$options files= ;;\n"
                 "    esac\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$present\"))\n"
                 "    [ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$present\"))\n"
                 "}\n"
                 "complete -o filenames -F _plue plue\n");
}

void completion_add_zsh(struct buf *b)
{
    buf_add_c(b, "#compdef plue\n");
    add_chooser(b);
    buf_add_c(b, "\n_plue() {\n"
                 "    setopt localoptions shwordsplit\n"
                 "    local typed=(\"${words[@]:1:$CURRENT-2}\") present=${words[$CURRENT]} "
                 "previous=${words[$CURRENT-1]}\n"
                 "    local words options files\n"
                 "    _plue_choose \"${typed[@]}\"\n"
                 "    case $present in\n"
                 "        -*) compadd -- $options; return ;;\n"
                 "    esac\n"
                 "    [ -z \"$words\" ] || compadd -- $words\n"
                 "    [ -z \"$files\" ] || _files\n"
                 "}\n"
                 "compdef _plue plue\n");
}

/* ---- fish ---- */

static void add_fish_text(struct buf *b, const char *text)
{
    buf_add_byte(b, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_add_byte(b, '\\');
        buf_add_byte(b, *text);
    }
    buf_add_byte(b, '\'');
}

static void add_fish_command(struct buf *b, const struct command *m)
{
    static const char *const sources[] = {
        [KIND_WORKFLOW] = "plue workflow list 2> /dev/null | string split -f1 \" \"",
        [KIND_RUN] = "plue run list 2> /dev/null | string match -rg \"^([0-9]+) \"",
        [KIND_SECRET] = "plue secret list 2> /dev/null | string split -f1 \" \"",
    };
    const char *space = strchr(m->name, ' ');
    enum kind kind = kind_of(m, m->args);
    buf_addf(b, "complete -c plue -n '__plue_at \"%.*s\"' -a '%s' -d ",
             (int)(space ? space - m->name : 0), m->name, space ? space + 1 : m->name);
    add_fish_text(b, m->summary);
    buf_add_byte(b, '\n');
    if (kind == KIND_FILE)
        buf_addf(b, "complete -c plue -n '__plue_at \"%s\"' -F\n", m->name);
    else if (kind != KIND_NONE)
        buf_addf(b, "complete -c plue -n '__plue_at \"%s\"' -a '(%s)'\n", m->name, sources[kind]);
    for (const struct cli_option *o = m->options; o && o->name; o++) {
        buf_addf(b, "complete -c plue -n '__plue_at \"%s\"' -l %s", m->name, o->name);
        if (o->letter)
            buf_addf(b, " -s %c", o->letter);
        if (o->value)
            buf_add_c(b, kind_of(m, o->value) == KIND_FILE ? " -r -F" : " -x");
        buf_add_c(b, " -d ");
        add_fish_text(b, o->doc);
        buf_add_byte(b, '\n');
    }
}

/* First words that are groups have no row of their own. */
static void add_fish_groups(struct buf *b)
{
    const char *last = "";
    buf_add_c(b, "set -g __plue_groups");
    for (const struct command *const *m = cli_commands; *m; m++) {
        size_t n = strcspn((*m)->name, " ");
        if (!is_group((*m)->name) || !(*m)->run || strncmp(last, (*m)->name, n + 1) == 0)
            continue;
        last = (*m)->name;
        buf_addf(b, " %.*s", (int)n, last);
    }
    buf_add_byte(b, '\n');
}

void completion_add_fish(struct buf *b)
{
    buf_add_c(b,
              "# Written by `plue completion`; made from the program's own table of commands.\n");
    add_fish_groups(b);
    buf_add_c(b, "function __plue_at\n"
                 "    set -l typed (commandline -opc)\n"
                 "    set -l plain (string match -v -- '-*' $typed[2..-1])\n"
                 "    set -l command $plain[1]\n"
                 "    if contains -- \"$command\" $__plue_groups; and set -q plain[2]\n"
                 "        set command \"$command $plain[2]\"\n"
                 "    end\n"
                 "    test \"$command\" = \"$argv[1]\"\n"
                 "end\n"
                 "complete -c plue -f\n"
                 "complete -c plue -n '__plue_at \"\"' -a \"$__plue_groups\"\n"
                 "complete -c plue -l help -s h -d 'show help'\n");
    for (const struct command *const *m = cli_commands; *m; m++)
        if ((*m)->run)
            add_fish_command(b, *m);
}
