#include "syntax/parse.h"
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One source and what came of it. */
struct parse {
    struct sources sources;
    struct arena arena;
    struct err_list errors;
    struct module *module;
};

static struct parse parse(str text)
{
    struct parse p = {0};
    uint32_t id = sources_add(&p.sources, STR("t.py"), text, POS_NONE);
    p.module = syntax_parse(&p.sources, id, &p.arena, &p.errors);
    assert_true((p.module == NULL) == (p.errors.n > 0));
    return p;
}

static void parse_done(struct parse *p)
{
    err_list_done(&p->errors);
    arena_done(&p->arena);
    sources_done(&p->sources);
}

static void assert_accepted(str text, uint32_t statements)
{
    struct parse p = parse(text);
    if (!p.module)
        print_error("%.*s\n", STR_ARG(p.errors.at[0].message));
    assert_non_null(p.module);
    assert_int_equal(p.module->body.n, statements);
    parse_done(&p);
}

static void assert_refused(str text, const char *code, const char *message, uint32_t offset)
{
    struct parse p = parse(text);
    assert_null(p.module);
    assert_string_equal(p.errors.at[0].code, code);
    assert_string_equal(p.errors.at[0].message.p, message);
    assert_int_equal(p.errors.at[0].at.offset, offset);
    assert_int_equal(p.errors.n, 1);
    parse_done(&p);
}

