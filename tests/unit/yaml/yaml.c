/* YAML with places: what is read, and what is refused where. */
#include "base/buf.h"
#include "diag/print.h"
#include "yaml/node.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static char *read_as_json(str text, char *ret_error, size_t room)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    uint32_t source = sources_add(&s, STR("t.yaml"), text, POS_NONE);
    struct yaml_node *root = yaml_parse(&a, &s, source, &err);
    json_t *j = root ? yaml_to_json(root, &err) : NULL;
    char *got = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    struct place p = {0};
    *ret_error = 0;
    if (!j) {
        assert_string_equal(err.code, "invalid_yaml");
        sources_place(&s, err.at, &p);
        snprintf(ret_error, room, "%u:%u: %.*s", p.line, p.column, STR_ARG(err.message));
    }
    json_decref(j);
    sources_done(&s);
    return got;
}

static void expect_json(str text, const char *expected)
{
    char error[256];
    char *got = read_as_json(text, error, sizeof error);
    assert_string_equal(error, "");
    assert_string_equal(got, expected);
    free(got);
}

static void expect_error(str text, const char *expected)
{
    char error[256];
    char *got = read_as_json(text, error, sizeof error);
    assert_null(got);
    assert_string_equal(error, expected);
}

static void yaml__scalars_are_what_the_core_schema_says(void **state)
{
    (void)state;
    expect_json(STR("[null, ~, Null, true, False, yes, no, on]"),
                "[null,null,null,true,false,\"yes\",\"no\",\"on\"]");
    expect_json(
        STR("[0, -1, +2, 1.5, 1e3, -0.25E-2, 1., 007, 0x10, 1_0, 1e, .5]"),
        "[0,-1,2,1.5,1000.0,-0.0025000000000000001,1.0,\"007\",\"0x10\",\"1_0\",\"1e\",\".5\"]");
    expect_json(STR("['1', \"true\", 'null']"), "[\"1\",\"true\",\"null\"]");
    expect_json(STR("a: |\n  x\n  y\nb: >\n  x\n  y\n"), "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
    expect_json(STR(""), "null");
    expect_json(STR("# nothing\n"), "null");
    expect_json(STR("\xEF\xBB\xBF[\xC3\xA4]"), "[\"\xC3\xA4\"]");
}

static void yaml__what_is_refused_says_where(void **state)
{
    (void)state;
    expect_error(STR("a: 1\nb: 2\na: 3\n"), "3:1: the key 'a' stands here twice");
    expect_error(STR("a: &x 1\nb: *x\n"), "1:4: anchors, aliases and tags are not supported");
    expect_error(STR("\xC3\xA4\xC3\xA4: !!str 1\n"),
                 "1:5: anchors, aliases and tags are not supported");
    expect_error(STR("<<: {a: 1}\n"), "1:1: merge keys are not supported");
    expect_error(STR("[1]: 2\n"), "1:1: a key must be a text");
    expect_error(STR("a: 1\n---\nb: 2\n"), "2:1: a file is one document");
    expect_error(STR("a:\n\tb: 1\n"), "2:1: not YAML: found character that cannot start any token, "
                                      "while scanning for the next token");
    expect_error(STR("n: 99999999999999999999"), "1:4: the number does not fit into 64 bits");
    expect_error(STR("n: 1e999"), "1:4: the number does not fit into 64 bits");
    expect_error(STR("\xFF"), "1:1: not text in UTF-8: invalid leading UTF-8 octet");
}

static void yaml__nesting_is_bounded(void **state)
{
    char text[200] = {0}, error[256];
    (void)state;
    memset(text, '[', 100);
    memset(text + 100, ']', 99);
    char *got = read_as_json(str_make(text, 199), error, sizeof error);
    assert_null(got);
    assert_string_equal(error, "1:66: nested deeper than 64 levels");
}

/* Every error as "line:column: message", one a line, then what could be read, then what is lost. */
static void expect_all(str text, const char *expected)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    struct err_list errors = {0};
    struct yaml_lost lost;
    auto_buf got = BUF(1 << 16);
    struct err none = ERR_INIT;
    uint32_t source = sources_add(&s, STR("t.yaml"), text, POS_NONE);
    struct yaml_node *root = yaml_parse_all(&a, &s, source, &lost, &errors);
    for (size_t i = 0; i < errors.n; i++) {
        struct place p = {0};
        sources_place(&s, errors.at[i].at, &p);
        assert_true(errors.at[i].hint.n > 0);
        buf_addf(&got, "%u:%u: %.*s\n", p.line, p.column, STR_ARG(errors.at[i].message));
    }
    json_t *j = yaml_to_json(root, &none);
    auto_free char *shown = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
    buf_add_c(&got, shown);
    for (uint32_t i = 0; i < lost.n; i++)
        buf_addf(&got, " -%.*s", STR_ARG(lost.keys[i]));
    assert_string_equal(buf_c(&got), expected);
    json_decref(j);
    err_list_done(&errors);
    sources_done(&s);
}

