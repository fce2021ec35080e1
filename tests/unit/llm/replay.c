/* What was recorded answers again, once and to the same request only. */
#include "llm/llm_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void told(void *data, const struct llm_event *e)
{
    buf_addf(data, "[%.*s]", STR_ARG(e->text));
}

static void done(void *data, const struct llm_answer *a, struct err *err)
{
    assert_null(err);
    llm_answer_text(a, data);
    buf_addf(data, " %s %lld", llm_stop_name(a->stop), (long long)a->usage.output);
}

static void replay__answers_once_and_to_the_same_request_only(void **state)
{
    (void)state;
    struct llm_client client = {.name = STR("anthropic/x"),
                                .wire = &llm_anthropic,
                                .model = STR("m"),
                                .key_name = STR("ANTHROPIC_API_KEY")};
    json_t *messages = json_pack("[{s:s, s:[{s:s, s:s}]}]", "role", "user", "content", "type",
                                 "text", "text", "q");
    struct llm_request q = {.messages = messages};
    struct llm_answer a = {.content = json_pack("[{s:s, s:s}]", "type", "text", "text", "hello"),
                           .stop = LLM_STOP_END,
                           .usage = {.output = 5},
                           .model = STR("m")};
    json_t *record = json_pack("{s:[o]}", "calls", llm_record_call(&client, &q, &a, NULL));
    auto_free char *text = json_dumps(record, JSON_COMPACT);
    assert_null(strstr(text, "ANTHROPIC_API_KEY"));
    uv_loop_t loop;
    auto_buf got = BUF(1000);
    auto_err err = ERR_INIT;
    struct llm_listener l = {told, done, &got};
    uv_loop_init(&loop);
    struct llm *llm = llm_new(&loop);
    llm_replay(llm, record);
    q.system = STR("another");
    assert_null(llm_start(llm, &client, STR(""), &q, NULL, &l, &err));
    assert_string_equal(err.code, "llm_replay_diverged");
    q.system = STR("");
    assert_non_null(llm_start(llm, &client, STR(""), &q, NULL, &l, &err));
    assert_int_equal(got.n, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(buf_c(&got), "[hello]hello end 5");
    err_reset(&err);
    assert_null(llm_start(llm, &client, STR(""), &q, NULL, &l, &err));
    assert_string_equal(err.code, "llm_replay_diverged");
    llm_free(llm);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    json_decref(record);
    json_decref(a.content);
    json_decref(messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay__answers_once_and_to_the_same_request_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