/* before, n times middle, n times after. */
static char *nest(const char *before, const char *open, const char *middle, const char *close,
                  size_t n)
{
    struct buf b = BUF(64 << 20);
    buf_add_c(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_add_c(&b, open);
    buf_add_c(&b, middle);
    for (size_t i = 0; i < n; i++)
        buf_add_c(&b, close);
    buf_add_c(&b, "\n");
    return buf_take(&b, &n);
}

/* ---- the tree ---- */

static void parse__gives_equal_names_the_same_pointer(void **state)
{
    struct parse p = parse(STR("abc = x.abc(abc=1)\ndef abc(): global abc\n"));
    (void)state;
    struct stmt *assign = p.module->body.at[0], *def = p.module->body.at[1];
    struct expr *call = assign->assign.value;
    const char *name = assign->assign.targets.at[0]->s.p;
    assert_ptr_equal(call->call.target->attr.name.p, name);
    assert_ptr_equal(call->call.args[0].name.p, name);
    assert_ptr_equal(def->def.name.p, name);
    assert_ptr_equal(def->def.body.at[0]->names.names[0].p, name);
    parse_done(&p);
}

static void parse__normalises_names_before_it_knows_keywords(void **state)
{
    struct parse p = parse(STR("ﬁn = fin\n"));
    (void)state;
    struct stmt *s = p.module->body.at[0];
    assert_true(str_is(s->assign.value->s, "fin"));
    assert_ptr_equal(s->assign.targets.at[0]->s.p, s->assign.value->s.p);
    parse_done(&p);
    assert_refused(STR("ｃlass = 1\n"), "syntax_error",
                   "invalid syntax: expected the name of the class, found '='", 8);
}

static void parse__places_operators_and_marks_parentheses(void **state)
{
    struct parse p = parse(STR("x = (a.b) + f(c)[d]\n"));
    (void)state;
    struct expr *sum = p.module->body.at[0]->assign.value;
    assert_int_equal(sum->at.offset, 4);
    assert_int_equal(sum->at.length, 15);
    assert_int_equal(sum->op_at.offset, 10);
    assert_false(sum->parenthesized);
    struct expr *attr = sum->binary.left, *index = sum->binary.right;
    assert_true(attr->parenthesized);
    assert_int_equal(attr->at.offset, 5);
    assert_int_equal(attr->op_at.offset, 7);
    assert_int_equal(index->op_at.offset, 16);
    assert_int_equal(index->op_at.length, 3);
    assert_int_equal(index->index.target->op_at.offset, 13);
    parse_done(&p);
}

static void parse__joins_and_decodes_strings(void **state)
{
    struct parse p = parse(STR("x = 'a\\x00\\u00e9' r'\\n' \"\"\"b\r\nc\"\"\" '\\\r\nd'\n"));
    (void)state;
    str s = p.module->body.at[0]->assign.value->s;
    assert_true(str_eq(s, STR("a\0é\\nb\ncd")));
    parse_done(&p);
}

static void parse__keeps_the_smallest_integer(void **state)
{
    struct parse p = parse(STR("x = -9223372036854775808\n"));
    (void)state;
    struct expr *e = p.module->body.at[0]->assign.value;
    assert_int_equal(e->kind, EXPR_INT);
    assert_true(e->i == INT64_MIN);
    assert_int_equal(e->at.offset, 4);
    parse_done(&p);
}

static void parse__nests_elif_in_otherwise(void **state)
{
    struct parse p = parse(STR("if a: b\nelif c: d\nelse: e\n"));
    (void)state;
    struct stmt *s = p.module->body.at[0];
    assert_int_equal(p.module->body.n, 1);
    assert_int_equal(s->if_.otherwise.n, 1);
    assert_int_equal(s->if_.otherwise.at[0]->kind, STMT_IF);
    assert_int_equal(s->if_.otherwise.at[0]->if_.otherwise.at[0]->kind, STMT_EXPR);
    parse_done(&p);
}

/* ---- bytes and lines ---- */

static void parse__accepts_any_end_of_line(void **state)
{
    (void)state;
    assert_accepted(STR(""), 0);
    assert_accepted(STR("# only a comment"), 0);
    assert_accepted(STR("a\nb\n"), 2);
    assert_accepted(STR("a\r\nb\r\n"), 2);
    assert_accepted(STR("a\rb\r"), 2);
    assert_accepted(STR("a\nb"), 2);
    assert_accepted(STR("if a:\r\n    b\r\n    c\r\nd"), 2);
    assert_accepted(STR("if a:\n  b # comment"), 1);
    assert_accepted(STR("a\n\f\nb\n  \t\n\f  # comment\n"), 2);
    assert_accepted(STR("if a:\n    b\n\f    c\n"), 1);
}

static void parse__accepts_utf8_and_says_so_in_comments(void **state)
{
    (void)state;
    assert_accepted(STR("\xEF\xBB\xBF"
                        "a = 1\n"),
                    1);
    assert_accepted(STR("\xEF\xBB\xBF"
                        "# coding: utf-8\na = 1\n"),
                    1);
    assert_accepted(STR("#!/usr/bin/plue\n# -*- coding: UTF-8 -*-\na = 1\n"), 1);
    assert_accepted(STR("a = 1\n# coding: latin-1 stands too late\n"), 1);
    assert_refused(STR("# vim: set fileencoding=latin-1 :\n"), "not_supported",
                   "the encoding 'latin-1' is not supported", 24);
}

static void parse__refuses_bytes_that_are_no_text(void **state)
{
    (void)state;
    assert_refused(STR("a = '\xff'\n"), "syntax_error", "byte 0xff is not valid UTF-8", 5);
    assert_refused(STR("a = '\xed\xa0\x80'\n"), "syntax_error", "byte 0xed is not valid UTF-8", 5);
    assert_refused(STR("a = 1\n\0"), "syntax_error", "source code cannot contain null bytes", 6);
}

static void parse__refuses_a_source_past_its_limit(void **state)
{
    (void)state;
    auto_free char *fits = nest("#", "x", "", "", SYNTAX_MAX_SOURCE - 2);
    assert_accepted(str_of(fits), 0);
    auto_free char *larger = nest("#", "x", "", "", SYNTAX_MAX_SOURCE - 1);
    assert_refused(str_of(larger), "limit_exceeded", "the source file is larger than 1 MiB", 0);
}

/* ---- depth ---- */

static const struct nested {
    const char *open, *middle, *close;
} nested[] = {
    {"(", "a", ")"},
    {"[", "a", "]"},
    {"{a: ", "b", "}"},
    {"f(", "a", ")"},
    {"a[", "b", "]"},
    {"-", "a", ""},
    {"not ", "a", ""},
    {"lambda: ", "a", ""},
    {"a if b else ", "c", ""},
    {"a ** ", "b", ""},
    {"[a for b in [", "c", "]]"},
    {"f'a'.b(", "c", ")"},
    {"(a := ", "b", ")"},
    {"f(*", "a", ")"},
    {"f(a=", "b", ")"},
};

static void parse__accepts_a_hundred_levels_of_expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        size_t n = str_is(str_of(nested[i].close), "]]") ? 95 : 190;
        auto_free char *fits = nest("x = ", nested[i].open, nested[i].middle, nested[i].close, n);
        assert_accepted(str_of(fits), 1);
    }
}

static void parse__refuses_any_deeper_expression(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        static const size_t depths[] = {250, 10000, 60000};
        for (size_t k = 0; k < 3; k++) {
            auto_free char *text =
                nest("x = ", nested[i].open, nested[i].middle, nested[i].close, depths[k]);
            struct parse p = parse(str_of(text));
            assert_null(p.module);
            assert_string_equal(p.errors.at[0].code, "limit_exceeded");
            parse_done(&p);
        }
    }
}

static void parse__bounds_chains_that_grow_to_the_left(void **state)
{
    static const char *const links[] = {" + a", ".b", "()", "[0]", " and b", " or b", " @ b"};
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        auto_free char *fits = nest("x = a", links[i], "", "", SYNTAX_MAX_TREE_HEIGHT - 1);
        assert_accepted(str_of(fits), 1);
        auto_free char *longer = nest("x = a", links[i], "", "", SYNTAX_MAX_TREE_HEIGHT + 1);
        assert_refused(str_of(longer), "limit_exceeded",
                       "the expression has too many levels (the limit is 2000)", 4);
    }
}

