/* Calls: tries, their ends, and what is asked again. */
#include "base/clock.h"
#include "base/utf8.h"
#include "llm/http.h"
#include "llm/llm_int.h"
#include "llm/sse.h"
#include "json/json.h"
#include <strings.h>

enum { ERROR_BODY_MAX = 64 << 10 };

struct llm {
    uv_loop_t *loop;
    struct http *http; /* made by the first call */
    struct llm_recorded *replay;
    json_t *record; /* that answers are added to, or NULL */
    struct llm_call *calls;
    uint64_t jitter;
};

struct llm_call {
    struct llm *llm;
    struct llm_call *next;
    struct arena arena;
    struct llm_client client;
    struct http_request request;
    str key;
    struct llm_listener listener;
    struct llm_limits limits;
    int tries;
    bool wants_output;
    uv_timer_t *timer; /* before a try */
    struct http_call *http;
    struct sse sse;
    struct answer_reader reader;
    struct buf error_body;
    struct err err; /* what ended the present try */
    int64_t began;
    json_t *recorded; /* the answer of a replay */
    bool is_kept;     /* it was given with the request */
    json_t *asked;    /* for the record */
    char *body;
};

static const struct {
    const char *code;
    bool again;
} codes[] = {
    {"llm_rate_limited", true}, {"llm_overloaded", true},    {"llm_server_error", true},
    {"llm_connect", true},      {"llm_timeout", true},       {"llm_stream_broken", true},
    {"llm_bad_answer", true},   {"llm_wrong_key", false},    {"llm_unknown_model", false},
    {"llm_bad_request", false}, {"llm_not_a_stream", false}, {"llm_dns", false},
};

static bool helps_again(const char *code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].again;
    return false;
}

/* ---- life ---- */

struct llm *llm_new(uv_loop_t *loop)
{
    struct llm *l = mem_zalloc(sizeof *l);
    *l = (struct llm){.loop = loop, .jitter = (uint64_t)clock_mono_ns() | 1};
    return l;
}

void llm_free(struct llm *l)
{
    if (!l)
        return;
    while (l->calls)
        llm_cancel(l->calls);
    http_free(l->http);
    llm_recorded_free(l->replay);
    json_decref(l->record);
    free(l);
}

void llm_record(struct llm *l, json_t *record)
{
    json_decref(l->record);
    l->record = json_incref(record);
}

size_t llm_replay_left(const struct llm *l)
{
    return l->replay ? llm_recorded_left(l->replay) : 0;
}

void llm_replay(struct llm *l, json_t *record)
{
    llm_recorded_free(l->replay);
    l->replay = llm_recorded_new(record);
}

static void freed(uv_handle_t *h)
{
    free(h);
}

static void end_try(struct llm_call *c)
{
    if (c->http)
        http_cancel(c->http);
    c->http = NULL;
    sse_done(&c->sse);
    reader_done(&c->reader);
    buf_done(&c->error_body);
    err_reset(&c->err);
}

