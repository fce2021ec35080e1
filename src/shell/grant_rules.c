/* What the words of one simple command mean for the lists. */
#include "shell/grant_int.h"
#include <stdio.h>

/* Programs that run the command behind their options. An option that is not listed is refused. */
static const struct wrapper {
    str name;
    const char *options; /* words, each followed by = where it takes the next word */
    unsigned skip;       /* operands before the command */
    bool assignments;
    bool appends; /* words from outside follow */
} wrappers[] = {
    {STR_INIT("env"), " -i -u= ", 0, true, false},
    {STR_INIT("command"), " ", 0, false, false},
    {STR_INIT("exec"), " ", 0, false, false},
    {STR_INIT("time"), " -p ", 0, false, false},
    {STR_INIT("nice"), " -n= ", 0, false, false},
    {STR_INIT("nohup"), " ", 0, false, false},
    {STR_INIT("setsid"), " -w ", 0, false, false},
    {STR_INIT("stdbuf"), " -oL -o0 -eL -e0 -iL -i0 ", 0, false, false},
    {STR_INIT("timeout"), " -k= -s= -v --foreground --preserve-status ", 1, false, false},
    {STR_INIT("xargs"), " -0 -r -t -n= -P= -L= -s= -n1 -I= -I{} ", 0, false, true},
};
/* Change what later words mean, read code, or evaluate their words. */
static const char never[] =
    " . source alias unalias trap builtin enable hash declare typeset local readonly read mapfile "
    "readarray let getopts unset shopt bind complete compgen compopt fc history jobs bg fg disown "
    "suspend logout caller wait busybox su sudo doas chroot unshare nsenter script parallel watch "
    "strace ltrace gdb ssh flock setpriv runuser start-stop-daemon systemd-run ld.so ";
static const char free_builtins[] =
    " : cd echo true false pwd exit return break continue shift printf test [ set export ";

static bool judge(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail,
                  size_t depth);

static bool is_listed(const char *list, str word)
{
    auto_buf b = BUF(4096);
    buf_addf(&b, " %.*s ", STR_ARG(word));
    return word.n && !memchr(word.p, ' ', word.n) && strstr(list, buf_c(&b));
}

size_t grant_assignment(str text)
{
    size_t n = 0;
    while (n < text.n &&
           ((text.p[n] >= 'a' && text.p[n] <= 'z') || (text.p[n] >= 'A' && text.p[n] <= 'Z') ||
            text.p[n] == '_' || (n && text.p[n] >= '0' && text.p[n] <= '9')))
        n++;
    str rest = str_sub(text, n, text.n);
    return n && (str_starts(rest, STR("=")) || str_starts(rest, STR("+="))) ? n : 0;
}

bool grant_may_set(str name)
{
    bool lower = name.n > 0;
    for (size_t i = 0; i < name.n; i++)
        lower &= (name.p[i] >= 'a' && name.p[i] <= 'z') || name.p[i] == '_' ||
                 (i && name.p[i] >= '0' && name.p[i] <= '9');
    if (lower) /* npm reads npm_config_script_shell */
        return !str_has(name, STR("config"));
    return is_listed(" CI DEBUG NODE_ENV TZ LANG LC_ALL NO_COLOR FORCE_COLOR TERM VERBOSE ", name);
}

static bool refuse(struct grant_scan *s, const struct grant_word *w, const char *code,
                   const char *why, const char *hint)
{
    struct shell_problem *p = s->problem;
    *p = (struct shell_problem){.code = code, .offset = s->base + w->at};
    snprintf(p->message, sizeof p->message, "'%.*s' %s", STR_ARG(str_sub(w->text, 0, 100)), why);
    snprintf(p->hint, sizeof p->hint, "%s", hint);
    return false;
}

/* ---- the lists ---- */

static str file_name(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.n ? str_sub(path, slash + 1, path.n) : path;
}

static bool next_word(str *rest, str *ret)
{
    while (str_next(rest, ' ', ret))
        if (ret->n)
            return true;
    return false;
}

static bool allows(str entry, const struct grant_word *w, size_t n)
{
    str word;
    size_t i = 0;
    for (; next_word(&entry, &word); i++)
        if (i == n || w[i].runtime || !str_eq(w[i].text, word))
            return false;
    return i > 0;
}

static bool denies(str entry, const struct grant_word *w, size_t n, bool tail)
{
    str word;
    if (!next_word(&entry, &word) || !str_eq(file_name(w->text), file_name(word)))
        return false;
    size_t i = 1;
    while (next_word(&entry, &word)) {
        while (i < n && !w[i].runtime && !str_eq(w[i].text, word))
            i++;
        if (i == n)
            return tail;
        i += !w[i].runtime;
    }
    return true;
}

