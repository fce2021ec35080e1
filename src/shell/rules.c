#include "shell/judge.h"

static bool one_of(str text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(text, names[i]))
            return true;
    return false;
}
#define ONE_OF(text, names) one_of((text), (names), sizeof(names) / sizeof *(names))

/* --- test and [ --- */

static bool is_unary(const struct word *w)
{
    static const char letters[] = "abcdefghkprstuwxzGLNOSno";
    return !w->holes && w->text.n == 2 && w->text.p[0] == '-' && strchr(letters, w->text.p[1]);
}

static bool is_binary(const struct word *w)
{
    static const char *const names[] = {"=",   "==",  "!=",  "<",   ">",   "-eq", "-ne",
                                        "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"};
    return !w->holes && ONE_OF(w->text, names);
}

/* POSIX fixes the meaning by the number of arguments, up to four; past that, and where the
 * operators are not literal, a value could be taken for one of them (-v 'a[$(id)]' runs id). */
bool judge_test(struct scan *s, const struct word *w, size_t n)
{
    const char *name = str_is(w[0].text, "[") ? "[ ]" : "test";
    if (!judge_count_holes(w + 1, n - 1))
        return true;
    bool bracket = str_ends(w[0].text, STR("["));
    if (bracket && !str_is(w[n - 1].text, "]"))
        return judge_refuse(s, w, n, R_TEST, name);
    const struct word *a = w + 1;
    size_t count = n - 1 - bracket;
    bool safe = true;
    for (size_t i = 0; i < count; i++)
        safe &= !a[i].splits;
    if (count == 4 || (count == 3 && str_is(a->text, "!"))) {
        safe &= str_is(a->text, "!");
        a++;
        count--;
    }
    if (count == 2 && str_is(a->text, "!"))
        safe &= true;
    else if (count == 2)
        safe &= is_unary(&a[0]);
    else if (count == 3)
        safe &= is_binary(&a[1]);
    else
        safe &= count == 1;
    return safe ? true : judge_refuse(s, w, n, R_TEST, name);
}

/* --- find --- */

bool judge_find(struct scan *s, const struct word *w, size_t n)
{
    static const char *const data[] = {
        "-name",     "-iname",  "-path",  "-ipath",  "-wholename", "-lname",    "-ilname",
        "-regex",    "-iregex", "-newer", "-anewer", "-cnewer",    "-newermt",  "-mtime",
        "-mmin",     "-atime",  "-amin",  "-ctime",  "-cmin",      "-size",     "-user",
        "-group",    "-uid",    "-gid",   "-perm",   "-maxdepth",  "-mindepth", "-type",
        "-samefile", "-links",  "-inum",  "-fstype", "-printf"};
    bool expression = false;
    for (size_t i = 1; i < n; i++) {
        str text = w[i].text;
        static const char *const exec[] = {"-exec", "-execdir", "-ok", "-okdir"};
        if (ONE_OF(text, exec)) {
            vec_push(&s->evaluated, (struct range){w[i].end, w[n - 1].end, false});
            return judge_refuse(s, &w[i], n - i, R_CODE, "find -exec");
        }
        bool dash = text.n && (text.p[0] == '-' || text.p[0] == '(' || text.p[0] == '!');
        expression |= dash;
        if (!w[i].holes)
            continue;
        bool value = i > 1 && ONE_OF(w[i - 1].text, data);
        bool path = !expression && !judge_starts_with_hole(&w[i]);
        if (!value && !path)
            return judge_refuse(s, &w[i], 1, R_OPTION, "find");
    }
    return true;
}

/* --- git --- */

/* Words before the subcommand; *ret_at is the subcommand's index. */
static bool git_globals(struct scan *s, const struct word *w, size_t n, size_t *ret_at)
{
    static const char *const flags[] = {"-p",
                                        "-P",
                                        "--paginate",
                                        "--no-pager",
                                        "--bare",
                                        "--no-replace-objects",
                                        "--literal-pathspecs"};
    for (size_t i = 1; i < n; i++) {
        str text = w[i].text;
        bool directory = str_is(text, "-C");
        if (directory || str_is(text, "-c")) {
            i++;
            if (i < n && (w[i].splits || !directory) && judge_count_holes(&w[i], 1))
                return judge_refuse(s, &w[i], 1, R_CODE, "git -c");
            continue;
        }
        if (ONE_OF(text, flags))
            continue;
        *ret_at = i;
        if (text.n == 0 || text.p[0] == '-' || w[i].holes || w[i].splits ||
            text.p[0] == MARK_RUNTIME)
            return judge_refuse(s, &w[i], n - i, R_CODE, "git before its subcommand");
        return true;
    }
    *ret_at = n;
    return true;
}

