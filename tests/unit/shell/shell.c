#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shell/shell.h"

/* A template has holes {1}..{9}, which take the values of the row, and {} for the first. */
enum { PARTS_MAX = 32 };

struct row {
    const char *template, *value, *want; /* want: a whole command, or a code */
};

static size_t split(const char *template, const char *const *values, struct shell_part *parts)
{
    size_t n = 0;
    const char *at = template, *from = at;
    for (; *at; at++) {
        bool digit = at[0] == '{' && at[1] >= '1' && at[1] <= '9' && at[2] == '}';
        if (!digit && !(at[0] == '{' && at[1] == '}'))
            continue;
        if (at > from)
            parts[n++].text = str_make(from, (size_t)(at - from));
        parts[n++] = (struct shell_part){str_of(values[digit ? at[1] - '1' : 0]), true, false};
        at += digit ? 2 : 1;
        from = at + 1;
    }
    if (at > from)
        parts[n++].text = str_make(from, (size_t)(at - from));
    assert_true(n <= PARTS_MAX);
    return n;
}

static void assert_quoted(enum shell_dialect dialect, const char *template,
                          const char *const *values, const char *want)
{
    struct shell_part parts[PARTS_MAX] = {0};
    struct shell_problem problem = {0}, checked = {0};
    auto_buf out = BUF(BUF_TEXT_MAX);
    size_t n = split(template, values, parts);
    bool ok = shell_quote(dialect, parts, n, &out, &problem);
    const char *got = ok ? buf_c(&out) : problem.code;
    if (strcmp(got, want) != 0)
        fail_msg("%s: got %s, want %s (%s)", template, got, want, ok ? "" : problem.message);
    for (size_t i = 0; i < n; i++)
        parts[i].unknown = parts[i].untrusted;
    assert_int_equal(shell_check(dialect, parts, n, &checked), ok);
    if (!ok) {
        assert_string_equal(checked.code, problem.code);
        assert_int_equal(checked.part, problem.part);
        assert_true(problem.message[0] && problem.hint[0]);
        assert_null(strchr(problem.message, '@'));
        assert_int_equal(out.n, 0);
    }
}

static void assert_rows(enum shell_dialect dialect, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_quoted(dialect, rows[i].template, (const char *[]){rows[i].value}, rows[i].want);
}
#define ROWS(dialect, ...)                                        \
    do {                                                          \
        static const struct row rows[] = {__VA_ARGS__};           \
        assert_rows((dialect), rows, sizeof rows / sizeof *rows); \
    } while (0)
#define BOTH(...)                      \
    do {                               \
        ROWS(SHELL_BASH, __VA_ARGS__); \
        ROWS(SHELL_SH, __VA_ARGS__);   \
    } while (0)

/* --- what is written --- */

static void shell__quotes_a_plain_word_as_shlex_does(void **state)
{
    (void)state;
    BOTH({"echo {}", "abc", "echo abc"}, {"echo {}", "a_B9@%+=:,./-", "echo a_B9@%+=:,./-"},
         {"echo {}", "", "echo ''"}, {"echo {}", "a b", "echo 'a b'"},
         {"echo {}", "it's", "echo 'it'\"'\"'s'"}, {"echo {}", "$(id)`id`", "echo '$(id)`id`'"},
         {"echo {}", "a\nb", "echo 'a\nb'"}, {"echo {}", "*", "echo '*'"},
         {"echo {}", "~", "echo '~'"}, {"echo {}", "#", "echo '#'"}, {"echo {}", "!", "echo '!'"},
         {"echo {}", "\xc3\xa9", "echo '\xc3\xa9'"}, {"echo {}", "\x01\x7f", "echo '\x01\x7f'"}, );
}

static void shell__quotes_inside_of_quotes(void **state)
{
    (void)state;
    BOTH({"echo \"<{}>\"", "a b", "echo \"<a b>\""},
         {"echo \"<{}>\"", "\"\\$`", "echo \"<\\\"\\\\\\$\\`>\""},
         {"echo \"<{}>\"", "!$(id)\n", "echo \"<!\\$(id)\n>\""},
         {"echo \"<{}>\"", "\xc3\xa9$x", "echo \"<\"'\xc3\xa9$x'\">\""},
         {"echo \"{}\"", "", "echo \"\""}, {"echo '<{}>'", "a b", "echo '<a b>'"},
         {"echo '<{}>'", "it's", "echo '<it'\\''s>'"},
         {"echo '<{}>'", "\"$x`\\", "echo '<\"$x`\\>'"}, {"echo '\\{}'", "a b", "echo '\\a b'"}, );
}

