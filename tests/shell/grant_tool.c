/* Judges commands: grant-tool [ALLOW...] [--deny DENY...], NUL-terminated commands on stdin; prints
 * a line for each: ok, or the problem's code. */
#include "base/fd.h"
#include "shell/grant.h"
#include <stdio.h>

enum { ENTRIES = 100 };

int main(int argc, char **argv)
{
    str allow[ENTRIES], deny[ENTRIES], command;
    struct shell_grant g = {.allow = allow, .deny = deny};
    auto_buf input = BUF(BUF_TEXT_MAX);
    bool denied = false;
    for (int i = 1; i < argc && i < ENTRIES; i++) {
        if (strcmp(argv[i], "--deny") == 0)
            denied = true;
        else if (denied)
            deny[g.deny_count++] = str_of(argv[i]);
        else
            allow[g.allow_count++] = str_of(argv[i]);
    }
    if (fd_read_all(0, &input))
        return 1;
    for (str rest = buf_str(&input); str_next(&rest, '\0', &command);) {
        struct shell_problem p = {0};
        puts(shell_grant_check(&g, command, &p) ? "ok" : p.code);
    }
    return 0;
}
