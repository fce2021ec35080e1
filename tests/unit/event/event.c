#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/command.h"
#include "event/event.h"

static void assert_json(struct event e, const char *want)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    event_add_json(&b, &e);
    assert_string_equal(buf_c(&b), want);
}

static void event__json_has_common_fields_first(void **state)
{
    (void)state;
    assert_json((struct event){.run_id = 7,
                               .seq = 3,
                               .time_ms = 1767225600123,
                               .type = EVENT_STEP_STARTED,
                               .step_id = STR("run-\"a\""),
                               .data = STR("{\"name\": \"a\", \"attempt\": 1}")},
                "{\"run_id\": 7, \"seq\": 3, \"time\": \"2026-01-01T00:00:00.123Z\", "
                "\"type\": \"step_started\", \"step_id\": \"run-\\\"a\\\"\", "
                "\"name\": \"a\", \"attempt\": 1}");
}

static void event__json_without_step_or_data_has_neither(void **state)
{
    static const str empty[] = {STR_INIT("{}"), STR_INIT(""), STR_INIT(" { } ")};
    (void)state;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_json(
            (struct event){.run_id = 1, .seq = 1, .type = EVENT_RUN_STARTED, .data = empty[i]},
            "{\"run_id\": 1, \"seq\": 1, \"time\": \"1970-01-01T00:00:00.000Z\", "
            "\"type\": \"run_started\"}");
}

static void event__line_data_escapes_the_line(void **state)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    (void)state;
    struct log_line line = {.stream = LOG_STDERR, .text = STR("a\"b\\c\t\x1b[31m\xc3\xa9")};
    struct event e = {.run_id = 1, .seq = 2, .type = EVENT_STEP_OUTPUT, .line = &line};
    event_add_data(&b, &e);
    assert_string_equal(buf_c(&b), "{\"stream\": \"stderr\", \"line\": "
                                   "\"a\\\"b\\\\c\\t\\u001b[31m\xc3\xa9\"}");
    assert_json(e, "{\"run_id\": 1, \"seq\": 2, \"time\": \"1970-01-01T00:00:00.000Z\", "
                   "\"type\": \"step_output\", \"stream\": \"stderr\", \"line\": "
                   "\"a\\\"b\\\\c\\t\\u001b[31m\xc3\xa9\"}");
}

static void event__every_word_reads_back(void **state)
{
    enum event_type t;
    enum log_stream s;
    (void)state;
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        assert_true(event_type_parse(str_of(event_type_name((enum event_type)i)), &t));
        assert_int_equal(t, i);
    }
    for (int i = 0; i < LOG_STREAM_COUNT; i++) {
        assert_true(log_stream_parse(str_of(log_stream_name((enum log_stream)i)), &s));
        assert_int_equal(s, i);
    }
    assert_false(event_type_parse(STR("step_outputs"), &t));
    assert_false(log_stream_parse(STR(""), &s));
}

