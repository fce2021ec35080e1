/* Documents from outside: errors with their places, pointers, writing. */
#include "diag/print.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_error(str text, unsigned flags, uint32_t line, uint32_t column,
                         const char *message)
{
    auto_err err = ERR_INIT;
    json_t *j = json_parse(text, STR("event.json"), flags, &err);
    char got[256];
    assert_null(j);
    assert_string_equal(err.code, "invalid_json");
    snprintf(got, sizeof got, "%.*s:%u:%u: %.*s", STR_ARG(err.file), err.line, err.column,
             STR_ARG(err.message));
    char expected[256];
    snprintf(expected, sizeof expected, "event.json:%u:%u: not valid JSON: %s", line, column,
             message);
    assert_string_equal(got, expected);
    assert_true(err.hint.n > 0);
}

static void document__errors_stand_where_the_text_goes_wrong(void **state)
{
    (void)state;
    expect_error(STR("{\"a\": 1,\n \"b\": x}"), 0, 2, 7, "invalid token near 'x'");
    expect_error(STR("{\"\xC3\xA9\": 1 \"b\"}"), 0, 1, 9, "'}' expected near '\"b\"'");
    expect_error(STR("[1,\n2,\n"), 0, 2, 3, "']' expected near end of file");
    expect_error(STR("[1] 2"), 0, 1, 5, "end of file expected near '2'");
    expect_error(STR("[\"a\xFF\"]"), 0, 1, 4, "byte 0xff is not UTF-8");
    expect_error(STR("[NaN]"), 0, 1, 2, "invalid token near 'NaN'");
    expect_error(STR("[99999999999999999999]"), 0, 1, 2,
                 "too big integer near '99999999999999999999'");
    expect_error(STR(""), 0, 1, 1, "unexpected token near end of file");
}

static void document__duplicate_keys_are_the_callers_choice(void **state)
{
    (void)state;
    auto_err err = ERR_INIT;
    static const char text[] = "{\"a\": 1, \"a\": 2}";
    json_t *j = json_parse(str_of(text), STR("x"), 0, &err);
    assert_non_null(j);
    assert_int_equal(json_integer_value(json_object_get(j, "a")), 2);
    json_decref(j);
    expect_error(str_of(text), JSON_UNIQUE_KEYS, 1, 10, "duplicate object key near '\"a\"'");
}

static void document__nesting_is_bounded(void **state)
{
    (void)state;
    auto_buf text = BUF(1 << 20);
    auto_err err = ERR_INIT;
    buf_add_repeat(&text, '[', 100000);
    assert_null(json_parse(buf_str(&text), STR("x"), 0, &err));
    assert_string_equal(err.code, "invalid_json");
}

static void document__files_that_cannot_be_read_say_so(void **state)
{
    (void)state;
    auto_err err = ERR_INIT;
    assert_null(json_read_file("/nonexistent/event.json", 0, &err));
    assert_string_equal(err.code, "file_unreadable");
    assert_true(
        str_is(err.message, "/nonexistent/event.json cannot be read: No such file or directory"));
}

static void document__is_written_in_its_own_order(void **state)
{
    (void)state;
    auto_err err = ERR_INIT;
    auto_buf out = BUF(1 << 20);
    static const char text[] =
        "{\"z\": [1, -0.5, true, null, \"\xC3\xA9\\n\\u0000\"], \"a\": {}, \"m\": []}";
    json_t *j = json_parse(str_of(text), STR("x"), 0, &err);
    struct json_writer w = JSON_WRITER(&out, false);
    assert_non_null(j);
    json_put(&w, j);
    json_decref(j);
    assert_string_equal(buf_c(&out), text);
}

static void pick__cuts_the_named_members_out(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "bc", NULL};
    static const struct {
        const char *text, *want; /* NULL: no object */
    } cases[] = {
        {"{}", "{}"},
        {" { } ", "{}"},
        {"{\"a\": 1}", "{\"a\":1}"},
        {"{\"b\":1,\"a\":{\"a\":[1,{\"bc\":\"}\\\"]\"}]},\"bc\":\"x\"}",
         "{\"a\":{\"a\":[1,{\"bc\":\"}\\\"]\"}]},\"bc\":\"x\"}"},
        {"{\"a\": null, \"bc\":\n[null] , \"abc\": \"\\\\\"}", "{\"bc\":[null]}"},
        {"{\"x\":\"a\\\",\\\"a\\\":2\",\"a\":3}", "{\"a\":3}"},
        {"", NULL},
        {"[1]", NULL},
        {"{\"a\"", NULL},
        {"{\"a\":", NULL},
        {"{\"a\":1", NULL},
        {"{\"a\":1]", NULL},
        {"{\"a\":\"\\", NULL},
        {"{\"a\":1,}", NULL},
        {"{a:1}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        auto_buf b = BUF(100);
        /* No byte behind the text is its own. */
        size_t n = strlen(cases[i].text);
        auto_free char *text = malloc(n + !n);
        memcpy(text, cases[i].text, n);
        assert_int_equal(json_pick(str_make(text, n), names, &b), cases[i].want != NULL);
        if (cases[i].want)
            assert_string_equal(buf_c(&b), cases[i].want);
    }
    auto_buf small = BUF(5);
    assert_false(json_pick(STR("{\"a\":12345}"), names, &small));
}

static void pointer__finds_what_rfc_6901_says(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        int64_t value; /* -1: leads nowhere */
    } cases[] = {
        {"/foo/0", 10}, {"/foo/1", 11}, {"/", 0},        {"/a~1b", 1},     {"/m~0n", 8},
        {"/ ", 7},      {"/foo/2", -1}, {"/foo/01", -1}, {"/foo/-", -1},   {"/foo/+1", -1},
        {"/x", -1},     {"foo", -1},    {"/m~2n", -1},   {"/foo/0/x", -1}, {"/foo/", -1},
    };
    auto_err err = ERR_INIT;
    json_t *j = json_parse(STR("{\"foo\": [10, 11], \"\": 0, \"a/b\": 1, \" \": 7, \"m~n\": 8}"),
                           STR("x"), 0, &err);
    assert_non_null(j);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *found = json_pointer_get(j, str_of(cases[i].pointer));
        assert_int_equal(found ? json_integer_value(found) : -1, cases[i].value);
    }
    assert_ptr_equal(json_pointer_get(j, STR("")), j);
    json_decref(j);
}

static void pointer__is_made_with_escapes(void **state)
{
    (void)state;
    auto_buf b = BUF(100);
    json_pointer_add(&b, STR("a/b~c"));
    json_pointer_add_index(&b, 12);
    assert_string_equal(buf_c(&b), "/a~1b~0c/12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document__errors_stand_where_the_text_goes_wrong),
        cmocka_unit_test(document__duplicate_keys_are_the_callers_choice),
        cmocka_unit_test(document__nesting_is_bounded),
        cmocka_unit_test(document__files_that_cannot_be_read_say_so),
        cmocka_unit_test(document__is_written_in_its_own_order),
        cmocka_unit_test(pick__cuts_the_named_members_out),
        cmocka_unit_test(pointer__finds_what_rfc_6901_says),
        cmocka_unit_test(pointer__is_made_with_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
