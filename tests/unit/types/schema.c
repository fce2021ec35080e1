/* JSON Schema: what its errors say, what bounds it. The suite of json-schema.org runs in
 * tests/schema. */
#include "types/schema.h"
#include "base/buf.h"
#include "types/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static json_t *json(const char *text)
{
    json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(j);
    return j;
}

static void add_errors(struct buf *b, struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        buf_addf(b, "%s%.*s", i ? "\n" : "", STR_ARG(errors->at[i].message));
        if (errors->at[i].hint.n && str_starts(errors->at[i].hint, STR("did")))
            buf_addf(b, " (%.*s)", STR_ARG(errors->at[i].hint));
    }
    err_list_done(errors);
}

/* Every violation, a line each; "" where the value fits. A schema's own mistakes come instead. */
static void expect(const char *schema, const char *value, const char *expected)
{
    auto_buf got = BUF(1 << 20);
    struct err_list errors = {0};
    json_t *root = json(schema), *v = json(value);
    struct schema *s = schema_compile(root, NULL, &errors);
    if (s) {
        bool ok = schema_check(s, v, STR("answer"), &errors);
        assert_true(ok == (errors.n == 0));
        assert_true(ok == schema_check(s, v, STR("answer"), NULL));
        const struct schema_options options = {.thorough = true};
        struct schema *thorough = schema_compile(root, &options, &errors);
        assert_true(ok == schema_check(thorough, v, STR("answer"), NULL));
        schema_free(thorough);
    }
    add_errors(&got, &errors);
    assert_string_equal(buf_c(&got), expected);
    schema_free(s);
    json_decref(root);
    json_decref(v);
}

static void schema__every_violation_has_its_pointer(void **state)
{
    (void)state;
    expect(
        "{\"type\": \"object\", \"properties\": {\"line\": {\"type\": \"integer\", \"minimum\": 1},"
        "\"a/b\": {\"items\": {\"enum\": [\"x\", \"y\", 3]}}}, \"required\": [\"line\", \"file\"],"
        "\"additionalProperties\": false}",
        "{\"lin\": 3, \"a/b\": [\"x\", \"z\", 4]}",
        "answer: there is no field 'lin' (did you mean 'line'?)\n"
        "answer /a~1b/1: expected \"x\", \"y\" or 3, found \"z\"\n"
        "answer /a~1b/2: expected \"x\", \"y\" or 3, found 4\n"
        "answer /line: expected a value, found nothing\n"
        "answer /file: expected a value, found nothing");
    expect("{\"type\": [\"string\", \"null\"]}", "7",
           "answer: expected a string or null, found an integer");
    expect("{\"minimum\": 1, \"multipleOf\": 0.5}", "-0.25",
           "answer: expected at least 1, found -0.25\n"
           "answer: expected a multiple of 0.5, found -0.25");
    expect("{\"minLength\": 3, \"pattern\": \"^a\"}", "\"\xC3\xA9\"",
           "answer: expected at least 3 characters, found 1\n"
           "answer: expected text that matches /^a/, found \"\xC3\xA9\"");
    expect("{\"uniqueItems\": true, \"maxItems\": 1}", "[1, 2, 1.0]",
           "answer: expected at most 1 item, found 3\nanswer: items 0 and 2 are equal");
    expect("{\"const\": 1, \"writeOnly\": true, \"type\": \"string\"}", "\"hush\"",
           "answer: expected 1, found a string");
}

static void schema__the_alternative_that_was_meant_speaks(void **state)
{
    (void)state;
    expect("{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}", "[]",
           "answer: expected a string or null, found an array");
    static const char shapes[] =
        "{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"kind\": {\"const\": \"a\"}, \"n\": "
        "{\"type\": \"integer\"}}, \"required\": [\"kind\", \"n\"]}, {\"type\": \"object\", "
        "\"properties\": {\"kind\": {\"const\": \"b\"}}, \"required\": [\"kind\", \"x\", \"y\"]}]}";
    expect(shapes, "{\"kind\": \"a\", \"n\": \"1\"}",
           "answer /n: expected an integer, found a string");
    expect("{\"oneOf\": [{\"minimum\": 1}, {\"minimum\": 2}]}", "3",
           "answer: fits the alternatives 0 and 1, where only one may");
    expect("{\"not\": {\"type\": \"null\"}}", "null", "answer: is what `not` excludes");
}

