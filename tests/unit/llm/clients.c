/* Names of models: built-in ones, aliases, prices, and what a configuration may not say. */
#include "llm/llm_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char config[] =
    "default_client: fast\n"
    "clients:\n"
    "  fast: {provider: anthropic, model: claude-haiku, prices: {input: 2, output: 4}}\n"
    "  local: {model: ollama/llama3, base_url: http://box:1/v1}\n"
    "  gate: {model: openai/own, key: GATE_KEY}\n"
    "  old: {model: anthropic/claude-haiku, structured: tool}\n"
    "  new: {model: anthropic/own, structured: native}\n"
    "  plain: {model: ollama/own, structured: tool}\n";

static void clients__are_found_by_path_and_by_alias(void **state)
{
    (void)state;
    struct llm_clients c;
    struct llm_client x;
    struct err_list errors = {0};
    auto_err err = ERR_INIT;
    unsetenv("ANTHROPIC_BASE_URL");
    unsetenv("OPENAI_BASE_URL");
    assert_true(llm_clients_init(&c, str_of(config), STR("config.yaml"), &errors));
    assert_true(llm_clients_find(&c, STR(""), &x, &err));
    assert_true(x.wire == &llm_anthropic && str_is(x.key_name, "ANTHROPIC_API_KEY"));
    assert_true(str_starts(x.model, STR("claude-haiku-")) && x.prices.input == 2);
    struct llm_usage u = {.input = 1000000, .output = 500000};
    assert_true(llm_cost(&x, &u) == 4);
    assert_true(llm_clients_find(&c, STR("local"), &x, &err));
    assert_true(x.wire == &llm_openai && str_is(x.base_url, "http://box:1/v1") && !x.key_name.n);
    assert_true(llm_cost(&x, &u) < 0);
    assert_true(llm_clients_find(&c, STR("gate"), &x, &err));
    assert_true(str_is(x.model, "own") && str_is(x.key_name, "GATE_KEY"));
    assert_true(llm_clients_find(&c, STR("openrouter/a/b"), &x, &err));
    assert_true(str_is(x.model, "a/b"));
    assert_false(llm_clients_find(&c, STR("fasst"), &x, &err));
    assert_string_equal(err.code, "llm_unknown_client");
    assert_true(str_is(err.hint, "did you mean 'fast'?"));
    llm_clients_done(&c);
    err_list_done(&errors);
}

static void clients__say_how_answers_are_held_to_their_schemas(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum llm_structured structured;
    } rows[] = {{"anthropic/claude-haiku", LLM_STRUCTURED_NATIVE},
                {"fast", LLM_STRUCTURED_NATIVE},
                {"anthropic/own", LLM_STRUCTURED_TOOL},
                {"old", LLM_STRUCTURED_TOOL},
                {"new", LLM_STRUCTURED_NATIVE},
                {"openai/own", LLM_STRUCTURED_NATIVE},
                {"plain", LLM_STRUCTURED_TOOL}};
    struct llm_clients c;
    struct err_list errors = {0};
    assert_true(llm_clients_init(&c, str_of(config), STR("config.yaml"), &errors));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct llm_client x;
        auto_err err = ERR_INIT;
        assert_true(llm_clients_find(&c, str_of(rows[i].name), &x, &err));
        assert_int_equal(x.structured, rows[i].structured);
    }
    llm_clients_done(&c);
    err_list_done(&errors);
}

static void clients__refuse_what_a_configuration_may_not_say(void **state)
{
    (void)state;
    static const char *const bad[] = {"clients: 3\n",
                                      "clients: {a: {modle: x}}\n",
                                      "clients: {a: {}}\n",
                                      "clients: {a: {model: [x]}}\n",
                                      "unknown: 1\n",
                                      "clients: {a: 1}\n",
                                      "clients: {a: {model: x, prices: {input: -1}}}\n",
                                      "clients: {a: {model: x, structured: maybe}}\n",
                                      "a: [\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct llm_clients c;
        struct err_list errors = {0};
        assert_false(llm_clients_init(&c, str_of(bad[i]), STR("config.yaml"), &errors));
        assert_true(errors.n > 0 && str_is(errors.at[0].file, "config.yaml") &&
                    errors.at[0].line > 0);
        llm_clients_done(&c);
        err_list_done(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients__are_found_by_path_and_by_alias),
        cmocka_unit_test(clients__say_how_answers_are_held_to_their_schemas),
        cmocka_unit_test(clients__refuse_what_a_configuration_may_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
