/* What it means that a provider has refused a request, by the status and its words. */
#include "base/utf8.h"
#include "llm/llm_int.h"

enum { ERROR_SHOWN = 2000 }; /* bytes of a provider's message */

static const char *code_of_status(long status)
{
    static const struct {
        long status;
        const char *code;
    } known[] = {{401, "llm_wrong_key"},  {403, "llm_wrong_key"},    {404, "llm_unknown_model"},
                 {408, "llm_timeout"},    {409, "llm_server_error"}, {429, "llm_rate_limited"},
                 {529, "llm_overloaded"}, {503, "llm_overloaded"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].code;
    return status >= 500 ? "llm_server_error" : "llm_bad_request";
}

/* There is no status and no type of its own for it: these are the words of Anthropic, and of OpenAI
 * and the servers that speak as it does. */
static bool is_context_full(str message)
{
    static const char *const words[] = {"prompt is too long", "exceed context limit",
                                        "maximum context length", "context_length_exceeded"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_find(message, str_of(words[i]), 0) != SIZE_MAX)
            return true;
    return false;
}

/* What may mend it, where that is known. */
static void hint(const struct llm_client *c, str message, struct err *err)
{
    const char *code = err->code;
    if (strcmp(code, "llm_context") == 0)
        err_hint(err, LLM_CONTEXT_HINT);
    else if (strcmp(code, "llm_wrong_key") == 0)
        err_hint(err, "look at %.*s", STR_ARG(c->key_name));
    else if (strcmp(code, "llm_unknown_model") == 0)
        err_hint(err, "does it know the model '%.*s'?", STR_ARG(c->model));
    else if (strcmp(code, "llm_bad_request") == 0 &&
             str_find(message, STR("output_config"), 0) != SIZE_MAX)
        err_hint(err, "where the model has no structured output of its own: structured: tool "
                      "of a client in .plue/config.yaml");
}

void status_error(const struct llm_client *c, long status, str body, struct err *err)
{
    str type, message;
    body = str_trim(body);
    json_t *j = json_loadb(body.p, body.n, JSON_ALLOW_NUL, NULL);
    if (!j || !wire_error_text(j, &type, &message))
        message = utf8_invalid_at(body) == SIZE_MAX ? body : STR("");
    const char *code = code_of_status(status);
    if (strcmp(code, "llm_bad_request") == 0 && is_context_full(body))
        code = "llm_context";
    message = str_sub(message, 0, ERROR_SHOWN);
    err_set(err, code, "the provider answered %ld%s%.*s", status, message.n ? ": " : "",
            STR_ARG(message));
    hint(c, message, err);
    json_decref(j);
}