static void schema__its_own_mistakes_have_pointers_too(void **state)
{
    (void)state;
    expect(
        "{\"properties\": {\"a\": {\"type\": \"strnig\"}, \"b\": {\"$ref\": \"#/$defs/none\"}, "
        "\"c\": {\"pattern\": \"a++\"}, \"d\": {\"minLength\": -1}}}",
        "1",
        "schema /properties/a/type: expected the name of a type, or a list of these\n"
        "schema /properties/b/$ref: '#/$defs/none' leads to no schema\n"
        "schema /properties/c/pattern: there is nothing to repeat at character 3 of the pattern\n"
        "schema /properties/d/minLength: expected an integer, not negative");
    expect("[]", "1", "schema: a schema is an object, true or false");
    expect("{\"$schema\": \"http://json-schema.org/draft-07/schema#\"}", "1",
           "schema /$schema: the dialect 'http://json-schema.org/draft-07/schema' is not known");
}

static void schema__circles_and_searches_end(void **state)
{
    (void)state;
    expect("{\"$ref\": \"#\"}", "1", "answer: the value, or the schema, is nested too deep");
    expect("{\"allOf\": [{\"$ref\": \"#\"}, {\"$ref\": \"#\"}]}", "1",
           "answer: the value, or the schema, is nested too deep");
    expect("{\"not\": {\"$ref\": \"#\"}}", "1",
           "answer: the value, or the schema, is nested too deep");
    expect("{\"pattern\": \"^(a+)+$\"}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
           "answer: a pattern takes too long");
}

static void found(const char *pattern, const char *text, enum pattern_found wanted)
{
    auto_err err = ERR_INIT;
    struct pattern *p = pattern_new(str_of(pattern), &err);
    if (!p)
        fail_msg("%s: %.*s", pattern, STR_ARG(err.message));
    assert_int_equal(pattern_search(p, str_of(text)), wanted);
    pattern_free(p);
}

static void pattern__reads_what_ecmascript_reads(void **state)
{
    (void)state;
    found("^\\d+$", "12", PATTERN_YES);
    found("^\\d+$", "12\n", PATTERN_NO);
    found("^\\d$", "\xE0\xA7\xAA", PATTERN_NO); /* Bengali four */
    found("^\\s$", "\xC2\xA0", PATTERN_YES);
    found("^[\\S]$", "\xE2\x80\xA8", PATTERN_NO);
    found("^.$", "\xF0\x9F\x98\x80", PATTERN_YES);
    found("^\\uD83D\\uDE00$", "\xF0\x9F\x98\x80", PATTERN_YES);
    found("^\\p{Letter}\\u{e9}[[]$", "\xC3\xA9\xC3\xA9[", PATTERN_YES);
    found("a|[]", "b", PATTERN_NO);
    static const char *const refused[] = {"\\Z",   "\\a", "a++", "(?i)a", "(*FAIL)",
                                          "(?>a)", "[a",  "(a",  "\\u12", "\\"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        auto_err err = ERR_INIT;
        assert_null(pattern_new(str_of(refused[i]), &err));
        assert_string_equal(err.code, "invalid_pattern");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema__every_violation_has_its_pointer),
        cmocka_unit_test(schema__the_alternative_that_was_meant_speaks),
        cmocka_unit_test(schema__its_own_mistakes_have_pointers_too),
        cmocka_unit_test(schema__circles_and_searches_end),
        cmocka_unit_test(pattern__reads_what_ecmascript_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
