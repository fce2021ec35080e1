/* Every chunk of errors/NAME.txt is a source, a line "====" and the diagnostics that it gives,
 * whole;
 * "----" stands between chunks. */
#include "base/fd.h"
#include "diag/print.h"
#include "syntax/parse.h"
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *folder; /* of the data; cmocka has no arguments for tests */

static void add_diagnostics(struct buf *out, str text)
{
    struct sources s = SOURCES_INIT;
    auto_arena arena = ARENA_INIT;
    struct err_list errors = {0};
    uint32_t id = sources_add(&s, STR("t.py"), text, POS_NONE);
    if (syntax_parse(&s, id, &arena, &errors))
        buf_add_c(out, "accepted\n");
    for (size_t i = 0; i < errors.n; i++)
        diag_add_err(out, &s, &errors.at[i], NULL);
    err_list_done(&errors);
    sources_done(&s);
}

/* Cuts the text up to a line off *rest. */
static str cut(str *rest, str line)
{
    size_t at = str_find(*rest, line, 0);
    str part = at == SIZE_MAX ? *rest : str_sub(*rest, 0, at);
    *rest = at == SIZE_MAX ? STR("") : str_sub(*rest, at + line.n, rest->n);
    return part;
}

static int check_file(const char *name)
{
    auto_buf path = BUF(4096), text = BUF(1 << 20);
    int wrong = 0;
    buf_addf(&path, "%s/%s", folder, name);
    assert_int_equal(fd_read_file(AT_FDCWD, buf_c(&path), &text), 0);
    for (str rest = buf_str(&text); rest.n;) {
        auto_buf found = BUF(1 << 20);
        str chunk = cut(&rest, STR("----\n"));
        str source = cut(&chunk, STR("====\n"));
        add_diagnostics(&found, source);
        if (str_eq(chunk, buf_str(&found)))
            continue;
        wrong++;
        print_error("%s:\n%.*s==== expected\n%.*s==== found\n%s", name, STR_ARG(source),
                    STR_ARG(chunk), buf_c(&found));
    }
    return wrong;
}

static void errors__are_reported_whole_and_without_cascades(void **state)
{
    int wrong = 0, files = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    (void)state;
    for (struct dirent *e; (e = readdir(d));) {
        if (!str_ends(str_of(e->d_name), STR(".txt")))
            continue;
        wrong += check_file(e->d_name);
        files++;
    }
    closedir(d);
    assert_int_not_equal(files, 0);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors__are_reported_whole_and_without_cascades),
    };
    folder = argc > 1 ? argv[1] : "errors";
    return cmocka_run_group_tests_name("syntax-errors", tests, NULL, NULL);
}