static void shell__glues_values_and_literals_to_one_word(void **state)
{
    (void)state;
    BOTH({"echo a{}b", "", "echo ab"}, {"echo a{}b", "x y", "echo a'x y'b"},
         {"echo {}{}", "", "echo ''"}, {"echo {}{}", "a b", "echo 'a b''a b'"},
         {"echo {}#x", "", "echo ''#x"}, {"echo {}~", "", "echo ''~"}, {"echo {}x", "", "echo x"},
         {"echo $X{}", "", "echo $X''"}, {"echo $X{}", "abc", "echo $X'abc'"},
         {"echo ${X}{}", "abc", "echo ${X}abc"}, {"echo ${X}{}", "", "echo ${X}''"},
         {"echo \"$X{}\"", "abc", "echo \"$X\"'abc'\"\""},
         {"echo \"$X\\\n{}\"", "abc", "echo \"$X\\\n\"'abc'\"\""},
         {"echo \"${X}{}\"", "abc", "echo \"${X}abc\""},
         {"echo $X\\\n{}", "abc", "echo $X\\\n'abc'"}, {"echo \"a\"{}'b'", "c", "echo \"a\"c'b'"},
         {"echo \\\\{}", "abc", "echo \\\\abc"}, {"echo \\${}", "abc", "echo \\$abc"},
         {"echo {}>f", "2", "echo '2'>f"}, {"echo a{}2>f", "", "echo a''2>f"},
         {"echo x{}>f", "2", "echo x'2'>f"}, );
    ROWS(SHELL_BASH, {"echo {a,{}}", "x,y", "echo {a,'x,y'}"},
         {"echo stash@{{}}", "5", "echo stash@{'5'}"}, {"echo [{}]", "a-z", "echo ['a-z']"},
         {"echo *{}*", "a", "echo *a*"}, {"echo \"$@{}\"", "a", "echo \"$@\"'a'\"\""},
         {"echo ~/{}", "a", "echo ~/a"}, {"A=~:{}", "a", "A=~:a"}, );
}

static void shell__accepts_values_where_words_are_data(void **state)
{
    (void)state;
    BOTH({"T={}", "a b", "T='a b'"}, {"T={} cmd", "", "T= cmd"},
         {"T=x{} U={} cmd", "a", "T=xa U=a cmd"}, {"cat < {}", "a b", "cat < 'a b'"},
         {"echo > {}", "", "echo > ''"}, {"echo 2>> {} x", "f", "echo 2>> f x"},
         {"> {}", "f", "> f"}, {"if true; then echo {}; fi", "a b", "if true; then echo 'a b'; fi"},
         {"for i in {} b; do echo $i; done", "do", "for i in 'do' b; do echo $i; done"},
         {"case {} in in) echo;; esac", "in", "case 'in' in in) echo;; esac"},
         {"while read x; do echo {}; done < {}", "f", "while read x; do echo f; done < f"},
         {"f() { echo {}; }; f {}", "a", "f() { echo a; }; f a"},
         {"(cd {} && ls) || { echo {}; }", "a", "(cd a && ls) || { echo a; }"},
         {"echo $(date) `date` ${X:-{\"a\"}} {}", "a", "shell_syntax"},
         {"echo $(date) `date` ${X:-\"a\"} $((1+2)) {}", "a",
          "echo $(date) `date` ${X:-\"a\"} $((1+2)) a"},
         {"cat <<EOF > {}\nx $(id)\nEOF\necho {}", "a", "cat <<EOF > a\nx $(id)\nEOF\necho a"},
         {"cat <<-'EOF'\n\t$(x\n\tEOF\necho {}", "a", "cat <<-'EOF'\n\t$(x\n\tEOF\necho a"},
         {"# it's\necho {}", "a", "# it's\necho a"}, {"echo x#y'{}'", "a", "echo x#y'a'"},
         {"echo $(case x in x) echo;; esac) {}", "a", "echo $(case x in x) echo;; esac) a"},
         {"echo {} && echo \\\n {} | cat\n\n\necho {}", "a",
          "echo a && echo \\\n a | cat\n\n\necho a"},
         {"! grep -q -- {} f & wait", "a", "! grep -q -- a f & wait"}, );
    ROWS(SHELL_BASH, {"cat <<< {}", "a b", "cat <<< 'a b'"}, {"echo &> {}", "a", "echo &> a"},
         {"[[ {} == a* ]]", "-v", "[[ '-v' == a* ]]"},
         {"[[ $x == *{}* ]]", "*", "[[ $x == *'*'* ]]"},
         {"[[ -n {} && ! ( -f {} ) ]] && echo", "a", "[[ -n 'a' && ! ( -f 'a' ) ]] && echo"},
         {"[[ $x =~ ^(a|b)$ ]] && echo {}", "a", "[[ $x =~ ^(a|b)$ ]] && echo a"},
         {"a=(\"{}\")", "x", "a=(\"\"'x'\"\")"}, {"a=({} b)", "[0]=x", "a=('[0]=x' b)"},
         {"(( x > 1 )) || echo {}", "a", "(( x > 1 )) || echo a"},
         {"for ((i=0;i<3;i++)); do echo {}; done", "a", "for ((i=0;i<3;i++)); do echo a; done"},
         {"time -p echo {}", "a", "time -p echo a"},
         {"diff <(ls a) <(ls b) {}", "a", "diff <(ls a) <(ls b) a"},
         {"function f { echo {}; }", "a", "function f { echo a; }"}, );
}

