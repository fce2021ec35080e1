/* A stand-in for `plue eval FILE`, for tests of the language on their own:
 *     vm_eval eval [--max-instructions N] [--max-memory N] [--max-depth N] FILE
 * With VM_COLLECT_ALWAYS in the environment it collects at every safepoint. */
#include "base/fd.h"
#include "vm/eval.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static void print(void *data, str text)
{
    (void)data;
    fwrite(text.p, 1, text.n, stdout);
}

int main(int argc, char **argv)
{
    static const int statuses[] = {[EVAL_DONE] = 0, [EVAL_EXCEPTION] = 1, [EVAL_REFUSED] = 2};
    struct eval_options options = {.limits = eval_limits(), .host = {.print = print}};
    auto_buf text = BUF(1 << 26), diagnostics = BUF(1 << 26);
    const char *path = NULL;
    options.collect_always = getenv("VM_COLLECT_ALWAYS") != NULL;
    for (int i = 2; i < argc; i++) {
        if (str_is(str_of(argv[i]), "--max-instructions") && i + 1 < argc)
            options.limits.instructions = atoll(argv[++i]);
        else if (str_is(str_of(argv[i]), "--max-memory") && i + 1 < argc)
            options.limits.bytes = (size_t)atoll(argv[++i]);
        else if (str_is(str_of(argv[i]), "--max-depth") && i + 1 < argc)
            options.limits.depth = (uint32_t)atoll(argv[++i]);
        else
            path = argv[i];
    }
    int error = path ? fd_read_file(AT_FDCWD, path, &text) : EINVAL;
    if (error) {
        fprintf(stderr, "%s: %s\n", path ? path : "no file", strerror(error));
        return 2;
    }
    enum eval_outcome outcome = vm_eval(str_of(path), buf_str(&text), &options, &diagnostics);
    fflush(stdout);
    fwrite(buf_c(&diagnostics), 1, diagnostics.n, stderr);
    return statuses[outcome];
}
