#include "engine/agent_int.h"
#include "engine/replayed_int.h"
#include "json/json.h"

enum { RESULT_EXCERPT = 60, PUT_IN_MAX = 64 << 20 };

struct replayed {
    struct sink sink;
    json_t *record;
    struct llm_recorded *answers;
    size_t given;
    struct err diverged; /* what the next answer is */
    json_t *fork;        /* of the run; NULL: none */
    size_t live_from;    /* of this step: answers that the record gives; SIZE_MAX: all it has */
    bool by_order;       /* what is asked differs, by a prompt or client that was put in */
};

/* A forked run may ask what was never recorded. */
static json_t *load(struct sink step, bool forked, struct err *err)
{
    struct live_run *r = step.run;
    auto_err none = ERR_INIT;
    if (r->request.replay_file.n)
        return call_record_read(arena_cstr(&r->arena, r->request.replay_file),
                                r->plan.steps[step.step].id, err);
    json_t *record = call_record_load(r->engine->reader, r->request.replay_of,
                                      r->plan.steps[step.step].id, forked ? &none : err);
    return record || !forked ? record : llm_record_new();
}

struct replayed *replayed_new(struct sink step, struct err *err)
{
    str fork = step.run->request.fork, id = step.run->plan.steps[step.step].id;
    json_t *record = load(step, fork.n > 0, err);
    if (!record)
        return NULL;
    struct replayed *p = mem_zalloc(sizeof *p);
    *p = (struct replayed){
        .sink = step, .record = record, .answers = llm_recorded_new(record), .live_from = SIZE_MAX};
    if (!fork.n)
        return p;
    p->fork = json_loadb(fork.p, fork.n, JSON_ALLOW_NUL, NULL);
    if (!str_eq(json_get_text(p->fork, "step"), id))
        return p;
    p->live_from = (size_t)json_integer_value(json_object_get(p->fork, "turn")) - 1;
    p->by_order =
        json_is_true(json_object_get(p->fork, "prompt")) || json_get_text(p->fork, "client").n > 0;
    return p;
}

void replayed_free(struct replayed *p)
{
    if (!p)
        return;
    llm_recorded_free(p->answers);
    json_decref(p->record);
    json_decref(p->fork);
    err_done(&p->diverged);
    free(p);
}

/* A run that was forked has asked another client than its prompt names, in all of its record. */
str replayed_client(const struct replayed *p)
{
    str forked = json_get_text(p->fork, "client");
    json_t *first = json_array_get(json_object_get(p->record, "calls"), 0);
    if (p->live_from != SIZE_MAX && forked.n)
        return forked;
    return p->sink.run->request.replay_file.n ? STR("") : json_get_text(first, "client");
}

static json_t *take_next(struct replayed *p)
{
    json_t *calls = json_object_get(p->record, "calls");
    return json_incref(json_object_get(json_array_get(calls, p->given++), "answer"));
}

static void go_live(struct replayed *p, const struct llm_client *c)
{
    auto_buf line = BUF(4096);
    buf_addf(&line, "the record ends here%s: %.*s is asked from now on",
             p->live_from == SIZE_MAX ? "" : ", where the run was forked", STR_ARG(c->name));
    record_system_line(p->sink.run, p->sink.step, buf_str(&line));
    p->live_from = 0;
}

static json_t *take_recorded(struct replayed *p, const struct llm_client *c,
                             const struct llm_request *q, struct err *err)
{
    json_t *calls = json_object_get(p->record, "calls"), *call;
    json_t *answer = llm_recorded_take(p->answers, c, q, err);
    size_t i;
    json_array_foreach(calls, i, call)
    {
        if (answer && json_object_get(call, "answer") == answer)
            p->given = i + 1; /* a step that goes on after a crash begins within the record */
    }
    return json_incref(answer);
}

