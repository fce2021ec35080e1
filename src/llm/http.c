#include "llm/http.h"
#include "base/num.h"
#include "llm/curl_int.h"

struct http {
    uv_loop_t *loop;
    const struct curl_api *curl;
    CURLM *multi;
    uv_timer_t *timer; /* curl's own */
    size_t calls;
};

struct watch { /* a socket of curl's */
    uv_poll_t poll;
    struct http *http;
    curl_socket_t socket;
};

struct http_call {
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    struct http_listener listener;
    struct http_head head;
    uv_timer_t *quiet; /* since the last byte */
    int64_t between_bytes_ms;
    bool inside, cancelled, refused, silent, any;
    char message[CURL_ERROR_SIZE];
};

static void freed(uv_handle_t *h)
{
    free(h);
}

static uv_timer_t *timer_new(uv_loop_t *loop, void *data)
{
    uv_timer_t *t = mem_zalloc(sizeof *t);
    uv_timer_init(loop, t);
    t->data = data;
    return t;
}

/* ---- the end of a call ---- */

static void call_free(struct http_call *c)
{
    const struct curl_api *curl = c->http->curl;
    (void)curl->multi_remove_handle(c->http->multi, c->easy);
    curl->easy_cleanup(c->easy);
    curl->slist_free_all(c->headers);
    uv_close((uv_handle_t *)c->quiet, freed);
    c->http->calls--;
    free(c->body);
    free(c);
}

static const struct {
    CURLcode curl;
    const char *code, *hint;
} problems[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "llm_dns", "look at base_url and at this machine's name service"},
    {CURLE_COULDNT_RESOLVE_PROXY, "llm_dns", "look at the variables http_proxy and https_proxy"},
    {CURLE_COULDNT_CONNECT, "llm_connect", "look at base_url; is the server running?"},
    {CURLE_SSL_CONNECT_ERROR, "llm_tls", "does the server speak TLS at this address?"},
    {CURLE_PEER_FAILED_VERIFICATION, "llm_tls",
     "the server's certificate must be signed by an authority that this machine trusts"},
    {CURLE_SSL_CACERT_BADFILE, "llm_tls", "install Debian's package ca-certificates"},
    {CURLE_OPERATION_TIMEDOUT, "llm_timeout", "the provider is slow or cannot be reached"},
    {CURLE_URL_MALFORMAT, "llm_bad_url", "mend base_url in .plue/config.yaml"},
    {CURLE_UNSUPPORTED_PROTOCOL, "llm_bad_url", "base_url begins with https:// or http://"},
};

static void describe(const struct http_call *c, CURLcode code, struct err *err)
{
    const char *more = *c->message ? c->message : c->http->curl->easy_strerror(code);
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        if (problems[i].curl == code) {
            err_set(err, problems[i].code, "%s", more);
            err_hint(err, "%s", problems[i].hint);
            return;
        }
    err_set(err, "llm_stream_broken", "the connection broke: %s", more);
}

static void finish(struct http_call *c, CURLcode code)
{
    auto_err err = ERR_INIT;
    if (c->silent) {
        err_set(&err, "llm_timeout",
                c->any ? "no more bytes came for %lld seconds"
                       : "no answer began within %lld seconds",
                (long long)(uv_timer_get_repeat(c->quiet) + 999) / 1000);
        err_hint(&err, "the provider is slow or cannot be reached");
    } else if (code != CURLE_OK && !c->refused) {
        describe(c, code, &err);
    }
    if (!c->cancelled)
        c->listener.done(c->listener.data, &c->head, err_is_set(&err) ? &err : NULL);
    call_free(c);
}

static void look_for_ends(struct http *h)
{
    const CURLMsg *m;
    int left;
    while ((m = h->curl->multi_info_read(h->multi, &left))) {
        char *c = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        h->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
        finish((struct http_call *)(void *)c, code);
    }
}

/* ---- curl on the loop ---- */

