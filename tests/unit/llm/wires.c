/* Both protocols: what a request looks like, and what their events come to. */
#include "llm/llm_int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *what;
    const char *const *events; /* ends with NULL */
    const char *content;       /* "code" of the error where there is none */
    enum llm_stop stop;
    struct llm_usage usage;
};
#define EVENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define A_START \
    "{'type':'message_start','message':{'id':'m','model':'x','usage':{'input_tokens':7,'cache_read_input_tokens':3,'output_tokens':1}}}"
#define A_END(why)                                                                            \
    "{'type':'message_delta','delta':{'stop_reason':'" why "'},'usage':{'output_tokens':9}}", \
        "{'type':'message_stop'}"
#define A_BLOCK(i, block) "{'type':'content_block_start','index':" i ",'content_block':{" block "}}"
#define A_DELTA(i, delta) "{'type':'content_block_delta','index':" i ",'delta':{" delta "}}"
#define O_DELTA(delta) \
    "{'id':'c','model':'x','choices':[{'index':0,'delta':{" delta "},'finish_reason':null}]}"
#define O_END(why) "{'choices':[{'index':0,'delta':{},'finish_reason':'" why "'}]}"
#define O_USAGE                                                                                                      \
    "{'choices':[],'usage':{'prompt_tokens':10,'completion_tokens':9,'prompt_tokens_details':{'cached_tokens':3}}}", \
        "[DONE]"
/* Of every whole answer below. */
#define USAGE                                    \
    {                                            \
        .input = 7, .output = 9, .cache_read = 3 \
    }

static void check(const struct llm_wire *wire, const struct row *row, bool output)
{
    struct llm_listener none = {0};
    struct answer_reader r = {.listener = &none, .wants_output = output};
    auto_err err = ERR_INIT;
    bool ok = true;
    for (size_t i = 0; ok && row->events[i]; i++) {
        auto_free char *text = str_dup(str_of(row->events[i]));
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        ok = wire->read(&r, STR("message"), str_of(text), &err);
    }
    json_t *content = ok && r.ended && r.stopped ? reader_content(&r, &err) : NULL;
    auto_free char *text = content ? json_dumps(content, JSON_COMPACT) : NULL;
    for (char *c = text; c && *c; c++)
        *c = *c == '"' ? '\'' : *c;
    assert_string_equal(text ? text : err.code ? err.code : "unfinished", row->content);
    if (content) {
        assert_int_equal(r.stop, row->stop);
        assert_memory_equal(&r.usage, &row->usage, sizeof r.usage);
    }
    json_decref(content);
    reader_done(&r);
}