/* --- what is refused --- */

static void shell__refuses_contexts_that_cannot_be_quoted(void **state)
{
    (void)state;
    BOTH({"echo $({})", "a", "shell_command_substitution"},
         {"echo \"$(echo '{}')\"", "a", "shell_command_substitution"},
         {"echo $(echo $(( {} )))", "a", "shell_command_substitution"},
         {"echo `echo {}`", "a", "shell_backtick"}, {"echo \"`echo \\{}`\"", "a", "shell_backtick"},
         {"echo ${{}}", "a", "shell_parameter"}, {"echo \"${X:-{}}\"", "a", "shell_parameter"},
         {"echo ${X:-\"{}\"}", "a", "shell_parameter"}, {"echo ${X:-\\{}}", "a", "shell_parameter"},
         {"echo $(({}))", "1", "shell_arithmetic"},
         {"echo $((1 + \"{}\"))", "1", "shell_arithmetic"},
         {"cat <<EOF\n{}\nEOF\n", "a", "shell_heredoc"},
         {"cat <<'EOF'\n{}\nEOF\n", "a", "shell_heredoc"}, {"cat <<-{}\nx\n", "a", "shell_heredoc"},
         {"cat <<E\nx{}", "a", "shell_heredoc"}, {"echo # {}", "a", "shell_comment"},
         {"# {}\necho", "a", "shell_comment"}, {"echo ${}", "a", "shell_dollar"},
         {"echo \"${}\"", "a", "shell_dollar"}, {"echo \\{}", "a", "shell_backslash"},
         {"echo \"\\{}\"", "a", "shell_backslash"}, {"echo ~{}", "a", "shell_tilde"},
         {"X=a:~{}", "a", "shell_tilde"}, {"echo {1..{}}", "9", "shell_brace"},
         {"echo >&{}", "1", "shell_descriptor"}, {"echo 2>& {}", "1", "shell_descriptor"},
         {"exec 3<&{}", "1", "shell_descriptor"}, {"case x in {}) ;; esac", "a", "shell_pattern"},
         {"case x in a|'{}') ;; esac", "a", "shell_pattern"},
         {"for {} in a; do echo; done", "a", "shell_name"},
         {"f{}() { echo; }", "a", "shell_name"}, );
    ROWS(SHELL_BASH, {"echo $'{}'", "a", "shell_ansi_quote"},
         {"echo $\"{}\"", "a", "shell_ansi_quote"}, {"echo $'\\{}'", "a", "shell_ansi_quote"},
         {"cat <({})", "a", "shell_process_substitution"},
         {"tee >(cat {})", "a", "shell_process_substitution"},
         {"(( {} ))", "1", "shell_arithmetic"},
         {"for ((i=0;i<{};i++)); do :; done", "1", "shell_arithmetic"},
         {"[[ {} -eq 1 ]]", "1", "shell_arithmetic"},
         {"[[ 1 -lt \"{}\" ]]", "1", "shell_arithmetic"}, {"[[ a =~ {} ]]", "a", "shell_pattern"},
         {"[[ a =~ ^(x|\"{}\")$ ]]", "a", "shell_pattern"}, {"[[ -v {} ]]", "a", "shell_test"},
         {"a[{}]=1", "1", "shell_subscript"}, {"a=([{}]=1)", "1", "shell_subscript"},
         {"echo ${a[{}]}", "1", "shell_parameter"}, {"function {} { :; }", "a", "shell_name"},
         {"select {} in a; do :; done", "a", "shell_name"}, {"[[ {} ]", "a", "shell_syntax"},
         {"[[ a {} b ]]", "a", "shell_syntax"}, );
}

