#include "shell/judge.h"

size_t judge_count_holes(const struct word *w, size_t n)
{
    size_t holes = 0;
    for (size_t i = 0; i < n; i++)
        holes += w[i].holes;
    return holes;
}

bool judge_refuse(struct scan *s, const struct word *w, size_t n, enum refusal why,
                  const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].holes)
            return scan_refuse(s, why, s->holes.at[w[i].hole].at, name);
    return true;
}

bool judge_variable_is_safe(str name)
{
    /* A name, or what it begins with. */
    static const char *const exact[] = {"PATH",
                                        "IFS",
                                        "ENV",
                                        "PS0",
                                        "PS1",
                                        "PS2",
                                        "PS3",
                                        "PS4",
                                        "PROMPT_COMMAND",
                                        "SHELLOPTS",
                                        "SHELL",
                                        "EDITOR",
                                        "VISUAL",
                                        "PAGER",
                                        "MANPAGER",
                                        "BROWSER",
                                        "LESS",
                                        "LESSOPEN",
                                        "LESSCLOSE",
                                        "RANDOM",
                                        "SRANDOM",
                                        "SECONDS",
                                        "LINENO",
                                        "OPTIND",
                                        "HISTCMD",
                                        "UID",
                                        "EUID",
                                        "PPID",
                                        "CDPATH",
                                        "HOME",
                                        "TERM",
                                        "TERMINFO",
                                        "MAKE",
                                        "MAKEFLAGS",
                                        "GNUMAKEFLAGS",
                                        "MFLAGS",
                                        "MAKEFILES",
                                        "CLASSPATH",
                                        "JAVA_TOOL_OPTIONS",
                                        "_JAVA_OPTIONS",
                                        "JDK_JAVA_OPTIONS",
                                        "RUSTFLAGS",
                                        "RUSTC_WRAPPER",
                                        "RUSTC",
                                        "GOFLAGS",
                                        "CC",
                                        "CXX",
                                        "LOCPATH",
                                        "NLSPATH",
                                        "GCONV_PATH",
                                        "FCEDIT",
                                        "FPATH",
                                        "TAR_OPTIONS",
                                        "RSYNC_RSH",
                                        "CVS_RSH",
                                        "OPENSSL_CONF",
                                        "MAVEN_OPTS",
                                        "ZDOTDIR",
                                        "TMPDIR",
                                        "LANG",
                                        "LANGUAGE"};
    static const char *const prefix[] = {
        "LD_",    "DYLD_",   "BASH",    "GIT_",  "PYTHON", "PERL",    "RUBY",  "NODE_", "NPM_",
        "npm_",   "PLUE_",   "COMP_",   "EPOCH", "LUA",    "PHP",     "SSH_",  "SUDO_", "CARGO",
        "GLIBC_", "MALLOC_", "DOCKER_", "LC_",   "GEM_",   "BUNDLE_", "CMAKE_"};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (str_is(name, exact[i]))
            return false;
    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
        if (str_starts(name, str_of(prefix[i])))
            return false;
    return true;
}

void judge_add_carriers(struct scan *s, str name, const struct word *w, str function)
{
    for (size_t h = 0; h < w->holes; h++)
        vec_push(&s->carriers, (struct carrier){name, w->hole + h, function});
}

bool judge_assignment(struct scan *s, const struct word *w)
{
    str name = str_sub(w->text, 0, scan_name_length(w->text));
    const char *c_name = arena_cstr(&s->arena, name);
    if (!w->holes)
        return true;
    if (!judge_variable_is_safe(name))
        return scan_refuse(s, R_VARIABLE, s->holes.at[w->hole].at, c_name);
    judge_add_carriers(s, name, w, (str){0});
    return true;
}

/* --- kinds --- */

static void add_code(struct scan *s, const struct word *w)
{
    vec_push(&s->evaluated, (struct range){w->at, w->end, false});
}

static bool judge_code(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    struct walk k = {.command = c};
    enum refusal why = str_ends(str_of(c->name), STR("make")) ? R_MAKE : R_CODE;
    for (size_t i = 1; i < n; i++) {
        bool data = walk_word(&k, &w[i]) == ROLE_DATA && !k.unsure;
        if (!data)
            add_code(s, &w[i]);
        if (w[i].holes && !data)
            return judge_refuse(s, &w[i], 1, why, c->name);
    }
    return true;
}