static void act(struct http *h, curl_socket_t socket, int flags)
{
    int running;
    (void)h->curl->multi_socket_action(h->multi, socket, flags, &running);
    look_for_ends(h);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *w = poll->data;
    act(w->http, w->socket,
        status < 0 ? CURL_CSELECT_ERR
                   : (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                         (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *socket_data)
{
    struct http *h = user;
    struct watch *w = socket_data;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, freed);
            h->curl->multi_assign(h->multi, socket, NULL);
        }
        return 0;
    }
    if (!w) {
        w = mem_zalloc(sizeof *w);
        w->http = h;
        w->socket = socket;
        w->poll.data = w;
        if (uv_poll_init_socket(h->loop, &w->poll, socket) != 0) {
            free(w);
            return -1;
        }
        h->curl->multi_assign(h->multi, socket, w);
    }
    uv_poll_start(&w->poll,
                  (what & CURL_POLL_IN ? UV_READABLE : 0) |
                      (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_poll);
    return 0;
}

static void on_timer(uv_timer_t *t)
{
    act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wish(CURLM *multi, long ms, void *user)
{
    struct http *h = user;
    (void)multi;
    if (ms < 0)
        uv_timer_stop(h->timer);
    else
        uv_timer_start(h->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

struct http *http_new(uv_loop_t *loop, struct err *err)
{
    const struct curl_api *curl = curl_open(err);
    if (!curl)
        return NULL;
    struct http *h = mem_zalloc(sizeof *h);
    *h = (struct http){.loop = loop, .curl = curl, .multi = curl->multi_init()};
    h->timer = timer_new(loop, h);
    curl->multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl->multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl->multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
    curl->multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    return h;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    (void)h->curl->multi_cleanup(h->multi); /* tells of kept connections' sockets */
    uv_close((uv_handle_t *)h->timer, freed);
    free(h);
}

/* ---- a call ---- */

static void on_quiet(uv_timer_t *t)
{
    struct http_call *c = t->data;
    c->silent = true;
    finish(c, CURLE_OPERATION_TIMEDOUT);
}

static void read_head(struct http_call *c)
{
    const struct curl_api *curl = c->http->curl;
    curl_off_t after = 0;
    char *type = NULL;
    curl->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->head.status);
    curl->easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
    curl->easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after);
    c->head.content_type = type ? type : "";
    c->head.retry_after_ms = after > 0 ? (int64_t)after * 1000 : -1;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *user)
{
    struct http_call *c = user;
    c->any = true;
    uv_timer_set_repeat(c->quiet, (uint64_t)c->between_bytes_ms);
    uv_timer_again(c->quiet);
    read_head(c);
    c->inside = true;
    bool ok = c->listener.body(c->listener.data, &c->head, str_make(bytes, size * n));
    c->inside = false;
    c->refused = !ok;
    return ok && !c->cancelled ? size * n : CURL_WRITEFUNC_ERROR;
}

/* Headers without a body (a status alone) pass here too, so that the last look sees them. */
static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    (void)bytes;
    read_head(user);
    return size * n;
}

static void set_options(struct http_call *c, const struct http_request *q)
{
    const struct curl_api *curl = c->http->curl;
    CURL *e = c->easy;
    curl->easy_setopt(e, CURLOPT_PRIVATE, c);
    curl->easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(e, CURLOPT_ERRORBUFFER, c->message);
    curl->easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    if (q->body.p) {
        curl->easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
        curl->easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
    }
    curl->easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    curl->easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl->easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl->easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
    curl->easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)q->whole_ms);
}

struct http_call *http_start(struct http *h, const struct http_request *q,
                             const struct http_listener *l, struct err *err)
{
    struct http_call *c = mem_zalloc(sizeof *c);
    *c = (struct http_call){.http = h, .listener = *l, .between_bytes_ms = q->between_bytes_ms};
    c->head.content_type = "";
    c->head.retry_after_ms = -1;
    c->easy = h->curl->easy_init();
    c->body = q->body.p ? str_dup(q->body) : NULL;
    c->quiet = timer_new(h->loop, c);
    h->calls++;
    for (size_t i = 0; q->headers[i]; i++)
        c->headers = h->curl->slist_append(c->headers, q->headers[i]);
    c->headers = h->curl->slist_append(c->headers, "Expect:");
    set_options(c, q);
    if (h->curl->easy_setopt(c->easy, CURLOPT_URL, q->url) != CURLE_OK ||
        h->curl->multi_add_handle(h->multi, c->easy) != CURLM_OK) {
        call_free(c);
        err_set(err, "llm_bad_url", "'%s' is no address that can be called", q->url);
        return NULL;
    }
    uv_timer_start(c->quiet, on_quiet, (uint64_t)q->first_byte_ms, (uint64_t)q->first_byte_ms);
    return c;
}

void http_cancel(struct http_call *c)
{
    c->cancelled = true;
    if (!c->inside)
        call_free(c);
}