static void shell__refuses_the_command_word(void **state)
{
    (void)state;
    BOTH({"{}", "a", "shell_command_word"}, {"echo; {}x y", "a", "shell_command_word"},
         {"true && ./{} y", "a", "shell_command_word"}, {"\"{}\"", "a", "shell_command_word"},
         {"env {}", "a", "shell_command_word"}, {"sudo -u x '{}'", "a", "shell_command_word"},
         {"{}=x cmd", "a", "shell_command_word"}, {"if {}; then :; fi", "a", "shell_command_word"},
         {"exec nohup {}", "a", "shell_command_word"}, {"A=1 >f {}", "a", "shell_command_word"},
         {"$CMD {}", "a", "shell_unknown_command"}, {"$(which x) {}", "a", "shell_unknown_command"},
         {"\"$X\" a '{}'", "a", "shell_unknown_command"}, {"$BIN/ls {}", "a", "$BIN/ls a"}, );
    ROWS(SHELL_SH, {"X+={}", "a", "shell_command_word"});
    ROWS(SHELL_BASH, {"X+={}", "a", "X+=a"});
}

static void shell__refuses_what_reads_arguments_as_code(void **state)
{
    (void)state;
    BOTH(
        {"eval {}", "a", "shell_code_argument"}, {"eval \"echo {}\"", "a", "shell_code_argument"},
        {"\\eval {}", "a", "shell_code_argument"}, {"e'va'l {}", "a", "shell_code_argument"},
        {"/usr/bin/env eval {}", "a", "shell_code_argument"}, {". {}", "a", "shell_code_argument"},
        {". ./lib.sh {}", "a", "shell_code_argument"},
        {"trap '{}' EXIT", "a", "shell_code_argument"}, {"sh -c {}", "a", "shell_code_argument"},
        {"sh -c 'echo {}'", "a", "shell_code_argument"},
        {"bash -euo pipefail -c \"{}\"", "a", "shell_code_argument"},
        {"bash {}", "a", "shell_code_argument"}, {"bash $OPTS {}", "a", "shell_code_argument"},
        {"/bin/sh -ec '{}'", "a", "shell_code_argument"},
        {"sudo -E -u root sh -c '{}'", "a", "shell_code_argument"},
        {"env A=1 -i timeout -k 5 10 nice -n 5 bash -c '{}'", "a", "shell_code_argument"},
        {"exec nohup setsid dash -c '{}'", "a", "shell_code_argument"},
        {"busybox sh -c '{}'", "a", "shell_code_argument"},
        {"env -S '{}'", "a", "shell_code_argument"},
        {"command eval '{}'", "a", "shell_code_argument"},
        {"builtin eval '{}'", "a", "shell_code_argument"},
        {"ssh host {}", "a", "shell_code_argument"}, {"su -c {}", "a", "shell_code_argument"},
        {"xargs echo {}", "a", "shell_code_argument"},
        {"find . -exec grep {} x \\;", "a", "shell_code_argument"},
        {"find . -okdir {} \\;", "a", "shell_code_argument"},
        {"parallel {}", "a", "shell_code_argument"}, {"python3 -c {}", "a", "shell_code_argument"},
        {"python3 {}", "a", "shell_code_argument"},
        {"python3.11 -Ic 'print(\"{}\")'", "a", "shell_code_argument"},
        {"python3 -m timeit {}", "a", "shell_code_argument"},
        {"perl -ne 'print {}'", "a", "shell_code_argument"},
        {"node -e {}", "a", "shell_code_argument"}, {"node --eval={}", "a", "shell_code_argument"},
        {"ruby -e {}", "a", "shell_code_argument"}, {"php -r {}", "a", "shell_code_argument"},
        {"awk '/{}/' f", "a", "shell_code_argument"}, {"awk -f {} f", "a", "shell_code_argument"},
        {"awk -v x=1 {} f", "a", "shell_code_argument"},
        {"sed s/x/{}/ f", "a", "shell_code_argument"},
        {"sed -n -e {} f", "a", "shell_code_argument"},
        {"sed --expression={} f", "a", "shell_code_argument"},
        {"sed $X {}", "a", "shell_code_argument"},
        {"sed --unknown p {}", "a", "shell_code_argument"}, {"jq {} f", "a", "shell_code_argument"},
        {"watch {}", "a", "shell_code_argument"}, {"env $X ls {}", "a", "shell_code_argument"},
        {"timeout $X 5 ls {}", "a", "shell_code_argument"},
        {"python3 -Z a.py {}", "a", "shell_code_argument"},
        {"awk $X -v x={} 1 f", "a", "shell_code_argument"},
        {"git -c {} status", "a", "shell_code_argument"},
        {"git config alias.x {}", "a", "shell_code_argument"},
        {"git {}", "a", "shell_code_argument"}, {"git rebase -x {}", "a", "shell_code_argument"},
        {"docker exec c sh -c {}", "a", "shell_code_argument"},
        {"docker run --rm --entrypoint sh i -c {}", "a", "shell_code_argument"},
        {"docker exec c {}", "a", "shell_code_argument"},
        {"npm run build -- {}", "a", "shell_code_argument"},
        {"flock f -c 'echo {}'", "a", "shell_code_argument"},
        {"mytool bash -lc '{}'", "a", "shell_code_argument"},
        {"vault exec p -- python3 -c {}", "a", "shell_code_argument"},
        {"mytool python3 a.py {}", "a", "mytool python3 a.py a"},
        {"npm test -- --x {}", "a", "shell_code_argument"},
        {"npm install {}", "a", "npm install a"}, {"convert {} b.png", "a", "shell_code_argument"},
        {"timeout {} ls", "a", "shell_code_argument"}, {"chroot {} ls", "a", "shell_code_argument"},
        {"psql -c {}", "a", "shell_code_argument"}, {"sqlite3 db {}", "a", "shell_code_argument"},
        {"read {}", "a", "shell_code_argument"}, {"unset {}", "a", "shell_code_argument"},
        {"let x={}", "a", "shell_code_argument"}, {"set {}", "a", "shell_code_argument"},
        {"export T={}", "a", "shell_declare"}, {"readonly '{}'", "a", "shell_declare"},
        {"local T={}", "a", "shell_declare"}, {"declare -x T={}", "a", "shell_declare"},
        {"make CC={}", "a", "shell_make_variable"}, {"make {}", "a", "shell_make_variable"},
        {"gmake -j4 all X='{}'", "a", "shell_make_variable"}, {"test -v {}", "a", "shell_test"},
        {"[ {} {} ]", "a", "shell_test"}, {"[ {} x {} ]", "a", "shell_test"},
        {"[ a {} b ]", "a", "shell_test"}, {"[ {} = a -o {} = b ]", "a", "shell_test"},
        {"[ $X = {} ]", "a", "shell_test"}, {"printf -v {} x", "a", "shell_name"},
        {"printf {} x", "a", "shell_option"}, {"PATH={}", "a", "shell_variable"},
        {"LD_PRELOAD={} ls", "a", "shell_variable"},
        {"env GIT_SSH_COMMAND={} git fetch", "a", "shell_variable"}, );
}