static bool is_listed(const char *list, str word)
{
    str rest = str_of(list), token;
    while (str_next(&rest, ' ', &token))
        if (str_eq(token, word))
            return true;
    return false;
}

/* python -m MODULE: most modules take data, some (timeit, pdb) take code. */
static bool module_takes_code(const struct command *c, const struct word *w)
{
    static const char data[] = "pytest unittest http.server json.tool build venv compileall black "
                               "ruff mypy flake8 isort pylint coverage tarfile zipfile gzip";
    return str_is(str_of(c->name), "python") && str_is(w[-1].text, "-m") &&
           !is_listed(data, w->text);
}

static bool judge_program(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    struct walk k = {.command = c};
    for (size_t i = 1; i < n; i++) {
        enum role role = walk_word(&k, &w[i]);
        bool operand = role == ROLE_OPERAND;
        bool code = role == ROLE_CODE || (operand && !k.operands && !k.program && !k.rest_data);
        if (code)
            add_code(s, &w[i]);
        k.unsure |= role == ROLE_CODE && module_takes_code(c, &w[i]);
        k.operands += operand;
        if (!w[i].holes || (role == ROLE_DATA && !k.unsure))
            continue;
        /* perl -e opens "command |" among its operands. */
        bool magic = c->magic && k.program;
        if (code || !(operand || w[i].splits) || k.unsure || magic)
            return judge_refuse(s, &w[i], 1, R_CODE, c->name);
        if (k.maybe_dash)
            return judge_refuse(s, &w[i], 1, R_OPTION, c->name);
    }
    return true;
}

static bool judge_options(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    struct walk k = {.command = c};
    for (size_t i = 1; i < n; i++) {
        enum role role = walk_word(&k, &w[i]);
        bool dash = w[i].text.n && (w[i].text.p[0] == '-' || judge_starts_with_hole(&w[i]));
        bool data = role == ROLE_DATA && !k.unsure;
        /* The table does not list all options of these, and need not. */
        k.unsure &= w[i].splits;
        bool first = c->magic && judge_starts_with_hole(&w[i]);
        if (w[i].holes && !data && (role == ROLE_CODE || first || (dash && !k.over)))
            return judge_refuse(s, &w[i], 1, R_OPTION, c->name);
    }
    return true;
}

static bool is_assignment(str text)
{
    size_t n = scan_name_length(text);
    return n && n < text.n && text.p[n] == '=';
}

static bool judge_wrapper(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    struct walk k = {.command = c};
    size_t skip = c->skip;
    for (size_t i = 1; i < n; i++) {
        enum role role = walk_word(&k, &w[i]);
        if (k.unsure || role == ROLE_CODE) {
            for (size_t j = i; k.unsure && j < n; j++)
                add_code(s, &w[j]);
            if (judge_count_holes(&w[i], k.unsure ? n - i : 1))
                return judge_refuse(s, &w[i], n - i, R_CODE, c->name);
            continue;
        }
        if (role == ROLE_OPTION && w[i].holes)
            return judge_refuse(s, &w[i], 1, R_CODE, c->name);
        if (role != ROLE_OPERAND)
            continue;
        if (c->assignments && is_assignment(w[i].text)) {
            if (!judge_assignment(s, &w[i]))
                return false;
        } else if (skip) {
            skip--;
            if (w[i].holes)
                return judge_refuse(s, &w[i], 1, R_CODE, c->name);
        } else {
            return judge_command(s, &w[i], n - i);
        }
    }
    return true;
}

static str base_name(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.n ? str_sub(path, slash + 1, path.n) : path;
}

static bool reads_code(str text)
{
    size_t equals = str_find_byte(text, '=', 0);
    if (text.n && text.p[0] == '-' && equals < text.n)
        text = str_sub(text, equals + 1, text.n);
    const struct command *c = command_find(base_name(text));
    return c && c->kind != COMMAND_DATA && c->kind != COMMAND_OPTIONS && c->kind != COMMAND_GIT &&
           c->kind != COMMAND_PRINTF;
}