static bool check_allowed(struct grant_scan *s, const struct grant_word *w, size_t n)
{
    const struct shell_grant *g = s->grant;
    for (size_t i = 0; i < g->allow_count; i++)
        if (allows(g->allow[i], w, n))
            return true;
    return !g->allow_count || refuse(s, w, "command_not_allowed", "is not an allowed command",
                                     "use the commands that the tool's allow= lists");
}

static bool check_denied(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail)
{
    const struct shell_grant *g = s->grant;
    for (size_t i = 0; i < g->deny_count; i++)
        if (denies(g->deny[i], w, n, tail))
            return refuse(s, w, "command_denied", "is denied, or could be with these words",
                          "the tool's deny= lists it");
    return true;
}

/* ---- builtins ---- */

/* `test -v a[x]` and `printf -v a[x]` evaluate x. */
static bool check_test(struct grant_scan *s, const struct grant_word *w, size_t n)
{
    size_t k = str_is(w->text, "[") && n > 1 ? n - 2 : n - 1;
    bool good = !str_is(w->text, "[") || (n > 1 && str_is(w[n - 1].text, "]"));
    for (size_t i = 1; i < n; i++)
        good &= !w[i].splits;
    if (k == 2)
        good &= !w[1].runtime && is_listed(" ! -n -z -f -d -e -r -w -x -s -L -h ", w[1].text);
    if (k == 3)
        good &= !w[2].runtime && is_listed(" = == != -eq -ne -lt -le -gt -ge -nt -ot ", w[2].text);
    return (good && k <= 3) || grant_unclear(s, w->at, "this form of test");
}

static bool check_builtin(struct grant_scan *s, const struct grant_word *w, size_t n)
{
    if (str_is(w->text, "test") || str_is(w->text, "["))
        return check_test(s, w, n);
    if (str_is(w->text, "printf"))
        return (n > 1 && !w[1].runtime && !str_starts(w[1].text, STR("-"))) ||
               grant_unclear(s, w->at, "this form of printf");
    for (size_t i = 1; i < n && str_is(w->text, "set"); i++)
        if (w[i].runtime ||
            !is_listed(" -e -u -x -eu -ex -eux -euo -o +e +u +x pipefail errexit ", w[i].text))
            return grant_unclear(s, w[i].at, "this form of set");
    for (size_t i = 1; i < n && str_is(w->text, "export"); i++) {
        size_t name = grant_assignment(w[i].text);
        if (w[i].splits || !name || !grant_may_set(str_sub(w[i].text, 0, name)))
            return grant_unclear(s, w[i].at, "a variable that may decide what is executed");
    }
    return true;
}

/* ---- commands that run others ---- */

static bool judge_shell(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail)
{
    size_t i = 1;
    while (i + 1 < n && !w[i].runtime && str_is(w[i].text, "-o") && !w[i + 1].runtime &&
           is_listed(" pipefail errexit nounset ", w[i + 1].text))
        i += 2;
    if (i + 1 < n && !w[i].runtime && is_listed(" -c -ec -euc -xc -exc -euxc ", w[i].text)) {
        const struct grant_word *code = &w[i + 1];
        if (code->runtime || !code->text.n || strchr("-+", code->text.p[0]))
            return grant_unclear(s, code->at, "a script that is known only when it runs");
        s->depth++;
        bool good = s->depth < GRANT_DEPTH_MAX ? grant_text(s, code->text, 0)
                                               : grant_unclear(s, code->at, "it nests too deep");
        s->depth--;
        return good;
    }
    for (; i < n; i++)
        if (w[i].runtime || str_starts(w[i].text, STR("-")))
            return grant_unclear(s, w[i].at, "this form of a shell");
    /* With a file it is a command like any other; without one it reads a script. */
    return tail || n < 2 || !s->grant->allow_count
               ? grant_unclear(s, w->at, "a script that stands elsewhere")
               : check_allowed(s, w, n);
}

static bool judge_eval(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail)
{
    auto_buf text = BUF(GRANT_TEXT_MAX);
    for (size_t i = 1; i < n; i++) {
        if (w[i].runtime || tail)
            return grant_unclear(s, w[i].at, "code that is known only when it runs");
        buf_addf(&text, "%s%.*s", i > 1 ? " " : "", STR_ARG(w[i].text));
    }
    if (text.overflow)
        return grant_unclear(s, w->at, "it is too long");
    return grant_text(s, arena_str(s->arena, buf_str(&text)), w->at);
}

/* The command of find -exec and of xargs, which put names into its words or behind them. */
static bool judge_replaced(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail,
                           size_t depth)
{
    struct grant_word *inner = arena_array(s->arena, struct grant_word, n);
    for (size_t i = 0; i < n; i++) {
        inner[i] = w[i];
        inner[i].splits &= !str_is(w[i].text, "{}");
        inner[i].runtime |= str_has(w[i].text, STR("{}"));
    }
    return judge(s, inner, n, tail, depth + 1);
}