static void shell__refuses_values_that_could_be_options_running_code(void **state)
{
    (void)state;
    BOTH({"sed -n p {}", "a", "shell_option"}, {"sed -n p -- {}", "a", "sed -n p -- a"},
         {"sed -n p ./{}", "a", "sed -n p ./a"}, {"perl -ne print {}", "a", "shell_code_argument"},
         {"perl -ne print -- {}", "a", "shell_code_argument"},
         {"tar xf a.tar {}", "a", "shell_option"}, {"tar xf a.tar -- {}", "a", "tar xf a.tar -- a"},
         {"tar xf {}", "a", "shell_option"}, {"tar xf b{}", "a", "tar xf ba"},
         {"tar -C {} -xf ./{}", "a", "tar -C a -xf ./a"}, {"tar --file={} -x", "a", "shell_option"},
         {"rsync -- {} d", "a", "shell_option"}, {"rsync ./{} d", "a", "rsync ./a d"},
         {"gcc -- {}", "a", "shell_option"}, {"tar --to-command={}", "a", "shell_option"},
         {"git fetch origin {}", "a", "shell_option"},
         {"git fetch -- origin {}", "a", "git fetch -- origin a"},
         {"find {} -name x", "a", "shell_option"},
         {"find ./{} -name {}", "a", "find ./a -name a"}, );
}