static json_t *take_forked(struct replayed *p, const struct llm_client *c,
                           const struct llm_request *q, struct err *err)
{
    auto_err other = ERR_INIT;
    bool is_step = p->live_from != SIZE_MAX;
    json_t *answer = NULL;
    if (p->given >= p->live_from ||
        p->given >= json_array_size(json_object_get(p->record, "calls")))
        answer = NULL;
    else if (is_step && p->by_order)
        return take_next(p);
    else
        answer = take_recorded(p, c, q, is_step ? err : &other);
    if (!answer && !err_is_set(err) && p->live_from)
        go_live(p, c);
    return answer;
}

json_t *replayed_answer(struct replayed *p, const struct llm_client *c, const struct llm_request *q,
                        struct err *err)
{
    if (err_is_set(&p->diverged)) {
        err_move(err, &p->diverged);
        return NULL;
    }
    return p->fork ? take_forked(p, c, q, err) : take_recorded(p, c, q, err);
}

bool replayed_ended(const struct replayed *p, struct err *err)
{
    size_t left = json_array_size(json_object_get(p->record, "calls")) - p->given;
    if (!left || p->fork)
        return true;
    err_set(err, "llm_replay_diverged", "%zu call%s of the record %s not asked for", left,
            left == 1 ? "" : "s", left == 1 ? "was" : "were");
    err_hint(err, "the conversation ended earlier than when it was recorded");
    return false;
}

/* ---- what tools gave ---- */

/* What the tools of the last answer gave then: the last message of the next request. */
static json_t *recorded_results(const struct replayed *p, json_t **ret_calls)
{
    json_t *next = json_array_get(json_object_get(p->record, "calls"), p->given);
    json_t *messages = json_object_get(json_object_get(next, "request"), "messages");
    size_t n = json_array_size(messages);
    if (n < 2)
        return NULL;
    *ret_calls = json_object_get(json_array_get(messages, n - 2), "content");
    return json_object_get(json_array_get(messages, n - 1), "content");
}

static str name_of(json_t *calls, str id)
{
    json_t *block;
    size_t i;
    json_array_foreach(calls, i, block)
    {
        if (str_eq(json_get_text(block, "id"), id))
            return json_get_text(block, "name");
    }
    return STR("a tool");
}