static const struct row anthropic[] = {
    {"text",
     EVENTS(A_START, A_BLOCK("0", "'type':'text','text':''"), "{'type':'ping'}",
            A_DELTA("0", "'type':'text_delta','text':'Hel'"),
            A_DELTA("0", "'type':'text_delta','text':'lo'"),
            "{'type':'content_block_stop','index':0}", A_END("end_turn")),
     "[{'type':'text','text':'Hello'}]", LLM_STOP_END, USAGE},
    {"thinking, carried through",
     EVENTS(A_START, A_BLOCK("0", "'type':'thinking','thinking':''"),
            A_DELTA("0", "'type':'thinking_delta','thinking':'hm'"),
            A_DELTA("0", "'type':'signature_delta','signature':'s1'"),
            A_BLOCK("1", "'type':'redacted_thinking','data':'xx'"),
            A_BLOCK("2", "'type':'new_thing'"), A_DELTA("2", "'type':'new_delta'"),
            A_BLOCK("3", "'type':'text','text':'a'"), A_END("pause_turn")),
     "[{'type':'thinking','thinking':'hm','signature':'s1'},{'type':'redacted_thinking','data':'xx'},{'type':'text','text':'a'}]",
     LLM_STOP_PAUSE, USAGE},
    {"two tools at once",
     EVENTS(A_START, A_BLOCK("0", "'type':'tool_use','id':'t1','name':'grep','input':{}"),
            A_DELTA("0", "'type':'input_json_delta','partial_json':'{\\'p\\':'"),
            A_DELTA("0", "'type':'input_json_delta','partial_json':'1}'"),
            A_BLOCK("1", "'type':'tool_use','id':'t2','name':'glob','input':{}"),
            A_END("tool_use")),
     "[{'type':'tool_use','id':'t1','name':'grep','input':{'p':1}},{'type':'tool_use','id':'t2','name':'glob','input':{}}]",
     LLM_STOP_TOOL_USE, USAGE},
    {"duplicate ids",
     EVENTS(A_START, A_BLOCK("0", "'type':'tool_use','id':'t1','name':'grep','input':{}"),
            A_BLOCK("1", "'type':'tool_use','id':'t1','name':'glob','input':{}"),
            A_END("tool_use")),
     "llm_bad_answer",
     0,
     {0}},
    {"duplicate places",
     EVENTS(A_START, A_BLOCK("0", "'type':'text','text':'a'"),
            A_BLOCK("0", "'type':'text','text':'b'")),
     "llm_bad_answer",
     0,
     {0}},
    {"arguments that are no object",
     EVENTS(A_START, A_BLOCK("0", "'type':'tool_use','id':'t1','name':'grep','input':{}"),
            A_DELTA("0", "'type':'input_json_delta','partial_json':'{'"), A_END("tool_use")),
     "llm_bad_answer",
     0,
     {0}},
    {"a tool call that the limit cut",
     EVENTS(A_START, A_BLOCK("0", "'type':'text','text':'a'"),
            A_BLOCK("1", "'type':'tool_use','id':'t1','name':'grep','input':{}"),
            A_DELTA("1", "'type':'input_json_delta','partial_json':'{'"), A_END("max_tokens")),
     "[{'type':'text','text':'a'}]", LLM_STOP_MAX_TOKENS, USAGE},
    {"a refusal", EVENTS(A_START, A_END("refusal")), "[]", LLM_STOP_REFUSAL, USAGE},
    {"an unknown reason", EVENTS(A_START, A_END("boredom")), "llm_bad_answer", 0, {0}},
    {"an error in the stream",
     EVENTS(A_START, "{'type':'error','error':{'type':'overloaded_error','message':'Overloaded'}}"),
     "llm_overloaded",
     0,
     {0}},
    {"an end that does not come",
     EVENTS(A_START, A_BLOCK("0", "'type':'text','text':'a'")),
     "unfinished",
     0,
     {0}},
    {"no JSON", EVENTS("{"), "llm_bad_answer", 0, {0}},
};

static const struct row openai[] = {
    {"text",
     EVENTS(O_DELTA("'role':'assistant','content':''"), O_DELTA("'content':'Hel'"),
            O_DELTA("'content':'lo'"), O_END("stop"), O_USAGE),
     "[{'type':'text','text':'Hello'}]", LLM_STOP_END, USAGE},
    {"two tools at once",
     EVENTS(
         O_DELTA("'tool_calls':[{'index':0,'id':'t1','function':{'name':'grep','arguments':''}}]"),
         O_DELTA("'tool_calls':[{'index':0,'function':{'arguments':'{\\'p\\':'}}]"),
         O_DELTA(
             "'tool_calls':[{'index':1,'id':'t2','function':{'name':'glob','arguments':'{}'}},{'index':0,'function':{'arguments':'1}'}}]"),
         O_END("tool_calls"), O_USAGE),
     "[{'type':'tool_use','id':'t1','name':'grep','input':{'p':1}},{'type':'tool_use','id':'t2','name':'glob','input':{}}]",
     LLM_STOP_TOOL_USE, USAGE},
    {"the limit", EVENTS(O_DELTA("'content':'a'"), O_END("length"), O_USAGE),
     "[{'type':'text','text':'a'}]", LLM_STOP_MAX_TOKENS, USAGE},
    {"a refusal", EVENTS(O_DELTA("'refusal':'no'"), O_END("stop"), O_USAGE),
     "[{'type':'text','text':'no'}]", LLM_STOP_REFUSAL, USAGE},
    {"an error in the stream",
     EVENTS("{'error':{'message':'x','type':'server_error'}}"),
     "llm_server_error",
     0,
     {0}},
    {"an end that does not come", EVENTS(O_DELTA("'content':'a'"), "[DONE]"), "unfinished", 0, {0}},
    {"a call without an id",
     EVENTS(O_DELTA("'tool_calls':[{'index':0,'function':{'name':'grep','arguments':'{}'}}]"),
            O_END("tool_calls")),
     "llm_bad_answer",
     0,
     {0}},
};

static void wires__turn_events_into_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof anthropic / sizeof *anthropic; i++)
        check(&llm_anthropic, &anthropic[i], false);
    for (size_t i = 0; i < sizeof openai / sizeof *openai; i++)
        check(&llm_openai, &openai[i], false);
}

