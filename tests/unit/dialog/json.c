/* JSON as models write it. */
#include "dialog/dialog.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *text, *json; /* json: NULL where there is none */
} rows[] = {
    {"{\"a\": 1}", "{\"a\":1}"},
    {"  [1, 2]\n", "[1,2]"},
    {"12", "12"},
    {"\"text\"", "\"text\""},
    {"```json\n{\"a\": 1}\n```", "{\"a\":1}"},
    {"Here it is:\n```\n{\"a\": [1, 2,],}\n```\nGood luck!", "{\"a\":[1,2]}"},
    {"{\"a\": \"},]\", \"b\": \"\\\"{\",\n}", "{\"a\":\"},]\",\"b\":\"\\\"{\"}"},
    {"As {x} says [sic]: {\"a\": 1}", "{\"a\":1}"},
    {"{\"a\": 1} and {\"a\": 2}", "{\"a\":1}"},
    {"{\"a\": 1", NULL},
    {"I cannot do that.", NULL},
    {"", NULL},
    {"{{{{{{{{", NULL},
    {"}}]]", NULL},
};

static void dialog_read_json__finds_the_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_err err = ERR_INIT;
        json_t *j = dialog_read_json(str_of(rows[i].text), &err);
        auto_free char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        assert_string_equal(text ? text : err.code, rows[i].json ? rows[i].json : "llm_no_json");
        json_decref(j);
    }
}

/* Work is bounded, whatever a model writes. */
static void dialog_read_json__gives_up_on_brackets_without_end(void **state)
{
    (void)state;
    auto_buf b = BUF(4 << 20);
    auto_err err = ERR_INIT;
    buf_add_repeat(&b, '[', 1 << 20);
    assert_null(dialog_read_json(buf_str(&b), &err));
    assert_string_equal(err.code, "llm_no_json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialog_read_json__finds_the_value),
        cmocka_unit_test(dialog_read_json__gives_up_on_brackets_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
