/* dump_main FILE...: for each file the line "== FILE", then its tree, or its errors after "errors:"
 * (code and message, then the whole diagnostic). --time parses the one file again and again. */
#include "base/clock.h"
#include "base/fd.h"
#include "diag/print.h"
#include "dump.h"
#include "syntax/parse.h"
#include <fcntl.h>
#include <stdio.h>

static void add_errors(struct buf *out, struct sources *s, const struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        buf_addf(out, "%s: %.*s\n", errors->at[i].code, STR_ARG(errors->at[i].message));
    for (size_t i = 0; i < errors->n; i++)
        diag_add_err(out, s, &errors->at[i], NULL);
}

static void show(str path, str text, struct buf *out)
{
    struct sources s = SOURCES_INIT;
    auto_arena arena = ARENA_INIT;
    struct err_list errors = {0};
    uint32_t id = sources_add(&s, path, text, POS_NONE);
    struct module *m = syntax_parse(&s, id, &arena, &errors);
    buf_addf(out, "== %.*s\n", STR_ARG(path));
    if (m) {
        dump_module(out, m);
    } else {
        buf_add_c(out, "errors:\n");
        add_errors(out, &s, &errors);
    }
    err_list_done(&errors);
    sources_done(&s);
}

static void measure(str text)
{
    enum { ROUNDS = 2000, TURNS = 5 };
    for (int turn = 0; turn < TURNS; turn++) {
        int64_t began = clock_mono_ns();
        for (int i = 0; i < ROUNDS; i++) {
            struct sources s = SOURCES_INIT;
            auto_arena arena = ARENA_INIT;
            struct err_list errors = {0};
            uint32_t id = sources_add(&s, STR("x"), text, POS_NONE);
            if (!syntax_parse(&s, id, &arena, &errors))
                puts("errors");
            err_list_done(&errors);
            sources_done(&s);
        }
        double us = (double)(clock_mono_ns() - began) / 1000 / ROUNDS;
        printf("%.1f us a parse, %.0f MB/s\n", us, (double)text.n / us);
    }
}

int main(int argc, char **argv)
{
    bool timed = argc > 1 && str_is(str_of(argv[1]), "--time");
    for (int i = timed ? 2 : 1; i < argc; i++) {
        auto_buf text = BUF(64 << 20);
        auto_buf out = BUF((size_t)1 << 30);
        if (fd_read_file(AT_FDCWD, argv[i], &text)) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        if (timed) {
            measure(buf_str(&text));
            continue;
        }
        show(str_of(argv[i]), buf_str(&text), &out);
        fwrite(buf_c(&out), 1, out.n, stdout);
    }
    return 0;
}