static bool judge_find(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail,
                       size_t depth)
{
    if (tail)
        return grant_unclear(s, w->at, "words of find that come from outside");
    for (size_t i = 1; i < n; i++) {
        bool first = w[i].text.n && w[i].text.p[0] == GRANT_RUNTIME;
        if ((w[i].splits || first) && !str_is(w[i].text, "{}"))
            return grant_unclear(s, w[i].at, "words of find that are known only when it runs");
        if (!is_listed(" -exec -execdir -ok -okdir ", w[i].text))
            continue;
        size_t end = i + 1;
        while (end < n && !str_is(w[end].text, ";") &&
               !(str_is(w[end].text, "+") && str_is(w[end - 1].text, "{}")))
            end++;
        if (end == n || end == i + 1)
            return grant_unclear(s, w[i].at, "this form of find");
        if (!judge_replaced(s, w + i + 1, end - i - 1, false, depth))
            return false;
        i = end;
    }
    return check_allowed(s, w, n);
}

static const struct wrapper *find_wrapper(str name)
{
    if (str_starts(name, STR("/usr/bin/")))
        name = str_sub(name, 9, name.n);
    else if (str_starts(name, STR("/bin/")))
        name = str_sub(name, 5, name.n);
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (str_eq(wrappers[i].name, name))
            return &wrappers[i];
    return NULL;
}

/* Index of the wrapped command, n where there is none; false where an option is not known. */
static bool skip_options(struct grant_scan *s, const struct wrapper *k, const struct grant_word *w,
                         size_t n, size_t *ret_at)
{
    size_t i = 1;
    for (; i < n && str_starts(w[i].text, STR("-")); i++) {
        auto_buf with = BUF(4096);
        buf_addf(&with, "%.*s=", STR_ARG(w[i].text));
        bool takes = is_listed(k->options, buf_str(&with));
        if (w[i].runtime && !str_is(w[i].text, "-I{}"))
            return grant_unclear(s, w[i].at, "an option that is known only when it runs");
        if (!takes && !is_listed(k->options, w[i].text))
            return grant_unclear(s, w[i].at, "this option");
        if (!takes)
            continue;
        if (++i >= n || (w[i].splits && !str_is(w[i].text, "{}")) ||
            (str_is(w[i - 1].text, "-I") && !str_is(w[i].text, "{}")))
            return grant_unclear(s, w[i - 1].at, "the value of this option");
    }
    for (; i < n && k->assignments && !w[i].splits && grant_assignment(w[i].text); i++)
        if (!grant_may_set(str_sub(w[i].text, 0, grant_assignment(w[i].text))))
            return grant_unclear(s, w[i].at, "a variable that may decide what is executed");
    for (size_t skipped = 0; skipped < k->skip && i < n; skipped++, i++)
        if (w[i].runtime)
            return grant_unclear(s, w[i].at, "a word that is known only when it runs");
    *ret_at = i;
    return true;
}

static bool judge_wrapper(struct grant_scan *s, const struct wrapper *k, const struct grant_word *w,
                          size_t n, bool tail, size_t depth)
{
    size_t at = n;
    if (str_is(k->name, "command") && n > 1 && str_is(w[1].text, "-v"))
        return true;
    if (!skip_options(s, k, w, n, &at))
        return false;
    if (at == n) {
        bool harmless = str_is(k->name, "exec") || str_is(k->name, "xargs");
        return (harmless && !tail) || grant_unclear(s, w->at, "a wrapper without a command");
    }
    return k->appends ? judge_replaced(s, w + at, n - at, true, depth)
                      : judge(s, w + at, n - at, tail, depth + 1);
}

static bool judge(struct grant_scan *s, const struct grant_word *w, size_t n, bool tail,
                  size_t depth)
{
    if (depth > GRANT_DEPTH_MAX)
        return grant_unclear(s, w->at, "it nests too deep");
    if (w->runtime || !w->text.n)
        return grant_unclear(s, w->at, "a command's name that is known only when it runs");
    if (!check_denied(s, w, n, tail))
        return false;
    if (is_listed(never, w->text))
        return refuse(s, w, "command_unclear", "can run or change other commands",
                      "run the command itself");
    const struct wrapper *k = find_wrapper(w->text);
    if (k)
        return judge_wrapper(s, k, w, n, tail, depth);
    if (is_listed(" sh bash dash rbash ash zsh ksh ", file_name(w->text)))
        return judge_shell(s, w, n, tail);
    if (str_is(w->text, "eval"))
        return judge_eval(s, w, n, tail);
    if (str_is(file_name(w->text), "find"))
        return judge_find(s, w, n, tail, depth);
    if (is_listed(free_builtins, w->text))
        return check_builtin(s, w, n);
    return check_allowed(s, w, n);
}

bool grant_command(struct grant_scan *s, const struct grant_word *w, size_t n)
{
    return judge(s, w, n, false, 0);
}
