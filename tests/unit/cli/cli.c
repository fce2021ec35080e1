#include "base/fd.h"
#include "cli/command.h"
#include "cli/event_shape.h"
#include "cli/screen.h"
#include "cli/secrets.h"
#include "cli/shapes.h"
#include "json/json.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

/* ---- options ---- */

static int nothing(struct cli *c)
{
    (void)c;
    return 0;
}

static const struct command sample = {
    .name = "sample",
    .args = "NAME",
    .min = 1,
    .max = 2,
    .summary = "a sample",
    .example = "plue sample x",
    .options = (const struct cli_option[]){{"input", "NAME=VALUE", "an input"},
                                           {"limit", "N", "how many"},
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = nothing,
};

struct parsed {
    struct cli cli;
    bool ok, help;
    struct err err;
};

static struct parsed parse(int n, const char *const *words)
{
    struct parsed p = {.cli = {.command = &sample}};
    p.ok = cli_parse(&p.cli, n, (char **)(uintptr_t)words, &p.help, &p.err);
    return p;
}

static void parsed_done(struct parsed *p)
{
    vec_done(&p->cli.args);
    vec_done(&p->cli.given);
    err_done(&p->err);
}
#define PARSE(...)                                                       \
    parse((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), \
          (const char *const[]){__VA_ARGS__})

static void options__are_taken_in_all_their_forms(void **state)
{
    cleanup(parsed_done) struct parsed p =
        PARSE("one", "--input", "a=1", "--input=b=2=3", "--json", "--", "--two");
    (void)state;
    assert_true(p.ok);
    assert_true(p.cli.json);
    assert_int_equal(p.cli.args.n, 2);
    assert_string_equal(p.cli.args.at[1], "--two");
    assert_int_equal(p.cli.given.n, 3);
    assert_string_equal(p.cli.given.at[0].value, "a=1");
    assert_string_equal(cli_value(&p.cli, "input"), "b=2=3");
    assert_null(cli_value(&p.cli, "limit"));
}

static void expect_usage(struct parsed *p, const char *code, const char *hint_part)
{
    assert_false(p->ok);
    assert_string_equal(p->err.code, code);
    assert_true(str_has(p->err.hint, str_of(hint_part)));
    parsed_done(p);
}

static void options__that_are_wrong_are_named(void **state)
{
    struct parsed p = PARSE("x", "--inptu", "a=1");
    (void)state;
    expect_usage(&p, "unknown_option", "--input");
    p = PARSE("x", "-q");
    expect_usage(&p, "unknown_option", "--help");
    p = PARSE("x", "--input");
    expect_usage(&p, "invalid_option", "");
    p = PARSE("x", "--json=yes");
    expect_usage(&p, "invalid_option", "");
    p = PARSE("--json");
    expect_usage(&p, "missing_argument", "plue sample x");
    p = PARSE("a", "b", "c");
    expect_usage(&p, "unexpected_argument", "usage: plue sample NAME");
}

static void options__numbers_are_positive(void **state)
{
    static const char *const wrong[] = {"0", "-1", "x", "", "99999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cleanup(parsed_done) struct parsed p = PARSE("x", "--limit", wrong[i]);
        int64_t n;
        assert_true(p.ok);
        assert_false(cli_number(&p.cli, "limit", 5, &n, &p.err));
    }
}

static void options__help_needs_no_arguments(void **state)
{
    cleanup(parsed_done) struct parsed p = PARSE("--help");
    (void)state;
    assert_true(p.ok && p.help);
}

static void help__names_every_option_and_an_example_of_every_command(void **state)
{
    (void)state;
    for (const struct command *const *m = cli_commands; *m; m++) {
        auto_buf b = BUF(1 << 20);
        cli_add_help(&b, *m);
        for (const struct cli_option *o = (*m)->options; o && o->name; o++) {
            char option[64];
            snprintf(option, sizeof option, " --%s ", o->name);
            assert_true(str_has(buf_str(&b), str_of(option)));
            assert_true(strlen(o->doc) > 0);
        }
        if ((*m)->run)
            assert_true(str_has(buf_str(&b), STR("\nExample:\n  plue ")));
        else
            assert_true(str_has(buf_str(&b), STR("not part of this version")));
    }
}

static void errors__have_the_exit_status_of_their_kind(void **state)
{
    (void)state;
    assert_int_equal(cli_status_of("database_newer"), CLI_SYSTEM);
    assert_int_equal(cli_status_of("sandbox_unavailable"), CLI_SYSTEM);
    assert_int_equal(cli_status_of("sandbox_unknown"), CLI_USAGE);
    assert_int_equal(cli_status_of("invalid_json"), CLI_USAGE);
}

/* ---- screen ---- */

static void expect_screen(const char *text, size_t width, bool colors, const char *expected,
                          size_t columns)
{
    auto_buf b = BUF(1 << 16);
    assert_int_equal(screen_add(&b, str_of(text), width, colors), columns);
    assert_string_equal(buf_c(&b), expected);
}

static void screen__text_cannot_take_over_the_terminal(void **state)
{
    (void)state;
    expect_screen("a\x1b[2Jb\rc\a", 80, true, "abc", 3);
    expect_screen("\x1b]0;title\ax", 80, true, "x", 1);
    expect_screen("\x1b]0;never ended", 80, true, "", 0);
    expect_screen("x\x1b", 80, true, "x", 1);
    expect_screen("\xe2\x80\xaeright", 80, true, "right", 5); /* a directional override */
    expect_screen("\xc2\x9b"
                  "2J",
                  80, true, "2J", 2); /* CSI as one character */
}

static void screen__keeps_colors_where_they_are_wanted_and_ends_them(void **state)
{
    (void)state;
    expect_screen("\x1b[1;31mred", 80, true, "\x1b[1;31mred\x1b[0m", 3);
    expect_screen("\x1b[1;31mred", 80, false, "red", 3);
}

static void screen__cuts_at_columns_not_bytes(void **state)
{
    (void)state;
    expect_screen("h\xc3\xa9llo", 2, false, "h\xc3\xa9", 2);
    expect_screen("\xe4\xb8\xad\xe6\x96\x87", 3, false, "\xe4\xb8\xad", 2);
    expect_screen("a\tb", 80, false, "a       b", 9);
}

/* ---- secrets ---- */

static void write_secrets(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    close(fd);
}

static void secrets__come_from_the_environment_and_the_file_which_wins(void **state)
{
    char path[] = "/tmp/plue-secrets-XXXXXX";
    struct cli c = {0};
    cleanup(secrets_done) struct secrets s;
    auto_err e = ERR_INIT;
    str value;
    (void)state;
    write_secrets(path, "# a comment\n\nA=from file\r\nB= x=y \n");
    setenv("PLUE_SECRET_A", "from environment", 1);
    setenv("PLUE_SECRET_C", "c", 1);
    assert_true(secrets_open(&c, path, &s, &e));
    unlink(path);
    assert_int_equal(s.names.n, 3);
    assert_true(secrets_find(&s, STR("A"), &value) && str_is(value, "from file"));
    assert_true(secrets_find(&s, STR("B"), &value) && str_is(value, " x=y "));
    assert_true(secrets_find(&s, STR("C"), &value) && str_is(value, "c"));
    assert_false(secrets_find(&s, STR("D"), &value));
}

static void secrets__a_wrong_line_has_its_place_and_not_its_value(void **state)
{
    char path[] = "/tmp/plue-secrets-XXXXXX";
    struct cli c = {0};
    cleanup(secrets_done) struct secrets s;
    auto_err e = ERR_INIT;
    (void)state;
    write_secrets(path, "A=1\nhunter2\n");
    assert_false(secrets_open(&c, path, &s, &e));
    unlink(path);
    assert_string_equal(e.code, "invalid_secret_file");
    assert_int_equal(e.line, 2);
    assert_false(str_has(e.message, STR("hunter2")));
}

/* ---- events and shapes ---- */

static void events__of_unknown_types_and_shapes_are_refused(void **state)
{
    static const struct {
        const char *event, *message_part;
    } wrong[] = {
        {"[]", "JSON object"},
        {"{}", "\"type\""},
        {"{\"type\": \"psh\"}", "'psh'"},
        {"{\"type\": \"push\", \"ref\": 1}", "\"ref\""},
        {"{\"type\": \"issues\", \"issue\": \"x\"}", "\"issue\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        auto_err e = ERR_INIT;
        json_t *event = json_loads(wrong[i].event, 0, NULL);
        assert_false(event_check_shape(event, STR("e.json"), &e));
        assert_string_equal(e.code, "invalid_event");
        assert_true(str_has(e.message, str_of(wrong[i].message_part)));
        assert_true(str_is(e.file, "e.json"));
        json_decref(event);
    }
}

static void shapes__of_a_run_have_every_key_in_order(void **state)
{
    auto_buf b = BUF(1 << 16);
    struct json_writer w = JSON_WRITER(&b, false);
    struct store_step step = {.key = {.step_id = STR("a"), .try = 2},
                              .name = STR("A"),
                              .status = STEP_FAILED,
                              .outcome = OUTCOME_FAILED,
                              .conclusion = CONCLUSION_FAILED,
                              .reason = {REASON_EXIT_CODE, STR("")},
                              .has_exit_code = true,
                              .exit_code = 3,
                              .started_at = 1000,
                              .completed_at = 1250,
                              .output =
                                  STR("{\"env\": [], \"summary\": \"# 3 \\\"of\\\" 4\", \"cache\": "
                                      "{\"key\": \"k\", \"found\": null}}")};
    (void)state;
    shape_put_step(&w, &step, NULL);
    assert_string_equal(
        buf_c(&b),
        "{\"id\": \"a\", \"name\": \"A\", \"type\": \"shell\", \"status\": \"failed\", \"outcome\": "
        "\"failed\", \"conclusion\": \"failed\", \"reason\": {\"code\": \"exit_code\", \"text\": "
        "\"the command ended with a failure status\"}, \"exit_code\": 3, \"depends_on\": [], "
        "\"attempts\": 2, \"started_at\": \"1970-01-01T00:00:01.000Z\", \"completed_at\": "
        "\"1970-01-01T00:00:01.250Z\", \"duration_ms\": 250, \"outputs\": {}, \"output\": null, "
        "\"error\": null, \"turns\": null, \"usage\": null, \"parent\": null, \"config\": {}, "
        "\"summary\": \"# 3 \\\"of\\\" 4\", \"artifacts\": [], \"cache\": {\"key\": \"k\", \"found\": null}, "
        "\"log_bytes\": 0}");
    buf_reset(&b);
    w = JSON_WRITER(&b, false);
    step.output = STR("");
    shape_put_step(&w, &step, NULL);
    assert_true(
        str_has(buf_str(&b), STR("\"summary\": null, \"artifacts\": [], \"cache\": null,")));
    buf_reset(&b);
    w = JSON_WRITER(&b, false);
    struct store_run run = {.id = 4, .workflow = STR("ci"), .status = RUN_QUEUED, .attempt = 1};
    shape_put_run(&w, &run, &step, 0, &(struct shape_kept){.queue_position = 2});
    assert_string_equal(
        buf_c(&b),
        "{\"id\": 4, \"workflow\": \"ci\", \"status\": \"queued\", \"conclusion\": null, \"reason\": "
        "null, \"trigger\": null, \"event\": null, \"ref\": null, \"sha\": null, \"inputs\": {}, "
        "\"outputs\": null, \"error\": null, \"created_at\": null, \"started_at\": null, "
        "\"completed_at\": null, \"duration_ms\": null, \"attempt\": 1, \"plan_hash\": null, "
        "\"steps\": [], \"usage\": {\"input_tokens\": 0, \"output_tokens\": 0, \"cost_usd\": 0.0}, "
        "\"artifacts\": [], \"approvals\": [], \"queue_position\": 2, \"repository\": null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__are_taken_in_all_their_forms),
        cmocka_unit_test(options__that_are_wrong_are_named),
        cmocka_unit_test(options__numbers_are_positive),
        cmocka_unit_test(options__help_needs_no_arguments),
        cmocka_unit_test(help__names_every_option_and_an_example_of_every_command),
        cmocka_unit_test(errors__have_the_exit_status_of_their_kind),
        cmocka_unit_test(screen__text_cannot_take_over_the_terminal),
        cmocka_unit_test(screen__keeps_colors_where_they_are_wanted_and_ends_them),
        cmocka_unit_test(screen__cuts_at_columns_not_bytes),
        cmocka_unit_test(secrets__come_from_the_environment_and_the_file_which_wins),
        cmocka_unit_test(secrets__a_wrong_line_has_its_place_and_not_its_value),
        cmocka_unit_test(events__of_unknown_types_and_shapes_are_refused),
        cmocka_unit_test(shapes__of_a_run_have_every_key_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