static void yaml__a_mistake_hides_no_other(void **state)
{
    (void)state;
    expect_all(STR("a: 1\nb: 2\na: 3\nb: 4\n"),
               "3:1: the key 'a' stands here twice\n4:1: the key 'b' stands here twice\n"
               "{\"a\":1,\"b\":2}");
    expect_all(STR("a: {x: 1, [y]: 2, <<: {z: 1}, x: 3, v: 4}\n"),
               "1:11: a key must be a text\n1:19: merge keys are not supported\n"
               "1:31: the key 'x' stands here twice\n{\"a\":{\"x\":1,\"v\":4}}");
    expect_all(STR("a: &x 1\nb: [*x]\nc: 2\n"),
               "1:4: anchors, aliases and tags are not supported\n"
               "2:5: anchors, aliases and tags are not supported\n{\"a\":1,\"c\":2} -b");
    expect_all(STR("a: [1\nb: \"x\nc: y: z\nd: 4\n"),
               "1:4: not YAML: did not find expected ',' or ']', while parsing a flow sequence\n"
               "2:4: not YAML: found unexpected end of stream, while scanning a quoted scalar\n"
               "3:5: not YAML: mapping values are not allowed in this context\n"
               "{\"d\":4} -a -b -c");
    expect_all(STR("\xC3\xA4: {\n\xC3\xA4: 1\n\xC3\xA4: 2\n"),
               "1:4: not YAML: did not find expected ',' or '}', while parsing a flow mapping\n"
               "3:1: the key '\xC3\xA4' stands here twice\n{\"\xC3\xA4\":1} -\xC3\xA4");
    expect_all(STR("a: 1\nwords\nb: \xFF\nc: 2\n"),
               "2:1: not YAML: could not find expected ':', while scanning a simple key\n"
               "3:4: not text in UTF-8: invalid leading UTF-8 octet\n{\"a\":1,\"c\":2} -b -");
    expect_all(STR("[\n"), "2:1: not YAML: did not find expected node content, while parsing a "
                           "flow node\nnull -");
    expect_all(STR("a: 1\n"), "{\"a\":1}");
}

static void yaml__tabs_are_read_as_spaces_once_they_are_told(void **state)
{
    (void)state;
    expect_all(STR("a:\n\tb: 1\n\tb: 2\nc: 3\n"),
               "2:1: not YAML: found character that cannot start any token, while scanning for the "
               "next token\n3:2: the key 'b' stands here twice\n{\"a\":{\"b\":1},\"c\":3}");
    expect_all(STR("a: 1\n\tb: 2\nc: 3\n"),
               "2:1: not YAML: found a tab character that violates indentation, while scanning a "
               "plain scalar\n{\"c\":3} -a");
}

static void yaml__places_count_bytes_and_end_with_the_bracket(void **state)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    (void)state;
    str text = STR("\xC3\xA4: [x, \xC3\xA4]  # why\nb:\n  - one\n");
    struct yaml_node *root = yaml_parse(&a, &s, sources_add(&s, STR("t"), text, POS_NONE), &err);
    assert_non_null(root);
    assert_int_equal(root->items[0]->at.offset, 4);
    assert_int_equal(root->items[0]->at.length, strlen("[x, \xC3\xA4]"));
    assert_int_equal(root->items[1]->at.offset, str_find(text, STR("- one"), 0));
    assert_int_equal(root->items[1]->at.length, 5);
    sources_done(&s);
}

static void yaml__an_unknown_key_is_named_with_what_was_meant(void **state)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct err_list errors = {0};
    (void)state;
    uint32_t source = sources_add(&s, STR("t"), STR("stesp: 1\nsteps: 2\nq: 3\n"), POS_NONE);
    struct yaml_node *root = yaml_parse(&a, &s, source, &err);
    static const char *const names[] = {"steps", "edges", NULL};
    assert_false(yaml_check_keys(root, "expect", names, &errors));
    assert_int_equal(errors.n, 2);
    assert_string_equal(errors.at[0].message.p, "expect has no key 'stesp'");
    assert_string_equal(errors.at[0].hint.p, "did you mean 'steps'?");
    assert_string_equal(errors.at[1].hint.p, "the keys are steps, edges");
    err_list_done(&errors);
    sources_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml__scalars_are_what_the_core_schema_says),
        cmocka_unit_test(yaml__what_is_refused_says_where),
        cmocka_unit_test(yaml__nesting_is_bounded),
        cmocka_unit_test(yaml__a_mistake_hides_no_other),
        cmocka_unit_test(yaml__tabs_are_read_as_spaces_once_they_are_told),
        cmocka_unit_test(yaml__places_count_bytes_and_end_with_the_bracket),
        cmocka_unit_test(yaml__an_unknown_key_is_named_with_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
