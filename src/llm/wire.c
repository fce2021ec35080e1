/* What the protocols have in common. */
#include "llm/llm_int.h"
#include "json/json.h"

json_t *wire_parse(str data, struct err *err)
{
    json_error_t e;
    json_t *j = json_loadb(data.p, data.n, JSON_ALLOW_NUL, &e);
    if (json_is_object(j))
        return j;
    json_decref(j);
    err_set(err, "llm_bad_answer", "an event of the stream is no JSON object: %.*s",
            STR_ARG(str_sub(data, 0, 100)));
    return NULL;
}

bool wire_error_text(json_t *j, str *ret_type, str *ret_message)
{
    json_t *e = json_object_get(j, "error");
    *ret_type = json_is_object(e) ? json_get_text(e, "type") : STR("");
    *ret_message = json_is_string(e)   ? json_text_of(e)
                   : json_is_object(e) ? json_get_text(e, "message")
                                       : json_get_text(j, "message");
    return ret_message->n > 0;
}

void wire_set_error(json_t *j, struct err *err)
{
    static const struct {
        const char *type, *code;
    } codes[] = {
        {"overloaded_error", "llm_overloaded"},       {"rate_limit_error", "llm_rate_limited"},
        {"invalid_request_error", "llm_bad_request"}, {"authentication_error", "llm_wrong_key"},
        {"permission_error", "llm_wrong_key"},        {"not_found_error", "llm_unknown_model"}};
    str type, message;
    const char *code = "llm_server_error";
    if (!wire_error_text(j, &type, &message))
        message = STR("(no message)");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_is(type, codes[i].type))
            code = codes[i].code;
    err_set(err, code, "the provider ended its answer with an error: %.*s", STR_ARG(message));
}

bool wire_schema_is_object(const json_t *schema)
{
    return str_is(json_get_text(schema, "type"), "object");
}

enum output_form wire_output(const struct llm_client *c, const struct llm_request *q)
{
    if (!q->output_schema || !wire_schema_is_object(q->output_schema))
        return OUTPUT_FREE;
    if (c->structured == LLM_STRUCTURED_TOOL ||
        (c->wire->takes_schema && !c->wire->takes_schema(q->output_schema)))
        return OUTPUT_TOOL;
    return OUTPUT_NATIVE;
}

int64_t wire_int(const json_t *object, const char *key, int64_t otherwise)
{
    json_t *v = json_object_get(object, key);
    return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : otherwise;
}
