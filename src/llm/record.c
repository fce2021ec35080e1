/* Records: calls by the hash of what was asked. */
#include "llm/llm_int.h"
#include "plan/plan.h"
#include "json/json.h"

#define RECORD_FORMAT "plue-record"
enum { RECORD_VERSION = 1, EXCERPT_BEFORE = 20, EXCERPT_AFTER = 60 };

struct llm_recorded {
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

json_t *record_question(const struct llm_client *c, const struct llm_request *q)
{
    char hash[LLM_REQUEST_HASH];
    json_t *request = request_json(c, q), *copy = json_deep_copy(request);
    json_decref(request);
    llm_request_hash(c, q, hash);
    return json_pack("{s:s, s:s%, s:o}", "request_sha256", hash, "client", c->name.p, c->name.n,
                     "request", copy);
}

void record_answer(json_t *call, const struct llm_answer *a)
{
    json_object_set_new(call, "answer",
                        json_pack("{s:o, s:s, s:s%, s:{s:I, s:I, s:I, s:I}}", "content",
                                  json_deep_copy(a->content), "stop", llm_stop_name(a->stop),
                                  "model", a->model.p, a->model.n, "usage", "input",
                                  (json_int_t)a->usage.input, "output", (json_int_t)a->usage.output,
                                  "cache_read", (json_int_t)a->usage.cache_read, "cache_write",
                                  (json_int_t)a->usage.cache_write));
}

void record_failure(json_t *call, const struct err *failed)
{
    json_t *e =
        json_pack("{s:s, s:s%, s:s%}", "code", failed->code, "message", failed->message.p,
                  failed->message.n, "hint", failed->hint.p ? failed->hint.p : "", failed->hint.n);
    json_object_set_new(call, "answer", json_pack("{s:o}", "error", e));
}

/* An error's code lives for good. */
static const char *code_of(str name)
{
    static const char *const codes[] = {
        "llm_answer_too_large", "llm_bad_answer",   "llm_bad_request",   "llm_bad_url",
        "llm_connect",          "llm_context",      "llm_dns",           "llm_not_a_stream",
        "llm_overloaded",       "llm_rate_limited", "llm_server_error",  "llm_stream_broken",
        "llm_timeout",          "llm_tls",          "llm_unknown_model", "llm_wrong_key"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_is(name, codes[i]))
            return codes[i];
    return NULL;
}

bool record_read_failure(json_t *j, struct err *ret)
{
    json_t *e = json_object_get(j, "error");
    const char *code = code_of(json_get_text(e, "code"));
    if (!code)
        return false;
    err_set(ret, code, "%.*s", STR_ARG(json_get_text(e, "message")));
    if (json_get_text(e, "hint").n)
        err_hint(ret, "%.*s", STR_ARG(json_get_text(e, "hint")));
    return true;
}

json_t *llm_answer_json(const struct llm_answer *a)
{
    return json_pack("{s:o, s:s, s:s%}", "content", json_deep_copy(a->content), "stop",
                     llm_stop_name(a->stop), "model", a->model.p, a->model.n);
}

json_t *llm_record_call(const struct llm_client *c, const struct llm_request *q,
                        const struct llm_answer *a, const struct err *failed)
{
    json_t *call = record_question(c, q);
    if (a)
        record_answer(call, a);
    else
        record_failure(call, failed);
    return call;
}

json_t *llm_record_new(void)
{
    return json_pack("{s:s, s:i, s:[]}", "format", RECORD_FORMAT, "version", RECORD_VERSION,
                     "calls");
}

bool llm_record_check(json_t *record, str path, struct err *err)
{
    json_t *calls = json_object_get(record, "calls"), *call;
    struct llm_answer a;
    size_t i;
    auto_err failure = ERR_INIT;
    if (!str_is(json_get_text(record, "format"), RECORD_FORMAT) || !json_is_array(calls))
        return err_set(err, "invalid_record", "%.*s is no record of a model's calls",
                       STR_ARG(path));
    if (json_integer_value(json_object_get(record, "version")) != RECORD_VERSION) {
        err_set(err, "invalid_record", "%.*s is a record of another version than %d", STR_ARG(path),
                RECORD_VERSION);
        err_hint(err, "record it anew");
        return false;
    }
    json_array_foreach(calls, i, call)
    {
        if (!json_is_string(json_object_get(call, "request_sha256")) ||
            !(record_read_answer(json_object_get(call, "answer"), &a) ||
              record_read_failure(json_object_get(call, "answer"), &failure)))
            return err_set(err, "invalid_record", "%.*s: /calls/%zu is no call with its answer",
                           STR_ARG(path), i);
    }
    return true;
}

struct llm_recorded *llm_recorded_new(json_t *record)
{
    struct llm_recorded *r = mem_zalloc(sizeof *r);
    r->record = json_incref(record);
    r->used = mem_zalloc(json_array_size(json_object_get(record, "calls")) + 1);
    return r;
}

void llm_recorded_free(struct llm_recorded *r)
{
    if (!r)
        return;
    json_decref(r->record);
    free(r->used);
    free(r);
}

size_t llm_recorded_left(const struct llm_recorded *r)
{
    size_t left = 0, n = json_array_size(json_object_get(r->record, "calls"));
    for (size_t i = 0; i < n; i++)
        left += !r->used[i];
    return left;
}

static bool in_character(str s, size_t at)
{
    return at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80;
}

/* A value in few words; of a text what stands around the byte `at`. */
static void add_excerpt(struct buf *b, const json_t *v, size_t at)
{
    str s = json_text_of(v);
    size_t from = at > EXCERPT_BEFORE ? at - EXCERPT_BEFORE : 0, to = at + EXCERPT_AFTER;
    if (!v) {
        buf_add_c(b, "nothing");
        return;
    }
    if (!json_is_string(v)) {
        auto_free char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        s = str_of(text ? text : "");
        buf_add_str(b, str_sub(s, 0, EXCERPT_AFTER));
        buf_add_c(b, s.n > EXCERPT_AFTER ? "..." : "");
        return;
    }
    while (from && in_character(s, from))
        from--;
    while (in_character(s, to))
        to++;
    buf_add_c(b, from ? "..." : "");
    json_add_quoted(b, str_sub(s, from, to < s.n ? to : s.n));
    buf_add_c(b, to < s.n ? "..." : "");
}

static void tell_difference(const struct llm_client *c, size_t i, json_t *recorded, json_t *asked,
                            struct err *err)
{
    auto_buf where = BUF(1 << 16), was = BUF(1 << 16), is = BUF(1 << 16);
    size_t same = 0;
    if (!json_difference(recorded, asked, &where)) {
        err_set(err, "llm_replay_diverged", "%.*s: call %zu of the record has a wrong hash",
                STR_ARG(c->name), i + 1);
        return;
    }
    json_t *a = json_pointer_get(recorded, buf_str(&where));
    json_t *b = json_pointer_get(asked, buf_str(&where));
    str sa = json_text_of(a), sb = json_text_of(b);
    while (same < sa.n && same < sb.n && sa.p[same] == sb.p[same])
        same++;
    add_excerpt(&was, a, same);
    add_excerpt(&is, b, same);
    err_set(err, "llm_replay_diverged",
            "%.*s: call %zu of the record asked something else: %s was %s, and is %s now",
            STR_ARG(c->name), i + 1, buf_c(&where), buf_c(&was), buf_c(&is));
}

static void tell_diverged(struct llm_recorded *r, const struct llm_client *c,
                          const struct llm_request *q, struct err *err)
{
    json_t *calls = json_object_get(r->record, "calls"), *asked;
    size_t n = json_array_size(calls), i = 0;
    while (i < n && r->used[i])
        i++;
    if (i == n) {
        err_set(err, "llm_replay_diverged", "%.*s: the record has %zu call%s, and one more is made",
                STR_ARG(c->name), n, n == 1 ? "" : "s");
    } else {
        asked = request_json(c, q);
        tell_difference(c, i, json_object_get(json_array_get(calls, i), "request"), asked, err);
        json_decref(asked);
    }
    err_hint(err, "a replay answers what was recorded and nothing else: record it anew");
}

json_t *llm_recorded_take(struct llm_recorded *r, const struct llm_client *c,
                          const struct llm_request *q, struct err *err)
{
    json_t *calls = json_object_get(r->record, "calls"), *call, *answer;
    char sha256[LLM_REQUEST_HASH];
    size_t i;
    llm_request_hash(c, q, sha256);
    json_array_foreach(calls, i, call)
    {
        answer = json_object_get(call, "answer");
        if (r->used[i] || !str_is(json_get_text(call, "request_sha256"), sha256) || !answer)
            continue;
        r->used[i] = true;
        return answer;
    }
    tell_diverged(r, c, q, err);
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