static void shell__accepts_data_behind_a_program(void **state)
{
    (void)state;
    BOTH({"python3 script.py {}", "-c", "python3 script.py -c"},
         {"python3 -c 'x' {}", "-c", "python3 -c 'x' -c"},
         {"sh -c 'x' _ {}", "a b", "sh -c 'x' _ 'a b'"},
         {"bash script.sh $X {}", "a", "bash script.sh $X a"},
         {"awk '{print}' {}", "a", "awk '{print}' a"},
         {"awk -v t={} '{print t}' f", "a", "awk -v t=a '{print t}' f"},
         {"jq --arg t {} '.a' f", "a", "jq --arg t a '.a' f"},
         {"python3 -m pytest {}", "a", "python3 -m pytest a"},
         {"env T={} U=1 cmd {}", "a b", "env T='a b' U=1 cmd 'a b'"},
         {"sudo -u {} ls", "a", "sudo -u a ls"},
         {"timeout 5 grep -- {} f", "a", "timeout 5 grep -- a f"},
         {"git commit -m {}", "a b", "git commit -m 'a b'"},
         {"git checkout -b {}", "a", "git checkout -b a"},
         {"git config user.name {}", "a b", "git config user.name 'a b'"},
         {"docker build -t {} .", "a", "docker build -t a ."},
         {"make -C {} all", "a", "make -C a all"}, {"[ {} = a ]", "-n", "[ -n = a ]"},
         {"test ! -f {}", "!", "test ! -f '!'"}, {"[ -n \"{}\" ]", "", "[ -n \"\" ]"},
         {"printf '%s\\n' {}", "-v", "printf '%s\\n' -v"},
         {"printf '%s' \"New: {}\" >> log; cat log", "a", "printf '%s' \"New: a\" >> log; cat log"},
         {"./scripts/publish {}", "1.2.3", "./scripts/publish 1.2.3"},
         {"set -e; set -- {}", "-x", "set -e; set -- -x"},
         {"mkdir -p d/{} && echo p=d/{} >> $PLUE_OUTPUT", "a",
          "mkdir -p d/a && echo p=d/a >> $PLUE_OUTPUT"}, );
}

static void shell__refuses_variables_that_are_evaluated_later(void **state)
{
    (void)state;
    BOTH({"N={}; echo $((N + 1))", "1", "shell_evaluated"},
         {"N={}; eval \"echo $N\"", "1", "shell_evaluated"},
         {"N={}; sh -c \"echo $N\"", "1", "shell_evaluated"},
         {"N={}; $N x", "1", "shell_evaluated"},
         {"for N in {}; do echo $(($N)); done", "1", "shell_evaluated"},
         {"N={}; echo $((NN + 1)) $N", "1", "N=1; echo $((NN + 1)) $N"},
         {"f() { eval \"$1\"; }; f {}", "1", "shell_evaluated"},
         {"f {}; f() { sh -c \"x $*\"; }", "1", "shell_evaluated"},
         {"run() { \"$@\"; }; run ls {}", "1", "shell_evaluated"},
         {"set -- {}; echo $(($1 + 1))", "1", "shell_evaluated"},
         {"f() { echo \"$1\"; }; f {}; eval \"$2\"", "1", "shell_evaluated"},
         {"f() { eval \"$1\"; }; g {}", "1", "f() { eval \"$1\"; }; g 1"},
         {"f() { eval 'echo \"$1\"'; }; f {}", "1", "f() { eval 'echo \"$1\"'; }; f 1"},
         {"N={} sh -c 'echo \"$N\"'", "1", "N=1 sh -c 'echo \"$N\"'"}, );
    ROWS(SHELL_BASH, {"N={}; (( N > 1 ))", "1", "shell_evaluated"},
         {"N={}; [[ $N -gt 1 ]]", "1", "shell_evaluated"},
         {"N={}; echo ${a[N]}", "1", "shell_evaluated"}, {"N={}; a[N]=1", "1", "shell_evaluated"},
         {"N={}; a[$N]+=1", "1", "shell_evaluated"}, {"N={}; echo ${!N}", "1", "shell_evaluated"},
         {"N={}; echo ${N@P}", "1", "shell_evaluated"},
         {"N={}; echo ${a:N}", "1", "shell_evaluated"},
         {"N={}; echo ${a:-N}", "1", "N=1; echo ${a:-N}"},
         {"N=({}); echo \"${N[@]}\" ${#N[*]}", "1", "N=('1'); echo \"${N[@]}\" ${#N[*]}"},
         {"declare -i N; N={}", "1", "shell_evaluated"}, );
}

