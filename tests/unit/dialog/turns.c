/* Turns: repeated calls are counted, old results are trimmed, what the rest says stays. */
#include "dialog/dialog_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static json_t *conversation(int turns, size_t bytes)
{
    auto_buf text = BUF(1 << 20);
    json_t *messages = json_array();
    buf_add_repeat(&text, 'x', bytes);
    json_array_append_new(messages, json_pack("{s:s, s:[{s:s, s:s}]}", "role", "user", "content",
                                              "type", "text", "text", buf_c(&text)));
    for (int i = 0; i < turns; i++) {
        json_array_append_new(messages, json_pack("{s:s, s:[{s:s, s:s}]}", "role", "assistant",
                                                  "content", "type", "tool_use", "id", "a"));
        json_array_append_new(messages, json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "role", "user",
                                                  "content", "type", "tool_result", "tool_use_id",
                                                  "a", "content", buf_c(&text)));
    }
    return messages;
}

static size_t content_size(json_t *messages, size_t i, const char *key)
{
    json_t *block = json_array_get(json_object_get(json_array_get(messages, i), "content"), 0);
    return json_string_length(json_object_get(block, key));
}

static void turns_trim__takes_the_oldest_results_first(void **state)
{
    enum { TURNS = 10, BYTES = 1000 };
    json_t *messages = conversation(TURNS, BYTES);
    (void)state;
    size_t left = turns_trim(messages, (TURNS + 1) * BYTES, (TURNS - 1) * BYTES);
    assert_true(left <= (TURNS - 1) * BYTES);
    assert_int_equal(content_size(messages, 0, "text"), BYTES);
    for (size_t i = 0; i < TURNS; i++)
        assert_int_equal(content_size(messages, 2 + 2 * i, "content") < BYTES, i < 3);
    json_decref(messages);
}

static void turns_trim__never_takes_those_of_the_last_turns(void **state)
{
    enum { TURNS = 10, BYTES = 1000 };
    json_t *messages = conversation(TURNS, BYTES);
    (void)state;
    size_t left = turns_trim(messages, (TURNS + 1) * BYTES, 0);
    assert_true(left >= DIALOG_TURNS_KEPT * BYTES);
    for (size_t i = 0; i < TURNS; i++)
        assert_int_equal(content_size(messages, 2 + 2 * i, "content") < BYTES,
                         i < TURNS - DIALOG_TURNS_KEPT);
    json_decref(messages);
}

static int repeats(const char *calls, char **last, int before)
{
    json_t *j = json_loads(calls, 0, NULL);
    int n = turns_repeats(j, last, before);
    json_decref(j);
    return n;
}

static void turns_repeats__compares_names_and_arguments_and_no_ids(void **state)
{
    auto_free char *last = NULL;
    (void)state;
    int n =
        repeats("[{\"id\": \"1\", \"name\": \"a\", \"input\": {\"x\": 1, \"y\": 2}}]", &last, 0);
    assert_int_equal(n, 1);
    n = repeats("[{\"id\": \"2\", \"name\": \"a\", \"input\": {\"y\": 2, \"x\": 1}}]", &last, n);
    assert_int_equal(n, 2);
    n = repeats("[{\"id\": \"2\", \"name\": \"a\", \"input\": {\"y\": 3, \"x\": 1}}]", &last, n);
    assert_int_equal(n, 1);
    n = repeats("[{\"name\": \"b\", \"input\": {\"y\": 3, \"x\": 1}}]", &last, n);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_trim__takes_the_oldest_results_first),
        cmocka_unit_test(turns_trim__never_takes_those_of_the_last_turns),
        cmocka_unit_test(turns_repeats__compares_names_and_arguments_and_no_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
