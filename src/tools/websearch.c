/* websearch: an API of Brave's form (api-dashboard.search.brave.com, Web Search), asked by this
 * process: the key is never in the sandbox, and the sandbox has no network for it. */
#include "llm/http.h"
#include "tools/tools_int.h"
#include "json/json.h"

enum {
    SEARCH_RESULTS_MAX = 5,
    SEARCH_QUERY_MAX = 400, /* bytes, as the API has it */
    SEARCH_ANSWER_MAX = 4 << 20,
    SEARCH_WHOLE_MS = 30 * 1000,
};

struct search {
    struct http_call *http;
    struct buf body;
    uv_timer_t *stopped;
};

static void timer_closed(uv_handle_t *h)
{
    free(h);
}

static void drop(struct tool_call *c)
{
    struct search *s = c->search;
    if (s->stopped)
        uv_close((uv_handle_t *)s->stopped, timer_closed);
    buf_done(&s->body);
    free(s);
    c->search = NULL;
}

/* ---- what was found ---- */

static json_t *read_results(json_t *answer)
{
    json_t *all = json_object_get(json_object_get(answer, "web"), "results"), *r;
    json_t *found = json_array();
    size_t i;
    json_array_foreach(all, i, r)
    {
        if (json_array_size(found) < SEARCH_RESULTS_MAX && json_get_text(r, "url").n)
            json_array_append_new(found, json_pack("{s:O?, s:O, s:O?}", "title",
                                                   json_object_get(r, "title"), "url",
                                                   json_object_get(r, "url"), "snippet",
                                                   json_object_get(r, "description")));
    }
    return found;
}

static void explain_status(long status, struct err *err)
{
    if (status == 401 || status == 403 || status == 422)
        err_set(err, "websearch_failed",
                "the search API refused the request or its key (status %ld)", status);
    else if (status == 429)
        err_set(err, "websearch_failed",
                "the search API asks to wait (status 429): search again later, or go on without");
    else
        err_set(err, "websearch_failed", "the search API answered with status %ld", status);
}

static void answer(struct tool_call *c, const struct http_head *head, struct err *err)
{
    auto_err wrong = ERR_INIT;
    json_t *j = NULL;
    if (head->status != 200) {
        explain_status(head->status, err);
        return;
    }
    if (!(j = json_parse(buf_str(&c->search->body), STR("answer"), 0, &wrong))) {
        err_set(err, "websearch_failed", "the search API's answer is no JSON: %.*s",
                STR_ARG(wrong.message));
        return;
    }
    json_t *found = read_results(j);
    auto_free char *text = json_dumps(found, JSON_COMPACT | JSON_PRESERVE_ORDER);
    auto_buf clipped = BUF(8 * TOOLS_TEXT_MAX);
    json_decref(found);
    json_decref(j);
    tools_clip(str_of(text), &clipped);
    drop(c);
    tool_done(c, buf_str(&clipped), false);
}

static bool on_body(void *data, const struct http_head *head, str bytes)
{
    struct tool_call *c = data;
    (void)head;
    buf_add_str(&c->search->body, bytes);
    return !c->search->body.overflow;
}

static void on_done(void *data, const struct http_head *head, const struct err *failed)
{
    struct tool_call *c = data;
    auto_err err = ERR_INIT;
    if (failed)
        err_set(&err, "websearch_failed", "the search API cannot be asked: %.*s",
                STR_ARG(failed->message));
    else if (c->search->body.overflow)
        err_set(&err, "websearch_failed", "the search API's answer is longer than %d MiB",
                SEARCH_ANSWER_MAX >> 20);
    else
        answer(c, head, &err); /* without an error the call is gone */
    if (!err_is_set(&err))
        return;
    drop(c);
    tool_failed(c, &err);
}

/* ---- the start and the end by others ---- */

static void add_query(struct buf *b, str query)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < query.n; i++) {
        unsigned char c = (unsigned char)query.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            buf_add_byte(b, (char)c);
            continue;
        }
        buf_add_byte(b, '%');
        buf_add_byte(b, hex[c >> 4]);
        buf_add_byte(b, hex[c & 15]);
    }
}

/* It is a line of the request's head. */
static bool check_key(const struct tools_options *o, struct err *err)
{
    for (size_t i = 0; i < o->search_key.n; i++)
        if (o->search_key.p[i] <= ' ' || o->search_key.p[i] > '~')
            return err_set(err, "websearch_failed", "%.*s holds a character that no key has",
                           STR_ARG(o->search_key_name));
    return true;
}

bool websearch_begin(struct tool_call *c, struct err *err)
{
    struct tools *t = c->tools;
    const struct tools_options *o = &t->options;
    str query = tool_text(c, "query");
    auto_buf url = BUF(1 << 16), key = BUF(1 << 16);
    if (!query.n || query.n > SEARCH_QUERY_MAX)
        return err_set(err, "tool_arguments", "a query has from 1 to %d bytes", SEARCH_QUERY_MAX);
    if (o->search_off)
        return err_set(err, "websearch_failed", "nothing is searched in a replay");
    if (!check_key(o, err))
        return false;
    if (!t->http && !(t->http = http_new(o->loop, err)))
        return false;
    buf_addf(&url, "%.*s%cq=", STR_ARG(o->search_url),
             str_has(o->search_url, STR("?")) ? '&' : '?');
    add_query(&url, query);
    buf_addf(&url, "&count=%d&text_decorations=false", SEARCH_RESULTS_MAX);
    buf_addf(&key, "X-Subscription-Token: %.*s", STR_ARG(o->search_key));
    struct http_request q = {
        .url = buf_c(&url),
        .headers = {"Accept: application/json", o->search_key.n ? buf_c(&key) : NULL},
        .connect_ms = SEARCH_WHOLE_MS,
        .first_byte_ms = SEARCH_WHOLE_MS,
        .between_bytes_ms = SEARCH_WHOLE_MS,
        .whole_ms = SEARCH_WHOLE_MS};
    const struct http_listener l = {on_body, on_done, c};
    c->search = mem_zalloc(sizeof *c->search);
    c->search->body = BUF(SEARCH_ANSWER_MAX);
    c->search->http = http_start(t->http, &q, &l, err);
    if (!c->search->http)
        drop(c);
    return c->search != NULL;
}

static void on_stopped(uv_timer_t *timer)
{
    struct tool_call *c = timer->data;
    auto_err err = ERR_INIT;
    err_set(&err, "cancelled", "the search was cancelled");
    drop(c);
    tool_failed(c, &err);
}

void websearch_stop(struct tool_call *c)
{
    struct search *s = c->search;
    if (s->stopped)
        return;
    http_cancel(s->http);
    s->stopped = mem_zalloc(sizeof *s->stopped);
    uv_timer_init(c->tools->options.loop, s->stopped);
    s->stopped->data = c;
    uv_timer_start(s->stopped, on_stopped, 0, 0);
}