static bool judge_runner(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    static const char code_options[] =
        "-c -lc -ec --call --command --run --entrypoint --exec --eval";
    bool runs = c->options == NULL, code = false;
    for (size_t i = 1; i < n && !runs; i++)
        runs = is_listed(c->options, w[i].text) || w[i].splits;
    for (size_t i = 1; i < n && runs; i++) {
        str before = w[i - 1].text, text = w[i].text;
        bool after_option = i > 1 && before.n > 1 && before.p[0] == '-' && !str_is(before, "--");
        code |= c->rejoins || is_listed(code_options, before);
        bool chooses = judge_starts_with_hole(&w[i]) && !after_option;
        bool in_option = text.n && text.p[0] == '-' && str_has(text, STR("\1")) &&
                         is_listed(code_options, str_sub(text, 0, str_find_byte(text, '=', 0)));
        if (w[i].holes && (code || chooses || in_option))
            return judge_refuse(s, &w[i], 1, R_CODE, c->name);
        code |= reads_code(text);
        if (code)
            add_code(s, &w[i]);
    }
    return true;
}

static bool judge_by_entry(struct scan *s, const struct command *c, const struct word *w, size_t n);

/* Commands that nobody has heard of often run what stands behind them: if that is something that
 * reads code, it is judged as such. */
static bool judge_unknown(struct scan *s, const struct word *w, size_t n)
{
    static const char printers[] = "echo which type whereis apropos";
    for (size_t i = 1; i < n && !is_listed(printers, w[0].text); i++) {
        const struct command *c = command_find(base_name(w[i].text));
        bool wraps = c && is_listed("env sudo timeout nohup nice xargs eval", str_of(c->name));
        if (c && (c->kind == COMMAND_PROGRAM || wraps) && !judge_by_entry(s, c, w + i, n - i))
            return false;
    }
    return true;
}

/* Even a command that takes data may be one of the script's own that runs a shell. */
static bool judge_data(struct scan *s, const struct word *w, size_t n)
{
    bool shell = false, code = false;
    for (size_t i = 1; i < n; i++) {
        str text = w[i].text;
        if (code && w[i].holes)
            return judge_refuse(s, &w[i], 1, R_CODE, "a shell's -c");
        if (code)
            add_code(s, &w[i]);
        judge_add_carriers(s, STR("@"), &w[i], w[0].text);
        const struct command *c = command_find(base_name(text));
        shell |= c && c->options && str_starts(str_of(c->options), STR("-a -b -c -e -f"));
        code |= str_is(text, "eval") || (shell && text.n > 1 && text.p[0] == '-' &&
                                         text.p[1] != '-' && text.p[text.n - 1] == 'c');
    }
    return true;
}

static bool judge_by_entry(struct scan *s, const struct command *c, const struct word *w, size_t n)
{
    switch (c ? c->kind : COMMAND_DATA) {
    case COMMAND_CODE:
        return judge_code(s, c, w, n);
    case COMMAND_PROGRAM:
        return judge_program(s, c, w, n);
    case COMMAND_WRAPPER:
        return judge_wrapper(s, c, w, n);
    case COMMAND_RUNNER:
        return judge_runner(s, c, w, n);
    case COMMAND_OPTIONS:
        return judge_options(s, c, w, n);
    case COMMAND_TEST:
        return judge_test(s, w, n);
    case COMMAND_FIND:
        return judge_find(s, w, n);
    case COMMAND_GIT:
        return judge_git(s, w, n);
    case COMMAND_PRINTF:
        return judge_printf(s, w, n);
    case COMMAND_SET:
        return judge_set(s, w, n);
    case COMMAND_DECLARE:
        return judge_declare(s, w, n);
    case COMMAND_ALIAS:
        return scan_refuse(s, R_SYNTAX, w[0].at, "alias changes what the words of a command mean");
    case COMMAND_DATA:
        break;
    }
    if (!c && !judge_unknown(s, w, n))
        return false;
    return judge_data(s, w, n);
}

bool judge_command(struct scan *s, const struct word *w, size_t n)
{
    if (n == 0)
        return true;
    if (w[0].holes)
        return scan_refuse(s, R_COMMAND, s->holes.at[w[0].hole].at, "");
    str name = base_name(w[0].text);
    if (str_find_byte(name, MARK_RUNTIME, 0) < name.n || !name.n) {
        add_code(s, &w[0]);
        return judge_refuse(s, &w[1], n - 1, R_RUNTIME_COMMAND, "");
    }
    const struct command *c = command_find(name);
    if (!judge_by_entry(s, c, w, n))
        return false;
    if (s->warnings)
        lint_command(s, c, w, n);
    return true;
}
