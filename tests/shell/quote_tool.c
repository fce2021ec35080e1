/* quote_tool: shell_quote and shell_lint as a filter, for tests that run the result.
 * Reads records from stdin: dialect ('b', 's' or 'p'), operation ('q' or 'w'), the number of parts,
 * and for each its kind ('t' trusted, 'u' untrusted, 'd' unknown), its length, ':' and its bytes.
 * Writes for each: '+' length ':' command, or '-' length ':' code (for 'w': codes, blanks). */
#include "shell/shell.h"
#include <stdio.h>

enum { PARTS_MAX = 4096 };

static bool read_number(FILE *in, size_t *ret_n)
{
    return fscanf(in, "%zu", ret_n) == 1 && fgetc(in) == ':';
}

static bool read_part(FILE *in, struct shell_part *part)
{
    int kind = fgetc(in);
    size_t n;
    if (!read_number(in, &n) || n > (8 << 20))
        return false;
    char *p = mem_alloc(n + 1);
    if (fread(p, 1, n, in) != n) {
        free(p);
        return false;
    }
    *part = (struct shell_part){str_make(p, n), kind != 't', kind == 'd'};
    return true;
}

static void answer(int dialect, int operation, struct shell_part *parts, size_t n)
{
    struct shell_problem problem = {0};
    auto_buf out = BUF(64 << 20);
    auto_shell_warnings warnings = {0};
    enum shell_dialect d = dialect == 's' ? SHELL_SH : dialect == 'p' ? SHELL_PYTHON3 : SHELL_BASH;
    bool ok = true;
    if (operation == 'w') {
        shell_lint(d, parts, n, &warnings);
        for (size_t i = 0; i < warnings.n; i++)
            buf_addf(&out, "%s%s", i ? " " : "", warnings.at[i].code);
    } else {
        ok = shell_quote(d, parts, n, &out, &problem);
    }
    if (!ok)
        buf_addf(&out, "%s", problem.code);
    printf("%c%zu:", ok ? '+' : '-', out.n);
    fwrite(buf_c(&out), 1, out.n, stdout);
}

int main(void)
{
    static struct shell_part parts[PARTS_MAX];
    for (int dialect; (dialect = getchar()) != EOF;) {
        int operation = getchar();
        size_t n, got = 0;
        bool ok = read_number(stdin, &n) && n <= PARTS_MAX;
        while (ok && got < n && read_part(stdin, &parts[got]))
            got++;
        ok = ok && got == n;
        if (ok)
            answer(dialect, operation, parts, n);
        for (size_t i = 0; i < got; i++)
            free((void *)parts[i].text.p);
        if (!ok)
            return 2;
    }
    return 0;
}