static bool git_config(struct scan *s, const struct word *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(w[i].text, "user.name") || str_is(w[i].text, "user.email"))
            return judge_refuse(s, w, i + 1, R_CODE, "git config");
    return judge_refuse(s, w, n, R_CODE, "git config");
}

bool judge_git(struct scan *s, const struct word *w, size_t n)
{
    static const char *const code[] = {"bisect",
                                       "filter-branch",
                                       "difftool",
                                       "mergetool",
                                       "for-each-repo",
                                       "send-email",
                                       "submodule",
                                       "remote-ext",
                                       "instaweb",
                                       "hook",
                                       "daemon",
                                       "upload-pack",
                                       "shell",
                                       "receive-pack",
                                       "filter-repo",
                                       "rebase",
                                       "p4",
                                       "svn"};
    /* Of these a single option runs a command. */
    static const char *const options[] = {"fetch",   "clone",      "pull",      "push", "ls-remote",
                                          "archive", "fetch-pack", "send-pack", "grep", "remote"};
    size_t at = n;
    if (!git_globals(s, w, n, &at))
        return false;
    if (at >= n)
        return true;
    str sub = w[at].text;
    if (str_is(sub, "config"))
        return git_config(s, w + at + 1, n - at - 1);
    if (ONE_OF(sub, code))
        return judge_refuse(s, w + at, n - at, R_CODE, "a git subcommand that runs commands");
    bool over = !ONE_OF(sub, options);
    for (size_t i = at + 1; i < n && !over; i++) {
        over = str_is(w[i].text, "--");
        bool dash = w[i].text.n && w[i].text.p[0] == '-';
        bool name = str_is(w[i - 1].text, "-b") || str_is(w[i - 1].text, "--branch");
        static const char *const runs[] = {"-c", "--config",      "-u", "--upload-pack", "--exec",
                                           "-O", "--receive-pack"};
        if (w[i].holes && ONE_OF(w[i - 1].text, runs))
            return judge_refuse(s, &w[i], 1, R_CODE, "git");
        if (w[i].holes && ((judge_starts_with_hole(&w[i]) && !name) || dash))
            return judge_refuse(s, &w[i], 1, R_OPTION, "git");
    }
    return true;
}

/* --- builtins --- */

/* printf's -v NAME evaluates a subscript in the name. */
bool judge_printf(struct scan *s, const struct word *w, size_t n)
{
    size_t at = n > 1 && str_is(w[1].text, "--") ? 2 : 1;
    if (at >= n || !judge_count_holes(w, n))
        return true;
    if (at == 1 && (w[1].splits || str_starts(w[1].text, STR("-"))))
        return judge_refuse(s, w, n, R_NAME, "printf -v");
    if (at == 1 && (judge_starts_with_hole(&w[1]) || str_starts(w[1].text, STR("\2"))))
        return judge_refuse(s, w, n, R_OPTION, "printf");
    if (w[at].holes)
        scan_warn(s, W_FORMAT, s->holes.at[w[at].hole].at, "");
    return true;
}

bool judge_set(struct scan *s, const struct word *w, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        str text = w[i].text;
        if (str_is(text, "--") || str_is(text, "-")) {
            for (i++; i < n; i++)
                judge_add_carriers(s, STR("@"), &w[i], (str){0});
            return true;
        }
        bool letters = text.n > 1 && (text.p[0] == '-' || text.p[0] == '+') && text.p[1] != '-';
        static const char *const modes[] = {"keyword", "history", "histexpand"};
        if (ONE_OF(text, modes) || (letters && (str_find_byte(text, 'k', 0) < text.n ||
                                                str_find_byte(text, 'H', 0) < text.n)))
            return scan_refuse(s, R_SYNTAX, w[i].at, "set -k and set -H change what words mean");
        if (w[i].holes)
            return judge_refuse(s, &w[i], 1, R_CODE, "set");
    }
    return true;
}

bool judge_declare(struct scan *s, const struct word *w, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        str text = w[i].text;
        bool letters = text.n > 1 && text.p[0] == '-';
        if (letters && !str_is(w[0].text, "export") &&
            (str_find_byte(text, 'i', 0) < text.n || str_find_byte(text, 'n', 0) < text.n))
            s->integer_variables = true;
        s->integer_variables |= w[i].splits && !w[i].value && !str_is(w[0].text, "export");
    }
    return judge_refuse(s, w + 1, n - 1, R_DECLARE, arena_cstr(&s->arena, w[0].text));
}