static void wires__give_structured_output_as_text(void **state)
{
    (void)state;
    const struct row row = {
        "the output's tool",
        EVENTS(A_START, A_BLOCK("0", "'type':'tool_use','id':'t1','name':'give_answer','input':{}"),
               A_DELTA("0", "'type':'input_json_delta','partial_json':'[1'"),
               A_DELTA("0", "'type':'input_json_delta','partial_json':']'"), A_END("tool_use")),
        "[{'type':'text','text':'[1]'}]", LLM_STOP_END, USAGE};
    check(&llm_anthropic, &row, true);
}

/* One conversation with everything in it, as each protocol wants it. */
static void wires__write_requests(void **state)
{
    (void)state;
    json_t *messages = json_loads(
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"h\",\"signature\":\"s\"},"
        "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"grep\",\"input\":{\"p\":1}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"no\",\"is_error\":true}]}]",
        0, NULL);
    json_t *tools = json_loads(
        "[{\"name\":\"grep\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"}}]", 0,
        NULL);
    struct llm_client client = {.model = STR("m")};
    struct llm_request q = {.system = STR("s"),
                            .messages = messages,
                            .tools = tools,
                            .tool_choice = STR("grep"),
                            .max_tokens = 5,
                            .cache = true};
    json_t *a = llm_anthropic.body(&client, &q), *o = llm_openai.body(&client, &q);
    auto_free char *at = json_dumps(a, JSON_COMPACT), *ot = json_dumps(o, JSON_COMPACT);
    assert_string_equal(
        at,
        "{\"model\":\"m\",\"max_tokens\":5,\"stream\":true,\"system\":[{\"type\":\"text\",\"text\":\"s\","
        "\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"h\",\"signature\":\"s\"},"
        "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"grep\",\"input\":{\"p\":1}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"no\",\"is_error\":true}]}],"
        "\"tools\":[{\"name\":\"grep\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"},"
        "\"cache_control\":{\"type\":\"ephemeral\"}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"grep\"}}");
    assert_string_equal(
        ot,
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":["
        "{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"q\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\","
        "\"function\":{\"name\":\"grep\",\"arguments\":\"{\\\"p\\\":1}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"t1\",\"content\":\"ERROR: no\"}],\"max_completion_tokens\":5,"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"grep\",\"description\":\"d\","
        "\"parameters\":{\"type\":\"object\"}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"grep\"}}}");
    json_decref(a);
    json_decref(o);
    json_decref(messages);
    json_decref(tools);
}

static json_t *read_json(const char *quoted)
{
    auto_free char *text = str_dup(str_of(quoted));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    return j;
}

#define OBJECT(properties, required)                                       \
    "{'type':'object','properties':{" properties "},'required':[" required \
    "],'additionalProperties':false}"

