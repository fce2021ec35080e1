/* plue eval: restricted Python by itself. */
#include "base/fd.h"
#include "cli/commands.h"
#include "vm/eval.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SOURCE_READ_MAX = 2 << 20 }; /* the parser refuses what is larger than it accepts */

struct output {
    struct cli *cli;
    struct buf text; /* not written yet */
};

static void flush(struct output *o)
{
    cli_out(o->cli, buf_str(&o->text));
    buf_reset(&o->text);
}

static void print(void *data, str text)
{
    enum { FLUSH_AT = 64 << 10 };
    struct output *o = data;
    buf_add_str(&o->text, text);
    if (o->text.n >= FLUSH_AT)
        flush(o);
}

static bool set_limits(struct cli *c, struct heap_limits *l, struct err *err)
{
    int64_t instructions, bytes, depth;
    if (!cli_number(c, "max-instructions", l->instructions, &instructions, err) ||
        !cli_number(c, "max-memory", (int64_t)l->bytes, &bytes, err) ||
        !cli_number(c, "max-depth", l->depth, &depth, err))
        return false;
    l->instructions = instructions;
    l->bytes = (size_t)bytes;
    l->depth = depth > INT32_MAX ? INT32_MAX : (uint32_t)depth;
    return true;
}

static bool read_program(const char *path, struct buf *text, struct err *err)
{
    int error = fd_read_file(AT_FDCWD, path, text);
    if (!error)
        return true;
    if (error == EFBIG)
        return err_set(err, "file_too_large", "%s is larger than 1 MiB", path);
    return err_errno(err, "file_unreadable", error, "%s cannot be read", path);
}

static int run(struct cli *c)
{
    static const int statuses[] = {
        [EVAL_DONE] = CLI_OK, [EVAL_EXCEPTION] = CLI_RUN_FAILED, [EVAL_REFUSED] = CLI_USAGE};
    const char *path = c->args.at[0];
    struct output out = {.cli = c, .text = BUF(CLI_OUTPUT_MAX)};
    struct eval_options options = {.limits = eval_limits(), .host = {.print = print, .data = &out}};
    auto_buf text = BUF(SOURCE_READ_MAX), diagnostics = BUF(CLI_OUTPUT_MAX);
    auto_err e = ERR_INIT;

    if (!set_limits(c, &options.limits, &e) || !read_program(path, &text, &e))
        return cli_fail(c, NULL, &e);
    enum eval_outcome outcome = vm_eval(str_of(path), buf_str(&text), &options, &diagnostics);
    flush(&out);
    buf_done(&out.text);
    int error = fd_write_all(STDERR_FILENO, buf_c(&diagnostics), diagnostics.n);
    return error ? CLI_SYSTEM : statuses[outcome];
}

const struct command command_eval = {
    .name = "eval",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "run restricted Python and print what it prints",
    .doc = "An uncaught exception exits with 1; syntax and policy errors, and limits that were\n"
           "passed, with 2.",
    .example = "plue eval hello.py\nplue eval --max-instructions 1000000 hello.py",
    .options =
        (const struct cli_option[]){
            {"max-instructions", "N", "instructions of the machine (default 100 million)"},
            {"max-memory", "BYTES", "memory of the program (default 64 MiB)"},
            {"max-depth", "N", "calls in each other (default 200)"},
            {0}},
    .run = run,
};