#define ROUND_TRIP(type, prefix, first, count)                                  \
    do {                                                                        \
        type got_;                                                              \
        for (int i = (first); i < (count); i++) {                               \
            assert_true(prefix##_parse(str_of(prefix##_name((type)i)), &got_)); \
            assert_int_equal(got_, i);                                          \
        }                                                                       \
        assert_false(prefix##_parse(STR("nothing"), &got_));                    \
    } while (0)

static void states__every_word_reads_back(void **state)
{
    (void)state;
    ROUND_TRIP(enum run_status, run_status, 0, RUN_STATUS_COUNT);
    ROUND_TRIP(enum step_status, step_status, 0, STEP_STATUS_COUNT);
    ROUND_TRIP(enum outcome, outcome, OUTCOME_SUCCESS, OUTCOME_COUNT);
    ROUND_TRIP(enum conclusion, conclusion, CONCLUSION_SUCCESS, CONCLUSION_COUNT);
    ROUND_TRIP(enum step_type, step_type, 0, STEP_TYPE_COUNT);
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        enum reason got;
        assert_true(reason_parse(str_of(reason_code((enum reason)i)), &got));
        assert_int_equal(got, i);
        assert_true(*reason_sentence((enum reason)i));
    }
    assert_null(outcome_name(OUTCOME_NONE));
    assert_null(conclusion_name(CONCLUSION_NONE));
    assert_null(reason_code(REASON_NONE));
}

/* "kind properties|message" of each line. */
static void assert_commands(const char *lines, const char *wanted)
{
    static const char *const kinds[] = {"-",      "group", "endgroup", "error", "warning",
                                        "notice", "debug", "add-mask", "stop",  "resume"};
    struct log_commands commands = {0};
    auto_buf got = BUF(4096);
    str rest = str_of(lines), line;
    while (str_next(&rest, '\n', &line)) {
        struct log_command c = log_commands_read(&commands, line);
        buf_addf(&got, "%s %.*s|", kinds[c.kind], STR_ARG(c.properties));
        log_command_add_message(&got, &c);
        buf_add_byte(&got, '\n');
    }
    assert_string_equal(buf_c(&got), wanted);
}

static void command__is_read_as_githubs_runner_reads_it(void **state)
{
    (void)state;
    assert_commands(
        "::group::A title\n::endgroup::\n  ::error file=a.c,line=3::wrong%0Ahere: 100%25\n"
        "::warning::w\n::notice title=T::n\n::debug::d\n::add-mask::secret",
        "group |A title\nendgroup |\nerror file=a.c,line=3|wrong\nhere: 100%\n"
        "warning |w\nnotice title=T|n\ndebug |d\nadd-mask |secret\n");
}

static void command__lookalikes_are_lines(void **state)
{
    (void)state;
    assert_commands(":: group::x\n::unknown::x\n::group\nx ::error::y\n:\n",
                    "- |\n- |\n- |\n- |\n- |\n");
}

static void command__none_is_read_between_stop_and_its_token(void **state)
{
    (void)state;
    assert_commands("::stop-commands::tok\n::error::x\n::other::\n::tok::\n::error::y",
                    "stop |tok\n- |\n- |\nresume |\nerror |y\n");
}

static void command__names_have_no_case(void **state)
{
    (void)state;
    assert_commands("::GROUP::x\n::Add-Mask::s\n##[Error]e\n::STOP-commands::Tok\n::tOK::",
                    "group |x\nadd-mask |s\nerror |e\nstop |Tok\nresume |\n");
}

static void command__only_messages_escapes_are_undone_in_messages(void **state)
{
    (void)state;
    assert_commands("::error::%250A %0D|%0a|%3A%2C%3B%5D|%\n##[error]%250A %3A%2C%3B%5D",
                    "error |%0A \r|%0a|%3A%2C%3B%5D|%\nerror |%0A %3A%2C;]\n");
}

static void command__the_older_form_stands_anywhere(void **state)
{
    (void)state;
    assert_commands(
        "at 10:00 ##[error file=a.c;line=3]broken\n##[group]G\n##[endgroup]\n##[other]x\n"
        "##[error\n::unknown::x ##[add-mask]secret\n##[stop-commands]t\n##[error]no\nx ##[t]",
        "error file=a.c;line=3|broken\ngroup |G\nendgroup |\n- |\n"
        "- |\nadd-mask |secret\nstop |t\n- |\nresume |\n");
}

static void command__a_stop_s_token_is_no_word_of_usual_output(void **state)
{
    (void)state;
    assert_commands("::stop-commands::\n::stop-commands::Error\n::stop-commands::pause-logging\n"
                    "::notice::read\n::stop-commands::t\n::t and::more\n::notice::read",
                    "- |\n- |\n- |\nnotice |read\nstop |t\nresume |\nnotice |read\n");
}

static void assert_property(const struct log_command *c, const char *name, const char *wanted)
{
    auto_buf got = BUF(100);
    assert_int_equal(log_command_add_property(&got, c, name), *wanted != '\0');
    assert_string_equal(buf_c(&got), wanted);
}

static void command__property_is_found_by_its_name(void **state)
{
    (void)state;
    struct log_command c = {.properties =
                                STR("file=a%3Ab%2C%3B.c,line=3,LINE=4,,title=,col, endLine=9")};
    assert_property(&c, "file", "a:b,%3B.c");
    assert_property(&c, "line", "4"); /* the last one counts */
    assert_property(&c, "title", "");
    assert_property(&c, "col", "");
    assert_property(&c, "endLine", ""); /* " endLine" is another name */
    c = (struct log_command){.is_old = true, .properties = STR("file=a%3Bb,c;line=3")};
    assert_property(&c, "file", "a;b,c");
    assert_property(&c, "line", "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event__json_has_common_fields_first),
        cmocka_unit_test(event__json_without_step_or_data_has_neither),
        cmocka_unit_test(event__line_data_escapes_the_line),
        cmocka_unit_test(event__every_word_reads_back),
        cmocka_unit_test(states__every_word_reads_back),
        cmocka_unit_test(command__is_read_as_githubs_runner_reads_it),
        cmocka_unit_test(command__lookalikes_are_lines),
        cmocka_unit_test(command__none_is_read_between_stop_and_its_token),
        cmocka_unit_test(command__names_have_no_case),
        cmocka_unit_test(command__only_messages_escapes_are_undone_in_messages),
        cmocka_unit_test(command__the_older_form_stands_anywhere),
        cmocka_unit_test(command__a_stop_s_token_is_no_word_of_usual_output),
        cmocka_unit_test(command__property_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