void llm_cancel(struct llm_call *c)
{
    for (struct llm_call **at = &c->llm->calls; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    end_try(c);
    err_done(&c->err);
    json_decref(c->recorded);
    json_decref(c->asked);
    uv_close((uv_handle_t *)c->timer, freed);
    for (size_t i = 0; c->request.headers[i]; i++)
        free((char *)(uintptr_t)c->request.headers[i]);
    free(c->body);
    arena_done(&c->arena);
    free(c);
}

/* ---- how a call ends ---- */

/* A provider may quote the key that it was given. */
static void hide_key(struct llm_call *c, struct err *to, const struct err *from)
{
    auto_buf b = BUF(ERROR_BODY_MAX * 2);
    str rest = from->message;
    size_t at;
    while (c->key.n && (at = str_find(rest, c->key, 0)) != (size_t)-1) {
        buf_add_str(&b, str_sub(rest, 0, at));
        buf_add_c(&b, "***");
        rest = str_sub(rest, at + c->key.n, rest.n);
    }
    buf_add_str(&b, rest);
    err_set(to, from->code, "%.*s: %.*s", STR_ARG(c->client.name), STR_ARG(buf_str(&b)));
    if (from->hint.n)
        err_hint(to, "%.*s", STR_ARG(from->hint));
}

static void end_failed(struct llm_call *c, struct err *err)
{
    if (c->asked && c->llm->record) {
        record_failure(c->asked, err);
        json_array_append(json_object_get(c->llm->record, "calls"), c->asked);
    }
    c->listener.done(c->listener.data, NULL, err);
    llm_cancel(c);
}

static void fail(struct llm_call *c)
{
    auto_err err = ERR_INIT;
    hide_key(c, &err, &c->err);
    if (c->tries > 1)
        err_hint(&err, "it was tried %d times", c->tries);
    end_failed(c, &err);
}

static void give(struct llm_call *c, const struct llm_answer *a)
{
    if (c->asked && c->llm->record) {
        record_answer(c->asked, a);
        json_array_append(json_object_get(c->llm->record, "calls"), c->asked);
    }
    c->listener.done(c->listener.data, a, NULL);
    llm_cancel(c);
}

static void begin_try(uv_timer_t *t);

static int64_t delay_before(struct llm_call *c, int64_t retry_after_ms)
{
    int64_t first = c->limits.retry_first_ms, delay = first << (c->tries - 1);
    if (delay > LLM_RETRY_LONGEST_MS)
        delay = LLM_RETRY_LONGEST_MS;
    c->llm->jitter ^= c->llm->jitter << 13;
    c->llm->jitter ^= c->llm->jitter >> 7;
    c->llm->jitter ^= c->llm->jitter << 17;
    delay = delay / 2 + (int64_t)(c->llm->jitter % (uint64_t)(delay / 2 + 1));
    return retry_after_ms > delay ? retry_after_ms : delay;
}

/* The try has failed with c->err: another one, or the end. */
static void try_failed(struct llm_call *c, int64_t retry_after_ms)
{
    if (!helps_again(c->err.code) || c->tries >= c->limits.tries ||
        retry_after_ms > LLM_RETRY_AFTER_MS) {
        fail(c);
        return;
    }
    auto_err shown = ERR_INIT;
    hide_key(c, &shown, &c->err);
    if (c->listener.event)
        c->listener.event(c->listener.data, &(struct llm_event){LLM_AGAIN, shown.message});
    end_try(c);
    uv_timer_start(c->timer, begin_try, (uint64_t)delay_before(c, retry_after_ms), 0);
}

static void try_ended(struct llm_call *c, int64_t retry_after_ms)
{
    struct answer_reader *r = &c->reader;
    struct llm_answer a = {.tries = c->tries};
    if (!err_is_set(&c->err) && !(r->ended && r->stopped))
        err_set(&c->err, "llm_stream_broken", "the answer broke off before its end");
    if (!err_is_set(&c->err))
        a.content = reader_content(r, &c->err);
    if (!a.content) {
        try_failed(c, retry_after_ms);
        return;
    }
    a.stop = r->stop;
    a.usage = r->usage;
    a.model = str_of(r->model ? r->model : "");
    a.id = str_of(r->id ? r->id : "");
    a.whole_ms = clock_mono_ms() - c->began;
    a.first_token_ms = r->first_at ? r->first_at - c->began : a.whole_ms;
    give(c, &a);
    json_decref(a.content);
}

/* ---- a try ---- */

static bool take_event(void *user, str type, str data)
{
    struct llm_call *c = user;
    return c->client.wire->read(&c->reader, type, data, &c->err);
}

static bool got_bytes(void *user, const struct http_head *head, str bytes)
{
    struct llm_call *c = user;
    bool stream = strncasecmp(head->content_type, "text/event-stream", 17) == 0;
    if (head->status != 200 || !stream) {
        buf_add_str(&c->error_body, str_sub(bytes, 0, ERROR_BODY_MAX - c->error_body.n));
        return true;
    }
    switch (sse_feed(&c->sse, bytes, take_event, c)) {
    case SSE_MORE:
        return true;
    case SSE_STOPPED:
        return false;
    case SSE_TOO_LARGE:
        break;
    }
    return err_set(&c->err, "llm_answer_too_large", "an event of the answer takes more than %d MiB",
                   SSE_EVENT_MAX >> 20);
}

static void http_done(void *user, const struct http_head *head, const struct err *err)
{
    struct llm_call *c = user;
    c->http = NULL;
    if (err && !err_is_set(&c->err)) {
        err_set(&c->err, err->code, "%.*s", STR_ARG(err->message));
        if (err->hint.n)
            err_hint(&c->err, "%.*s", STR_ARG(err->hint));
    } else if (!err_is_set(&c->err) && head->status != 200) {
        status_error(&c->client, head->status, buf_str(&c->error_body), &c->err);
    } else if (!err_is_set(&c->err) && c->error_body.n) {
        err_set(&c->err, "llm_not_a_stream",
                "the provider answered with %s where events were asked for",
                *head->content_type ? head->content_type : "no content type");
        err_hint(&c->err, "is base_url the address of the API?");
    }
    try_ended(c, head->retry_after_ms);
}

static void tell_recorded(struct llm_call *c)
{
    auto_buf text = BUF(LLM_ANSWER_MAX);
    struct llm_answer a = {.tries = 1};
    auto_err failure = ERR_INIT;
    if (record_read_failure(c->recorded, &failure)) {
        end_failed(c, &failure);
        return;
    }
    if (!record_read_answer(c->recorded, &a)) {
        err_set(&c->err, "llm_replay_diverged", "the record holds no answer to this call");
        fail(c);
        return;
    }
    a.was_kept = c->is_kept;
    llm_answer_text(&a, &text);
    if (text.n && c->listener.event)
        c->listener.event(c->listener.data, &(struct llm_event){LLM_TEXT, buf_str(&text)});
    give(c, &a);
}

static void begin_try(uv_timer_t *t)
{
    struct llm_call *c = t->data;
    c->tries++;
    sse_init(&c->sse);
    c->error_body = BUF(ERROR_BODY_MAX);
    c->reader = (struct answer_reader){.listener = &c->listener, .wants_output = c->wants_output};
    c->began = clock_mono_ms();
    if (c->recorded) {
        tell_recorded(c);
        return;
    }
    struct http_listener l = {got_bytes, http_done, c};
    c->http = http_start(c->llm->http, &c->request, &l, &c->err);
    if (!c->http)
        fail(c);
}

/* ---- the start ---- */

static void set_limits(struct llm_call *c, const struct llm_limits *l)
{
    static const struct llm_limits none;
    c->limits = l ? *l : none;
    const struct {
        int64_t *to, otherwise;
    } rows[] = {{&c->limits.connect_ms, LLM_CONNECT_MS},
                {&c->limits.first_byte_ms, LLM_FIRST_BYTE_MS},
                {&c->limits.between_bytes_ms, LLM_BETWEEN_BYTES_MS},
                {&c->limits.whole_ms, LLM_WHOLE_MS},
                {&c->limits.retry_first_ms, LLM_RETRY_FIRST_MS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (*rows[i].to <= 0)
            *rows[i].to = rows[i].otherwise;
    if (c->limits.tries <= 0)
        c->limits.tries = LLM_TRIES_MAX;
}

static bool check_key(const struct llm_client *client, str key, struct err *err)
{
    if (!client->key_name.n)
        return true;
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] <= ' ' || key.p[i] > '~') {
            err_set(err, "llm_no_key", "%.*s holds a character that no key has",
                    STR_ARG(client->key_name));
            err_hint(err, "set it again, without white space around it");
            return false;
        }
    if (key.n)
        return true;
    err_set(err, "llm_no_key", "%.*s needs a key, and %.*s is not set", STR_ARG(client->name),
            STR_ARG(client->key_name));
    err_hint(err, "plue secret set %.*s, or set the variable of that name",
             STR_ARG(client->key_name));
    return false;
}

/* What the network needs: libcurl, address, headers, body. */
static bool prepare(struct llm_call *c, const struct llm_request *q, struct err *err)
{
    char *headers[HTTP_HEADERS_MAX];
    if (!check_key(&c->client, c->key, err))
        return false;
    if (!c->llm->http && !(c->llm->http = http_new(c->llm->loop, err)))
        return false;
    size_t n = c->client.wire->headers(c->key, headers);
    for (size_t i = 0; i < n; i++)
        c->request.headers[i] = headers[i];
    c->request.headers[n] = str_dup(STR("content-type: application/json"));
    json_t *body = c->client.wire->body(&c->client, q);
    c->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    str base = c->client.base_url;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    c->request.url = arena_printf(&c->arena, "%.*s%s", STR_ARG(base), c->client.wire->path).p;
    c->request.body = str_of(c->body);
    c->request.connect_ms = c->limits.connect_ms;
    c->request.first_byte_ms = c->limits.first_byte_ms;
    c->request.between_bytes_ms = c->limits.between_bytes_ms;
    c->request.whole_ms = c->limits.whole_ms;
    return c->body || err_set(err, "llm_bad_request", "the request is no valid UTF-8");
}

struct llm_call *llm_start(struct llm *l, const struct llm_client *client, str key,
                           const struct llm_request *q, const struct llm_limits *limits,
                           const struct llm_listener *listener, struct err *err)
{
    struct llm_call *c = mem_zalloc(sizeof *c);
    *c = (struct llm_call){.llm = l, .next = l->calls, .client = *client, .listener = *listener};
    str *texts[] = {&c->client.name, &c->client.model, &c->client.base_url, &c->client.key_name};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_str(&c->arena, *texts[i]);
    c->key = arena_str(&c->arena, key);
    c->wants_output = wire_output(client, q) == OUTPUT_TOOL;
    c->timer = mem_zalloc(sizeof *c->timer);
    uv_timer_init(l->loop, c->timer);
    c->timer->data = c;
    l->calls = c;
    set_limits(c, limits);
    c->asked = l->record ? record_question(client, q) : NULL;
    c->is_kept = q->kept != NULL;
    bool ok = true;
    if (q->kept) {
        c->recorded = json_incref(q->kept);
    } else if (l->replay) {
        ok = (c->recorded = json_incref(llm_recorded_take(l->replay, client, q, err))) != NULL;
    } else {
        ok = prepare(c, q, err);
    }
    if (!ok) {
        llm_cancel(c);
        return NULL;
    }
    uv_timer_start(c->timer, begin_try, 0, 0);
    return c;
}