static void parse__counts_chains_inside_of_nesting(void **state)
{
    struct buf b = BUF(1 << 20);
    (void)state;
    buf_add_c(&b, "x = ");
    buf_add_repeat(&b, '(', 20);
    for (int i = 0; i < 20; i++) {
        buf_add_c(&b, "a");
        for (int k = 0; k < 150; k++)
            buf_add_c(&b, " + a");
        buf_add_c(&b, ")");
    }
    struct parse p = parse(buf_str(&b));
    assert_null(p.module);
    parse_done(&p);
    buf_done(&b);
}

static char *nest_blocks(size_t depth, char white)
{
    struct buf b = BUF(1 << 20);
    for (size_t i = 0; i < depth; i++) {
        buf_add_repeat(&b, white, i);
        buf_add_c(&b, "if a:\n");
    }
    buf_add_repeat(&b, white, depth);
    buf_add_c(&b, "b\nc\n");
    return buf_take(&b, &depth);
}

static void parse__bounds_nested_blocks(void **state)
{
    (void)state;
    auto_free char *fits = nest_blocks(SYNTAX_MAX_BLOCK_DEPTH, ' ');
    assert_accepted(str_of(fits), 2);
    auto_free char *tabs = nest_blocks(SYNTAX_MAX_BLOCK_DEPTH, '\t');
    assert_accepted(str_of(tabs), 2);
    for (size_t depth = SYNTAX_MAX_BLOCK_DEPTH + 1; depth < 400; depth += 50) {
        auto_free char *deeper = nest_blocks(depth, ' ');
        struct parse p = parse(str_of(deeper));
        assert_null(p.module);
        assert_int_equal(p.errors.n, 1);
        assert_string_equal(p.errors.at[0].code, "limit_exceeded");
        parse_done(&p);
    }
}

static void parse__accepts_any_number_of_elifs(void **state)
{
    (void)state;
    auto_free char *text = nest("if a: b\n", "elif c: d\n", "else: e", "", 20000);
    assert_accepted(str_of(text), 1);
}

/* ---- hostile input ---- */

static void parse__ends_on_a_mebibyte_of_anything(void **state)
{
    static const char *const patterns[] = {"(",
                                           ")",
                                           "[)",
                                           "(\n",
                                           "(return\n",
                                           "\"",
                                           "'''",
                                           "f'{",
                                           "f'{{",
                                           "\\",
                                           "\\\n",
                                           "1_",
                                           "0x",
                                           "if a:\n ",
                                           "else:\n",
                                           "a b\n",
                                           " a\n",
                                           "\ta\n  b\n",
                                           "lambda ",
                                           "*",
                                           "**",
                                           "a:=",
                                           "a=",
                                           "a,",
                                           "a.",
                                           "a[",
                                           "a(",
                                           "not ",
                                           "-",
                                           "async ",
                                           "await ",
                                           "yield ",
                                           "@",
                                           "try:\n",
                                           "match a:\n case ",
                                           "def a(",
                                           "class a:\n",
                                           "with (",
                                           "from . ",
                                           "import a,",
                                           "global a,",
                                           "del (",
                                           "for a in ",
                                           "[a for ",
                                           "{a:",
                                           "f(a=1,",
                                           "a if ",
                                           "\xE2\x80\x9C",
                                           "\xEF\xAC\x81",
                                           "f'{a:{b}}' ",
                                           "'a' ",
                                           "$",
                                           "\f",
                                           "\r",
                                           "#\n",
                                           ";",
                                           "a;",
                                           "(a:=1),",
                                           "[(a:=1) for b in c],",
                                           "def f(a,a):0\n",
                                           "f(a=1,a=1)\n",
                                           "`",
                                           "if a:\n\tb\n        c\n",
                                           "x = (\n",
                                           "x = [1,\n\ny = 2\n",
                                           "0_0j+",
                                           "...",
                                           "<>"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        auto_free char *text =
            nest("", patterns[i], "", "", (SYNTAX_MAX_SOURCE - 1) / strlen(patterns[i]));
        struct parse p = parse(str_of(text));
        assert_true(p.errors.n <= 100);
        parse_done(&p);
    }
}

static void parse__reports_a_hundred_errors_at_most(void **state)
{
    (void)state;
    auto_free char *text = nest("", "a b\n", "", "", 500);
    struct parse p = parse(str_of(text));
    assert_int_equal(p.errors.n, 100);
    assert_int_equal(p.errors.at[99].at.offset, 99 * 4 + 2);
    parse_done(&p);
}

