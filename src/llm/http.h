/* http: outgoing requests whose answers are streamed, by libcurl's multi interface on the loop.
 * libcurl is opened by the first http_new: whoever makes no request does not pay for it.
 * Follows no redirects, speaks http and https only, retries nothing. */
#ifndef LLM_HTTP_H
#define LLM_HTTP_H
#include "diag/err.h"
#include <uv.h>

enum { HTTP_HEADERS_MAX = 8 };

struct http_request {
    const char *url;
    const char *headers[HTTP_HEADERS_MAX + 1]; /* "name: value", up to a NULL */
    str body; /* copied; of a NULL one the method is GET, else POST */
    int64_t connect_ms, first_byte_ms, between_bytes_ms, whole_ms;
};
struct http_head {
    long status;
    const char *content_type; /* "" where there is none; borrowed */
    int64_t retry_after_ms;   /* -1: none */
};
struct http_listener {
    /* The body, piece by piece; false ends the request, with done. */
    bool (*body)(void *data, const struct http_head *head, str bytes);
    /* Last. err is NULL where the answer came whole; the request is gone afterwards. */
    void (*done)(void *data, const struct http_head *head, const struct err *err);
    void *data;
};

struct http;
struct http_call;
struct http *http_new(uv_loop_t *loop, struct err *err) must_use;
/* No call may be left. */
void http_free(struct http *h);
struct http_call *http_start(struct http *h, const struct http_request *q,
                             const struct http_listener *l, struct err *err) must_use;
/* No callback comes any more. Also from within a callback. */
void http_cancel(struct http_call *c);

#endif