/* The parts of a request's body that hold an answer to its schema. */
static void check_output(const struct llm_wire *wire, enum llm_structured structured,
                         const char *schema, const char *expected)
{
    struct llm_client client = {.model = STR("m"), .wire = wire, .structured = structured};
    json_t *s = read_json(schema), *messages = json_array(), *parts = json_object(), *wanted;
    struct llm_request q = {.messages = messages, .output_schema = s};
    json_t *body = wire->body(&client, &q);
    static const char *const keys[] = {"output_config", "response_format", "tools", "tool_choice"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_set(parts, keys[i], json_object_get(body, keys[i]));
    wanted = read_json(expected);
    auto_free char *is = json_dumps(parts, JSON_SORT_KEYS),
                   *was = json_dumps(wanted, JSON_SORT_KEYS);
    assert_string_equal(is, was);
    json_decref(wanted);
    json_decref(parts);
    json_decref(body);
    json_decref(messages);
    json_decref(s);
}

static void wires__hold_an_answer_to_its_schema_as_the_client_says(void **state)
{
    (void)state;
#define ANSWER OBJECT("'a':{'type':'string'}", "'a'")
#define NO_ANSWER OBJECT("'a':{}", "'a'")
#define TOOL(schema) \
    "'name':'give_answer','description':'Give the final answer in this form.','" schema
    check_output(&llm_anthropic, LLM_STRUCTURED_NATIVE, ANSWER,
                 "{'output_config':{'format':{'type':'json_schema','schema':" ANSWER "}}}");
    check_output(&llm_anthropic, LLM_STRUCTURED_TOOL, ANSWER,
                 "{'tools':[{" TOOL("input_schema':") ANSWER
                 "}],'tool_choice':{'type':'tool','name':'give_answer'}}");
    check_output(&llm_anthropic, LLM_STRUCTURED_NATIVE, NO_ANSWER,
                 "{'tools':[{" TOOL("input_schema':") NO_ANSWER
                 "}],'tool_choice':{'type':'tool','name':'give_answer'}}");
    check_output(
        &llm_openai, LLM_STRUCTURED_NATIVE, NO_ANSWER,
        "{'response_format':{'type':'json_schema','json_schema':{'name':'answer','schema':" NO_ANSWER
        "}}}");
    check_output(&llm_openai, LLM_STRUCTURED_TOOL, ANSWER,
                 "{'tools':[{'type':'function','function':{" TOOL("parameters':") ANSWER
                 "}}],'tool_choice':{'type':'function','function':{'name':'give_answer'}}}");
    check_output(&llm_anthropic, LLM_STRUCTURED_NATIVE,
                 "{'type':'array','items':{'type':'string'}}", "{}");
}

static void wires__constrain_the_tool_of_an_agents_answer(void **state)
{
    (void)state;
    json_t *messages = json_array(),
           *tools = read_json("[{'name':'glob','input_schema':" ANSWER
                              "},{'name':'done','input_schema':" ANSWER "}]");
    for (int native = 0; native < 2; native++) {
        struct llm_client client = {
            .model = STR("m"), .wire = &llm_anthropic, .structured = (enum llm_structured)native};
        struct llm_request q = {.messages = messages, .tools = tools, .answer_tool = STR("done")};
        json_t *body = llm_anthropic.body(&client, &q), *sent = json_object_get(body, "tools");
        assert_null(json_object_get(json_array_get(sent, 0), "strict"));
        assert_int_equal(json_is_true(json_object_get(json_array_get(sent, 1), "strict")), native);
        assert_null(json_object_get(body, "output_config"));
        json_decref(body);
    }
    assert_null(json_object_get(json_array_get(tools, 1), "strict"));
    json_decref(messages);
    json_decref(tools);
}

/* What the documentation of structured outputs takes, and what is answered with status 400. */
static void wires__know_which_schemas_can_be_constrained(void **state)
{
    (void)state;
#define STRING "{'type':'string'}"
#define MAYBE "{'anyOf':[" STRING ",{'type':'null'}]}"
    static const struct {
        const char *schema;
        bool strict;
    } rows[] = {
        {ANSWER, true},
        {OBJECT("'a':" MAYBE ",'b':{'enum':['x',1,null]},'c':{'type':'array','items':" ANSWER "}",
                "'b','c'"),
         true},
        {"{'type':'object','properties':{}}", false},
        {"{'type':'object','additionalProperties':{'type':'string'}}", false},
        {NO_ANSWER, false},
        {OBJECT("'a':{'type':'array','items':{}}", "'a'"), false},
        {OBJECT("'a':{'enum':[{}]}", "'a'"), false},
        {OBJECT("'a':{'type':'integer','minimum':1}", "'a'"), false},
        {OBJECT("'a':{'type':['string','null']}", "'a'"), false},
        {OBJECT("'a':{'$ref':'#'}", "'a'"), false},
        {OBJECT("'a':{'anyOf':[{}]}", "'a'"), false},
        {STRING, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *schema = read_json(rows[i].schema);
        assert_int_equal(wire_schema_is_strict(schema), rows[i].strict);
        json_decref(schema);
    }
}

static void wires__count_what_a_constrained_schema_may_have_at_most(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        size_t most;
        bool required;
    } rows[] = {{STRING, 24, false}, {MAYBE, 16, true}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t more = 0; more < 2; more++) {
            json_t *schema = read_json(OBJECT("", "")),
                   *fields = json_object_get(schema, "properties"),
                   *required = json_object_get(schema, "required");
            for (size_t i = 0; i < rows[r].most + more; i++) {
                char name[32];
                snprintf(name, sizeof name, "f%zu", i);
                json_object_set_new(fields, name, read_json(rows[r].field));
                if (rows[r].required)
                    json_array_append_new(required, json_string(name));
            }
            assert_int_equal(wire_schema_is_strict(schema), !more);
            json_decref(schema);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wires__turn_events_into_answers),
        cmocka_unit_test(wires__give_structured_output_as_text),
        cmocka_unit_test(wires__write_requests),
        cmocka_unit_test(wires__hold_an_answer_to_its_schema_as_the_client_says),
        cmocka_unit_test(wires__constrain_the_tool_of_an_agents_answer),
        cmocka_unit_test(wires__know_which_schemas_can_be_constrained),
        cmocka_unit_test(wires__count_what_a_constrained_schema_may_have_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