static void parse__adds_to_errors_that_are_there(void **state)
{
    struct parse p = {0};
    (void)state;
    err_set(err_list_add(&p.errors), "internal", "an earlier one");
    uint32_t id = sources_add(&p.sources, STR("t.py"), STR("b c\na = (\n"), POS_NONE);
    assert_null(syntax_parse(&p.sources, id, &p.arena, &p.errors));
    assert_int_equal(p.errors.n, 3);
    assert_string_equal(p.errors.at[0].message.p, "an earlier one");
    assert_int_equal(p.errors.at[1].at.offset, 2);
    assert_int_equal(p.errors.at[2].at.offset, 8);
    parse_done(&p);
}

static void parse_some__keeps_the_statements_of_refused_constructs(void **state)
{
    struct parse p = {0};
    (void)state;
    uint32_t id = sources_add(&p.sources, STR("t.py"),
                              STR("class A(b):\n    c\n"
                                  "with d as e: f\n"
                                  "match g:\n    case 1:\n        h\n"
                                  "from .i import j as k\n"
                                  "l m\nn\n"),
                              POS_NONE);
    struct module *m = syntax_parse_some(&p.sources, id, &p.arena, &p.errors);
    assert_int_equal(p.errors.n, 5);
    assert_int_equal(m->body.n, 5);
    struct stmt **at = m->body.at;
    assert_int_equal(at[0]->kind, STMT_DEF);
    assert_true(str_is(at[0]->def.decorators.at[0]->s, "b"));
    assert_true(str_is(at[0]->def.body.at[0]->expr->s, "c"));
    struct block with = at[1]->if_.then;
    assert_true(str_is(with.at[0]->assign.targets.at[0]->s, "e"));
    assert_true(str_is(with.at[1]->if_.then.at[0]->expr->s, "f"));
    struct block match = at[2]->if_.then;
    assert_true(str_is(match.at[0]->expr->s, "g"));
    assert_true(str_is(match.at[1]->if_.then.at[0]->expr->s, "h"));
    assert_true(str_is(at[3]->assign.targets.at[0]->s, "k"));
    assert_true(str_is(at[4]->expr->s, "n"));
    parse_done(&p);
}

/* ---- expressions alone ---- */

static void parse_expr__takes_one_expression_and_nothing_more(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"steps.test.exit_code == 0", NULL},
        {"steps[\"a b\"].stdout\n  + 'x'", NULL},
        {"a, b", NULL},
        {"", "invalid syntax: expected an expression, found the end of the expression"},
        {"a b", "invalid syntax: expected the end of the expression, found 'b'"},
        {"a = 1", "invalid syntax. Maybe you meant '==' or ':=' instead of '='?"},
        {"(a", "'(' was never closed"},
        {"a)", "unmatched ')'"},
        {"pass", "invalid syntax: expected an expression, found 'pass'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parse p = {0};
        uint32_t id = sources_add(&p.sources, STR("e"), str_of(cases[i].text), POS_NONE);
        struct expr *e = syntax_parse_expr(&p.sources, id, &p.arena, &p.errors);
        assert_true((e != NULL) == (cases[i].message == NULL));
        if (cases[i].message)
            assert_string_equal(p.errors.at[0].message.p, cases[i].message);
        parse_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__gives_equal_names_the_same_pointer),
        cmocka_unit_test(parse__normalises_names_before_it_knows_keywords),
        cmocka_unit_test(parse__places_operators_and_marks_parentheses),
        cmocka_unit_test(parse__joins_and_decodes_strings),
        cmocka_unit_test(parse__keeps_the_smallest_integer),
        cmocka_unit_test(parse__nests_elif_in_otherwise),
        cmocka_unit_test(parse__accepts_any_end_of_line),
        cmocka_unit_test(parse__accepts_utf8_and_says_so_in_comments),
        cmocka_unit_test(parse__refuses_bytes_that_are_no_text),
        cmocka_unit_test(parse__refuses_a_source_past_its_limit),
        cmocka_unit_test(parse__accepts_a_hundred_levels_of_expressions),
        cmocka_unit_test(parse__refuses_any_deeper_expression),
        cmocka_unit_test(parse__bounds_chains_that_grow_to_the_left),
        cmocka_unit_test(parse__counts_chains_inside_of_nesting),
        cmocka_unit_test(parse__bounds_nested_blocks),
        cmocka_unit_test(parse__accepts_any_number_of_elifs),
        cmocka_unit_test(parse__ends_on_a_mebibyte_of_anything),
        cmocka_unit_test(parse__reports_a_hundred_errors_at_most),
        cmocka_unit_test(parse__adds_to_errors_that_are_there),
        cmocka_unit_test(parse_some__keeps_the_statements_of_refused_constructs),
        cmocka_unit_test(parse_expr__takes_one_expression_and_nothing_more),
    };
    return cmocka_run_group_tests_name("syntax", tests, NULL, NULL);
}