static void shell__refuses_what_it_cannot_read(void **state)
{
    (void)state;
    BOTH({"echo 'a {}", "a", "shell_syntax"}, {"echo \"a {}", "a", "shell_syntax"},
         {"echo {} \\", "a", "shell_syntax"}, {"echo {} )", "a", "shell_syntax"},
         {"if {}", "a", "shell_command_word"}, {"if true; then echo {}", "a", "shell_syntax"},
         {"echo {} `", "a", "shell_syntax"},
         {"echo $(echo; echo {}", "a", "shell_command_substitution"},
         {"cat <<EOF {}\nx", "a", "shell_syntax"},
         {"echo {} <\\\n<EOF\nx\nEOF", "a", "shell_syntax"},
         {"echo {}; alias x=y", "a", "shell_syntax"}, {"echo @({}|b)", "a", "shell_syntax"},
         {"set -k; cmd {}", "a", "shell_syntax"}, {"cat <<EOF {}", "a", "shell_syntax"},
         {"cat <<EOF {}\n${x\nEOF\necho }\n", "a", "shell_syntax"},
         {"cat <<EOF $(echo\n) {}\nEOF\n", "a", "shell_syntax"},
         {"cat <<EOF {}\n\\\nEOF\nEOF\n", "a", "shell_syntax"},
         {"cat <<EOF {}\n$(\nEOF\n)\nEOF\n", "a", "shell_syntax"},
         {"set -H; echo {}", "a", "shell_syntax"}, {"echo {} 10>f", "a", "shell_syntax"},
         {"echo {} 2>f", "a", "echo a 2>f"}, {"echo $[1] {}", "a", "shell_syntax"},
         {"echo {} &&", "a", "shell_syntax"}, {"{", "a", "{"}, );
    ROWS(SHELL_SH, {"[[ {} == a ]]", "a", "shell_syntax"}, {"cat <<< {}", "a", "shell_syntax"},
         {"echo $'a' {}", "a", "shell_syntax"}, {"echo <(ls) {}", "a", "shell_syntax"},
         {"echo {} &> f", "a", "shell_syntax"}, {"a=({})", "a", "shell_syntax"}, );
}

static void shell__refuses_nul_and_huge_values(void **state)
{
    (void)state;
    struct shell_problem problem = {0};
    auto_buf out = BUF(BUF_TEXT_MAX);
    struct shell_part parts[] = {{STR("echo "), false, false}, {STR("a\0b"), true, false}};
    assert_false(shell_quote(SHELL_BASH, parts, 2, &out, &problem));
    assert_string_equal(problem.code, "shell_nul");
    assert_int_equal(problem.part, 1);
    assert_int_equal(problem.offset, 1);
    auto_free char *big = mem_zalloc(SHELL_VALUE_MAX + 1);
    memset(big, 'a', SHELL_VALUE_MAX + 1);
    parts[1].text = str_make(big, SHELL_VALUE_MAX + 1);
    assert_false(shell_check(SHELL_BASH, parts, 2, &problem));
    assert_string_equal(problem.code, "shell_limit");
    parts[1].text.n--;
    assert_true(shell_quote(SHELL_BASH, parts, 2, &out, &problem));
    assert_int_equal(out.n, 5 + SHELL_VALUE_MAX);
    parts[1].unknown = true;
    assert_false(shell_quote(SHELL_BASH, parts, 2, &out, &problem));
    assert_string_equal(problem.code, "shell_unknown_value");
    assert_int_equal(out.n, 5 + SHELL_VALUE_MAX);
}

static void shell__bounds_nesting(void **state)
{
    (void)state;
    static const char *const opening[] = {"$(echo ", "( ",   "{ ",           "$(( (",
                                          "\"${x:-", "f() ", "if ",          "[[ ( ",
                                          "${x:-",   "<(",   "case x in x) "};
    for (size_t i = 0; i < sizeof opening / sizeof *opening; i++) {
        struct shell_problem problem = {0};
        auto_buf text = BUF(BUF_TEXT_MAX);
        buf_add_c(&text, "echo {} ; ");
        for (size_t j = 0; j < 50000; j++)
            buf_add_c(&text, opening[i]);
        struct shell_part parts[] = {
            {STR("echo "), false, false}, {STR("a"), true, false}, {buf_str(&text), false, false}};
        assert_false(shell_check(SHELL_BASH, parts, 3, &problem));
    }
}

