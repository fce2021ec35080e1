/* A renderer keeps what it has compiled, and notices a change of any file that a template is made
 * of. */
#include "vm/render.h"
#include "base/fd.h"
#include "value/dict.h"
#include "value/heap.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    int fd;
    struct renderer *r;
    val context;
};

/* Every write has a time of its own, so that no test depends on the clock's steps. */
static void write_at(struct fixture *f, const char *name, const char *text, long seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(fd_write_file(f->fd, name, str_of(text), 0644), 0);
    assert_int_equal(utimensat(f->fd, name, times, 0), 0);
}

static void setup_files(struct fixture *f)
{
    write_at(f, "page.j2",
             "{% extends 'base.j2' %}{% import 'macros.j2' as m %}{% block body %}"
             "{{ m.twice('x') }}{% include 'part.j2' %}{% endblock %}",
             1000);
    write_at(f, "base.j2", "<{% block body %}{% endblock %}>", 1000);
    write_at(f, "macros.j2", "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}", 1000);
    write_at(f, "part.j2", "part", 1000);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    struct render_options options = {.limits = render_limits()};
    auto_err err = ERR_INIT;
    snprintf(f->folder, sizeof f->folder, "/tmp/plue-render-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->r = renderer_new(&options);
    assert_true(renderer_add_root(f->r, f->folder, &err));
    assert_true(dict_new(renderer_heap(f->r), 0, &f->context));
    heap_hold(renderer_heap(f->r), f->context);
    setup_files(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"page.j2", "base.j2", "macros.j2", "part.j2", "new"};
    renderer_free(f->r);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(f->fd, names[i], 0);
    close(f->fd);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Renders the page; returns how many files were compiled for it. */
static uint32_t renders(struct fixture *f, const char *expected)
{
    auto_buf out = BUF(1 << 20);
    auto_err err = ERR_INIT;
    uint32_t before = renderer_sources(f->r)->n;
    if (!render_file(f->r, STR("page.j2"), f->context, &out, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    assert_string_equal(buf_c(&out), expected);
    return renderer_sources(f->r)->n - before;
}

static void render__compiles_each_file_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(renders(f, "<xxpart>"), 4);
    assert_int_equal(renders(f, "<xxpart>"), 0);
    assert_int_equal(renders(f, "<xxpart>"), 0);
}

static void render__notices_a_change_of_each_file_of_the_chain(void **state)
{
    struct fixture *f = *state;
    (void)renders(f, "<xxpart>");
    write_at(f, "part.j2", "another part", 1000); /* the size alone */
    assert_int_equal(renders(f, "<xxanother part>"), 1);
    write_at(f, "base.j2", "[{% block body %}{% endblock %}]", 2000); /* the time alone */
    assert_int_equal(renders(f, "[xxanother part]"), 1);
    write_at(f, "macros.j2", "{% macro twice(t) %}{{ t }}{{ 2 }}{% endmacro %}", 2000);
    assert_int_equal(renders(f, "[x2another part]"), 1);
    write_at(f, "page.j2", "{% extends 'base.j2' %}", 2000);
    assert_int_equal(renders(f, "[]"), 1);
}

static void render__notices_a_file_that_was_replaced(void **state)
{
    struct fixture *f = *state;
    (void)renders(f, "<xxpart>");
    write_at(f, "new", "trap", 1000); /* size and time as before */
    assert_int_equal(renameat(f->fd, "new", f->fd, "part.j2"), 0);
    assert_int_equal(renders(f, "<xxtrap>"), 1);
}

static void render__notices_a_file_that_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;
    auto_buf out = BUF(1 << 20);
    auto_err err = ERR_INIT;
    (void)renders(f, "<xxpart>");
    assert_int_equal(unlinkat(f->fd, "part.j2", 0), 0);
    assert_false(render_file(f->r, STR("page.j2"), f->context, &out, &err));
    assert_string_equal(err.message.p, "the template 'part.j2' is not found");
    assert_int_equal(out.n, 0);
    write_at(f, "part.j2", "back", 3000);
    assert_int_equal(renders(f, "<xxback>"), 1);
}

static void render__adds_to_what_the_caller_has(void **state)
{
    struct fixture *f = *state;
    auto_buf out = BUF(1 << 20), small = BUF(4);
    auto_err err = ERR_INIT;
    write_at(f, "new", "wrote this{{ nope.x }}", 1000);
    assert_false(render_file(f->r, STR("new"), f->context, &out, &err));
    assert_int_equal(out.n, 0);
    assert_int_equal(out.max, 1 << 20);
    assert_true(render_file(f->r, STR("page.j2"), f->context, &out, &err));
    assert_true(render_file(f->r, STR("page.j2"), f->context, &out, &err));
    assert_string_equal(buf_c(&out), "<xxpart><xxpart>");
    assert_false(render_file(f->r, STR("new"), f->context, &out, &err));
    assert_string_equal(buf_c(&out), "<xxpart><xxpart>");
    err_done(&err);
    assert_false(render_file(f->r, STR("page.j2"), f->context, &small, &err));
    assert_string_equal(err.code, "output_limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(render__compiles_each_file_once, setup, teardown),
        cmocka_unit_test_setup_teardown(render__notices_a_change_of_each_file_of_the_chain, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(render__notices_a_file_that_was_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(render__notices_a_file_that_goes_and_comes_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(render__adds_to_what_the_caller_has, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