static size_t same_start(str a, str b)
{
    size_t n = 0;
    while (n < a.n && n < b.n && a.p[n] == b.p[n])
        n++;
    while (n && n < a.n && ((unsigned char)a.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void tell(struct replayed *p, str name, str then, str now)
{
    auto_buf line = BUF(8192), was = BUF(1024), is = BUF(1024);
    size_t at = same_start(then, now);
    capture_add_valid(&was, str_sub(then, at, at + RESULT_EXCERPT));
    capture_add_valid(&is, str_sub(now, at, at + RESULT_EXCERPT));
    buf_addf(&line,
             "%.*s gave another result than recorded, which the model gets: from byte %zu it was ",
             STR_ARG(name), at);
    json_add_quoted(&line, buf_str(&was));
    buf_add_c(&line, ", and is ");
    json_add_quoted(&line, buf_str(&is));
    record_system_line(p->sink.run, p->sink.step, buf_str(&line));
}

static void tell_interrupted(struct replayed *p, str name)
{
    auto_buf line = BUF(1024);
    buf_addf(&line,
             "%.*s was cut off when it was recorded, and has ended now; the model is told "
             "what it was told then",
             STR_ARG(name));
    record_system_line(p->sink.run, p->sink.step, buf_str(&line));
}

static void tell_interrupted_now(struct replayed *p, str name)
{
    auto_buf line = BUF(1024);
    buf_addf(&line, "%.*s was cut off in this replay; the model gets what was recorded",
             STR_ARG(name));
    record_system_line(p->sink.run, p->sink.step, buf_str(&line));
}

static void compare(struct replayed *p, json_t *calls, json_t *then, json_t *now)
{
    str id = json_get_text(now, "tool_use_id"), name = name_of(calls, id);
    str was = json_get_text(then, "content"), is = json_get_text(now, "content");
    bool failed = json_is_true(json_object_get(then, "is_error"));
    if (!str_eq(id, json_get_text(then, "tool_use_id")))
        return;
    if (str_is(name, "websearch")) { /* a replay has no network */
        json_object_set(now, "content", json_object_get(then, "content"));
        json_object_set_new(now, "is_error", json_boolean(failed));
        return;
    }
    if (failed && str_starts(was, STR(AGENT_INTERRUPTED))) {
        tell_interrupted(p, name);
        json_object_set(now, "content", json_object_get(then, "content"));
        json_object_set_new(now, "is_error", json_true());
        return;
    }
    if (str_starts(is, STR(AGENT_INTERRUPTED))) {
        tell_interrupted_now(p, name);
        json_object_set_new(now, "is_error", json_boolean(failed));
    } else if (failed != json_is_true(json_object_get(now, "is_error"))) {
        if (!err_is_set(&p->diverged))
            err_set(&p->diverged, "llm_replay_diverged",
                    "in turn %zu the tool %.*s %s when it was recorded, and %s now: %.*s", p->given,
                    STR_ARG(name), failed ? "failed" : "worked", failed ? "works" : "fails",
                    STR_ARG(str_sub(is, 0, 500)));
        return;
    } else if (!str_eq(was, is))
        tell(p, name, was, is);
    json_object_set(now, "content", json_object_get(then, "content"));
}

/* What the fork puts in the place of a result. */
static bool put_in(struct replayed *p, json_t *calls, json_t *now)
{
    str id = json_get_text(now, "tool_use_id"), name = name_of(calls, id);
    json_t *results = json_object_get(p->fork, "results");
    json_t *text = json_object_getn(results, id.p, id.n);
    auto_buf line = BUF(1024), masked = BUF(PUT_IN_MAX);
    if (!text)
        text = json_object_getn(results, name.p, name.n);
    if (!text)
        return false;
    mask_apply(run_mask(p->sink.run), json_text_of(text), &masked);
    agent_put_result(now, buf_str(&masked), false);
    buf_addf(&line, "the result of %.*s is the one that the fork gives", STR_ARG(name));
    record_system_line(p->sink.run, p->sink.step, buf_str(&line));
    return true;
}

void replayed_results(struct replayed *p, json_t *results)
{
    if (p->live_from != SIZE_MAX && p->given > p->live_from)
        return;
    json_t *calls = NULL, *then = recorded_results(p, &calls), *now;
    size_t i;
    json_array_foreach(results, i, now)
    {
        bool last = p->live_from != SIZE_MAX && p->given == p->live_from;
        if (!last || !put_in(p, calls, now))
            compare(p, calls, json_array_get(then, i), now);
    }
}

/* ---- a replay that goes on ---- */

/* The calls that had been answered before a request with so many messages. */
static size_t answered_before(json_t *calls, size_t messages)
{
    size_t i, n = 0;
    json_t *call;
    json_array_foreach(calls, i, call)
    {
        json_t *request = json_object_get(call, "request");
        n += json_array_size(json_object_get(request, "messages")) < messages;
    }
    return n;
}

void replayed_go_on(struct replayed *p, json_t *turns)
{
    struct live_run *r = p->sink.run;
    auto_err none = ERR_INIT;
    size_t i;
    json_t *own = call_record_load(r->engine->reader, r->id, r->plan.steps[p->sink.step].id, &none),
           *turn;
    json_array_foreach(turns, i, turn)
    {
        /* The prompt; of each turn the answer and the results. */
        p->given = answered_before(json_object_get(own, "calls"), 1 + 2 * (i + 1));
        if (json_object_get(turn, "results"))
            replayed_results(p, json_object_get(turn, "results"));
    }
    json_decref(own);
}