static void shell__copies_trusted_commands_and_refuses_values_in_python(void **state)
{
    (void)state;
    BOTH({"eval 'unbalanced", "a", "eval 'unbalanced"}, {"", "a", ""});
    ROWS(SHELL_PYTHON3, {"print(1)", "a", "print(1)"}, {"print('{}')", "a", "shell_python"});
}

static void shell__problem_says_where_and_what_to_do(void **state)
{
    (void)state;
    struct shell_problem problem = {0};
    struct shell_part parts[] = {
        {STR("sh -c "), false, false}, {STR("a"), true, false}, {STR("; echo 'x"), false, false}};
    assert_false(shell_check(SHELL_BASH, parts, 2, &problem));
    assert_string_equal(problem.message,
                        "the value is an argument of sh, which can read it as code");
    assert_string_equal(problem.hint,
                        "pass it through the environment: env={\"TITLE\": value}, and write "
                        "\"$TITLE\" in the command; inside the code read it as a variable");
    assert_int_equal(problem.part, 1);
    parts[0].text = STR("echo ");
    assert_false(shell_check(SHELL_BASH, parts, 3, &problem));
    assert_string_equal(problem.message,
                        "cannot tell how the shell reads this command: a ' is not closed");
    assert_int_equal(problem.part, 2);
    assert_int_equal(problem.offset, 9);
}

/* --- lint --- */

static void assert_warnings(const char *template, const char *want)
{
    struct shell_part parts[PARTS_MAX] = {0};
    auto_shell_warnings warnings = {0};
    auto_buf out = BUF(4096);
    size_t n = split(template, (const char *[]){"a", "b", "c"}, parts);
    shell_lint(SHELL_BASH, parts, n, &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        buf_addf(&out, "%s%s:%zu", i ? " " : "", warnings.at[i].code, warnings.at[i].part);
    if (strcmp(buf_c(&out), want) != 0)
        fail_msg("%s: got %s, want %s", template, buf_c(&out), want);
}

static void shell__lint_finds_leading_dashes_and_forged_outputs(void **state)
{
    (void)state;
    assert_warnings("rm -rf {}", "shell_leading_dash:1");
    assert_warnings("rm -rf -- {}", "");
    assert_warnings("rm -rf ./{} \"x{}\"", "");
    assert_warnings("grep {} f", "shell_leading_dash:1");
    assert_warnings("grep -e {} f", "");
    assert_warnings("grep -e x \"{}\"", "shell_leading_dash:1");
    assert_warnings("python3 a.py {}", "shell_leading_dash:1");
    assert_warnings("git commit -m {}", "");
    assert_warnings("git checkout {}", "shell_leading_dash:1");
    assert_warnings("env A=1 rm {} {2}", "shell_leading_dash:1 shell_leading_dash:3");
    assert_warnings("echo x {}", "");
    assert_warnings("printf '%s' {}", "");
    assert_warnings("printf 'hi {}'", "shell_format:1");
    assert_warnings("echo x={} >> $PLUE_OUTPUT", "shell_forged_output:1");
    assert_warnings("echo \"x={}\" | tee -a \"$PLUE_OUTPUT\"", "shell_forged_output:1");
    assert_warnings("printf 'x=%s\\n' {} >> $PLUE_ENV", "shell_forged_output:1");
    assert_warnings("echo x={} >> file", "");
    assert_warnings("eval {}; rm {}", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shell__quotes_a_plain_word_as_shlex_does),
        cmocka_unit_test(shell__quotes_inside_of_quotes),
        cmocka_unit_test(shell__glues_values_and_literals_to_one_word),
        cmocka_unit_test(shell__accepts_values_where_words_are_data),
        cmocka_unit_test(shell__refuses_contexts_that_cannot_be_quoted),
        cmocka_unit_test(shell__refuses_the_command_word),
        cmocka_unit_test(shell__refuses_what_reads_arguments_as_code),
        cmocka_unit_test(shell__refuses_values_that_could_be_options_running_code),
        cmocka_unit_test(shell__accepts_data_behind_a_program),
        cmocka_unit_test(shell__refuses_variables_that_are_evaluated_later),
        cmocka_unit_test(shell__refuses_what_it_cannot_read),
        cmocka_unit_test(shell__refuses_nul_and_huge_values),
        cmocka_unit_test(shell__bounds_nesting),
        cmocka_unit_test(shell__copies_trusted_commands_and_refuses_values_in_python),
        cmocka_unit_test(shell__problem_says_where_and_what_to_do),
        cmocka_unit_test(shell__lint_finds_leading_dashes_and_forged_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
