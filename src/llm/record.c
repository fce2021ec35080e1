/* Records: calls by the hash of what was asked. */
#include "llm/llm_int.h"
#include "plan/plan.h"
#include "json/json.h"

struct replay {
    json_t *record;
    bool *used; /* of each call */
};

static json_t *request_json(const struct llm_client *c, const struct llm_request *q)
{
    json_t *j =
        json_pack("{s:s%, s:s%, s:O?, s:O?, s:s%, s:O?, s:I, s:I}", "model", c->model.p, c->model.n,
                  "system", q->system.p ? q->system.p : "", q->system.n, "messages", q->messages,
                  "tools", q->tools, "tool_choice", q->tool_choice.p ? q->tool_choice.p : "",
                  q->tool_choice.n, "output_schema", q->output_schema, "max_tokens",
                  (json_int_t)q->max_tokens, "thinking_tokens", (json_int_t)q->thinking_tokens);
    json_object_set_new(j, "temperature",
                        q->has_temperature ? json_real(q->temperature) : json_null());
    return j;
}

void llm_request_hash(const struct llm_client *c, const struct llm_request *q,
                      char ret[LLM_REQUEST_HASH])
{
    auto_arena a = ARENA_INIT;
    json_t *j = request_json(c, q);
    auto_free char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    str hash = plan_sha256(&a, str_of(text ? text : ""));
    memcpy(ret, hash.p, LLM_REQUEST_HASH - 1);
    ret[LLM_REQUEST_HASH - 1] = '\0';
    json_decref(j);
}

json_t *llm_record_call(const struct llm_client *c, const struct llm_request *q,
                        const struct llm_answer *a)
{
    char hash[LLM_REQUEST_HASH];
    llm_request_hash(c, q, hash);
    return json_pack(
        "{s:s, s:s%, s:o, s:{s:O, s:s, s:s%, s:{s:I, s:I, s:I, s:I}}}", "request_sha256", hash,
        "client", c->name.p, c->name.n, "request", request_json(c, q), "answer", "content",
        a->content, "stop", llm_stop_name(a->stop), "model", a->model.p, a->model.n, "usage",
        "input", (json_int_t)a->usage.input, "output", (json_int_t)a->usage.output, "cache_read",
        (json_int_t)a->usage.cache_read, "cache_write", (json_int_t)a->usage.cache_write);
}

struct replay *replay_new(json_t *record)
{
    struct replay *r = mem_zalloc(sizeof *r);
    r->record = json_incref(record);
    r->used = mem_zalloc(json_array_size(json_object_get(record, "calls")) + 1);
    return r;
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    json_decref(r->record);
    free(r->used);
    free(r);
}

json_t *replay_take(struct replay *r, const char *sha256, const struct llm_client *c,
                    struct err *err)
{
    json_t *calls = json_object_get(r->record, "calls"), *call, *answer;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        answer = json_object_get(call, "answer");
        if (r->used[i] || !str_is(json_get_text(call, "request_sha256"), sha256) || !answer)
            continue;
        r->used[i] = true;
        return answer;
    }
    err_set(err, "llm_replay_diverged", "%.*s: the record has no answer to this request (%.12s)",
            STR_ARG(c->name), sha256);
    err_hint(
        err,
        "prompt, inputs, model, schema or tools differ from what was recorded: record it anew");
    return NULL;
}

bool record_read_answer(json_t *j, struct llm_answer *ret)
{
    json_t *u = json_object_get(j, "usage");
    struct llm_answer a = {.content = json_object_get(j, "content"),
                           .usage = {.input = wire_int(u, "input", 0),
                                     .output = wire_int(u, "output", 0),
                                     .cache_read = wire_int(u, "cache_read", 0),
                                     .cache_write = wire_int(u, "cache_write", 0)},
                           .model = json_get_text(j, "model"),
                           .id = STR("replay"),
                           .tries = 1};
    if (!json_is_array(a.content) || !llm_stop_parse(json_get_text(j, "stop"), &a.stop))
        return false;
    *ret = a;
    return true;
}
